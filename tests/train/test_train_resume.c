/* Interrupted runs against an undisturbed one: the same bits in weights, moments, history, best
 * model and metrics.jsonl, wherever the cut falls. */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/schedule.h"
#include "store/checkpoint.h"
#include "train/data.h"
#include "train/files.h"
#include "train/run_log.h"
#include "train/runs.h"
#include "train/test_train.h"
#include "train/trainer.h"

static void resuming_after_any_step_changes_no_bit(void) {
  gr_dataset data = make_spirals(50, 3);
  gr_config config = make_config(SETTINGS(NULL));
  cut_everywhere(&data, &config, "any", 0);
  gr_config_free(&config);
  gr_dataset_free(&data);
}

static void steps_lost_by_a_kill_come_again(void) {
  gr_dataset data = make_regression(50);
  gr_config config = make_config(SETTINGS("optimizer.name=momentum", "schedule.name=cosine",
                                          "optimizer.learning_rate=0.01", NULL));
  cut_everywhere(&data, &config, "lost", 2);
  gr_config_free(&config);
  gr_dataset_free(&data);
}

static void early_stopping_survives_interruption(void) {
  gr_dataset data = make_noise(60);
  gr_config config =
      make_config(SETTINGS("training.epochs=60", "training.early_stopping.patience=2",
                           "optimizer.learning_rate=0.1", "training.batch_size=32", NULL));
  cut_everywhere(&data, &config, "stopped", 1);
  gr_config_free(&config);
  gr_dataset_free(&data);
}

/* Cut once, in the middle of an epoch, and again some steps later without a checkpoint. */
static void cut_twice(const gr_dataset *data, gr_config *config, const char *stem,
                      uint64_t number) {
  char whole[512], cut[512];
  snprintf(whole, sizeof whole, "%s", gr_test_path(stem));
  name_run(cut, stem, number);
  session(data, config, whole, UINT64_MAX, false);
  session(data, config, cut, 4 + number % 5, true);
  config->resources.threads = 3;
  session(data, config, cut, 1, false);
  session(data, config, cut, UINT64_MAX, false);
  expect_same_run(whole, cut);
}

static void every_optimizer_goes_on_where_it_was(void) {
  gr_dataset data = make_spirals(50, 3);
  for (int kind = 0; kind < GR_N_OPTIMIZERS; kind++) {
    gr_config config = make_config(SETTINGS("optimizer.weight_decay=0.01", NULL));
    config.optimizer.name = kind;
    cut_twice(&data, &config, gr_optimizers[kind].name, (uint64_t)kind);
    gr_config_free(&config);
  }
  gr_dataset_free(&data);
}

static void every_schedule_goes_on_where_it_was(void) {
  gr_dataset data = make_noise(60);
  for (int kind = 0; kind < GR_N_SCHEDULES; kind++) {
    gr_config config =
        make_config(SETTINGS("training.epochs=8", "optimizer.learning_rate=0.05",
                             "schedule.patience=0", "schedule.milestones=2,3", "schedule.every=2",
                             "schedule.period=2", "schedule.warmup=0.1", NULL));
    config.schedule.name = kind;
    cut_twice(&data, &config, gr_schedules[kind].name, (uint64_t)kind);
    gr_config_free(&config);
  }
  gr_dataset_free(&data);
}

/* On noise the validation loss soon rises: plateau cuts, newbob falls and ends. The cuts must not
 * be forgotten wherever the run is cut. */
static void what_a_schedule_learned_from_validation_survives_interruption(void) {
  static const char *const names[] = {"schedule.name=plateau", "schedule.name=newbob"},
                           *const stems[] = {"cuts", "falls"};
  gr_dataset data = make_noise(60);
  for (size_t i = 0; i < 2; i++) {
    gr_config config =
        make_config(SETTINGS(names[i], "training.epochs=12", "schedule.patience=0",
                             "training.batch_size=32", "optimizer.learning_rate=0.1", NULL));
    cut_everywhere(&data, &config, stems[i], 1);
    char path[512];
    name_run(path, stems[i], 999);
    gr_checkpoint c = final_of(path);
    CU_ASSERT(c.history.n_rows > 2 &&
              c.history.row[c.history.n_rows - 1].learning_rate < c.history.row[0].learning_rate);
    CU_ASSERT_EQUAL(c.state.stopped_early, i == 1);
    gr_checkpoint_free(&c);
    gr_config_free(&config);
  }
  gr_dataset_free(&data);
}

static void what_an_update_waits_for_survives_interruption(void) {
  gr_dataset data = make_spirals(50, 3);
  gr_config config = make_config(SETTINGS("training.batch_size=8", "training.accumulate=3",
                                          "optimizer.clip_norm=0.2", "optimizer.max_norm=1",
                                          "optimizer.l1=0.001", NULL));
  cut_everywhere(&data, &config, "waits", 1);
  gr_config_free(&config);
  gr_dataset_free(&data);
}

static void courses_of_dropout_and_decay_go_on_where_they_were(void) {
  gr_dataset data = make_spirals(50, 3);
  gr_config config = make_config(
      SETTINGS("network.dropout=0.3", "schedule.dropout=flat-cosine", "optimizer.weight_decay=0.1",
               "schedule.weight_decay=cosine", "network.parametrization=ntk",
               "optimizer.bias_rate=0.1", "schedule.name=coslog4", NULL));
  cut_twice(&data, &config, "courses", 2);
  gr_config_free(&config);
  gr_dataset_free(&data);
}

static void averages_survive_interruption(void) {
  static const char *const names[] = {"average.name=ema", "average.name=swa"}, *const stems[] = {
                                                                                   "ema", "swa"};
  gr_dataset data = make_spirals(50, 3);
  for (size_t i = 0; i < 2; i++) {
    gr_config config =
        make_config(SETTINGS(names[i], "average.decay=0.5", "average.start=1", NULL));
    cut_everywhere(&data, &config, stems[i], 1);
    gr_config_free(&config);
  }
  gr_dataset_free(&data);
}

static void a_damaged_checkpoint_is_passed_over(void) {
  gr_dataset data = make_spirals(50, 3);
  gr_config config = make_config(SETTINGS(NULL));
  char whole[512], cut[512], command[1200];
  name_run(whole, "undamaged", 0);
  name_run(cut, "damaged", 0);
  session(&data, &config, whole, UINT64_MAX, false);
  session(&data, &config, cut, 2, true);
  session(&data, &config, cut, 3, true);
  snprintf(command, sizeof command,
           "printf x | dd of='%s/checkpoints/step-000000000005.h5' bs=1 seek=5000 conv=notrunc "
           "2>/dev/null",
           cut);
  CU_ASSERT_EQUAL(system(command), 0);
  session(&data, &config, cut, UINT64_MAX, false);
  expect_same_run(whole, cut);
  gr_config_free(&config);
  gr_dataset_free(&data);
}

static void logs_that_a_kill_tore_are_mended(void) {
  gr_dataset data = make_spirals(50, 3);
  gr_config config = make_config(SETTINGS(NULL));
  char whole[512], cut[512], command[1200];
  name_run(whole, "untorn", 0);
  name_run(cut, "torn", 0);
  session(&data, &config, whole, UINT64_MAX, false);
  session(&data, &config, cut, 5, true);
  snprintf(command, sizeof command,
           "cd '%s' && printf '{\"event\":\"ep' >>metrics.jsonl && rm metrics.csv", cut);
  CU_ASSERT_EQUAL(system(command), 0);
  session(&data, &config, cut, UINT64_MAX, false);
  snprintf(command, sizeof command, "cd '%s' && rm final.h5 best.h5 && : >metrics.jsonl", cut);
  CU_ASSERT_EQUAL(system(command), 0);
  session(&data, &config, cut, UINT64_MAX, false); /* finished, but something is missing */
  expect_same_run(whole, cut);
  gr_checkpoint a = final_of(whole), b = final_of(cut);
  CU_ASSERT_EQUAL(a.state.metrics_offset, b.state.metrics_offset);
  gr_checkpoint_free(&a);
  gr_checkpoint_free(&b);
  gr_config_free(&config);
  gr_dataset_free(&data);
}

static void a_named_checkpoint_is_resumed_in_another_directory(void) {
  gr_dataset data = make_spirals(50, 3);
  gr_config config = make_config(SETTINGS(NULL));
  char whole[512], other[512], file[GR_RUN_FILE];
  name_run(whole, "source", 0);
  name_run(other, "target", 0);
  session(&data, &config, whole, 5, true);
  session(&data, &config, whole, UINT64_MAX, false);
  gr_run_file(whole, "checkpoints/step-000000000005.h5", file);
  gr_trainer_options options = {.run_directory = other, .resume_file = file};
  gr_trainer *t = NULL;
  gradus_error err = {0};
  bool finished = false;
  GR_CHECK_OK(gr_trainer_create(&config, &data, &options, &t, &err), &err);
  CU_ASSERT_PTR_NOT_NULL_FATAL(t);
  GR_CHECK_OK(gr_trainer_advance(t, UINT64_MAX, &finished, &err), &err);
  gr_trainer_destroy(t);
  expect_same_run(whole, other);
  gr_run_file(whole, "best.h5", file);
  options.run_directory = gr_test_path("from-best");
  GR_CHECK_FAILS(gr_trainer_create(&config, &data, &options, &t, &err), GRADUS_ERR_DATA, &err,
                 "no state of the optimizer");
  gr_config_free(&config);
  gr_dataset_free(&data);
}

static void a_stop_request_leaves_a_checkpoint(void) {
  gr_dataset data = make_spirals(50, 3);
  gr_config config = make_config(SETTINGS(NULL));
  char whole[512], cut[512];
  gradus_error err = {0};
  bool finished = true;
  name_run(whole, "unstopped", 0);
  name_run(cut, "requested", 0);
  session(&data, &config, whole, UINT64_MAX, false);
  gr_trainer *t = open_run(&data, &config, cut);
  CU_ASSERT_PTR_NOT_NULL_FATAL(t);
  GR_CHECK_OK(gr_trainer_advance(t, 4, &finished, &err), &err);
  gr_trainer_request_stop(t);
  GR_CHECK_FAILS(gr_trainer_advance(t, UINT64_MAX, &finished, &err), GRADUS_ERR_STOPPED, &err,
                 "step-000000000004.h5");
  CU_ASSERT_FALSE(finished);
  gr_trainer_request_checkpoint(t);
  GR_CHECK_OK(gr_trainer_advance(t, 1, &finished, &err), &err);
  gr_trainer_destroy(t);
  session(&data, &config, cut, UINT64_MAX, false);
  expect_same_run(whole, cut);
  gr_config_free(&config);
  gr_dataset_free(&data);
}

/* Each session takes at least one step, so that short limits get on, too. */
static void a_time_limit_stops_with_a_checkpoint(void) {
  gr_dataset data = make_spirals(50, 3);
  gr_config config = make_config(SETTINGS(NULL));
  gr_trainer_options options = {.run_directory = gr_test_path("limit"), .time_limit = 1e-9};
  gr_trainer *t = NULL;
  gradus_error err = {0};
  bool finished;
  GR_CHECK_OK(gr_trainer_create(&config, &data, &options, &t, &err), &err);
  CU_ASSERT_PTR_NOT_NULL_FATAL(t);
  GR_CHECK_FAILS(gr_trainer_advance(t, UINT64_MAX, &finished, &err), GRADUS_ERR_STOPPED, &err,
                 "time limit");
  gr_trainer_destroy(t);
  CU_ASSERT_TRUE(gr_file_exists(gr_test_path("limit/checkpoints/step-000000000001.h5")));
  gr_config_free(&config);
  gr_dataset_free(&data);
}

/* Lines of `log` that hold `event` and, after it, `key`. */
static int lines_with(const char *log, const char *event, const char *key) {
  int n = 0;
  for (const char *at = log; (at = strstr(at, event)); at++) {
    const char *end = strchr(at, '\n'), *found = strstr(at, key);
    n += found && end && found < end;
  }
  return n;
}

/* The timing log records what happened, so it may differ between runs; but a finished command that
 * is repeated adds nothing, and a torn line is never glued to the next. */
static void timing_keeps_what_happened(void) {
  gr_dataset data = make_spirals(50, 3);
  gr_config config = make_config(SETTINGS(NULL));
  char run[512], path[GR_RUN_FILE], command[2 * GR_RUN_FILE];
  gr_text before = {0}, after = {0};
  bool found;
  gradus_error err = {0};
  name_run(run, "timing", 0);
  gr_run_file(run, "timing.jsonl", path);
  session(&data, &config, run, 5, true);
  snprintf(command, sizeof command, "printf '{\"event\":\"ep' >>'%s'", path);
  CU_ASSERT_EQUAL(system(command), 0);
  session(&data, &config, run, UINT64_MAX, false);
  GR_CHECK_OK(gr_file_read(path, &before, &found, &err), &err);
  session(&data, &config, run, UINT64_MAX, false);
  GR_CHECK_OK(gr_file_read(path, &after, &found, &err), &err);
  CU_ASSERT_FATAL(before.length > 0 && before.data != NULL);
  CU_ASSERT(before.length == after.length && memcmp(before.data, after.data, before.length) == 0);
  CU_ASSERT_PTR_NOT_NULL(strstr(before.data, "{\"event\":\"end\""));
  CU_ASSERT_PTR_NULL(strstr(before.data, "{\"event\":\"ep{"));
  const int epochs = lines_with(before.data, "\"epoch\",", "\"samples_per_second\":");
  CU_ASSERT(epochs > 0);
  CU_ASSERT_EQUAL(lines_with(before.data, "\"epoch\",", "\"validation_seconds\":"), epochs);
  CU_ASSERT_EQUAL(lines_with(before.data, "\"event\":", "\"samples_per_second\":"), epochs);
  gr_text_free(&before);
  gr_text_free(&after);
  gr_config_free(&config);
  gr_dataset_free(&data);
}

static void timing_loses_only_what_comes_again(void) {
  gr_text kept = {0};
  gr_timing_keep(
      "{\"event\":\"start\",\"epoch\":0,\"step\":0}\nno line of ours\n"
      "{\"event\":\"checkpoint\",\"step\":8}\n{\"event\":\"epoch\",\"step\":9}\n{\"ev",
      8, &kept);
  CU_ASSERT_PTR_NOT_NULL_FATAL(kept.data);
  CU_ASSERT_STRING_EQUAL(kept.data,
                         "{\"event\":\"start\",\"epoch\":0,\"step\":0}\n"
                         "{\"event\":\"checkpoint\",\"step\":8}\n");
  gr_text_free(&kept);
}

static gradus_status reopen(const gr_dataset *data, const gr_config *config, const char *run,
                            const char *file, uint64_t steps, uint64_t *step, gradus_error *err) {
  gr_trainer_options options = {.run_directory = run, .resume_file = file};
  gr_trainer *t = NULL;
  gr_report report = {0};
  bool finished;
  GR_TRY(gr_trainer_create(config, data, &options, &t, err));
  gradus_status status = gr_trainer_advance(t, steps, &finished, err);
  if (status == GRADUS_OK) status = gr_trainer_checkpoint(t, NULL, 0, err);
  gr_trainer_report(t, &report);
  *step = report.steps;
  gr_trainer_destroy(t);
  return status;
}

static void a_command_with_a_named_checkpoint_gets_on_when_repeated(void) {
  gr_dataset data = make_spirals(50, 3);
  gr_config config = make_config(SETTINGS(NULL));
  char source[512], target[512], file[GR_RUN_FILE];
  uint64_t step = 0;
  gradus_error err = {0};
  name_run(source, "named", 0);
  name_run(target, "repeated", 0);
  session(&data, &config, source, 3, true);
  gr_run_file(source, "checkpoints/step-000000000003.h5", file);
  for (uint64_t i = 0; i <= 3; i++) { /* the first takes no step, but leaves a checkpoint */
    GR_CHECK_OK(reopen(&data, &config, target, file, i > 0, &step, &err), &err);
    CU_ASSERT_EQUAL(step, 3 + i);
    char own[GR_RUN_FILE], name[64];
    snprintf(name, sizeof name, "checkpoints/step-%012llu.h5", (unsigned long long)step);
    gr_run_file(target, name, own);
    CU_ASSERT(gr_file_exists(own));
  }
  gr_config_free(&config);
  gr_dataset_free(&data);
}

/* Each field of a good state in turn made one that no run of this recipe can have, and sealed. */
static void a_state_that_no_run_can_have_is_refused(void) {
  gr_dataset data = make_spirals(50, 3);
  gr_config config = make_config(SETTINGS(NULL));
  char run[512], target[512], file[GR_RUN_FILE];
  uint64_t step;
  gr_checkpoint c = {0};
  gradus_error err = {0};
  name_run(run, "sane", 0);
  session(&data, &config, run, 5, true);
  gr_run_file(run, "checkpoints/step-000000000005.h5", file);
  GR_CHECK_OK(gr_checkpoint_read(file, &c, &err), &err);
  const gr_train_state good = c.state;
  uint64_t *const fields[] = {&c.state.step, &c.state.epoch, &c.state.position,
                              &c.state.samples_seen};
  for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
    c.state = good;
    ++*fields[i];
    GR_CHECK_OK(gr_checkpoint_write(&c, gr_test_path("insane.h5"), &err), &err);
    name_run(target, "insane", i);
    GR_CHECK_FAILS(reopen(&data, &config, target, gr_test_path("insane.h5"), 1, &step, &err),
                   GRADUS_ERR_DATA, &err, "does not fit the recipe");
  }
  gr_checkpoint_free(&c);
  gr_config_free(&config);
  gr_dataset_free(&data);
}

const gr_test resume_tests[] = {
    GR_TEST(resuming_after_any_step_changes_no_bit),
    GR_TEST(steps_lost_by_a_kill_come_again),
    GR_TEST(early_stopping_survives_interruption),
    GR_TEST(every_optimizer_goes_on_where_it_was),
    GR_TEST(what_an_update_waits_for_survives_interruption),
    GR_TEST(courses_of_dropout_and_decay_go_on_where_they_were),
    GR_TEST(averages_survive_interruption),
    GR_TEST(every_schedule_goes_on_where_it_was),
    GR_TEST(what_a_schedule_learned_from_validation_survives_interruption),
    GR_TEST(a_damaged_checkpoint_is_passed_over),
    GR_TEST(logs_that_a_kill_tore_are_mended),
    GR_TEST(a_named_checkpoint_is_resumed_in_another_directory),
    GR_TEST(timing_keeps_what_happened),
    GR_TEST(timing_loses_only_what_comes_again),
    GR_TEST(a_command_with_a_named_checkpoint_gets_on_when_repeated),
    GR_TEST(a_state_that_no_run_can_have_is_refused),
    GR_TEST(a_stop_request_leaves_a_checkpoint),
    GR_TEST(a_time_limit_stops_with_a_checkpoint),
    GR_TEST_END};
