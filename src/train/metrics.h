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

/* Forward over the rows of a pass, from its beginning, and the metrics of them. `take` (may be
 * NULL) receives the network's outputs part by part, as gr_engine_evaluate gives them. For one and
 * the same model and rows the numbers are the same bits whatever the threads and wherever the rows
 * are. */
gradus_status gr_measure(gr_engine *engine, const gr_preprocessing *p, gr_pass *pass,
                         gr_take_outputs *take, void *user, gr_metrics *metrics, gradus_error *err);

#endif
