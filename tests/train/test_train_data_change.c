/* Data that change under a run: refused with what differs, or taken on request, once, on record,
 * and with the same bits however the run is interrupted afterwards. */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "store/checkpoint.h"
#include "support/numbers.h"
#include "train/data.h"
#include "train/files.h"
#include "train/test_train.h"
#include "train/trainer.h"

/* Regression with held-out rows: batches of 16, so many steps an epoch. */
#define PLAIN "training.epochs=4", "checkpoint.every=1h", "schedule.name=step", "schedule.every=1"

typedef struct session {
  const gr_dataset *data;
  const char *run;
  bool allow;
  uint64_t steps;
} session;

/* At most so many steps and a checkpoint. */
static gradus_status take(session s, gr_report *report, gradus_error *err) {
  gr_config config = make_config(SETTINGS(PLAIN, NULL));
  const gr_trainer_options options = {.run_directory = s.run, .allow_data_change = s.allow};
  gr_trainer *t = NULL;
  bool finished = false;
  gradus_status status = gr_trainer_create(&config, s.data, &options, &t, err);
  if (status == GRADUS_OK) status = gr_trainer_advance(t, s.steps, &finished, err);
  if (status == GRADUS_OK && !finished) status = gr_trainer_checkpoint(t, NULL, 0, err);
  if (status == GRADUS_OK) gr_trainer_report(t, report);
  gr_trainer_destroy(t);
  gr_config_free(&config);
  return status;
}

static void must(session s, gr_report *report) {
  gradus_error err = {0};
  GR_CHECK_OK(take(s, report, &err), &err);
}

static void put_path(char out[512], const char *name) {
  snprintf(out, 512, "%s", gr_test_path(name));
}

static gr_checkpoint final_of(const char *run) {
  char path[GR_RUN_FILE];
  gr_checkpoint c = {0};
  gradus_error err = {0};
  gr_run_file(run, "final.h5", path);
  GR_CHECK_OK(gr_checkpoint_read(path, &c, &err), &err);
  return c;
}

static void a_changed_row_is_named_and_nothing_is_touched(void) {
  gr_dataset data = make_regression(200), other = make_regression(200);
  char run[512];
  gr_report a = {0}, b = {0}, c = {0};
  gradus_error err = {0};
  put_path(run, "named");
  ((float *)other.split[GR_TRAIN].y)[77] = 3;
  CU_ASSERT_EQUAL(gr_dataset_digest(&other, NULL), GRADUS_OK);
  must((session){&data, run, false, 13}, &a);
  GR_CHECK_FAILS(take((session){&other, run, false, 9}, &b, &err), GRADUS_ERR_DATA, &err,
                 "train/y differs first in rows 64 to 79, and in 1 of 13 such ranges");
  must((session){&data, run, true, UINT64_MAX}, &a); /* allowed, but nothing has changed */
  put_path(run, "named-whole");
  must((session){&data, run, false, UINT64_MAX}, &c);
  CU_ASSERT_STRING_EQUAL(a.digest, c.digest);
  gr_dataset_free(&data);
  gr_dataset_free(&other);
}

/* Before the first checkpoint only the digest is on record. */
static void a_run_without_a_checkpoint_knows_its_data_too(void) {
  gr_dataset data = make_regression(200), other = make_regression(100);
  char run[512], path[GR_RUN_FILE];
  gr_report a = {0};
  gradus_error err = {0};
  put_path(run, "records");
  must((session){&data, run, false, 1}, &a);
  gr_run_file(run, "checkpoints/step-000000000001.h5", path);
  CU_ASSERT_EQUAL(remove(path), 0);
  gr_run_file(run, "checkpoints/step-000000000000.h5", path);
  (void)remove(path);
  GR_CHECK_FAILS(take((session){&other, run, false, 9}, &a, &err), GRADUS_ERR_DATA, &err,
                 "other data");
  gr_dataset_free(&data);
  gr_dataset_free(&other);
}

/* 160 rows, then 320: the second epoch begins anew after 4 of its steps. */
static void data_that_have_grown_are_taken_once_and_recorded(void) {
  gr_dataset data = make_regression(160), grown = make_regression(320);
  char run[512], cut[512];
  gr_report a = {0}, b = {0};
  gradus_error err = {0};
  const char *const names[] = {"grown", "grown-cut"};
  put_path(run, names[0]);
  put_path(cut, names[1]);
  must((session){&data, run, false, 12}, &a);
  must((session){&data, cut, false, 12}, &b);
  GR_CHECK_FAILS(take((session){&grown, run, false, 9}, &a, &err), GRADUS_ERR_DATA, &err,
                 "train has 320 rows, not 160; the first 160 rows of train/x are the same; the "
                 "first 160 rows of train/y are the same");
  must((session){&grown, run, true, UINT64_MAX}, &a);
  must((session){&grown, cut, true, 5}, &b);
  for (int i = 0; i < 30 && b.epochs < 4; i++) must((session){&grown, cut, i % 2, 7}, &b);
  CU_ASSERT_STRING_EQUAL(a.digest, b.digest);
  gr_checkpoint x = final_of(run), y = final_of(cut);
  CU_ASSERT_EQUAL(x.state.base_step, 12);
  CU_ASSERT_EQUAL(x.state.base_epoch, 1);
  const uint64_t epoch_steps = (x.state.step - 12) / 3; /* its second, third and fourth */
  CU_ASSERT_EQUAL(x.state.step, 12 + 3 * epoch_steps);
  CU_ASSERT(epoch_steps >= 14 && epoch_steps <= 18); /* 80 % of 320 rows, 16 to a step */
  CU_ASSERT_EQUAL(x.history.n_rows, 4);
  for (size_t i = 0; i < x.history.n_rows && i < y.history.n_rows; i++) {
    CU_ASSERT_EQUAL(x.history.row[i].train_loss, y.history.row[i].train_loss);
    /* schedule.gamma is 0.1: each epoch has a tenth of the rate of the one before */
    const double wanted = 0.001 * (i == 0 ? 1 : i == 1 ? 0.1 : i == 2 ? 0.01 : 0.001);
    GR_CHECK(x.history.row[i].learning_rate > 0.999 * wanted &&
                 x.history.row[i].learning_rate < 1.001 * wanted,
             "epoch %d: %g", (int)i + 1, x.history.row[i].learning_rate);
  }
  CU_ASSERT_EQUAL_FATAL(x.history.n_events, 1);
  CU_ASSERT_PTR_NOT_NULL(strstr(x.history.event[0].line, "\"event\":\"data_change\",\"epoch\":2"));
  CU_ASSERT_PTR_NOT_NULL(strstr(x.history.event[0].line, data.digest));
  CU_ASSERT_PTR_NOT_NULL(strstr(x.history.event[0].line, grown.digest));
  CU_ASSERT_EQUAL_FATAL(y.history.n_events, 1);
  CU_ASSERT_STRING_EQUAL(x.history.event[0].line, y.history.event[0].line);
  GR_CHECK_FAILS(take((session){&data, run, false, 9}, &a, &err), GRADUS_ERR_DATA, &err,
                 "train has 160 rows, not 320");
  gr_checkpoint_free(&x);
  gr_checkpoint_free(&y);
  gr_dataset_free(&data);
  gr_dataset_free(&grown);
}

/* The weights belong to the scales that they were trained with. */
static void the_preprocessing_stays(void) {
  gr_dataset data = make_regression(160), other = make_regression(160);
  char run[512], path[GR_RUN_FILE];
  gr_report a = {0};
  gr_checkpoint before = {0};
  gradus_error err = {0};
  for (int i = 0; i < 160; i++) ((float *)other.split[GR_TRAIN].x)[5 * i] += 100;
  for (int i = 0; i < 160; i++) ((float *)other.split[GR_TRAIN].y)[i] *= 1.25f;
  CU_ASSERT_EQUAL(gr_dataset_digest(&other, NULL), GRADUS_OK);
  put_path(run, "scales");
  must((session){&data, run, false, 3}, &a);
  gr_run_file(run, "checkpoints/step-000000000003.h5", path);
  GR_CHECK_OK(gr_checkpoint_read(path, &before, &err), &err);
  must((session){&other, run, true, UINT64_MAX}, &a);
  gr_checkpoint after = final_of(run);
  const gr_preprocessing *p = &before.model.preprocessing, *q = &after.model.preprocessing;
  CU_ASSERT_EQUAL(memcmp(p->shift, q->shift, 5 * sizeof *p->shift), 0);
  CU_ASSERT_EQUAL(memcmp(p->factor, q->factor, 5 * sizeof *p->factor), 0);
  CU_ASSERT_EQUAL(p->target_shift[0], q->target_shift[0]);
  CU_ASSERT_EQUAL(p->target_scale[0], q->target_scale[0]);
  gr_checkpoint_free(&before);
  gr_checkpoint_free(&after);
  gr_dataset_free(&data);
  gr_dataset_free(&other);
}

/* Other columns, or classes that the model does not have, cannot be gone on with. */
static void data_that_do_not_fit_the_model_are_refused_all_the_same(void) {
  gr_dataset data = make_spirals(160, 3), wide = make_regression(160), more = make_spirals(160, 4);
  char run[512];
  gr_report a = {0};
  gradus_error err = {0};
  put_path(run, "fits");
  must((session){&data, run, false, 3}, &a);
  GR_CHECK_FAILS(take((session){&wide, run, true, 9}, &a, &err), GRADUS_ERR_DATA, &err,
                 "such data cannot go on in its run");
  GR_CHECK_FAILS(take((session){&more, run, true, 9}, &a, &err), GRADUS_ERR_DATA, &err,
                 "label 3 does not occur in training");
  GR_CHECK_FAILS(take((session){&more, NULL, true, 9}, &a, &err), GRADUS_ERR_USAGE, &err, "--run");
  must((session){&data, run, false, UINT64_MAX}, &a);
  gr_dataset_free(&data);
  gr_dataset_free(&wide);
  gr_dataset_free(&more);
}

const gr_test data_change_tests[] = {
    GR_TEST(a_changed_row_is_named_and_nothing_is_touched),
    GR_TEST(a_run_without_a_checkpoint_knows_its_data_too),
    GR_TEST(data_that_have_grown_are_taken_once_and_recorded),
    GR_TEST(the_preprocessing_stays),
    GR_TEST(data_that_do_not_fit_the_model_are_refused_all_the_same),
    GR_TEST_END};
