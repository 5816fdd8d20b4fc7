/* Which units are dropped: a function of seed, step, layer, row and unit, so that any share of rows
 * and panels can be made by any rank. One call of Philox per unit gives 16 bits to each of 8
 * rows. */
#include <config.h>

#include "base/philox.h"
#include "kernel/kernel.h"
#include "kernel/simd.h"

enum { UNITS = 16, GROUP = 8 }; /* rows that share a call */

/* Philox4x32-10 (base/philox.c) of 16 counters that differ in their first word, under one key. */
GR_INLINE void philox_16(vi first, const uint32_t rest[3], const uint32_t key[2], vi word[4]) {
  vi c0 = first, c1 = vi_set1(rest[0]), c2 = vi_set1(rest[1]), c3 = vi_set1(rest[2]);
  uint32_t k0 = key[0], k1 = key[1];
  for (int round = 0; round < 10; round++, k0 += 0x9E3779B9u, k1 += 0xBB67AE85u) {
    vi high0, high1;
    const vi low0 = vi_multiply(c0, vi_set1(0xD2511F53u), &high0),
             low1 = vi_multiply(c2, vi_set1(0xCD9E8D57u), &high1);
    c0 = vi_xor(vi_xor(high1, c1), vi_set1(k0));
    c1 = low1;
    c2 = vi_xor(vi_xor(high0, c3), vi_set1(k1));
    c3 = low0;
  }
  word[0] = c0;
  word[1] = c1;
  word[2] = c2;
  word[3] = c3;
}

/* One row of 16 units. */
GR_INLINE void drop_units(const int scales, vm dropped, vf factor, float *dst) {
  const vf kept = scales ? vf_mul(vf_load(dst), factor) : factor;
  vf_store(dst, vf_select(dropped, vf_zero(), kept));
}

static const uint32_t units[UNITS] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

/* Rows [row, end) of one group, all panels. */
GR_INLINE void drop_group(const gr_dropout *d, const int scales, size_t row, size_t end) {
  const uint32_t key[2] = {(uint32_t)d->seed, (uint32_t)(d->seed >> 32)},
                 rest[3] = {(uint32_t)(row / GROUP) | (uint32_t)(d->step >> 32) << 21,
                            (uint32_t)d->step, GR_STREAM_DROPOUT};
  const vf factor = vf_set1(d->factor);
  float *dst = d->dst + (row - d->first_row) * d->ld;
  for (size_t p = 0; p < d->n_panels; p++) {
    const uint32_t unit = (uint32_t)(UNITS * (d->first_panel + p)) + (d->layer << 20);
    vi word[4];
    philox_16(vi_add(vi_load(units), vi_set1(unit)), rest, key, word);
    for (size_t r = row; r < end; r++) {
      const vi w = word[r / 2 % 4];
      const vm dropped =
          r % 2 ? vi_half_below(w, 1, d->threshold) : vi_half_below(w, 0, d->threshold);
      drop_units(scales, dropped, factor, dst + (r - row) * d->ld + UNITS * p);
    }
  }
}

void GR_SUFFIX(gr_dropout)(const gr_dropout *d);
void GR_SUFFIX(gr_dropout)(const gr_dropout *d) {
  const size_t end = d->first_row + d->n_rows;
  for (size_t row = d->first_row, next; row < end; row = next) {
    next = (row / GROUP + 1) * GROUP;
    if (next > end) next = end;
    if (d->scales)
      drop_group(d, 1, row, next);
    else
      drop_group(d, 0, row, next);
  }
}
