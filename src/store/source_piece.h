/* One array, or rows of one, in one file: what a source is made of. */
#ifndef GR_STORE_SOURCE_PIECE_H
#define GR_STORE_SOURCE_PIECE_H

#include <pthread.h>

#include "store/filters.h"
#include "store/h5_array.h"
#include "store/source.h"

/* Where chunks lie, in the order of their places in the array. */
typedef struct gr_chunk_table {
  uint64_t n;
  uint64_t *address; /* UINT64_MAX: was never written */
  uint32_t *stored;  /* bytes */
  uint32_t *mask;    /* filters that were not applied */
} gr_chunk_table;

enum { GR_CHUNKS_KEPT = 4 };

typedef struct gr_piece {
  char *file, *path; /* for messages */
  gr_source_kind kind;
  const char *reason; /* of the kind */
  uint64_t n_rows;    /* that this piece gives, */
  uint64_t skip;      /* from this row of the array on */
  uint32_t n_columns;
  gr_dtype type;
  size_t size; /* bytes of an element */
  bool swap, transpose, convert;
  unsigned rank;
  uint64_t dims[H5S_MAX_RANK];
  uint64_t stored_bytes;
  gr_h5_file h5; /* open while it is needed: CHUNKED without a table, LIBRARY */
  gr_h5_array array;

  int fd;          /* -1: none */
  uint64_t offset; /* contiguous: of the first element */

  uint64_t chunk[H5S_MAX_RANK], grid[H5S_MAX_RANK]; /* elements of a chunk; chunks along each */
  size_t chunk_bytes;
  gr_filters filters;
  gr_chunk_table table; /* n = 0: the library is asked for each chunk */
  unsigned char fill[8];
  pthread_mutex_t lock; /* of what follows: chunks that were wanted in part */
  bool has_lock;
  unsigned char *kept[GR_CHUNKS_KEPT];
  uint64_t kept_index[GR_CHUNKS_KEPT]; /* UINT64_MAX: none */
  unsigned next_kept;
} gr_piece;

/* Finds out how an open chunked array is stored; takes the table where it is small. */
gradus_status gr_piece_open_chunks(gr_piece *piece, hid_t plist, gradus_error *err);
void gr_piece_close_chunks(gr_piece *piece);

/* Rows [first, first + n) of the array, stored row first, into out; bytes in the order of the file.
 */
gradus_status gr_piece_read_chunks(gr_piece *piece, uint64_t first, uint64_t n, unsigned char *out,
                                   gradus_error *err);

/* All of `bytes` bytes at `offset`. A file that ends before: GRADUS_ERR_IO naming it. */
gradus_status gr_piece_pread(const gr_piece *piece, void *out, size_t bytes, uint64_t offset,
                             gradus_error *err);

/* The parts that a virtual dataset (open in `array`) is made of, as gr_source_part with the rows of
 * theirs that it takes; strings are the caller's to free. What is not whole rows of files in the
 * folder of `file`: GRADUS_ERR_DATA. */
typedef struct gr_virtual_part {
  char *file, *path;
  uint64_t skip, n_rows, at; /* rows [skip, skip + n_rows) of it are rows [at, ..) of the whole */
} gr_virtual_part;
gradus_status gr_virtual_parts(const gr_h5_array *array, gr_virtual_part **out, size_t *n,
                               gradus_error *err);
void gr_virtual_parts_free(gr_virtual_part *parts, size_t n);

#endif
