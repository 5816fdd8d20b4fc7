/* Making an engine, and carrying parameters between their logical order (row-major weights, then
 * biases) and the blocked one. */
#include <config.h>

#include "exec/engine.h"

#include <string.h>

#include "base/memory.h"
#include "exec/internal.h"
#include "exec/machine.h"
#include "exec/team.h"
#include "plan/lanes.h"

/* One float of every page from `base` on. */
static void touch(float *base, size_t n_floats) {
  enum { PAGE_FLOATS = 1024 };
  volatile float *page = base;
  for (size_t i = 0; i < n_floats; i += PAGE_FLOATS) page[i] = 0;
}

/* A rank is the first to touch what it will use most: its rows of activations and deltas, its units
 * of weights and moments, its scratch. The system then puts those pages near it. */
static void touch_share(void *context, int rank) {
  const gr_engine *engine = context;
  const gr_plan *plan = &engine->plan;
  uint64_t row, end;
  touch(gr_at(engine, plan->eval + (size_t)rank * plan->eval_rank), plan->eval_rank);
  if (plan->inference_only) return;
  gr_plan_rows(plan, plan->batch_rows, rank, 1, &row, &end);
  if (plan->own_inputs)
    touch(gr_at(engine, plan->input + (size_t)rank * plan->input_rank), plan->input_rank);
  else
    touch(gr_at(engine, plan->input + row * plan->ld_input), (end - row) * plan->ld_input);
  for (uint32_t l = 0; l < plan->n_layers; l++) {
    const gr_plan_layer *layer = &plan->layer[l];
    touch(gr_at(engine, layer->a + row * layer->ld), (end - row) * layer->ld);
    touch(gr_at(engine, layer->delta + row * layer->ld), (end - row) * layer->ld);
    if (layer->keeps_slope)
      touch(gr_at(engine, layer->slope + row * layer->ld), (end - row) * layer->ld);
    if (layer->normalization == GR_NORMALIZATION_NONE) continue;
    touch(gr_at(engine, layer->zhat + row * layer->ld), (end - row) * layer->ld);
    touch(gr_at(engine, layer->dy + row * layer->ld), (end - row) * layer->ld);
  }
  for (size_t i = plan->first_unit[rank]; i < plan->first_unit[rank + 1]; i++) {
    const gr_unit *u = &plan->units[i];
    const gr_plan_layer *layer = &plan->layer[u->layer];
    for (size_t p = 0; p < u->n_panels; p++) {
      const size_t at = layer->weights + 16 * ((u->panel + p) * layer->n_in + u->input);
      touch(gr_at(engine, plan->parameters + at), 16 * (size_t)u->n_inputs);
      for (int k = 0; k < gr_optimizers[plan->optimizer].moments; k++)
        touch(gr_at(engine, plan->moment[k] + at), 16 * (size_t)u->n_inputs);
    }
  }
  touch(gr_at(engine, plan->scratch + (size_t)rank * plan->scratch_rank), plan->scratch_rank);
}

/* All zeros, its pages near those that use them. */
static float *make_arena(gr_engine *engine) {
  engine->arena = gr_arena_allocate(&engine->plan.arena);
  if (!engine->arena) return NULL;
  if (engine->plan.n_ranks > 1) gr_team_run(engine->plan.n_ranks, touch_share, NULL, engine);
  return memset(engine->arena, 0, engine->plan.arena.n_floats * sizeof(float));
}

gradus_status gr_engine_create(const gr_network *network, const gr_config *config,
                               const gr_engine_resources *resources, bool inference_only,
                               gr_engine **out, gradus_error *err) {
  gradus_status status;
  gr_isa isa;
  GR_TRY(gr_isa_choose(resources->isa, &isa, err));
  GR_TRY(gr_team_probe(resources->threads, err));
  gr_engine *engine = gr_calloc(1, sizeof *engine);
  if (!engine) return gr_fail_memory(err, "the engine");
  engine->kernels = gr_kernels_of(isa);
  engine->config = *config;
  for (uint32_t i = 0; i < config->training.n_quantiles; i++)
    engine->levels[i] = (float)config->training.quantiles[i];
  const gr_scope scope = gr_optimizers[config->optimizer.name].scope;
  const gr_machine machine = gr_machine_measure(
      engine->kernels, inference_only || resources->strategy >= 0 ? 1 : resources->threads);
  const gr_plan_request request = {.network = network,
                                   .batch_rows = (uint64_t)config->training.batch_size,
                                   .lane_rows = (uint64_t)config->training.lane_rows,
                                   .optimizer = (gr_optimizer)config->optimizer.name,
                                   .inference_only = inference_only,
                                   .passes = (uint64_t)config->training.accumulate,
                                   .norms = config->optimizer.clip_norm > 0,
                                   .directs = scope == GR_SCOPE_LAYER,
                                   .compares = scope == GR_SCOPE_RUN,
                                   .searches = scope == GR_SCOPE_SEARCH,
                                   .constrains = config->optimizer.max_norm > 0,
                                   .averages = config->average.name != GR_AVERAGE_NONE,
                                   .threads = gr_team_available(resources->threads),
                                   .strategy = resources->strategy,
                                   .forced = resources->strategy >= 0,
                                   .machine = &machine};
  GR_TRY_ELSE(fail, gr_plan_make(&request, engine->kernels, &engine->plan, err));
  engine->pace = gr_pace_make(engine->plan.n_ranks > 1 && !request.forced,
                              engine->plan.step_flops / machine.flops, engine->plan.batch_rows);
  status = gr_fail_memory(err, "parameters, activations and gradients");
  engine->pinned = gr_team_pin(engine->plan.n_ranks, resources->pin);
  engine->lane_sums = gr_calloc(engine->plan.n_lanes, sizeof *engine->lane_sums);
  for (int i = 0; i < 2; i++)
    engine->update[i] = gr_calloc(engine->plan.n_layers, sizeof *engine->update[i]);
  engine->rank_finite = gr_calloc((size_t)engine->plan.n_ranks, 64);
  engine->row_squares = gr_calloc(engine->plan.n_rows, sizeof *engine->row_squares);
  for (int i = 0; i < 2; i++)
    engine->row_sums[i] = gr_calloc(engine->plan.n_rows, sizeof *engine->row_sums[i]);
  if (engine->plan.searches && !inference_only)
    engine->products = gr_calloc(gr_lbfgs_sums() * engine->plan.n_rows, sizeof(double));
  if (!make_arena(engine) || !engine->update[0] || !engine->update[1] || !engine->lane_sums ||
      !engine->rank_finite || !engine->row_squares || !engine->row_sums[0] ||
      !engine->row_sums[1] || (engine->plan.searches && !inference_only && !engine->products))
    goto fail;
  GR_TRY_ELSE(fail, gr_phases_make(&engine->phases, engine->plan.n_ranks, err));
  engine->spins = gr_team_spins(engine->plan.n_ranks);
  *out = engine;
  return GRADUS_OK;
fail:
  gr_engine_destroy(engine);
  return status;
}

void gr_engine_destroy(gr_engine *engine) {
  if (!engine) return;
  gr_team_unpin(engine->plan.n_ranks, engine->pinned);
  gr_phases_free(&engine->phases);
  gr_plan_free(&engine->plan);
  gr_free_aligned(engine->arena);
  for (int i = 0; i < 2; i++) gr_free(engine->update[i]);
  gr_free(engine->lane_sums);
  gr_free(engine->rank_finite);
  gr_free(engine->row_squares);
  for (int i = 0; i < 2; i++) gr_free(engine->row_sums[i]);
  gr_free(engine->products);
  gr_free(engine);
}

/* Position of weight (o, i) in a layer's panels. */
static size_t panel_index(const gr_plan_layer *layer, size_t o, size_t i) {
  return (o / 16 * layer->n_in + i) * 16 + o % 16;
}

static void pack(const gr_plan *plan, const float *logical, float *blocked) {
  for (uint32_t l = 0; l < plan->n_layers; l++) {
    const gr_plan_layer *layer = &plan->layer[l];
    for (size_t o = 0; o < layer->n_out; o++)
      for (size_t i = 0; i < layer->n_in; i++)
        blocked[layer->weights + panel_index(layer, o, i)] = *logical++;
    for (uint32_t v = 0; v < layer->n_vectors; v++, logical += layer->n_out)
      memcpy(blocked + layer->bias + 16 * layer->panels_out * v, logical,
             layer->n_out * sizeof(float));
  }
}

static void unpack(const gr_plan *plan, const float *blocked, float *logical) {
  for (uint32_t l = 0; l < plan->n_layers; l++) {
    const gr_plan_layer *layer = &plan->layer[l];
    for (size_t o = 0; o < layer->n_out; o++)
      for (size_t i = 0; i < layer->n_in; i++)
        *logical++ = blocked[layer->weights + panel_index(layer, o, i)];
    for (uint32_t v = 0; v < layer->n_vectors; v++, logical += layer->n_out)
      memcpy(logical, blocked + layer->bias + 16 * layer->panels_out * v,
             layer->n_out * sizeof(float));
  }
}

/* The back copies of all layers but the first. */
static void refresh_back(gr_engine *engine) {
  const gr_plan *plan = &engine->plan;
  for (uint32_t l = 1; l < plan->n_layers && !plan->inference_only; l++) {
    const gr_plan_layer *layer = &plan->layer[l];
    for (size_t p = 0; p < layer->panels_out; p++) {
      size_t n = layer->n_out - 16 * p < 16 ? layer->n_out - 16 * p : 16;
      engine->kernels->transpose_panel(
          layer->n_in, n, gr_at(engine, plan->parameters + layer->weights + 16 * p * layer->n_in),
          gr_at(engine, layer->back + 256 * p), 16 * (size_t)layer->n_out);
    }
  }
}

void gr_engine_load(gr_engine *engine, const float *parameters,
                    const float *const moment[GR_MAX_MOMENTS]) {
  const gr_plan *plan = &engine->plan;
  const int trained =
      gr_optimizers[plan->optimizer].moments; /* where the weights are, if averaged */
  const bool averaged = plan->averages && moment && moment[trained];
  pack(plan, averaged ? moment[trained] : parameters, gr_at(engine, plan->parameters));
  if (plan->averages) pack(plan, parameters, gr_at(engine, plan->average));
  refresh_back(engine);
  engine->recalled = false;
  for (int k = 0; k < gr_optimizers[plan->optimizer].moments && !plan->inference_only; k++) {
    float *blocked = gr_at(engine, plan->moment[k]);
    memset(blocked, 0, plan->n_blocked * sizeof(float));
    if (moment && moment[k]) pack(plan, moment[k], blocked);
  }
}

void gr_engine_store(const gr_engine *engine, float *parameters,
                     float *const moment[GR_MAX_MOMENTS]) {
  const gr_plan *plan = &engine->plan;
  const int trained = gr_optimizers[plan->optimizer].moments;
  unpack(plan, gr_at(engine, plan->averages ? plan->average : plan->parameters), parameters);
  if (plan->averages && moment && moment[trained])
    unpack(plan, gr_at(engine, plan->parameters), moment[trained]);
  for (int k = 0; k < gr_optimizers[plan->optimizer].moments && !plan->inference_only; k++)
    if (moment && moment[k]) unpack(plan, gr_at(engine, plan->moment[k]), moment[k]);
}

void gr_engine_bind_inputs(gr_engine *engine, const gr_rows *rows) {
  float *shift = gr_at(engine, engine->plan.shift), *factor = gr_at(engine, engine->plan.factor);
  for (size_t j = 0; j < engine->plan.layer[0].n_in; j++) {
    shift[j] = (float)rows->shift[j];
    factor[j] = (float)rows->factor[j];
  }
}

void gr_engine_gather(const gr_engine *engine, const gr_rows *rows, const uint64_t *index, size_t n,
                      const uint64_t *next, size_t n_next, float *dst, size_t ld) {
  const gr_gather g = {.n_rows = n,
                       .n_columns = engine->plan.layer[0].n_in,
                       .index = index,
                       .next = next,
                       .n_next = n_next,
                       .x = rows->x,
                       .type = rows->x_type,
                       .shift = gr_at(engine, engine->plan.shift),
                       .factor = gr_at(engine, engine->plan.factor),
                       .shift_double = rows->shift,
                       .factor_double = rows->factor,
                       .expansion = rows->expansion,
                       .dst = dst,
                       .ld = ld};
  engine->kernels->gather(&g);
}

void gr_engine_loss(const gr_engine *engine, const gr_rows *rows, gr_loss_rows *l) {
  const gr_config *c = &engine->config;
  const gr_plan_layer *out = &engine->plan.layer[engine->plan.n_layers - 1];
  l->loss = engine->plan.loss;
  l->activation = out->activation;
  l->n_out = out->n_out;
  l->ld = out->ld;
  l->class_index = rows->class_index;
  l->targets = rows->targets;
  l->parameter = l->loss == GR_HUBER     ? (float)c->training.huber_delta
                 : l->loss == GR_TWEEDIE ? (float)c->training.tweedie_power
                                         : (float)c->training.focal_gamma;
  l->smoothing = l->loss == GR_CROSS_ENTROPY ? (float)c->training.label_smoothing : 0.0f;
  l->levels = engine->levels;
  l->n_levels = l->loss == GR_QUANTILE ? c->training.n_quantiles : 0;
}

const float *gr_engine_first_delta(const gr_engine *engine, size_t *ld) {
  *ld = engine->plan.layer[0].ld;
  return gr_at(engine, engine->plan.layer[0].delta);
}

void gr_engine_offset(const gr_rows *rows, const gr_loss_rows *l) {
  for (size_t r = 0; rows->offset && r < l->n_rows; r++) {
    const float offset = rows->offset[l->index[r]];
    float *z = l->a + r * l->ld;
    for (size_t j = 0; j < l->n_out; j++) z[j] += offset;
  }
}

void gr_engine_describe(const gr_engine *engine, gr_text *out) {
  gr_plan_describe(&engine->plan, out);
  gr_text_printf(out, "kernels       %s, %d thread%s\n", gr_engine_isa(engine),
                 engine->plan.n_ranks, engine->plan.n_ranks == 1 ? "" : "s");
}

gr_engine_resources gr_engine_partition(const gr_engine *engine) {
  return (gr_engine_resources){.threads = engine->plan.n_ranks,
                               .isa = (int)engine->kernels->isa,
                               .strategy = (int)engine->plan.strategy};
}

int gr_engine_threads(const gr_engine *engine) {
  return engine->plan.n_ranks;
}

const char *gr_engine_isa(const gr_engine *engine) {
  return gr_isa_names[engine->kernels->isa];
}

uint32_t gr_engine_outputs(const gr_engine *engine) {
  return engine->plan.layer[engine->plan.n_layers - 1].n_out;
}
