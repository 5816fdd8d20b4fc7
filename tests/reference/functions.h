/* The scalar functions of the arithmetic contract, for the reference trainer alone: the formulas
 * that src/kernel/elementary.h documents, written again. */
#ifndef GR_TESTS_REFERENCE_FUNCTIONS_H
#define GR_TESTS_REFERENCE_FUNCTIONS_H

#include <stddef.h>
#include <stdint.h>

#include "reference/reference.h"

float ref_exp(float x);
float ref_log(float x); /* x positive and normal */
float ref_sigmoid(float x);
float ref_tanh(float x);

/* Activations that are functions of one number, in the order of ref_activation
 * (reference/reference.h): value and slope as they are stored. */
void ref_curve(int kind, float z, float *value, float *slope);

/* Output and slope of a neuron that has alpha of its activation, times the factor of dropout; z in
 * h becomes what the gradient of alpha wants. */
void ref_parametric(int kind, float alpha, float factor, float *h, float *a, float *slope);

/* ln(1 + e) for e in [0, 1]; q^g for q in [0, 1]. */
float ref_log_one_plus(float e);
float ref_unit_power(float q, float g);

/* Philox4x32-10 of Salmon et al. 2011. */
void ref_philox(const uint32_t counter[4], uint64_t key, uint32_t out[4]);

/* +0 for what lies below 2^-100 in magnitude. */
float ref_flush(float x);

/* x^n, squaring from the lowest bit of n up. */
double ref_power(double x, unsigned long n);

/* 16 partials added 8, 4, 2 and 1 apart; they are written over. */
float ref_tree_of_16(float *partial);

/* Layer normalisation: z in h [n] becomes zhat; gain zhat + shift goes to y, 1 / deviation to root.
 */
void ref_normalize(const float *gain, const float *shift, size_t n, float *h, float *y,
                   float *root);

/* dC/dz, into d, of dC/d(gain zhat + shift) in y. */
void ref_normalize_back(const float *gain, size_t n, const float *h, const float *y, float root,
                        float *d);

/* The loss of a sample; z of the last layer in a becomes its outputs, dC/dz goes to d. */
float ref_sample_loss(const ref_recipe *recipe, const ref_sample *s, float *a, float *d);

#endif
