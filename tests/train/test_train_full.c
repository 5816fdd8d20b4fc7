/* Optimisers whose update is made from all training rows, in several passes over parts of them. */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "net/schedule.h"
#include "support/numbers.h"
#include "train/runs.h"
#include "train/test_train.h"

/* What an update compares, the loss with weight decay of the step before, goes on with the run. */
static void a_full_batch_run_survives_interruption(void) {
  gr_dataset data = make_spirals(60, 3);
  gr_config config = make_config(
      SETTINGS("optimizer.name=rprop", "optimizer.weight_decay=0.01", "training.epochs=14", NULL));
  cut_everywhere(&data, &config, "rprop-cut", 1);
  gr_config_free(&config);
  gr_dataset_free(&data);
}

static void an_epoch_is_one_step_of_all_rows(void) {
  gr_dataset data = make_regression(200);
  gr_config config = make_config(SETTINGS("optimizer.name=rprop", "training.epochs=60",
                                          "network.hidden=16", "network.activation=tanh", NULL));
  const char *path = gr_test_path("rprop-learns");
  session(&data, &config, path, UINT64_MAX, false);
  gr_checkpoint c = final_of(path);
  const gr_config *resolved = &c.model.config;
  const uint64_t n_train = c.state.samples_seen / 60;
  CU_ASSERT_EQUAL(c.state.step, 60);
  CU_ASSERT_EQUAL(c.state.samples_seen, 60 * n_train);
  CU_ASSERT_EQUAL((uint64_t)resolved->training.accumulate, (n_train + 15) / 16);
  CU_ASSERT_EQUAL(resolved->training.shuffle, GR_SHUFFLE_NONE);
  /* 0.5 is what the mean costs; adam needs some 300 steps to get here */
  GR_CHECK(c.history.row[59].train_loss < 0.02, "rprop ends at %g", c.history.row[59].train_loss);
  CU_ASSERT(c.state.objective > 0 && c.state.objective == c.history.row[59].train_loss);
  gr_checkpoint_free(&c);
  gr_config_free(&config);
  gr_dataset_free(&data);
}

static void what_changes_the_loss_from_step_to_step_is_refused(void) {
  static const char *const settings[] = {"network.dropout=0.1",    "network.input_dropout=0.1",
                                         "optimizer.l1=0.1",       "optimizer.clip_norm=1",
                                         "optimizer.clip_value=1", "optimizer.max_norm=1"};
  for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
    gradus_error err = {0};
    gr_config config = make_config(SETTINGS("optimizer.name=rprop", settings[i], NULL));
    GR_CHECK_FAILS(gr_config_validate(&config, &err), GRADUS_ERR_CONFIG, &err,
                   "does not go with optimizer.name rprop");
    gr_config_free(&config);
  }
}

const gr_test full_tests[] = {
    GR_TEST(a_full_batch_run_survives_interruption), GR_TEST(an_epoch_is_one_step_of_all_rows),
    GR_TEST(what_changes_the_loss_from_step_to_step_is_refused), GR_TEST_END};
