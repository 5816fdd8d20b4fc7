/* Normalisation on every instruction set: the bits of generic, and within derived bounds of
 * its formula in double; padding does not matter. */
#include <config.h>

#include <math.h>
#include <string.h>

#include "kernel_tests.h"

enum { MOST = 200, ROWS = 7, LD = 208 };

typedef struct problem {
  size_t n; /* columns */
  float z[ROWS * LD], dy[ROWS * LD], gain[LD], shift[LD], slope[ROWS * LD];
} problem;

typedef struct result {
  float zhat[ROWS * LD], a[ROWS * LD], slope[ROWS * LD], root[16], dz[ROWS * LD];
} result;

/* `pad` stands in the padding of what is read. */
static void make_problem(gr_test_stream *s, size_t n, float pad, problem *p) {
  p->n = n;
  for (size_t r = 0; r < ROWS; r++)
    for (size_t j = 0; j < LD; j++) {
      p->z[r * LD + j] = j < n ? 3 * gr_test_unit(s) + (float)r : pad;
      p->dy[r * LD + j] = j < n ? gr_test_unit(s) : pad;
      p->slope[r * LD + j] = gr_test_unit(s) > 0 ? 1.25f : 0.0f;
    }
  for (size_t j = 0; j < LD; j++) {
    p->gain[j] = j < n ? 1 + gr_test_unit(s) : 0;
    p->shift[j] = j < n ? gr_test_unit(s) : 0;
  }
}

static void run(const gr_kernels *k, const problem *p, gr_activation activation, bool drops,
                size_t first, size_t rows, result *out) {
  memcpy(out->zhat + first * LD, p->z + first * LD, rows * LD * sizeof(float));
  memcpy(out->slope + first * LD, p->slope + first * LD, rows * LD * sizeof(float));
  const gr_normalize forth = {.n_rows = rows,
                              .n_columns = p->n,
                              .z = out->zhat + first * LD,
                              .a = out->a + first * LD,
                              .root = out->root + first,
                              .ld = LD,
                              .gain = p->gain,
                              .shift = p->shift,
                              .activation = activation,
                              .slope = drops ? out->slope + first * LD : NULL,
                              .drops = drops};
  const gr_normalize_back back = {.n_rows = rows,
                                  .n_columns = p->n,
                                  .dy = p->dy + first * LD,
                                  .zhat = out->zhat + first * LD,
                                  .root = out->root + first,
                                  .gain = p->gain,
                                  .dz = out->dz + first * LD,
                                  .ld = LD};
  k->normalize(&forth);
  k->normalize_back(&back);
}

/* All real columns, and padding of zhat and dz that is +0. */
static int same(const problem *p, const result *x, const result *y) {
  static const float zeros[16];
  const size_t panels = (p->n + 15) / 16;
  for (size_t r = 0; r < ROWS; r++) {
    const size_t at = r * LD, bytes = p->n * sizeof(float),
                 rest = (16 * panels - p->n) * sizeof(float);
    if (memcmp(x->zhat + at, y->zhat + at, bytes) || memcmp(x->a + at, y->a + at, bytes) ||
        memcmp(x->slope + at, y->slope + at, bytes) || memcmp(x->dz + at, y->dz + at, bytes) ||
        memcmp(x->zhat + at + p->n, zeros, rest) || memcmp(x->dz + at + p->n, zeros, rest) ||
        memcmp(&x->root[r], &y->root[r], sizeof(float)))
      return 0;
  }
  return 1;
}

static void every_isa_gives_the_same_bits_whatever_the_padding(void) {
  gr_test_stream s = {gr_test_seed() + 21};
  problem *p = gr_test_array(2, sizeof *p);
  result *o = gr_test_array(3, sizeof *o);
  for (size_t n = 1; n <= MOST; n++) {
    const uint64_t seed = gr_test_next(&s);
    for (int i = 0; i < 2; i++)
      make_problem(&(gr_test_stream){seed}, n, i ? (float)NAN : 0.0f, &p[i]);
    const gr_activation kind = n % 3 == 0 ? GR_IDENTITY : n % 3 == 1 ? GR_RELU : GR_GELU;
    run(generic_kernels(), &p[0], kind, n % 2, 0, ROWS, &o[0]);
    GR_EACH_ISA(k) {
      const size_t cut = gr_test_between(&s, 0, ROWS);
      run(k, &p[1], kind, n % 2, 0, ROWS, &o[1]);
      run(k, &p[1], kind, n % 2, 0, cut, &o[2]);
      run(k, &p[1], kind, n % 2, cut, ROWS - cut, &o[2]);
      GR_CHECK(same(&p[0], &o[1], &o[0]) && same(&p[0], &o[2], &o[0]),
               "%s: %zu columns, cut at %zu", isa_name(k), n, cut);
    }
  }
  gr_test_release();
}

/* A sum of n numbers by 16 partials errs by (n/16 + 5) u times the sum of their sizes. z is below
 * 10: the mean errs by 10 (n/16 + 6) u and so does each deviation, zhat by that over the deviation
 * of the row, and once more by way of the variance; the division, the root and products add 5 u of
 * zhat, which is below the root of n. */
static void rows_get_mean_zero_and_variance_one(void) {
  gr_test_stream s = {gr_test_seed() + 22};
  problem *p = gr_test_array(1, sizeof *p);
  result *o = gr_test_array(1, sizeof *o);
  for (size_t n = 2; n <= MOST; n += 7) {
    make_problem(&s, n, 0, p);
    run(generic_kernels(), p, GR_IDENTITY, false, 0, ROWS, o);
    for (size_t r = 0; r < ROWS; r++) {
      double mean = 0, variance = 0;
      for (size_t j = 0; j < n; j++) mean += (double)p->z[r * LD + j] / (double)n;
      for (size_t j = 0; j < n; j++)
        variance += pow((double)p->z[r * LD + j] - mean, 2) / (double)n;
      const double root = 1 / sqrt(variance + 1e-5), steps = (double)n / 16 + 6,
                   error = GR_ROUNDOFF * sqrt((double)n) * (20 * steps * root + 5 + steps);
      for (size_t j = 0; j < n; j++) {
        const double zhat = ((double)p->z[r * LD + j] - mean) * root,
                     a = (double)p->gain[j] * zhat + (double)p->shift[j];
        GR_CHECK(fabs((double)o->zhat[r * LD + j] - zhat) <= error, "zhat %g, wanted %g +- %g",
                 (double)o->zhat[r * LD + j], zhat, error);
        GR_CHECK(fabs((double)o->a[r * LD + j] - a) <= 2 * error + 4 * GR_ROUNDOFF,
                 "a %g, wanted %g", (double)o->a[r * LD + j], a);
      }
    }
  }
  gr_test_release();
}

/* A row of equal numbers has no deviation, and one neuron never has. */
static void rows_without_deviation_become_the_shift(void) {
  problem *p = gr_test_array(1, sizeof *p);
  result *o = gr_test_array(1, sizeof *o);
  gr_test_stream s = {gr_test_seed() + 23};
  GR_EACH_ISA(k) for (size_t n = 1; n < 40; n += n < 3 ? 1 : 16) {
    make_problem(&s, n, 0, p);
    for (size_t i = 0; i < ROWS * LD; i++) p->z[i] = 2.5f;
    run(k, p, GR_IDENTITY, false, 0, ROWS, o);
    for (size_t j = 0; j < n; j++)
      CU_ASSERT(o->zhat[j] == 0 && o->a[j] == p->shift[j] && isfinite(o->dz[j]));
  }
  gr_test_release();
}

static void column_products_are_one_chain(void) {
  gr_test_stream s = {gr_test_seed() + 24};
  problem *p = gr_test_array(1, sizeof *p);
  make_problem(&s, MOST, 0, p);
  GR_EACH_ISA(k) for (size_t panels = 1; panels <= MOST / 16; panels++) {
    float g[LD];
    k->column_products(ROWS, panels, p->z, p->dy, LD, g);
    for (size_t j = 0; j < 16 * panels; j++) {
      float sum = 0;
      for (size_t r = 0; r < ROWS; r++) sum = fmaf(p->z[r * LD + j], p->dy[r * LD + j], sum);
      GR_CHECK(sum == g[j], "%s: column %zu of %zu panels", isa_name(k), j, panels);
    }
  }
  gr_test_release();
}

/* Panels of columns, forth and back: what the contract says, number by number. */
static void columns_are_normalized_as_the_contract_says(void) {
  gr_test_stream s = {gr_test_seed() + 25};
  problem *p = gr_test_array(1, sizeof *p);
  result *o = gr_test_array(1, sizeof *o);
  float mean[LD], root[LD], g[LD];
  make_problem(&s, LD, 0, p);
  for (size_t j = 0; j < LD; j++) {
    mean[j] = gr_test_unit(&s);
    root[j] = 1.5f + gr_test_unit(&s);
  }
  GR_EACH_ISA(k) for (size_t panels = 1; panels <= LD / 16; panels++) {
    memcpy(o->zhat, p->z, sizeof o->zhat);
    const gr_normalize_columns forth = {.n_rows = ROWS,
                                        .n_panels = panels,
                                        .z = o->zhat,
                                        .a = o->a,
                                        .ld = LD,
                                        .mean = mean,
                                        .root = root,
                                        .gain = p->gain,
                                        .shift = p->shift,
                                        .activation = GR_RELU};
    const gr_normalize_columns_back back = {.n_rows = ROWS,
                                            .n_panels = panels,
                                            .dy = p->dy,
                                            .zhat = o->zhat,
                                            .s = mean,
                                            .t = p->shift,
                                            .factor = root,
                                            .dz = o->dz,
                                            .ld = LD};
    k->normalize_columns(&forth);
    k->normalize_columns_back(&back);
    k->column_deviations(ROWS, panels, p->z, LD, mean, g);
    for (size_t j = 0; j < 16 * panels; j++) {
      float sum = 0;
      for (size_t i = j, r = 0; r < ROWS; r++, i += LD) {
        const float d = p->z[i] - mean[j], zhat = d * root[j],
                    y = fmaf(p->gain[j], zhat, p->shift[j]),
                    dz = root[j] * fmaf(-zhat, p->shift[j], p->dy[i] - mean[j]);
        sum = fmaf(d, d, sum);
        GR_CHECK(o->zhat[i] == zhat && o->a[i] == (y < 0 ? 0 : y) && o->dz[i] == dz,
                 "%s: row %zu, column %zu of %zu panels", isa_name(k), r, j, panels);
      }
      GR_CHECK(g[j] == sum, "%s: deviations of column %zu", isa_name(k), j);
    }
  }
  gr_test_release();
}

const gr_test normalize_tests[] = {
    GR_TEST(every_isa_gives_the_same_bits_whatever_the_padding),
    GR_TEST(rows_get_mean_zero_and_variance_one),
    GR_TEST(rows_without_deviation_become_the_shift),
    GR_TEST(column_products_are_one_chain),
    GR_TEST(columns_are_normalized_as_the_contract_says),
    GR_TEST_END,
};
