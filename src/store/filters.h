/* The filters of HDF5 chunks, decoded without the library. */
#ifndef GR_STORE_FILTERS_H
#define GR_STORE_FILTERS_H

#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>

#include "store/h5.h"

enum { GR_MAX_FILTERS = 32 };

/* What was done to a chunk before it was stored, in that order. */
typedef struct gr_filters {
  unsigned n;
  int id[GR_MAX_FILTERS];
  unsigned value[GR_MAX_FILTERS]; /* the filter's first parameter; shuffle: bytes of an element */
  bool decoded_here;              /* else the library has to read it */
} gr_filters;

/* Those of a dataset's creation list. A filter that nobody here decodes and the library does not
 * have either: GRADUS_ERR_DATA naming it and what would help. */
gradus_status gr_filters_read(hid_t plist, const char *file, const char *path, gr_filters *out,
                              gradus_error *err);

/* "shuffle, gzip", "none". */
void gr_filters_name(const gr_filters *filters, char *out, size_t size);

/* Most bytes that a stage of decoding `bytes` bytes has: checksums and the like come on top. */
size_t gr_filters_room(size_t bytes);

/* Undoes the filters that bit i of `mask` does not exempt. `data` [stored] holds the stored bytes;
 * data and spare both have gr_filters_room(bytes) or `stored` bytes, whichever is more, and are
 * written over. Returns the one that holds the result of exactly `bytes` bytes; NULL where they are
 * damaged. */
unsigned char *gr_filters_decode(const gr_filters *filters, uint32_t mask, unsigned char *data,
                                 size_t stored, unsigned char *spare, size_t bytes);

#endif
