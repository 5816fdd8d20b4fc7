/* The rows of one array, lying in one or several HDF5 files, read by ranges from several threads at
 * once; the array may be far larger than memory. HDF5 says once where things lie; reading is then
 * our own, without its lock, wherever the way of storing is one that we know. */
#ifndef GR_STORE_SOURCE_H
#define GR_STORE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/dtype.h"
#include "base/status.h"

typedef struct gr_source gr_source;

typedef enum gr_source_kind {
  GR_SOURCE_MAPPED,  /* contiguous, native byte order, aligned to its type, one part: mapped */
  GR_SOURCE_DIRECT,  /* contiguous otherwise: read with pread and turned by us */
  GR_SOURCE_CHUNKED, /* whole chunks, read with pread and decoded by us, outside HDF5's lock */
  GR_SOURCE_LIBRARY /* by HDF5, one thread at a time: compact, types that it has to convert, filters
                       that we do not decode (szip, nbit, scaleoffset) */
} gr_source_kind;

/* One array; parts follow one another as rows. */
typedef struct gr_source_part {
  const char *file;
  const char *path;
  bool transpose; /* stored [columns][rows], the last dimension counting rows */
} gr_source_part;

typedef struct gr_source_info {
  gr_source_kind kind; /* of the slowest part */
  uint64_t n_rows;
  uint32_t n_columns;  /* trailing dimensions flattened */
  gr_dtype type;       /* what read delivers, in native byte order */
  const void *base;    /* MAPPED: the rows, [n_rows][n_columns]; else NULL. A file that is cut while
                          it is mapped ends the process with SIGBUS when it is read here */
  uint64_t chunk_rows; /* rows per stored chunk of the first chunked part; 0 = contiguous */
  uint64_t chunk_bytes;  /* decoded, of all chunks that share those rows */
  uint64_t stored_bytes; /* on disk */
  char filters[64];      /* "none", "shuffle, gzip 4", ... of the first part that has any */
  char reason[128];      /* why not the next better kind, for people; "" for MAPPED */
} gr_source_info;

/* Opens the parts, all of one type and number of columns; no data is read but the tables of chunks.
 * Refused with GRADUS_ERR_DATA, naming file and object: what gr_h5_array_look refuses, text, single
 * values, no rows or columns, filters that nobody here decodes (by number and name), chunks that
 * lie outside their file, virtual datasets that are not made of whole rows of arrays in files
 * beside or below theirs. A missing file, of a virtual dataset too: GRADUS_ERR_NOINPUT. */
gradus_status gr_source_open(const gr_source_part *parts, size_t n_parts, gr_source **out,
                             gradus_error *err);
void gr_source_close(gr_source *source); /* accepts NULL; nobody may be reading */
const gr_source_info *gr_source_get_info(const gr_source *source);

/* Rows [first, first + n) into out [n][n_columns], dense. Any threads at once. A range that covers
 * all rows of a chunk is decoded straight into `out`; of a chunk that is covered in part, the
 * rows are kept for the next call, so that small ranges in sequence decode each chunk once. For
 * that each thread reading at the same time costs chunk_bytes (up to 256 MiB; larger ones are not
 * kept) and up to five times the bytes of one chunk, until close. A damaged chunk or a file cut
 * short: GRADUS_ERR_DATA, a failed read: GRADUS_ERR_IO, both naming file, object and rows; `out`
 * then holds anything. */
gradus_status gr_source_read(gr_source *source, uint64_t first, uint64_t n, void *out,
                             gradus_error *err);

/* All rows, by as many threads as this machine lends us. */
gradus_status gr_source_read_all(gr_source *source, void *out, gradus_error *err);

#endif
