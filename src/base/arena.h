/* One aligned block, carved in order: sizes are reserved first, then the block is allocated, so
 * that all that can fail fails once. Structures keep offsets (in floats), never pointers. */
#ifndef GR_BASE_ARENA_H
#define GR_BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

typedef struct gr_arena_layout {
  size_t n_floats; /* reserved so far, a multiple of 16 */
  bool overflow;   /* a reservation did not fit size_t */
} gr_arena_layout;

/* Reserves `rows` x `columns` floats on a 64-byte boundary and returns their offset in floats. */
size_t gr_arena_reserve(gr_arena_layout *layout, size_t rows, size_t columns);

/* The block of a layout, contents undefined, or NULL (out of memory or overflow). Free with
 * gr_free_aligned. */
float *gr_arena_allocate(const gr_arena_layout *layout);

#endif
