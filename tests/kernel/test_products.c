/* Forward product and data gradient: random shapes and the edges of the tiles and blocks, padding
 * poisoned, memory beyond the result watched.
 *
 * Bounds. One element is a chain of `depth` fused multiply-adds from its start: each rounds once,
 * so it errs by at most depth u / (1 - depth u) times S, the sum of the magnitudes of start and
 * products (u = 2^-24; Higham, Accuracy and Stability of Numerical Algorithms, section 3.1). The
 * activations have slopes and errors of their own (support/oracle.h); a derivative, made of numbers
 * up to 1.8 with 2 or 3 roundings, times a sum costs some more. Values below 2^-100 are flushed. */
#include <config.h>

#include <math.h>
#include <string.h>

#include "kernel_tests.h"

typedef struct problem {
  size_t n_rows, n_panels, depth, lda, ldc, c_rows;
  float *a, *w, *bias, *out; /* out: outputs of the layer below, for the data gradient */
} problem;

static const float untouched = -12345.678f;

/* Widths where tiles, panels and blocks begin and end. */
static size_t some_width(gr_test_stream *s) {
  static const size_t edges[] = {1,  2,   10,  15,  16,  17,  31,  33, 37,
                                 96, 300, 319, 320, 321, 640, 641, 784};
  const size_t n = sizeof edges / sizeof edges[0], i = gr_test_between(s, 0, n + 5);
  return i < n ? edges[i] : gr_test_between(s, 1, i == n ? 1100 : 80);
}

/* A problem of at most about 400000 multiply-adds: generic does some hundred million a second. */
static problem make_problem(gr_test_stream *s) {
  problem p = {.n_rows = gr_test_between(s, 0, 40), .depth = some_width(s)};
  p.n_panels = gr_test_panels(some_width(s));
  while (p.n_rows * p.n_panels * 16 * p.depth > 400000) {
    if (p.n_panels > 3)
      p.n_panels /= 2;
    else
      p.n_rows /= 2;
  }
  p.lda = 16 * (gr_test_panels(p.depth) + gr_test_between(s, 0, 2));
  p.ldc = 16 * (p.n_panels + gr_test_between(s, 0, 2));
  p.c_rows = p.n_rows + gr_test_between(s, 0, 2);
  p.a = gr_test_floats(p.n_rows * p.lda);
  gr_test_poison(p.a, p.n_rows * p.lda);
  for (size_t r = 0; r < p.n_rows; r++) gr_test_fill(s, p.a + r * p.lda, p.depth, 1);
  p.w = gr_test_floats(p.n_panels * p.depth * 16);
  gr_test_fill(s, p.w, p.n_panels * p.depth * 16, 1 / sqrtf((float)p.depth));
  p.bias = gr_test_floats(p.n_panels * 16);
  gr_test_fill(s, p.bias, p.n_panels * 16, 1);
  p.out = gr_test_floats(p.n_rows * p.ldc);
  return p;
}

static float *make_result(const problem *p) {
  float *c = gr_test_floats(p->c_rows * p->ldc);
  for (size_t i = 0; i < p->c_rows * p->ldc; i++) c[i] = untouched;
  return c;
}

/* What lies beyond the rows and panels of the result is as it was. */
static int kept_the_rest(const problem *p, const float *c) {
  for (size_t r = 0; r < p->c_rows; r++)
    for (size_t j = r < p->n_rows ? 16 * p->n_panels : 0; j < p->ldc; j++)
      if (c[r * p->ldc + j] != untouched) return 0;
  return 1;
}

/* Runs rows [row, row + rows) and panels [panel, panel + panels). */
static void forward_part(const gr_kernels *k, const problem *p, gr_activation kind, float *c,
                         size_t row, size_t rows, size_t panel, size_t panels) {
  const gr_forward f = {.n_rows = rows,
                        .n_panels = panels,
                        .depth = p->depth,
                        .a = p->a + row * p->lda,
                        .lda = p->lda,
                        .w = p->w + panel * 16 * p->depth,
                        .bias = p->bias + 16 * panel,
                        .c = c + row * p->ldc + 16 * panel,
                        .ldc = p->ldc,
                        .activation = kind};
  k->forward(&f);
}

static void backward_part(const gr_kernels *k, const problem *p, gr_activation kind, float *c,
                          size_t row, size_t rows, size_t panel, size_t panels) {
  const gr_backward b = {
      .n_rows = rows,
      .n_panels = panels,
      .depth = p->depth,
      .delta = p->a + row * p->lda,
      .ldd = p->lda,
      .w = p->w + panel * 16 * p->depth,
      .a = p->out + row * p->ldc + 16 * panel,
      .c = c + row * p->ldc + 16 * panel,
      .ldc = p->ldc,
      .activation = kind,
      .slope = gr_activations[kind].from_input ? p->out + row * p->ldc + 16 * panel : NULL};
  k->backward(&b);
}

/* The sum behind element (r, j), without the start; adds its magnitudes to *size. */
static double exact_sum(const problem *p, size_t r, size_t j, double *size) {
  const float *w = p->w + j / 16 * p->depth * 16 + j % 16, *a = p->a + r * p->lda;
  double sum = 0;
  for (size_t k = 0; k < p->depth; k++) {
    const double product = (double)a[k] * (double)w[16 * k];
    sum += product;
    *size += fabs(product);
  }
  return sum;
}

static int forward_is_near(const problem *p, gr_activation kind, const float *c) {
  const double gamma = (double)p->depth * GR_ROUNDOFF / (1 - (double)p->depth * GR_ROUNDOFF);
  for (size_t r = 0; r < p->n_rows; r++)
    for (size_t j = 0; j < 16 * p->n_panels; j++) {
      double size = fabs((double)p->bias[j]), z = (double)p->bias[j] + exact_sum(p, r, j, &size);
      double f = gr_oracle_activation(kind, z);
      double bound = gr_oracle_steepest(kind) * gamma * size + gr_oracle_activation_error(kind, f);
      if (!(fabs((double)c[r * p->ldc + j] - f) <= bound)) return 0;
    }
  return 1;
}

/* f' from the output a of the layer below, or what forward kept in its place. */
static double slope_of(gr_activation kind, double a) {
  switch (kind) {
    case GR_SIGMOID:
      return a * (1 - a);
    case GR_TANH:
      return 1 - a * a;
    case GR_RELU:
      return a > 0;
    case GR_LEAKY_RELU:
      return a > 0 ? 1 : 0.01;
    case GR_ELU:
      return a > 0 ? 1 : 1 + a;
    case GR_SELU:
      return a > 0 ? 1.0507009873554804934 : 1.7580993408473768 + a;
    case GR_SOFTSIGN:
      return (1 - fabs(a)) * (1 - fabs(a));
    case GR_HARD_SIGMOID:
      return a > 0 && a < 1 ? 1 / 6.0 : 0;
    case GR_HARD_TANH:
      return fabs(a) < 1;
    case GR_IDENTITY:
    case GR_SOFTMAX:
      return 1;
    default:
      return a;
  }
}

static int backward_is_near(const problem *p, gr_activation kind, const float *c) {
  const double gamma = (double)p->depth * GR_ROUNDOFF / (1 - (double)p->depth * GR_ROUNDOFF);
  for (size_t r = 0; r < p->n_rows; r++)
    for (size_t j = 0; j < 16 * p->n_panels; j++) {
      const double slope = slope_of(kind, (double)p->out[r * p->ldc + j]);
      double size = 0, d = exact_sum(p, r, j, &size) * slope;
      double bound = gamma * size * fabs(slope) + 5 * GR_ROUNDOFF * fabs(d) + 0x1p-100 +
                     4 * GR_ROUNDOFF * fabs(d / (slope != 0 ? slope : 1));
      if (!(fabs((double)c[r * p->ldc + j] - d) <= bound)) return 0;
    }
  return 1;
}

typedef void part_function(const gr_kernels *k, const problem *p, gr_activation kind, float *c,
                           size_t row, size_t rows, size_t panel, size_t panels);

/* The product whole and in four parts, cut at a random row and a random panel, on every instruction
 * set: always the bits that generic gave. */
static void check_parts(gr_test_stream *s, const problem *p, gr_activation kind, part_function *run,
                        const float *wanted, const char *what) {
  GR_EACH_ISA(k) {
    const size_t row = gr_test_between(s, 0, p->n_rows), panel = gr_test_between(s, 0, p->n_panels);
    for (int parts = 0; parts < 2; parts++) {
      float *c = make_result(p);
      if (parts) {
        run(k, p, kind, c, 0, row, 0, panel);
        run(k, p, kind, c, row, p->n_rows - row, panel, p->n_panels - panel);
        run(k, p, kind, c, row, p->n_rows - row, 0, panel);
        run(k, p, kind, c, 0, row, panel, p->n_panels - panel);
      } else {
        run(k, p, kind, c, 0, p->n_rows, 0, p->n_panels);
      }
      GR_CHECK(gr_test_difference(c, wanted, p->c_rows * p->ldc) == p->c_rows * p->ldc,
               "%s, %s, %s: %zu rows, depth %zu, %zu panels, cut at %zu, %zu", what, isa_name(k),
               parts ? "in parts" : "whole", p->n_rows, p->depth, p->n_panels, row, panel);
    }
  }
}

static void the_forward_product_keeps_its_contract(void) {
  gr_test_stream s = {gr_test_seed()};
  for (int i = 0; i < 200; i++) {
    const problem p = make_problem(&s);
    const gr_activation kind = (gr_activation)(i % GR_EXPONENTIAL); /* which is none of layers */
    float *c = make_result(&p);
    forward_part(generic_kernels(), &p, kind, c, 0, p.n_rows, 0, p.n_panels);
    GR_CHECK(forward_is_near(&p, kind, c), "far from the oracle: %s, %zu rows, depth %zu",
             gr_activations[kind].name, p.n_rows, p.depth);
    GR_CHECK(kept_the_rest(&p, c), "wrote beyond its result: %zu rows, %zu panels", p.n_rows,
             p.n_panels);
    check_parts(&s, &p, kind, forward_part, c, "forward");
    gr_test_release();
  }
}

static void fill_outputs(gr_test_stream *s, const problem *p, gr_activation kind) {
  for (size_t i = 0; i < p->n_rows * p->ldc; i++) {
    const float x = gr_test_unit(s);
    p->out[i] = kind == GR_SIGMOID ? (x + 1) / 2 : kind == GR_RELU && x < 0 ? 0.0f : x;
  }
}

static void the_data_gradient_keeps_its_contract(void) {
  gr_test_stream s = {gr_test_seed() + 1};
  for (int i = 0; i < 200; i++) {
    const problem p = make_problem(&s);
    const gr_activation kind = (gr_activation)(i % GR_EXPONENTIAL); /* which is none of layers */
    fill_outputs(&s, &p, kind);
    float *c = make_result(&p);
    backward_part(generic_kernels(), &p, kind, c, 0, p.n_rows, 0, p.n_panels);
    GR_CHECK(backward_is_near(&p, kind, c), "far from the oracle: %s, %zu rows, depth %zu",
             gr_activations[kind].name, p.n_rows, p.depth);
    GR_CHECK(kept_the_rest(&p, c), "wrote beyond its result: %zu rows, %zu panels", p.n_rows,
             p.n_panels);
    check_parts(&s, &p, kind, backward_part, c, "backward");
    gr_test_release();
  }
}

/* A problem of one input whose weighted inputs, or sums of deltas, are the given value. */
static problem single(float value) {
  problem p = {.n_rows = 1, .n_panels = 1, .depth = 1, .lda = 16, .ldc = 16, .c_rows = 1};
  p.a = gr_test_floats(16);
  p.w = gr_test_floats(16);
  p.bias = gr_test_floats(16);
  p.out = gr_test_floats(16);
  p.a[0] = value;
  for (int j = 0; j < 16; j++) p.w[j] = 1;
  return p;
}

static int is_plus_zero(float x) {
  return x == 0 && !signbit(x);
}

/* Whatever lies below 2^-100 becomes +0, also negative zero; 2^-100 itself stays. Identity and
 * softmax store z as it is. */
static void forward_flushes_what_is_below_two_to_the_minus_100(void) {
  static const gr_activation flushing[] = {GR_RELU, GR_TANH};
  static const float tiny[] = {0x1.fffffep-101f, -0x1.fffffep-101f, 0x1p-149f, -0x1p-149f, -0.0f};
  GR_EACH_ISA(k) for (size_t i = 0; i < 2; i++) {
    float c[16];
    for (size_t t = 0; t < sizeof tiny / sizeof tiny[0]; t++) {
      const problem p = single(tiny[t]);
      p.bias[0] = -0.0f;
      forward_part(k, &p, flushing[i], c, 0, 1, 0, 1);
      GR_CHECK(is_plus_zero(c[0]), "%s %s", isa_name(k), gr_activations[flushing[i]].name);
      forward_part(k, &p, GR_IDENTITY, c, 0, 1, 0, 1);
      GR_CHECK(c[0] == tiny[t], "%s identity", isa_name(k));
      gr_test_release();
    }
    const problem p = single(0x1p-100f);
    forward_part(k, &p, flushing[i], c, 0, 1, 0, 1);
    GR_CHECK(c[0] == 0x1p-100f, "%s keeps 2^-100", isa_name(k));
    gr_test_release();
  }
}

static void backward_flushes_what_is_below_two_to_the_minus_100(void) {
  GR_EACH_ISA(k) for (int kind = 0; kind < GR_N_ACTIVATIONS; kind++) {
    float c[16];
    problem p = single(-0x1p-101f);
    for (int j = 0; j < 16; j++) p.out[j] = 0.5f;
    backward_part(k, &p, (gr_activation)kind, c, 0, 1, 0, 1);
    GR_CHECK(is_plus_zero(c[0]), "%s %s", isa_name(k), gr_activations[kind].name);
    p.a[0] = 0x1p-97f; /* every slope at 1/2 is at least 1/6 */
    backward_part(k, &p, (gr_activation)kind, c, 0, 1, 0, 1);
    GR_CHECK(c[0] > 0, "%s %s loses 2^-97", isa_name(k), gr_activations[kind].name);
    gr_test_release();
  }
}

/* NaN and infinity in one row stay in that row, and relu does not turn NaN into 0. */
static void nan_and_infinity_stay_in_their_row(void) {
  GR_EACH_ISA(k) for (int kind = 0; kind < GR_N_ACTIVATIONS; kind++) {
    gr_test_stream s = {gr_test_seed() + 2};
    problem p = make_problem(&s);
    while (p.n_rows < 3) p = make_problem(&s);
    p.a[p.lda + p.depth / 2] = NAN;
    float *c = make_result(&p);
    forward_part(k, &p, (gr_activation)kind, c, 0, p.n_rows, 0, p.n_panels);
    int wrong = 0;
    for (size_t r = 0; r < p.n_rows; r++)
      for (size_t j = 0; j < 16 * p.n_panels; j++) wrong += isnan(c[r * p.ldc + j]) != (r == 1);
    GR_CHECK(wrong == 0, "%s %s", isa_name(k), gr_activations[kind].name);
    gr_test_release();
  }
}

const gr_test product_tests[] = {
    GR_TEST(the_forward_product_keeps_its_contract),
    GR_TEST(the_data_gradient_keeps_its_contract),
    GR_TEST(forward_flushes_what_is_below_two_to_the_minus_100),
    GR_TEST(backward_flushes_what_is_below_two_to_the_minus_100),
    GR_TEST(nan_and_infinity_stay_in_their_row),
    GR_TEST_END,
};
