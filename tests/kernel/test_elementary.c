/* exp, log, sigmoid, tanh and erf of the kernels against the C library in double, over a dense
 * sweep of all floats: every 2039th of the 2^32 patterns (a prime, so that all exponents and many
 * mantissas come up), 2.1 million values a function. */
#include <config.h>

#include <math.h>
#include <string.h>

#include "kernel_tests.h"

enum { STRIDE = 2039, CHUNK = 4096 };

typedef struct function {
  const char *name;
  double (*exact)(double);
  double ulps;     /* the bound that kernel/elementary.h states */
  float low, high; /* for inputs in [low, high] */
} function;

static double sigmoid(double x) {
  return 1 / (1 + exp(-x));
}

enum { EXP, LOG, SIGMOID, TANH, ERF, EXPM1, N_FUNCTIONS };
static const function functions[N_FUNCTIONS] = {
    {"exp", exp, 2, -69.3147f, 88.7228f},         {"log", log, 2, 0x1p-126f, 0x1.fffffep+127f},
    {"sigmoid", sigmoid, 3, -69.3147f, INFINITY}, {"tanh", tanh, 2, -INFINITY, INFINITY},
    {"erf", erf, 2, -INFINITY, INFINITY},         {"expm1", expm1, 2, -INFINITY, -0.0f}};

/* The distance in units of the last place of the exact value, normal numbers only. */
static double ulps(float got, double exact) {
  int exponent;
  (void)frexp(exact, &exponent);
  if (exponent < -125) exponent = -125;
  return fabs((double)got - exact) / ldexp(1, exponent - 24);
}

/* The next CHUNK inputs of the sweep; false at its end. */
static int next_chunk(uint64_t *pattern, float *x) {
  if (*pattern >> 32) return 0;
  for (int i = 0; i < CHUNK; i++) {
    const uint32_t bits = *pattern >> 32 ? 0 : (uint32_t)*pattern;
    memcpy(&x[i], &bits, sizeof bits);
    *pattern += STRIDE;
  }
  return 1;
}

static void the_functions_keep_their_stated_errors(void) {
  float *x = gr_test_floats(CHUNK), *y = gr_test_floats(CHUNK);
  for (int f = 0; f < N_FUNCTIONS; f++) {
    const function *is = &functions[f];
    double worst = 0;
    float where = 0;
    for (uint64_t pattern = 0; next_chunk(&pattern, x);) {
      generic_kernels()->elementary(f, CHUNK, x, y);
      for (int i = 0; i < CHUNK; i++) {
        if (!(x[i] >= is->low && x[i] <= is->high)) continue;
        const double error = ulps(y[i], is->exact((double)x[i]));
        if (!(error <= worst)) {
          worst = error;
          where = x[i];
        }
      }
    }
    GR_CHECK(worst <= is->ulps, "%s errs by %.3f ulp at %a", is->name, worst, (double)where);
  }
  gr_test_release();
}

static void the_functions_give_the_bits_of_generic(void) {
  float *x = gr_test_floats(CHUNK), *wanted = gr_test_floats(CHUNK), *got = gr_test_floats(CHUNK);
  for (int f = 0; f < N_FUNCTIONS; f++)
    for (uint64_t pattern = 0; next_chunk(&pattern, x);) {
      generic_kernels()->elementary(f, CHUNK, x, wanted);
      GR_EACH_OTHER_ISA(k) {
        k->elementary(f, CHUNK, x, got);
        const size_t i = gr_test_difference(got, wanted, CHUNK);
        if (i < CHUNK)
          GR_CHECK(0, "%s of %s differs at %a: %a, wanted %a", functions[f].name, isa_name(k),
                   (double)x[i], (double)got[i], (double)wanted[i]);
      }
    }
  CU_PASS("compared");
  gr_test_release();
}

static float value(const gr_kernels *k, int f, float x) {
  float in[16], out[16];
  for (int i = 0; i < 16; i++) in[i] = x;
  k->elementary(f, 16, in, out);
  for (int i = 1; i < 16; i++) GR_CHECK(!memcmp(out, out + i, 4) || isnan(x), "lanes differ");
  return out[0];
}

static void special_values_are_as_stated(void) {
  GR_EACH_ISA(k) {
    for (int f = EXP; f < N_FUNCTIONS; f++)
      GR_CHECK(isnan(value(k, f, NAN)), "%s of NaN", functions[f].name);
    static const float zeros[] = {0.0f, -0.0f, 0x1p-149f, -0x1p-149f, 0x1p-126f};
    for (int i = 0; i < 5; i++) {
      GR_CHECK(value(k, EXP, zeros[i]) == 1, "exp of %a", (double)zeros[i]);
      GR_CHECK(value(k, SIGMOID, zeros[i]) == 0.5f, "sigmoid of %a", (double)zeros[i]);
      GR_CHECK(value(k, TANH, zeros[i]) == zeros[i], "tanh of %a", (double)zeros[i]);
      GR_CHECK(ulps(value(k, ERF, zeros[i]), erf((double)zeros[i])) <= 1 &&
                   signbit(value(k, ERF, zeros[i])) == signbit(zeros[i]),
               "erf of %a", (double)zeros[i]);
    }
    GR_CHECK(value(k, EXP, INFINITY) == INFINITY && value(k, EXP, 88.73f) == INFINITY, "exp");
    GR_CHECK(isfinite(value(k, EXP, 88.7228f)), "exp below overflow");
    GR_CHECK(value(k, SIGMOID, INFINITY) == 1 && value(k, TANH, INFINITY) == 1, "at infinity");
    GR_CHECK(value(k, SIGMOID, 0x1.fffffep+127f) == 1 && value(k, TANH, -0x1p+127f) == -1, "large");
    GR_CHECK(value(k, TANH, -INFINITY) == -1 && value(k, LOG, 1) == 0 &&
                 value(k, LOG, INFINITY) == INFINITY,
             "exact values");
  }
}

/* Both branches of erf. Its own last value below 1 is at 3.9192059; ours may be up to 4. */
static void erf_is_odd_and_saturates(void) {
  static const float beyond[] = {4, 4.5f, 89, 0x1.fffffep+127f, INFINITY};
  GR_EACH_ISA(k) {
    for (float x = 0x1p-140f; x < 5; x *= 1.01f) {
      const float plus = value(k, ERF, x), minus = value(k, ERF, -x);
      GR_CHECK(plus > 0 && plus <= 1 && minus == -plus, "erf of +-%a on %s: %a and %a", (double)x,
               isa_name(k), (double)plus, (double)minus);
    }
    for (size_t i = 0; i < sizeof beyond / sizeof beyond[0]; i++)
      GR_CHECK(value(k, ERF, beyond[i]) == 1 && value(k, ERF, -beyond[i]) == -1, "erf of +-%a",
               (double)beyond[i]);
    GR_CHECK(value(k, ERF, 3.9f) < 1, "erf of 3.9");
  }
}

/* e^x below 2^-100 is +0: from the first float below -100 ln 2 = -69.31471805... on. */
static void what_is_below_two_to_the_minus_100_becomes_plus_zero(void) {
  static const float below[] = {-69.3148f, -70, -88, -104, -1e30f, -INFINITY};
  GR_EACH_ISA(k) {
    for (size_t i = 0; i < sizeof below / sizeof below[0]; i++)
      for (int f = EXP; f <= SIGMOID; f += SIGMOID)
        GR_CHECK(value(k, f, below[i]) == 0 && !signbit(value(k, f, below[i])), "%s of %g on %s",
                 functions[f].name, (double)below[i], isa_name(k));
    GR_CHECK(value(k, EXP, -69.3147f) >= 0x1p-100f, "exp(-69.3147) on %s", isa_name(k));
    GR_CHECK(value(k, SIGMOID, -69.3147f) >= 0x1p-100f, "sigmoid(-69.3147) on %s", isa_name(k));
  }
}

const gr_test elementary_tests[] = {
    GR_TEST(the_functions_keep_their_stated_errors),
    GR_TEST(the_functions_give_the_bits_of_generic),
    GR_TEST(special_values_are_as_stated),
    GR_TEST(erf_is_odd_and_saturates),
    GR_TEST(what_is_below_two_to_the_minus_100_becomes_plus_zero),
    GR_TEST_END,
};
