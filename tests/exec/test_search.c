/* Steps along lines that are searched: what they find, and what they go through on the way. */
#include <config.h>

#include <math.h>
#include <string.h>

#include "exec/internal.h"
#include "exec_tests.h"
#include "net/average.h"

/* A classifier whose every evaluation takes all rows. */
static const recipe classifier = {.width = {12, 17, 4},
                                  .hidden = GR_TANH,
                                  .output = GR_SOFTMAX,
                                  .loss = GR_CROSS_ENTROPY,
                                  .optimizer = GR_LBFGS,
                                  .batch = 120,
                                  .rows = 120,
                                  .decay = 0.01,
                                  .weighted = true,
                                  .type = GR_F32,
                                  .lane_rows = 6};

/* Everything that a run has. */
typedef struct state {
  size_t n, vectors;
  float *parameters, *moment[GR_MAX_MOMENTS];
  gr_step_result result;
} state;

static state make_state(const recipe *r) {
  const gr_config c = make_config(r);
  state s = {.n = make_network(r).n_parameters, .vectors = (size_t)gr_state_vectors(&c)};
  s.parameters = gr_test_floats(s.n);
  for (size_t k = 0; k < s.vectors; k++) s.moment[k] = gr_test_floats(s.n);
  return s;
}

static void step(const recipe *r, const data *d, gr_engine *engine, int number, double rate,
                 state *s) {
  const gr_row_order order = {.permutation = gr_permutation_identity(r->rows)};
  gr_engine_step(engine, &d->rows, &order, 0, r->rows, (uint64_t)number, rate, &s->result);
  gr_engine_store(engine, s->parameters, s->moment);
}

static int same_state(const state *a, const state *b) {
  int same = gr_test_difference(a->parameters, b->parameters, a->n) == a->n &&
             memcmp(&a->result.search, &b->result.search, sizeof a->result.search) == 0 &&
             a->result.objective == b->result.objective &&
             memcmp(&a->result.loss, &b->result.loss, sizeof a->result.loss) == 0;
  for (size_t k = 0; k < a->vectors; k++)
    same = same && gr_test_difference(a->moment[k], b->moment[k], a->n) == a->n;
  return same;
}

/* Objective in double, and its derivative along `d`, at p + t d. */
typedef struct exact {
  gr_network network;
  double *x, *y, *weight, *at;
  double decay;
} exact;

static exact make_exact(const recipe *r, const data *d) {
  const size_t n_in = r->width[0], n_out = r->width[recipe_layers(r)];
  exact e = {.network = make_network(r), .decay = r->decay};
  e.x = gr_test_array(r->rows * n_in, sizeof(double));
  e.y = gr_test_array(r->rows * n_out, sizeof(double));
  e.weight = d->rows.weight ? gr_test_array(r->rows, sizeof(double)) : NULL;
  e.at = gr_test_array(e.network.n_parameters, sizeof(double));
  for (size_t i = 0; i < r->rows * n_in; i++) e.x[i] = (double)d->x[i];
  for (size_t i = 0; i < r->rows * n_out; i++)
    e.y[i] = d->rows.targets ? (double)d->rows.targets[i]
                             : (size_t)d->rows.class_index[i / n_out] == i % n_out;
  for (size_t i = 0; e.weight && i < r->rows; i++) e.weight[i] = (double)d->rows.weight[i];
  return e;
}

static double objective_at(const exact *e, const recipe *r, const float *p, const float *d,
                           double t) {
  double squares = 0;
  for (size_t i = 0; i < e->network.n_parameters; i++)
    e->at[i] = (double)p[i] + (d ? t * (double)d[i] : 0);
  for (uint32_t l = 0; l < e->network.n_layers; l++)
    for (size_t i = e->network.layer[l].weights; i < e->network.layer[l].bias; i++)
      squares += e->at[i] * e->at[i];
  return gr_oracle_loss(&e->network, e->at, r->rows, e->x, e->y, e->weight, &gr_oracle_defaults) +
         0.5 * e->decay * squares;
}

/* By a central difference, whose error is h^2 / 6 |F'''|, below 1e-9 of the slopes here. */
static double slope_at(const exact *e, const recipe *r, const float *p, const float *d, double t,
                       double unit) {
  const double h = 0x1p-14 * unit;
  return (objective_at(e, r, p, d, t + h) - objective_at(e, r, p, d, t - h)) / (2 * h);
}

/* Nocedal and Wright 2006, eq. 3.7, in double at each point that was accepted. Objectives of the
 * engine may lie 2^-23 of themselves apart from it, and so may its decision; slopes 2^-14 of the
 * first. */
static void accepted_points_fulfil_the_strong_wolfe_conditions(void) {
  static const double rates[] = {1, 0.01, 30};
  for (int k = 0; k < 3; k++) {
    const recipe *r = &classifier;
    const data d = make_data(r, gr_test_seed() + (uint64_t)k);
    const exact e = make_exact(r, &d);
    state now = make_state(r), before = make_state(r);
    gr_engine *engine =
        make_engine(r, (workers){2, GR_AUTO, GR_AUTO}, make_parameters(&e.network, 3));
    int accepted = 0;
    for (int i = 0; engine && i < 60 && now.result.search.end == 0; i++) {
      step(r, &d, engine, i, rates[k], &now);
      const double t = before.result.search.t;
      if (i > 0 && now.result.search.iterations > before.result.search.iterations) {
        const float *x = before.parameters, *line = before.moment[1];
        const double f0 = objective_at(&e, r, x, NULL, 0), f = objective_at(&e, r, x, line, t),
                     g0 = slope_at(&e, r, x, line, 0, t), g = slope_at(&e, r, x, line, t, t);
        GR_CHECK(g0 < 0 && f <= f0 + 1e-4 * t * g0 + 0x1p-21 * f0,
                 "rate %g, step %d: objective %.9g after %.9g, t %g, slope %g", rates[k], i, f, f0,
                 t, g0);
        GR_CHECK(fabs(g) <= (0.9 + 0x1p-14) * fabs(g0), "rate %g, step %d: slope %g after %g",
                 rates[k], i, g, g0);
        GR_CHECK(fabs(now.result.objective - f) <= 0x1p-21 * f, "objective %.9g, wanted %.9g",
                 now.result.objective, f);
        accepted++;
      }
      memcpy(before.parameters, now.parameters, now.n * sizeof(float));
      for (size_t m = 0; m < now.vectors; m++)
        memcpy(before.moment[m], now.moment[m], now.n * sizeof(float));
      before.result = now.result;
    }
    gr_engine_destroy(engine);
    GR_CHECK(accepted > 15, "rate %g: %d points accepted", rates[k], accepted);
    gr_test_release();
  }
}

/* Whoever takes each step, from what the step before has left alone. */
static void a_search_goes_on_after_any_evaluation_with_the_same_bits(void) {
  static const double rates[] = {1, 25};
  for (int k = 0; k < 2; k++) {
    recipe r = classifier;
    const data d = make_data(&r, gr_test_seed());
    const gr_network network = make_network(&r);
    const float *first = make_parameters(&network, 3);
    state whole = make_state(&r), cut = make_state(&r);
    gr_engine *engine = make_engine(&r, (workers){1, GR_AUTO, GR_STRATEGY_TILES}, first);
    uint64_t phases = 0;
    for (int i = 0; engine && i < 30; i++) {
      r.accumulate = 1 + (uint64_t)(i % 2) * 4; /* passes of 4 lanes are nodes of the tree */
      gr_engine *other = make_engine(
          &r, (workers){1 + i % 3, GR_AUTO, i % 5 < GR_N_STRATEGIES ? i % 5 : GR_AUTO}, first);
      if (i > 0) gr_engine_load(other, cut.parameters, (const float *const *)cut.moment);
      if (i > 0) gr_engine_continue(other, cut.result.objective, &cut.result.search);
      step(&r, &d, other, i, rates[k], &cut);
      step(&r, &d, engine, i, rates[k], &whole);
      gr_engine_destroy(other);
      GR_CHECK(same_state(&cut, &whole), "rate %g: step %d", rates[k], i);
      phases |= UINT64_C(1) << whole.result.search.phase;
    }
    gr_engine_destroy(engine);
    GR_CHECK(phases >> GR_SEARCH_BRACKET & 1 && (k == 0 || phases >> GR_SEARCH_ZOOM & 1),
             "rate %g: phases %llx", rates[k], (unsigned long long)phases);
    gr_test_release();
  }
}

static void the_same_bits_whoever_evaluates(void) {
  static const int threads[] = {1, 2, 3, 5};
  recipe r = classifier;
  r.steps = 14;
  r.learning_rate = 8;
  r.rows = 150; /* a step of 120 rows, then one of 30: another objective each time */
  const data d = make_data(&r, gr_test_seed());
  const outcome wanted = run_recipe(&r, &d, (workers){1, GR_ISA_GENERIC, GR_STRATEGY_TILES});
  for (int t = 0; t < 4; t++)
    for (int strategy = 0; strategy < GR_N_STRATEGIES; strategy++)
      for (int isa = 0; isa < GR_N_ISAS; isa++)
        for (int passes = 0; passes < 2 && gr_isa_available((gr_isa)isa); passes++) {
          r.accumulate = passes ? 5 : 1;
          const outcome got = run_recipe(&r, &d, (workers){threads[t], isa, strategy});
          GR_CHECK(same_outcome(&r, &got, &wanted), "%d threads, %s, %s, %d passes", threads[t],
                   gr_isa_names[isa], gr_strategy_names[strategy], passes ? 5 : 1);
        }
  gr_test_release();
}

/* Gaussian elimination with pivots: a [n][n + 1], the last column the right side, which becomes the
 * solution. */
static void solve(double *a, size_t n) {
  const size_t w = n + 1;
  for (size_t k = 0; k < n; k++) {
    size_t best = k;
    for (size_t i = k; i < n; i++)
      if (fabs(a[i * w + k]) > fabs(a[best * w + k])) best = i;
    for (size_t j = 0; j < w; j++) {
      const double swapped = a[k * w + j];
      a[k * w + j] = a[best * w + j];
      a[best * w + j] = swapped;
    }
    for (size_t i = 0; i < n; i++) {
      const double factor = i == k ? 0 : a[i * w + k] / a[k * w + k];
      for (size_t j = k; j < w; j++) a[i * w + j] -= factor * a[k * w + j];
    }
  }
  for (size_t k = 0; k < n; k++) a[k * w + n] /= a[k * w + k];
}

/* One linear neuron and half the squared error: the normal equations in double have its optimum.
 * The gradient is a mean of float products, each rounded by 2^-24 of numbers near 1, and the
 * least eigenvalue of the Hessian is near 0.1 and more: 1e-5 is some ten times what that leaves. */
static void the_optimum_of_a_quadratic_is_found_in_few_evaluations(void) {
  recipe r = {.width = {9, 1},
              .output = GR_IDENTITY,
              .optimizer = GR_LBFGS,
              .batch = 300,
              .rows = 300,
              .decay = 0.01,
              .type = GR_F32};
  enum { N = 9 };
  const data d = make_data(&r, gr_test_seed());
  double a[(N + 1) * (N + 2)] = {0};
  for (size_t row = 0; row < r.rows; row++)
    for (size_t i = 0; i <= N; i++) {
      const double xi = i < N ? (double)d.x[row * N + i] : 1;
      for (size_t j = 0; j <= N; j++)
        a[i * (N + 2) + j] += xi * (j < N ? (double)d.x[row * N + j] : 1) / (double)r.rows;
      a[i * (N + 2) + N + 1] += xi * (double)d.rows.targets[row] / (double)r.rows;
    }
  for (size_t i = 0; i < N; i++) a[i * (N + 2) + i] += r.decay;
  solve(a, N + 1);
  const gr_network network = make_network(&r);
  state s = make_state(&r);
  gr_engine *engine = make_engine(&r, (workers){2, GR_AUTO, GR_AUTO}, make_parameters(&network, 3));
  int steps = 0;
  for (; engine && steps < 100 && s.result.search.end == 0; steps++)
    step(&r, &d, engine, steps, 1, &s);
  gr_engine_destroy(engine);
  GR_CHECK(s.result.search.end == GR_SEARCH_FLAT && steps <= 30, "%d evaluations, end %llu, %g",
           steps, (unsigned long long)s.result.search.end, s.result.gradient_norm);
  for (size_t i = 0; i <= N; i++)
    GR_CHECK(fabs((double)s.parameters[i] - a[i * (N + 2) + N + 1]) <= 1e-5,
             "parameter %zu is %.9g, wanted %.9g", i, (double)s.parameters[i],
             a[i * (N + 2) + N + 1]);
  gr_test_release();
}

/* An exponential output overflows at the first trials; the search comes nearer until it does not.
 */
static void a_trial_that_overflows_is_too_far_and_no_more(void) {
  const recipe r = {.width = {6, 5, 2},
                    .hidden = GR_TANH,
                    .output = GR_EXPONENTIAL,
                    .loss = GR_POISSON,
                    .optimizer = GR_LBFGS,
                    .batch = 40,
                    .rows = 40,
                    .type = GR_F32};
  const data d = make_data(&r, gr_test_seed());
  const gr_network network = make_network(&r);
  for (int strategy = 0; strategy < GR_N_STRATEGIES; strategy++) {
    state s = make_state(&r);
    gr_engine *engine =
        make_engine(&r, (workers){1 + strategy, GR_AUTO, strategy}, make_parameters(&network, 3));
    int overflows = 0, vector;
    double first = 0;
    for (int i = 0; engine && i < 40; i++) {
      step(&r, &d, engine, i, 1e5, &s);
      CU_ASSERT(s.result.finite && isfinite(s.result.objective));
      overflows += !isfinite(s.result.loss);
      if (i == 0) first = s.result.objective;
      CU_ASSERT_EQUAL(gr_engine_bad_state(engine, &vector), 0);
    }
    GR_CHECK(overflows > 0 && s.result.objective < first && s.result.search.iterations > 1,
             "%d overflows, objective %g after %g", overflows, s.result.objective, first);
    gr_engine_destroy(engine);
  }
  gr_test_release();
}

/* But the first evaluation has nowhere to go back to. */
static void the_first_evaluation_must_be_finite(void) {
  recipe r = classifier;
  data d = make_data(&r, gr_test_seed());
  float *x = gr_test_floats(r.rows * r.width[0]);
  memcpy(x, d.rows.x, r.rows * r.width[0] * sizeof *x);
  x[100 * r.width[0] + 3] = NAN;
  d.rows.x = x;
  const gr_network network = make_network(&r);
  state s = make_state(&r);
  gr_engine *engine = make_engine(&r, (workers){2, GR_AUTO, GR_AUTO}, make_parameters(&network, 3));
  step(&r, &d, engine, 0, 1, &s);
  CU_ASSERT(!s.result.finite && s.result.bad_layer == 0 && s.result.bad_row == 100);
  gr_engine_destroy(engine);
  gr_test_release();
}

const gr_test search_tests[] = {
    GR_TEST(accepted_points_fulfil_the_strong_wolfe_conditions),
    GR_TEST(a_search_goes_on_after_any_evaluation_with_the_same_bits),
    GR_TEST(the_same_bits_whoever_evaluates),
    GR_TEST(the_optimum_of_a_quadratic_is_found_in_few_evaluations),
    GR_TEST(a_trial_that_overflows_is_too_far_and_no_more),
    GR_TEST(the_first_evaluation_must_be_finite),
    GR_TEST_END,
};
