/* Runs as their users meet them: refusals that leave everything as it was, early stopping, numbers
 * that are not finite, weights. */
#include <config.h>

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "store/checkpoint.h"
#include "train/data.h"
#include "train/files.h"
#include "train/test_train.h"
#include "train/trainer.h"

/* Creates a trainer, or checks that it is refused. */
static gr_trainer *start(const gr_dataset *data, const char *const *settings,
                         const gr_trainer_options *options, gradus_status wanted,
                         const char *word) {
  gr_config config = make_config(settings);
  gr_trainer *trainer = NULL;
  gradus_error err = {0};
  gradus_status got = gr_trainer_create(&config, data, options, &trainer, &err);
  if (wanted == GRADUS_OK)
    GR_CHECK_OK(got, &err);
  else
    GR_CHECK_FAILS(got, wanted, &err, word);
  gr_config_free(&config);
  return trainer;
}

/* Trains to the end and returns what came of it. */
static gr_report train(const gr_dataset *data, const char *const *settings, const char *name) {
  gr_report report = {0};
  gradus_error err = {0};
  bool finished = false;
  gr_trainer_options options = {.run_directory = gr_test_path(name)};
  gr_trainer *t = start(data, settings, &options, GRADUS_OK, NULL);
  if (!t) return report;
  GR_CHECK_OK(gr_trainer_advance(t, UINT64_MAX, &finished, &err), &err);
  CU_ASSERT_TRUE(finished);
  gr_trainer_report(t, &report);
  gr_trainer_destroy(t);
  return report;
}

/* Everything that a directory listing with contents would tell of a run's small files. */
static gr_text read_file(const char *directory, const char *name) {
  gr_text text = {0};
  bool found;
  gradus_error err = {0};
  char path[GR_RUN_FILE];
  gr_run_file(directory, name, path);
  GR_CHECK_OK(gr_file_read(path, &text, &found, &err), &err);
  gr_text_puts(&text, "");
  return text;
}

static void a_run_learns_spirals_and_friends(void) {
  gr_dataset spirals = make_spirals(400, 2), regression = make_regression(400);
  gr_report a = train(
      &spirals,
      SETTINGS("training.epochs=40", "network.hidden=32,32", "optimizer.learning_rate=0.01", NULL),
      "learn-a");
  gr_report b = train(
      &regression,
      SETTINGS("training.epochs=40", "network.hidden=32", "optimizer.learning_rate=0.01", NULL),
      "learn-b");
  gr_text a_lines = read_file(a.run_directory, "metrics.jsonl");
  CU_ASSERT(a.best_loss < 0.2);  /* ln 2 = 0.69 is what knowing nothing costs */
  CU_ASSERT(b.best_loss < 0.02); /* 0.5 is what the mean costs */
  CU_ASSERT_PTR_NOT_NULL(strstr(a_lines.data, "\"accuracy\":"));
  CU_ASSERT_PTR_NOT_NULL(strstr(a_lines.data, "{\"event\":\"final\",\"epoch\":40,"));
  CU_ASSERT_PTR_NOT_NULL(strstr(a.model_path, "/best.h5"));
  gr_text_free(&a_lines);
  gr_dataset_free(&spirals);
  gr_dataset_free(&regression);
}

static void a_finished_run_says_so_and_goes_on_only_for_more_epochs(void) {
  gr_dataset data = make_spirals(60, 3);
  gr_report first = train(&data, SETTINGS(NULL), "finished");
  gr_text lines = read_file(first.run_directory, "metrics.jsonl");
  gr_report again = train(&data, SETTINGS(NULL), "finished");
  gr_text same = read_file(first.run_directory, "metrics.jsonl");
  CU_ASSERT_STRING_EQUAL(lines.data, same.data);
  CU_ASSERT_STRING_EQUAL(first.digest, again.digest);
  gr_report grown = train(&data, SETTINGS("training.epochs=5", NULL), "finished");
  gr_report whole = train(&data, SETTINGS("training.epochs=5", NULL), "whole");
  gr_text grown_lines = read_file(grown.run_directory, "metrics.jsonl");
  gr_text whole_lines = read_file(whole.run_directory, "metrics.jsonl");
  CU_ASSERT_STRING_EQUAL(grown.digest, whole.digest);
  CU_ASSERT_STRING_EQUAL(grown_lines.data, whole_lines.data);
  gr_text_free(&lines);
  gr_text_free(&same);
  gr_text_free(&grown_lines);
  gr_text_free(&whole_lines);
  gr_dataset_free(&data);
}

static void another_recipe_or_other_data_are_refused(void) {
  gr_dataset data = make_spirals(60, 3), other = make_spirals(61, 3);
  gr_report run = train(&data, SETTINGS(NULL), "other");
  gr_text before = read_file(run.run_directory, "recipe.yaml");
  gr_trainer_options options = {.run_directory = run.run_directory};
  start(&data, SETTINGS("optimizer.learning_rate=0.5", "training.seed=3", NULL), &options,
        GRADUS_ERR_CONFIG, "training.seed: 1 -> 3;");
  start(&data, SETTINGS("optimizer.learning_rate=0.5", NULL), &options, GRADUS_ERR_CONFIG,
        "optimizer.learning_rate: 0.001 -> 0.5");
  start(&data, SETTINGS("training.epochs=2", NULL), &options, GRADUS_ERR_CONFIG,
        "training.epochs: 3 -> 2");
  start(&other, SETTINGS(NULL), &options, GRADUS_ERR_DATA, "other data");
  options.fresh = true;
  start(&data, SETTINGS(NULL), &options, GRADUS_ERR_CANTCREATE, "holds a run already");
  gr_text after = read_file(run.run_directory, "recipe.yaml");
  CU_ASSERT_STRING_EQUAL(before.data, after.data);
  CU_ASSERT_STRING_EQUAL(train(&data, SETTINGS(NULL), "other").digest, run.digest);
  gr_text_free(&before);
  gr_text_free(&after);
  gr_dataset_free(&data);
  gr_dataset_free(&other);
}

static void a_directory_in_use_names_its_holder(void) {
  gr_dataset data = make_spirals(60, 3);
  gr_trainer_options options = {.run_directory = gr_test_path("busy")};
  gr_trainer *first = start(&data, SETTINGS(NULL), &options, GRADUS_OK, NULL);
  char holder[64];
  snprintf(holder, sizeof holder, "in use by process %ld on ", (long)getpid());
  start(&data, SETTINGS(NULL), &options, GRADUS_ERR_BUSY, holder);
  gr_trainer_destroy(first);
  gr_trainer_destroy(start(&data, SETTINGS(NULL), &options, GRADUS_OK, NULL));
  gr_dataset_free(&data);
}

static void a_directory_that_cannot_be_made_is_named(void) {
  gr_dataset data = make_spirals(60, 3);
  char path[5000];
  snprintf(path, sizeof path, "%s", gr_test_path("a-file"));
  FILE *file = fopen(path, "w");
  CU_ASSERT_PTR_NOT_NULL_FATAL(file);
  CU_ASSERT_EQUAL(fclose(file), 0);
  gr_trainer_options options = {.run_directory = path};
  start(&data, SETTINGS(NULL), &options, GRADUS_ERR_CANTCREATE, "a-file");
  strcat(path, "/below");
  start(&data, SETTINGS(NULL), &options, GRADUS_ERR_CANTCREATE, "a-file");
  gr_dataset_free(&data);
}

static void without_a_name_the_directory_follows_recipe_and_data(void) {
  char a[GR_RUN_PATH], b[GR_RUN_PATH];
  gradus_error err = {0};
  GR_CHECK_OK(gr_run_default_path("/tmp/my.digits.h5", "0123456789abcdef", "00000000ff", a, &err),
              &err);
  CU_ASSERT_STRING_EQUAL(a, "runs/my.digits-01234567");
  GR_CHECK_OK(gr_run_default_path(NULL, "00000001", "f0000000", b, &err), &err);
  CU_ASSERT_STRING_EQUAL(b, "runs/data-f0000001");
}

/* Weights that do not change are equally good after every epoch. */
static void of_equal_epochs_the_first_or_the_last_is_best(void) {
  gr_dataset data = make_noise(60);
  const gr_report first =
                      train(&data, SETTINGS("training.epochs=4", "optimizer.learning_rate=0", NULL),
                            "first-of-equals"),
                  last = train(&data,
                               SETTINGS("training.epochs=4", "optimizer.learning_rate=0",
                                        "training.early_stopping.ties=last", NULL),
                               "last-of-equals");
  CU_ASSERT_EQUAL(first.best_epoch, 1);
  CU_ASSERT_EQUAL(last.best_epoch, 4);
  gr_dataset_free(&data);
}

static void early_stopping_keeps_the_best_epoch(void) {
  gr_dataset data = make_noise(200);
  const char *const *settings =
      SETTINGS("training.epochs=200", "network.hidden=32", "optimizer.learning_rate=0.05",
               "training.early_stopping.patience=3", NULL);
  gr_report run = train(&data, settings, "early");
  gr_checkpoint best = {0}, final = {0};
  gradus_error err = {0};
  char path[GR_RUN_FILE];
  CU_ASSERT_TRUE(run.stopped_early);
  CU_ASSERT_EQUAL(run.epochs, run.best_epoch + 3);
  gr_run_file(run.run_directory, "best.h5", path);
  GR_CHECK_OK(gr_checkpoint_read(path, &best, &err), &err);
  gr_run_file(run.run_directory, "final.h5", path);
  GR_CHECK_OK(gr_checkpoint_read(path, &final, &err), &err);
  CU_ASSERT_EQUAL(best.state.epoch, run.best_epoch);
  CU_ASSERT_EQUAL(best.history.n_rows, run.best_epoch);
  CU_ASSERT_EQUAL(best.history.row[best.history.n_rows - 1].valid_loss, run.best_loss);
  CU_ASSERT_PTR_NOT_NULL_FATAL(final.best_parameters);
  CU_ASSERT(memcmp(best.model.parameters, final.best_parameters,
                   best.model.network.n_parameters * sizeof(float)) == 0);
  CU_ASSERT(memcmp(best.model.parameters, final.model.parameters,
                   best.model.network.n_parameters * sizeof(float)) != 0);
  for (size_t i = 0; i < final.history.n_rows; i++)
    CU_ASSERT(final.history.row[i].valid_loss >= run.best_loss);
  /* more epochs would have stopped at the same place */
  gr_report more =
      train(&data,
            SETTINGS("training.epochs=300", "network.hidden=32", "optimizer.learning_rate=0.05",
                     "training.early_stopping.patience=3", NULL),
            "early");
  CU_ASSERT_EQUAL(more.steps, run.steps);
  gr_checkpoint_free(&best);
  gr_checkpoint_free(&final);
  gr_dataset_free(&data);
}

static void a_loss_that_explodes_stops_the_run_and_spares_the_last_checkpoint(void) {
  gr_dataset data = make_regression(64);
  gr_trainer_options options = {.run_directory = gr_test_path("explodes")};
  gr_trainer *t = start(&data,
                        SETTINGS("optimizer.name=sgd", "optimizer.learning_rate=1000",
                                 "checkpoint.every=0s", "training.epochs=1000", NULL),
                        &options, GRADUS_OK, NULL);
  gradus_error err = {0};
  bool finished = true, found = false;
  gr_checkpoint last = {0};
  GR_CHECK_FAILS(gr_trainer_advance(t, UINT64_MAX, &finished, &err), GRADUS_ERR_NONFINITE, &err,
                 "layer");
  CU_ASSERT_FALSE(finished);
  CU_ASSERT_PTR_NOT_NULL(strstr(err.message, "/checkpoints/step-"));
  GR_CHECK_OK(
      gr_checkpoint_newest(gr_test_path("explodes/checkpoints"), NULL, &last, &found, NULL, &err),
      &err);
  CU_ASSERT_TRUE_FATAL(found);
  for (size_t i = 0; i < last.model.network.n_parameters; i++)
    CU_ASSERT(isfinite(last.model.parameters[i]));
  CU_ASSERT_FALSE(gr_file_exists(gr_test_path("explodes/final.h5")));
  gr_checkpoint_free(&last);
  gr_trainer_destroy(t);
  gr_dataset_free(&data);
}

/* One step of gradient descent over all rows: weight 2 or the row twice, weight 0 or no row. The
 * sums run over 24 and 30 rows in another order: they agree to some 30 rounding errors. */
static void a_weight_of_two_is_a_row_given_twice(void) {
  enum { N = 24, TWICE = 8, NEVER = 2 };
  const char *const *settings =
      SETTINGS("optimizer.name=sgd", "training.epochs=1", "training.batch_size=64",
               "data.valid_split=0", "data.standardize=none", "optimizer.learning_rate=0.5", NULL);
  gr_dataset weighted = make_spirals(N, 3), plain = make_spirals(N + TWICE - NEVER, 3);
  const float *x = weighted.split[GR_TRAIN].x;
  const int32_t *y = weighted.split[GR_TRAIN].y;
  float *w = gr_calloc(N, sizeof *w), *px = plain.split[GR_TRAIN].x;
  int32_t *py = plain.split[GR_TRAIN].y;
  size_t to = 0;
  for (size_t i = 0; i < N; i++) {
    int times = i < TWICE ? 2 : i < TWICE + NEVER ? 0 : 1;
    w[i] = (float)times;
    for (; times > 0; times--, to++) {
      memcpy(px + 2 * to, x + 2 * i, 2 * sizeof *x);
      py[to] = y[i];
    }
  }
  weighted.split[GR_TRAIN].weight = w;
  CU_ASSERT_EQUAL(gr_dataset_digest(&weighted, NULL), GRADUS_OK);
  CU_ASSERT_EQUAL(gr_dataset_digest(&plain, NULL), GRADUS_OK);
  gr_report a = train(&weighted, settings, "weighted"), b = train(&plain, settings, "plain");
  gr_checkpoint ca = {0}, cb = {0};
  gradus_error err = {0};
  GR_CHECK_OK(gr_checkpoint_read(a.model_path, &ca, &err), &err);
  GR_CHECK_OK(gr_checkpoint_read(b.model_path, &cb, &err), &err);
  CU_ASSERT(fabs(a.train_loss - b.train_loss) < 1e-6);
  for (size_t i = 0; i < ca.model.network.n_parameters; i++)
    CU_ASSERT(fabsf(ca.model.parameters[i] - cb.model.parameters[i]) < 32 * 0x1p-24f);
  gr_checkpoint_free(&ca);
  gr_checkpoint_free(&cb);
  gr_dataset_free(&weighted);
  gr_dataset_free(&plain);
}

static void one_hot_rows_train_to_the_same_digest_as_integers(void) {
  enum { N = 60 };
  gr_dataset data = make_spirals(N, 3);
  const char *const *settings = SETTINGS(NULL);
  gr_report integers = train(&data, settings, "integers");
  float hot[N * 3] = {0};
  for (int i = 0; i < N; i++) hot[3 * i + ((const int32_t *)data.split[GR_TRAIN].y)[i]] = 1;
  set_labels(&data, GR_F32, 3, hot);
  gr_report columns = train(&data, settings, "one-hot");
  CU_ASSERT_STRING_EQUAL(integers.digest, columns.digest);
  gr_dataset_free(&data);
}

static void many_targets_are_measured_like_few(void) {
  enum { N = 1500, K = 6 };
  gr_dataset data = make_regression(N);
  float *y = gr_alloc(N * K, sizeof *y);
  for (size_t i = 0; i < N; i++)
    for (size_t k = 0; k < K; k++) y[i * K + k] = ((const float *)data.split[GR_TRAIN].y)[i];
  gr_report one = train(&data, SETTINGS("training.epochs=1", NULL), "one-target");
  set_labels(&data, GR_F32, K, y);
  gr_report many = train(&data, SETTINGS("training.epochs=1", NULL), "many-targets");
  gr_text a = read_file(one.run_directory, "metrics.csv");
  gr_text b = read_file(many.run_directory, "metrics.csv");
  CU_ASSERT_PTR_NOT_NULL(strstr(b.data, "rmse,r2"));
  /* six losses instead of one, each near 0.5 at the start */
  CU_ASSERT(many.valid_loss > 2 * one.valid_loss && isfinite(many.valid_loss));
  CU_ASSERT_PTR_NULL(strstr(b.data, ",,"));
  gr_text_free(&a);
  gr_text_free(&b);
  gr_free(y);
  gr_dataset_free(&data);
}

static void a_dry_run_leaves_no_trace(void) {
  gr_dataset data = make_spirals(60, 3);
  gr_trainer_options options = {.run_directory = gr_test_path("dry"), .dry_run = true};
  gr_trainer *t = start(&data, SETTINGS(NULL), &options, GRADUS_OK, NULL);
  gr_text plan = {0};
  gradus_error err = {0};
  bool finished;
  gr_trainer_describe(t, &plan);
  CU_ASSERT_PTR_NOT_NULL(strstr(plan.data, "3 classes"));
  GR_CHECK_FAILS(gr_trainer_advance(t, 1, &finished, &err), GRADUS_ERR_USAGE, &err, "dry run");
  CU_ASSERT_FALSE(gr_file_exists(gr_test_path("dry")));
  gr_text_free(&plan);
  gr_trainer_destroy(t);
  gr_dataset_free(&data);
}

static void messages_say_what_auto_became(void) {
  gr_dataset data = make_spirals(60, 3);
  gr_report run = train(&data, SETTINGS(NULL), "messages");
  gr_text log = read_file(run.run_directory, "log.txt");
  gr_text json = read_file(run.run_directory, "run.json");
  CU_ASSERT_PTR_NOT_NULL(strstr(log.data, "network.outputs: 3 (3 classes)"));
  CU_ASSERT_PTR_NOT_NULL(strstr(log.data, "finished at epoch 3"));
  CU_ASSERT_PTR_NOT_NULL(strstr(json.data, data.digest));
  gr_text_free(&log);
  gr_text_free(&json);
  gr_dataset_free(&data);
}

static void a_schedule_that_follows_validation_wants_rows_for_it(void) {
  gr_dataset data = make_noise(60);
  gr_config config = make_config(SETTINGS("schedule.name=plateau", "data.valid_split=0", NULL));
  gr_trainer *trainer = NULL;
  gradus_error err = {0};
  gr_trainer_options options = {.run_directory = gr_test_path("no-validation")};
  GR_CHECK_FAILS(gr_trainer_create(&config, &data, &options, &trainer, &err), GRADUS_ERR_CONFIG,
                 &err, "set data.valid_split");
  gr_config_free(&config);
  gr_dataset_free(&data);
}

const gr_test run_tests[] = {
    GR_TEST(a_run_learns_spirals_and_friends),
    GR_TEST(a_finished_run_says_so_and_goes_on_only_for_more_epochs),
    GR_TEST(another_recipe_or_other_data_are_refused),
    GR_TEST(a_directory_in_use_names_its_holder),
    GR_TEST(a_directory_that_cannot_be_made_is_named),
    GR_TEST(without_a_name_the_directory_follows_recipe_and_data),
    GR_TEST(of_equal_epochs_the_first_or_the_last_is_best),
    GR_TEST(early_stopping_keeps_the_best_epoch),
    GR_TEST(a_loss_that_explodes_stops_the_run_and_spares_the_last_checkpoint),
    GR_TEST(a_weight_of_two_is_a_row_given_twice),
    GR_TEST(one_hot_rows_train_to_the_same_digest_as_integers),
    GR_TEST(many_targets_are_measured_like_few),
    GR_TEST(a_dry_run_leaves_no_trace),
    GR_TEST(messages_say_what_auto_became),
    GR_TEST(a_schedule_that_follows_validation_wants_rows_for_it),
    GR_TEST_END};
