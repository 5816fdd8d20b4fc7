/* Limited-memory BFGS with a line search, one evaluation at a time, for the reference trainer:
 * products are taken anew from the vectors wherever they are wanted. */
#ifndef GR_TESTS_REFERENCE_LBFGS_H
#define GR_TESTS_REFERENCE_LBFGS_H

#include "reference/reference.h"

enum { REF_PAIRS = 10 };

struct ref_lbfgs {
  float *x, *g, *d, *s[REF_PAIRS], *y[REF_PAIRS]; /* the model, its gradient, direction, memory */
  int started, zooming, returns, ended;
  size_t newest, pairs, trials, still;
  double t, f0, norm; /* of the point to be evaluated; at x */
  double t_low, f_low, slope_low, t_high, f_high, slope_high;
};

/* At x, which is copied. */
struct ref_lbfgs *ref_lbfgs_make(const ref_recipe *recipe, const float *x);
void ref_lbfgs_free(struct ref_lbfgs *memory); /* accepts NULL */

/* The weights w have been evaluated: objective and the sums of its gradient over samples, which are
 * overwritten. They become those to be evaluated next. */
void ref_lbfgs_step(const ref_recipe *recipe, struct ref_lbfgs *memory, float *w, double objective,
                    float *gradient, float scale, double rate);

#endif
