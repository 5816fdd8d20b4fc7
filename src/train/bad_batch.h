/* Rows of a data set that a step could not digest, put aside to be looked at and run again. */
#ifndef GR_TRAIN_BAD_BATCH_H
#define GR_TRAIN_BAD_BATCH_H

#include "base/text.h"
#include "store/dataset.h"

/* Writes rows row[0..n) of train of `data` as a data set of its own (over what is there): inputs,
 * targets and weights as they are stored, names, and the numbers themselves as /train/row. */
gradus_status gr_bad_batch_write(const gr_dataset *data, const uint64_t *row, uint64_t n,
                                 const char *path, gradus_error *err);

/* "[3, 17, 4]" */
void gr_bad_batch_list(const uint64_t *row, uint64_t n, gr_text *out);

#endif
