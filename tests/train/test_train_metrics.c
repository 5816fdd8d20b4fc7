/* Metrics against the examples of scikit-learn's manual and against their definitions: pairs of
 * rows for the areas, one row after the other in double for the rest. */
#include <config.h>

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/philox.h"
#include "train/data.h"
#include "train/files.h"
#include "train/scores.h"
#include "train/temperature.h"
#include "train/test_train.h"
#include "train/trainer.h"

enum { MOST = 6000, MANY_CLASSES = 3 };

/* A pass over rows in memory, and what its model was. */
typedef struct bench {
  gr_config config;
  gr_preprocessing p;
  gr_pass pass;
} bench;

static bench classes_of(uint32_t n_classes, uint32_t n_outputs, uint64_t n, const int32_t *label,
                        const float *weight) {
  bench b = {.p = {.task = GR_CLASSIFICATION, .n_classes = n_classes}, .pass = {.n = n}};
  gradus_error err = {0};
  GR_CHECK_OK(gr_config_init(&b.config, &err), &err);
  b.config.data.task = GR_CLASSIFICATION;
  b.config.training.loss = GR_CROSS_ENTROPY;
  b.config.training.top_k = 2;
  b.config.network.outputs = n_outputs;
  b.config.network.output_activation = n_outputs == 1 ? GR_SIGMOID : GR_SOFTMAX;
  b.pass.order = (gr_row_order){.permutation = gr_permutation_identity(n)};
  b.pass.rows = (gr_rows){.n_rows = n, .class_index = label, .weight = weight};
  return b;
}

/* All metrics of rows that come `part` at a time. */
static void measure(bench *b, const float *outputs, uint64_t part, const gr_metrics *usual,
                    double values[GR_N_METRICS]) {
  gr_scores s;
  gradus_error err = {0};
  const uint32_t k = (uint32_t)b->config.network.outputs;
  GR_CHECK_OK(
      gr_scores_open(&s, &b->config, &b->p, &b->pass, gr_metrics_suiting(&b->config), 0, &err),
      &err);
  for (int twice = 0; twice < 2; twice++) { /* nothing is left of the first time */
    gr_scores_begin(&s);
    for (uint64_t first = 0; first < b->pass.n; first += part) {
      const uint64_t n = b->pass.n - first < part ? b->pass.n - first : part;
      GR_CHECK_OK(gr_scores_take(&s, first, n, outputs + first * k, &err), &err);
    }
    gr_scores_finish(&s, usual, values);
  }
  gr_scores_close(&s);
}

/* A few sums of numbers of size 1 in double, and outputs that are floats: 2^-22 of them. */
#define CHECK_NEAR(value, wanted) CU_ASSERT_DOUBLE_EQUAL(value, wanted, 0x1p-22)

static const gr_metrics none = {(double)NAN, (double)NAN, (double)NAN, (double)NAN};

static void two_classes_are_as_in_the_examples_of_scikit_learn(void) {
  const float scores[] = {0.1f, 0.4f, 0.35f, 0.8f}, brier[] = {0.1f, 0.9f, 0.8f, 0.3f},
              log_loss[] = {0.9f, 0.1f, 0.2f, 0.65f}, mcc[] = {1, 0, 1, 1},
              balanced[] = {0, 1, 0, 0, 0, 1};
  double values[GR_N_METRICS];
  bench b = classes_of(2, 1, 4, (const int32_t[]){0, 0, 1, 1}, NULL);
  measure(&b, scores, 4, &none, values);
  CHECK_NEAR(values[GR_METRIC_AUC], 0.75);
  CHECK_NEAR(values[GR_METRIC_PR_AUC], 0.5 + 1.0 / 3);
  CHECK_NEAR(values[GR_METRIC_TOP_K], 1);
  b.pass.rows.class_index = (const int32_t[]){0, 1, 1, 0};
  measure(&b, brier, 4, &none, values);
  CHECK_NEAR(values[GR_METRIC_BRIER], 0.0375);
  b.pass.rows.class_index = (const int32_t[]){1, 0, 0, 1};
  measure(&b, log_loss, 4, &none, values);
  CU_ASSERT_DOUBLE_EQUAL(values[GR_METRIC_LOG_LOSS], 0.21616187, 1e-7);
  b.pass.rows.class_index = (const int32_t[]){1, 1, 1, 0};
  measure(&b, mcc, 4, &none, values);
  CHECK_NEAR(values[GR_METRIC_MCC], -1.0 / 3);
  gr_config_free(&b.config);
  b = classes_of(2, 1, 6, (const int32_t[]){0, 1, 0, 0, 1, 0}, NULL);
  measure(&b, balanced, 6, &none, values);
  CHECK_NEAR(values[GR_METRIC_BALANCED_ACCURACY], 0.625);
  CHECK_NEAR(values[GR_METRIC_F1], 0.5);
  gr_config_free(&b.config);
}

static void several_classes_are_as_in_the_examples_of_scikit_learn(void) {
  const float said[] = {1, 0, 0, 0, 0, 1, 0, 1, 0, 1, 0, 0, 1, 0, 0, 0, 1, 0};
  const float top[] = {0.5f, 0.2f, 0.2f, 0.3f, 0.4f, 0.2f, 0.2f, 0.4f, 0.3f, 0.7f, 0.2f, 0.1f};
  double values[GR_N_METRICS];
  bench b = classes_of(3, 3, 6, (const int32_t[]){0, 1, 2, 0, 1, 2}, NULL);
  measure(&b, said, 6, &none, values);
  CHECK_NEAR(values[GR_METRIC_F1], 0.8 / 3); /* macro */
  CHECK_NEAR(values[GR_METRIC_BALANCED_ACCURACY], 1.0 / 3);
  gr_config_free(&b.config);
  b = classes_of(3, 3, 4, (const int32_t[]){0, 1, 2, 2}, NULL);
  measure(&b, top, 4, &none, values);
  CHECK_NEAR(values[GR_METRIC_TOP_K], 0.75);
  gr_config_free(&b.config);
}

/* Bins by hand: confidences 0.9, 0.9, 0.6, 0.55 lie in bins (13/15, 14/15], (8/15, 9/15] (0.6f is
 * above 9/15: in the next one) and (8/15, 9/15]. */
static void the_calibration_error_is_that_of_fifteen_bins(void) {
  const float p[] = {0.9f, 0.1f, 0.6f, 0.45f};
  double values[GR_N_METRICS];
  bench b = classes_of(2, 1, 4, (const int32_t[]){1, 1, 1, 0}, NULL);
  measure(&b, p, 4, &none, values);
  /* |1 + 0 - 1.8| + |1 - 0.6| + |1 - 0.55|, of four rows */
  CHECK_NEAR(values[GR_METRIC_ECE], (0.8 + 0.4 + 0.45) / 4);
  gr_config_free(&b.config);
}

static void numbers_are_as_in_the_examples_of_scikit_learn(void) {
  const float targets[] = {3, -0.5f, 2, 7}, outputs[] = {2.5f, 0, 2, 8};
  double scale = 1, shift = 0, values[GR_N_METRICS];
  bench b = {.p = {.task = GR_REGRESSION,
                   .n_targets = 1,
                   .repeats = 1,
                   .target_shift = &shift,
                   .target_scale = &scale},
             .pass = {.n = 4,
                      .order = {.permutation = gr_permutation_identity(4)},
                      .rows = {.n_rows = 4, .targets = targets}}};
  gradus_error err = {0};
  GR_CHECK_OK(gr_config_init(&b.config, &err), &err);
  b.config.data.task = GR_REGRESSION;
  b.config.training.loss = GR_QUANTILE;
  b.config.training.n_quantiles = 1;
  b.config.training.quantiles[0] = 0.1;
  b.config.network.outputs = 1;
  measure(&b, outputs, 4, &none, values);
  CHECK_NEAR(values[GR_METRIC_MAE], 0.5);
  CHECK_NEAR(values[GR_METRIC_MAPE], (0.5 / 3 + 1 + 0 + 1.0 / 7) / 4);
  CHECK_NEAR(values[GR_METRIC_PINBALL], (0.1 * 0.5 + 0.9 * 0.5 + 0 + 0.9 * 1) / 4);
  scale = 2; /* in the targets' own units */
  measure(&b, outputs, 4, &none, values);
  CHECK_NEAR(values[GR_METRIC_MAE], 1);
  gr_config_free(&b.config);
}

/* Labels 1 1, 0 1, 1 0, 0 0 of four rows; said are 1 1, 1 0, 0 0, 0 0. */
static void labels_are_as_by_hand(void) {
  const float targets[] = {1, 1, 0, 1, 1, 0, 0, 0},
              outputs[] = {0.9f, 0.8f, 0.7f, 0.4f, 0.4f, 0.3f, 0.2f, 0.1f};
  double values[GR_N_METRICS], log_loss = 0, brier = 0;
  bench b = {.p = {.task = GR_MULTILABEL, .n_targets = 2, .n_classes = 2, .repeats = 1},
             .pass = {.n = 4,
                      .order = {.permutation = gr_permutation_identity(4)},
                      .rows = {.n_rows = 4, .targets = targets}}};
  gradus_error err = {0};
  GR_CHECK_OK(gr_config_init(&b.config, &err), &err);
  b.config.data.task = GR_MULTILABEL;
  b.config.training.loss = GR_CROSS_ENTROPY;
  b.config.network.outputs = 2;
  b.config.network.output_activation = GR_SIGMOID;
  measure(&b, outputs, 4, &none, values);
  for (int i = 0; i < 8; i++) {
    const double p = (double)outputs[i], right = targets[i] > 0 ? p : 1 - p;
    log_loss -= log(right) / 8;
    brier += (1 - right) * (1 - right) / 8;
  }
  CHECK_NEAR(values[GR_METRIC_HAMMING], 3.0 / 8);
  CHECK_NEAR(values[GR_METRIC_SUBSET_ACCURACY], 0.5);
  CHECK_NEAR(values[GR_METRIC_F1_MICRO], 2 * 2.0 / (2 * 2 + 1 + 2));
  CHECK_NEAR(values[GR_METRIC_F1], (2.0 / 4 + 2.0 / 3) / 2);
  CHECK_NEAR(values[GR_METRIC_AUC], (3.0 / 4 + 1) / 2); /* pairs in the right order, per label */
  CHECK_NEAR(values[GR_METRIC_PR_AUC], ((1 + 2.0 / 3) / 2 + 1) / 2);
  CHECK_NEAR(values[GR_METRIC_LOG_LOSS], log_loss);
  CHECK_NEAR(values[GR_METRIC_BRIER], brier);
  CU_ASSERT(isnan(values[GR_METRIC_ACCURACY]));
  gr_config_free(&b.config);
}

/* Areas from their definitions: pairs of rows; precision above each row's score. */
static gr_areas areas_by_definition(uint64_t n, const float *outputs, uint32_t column,
                                    const int32_t *label, const float *weight) {
  double pairs = 0, all = 0, yes = 0, sum = 0;
  for (uint64_t i = 0; i < n; i++) {
    const float s = outputs[i * MANY_CLASSES + column];
    double above = 0, above_yes = 0;
    if (label[i] != (int32_t)column) continue;
    for (uint64_t j = 0; j < n; j++) {
      const float t = outputs[j * MANY_CLASSES + column];
      const double w = (double)weight[j];
      if (t >= s) above += w, above_yes += label[j] == (int32_t)column ? w : 0;
      if (label[j] == (int32_t)column) continue;
      all += (double)weight[i] * w;
      pairs += (double)weight[i] * w * (s > t ? 1 : s == t ? 0.5 : 0);
    }
    yes += (double)weight[i];
    sum += (double)weight[i] * (above > 0 ? above_yes / above : 0);
  }
  return (gr_areas){pairs / all, sum / yes};
}

/* Scores on a grid, so that there are many ties; some weights are 0. */
static void make_rows(uint64_t n, float *outputs, int32_t *label, float *weight) {
  for (uint64_t i = 0; i < n; i++) {
    float sum = 0;
    for (uint32_t k = 0; k < MANY_CLASSES; k++) {
      outputs[i * MANY_CLASSES + k] =
          1 + floorf(9 * (float)gr_random_uniform(gr_test_seed(), 1, k, i));
      sum += outputs[i * MANY_CLASSES + k];
    }
    for (uint32_t k = 0; k < MANY_CLASSES; k++) outputs[i * MANY_CLASSES + k] /= sum;
    label[i] = (int32_t)(3 * gr_random_uniform(gr_test_seed(), 2, 0, i));
    weight[i] = floorf(4 * (float)gr_random_uniform(gr_test_seed(), 3, 0, i)) / 2;
  }
}

static void areas_are_those_of_pairs_of_rows_with_ties_and_weights(void) {
  enum { N = 400 };
  static float outputs[N * MANY_CLASSES], weight[N];
  static int32_t label[N];
  double values[GR_N_METRICS], roc = 0, precision = 0;
  make_rows(N, outputs, label, weight);
  bench b = classes_of(MANY_CLASSES, MANY_CLASSES, N, label, weight);
  measure(&b, outputs, N, &none, values);
  for (uint32_t k = 0; k < MANY_CLASSES; k++) {
    const gr_areas a = areas_by_definition(N, outputs, k, label, weight);
    roc += a.roc / MANY_CLASSES;
    precision += a.precision / MANY_CLASSES;
  }
  /* some 1e5 additions in double */
  CU_ASSERT_DOUBLE_EQUAL(values[GR_METRIC_AUC], roc, 1e-11);
  CU_ASSERT_DOUBLE_EQUAL(values[GR_METRIC_PR_AUC], precision, 1e-11);
  gr_config_free(&b.config);
}

static void parts_change_no_bit(void) {
  static float outputs[MOST * MANY_CLASSES], weight[MOST];
  static int32_t label[MOST];
  double whole[GR_N_METRICS], parts[GR_N_METRICS];
  make_rows(MOST, outputs, label, weight);
  bench b = classes_of(MANY_CLASSES, MANY_CLASSES, MOST, label, weight);
  measure(&b, outputs, MOST, &none, whole);
  measure(&b, outputs, 1024, &none, parts);
  for (int m = 0; m < GR_N_METRICS; m++)
    if (!(GR_METRIC_USUAL & GR_METRIC_BIT(m)))
      CU_ASSERT(memcmp(&whole[m], &parts[m], sizeof(double)) == 0);
  gr_config_free(&b.config);
}

static void metrics_that_are_not_defined_are_nan(void) {
  const float p[] = {0.3f, 0.4f};
  double values[GR_N_METRICS];
  bench b = classes_of(2, 1, 2, (const int32_t[]){0, 0}, NULL);
  measure(&b, p, 2, &none, values);
  CU_ASSERT(isnan(values[GR_METRIC_AUC]) && isnan(values[GR_METRIC_PR_AUC]));
  CU_ASSERT_EQUAL(values[GR_METRIC_MCC], 0);
  CU_ASSERT_EQUAL(values[GR_METRIC_F1], 0);
  CU_ASSERT(isnan(values[GR_METRIC_MAE]));
  gr_config_free(&b.config);
}

static void scores_that_do_not_fit_into_memory_are_refused(void) {
  gr_scores s;
  gradus_error err = {0};
  bench b = classes_of(2, 1, (uint64_t)1 << 20, NULL, NULL);
  GR_CHECK_FAILS(
      gr_scores_open(&s, &b.config, &b.p, &b.pass, GR_METRIC_BIT(GR_METRIC_AUC), 16 << 20, &err),
      GRADUS_ERR_RESOURCES, &err, "resources.memory is 16 MiB");
  gr_config_free(&b.config);
}

/* Every row's margin is 2 or -2, and 3 of 4 are on the right side: p = 3/4 needs z = ln 3. */
static void a_temperature_makes_the_probability_the_share_that_is_right(void) {
  enum { N = 4000 };
  static float z[N];
  static int32_t label[N];
  static uint64_t number[N];
  const gr_rows rows = {.n_rows = N, .class_index = label};
  gr_temperature t;
  gradus_error err = {0};
  for (int i = 0; i < N; i++) {
    z[i] = i % 2 ? 2 : -2;
    label[i] = (i % 2) ^ (i % 8 < 2);
    number[i] = (uint64_t)i;
  }
  GR_CHECK_OK(gr_temperature_fit(&rows, number, N, 1, z, &t, &err), &err);
  CU_ASSERT_DOUBLE_EQUAL(t.value, 2 / log(3), 1e-8);
  CU_ASSERT_DOUBLE_EQUAL(t.after, log(4) - 0.75 * log(3), 1e-12); /* the entropy of 3/4 */
  CU_ASSERT_DOUBLE_EQUAL(t.before, log(1 + exp(-2)) + 0.25 * 2, 1e-12);
}

/* Three classes with weights, against all temperatures on a grid, by the definition of the loss. */
static double loss_at(double temperature, uint64_t n, const float *z, const int32_t *label,
                      const float *weight) {
  double sum = 0, all = 0;
  for (uint64_t i = 0; i < n; i++) {
    double total = 0;
    for (int j = 0; j < MANY_CLASSES; j++)
      total += exp((double)z[i * MANY_CLASSES + (uint64_t)j] / temperature);
    sum += (double)weight[i] *
           (log(total) - (double)z[i * MANY_CLASSES + (uint64_t)label[i]] / temperature);
    all += (double)weight[i];
  }
  return sum / all;
}

static void no_other_temperature_has_a_smaller_loss(void) {
  enum { N = 2500 };
  static float z[N * MANY_CLASSES], weight[N];
  static int32_t label[N];
  static uint64_t number[N];
  gr_temperature t;
  gradus_error err = {0};
  make_rows(N, z, label, weight);
  for (uint64_t i = 0; i < N; i++) {
    number[i] = i;
    for (uint64_t j = 0; j < MANY_CLASSES; j++) z[i * MANY_CLASSES + j] *= 9;
    if (i % 3) z[i * MANY_CLASSES + (uint64_t)label[i]] += 4;
  }
  const gr_rows rows = {.n_rows = N, .class_index = label, .weight = weight};
  GR_CHECK_OK(gr_temperature_fit(&rows, number, N, MANY_CLASSES, z, &t, &err), &err);
  CU_ASSERT_DOUBLE_EQUAL(t.after, loss_at(t.value, N, z, label, weight), 1e-11);
  CU_ASSERT(t.after < t.before);
  for (int i = 1; i <= 60; i++) CU_ASSERT(loss_at(0.1 * i, N, z, label, weight) >= t.after - 1e-12);
  CU_ASSERT(loss_at(t.value * 1.001, N, z, label, weight) > t.after);
  CU_ASSERT(loss_at(t.value / 1.001, N, z, label, weight) > t.after);
}

static void a_fit_that_runs_away_ends_at_a_bound(void) {
  const float z[] = {1, -1, 2};
  const int32_t right[] = {1, 0, 1}, wrong[] = {0, 1, 0};
  const uint64_t number[] = {0, 1, 2};
  gr_temperature t;
  gradus_error err = {0};
  gr_rows rows = {.n_rows = 3, .class_index = right};
  GR_CHECK_OK(gr_temperature_fit(&rows, number, 3, 1, z, &t, &err), &err);
  CU_ASSERT(t.value >= GR_LEAST_TEMPERATURE && t.value < 0.03);
  rows.class_index = wrong;
  GR_CHECK_OK(gr_temperature_fit(&rows, number, 3, 1, z, &t, &err), &err);
  CU_ASSERT(t.value <= GR_MOST_TEMPERATURE && t.value > 60);
}

static gradus_status try_metric(const char *task, const char *loss, const char *metric,
                                gradus_error *err) {
  char words[3][64];
  snprintf(words[0], sizeof words[0], "data.task=%s", task);
  snprintf(words[1], sizeof words[1], "training.loss=%s", loss);
  snprintf(words[2], sizeof words[2], "training.early_stopping.metric=%s", metric);
  gr_config config = make_config(SETTINGS(words[0], words[1], words[2], NULL));
  const gradus_status status = gr_config_validate(&config, err);
  gr_config_free(&config);
  return status;
}

static void metrics_that_do_not_suit_are_refused(void) {
  gradus_error err = {0};
  GR_CHECK_FAILS(try_metric("classification", "auto", "rmse", &err), GRADUS_ERR_CONFIG, &err,
                 "is not for this data.task; there are accuracy");
  GR_CHECK_FAILS(try_metric("classification", "hinge", "ece", &err), GRADUS_ERR_CONFIG, &err,
                 "probabilities");
  GR_CHECK_FAILS(try_metric("regression", "auto", "auc", &err), GRADUS_ERR_CONFIG, &err, "rmse");
  GR_CHECK_OK(try_metric("classification", "hinge", "auc", &err), &err);
  GR_CHECK_OK(try_metric("auto", "auto", "mae", &err), &err);
}

/* The best epoch by AUC: of several that are equal the first. */
static void the_best_model_can_be_that_of_a_metric(void) {
  gr_dataset data = make_noise(300);
  gr_config config = make_config(SETTINGS("training.epochs=12", "training.metrics=f1",
                                          "training.early_stopping.metric=auc", NULL));
  gr_trainer_options options = {.run_directory = gr_test_path("judged")};
  gr_trainer *trainer = NULL;
  gr_report report;
  gradus_error err = {0};
  gr_checkpoint final = {0};
  char path[GR_RUN_FILE];
  bool finished;
  GR_CHECK_OK(gr_trainer_create(&config, &data, &options, &trainer, &err), &err);
  GR_CHECK_OK(gr_trainer_advance(trainer, UINT64_MAX, &finished, &err), &err);
  gr_trainer_report(trainer, &report);
  gr_trainer_destroy(trainer);
  gr_run_file(report.run_directory, "final.h5", path);
  GR_CHECK_OK(gr_checkpoint_read(path, &final, &err), &err);
  const gr_history *h = &final.history;
  CU_ASSERT_EQUAL_FATAL(h->n_metrics, 3);
  CU_ASSERT_STRING_EQUAL(h->metric_names[0], "accuracy");
  CU_ASSERT_STRING_EQUAL(h->metric_names[1], "f1");
  CU_ASSERT_STRING_EQUAL(h->metric_names[2], "auc");
  size_t best = 0;
  for (size_t i = 1; i < h->n_rows; i++)
    if (h->row[i].metric[2] > h->row[best].metric[2]) best = i;
  CU_ASSERT_EQUAL(report.best_epoch, best + 1);
  CU_ASSERT_EQUAL(report.best_loss, h->row[best].valid_loss);
  gr_checkpoint_free(&final);
  gr_config_free(&config);
  gr_dataset_free(&data);
}

/* A run in sessions of `steps` steps, with so many threads; its metrics.jsonl. */
static gr_text run_in_sessions(const gr_dataset *data, const char *name, uint64_t steps,
                               const char *threads, gr_report *report) {
  gr_config config = make_config(
      SETTINGS("training.epochs=9", "training.metrics=mcc,pr_auc,ece,brier,log_loss",
               "training.early_stopping.metric=auc", "training.early_stopping.patience=4",
               "training.class_weight=balanced", "data.valid_split=0.4", threads, NULL));
  gr_trainer_options options = {.run_directory = gr_test_path(name)};
  gradus_error err = {0};
  gr_text text = {0};
  char path[GR_RUN_FILE];
  bool finished = false, found;
  for (int i = 0; i < 200 && !finished; i++) {
    gr_trainer *trainer = NULL;
    if (!GR_CHECK_OK(gr_trainer_create(&config, data, &options, &trainer, &err), &err)) break;
    GR_CHECK_OK(gr_trainer_advance(trainer, steps, &finished, &err), &err);
    if (!finished) GR_CHECK_OK(gr_trainer_checkpoint(trainer, NULL, 0, &err), &err);
    gr_trainer_report(trainer, report);
    gr_trainer_destroy(trainer);
  }
  CU_ASSERT(finished);
  gr_run_file(report->run_directory, "metrics.jsonl", path);
  GR_CHECK_OK(gr_file_read(path, &text, &found, &err), &err);
  gr_text_puts(&text, "");
  gr_config_free(&config);
  return text;
}

static void interruptions_and_threads_change_no_metric(void) {
  gr_dataset data = make_noise(700);
  gr_report whole = {0}, pieces = {0};
  gr_text a = run_in_sessions(&data, "in-one-go", UINT64_MAX, "resources.threads=1", &whole),
          b = run_in_sessions(&data, "in-sessions", 17, "resources.threads=2", &pieces);
  CU_ASSERT_STRING_EQUAL(whole.digest, pieces.digest);
  CU_ASSERT_EQUAL(whole.best_epoch, pieces.best_epoch);
  CU_ASSERT(a.length > 500);
  CU_ASSERT_STRING_EQUAL(a.data, b.data);
  gr_text_free(&a);
  gr_text_free(&b);
  gr_dataset_free(&data);
}

const gr_test metrics_tests[] = {
    GR_TEST(two_classes_are_as_in_the_examples_of_scikit_learn),
    GR_TEST(several_classes_are_as_in_the_examples_of_scikit_learn),
    GR_TEST(the_calibration_error_is_that_of_fifteen_bins),
    GR_TEST(numbers_are_as_in_the_examples_of_scikit_learn),
    GR_TEST(labels_are_as_by_hand),
    GR_TEST(areas_are_those_of_pairs_of_rows_with_ties_and_weights),
    GR_TEST(parts_change_no_bit),
    GR_TEST(metrics_that_are_not_defined_are_nan),
    GR_TEST(scores_that_do_not_fit_into_memory_are_refused),
    GR_TEST(a_temperature_makes_the_probability_the_share_that_is_right),
    GR_TEST(no_other_temperature_has_a_smaller_loss),
    GR_TEST(a_fit_that_runs_away_ends_at_a_bound),
    GR_TEST(metrics_that_do_not_suit_are_refused),
    GR_TEST(the_best_model_can_be_that_of_a_metric),
    GR_TEST(interruptions_and_threads_change_no_metric),
    GR_TEST_END};
