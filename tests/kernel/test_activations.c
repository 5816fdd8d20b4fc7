/* Activations and their slopes over a sweep of inputs, against double, and the bits of generic on
 * every instruction set; dropout beside them. A product of depth 1 with a = 1 and bias 0 hands its
 * weights to the activation as they are. */
#include <config.h>

#include <math.h>
#include <string.h>

#include "base/philox.h"
#include "kernel_tests.h"

enum { CHUNK = 4096, STRIDE = 20411 }; /* a prime: 0.2 million patterns of 2^32 */

static const float untouched = -12345.678f;

/* f and f' of CHUNK inputs; factor 1 where `drops`. */
static void run(const gr_kernels *k, gr_activation kind, const float *z, float *value, float *slope,
                int drops) {
  static const float one[16] = {1}, zero[CHUNK];
  for (int i = 0; slope && i < CHUNK; i++) slope[i] = drops ? 1 : untouched;
  const gr_forward f = {.n_rows = 1,
                        .n_panels = CHUNK / 16,
                        .depth = 1,
                        .a = one,
                        .lda = 16,
                        .w = z,
                        .bias = zero,
                        .c = value,
                        .ldc = CHUNK,
                        .activation = kind,
                        .slope = slope,
                        .drops = drops};
  k->forward(&f);
}

/* The next CHUNK inputs of magnitudes from 2^-90 to 2^limit, both signs; false at the end. */
static int next_chunk(uint64_t *pattern, int limit, float *z) {
  for (int i = 0; i < CHUNK;) {
    if (*pattern >> 32) return 0;
    const uint32_t bits = (uint32_t)*pattern;
    memcpy(&z[i], &bits, sizeof bits);
    *pattern += STRIDE;
    const float size = fabsf(z[i]);
    i += size > 0x1p-90f && size < ldexpf(1, limit);
  }
  return 1;
}

/* Where it bends, a slope is that of either side. */
static int at_a_bend(gr_activation kind, double z) {
  return kind == GR_HARD_SIGMOID && fabs(fabs(z) - 3) < 1e-5;
}

static void check_chunk(gr_activation kind, const float *z, const float *value, const float *slope,
                        double *worst) {
  for (int i = 0; i < CHUNK; i++) {
    const double x = (double)z[i], f = gr_oracle_activation(kind, x),
                 d = gr_oracle_derivative(kind, x),
                 of_value = fabs((double)value[i] - f) / gr_oracle_activation_error(kind, f),
                 of_slope = fabs((double)slope[i] - d) / (gr_oracle_slope_error(kind, d) + 1e-9);
    if (!(of_value <= 1) || (!at_a_bend(kind, x) && !(of_slope <= 1))) {
      if (!(*worst > 0))
        GR_CHECK(0, "%s of %a: %a and %a, wanted %a and %a", gr_activations[kind].name, x,
                 (double)value[i], (double)slope[i], f, d);
      *worst = 1;
    }
  }
}

/* Up to 2^16: beyond, the oracle's differences say nothing, and every one of them is a line. */
static void activations_and_slopes_keep_their_errors(void) {
  float *z = gr_test_floats(CHUNK), *value = gr_test_floats(CHUNK), *slope = gr_test_floats(CHUNK);
  for (int kind = 0; kind < GR_N_ACTIVATIONS; kind++) {
    double worst = 0;
    for (uint64_t pattern = 0; next_chunk(&pattern, kind == GR_EXPONENTIAL ? 6 : 16, z);) {
      run(generic_kernels(), (gr_activation)kind, z, value, slope, 0);
      check_chunk((gr_activation)kind, z, value, slope, &worst);
    }
    CU_ASSERT(!(worst > 0));
  }
  gr_test_release();
}

/* Without slope, with slope, and with factors of dropout that keep all: the same values. */
static void every_isa_and_epilogue_gives_the_same_bits(void) {
  float *z = gr_test_floats(CHUNK), *value = gr_test_floats(CHUNK), *slope = gr_test_floats(CHUNK),
        *got = gr_test_floats(CHUNK), *got_slope = gr_test_floats(CHUNK);
  for (int kind = 0; kind < GR_N_ACTIVATIONS; kind++)
    for (uint64_t pattern = 0; next_chunk(&pattern, 127, z);) {
      if (!gr_activations[kind].hidden) continue;
      run(generic_kernels(), (gr_activation)kind, z, value, slope, 0);
      GR_EACH_ISA(k) for (int way = 0; way < 3; way++) {
        run(k, (gr_activation)kind, z, got, way ? got_slope : NULL, way == 2);
        const size_t i = kind == GR_IDENTITY && way == 2 ? CHUNK /* flushes what else stays */
                                                         : gr_test_difference(got, value, CHUNK),
                     j = way ? gr_test_difference(got_slope, slope, CHUNK) : CHUNK;
        if (i < CHUNK || j < CHUNK)
          GR_CHECK(0, "%s on %s, way %d, at %a", gr_activations[kind].name, isa_name(k), way,
                   (double)z[i < CHUNK ? i : j]);
      }
    }
  CU_PASS("compared");
  gr_test_release();
}

/* Finite inputs of any size have finite values and slopes. */
static void nothing_overflows(void) {
  static const float large[] = {1e5f, 1e19f, 1e20f, 0x1.fffffep+127f};
  float *z = gr_test_floats(CHUNK), *value = gr_test_floats(CHUNK), *slope = gr_test_floats(CHUNK);
  for (int i = 0; i < CHUNK; i++) z[i] = i % 2 ? large[i / 2 % 4] : -large[i / 2 % 4];
  GR_EACH_ISA(k) for (int kind = 0; kind < GR_N_ACTIVATIONS; kind++) {
    if (!gr_activations[kind].hidden) continue;
    run(k, (gr_activation)kind, z, value, slope, 0);
    for (int i = 0; i < 16; i++)
      GR_CHECK((isfinite(value[i]) || (kind == GR_SELU && i % 8 == 7)) && isfinite(slope[i]),
               "%s of %a on %s: %a, %a", gr_activations[kind].name, (double)z[i], isa_name(k),
               (double)value[i], (double)slope[i]);
  }
  gr_test_release();
}

/* ----- dropout ----- */

typedef struct masks {
  size_t rows, panels, ld;
  float *at;
} masks;

static gr_dropout whole_of(const masks *m, uint32_t threshold) {
  return (gr_dropout){.n_rows = m->rows,
                      .n_panels = m->panels,
                      .seed = 987654321987654321,
                      .step = (UINT64_C(1) << 33) + 5,
                      .layer = 3,
                      .threshold = threshold,
                      .factor = 1.25f,
                      .dst = m->at,
                      .ld = m->ld};
}

/* By the definition, from base/philox.h. */
static float wanted_factor(const gr_dropout *d, size_t row, size_t unit) {
  uint32_t word[4];
  const uint64_t b = (uint64_t)(row / 8 | (d->step >> 32) << 21) << 32 | d->layer << 20 | unit;
  gr_random_words(d->seed, GR_STREAM_DROPOUT, d->step & 0xffffffff, b, word);
  const uint32_t draw = word[row % 8 / 2] >> (row % 2 ? 16 : 0) & 0xffff;
  return draw < d->threshold ? 0 : d->factor;
}

static void dropout_is_a_function_of_row_and_unit(void) {
  gr_test_stream s = {gr_test_seed() + 60};
  GR_EACH_ISA(k) for (int i = 0; i < 30; i++) {
    masks m = {.rows = gr_test_between(&s, 1, 40), .panels = gr_test_between(&s, 1, 5), .ld = 112};
    m.at = gr_test_floats(m.rows * m.ld);
    const gr_dropout whole = whole_of(&m, (uint32_t)gr_test_between(&s, 0, 65535));
    const size_t row = gr_test_between(&s, 0, m.rows), panel = gr_test_between(&s, 0, m.panels);
    for (int part = 0; part < 4; part++) { /* cut at a row and a panel */
      gr_dropout d = whole;
      d.first_row = part % 2 ? row : 0;
      d.n_rows = part % 2 ? m.rows - row : row;
      d.first_panel = part / 2 ? panel : 0;
      d.n_panels = part / 2 ? m.panels - panel : panel;
      d.dst = m.at + d.first_row * m.ld + 16 * d.first_panel;
      k->dropout(&d);
    }
    int wrong = 0;
    for (size_t r = 0; r < m.rows; r++)
      for (size_t u = 0; u < m.ld; u++)
        wrong += m.at[r * m.ld + u] != (u < 16 * m.panels ? wanted_factor(&whole, r, u) : 0);
    GR_CHECK(wrong == 0, "%s: %d of %zu rows, %zu panels", isa_name(k), wrong, m.rows, m.panels);
    gr_test_release();
  }
}

/* 2^18 draws of probability p: their number is within 6 deviations, a chance of 2e-9, though the
 * seed is fixed and chance is not asked again. */
static void dropout_drops_its_share_and_scales_the_rest(void) {
  masks m = {.rows = 512, .panels = 32, .ld = 512};
  m.at = gr_test_floats(m.rows * m.ld);
  for (uint32_t threshold = 0; threshold < 65536; threshold += 6553) {
    for (size_t i = 0; i < m.rows * m.ld; i++) m.at[i] = i % 3 ? 3 : -INFINITY;
    gr_dropout d = whole_of(&m, threshold);
    d.scales = true;
    gr_kernels_of(GR_ISA_GENERIC)->dropout(&d);
    double n = (double)(m.rows * m.ld), p = threshold / 65536.0, dropped = 0;
    for (size_t i = 0; i < m.rows * m.ld; i++) {
      dropped += m.at[i] == 0;
      CU_ASSERT_FATAL(m.at[i] == 0 || m.at[i] == (i % 3 ? 3.75f : -INFINITY));
    }
    GR_CHECK(fabs(dropped - n * p) <= 6 * sqrt(n * p * (1 - p)), "%g of %g dropped, p = %g",
             dropped, n, p);
  }
  gr_test_release();
}

const gr_test activation_tests[] = {
    GR_TEST(activations_and_slopes_keep_their_errors),
    GR_TEST(every_isa_and_epilogue_gives_the_same_bits),
    GR_TEST(nothing_overflows),
    GR_TEST(dropout_is_a_function_of_row_and_unit),
    GR_TEST(dropout_drops_its_share_and_scales_the_rest),
    GR_TEST_END,
};
