/* Gathering of rows: every stored type, any number of columns, indices in any order and repeated.
 * The result is exact by definition, so it is compared with scalar code bit for bit: up to GR_F32
 * one subtraction and one multiplication in float, from GR_U32 on both in double and one rounding.
 */
#include <config.h>

#include <math.h>
#include <string.h>

#include "kernel_tests.h"

typedef struct table {
  size_t n_rows, n_columns;
  gr_dtype type;
  unsigned char *x;
  float *shift, *factor;
  double *shift_double, *factor_double;
} table;

/* The value of a half-precision number, by its definition in IEEE 754. */
static double half_value(uint16_t h) {
  const int exponent = h >> 10 & 31, mantissa = h & 1023;
  double v = exponent == 31  ? (mantissa ? (double)NAN : (double)INFINITY)
             : exponent == 0 ? ldexp(mantissa, -24)
                             : ldexp(1024 + mantissa, exponent - 25);
  return h >> 15 ? -v : v;
}

#define READ(type, kind)     \
  case kind: {               \
    type v;                  \
    memcpy(&v, p, sizeof v); \
    return (double)v;        \
  }

/* The element at p as double; 64-bit integers are rounded to it, as the contract has it. */
static double element(gr_dtype type, const void *p) {
  uint16_t h;
  switch (type) {
    READ(uint8_t, GR_U8)
    READ(int8_t, GR_I8)
    READ(uint16_t, GR_U16)
    READ(int16_t, GR_I16)
    READ(float, GR_F32)
    READ(uint32_t, GR_U32)
    READ(int32_t, GR_I32)
    READ(uint64_t, GR_U64)
    READ(int64_t, GR_I64)
    READ(double, GR_F64)
    default:
      memcpy(&h, p, sizeof h);
      return half_value(h);
  }
}

/* Random bytes are random values of any integer type; floating-point ones are made of numbers. */
static table make_table(gr_test_stream *s, gr_dtype type, size_t n_rows, size_t n_columns) {
  const size_t n = n_rows * n_columns, size = gr_dtype_size(type);
  table t = {.n_rows = n_rows, .n_columns = n_columns, .type = type, .x = gr_test_array(n, size)};
  for (size_t i = 0; i < n; i++) {
    const uint64_t bits = gr_test_next(s);
    const float f = 1e3f * gr_test_unit(s);
    const double d = (double)f / 3;
    memcpy(t.x + i * size,
           type == GR_F32   ? (const void *)&f
           : type == GR_F64 ? (const void *)&d
                            : &bits,
           size);
  }
  t.shift = gr_test_floats(n_columns);
  t.factor = gr_test_floats(n_columns);
  t.shift_double = gr_test_array(n_columns, sizeof(double));
  t.factor_double = gr_test_array(n_columns, sizeof(double));
  for (size_t j = 0; j < n_columns; j++) {
    t.shift_double[j] = 100 * (double)gr_test_unit(s) / 3;
    t.factor_double[j] =
        j % 7 ? (double)gr_test_unit(s) / 3 : 0; /* a constant column has factor 0 */
    t.shift[j] = (float)t.shift_double[j];
    t.factor[j] = (float)t.factor_double[j];
  }
  return t;
}

static float wanted_value(const table *t, uint64_t row, size_t j) {
  const double x = element(t->type, t->x + (row * t->n_columns + j) * gr_dtype_size(t->type));
  if (t->type >= GR_U32) return (float)((x - t->shift_double[j]) * t->factor_double[j]);
  return ((float)x - t->shift[j]) * t->factor[j];
}

/* index: n rows, and after them n_next that are only announced. */
static int gather_is_exact(const gr_kernels *k, const table *t, const uint64_t *index, size_t n,
                           size_t n_next, size_t ld) {
  float *dst = gr_test_floats(n * ld);
  for (size_t i = 0; i < n * ld; i++) dst[i] = -7;
  const gr_gather g = {.n_rows = n,
                       .n_columns = t->n_columns,
                       .index = index,
                       .next = n_next ? index + n : NULL,
                       .n_next = n_next,
                       .x = t->x,
                       .type = t->type,
                       .shift = t->shift,
                       .factor = t->factor,
                       .shift_double = t->shift_double,
                       .factor_double = t->factor_double,
                       .dst = dst,
                       .ld = ld};
  k->gather(&g);
  for (size_t r = 0; r < n; r++)
    for (size_t j = 0; j < ld; j++) {
      const float wanted = j < t->n_columns ? wanted_value(t, index[r], j) : -7;
      if (gr_test_difference(&dst[r * ld + j], &wanted, 1) == 0) return 0;
    }
  return 1;
}

static void every_type_is_gathered_exactly(void) {
  static const size_t columns[] = {1, 2, 3, 7, 8, 15, 16, 17, 31, 33, 48, 77};
  gr_test_stream s = {gr_test_seed() + 30};
  for (int type = 0; type < GR_N_DTYPES; type++)
    for (size_t c = 0; c < sizeof columns / sizeof columns[0]; c++) {
      const table t = make_table(&s, (gr_dtype)type, 1 + c % 5, columns[c]);
      uint64_t index[9];
      for (int i = 0; i < 9; i++) index[i] = gr_test_between(&s, 0, t.n_rows - 1);
      GR_EACH_ISA(k) {
        const size_t ld = 16 * (gr_test_panels(columns[c]) + c % 2);
        GR_CHECK(gather_is_exact(k, &t, index, 9, 0, ld), "%s: %s, %zu columns", isa_name(k),
                 gr_dtype_name((gr_dtype)type), columns[c]);
        GR_CHECK(gather_is_exact(k, &t, index, 0, 0, ld), "no rows");
      }
      gr_test_release();
    }
}

/* Rows are converted a few at a time with others fetched ahead: any number of them, with any number
 * announced, whether rows are narrow or so wide that nothing is fetched. */
static void any_number_of_rows_is_gathered_and_announced(void) {
  enum { MOST = 21 };
  static const gr_dtype types[] = {GR_U8, GR_F16, GR_F32, GR_F64};
  gr_test_stream s = {gr_test_seed() + 31};
  for (size_t c = 0; c < 8; c++) {
    const gr_dtype type = types[c % 4];
    const size_t n_columns = c < 4 ? 65 : 8217, ld = 16 * gr_test_panels(n_columns);
    const table t = make_table(&s, type, 7, n_columns);
    uint64_t index[2 * MOST];
    for (int i = 0; i < 2 * MOST; i++) index[i] = gr_test_between(&s, 0, t.n_rows - 1);
    GR_EACH_ISA(k) for (size_t n = 0; n <= MOST; n += c < 4 ? 1 : 10) {
      for (size_t n_next = 0; n_next <= MOST; n_next += 7)
        GR_CHECK(gather_is_exact(k, &t, index, n, n_next, ld), "%s: %s, %zu rows, then %zu",
                 isa_name(k), gr_dtype_name(type), n, n_next);
    }
    gr_test_release();
  }
}

/* Floats are taken 16 at a time, and the rest of a row by loads and stores that end with it: every
 * length, the last row at the end of its memory, values that rounding and signs show in. */
static void every_tail_of_floats_is_gathered_and_nothing_beyond(void) {
  static const float odd[] = {NAN, INFINITY, -INFINITY, -0.0f, 0x1p-140f, 3e38f};
  gr_test_stream s = {gr_test_seed() + 33};
  for (size_t n_columns = 1; n_columns <= 50; n_columns++) {
    const table t = make_table(&s, GR_F32, 3, n_columns);
    const uint64_t index[] = {2, 0, 2, 1, 2};
    for (size_t i = 0; i < 6; i++)
      memcpy(t.x + sizeof(float) * gr_test_between(&s, 0, 3 * n_columns - 1), &odd[i],
             sizeof(float));
    GR_EACH_ISA(k) for (size_t n = 1; n <= 5; n += 2) {
      GR_CHECK(gather_is_exact(k, &t, index, n, 0, 16 * gr_test_panels(n_columns)),
               "%s: %zu rows of %zu", isa_name(k), n, n_columns);
    }
    gr_test_release();
  }
}

/* All 65536 halves, subnormals, infinities and NaNs included. */
static void every_half_is_read(void) {
  const uint64_t index = 0;
  const size_t n = 65536;
  table t = {.n_rows = 1, .n_columns = n, .type = GR_F16, .x = gr_test_array(n, 2)};
  t.shift = gr_test_floats(n);
  t.factor = gr_test_floats(n);
  for (size_t i = 0; i < n; i++) {
    const uint16_t h = (uint16_t)i;
    memcpy(t.x + 2 * i, &h, sizeof h);
    t.factor[i] = 1;
  }
  GR_EACH_ISA(k) GR_CHECK(gather_is_exact(k, &t, &index, 1, 0, n), "%s", isa_name(k));
  gr_test_release();
}

/* Row numbers: one by one is the definition; shuffled and not, from 1 row to more than 2^32. */
static void permutations_of_many_are_those_of_each(void) {
  enum { MOST = 70 };
  static const uint64_t rows[] = {1, 2, 3, 70, 1000, 60000, ((uint64_t)1 << 33) + 5};
  gr_test_stream s = {gr_test_seed() + 32};
  uint64_t out[MOST];
  for (size_t c = 0; c < 7; c++)
    for (int shuffled = 0; shuffled < 2; shuffled++) {
      const gr_permutation p = shuffled ? gr_permutation_make(gr_test_seed(), 3, rows[c])
                                        : gr_permutation_identity(rows[c]);
      const size_t most = rows[c] < MOST ? (size_t)rows[c] : MOST;
      GR_EACH_ISA(k) for (size_t n = 0; n <= most; n++) {
        const uint64_t first = gr_test_between(&s, 0, rows[c] - n);
        size_t same = 0;
        k->permute(&p, first, n, out);
        while (same < n && out[same] == gr_permutation_at(&p, first + same)) same++;
        GR_CHECK(same == n, "%s: row %llu of %llu", isa_name(k), (unsigned long long)(first + same),
                 (unsigned long long)rows[c]);
      }
    }
}

/* All rows of small epochs, whose networks are mostly walked twice: each row once. */
static void a_whole_epoch_takes_each_row_once(void) {
  enum { MOST = 150 };
  for (uint64_t n = 1; n <= MOST; n++) {
    const gr_permutation p = gr_permutation_make(gr_test_seed(), n, n);
    GR_EACH_ISA(k) {
      uint64_t out[MOST];
      char taken[MOST] = {0};
      size_t rows = 0;
      k->permute(&p, 0, (size_t)n, out);
      for (size_t i = 0; i < n; i++) {
        CU_ASSERT_FATAL(out[i] < n);
        rows += !taken[out[i]];
        taken[out[i]] = 1;
      }
      GR_CHECK(rows == n, "%s: %zu of %llu rows", isa_name(k), rows, (unsigned long long)n);
    }
  }
}

const gr_test gather_tests[] = {
    GR_TEST(every_type_is_gathered_exactly),
    GR_TEST(any_number_of_rows_is_gathered_and_announced),
    GR_TEST(every_tail_of_floats_is_gathered_and_nothing_beyond),
    GR_TEST(every_half_is_read),
    GR_TEST(permutations_of_many_are_those_of_each),
    GR_TEST(a_whole_epoch_takes_each_row_once),
    GR_TEST_END,
};
