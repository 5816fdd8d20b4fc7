/* One training step. What a rank does is a list of operations that the planner has put in order
 * (plan->operation): gather its rows, forward, loss, data gradients down to the first layer; then
 * the gradient of its units of weights, lanes added by the tree, update, back copy. Ranks meet
 * where the list says so, and always before and after the update: weights change only when all
 * ranks are done with the old ones. If a loss is not finite, nothing changes. Steps follow one
 * another inside one region of threads. */
#include <config.h>

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "exec/internal.h"
#include "exec/team.h"
#include "plan/lanes.h"

typedef struct step {
  gr_engine *engine;
  const gr_rows *rows;
  const gr_row_order *order;
  uint64_t start, n, n_lanes;
  uint64_t *index; /* [n] rows of this batch; `known` before its gather begins, or not */
  uint64_t *next;  /* [n_next] rows of the batch that follows, numbered in this one's gather */
  uint64_t n_next;
  bool known;
  double weight;
  gr_update_coefficients weights, biases;
} step;

static float *unit_weights(const gr_engine *engine, const gr_unit *u, size_t base, size_t p) {
  const gr_plan_layer *layer = &engine->plan.layer[u->layer];
  return gr_at(engine, base + layer->weights + 16 * ((u->panel + p) * layer->n_in + u->input));
}

/* Where row `row` of the input of layer l lies, and its stride. */
static const float *layer_input(const gr_engine *engine, uint32_t l, size_t row, size_t *ld) {
  const gr_plan *plan = &engine->plan;
  *ld = l ? plan->layer[l - 1].ld : plan->ld_input;
  return gr_at(engine, (l ? plan->layer[l - 1].a : plan->input) + row * *ld);
}

/* A rank's share of an operation: rows, and panels of its result. */
typedef struct share {
  uint64_t row, rows;
  size_t panel, panels;
} share;

static share share_of(const step *s, int rank, int columns, size_t n_panels) {
  const gr_plan *plan = &s->engine->plan;
  uint64_t first, end;
  size_t panel = 0, panel_end = n_panels;
  gr_plan_rows(plan, s->n, rank, columns, &first, &end);
  if (columns > 1) gr_plan_panels(plan, n_panels, rank, columns, &panel, &panel_end);
  return (share){first, end - first, panel, panel_end - panel};
}

/* Row numbers [first, end) of the batch at position `start` of the epoch. */
static void number_rows(const step *s, uint64_t start, uint64_t first, uint64_t end,
                        uint64_t *index) {
  const gr_row_order *order = s->order;
  s->engine->kernels->permute(&order->permutation, start + first, end - first, index + first);
  for (uint64_t r = first; order->map && r < end; r++) index[r] = order->map[index[r]];
}

/* The rank's rows; those that it will want next are named, so that they can be fetched meanwhile.
 */
static void gather_rows(const step *s, int rank) {
  const gr_engine *engine = s->engine;
  const gr_plan *plan = &engine->plan;
  const share mine = share_of(s, rank, 1, 0);
  uint64_t next = 0, next_end = 0;
  if (!s->known) number_rows(s, s->start, mine.row, mine.row + mine.rows, s->index);
  if (s->n_next > 0) gr_plan_rows(plan, s->n_next, rank, 1, &next, &next_end);
  number_rows(s, s->start + s->n, next, next_end, s->next);
  gr_engine_gather(engine, s->rows, s->index + mine.row, mine.rows, s->next + next, next_end - next,
                   gr_at(engine, plan->input + mine.row * plan->ld_input), plan->ld_input);
}

/* The share of an operation that a rank does at a time: `rows` of it, where it has whole rows. */
static share part_of(const step *s, int rank, int columns, size_t n_panels, const share *rows) {
  return columns == 1 ? (share){rows->row, rows->rows, 0, n_panels}
                      : share_of(s, rank, columns, n_panels);
}

static void forward_layer(const step *s, int rank, uint32_t l, const share *rows) {
  const gr_engine *engine = s->engine;
  const gr_plan *plan = &engine->plan;
  const gr_plan_layer *layer = &plan->layer[l];
  const share mine = part_of(s, rank, layer->forward_columns, layer->panels_out, rows);
  const bool raw = l + 1 == plan->n_layers && plan->loss == GR_CROSS_ENTROPY; /* the loss wants z */
  gr_forward f = {
      .n_rows = mine.rows,
      .n_panels = mine.panels,
      .depth = layer->n_in,
      .w = gr_at(engine, plan->parameters + layer->weights + 16 * mine.panel * layer->n_in),
      .bias = gr_at(engine, plan->parameters + layer->bias + 16 * mine.panel),
      .c = gr_at(engine, layer->a + mine.row * layer->ld + 16 * mine.panel),
      .ldc = layer->ld,
      .activation = raw ? GR_IDENTITY : layer->activation};
  f.a = layer_input(engine, l, mine.row, &f.lda);
  engine->kernels->forward(&f);
}

/* Losses and output deltas of rows; whether all losses of the rank so far are finite. */
static void loss_rows(const step *s, int rank, const share *rows) {
  const gr_engine *engine = s->engine;
  const uint64_t first = rows->row, end = rows->row + rows->rows;
  const gr_plan_layer *out = &engine->plan.layer[engine->plan.n_layers - 1];
  float *row_loss = gr_at(engine, engine->plan.row_loss);
  const gr_loss_rows l = {.loss = engine->plan.loss,
                          .activation = out->activation,
                          .n_rows = end - first,
                          .n_out = out->n_out,
                          .a = gr_at(engine, out->a + first * out->ld),
                          .delta = gr_at(engine, out->delta + first * out->ld),
                          .ld = out->ld,
                          .index = s->index + first,
                          .class_index = s->rows->class_index,
                          .targets = s->rows->targets,
                          .weight = s->rows->weight,
                          .row_loss = row_loss + first};
  engine->kernels->loss_rows(&l);
  unsigned char *finite = &engine->rank_finite[64 * rank];
  if (first == share_of(s, rank, 1, 0).row) *finite = 1;
  for (uint64_t r = first; r < end; r++) *finite &= isfinite(row_loss[r]) != 0;
}

static void backward_layer(const step *s, int rank, uint32_t l, const share *rows) {
  const gr_engine *engine = s->engine;
  const gr_plan_layer *layer = &engine->plan.layer[l], *below = layer - 1;
  const share mine = part_of(s, rank, layer->backward_columns, layer->panels_in, rows);
  const size_t at = mine.row * below->ld + 16 * mine.panel;
  const gr_backward b = {.n_rows = mine.rows,
                         .n_panels = mine.panels,
                         .depth = layer->n_out,
                         .delta = gr_at(engine, layer->delta + mine.row * layer->ld),
                         .ldd = layer->ld,
                         .w = gr_at(engine, layer->back + 16 * mine.panel * layer->n_out),
                         .a = gr_at(engine, below->a + at),
                         .c = gr_at(engine, below->delta + at),
                         .ldc = below->ld,
                         .activation = below->activation};
  engine->kernels->backward(&b);
}

/* A unit's share of a layer's operands: rows [first, first + n), inputs and panels of the unit. */
static gr_weight_gradient unit_operands(const gr_engine *engine, const gr_unit *u, uint64_t first,
                                        uint64_t n) {
  const gr_plan_layer *layer = &engine->plan.layer[u->layer];
  gr_weight_gradient w = {.n_rows = n,
                          .lane_rows = engine->plan.lane_rows,
                          .n_inputs = u->n_inputs,
                          .n_panels = u->n_panels,
                          .delta = gr_at(engine, layer->delta + first * layer->ld + 16 * u->panel),
                          .ldd = layer->ld};
  w.a = layer_input(engine, u->layer, first, &w.lda) + u->input;
  return w;
}

/* Renews a unit's part of the back copy. */
static void renew_back(const gr_engine *engine, const gr_unit *u) {
  const gr_plan_layer *layer = &engine->plan.layer[u->layer];
  const size_t back_panel = 16 * (size_t)layer->n_out;
  for (size_t p = 0; u->layer > 0 && p < u->n_panels; p++) {
    const size_t o = 16 * (u->panel + p), n = layer->n_out - o < 16 ? layer->n_out - o : 16;
    engine->kernels->transpose_panel(
        u->n_inputs, n, unit_weights(engine, u, engine->plan.parameters, p),
        gr_at(engine, layer->back + u->input / 16 * back_panel + 16 * o), back_panel);
  }
}

/* Applies the summed gradient of a unit's biases. */
static void update_biases(const step *s, const gr_unit *u, const float *g) {
  gr_engine *engine = s->engine;
  const gr_plan *plan = &engine->plan;
  const int moments = gr_optimizers[plan->optimizer].moments;
  const size_t at = plan->layer[u->layer].bias + 16 * u->panel;
  engine->kernels->update(&s->biases, 16 * (size_t)u->n_panels,
                          gr_at(engine, plan->parameters + at), g,
                          moments > 0 ? gr_at(engine, plan->moment[0] + at) : NULL,
                          moments > 1 ? gr_at(engine, plan->moment[1] + at) : NULL);
}

/* ----- strategy "tiles": a rank takes each of its units through all lanes ----- */

/* Column sums of the deltas of a unit's panels, lanes added by the tree; returns where they are. */
static const float *tiles_bias_gradient(const step *s, int rank, const gr_unit *u) {
  const gr_engine *engine = s->engine;
  const gr_plan *plan = &engine->plan;
  const gr_plan_layer *layer = &plan->layer[u->layer];
  const size_t n = 16 * (size_t)u->n_panels;
  float *slots = gr_at(engine, plan->scratch + (size_t)rank * plan->scratch_rank);
  size_t depth = 0;
  for (uint64_t lane = 0; lane < s->n_lanes; lane++) {
    uint64_t first = lane * plan->lane_rows,
             end = first + plan->lane_rows < s->n ? first + plan->lane_rows : s->n;
    engine->kernels->column_sums(end - first, u->n_panels,
                                 gr_at(engine, layer->delta + first * layer->ld + 16 * u->panel),
                                 layer->ld, slots + plan->slot * depth++);
    for (unsigned m = gr_tree_merges(lane); m; m--, depth--)
      engine->kernels->add(n, slots + plan->slot * (depth - 2), slots + plan->slot * (depth - 1));
  }
  for (; depth > 1; depth--)
    engine->kernels->add(n, slots + plan->slot * (depth - 2), slots + plan->slot * (depth - 1));
  return slots;
}

static void tiles_unit(const step *s, int rank, const gr_unit *u) {
  gr_engine *engine = s->engine;
  const gr_plan *plan = &engine->plan;
  const int moments = gr_optimizers[plan->optimizer].moments;
  gr_weight_gradient w = unit_operands(engine, u, 0, s->n);
  w.update = &s->weights;
  w.panel_w = 16 * (size_t)plan->layer[u->layer].n_in;
  w.w = unit_weights(engine, u, plan->parameters, 0);
  if (moments > 0) w.moment1 = unit_weights(engine, u, plan->moment[0], 0);
  if (moments > 1) w.moment2 = unit_weights(engine, u, plan->moment[1], 0);
  engine->kernels->weight_gradient(&w);
  if (engine->phases.on) gr_phase_end(&engine->phases, rank, GR_PHASE_WEIGHT_GRADIENT);
  renew_back(engine, u);
  if (u->input == 0) update_biases(s, u, tiles_bias_gradient(s, rank, u));
  if (engine->phases.on) gr_phase_end(&engine->phases, rank, GR_PHASE_UPDATE);
}

/* ----- strategy "lanes": a rank accumulates whole gradients of its lanes, all ranks then add and
 * apply them ----- */

/* The whole gradient of one lane, in the blocked layout. */
static void lane_gradient(const step *s, uint64_t lane, float *slot) {
  const gr_engine *engine = s->engine;
  const gr_plan *plan = &engine->plan;
  uint64_t first = lane * plan->lane_rows,
           end = first + plan->lane_rows < s->n ? first + plan->lane_rows : s->n;
  for (uint32_t l = 0; l < plan->n_layers; l++) {
    const gr_plan_layer *layer = &plan->layer[l];
    const gr_unit whole = {
        .layer = l, .n_inputs = layer->n_in, .n_panels = (uint32_t)layer->panels_out};
    gr_weight_gradient w = unit_operands(engine, &whole, first, end - first);
    w.g = slot + layer->weights;
    w.panel_g = 16 * (size_t)layer->n_in;
    engine->kernels->weight_gradient(&w);
    engine->kernels->column_sums(end - first, layer->panels_out, w.delta, w.ldd,
                                 slot + layer->bias);
  }
}

/* Sums of this rank's lanes, one per aligned block, in its slots in order. */
static void lanes_accumulate(const step *s, int rank) {
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

static void add_slice(const step *s, const gr_unit *u, float *sum, const float *addend) {
  const gr_plan_layer *layer = &s->engine->plan.layer[u->layer];
  for (size_t p = 0; p < u->n_panels; p++) {
    const size_t at = layer->weights + 16 * ((u->panel + p) * layer->n_in + u->input);
    s->engine->kernels->add(16 * (size_t)u->n_inputs, sum + at, addend + at);
  }
  const size_t bias = layer->bias + 16 * u->panel;
  if (u->input == 0) s->engine->kernels->add(16 * (size_t)u->n_panels, sum + bias, addend + bias);
}

static void pop(const step *s, const gr_unit *u, partial *stack, size_t *depth) {
  partial *below = &stack[*depth - 2], *top = &stack[*depth - 1];
  add_slice(s, u, below->slot, top->slot);
  below->size += top->size;
  --*depth;
}

/* Adds the slices of all ranks' partials for one unit by the tree and applies them. */
static void lanes_unit(const step *s, const gr_unit *u) {
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
  const int moments = gr_optimizers[plan->optimizer].moments;
  const float *sum = stack[0].slot;
  for (size_t p = 0; p < u->n_panels; p++) {
    const size_t at = plan->layer[u->layer].weights +
                      16 * ((u->panel + p) * (size_t)plan->layer[u->layer].n_in + u->input);
    engine->kernels->update(&s->weights, 16 * (size_t)u->n_inputs,
                            gr_at(engine, plan->parameters + at), sum + at,
                            moments > 0 ? gr_at(engine, plan->moment[0] + at) : NULL,
                            moments > 1 ? gr_at(engine, plan->moment[1] + at) : NULL);
  }
  renew_back(engine, u);
  if (u->input == 0) update_biases(s, u, sum + plan->layer[u->layer].bias + 16 * (size_t)u->panel);
}

/* ----- the step ----- */

/* Sum over rows of weight * value (value NULL: of weight), in double, by lanes and their tree. */
static double lane_sum(const step *s, const float *value) {
  const gr_engine *engine = s->engine;
  const uint64_t *index = s->index;
  const float *weight = s->rows->weight;
  for (uint64_t lane = 0; lane < s->n_lanes; lane++) {
    double sum = 0;
    for (uint64_t r = lane * engine->plan.lane_rows;
         r < s->n && r < (lane + 1) * engine->plan.lane_rows; r++) {
      const double w = weight ? (double)weight[index[r]] : 1;
      sum += value ? w * (double)value[r] : w;
    }
    engine->lane_sums[lane] = sum;
  }
  return gr_tree_sum(engine->lane_sums, s->n_lanes);
}

/* The first layer with an output that is not finite, and the row: 0 = the inputs. */
static int find_bad_layer(const step *s, uint64_t *bad_row) {
  const gr_engine *engine = s->engine;
  const uint64_t *index = s->index;
  for (uint32_t l = 0; l <= engine->plan.n_layers; l++) {
    const size_t width = l ? engine->plan.layer[l - 1].n_out : engine->plan.layer[0].n_in;
    for (uint64_t r = 0; r < s->n; r++) {
      size_t ld;
      const float *a = layer_input(engine, l, r, &ld);
      for (size_t j = 0; j < width; j++)
        if (!isfinite(a[j])) return *bad_row = index[r], (int)l;
    }
  }
  return -1;
}

/* The sum of the weights of the rows that the step is going to take. */
static double batch_weight(const step *s) {
  if (!s->rows->weight) return (double)s->n;
  if (!s->known) number_rows(s, s->start, 0, s->n, s->index);
  return lane_sum(s, NULL);
}

/* Steps under way. A step's numbers are written by rank 0 while the others may still read those of
 * the step before: there are two of them. */
typedef struct steps {
  const gr_run *run;
  step at[2];
  gr_step_result result;
  uint64_t done, rows_done;
  uint64_t first_round; /* number of the step that is round 0 of the region */
  bool stop;
} steps;

/* The numbers of step `number` of the run, rows from `start`. */
static void prepare(steps *all, uint64_t number, uint64_t start) {
  const gr_run *run = all->run;
  step *s = &all->at[number % 2];
  const gr_plan *plan = &s->engine->plan;
  uint64_t *half[2] = {(uint64_t *)(void *)gr_at(s->engine, plan->index),
                       (uint64_t *)(void *)gr_at(s->engine, plan->index + plan->index_half)};
  const uint64_t left = run->end - start, batch = plan->batch_rows;
  s->start = start;
  s->n = left < batch ? left : batch;
  s->n_next = left - s->n < batch ? left - s->n : batch;
  s->n_lanes = gr_lane_count(s->n, plan->lane_rows);
  s->index = half[number % 2];
  s->next = half[(number + 1) % 2];
  s->known = number > 0;
  s->weight = batch_weight(s);
  const uint64_t step_number = run->step + number;
  gr_update_prepare(&s->engine->config, step_number, run->learning_rate(run->user, step_number),
                    s->weight, &s->weights, &s->biases);
}

static bool is_finite(const gr_engine *engine) {
  bool finite = true;
  for (int r = 0; r < engine->plan.n_ranks; r++) finite &= engine->rank_finite[64 * r];
  return finite;
}

/* What rank 0 does beside its units: reports this step, and prepares the next. */
static void end_step(steps *all, const step *s, bool finite) {
  const gr_run *run = all->run;
  gr_step_result *result = &all->result;
  *result = (gr_step_result){.loss = lane_sum(s, gr_at(s->engine, s->engine->plan.row_loss)),
                             .weight = s->weight,
                             .finite = finite};
  all->rows_done += s->n;
  all->done++;
  const bool more = run->after ? run->after(run->user, result, s->n) : true;
  all->stop = !more || !finite || all->done == run->n_steps || s->start + s->n == run->end;
  if (!all->stop) prepare(all, all->done, s->start + s->n);
}

static void update(steps *all, const step *s, int rank) {
  const gr_plan *plan = &s->engine->plan;
  const bool finite = is_finite(s->engine);
  for (size_t i = plan->first_unit[rank]; finite && i < plan->first_unit[rank + 1]; i++) {
    if (plan->strategy == GR_STRATEGY_LANES)
      lanes_unit(s, &plan->units[i]);
    else
      tiles_unit(s, rank, &plan->units[i]);
  }
  if (rank == 0) end_step(all, s, finite);
}

static void operate(steps *all, const step *s, int rank, const gr_plan_operation *o,
                    const share *rows) {
  static const gr_phase phase[] = {[GR_GATHER] = GR_PHASE_GATHER,
                                   [GR_FORWARD] = GR_PHASE_FORWARD,
                                   [GR_LOSS] = GR_PHASE_LOSS,
                                   [GR_BACKWARD] = GR_PHASE_DATA_GRADIENT,
                                   [GR_REDUCE] = GR_PHASE_WEIGHT_GRADIENT,
                                   [GR_UPDATE] = GR_PHASE_UPDATE};
  switch (o->kind) {
    case GR_GATHER:
      gather_rows(s, rank);
      break;
    case GR_FORWARD:
      forward_layer(s, rank, o->layer, rows);
      break;
    case GR_LOSS:
      loss_rows(s, rank, rows);
      break;
    case GR_BACKWARD:
      backward_layer(s, rank, o->layer, rows);
      break;
    case GR_REDUCE:
      lanes_accumulate(s, rank);
      break;
    case GR_UPDATE:
      update(all, s, rank);
      break;
  }
  if (s->engine->phases.on) gr_phase_end(&s->engine->phases, rank, phase[o->kind]);
}

/* The next of the pieces, as equal as can be, that `left` rows are cut into. */
static uint64_t next_rows(uint64_t left, uint64_t most) {
  if (left <= most) return left;
  const uint64_t pieces = (left + most - 1) / most;
  return (left + pieces - 1) / pieces;
}

/* Operations that a rank does on whole rows, one after another: they take some rows at a time, so
 * that what one has written is in cache for the next. */
static void operate_by_rows(steps *all, const step *s, int rank, const gr_plan_operation *first,
                            const gr_plan_operation *end) {
  const share all_rows = share_of(s, rank, 1, 0);
  const uint64_t last = all_rows.row + all_rows.rows, most = s->engine->plan.block_rows;
  share part = {.row = all_rows.row};
  do { /* once also for no rows */
    part.rows = next_rows(last - part.row, most);
    for (const gr_plan_operation *o = first; o < end; o++) operate(all, s, rank, o, &part);
    part.row += part.rows;
  } while (part.row < last);
}

/* The operations of one rank between two meetings. */
static void run_stage(void *context, int rank, int stage, uint64_t round) {
  steps *all = context;
  const step *s = &all->at[(all->first_round + round) % 2];
  gr_engine *engine = s->engine;
  const gr_plan_operation *o = &engine->plan.operation[engine->plan.stage[stage]],
                          *end = engine->plan.operation + engine->plan.n_operations;
  if (engine->phases.on) gr_phase_begin(&engine->phases, rank);
  for (bool over = false; !over && o < end;) {
    const gr_plan_operation *first = o++;
    over = first->meet;
    if (!first->by_rows) {
      operate(all, s, rank, first, NULL);
      continue;
    }
    for (; !over && o < end && o->by_rows; o++) over = o->meet;
    operate_by_rows(all, s, rank, first, o);
  }
}

/* Some of the steps in one region. */
static void run_some(steps *all, uint64_t n_steps) {
  gr_engine *engine = all->at[0].engine;
  const double start = engine->pace.enabled ? gr_clock_now() : 0;
  const uint64_t rows = all->rows_done;
  all->first_round = all->done;
  const gr_team_job job = {.n_ranks = engine->plan.n_ranks,
                           .n_stages = engine->plan.n_stages,
                           .n_rounds = n_steps,
                           .stage = run_stage,
                           .context = all,
                           .stop = &all->stop,
                           .enter = engine->kernels->environment_enter,
                           .leave = engine->kernels->environment_leave,
                           .spins = engine->spins};
  gr_team_rounds(&job, engine->pace.alone);
  if (engine->pace.enabled)
    gr_pace_record(&engine->pace, gr_clock_now() - start, all->rows_done - rows);
}

void gr_engine_run(gr_engine *engine, const gr_run *run, gr_step_result *result) {
  const unsigned environment = engine->kernels->environment_enter();
  const step both = {.engine = engine, .rows = run->rows, .order = run->order};
  steps all = {.run = run, .at = {both, both}};
  gr_engine_bind_inputs(engine, run->rows);
  all.stop = run->start >= run->end || run->n_steps == 0;
  if (!all.stop) prepare(&all, 0, run->start);
  while (!all.stop)
    run_some(&all, engine->pace.enabled ? gr_pace_steps(&engine->pace) : UINT64_MAX);
  *result = all.result;
  if (all.done > 0 && !result->finite)
    result->bad_layer = find_bad_layer(&all.at[(all.done - 1) % 2], &result->bad_row);
  engine->kernels->environment_leave(environment);
}

static double constant_rate(void *user, uint64_t step_number) {
  (void)step_number;
  return *(const double *)user;
}

void gr_engine_step(gr_engine *engine, const gr_rows *rows, const gr_row_order *order,
                    uint64_t start, uint64_t n, uint64_t step_number, double learning_rate,
                    gr_step_result *result) {
  const gr_run run = {.rows = rows,
                      .order = order,
                      .start = start,
                      .end = start + n,
                      .step = step_number,
                      .n_steps = 1,
                      .learning_rate = constant_rate,
                      .user = &learning_rate};
  gr_engine_run(engine, &run, result);
}
