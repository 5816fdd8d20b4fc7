/* What optimisers make of one parameter and its mean gradient. */
#ifndef GR_TESTS_REFERENCE_UPDATES_H
#define GR_TESTS_REFERENCE_UPDATES_H

#include "reference/reference.h"

/* Parameter i by its mean gradient g; biases (not `decays`) do not decay. t: the step, from 1. */
void ref_update(const ref_recipe *recipe, ref_state *s, size_t i, float g, int decays, double rate,
                unsigned long t);

/* What lamb steps along. */
float ref_lamb_direction(const ref_recipe *recipe, float g, float decay, unsigned long t, float w,
                         float *m, float *v);

/* Within -limit and limit. */
float ref_clip(float g, float limit);

#endif
