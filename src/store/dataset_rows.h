/* Rows of a data set file of our own layout by ranges, as they are stored: for copying files that
 * are larger than memory. */
#ifndef GR_STORE_DATASET_ROWS_H
#define GR_STORE_DATASET_ROWS_H

#include "store/dataset_writer.h"

typedef struct gr_dataset_rows gr_dataset_rows;

/* Opens `path`. Another layout than gradus's own, targets that are stored as texts or enumerations,
 * and what gr_dataset_read would refuse about shapes and types: GRADUS_ERR_DATA. Values are not
 * looked at. */
gradus_status gr_dataset_rows_open(const char *path, gr_dataset_rows **out, gradus_error *err);

/* The data set without its data (weight is not NULL where there are weights), and how the inputs of
 * its first split lie. Valid while it is open. */
const gr_dataset *gr_dataset_rows_shape(const gr_dataset_rows *rows);
gr_storage gr_dataset_rows_storage(const gr_dataset_rows *rows);

/* Rows first .. first + n - 1 of an array that is there, in the native byte order of its type. */
gradus_status gr_dataset_rows_read(const gr_dataset_rows *rows, int split, gr_field field,
                                   uint64_t first, uint64_t n, void *out, gradus_error *err);

void gr_dataset_rows_close(gr_dataset_rows *rows); /* accepts NULL */

#endif
