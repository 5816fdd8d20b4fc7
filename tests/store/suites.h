/* The suites of this layer, and what they share. */
#ifndef GR_TESTS_STORE_SUITES_H
#define GR_TESTS_STORE_SUITES_H

#include <hdf5.h>

#include "store/checkpoint.h"
#include "store/dataset.h"
#include "support/test.h"

extern const gr_test gr_dataset_tests[];
extern const gr_test gr_foreign_tests[];
extern const gr_test gr_refused_tests[];
extern const gr_test gr_checkpoint_tests[];
extern const gr_test gr_damage_tests[];
extern const gr_test gr_accident_tests[];

/* ---- files made with HDF5 itself ---- */

/* A new file open for writing, and its end. */
hid_t gr_file_make(const char *path);
void gr_file_end(hid_t file);

/* Writes data (of HDF5 memory type `type`, which is also the file's) [dims[0]..], with groups on
 * the way created. plist 0: contiguous. */
void gr_file_put(hid_t file, const char *path, hid_t type, int rank, const hsize_t *dims,
                 const void *data, hid_t plist);

/* x f32 [rows][columns] and y i32 [rows] at these paths, with fixed contents. */
void gr_file_put_xy(hid_t file, const char *x, const char *y, hsize_t rows, hsize_t columns);

/* The type of 16-bit floats; the handle is the caller's. */
hid_t gr_half_type(H5T_order_t order);

/* Handles of every kind that the library holds now. */
uint64_t gr_handles(void);

/* Reads `path` with these options, which must succeed, or must fail with GRADUS_ERR_DATA saying
 * `word`; either way no handle stays open. */
gr_dataset gr_read_file(const char *path, const char *x, const char *y);
void gr_refuse_file(const char *path, const char *x, const char *y, const char *word);

/* ---- bytes of files ---- */

typedef struct gr_bytes_of {
  unsigned char *data;
  size_t n;
} gr_bytes_of;
gr_bytes_of gr_file_bytes(const char *path); /* free data with free() */
void gr_file_set(const char *path, const void *data, size_t n);
int gr_files_in(const char *directory); /* names but . and .. */

/* ---- a checkpoint with everything in it ---- */

/* 7 inputs, hidden 5 and 4, 3 classes, adam; step as given. NaN and -0 are among the numbers. */
void gr_checkpoint_make(uint64_t step, gr_checkpoint *out);

#endif
