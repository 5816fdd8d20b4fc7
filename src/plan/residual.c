/* Residuals: a layer whose outputs are added to those of a later one, or the inputs. dC/da of that
 * one then flows to it unchanged, so that both are wanted before their slopes are applied; and in
 * an evaluation its outputs stay until they have been added. */
#include <config.h>

#include "plan/internal.h"

/* Whether the outputs of layer l are added to those of another one. */
static bool is_added(const gr_plan *plan, uint32_t l) {
  for (uint32_t k = l + 1; k < plan->n_layers; k++)
    if (plan->layer[k].residual == k - l) return true;
  return false;
}

/* The last layer that reads the outputs of layer m, counted from 1; 0: the inputs. */
static uint32_t last_reader(const gr_plan *plan, uint32_t m) {
  uint32_t last = m + 1;
  for (uint32_t k = m + 1; k <= plan->n_layers; k++)
    if (plan->layer[k - 1].residual == k - m) last = k;
  return last;
}

/* The first buffer in which nothing lies that layer m, or one above it, still reads. */
static uint32_t free_slot(const gr_plan *plan, uint32_t m) {
  for (uint32_t slot = 0;; slot++) {
    bool taken = false;
    for (uint32_t k = 0; k < m; k++)
      taken |= plan->eval_slot[k] == slot && last_reader(plan, k) >= m;
    if (!taken) return slot;
  }
}

/* The slope of a layer cannot be taken from outputs to which others have been added; that of one
 * which is added itself is kept so that all of them are applied alike. The identity has none. */
void gr_plan_residuals(gr_plan *plan) {
  for (uint32_t l = 0; l < plan->n_layers; l++) {
    gr_plan_layer *layer = &plan->layer[l];
    layer->keeps_gradient = layer->residual > 0 || is_added(plan, l);
    if (layer->keeps_gradient && layer->activation != GR_IDENTITY) layer->keeps_slope = true;
  }
  plan->eval_slots = 2;
  for (uint32_t m = 1; m <= plan->n_layers; m++) {
    plan->eval_slot[m] = free_slot(plan, m);
    if (plan->eval_slot[m] >= plan->eval_slots) plan->eval_slots = plan->eval_slot[m] + 1;
  }
}
