/* Metrics that look at every row's outputs: collected part by part while a pass is gone through,
 * then computed. All sums are in double: over rows by blocks of 1024 and the fixed tree, of one
 * class, one bin and of ties in the order of rows; so the numbers are the same bits whatever the
 * threads and wherever the rows are. Rows count by their weights. */
#ifndef GR_TRAIN_SCORES_H
#define GR_TRAIN_SCORES_H

#include "net/metric.h"
#include "train/metrics.h"
#include "train/ranks.h"

enum { GR_SCORE_BINS = 15 };

/* Weights of a class: of rows that are it, that are said to be it, and both. */
typedef struct gr_class_counts {
  double actual, predicted, both;
} gr_class_counts;

typedef struct gr_scores {
  const gr_preprocessing *p;
  const gr_pass *pass;
  gr_metric_set wanted;
  uint32_t n_outputs, top_k, n_levels;
  const double *levels; /* of the pinball loss, column k: level k mod n_levels */
  double threshold;     /* above it a label is said to be 1 */
  bool differ;          /* two classes are told apart by the difference of two outputs */
  /* Sums: of the rows of this block, of blocks before (a stack by the tree), of all. */
  uint32_t n_sums;
  double *sums; /* [1 + depth of the stack][n_sums] */
  unsigned depth;
  uint64_t n_blocks, in_block;
  gr_class_counts *classes;     /* [n_classes] */
  double bin[GR_SCORE_BINS][3]; /* weight, confidence, right */
  gr_ranks ranks;
} gr_scores;

/* Room for the metrics `wanted` of the rows of `pass`; `config` is resolved; all is borrowed. The
 * scores of AUC take gr_ranks_bytes: where that is more than `memory` bytes (0: any),
 * GRADUS_ERR_RESOURCES. */
gradus_status gr_scores_open(gr_scores *scores, const gr_config *config, const gr_preprocessing *p,
                             const gr_pass *pass, gr_metric_set wanted, uint64_t memory,
                             gradus_error *err);

/* Whether the scores of AUC fit in `memory` bytes (0: any). */
bool gr_scores_fit(const gr_preprocessing *p, const gr_pass *pass, uint64_t memory);

void gr_scores_close(gr_scores *scores); /* accepts a zeroed object */

/* Forgets all rows. */
void gr_scores_begin(gr_scores *scores);

/* For gr_measure: `scores` takes the rows of its pass. */
gradus_status gr_scores_take(void *scores, uint64_t first, uint64_t n, const float *outputs,
                             gradus_error *err);

/* Ends the row of parts. values[GR_N_METRICS]: those wanted and the usual ones; NaN where a metric
 * is not defined, and for the others. `metrics` are what gr_measure gave for the same rows; zeroed
 * scores give the usual ones. */
void gr_scores_finish(gr_scores *scores, const gr_metrics *metrics, double *values);

/* The class that a row's outputs say: the largest, of equal ones the first; for one output the
 * second class above 1/2. */
uint32_t gr_predicted_class(const float *outputs, uint32_t n_outputs);

#endif
