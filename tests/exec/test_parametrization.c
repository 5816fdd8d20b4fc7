/* network.parametrization ntk against its definition: a network y = x W' / sqrt(n) + b in double,
 * whose W' is changed by the published formulas of optimisers. The engine, which keeps W = W' /
 * sqrt(n), must arrive at the same W. */
#include <config.h>

#include <math.h>

#include "exec_tests.h"

enum { IN = 6, HIDDEN = 9, OUT = 3, ROWS = 20, STEPS = 12 };

/* Parameters in the order of gr_network, W' in the place of W. */
enum { W1 = 0, B1 = W1 + HIDDEN * IN, W2 = B1 + HIDDEN, B2 = W2 + OUT * HIDDEN, N = B2 + OUT };

typedef struct naive {
  double p[N], m[N], v[N];
} naive;

static const double bias_rate = 0.1, first_layer_rate = 1.5, decay = 0.02, epsilon = 1e-3,
                    learning_rate = 0.05;

/* Mean gradient of 1/2 |a - y|^2 behind one layer of tanh. */
static void gradient_of(const double *p, const float *x, const float *y, double *g) {
  const double s1 = 1 / sqrt(IN), s2 = 1 / sqrt(HIDDEN);
  for (int i = 0; i < N; i++) g[i] = 0;
  for (int r = 0; r < ROWS; r++) {
    double a[HIDDEN], d[OUT];
    for (int h = 0; h < HIDDEN; h++) {
      double z = p[B1 + h];
      for (int i = 0; i < IN; i++) z += s1 * (double)x[r * IN + i] * p[W1 + h * IN + i];
      a[h] = tanh(z);
    }
    for (int o = 0; o < OUT; o++) {
      d[o] = p[B2 + o] - (double)y[r * OUT + o];
      for (int h = 0; h < HIDDEN; h++) d[o] += s2 * a[h] * p[W2 + o * HIDDEN + h];
      d[o] /= ROWS;
      g[B2 + o] += d[o];
      for (int h = 0; h < HIDDEN; h++) g[W2 + o * HIDDEN + h] += s2 * d[o] * a[h];
    }
    for (int h = 0; h < HIDDEN; h++) {
      double e = 0;
      for (int o = 0; o < OUT; o++) e += s2 * d[o] * p[W2 + o * HIDDEN + h];
      e *= 1 - a[h] * a[h];
      g[B1 + h] += e;
      for (int i = 0; i < IN; i++) g[W1 + h * IN + i] += s1 * e * (double)x[r * IN + i];
    }
  }
}

static bool is_weight(int i) {
  return i < B1 || (i >= W2 && i < B2);
}

/* One step of an optimiser; t from 1. */
static void step_of(naive *n, gr_optimizer kind, const float *x, const float *y, int t) {
  double g[N];
  gradient_of(n->p, x, y, g);
  for (int i = 0; i < N; i++) {
    const double rate = learning_rate * (!is_weight(i) ? bias_rate : i < B1 ? first_layer_rate : 1);
    const double d = is_weight(i) ? decay : 0;
    if (kind == GR_ADAMW)
      n->p[i] *= 1 - rate * d;
    else
      g[i] += d * n->p[i];
    if (kind == GR_SGD) {
      n->p[i] -= rate * g[i];
    } else if (kind == GR_MOMENTUM) {
      n->m[i] = 0.9 * n->m[i] + g[i];
      n->p[i] -= rate * n->m[i];
    } else {
      n->m[i] = 0.9 * n->m[i] + 0.1 * g[i];
      n->v[i] = 0.999 * n->v[i] + 0.001 * g[i] * g[i];
      n->p[i] -=
          rate * (n->m[i] / (1 - pow(0.9, t))) / (sqrt(n->v[i] / (1 - pow(0.999, t))) + epsilon);
    }
  }
}

static double factor_of(int i) {
  return i < B1 ? 1 / sqrt(IN) : i >= W2 && i < B2 ? 1 / sqrt(HIDDEN) : 1;
}

/* A step errs by some 50 roundings, 3e-6, of a gradient below 1, which descent multiplies by less
 * than 0.1 and Adam, whose quotient grows by at most 1 / epsilon, by 0.1 sqrt(0.1) / epsilon where
 * the gradient is that small and its error with it: 12 steps of 3e-7. A factor of the definition
 * that is left out shows as a hundredth of the way, 1e-3 and more. */
static void check_kind(gr_optimizer kind) {
  const recipe r = {.width = {IN, HIDDEN, OUT},
                    .hidden = GR_TANH,
                    .output = GR_IDENTITY,
                    .optimizer = kind,
                    .batch = ROWS,
                    .rows = ROWS,
                    .type = GR_F32};
  const gr_network network = make_network(&r);
  const data d = make_data(&r, gr_test_seed() + 17);
  float *parameters = make_parameters(&network, 5);
  naive n = {{0}, {0}, {0}};
  CU_ASSERT_EQUAL_FATAL(network.n_parameters, N);
  for (int i = 0; i < N; i++) n.p[i] = (double)parameters[i] / factor_of(i);
  gr_config c = make_config(&r);
  c.network.parametrization = GR_PARAMETRIZATION_NTK;
  c.optimizer.bias_rate = bias_rate;
  c.optimizer.first_layer_rate = first_layer_rate;
  c.optimizer.weight_decay = decay;
  c.optimizer.epsilon = epsilon;
  const gr_engine_resources resources = {.threads = 2, .isa = GR_AUTO, .strategy = GR_AUTO};
  gr_engine *engine = NULL;
  gradus_error error;
  GR_CHECK_OK(gr_engine_create(&network, &c, &resources, false, &engine, &error), &error);
  gr_engine_load(engine, parameters, NULL);
  const gr_row_order order = {.permutation = gr_permutation_identity(ROWS)};
  for (int step = 0; step < STEPS; step++) {
    gr_step_result result;
    gr_engine_step(engine, &d.rows, &order, 0, ROWS, (uint64_t)step, learning_rate, &result);
    step_of(&n, kind, d.x, d.rows.targets, step + 1);
  }
  float before[N];
  for (int i = 0; i < N; i++) before[i] = parameters[i];
  gr_engine_store(engine, parameters, NULL);
  gr_engine_destroy(engine);
  double furthest = 0, moved = 0;
  for (int i = 0; i < N; i++) {
    furthest = fmax(furthest, fabs((double)parameters[i] - n.p[i] * factor_of(i)));
    moved = fmax(moved, fabs((double)parameters[i] - (double)before[i]));
  }
  GR_CHECK(furthest <= 5e-6, "%s: %g off", gr_optimizers[kind].name, furthest);
  CU_ASSERT(moved > 1e-2);
  gr_test_release();
}

static void optimizers_change_what_is_trained_as_published(void) {
  static const gr_optimizer kinds[] = {GR_SGD, GR_MOMENTUM, GR_ADAM, GR_ADAMW};
  for (int i = 0; i < 4; i++) check_kind(kinds[i]);
}

const gr_test parametrization_tests[] = {
    GR_TEST(optimizers_change_what_is_trained_as_published),
    GR_TEST_END,
};
