/* A split as the engine reads it: numbers looked at, classes numbered, targets standardised, the
 * columns of a table expanded. */
#ifndef GR_TRAIN_SPLIT_ROWS_H
#define GR_TRAIN_SPLIT_ROWS_H

#include "exec/engine.h"
#include "net/columns.h"
#include "net/preprocessing.h"
#include "store/dataset.h"

/* A split as the engine reads it; the targets are ours, the inputs the data set's. Must not be
 * copied. */
typedef struct gr_split_rows {
  gr_rows rows;
  int32_t *class_index;
  float *targets;
  gr_column_expansion expansion; /* of a table; rows may point to it */
} gr_split_rows;

/* Rows of split `id` prepared by `p`: finite inputs (NaN or infinity: GRADUS_ERR_DATA naming
 * split, row and column), weights that are finite and not negative, and, where `with_targets`,
 * class numbers or standardised targets. `p` and `data` are borrowed. */
gradus_status gr_split_rows_make(const gr_preprocessing *p, const gr_dataset *data, gr_split_id id,
                                 bool with_targets, gr_split_rows *out, gradus_error *err);
void gr_split_rows_free(gr_split_rows *rows); /* accepts a zeroed object */

/* Whether `values` [n_rows][columns] of a split, called `name` in its file, are finite (or NaN
 * where that is allowed); else GRADUS_ERR_DATA naming row and column. */
gradus_status gr_split_check_finite(const gr_dataset *data, gr_split_id id, const char *name,
                                    const void *values, gr_dtype type, uint32_t columns,
                                    bool nan_is_missing, gradus_error *err);

/* As many columns as the network takes, finite inputs where they are in memory, weights that are
 * finite and not negative. */
gradus_status gr_split_check_inputs(const gr_preprocessing *p, const gr_dataset *data,
                                    gr_split_id id, bool nan_is_missing, gradus_error *err);

#endif
