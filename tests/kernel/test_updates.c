/* Optimisers against their published formulas in double, step by step from the state that the
 * kernel reached. The bounds are those of running error analysis (Wilkinson 1963): a number carries
 * how far at most, to first order, the kernel's float lies from it; each operation adds what it
 * inherits and one rounding, u = 2^-24 of its result. The formulas as published round at least as
 * often as the kernel does, whose coefficients are rounded once when they are made. */
#include <config.h>

#include <math.h>
#include <string.h>

#include "kernel_tests.h"

enum { N = 48, STEPS = 6 };

typedef struct hyper {
  double rate, momentum, beta1, beta2, epsilon, decay, scale, l1, clip;
  bool grew;
} hyper;

typedef struct state {
  float w[N], g[N], m[N], v[N];
} state;

/* mu_t of Dozat 2016. */
static double nadam_mu(const hyper *h, int t) {
  return h->beta1 * (1 - 0.5 * pow(0.96, t / 250.0));
}

static double nadam_product(const hyper *h, int t) {
  double product = 1;
  for (int i = 1; i <= t; i++) product *= nadam_mu(h, i);
  return product;
}

/* The coefficients of step t (1-based), as gr_update_coefficients documents them. */
static gr_update_coefficients coefficients(gr_optimizer kind, const hyper *h, int t) {
  gr_update_coefficients u = {.optimizer = kind,
                              .scale = (float)h->scale,
                              .learning_rate = (float)h->rate,
                              .momentum = (float)h->momentum,
                              .one_minus_beta1 = (float)(1 - h->beta1),
                              .beta2 = (float)h->beta2,
                              .one_minus_beta2 = (float)(1 - h->beta2),
                              .root_correction = (float)(1 / sqrt(1 - pow(h->beta2, t))),
                              .epsilon = (float)h->epsilon,
                              .decay = (float)h->decay,
                              .l1 = (float)h->l1,
                              .clip = (float)h->clip,
                              .grew = h->grew};
  if (gr_optimizers[kind].decoupled && kind != GR_LAMB) u.decay = (float)(h->rate * h->decay);
  if (kind == GR_LAMB) u.gradient_rate = (float)(1 / (1 - pow(h->beta1, t)));
  if (kind == GR_ADAM || kind == GR_ADAMW || kind == GR_NADAM || kind == GR_LION || kind == GR_LAMB)
    u.momentum = (float)h->beta1;
  if (kind == GR_ADAM || kind == GR_ADAMW)
    u.learning_rate = (float)(h->rate / (1 - pow(h->beta1, t)));
  if (kind == GR_NADAM) {
    u.gradient_rate = (float)(h->rate * (1 - nadam_mu(h, t)) / (1 - nadam_product(h, t)));
    u.learning_rate = (float)(h->rate * nadam_mu(h, t + 1) / (1 - nadam_product(h, t + 1)));
  }
  return u;
}

/* ----- numbers that know their error ----- */

typedef struct number {
  double value, error;
} number;

/* Optimisers whose update is made of one weight and its gradient, or nearly so. */
enum { N_ELEMENTWISE = GR_LBFGS };

static number exactly(double x) {
  return (number){x, 0};
}
static number rounded(double x, double inherited) {
  return (number){x, inherited + GR_ROUNDOFF * fabs(x)};
}
static number coefficient(double x) {
  return rounded(x, 0);
}
static number plus(number a, number b) {
  return rounded(a.value + b.value, a.error + b.error);
}
static number minus(number a, number b) {
  return rounded(a.value - b.value, a.error + b.error);
}
static number times(number a, number b) {
  return rounded(a.value * b.value, fabs(a.value) * b.error + fabs(b.value) * a.error);
}
static number over(number a, number b) {
  const double q = a.value / b.value;
  return rounded(q, (a.error + fabs(q) * b.error) / fabs(b.value));
}
static number root(number a) {
  const double r = sqrt(a.value);
  return rounded(r, r > 0 ? a.error / (2 * r) : sqrt(a.error));
}

static int near(float got, number wanted) {
  return fabs((double)got - wanted.value) <= 1.1 * wanted.error + 0x1p-100;
}

/* ----- the formulas ----- */

/* c x + (1 - c) y */
static number mean(double c, number x, number y) {
  return plus(times(coefficient(c), x), times(coefficient(1 - c), y));
}

/* Kingma and Ba, algorithm 1: r m^ / (sqrt(v^) + eps), m^ = m / (1 - b1^t), v^ = v / (1 - b2^t). */
static number adam_step(const hyper *h, int t, number g, number *m, number *v) {
  *m = mean(h->beta1, *m, g);
  *v = mean(h->beta2, *v, times(g, g));
  const number m_hat = over(*m, coefficient(1 - pow(h->beta1, t))),
               v_hat = over(*v, coefficient(1 - pow(h->beta2, t)));
  return over(times(coefficient(h->rate), m_hat), plus(root(v_hat), coefficient(h->epsilon)));
}

/* Dozat 2016, algorithm 2: r m_bar / (sqrt(v^) + eps), m_bar = (1 - mu_t) g / (1 - P_t) +
 * mu_t+1 m / (1 - P_t+1). */
static number nadam_step(const hyper *h, int t, number g, number *m, number *v) {
  *m = mean(h->beta1, *m, g);
  *v = mean(h->beta2, *v, times(g, g));
  const number of_g = coefficient((1 - nadam_mu(h, t)) / (1 - nadam_product(h, t))),
               of_m = coefficient(nadam_mu(h, t + 1) / (1 - nadam_product(h, t + 1))),
               m_bar = plus(times(of_g, g), times(of_m, *m)),
               v_hat = over(*v, coefficient(1 - pow(h->beta2, t)));
  return over(times(coefficient(h->rate), m_bar), plus(root(v_hat), coefficient(h->epsilon)));
}

/* Zeiler 2012, algorithm 1: RMS[x] / RMS[g] g, RMS[y] = sqrt(E[y^2] + eps). */
static number adadelta_step(const hyper *h, number g, number *u, number *v) {
  const number epsilon = coefficient(h->epsilon);
  *v = mean(h->beta2, *v, times(g, g));
  const number x = times(over(root(plus(*u, epsilon)), root(plus(*v, epsilon))), g);
  *u = mean(h->beta2, *u, times(x, x));
  return times(coefficient(h->rate), x);
}

/* Chen et al. 2023, algorithm 2; where the sign is not certain, either will do. */
static number lion_step(const hyper *h, number g, number *m) {
  const number c = mean(h->beta1, *m, g), rate = coefficient(h->rate);
  *m = mean(h->beta2, *m, g);
  if (fabs(c.value) <= 1.1 * c.error) return (number){0, h->rate};
  return c.value > 0 ? rate : minus(exactly(0), rate);
}

/* You et al. 2020, algorithm 2, where the norms are equal: r (m^ / (sqrt(v^) + eps) + d w). */
static number lamb_step(const hyper *h, int t, number w, number g, number *m, number *v) {
  *m = mean(h->beta1, *m, g);
  *v = mean(h->beta2, *v, times(g, g));
  const number m_hat = times(coefficient(1 / (1 - pow(h->beta1, t))), *m),
               v_hat = over(*v, coefficient(1 - pow(h->beta2, t))),
               adam = over(m_hat, plus(root(v_hat), coefficient(h->epsilon)));
  return times(coefficient(h->rate), plus(adam, times(coefficient(h->decay), w)));
}

/* g / (sqrt(v) + eps) */
static number over_root(const hyper *h, number g, number v) {
  return over(g, plus(root(v), coefficient(h->epsilon)));
}

/* Igel and Huesken 2000, iRprop+. Where the sign of g is not certain, nothing is. */
static number rprop_step(const hyper *h, number g, number *size, number *last) {
  const double old = size->value > 0 ? size->value : (double)(float)h->rate,
               same = last->value * g.value, x = last->value;
  if (fabs(g.value) <= 1.1 * g.error) {
    size->error = last->error = (double)INFINITY;
    return (number){0, (double)INFINITY};
  }
  if (same > 0) *size = rounded(fmin(old * 1.2, 50), GR_ROUNDOFF * old * 1.2);
  if (same < 0) *size = rounded(fmax(old / 2, 1e-6), 0);
  if (same == 0) *size = exactly(old);
  *last = same < 0 ? exactly(0) : g;
  if (same < 0) return h->grew ? exactly(copysign(old, -x)) : exactly(0);
  return (number){copysign(size->value, g.value), size->error};
}

/* What step t takes from a weight; m and v become what they are after it. */
static number step_of(gr_optimizer kind, const hyper *h, int t, number w, number g, number *m,
                      number *v) {
  const number rate = coefficient(h->rate), mu = coefficient(h->momentum);
  switch (kind) {
    case GR_SGD:
      return times(rate, g);
    case GR_MOMENTUM:
      *m = plus(times(mu, *m), g);
      return times(rate, *m);
    case GR_NESTEROV:
      *m = plus(times(mu, *m), g);
      return times(rate, plus(g, times(mu, *m)));
    case GR_ADAM:
    case GR_ADAMW:
      return adam_step(h, t, g, m, v);
    case GR_ADAGRAD:
      *m = plus(*m, times(g, g));
      return times(rate, over_root(h, g, *m));
    case GR_RMSPROP:
      *m = mean(h->beta2, *m, times(g, g));
      return times(rate, over_root(h, g, *m));
    case GR_RMSPROP_MOMENTUM:
      *v = mean(h->beta2, *v, times(g, g));
      *m = plus(times(mu, *m), over_root(h, g, *v));
      return times(rate, *m);
    case GR_ADADELTA:
      return adadelta_step(h, g, m, v);
    case GR_NADAM:
      return nadam_step(h, t, g, m, v);
    case GR_LION:
      return lion_step(h, g, m);
    case GR_RPROP:
      return rprop_step(h, g, m, v);
    case GR_LAMB:
      return lamb_step(h, t, w, g, m, v);
    case GR_LBFGS: /* exec/lbfgs.c */
    case GR_N_OPTIMIZERS:
      break;
  }
  CU_FAIL("an optimiser without a formula in this test");
  return exactly((double)NAN);
}

/* Within -clip and clip, to which the bound is as far as before at most. */
static number clipped(const hyper *h, number g) {
  if (h->clip > 0 && fabs(g.value) > h->clip) g.value = copysign(h->clip, g.value);
  return h->clip > 0 ? rounded(g.value, g.error) : g;
}

static int is_near(gr_optimizer kind, const hyper *h, int t, const state *old, const state *now,
                   int i) {
  const int moments = gr_optimizers[kind].moments;
  number w = exactly((double)old->w[i]), m = exactly((double)old->m[i]),
         v = exactly((double)old->v[i]);
  number g = clipped(h, times(coefficient(h->scale), exactly((double)old->g[i])));
  if (h->l1 > 0) g = plus(g, coefficient(w.value > 0 ? h->l1 : w.value < 0 ? -h->l1 : 0));
  if (gr_optimizers[kind].decoupled && kind != GR_LAMB)
    w = minus(w, times(coefficient(h->rate * h->decay), w));
  else if (kind != GR_LAMB)
    g = plus(g, times(coefficient(h->decay), w));
  w = minus(w, step_of(kind, h, t, w, g, &m, &v));
  return near(now->w[i], w) && (moments < 1 || near(now->m[i], m)) &&
         (moments < 2 || near(now->v[i], v));
}

static void run(const gr_kernels *k, gr_optimizer kind, const gr_update_coefficients *u, state *s) {
  const int moments = gr_optimizers[kind].moments;
  k->update(u, N, s->w, s->g, moments > 0 ? s->m : NULL, moments > 1 ? s->v : NULL);
}

static void check_optimizer(gr_optimizer kind, const hyper *h, uint64_t seed) {
  gr_test_stream stream = {seed};
  state s = {0};
  gr_test_fill(&stream, s.w, N, 1);
  for (int t = 1; t <= STEPS; t++) {
    gr_test_fill(&stream, s.g, N, t % 2 ? 30 : 0.5f);
    const gr_update_coefficients u = coefficients(kind, h, t);
    const state old = s;
    run(generic_kernels(), kind, &u, &s);
    GR_EACH_OTHER_ISA(k) {
      state other = old;
      run(k, kind, &u, &other);
      GR_CHECK(memcmp(&other, &s, sizeof s) == 0, "%s on %s, step %d", gr_optimizers[kind].name,
               isa_name(k), t);
    }
    for (int i = 0; i < N; i++)
      GR_CHECK(is_near(kind, h, t, &old, &s, i), "%s, step %d, parameter %d",
               gr_optimizers[kind].name, t, i);
  }
}

static void every_optimizer_follows_its_published_formula(void) {
  static const hyper settings[] = {
      {.rate = 0.1,
       .momentum = 0.9,
       .beta1 = 0.9,
       .beta2 = 0.999,
       .epsilon = 1e-8,
       .scale = 1.0 / 128},
      {.rate = 1e-3,
       .momentum = 0.5,
       .beta1 = 0.8,
       .beta2 = 0.99,
       .epsilon = 1e-3,
       .decay = 0.01,
       .scale = 0.1},
      {.rate = 3,
       .momentum = 0,
       .beta1 = 0,
       .beta2 = 0.5,
       .epsilon = 1e-8,
       .decay = 0.1,
       .scale = 1},
      {.rate = 0.1,
       .momentum = 0.9,
       .beta1 = 0.9,
       .beta2 = 0.99,
       .epsilon = 1e-6,
       .decay = 0.01,
       .scale = 1,
       .l1 = 0.03,
       .clip = 2},
      {.rate = 0.1, .beta2 = 0.9, .epsilon = 1e-6, .decay = 0.01, .scale = 1, .grew = true},
      {.rate = 0.1, .beta1 = 0.9, .beta2 = 0.99, .epsilon = 1e-6, .scale = 1, .clip = 2},
  };
  for (int kind = 0; kind < N_ELEMENTWISE; kind++)
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++)
      check_optimizer((gr_optimizer)kind, &settings[i], gr_test_seed() + 20 + i);
}

/* Moments decay through powers of two: at 2^-100 they are dropped, so no subnormal ever lingers.
 * The sum of adagrad never decays, and step sizes of rprop end at 1e-6. */
static void moments_below_two_to_the_minus_100_become_plus_zero(void) {
  const hyper h = {
      .rate = 0.1, .momentum = 0.5, .beta1 = 0.5, .beta2 = 0.5, .epsilon = 1e-8, .scale = 1};
  GR_EACH_ISA(k) for (int kind = GR_MOMENTUM; kind < N_ELEMENTWISE; kind++) {
    const gr_update_coefficients u = coefficients((gr_optimizer)kind, &h, 1);
    const int squares = kind == GR_RMSPROP || kind == GR_ADADELTA; /* which are never negative */
    state s = {0};
    if (kind == GR_ADAGRAD || kind == GR_RPROP) continue;
    for (int i = 0; i < N; i++) s.m[i] = (i % 2 && !squares ? -1 : 1) * 0x1p-99f, s.v[i] = 0x1p-99f;
    run(k, (gr_optimizer)kind, &u, &s);
    GR_CHECK(fabsf(s.m[0]) == 0x1p-100f, "%s keeps 2^-100", gr_optimizers[kind].name);
    run(k, (gr_optimizer)kind, &u, &s);
    for (int i = 0; i < N; i++)
      GR_CHECK(s.m[i] == 0 && !signbit(s.m[i]), "%s on %s", gr_optimizers[kind].name, isa_name(k));
    if (gr_optimizers[kind].moments > 1) GR_CHECK(s.v[1] == 0, "v of %s", gr_optimizers[kind].name);
  }
}

/* A gradient that is not finite shows in the weight, where training finds it. */
static void what_is_not_finite_stays_so(void) {
  const hyper h = {
      .rate = 0.1, .momentum = 0.5, .beta1 = 0.5, .beta2 = 0.5, .epsilon = 1e-8, .scale = 1};
  GR_EACH_ISA(k) for (int kind = 0; kind < N_ELEMENTWISE; kind++) {
    const gr_update_coefficients u = coefficients((gr_optimizer)kind, &h, 1);
    state s = {0};
    s.g[5] = NAN;
    run(k, (gr_optimizer)kind, &u, &s);
    GR_CHECK(isnan(s.w[5]) && s.w[4] == 0, "%s on %s", gr_optimizers[kind].name, isa_name(k));
  }
}

const gr_test update_tests[] = {
    GR_TEST(every_optimizer_follows_its_published_formula),
    GR_TEST(moments_below_two_to_the_minus_100_become_plus_zero),
    GR_TEST(what_is_not_finite_stays_so),
    GR_TEST_END,
};
