/* A Feistel network needs no inverse round function, so any mixing hash makes a bijection; keys
 * come from Philox. */
#include <config.h>

#include "base/permutation.h"

#include "base/philox.h"

gr_permutation gr_permutation_make(uint64_t seed, uint64_t epoch, uint64_t n) {
  gr_permutation p = {.n = n};
  unsigned bits = 0;
  while (bits < 63 && ((uint64_t)1 << bits) < n) bits++;
  if (bits < 2) bits = 2;
  p.low_bits = bits / 2;
  p.high_bits = bits - p.low_bits;
  for (unsigned round = 0; round < GR_PERMUTATION_ROUNDS; round++) {
    uint32_t w[4];
    gr_random_words(seed, GR_STREAM_SHUFFLE, epoch, round, w);
    p.key[round] = (uint64_t)w[0] << 32 | w[1];
  }
  return p;
}

gr_permutation gr_permutation_identity(uint64_t n) {
  return (gr_permutation){.n = n};
}

/* The finaliser of MurmurHash3 (Appleby): every input bit reaches every output bit. */
static uint64_t mix(uint64_t x) {
  x ^= x >> 33;
  x *= 0xff51afd7ed558ccdu;
  x ^= x >> 33;
  x *= 0xc4ceb9fe1a85ec53u;
  return x ^ x >> 33;
}

uint64_t gr_permutation_at(const gr_permutation *p, uint64_t i) {
  if (p->high_bits == 0) return i;
  const uint64_t low_mask = ((uint64_t)1 << p->low_bits) - 1,
                 high_mask = ((uint64_t)1 << p->high_bits) - 1;
  do {
    uint64_t low = i & low_mask, high = i >> p->low_bits;
    for (unsigned round = 0; round < GR_PERMUTATION_ROUNDS; round += 2) {
      high ^= mix(low + p->key[round]) & high_mask;
      low ^= mix(high + p->key[round + 1]) & low_mask;
    }
    i = high << p->low_bits | low;
  } while (i >= p->n);
  return i;
}
