/* What the reference trainer does before layer 1: dropout of inputs, and what is trained there. */
#ifndef GR_TESTS_REFERENCE_FRONT_H
#define GR_TESTS_REFERENCE_FRONT_H

#include "reference/reference.h"

/* One sample's outputs a[l] of each layer (a[0]: inputs), their slopes and dC/dz d[l]; and of
 * normalised layers zhat h[l], dC/d(gain zhat + shift) y[l] and 1 / deviation root[l]; of those
 * with a residual, or that are one, dC/da g[l]. Where inputs have factors, a[0] are their products
 * and h[0] the inputs. */
typedef struct pass {
  float a[REF_MAX_LAYERS + 1][REF_MAX_WIDTH], s[REF_MAX_LAYERS + 1][REF_MAX_WIDTH],
      d[REF_MAX_LAYERS + 1][REF_MAX_WIDTH], h[REF_MAX_LAYERS + 1][REF_MAX_WIDTH],
      y[REF_MAX_LAYERS + 1][REF_MAX_WIDTH], g[REF_MAX_LAYERS + 1][REF_MAX_WIDTH],
      root[REF_MAX_LAYERS + 1];
} pass;

/* Where a sample stands: what dropout depends on. */
typedef struct place {
  int trains;
  unsigned long step;
  size_t row; /* of the batch */
} place;

/* What dropout multiplies output `unit` of layer `layer` (0: inputs) with, in row `row` of the
 * batch of step `step`. */
float ref_kept(const ref_recipe *recipe, const place *at, size_t layer, size_t unit);

/* How many parameters the front has. `front` points at the first of them. */
size_t ref_front_parameters(const ref_recipe *recipe);

/* What layer 1 reads of inputs x. */
void ref_front(const ref_recipe *recipe, const float *front, const float *x, const place *at,
               pass *p);

/* From the deltas of layer 1, whose weights come first in `parameters`, to dC/d of what it reads.
 */
void ref_front_back(const ref_recipe *recipe, const float *parameters, pass *p);

/* A sample's gradient joins the chain of its lane. */
void ref_front_gradient(const ref_recipe *recipe, const pass *p, float *g);

/* Sums of squares for a norm, behind n others; returns how many there are then. */
size_t ref_front_squares(const ref_recipe *recipe, const float *front, double *rows, size_t n);

/* The update of the parameters from `first` on by scale times their gradient sums. */
void ref_front_update(const ref_recipe *recipe, ref_state *state, size_t first, float scale,
                      const float *gradient, double learning_rate, unsigned long t);

#endif
