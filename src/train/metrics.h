/* From the totals of an evaluation to the numbers people read. */
#ifndef GR_TRAIN_METRICS_H
#define GR_TRAIN_METRICS_H

#include "exec/engine.h"
#include "net/preprocessing.h"
#include "store/checkpoint.h"

typedef struct gr_metrics {
  double loss;     /* mean over rows by weight; of standardised targets */
  double accuracy; /* classification, else NaN */
  double rmse, r2; /* regression, in the target's own units, averaged over targets;
                      else NaN */
} gr_metrics;

/* Names of the metrics of a task in the order of history rows: "accuracy", or "rmse" and "r2". */
uint32_t gr_metric_names(gr_task task, char names[GR_MAX_METRICS][GR_METRIC_NAME]);

/* The metrics as a history row holds them. */
void gr_metric_values(const gr_metrics *metrics, gr_task task, double values[GR_MAX_METRICS]);

/* Targets that the engine's totals cover. */
#define GR_TOTAL_TARGETS 4

/* Forward over rows map[0..n) (or 0..n) and the metrics of them. `outputs` [n][n_out] receives the
 * network's outputs; NULL only where there are at most GR_TOTAL_TARGETS targets. For one and the
 * same model and rows the numbers are the same bits whatever the threads. */
gradus_status gr_measure(gr_engine *engine, const gr_preprocessing *p, const gr_rows *rows,
                         const uint64_t *map, uint64_t n, float *outputs, gr_metrics *metrics,
                         gradus_error *err);

#endif
