/* Writing HDF5 files: a writer that remembers its first failure, so that what a file is made of can
 * be written down line after line and asked for success once. */
#ifndef GR_STORE_H5_WRITE_H
#define GR_STORE_H5_WRITE_H

#include "base/dtype.h"
#include "store/h5.h"

typedef struct gr_h5_writer {
  hid_t file;
  hid_t group_plist, dataset_plist;
  const char *path; /* borrowed: the name in messages */
  gradus_status status;
  gradus_error *err;
} gr_h5_writer;

/* Starts the file `aside` (which exists and is emptied): format of HDF5 1.8, no times, contiguous
 * data. `user_block` bytes (0, or a power of two >= 512) stay free at its start; arrays of 4 KiB
 * and more are aligned to 4 KiB. Messages say `path`. */
gr_h5_writer gr_h5_write_begin(const char *aside, const char *path, uint64_t user_block,
                               gradus_error *err);

/* Closes the file, whatever happened; the first failure of all (GRADUS_ERR_IO), or GRADUS_OK. */
gradus_status gr_h5_write_end(gr_h5_writer *writer);

/* A group whose parent exists. */
void gr_h5_put_group(gr_h5_writer *writer, const char *path);

/* data [dims[0]]...[dims[rank-1]] in native byte order, stored little-endian; rank 0 = one value.
 * NULL: room for it, to be filled by gr_h5_put_rows. */
void gr_h5_put_array(gr_h5_writer *writer, const char *path, gr_dtype type, unsigned rank,
                     const uint64_t *dims, const void *data);

/* An array [dims[0]]... of which nothing is written yet, to be filled by others. Contiguous:
 * returns the byte of the file where it begins. Chunked, `chunk_rows` rows to a chunk, with the
 * shuffle and gzip filters where level > 0: returns the open dataset, to be closed with H5Dclose.
 * After a failure 0, or an invalid one. */
uint64_t gr_h5_create_contiguous(gr_h5_writer *writer, const char *path, gr_dtype type,
                                 unsigned rank, const uint64_t *dims);
hid_t gr_h5_create_chunked(gr_h5_writer *writer, const char *path, gr_dtype type, unsigned rank,
                           const uint64_t *dims, uint64_t chunk_rows, int level);

/* Rows [first, first + n) of the matrix `path` [..][n_columns], which is there. */
void gr_h5_put_rows(gr_h5_writer *writer, const char *path, gr_dtype type, uint64_t first,
                    uint64_t n, uint64_t n_columns, const void *data);

/* Fixed-length UTF-8 texts [n], as long as the longest. */
void gr_h5_put_texts(gr_h5_writer *writer, const char *path, char *const *texts, uint32_t n);

/* One text of any length as a dataset with one value. */
void gr_h5_put_text(gr_h5_writer *writer, const char *path, const char *text);

/* u8 whole numbers [n] as an enumeration of `names` [n_names]. */
void gr_h5_put_enum(gr_h5_writer *writer, const char *path, const char *const *names,
                    uint8_t n_names, const uint8_t *data, uint64_t n);

/* Attributes of the object `object`. */
void gr_h5_put_attribute(gr_h5_writer *writer, const char *object, const char *name, gr_dtype type,
                         const void *value);
void gr_h5_put_text_attribute(gr_h5_writer *writer, const char *object, const char *name,
                              const char *text);

#endif
