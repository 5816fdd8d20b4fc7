/* Puts the operations of a step in order, and says after which of them ranks meet: wherever one
 * reads what another has written, and before weights change that others may still read.
 * tests/exec/test_order.c checks it against what each operation reads and writes. */
#include <config.h>

#include "plan/internal.h"

static void add_operation(gr_plan *plan, gr_operation kind, uint32_t layer) {
  plan->operation[plan->n_operations++] = (gr_plan_operation){.kind = kind, .layer = layer};
}

/* Whether it goes through all rows of the batch, a rank with the panels that it would have if
 * products were split by columns alone. */
static bool is_of_batch(const gr_plan *plan, const gr_plan_operation *o) {
  return (o->kind == GR_NORMALIZE || o->kind == GR_NORMALIZE_BACK) &&
         plan->layer[o->layer].normalization == GR_NORMALIZATION_BATCH;
}

/* Column groups of an operation: 1 = the rank has whole rows. */
static int operation_columns(const gr_plan *plan, const gr_plan_operation *o) {
  if (o->kind == GR_FORWARD) return plan->layer[o->layer].forward_columns;
  if (o->kind == GR_BACKWARD) return plan->layer[o->layer].backward_columns;
  return is_of_batch(plan, o) ? plan->n_ranks : 1;
}

/* Whether a rank has the rows of weights of its units for itself, in every layer. */
static bool owns_rows(const gr_plan *plan) {
  for (uint32_t l = 0; l < plan->n_layers; l++)
    if (!gr_plan_owns_columns(plan, l)) return false;
  return true;
}

/* Whether ranks meet before operation `o` because it reads what all of them made of the batch, or
 * changes weights that they may still read. Before a norm the weights are left alone, and the last
 * deltas may have been made by the very ranks that want them. */
static bool begins_gradient(const gr_plan *plan, const gr_plan_operation *o) {
  if (!plan->whole_gradient) return o->kind == GR_UPDATE;
  const bool own_deltas = plan->norms && plan->n_layers > 1 && gr_plan_owns_columns(plan, 0) &&
                          operation_columns(plan, o - 1) == plan->n_ranks;
  return o->kind == GR_GRADIENT && !own_deltas;
}

/* Ranks meet between two operations unless both work on the same whole rows of the batch; before
 * the gradient, which reads everybody's rows; and from there on unless both work on the same rows
 * of weights. */
static bool must_meet(const gr_plan *plan, const gr_plan_operation *o) {
  if (o->kind == GR_GRADIENT) return plan->norms && !owns_rows(plan);
  if (o->kind == GR_UPDATE) return !plan->constrains || !owns_rows(plan);
  if (o->kind == GR_NORM || o->kind == GR_DIRECTION || o->kind == GR_PAIR ||
      o->kind == GR_CONSTRAIN)
    return true;
  if (o[1].kind == GR_GRADIENT || o[1].kind == GR_UPDATE) return begins_gradient(plan, o + 1);
  if (is_of_batch(plan, o + 1)) return operation_columns(plan, o) != plan->n_ranks;
  return operation_columns(plan, o) > 1 ||
         (operation_columns(plan, o + 1) > 1 && !(o->kind == GR_GATHER && plan->own_inputs));
}

/* What can be done some rows at a time. */
static bool is_of_rows(gr_operation kind) {
  return kind == GR_FORWARD || kind == GR_NORMALIZE || kind == GR_LOSS || kind == GR_BACKWARD ||
         kind == GR_NORMALIZE_BACK;
}

void gr_plan_order(gr_plan *plan) {
  add_operation(plan, GR_GATHER, 0);
  for (uint32_t l = 0; l < plan->n_layers; l++) {
    add_operation(plan, GR_FORWARD, l);
    if (gr_plan_normalizes(plan, l)) add_operation(plan, GR_NORMALIZE, l);
  }
  add_operation(plan, GR_LOSS, 0);
  for (uint32_t l = plan->n_layers - 1; l > 0; l--) {
    add_operation(plan, GR_BACKWARD, l);
    if (gr_plan_normalizes(plan, l - 1)) add_operation(plan, GR_NORMALIZE_BACK, l - 1);
  }
  if (plan->strategy == GR_STRATEGY_LANES) add_operation(plan, GR_REDUCE, 0);
  if (plan->whole_gradient) {
    add_operation(plan, GR_GRADIENT, 0);
    if (plan->norms) add_operation(plan, GR_NORM, 0);
    if (plan->directs) add_operation(plan, GR_DIRECTION, 0);
    if (plan->searches) add_operation(plan, GR_PAIR, 0);
  }
  add_operation(plan, GR_UPDATE, 0);
  if (plan->constrains) add_operation(plan, GR_CONSTRAIN, 0);
  for (int i = 0; i < plan->n_operations; i++) {
    gr_plan_operation *o = &plan->operation[i];
    o->by_rows = is_of_rows(o->kind) && operation_columns(plan, o) == 1 && !is_of_batch(plan, o);
    if (i == 0 || o[-1].meet) plan->stage[plan->n_stages++] = i;
    o->meet = plan->n_ranks > 1 && must_meet(plan, o);
  }
}
