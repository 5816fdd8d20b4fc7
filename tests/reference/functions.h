/* The scalar functions of the arithmetic contract, for the reference trainer alone: the formulas
 * that src/kernel/elementary.h documents, written again. */
#ifndef GR_TESTS_REFERENCE_FUNCTIONS_H
#define GR_TESTS_REFERENCE_FUNCTIONS_H

float ref_exp(float x);
float ref_log(float x); /* x positive and normal */
float ref_sigmoid(float x);
float ref_tanh(float x);

/* +0 for what lies below 2^-100 in magnitude. */
float ref_flush(float x);

/* x^n, squaring from the lowest bit of n up. */
double ref_power(double x, unsigned long n);

#endif
