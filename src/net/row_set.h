/* A part of the rows of a split, as one bit per row: the rows that train and those that are held
 * out of them, where a list of their numbers would be larger than what is trained on. */
#ifndef GR_NET_ROW_SET_H
#define GR_NET_ROW_SET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

/* The bits, and how many are 1 before each 512 of them. Two sets that are each other's complement
 * share them. */
typedef struct gr_row_bits {
  uint64_t n;
  uint64_t *word; /* [ceil(n / 64)], rounded up to whole blocks of 8 */
  uint64_t *ones; /* [blocks + 1] */
} gr_row_bits;

/* All zero; n >= 1. */
gradus_status gr_row_bits_make(uint64_t n, gr_row_bits *out, gradus_error *err);
void gr_row_bits_free(gr_row_bits *bits); /* accepts a zeroed object */

static inline void gr_row_bits_set(gr_row_bits *bits, uint64_t row) {
  bits->word[row / 64] |= (uint64_t)1 << row % 64;
}

/* To be called when all bits are set. */
void gr_row_bits_count(gr_row_bits *bits);

/* The rows whose bit is `member`. `bits` is borrowed. */
typedef struct gr_row_set {
  const gr_row_bits *bits;
  bool member;
} gr_row_set;

static inline bool gr_row_set_holds(const gr_row_set *set, uint64_t row) {
  return (set->bits->word[row / 64] >> row % 64 & 1) == set->member;
}

uint64_t gr_row_set_size(const gr_row_set *set);

/* Members below `row`; row <= n. */
uint64_t gr_row_set_rank(const gr_row_set *set, uint64_t row);

/* The member with exactly `i` members below it, i < size. */
uint64_t gr_row_set_select(const gr_row_set *set, uint64_t i);

/* out[j] = the member number first + j, j < n; faster than n times select. */
void gr_row_set_list(const gr_row_set *set, uint64_t first, uint64_t n, uint64_t *out);

#endif
