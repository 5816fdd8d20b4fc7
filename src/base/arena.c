/* Reserving is arithmetic; allocating happens once, after it. */
#include <config.h>

#include "base/arena.h"

#include <stdint.h>

#include "base/memory.h"

size_t gr_arena_reserve(gr_arena_layout *layout, size_t rows, size_t columns) {
  size_t offset = layout->n_floats, count, end;
  if (!gr_multiply(rows, columns, &count) || count > SIZE_MAX - 15 ||
      __builtin_add_overflow(offset, (count + 15) & ~(size_t)15, &end)) {
    layout->overflow = true;
    return 0;
  }
  layout->n_floats = end;
  return offset;
}

float *gr_arena_allocate(const gr_arena_layout *layout) {
  if (layout->overflow) return NULL;
  return gr_alloc_aligned(layout->n_floats, sizeof(float));
}
