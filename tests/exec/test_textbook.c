/* The textbook's equations worked by hand for one sample and a 3-4-2 network of sigmoids under the
 * quadratic loss C = 1/2 |a(3) - y|^2, learning rate 1/2. s' = a (1 - a).
 *
 *   x = (1, 0.5, -1), y = (1, 0)
 *   W(2) = | 0.1  0.2  0.3|  b(2) = | 0.1|  z(2) = 0.1 + 0.1  - 0.3 + 0.1 = 0
 *          |-0.1  0.4 -0.2|         |-0.1|        -0.1 + 0.2  + 0.2 - 0.1 = 0.2
 *          | 0.5 -0.3  0.1|         | 0.2|         0.5 - 0.15 - 0.1 + 0.2 = 0.45
 *          | 0.2  0.1 -0.4|         | 0  |         0.2 + 0.05 + 0.4 + 0   = 0.65
 *   a(2)  = 1 / (1 + e^-z) = (0.5,       0.5498340, 0.6106392, 0.6570105)
 *   s'(2)                  = (0.25,      0.2475166, 0.2377590, 0.2253477)
 *   W(3) = | 0.3 -0.2  0.1  0.4|  b(3) = ( 0.05, -0.15)
 *          |-0.5  0.2  0.3 -0.1|
 *   z(3)  = ( 0.15 - 0.1099668 + 0.0610639 + 0.2628042 + 0.05,
 *            -0.25 + 0.1099668 + 0.1831918 - 0.0657011 - 0.15) = (0.4139013, -0.1725425)
 *   a(3)  = (0.6020230, 0.4569711), s'(3) = (0.2395913, 0.2481485)
 *   C     = 1/2 (0.3979770^2 + 0.4569711^2) = 0.1836041
 *   delta(3) = (a - y) s' = (-0.3979770 * 0.2395913, 0.4569711 * 0.2481485) = (-0.0953518,
 * 0.1133967) W(3)^T delta(3) = (-0.0286055 - 0.0566984, 0.0190704 + 0.0226793, -0.0095352 +
 * 0.0340190, -0.0381407 - 0.0113397) = (-0.0853039, 0.0417497, 0.0244838, -0.0494804) delta(2) =
 * that times s'(2) = (-0.0213260, 0.0103337, 0.0058212, -0.0111503) W(2)' = W(2) - delta(2) x^T /
 * 2, b(2)' = b(2) - delta(2) / 2, and so for layer 3: `wanted` below. */
#include <config.h>

#include <math.h>

#include "exec_tests.h"

static const float parameters[26] = {
    0.1f,  0.2f,  0.3f, -0.1f, 0.4f,  -0.2f, 0.5f, -0.3f, 0.1f, 0.2f, 0.1f, -0.4f, /* W(2) */
    0.1f,  -0.1f, 0.2f, 0,                                                         /* b(2) */
    0.3f,  -0.2f, 0.1f, 0.4f,  -0.5f, 0.2f,  0.3f, -0.1f,                          /* W(3) */
    0.05f, -0.15f};                                                                /* b(3) */
static const double wanted[26] = {0.1106630,  0.2053315,  0.2893370, -0.1051669,
                                  0.3974166,  -0.1948331, 0.4970894, -0.3014553,
                                  0.1029106,  0.2055751,  0.1027876, -0.4055751, /* W(2) */
                                  0.1106630,  -0.1051669, 0.1970894, 0.0055751,  /* b(2) */
                                  0.3238380,  -0.1737862, 0.1291128, 0.4313236,
                                  -0.5283492, 0.1688253,  0.2653778, -0.1372514, /* W(3) */
                                  0.0976759,  -0.2066983};                       /* b(3) */
static const double delta2[4] = {-0.0213260, 0.0103337, 0.0058212, -0.0111503};
static const double delta3[2] = {-0.0953518, 0.1133967};

/* Seven decimals were kept by hand: 5e-8 in each value, and float rounds values below 1 by 3e-8; a
 * few of each meet in a result. */
static const double tolerance = 5e-7;

static void check_example(const gr_rows *rows, int isa) {
  const recipe r = {
      .width = {3, 4, 2}, .hidden = GR_SIGMOID, .output = GR_SIGMOID, .batch = 1, .rows = 1};
  gr_engine *engine = make_engine(&r, (workers){1, isa, GR_AUTO}, parameters);
  if (!engine) return;
  const gr_row_order order = {.permutation = gr_permutation_identity(1)};
  gr_step_result result;
  float after[26], outputs[2];
  gr_totals totals;
  gradus_error error;
  const gr_evaluation evaluation = {.rows = rows, .n = 1, .outputs = outputs};
  bool fed;
  GR_CHECK_OK(gr_engine_evaluate(engine, &evaluation, &totals, &fed, &error), &error);
  GR_CHECK(fabs((double)outputs[0] - 0.6020230) <= tolerance, "a(3)_1 = %.8f", (double)outputs[0]);
  GR_CHECK(fabs((double)outputs[1] - 0.4569711) <= tolerance, "a(3)_2 = %.8f", (double)outputs[1]);
  gr_engine_step(engine, rows, &order, 0, 1, 0, 0.5, &result);
  gr_engine_store(engine, after, NULL);
  gr_engine_destroy(engine);
  GR_CHECK(result.finite && fabs(result.loss - 0.1836041) <= tolerance, "C = %.8f", result.loss);
  CU_ASSERT_EQUAL(result.weight, 1);
  for (int i = 0; i < 26; i++)
    GR_CHECK(fabs((double)after[i] - wanted[i]) <= tolerance, "parameter %d: %.8f, wanted %.7f", i,
             (double)after[i], wanted[i]);
  for (int i = 0; i < 4; i++)
    CU_ASSERT_DOUBLE_EQUAL(2 * ((double)parameters[12 + i] - (double)after[12 + i]), delta2[i],
                           tolerance);
  for (int i = 0; i < 2; i++)
    CU_ASSERT_DOUBLE_EQUAL(2 * ((double)parameters[24 + i] - (double)after[24 + i]), delta3[i],
                           tolerance);
}

static void the_example_worked_by_hand_comes_out(void) {
  static const float x[3] = {1, 0.5f, -1}, y[2] = {1, 0};
  static const double shift[3] = {0, 0, 0}, factor[3] = {1, 1, 1};
  static const int32_t first_class = 0; /* one-hot: (1, 0) */
  const gr_rows with_targets = {
      .n_rows = 1, .x = x, .x_type = GR_F32, .shift = shift, .factor = factor, .targets = y};
  const gr_rows with_class = {.n_rows = 1,
                              .x = x,
                              .x_type = GR_F32,
                              .shift = shift,
                              .factor = factor,
                              .class_index = &first_class};
  for (int isa = 0; isa < GR_N_ISAS; isa++)
    if (gr_isa_available((gr_isa)isa)) {
      check_example(&with_targets, isa);
      check_example(&with_class, isa);
    }
}

const gr_test textbook_tests[] = {GR_TEST(the_example_worked_by_hand_comes_out), GR_TEST_END};
