/* Rows of one array, which lies in one HDF5 file or in several one after another, read by ranges of
 * rows from any number of threads; the array may be far larger than memory. HDF5 says where the
 * bytes are; reading and decoding them is done here, outside its lock. */
#ifndef GR_STORE_SOURCE_H
#define GR_STORE_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/dtype.h"
#include "base/status.h"

typedef struct gr_source gr_source;

/* From the fastest to the slowest. */
typedef enum gr_source_kind {
  GR_SOURCE_MAPPED,  /* contiguous, in this machine's byte order, in one file: rows lie at `base` */
  GR_SOURCE_DIRECT,  /* contiguous otherwise: other byte order, transposed, or several files */
  GR_SOURCE_CHUNKED, /* whole chunks are read and decoded */
  GR_SOURCE_LIBRARY  /* ranges of rows through the library, one thread at a time */
} gr_source_kind;

/* One array of a file; with `transpose` it is stored [columns][rows]. */
typedef struct gr_source_part {
  const char *file, *path;
  bool transpose;
} gr_source_part;

typedef struct gr_source_info {
  gr_source_kind kind; /* of the slowest part */
  uint64_t n_rows;
  uint32_t n_columns;    /* trailing dimensions flattened */
  gr_dtype type;         /* of what is read, in native byte order */
  const void *base;      /* MAPPED, else NULL; read-only */
  uint64_t chunk_rows;   /* of a stored chunk of the first chunked part; 0: contiguous */
  uint64_t chunk_bytes;  /* decoded, of all chunks that share those rows */
  uint64_t stored_bytes; /* on disk, of all parts */
  char filters[64];      /* "none", "shuffle, gzip" */
  char reason[96];       /* why the kind is no better, for people; empty for MAPPED */
} gr_source_info;

/* All parts have the same columns and type. Everything that is wrong with a part is said here,
 * naming file and object: what gr_h5_array_open refuses (but for arrays larger than memory),
 * filters that nobody here decodes, virtual datasets that are not rows of files in the same folder.
 * Files are kept open. */
gradus_status gr_source_open(const gr_source_part *parts, size_t n_parts, gr_source **out,
                             gradus_error *err);
void gr_source_close(gr_source *source); /* accepts NULL */
const gr_source_info *gr_source_get_info(const gr_source *source);

/* Rows [first, first + n) into out [n][n_columns], dense; any threads at once. A damaged chunk:
 * GRADUS_ERR_DATA; a file that is shorter than it was, or cannot be read: GRADUS_ERR_IO. */
gradus_status gr_source_read(gr_source *source, uint64_t first, uint64_t n, void *out,
                             gradus_error *err);

/* All rows, with as many threads as the machine lends us. */
gradus_status gr_source_read_all(gr_source *source, void *out, gradus_error *err);

#endif
