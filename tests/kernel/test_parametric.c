/* Parametric activations on every instruction set: the bits of generic, within derived bounds of
 * their formula in double, whatever is done with dropout. */
#include <config.h>

#include <math.h>
#include <string.h>

#include "kernel_tests.h"

enum { ROWS = 7, PANELS = 3, LD = 16 * (PANELS + 2), N = ROWS * LD };

typedef struct problem {
  float z[N], factor[N], da[N], alpha[LD];
} problem;

typedef struct result {
  float way[N], a[N], slope[N], dz[N], evaluated[N];
} result;

static void make_problem(gr_test_stream *s, problem *p) {
  for (size_t i = 0; i < N; i++) {
    p->z[i] = 4 * gr_test_unit(s);
    p->factor[i] = gr_test_unit(s) > 0 ? 1.25f : 0.0f;
    p->da[i] = gr_test_unit(s);
  }
  for (size_t j = 0; j < LD; j++) p->alpha[j] = 1 + gr_test_unit(s);
}

static void run(const gr_kernels *k, const problem *p, gr_activation kind, bool drops, result *o) {
  memcpy(o->way, p->z, sizeof o->way);
  memcpy(o->slope, p->factor, sizeof o->slope);
  memcpy(o->evaluated, p->z, sizeof o->evaluated);
  gr_parametric forth = {.n_rows = ROWS,
                         .n_panels = PANELS,
                         .z = o->way,
                         .a = o->a,
                         .ld = LD,
                         .alpha = p->alpha,
                         .activation = kind,
                         .slope = o->slope,
                         .drops = drops};
  const gr_parametric_back back = {
      .n_rows = ROWS, .n_panels = PANELS, .da = p->da, .slope = o->slope, .dz = o->dz, .ld = LD};
  k->parametric(&forth);
  k->parametric_back(&back);
  forth.z = forth.a = o->evaluated;
  forth.slope = NULL;
  forth.drops = false;
  k->parametric(&forth);
}

/* Of a hidden activation whose value f errs by e and whose slope by e', f(z) - z and the chain that
 * follows err by e and u (|f| + |z|) each, times alpha, and by u of what comes out. */
static void check_formula(const problem *p, const result *o, gr_activation kind, bool drops,
                          size_t i) {
  const double z = (double)p->z[i], alpha = (double)p->alpha[i % LD],
               f = gr_oracle_activation(kind, z), slope = gr_oracle_derivative(kind, z),
               k = drops ? (double)p->factor[i] : 1, sizes = fabs(f) + fabs(z) + 1,
               e = (1 + fabs(alpha)) *
                   (gr_oracle_activation_error(kind, f) + 8 * GR_ROUNDOFF * sizes),
               es = (1 + fabs(alpha)) *
                    (gr_oracle_slope_error(kind, slope) + 8 * GR_ROUNDOFF * (1 + fabs(slope)));
  const double a = z + alpha * (f - z), s = 1 + alpha * (slope - 1);
  GR_CHECK(fabs((double)o->evaluated[i] - a) <= e, "%s: %g of %g, wanted %g",
           gr_activations[kind].name, (double)o->evaluated[i], z, a);
  GR_CHECK(fabs((double)o->a[i] - k * a) <= 2 * e, "%s: a", gr_activations[kind].name);
  GR_CHECK(fabs((double)o->way[i] - k * (f - z)) <= 2 * e, "%s: way", gr_activations[kind].name);
  if (fabs(z) < 1e-3 || fabs(fabs(z) - 1) < 1e-3 || fabs(fabs(z) - 3) < 1e-3) return; /* bends */
  GR_CHECK(fabs((double)o->slope[i] - k * s) <= 2 * es, "%s: slope %g at %g, wanted %g",
           gr_activations[kind].name, (double)o->slope[i], z, k * s);
  CU_ASSERT_EQUAL(o->dz[i], p->da[i] * o->slope[i]);
}

static void every_isa_gives_the_same_bits_by_the_formula(void) {
  gr_test_stream s = {gr_test_seed() + 31};
  problem *p = gr_test_array(1, sizeof *p);
  result *o = gr_test_array(2, sizeof *o);
  for (int kind = 0; kind < GR_N_ACTIVATIONS; kind++)
    for (int drops = 0; drops < 2 && gr_activations[kind].hidden; drops++) {
      make_problem(&s, p);
      run(generic_kernels(), p, (gr_activation)kind, drops, &o[0]);
      for (size_t i = 0; i < N; i++)
        if (i % LD < 16 * PANELS) check_formula(p, &o[0], (gr_activation)kind, drops, i);
      GR_EACH_OTHER_ISA(k) {
        run(k, p, (gr_activation)kind, drops, &o[1]);
        GR_CHECK(memcmp(&o[0], &o[1], sizeof *o) == 0, "%s: %s", isa_name(k),
                 gr_activations[kind].name);
      }
    }
  gr_test_release();
}

const gr_test parametric_tests[] = {
    GR_TEST(every_isa_gives_the_same_bits_by_the_formula),
    GR_TEST_END,
};
