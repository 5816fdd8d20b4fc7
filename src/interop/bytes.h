/* A file, plain or gzip-compressed, in memory. */
#ifndef GR_INTEROP_BYTES_H
#define GR_INTEROP_BYTES_H

#include <stddef.h>

#include "base/status.h"

/* Zero-initialise. */
typedef struct gr_bytes {
  char *data; /* from gr_alloc; may be taken over by setting it to NULL */
  size_t size;
} gr_bytes;

/* Reads the whole of `path`, decompressed where it starts as gzip data do. Missing or unreadable:
 * GRADUS_ERR_NOINPUT; damaged or cut gzip data: GRADUS_ERR_DATA with the byte reached. */
gradus_status gr_bytes_read(const char *path, gr_bytes *out, gradus_error *err);

void gr_bytes_free(gr_bytes *bytes);

#endif
