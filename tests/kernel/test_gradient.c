/* The weight gradient: random shapes, lanes longer than one block of rows, padding poisoned. An
 * element of one lane is a chain of n_rows fused multiply-adds from +0, so it errs by at most
 * n_rows u / (1 - n_rows u) times the sum of the products' magnitudes. Of several lanes it is a
 * tree of such chains, and has their very bits; so have weights and moments that it is applied to.
 */
#include <config.h>

#include <math.h>

#include "kernel_tests.h"

typedef struct problem {
  size_t n_rows, lane_rows, n_inputs, n_panels, lda, ldd, panel_g;
  float *a, *delta;
} problem;

static const float untouched = -12345.678f;

/* Operands in strides at least as wide as they have to be. */
static void fill_problem(gr_test_stream *s, problem *p) {
  p->lda = 16 * (gr_test_panels(p->n_inputs) + gr_test_between(s, 0, 2));
  p->panel_g = 16 * (p->n_inputs + gr_test_between(s, 0, 3));
  p->a = gr_test_floats(p->n_rows * p->lda);
  p->delta = gr_test_floats(p->n_rows * p->ldd);
  gr_test_poison(p->a, p->n_rows * p->lda);
  gr_test_poison(p->delta, p->n_rows * p->ldd);
  for (size_t r = 0; r < p->n_rows; r++) {
    gr_test_fill(s, p->a + r * p->lda, p->n_inputs, 1);
    gr_test_fill(s, p->delta + r * p->ldd, 16 * p->n_panels, 1);
  }
}

static problem make_problem(gr_test_stream *s) {
  static const size_t rows[] = {0, 1, 2, 10, 16, 40, 64, 100, 255, 256, 257, 512, 513};
  static const size_t widths[] = {1, 5, 6, 7, 13, 14, 15, 16, 17, 37, 96, 300, 784};
  problem p = {.n_rows = rows[gr_test_between(s, 0, 12)],
               .n_inputs = widths[gr_test_between(s, 0, 12)],
               .n_panels = gr_test_between(s, 1, 5)};
  while (p.n_rows * p.n_panels * 16 * p.n_inputs > 400000) p.n_inputs = (p.n_inputs + 1) / 2;
  p.lane_rows = p.n_rows;
  p.ldd = 16 * (p.n_panels + gr_test_between(s, 0, 2));
  fill_problem(s, &p);
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
                                .lane_rows = p->lane_rows,
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

/* ----- several lanes, and the update ----- */

static float lane_chain(const problem *p, size_t lane, size_t i, size_t o) {
  float sum = 0;
  for (size_t r = lane * p->lane_rows; r < p->n_rows && r < (lane + 1) * p->lane_rows; r++)
    sum = fmaf(p->a[r * p->lda + i], p->delta[r * p->ldd + o], sum);
  return sum;
}

/* The definition: the left subtree takes the largest power of two below n. */
static float lane_tree(const problem *p, size_t first, size_t n, size_t i, size_t o) {
  size_t left = 1;
  if (n == 1) return lane_chain(p, first, i, o);
  while (2 * left < n) left *= 2;
  return lane_tree(p, first, left, i, o) + lane_tree(p, first + left, n - left, i, o);
}

/* The gradient as its contract has it, in a result's layout. */
static float *exact_gradient(const problem *p) {
  const size_t lanes = (p->n_rows + p->lane_rows - 1) / p->lane_rows;
  float *g = make_result(p);
  for (size_t o = 0; o < 16 * p->n_panels; o++)
    for (size_t i = 0; i < p->n_inputs; i++)
      g[o / 16 * p->panel_g + 16 * i + o % 16] = lane_tree(p, 0, lanes, i, o);
  return g;
}

/* So many lanes, the last one short, and any widths; now and then deltas so far apart that those of
 * the next panels are fetched meanwhile. */
static problem make_lanes(gr_test_stream *s, size_t lanes) {
  static const size_t widths[] = {1, 5, 6, 7, 13, 14, 15, 16, 17, 29, 37, 57, 85};
  problem p = {.lane_rows = gr_test_between(s, 1, 5),
               .n_inputs = widths[gr_test_between(s, 0, 12)],
               .n_panels = gr_test_between(s, 1, 5)};
  p.n_rows = (lanes - 1) * p.lane_rows + gr_test_between(s, 1, p.lane_rows);
  p.ldd = 16 * (p.n_panels + (lanes % 4 == 3 ? 8192 / p.n_rows + 1 : gr_test_between(s, 0, 2)));
  fill_problem(s, &p);
  return p;
}

/* What an update changes: [panel] floats for each panel of weights, and likewise of moments; what
 * lies between the panels must stay. */
typedef struct parameters {
  size_t panel, n;
  float *w, *moment[GR_MAX_MOMENTS];
} parameters;

static parameters make_parameters(const problem *p, uint64_t seed) {
  gr_test_stream s = {seed};
  parameters x = {.panel = p->panel_g, .n = p->n_panels * p->panel_g};
  x.w = make_result(p);
  for (int k = 0; k < GR_MAX_MOMENTS; k++) x.moment[k] = make_result(p);
  for (size_t panel = 0; panel < x.n; panel += x.panel) {
    gr_test_fill(&s, x.w + panel, 16 * p->n_inputs, 1);
    gr_test_fill(&s, x.moment[0] + panel, 16 * p->n_inputs, 1);
    gr_test_fill(&s, x.moment[1] + panel, 16 * p->n_inputs, 1);
    for (size_t i = 0; i < 16 * p->n_inputs; i++)
      for (int k = 0; k < GR_MAX_MOMENTS; k++) /* which may be a mean of squares */
        x.moment[k][panel + i] = fabsf(x.moment[k][panel + i]);
  }
  return x;
}

static float *moment_at(const parameters *x, gr_optimizer kind, int k, size_t at) {
  return k < gr_optimizers[kind].moments ? x->moment[k] + at : NULL;
}

static int same_parameters(const parameters *x, const parameters *y) {
  int same = gr_test_difference(x->w, y->w, x->n) == x->n;
  for (int k = 0; k < GR_MAX_MOMENTS; k++)
    same &= gr_test_difference(x->moment[k], y->moment[k], x->n) == x->n;
  return same;
}

/* What the update must make of the summed gradient g. */
static void update_by_generic(const problem *p, const gr_update_coefficients *u, parameters *x,
                              const float *g) {
  for (size_t at = 0; at < x->n; at += x->panel)
    generic_kernels()->update(u, 16 * p->n_inputs, x->w + at, g + at,
                              moment_at(x, u->optimizer, 0, at), moment_at(x, u->optimizer, 1, at));
}

/* Inputs [input, input + inputs) by the weight gradient itself, which has nowhere to put it. */
static void update_part(const gr_kernels *k, const problem *p, const gr_update_coefficients *u,
                        parameters *x, size_t input, size_t inputs) {
  const size_t at = 16 * input;
  const gr_weight_gradient w = {.n_rows = p->n_rows,
                                .lane_rows = p->lane_rows,
                                .n_inputs = inputs,
                                .n_panels = p->n_panels,
                                .a = p->a + input,
                                .lda = p->lda,
                                .delta = p->delta,
                                .ldd = p->ldd,
                                .update = u,
                                .w = x->w + at,
                                .moment1 = moment_at(x, u->optimizer, 0, at),
                                .moment2 = moment_at(x, u->optimizer, 1, at),
                                .panel_w = x->panel};
  k->weight_gradient(&w);
}

static void lanes_are_added_by_the_tree(void) {
  gr_test_stream s = {gr_test_seed() + 4};
  for (size_t lanes = 1; lanes <= 70; lanes++) {
    const problem p = make_lanes(&s, lanes);
    const size_t n = p.n_panels * p.panel_g;
    const float *wanted = exact_gradient(&p);
    GR_EACH_ISA(k) {
      const size_t input = gr_test_between(&s, 0, p.n_inputs);
      float *whole = make_result(&p), *parts = make_result(&p);
      run_part(k, &p, whole, 0, p.n_inputs, 0, p.n_panels);
      run_part(k, &p, parts, 0, input, 0, p.n_panels);
      run_part(k, &p, parts, input, p.n_inputs - input, 0, p.n_panels);
      GR_CHECK(
          gr_test_difference(whole, wanted, n) == n && gr_test_difference(parts, wanted, n) == n,
          "%s: %zu rows in %zu lanes, %zu inputs, cut at %zu, %zu panels", isa_name(k), p.n_rows,
          lanes, p.n_inputs, input, p.n_panels);
    }
    gr_test_release();
  }
}

/* Every optimiser, with decay and without, with limits and without. */
static void an_update_within_is_the_gradient_and_then_the_update(void) {
  gr_test_stream s = {gr_test_seed() + 5};
  for (size_t lanes = 1; lanes <= 40; lanes++)
    for (int kind = 0; kind < 4 * GR_LBFGS; kind++) {
      const problem p = make_lanes(&s, lanes);
      const gr_update_coefficients u = {.optimizer = (gr_optimizer)(kind / 4),
                                        .scale = 1 / 3.0f,
                                        .learning_rate = 0.1f,
                                        .gradient_rate = 0.05f,
                                        .momentum = 0.9f,
                                        .one_minus_beta1 = 0.1f,
                                        .beta2 = 0.99f,
                                        .one_minus_beta2 = 0.01f,
                                        .root_correction = 1.5f,
                                        .epsilon = 1e-8f,
                                        .decay = kind & 1 ? 0.01f : 0.0f,
                                        .l1 = kind & 2 ? 0.02f : 0.0f,
                                        .clip = kind & 2 ? 0.1f : 0.0f};
      const uint64_t seed = gr_test_next(&s);
      parameters wanted = make_parameters(&p, seed);
      update_by_generic(&p, &u, &wanted, exact_gradient(&p));
      GR_EACH_ISA(k) {
        const size_t input = gr_test_between(&s, 0, p.n_inputs);
        parameters whole = make_parameters(&p, seed), parts = make_parameters(&p, seed);
        update_part(k, &p, &u, &whole, 0, p.n_inputs);
        update_part(k, &p, &u, &parts, 0, input);
        update_part(k, &p, &u, &parts, input, p.n_inputs - input);
        GR_CHECK(same_parameters(&whole, &wanted) && same_parameters(&parts, &wanted),
                 "%s, decay %g, on %s: %zu rows in %zu lanes, %zu inputs, cut at %zu, %zu panels",
                 gr_optimizers[u.optimizer].name, (double)u.decay, isa_name(k), p.n_rows, lanes,
                 p.n_inputs, input, p.n_panels);
      }
      gr_test_release();
    }
}

const gr_test gradient_tests[] = {
    GR_TEST(the_weight_gradient_keeps_its_contract),
    GR_TEST(no_rows_give_a_gradient_of_plus_zero),
    GR_TEST(lanes_are_added_by_the_tree),
    GR_TEST(an_update_within_is_the_gradient_and_then_the_update),
    GR_TEST_END,
};
