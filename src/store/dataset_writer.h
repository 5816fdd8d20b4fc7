/* A data set file of our own layout, written by ranges of rows: what is not in memory at once can
 * be written, too. */
#ifndef GR_STORE_DATASET_WRITER_H
#define GR_STORE_DATASET_WRITER_H

#include "store/dataset.h"

/* The arrays of a split. */
typedef enum gr_field {
  GR_FIELD_X,
  GR_FIELD_Y,
  GR_FIELD_WEIGHT,
  GR_FIELD_OFFSET,
  GR_N_FIELDS
} gr_field;

#define GR_CHUNK_AUTO UINT64_MAX

/* How arrays lie in the file. Zeros: contiguous, aligned to 4 KiB. */
typedef struct gr_storage {
  uint64_t chunk_rows; /* chunks of so many rows of x; GR_CHUNK_AUTO: about half a MiB */
  int level; /* 1..9: chunks are shuffled and gzip-compressed; chunk_rows 0 is then auto */
} gr_storage;

typedef struct gr_dataset_writer gr_dataset_writer;

/* Starts the file beside `path`. `shape` is a data set without its data: of a split, n_rows, types,
 * y_columns, and whether weight and offset are NULL are looked at, and all names; it must outlive
 * the writer. An existing file is GRADUS_ERR_CANTCREATE unless `overwrite`; no room on the disk
 * GRADUS_ERR_IO. After a failure there is no writer and nothing is left behind. */
gradus_status gr_dataset_writer_begin(const char *path, bool overwrite, const gr_dataset *shape,
                                      const gr_storage *storage, gr_dataset_writer **out,
                                      gradus_error *err);

/* The next `n` rows of an array, [n][columns] in the type of the shape. Rows of an array come in
 * order, and splits one after the other; its arrays may alternate. */
gradus_status gr_dataset_writer_put(gr_dataset_writer *writer, int split, gr_field field,
                                    const void *rows, uint64_t n, gradus_error *err);

/* With `status` GRADUS_OK: completes the file, makes it durable, and gives it its name; fewer rows
 * than announced are GRADUS_ERR_INTERNAL. Else, or if that fails, it is removed, and `path` is
 * untouched. `digest` (may be NULL) receives that of the data set. Frees the writer (may be NULL)
 * and returns the first failure. */
gradus_status gr_dataset_writer_end(gr_dataset_writer *writer, gradus_status status,
                                    char digest[33], gradus_error *err);

/* Type and columns of a part of a split; columns 0 = absent. */
uint32_t gr_field_columns(const gr_dataset *shape, int split, gr_field field, gr_dtype *type);
extern const char *const gr_field_names[GR_N_FIELDS]; /* "x" "y" "weight" "offset" */

#endif
