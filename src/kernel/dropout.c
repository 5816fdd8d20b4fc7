/* Which units are dropped: a function of seed, step, layer, row and unit, so that any share of rows
 * and panels can be made by any rank. One call of Philox per unit gives 16 bits to each of 8 rows.
 * The loops over 16 units are integers and no more; the compiler makes vectors of them. */
#include <config.h>

#include "base/philox.h"
#include "kernel/kernel.h"
#include "kernel/simd.h"

enum { UNITS = 16, GROUP = 8 }; /* rows that share a call */

/* Philox4x32-10 (base/philox.c) of 16 counters that differ in their first word, under one key. */
GR_INLINE void philox_16(uint32_t first, const uint32_t rest[3], const uint32_t key[2],
                         uint32_t word[4][UNITS]) {
  uint32_t *c0 = word[0], *c1 = word[1], *c2 = word[2], *c3 = word[3], k0 = key[0], k1 = key[1];
  for (uint32_t i = 0; i < UNITS; i++) {
    c0[i] = first + i;
    c1[i] = rest[0];
    c2[i] = rest[1];
    c3[i] = rest[2];
  }
  for (int round = 0; round < 10; round++, k0 += 0x9E3779B9u, k1 += 0xBB67AE85u)
    for (int i = 0; i < UNITS; i++) {
      const uint64_t p0 = (uint64_t)0xD2511F53u * c0[i], p1 = (uint64_t)0xCD9E8D57u * c2[i];
      c0[i] = (uint32_t)(p1 >> 32) ^ c1[i] ^ k0;
      c1[i] = (uint32_t)p1;
      c2[i] = (uint32_t)(p0 >> 32) ^ c3[i] ^ k1;
      c3[i] = (uint32_t)p0;
    }
}

/* One row of 16 units from their words. */
GR_INLINE void drop_units(const gr_dropout *d, const uint32_t *word, uint32_t shift, float *dst) {
  for (int i = 0; i < UNITS; i++) {
    const uint32_t draw = word[i] >> shift & 0xffffu;
    const float kept = d->scales ? dst[i] * d->factor : d->factor;
    dst[i] = draw < d->threshold ? 0.0f : kept;
  }
}

void GR_SUFFIX(gr_dropout)(const gr_dropout *d);
void GR_SUFFIX(gr_dropout)(const gr_dropout *d) {
  const uint32_t key[2] = {(uint32_t)d->seed, (uint32_t)(d->seed >> 32)};
  const size_t end = d->first_row + d->n_rows;
  for (size_t row = d->first_row, next; row < end; row = next) {
    next = (row / GROUP + 1) * GROUP;
    if (next > end) next = end;
    const uint32_t rest[3] = {(uint32_t)(row / GROUP) | (uint32_t)(d->step >> 32) << 21,
                              (uint32_t)d->step, GR_STREAM_DROPOUT};
    for (size_t p = 0; p < d->n_panels; p++) {
      uint32_t word[4][UNITS];
      philox_16((uint32_t)(UNITS * (d->first_panel + p)) + (d->layer << 20), rest, key, word);
      for (size_t r = row; r < next; r++)
        drop_units(d, word[r / 2 % 4], r % 2 ? 16 : 0,
                   d->dst + (r - d->first_row) * d->ld + UNITS * p);
    }
  }
}
