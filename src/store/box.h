/* Boxes of elements copied between arrays of any rank whose elements lie at other distances: parts
 * of chunks, rows out of columns. */
#ifndef GR_STORE_BOX_H
#define GR_STORE_BOX_H

#include <stddef.h>
#include <stdint.h>

#define GR_BOX_RANK 33 /* HDF5's 32, and one to see an array as a single row */

typedef struct gr_box {
  unsigned rank; /* 1 or more */
  uint64_t extent[GR_BOX_RANK];
  uint64_t from[GR_BOX_RANK], to[GR_BOX_RANK]; /* strides in elements; from may be 0: one value */
} gr_box;

/* Copies the box's elements of `size` bytes (1, 2, 4 or 8; no alignment is asked for); `from` and
 * `to` point at its first element and do not overlap. */
void gr_box_copy(const gr_box *box, const void *from, void *to, size_t size);

#endif
