/* Where numbers have gone bad: read off what a step leaves behind, parameters and moments, and the
 * deltas and losses of its batch. Rare, so on one thread and in plain C; panels are padded, and
 * what is in the padding counts for nothing. Values are told by their bits, so that no mode of the
 * processor matters and the compiler can take many at once. */
#include <config.h>

#include <string.h>

#include "exec/internal.h"

static bool is_bad(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return (bits & UINT32_C(0x7f800000)) == UINT32_C(0x7f800000);
}

static bool any_bad(const float *x, size_t n) {
  unsigned bad = 0;
  for (size_t i = 0; i < n; i++) bad |= is_bad(x[i]);
  return bad != 0;
}

/* One layer's part of a blocked vector. */
static bool layer_is_bad(const gr_plan_layer *layer, const float *blocked) {
  const size_t whole = layer->n_out / 16, left = layer->n_out % 16;
  const float *w = blocked + layer->weights, *last = w + 16 * whole * layer->n_in;
  bool bad = any_bad(w, 16 * whole * layer->n_in);
  for (uint32_t v = 0; v < layer->n_vectors; v++)
    bad |= any_bad(blocked + layer->bias + 16 * layer->panels_out * v, layer->n_out);
  for (size_t i = 0; left && !bad && i < layer->n_in; i++) bad = any_bad(last + 16 * i, left);
  return bad;
}

static int bad_layer_of(const gr_plan *plan, const float *blocked) {
  if (plan->front.exists && any_bad(blocked + plan->front.scale, plan->front.n_columns))
    return GR_BAD_FRONT;
  for (uint32_t l = 0; l < plan->n_layers; l++)
    if (layer_is_bad(&plan->layer[l], blocked)) return (int)l + 1;
  return 0;
}

int gr_engine_bad_state(const gr_engine *engine, int *vector) {
  const gr_plan *plan = &engine->plan;
  int layer = bad_layer_of(plan, gr_at(engine, plan->parameters));
  *vector = 0;
  for (int m = 0; m < gr_optimizers[plan->optimizer].moments && !layer; m++) {
    *vector = m + 1;
    layer = bad_layer_of(plan, gr_at(engine, plan->moment[m]));
  }
  if (layer || !plan->averages) return layer;
  *vector = -1;
  return bad_layer_of(plan, gr_at(engine, plan->average));
}

int gr_engine_bad_delta(const gr_engine *engine, uint64_t n, uint64_t *row) {
  for (uint32_t l = engine->plan.n_layers; l > 0; l--) {
    const gr_plan_layer *layer = &engine->plan.layer[l - 1];
    for (uint64_t r = 0; r < n; r++)
      if (any_bad(gr_at(engine, layer->delta + r * layer->ld), layer->n_out))
        return *row = r, (int)l;
  }
  return 0;
}

uint64_t gr_engine_bad_losses(const gr_engine *engine, uint64_t n, uint64_t *row) {
  const float *loss = gr_at(engine, engine->plan.row_loss);
  uint64_t found = 0;
  for (uint64_t r = 0; r < n; r++)
    if (is_bad(loss[r])) row[found++] = r;
  return found;
}
