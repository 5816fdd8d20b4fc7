/* What each operation of a step reads and writes, told anew, and what goes wrong where ranks do not
 * meet in between. */
#ifndef GR_TESTS_EXEC_WATCH_H
#define GR_TESTS_EXEC_WATCH_H

#include "cells.h"
#include "plan/plan.h"

typedef struct watch {
  const gr_plan *plan;
  matrix input, a[GR_MAX_LAYERS], delta[GR_MAX_LAYERS], weights[GR_MAX_LAYERS], back[GR_MAX_LAYERS],
      scratch, index[2], loss, finite, numbers, gradient[GR_MAX_LAYERS], average[GR_MAX_LAYERS],
      zhat[GR_MAX_LAYERS], dy[GR_MAX_LAYERS], statistics[GR_MAX_LAYERS], squares, sums, compared,
      pairs[GR_MAX_LAYERS], directions[GR_MAX_LAYERS], products;
  uint64_t n;             /* rows of this step */
  unsigned step, meeting; /* meetings so far */
  uint64_t conflicts, missing, twice;
} watch;

watch gr_watch_make(const gr_plan *plan);

/* A step of n rows, all operations in their order; ranks meet after operation i where meets[i]. */
void gr_watch_step(watch *w, uint64_t n, const bool *meets);

/* Cells that the last step should have written, and has not. */
uint64_t gr_watch_left_out(const watch *w);

#endif
