/* Permutation importance: how much worse a model becomes when the values of one column are dealt
 * out anew among the rows (Breiman 2001; Fisher, Rudin and Dominici 2019). It tells what the model
 * uses, not what causes what; of columns that say the same each may look unimportant. */
#ifndef GR_TRAIN_IMPORTANCE_H
#define GR_TRAIN_IMPORTANCE_H

#include "exec/engine.h"
#include "net/metric.h"
#include "net/preprocessing.h"
#include "store/dataset.h"

typedef struct gr_importance_request {
  gr_split_id split;
  uint64_t rows;    /* of the split that are looked at, evenly spread; 0: all */
  gr_metric metric; /* GR_N_METRICS: the loss */
  uint32_t repeats; /* permutations of each column, >= 2 */
  uint64_t seed;
  /* Asked after each column; false ends it with GRADUS_ERR_STOPPED. Or NULL. */
  bool (*on_column)(void *user, uint32_t done, uint32_t n);
  void *user;
} gr_importance_request;

/* *base receives loss or metric of the rows as they are; mean[n_columns] by how much they become
 * worse, error[n_columns] the standard error of that mean over the repeats. The rows looked at are
 * copied into memory: more than data->memory are GRADUS_ERR_RESOURCES. The same bits whatever the
 * threads. */
gradus_status gr_importance(gr_engine *engine, const gr_config *config, const gr_preprocessing *p,
                            const gr_dataset *data, const gr_importance_request *request,
                            uint64_t *rows, double *base, double *mean, double *error,
                            gradus_error *err);

#endif
