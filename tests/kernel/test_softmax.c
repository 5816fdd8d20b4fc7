/* Cross-entropy of softmax outputs bit for bit, by the contract (src/README.md, 4): for each row
 * the largest output m, e_j = exp(z_j - m), their sum as 16 partials and the fixed tree, p_j = e_j
 * / sum, the loss ln sum - (z_y - m), and the delta (p_j - [j = y]) weight; probabilities and
 * differences below 2^-100 are +0. exp and log are the kernels' own, which have tests of their own.
 * Few outputs are taken many rows at a time, many outputs row by row: the bits must not tell. */
#include <config.h>

#include <math.h>
#include <string.h>

#include "kernel_tests.h"

enum { MOST_ROWS = 40, DATA_ROWS = 50, MOST_OUT = 100 };

typedef struct problem {
  size_t n_rows, n_out, ld;
  uint64_t index[MOST_ROWS];
  int32_t class_index[DATA_ROWS];
  float weight[DATA_ROWS];
  float *z; /* [n_rows + 1][ld], the last row nobody's */
} problem;

/* All outputs of the row after the last stay; so does padding beyond the last panel. */
typedef struct result {
  float *a, *delta, loss[MOST_ROWS + 1];
} result;

static const float untouched = -12345.678f;

static problem make_problem(gr_test_stream *s, size_t n_rows, size_t n_out) {
  problem p = {.n_rows = n_rows,
               .n_out = n_out,
               .ld = 16 * (gr_test_panels(n_out) + gr_test_between(s, 0, 1))};
  p.z = gr_test_floats((n_rows + 1) * p.ld);
  for (size_t i = 0; i < (n_rows + 1) * p.ld; i++) p.z[i] = untouched;
  for (size_t i = 0; i < DATA_ROWS; i++) {
    p.class_index[i] = (int32_t)gr_test_between(s, 0, n_out - 1);
    p.weight[i] = (float)gr_test_between(s, 0, 8) / 4;
  }
  for (size_t r = 0; r < n_rows; r++) {
    const float scale = r % 3 == 0 ? 1 : r % 3 == 1 ? 20 : 300; /* some are below 2^-100 */
    p.index[r] = gr_test_between(s, 0, DATA_ROWS - 1);
    gr_test_fill(s, p.z + r * p.ld, n_out, scale);
    gr_test_poison(p.z + r * p.ld + n_out, 16 * gr_test_panels(n_out) - n_out);
  }
  return p;
}

static float flush(float x) {
  return fabsf(x) < 0x1p-100f ? 0.0f : x;
}

/* Function f of n values, n no more than MOST_OUT + 12. */
static void elementary(int f, size_t n, const float *in, float *out) {
  float x[MOST_OUT + 12] = {0}, y[MOST_OUT + 12];
  memcpy(x, in, n * sizeof *x);
  generic_kernels()->elementary(f, 16 * gr_test_panels(n), x, y);
  memcpy(out, y, n * sizeof *y);
}

static float tree_sum(const float *x, size_t n) {
  float partial[16] = {0};
  for (size_t j = 0; j < n; j++) partial[j % 16] += x[j];
  for (int half = 8; half; half /= 2)
    for (int i = 0; i < half; i++) partial[i] += partial[i + half];
  return partial[0];
}

static float largest(const float *z, size_t n) {
  float m = z[0];
  for (size_t j = 1; j < n; j++) m = z[j] < m ? m : z[j];
  return m;
}

static void exact_row(const problem *p, size_t r, int by_class, int weighted, result *to) {
  const size_t row = p->index[r], y = by_class ? (size_t)p->class_index[row] : 0;
  const float *z = p->z + r * p->ld, m = largest(z, p->n_out),
              weight = weighted ? p->weight[row] : 1;
  float *a = to->a + r * p->ld, *delta = to->delta + r * p->ld, e[MOST_OUT], log;
  for (size_t j = 0; j < p->n_out; j++) e[j] = z[j] - m;
  elementary(0, p->n_out, e, e);
  const float sum = tree_sum(e, p->n_out);
  elementary(1, 1, &sum, &log);
  to->loss[r] = log - (z[y] - m);
  memset(a, 0, 16 * gr_test_panels(p->n_out) * sizeof *a);
  memset(delta, 0, 16 * gr_test_panels(p->n_out) * sizeof *delta);
  for (size_t j = 0; j < p->n_out; j++) {
    a[j] = flush(e[j] / sum);
    delta[j] = flush(a[j] - (by_class && j == y ? 1.0f : 0.0f)) * weight;
  }
}

/* Inputs in place, and nothing yet where results go. */
static result make_result(const problem *p) {
  const size_t n = (p->n_rows + 1) * p->ld;
  result to = {.a = gr_test_floats(n), .delta = gr_test_floats(n)};
  memcpy(to.a, p->z, n * sizeof(float));
  for (size_t i = 0; i < n; i++) to.delta[i] = untouched;
  for (size_t r = 0; r <= MOST_ROWS; r++) to.loss[r] = untouched;
  return to;
}

static result run(const gr_kernels *k, const problem *p, int by_class, int weighted, int deltas) {
  result to = make_result(p);
  const gr_loss_rows l = {.loss = GR_CROSS_ENTROPY,
                          .activation = GR_SOFTMAX,
                          .n_rows = p->n_rows,
                          .n_out = p->n_out,
                          .a = to.a,
                          .delta = deltas ? to.delta : NULL,
                          .ld = p->ld,
                          .index = p->index,
                          .class_index = by_class ? p->class_index : NULL,
                          .weight = weighted ? p->weight : NULL,
                          .row_loss = to.loss};
  k->loss_rows(&l);
  return to;
}

static void check(const problem *p, int by_class, int weighted, const char *what) {
  const size_t n = (p->n_rows + 1) * p->ld;
  result wanted = make_result(p);
  for (size_t r = 0; r < p->n_rows; r++) exact_row(p, r, by_class, weighted, &wanted);
  GR_EACH_ISA(k) for (int deltas = 0; deltas < 2; deltas++) {
    const result got = run(k, p, by_class, weighted, deltas);
    GR_CHECK(gr_test_difference(got.loss, wanted.loss, MOST_ROWS + 1) == MOST_ROWS + 1,
             "%s: losses of %zu rows of %zu %s", isa_name(k), p->n_rows, p->n_out, what);
    GR_CHECK(gr_test_difference(got.a, wanted.a, n) == n, "%s: outputs of %zu rows of %zu %s",
             isa_name(k), p->n_rows, p->n_out, what);
    GR_CHECK(!deltas || gr_test_difference(got.delta, wanted.delta, n) == n,
             "%s: deltas of %zu rows of %zu %s", isa_name(k), p->n_rows, p->n_out, what);
  }
}

static void softmax_of_any_width_and_number_of_rows_is_exact(void) {
  static const size_t widths[] = {2, 3, 10, 15, 16, 17, 31, 33, 100};
  gr_test_stream s = {gr_test_seed() + 45};
  for (size_t i = 0; i < sizeof widths / sizeof widths[0]; i++)
    for (size_t n_rows = 0; n_rows <= MOST_ROWS; n_rows++) {
      const problem p = make_problem(&s, n_rows, widths[i]);
      check(&p, 1, n_rows % 2 == 0, "with classes");
      if (n_rows % 8 == 1) check(&p, 0, n_rows % 16 == 1, "without");
      gr_test_release();
    }
}

/* One row in each place among others; equal largest outputs and zeros of either sign as well. */
static void odd_rows_are_exact_and_leave_the_others_alone(void) {
  static const float odd[] = {NAN, INFINITY, -INFINITY, 0.0f, -0.0f, 3e38f, 300};
  enum { ODD = sizeof odd / sizeof odd[0] };
  static const size_t widths[] = {2, 10, 16, 17, 45};
  gr_test_stream s = {gr_test_seed() + 46};
  for (size_t i = 0; i < sizeof widths / sizeof widths[0]; i++)
    for (size_t o = 0; o < ODD; o++)
      for (size_t r = 0; r < 20; r++) {
        const problem p = make_problem(&s, 20, widths[i]);
        p.z[r * p.ld + gr_test_between(&s, 0, p.n_out - 1)] = odd[o];
        p.z[r * p.ld + gr_test_between(&s, 0, p.n_out - 1)] = odd[(o + r) % ODD];
        check(&p, 1, 1, "with an odd one");
        gr_test_release();
      }
}

const gr_test softmax_tests[] = {
    GR_TEST(softmax_of_any_width_and_number_of_rows_is_exact),
    GR_TEST(odd_rows_are_exact_and_leave_the_others_alone),
    GR_TEST_END,
};
