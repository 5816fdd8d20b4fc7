/* How long a run is: budgets of steps and samples that end it inside of an epoch, and early
 * stopping on a running mean. */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "net/schedule.h"
#include "support/numbers.h"
#include "train/runs.h"
#include "train/stopping.h"
#include "train/test_train.h"

/* 64 rows in batches of 15: 5 steps an epoch, the last of 4 rows. */
enum { ROWS = 64, EPOCH_STEPS = 5 };

static gr_config budget(const char *steps, const char *samples) {
  gr_config config = make_config(SETTINGS("data.valid_split=0", "training.batch_size=15",
                                          "optimizer.learning_rate=0.01", NULL));
  gradus_error err = {0};
  GR_CHECK_OK(gr_config_set(&config, "training.steps", steps, "test", &err), &err);
  GR_CHECK_OK(gr_config_set(&config, "training.samples", samples, "test", &err), &err);
  return config;
}

static void budgets_count_steps_and_samples(void) {
  static const struct {
    const char *steps, *samples;
    uint64_t total;
  } cases[] = {{"0", "0", 3 * EPOCH_STEPS}, /* three epochs */
               {"1", "0", 1},
               {"7", "0", 7},
               {"400", "0", 400},
               {"0", "1", 1},
               {"0", "15", 1},
               {"0", "16", 2},
               {"0", "61", 5},
               {"0", "64", 5},
               {"0", "65", 6},
               {"0", "188", 2 * EPOCH_STEPS + 4},
               {"0", "189", 2 * EPOCH_STEPS + 5},
               {"9", "64", 5},
               {"4", "64", 4}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    gr_config c = budget(cases[i].steps, cases[i].samples);
    const uint64_t got = gr_config_total_steps(&c, ROWS);
    GR_CHECK(got == cases[i].total, "%s steps, %s samples: %llu", cases[i].steps, cases[i].samples,
             (unsigned long long)got);
    CU_ASSERT_EQUAL(gr_config_epoch_steps(&c, ROWS), EPOCH_STEPS);
    gr_config_free(&c);
  }
}

/* The weights of a longer run at that step; and a row of the history for the epoch that was begun.
 */
static void a_budget_ends_a_run_inside_of_an_epoch(void) {
  gr_dataset data = make_spirals(ROWS, 3);
  gr_config longer = budget("0", "0"), steps = budget("7", "0"), samples = budget("0", "80");
  char by_steps[512], by_samples[512];
  name_run(by_steps, "by-steps", 0);
  name_run(by_samples, "by-samples", 0);
  session(&data, &steps, by_steps, UINT64_MAX, false);
  session(&data, &samples, by_samples, UINT64_MAX, false);
  gr_trainer *t = open_run(&data, &longer, gr_test_path("longer"));
  gr_report report;
  gradus_error err = {0};
  bool finished = true;
  GR_CHECK_OK(gr_trainer_advance(t, 7, &finished, &err), &err);
  CU_ASSERT_FALSE(finished);
  gr_trainer_report(t, &report);
  gr_trainer_destroy(t);
  gr_checkpoint a = final_of(by_steps), b = final_of(by_samples);
  char digest[GR_DIGEST_TEXT];
  gr_parameters_digest(a.model.parameters, a.model.network.n_parameters, digest);
  CU_ASSERT_STRING_EQUAL(digest, report.digest);
  CU_ASSERT(memcmp(a.model.parameters, b.model.parameters,
                   a.model.network.n_parameters * sizeof(float)) == 0);
  CU_ASSERT(a.state.finished && a.state.step == 7 && a.state.samples_seen == ROWS + 30);
  CU_ASSERT_EQUAL_FATAL(a.history.n_rows, 2);
  CU_ASSERT(a.history.row[1].step == 7 && a.history.row[1].epoch == 2);
  CU_ASSERT_EQUAL(a.model.config.training.epochs, 2);
  gr_checkpoint_free(&a);
  gr_checkpoint_free(&b);
  session(&data, &steps, by_steps, UINT64_MAX, false); /* finished: stays as it is */
  a = final_of(by_steps);
  CU_ASSERT_EQUAL(a.state.step, 7);
  gr_checkpoint_free(&a);
  gr_config_free(&longer);
  gr_config_free(&steps);
  gr_config_free(&samples);
  gr_dataset_free(&data);
}

/* Also validated there, by a schedule that has to end with it, and by an average over epochs. */
static void a_run_with_a_budget_survives_interruption(void) {
  gr_dataset data = make_spirals(70, 3);
  gr_config config =
      make_config(SETTINGS("training.steps=7", "schedule.name=cosine", "average.name=swa",
                           "average.start=1", "optimizer.learning_rate=0.02", NULL));
  cut_everywhere(&data, &config, "budget", 1);
  char whole[512];
  name_run(whole, "budget", 999);
  gr_checkpoint c = final_of(whole);
  CU_ASSERT(c.state.step == 7 && c.state.position > 0);
  CU_ASSERT_EQUAL(c.history.row[c.history.n_rows - 1].step, 7);
  CU_ASSERT_TRUE(c.history.row[c.history.n_rows - 1].learning_rate < 0.02 * 0.1);
  CU_ASSERT_TRUE(c.state.has_best);
  gr_checkpoint_free(&c);
  gr_config_free(&config);
  gr_dataset_free(&data);
}

/* Epochs of a schedule are those of the data, whatever part of the last one there is. */
static void schedules_know_the_length_of_an_epoch(void) {
  gr_config c = budget("12", "0");
  c.training.epochs = 3;
  c.schedule.name = GR_SCHEDULE_STEP;
  c.schedule.every = 1;
  gr_config_settle(&c, NULL);
  c.schedule.gamma = 0.5;
  const gr_schedule_state state = {.epoch_steps = EPOCH_STEPS};
  for (uint64_t step = 0; step < 12; step++)
    CU_ASSERT_EQUAL(gr_schedule_rate(&c, step, 12, &state),
                    0.01 / (double)(1 << step / EPOCH_STEPS));
  gr_config_free(&c);
}

static void early_stopping_follows_the_running_mean(void) {
  static const double losses[] = {1, 0.5, 0.9, 0.5, 0.45, 0.8, 0.8, 0.45, 0.9, 0.9, 0.9, 0.9};
  enum { N = sizeof losses / sizeof losses[0] };
  gr_config c = make_config(SETTINGS("training.early_stopping.patience=3", NULL));
  for (int way = 0; way < 3; way++) {
    c.training.smoothing = way == 1 ? 0.75 : 0;
    c.training.min_delta = way == 2 ? 0.1 : 0;
    gr_stopping s = {0};
    double mean = losses[0], best = losses[0];
    int since = 0, at = -1, wanted = -1;
    for (int t = 0; t < N; t++) {
      mean = t ? c.training.smoothing * mean + (1 - c.training.smoothing) * losses[t] : mean;
      const bool better = t == 0 || mean < best - c.training.min_delta;
      since = better ? 0 : since + 1;
      if (better) best = mean;
      if (since >= 3 && wanted < 0) wanted = t;
      if (gr_stopping_judge(&c, losses[t], &s) && at < 0) at = t;
      CU_ASSERT_EQUAL(s.since_best, (uint64_t)since);
    }
    CU_ASSERT_EQUAL(at, wanted);
    /* 0.45 beats 0.5 in time, and nothing beats it; by 0.1 it does not; the mean falls longer. */
    static const int ends[] = {7, 10, 4};
    GR_CHECK(at == ends[way], "way %d ends at %d", way, at);
  }
  gr_config_free(&c);
}

static void smoothed_stopping_survives_interruption(void) {
  gr_dataset data = make_noise(60);
  gr_config config = make_config(
      SETTINGS("training.epochs=40", "training.early_stopping.patience=2",
               "training.early_stopping.smoothing=0.6", "training.early_stopping.min_delta=0.01",
               "optimizer.learning_rate=0.1", "training.batch_size=32", NULL));
  cut_everywhere(&data, &config, "smoothed", 1);
  char whole[512];
  name_run(whole, "smoothed", 999);
  gr_checkpoint c = final_of(whole);
  CU_ASSERT_TRUE(c.state.stopped_early);
  gr_checkpoint_free(&c);
  gr_config_free(&config);
  gr_dataset_free(&data);
}

const gr_test budget_tests[] = {GR_TEST(budgets_count_steps_and_samples),
                                GR_TEST(a_budget_ends_a_run_inside_of_an_epoch),
                                GR_TEST(a_run_with_a_budget_survives_interruption),
                                GR_TEST(schedules_know_the_length_of_an_epoch),
                                GR_TEST(early_stopping_follows_the_running_mean),
                                GR_TEST(smoothed_stopping_survives_interruption),
                                GR_TEST_END};
