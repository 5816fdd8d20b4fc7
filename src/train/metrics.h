/* From the totals of an evaluation to the numbers people read. */
#ifndef GR_TRAIN_METRICS_H
#define GR_TRAIN_METRICS_H

#include "exec/engine.h"
#include "net/preprocessing.h"
#include "store/checkpoint.h"
#include "train/pass.h"

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

/* Forward over the rows of a pass, from its beginning, and the metrics of them. `take` (may be
 * NULL) receives the network's outputs part by part, as gr_engine_evaluate gives them. For one and
 * the same model and rows the numbers are the same bits whatever the threads and wherever the rows
 * are. */
gradus_status gr_measure(gr_engine *engine, const gr_preprocessing *p, gr_pass *pass,
                         gr_take_outputs *take, void *user, gr_metrics *metrics, gradus_error *err);

#endif
