/* Cuts the weights of each layer into units, pieces whose gradient is made and applied at a time,
 * and deals them to ranks: first those of columns that a rank has in forward anyway, then even
 * shares of the rest. Which rank has a unit changes no bit. */
#include <config.h>

#include "base/memory.h"
#include "plan/internal.h"
#include "plan/lanes.h"

enum { UNIT_FLOATS = 64 << 10 }; /* of a unit's inputs: 256 KiB in L2 */

typedef struct unit_shape {
  uint32_t inputs; /* a multiple of the tile and of 16: pieces of the back copy are whole panels */
  size_t panels;
} unit_shape;

/* As many inputs as leave the slice of the activations in the second-level cache, but units enough
 * for an even deal. */
static unit_shape shape_units(const gr_plan *plan, const gr_kernels *kernels) {
  size_t least = kernels->tile_rows;
  while (least % 16) least += kernels->tile_rows;
  size_t inputs = UNIT_FLOATS / (plan->batch_rows ? plan->batch_rows : 1), total = 0;
  for (uint32_t l = 0; l < plan->n_layers; l++)
    total += plan->layer[l].n_in * plan->layer[l].panels_out;
  const size_t panels = kernels->tile_panels * (kernels->tile_panels > 1 ? 1 : 2),
               even = total / panels / (32 * (size_t)plan->n_ranks);
  if (plan->n_ranks > 1 && inputs > even) inputs = even;
  inputs = inputs / least * least;
  if (inputs < least) inputs = least;
  if (inputs > UINT32_MAX / 2) inputs = UINT32_MAX / 2 / least * least;
  return (unit_shape){(uint32_t)inputs, panels};
}

/* The units of panels [first, end) of a layer, inputs in the outer loop; units NULL: only their
 * number. */
static size_t add_units(const gr_plan *plan, uint32_t l, unit_shape shape, size_t first, size_t end,
                        gr_unit *units) {
  const uint32_t n_in = plan->layer[l].n_in;
  size_t n = 0;
  for (uint32_t i = 0; i < n_in; i += shape.inputs)
    for (size_t p = first; p < end; p += shape.panels, n++)
      if (units)
        units[n] =
            (gr_unit){.layer = l,
                      .input = i,
                      .n_inputs = n_in - i < shape.inputs ? n_in - i : shape.inputs,
                      .panel = (uint32_t)p,
                      .n_panels = (uint32_t)(end - p < shape.panels ? end - p : shape.panels)};
  return n;
}

/* What a unit costs beside its weights, in inputs of a panel. */
#define UNIT_COST 8.0

static double unit_cost(const gr_unit *u) {
  return (double)u->n_inputs * u->n_panels + UNIT_COST;
}

static double cost_of(const gr_unit *units, size_t n) {
  double sum = 0;
  for (size_t i = 0; i < n; i++) sum += unit_cost(&units[i]);
  return sum;
}

/* The units of rank `rank`: first those of layers whose columns it owns in forward, then from the
 * common ones (others[*next..n)) until it has its share of `total`. */
static size_t deal_rank(const gr_plan *plan, int rank, unit_shape shape, const gr_unit *others,
                        size_t n_others, size_t *next, double *left, gr_unit *units) {
  size_t n = 0;
  for (uint32_t l = 0; l < plan->n_layers; l++) {
    if (!gr_plan_owns_columns(plan, l)) continue;
    size_t first, end;
    gr_plan_panels(plan, plan->layer[l].panels_out, rank, plan->n_ranks, &first, &end);
    n += add_units(plan, l, shape, first, end, units ? units + n : NULL);
  }
  const double share = *left / (plan->n_ranks - rank);
  double mine = units ? cost_of(units, n) : 0;
  const bool last = rank + 1 == plan->n_ranks;
  while (units && *next < n_others && (last || mine + unit_cost(&others[*next]) / 2 <= share)) {
    mine += unit_cost(&others[*next]);
    units[n++] = others[(*next)++];
  }
  *left -= mine;
  return n;
}

gradus_status gr_plan_units(gr_plan *plan, const gr_kernels *kernels, gradus_error *err) {
  const unit_shape shape = shape_units(plan, kernels);
  size_t n_others = 0, n_owned = 0, next = 0;
  double total = 0;
  for (uint32_t l = 0; l < plan->n_layers; l++)
    if (!gr_plan_owns_columns(plan, l))
      n_others += add_units(plan, l, shape, 0, plan->layer[l].panels_out, NULL);
  for (int r = 0; r < plan->n_ranks; r++)
    n_owned += deal_rank(plan, r, shape, NULL, 0, &next, &total, NULL);
  plan->n_units = n_owned + n_others;
  plan->units = gr_alloc(plan->n_units, sizeof *plan->units);
  plan->first_unit = gr_calloc((size_t)plan->n_ranks + 1, sizeof *plan->first_unit);
  gr_unit *others = gr_alloc(n_others ? n_others : 1, sizeof *others);
  if (!plan->units || !plan->first_unit || !others) {
    gr_free(others);
    return gr_fail_memory(err, "the plan");
  }
  size_t n = 0;
  for (uint32_t l = 0; l < plan->n_layers; l++)
    if (!gr_plan_owns_columns(plan, l))
      n += add_units(plan, l, shape, 0, plan->layer[l].panels_out, others + n);
  total = cost_of(others, n_others) + UNIT_COST * (double)n_owned;
  for (uint32_t l = 0; l < plan->n_layers; l++)
    if (gr_plan_owns_columns(plan, l))
      total += (double)plan->layer[l].n_in * (double)plan->layer[l].panels_out;
  n = 0;
  for (int r = 0; r < plan->n_ranks; r++) {
    plan->first_unit[r] = n;
    n += deal_rank(plan, r, shape, others, n_others, &next, &total, plan->units + n);
  }
  plan->first_unit[plan->n_ranks] = plan->n_units = n;
  gr_free(others);
  return GRADUS_OK;
}
