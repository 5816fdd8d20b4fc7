/* The weight gradient and the update, in the two ways that ranks can share them: tiles of the
 * weights through all lanes (also where forward is split by columns), or whole gradients of a
 * rank's own lanes, reduced afterwards. */
#include <config.h>

#include <string.h>

#include "exec/step.h"
#include "plan/lanes.h"

size_t gr_gradient_at(const gr_plan *plan, const gr_unit *u, size_t p) {
  const gr_plan_layer *layer = &plan->layer[u->layer];
  return layer->weights + 16 * ((u->panel + p) * (size_t)layer->n_in + u->input);
}

static float *unit_weights(const gr_engine *engine, const gr_unit *u, size_t base, size_t p) {
  return gr_at(engine, base + gr_gradient_at(&engine->plan, u, p));
}

/* A unit's share of a layer's operands: rows [first, first + n), inputs and panels of the unit. */
static gr_weight_gradient unit_operands(const gr_engine *engine, int rank, const gr_unit *u,
                                        uint64_t first, uint64_t n) {
  const gr_plan_layer *layer = &engine->plan.layer[u->layer];
  gr_weight_gradient w = {.n_rows = n,
                          .lane_rows = engine->plan.lane_rows,
                          .n_inputs = u->n_inputs,
                          .n_panels = u->n_panels,
                          .delta = gr_at(engine, layer->delta + first * layer->ld + 16 * u->panel),
                          .ldd = layer->ld};
  w.a = gr_layer_input(engine, rank, u->layer, first, &w.lda) + u->input;
  return w;
}

void gr_gradient_renew_back(const gr_engine *engine, const gr_unit *u) {
  const gr_plan_layer *layer = &engine->plan.layer[u->layer];
  const size_t back_panel = 16 * (size_t)layer->n_out;
  for (size_t p = 0; u->layer > 0 && p < u->n_panels; p++) {
    const size_t o = 16 * (u->panel + p), n = layer->n_out - o < 16 ? layer->n_out - o : 16;
    engine->kernels->transpose_panel(
        u->n_inputs, n, unit_weights(engine, u, engine->plan.parameters, p),
        gr_at(engine, layer->back + u->input / 16 * back_panel + 16 * o), back_panel);
  }
}

/* Where the gradient of a pass goes: above the partials of the passes before (base/tree.h). */
static size_t gradient_of_pass(const gr_step *s) {
  const gr_plan *plan = &s->engine->plan;
  return plan->gradient + (size_t)__builtin_popcountll(s->pass) * plan->n_blocked;
}

/* The place of a unit's part of panel p in the whole gradient, or NULL. */
static float *collected(const gr_step *s, const gr_unit *u, size_t p) {
  if (!s->engine->plan.whole_gradient) return NULL;
  return unit_weights(s->engine, u, gradient_of_pass(s), p);
}

/* Applies the summed gradients of a unit's vectors, `stride` floats apart, or puts them into the
 * whole gradient. */
static void finish_vectors(const gr_step *s, const gr_unit *u, const float *g, size_t stride) {
  const gr_plan *plan = &s->engine->plan;
  const size_t n = 16 * (size_t)u->n_panels;
  for (uint32_t v = 0; v < plan->layer[u->layer].n_trained; v++, g += stride) {
    const size_t at = gr_gradient_vector_at(plan, u, v);
    if (plan->whole_gradient)
      memcpy(gr_at(s->engine, gradient_of_pass(s) + at), g, n * sizeof(float));
    else
      gr_gradient_apply(s, &s->update[u->layer].bias, at, n, g);
  }
}

/* Sums over rows [first, end) of the gradients of the vectors of panels [panel, panel + n),
 * `stride` floats apart: deltas for the bias, dy zhat and dy for gain and shift. */
static void vector_sums(const gr_engine *engine, const gr_plan_layer *layer, uint64_t first,
                        uint64_t end, size_t panel, size_t n, float *g, size_t stride) {
  const size_t at = first * layer->ld + 16 * panel;
  if (layer->normalization == GR_NORMALIZATION_BATCH)
    memset(g, 0, 16 * n * sizeof *g); /* the mean takes the bias away: it stays */
  else
    engine->kernels->column_sums(end - first, n, gr_at(engine, layer->delta + at), layer->ld, g);
  if (layer->normalization == GR_NORMALIZATION_NONE) return;
  const float *dy = gr_at(engine, layer->dy + at);
  engine->kernels->column_products(end - first, n, dy, gr_at(engine, layer->zhat + at), layer->ld,
                                   g + stride);
  engine->kernels->column_sums(end - first, n, dy, layer->ld, g + 2 * stride);
}

void gr_gradient_apply(const gr_step *s, const gr_update_coefficients *u, size_t at, size_t n,
                       const float *g) {
  gr_engine *engine = s->engine;
  const gr_plan *plan = &engine->plan;
  const int moments = gr_optimizers[plan->optimizer].moments;
  engine->kernels->update(u, n, gr_at(engine, plan->parameters + at), g,
                          moments > 0 ? gr_at(engine, plan->moment[0] + at) : NULL,
                          moments > 1 ? gr_at(engine, plan->moment[1] + at) : NULL);
}

/* ----- strategy "tiles": a rank takes each of its units through all lanes ----- */

/* The gradients of the vectors of a unit's panels, lanes added by the tree; returns where they are,
 * 16 n_panels floats apart. */
static const float *tiles_vector_gradients(const gr_step *s, int rank, const gr_unit *u) {
  const gr_engine *engine = s->engine;
  const gr_plan *plan = &engine->plan;
  const gr_plan_layer *layer = &plan->layer[u->layer];
  const size_t stride = 16 * (size_t)u->n_panels, n = stride * layer->n_trained;
  float *slots = gr_at(engine, plan->scratch + (size_t)rank * plan->scratch_rank);
  size_t depth = 0;
  for (uint64_t lane = 0; lane < s->n_lanes; lane++) {
    uint64_t first = lane * plan->lane_rows,
             end = first + plan->lane_rows < s->n ? first + plan->lane_rows : s->n;
    vector_sums(engine, layer, first, end, u->panel, u->n_panels, slots + plan->slot * depth++,
                stride);
    for (unsigned m = gr_tree_merges(lane); m; m--, depth--)
      engine->kernels->add(n, slots + plan->slot * (depth - 2), slots + plan->slot * (depth - 1));
  }
  for (; depth > 1; depth--)
    engine->kernels->add(n, slots + plan->slot * (depth - 2), slots + plan->slot * (depth - 1));
  return slots;
}

static void tiles_unit(const gr_step *s, int rank, const gr_unit *u) {
  gr_engine *engine = s->engine;
  const gr_plan *plan = &engine->plan;
  const int moments = gr_optimizers[plan->optimizer].moments;
  gr_weight_gradient w = unit_operands(engine, rank, u, 0, s->n);
  w.panel_g = w.panel_w = 16 * (size_t)plan->layer[u->layer].n_in;
  w.g = collected(s, u, 0);
  w.update = w.g ? NULL : &s->update[u->layer].weights;
  w.w = unit_weights(engine, u, plan->parameters, 0);
  if (moments > 0) w.moment1 = unit_weights(engine, u, plan->moment[0], 0);
  if (moments > 1) w.moment2 = unit_weights(engine, u, plan->moment[1], 0);
  engine->kernels->weight_gradient(&w);
  if (engine->phases.on) gr_phase_end(&engine->phases, rank, GR_PHASE_WEIGHT_GRADIENT);
  if (!w.g) gr_gradient_renew_back(engine, u);
  if (u->input == 0)
    finish_vectors(s, u, tiles_vector_gradients(s, rank, u), 16 * (size_t)u->n_panels);
  if (engine->phases.on) gr_phase_end(&engine->phases, rank, GR_PHASE_UPDATE);
}

/* ----- strategy "lanes": a rank accumulates whole gradients of its lanes, all ranks then add and
 * apply them ----- */

/* The whole gradient of one lane, in the blocked layout. */
static void lane_gradient(const gr_step *s, uint64_t lane, float *slot) {
  const gr_engine *engine = s->engine;
  const gr_plan *plan = &engine->plan;
  uint64_t first = lane * plan->lane_rows,
           end = first + plan->lane_rows < s->n ? first + plan->lane_rows : s->n;
  for (uint32_t l = 0; l < plan->n_layers; l++) {
    const gr_plan_layer *layer = &plan->layer[l];
    const gr_unit whole = {
        .layer = l, .n_inputs = layer->n_in, .n_panels = (uint32_t)layer->panels_out};
    /* Inputs are never a rank's own where lanes are shared out: those of rank 0 are everybody's. */
    gr_weight_gradient w = unit_operands(engine, 0, &whole, first, end - first);
    w.g = slot + layer->weights;
    w.panel_g = 16 * (size_t)layer->n_in;
    engine->kernels->weight_gradient(&w);
    vector_sums(engine, layer, first, end, 0, layer->panels_out, slot + layer->bias,
                16 * layer->panels_out);
  }
}

/* One sum per aligned block of lanes, in order. */
void gr_gradient_accumulate(const gr_step *s, int rank) {
  const gr_engine *engine = s->engine;
  const gr_plan *plan = &engine->plan;
  float *slots = gr_at(engine, plan->scratch + (size_t)rank * plan->scratch_rank);
  uint64_t lane, end;
  gr_plan_rank_lanes(plan, s->n_lanes, rank, &lane, &end);
  for (size_t block = 0; lane < end; block++) {
    const uint64_t size = gr_tree_block(lane, end);
    size_t depth = block;
    for (uint64_t i = 0; i < size; i++) {
      lane_gradient(s, lane + i, slots + plan->slot * depth++);
      for (unsigned m = gr_tree_merges(i); m; m--, depth--)
        engine->kernels->add(plan->n_blocked, slots + plan->slot * (depth - 2),
                             slots + plan->slot * (depth - 1));
    }
    lane += size;
  }
}

/* A partial on the stack of the reduction: lanes [first, first + size), gradient at `slot`. */
typedef struct partial {
  uint64_t first, size;
  float *slot;
} partial;

static void add_slice(const gr_step *s, const gr_unit *u, float *sum, const float *addend) {
  const gr_plan_layer *layer = &s->engine->plan.layer[u->layer];
  for (size_t p = 0; p < u->n_panels; p++) {
    const size_t at = layer->weights + 16 * ((u->panel + p) * layer->n_in + u->input);
    s->engine->kernels->add(16 * (size_t)u->n_inputs, sum + at, addend + at);
  }
  for (uint32_t v = 0; u->input == 0 && v < layer->n_trained; v++) {
    const size_t at = gr_gradient_vector_at(&s->engine->plan, u, v);
    s->engine->kernels->add(16 * (size_t)u->n_panels, sum + at, addend + at);
  }
}

static void pop(const gr_step *s, const gr_unit *u, partial *stack, size_t *depth) {
  partial *below = &stack[*depth - 2], *top = &stack[*depth - 1];
  add_slice(s, u, below->slot, top->slot);
  below->size += top->size;
  --*depth;
}

/* Adds the slices of all ranks' partials for one unit by the tree, and applies them or puts them
 * into the whole gradient. */
static void lanes_unit(const gr_step *s, const gr_unit *u) {
  const gr_engine *engine = s->engine;
  const gr_plan *plan = &engine->plan;
  partial stack[2 * GR_TREE_DEPTH];
  size_t depth = 0;
  for (int rank = 0; rank < plan->n_ranks; rank++) {
    float *slots = gr_at(engine, plan->scratch + (size_t)rank * plan->scratch_rank);
    uint64_t lane, end;
    gr_plan_rank_lanes(plan, s->n_lanes, rank, &lane, &end);
    for (size_t block = 0; lane < end; block++) {
      stack[depth++] = (partial){lane, gr_tree_block(lane, end), slots + plan->slot * block};
      lane += stack[depth - 1].size;
      while (depth > 1 && stack[depth - 2].size == stack[depth - 1].size &&
             stack[depth - 2].first % (2 * stack[depth - 2].size) == 0)
        pop(s, u, stack, &depth);
    }
  }
  while (depth > 1) pop(s, u, stack, &depth);
  const float *sum = stack[0].slot;
  const size_t n = 16 * (size_t)u->n_inputs;
  for (size_t p = 0; p < u->n_panels; p++) {
    const size_t at = gr_gradient_at(plan, u, p);
    float *g = collected(s, u, p);
    if (g)
      memcpy(g, sum + at, n * sizeof(float));
    else
      gr_gradient_apply(s, &s->update[u->layer].weights, at, n, sum + at);
  }
  if (!plan->whole_gradient) gr_gradient_renew_back(engine, u);
  if (u->input == 0)
    finish_vectors(s, u, sum + gr_gradient_vector_at(plan, u, 0),
                   16 * plan->layer[u->layer].panels_out);
}

void gr_gradient_unit(const gr_step *s, int rank, const gr_unit *u) {
  if (s->engine->plan.strategy == GR_STRATEGY_LANES)
    lanes_unit(s, u);
  else
    tiles_unit(s, rank, u);
  if (!s->engine->plan.whole_gradient) return;
  /* The tree over passes; what is left of it is folded after the last one. */
  size_t depth = (size_t)__builtin_popcountll(s->pass) + 1;
  const size_t left = s->last ? 1 : depth - gr_tree_merges(s->pass);
  float *slots = gr_at(s->engine, s->engine->plan.gradient);
  for (; depth > left; depth--)
    add_slice(s, u, slots + (depth - 2) * s->engine->plan.n_blocked,
              slots + (depth - 1) * s->engine->plan.n_blocked);
}
