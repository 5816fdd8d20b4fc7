/* Rows are sorted by score once for each column: a radix sort of 32-bit keys, stable, so that rows
 * of equal scores stay in their order and sums of weights are the same bits everywhere. */
#include <config.h>

#include "train/ranks.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"

enum { DIGITS = 4, BASE = 256 };

uint64_t gr_ranks_bytes(uint64_t n, uint32_t n_columns, bool weighted, bool own_labels) {
  const uint64_t labels = own_labels ? n_columns : 1, sorting = 2 * sizeof(uint64_t);
  return n * (4 * ((uint64_t)n_columns + labels + (weighted ? 1 : 0)) + sorting);
}

gradus_status gr_ranks_open(gr_ranks *ranks, uint64_t n, uint32_t n_columns, bool weighted,
                            bool own_labels, gradus_error *err) {
  size_t cells = 0;
  *ranks =
      (gr_ranks){.n = n, .n_columns = n_columns, .weighted = weighted, .own_labels = own_labels};
  if (n > UINT32_MAX)
    return gr_fail(err, GRADUS_ERR_RESOURCES, "%llu rows are more than can be ranked",
                   (unsigned long long)n);
  const bool fits = gr_multiply(n, n_columns, &cells);
  if (fits) ranks->score = gr_alloc(cells, sizeof *ranks->score);
  if (fits) ranks->label = gr_alloc(own_labels ? cells : n, sizeof *ranks->label);
  if (weighted) ranks->weight = gr_alloc(n, sizeof *ranks->weight);
  for (int i = 0; i < 2; i++) ranks->order[i] = gr_alloc(n, sizeof *ranks->order[i]);
  if (ranks->score && ranks->label && (!weighted || ranks->weight) && ranks->order[0] &&
      ranks->order[1])
    return GRADUS_OK;
  gr_ranks_close(ranks);
  return gr_fail_memory(err, "the scores of rows");
}

void gr_ranks_close(gr_ranks *ranks) {
  gr_free(ranks->score);
  gr_free(ranks->label);
  gr_free(ranks->weight);
  for (int i = 0; i < 2; i++) gr_free(ranks->order[i]);
  *ranks = (gr_ranks){0};
}

/* Larger scores have smaller keys; -0 is +0. */
static uint32_t key_of(float score) {
  const float plain = score == 0 ? 0 : score;
  uint32_t bits;
  memcpy(&bits, &plain, sizeof bits);
  return bits & 0x80000000u ? bits : ~(bits | 0x80000000u);
}

/* Rows by descending score, in order[0]: key in the upper half, row in the lower. */
static void sort_rows(gr_ranks *ranks, const float *score) {
  uint64_t *from = ranks->order[0], *to = ranks->order[1];
  for (uint64_t i = 0; i < ranks->n; i++) from[i] = (uint64_t)key_of(score[i]) << 32 | i;
  for (int digit = 0; digit < DIGITS; digit++) {
    uint64_t start[BASE + 1] = {0};
    const int shift = 32 + 8 * digit;
    for (uint64_t i = 0; i < ranks->n; i++) start[(from[i] >> shift & (BASE - 1)) + 1]++;
    for (int b = 0; b < BASE; b++) start[b + 1] += start[b];
    for (uint64_t i = 0; i < ranks->n; i++) to[start[from[i] >> shift & (BASE - 1)]++] = from[i];
    uint64_t *spare = from;
    from = to;
    to = spare;
  } /* an even number of digits: the last one ended in order[0] */
}

gr_areas gr_ranks_areas(gr_ranks *ranks, uint32_t column, int32_t positive) {
  const int32_t *label = ranks->label + (ranks->own_labels ? column * ranks->n : 0);
  double yes = 0, no = 0, pairs = 0, precision = 0; /* so far: weights of both sides, ... */
  sort_rows(ranks, ranks->score + column * ranks->n);
  for (uint64_t i = 0; i < ranks->n;) {
    const uint64_t key = ranks->order[0][i] >> 32;
    double tied_yes = 0, tied_no = 0;
    for (; i < ranks->n && ranks->order[0][i] >> 32 == key; i++) {
      const uint64_t row = ranks->order[0][i] & UINT32_MAX;
      const double w = ranks->weight ? (double)ranks->weight[row] : 1;
      *(label[row] == positive ? &tied_yes : &tied_no) += w;
    }
    pairs += tied_no * (yes + 0.5 * tied_yes);
    yes += tied_yes;
    no += tied_no;
    if (tied_yes > 0) precision += tied_yes * (yes / (yes + no));
  }
  if (!(yes > 0) || !(no > 0)) return (gr_areas){(double)NAN, (double)NAN};
  return (gr_areas){pairs / (yes * no), precision / yes};
}
