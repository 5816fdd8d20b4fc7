/* Arrays of numbers in binary files (IDX, NPY): inputs with targets beside them, on their way to a
 * sink by blocks of rows. */
#ifndef GR_INTEROP_DENSE_H
#define GR_INTEROP_DENSE_H

#include "interop/import.h"

enum { GR_MAX_DIMENSIONS = 32 };

/* An array whose header has been read: the values follow in `stream`. Zero-initialise. */
typedef struct gr_dense {
  gr_input *stream; /* owned */
  uint64_t offset;  /* of the first value */
  gr_dtype type;
  bool swap;    /* the other byte order */
  bool fortran; /* the first index runs fastest */
  unsigned n_dimensions;
  uint64_t dims[GR_MAX_DIMENSIONS];
  uint64_t n_rows, n_columns; /* of all dimensions but the first */
} gr_dense;

/* Fills n_rows and n_columns from dims; refuses no or too many columns, no rows, and sizes that do
 * not agree with the file to the byte. Compressed ones are believed as far as they can be true. */
gradus_status gr_dense_check(gr_dense *array, gradus_error *err);

/* One split: x, and y where its stream is not NULL. */
typedef struct gr_dense_split {
  gr_dense x, y;
  bool convert_y; /* to f32 */
} gr_dense_split;

/* Checks y against x and the options, and decides how targets are stored: whole numbers as they are
 * for classes, else as floats. */
gradus_status gr_dense_plan(const gr_import_job *job, gr_dense_split *split, gradus_error *err);

/* Tells what was found, begins with the sink, and brings all rows of the splits (those without x
 * are absent). Then, or after a failure, gr_dense_close. */
gradus_status gr_dense_import(gr_import_job *job, gr_dense_split splits[GR_N_SPLITS],
                              gradus_error *err);
void gr_dense_close(gr_dense_split splits[GR_N_SPLITS]);

#endif
