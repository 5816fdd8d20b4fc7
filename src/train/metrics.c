/* The engine adds what every loss and up to four targets need; networks with more targets have
 * their squares added here from the outputs, in the same blocks of 1024 rows and the same tree. */
#include <config.h>

#include "train/metrics.h"

#include <math.h>

#include "base/memory.h"
#include "plan/lanes.h"

#define BLOCK 1024

/* Sums over rows of each target: w (a - y)^2, w y, w y^2, block by block. */
enum { N_SQUARES = 3 };

struct measurement {
  const gr_pass *pass;
  uint32_t n_outputs;
  uint64_t n_blocks;
  double *sums;   /* [n_targets][N_SQUARES][n_blocks]; NULL where the engine's totals do */
  float *outputs; /* [part rows][n_outputs]; NULL where nobody needs them */
  gr_take_outputs *take;
  void *user;
};

/* Adds row `row`, whose outputs are `a`, to the sums of block `block`. */
static void add_row(const struct measurement *m, uint64_t row, const float *a, uint64_t block) {
  const gr_rows *rows = &m->pass->rows;
  const double w = rows->weight ? (double)rows->weight[row] : 1;
  for (uint32_t k = 0; k < m->n_outputs; k++) {
    double *sums = m->sums + (size_t)k * N_SQUARES * m->n_blocks + block;
    const double y = (double)rows->targets[row * m->n_outputs + k], d = (double)a[k] - y;
    sums[0] += w * (d * d);
    sums[m->n_blocks] += w * y;
    sums[2 * m->n_blocks] += w * (y * y);
  }
}

static gradus_status take_part(void *user, uint64_t first, uint64_t n, const float *outputs,
                               gradus_error *err) {
  const struct measurement *m = user;
  uint64_t number[BLOCK];
  for (uint64_t from = 0; m->sums && from < n; from += BLOCK) {
    const uint64_t some = n - from < BLOCK ? n - from : BLOCK;
    gr_row_order_numbers(&m->pass->order, NULL, first + from, some, number);
    for (uint64_t i = 0; i < some; i++)
      add_row(m, number[i], outputs + (from + i) * m->n_outputs, (first + from) / BLOCK);
  }
  return m->take ? m->take(m->user, first, n, outputs, err) : GRADUS_OK;
}

/* Adds one target's root mean square error and coefficient of determination to the metrics. The
 * difference of two sums of up to 2^40 squares keeps no digit below 1e-12 of them: a spread that
 * small is that of equal targets, which R2 is not defined for. */
static void add_target(gr_metrics *metrics, double error, double target, double target_squared,
                       double weight, double scale) {
  double spread = target_squared - target * target / weight;
  metrics->rmse += scale * sqrt(error / weight);
  metrics->r2 += spread > 1e-12 * target_squared ? 1 - error / spread : (double)NAN;
}

static void measure_regression(const gr_preprocessing *p, const gr_totals *totals,
                               const struct measurement *m, gr_metrics *metrics) {
  metrics->rmse = metrics->r2 = 0;
  for (uint32_t k = 0; k < p->n_targets; k++) {
    double s[N_SQUARES];
    if (m->sums)
      for (int i = 0; i < N_SQUARES; i++)
        s[i] =
            gr_tree_sum(m->sums + ((size_t)k * N_SQUARES + (size_t)i) * m->n_blocks, m->n_blocks);
    else
      s[0] = totals->squared[k], s[1] = totals->target[k], s[2] = totals->target_squared[k];
    add_target(metrics, s[0], s[1], s[2], totals->weight, p->target_scale[k]);
  }
  metrics->rmse /= p->n_targets;
  metrics->r2 /= p->n_targets;
}

/* The engine's totals cover so many targets. */
enum { TOTAL_TARGETS = 4 };

static gradus_status make_measurement(struct measurement *m, const gr_preprocessing *p,
                                      gradus_error *err) {
  const bool many = p->task == GR_REGRESSION && p->n_targets > TOTAL_TARGETS;
  size_t n;
  if (many && gr_multiply(m->n_blocks, (size_t)p->n_targets * N_SQUARES, &n))
    m->sums = gr_calloc(n, sizeof *m->sums);
  if (many && !m->sums) return gr_fail_memory(err, "an evaluation");
  if (!many && !m->take) return GRADUS_OK;
  const uint64_t part = gr_pass_part_rows(m->pass), rows = m->pass->n < part ? m->pass->n : part;
  if (gr_multiply(rows, m->n_outputs, &n)) m->outputs = gr_alloc(n, sizeof *m->outputs);
  return m->outputs ? GRADUS_OK : gr_fail_memory(err, "an evaluation");
}

static gradus_status measure(gr_engine *engine, const gr_preprocessing *p, gr_pass *pass,
                             struct measurement *m, gr_metrics *metrics, gradus_error *err) {
  gr_totals totals = {0};
  bool fed;
  GR_TRY(make_measurement(m, p, err));
  GR_TRY(gr_pass_begin(pass, 0, 0, err));
  const gr_evaluation evaluation = {
      .rows = &pass->rows,
      .order = &pass->order,
      .feed = pass->feed,
      .n = pass->n,
      .part_rows = m->outputs || pass->feed ? gr_pass_part_rows(pass) : 0,
      .outputs = m->outputs,
      .take = m->outputs ? take_part : NULL,
      .user = m};
  GR_TRY(gr_engine_evaluate(engine, &evaluation, &totals, &fed, err));
  if (!fed) return pass->feed->why(pass->feed->user, err);
  metrics->loss = totals.loss / totals.weight;
  if (p->task == GR_CLASSIFICATION)
    metrics->accuracy = totals.correct / totals.weight;
  else if (pass->rows.targets && p->task == GR_REGRESSION)
    measure_regression(p, &totals, m, metrics);
  return GRADUS_OK;
}

gradus_status gr_measure(gr_engine *engine, const gr_preprocessing *p, gr_pass *pass,
                         gr_take_outputs *take, void *user, gr_metrics *metrics,
                         gradus_error *err) {
  struct measurement m = {.pass = pass,
                          .n_outputs = gr_engine_outputs(engine),
                          .n_blocks = (pass->n + BLOCK - 1) / BLOCK,
                          .take = take,
                          .user = user};
  *metrics = (gr_metrics){(double)NAN, (double)NAN, (double)NAN, (double)NAN};
  if (pass->n == 0) return GRADUS_OK;
  const gradus_status status = measure(engine, p, pass, &m, metrics, err);
  gr_free(m.sums);
  gr_free(m.outputs);
  return status;
}
