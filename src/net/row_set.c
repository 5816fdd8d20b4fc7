/* Rank and select over bits (Jacobson 1989): a count before each 512 bits, then the words of the
 * block. Rows are drawn at random, so the block of member i is near i / density: a few steps of
 * interpolation find it, and halving does where they do not. */
#include <config.h>

#include "net/row_set.h"

#include "base/memory.h"

enum { BLOCK_BITS = 512, BLOCK_WORDS = BLOCK_BITS / 64, GUESSES = 8 };

static uint64_t block_count(const gr_row_bits *bits) {
  return (bits->n + BLOCK_BITS - 1) / BLOCK_BITS;
}

gradus_status gr_row_bits_make(uint64_t n, gr_row_bits *out, gradus_error *err) {
  *out = (gr_row_bits){.n = n};
  const uint64_t blocks = block_count(out);
  out->word = gr_calloc(blocks * BLOCK_WORDS, sizeof *out->word);
  out->ones = gr_calloc(blocks + 1, sizeof *out->ones);
  if (out->word && out->ones) return GRADUS_OK;
  gr_row_bits_free(out);
  return gr_fail_memory(err, "the rows held out");
}

void gr_row_bits_free(gr_row_bits *bits) {
  gr_free(bits->word);
  gr_free(bits->ones);
  *bits = (gr_row_bits){0};
}

static uint64_t popcount(uint64_t word) {
  return (uint64_t)__builtin_popcountll(word);
}

void gr_row_bits_count(gr_row_bits *bits) {
  const uint64_t blocks = block_count(bits);
  for (uint64_t b = 0; b < blocks; b++) {
    uint64_t ones = bits->ones[b];
    for (uint64_t w = 0; w < BLOCK_WORDS; w++) ones += popcount(bits->word[b * BLOCK_WORDS + w]);
    bits->ones[b + 1] = ones;
  }
}

/* Members before block b. */
static uint64_t before(const gr_row_set *set, uint64_t b) {
  const uint64_t ones = set->bits->ones[b];
  const uint64_t row = b * BLOCK_BITS < set->bits->n ? b * BLOCK_BITS : set->bits->n;
  return set->member ? ones : row - ones;
}

/* Bits of members; beyond the last row they mean nothing. */
static uint64_t members(const gr_row_set *set, uint64_t word) {
  return set->member ? set->bits->word[word] : ~set->bits->word[word];
}

uint64_t gr_row_set_size(const gr_row_set *set) {
  return before(set, block_count(set->bits));
}

uint64_t gr_row_set_rank(const gr_row_set *set, uint64_t row) {
  const uint64_t block = row / BLOCK_BITS;
  uint64_t rank = before(set, block);
  for (uint64_t w = block * BLOCK_WORDS; w < row / 64; w++) rank += popcount(members(set, w));
  if (row % 64 == 0) return rank;
  return rank + popcount(members(set, row / 64) & (((uint64_t)1 << row % 64) - 1));
}

/* The block that holds member i. */
static uint64_t find_block(const gr_row_set *set, uint64_t i) {
  uint64_t low = 0, high = block_count(set->bits); /* before(low) <= i < before(high) */
  uint64_t n_low = 0, n_high = before(set, high);
  for (int guess = 0; high - low > 1; guess++) {
    uint64_t middle = low + (high - low) / 2;
    if (guess < GUESSES) {
      const double part = (double)(i - n_low) / (double)(n_high - n_low);
      middle = low + (uint64_t)(part * (double)(high - low));
      if (middle <= low) middle = low + 1;
      if (middle >= high) middle = high - 1;
    }
    const uint64_t n = before(set, middle);
    if (n <= i)
      low = middle, n_low = n;
    else
      high = middle, n_high = n;
    if (n_low == i && before(set, low + 1) > i) break;
  }
  return low;
}

/* The place of the 1 that has k ones below it. */
static unsigned select_in_word(uint64_t word, uint64_t k) {
  unsigned at = 0;
  for (uint64_t ones = popcount(word & 0xff); ones <= k; ones = popcount(word & 0xff)) {
    k -= ones;
    word >>= 8;
    at += 8;
  }
  for (; k > 0; k--) word &= word - 1;
  return at + (unsigned)__builtin_ctzll(word);
}

uint64_t gr_row_set_select(const gr_row_set *set, uint64_t i) {
  const uint64_t block = find_block(set, i);
  uint64_t left = i - before(set, block), word = block * BLOCK_WORDS;
  for (uint64_t ones = popcount(members(set, word)); ones <= left;
       ones = popcount(members(set, ++word)))
    left -= ones;
  return word * 64 + select_in_word(members(set, word), left);
}

void gr_row_set_list(const gr_row_set *set, uint64_t first, uint64_t n, uint64_t *out) {
  if (n == 0) return;
  uint64_t row = gr_row_set_select(set, first), word = row / 64;
  uint64_t left = members(set, word) & ~(uint64_t)0 << row % 64;
  for (uint64_t j = 0; j < n; j++) {
    while (left == 0) left = members(set, ++word);
    out[j] = word * 64 + (unsigned)__builtin_ctzll(left);
    left &= left - 1;
  }
}
