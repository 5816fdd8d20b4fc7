/* Weights of classes, offsets, and targets of several outputs where rows are streamed. */
#include <config.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "store/dataset_writer.h"
#include "train/data.h"
#include "train/test_train.h"
#include "train/trainer.h"
#include "train/weights.h"

/* Trains to the end; the model is in *out. */
static gr_report train(const gr_dataset *data, const char *const *settings, const char *name,
                       gr_checkpoint *out) {
  gr_config config = make_config(settings);
  gr_trainer_options options = {.run_directory = gr_test_path(name)};
  gr_trainer *trainer = NULL;
  gr_report report = {0};
  gradus_error err = {0};
  char path[GR_RUN_FILE];
  bool finished;
  *out = (gr_checkpoint){0};
  if (GR_CHECK_OK(gr_trainer_create(&config, data, &options, &trainer, &err), &err)) {
    GR_CHECK_OK(gr_trainer_advance(trainer, UINT64_MAX, &finished, &err), &err);
    gr_trainer_report(trainer, &report);
    gr_trainer_destroy(trainer);
    gr_run_file(report.run_directory, "final.h5", path);
    GR_CHECK_OK(gr_checkpoint_read(path, out, &err), &err);
  }
  gr_config_free(&config);
  return report;
}

static void refuse(const gr_dataset *data, const char *const *settings, gradus_status status,
                   const char *word) {
  gr_config config = make_config(settings);
  gr_prepared prepared;
  gradus_error err = {0};
  GR_CHECK_FAILS(gr_prepare(&config, data, &prepared, &err), status, &err, word);
  gr_config_free(&config);
}

static void a_class_of_weight_two_is_its_rows_with_weight_two(void) {
  enum { N = 120 };
  gr_dataset data = make_spirals(N, 3);
  gr_checkpoint by_class, by_row;
  gr_report a =
      train(&data, SETTINGS("training.class_weight=1=2,2=0.5", "data.valid_split=0", NULL), "class",
            &by_class);
  data.split[GR_TRAIN].weight = gr_calloc(N, sizeof(float));
  for (int i = 0; i < N; i++) {
    const int32_t c = ((const int32_t *)data.split[GR_TRAIN].y)[i];
    data.split[GR_TRAIN].weight[i] = c == 1 ? 2 : c == 2 ? 0.5f : 1;
  }
  CU_ASSERT_EQUAL(gr_dataset_digest(&data, NULL), GRADUS_OK);
  gr_report b = train(&data, SETTINGS("data.valid_split=0", NULL), "row", &by_row);
  CU_ASSERT_STRING_EQUAL(a.digest, b.digest);
  CU_ASSERT_EQUAL(a.train_loss, b.train_loss);
  gr_checkpoint_free(&by_class);
  gr_checkpoint_free(&by_row);
  gr_dataset_free(&data);
}

/* 60 rows of weights 1 and 2 by turns: classes of 10, 20 and 30 rows. */
static void balanced_classes_weigh_the_same(void) {
  enum { N = 60 };
  gr_dataset data = make_spirals(N, 3);
  int32_t y[N];
  double sum[3] = {0};
  data.split[GR_TRAIN].weight = gr_calloc(N, sizeof(float));
  for (int i = 0; i < N; i++) {
    y[i] = i < 10 ? 0 : i < 30 ? 1 : 2;
    data.split[GR_TRAIN].weight[i] = (float)(1 + i % 2);
  }
  set_labels(&data, GR_I32, 1, y);
  gr_config config = make_config(SETTINGS("training.class_weight=balanced", NULL));
  gr_prepared p;
  gradus_error err = {0};
  GR_CHECK_OK(gr_prepare(&config, &data, &p, &err), &err);
  double all = 0;
  for (int i = 0; i < N; i++)
    if (!p.held.n || gr_row_set_holds(&p.train_set, (uint64_t)i)) {
      sum[y[i]] += (double)p.trained.weight[i];
      all += (double)data.split[GR_TRAIN].weight[i];
    }
  /* up to 30 floats, each within half an ulp of a number below 8 */
  for (int k = 0; k < 3; k++) CU_ASSERT_DOUBLE_EQUAL(sum[k], all / 3, 30 * 0x1p-22);
  CU_ASSERT_PTR_EQUAL(p.train.rows.weight, data.split[GR_TRAIN].weight); /* what validates */
  CU_ASSERT_PTR_NOT_NULL(strstr(p.notes.data, "training.class_weight: 0="));
  gr_prepared_free(&p);
  gr_config_free(&config);
  gr_dataset_free(&data);
}

static void bad_weights_of_classes_are_refused(void) {
  gr_dataset data = make_spirals(60, 3);
  refuse(&data, SETTINGS("training.class_weight=7=2", NULL), GRADUS_ERR_CONFIG, "'7' is no class");
  refuse(&data, SETTINGS("training.class_weight=0=0,1=0,2=0", NULL), GRADUS_ERR_CONFIG,
         "has weight 0");
  static const char *const bad[] = {"balance", "0=", "=1", "0=-1", "0=nan", "0=1;1", "0"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    char setting[64];
    snprintf(setting, sizeof setting, "training.class_weight=%s", bad[i]);
    refuse(&data, SETTINGS(setting, NULL), GRADUS_ERR_CONFIG, "is not none, balanced");
  }
  gr_dataset numbers = make_regression(60);
  refuse(&numbers, SETTINGS("training.class_weight=balanced", NULL), GRADUS_ERR_CONFIG,
         "classification");
  gr_dataset_free(&data);
  gr_dataset_free(&numbers);
}

/* Three labels of five columns: what is above 1/2, and whether two of them agree. */
static gr_dataset make_labels(uint64_t n, gr_dtype type) {
  gr_dataset data = make_regression(n);
  const float *x = data.split[GR_TRAIN].x;
  uint8_t *y = gr_calloc(n, 3);
  for (uint64_t i = 0; i < n; i++) {
    y[3 * i] = x[5 * i] > 0.5f;
    y[3 * i + 1] = x[5 * i + 1] > 0.5f;
    y[3 * i + 2] = y[3 * i] == y[3 * i + 1];
  }
  set_labels(&data, type, 3, y);
  gr_free(y);
  return data;
}

static void a_matrix_of_0_and_1_is_learnt_label_by_label(void) {
  gr_dataset data = make_labels(2000, GR_U8);
  gr_checkpoint model;
  train(&data, SETTINGS("training.epochs=60", "network.hidden=16", NULL), "labels", &model);
  const gr_history *h = &model.history;
  CU_ASSERT_EQUAL(model.model.config.data.task, GR_MULTILABEL);
  CU_ASSERT_EQUAL(model.model.config.network.output_activation, GR_SIGMOID);
  CU_ASSERT_EQUAL(model.model.config.network.outputs, 3);
  CU_ASSERT_EQUAL(model.model.preprocessing.n_classes, 3);
  CU_ASSERT_STRING_EQUAL(model.model.preprocessing.class_names[2], "2");
  CU_ASSERT_EQUAL_FATAL(h->n_metrics, 2);
  CU_ASSERT_STRING_EQUAL(h->metric_names[0], "f1_micro");
  CU_ASSERT_STRING_EQUAL(h->metric_names[1], "hamming");
  CU_ASSERT(h->row[h->n_rows - 1].metric[0] > 0.9);
  CU_ASSERT(h->row[h->n_rows - 1].metric[1] < 0.1);
  gr_checkpoint_free(&model);
  gr_dataset_free(&data);
}

/* Without hidden layers and training, all weights 0 but for rounding: the loss of a probability of
 * 1/2 is ln 2 for each label, and the mean over labels is ln 2. */
static void the_loss_of_labels_is_their_mean(void) {
  gr_dataset data = make_labels(64, GR_U8);
  gr_checkpoint model;
  const gr_report report =
      train(&data,
            SETTINGS("training.epochs=1", "network.hidden=none", "optimizer.name=sgd",
                     "optimizer.learning_rate=1e-30", "network.initialization=glorot",
                     "data.standardize=none", "data.valid_split=0", NULL),
            "mean", &model);
  double wanted = 0;
  const gr_network *network = &model.model.network;
  const float *w = model.model.parameters + network->layer[0].weights,
              *b = model.model.parameters + network->layer[0].bias;
  for (int i = 0; i < 64; i++)
    for (int k = 0; k < 3; k++) {
      double z = (double)b[k];
      for (int j = 0; j < 5; j++)
        z += (double)w[5 * k + j] * (double)((const float *)data.split[GR_TRAIN].x)[5 * i + j];
      const int y = ((const uint8_t *)data.split[GR_TRAIN].y)[3 * i + k];
      wanted += log(1 + exp(y ? -z : z)) / 3 / 64;
    }
  CU_ASSERT_DOUBLE_EQUAL(report.train_loss, wanted, 1e-6); /* some 2^-23 of terms below 4 */
  gr_checkpoint_free(&model);
  gr_dataset_free(&data);
}

static void what_is_neither_0_nor_1_is_no_label(void) {
  gr_dataset data = make_labels(60, GR_U8);
  ((uint8_t *)data.split[GR_TRAIN].y)[3 * 7 + 2] = 2;
  refuse(&data, SETTINGS("data.task=multilabel", NULL), GRADUS_ERR_DATA,
         "train/y is 2 in row 7, column 2");
  refuse(&data, SETTINGS("data.task=multilabel", "network.output_activation=softmax", NULL),
         GRADUS_ERR_DATA, "row 7");
  ((uint8_t *)data.split[GR_TRAIN].y)[3 * 7 + 2] = 1;
  refuse(&data, SETTINGS("network.output_activation=softmax", NULL), GRADUS_ERR_CONFIG, "softmax");
  refuse(&data, SETTINGS("training.class_weight=balanced", NULL), GRADUS_ERR_CONFIG, "classes");
  gr_dataset_free(&data);
}

/* The same inputs in every row: what is left is the bias. Of counts y with exposures t, the most
 * likely rate is sum y / sum t; its logarithm, in units of the scale, is the bias. */
static gr_dataset make_counts(uint64_t n, double *rate) {
  gr_dataset data = make_regression(n);
  float *x = data.split[GR_TRAIN].x, *y = data.split[GR_TRAIN].y;
  double counts = 0, exposures = 0;
  data.split[GR_TRAIN].offset = gr_calloc(n, sizeof(float));
  for (uint64_t i = 0; i < n; i++) {
    const double exposure = 1 + (double)(i % 5);
    for (int j = 0; j < 5; j++) x[5 * i + (uint64_t)j] = 3;
    y[i] = (float)((i * 7) % 4 + (i % 5));
    data.split[GR_TRAIN].offset[i] = (float)log(exposure);
    counts += (double)y[i];
    exposures += exposure;
  }
  *rate = counts / exposures;
  CU_ASSERT_EQUAL(gr_dataset_digest(&data, NULL), GRADUS_OK);
  return data;
}

static void with_offsets_a_rate_is_learnt(void) {
  double rate;
  gr_dataset data = make_counts(200, &rate);
  gr_checkpoint model;
  train(&data,
        SETTINGS("training.loss=poisson", "network.hidden=none", "data.valid_split=0",
                 "training.batch_size=200", "training.epochs=300", "optimizer.name=sgd",
                 "optimizer.learning_rate=0.3", NULL),
        "rate", &model);
  const float bias = model.model.parameters[model.model.network.layer[0].bias];
  /* the optimum to float's error of a loss whose curvature is above 1/2 */
  CU_ASSERT_DOUBLE_EQUAL(exp((double)bias) * model.model.preprocessing.target_scale[0], rate,
                         1e-5 * rate);
  gr_checkpoint_free(&model);
  gr_dataset_free(&data);
}

static void offsets_are_refused_where_the_output_is_no_exponential(void) {
  double rate;
  gr_dataset data = make_counts(60, &rate);
  refuse(&data, SETTINGS("training.loss=quadratic", NULL), GRADUS_ERR_DATA,
         "offset is for training.loss poisson, gamma and tweedie, not quadratic");
  gr_dataset_free(&data);
}

/* Chunks that must be read. */
static void write_chunks(const gr_dataset *data, const char *path) {
  const gr_storage storage = {.chunk_rows = 100, .level = 1};
  const gr_split *s = &data->split[GR_TRAIN];
  gr_dataset_writer *w = NULL;
  gradus_error err = {0};
  GR_CHECK_OK(gr_dataset_writer_begin(path, true, data, &storage, &w, &err), &err);
  GR_CHECK_OK(gr_dataset_writer_put(w, GR_TRAIN, GR_FIELD_X, s->x, s->n_rows, &err), &err);
  GR_CHECK_OK(gr_dataset_writer_put(w, GR_TRAIN, GR_FIELD_Y, s->y, s->n_rows, &err), &err);
  if (s->offset)
    GR_CHECK_OK(gr_dataset_writer_put(w, GR_TRAIN, GR_FIELD_OFFSET, s->offset, s->n_rows, &err),
                &err);
  char digest[33];
  GR_CHECK_OK(gr_dataset_writer_end(w, GRADUS_OK, digest, &err), &err);
  CU_ASSERT_STRING_EQUAL(digest, data->digest);
}

static void check_streamed(const gr_dataset *data, const char *loss, const char *name) {
  const char *const *settings =
      SETTINGS(loss, "training.quantiles=0.1,0.5,0.9", "training.shuffle=window",
               "training.shuffle_window=1000", "training.shuffle_block=100", "training.epochs=2",
               "training.metrics=mae,pinball", "data.valid_split=0.3", NULL);
  char path[4096], digest[2][GR_DIGEST_TEXT];
  double valid[2];
  snprintf(path, sizeof path, "%s.h5", gr_test_path(name));
  write_chunks(data, path);
  for (int i = 0; i < 2; i++) {
    const gr_dataset_options options = {.memory = (uint64_t)1 << (i ? 18 : 30)};
    gr_dataset read;
    gr_checkpoint model;
    gradus_error err = {0};
    char run[64];
    GR_CHECK_OK(gr_dataset_read(path, &options, &read, &err), &err);
    CU_ASSERT((read.split[GR_TRAIN].x == NULL) == i);
    CU_ASSERT((read.split[GR_TRAIN].offset != NULL) == (data->split[GR_TRAIN].offset != NULL));
    snprintf(run, sizeof run, "%s-%d", name, i);
    const gr_report report = train(&read, settings, run, &model);
    memcpy(digest[i], report.digest, GR_DIGEST_TEXT);
    CU_ASSERT_EQUAL_FATAL(model.history.n_metrics, 4);
    valid[i] = model.history.row[1].metric[3];
    gr_checkpoint_free(&model);
    gr_dataset_free(&read);
  }
  CU_ASSERT_STRING_EQUAL(digest[0], digest[1]);
  CU_ASSERT_EQUAL(valid[0], valid[1]);
}

static void offsets_and_several_quantiles_are_streamed_with_their_rows(void) {
  enum { N = 20000 };
  double rate;
  gr_dataset plain = make_regression(N), counts = make_counts(N, &rate);
  memcpy(counts.split[GR_TRAIN].x, plain.split[GR_TRAIN].x, N * 5 * sizeof(float));
  CU_ASSERT_EQUAL(gr_dataset_digest(&counts, NULL), GRADUS_OK);
  check_streamed(&plain, "training.loss=quantile", "quantiles");
  check_streamed(&counts, "training.loss=poisson", "counts");
  gr_dataset_free(&plain);
  gr_dataset_free(&counts);
}

const gr_test weights_tests[] = {
    GR_TEST(a_class_of_weight_two_is_its_rows_with_weight_two),
    GR_TEST(balanced_classes_weigh_the_same),
    GR_TEST(bad_weights_of_classes_are_refused),
    GR_TEST(a_matrix_of_0_and_1_is_learnt_label_by_label),
    GR_TEST(the_loss_of_labels_is_their_mean),
    GR_TEST(what_is_neither_0_nor_1_is_no_label),
    GR_TEST(with_offsets_a_rate_is_learnt),
    GR_TEST(offsets_are_refused_where_the_output_is_no_exponential),
    GR_TEST(offsets_and_several_quantiles_are_streamed_with_their_rows),
    GR_TEST_END};
