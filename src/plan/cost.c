/* A product costs its arithmetic on whole register tiles, plus the bytes that a rank reads which
 * others wrote. Per step come meetings. The numbers behind it are in docs/scaling.md, with what was
 * measured. */
#include <config.h>

#include "plan/cost.h"

#include "plan/internal.h"
#include "plan/lanes.h"

/* Cycles of useful work stand for more: what a tile loses at its ends. */
static const double efficiency = 0.93;
/* Seconds of a step that no shape explains: calls, the sum of the losses. */
static const double fixed_seconds = 0.3e-6;
/* Seconds of gathering per byte of input, of activations and losses per value. */
static const double gather_seconds = 0.03e-9, value_seconds = 0.4e-9;
/* Likewise of normalisation, forth and back, and of its gradients. */
static const double normalize_seconds = 0.8e-9;

/* Likewise of what is added to a layer's outputs, forth and back, where it is in cache. */
static const double residual_seconds = 0.3e-9;

typedef struct model {
  const gr_plan *plan;
  const gr_kernels *kernels;
  gr_machine machine;
  int ranks;
} model;

static size_t ceil_div(size_t n, size_t d) {
  return (n + d - 1) / d;
}

static size_t smaller(size_t a, size_t b) {
  return a < b ? a : b;
}

static double larger(double a, double b) {
  return a > b ? a : b;
}

/* Seconds of a meeting: ranks count their arrival in one line, which goes from one to the next
 * (exec/team.c). */
static double meeting(const model *m) {
  return m->ranks > 1 ? m->machine.barrier * m->ranks / 2 : 0;
}

/* A product of `rows` x `panels` x depth by one rank: a register tile with few rows waits for loads
 * and for the multiply-adds of its own chains. */
static double tiles_seconds(const model *m, size_t rows, size_t panels, size_t depth) {
  const double vector = 32 / m->machine.flops; /* one multiply-add of 16 floats */
  const size_t tile_rows = smaller(rows, m->kernels->tile_rows),
               tile_panels = smaller(panels, m->kernels->tile_panels);
  if (!rows || !panels) return 0;
  const double useful = (double)(tile_rows * tile_panels),
               loads = (double)tile_rows / 2 + (double)tile_panels,
               cycles = larger(larger(useful, loads), 4);
  return (double)rows * (double)panels * (double)depth * cycles / useful * vector / efficiency;
}

/* Rows of the batch that a rank has where ranks form `groups` row groups; whole lanes of them under
 * GR_STRATEGY_LANES, so that with few lanes some ranks have none. */
static size_t rows_of(const model *m, gr_strategy strategy, size_t groups) {
  const size_t n = m->plan->batch_rows;
  if (strategy != GR_STRATEGY_LANES) return ceil_div(n, groups);
  return smaller(n, ceil_div(m->plan->n_lanes, groups) * m->plan->lane_rows);
}

/* A forward product or data gradient of the batch, shared by ranks in `columns` column groups. */
static double product_seconds(const model *m, gr_strategy strategy, size_t n_panels, size_t depth,
                              int columns) {
  const size_t groups = (size_t)columns, row_groups = (size_t)(m->ranks / columns),
               tile = m->kernels->tile_panels, tiles = ceil_div(n_panels, tile),
               panels = tiles < groups ? ceil_div(n_panels, groups)
                                       : smaller(n_panels, tile * ceil_div(tiles, groups)),
               rows = rows_of(m, strategy, row_groups);
  const double remote = 1 - 1.0 / m->ranks,
               weights = 64.0 * (double)panels * (double)depth * (columns == m->ranks ? 0 : remote),
               inputs = 4.0 * (double)rows * (double)depth * (columns == 1 ? 0 : remote);
  return tiles_seconds(m, rows, panels, depth) + (weights + inputs) / m->machine.bandwidth +
         (columns > 1 ? meeting(m) : 0);
}

/* The best number of column groups: a divisor of the ranks. */
static int best_columns(const model *m, size_t n_panels, size_t depth, double *seconds) {
  int best = 1;
  *seconds = product_seconds(m, GR_STRATEGY_GRID, n_panels, depth, 1);
  for (int c = 2; c <= m->ranks; c++) {
    if (m->ranks % c) continue;
    const double cost = product_seconds(m, GR_STRATEGY_GRID, n_panels, depth, c);
    if (cost < *seconds) {
      *seconds = cost;
      best = c;
    }
  }
  return best;
}

/* Column groups of one product under a strategy, and what it then costs. */
static int columns_of(const model *m, gr_strategy strategy, size_t n_panels, size_t depth,
                      double *seconds) {
  int columns = strategy == GR_STRATEGY_COLUMNS ? m->ranks : 1;
  if (strategy == GR_STRATEGY_GRID) return best_columns(m, n_panels, depth, seconds);
  *seconds = product_seconds(m, strategy, n_panels, depth, columns);
  return columns;
}

static double update_passes(const gr_plan *plan) {
  return 2 + 2 * gr_optimizers[plan->optimizer].moments;
}

/* What a gradient costs that waits: written, read for the norm or by the next pass, and for the
 * update. */
static double waiting_seconds(const model *m) {
  const double whole = 4.0 * (double)m->plan->n_blocked / m->ranks;
  return m->plan->whole_gradient
             ? 2 * meeting(m) * m->plan->norms + 3 * whole / m->machine.bandwidth
             : 0;
}

/* Weight gradient and update of one layer. */
static double gradient_seconds(const model *m, const gr_plan_layer *layer, gr_strategy strategy) {
  const gr_plan *plan = m->plan;
  const double ranks = m->ranks, remote = 1 - 1 / ranks, bytes = m->machine.bandwidth;
  const double weights = 64.0 * (double)layer->panels_out * (double)layer->n_in,
               vector = 32 / m->machine.flops, passes = update_passes(plan);
  if (strategy == GR_STRATEGY_LANES) {
    const size_t lanes = ceil_div(plan->n_lanes, (size_t)m->ranks);
    /* Gradients that do not stay in the second-level cache are written, read and added to there. */
    const double whole = (double)plan->n_blocked * sizeof(float),
                 spilled =
                     whole > (double)m->machine.l2 / 2 ? 3 * (double)lanes * weights / bytes : 0;
    const double own =
        (double)lanes * tiles_seconds(m, layer->n_in, layer->panels_out, plan->lane_rows);
    return own + (double)(2 * lanes - 1) * weights / 64 * vector + spilled +
           weights * (1 + remote * ranks) / ranks / bytes + weights / 64 * passes * vector / ranks;
  }
  const double rows = (double)plan->batch_rows,
               /* Weights that all ranks have read are fetched again to be written. */
      shared = strategy == GR_STRATEGY_COLUMNS ? 0 : 2 * weights / ranks,
               read = 4 * rows * ((double)layer->n_in + 16 * (double)layer->panels_out / ranks);
  return tiles_seconds(m, layer->n_in, layer->panels_out, plan->batch_rows) / ranks +
         remote * (read + shared) / bytes +
         weights / 64 * (passes + 2.0 * (double)plan->n_lanes) * vector / ranks;
}

/* What a rank does with its rows of a layer that is normalised, or its columns, and the meetings
 * that this takes where the products around it are split otherwise. */
static double normalization_seconds(const model *m, gr_strategy strategy, uint32_t l, int columns) {
  const gr_plan_layer *layer = &m->plan->layer[l];
  if (layer->normalization == GR_NORMALIZATION_NONE) return 0;
  const double meetings = layer->normalization == GR_NORMALIZATION_BATCH
                              ? columns == m->ranks ? 2 : 4
                          : columns > 1 ? 2
                                        : 0;
  return (double)rows_of(m, strategy, (size_t)m->ranks) * (double)layer->n_out * normalize_seconds +
         meetings * meeting(m);
}

/* Products of inputs by factors, and the gradient of these, by rows and by columns. */
static double front_seconds(const model *m, double rows) {
  const gr_plan *plan = m->plan;
  if (!plan->front.exists) return 0;
  return (rows + (double)plan->batch_rows / m->ranks) * (double)plan->front.n_columns *
         value_seconds / 4;
}

/* Seconds of a step; the columns of each layer in forward[] and backward[]. */
static double step_seconds(const model *m, gr_strategy strategy, int *forward, int *backward) {
  const gr_plan *plan = m->plan;
  const double rows = (double)rows_of(m, strategy, (size_t)m->ranks);
  double sum = fixed_seconds + 4 * rows * (double)plan->layer[0].n_in * gather_seconds +
               2 * meeting(m) + waiting_seconds(m) + front_seconds(m, rows),
         seconds;
  for (uint32_t l = 0; l < plan->n_layers; l++) {
    const gr_plan_layer *layer = &plan->layer[l];
    forward[l] = columns_of(m, strategy, layer->panels_out, layer->n_in, &seconds);
    sum += seconds + rows * (double)layer->n_out * value_seconds;
    backward[l] = 1;
    if (gr_plan_goes_back(plan, l)) {
      backward[l] = columns_of(m, strategy, layer->panels_in, layer->n_out, &seconds);
      sum += seconds;
    }
    sum += gradient_seconds(m, layer, strategy) + normalization_seconds(m, strategy, l, forward[l]);
    if (layer->residual > 0) sum += rows * (double)layer->n_out * residual_seconds;
  }
  return sum;
}

/* The best strategy for a number of ranks that is not forced. */
static gr_strategy best_strategy(const model *m, double *seconds) {
  int forward[GR_MAX_LAYERS], backward[GR_MAX_LAYERS];
  gr_strategy best = GR_STRATEGY_TILES;
  *seconds = step_seconds(m, best, forward, backward);
  for (int s = 0; s < GR_N_STRATEGIES && m->ranks > 1; s++) {
    const double cost = step_seconds(m, (gr_strategy)s, forward, backward);
    if (cost < *seconds) {
      *seconds = cost;
      best = (gr_strategy)s;
    }
  }
  return best;
}

/* Fewer ranks than could be had where more would not pay for themselves. */
static int best_ranks(model *m, int most) {
  int best = 1;
  double seconds, least = 0;
  for (int ranks = 1; ranks <= most; ranks++) {
    m->ranks = ranks;
    best_strategy(m, &seconds);
    if (ranks > 1 && seconds >= 0.97 * least) continue;
    best = ranks;
    least = seconds;
  }
  return best;
}

/* Whether each rank gathers all rows for itself: where all of them need all columns of the inputs,
 * which are few enough to stay in its cache until the weight gradient, and that is sooner done than
 * a meeting and the reading of what others gathered. */
static bool wants_own_inputs(const model *m, int forward_columns) {
  const double all = 4.0 * (double)m->plan->batch_rows * (double)m->plan->layer[0].n_in,
               others = all * (1 - 1.0 / m->ranks);
  return m->ranks > 1 && !m->plan->front.exists && forward_columns == m->ranks &&
         all <= (double)m->machine.l2 / 4 &&
         others * gather_seconds < meeting(m) + 2 * others / m->machine.bandwidth;
}

void gr_plan_choose(gr_plan *plan, const gr_plan_request *request, const gr_kernels *kernels) {
  int forward[GR_MAX_LAYERS], backward[GR_MAX_LAYERS];
  model m = {.plan = plan,
             .kernels = kernels,
             .machine = request->machine ? *request->machine : GR_MACHINE_TYPICAL,
             .ranks = request->threads};
  if (!request->forced && !plan->inference_only) m.ranks = best_ranks(&m, request->threads);
  plan->n_ranks = m.ranks;
  plan->strategy =
      request->strategy >= 0 ? (gr_strategy)request->strategy : best_strategy(&m, &plan->seconds);
  plan->seconds = step_seconds(&m, plan->strategy, forward, backward);
  for (uint32_t l = 0; l < plan->n_layers; l++) {
    plan->layer[l].forward_columns = forward[l];
    plan->layer[l].backward_columns = backward[l];
  }
  plan->own_inputs = !plan->inference_only && wants_own_inputs(&m, forward[0]);
}
