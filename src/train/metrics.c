/* The engine adds what every loss and up to four targets need; networks with more targets have
 * their squares added here from the outputs, in the same blocks of 1024 rows and the same tree. */
#include <config.h>

#include "train/metrics.h"

#include <math.h>
#include <stdio.h>

#define BLOCK 1024

uint32_t gr_metric_names(gr_task task, char names[GR_MAX_METRICS][GR_METRIC_NAME]) {
  if (task == GR_CLASSIFICATION) {
    snprintf(names[0], GR_METRIC_NAME, "accuracy");
    return 1;
  }
  snprintf(names[0], GR_METRIC_NAME, "rmse");
  snprintf(names[1], GR_METRIC_NAME, "r2");
  return 2;
}

void gr_metric_values(const gr_metrics *metrics, gr_task task, double values[GR_MAX_METRICS]) {
  for (int i = 0; i < GR_MAX_METRICS; i++) values[i] = (double)NAN;
  if (task == GR_CLASSIFICATION) {
    values[0] = metrics->accuracy;
  } else {
    values[0] = metrics->rmse;
    values[1] = metrics->r2;
  }
}

/* Sums over rows of one target: w (a - y)^2, w y, w y^2. */
struct squares {
  double error, target, target_squared;
};

struct column {
  const gr_rows *rows;
  const uint64_t *map;
  const float *outputs;
  uint32_t k, n_targets;
};

static struct squares add_rows(const struct column *c, uint64_t from, uint64_t to) {
  struct squares sum = {0, 0, 0};
  for (uint64_t i = from; i < to; i++) {
    uint64_t row = c->map ? c->map[i] : i;
    double w = c->rows->weight ? (double)c->rows->weight[row] : 1;
    double y = (double)c->rows->targets[row * c->n_targets + c->k];
    double d = (double)c->outputs[i * c->n_targets + c->k] - y;
    sum.error += w * (d * d);
    sum.target += w * y;
    sum.target_squared += w * (y * y);
  }
  return sum;
}

/* Blocks [from, to) of n rows: the left subtree holds the largest power of two below their number.
 */
static struct squares add_blocks(const struct column *c, uint64_t from, uint64_t to, uint64_t n) {
  uint64_t left = 1;
  if (to - from == 1) return add_rows(c, from * BLOCK, to * BLOCK < n ? to * BLOCK : n);
  while (left * 2 < to - from) left *= 2;
  struct squares a = add_blocks(c, from, from + left, n), b = add_blocks(c, from + left, to, n);
  return (struct squares){a.error + b.error, a.target + b.target,
                          a.target_squared + b.target_squared};
}

/* Adds one target's root mean square error and coefficient of determination to the metrics. The
 * difference of two sums of up to 2^40 squares keeps no digit below 1e-12 of them: a spread that
 * small is that of equal targets, which R2 is not defined for. */
static void add_target(gr_metrics *metrics, const struct squares *s, double weight, double scale) {
  double spread = s->target_squared - s->target * s->target / weight;
  metrics->rmse += scale * sqrt(s->error / weight);
  metrics->r2 += spread > 1e-12 * s->target_squared ? 1 - s->error / spread : (double)NAN;
}

static void measure_regression(const gr_preprocessing *p, const gr_totals *totals,
                               const struct column *outputs, uint64_t n, gr_metrics *metrics) {
  metrics->rmse = metrics->r2 = 0;
  for (uint32_t k = 0; k < p->n_targets; k++) {
    struct squares s;
    if (p->n_targets <= GR_TOTAL_TARGETS) {
      s = (struct squares){totals->squared[k], totals->target[k], totals->target_squared[k]};
    } else {
      struct column c = *outputs;
      c.k = k;
      s = add_blocks(&c, 0, (n + BLOCK - 1) / BLOCK, n);
    }
    add_target(metrics, &s, totals->weight, p->target_scale[k]);
  }
  metrics->rmse /= p->n_targets;
  metrics->r2 /= p->n_targets;
}

gradus_status gr_measure(gr_engine *engine, const gr_preprocessing *p, const gr_rows *rows,
                         const uint64_t *map, uint64_t n, float *outputs, gr_metrics *metrics,
                         gradus_error *err) {
  gr_totals totals = {0};
  *metrics = (gr_metrics){(double)NAN, (double)NAN, (double)NAN, (double)NAN};
  if (n == 0) return GRADUS_OK;
  GR_TRY(gr_engine_evaluate(engine, rows, map, n, &totals, outputs, err));
  metrics->loss = totals.loss / totals.weight;
  if (p->task == GR_CLASSIFICATION) {
    metrics->accuracy = totals.correct / totals.weight;
  } else {
    struct column column = {rows, map, outputs, 0, p->n_targets};
    measure_regression(p, &totals, &column, n, metrics);
  }
  return GRADUS_OK;
}
