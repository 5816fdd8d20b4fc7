/* What a model leans on: permutation importance against its definition. */
#include <config.h>

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "exec/engine.h"
#include "net/network.h"
#include "train/attribution.h"
#include "train/data.h"
#include "train/importance.h"
#include "train/probe.h"
#include "train/test_train.h"

/* y = a linear function of five columns, of which the second is left out. */
typedef struct linear {
  gr_config config;
  gr_network network;
  gr_preprocessing p;
  gr_engine *engine;
} linear;

static const float weights[] = {2, 0, -1, 0.5f, 0.25f, 0.125f}; /* the last is the bias */

static linear make_linear(int threads) {
  linear l = {.network = {.n_layers = 0}};
  gradus_error err = {0};
  l.config = make_config(SETTINGS(
      "data.task=regression", "network.hidden=none", "training.loss=quadratic",
      "network.output_activation=identity", "network.inputs=5", "network.outputs=1",
      "network.initialization=glorot", "training.lane_rows=16", "training.shuffle=full", NULL));
  gr_config_settle(&l.config, NULL);
  l.p = (gr_preprocessing){.n_inputs = 5, .task = GR_REGRESSION, .n_targets = 1};
  l.p.shift = gr_calloc(5, sizeof(double));
  l.p.factor = gr_calloc(5, sizeof(double));
  for (int j = 0; j < 5; j++) l.p.factor[j] = 1;
  GR_CHECK_OK(gr_preprocessing_plain_targets(&l.p, &err), &err);
  GR_CHECK_OK(gr_network_make(&l.config, &l.network, &err), &err);
  const gr_engine_resources resources = {.threads = threads, .isa = GR_AUTO, .strategy = GR_AUTO};
  GR_CHECK_OK(gr_engine_create(&l.network, &l.config, &resources, true, &l.engine, &err), &err);
  gr_engine_load(l.engine, weights, NULL);
  return l;
}

static void free_linear(linear *l) {
  gr_engine_destroy(l->engine);
  gr_preprocessing_free(&l->p);
  gr_config_free(&l->config);
}

static float output_of(const float *x) {
  float z = weights[5];
  for (int j = 0; j < 5; j++) z = fmaf(x[j], weights[j], z);
  return z;
}

/* Targets are the model's own outputs: the loss is 0, and with column j permuted it is the mean of
 * (w_j (x_i - x_p(i)))^2 / 2. */
static void the_importance_of_a_column_is_what_the_loss_grows_by(void) {
  enum { N = 3000, REPEATS = 3 };
  gr_dataset data = make_regression(N);
  float *x = data.split[GR_TRAIN].x, *y = data.split[GR_TRAIN].y;
  double mean[2][5], error[2][5], base = 1;
  uint64_t rows = 0;
  gradus_error err = {0};
  for (int i = 0; i < N; i++) y[i] = output_of(x + 5 * i);
  for (int t = 0; t < 2; t++) {
    linear l = make_linear(t ? 2 : 1);
    const gr_importance_request request = {
        .split = GR_TRAIN, .metric = GR_N_METRICS, .repeats = REPEATS, .seed = 5};
    GR_CHECK_OK(gr_importance(l.engine, &l.config, &l.p, &data, &request, &rows, &base, mean[t],
                              error[t], &err),
                &err);
    free_linear(&l);
  }
  CU_ASSERT_EQUAL(rows, N);
  CU_ASSERT_EQUAL(base, 0);
  CU_ASSERT(memcmp(mean[0], mean[1], sizeof mean[0]) == 0);
  CU_ASSERT(memcmp(error[0], error[1], sizeof error[0]) == 0);
  for (uint64_t j = 0; j < 5; j++) {
    double sum = 0, square = 0;
    for (uint64_t r = 0; r < REPEATS; r++) {
      const gr_permutation p = gr_permutation_make(5, j * REPEATS + r, N);
      double loss = 0;
      for (uint64_t i = 0; i < N; i++) {
        const double d = (double)weights[j] *
                         ((double)x[5 * i + j] - (double)x[5 * gr_permutation_at(&p, i) + j]);
        loss += d * d / 2 / N;
      }
      sum += loss;
      square += loss * loss;
    }
    const double variance = (square - sum * sum / REPEATS) / (REPEATS - 1);
    /* losses of size 1 in float, from outputs of size 4 within 2^-22 */
    CU_ASSERT_DOUBLE_EQUAL(mean[0][j], sum / REPEATS, 4e-6);
    CU_ASSERT_DOUBLE_EQUAL(error[0][j], sqrt(fmax(variance, 0) / REPEATS), 4e-6);
  }
  CU_ASSERT_EQUAL(mean[0][1], 0);
  CU_ASSERT_EQUAL(error[0][1], 0);
  gr_dataset_free(&data);
}

/* By R2, of a few rows: what is better when larger becomes smaller. */
static void importance_by_a_metric_of_some_rows(void) {
  gr_dataset data = make_regression(1000);
  float *x = data.split[GR_TRAIN].x, *y = data.split[GR_TRAIN].y;
  double mean[5], error[5], base = 0;
  uint64_t rows = 0;
  gradus_error err = {0};
  for (int i = 0; i < 1000; i++) y[i] = output_of(x + 5 * i);
  linear l = make_linear(1);
  gr_importance_request request = {
      .split = GR_TRAIN, .metric = GR_METRIC_R2, .repeats = 2, .rows = 300, .seed = 5};
  GR_CHECK_OK(
      gr_importance(l.engine, &l.config, &l.p, &data, &request, &rows, &base, mean, error, &err),
      &err);
  CU_ASSERT_EQUAL(rows, 300);
  CU_ASSERT_EQUAL(base, 1);
  CU_ASSERT(mean[0] > mean[2] && mean[2] > mean[3] && mean[3] > mean[4] && mean[4] > 0);
  data.memory = 5000;
  GR_CHECK_FAILS(
      gr_importance(l.engine, &l.config, &l.p, &data, &request, &rows, &base, mean, error, &err),
      GRADUS_ERR_RESOURCES, &err, "look at fewer");
  free_linear(&l);
  gr_dataset_free(&data);
}

/* Of a linear model the derivative is the weight: mean |w_j x_j|, and its standard error. Half of
 * the weights with factors of 2 before them are the same model. */
static void gradient_times_input_of_a_linear_model_is_weight_times_input(void) {
  enum { N = 500 };
  gr_dataset data = make_regression(N);
  const float *x = data.split[GR_TRAIN].x;
  double mean[2][5], error[2][5];
  uint64_t rows;
  gradus_error err = {0};
  for (int t = 0; t < 2; t++) {
    linear l = make_linear(1);
    float parameters[11];
    memcpy(parameters, weights, sizeof weights);
    for (int j = 0; t == 1 && j < 5; j++) {
      parameters[j] /= 2;
      parameters[6 + j] = 2;
    }
    gr_model model = {
        .config = l.config, .network = l.network, .preprocessing = l.p, .parameters = parameters};
    if (t == 1)
      model.network.front = (gr_front){.first = 6, .count = 5, .scales = true, .scale = 6};
    GR_CHECK_OK(gr_attribution(&model, &data, GR_TRAIN, 0, 1 + t, &rows, mean[t], error[t], &err),
                &err);
    free_linear(&l);
  }
  CU_ASSERT_EQUAL(rows, N);
  CU_ASSERT(memcmp(mean[0], mean[1], sizeof mean[0]) == 0);
  CU_ASSERT(memcmp(error[0], error[1], sizeof error[0]) == 0);
  for (int j = 0; j < 5; j++) {
    double sum = 0, square = 0;
    for (int i = 0; i < N; i++) {
      const double share = fabs((double)weights[j] * (double)x[5 * i + j]);
      sum += share;
      square += share * share;
    }
    const double variance = (square - sum * sum / N) / (N - 1);
    /* targets are outputs - 1 in float: deltas of 1 within 2^-22 */
    CU_ASSERT_DOUBLE_EQUAL(mean[0][j], sum / N, 1e-6);
    CU_ASSERT_DOUBLE_EQUAL(error[0][j], sqrt(variance / N), 1e-6);
  }
  gr_dataset_free(&data);
}

/* Two classes by one sigmoid: d ln p(predicted) / dx_j = +-(1 - p) w_j, p that of the predicted. */
static void gradient_times_input_of_classes_is_that_of_the_predicted_one(void) {
  enum { N = 200 };
  gr_dataset data = make_regression(N);
  const float *x = data.split[GR_TRAIN].x;
  double mean[5], error[5], wanted[5] = {0};
  uint64_t rows;
  gradus_error err = {0};
  linear l = make_linear(1);
  float parameters[6];
  memcpy(parameters, weights, sizeof weights);
  gr_model model = {
      .config = l.config, .network = l.network, .preprocessing = l.p, .parameters = parameters};
  model.preprocessing.task = GR_CLASSIFICATION;
  model.config.data.task = GR_CLASSIFICATION;
  model.config.training.loss = GR_CROSS_ENTROPY;
  model.config.network.output_activation = GR_SIGMOID;
  model.network.layer[0].activation = GR_SIGMOID;
  GR_CHECK_OK(gr_attribution(&model, &data, GR_TRAIN, 0, 1, &rows, mean, error, &err), &err);
  for (int i = 0; i < N; i++) {
    const double z = (double)output_of(x + 5 * i), p = 1 / (1 + exp(-fabs(z)));
    for (int j = 0; j < 5; j++)
      wanted[j] += fabs((1 - p) * (double)weights[j] * (double)x[5 * i + j]) / N;
  }
  for (int j = 0; j < 5; j++) CU_ASSERT_DOUBLE_EQUAL(mean[j], wanted[j], 1e-6);
  free_linear(&l);
  gr_dataset_free(&data);
}

/* 5 -> 2 relu -> 1, the second unit with a bias that keeps it at 0: gradients from the definition,
 * in double. */
static void layers_at_work_are_as_by_the_definition(void) {
  enum { N = 64 };
  static const float w[] = {0.5f, -1, 0.25f, 2, 1, 1, 1, 1, 1, 1, 0.125f, -100, 1.5f, 3, 0.25f};
  const double rate = 0.125;
  gr_dataset data = make_regression(N);
  const float *x = data.split[GR_TRAIN].x;
  float *y = data.split[GR_TRAIN].y;
  gr_checkpoint c = {.n_moments = 0};
  gr_layer_probe layer[2];
  double first[10] = {0}, second[2] = {0}, size[2] = {0}, squares[2] = {0};
  uint64_t rows;
  gradus_error err = {0};
  for (int i = 0; i < N; i++) y[i] = (float)(i % 7) - 3;
  c.model.config = make_config(
      SETTINGS("data.task=regression", "network.hidden=2", "network.activation=relu",
               "training.loss=quadratic", "network.output_activation=identity", "network.inputs=5",
               "network.outputs=1", "network.initialization=glorot", "training.batch_size=64",
               "training.lane_rows=64", "training.shuffle=full", "optimizer.name=sgd",
               "optimizer.learning_rate=0.125", NULL));
  gr_config_settle(&c.model.config, NULL);
  gr_preprocessing *p = &c.model.preprocessing;
  *p = (gr_preprocessing){.n_inputs = 5, .task = GR_REGRESSION, .n_targets = 1};
  p->shift = gr_calloc(5, sizeof(double));
  p->factor = gr_calloc(5, sizeof(double));
  for (int j = 0; j < 5; j++) p->factor[j] = 1;
  GR_CHECK_OK(gr_preprocessing_plain_targets(p, &err), &err);
  GR_CHECK_OK(gr_network_make(&c.model.config, &c.model.network, &err), &err);
  c.model.parameters = gr_alloc(15, sizeof(float));
  memcpy(c.model.parameters, w, sizeof w);
  GR_CHECK_OK(gr_probe(&c, &data, GR_TRAIN, 2, &rows, layer, &err), &err);
  for (int i = 0; i < N; i++) {
    double z = (double)w[10];
    for (int j = 0; j < 5; j++) z += (double)w[j] * (double)x[5 * i + j];
    const double a = z > 0 ? z : 0, e = (double)w[12] * a + (double)w[14] - (double)y[i];
    second[0] += e * a / N;
    for (int j = 0; j < 5; j++)
      first[j] += z > 0 ? e * (double)w[12] * (double)x[5 * i + j] / N : 0;
  }
  for (int k = 0; k < 10; k++) size[0] += (double)w[k] * (double)w[k] / 10;
  for (int k = 0; k < 10; k++) squares[0] += first[k] * first[k] / 10;
  for (int k = 0; k < 2; k++) size[1] += (double)w[12 + k] * (double)w[12 + k] / 2;
  for (int k = 0; k < 2; k++) squares[1] += second[k] * second[k] / 2;
  CU_ASSERT_EQUAL(rows, N);
  for (int l = 0; l < 2; l++) {
    /* sums of 64 floats of size 1 to 16 */
    CU_ASSERT_DOUBLE_EQUAL(layer[l].weight_rms, sqrt(size[l]), 1e-6);
    CU_ASSERT_DOUBLE_EQUAL(layer[l].gradient_rms, sqrt(squares[l]), 1e-5);
    CU_ASSERT_DOUBLE_EQUAL(layer[l].update_ratio, rate * sqrt(squares[l] / size[l]), 1e-5);
  }
  CU_ASSERT_EQUAL(layer[0].dead, 1);
  CU_ASSERT_EQUAL(layer[1].dead, 0);
  gr_checkpoint_free(&c);
  gr_dataset_free(&data);
}

const gr_test understand_tests[] = {
    GR_TEST(the_importance_of_a_column_is_what_the_loss_grows_by),
    GR_TEST(importance_by_a_metric_of_some_rows),
    GR_TEST(gradient_times_input_of_a_linear_model_is_weight_times_input),
    GR_TEST(gradient_times_input_of_classes_is_that_of_the_predicted_one),
    GR_TEST(layers_at_work_are_as_by_the_definition),
    GR_TEST_END};
