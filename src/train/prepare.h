/* From a recipe and a data set to what the engine reads: the resolved recipe, the preprocessing
 * fitted on the training rows, and each split as gr_rows. */
#ifndef GR_TRAIN_PREPARE_H
#define GR_TRAIN_PREPARE_H

#include "base/text.h"
#include "exec/engine.h"
#include "net/preprocessing.h"
#include "store/dataset.h"

/* A split as the engine reads it; the targets are ours, the inputs the data set's. */
typedef struct gr_split_rows {
  gr_rows rows;
  int32_t *class_index;
  float *targets;
} gr_split_rows;

/* Rows of split `id` prepared by `p`: finite inputs (NaN or infinity: GRADUS_ERR_DATA naming
 * split, row and column), weights that are finite and not negative, and, where `with_targets`,
 * class numbers or standardised targets. `p` and `data` are borrowed. */
gradus_status gr_split_rows_make(const gr_preprocessing *p, const gr_dataset *data, gr_split_id id,
                                 bool with_targets, gr_split_rows *out, gradus_error *err);
void gr_split_rows_free(gr_split_rows *rows); /* accepts a zeroed object */

typedef struct gr_prepared {
  gr_config config; /* resolved */
  gr_preprocessing preprocessing;
  gr_split_rows train, valid;      /* valid is empty where it is held out of train */
  uint64_t *train_map, *valid_map; /* rows of train, where a part is held out; else NULL */
  uint64_t n_train, n_valid;       /* rows to train on, and to validate on (0 = none) */
  gr_text notes;                   /* one line for each value that was settled, with its reason */
} gr_prepared;

/* Does it all. `config` may hold auto values; `data` is borrowed and must outlive *out. */
gradus_status gr_prepare(const gr_config *config, const gr_dataset *data, gr_prepared *out,
                         gradus_error *err);
void gr_prepared_free(gr_prepared *prepared); /* accepts a zeroed object */

/* The rows validation reads, and the map into them (NULL: all in order). */
const gr_rows *gr_prepared_valid_rows(const gr_prepared *prepared);

/* The order in which epoch `epoch` (0-based) goes through the training rows. */
gr_row_order gr_prepared_order(const gr_prepared *prepared, uint64_t epoch);

/* The hold-out rule: row r of train validates where the seed's uniform number of r is below
 * `fraction`; at least one row stays on each side. Fills map[n] with the training rows in
 * ascending order, then the validation rows; returns how many train. n >= 2. */
uint64_t gr_hold_out(uint64_t seed, double fraction, uint64_t n, uint64_t *map);

#endif
