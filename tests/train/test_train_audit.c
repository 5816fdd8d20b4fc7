/* Steps that are taken twice: they change nothing, and a single wrong bit in one of the two
 * executions is found at its step. */
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

/* A fault: bit `bit` of parameter 5 in the second execution of step `step`. */
typedef struct fault {
  uint64_t step;
  uint32_t bit;
  int calls;
} fault;

static void flip(void *user, uint64_t step, float *parameters) {
  fault *f = user;
  uint32_t bits;
  f->calls++;
  if (step != f->step) return;
  memcpy(&bits, &parameters[5], sizeof bits);
  bits ^= UINT32_C(1) << f->bit; /* and back, the second time */
  memcpy(&parameters[5], &bits, sizeof bits);
}

static gradus_status train(const gr_dataset *data, const char *const *settings, const char *run,
                           fault *f, gr_report *report, gradus_error *err) {
  gr_config config = make_config(settings);
  const gr_trainer_options options = {.run_directory = run, .user = f, .at_audit = f ? flip : NULL};
  gr_trainer *t = NULL;
  bool finished;
  gradus_status status = gr_trainer_create(&config, data, &options, &t, err);
  if (status == GRADUS_OK) status = gr_trainer_advance(t, UINT64_MAX, &finished, err);
  if (t) gr_trainer_report(t, report);
  gr_trainer_destroy(t);
  gr_config_free(&config);
  return status;
}

static void put_path(char out[512], const char *stem, int number) {
  char name[64];
  snprintf(name, sizeof name, "%s-%d", stem, number);
  snprintf(out, 512, "%s", gr_test_path(name));
}

static void audits_change_no_bit_and_find_nothing(void) {
  gr_dataset data = make_spirals(70, 3);
  const char *const ways[][3] = {
      {"resources.audit=1", "resources.threads=1", "optimizer.name=adam"},
      {"resources.audit=1", "resources.threads=3", "optimizer.name=nadam"},
      {"resources.audit=4", "resources.threads=2", "average.name=ema"},
      {"resources.audit=1", "training.accumulate=2", "optimizer.clip_norm=0.1"},
      {"resources.audit=2", "network.dropout=0.2", "optimizer.max_norm=1"},
      {"resources.audit=1", "resources.threads=2", "optimizer.name=lbfgs"}};
  for (int i = 0; i < 6; i++) {
    char with[512], without[512];
    gr_report a = {0}, b = {0};
    gradus_error err = {0};
    fault f = {.step = UINT64_MAX};
    put_path(with, "audited", i);
    put_path(without, "plain", i);
    GR_CHECK_OK(
        train(&data, SETTINGS(ways[i][0], ways[i][1], ways[i][2], NULL), with, &f, &a, &err), &err);
    GR_CHECK_OK(train(&data, SETTINGS(ways[i][1], ways[i][2], NULL), without, NULL, &b, &err),
                &err);
    CU_ASSERT_STRING_EQUAL(a.digest, b.digest);
    CU_ASSERT(f.calls >= 2);
    GR_CHECK(i == 2 || i == 4 || f.calls == 2 * (int)a.steps, "%d calls, %d steps", f.calls,
             (int)a.steps);
  }
  gr_dataset_free(&data);
}

static void a_flipped_bit_is_found_at_its_step(void) {
  gr_dataset data = make_spirals(70, 3);
  for (uint32_t bit = 0; bit < 24; bit += 11) {
    char run[512], path[GR_RUN_FILE];
    gr_report report = {0}, plain = {0};
    gradus_error err = {0};
    gr_text text = {0};
    bool found;
    fault f = {.step = 7, .bit = bit};
    put_path(run, "flip", (int)bit);
    GR_CHECK_FAILS(train(&data, SETTINGS("resources.audit=2", "checkpoint.every=0s", NULL), run, &f,
                         &report, &err),
                   GRADUS_ERR_FAILED, &err, "step 8 (epoch 2): audit");
    gr_run_file(run, "checkpoints/step-000000000007.h5", path);
    GR_CHECK_OK(gr_checkpoint_verify(path, NULL, &err), &err);
    gr_run_file(run, "checkpoints/step-000000000008.h5", path);
    CU_ASSERT_FALSE(gr_file_exists(path));
    gr_run_file(run, "audit/step-000000000008.yaml", path);
    GR_CHECK_OK(gr_file_read(path, &text, &found, &err), &err);
    CU_ASSERT(text.data && strstr(text.data, "training gives the same again"));
    gr_text_free(&text);
    GR_CHECK_OK(train(&data, SETTINGS("resources.audit=2", NULL), run, NULL, &report, &err), &err);
    put_path(run, "flip-plain", (int)bit);
    GR_CHECK_OK(train(&data, SETTINGS(NULL), run, NULL, &plain, &err), &err);
    CU_ASSERT_STRING_EQUAL(report.digest, plain.digest);
  }
  gr_dataset_free(&data);
}

/* The rows come from a ring: both executions have to find them there. */
static void streamed_rows_are_audited_too(void) {
  enum { N = 6000, COLUMNS = 24 };
  gr_dataset data = {.n_columns = COLUMNS, .layout = "gradus"}, little = {0};
  gradus_error err = {0};
  char path[512], run[2][512];
  gr_report a = {0}, b = {0};
  float *x = gr_calloc(N * COLUMNS, sizeof *x);
  int32_t *y = gr_calloc(N, sizeof *y);
  CU_ASSERT_FATAL(x && y);
  for (int i = 0; i < N * COLUMNS; i++) x[i] = (float)(i * 7919 % 1000) / 1000;
  for (int i = 0; i < N; i++) y[i] = x[i * COLUMNS] < 0.4f;
  data.split[GR_TRAIN] =
      (gr_split){.n_rows = N, .x_type = GR_F32, .x = x, .y_type = GR_I32, .y_columns = 1, .y = y};
  put_path(path, "audit.h5", 0);
  GR_CHECK_OK(gr_dataset_write(&data, path, true, &err), &err);
  GR_CHECK_OK(
      gr_dataset_read(path, &(gr_dataset_options){.memory = (uint64_t)1 << 19}, &little, &err),
      &err);
  CU_ASSERT_PTR_NOT_NULL(little.split[GR_TRAIN].source);
  for (int accumulate = 0; accumulate < 2; accumulate++) {
    const char *const settings[] = {"training.shuffle=window",
                                    "training.shuffle_window=900",
                                    "training.shuffle_block=150",
                                    "training.batch_size=64",
                                    "training.epochs=2",
                                    "resources.threads=2",
                                    accumulate ? "training.accumulate=3" : "training.accumulate=1",
                                    "resources.audit=0",
                                    NULL};
    const char *audited[sizeof settings / sizeof settings[0]];
    memcpy(audited, settings, sizeof settings);
    audited[7] = "resources.audit=5";
    for (int i = 0; i < 2; i++) put_path(run[i], "audit-stream", 2 * accumulate + i);
    GR_CHECK_OK(train(&little, settings, run[0], NULL, &a, &err), &err);
    GR_CHECK_OK(train(&little, audited, run[1], NULL, &b, &err), &err);
    CU_ASSERT_STRING_EQUAL(a.digest, b.digest);
  }
  gr_dataset_free(&data);
  gr_dataset_free(&little);
}

const gr_test audit_tests[] = {GR_TEST(audits_change_no_bit_and_find_nothing),
                               GR_TEST(a_flipped_bit_is_found_at_its_step),
                               GR_TEST(streamed_rows_are_audited_too), GR_TEST_END};
