/* What optimisers make of one parameter and its mean gradient. */
#ifndef GR_TESTS_REFERENCE_UPDATES_H
#define GR_TESTS_REFERENCE_UPDATES_H

#include "reference/reference.h"

/* How a parameter learns otherwise than others: biases do not decay. */
typedef struct ref_group {
  double rate, scale; /* part of the learning rate; s of a matrix W = s W', else 1 */
  int decays;
} ref_group;

/* Those of the weights of layer l = 1.., or of its biases, gains and shifts. */
ref_group ref_group_of(const ref_recipe *recipe, size_t l, int weights);

/* Parameter i by its mean gradient g, times s. t: the step, from 1. */
void ref_update(const ref_recipe *recipe, ref_state *s, size_t i, float g, const ref_group *group,
                double rate, unsigned long t);

/* What lamb steps along. */
float ref_lamb_direction(const ref_recipe *recipe, float g, float decay, unsigned long t, float w,
                         float *m, float *v);

/* Within -limit and limit. */
float ref_clip(float g, float limit);

#endif
