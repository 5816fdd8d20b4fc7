/* What residuals are for, networks of many layers that learn; and what is said of models that are
 * more than plain layers of plain inputs. */
#include <config.h>

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "support/numbers.h"
#include "train/attribution.h"
#include "train/probe.h"
#include "train/runs.h"
#include "train/split_rows.h"
#include "train/test_train.h"

/* The training loss of the last epoch of 20 hidden layers. */
static double deep_loss(const gr_dataset *data, const char *residual, const char *name) {
  gr_config config = make_config(
      SETTINGS("network.hidden=16,16,16,16,16,16,16,16,16,16,16,16,16,16,16,16,16,16,16,16",
               "network.activation=tanh", "training.epochs=10", residual, NULL));
  const char *path = gr_test_path(name);
  session(data, &config, path, UINT64_MAX, false);
  gr_checkpoint c = final_of(path);
  const double loss = c.history.row[c.history.n_rows - 1].train_loss;
  gr_checkpoint_free(&c);
  gr_config_free(&config);
  return loss;
}

/* Two spirals that go round one and a half times; where nothing is known they cost ln 2 = 0.69, and
 * 0.63 by what one line through the middle tells. */
static void twenty_layers_learn_with_residuals_and_not_without(void) {
  enum { N = 1200 };
  gr_dataset data = make_spirals(N, 2);
  float *x = data.split[GR_TRAIN].x;
  for (int i = 0; i < N; i++) {
    const double r = (i + 0.5) / N, angle = 9.4 * r + (i % 2 ? 3.14159 : 0);
    x[2 * i] = (float)(r * cos(angle));
    x[2 * i + 1] = (float)(r * sin(angle));
  }
  CU_ASSERT_EQUAL(gr_dataset_digest(&data, NULL), GRADUS_OK);
  const double without = deep_loss(&data, "network.residual=0", "deep-plain"),
               with = deep_loss(&data, "network.residual=1", "deep-residual");
  GR_CHECK(without > 0.5 && with < 0.1, "%g without and %g with residuals", without, with);
  gr_dataset_free(&data);
}

/* y = v (x + W x): the derivative by x is v + v W, of which a part flows past the first layer. */
static void gradient_times_input_knows_a_residual_of_the_inputs(void) {
  enum { N = 100, IN = 5, WEIGHTS = IN * IN + IN + IN + 1 };
  gr_dataset data = make_regression(N);
  const float *x = data.split[GR_TRAIN].x;
  float parameters[WEIGHTS] = {0}, *v = parameters + IN * IN + IN;
  double mean[IN], error[IN];
  uint64_t rows;
  gradus_error err = {0};
  gr_model model = {.parameters = parameters};
  model.config = make_config(SETTINGS(
      "data.task=regression", "network.hidden=5:identity:residual=1", "training.loss=quadratic",
      "network.output_activation=identity", "network.inputs=5", "network.outputs=1",
      "network.initialization=glorot", "training.lane_rows=16", "training.shuffle=full", NULL));
  gr_config_settle(&model.config, NULL);
  gr_preprocessing *p = &model.preprocessing;
  *p = (gr_preprocessing){.n_inputs = IN, .task = GR_REGRESSION, .n_targets = 1};
  p->shift = gr_calloc(IN, sizeof(double));
  p->factor = gr_calloc(IN, sizeof(double));
  for (int j = 0; j < IN; j++) p->factor[j] = 1;
  for (int j = 0; j < IN; j++) v[j] = (float)(j + 1) / 4;
  for (int i = 0; i < IN * IN; i++) parameters[i] = (float)(i % 7 - 3) / 8;
  GR_CHECK_OK(gr_preprocessing_plain_targets(p, &err), &err);
  GR_CHECK_OK(gr_network_make(&model.config, &model.network, &err), &err);
  CU_ASSERT_EQUAL_FATAL(model.network.n_parameters, WEIGHTS);
  GR_CHECK_OK(gr_attribution(&model, &data, GR_TRAIN, 0, 1, &rows, mean, error, &err), &err);
  for (int j = 0; j < IN; j++) {
    double g = (double)v[j], wanted = 0;
    for (int o = 0; o < IN; o++) g += (double)v[o] * (double)parameters[o * IN + j];
    for (int i = 0; i < N; i++) wanted += fabs(g * (double)x[IN * i + j]) / N;
    /* targets are outputs - 1 in float: deltas of 1 within 2^-21, weights of 1.25 */
    CU_ASSERT_DOUBLE_EQUAL(mean[j], wanted, 4e-6);
  }
  gr_preprocessing_free(p);
  gr_config_free(&model.config);
  gr_dataset_free(&data);
}

/* A column in bins before one layer: what its inputs add together is the output without its bias.
 * An unused column adds nothing. */
static void gradient_times_input_of_a_column_is_the_sum_over_its_inputs(void) {
  enum { N = 300 };
  gr_dataset data = make_regression(N);
  gr_config config = make_config(SETTINGS("network.hidden=none", "data.embedding=piecewise-linear",
                                          "training.epochs=2", NULL));
  data.columns = gr_calloc(5, sizeof *data.columns);
  for (int j = 0; j < 5; j++) data.columns[j].name = gr_strdup((char[]){(char)('a' + j), 0});
  float *x = data.split[GR_TRAIN].x;
  for (int i = 0; i < 5 * N; i++)
    if (i % 5 > 0) x[i] = 3;
  CU_ASSERT_EQUAL(gr_dataset_digest(&data, NULL), GRADUS_OK);
  const char *path = gr_test_path("bins");
  session(&data, &config, path, UINT64_MAX, false);
  gr_checkpoint c = final_of(path);
  const gr_model *model = &c.model;
  const gr_engine_resources resources = {.threads = 1, .isa = GR_AUTO, .strategy = GR_AUTO};
  gr_split_rows rows = {0};
  gr_engine *engine = NULL;
  gr_totals totals;
  gradus_error err = {0};
  float outputs[N];
  double mean[5], error[5], wanted = 0;
  uint64_t n;
  bool fed;
  CU_ASSERT_FATAL(model->network.layer[0].n_in > 5);
  GR_CHECK_OK(gr_split_rows_make(&model->preprocessing, &data, GR_TRAIN, true, &rows, &err), &err);
  GR_CHECK_OK(gr_engine_create(&model->network, &model->config, &resources, true, &engine, &err),
              &err);
  gr_engine_load(engine, model->parameters, NULL);
  const gr_evaluation evaluation = {.rows = &rows.rows, .n = N, .outputs = outputs};
  GR_CHECK_OK(gr_engine_evaluate(engine, &evaluation, &totals, &fed, &err), &err);
  const double bias = (double)model->parameters[model->network.layer[0].bias];
  for (int i = 0; i < N; i++) wanted += fabs((double)outputs[i] - bias) / N;
  GR_CHECK_OK(gr_attribution(model, &data, GR_TRAIN, 0, 1, &n, mean, error, &err), &err);
  CU_ASSERT(n == N && wanted > 0.01);
  CU_ASSERT_DOUBLE_EQUAL(mean[0], wanted, 1e-5 * (1 + wanted)); /* sums of 17 floats of size 1 */
  CU_ASSERT(mean[1] == 0 && mean[4] == 0 && error[1] == 0);
  gr_engine_destroy(engine);
  gr_split_rows_free(&rows);
  gr_checkpoint_free(&c);
  gr_config_free(&config);
  gr_dataset_free(&data);
}

/* A normalised row of two neurons is -1 and 1, whatever goes in, but for what epsilon takes: y =
 * v (g zhat + s). Where gains are 1 and shifts 0, dC/dg_j = e v_j zhat_j and dC/ds_j = e v_j, e the
 * error. Parts of the learning rate are none of the gradient. */
static void gains_and_shifts_of_layers_are_as_by_the_definition(void) {
  enum { N = 32 };
  static const float w[] = {4, -1, 0.5f, 3, 2, -4, 1,    0.5f, 1,    3, /* 5 -> 2 */
                            0, 0,  1,    1, 0, 0,  0.5f, 2,    0.25f};
  gr_dataset data = make_regression(N);
  float *y = data.split[GR_TRAIN].y, *x = data.split[GR_TRAIN].x;
  gr_checkpoint c = {.n_moments = 0};
  gr_layer_probe layer[2];
  double gain[2] = {0}, shift[2] = {0};
  uint64_t rows;
  gradus_error err = {0};
  for (int i = 0; i < N; i++) y[i] = (float)(i % 5);
  c.model.config = make_config(
      SETTINGS("data.task=regression", "network.hidden=2:layer-norm:identity",
               "training.loss=quadratic", "network.output_activation=identity", "network.inputs=5",
               "network.outputs=1", "network.initialization=glorot", "training.batch_size=32",
               "training.lane_rows=32", "training.shuffle=full", "optimizer.name=sgd",
               "optimizer.learning_rate=0.1", "optimizer.bias_rate=0.5", NULL));
  gr_config_settle(&c.model.config, NULL);
  gr_preprocessing *p = &c.model.preprocessing;
  *p = (gr_preprocessing){.n_inputs = 5, .task = GR_REGRESSION, .n_targets = 1};
  p->shift = gr_calloc(5, sizeof(double));
  p->factor = gr_calloc(5, sizeof(double));
  for (int j = 0; j < 5; j++) p->factor[j] = 1;
  GR_CHECK_OK(gr_preprocessing_plain_targets(p, &err), &err);
  GR_CHECK_OK(gr_network_make(&c.model.config, &c.model.network, &err), &err);
  CU_ASSERT_EQUAL_FATAL(c.model.network.n_parameters, sizeof w / sizeof w[0]);
  c.model.parameters = gr_alloc(c.model.network.n_parameters, sizeof(float));
  memcpy(c.model.parameters, w, sizeof w);
  GR_CHECK_OK(gr_probe(&c, &data, GR_TRAIN, 1, &rows, layer, &err), &err);
  for (int i = 0; i < N; i++) {
    double z[2] = {0};
    for (int j = 0; j < 10; j++) z[j / 5] += (double)w[j] * (double)x[5 * i + j % 5];
    const double d = (z[0] - z[1]) / 2, zhat = d / sqrt(d * d + 1e-5),
                 e = 0.5 * zhat - 2 * zhat + 0.25 - (double)y[i];
    gain[0] += e * 0.5 * zhat / N;
    gain[1] += e * 2 * -zhat / N;
    shift[0] += e * 0.5 / N;
    shift[1] += e * 2 / N;
  }
  CU_ASSERT(layer[0].gain_rms == 1 && layer[0].shift_rms == 0 && isnan(layer[1].gain_rms));
  /* sums of 32 floats of size 1 to 16; zhat of a difference of some 1e-2 errs by 1e-5 */
  CU_ASSERT_DOUBLE_EQUAL(layer[0].gain_gradient_rms,
                         sqrt((gain[0] * gain[0] + gain[1] * gain[1]) / 2), 1e-4);
  CU_ASSERT_DOUBLE_EQUAL(layer[0].shift_gradient_rms,
                         sqrt((shift[0] * shift[0] + shift[1] * shift[1]) / 2), 1e-4);
  gr_checkpoint_free(&c);
  gr_dataset_free(&data);
}

const gr_test residual_tests[] = {
    GR_TEST(twenty_layers_learn_with_residuals_and_not_without),
    GR_TEST(gradient_times_input_knows_a_residual_of_the_inputs),
    GR_TEST(gradient_times_input_of_a_column_is_the_sum_over_its_inputs),
    GR_TEST(gains_and_shifts_of_layers_are_as_by_the_definition), GR_TEST_END};
