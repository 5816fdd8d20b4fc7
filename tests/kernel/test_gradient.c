/* The weight gradient of one lane: random shapes, lanes longer than one block of rows, padding
 * poisoned. An element is a chain of n_rows fused multiply-adds from +0, so it errs by at most
 * n_rows u / (1 - n_rows u) times the sum of the products' magnitudes. */
#include <config.h>

#include <math.h>

#include "kernel_tests.h"

typedef struct problem {
  size_t n_rows, n_inputs, n_panels, lda, ldd, panel_g;
  float *a, *delta;
} problem;

static const float untouched = -12345.678f;

static problem make_problem(gr_test_stream *s) {
  static const size_t rows[] = {0, 1, 2, 10, 16, 40, 64, 100, 255, 256, 257, 512, 513};
  static const size_t widths[] = {1, 5, 6, 7, 13, 14, 15, 16, 17, 37, 96, 300, 784};
  problem p = {.n_rows = rows[gr_test_between(s, 0, 12)],
               .n_inputs = widths[gr_test_between(s, 0, 12)],
               .n_panels = gr_test_between(s, 1, 5)};
  while (p.n_rows * p.n_panels * 16 * p.n_inputs > 400000) p.n_inputs = (p.n_inputs + 1) / 2;
  p.lda = 16 * (gr_test_panels(p.n_inputs) + gr_test_between(s, 0, 2));
  p.ldd = 16 * (p.n_panels + gr_test_between(s, 0, 2));
  p.panel_g = 16 * (p.n_inputs + gr_test_between(s, 0, 3));
  p.a = gr_test_floats(p.n_rows * p.lda);
  p.delta = gr_test_floats(p.n_rows * p.ldd);
  gr_test_poison(p.a, p.n_rows * p.lda);
  gr_test_poison(p.delta, p.n_rows * p.ldd);
  for (size_t r = 0; r < p.n_rows; r++) {
    gr_test_fill(s, p.a + r * p.lda, p.n_inputs, 1);
    gr_test_fill(s, p.delta + r * p.ldd, 16 * p.n_panels, 1);
  }
  return p;
}

static float *make_result(const problem *p) {
  float *g = gr_test_floats(p->n_panels * p->panel_g);
  for (size_t i = 0; i < p->n_panels * p->panel_g; i++) g[i] = untouched;
  return g;
}

/* Runs inputs [input, input + inputs) of panels [panel, panel + panels). */
static void run_part(const gr_kernels *k, const problem *p, float *g, size_t input, size_t inputs,
                     size_t panel, size_t panels) {
  const gr_weight_gradient w = {.n_rows = p->n_rows,
                                .lane_rows = p->n_rows,
                                .n_inputs = inputs,
                                .n_panels = panels,
                                .a = p->a + input,
                                .lda = p->lda,
                                .delta = p->delta + 16 * panel,
                                .ldd = p->ldd,
                                .g = g + panel * p->panel_g + 16 * input,
                                .panel_g = p->panel_g};
  k->weight_gradient(&w);
}

static int is_near(const problem *p, const float *g) {
  const double gamma = (double)p->n_rows * GR_ROUNDOFF / (1 - (double)p->n_rows * GR_ROUNDOFF);
  for (size_t o = 0; o < 16 * p->n_panels; o++)
    for (size_t i = 0; i < p->n_inputs; i++) {
      double sum = 0, size = 0;
      for (size_t r = 0; r < p->n_rows; r++) {
        const double product = (double)p->a[r * p->lda + i] * (double)p->delta[r * p->ldd + o];
        sum += product;
        size += fabs(product);
      }
      const double got = (double)g[o / 16 * p->panel_g + 16 * i + o % 16];
      if (!(fabs(got - sum) <= gamma * size)) return 0;
    }
  return 1;
}

static int kept_the_rest(const problem *p, const float *g) {
  for (size_t panel = 0; panel < p->n_panels; panel++)
    for (size_t i = 16 * p->n_inputs; i < p->panel_g; i++)
      if (g[panel * p->panel_g + i] != untouched) return 0;
  return 1;
}

static void the_weight_gradient_keeps_its_contract(void) {
  gr_test_stream s = {gr_test_seed() + 3};
  for (int i = 0; i < 200; i++) {
    const problem p = make_problem(&s);
    const size_t n = p.n_panels * p.panel_g;
    float *wanted = make_result(&p);
    run_part(generic_kernels(), &p, wanted, 0, p.n_inputs, 0, p.n_panels);
    GR_CHECK(is_near(&p, wanted), "far from the oracle: %zu rows, %zu inputs", p.n_rows,
             p.n_inputs);
    GR_CHECK(kept_the_rest(&p, wanted), "wrote beyond %zu inputs", p.n_inputs);
    GR_EACH_ISA(k) {
      const size_t input = gr_test_between(&s, 0, p.n_inputs),
                   panel = gr_test_between(&s, 0, p.n_panels);
      float *whole = make_result(&p), *parts = make_result(&p);
      run_part(k, &p, whole, 0, p.n_inputs, 0, p.n_panels);
      run_part(k, &p, parts, 0, input, 0, p.n_panels);
      run_part(k, &p, parts, input, p.n_inputs - input, 0, panel);
      run_part(k, &p, parts, input, p.n_inputs - input, panel, p.n_panels - panel);
      GR_CHECK(
          gr_test_difference(whole, wanted, n) == n && gr_test_difference(parts, wanted, n) == n,
          "%s: %zu rows, %zu inputs, %zu panels, cut at %zu, %zu", isa_name(k), p.n_rows,
          p.n_inputs, p.n_panels, input, panel);
    }
    gr_test_release();
  }
}

/* A lane without rows has the gradient +0, not whatever was there. */
static void no_rows_give_a_gradient_of_plus_zero(void) {
  GR_EACH_ISA(k) {
    problem p = {.n_inputs = 7, .n_panels = 2, .lda = 16, .ldd = 32, .panel_g = 16 * 7};
    p.a = gr_test_floats(0);
    p.delta = gr_test_floats(0);
    float *g = make_result(&p), *zeros = gr_test_floats(2 * p.panel_g);
    run_part(k, &p, g, 0, 7, 0, 2);
    GR_CHECK(gr_test_difference(g, zeros, 2 * p.panel_g) == 2 * p.panel_g, "%s", isa_name(k));
    gr_test_release();
  }
}

const gr_test gradient_tests[] = {
    GR_TEST(the_weight_gradient_keeps_its_contract),
    GR_TEST(no_rows_give_a_gradient_of_plus_zero),
    GR_TEST_END,
};
