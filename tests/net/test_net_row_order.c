/* Orders of rows: sets against a naive count, windows as what they are said to be, and how well
 * they mix, in numbers. */
#include <config.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/philox.h"
#include "net/row_order.h"
#include "net/suites.h"

/* ---- sets ---- */

static gr_row_bits draw_bits(uint64_t n, double share, uint64_t seed) {
  gr_row_bits bits = {0};
  gradus_error err = {0};
  GR_CHECK_OK(gr_row_bits_make(n, &bits, &err), &err);
  for (uint64_t r = 0; r < n; r++)
    if (gr_random_uniform(seed, GR_STREAM_TEST, 0, r) < share) gr_row_bits_set(&bits, r);
  gr_row_bits_count(&bits);
  return bits;
}

static void check_set(const gr_row_bits *bits, bool member) {
  const gr_row_set set = {bits, member};
  uint64_t rank = 0, wrong = 0, list[3];
  const uint64_t size = gr_row_set_size(&set);
  for (uint64_t r = 0; r < bits->n; r++) {
    wrong += gr_row_set_rank(&set, r) != rank;
    if (!gr_row_set_holds(&set, r)) continue;
    wrong += gr_row_set_select(&set, rank) != r;
    const uint64_t n = size - rank < 3 ? size - rank : 3;
    gr_row_set_list(&set, rank, n, list);
    for (uint64_t j = 0; j < n; j++) wrong += list[j] != gr_row_set_select(&set, rank + j);
    rank++;
  }
  CU_ASSERT_EQUAL(size, rank);
  CU_ASSERT_EQUAL(gr_row_set_rank(&set, bits->n), rank);
  CU_ASSERT_EQUAL(wrong, 0);
}

static void ranks_and_members_of_sets_are_those_that_are_counted(void) {
  static const uint64_t sizes[] = {1, 2, 63, 64, 65, 511, 512, 513, 1024, 20000};
  static const double shares[] = {0, 0.001, 0.1, 0.5, 0.99, 1};
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
    for (size_t j = 0; j < sizeof shares / sizeof shares[0]; j++) {
      gr_row_bits bits = draw_bits(sizes[i], shares[j], gr_test_seed());
      check_set(&bits, true);
      check_set(&bits, false);
      gr_row_bits_free(&bits);
    }
}

static void members_that_lie_all_at_one_end_are_found(void) {
  gr_row_bits bits = {0};
  gradus_error err = {0};
  GR_CHECK_OK(gr_row_bits_make(100000, &bits, &err), &err);
  for (uint64_t r = 99000; r < 100000; r++) gr_row_bits_set(&bits, r);
  gr_row_bits_count(&bits);
  check_set(&bits, true);
  check_set(&bits, false);
  gr_row_bits_free(&bits);
}

/* ---- windows ---- */

static gr_windows windows_of(uint64_t n, uint64_t block, uint64_t window, const gr_row_set *set,
                             uint64_t slots, uint64_t epoch) {
  const gr_windows_request request = {n, block, window, set, slots};
  gr_windows windows = {0};
  gradus_error err = {0};
  GR_CHECK_OK(gr_windows_make(&request, gr_test_seed(), epoch, &windows, &err), &err);
  return windows;
}

static uint64_t *numbers_of(const gr_windows *windows, uint64_t n) {
  const gr_row_order order = {.windows = windows};
  uint64_t *out = malloc((n + 1) * sizeof *out);
  CU_ASSERT_PTR_NOT_NULL_FATAL(out);
  gr_row_order_numbers(&order, NULL, 0, n, out);
  return out;
}

/* Each member once; any part of the numbers, and single rows, are those of the whole. */
static void check_windows(uint64_t n, uint64_t block, uint64_t window, const gr_row_set *set) {
  const uint64_t size = set ? gr_row_set_size(set) : n;
  gr_windows w = windows_of(n, block, window, set, 0, 3);
  const gr_row_order order = {.windows = &w};
  uint64_t *all = numbers_of(&w, size), part[40], wrong = 0;
  unsigned char *seen = calloc(n, 1);
  CU_ASSERT_PTR_NOT_NULL_FATAL(seen);
  for (uint64_t i = 0; i < size; i++) {
    wrong += all[i] >= n || seen[all[i]]++ || (set && !gr_row_set_holds(set, all[i]));
    wrong += gr_row_order_row(&order, i) != all[i];
  }
  for (uint64_t first = 0; first < size; first += 7) {
    const uint64_t some = size - first < 40 ? size - first : 40;
    gr_row_order_numbers(&order, NULL, first, some, part);
    wrong += memcmp(part, all + first, some * sizeof *part) != 0;
  }
  for (uint64_t i = 1; window == 0 && i < size; i++) wrong += all[i] <= all[i - 1];
  CU_ASSERT_EQUAL(wrong, 0);
  free(seen);
  free(all);
  gr_windows_free(&w);
}

static void each_row_comes_once_whatever_the_blocks(void) {
  static const uint64_t shapes[][3] = {{1, 1, 1},       {10, 3, 6},     {1000, 1, 10},
                                       {1000, 7, 70},   {1000, 999, 1}, {1000, 2000, 1},
                                       {4096, 64, 512}, {5000, 13, 0}};
  for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
    const uint64_t *s = shapes[i];
    check_windows(s[0], s[1], s[2], NULL);
    gr_row_bits bits = draw_bits(s[0], 0.3, gr_test_seed() + i);
    const gr_row_set held = {&bits, true}, rest = {&bits, false};
    if (gr_row_set_size(&held)) check_windows(s[0], s[1], s[2], &held);
    if (gr_row_set_size(&rest)) check_windows(s[0], s[1], s[2], &rest);
    gr_row_bits_free(&bits);
  }
}

/* What a ring holds at a place is the block of that place. */
static void numbers_of_a_ring_are_the_rows_that_lie_there(void) {
  enum { N = 3000, BLOCK = 50, SLOTS = 12 };
  gr_row_bits bits = draw_bits(N, 0.2, gr_test_seed());
  const gr_row_set set = {&bits, false};
  gr_windows flat = windows_of(N, BLOCK, 6 * BLOCK, &set, 0, 5),
             ring = windows_of(N, BLOCK, 6 * BLOCK, &set, SLOTS, 5);
  const uint64_t size = gr_row_set_size(&set);
  uint64_t *rows = numbers_of(&flat, size), *places = numbers_of(&ring, size), wrong = 0;
  for (uint64_t i = 0; i < size; i++) {
    const uint64_t window = gr_windows_at(&ring, i), slot = places[i] / BLOCK;
    uint64_t place = window * ring.per_window;
    while (place < ring.n_blocks && place % SLOTS != slot) place++;
    wrong += place >= (window + 1) * ring.per_window || place >= ring.n_blocks ||
             ring.block[place] * BLOCK + places[i] % BLOCK != rows[i];
    wrong += gr_row_order_row(&(gr_row_order){.windows = &ring}, i) != rows[i];
  }
  CU_ASSERT_EQUAL(wrong, 0);
  free(rows);
  free(places);
  gr_windows_free(&flat);
  gr_windows_free(&ring);
  gr_row_bits_free(&bits);
}

static void epochs_and_seeds_have_orders_of_their_own(void) {
  gr_windows a = windows_of(1000, 10, 100, NULL, 0, 0), b = windows_of(1000, 10, 100, NULL, 0, 1);
  uint64_t *x = numbers_of(&a, 1000), *y = numbers_of(&b, 1000), same = 0;
  for (int i = 0; i < 1000; i++) same += x[i] == y[i];
  CU_ASSERT(same < 12); /* 1 expected, deviation 1 */
  free(x);
  free(y);
  gr_windows_free(&a);
  gr_windows_free(&b);
}

/* ---- how well they mix ---- */

enum { MANY = 1 << 18, MIX_BLOCK = 512, MIX_BLOCKS = 32, CLASSES = 8 };

/* Correlation of row numbers one position apart. */
static double serial_correlation(const uint64_t *rows, uint64_t n) {
  double mean = ((double)n - 1) / 2, product = 0, square = 0;
  for (uint64_t i = 0; i + 1 < n; i++) {
    product += ((double)rows[i] - mean) * ((double)rows[i + 1] - mean);
    square += ((double)rows[i] - mean) * ((double)rows[i] - mean);
  }
  return product / square;
}

/* Of a file sorted by label, the mean over batches of 128 of chi-squared of the labels in a batch
 * against equal shares: CLASSES - 1 = 7 where labels are drawn at random. */
static double label_chi_squared(const uint64_t *rows, uint64_t n) {
  enum { BATCH = 128 };
  double sum = 0;
  for (uint64_t first = 0; first < n; first += BATCH) {
    double count[CLASSES] = {0}, chi = 0;
    for (uint64_t i = first; i < first + BATCH; i++) count[rows[i] * CLASSES / n]++;
    for (int c = 0; c < CLASSES; c++)
      chi += (count[c] - (double)BATCH / CLASSES) * (count[c] - (double)BATCH / CLASSES);
    sum += chi / ((double)BATCH / CLASSES);
  }
  return sum / ((double)n / BATCH);
}

/* A window of G blocks of a file of many has a mean row that deviates as the mean of G does: of the
 * variance of row numbers 1/G lies between windows, so neighbours correlate by 1/G. There are 16
 * windows, so the estimate of a variance from them deviates by sqrt(2/15) = 0.37 of it: 4
 * deviations are 2.5/G. Labels of a batch are drawn from the G blocks of its window: chi-squared is
 * 7 + 7 127/G
 * * (1 - G/512). */
static void windows_mix_as_well_as_their_number_of_blocks_says(void) {
  gr_windows w = windows_of(MANY, MIX_BLOCK, MIX_BLOCKS * MIX_BLOCK, NULL, 0, 0);
  uint64_t *rows = numbers_of(&w, MANY);
  const double g = MIX_BLOCKS, expected = 7 + 7 * 127 / g * (1 - g / 512);
  CU_ASSERT(serial_correlation(rows, MANY) < 2.5 / g);
  CU_ASSERT(label_chi_squared(rows, MANY) < 2 * expected);
  free(rows);
  gr_windows_free(&w);
}

/* Against that, what a permutation of all rows does, and the order of the file. */
static void the_measures_of_mixing_tell_good_orders_from_bad(void) {
  const gr_row_order full = {.permutation = gr_permutation_make(gr_test_seed(), 0, MANY)},
                     none = {.permutation = gr_permutation_identity(MANY)};
  uint64_t *rows = malloc(MANY * sizeof *rows);
  CU_ASSERT_PTR_NOT_NULL_FATAL(rows);
  gr_row_order_numbers(&full, NULL, 0, MANY, rows);
  /* deviations: 1/sqrt(n) = 0.002; sqrt(14/2048) = 0.083 */
  CU_ASSERT(fabs(serial_correlation(rows, MANY)) < 0.01);
  CU_ASSERT(fabs(label_chi_squared(rows, MANY) - 7) < 0.42);
  gr_row_order_numbers(&none, NULL, 0, MANY, rows);
  CU_ASSERT(serial_correlation(rows, MANY) > 0.999);
  CU_ASSERT(label_chi_squared(rows, MANY) > 800); /* 896: one label in a batch */
  free(rows);
}

const gr_test row_order_tests[] = {GR_TEST(ranks_and_members_of_sets_are_those_that_are_counted),
                                   GR_TEST(members_that_lie_all_at_one_end_are_found),
                                   GR_TEST(each_row_comes_once_whatever_the_blocks),
                                   GR_TEST(numbers_of_a_ring_are_the_rows_that_lie_there),
                                   GR_TEST(epochs_and_seeds_have_orders_of_their_own),
                                   GR_TEST(windows_mix_as_well_as_their_number_of_blocks_says),
                                   GR_TEST(the_measures_of_mixing_tell_good_orders_from_bad),
                                   GR_TEST_END};
