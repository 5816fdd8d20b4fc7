/* One plain array as an HDF5 file: what prediction files are made of. */
#ifndef GR_STORE_ARRAY_H
#define GR_STORE_ARRAY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

/* A file under construction, filled row after row. */
typedef struct gr_array_writer gr_array_writer;
gradus_status gr_array_open_h5(const char *path, bool overwrite, const char *name, uint64_t n_rows,
                               uint64_t n_columns, gr_array_writer **out, gradus_error *err);
/* The next n rows. */
gradus_status gr_array_put(gr_array_writer *writer, const float *data, uint64_t n,
                           gradus_error *err);
/* Gives the file its name where `status` is GRADUS_OK, else removes it; frees the writer. Returns
 * `status`, or what came of it. Accepts NULL. */
gradus_status gr_array_close(gr_array_writer *writer, gradus_status status, gradus_error *err);

/* Writes the file `path` with one dataset `name` [n_rows][n_columns] of little-endian 32-bit
 * floats, contiguous; written aside and renamed. An existing file is GRADUS_ERR_CANTCREATE unless
 * `overwrite`. */
gradus_status gr_array_write_h5(const char *path, bool overwrite, const char *name,
                                const float *data, uint64_t n_rows, uint64_t n_columns,
                                gradus_error *err);

#endif
