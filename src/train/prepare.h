/* From a recipe and a data set to what the engine reads: the resolved recipe, the preprocessing
 * fitted on the training rows, and each split as gr_rows. */
#ifndef GR_TRAIN_PREPARE_H
#define GR_TRAIN_PREPARE_H

#include "base/text.h"
#include "exec/engine.h"
#include "net/preprocessing.h"
#include "net/row_set.h"
#include "store/dataset.h"
#include "train/pass.h"
#include "train/split_rows.h"

/* Goes through a split prepared like that, in the order of the file: what eval and predict do.
 * Where `set` is not NULL only its rows take part. Inputs that must be read are read by `threads`
 * threads (0 or less: as many as there may be). `rows`, `set` and what went into them are borrowed.
 */
gradus_status gr_split_pass_open(const gr_dataset *data, gr_split_id id, const gr_split_rows *rows,
                                 const gr_row_set *set, int64_t threads, gr_pass *out,
                                 gradus_error *err);

/* Must not be copied: its passes point into it. */
typedef struct gr_prepared {
  gr_config config; /* resolved */
  gr_preprocessing preprocessing;
  gr_rows trained; /* those of train with the weights that training gives them */
  float *class_weighted;
  gr_split_rows train, valid; /* valid is empty where it is held out of train */
  gr_row_bits held;           /* of train: 1 = held out; empty where none are */
  gr_row_set train_set, valid_set;
  uint64_t *map;      /* the members of both sets, where that is a short list; or NULL */
  gr_split_rows kept; /* held-out rows that are in memory though train is not */
  void *kept_x;
  float *kept_weight, *kept_offset;
  uint64_t n_train, n_valid; /* rows to train on, and to validate on (0 = none) */
  gr_pass train_pass, valid_pass;
  gr_text notes; /* one line for each value that was settled, with its reason */
} gr_prepared;

/* Does it all. `config` may hold auto values; `data` is borrowed and must outlive *out. */
gradus_status gr_prepare(const gr_config *config, const gr_dataset *data, gr_prepared *out,
                         gradus_error *err);

/* That, with the preprocessing of a model (its classes and scales) instead of one fitted on `data`.
 * NULL: fitted. Data that it does not fit: GRADUS_ERR_DATA. */
gradus_status gr_prepare_again(const gr_config *config, const gr_dataset *data,
                               const gr_preprocessing *kept, gr_prepared *out, gradus_error *err);
void gr_prepared_free(gr_prepared *prepared); /* accepts a zeroed object */

/* The hold-out rule: row r of train validates where the seed's uniform number of r is below
 * `fraction`; at least one row stays on each side. Sets the bits of those; returns how many train.
 * bits->n >= 2. */
uint64_t gr_hold_out(uint64_t seed, double fraction, gr_row_bits *bits);

#endif
