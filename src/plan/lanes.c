/* The tree equals a binary counter: lane i carries into as many finished blocks as i has trailing
 * ones. Aligned blocks of 2^k lanes are therefore nodes whatever n is, which lets ranks add their
 * own lanes first. */
#include <config.h>

#include "plan/lanes.h"

uint64_t gr_lane_rows_auto(uint64_t batch_size) {
  uint64_t lanes = 1;
  while (lanes < 64 && 2 * lanes * 48 <= batch_size) lanes *= 2;
  return (batch_size + lanes - 1) / lanes;
}

uint64_t gr_lane_count(uint64_t n_rows, uint64_t lane_rows) {
  return (n_rows + lane_rows - 1) / lane_rows;
}

unsigned gr_tree_depth(uint64_t n) {
  unsigned depth = 1;
  for (; n > 1; n /= 2) depth++;
  return depth;
}

double gr_tree_sum(const double *value, size_t n) {
  double stack[GR_TREE_DEPTH];
  size_t depth = 0;
  for (size_t i = 0; i < n; i++) {
    stack[depth++] = value[i];
    for (unsigned m = gr_tree_merges(i); m; m--, depth--) stack[depth - 2] += stack[depth - 1];
  }
  for (; depth > 1; depth--) stack[depth - 2] += stack[depth - 1];
  return n ? stack[0] : 0;
}

uint64_t gr_tree_block(uint64_t first, uint64_t end) {
  uint64_t size = 1;
  while (first % (2 * size) == 0 && first + 2 * size <= end) size *= 2;
  return size;
}
