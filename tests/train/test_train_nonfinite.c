/* Numbers that go bad: a loss (inputs near the largest float) or, where the loss stays finite, a
 * moment of Adam (the square of a large gradient). What a policy leaves must be what training
 * without those rows gives, at whatever moment the bad step was looked for. */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "store/checkpoint.h"
#include "support/numbers.h"
#include "train/data.h"
#include "train/files.h"
#include "train/test_train.h"
#include "train/trainer.h"

/* Inputs whose second layer overflows; ones whose loss is finite and whose gradient's square is
 * not. */
#define OVERFLOWS 3e38f
#define HIDES 1e25f

enum { BATCH = 16, ROWS = 48 };

/* ROWS rows without the bad ones, which follow: `bad` rows of `value`. */
static gr_dataset make_data(uint64_t bad, float value) {
  gr_dataset data = make_spirals(ROWS + bad, 3);
  float *x = data.split[GR_TRAIN].x;
  for (uint64_t i = 0; i < 2 * bad; i++) x[2 * ROWS + i] = value;
  CU_ASSERT_EQUAL(gr_dataset_digest(&data, NULL), GRADUS_OK);
  return data;
}

/* As the last `bad` rows would not be there. */
static void shorten(gr_dataset *data, uint64_t bad) {
  data->split[GR_TRAIN].n_rows -= bad;
  CU_ASSERT_EQUAL(gr_dataset_digest(data, NULL), GRADUS_OK);
}

#define PLAIN                                                                                    \
  "training.shuffle=none", "data.valid_split=0", "data.standardize=none", "optimizer.name=adam", \
      "training.epochs=3", "optimizer.learning_rate=0.01"

static gr_trainer *open_run(const gr_dataset *data, const char *const *settings, const char *path) {
  gr_config config = make_config(settings);
  gr_trainer *t = NULL;
  gradus_error err = {0};
  const gr_trainer_options options = {.run_directory = path};
  GR_CHECK_OK(gr_trainer_create(&config, data, &options, &t, &err), &err);
  gr_config_free(&config);
  return t;
}

static void put_path(char out[512], const char *stem, int number) {
  char name[64];
  snprintf(name, sizeof name, "%s-%d", stem, number);
  snprintf(out, 512, "%s", gr_test_path(name));
}

/* Trains to the end in sessions of `steps` steps, every other of which ends like a kill. */
static void train(const gr_dataset *data, const char *const *settings, const char *path,
                  uint64_t steps, gr_report *report) {
  gradus_error err = {0};
  bool finished = false;
  for (int session = 0; !finished && session < 400; session++) {
    gr_trainer *t = open_run(data, settings, path);
    if (!t) return;
    if (gr_trainer_advance(t, steps + (uint64_t)session / 8, &finished, &err) != GRADUS_OK) {
      GR_CHECK(false, "%s", err.message);
      finished = true;
    }
    if (!finished && session % 2 == 0) GR_CHECK_OK(gr_trainer_checkpoint(t, NULL, 0, &err), &err);
    gr_trainer_report(t, report);
    gr_trainer_destroy(t);
  }
  CU_ASSERT_TRUE(finished);
}

static gr_text file_of(const char *run, const char *name) {
  char path[GR_RUN_FILE];
  gr_text text = {0};
  gradus_error err = {0};
  bool found;
  gr_run_file(run, name, path);
  GR_CHECK_OK(gr_file_read(path, &text, &found, &err), &err);
  return text;
}

static int count_in(const char *run, const char *name, const char *word) {
  gr_text text = file_of(run, name);
  int n = 0;
  for (const char *at = text.data; at && (at = strstr(at, word)); at++) n++;
  gr_text_free(&text);
  return n;
}

static void expect_same_metrics(const char *a, const char *b) {
  gr_text x = file_of(a, "metrics.jsonl"), y = file_of(b, "metrics.jsonl");
  CU_ASSERT(x.length > 0 && x.length == y.length && memcmp(x.data, y.data, x.length) == 0);
  gr_text_free(&x);
  gr_text_free(&y);
}

static void skipped_rows_leave_what_training_without_them_gives(void) {
  const float values[] = {OVERFLOWS, HIDES};
  const char *const optimizers[] = {"optimizer.name=adam", "optimizer.name=nadam",
                                    "optimizer.name=lion"};
  for (int i = 0; i < 6; i++) {
    char with[512], without[512];
    gr_report a = {0}, b = {0};
    if (i == 5) continue; /* lion's only moment is not a square: it stays finite */
    gr_dataset data = make_data(BATCH, values[i % 2]);
    put_path(with, "skip-with", i);
    put_path(without, "skip-without", i);
    train(&data, SETTINGS(PLAIN, optimizers[i / 2], "training.on_nonfinite=skip", NULL), with,
          UINT64_MAX, &a);
    CU_ASSERT_EQUAL(count_in(with, "metrics.jsonl", "\"event\":\"skip\""), 3);
    shorten(&data, BATCH);
    train(&data, SETTINGS(PLAIN, optimizers[i / 2], NULL), without, UINT64_MAX, &b);
    GR_CHECK(strcmp(a.digest, b.digest) == 0, "%s, rows of %g", optimizers[i / 2],
             (double)values[i % 2]);
    CU_ASSERT_EQUAL(a.train_loss, b.train_loss);
    CU_ASSERT_EQUAL(a.steps, b.steps + 3);
    gr_dataset_free(&data);
  }
}

/* The second of two batches of an update is bad: nothing of the first may stay, neither in what is
 * trained nor in the statistics that a normalisation follows. */
static void a_step_of_several_batches_is_skipped_whole(void) {
  gr_report a = {0}, b = {0};
  gr_dataset data = make_data(BATCH, OVERFLOWS);
  train(&data,
        SETTINGS(PLAIN, "training.accumulate=2", "network.normalization=batch-norm",
                 "training.on_nonfinite=skip", NULL),
        gr_test_path("whole-with"), UINT64_MAX, &a);
  shorten(&data, 2 * BATCH);
  train(&data, SETTINGS(PLAIN, "training.accumulate=2", "network.normalization=batch-norm", NULL),
        gr_test_path("whole-without"), UINT64_MAX, &b);
  CU_ASSERT_STRING_EQUAL(a.digest, b.digest);
  CU_ASSERT_EQUAL(a.steps, b.steps + 3);
  gr_dataset_free(&data);
}

/* Each epoch meets the bad batch once and begins anew: half the rate, a quarter, an eighth. */
static void a_rollback_leaves_its_batch_out_and_halves_the_rate(void) {
  const float values[] = {OVERFLOWS, HIDES};
  for (int i = 0; i < 2; i++) {
    char with[512], without[512];
    gr_report a = {0}, b = {0};
    gr_dataset data = make_data(BATCH, values[i]);
    put_path(with, "back-with", i);
    put_path(without, "back-without", i);
    train(&data, SETTINGS(PLAIN, "training.on_nonfinite=rollback", NULL), with, UINT64_MAX, &a);
    CU_ASSERT_EQUAL(count_in(with, "metrics.jsonl", "\"event\":\"rollback\""), 3);
    shorten(&data, BATCH);
    train(&data,
          SETTINGS(PLAIN, "optimizer.learning_rate=0.005", "schedule.name=step", "schedule.every=1",
                   "schedule.gamma=0.5", NULL),
          without, UINT64_MAX, &b);
    CU_ASSERT_STRING_EQUAL(a.digest, b.digest);
    gr_dataset_free(&data);
  }
}

/* Bad rows in the middle of epochs, other threads, other moments of looking, kills. */
static void check_interrupted(const char *policy, const char *shape, float value, int number) {
  char whole[512], cut[512];
  gr_report a = {0}, b = {0};
  gr_dataset data = make_spirals(70, 3);
  float *x = data.split[GR_TRAIN].x;
  x[2 * 11] = x[2 * 40 + 1] = value;
  CU_ASSERT_EQUAL(gr_dataset_digest(&data, NULL), GRADUS_OK);
  put_path(whole, "whole", number);
  put_path(cut, "cut", number);
  const char *const settings[] = {policy,
                                  shape,
                                  "data.valid_split=0",
                                  "data.standardize=none",
                                  "training.batch_size=8",
                                  "network.activation=relu",
                                  "checkpoint.every=1h",
                                  "resources.threads=1",
                                  NULL};
  train(&data, settings, whole, UINT64_MAX, &a);
  const char *const often[] = {policy,
                               shape,
                               "data.valid_split=0",
                               "data.standardize=none",
                               "training.batch_size=8",
                               "network.activation=relu",
                               number % 2 ? "checkpoint.every=0s" : "checkpoint.every=1h",
                               "resources.threads=3",
                               NULL};
  train(&data, often, cut, 3, &b);
  GR_CHECK(strcmp(a.digest, b.digest) == 0, "%s, %s, rows of %g", policy, shape, (double)value);
  CU_ASSERT(count_in(whole, "metrics.jsonl", "\"what\"") > 0);
  expect_same_metrics(whole, cut);
  gr_dataset_free(&data);
}

static void policies_are_the_same_however_a_run_is_interrupted(void) {
  const char *const policies[] = {"training.on_nonfinite=skip", "training.on_nonfinite=rollback"};
  const char *const shapes[] = {"optimizer.name=adam", "average.name=ema", "training.accumulate=3",
                                "optimizer.name=rprop"};
  int number = 0;
  for (int p = 0; p < 2; p++)
    for (int s = 0; s < 4; s++)
      for (int v = 0; v < 2; v++)
        check_interrupted(policies[p], shapes[s], v ? HIDES : OVERFLOWS, number++);
}

/* One session: five steps, then a request to stop, which may come when a step that went bad is
 * being looked for. */
static bool stop_after_five(const gr_dataset *data, const char *const *settings, const char *path,
                            gr_report *report) {
  gradus_error err = {0};
  bool finished = false;
  gr_trainer *t = open_run(data, settings, path);
  if (!t) return true;
  GR_CHECK_OK(gr_trainer_advance(t, 5, &finished, &err), &err);
  gr_trainer_request_stop(t);
  if (!finished)
    CU_ASSERT_EQUAL(gr_trainer_advance(t, UINT64_MAX, &finished, &err), GRADUS_ERR_STOPPED);
  gr_trainer_report(t, report);
  gr_trainer_destroy(t);
  return finished;
}

/* Each session gets on by a step at least, and what is decided about a bad one is kept. */
static void sessions_too_short_for_the_search_find_the_step_all_the_same(void) {
  const char *const policies[] = {"training.on_nonfinite=skip", "training.on_nonfinite=rollback"};
  for (int i = 0; i < 2; i++) {
    char whole[512], cut[512];
    gr_report a = {0}, b = {0};
    int sessions = 0;
    gr_dataset data = make_spirals(70, 3);
    float *x = data.split[GR_TRAIN].x;
    x[2 * 11] = x[2 * 40 + 1] = HIDES;
    CU_ASSERT_EQUAL(gr_dataset_digest(&data, NULL), GRADUS_OK);
    put_path(whole, "search", i);
    put_path(cut, "stopped-search", i);
    const char *const settings[] = {policies[i],
                                    "data.valid_split=0",
                                    "data.standardize=none",
                                    "training.batch_size=8",
                                    "optimizer.name=adam",
                                    "network.activation=relu",
                                    "checkpoint.every=1h",
                                    NULL};
    train(&data, settings, whole, UINT64_MAX, &a);
    while (++sessions < 100 && !stop_after_five(&data, settings, cut, &b)) continue;
    CU_ASSERT(sessions < 100);
    CU_ASSERT_STRING_EQUAL(a.digest, b.digest);
    CU_ASSERT(count_in(whole, "metrics.jsonl", "\"what\"") > 0);
    expect_same_metrics(whole, cut);
    gr_dataset_free(&data);
  }
}

/* The message of a run that halts. */
static void expect_halt(const gr_dataset *data, const char *const *settings, const char *path,
                        const char *word) {
  gradus_error err = {0};
  bool finished;
  gr_trainer *t = open_run(data, settings, path);
  if (!t) return;
  GR_CHECK_FAILS(gr_trainer_advance(t, UINT64_MAX, &finished, &err), GRADUS_ERR_NONFINITE, &err,
                 word);
  gr_trainer_destroy(t);
}

static void check_batch(const char *run) {
  char path[GR_RUN_FILE];
  gr_dataset batch = {0};
  gradus_error err = {0};
  const gr_dataset_options options = {0};
  gr_run_file(run, "nonfinite/step-000000000004.h5", path);
  GR_CHECK_OK(gr_dataset_read(path, &options, &batch, &err), &err);
  CU_ASSERT_EQUAL_FATAL(batch.split[GR_TRAIN].n_rows, BATCH);
  const float *x = batch.split[GR_TRAIN].x;
  CU_ASSERT_EQUAL(x[0], OVERFLOWS);
  CU_ASSERT_EQUAL(batch.split[GR_TRAIN].y_columns, 1);
  gr_dataset_free(&batch);
  CU_ASSERT_EQUAL(count_in(run, "nonfinite/step-000000000004.yaml", "rows: [48, 49, 50"), 1);
  CU_ASSERT_EQUAL(count_in(run, "nonfinite/step-000000000004.yaml", "first_bad_row: 48"), 1);
  CU_ASSERT_EQUAL(count_in(run, "nonfinite/step-000000000004.yaml", "bad_rows: 16"), 1);
}

static void a_halt_keeps_the_state_before_the_step_and_its_rows(void) {
  char run[512], other[512], path[GR_RUN_FILE];
  gr_dataset data = make_data(BATCH, OVERFLOWS);
  gr_report a = {0}, b = {0};
  gr_checkpoint c = {0};
  gradus_error err = {0};
  put_path(run, "halt", 0);
  put_path(other, "halt", 1);
  expect_halt(&data, SETTINGS(PLAIN, NULL), run, "for train row 48");
  gr_run_file(run, "checkpoints/step-000000000003.h5", path);
  GR_CHECK_OK(gr_checkpoint_read(path, &c, &err), &err);
  CU_ASSERT_EQUAL(c.state.step, 3);
  gr_checkpoint_free(&c);
  check_batch(run);
  expect_halt(&data, SETTINGS(PLAIN, NULL), run, "step 4 (epoch 1)"); /* again: nothing is mended */
  gr_config config = make_config(SETTINGS(PLAIN, "training.on_nonfinite=rollback", NULL));
  gr_trainer *t = NULL;
  GR_CHECK_FAILS(
      gr_trainer_create(&config, &data, &(gr_trainer_options){.run_directory = run}, &t, &err),
      GRADUS_ERR_CONFIG, &err, "stands in the middle of an epoch");
  gr_config_free(&config);
  train(&data, SETTINGS(PLAIN, "training.on_nonfinite=skip", NULL), run, UINT64_MAX, &a);
  train(&data, SETTINGS(PLAIN, "training.on_nonfinite=skip", NULL), other, UINT64_MAX, &b);
  CU_ASSERT_STRING_EQUAL(a.digest, b.digest);
  expect_same_metrics(run, other);
  gr_dataset_free(&data);
}

/* A moment that went bad shows at the end of the epoch; the step named is the one that did it. */
static void what_hides_is_traced_to_its_step(void) {
  char run[512], path[GR_RUN_FILE];
  gr_dataset data = make_data(3 * BATCH, HIDES);
  float *x = data.split[GR_TRAIN].x;
  gr_checkpoint c = {0};
  gradus_error err = {0};
  for (uint64_t i = 2 * (ROWS + BATCH); i < 2 * (ROWS + 3 * BATCH); i++) x[i] = 0.5f;
  CU_ASSERT_EQUAL(gr_dataset_digest(&data, NULL), GRADUS_OK);
  put_path(run, "hides", 0);
  expect_halt(&data, SETTINGS(PLAIN, NULL), run,
              "step 4 (epoch 1): its update made moment 2 of the optimizer of layer 1");
  gr_run_file(run, "checkpoints/step-000000000003.h5", path);
  GR_CHECK_OK(gr_checkpoint_read(path, &c, &err), &err);
  gr_checkpoint_free(&c);
  gr_dataset_free(&data);
}

static void too_many_in_a_row_halt(void) {
  char run[512];
  gr_dataset data = make_data(3 * BATCH, OVERFLOWS);
  put_path(run, "many", 0);
  expect_halt(&data,
              SETTINGS(PLAIN, "training.on_nonfinite=skip", "training.nonfinite_limit=2", NULL),
              run, "step 6 (epoch 1)");
  put_path(run, "many", 1);
  expect_halt(&data,
              SETTINGS(PLAIN, "training.on_nonfinite=rollback", "training.nonfinite_limit=2", NULL),
              run, "step 6 (epoch 1)");
  CU_ASSERT_EQUAL(count_in(run, "metrics.jsonl", "\"event\":\"rollback\""), 2);
  gr_report report = {0}; /* a larger limit lets it go on */
  train(&data,
        SETTINGS(PLAIN, "training.on_nonfinite=rollback", "training.nonfinite_limit=3", NULL), run,
        UINT64_MAX, &report);
  CU_ASSERT_EQUAL(count_in(run, "metrics.jsonl", "\"event\":\"rollback\""), 9);
  gr_dataset_free(&data);
}

static void rows_out_of_a_stream_are_the_same(void) {
  enum { N = 6000, COLUMNS = 24 };
  gr_dataset data = {.n_columns = COLUMNS, .layout = "gradus"}, whole = {0}, little = {0};
  gradus_error err = {0};
  gr_report a = {0}, b = {0};
  char path[512], runs[2][512];
  float *x = gr_calloc(N * COLUMNS, sizeof *x);
  int32_t *y = gr_calloc(N, sizeof *y);
  CU_ASSERT_FATAL(x && y);
  for (int i = 0; i < N * COLUMNS; i++) x[i] = (float)(i * 7919 % 1000) / 1000;
  for (int i = 0; i < N; i++) y[i] = x[i * COLUMNS] < 0.4f;
  for (int j = 0; j < COLUMNS; j++) {
    x[1234 * COLUMNS + j] = x[4321 * COLUMNS + j] = OVERFLOWS;
    x[3000 * COLUMNS + j] = HIDES;
  }
  data.split[GR_TRAIN] =
      (gr_split){.n_rows = N, .x_type = GR_F32, .x = x, .y_type = GR_I32, .y_columns = 1, .y = y};
  put_path(path, "stream.h5", 0);
  GR_CHECK_OK(gr_dataset_write(&data, path, true, &err), &err);
  GR_CHECK_OK(
      gr_dataset_read(path, &(gr_dataset_options){.memory = (uint64_t)1 << 30}, &whole, &err),
      &err);
  GR_CHECK_OK(
      gr_dataset_read(path, &(gr_dataset_options){.memory = (uint64_t)1 << 19}, &little, &err),
      &err);
  CU_ASSERT(!whole.split[GR_TRAIN].source && little.split[GR_TRAIN].source);
  for (int policy = 0; policy < 2; policy++) {
    const char *const settings[] = {
        policy ? "training.on_nonfinite=rollback" : "training.on_nonfinite=skip",
        "training.shuffle=window",
        "training.shuffle_window=900",
        "training.shuffle_block=150",
        "training.batch_size=128",
        "training.epochs=2",
        "network.hidden=8,8",
        "network.activation=relu",
        "data.standardize=none",
        "data.valid_split=0",
        "resources.threads=2",
        NULL};
    for (int i = 0; i < 2; i++) put_path(runs[i], "stream", 2 * policy + i);
    train(&whole, settings, runs[0], UINT64_MAX, &a);
    train(&little, settings, runs[1], 17, &b);
    CU_ASSERT_STRING_EQUAL(a.digest, b.digest);
    CU_ASSERT(count_in(runs[0], "metrics.jsonl", "\"what\"") >= 4);
    expect_same_metrics(runs[0], runs[1]);
  }
  gr_dataset_free(&data);
  gr_dataset_free(&whole);
  gr_dataset_free(&little);
}

const gr_test nonfinite_tests[] = {
    GR_TEST(skipped_rows_leave_what_training_without_them_gives),
    GR_TEST(a_step_of_several_batches_is_skipped_whole),
    GR_TEST(a_rollback_leaves_its_batch_out_and_halves_the_rate),
    GR_TEST(policies_are_the_same_however_a_run_is_interrupted),
    GR_TEST(sessions_too_short_for_the_search_find_the_step_all_the_same),
    GR_TEST(a_halt_keeps_the_state_before_the_step_and_its_rows),
    GR_TEST(what_hides_is_traced_to_its_step),
    GR_TEST(too_many_in_a_row_halt),
    GR_TEST(rows_out_of_a_stream_are_the_same),
    GR_TEST_END};
