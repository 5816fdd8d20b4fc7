/* One plain array as an HDF5 file: what prediction files are made of. */
#ifndef GR_STORE_ARRAY_H
#define GR_STORE_ARRAY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

/* Writes the file `path` with one dataset `name` [n_rows][n_columns] of little-endian 32-bit
 * floats, contiguous; written aside and renamed. An existing file is GRADUS_ERR_CANTCREATE unless
 * `overwrite`. */
gradus_status gr_array_write_h5(const char *path, bool overwrite, const char *name,
                                const float *data, uint64_t n_rows, uint64_t n_columns,
                                gradus_error *err);

#endif
