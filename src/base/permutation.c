/* A Feistel network needs no inverse round function, so any mixing hash makes a bijection; keys
 * come from Philox. */
#include <config.h>

#include "base/permutation.h"

gr_permutation gr_permutation_make_in(uint64_t seed, gr_stream stream, uint64_t epoch,
                                      uint64_t number, uint64_t n) {
  gr_permutation p = {.n = n};
  unsigned bits = 0;
  while (bits < 63 && ((uint64_t)1 << bits) < n) bits++;
  if (bits < 2) bits = 2;
  p.low_bits = bits / 2;
  p.high_bits = bits - p.low_bits;
  for (unsigned round = 0; round < GR_PERMUTATION_ROUNDS; round++) {
    uint32_t w[4];
    gr_random_words(seed, stream, epoch, number * GR_PERMUTATION_ROUNDS + round, w);
    p.key[round] = (uint64_t)w[0] << 32 | w[1];
  }
  return p;
}

gr_permutation gr_permutation_make(uint64_t seed, uint64_t epoch, uint64_t n) {
  return gr_permutation_make_in(seed, GR_STREAM_SHUFFLE, epoch, 0, n);
}

gr_permutation gr_permutation_identity(uint64_t n) {
  return (gr_permutation){.n = n};
}

uint64_t gr_permutation_at(const gr_permutation *p, uint64_t i) {
  if (p->high_bits == 0) return i;
  do i = gr_permutation_walk(p, i);
  while (i >= p->n);
  return i;
}
