/* What the files of this layer share. */
#ifndef GR_PLAN_INTERNAL_H
#define GR_PLAN_INTERNAL_H

#include "plan/plan.h"

/* Panels of n columns. */
static inline size_t gr_panels_of(size_t n) {
  return (n + 15) / 16;
}

static inline bool gr_plan_normalizes(const gr_plan *plan, uint32_t l) {
  return plan->layer[l].normalization != GR_NORMALIZATION_NONE;
}

/* Whether a data gradient goes through layer l, which then has a back copy. */
static inline bool gr_plan_goes_back(const gr_plan *plan, uint32_t l) {
  return l > 0 || plan->front.exists;
}

/* Whether the columns of a layer are shared among all ranks in forward. */
static inline bool gr_plan_owns_columns(const gr_plan *plan, uint32_t l) {
  return plan->n_ranks > 1 && plan->layer[l].forward_columns == plan->n_ranks;
}

/* Floats of the widest row: inputs or any layer's outputs. */
static inline size_t gr_plan_widest(const gr_plan *plan) {
  size_t most = plan->ld_input;
  for (uint32_t l = 0; l < plan->n_layers; l++)
    if (plan->layer[l].ld > most) most = plan->layer[l].ld;
  return most;
}

/* Cuts the weights into units and deals them to ranks; allocates. */
gradus_status gr_plan_units(gr_plan *plan, const gr_kernels *kernels, gradus_error *err);

/* What residuals make of layers: which keep slopes and dC/da, and which buffers an evaluation
 * has. */
void gr_plan_residuals(gr_plan *plan);

/* Puts the operations of a step in order, and ends stages where ranks must meet. */
void gr_plan_order(gr_plan *plan);

#endif
