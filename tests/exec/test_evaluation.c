/* Totals and outputs of evaluation: independent of threads and of how rows are chosen, and near the
 * sums of a plain loop in double over the engine's own outputs (every total is a sum of n terms in
 * double: n 2^-53 of the sum of magnitudes, and the loss of a row is checked in tests/kernel). */
#include <config.h>

#include <math.h>
#include <string.h>

#include "exec_tests.h"

static const recipe classes = {.width = {11, 21, 5},
                               .hidden = GR_RELU,
                               .output = GR_SOFTMAX,
                               .loss = GR_CROSS_ENTROPY,
                               .batch = 64,
                               .rows = 2500,
                               .weighted = true,
                               .type = GR_U8};
static const recipe binary = {.width = {11, 6, 1},
                              .hidden = GR_TANH,
                              .output = GR_SIGMOID,
                              .loss = GR_CROSS_ENTROPY,
                              .batch = 64,
                              .rows = 1100,
                              .type = GR_F32};
static const recipe regression = {.width = {11, 21, 6},
                                  .hidden = GR_TANH,
                                  .output = GR_IDENTITY,
                                  .batch = 64,
                                  .rows = 1025,
                                  .weighted = true,
                                  .type = GR_F32};

static gr_engine *engine_of(const recipe *r, int threads) {
  const gr_network network = make_network(r);
  return make_engine(r, (workers){threads, GR_AUTO, GR_AUTO}, make_parameters(&network, 17));
}

static gr_totals evaluate(const recipe *r, const data *d, const uint64_t *map, uint64_t n,
                          int threads, float *outputs) {
  gr_totals totals = {0};
  gradus_error error;
  gr_engine *engine = engine_of(r, threads);
  if (!engine) return totals;
  const gr_row_order order = {.permutation = gr_permutation_identity(n), .map = map};
  const gr_evaluation evaluation = {.rows = &d->rows, .order = &order, .n = n, .outputs = outputs};
  bool fed;
  GR_CHECK_OK(gr_engine_evaluate(engine, &evaluation, &totals, &fed, &error), &error);
  CU_ASSERT(fed);
  gr_engine_destroy(engine);
  return totals;
}

/* The loss of a row from the outputs. */
static double loss_of(const recipe *r, const data *d, uint64_t row, const float *a, size_t n_out) {
  double sum = 0;
  const int32_t c = d->rows.class_index ? d->rows.class_index[row] : 0;
  if (r->output == GR_SOFTMAX) return -log((double)a[c]);
  if (r->loss == GR_CROSS_ENTROPY) return -log(c ? (double)a[0] : 1 - (double)a[0]);
  for (size_t j = 0; j < n_out; j++) {
    const double e = (double)a[j] - (double)d->rows.targets[row * n_out + j];
    sum += e * e / 2;
  }
  return sum;
}

static int predicted(const float *a, size_t n_out) {
  size_t best = 0;
  if (n_out == 1) return a[0] > 0.5f;
  for (size_t j = 1; j < n_out; j++)
    if (a[j] > a[best]) best = j;
  return (int)best;
}

static gr_totals plain_totals(const recipe *r, const data *d, const float *outputs) {
  const size_t n_out = r->width[recipe_layers(r)];
  gr_totals t = {0};
  for (uint64_t i = 0; i < r->rows; i++) {
    const double w = d->rows.weight ? (double)d->rows.weight[i] : 1;
    const float *a = outputs + i * n_out;
    t.weight += w;
    t.loss += w * loss_of(r, d, i, a, n_out);
    if (d->rows.class_index && predicted(a, n_out) == d->rows.class_index[i]) t.correct += w;
    for (size_t j = 0; d->rows.targets && j < 4 && j < n_out; j++) {
      const double y = (double)d->rows.targets[i * n_out + j], e = (double)a[j] - y;
      t.squared[j] += w * e * e;
      t.target[j] += w * y;
      t.target_squared[j] += w * y * y;
    }
  }
  return t;
}

/* Relative to n, since no term exceeds some 10: 2^-53 n a sum of n terms; for the loss 1e-5,
 * because it is taken from probabilities rounded to float, whose logarithm is that much off. */
static void check_totals(const recipe *r) {
  const data d = make_data(r, gr_test_seed());
  float *outputs = gr_test_floats(r->rows * r->width[recipe_layers(r)]);
  const gr_totals got = evaluate(r, &d, NULL, r->rows, 2, outputs);
  const gr_totals plain = plain_totals(r, &d, outputs);
  const double n = (double)r->rows, tolerance = 10 * n * n * 0x1p-53;
  CU_ASSERT_EQUAL(got.weight, plain.weight); /* eighths: exact */
  CU_ASSERT_EQUAL(got.correct, plain.correct);
  GR_CHECK(fabs(got.loss - plain.loss) <= 1e-5 * n, "loss %.9g, plainly %.9g", got.loss,
           plain.loss);
  if (d.rows.class_index) CU_ASSERT(got.correct > 0 && got.correct < got.weight);
  for (int k = 0; k < 4; k++) {
    CU_ASSERT_DOUBLE_EQUAL(got.squared[k], plain.squared[k], tolerance);
    CU_ASSERT_DOUBLE_EQUAL(got.target[k], plain.target[k], tolerance);
    CU_ASSERT_DOUBLE_EQUAL(got.target_squared[k], plain.target_squared[k], tolerance);
    CU_ASSERT((got.squared[k] > 0) == (d.rows.targets != NULL));
  }
  gr_test_release();
}

static void totals_are_the_sums_of_a_plain_loop(void) {
  check_totals(&classes);
  check_totals(&binary);
  check_totals(&regression);
}

static void totals_do_not_depend_on_threads(void) {
  const data d = make_data(&classes, gr_test_seed());
  const size_t n = classes.rows * 5;
  float *wanted_outputs = gr_test_floats(n), *outputs = gr_test_floats(n);
  for (uint64_t rows = 0; rows <= classes.rows; rows += rows < 1020 ? 340 : 370) {
    const gr_totals wanted = evaluate(&classes, &d, NULL, rows, 1, wanted_outputs);
    for (int threads = 2; threads <= 8; threads += 3) {
      const gr_totals got = evaluate(&classes, &d, NULL, rows, threads, outputs);
      GR_CHECK(memcmp(&got, &wanted, sizeof got) == 0, "%llu rows, %d threads",
               (unsigned long long)rows, threads);
      GR_CHECK(memcmp(outputs, wanted_outputs, rows * 5 * sizeof(float)) == 0, "outputs");
    }
  }
  gr_test_release();
}

/* A map picks rows in any order, with repetition: each row's outputs are its own. */
static void a_map_chooses_the_rows(void) {
  const data d = make_data(&classes, gr_test_seed());
  gr_test_stream s = {gr_test_seed()};
  float *all = gr_test_floats(classes.rows * 5), *some = gr_test_floats(700 * 5);
  uint64_t map[700];
  for (int i = 0; i < 700; i++) map[i] = gr_test_between(&s, 0, classes.rows - 1);
  evaluate(&classes, &d, NULL, classes.rows, 1, all);
  const gr_totals t = evaluate(&classes, &d, map, 700, 3, some);
  double weight = 0;
  for (int i = 0; i < 700; i++) {
    weight += (double)d.rows.weight[map[i]];
    CU_ASSERT(memcmp(some + 5 * i, all + 5 * map[i], 5 * sizeof(float)) == 0);
  }
  CU_ASSERT_EQUAL(t.weight, weight);
  gr_test_release();
}

/* An engine for inference alone gives the outputs of one that trains. */
static void inference_gives_the_same_outputs(void) {
  const data d = make_data(&regression, gr_test_seed());
  const gr_network network = make_network(&regression);
  const gr_config config = make_config(&regression);
  const gr_engine_resources resources = {.threads = 2, .isa = GR_AUTO, .strategy = GR_AUTO};
  const size_t n = regression.rows * 6;
  float *wanted = gr_test_floats(n), *outputs = gr_test_floats(n);
  const gr_totals totals = evaluate(&regression, &d, NULL, regression.rows, 1, wanted);
  gr_totals got;
  gr_engine *engine = NULL;
  gradus_error error;
  GR_CHECK_OK(gr_engine_create(&network, &config, &resources, true, &engine, &error), &error);
  CU_ASSERT_PTR_NOT_NULL_FATAL(engine);
  gr_engine_load(engine, make_parameters(&network, 17), NULL);
  const gr_evaluation evaluation = {.rows = &d.rows, .n = regression.rows, .outputs = outputs};
  bool fed;
  GR_CHECK_OK(gr_engine_evaluate(engine, &evaluation, &got, &fed, &error), &error);
  gr_engine_destroy(engine);
  CU_ASSERT(memcmp(&got, &totals, sizeof got) == 0 &&
            memcmp(outputs, wanted, n * sizeof(float)) == 0);
  gr_test_release();
}

const gr_test evaluation_tests[] = {
    GR_TEST(totals_are_the_sums_of_a_plain_loop),
    GR_TEST(totals_do_not_depend_on_threads),
    GR_TEST(a_map_chooses_the_rows),
    GR_TEST(inference_gives_the_same_outputs),
    GR_TEST_END,
};
