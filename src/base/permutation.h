/* The order of rows in an epoch: a keyed bijection of [0, n) computed by index, so nothing is
 * stored and any position of any epoch is reached in O(1). A balanced-as-can-be Feistel network of
 * 8 rounds on the smallest power of two >= n, walked until the value falls below n (Black and
 * Rogaway, "Ciphers with arbitrary finite domains", CT-RSA 2002). */
#ifndef GR_BASE_PERMUTATION_H
#define GR_BASE_PERMUTATION_H

#include <stdint.h>

#define GR_PERMUTATION_ROUNDS 8

typedef struct gr_permutation {
  uint64_t n;
  unsigned low_bits, high_bits;
  uint64_t key[GR_PERMUTATION_ROUNDS];
} gr_permutation;

/* The permutation of [0, n) of epoch `epoch`; n >= 1. */
gr_permutation gr_permutation_make(uint64_t seed, uint64_t epoch, uint64_t n);

/* The identity on [0, n): for `shuffle: none`. */
gr_permutation gr_permutation_identity(uint64_t n);

/* The image of i < n. */
uint64_t gr_permutation_at(const gr_permutation *p, uint64_t i);

#endif
