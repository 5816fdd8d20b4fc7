/* Stored values as numbers, and what is fitted to columns. */
#include <config.h>

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/philox.h"
#include "net/element.h"
#include "net/preprocessing.h"
#include "net/suites.h"

/* The value of a binary16 by its definition, in arithmetic rather than bits. */
static double half_value(unsigned bits) {
  int exponent = (int)(bits >> 10 & 31);
  double fraction = (double)(bits & 1023) / 1024, sign = bits & 0x8000 ? -1 : 1;
  if (exponent == 31) return (bits & 1023) ? (double)NAN : sign * (double)INFINITY;
  return sign * (exponent ? ldexp(1 + fraction, exponent - 15) : ldexp(fraction, -14));
}

static void every_half_is_converted_exactly(void) {
  int wrong = 0;
  for (unsigned bits = 0; bits < 65536; bits++) {
    uint16_t half = (uint16_t)bits;
    double got = gr_element(&half, GR_F16, 0), wanted = half_value(bits);
    if (isnan(wanted))
      wrong += !isnan(got);
    else
      wrong += memcmp(&got, &wanted, sizeof got) != 0; /* the sign of zero, too */
  }
  CU_ASSERT_EQUAL(wrong, 0);
}

static void every_type_is_read_at_its_extremes(void) {
  static const uint8_t u8[] = {9, 255};
  static const int8_t i8[] = {9, -128};
  static const uint16_t u16[] = {9, 65535}, f16[] = {0x4880, 0xfbff};
  static const int16_t i16[] = {9, -32768};
  static const float f32[] = {9, -FLT_MAX};
  static const uint32_t u32[] = {9, UINT32_MAX};
  static const int32_t i32[] = {9, INT32_MIN};
  static const uint64_t u64[] = {9, UINT64_MAX};
  static const int64_t i64[] = {9, INT64_MIN};
  static const double f64[] = {9, DBL_MAX};
  static const struct {
    gr_dtype type;
    const void *array;
    double second;
  } known[GR_N_DTYPES] = {{GR_U8, u8, 255},          {GR_I8, i8, -128},
                          {GR_U16, u16, 65535},      {GR_I16, i16, -32768},
                          {GR_F16, f16, -65504},     {GR_F32, f32, -(double)FLT_MAX},
                          {GR_U32, u32, 4294967295}, {GR_I32, i32, -2147483648.0},
                          {GR_U64, u64, 0x1p64},     {GR_I64, i64, -0x1p63},
                          {GR_F64, f64, DBL_MAX}};
  for (size_t i = 0; i < GR_N_DTYPES; i++) {
    CU_ASSERT_EQUAL(gr_element(known[i].array, known[i].type, 0), 9);
    CU_ASSERT_EQUAL(gr_element(known[i].array, known[i].type, 1), known[i].second);
  }
}

/* Three columns of every type; f64 ones around 1000, where cancellation shows. */
enum { COLUMNS = 3, ROWS = 5003 };
static double stored[ROWS * COLUMNS];

static void fill(gr_dtype type) {
  for (uint64_t i = 0; i < ROWS * COLUMNS; i++) {
    uint32_t w[4];
    gr_random_words(gr_test_seed(), GR_STREAM_TEST, 20 + type, i, w);
    if (type == GR_F64)
      stored[i] = 1000 + gr_random_normal(gr_test_seed(), GR_STREAM_TEST, 5, i);
    else if (type == GR_F32)
      ((float *)stored)[i] = (float)gr_random_normal(gr_test_seed(), GR_STREAM_TEST, 6, i);
    else if (type == GR_F16)
      ((uint16_t *)stored)[i] = (uint16_t)(w[0] & 0xbfff); /* exponents below the infinite ones */
    else
      memcpy((char *)stored + i * gr_dtype_size(type), w, gr_dtype_size(type));
  }
}

/* Moments of a column in long double, one chain each: its error, at most ROWS 2^-64 of the sum of
 * sizes, is 3 x 2^-53 of it. For the sums in double a chain of 1024 terms and 3 levels of the tree
 * make 1027 roundings, each at most 2^-53 of the sum of sizes S: with the division and the oracle,
 * d = 1032 x 2^-53 S/n bounds the error of the mean. Squares carry 3 roundings more and are taken
 * about a mean that is off by d: |error of the variance| <= 1036 x 2^-53 (V + d^2) + d^2, and the
 * root divides that by the deviation and adds one rounding. */
static void near_oracle(gr_dtype type, uint64_t n, uint32_t column, double mean, double deviation) {
  long double sum = 0, size = 0, square = 0;
  for (uint64_t i = 0; i < n; i++) {
    double v = gr_element(stored, type, i * COLUMNS + column);
    sum += (long double)v;
    size += (long double)fabs(v);
  }
  long double true_mean = sum / (long double)n, u = 0x1p-53L;
  for (uint64_t i = 0; i < n; i++) {
    long double v = (long double)gr_element(stored, type, i * COLUMNS + column) - true_mean;
    square += v * v;
  }
  long double variance = square / (long double)n, d = 1032 * u * size / (long double)n;
  long double true_deviation = sqrtl(variance);
  long double slack = 1036 * u * (variance + d * d) + d * d;
  CU_ASSERT(fabsl((long double)mean - true_mean) <= d);
  CU_ASSERT(fabsl((long double)deviation - true_deviation) * true_deviation <=
            slack + u * variance * 2);
}

static void moments_are_those_of_the_columns(void) {
  static const uint64_t sizes[] = {1, 2, 1023, 1024, 1025, 3072, ROWS};
  for (int type = 0; type < GR_N_DTYPES; type++) {
    fill((gr_dtype)type);
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
      double mean[COLUMNS], deviation[COLUMNS];
      gr_fit_rows rows = {stored, (gr_dtype)type, COLUMNS, NULL, sizes[s], NULL, false};
      gradus_error err;
      GR_CHECK_OK(gr_fit_moments(&rows, mean, deviation, &err), &err);
      for (uint32_t j = 0; j < COLUMNS; j++)
        near_oracle((gr_dtype)type, sizes[s], j, mean[j], deviation[j]);
    }
  }
}

/* The contract's order of sums, written as its definition: blocks of 1024 rows from +0; the left
 * subtree takes the largest power of two of blocks below n. */
static double tree_sum(uint64_t first_block, uint64_t n_blocks, uint64_t n_rows, uint32_t column,
                       double center, bool squares) {
  if (n_blocks > 1) {
    uint64_t left = 1;
    while (left * 2 < n_blocks) left *= 2;
    return tree_sum(first_block, left, n_rows, column, center, squares) +
           tree_sum(first_block + left, n_blocks - left, n_rows, column, center, squares);
  }
  double sum = 0;
  for (uint64_t i = first_block * 1024; i < n_rows && i < (first_block + 1) * 1024; i++) {
    double v = stored[i * COLUMNS + column];
    sum += squares ? (v - center) * (v - center) : v;
  }
  return sum;
}

static void sums_have_the_order_of_the_contract(void) {
  fill(GR_F64);
  for (uint64_t n = 1; n <= ROWS; n += 331) {
    double mean[COLUMNS], deviation[COLUMNS];
    gr_fit_rows rows = {stored, GR_F64, COLUMNS, NULL, n, NULL, false};
    gradus_error err;
    GR_CHECK_OK(gr_fit_moments(&rows, mean, deviation, &err), &err);
    for (uint32_t j = 0; j < COLUMNS && n > 1; j++) {
      uint64_t blocks = (n + 1023) / 1024;
      double m = tree_sum(0, blocks, n, j, 0, false) / (double)n;
      CU_ASSERT_EQUAL(mean[j], m);
      CU_ASSERT_EQUAL(deviation[j], sqrt(tree_sum(0, blocks, n, j, m, true) / (double)n));
    }
  }
}

static void an_index_chooses_the_rows(void) {
  static uint64_t index[1500];
  static double gathered[1500 * COLUMNS];
  fill(GR_F64);
  for (uint64_t i = 0; i < 1500; i++) {
    index[i] = (i * 7 + 13) % ROWS;
    memcpy(&gathered[i * COLUMNS], &stored[index[i] * COLUMNS], COLUMNS * sizeof(double));
  }
  double a[2][COLUMNS], b[2][COLUMNS];
  const gr_row_order order = {.permutation = gr_permutation_identity(1500), .map = index};
  gr_fit_rows by_index = {stored, GR_F64, COLUMNS, &order, 1500, NULL, false};
  gr_fit_rows direct = {gathered, GR_F64, COLUMNS, NULL, 1500, NULL, false};
  gradus_error err;
  GR_CHECK_OK(gr_fit_moments(&by_index, a[0], a[1], &err), &err);
  GR_CHECK_OK(gr_fit_moments(&direct, b[0], b[1], &err), &err);
  CU_ASSERT(memcmp(a, b, sizeof a) == 0);
}

static void what_is_not_finite_is_named(void) {
  static const double bad_values[] = {(double)NAN, (double)INFINITY, -(double)INFINITY};
  static const char *const words[] = {"is nan", "is inf", "is -inf"};
  double shift[COLUMNS], factor[COLUMNS];
  gradus_error err;
  for (int k = 0; k < 3; k++) {
    fill(GR_F64);
    gr_fit_rows rows = {stored, GR_F64, COLUMNS, NULL, ROWS, NULL, false};
    stored[4999 * COLUMNS + 2] = bad_values[k];
    GR_CHECK_FAILS(gr_fit_moments(&rows, shift, factor, &err), GRADUS_ERR_DATA, &err,
                   "row 4999, column 2 (counted from 0)");
    GR_CHECK_FAILS(gr_fit_inputs(&rows, GR_SCALE_NONE, GR_STANDARDIZE_NONE, shift, factor, &err),
                   GRADUS_ERR_DATA, &err, words[k]);
    uint64_t index[] = {3, 4999};
    const gr_row_order order = {.permutation = gr_permutation_identity(2), .map = index};
    gr_fit_rows chosen = {stored, GR_F64, COLUMNS, &order, 2, NULL, false};
    GR_CHECK_FAILS(gr_fit_moments(&chosen, shift, factor, &err), GRADUS_ERR_DATA, &err,
                   "row 4999, column 2");
  }
  uint16_t halves[] = {0x3c00, 0x7c00};
  gr_fit_rows half_rows = {halves, GR_F16, 1, NULL, 2, NULL, false};
  GR_CHECK_FAILS(gr_fit_moments(&half_rows, shift, factor, &err), GRADUS_ERR_DATA, &err,
                 "row 1, column 0 (counted from 0) is inf");
  double huge[] = {1e200, -1e200};
  gr_fit_rows huge_rows = {huge, GR_F64, 1, NULL, 2, NULL, false};
  GR_CHECK_FAILS(gr_fit_moments(&huge_rows, shift, factor, &err), GRADUS_ERR_DATA, &err,
                 "column 0 (counted from 0) has values too large");
  gr_fit_rows no_rows = {huge, GR_F64, 1, NULL, 0, NULL, false};
  GR_CHECK_FAILS(gr_fit_inputs(&no_rows, GR_SCALE_NONE, GR_STANDARDIZE_ZSCORE, shift, factor, &err),
                 GRADUS_ERR_DATA, &err, "no rows");
}

/* 0.1 summed 3000 times over 3000 is not 0.1 to the last bit: only the extremes tell. */
static void a_constant_column_gets_factor_zero(void) {
  enum { N = 3000 };
  static double x[N * 2];
  static float tiny[N];
  for (size_t i = 0; i < N; i++) {
    x[2 * i] = 0.1;
    x[2 * i + 1] = i % 2 ? 1 : 3;
    tiny[i] = i % 2 ? 1e-45F : 0; /* 1 / deviation is no float */
  }
  gr_fit_rows rows = {x, GR_F64, 2, NULL, N, NULL, false};
  double shift[2], factor[2];
  gradus_error err;
  GR_CHECK_OK(gr_fit_inputs(&rows, GR_SCALE_UNIT, GR_STANDARDIZE_ZSCORE, shift, factor, &err),
              &err);
  CU_ASSERT(shift[0] == 0.1 && factor[0] == 0);
  CU_ASSERT(shift[1] == 2 && factor[1] == 1);
  gr_fit_rows tiny_rows = {tiny, GR_F32, 1, NULL, N, NULL, false};
  GR_CHECK_OK(gr_fit_inputs(&tiny_rows, GR_SCALE_NONE, GR_STANDARDIZE_ZSCORE, shift, factor, &err),
              &err);
  CU_ASSERT_EQUAL(factor[0], 0);
}

static void scaling_follows_its_rules(void) {
  static const uint8_t x[] = {0, 10, 255, 20};
  gr_fit_rows rows = {x, GR_U8, 2, NULL, 2, NULL, false};
  double shift[2], factor[2];
  gradus_error err;
  GR_CHECK_OK(gr_fit_inputs(&rows, GR_SCALE_UNIT, GR_STANDARDIZE_NONE, shift, factor, &err), &err);
  CU_ASSERT(shift[0] == 0 && shift[1] == 0 && factor[0] == 1.0 / 255 && factor[1] == 1.0 / 255);
  GR_CHECK_OK(gr_fit_inputs(&rows, GR_SCALE_NONE, GR_STANDARDIZE_NONE, shift, factor, &err), &err);
  CU_ASSERT(shift[0] == 0 && factor[1] == 1);
  GR_CHECK_OK(gr_fit_inputs(&rows, GR_SCALE_NONE, GR_STANDARDIZE_ZSCORE, shift, factor, &err),
              &err);
  CU_ASSERT(shift[0] == 127.5 && factor[0] == 1 / 127.5 && shift[1] == 15 && factor[1] == 0.2);
}

const gr_test preprocessing_tests[] = {GR_TEST(every_half_is_converted_exactly),
                                       GR_TEST(every_type_is_read_at_its_extremes),
                                       GR_TEST(moments_are_those_of_the_columns),
                                       GR_TEST(sums_have_the_order_of_the_contract),
                                       GR_TEST(an_index_chooses_the_rows),
                                       GR_TEST(what_is_not_finite_is_named),
                                       GR_TEST(a_constant_column_gets_factor_zero),
                                       GR_TEST(scaling_follows_its_rules),
                                       GR_TEST_END};
