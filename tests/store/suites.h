/* The suites of this layer, and what they share. */
#ifndef GR_TESTS_STORE_SUITES_H
#define GR_TESTS_STORE_SUITES_H

#include <hdf5.h>

#include "store/checkpoint.h"
#include "store/dataset.h"
#include "store/source.h"
#include "support/test.h"

extern const gr_test gr_dataset_tests[];
extern const gr_test gr_foreign_tests[];
extern const gr_test gr_refused_tests[];
extern const gr_test gr_checkpoint_tests[];
extern const gr_test gr_damage_tests[];
extern const gr_test gr_source_tests[];
extern const gr_test gr_chunks_tests[];
extern const gr_test gr_virtual_tests[];
extern const gr_test gr_broken_tests[];
extern const gr_test gr_accident_tests[];
extern const gr_test gr_ahead_tests[];

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

/* ---- sources ---- */

/* Bytes that repeat and do not. */
void gr_fill(void *out, size_t bytes);

/* Opens one part, which must succeed without a handle more than its kind needs. */
gr_source *gr_source_of(const char *file, const char *path, bool transpose);

/* Opening must fail with `status` and a message that holds `word`, and leave no handle open. */
void gr_refuse_source(const char *file, const char *path, gradus_status status, const char *word);

/* Reads the source whole, in some random ranges and in small ones in sequence: each time the rows
 * of `expected`. */
void gr_check_rows(gr_source *source, const void *expected);

/* Both, and that its kind is as expected. */
void gr_check_source(const char *file, const char *path, bool transpose, gr_source_kind kind,
                     const void *expected);

/* ---- chunks made by hand ---- */

enum { GR_CHUNK_ROWS = 45, GR_CHUNK_COLUMNS = 11, GR_CHUNK_HEIGHT = 16, GR_CHUNK_WORST = 16384 };

/* Encodes in [n] to out, which has room; bytes written. gzip is the first; {NULL} the last. */
typedef struct gr_chunk_codec {
  const char *name;
  H5Z_filter_t id;
  size_t (*encode)(const unsigned char *in, size_t n, unsigned char *out);
} gr_chunk_codec;
extern const gr_chunk_codec gr_chunk_codecs[];

/* Makes and opens a dataset "x" of u16 [GR_CHUNK_ROWS][GR_CHUNK_COLUMNS] in chunks of
 * GR_CHUNK_HEIGHT rows, with filter `id` (0: none) after shuffle or alone. */
hid_t gr_chunk_set(hid_t file, H5Z_filter_t id, bool shuffle);
void gr_chunk_write(hid_t set, hsize_t row, uint32_t mask, const void *bytes, size_t n);

/* The bytes of the chunk at `row` of such data, shuffled or not; what lies over the edge is 0xee.
 */
void gr_chunk_cut(const uint16_t *data, size_t row, bool shuffle, unsigned char *out);

/* A whole file of it, and its data. */
void gr_chunk_file(const char *path, const gr_chunk_codec *codec, bool shuffle,
                   uint16_t data[GR_CHUNK_ROWS * GR_CHUNK_COLUMNS]);

/* ---- bytes of files ---- */

typedef struct gr_bytes_of {
  unsigned char *data;
  size_t n;
} gr_bytes_of;
gr_bytes_of gr_file_bytes(const char *path); /* free data with free() */
void gr_file_set(const char *path, const void *data, size_t n);
int gr_files_in(const char *directory); /* names but . and .. */

extern const gr_test print_tests[], event_tests[];

/* ---- a checkpoint with everything in it ---- */

/* 7 inputs, hidden 5 and 4, 3 classes, adam; step as given. NaN and -0 are among the numbers. */
void gr_checkpoint_make(uint64_t step, gr_checkpoint *out);

#endif
