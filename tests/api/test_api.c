/* The public interface through the shared library: every entry refuses what it cannot use, and a
 * model that was trained through it predicts. */
#include <config.h>

#include <fenv.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "gradus/gradus.h"
#include "gradus/tool.h"
#include "support/test.h"

extern const gr_test run_tests[];         /* test_api_run.c */
extern const gr_test api_metrics_tests[]; /* test_api_metrics.c */

enum { ROWS = 300 };

static gradus_recipe *make_recipe(const char *const *settings) {
  gradus_recipe *recipe = NULL;
  gradus_error err = {0};
  GR_CHECK_OK(gradus_recipe_create(NULL, &recipe, &err), &err);
  for (; *settings; settings += 2)
    GR_CHECK_OK(gradus_recipe_set(recipe, settings[0], settings[1], &err), &err);
  return recipe;
}

/* Which of three wedges of the plane a point is in; labels 1, 2, 3. */
static gradus_dataset *make_wedges(const char *const *splits) {
  static float x[ROWS][2];
  static int32_t y[ROWS];
  gradus_dataset *data = NULL;
  gradus_error err = {0};
  GR_CHECK_OK(gradus_dataset_create(2, &data, &err), &err);
  for (int i = 0; i < ROWS; i++) {
    double angle = 0.7 * i, r = 0.2 + (i % 7) / 7.0;
    x[i][0] = (float)(r * cos(angle));
    x[i][1] = (float)(r * sin(angle));
    y[i] = 1 + (int32_t)(fmod(angle, 6.2831853) / 2.0943952);
  }
  for (; *splits; splits++)
    GR_CHECK_OK(gradus_dataset_add(data, *splits, ROWS, x[0], y, NULL, 0, NULL, &err), &err);
  return data;
}

static const char *const train_and_test[] = {"train", "test", NULL};

static const char *const settings[] = {
    "network.hidden", "16", "training.epochs", "30", "optimizer.learning_rate", "0.01", NULL};

static gradus_report train(const gradus_recipe *recipe, const gradus_dataset *data,
                           const char *directory) {
  gradus_trainer_options options = {.struct_size = sizeof options, .run_directory = directory};
  gradus_report report = {.struct_size = sizeof report};
  gradus_trainer *trainer = NULL;
  gradus_error err = {0};
  GR_CHECK_OK(gradus_trainer_create(recipe, data, &options, &trainer, &err), &err);
  GR_CHECK_OK(gradus_trainer_run(trainer, &err), &err);
  GR_CHECK_OK(gradus_trainer_report(trainer, &report, &err), &err);
  gradus_trainer_destroy(trainer);
  return report;
}

static void a_trained_model_evaluates_and_predicts(void) {
  gradus_recipe *recipe = make_recipe(settings);
  gradus_dataset *data = make_wedges(train_and_test);
  gradus_report report = train(recipe, data, gr_test_path("run"));
  gradus_evaluation e = {.struct_size = sizeof e};
  gradus_model *model = NULL;
  gradus_error err = {0};
  CU_ASSERT_TRUE(report.finished);
  GR_CHECK_OK(gradus_model_load(gr_test_path("run"), &model, &err), &err);
  CU_ASSERT_STRING_EQUAL(gradus_model_path(model), report.model_path);
  CU_ASSERT(gradus_model_inputs(model) == 2 && gradus_model_outputs(model) == 3);
  CU_ASSERT_EQUAL_FATAL(gradus_model_classes(model), 3);
  CU_ASSERT_STRING_EQUAL(gradus_model_class_name(model, 2), "3");
  CU_ASSERT_PTR_NULL(gradus_model_class_name(model, 3));
  GR_CHECK_OK(gradus_model_evaluate(model, data, NULL, 2, &e, &err), &err);
  CU_ASSERT_STRING_EQUAL(e.split, "test");
  CU_ASSERT(e.rows == ROWS && e.is_classification && e.accuracy > 0.9);
  uint64_t sum = 0, diagonal = 0;
  for (int i = 0; i < 9; i++) sum += e.confusion[i];
  for (int i = 0; i < 3; i++) diagonal += e.confusion[4 * i];
  CU_ASSERT_EQUAL(sum, ROWS);
  CU_ASSERT_DOUBLE_EQUAL((double)diagonal / ROWS, e.accuracy, 1e-12);
  gradus_evaluation_free(&e);
  static const float point[2] = {0.5f, 0.5f}; /* 45 degrees: the first wedge */
  float p[3];
  GR_CHECK_OK(gradus_model_predict(model, point, 1, 1, p, &err), &err);
  CU_ASSERT(p[0] > 0.8f && fabsf(p[0] + p[1] + p[2] - 1) < 4 * 0x1p-24f);
  const char *csv = gr_test_path("predictions.csv");
  GR_CHECK_OK(gradus_model_predict_file(model, data, "test", 0, csv, 0, &err), &err);
  GR_CHECK_FAILS(gradus_model_predict_file(model, data, "test", 0, csv, 0, &err),
                 GRADUS_ERR_CANTCREATE, &err, "predictions.csv");
  gradus_model_destroy(model);
  gradus_dataset_close(data);
  gradus_recipe_destroy(recipe);
}

static void a_regression_predicts_in_its_own_units(void) {
  static float x[ROWS], y[ROWS];
  gradus_recipe *recipe = make_recipe(settings);
  gradus_dataset *data = NULL;
  gradus_model *model = NULL;
  gradus_error err = {0};
  gradus_evaluation e = {.struct_size = sizeof e};
  for (int i = 0; i < ROWS; i++) {
    x[i] = (float)i / ROWS;
    y[i] = 5000 + 300 * x[i];
  }
  GR_CHECK_OK(gradus_dataset_create(1, &data, &err), &err);
  GR_CHECK_OK(gradus_dataset_add(data, "train", ROWS, x, NULL, y, 1, NULL, &err), &err);
  train(recipe, data, gr_test_path("regression"));
  GR_CHECK_OK(gradus_model_load(gr_test_path("regression"), &model, &err), &err);
  GR_CHECK_OK(gradus_model_evaluate(model, data, "train", 0, &e, &err), &err);
  CU_ASSERT(!e.is_classification && e.r2 > 0.95);
  /* r2 = 1 - rmse^2 / variance, and the variance of y is 300^2 / 12 */
  CU_ASSERT_DOUBLE_EQUAL(e.rmse, 300 * sqrt((1 - e.r2) / 12), 0.01 * e.rmse);
  float out = 0;
  GR_CHECK_OK(gradus_model_predict(model, &x[150], 1, 0, &out, &err), &err);
  CU_ASSERT(fabsf(out - y[150]) < 60);
  CU_ASSERT(gradus_model_classes(model) == 0 && !e.confusion);
  gradus_evaluation_free(&e);
  gradus_model_destroy(model);
  gradus_dataset_close(data);
  gradus_recipe_destroy(recipe);
}

static void a_file_trains_like_the_arrays_it_was_written_from(void) {
  gradus_recipe *recipe = make_recipe(settings);
  gradus_dataset *data = make_wedges(train_and_test), *read = NULL;
  const char *path = gr_test_path("wedges.h5");
  gradus_error err = {0};
  char digest[33];
  gradus_report a = train(recipe, data, gr_test_path("arrays"));
  GR_CHECK_OK(gradus_dataset_write(data, path, 0, &err), &err);
  GR_CHECK_FAILS(gradus_dataset_write(data, path, 0, &err), GRADUS_ERR_CANTCREATE, &err, "wedges");
  GR_CHECK_OK(gradus_dataset_open(path, NULL, &read, &err), &err);
  CU_ASSERT_STRING_EQUAL(gradus_dataset_digest(read), gradus_dataset_digest(data));
  CU_ASSERT(gradus_dataset_rows(read, "test") == ROWS && gradus_dataset_rows(read, "valid") == 0);
  CU_ASSERT(gradus_dataset_columns(read) == 2 && gradus_dataset_targets(read) == 1);
  GR_CHECK_OK(gradus_train(recipe, path, gr_test_path("file"), &err), &err);
  GR_CHECK_OK(gradus_digest(gr_test_path("file/final.h5"), digest, &err), &err);
  CU_ASSERT_STRING_EQUAL(digest, a.digest);
  GR_CHECK_OK(gradus_digest(path, digest, &err), &err);
  CU_ASSERT_STRING_EQUAL(digest, gradus_dataset_digest(data));
  gradus_dataset_close(read);
  gradus_dataset_close(data);
  gradus_recipe_destroy(recipe);
}

static void steps_taken_one_by_one_end_like_a_run(void) {
  gradus_recipe *recipe = make_recipe(settings);
  gradus_dataset *data = make_wedges(train_and_test);
  gradus_report whole = train(recipe, data, gr_test_path("in-one-go"));
  gradus_report report = {.struct_size = sizeof report};
  gradus_trainer_options options = {.struct_size = sizeof options,
                                    .run_directory = gr_test_path("stepwise")};
  gradus_trainer *t = NULL;
  gradus_error err = {0};
  int finished = 0;
  char path[1200], tiny[4];
  GR_CHECK_OK(gradus_trainer_create(recipe, data, &options, &t, &err), &err);
  for (int i = 0; i < 1000 && !finished; i++)
    GR_CHECK_OK(gradus_trainer_step(t, 1, &finished, &err), &err);
  GR_CHECK_OK(gradus_trainer_report(t, &report, &err), &err);
  CU_ASSERT(finished && report.finished);
  CU_ASSERT_STRING_EQUAL(report.digest, whole.digest);
  GR_CHECK_OK(gradus_trainer_checkpoint(t, path, sizeof path, &err), &err);
  GR_CHECK_OK(gradus_checkpoint_verify(path, &err), &err);
  GR_CHECK_FAILS(gradus_trainer_checkpoint(t, tiny, sizeof tiny, &err), GRADUS_ERR_USAGE, &err,
                 "bytes");
  gradus_trainer_destroy(t);
  gradus_dataset_close(data);
  gradus_recipe_destroy(recipe);
}

static void a_caller_who_rounds_upward_trains_the_same_bits(void) {
  gradus_dataset *data = make_wedges(train_and_test);
  gradus_recipe *recipe = make_recipe(settings);
  gradus_report nearest = train(recipe, data, gr_test_path("nearest"));
  gradus_recipe_destroy(recipe);
  CU_ASSERT_EQUAL(fesetround(FE_UPWARD), 0);
  recipe = make_recipe(settings);
  gradus_report upward = train(recipe, data, gr_test_path("upward"));
  CU_ASSERT_EQUAL(fegetround(), FE_UPWARD);
  CU_ASSERT_EQUAL(fesetround(FE_TONEAREST), 0);
  CU_ASSERT_STRING_EQUAL(nearest.digest, upward.digest);
  CU_ASSERT_EQUAL(memcmp(&nearest.train_loss, &upward.train_loss, sizeof(double)), 0);
  CU_ASSERT_EQUAL(memcmp(&nearest.best_loss, &upward.best_loss, sizeof(double)), 0);
  gradus_recipe_destroy(recipe);
  gradus_dataset_close(data);
}

/* 300 rows in batches of 128: 3 steps an epoch, 10 % held out. */
static void steps_of_bench_end_like_a_run(void) {
  gradus_dataset *data = make_wedges(train_and_test);
  gradus_recipe *recipe = make_recipe(settings);
  gradus_bench_result result = {.struct_size = sizeof result};
  gradus_error err = {0};
  const gradus_report run = train(recipe, data, gr_test_path("benched"));
  const gradus_bench_options options = {.struct_size = sizeof options,
                                        .recipe = recipe,
                                        .dataset = data,
                                        .threads = 2,
                                        .steps = run.steps,
                                        .digest = 1};
  CU_ASSERT_EQUAL(fesetround(FE_UPWARD), 0);
  GR_CHECK_OK(gradus_bench(&options, &result, &err), &err);
  CU_ASSERT_EQUAL(fegetround(), FE_UPWARD);
  CU_ASSERT_EQUAL(fesetround(FE_TONEAREST), 0);
  CU_ASSERT_STRING_EQUAL(run.digest, result.digest);
  CU_ASSERT_EQUAL(result.steps, run.steps);
  CU_ASSERT_EQUAL(result.n_layers, 3);
  CU_ASSERT(result.layers[0] == 2 && result.layers[1] == 16 && result.layers[2] == 3);
  CU_ASSERT(result.best_us > 0 && result.best_us <= result.step_us && result.peak_gflops > 0);
  CU_ASSERT(isnan(result.bandwidth_gbs) && isnan(result.phase_us[0]) && !*result.limit);
  gradus_recipe_destroy(recipe);
  gradus_dataset_close(data);
}

static void bench_refuses_what_it_cannot_time(void) {
  gradus_recipe *recipe = make_recipe(settings);
  gradus_bench_options options = {.struct_size = sizeof options};
  gradus_bench_result result = {.struct_size = 0};
  gradus_error err = {0};
  char *plan = NULL;
  GR_CHECK_FAILS(gradus_bench(&options, &result, &err), GRADUS_ERR_USAGE, &err, "struct_size");
  result.struct_size = sizeof result;
  GR_CHECK_FAILS(gradus_bench(&options, &result, &err), GRADUS_ERR_USAGE, &err, "recipe");
  GR_CHECK_FAILS(gradus_bench(NULL, &result, &err), GRADUS_ERR_USAGE, &err, "options");
  options.recipe = recipe;
  GR_CHECK_FAILS(gradus_bench(&options, &result, &err), GRADUS_ERR_USAGE, &err, "network.inputs");
  GR_CHECK_FAILS(gradus_bench_plan(&options, &plan, &err), GRADUS_ERR_USAGE, &err,
                 "network.inputs");
  CU_ASSERT_PTR_NULL(plan);
  options.digest = 1;
  GR_CHECK_FAILS(gradus_bench(&options, &result, &err), GRADUS_ERR_USAGE, &err, "steps");
  CU_ASSERT_STRING_EQUAL(gradus_bench_phase(0), "gather");
  CU_ASSERT_PTR_NULL(gradus_bench_phase(GRADUS_BENCH_PHASES));
  gradus_recipe_destroy(recipe);
}

static void count_call(const gradus_progress *progress, void *user) {
  if (progress->epoch_finished) ++*(int *)user;
}

static void progress_and_plan_are_told(void) {
  gradus_recipe *recipe = make_recipe(settings);
  gradus_dataset *data = make_wedges(train_and_test);
  gradus_trainer *t = NULL;
  gradus_error err = {0};
  int epochs = 0;
  char *text = NULL;
  gradus_trainer_options options = {.struct_size = sizeof options,
                                    .run_directory = gr_test_path("told"),
                                    .on_progress = count_call,
                                    .user = &epochs};
  GR_CHECK_OK(gradus_trainer_create(recipe, data, &options, &t, &err), &err);
  GR_CHECK_OK(gradus_trainer_plan(t, &text, &err), &err);
  CU_ASSERT_PTR_NOT_NULL(strstr(text, "3 classes"));
  gradus_text_free(text);
  GR_CHECK_OK(gradus_trainer_recipe(t, &text, &err), &err);
  CU_ASSERT_PTR_NOT_NULL(strstr(text, "outputs: 3"));
  gradus_text_free(text);
  GR_CHECK_OK(gradus_trainer_run(t, &err), &err);
  CU_ASSERT_EQUAL(epochs, 30);
  gradus_trainer_destroy(t);
  gradus_dataset_close(data);
  gradus_recipe_destroy(recipe);
}

static void inspect_tells_data_checkpoints_and_runs_apart(void) {
  gradus_recipe *recipe = make_recipe(settings);
  gradus_dataset *data = make_wedges(train_and_test);
  gradus_error err = {0};
  char *text = NULL;
  train(recipe, data, gr_test_path("inspected"));
  GR_CHECK_OK(gradus_dataset_write(data, gr_test_path("inspected.h5"), 0, &err), &err);
  static const struct {
    const char *file, *words;
  } expected[] = {
      {"inspected.h5", "\"kind\":\"dataset\""},
      {"inspected/final.h5", "\"kind\":\"checkpoint\""},
      {"inspected", "\"kind\":\"run\""},
      {"inspected", "\"finished\":true"},
      {"inspected", "\"layers\":[{\"inputs\":2,\"outputs\":16,\"activation\":\"relu\"}"}};
  for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
    GR_CHECK_OK(gradus_inspect(gr_test_path(expected[i].file), 1, &text, &err), &err);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, expected[i].words));
    gradus_text_free(text);
    GR_CHECK_OK(gradus_inspect(gr_test_path(expected[i].file), 0, &text, &err), &err);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "digest: "));
    gradus_text_free(text);
  }
  gradus_dataset_close(data);
  gradus_recipe_destroy(recipe);
}

static void files_that_are_not_what_they_should_be_are_refused(void) {
  gradus_error err = {0};
  gradus_model *model = (gradus_model *)&err;
  char *text = NULL, digest[33];
  const char *path = gr_test_path("not-hdf5.h5");
  FILE *file = fopen(path, "w");
  CU_ASSERT_PTR_NOT_NULL_FATAL(file);
  fputs("hello", file);
  CU_ASSERT_EQUAL(fclose(file), 0);
  GR_CHECK_FAILS(gradus_inspect(path, 0, &text, &err), GRADUS_ERR_DATA, &err, "not-hdf5.h5");
  GR_CHECK_FAILS(gradus_digest(path, digest, &err), GRADUS_ERR_DATA, &err, "not-hdf5.h5");
  CU_ASSERT(gradus_model_load(path, &model, &err) != GRADUS_OK);
  CU_ASSERT_PTR_NULL(model);
  GR_CHECK_FAILS(gradus_model_load(gr_test_path("nowhere"), &model, &err), GRADUS_ERR_NOINPUT, &err,
                 "nowhere");
  GR_CHECK_FAILS(gradus_model_load(gr_test_directory(), &model, &err), GRADUS_ERR_NOINPUT, &err,
                 "holds no model");
  GR_CHECK_FAILS(gradus_train(NULL, "x", NULL, &err), GRADUS_ERR_USAGE, &err, "recipe is NULL");
}

/* Every pointer that an entry needs, as NULL. */
static void missing_arguments_are_refused(void) {
  gradus_recipe *recipe = make_recipe(settings);
  gradus_dataset *data;
  gradus_trainer *trainer;
  gradus_model *model;
  gradus_evaluation evaluation = {.struct_size = sizeof evaluation};
  gradus_report report = {0};
  gradus_error err = {0};
  float x[2] = {0, 0};
  char text[64], *whole;
  gradus_key key;
  const gradus_status calls[] = {
      gradus_recipe_create(NULL, NULL, &err),
      gradus_recipe_set(NULL, "a", "b", &err),
      gradus_recipe_set(recipe, NULL, "b", &err),
      gradus_recipe_set(recipe, "a", NULL, &err),
      gradus_recipe_preset(recipe, NULL, &err),
      gradus_recipe_read(recipe, NULL, &err),
      gradus_recipe_get(recipe, "training.seed", NULL, 1, &err),
      gradus_recipe_get(recipe, "training.seed", text, 1, &err),
      gradus_recipe_text(recipe, NULL, &err),
      gradus_recipe_text(NULL, &whole, NULL),
      gradus_key_at(gradus_key_count(), &key),
      gradus_key_at(0, NULL),
      gradus_dataset_open(NULL, NULL, &data, NULL),
      gradus_dataset_open("x", NULL, NULL, &err),
      gradus_dataset_create(0, NULL, &err),
      gradus_dataset_add(NULL, "train", 1, x, NULL, NULL, 0, NULL, &err),
      gradus_dataset_write(NULL, "x", 0, &err),
      gradus_trainer_create(NULL, NULL, NULL, &trainer, &err),
      gradus_trainer_create(recipe, NULL, NULL, &trainer, &err),
      gradus_trainer_create(recipe, NULL, NULL, NULL, &err),
      gradus_trainer_run(NULL, &err),
      gradus_trainer_step(NULL, 1, NULL, &err),
      gradus_trainer_checkpoint(NULL, NULL, 0, &err),
      gradus_trainer_report(NULL, &report, &err),
      gradus_trainer_recipe(NULL, &whole, &err),
      gradus_trainer_plan(NULL, &whole, &err),
      gradus_model_load(NULL, &model, &err),
      gradus_model_load("x", NULL, &err),
      gradus_model_predict(NULL, x, 1, 0, x, &err),
      gradus_model_evaluate(NULL, NULL, NULL, 0, &evaluation, &err),
      gradus_model_predict_file(NULL, NULL, NULL, 0, "-", 0, &err),
      gradus_run_look(NULL, NULL, &err),
      gradus_run_look("x", NULL, &err),
      gradus_run_stop(NULL, &err),
      gradus_checkpoint_verify(NULL, &err),
      gradus_checkpoint_seal(NULL, &err),
      gradus_inspect(NULL, 0, &whole, &err),
      gradus_inspect("x", 0, NULL, &err),
      gradus_digest(NULL, text, &err),
      gradus_digest("x", NULL, &err),
  };
  for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
    CU_ASSERT_EQUAL(calls[i], GRADUS_ERR_USAGE);
  gradus_recipe_destroy(recipe);
}

static void destroying_nothing_is_harmless(void) {
  gradus_recipe_destroy(NULL);
  gradus_dataset_close(NULL);
  gradus_trainer_destroy(NULL);
  gradus_model_destroy(NULL);
  gradus_evaluation_free(NULL);
  gradus_text_free(NULL);
  gradus_trainer_request_stop(NULL);
  gradus_trainer_request_checkpoint(NULL);
  CU_ASSERT_EQUAL(gradus_dataset_rows(NULL, "train"), 0);
  CU_ASSERT_EQUAL(gradus_model_inputs(NULL), 0);
  CU_ASSERT_PTR_NULL(gradus_model_class_name(NULL, 0));
  CU_ASSERT_STRING_EQUAL(gradus_dataset_digest(NULL), "");
}

static void structures_without_a_size_are_refused(void) {
  gradus_recipe *recipe = make_recipe(settings);
  gradus_dataset *data = make_wedges(train_and_test), *other = NULL;
  gradus_trainer_options options = {0};
  gradus_dataset_options layout = {0};
  gradus_trainer *t = NULL;
  gradus_error err = {0};
  GR_CHECK_FAILS(gradus_trainer_create(recipe, data, &options, &t, &err), GRADUS_ERR_USAGE, &err,
                 "struct_size");
  GR_CHECK_FAILS(gradus_dataset_open("x", &layout, &other, &err), GRADUS_ERR_USAGE, &err,
                 "struct_size");
  gradus_dataset_close(data);
  gradus_recipe_destroy(recipe);
}

static void arrays_that_contradict_themselves_are_refused(void) {
  static const float x[4] = {0, 1, 2, 3};
  static const int32_t y[2] = {0, 1};
  gradus_dataset *data = NULL;
  gradus_error err = {0};
  GR_CHECK_FAILS(gradus_dataset_create(0, &data, &err), GRADUS_ERR_USAGE, &err, "columns");
  GR_CHECK_OK(gradus_dataset_create(2, &data, &err), &err);
  GR_CHECK_FAILS(gradus_dataset_add(data, "trian", 2, x, y, NULL, 0, NULL, &err), GRADUS_ERR_USAGE,
                 &err, "trian");
  GR_CHECK_FAILS(gradus_dataset_add(data, "train", 2, x, y, x, 1, NULL, &err), GRADUS_ERR_USAGE,
                 &err, "not both");
  GR_CHECK_FAILS(gradus_dataset_add(data, "train", 2, x, NULL, x, 0, NULL, &err), GRADUS_ERR_USAGE,
                 &err, "n_targets");
  GR_CHECK_FAILS(gradus_dataset_add(data, "train", 0, x, y, NULL, 0, NULL, &err), GRADUS_ERR_USAGE,
                 &err, "one row");
  GR_CHECK_OK(gradus_dataset_add(data, "train", 2, x, y, NULL, 0, NULL, &err), &err);
  GR_CHECK_FAILS(gradus_dataset_add(data, "train", 2, x, y, NULL, 0, NULL, &err), GRADUS_ERR_USAGE,
                 &err, "already");
  gradus_dataset_close(data);
}

static void the_key_table_is_complete(void) {
  gradus_error err = {0};
  gradus_recipe *recipe = NULL;
  char value[256];
  GR_CHECK_OK(gradus_recipe_create("default", &recipe, &err), &err);
  CU_ASSERT(gradus_key_count() > 20);
  for (size_t i = 0; i < gradus_key_count(); i++) {
    gradus_key key;
    CU_ASSERT_EQUAL_FATAL(gradus_key_at(i, &key), GRADUS_OK);
    CU_ASSERT(key.help && key.help[0] && key.type[0] && key.part[0]);
    CU_ASSERT((strcmp(key.type, "choice") == 0 || strcmp(key.type, "set") == 0) ==
              (key.choices != NULL));
    GR_CHECK_OK(gradus_recipe_get(recipe, key.name, value, sizeof value, &err), &err);
    GR_CHECK_OK(gradus_recipe_set(recipe, key.name, key.default_value, &err), &err);
  }
  GR_CHECK_FAILS(gradus_recipe_set(recipe, "training.batchsize", "3", &err), GRADUS_ERR_CONFIG,
                 &err, "training.batch_size");
  CU_ASSERT_STRING_EQUAL(gradus_preset_name(0), "default");
  CU_ASSERT_PTR_NOT_NULL(gradus_preset_help(0));
  CU_ASSERT_PTR_NULL(gradus_preset_name(1000));
  gradus_recipe_destroy(recipe);
}

static void the_library_is_of_the_version_of_its_headers(void) {
  char version[32];
  snprintf(version, sizeof version, "%d.%d.%d", GRADUS_VERSION_MAJOR, GRADUS_VERSION_MINOR,
           GRADUS_VERSION_PATCH);
  CU_ASSERT_STRING_EQUAL(gradus_version(), version);
  CU_ASSERT_EQUAL(gradus_status_exit_code(GRADUS_ERR_STOPPED), 75);
  CU_ASSERT_STRING_EQUAL(gradus_status_name(GRADUS_ERR_DATA), "GRADUS_ERR_DATA");
  CU_ASSERT_PTR_NOT_NULL(gradus_status_text((gradus_status)-999));
}

static const gr_test api_tests[] = {GR_TEST(a_trained_model_evaluates_and_predicts),
                                    GR_TEST(a_regression_predicts_in_its_own_units),
                                    GR_TEST(a_file_trains_like_the_arrays_it_was_written_from),
                                    GR_TEST(steps_taken_one_by_one_end_like_a_run),
                                    GR_TEST(a_caller_who_rounds_upward_trains_the_same_bits),
                                    GR_TEST(steps_of_bench_end_like_a_run),

                                    GR_TEST(bench_refuses_what_it_cannot_time),
                                    GR_TEST(progress_and_plan_are_told),
                                    GR_TEST(inspect_tells_data_checkpoints_and_runs_apart),
                                    GR_TEST(files_that_are_not_what_they_should_be_are_refused),
                                    GR_TEST(missing_arguments_are_refused),
                                    GR_TEST(destroying_nothing_is_harmless),
                                    GR_TEST(structures_without_a_size_are_refused),
                                    GR_TEST(arrays_that_contradict_themselves_are_refused),
                                    GR_TEST(the_key_table_is_complete),
                                    GR_TEST(the_library_is_of_the_version_of_its_headers),
                                    GR_TEST_END};

int main(int argc, char **argv) {
  static const gr_suite suites[] = {
      {"api", api_tests}, {"run", run_tests}, {"metrics", api_metrics_tests}, {NULL, NULL}};
  gradus_prepare_process();
  return gr_test_main(argc, argv, suites);
}
