/* The order in which an epoch goes through rows: a function of the recipe, the epoch and the number
 * of rows alone, computed by index, so that any position of any epoch is reached at once.
 *
 * full    one keyed permutation of all rows
 * window  for data that come in pieces. Rows are cut into *blocks* of block_rows in the order of
 * the file. Blocks are put in a random order; each `per_window` of them in a row are a *window*,
 *         whose rows are permuted among themselves.
 * none    the order of the file
 *
 * Where some rows are held out, the others keep their block; a block has as many rows as it has
 * members. */
#ifndef GR_NET_ROW_ORDER_H
#define GR_NET_ROW_ORDER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/permutation.h"
#include "kernel/kernel.h"
#include "net/row_set.h"

/* Blocks in the order of one epoch. Place k of the epoch holds block block[k]. */
typedef struct gr_windows {
  uint64_t n_rows; /* of the data, all blocks together */
  uint64_t block_rows, n_blocks, per_window, n_windows;
  const gr_row_set *set;  /* borrowed; NULL: all rows */
  uint64_t *block;        /* [n_blocks] */
  uint64_t *start;        /* [n_blocks + 1]: position of the first row of each place */
  uint64_t *rank;         /* [n_blocks + 1]: members before each block; NULL without a set */
  gr_permutation *within; /* [n_windows]; NULL: rows stay in order */
  uint64_t slots; /* 0: numbers are rows of the data. Else rows of a ring of so many blocks: place k
                     lies in slot k mod slots */
} gr_windows;

typedef struct gr_windows_request {
  uint64_t n_rows, block_rows;
  uint64_t window_rows; /* 0: no shuffling, one block after another */
  const gr_row_set *set;
  uint64_t slots;
} gr_windows_request;

/* How many blocks there are in a window of window_rows: at least 1. */
uint64_t gr_window_blocks(uint64_t window_rows, uint64_t block_rows);

/* The windows of epoch `epoch`. To be freed with gr_windows_free. */
gradus_status gr_windows_make(const gr_windows_request *request, uint64_t seed, uint64_t epoch,
                              gr_windows *out, gradus_error *err);
void gr_windows_free(gr_windows *windows); /* accepts a zeroed object */

/* The window that position i is in, and the place that has it where rows are in order; i <
 * start[n_blocks]. */
uint64_t gr_windows_at(const gr_windows *windows, uint64_t i);
uint64_t gr_windows_place(const gr_windows *windows, uint64_t i);

/* Which row is at a position: by windows; or map[p], the p-th member of set, or p, p being the
 * image of the position under the permutation. Everything is borrowed. */
typedef struct gr_row_order {
  gr_permutation permutation;
  const uint64_t *map;
  const gr_row_set *set;
  const gr_windows *windows;
} gr_row_order;

/* out[i] = number of the row at position first + i, i < n; `kernels` may be NULL, which is slower.
 */
void gr_row_order_numbers(const gr_row_order *order, const gr_kernels *kernels, uint64_t first,
                          uint64_t n, uint64_t *out);

/* The row of the data at a position, also where numbers are those of a ring. */
uint64_t gr_row_order_row(const gr_row_order *order, uint64_t position);

/* Rows that are not in memory all at once: somebody fills them in ahead of whom goes through them
 * position by position. */
typedef struct gr_feed_hooks {
  void *user;
  /* Returns when the rows of positions below `end` are there; false: they will never be. `end` does
   * not decrease. */
  bool (*wait)(void *user, uint64_t end);
  /* Rows of positions below `end` are not needed any more. */
  void (*release)(void *user, uint64_t end);
  /* Begins anew at position 0. */
  gradus_status (*rewind)(void *user, gradus_error *err);
  /* Why `wait` returned false. */
  gradus_status (*why)(void *user, gradus_error *err);
} gr_feed_hooks;

#endif
