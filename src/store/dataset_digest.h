/* The digest of a data set by pieces, for those that never hold it whole. In order: start; for each
 * split with rows split, then rows until all inputs have come, targets (array, then all its bytes)
 * where there are any, weights, and those; end. */
#ifndef GR_STORE_DATASET_DIGEST_H
#define GR_STORE_DATASET_DIGEST_H

#include "store/dataset.h"

typedef struct gr_data_digest gr_data_digest;

gr_data_digest *gr_data_digest_start(void); /* NULL when memory is out */

/* A split begins. Of large inputs a sample of the rows counts, which is chosen here. */
void gr_data_digest_split(gr_data_digest *digest, int id, uint64_t n_rows, gr_dtype type,
                          uint32_t n_columns);

/* Rows first .. first + n - 1 of its inputs; rows come in ascending order. */
void gr_data_digest_rows(gr_data_digest *digest, uint64_t first, uint64_t n, const void *rows);

void gr_data_digest_array(gr_data_digest *digest, gr_dtype type, uint32_t columns);
void gr_data_digest_bytes(gr_data_digest *digest, const void *bytes, size_t n);

/* Between the targets and the weights. */
void gr_data_digest_weights(gr_data_digest *digest, bool any);

/* Before offsets, where there are any. */
void gr_data_digest_offsets(gr_data_digest *digest);

/* The names of `shape` are part of it; out as in gr_dataset.digest. */
void gr_data_digest_end(gr_data_digest *digest, const gr_dataset *shape, char out[33]);
void gr_data_digest_free(gr_data_digest *digest); /* accepts NULL */

#endif
