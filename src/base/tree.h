/* The one tree by which partial sums are added, whatever they are sums of: the left subtree takes
 * the largest power of two below n, recursively. Walked with a stack: after partial `i` (0-based)
 * is pushed, gr_tree_merges(i) times the top is added to the one below it; at the end the rest is
 * folded from the top down. */
#ifndef GR_BASE_TREE_H
#define GR_BASE_TREE_H

#include <stdint.h>

static inline unsigned gr_tree_merges(uint64_t i) {
  return (unsigned)__builtin_ctzll(~i); /* trailing ones of i = trailing zeros of i + 1 */
}

#endif
