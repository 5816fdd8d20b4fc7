/* Optimisers against their published formulas in double, step by step from the state that the
 * kernel reached. The bounds count roundings (u = 2^-24): a coefficient was rounded once when it
 * was made, each operation rounds once. With G = |s g| + |d w|, which g' = s g + d w errs by at
 * most 4 u of: see `tolerance_*`. */
#include <config.h>

#include <math.h>
#include <string.h>

#include "kernel_tests.h"

enum { N = 48, STEPS = 6 };

typedef struct hyper {
  double rate, momentum, beta1, beta2, epsilon, decay, scale;
} hyper;

typedef struct state {
  float w[N], g[N], m[N], v[N];
} state;

/* The coefficients of step t (1-based), as gr_update_coefficients documents them. */
static gr_update_coefficients coefficients(gr_optimizer kind, const hyper *h, int t) {
  const int adam = kind == GR_ADAM || kind == GR_ADAMW;
  gr_update_coefficients u = {.optimizer = kind,
                              .scale = (float)h->scale,
                              .learning_rate = (float)h->rate,
                              .momentum = (float)h->momentum,
                              .decay = (float)h->decay};
  if (kind == GR_ADAMW) u.decay = (float)(h->rate * h->decay);
  if (!adam) return u;
  u.learning_rate = (float)(h->rate / (1 - pow(h->beta1, t)));
  u.momentum = (float)h->beta1;
  u.one_minus_beta1 = (float)(1 - h->beta1);
  u.beta2 = (float)h->beta2;
  u.one_minus_beta2 = (float)(1 - h->beta2);
  u.root_correction = (float)(1 / sqrt(1 - pow(h->beta2, t)));
  u.epsilon = (float)h->epsilon;
  return u;
}

static int near(float got, double exact, double tolerance) {
  return fabs((double)got - exact) <= 1.1 * tolerance + 0x1p-100;
}

/* Kingma and Ba, algorithm 1, in its own words: m^ = m / (1 - b1^t), v^ = v / (1 - b2^t), w - r m^
 * / (sqrt(v^) + eps); Loshchilov and Hutter, algorithm 2, for `decoupled`. Errors: m by 7 u of M,
 * the sum of its terms' magnitudes; v by 10 u of V; the root by ev / (2 sqrt v); quotient, rate and
 * subtraction by 5 u more. */
static int adam_is_near(const hyper *h, int decoupled, int t, const state *old, const state *now,
                        int i) {
  const double w = (double)old->w[i], sg = h->scale * (double)old->g[i];
  const double g = decoupled ? sg : sg + h->decay * w;
  const double G = fabs(sg) + (decoupled ? 0 : fabs(h->decay * w));
  const double m = h->beta1 * (double)old->m[i] + (1 - h->beta1) * g;
  const double v = h->beta2 * (double)old->v[i] + (1 - h->beta2) * g * g;
  const double em = 7 * GR_ROUNDOFF * (h->beta1 * fabs((double)old->m[i]) + (1 - h->beta1) * G);
  const double ev = 10 * GR_ROUNDOFF * (h->beta2 * (double)old->v[i] + (1 - h->beta2) * G * G);
  const double correction1 = 1 - pow(h->beta1, t), correction2 = 1 - pow(h->beta2, t);
  const double below = sqrt(v / correction2) + h->epsilon;
  const double step = h->rate * m / correction1 / below;
  const double e_below = ev / (2 * sqrt(v) * sqrt(correction2)) + 4 * GR_ROUNDOFF * below;
  const double e_step =
      h->rate / correction1 / below * em + fabs(step) * (e_below / below + 5 * GR_ROUNDOFF);
  const double kept = decoupled ? w - h->rate * h->decay * w : w;
  return near(now->m[i], m, em) && near(now->v[i], v, ev) &&
         near(now->w[i], kept - step, e_step + 3 * GR_ROUNDOFF * (fabs(w) + fabs(step)));
}

/* w - r g'; with momentum m <- mu m + g' (Polyak), w - r m; Nesterov: w - r (g' + mu m). g' errs by
 * 4 u G, m by 6 u M, their combination by 12 u of its terms, all times r; w by one rounding. */
static int descent_is_near(const hyper *h, gr_optimizer kind, const state *old, const state *now,
                           int i) {
  const double w = (double)old->w[i], sg = h->scale * (double)old->g[i];
  const double g = sg + h->decay * w, G = fabs(sg) + fabs(h->decay * w);
  const double m = h->momentum * (double)old->m[i] + g;
  const double M = h->momentum * fabs((double)old->m[i]) + G;
  const double step = kind == GR_SGD ? g : kind == GR_MOMENTUM ? m : g + h->momentum * m;
  const double tolerance =
      12 * GR_ROUNDOFF * h->rate * (G + M) + GR_ROUNDOFF * (fabs(w) + h->rate * (G + M));
  if (kind != GR_SGD && !near(now->m[i], m, 6 * GR_ROUNDOFF * M)) return 0;
  return near(now->w[i], w - h->rate * step, tolerance);
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
      GR_CHECK(kind == GR_ADAM || kind == GR_ADAMW
                   ? adam_is_near(h, kind == GR_ADAMW, t, &old, &s, i)
                   : descent_is_near(h, kind, &old, &s, i),
               "%s, step %d, parameter %d", gr_optimizers[kind].name, t, i);
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
  };
  for (int kind = 0; kind < GR_N_OPTIMIZERS; kind++)
    for (size_t i = 0; i < 3; i++)
      check_optimizer((gr_optimizer)kind, &settings[i], gr_test_seed() + 20 + i);
}

/* Moments decay through powers of two: at 2^-100 they are dropped, so no subnormal ever lingers. */
static void moments_below_two_to_the_minus_100_become_plus_zero(void) {
  const hyper h = {
      .rate = 0.1, .momentum = 0.5, .beta1 = 0.5, .beta2 = 0.5, .epsilon = 1e-8, .scale = 1};
  GR_EACH_ISA(k) for (int kind = GR_MOMENTUM; kind < GR_N_OPTIMIZERS; kind++) {
    const gr_update_coefficients u = coefficients((gr_optimizer)kind, &h, 1);
    state s = {0};
    for (int i = 0; i < N; i++) s.m[i] = (i % 2 ? -1 : 1) * 0x1p-99f, s.v[i] = 0x1p-99f;
    run(k, (gr_optimizer)kind, &u, &s);
    GR_CHECK(fabsf(s.m[0]) == 0x1p-100f, "%s keeps 2^-100", gr_optimizers[kind].name);
    run(k, (gr_optimizer)kind, &u, &s);
    for (int i = 0; i < N; i++)
      GR_CHECK(s.m[i] == 0 && !signbit(s.m[i]), "%s on %s", gr_optimizers[kind].name, isa_name(k));
    if (gr_optimizers[kind].moments > 1) GR_CHECK(s.v[1] == 0, "v of %s", gr_optimizers[kind].name);
  }
}

const gr_test update_tests[] = {
    GR_TEST(every_optimizer_follows_its_published_formula),
    GR_TEST(moments_below_two_to_the_minus_100_become_plus_zero),
    GR_TEST_END,
};
