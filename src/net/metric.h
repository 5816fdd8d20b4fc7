/* The metrics: what numbers of a validation or an evaluation are called, and whom they suit. One
 * table, metric.def.h. */
#ifndef GR_NET_METRIC_H
#define GR_NET_METRIC_H

#include <stdbool.h>
#include <stdint.h>

#include "net/config.h"

typedef enum gr_metric {
#define GR_METRIC(ID, ...) GR_METRIC_##ID,
#include "net/metric.def.h"
#undef GR_METRIC
  GR_N_METRICS
} gr_metric;

typedef enum gr_metric_needs {
  GR_NEEDS_ROWS,
  GR_NEEDS_PROBABILITIES,
  GR_NEEDS_RANKS
} gr_metric_needs;

typedef struct gr_metric_kind {
  const char *name;
  unsigned tasks; /* bit 1 << gr_task */
  bool high;      /* larger is better */
  gr_metric_needs needs;
} gr_metric_kind;

extern const gr_metric_kind gr_metrics_table[GR_N_METRICS];

/* A set of metrics: bit 1 << gr_metric. */
typedef uint64_t gr_metric_set;
#define GR_METRIC_BIT(metric) ((gr_metric_set)1 << (metric))

/* What is measured in any case. */
#define GR_METRIC_USUAL \
  (GR_METRIC_BIT(GR_METRIC_ACCURACY) | GR_METRIC_BIT(GR_METRIC_RMSE) | GR_METRIC_BIT(GR_METRIC_R2))

/* Whether a metric can be had of the outputs that a resolved configuration has. */
bool gr_metric_suits(const gr_config *config, gr_metric metric);

/* All that suit; and those that a run measures: the usual ones (of labels f1_micro and hamming),
 * those asked for, and the one that
 * early stopping looks at. */
gr_metric_set gr_metrics_suiting(const gr_config *config);
gr_metric_set gr_metrics_wanted(const gr_config *config);

/* Puts the names in `set` into `out`, separated by ", ". */
void gr_metrics_list(gr_metric_set set, gr_text *out);

/* Where the metric stands in a history row of all in `set`, which are in the order of the table. */
uint32_t gr_metric_place(gr_metric_set set, gr_metric metric);

/* The metric that early stopping looks at: GR_N_METRICS for the validation loss. */
gr_metric gr_metric_judged(const gr_config *config);

/* GRADUS_ERR_CONFIG where a metric is asked for that the task or the outputs do not have; auto goes
 * with everything. */
gradus_status gr_metrics_check(const gr_config *config, gradus_error *err);

#endif
