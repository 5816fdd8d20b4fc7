/* The order of rows in an epoch: a keyed bijection of [0, n) computed by index, so nothing is
 * stored and any position of any epoch is reached in O(1). A balanced-as-can-be Feistel network of
 * 8 rounds on the smallest power of two >= n, walked until the value falls below n (Black and
 * Rogaway, "Ciphers with arbitrary finite domains", CT-RSA 2002). */
#ifndef GR_BASE_PERMUTATION_H
#define GR_BASE_PERMUTATION_H

#include <stdint.h>

#include "base/philox.h"

#define GR_PERMUTATION_ROUNDS 8

typedef struct gr_permutation {
  uint64_t n;
  unsigned low_bits, high_bits;
  uint64_t key[GR_PERMUTATION_ROUNDS];
} gr_permutation;

/* The permutation of [0, n) of epoch `epoch`; n >= 1. */
gr_permutation gr_permutation_make(uint64_t seed, uint64_t epoch, uint64_t n);

/* Permutation number `number` of [0, n) of that epoch, with keys of another stream; n may be 0. */
gr_permutation gr_permutation_make_in(uint64_t seed, gr_stream stream, uint64_t epoch,
                                      uint64_t number, uint64_t n);

/* The identity on [0, n): for `shuffle: none`. */
gr_permutation gr_permutation_identity(uint64_t n);

/* The image of i < n. Many at once: the kernel `permute`. */
uint64_t gr_permutation_at(const gr_permutation *p, uint64_t i);

/* The finaliser of MurmurHash3 (Appleby): every input bit reaches every output bit. */
static inline uint64_t gr_permutation_mix(uint64_t x) {
  x ^= x >> 33;
  x *= 0xff51afd7ed558ccdu;
  x ^= x >> 33;
  x *= 0xc4ceb9fe1a85ec53u;
  return x ^ x >> 33;
}

/* One walk through the network: a bijection of the powers of two, whose images may lie at n and
 * beyond; those go through it again. Not for the identity. */
static inline uint64_t gr_permutation_walk(const gr_permutation *p, uint64_t i) {
  const uint64_t low_mask = ((uint64_t)1 << p->low_bits) - 1,
                 high_mask = ((uint64_t)1 << p->high_bits) - 1;
  uint64_t low = i & low_mask, high = i >> p->low_bits;
  for (unsigned round = 0; round < GR_PERMUTATION_ROUNDS; round += 2) {
    high ^= gr_permutation_mix(low + p->key[round]) & high_mask;
    low ^= gr_permutation_mix(high + p->key[round + 1]) & low_mask;
  }
  return high << p->low_bits | low;
}

#endif
