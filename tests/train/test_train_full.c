/* Optimisers whose update is made from all training rows, in several passes over parts of them. */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "net/schedule.h"
#include "support/numbers.h"
#include "train/files.h"
#include "train/run_directory.h"
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

/* In the middle of a bracket, of a zoom, of the memory: the long first trial needs them all. */
static void a_line_search_survives_interruption_after_every_evaluation(void) {
  gr_dataset data = make_spirals(60, 3);
  gr_config config = make_config(SETTINGS("optimizer.name=lbfgs", "optimizer.weight_decay=0.001",
                                          "optimizer.learning_rate=6", "network.hidden=8",
                                          "network.activation=tanh", "training.epochs=30", NULL));
  cut_everywhere(&data, &config, "lbfgs-cut", 1);
  gr_config_free(&config);
  gr_dataset_free(&data);
}

/* It says so, is finished, and stays it however many epochs are asked for. */
static void a_run_ends_where_it_has_converged(void) {
  gr_dataset data = make_regression(200);
  gr_config config = make_config(SETTINGS("optimizer.name=lbfgs", "training.epochs=500",
                                          "optimizer.tolerance=0.01", "network.hidden=8",
                                          "network.activation=tanh", NULL));
  const char *path = gr_test_path("lbfgs-converges");
  char metrics[GR_RUN_FILE];
  gr_text text = {0};
  gradus_error err = {0};
  bool found;
  session(&data, &config, path, UINT64_MAX, false);
  gr_checkpoint c = final_of(path);
  CU_ASSERT(c.state.finished && c.state.stopped_early && c.state.step < 500);
  CU_ASSERT(c.state.search.end == GR_SEARCH_FLAT && c.state.search.norm <= 0.01);
  CU_ASSERT_EQUAL(c.history.n_events, 1);
  CU_ASSERT_EQUAL((uint64_t)c.model.config.training.accumulate,
                  (c.state.samples_seen / c.state.step + 15) / 16);
  /* The model is the last point accepted: the objective is its loss. */
  GR_CHECK(c.state.search.f0 <= c.history.row[c.history.n_rows - 1].train_loss,
           "objective %.9g, last evaluation %.9g", c.state.search.f0,
           c.history.row[c.history.n_rows - 1].train_loss);
  gr_run_file(path, "metrics.jsonl", metrics);
  GR_CHECK_OK(gr_file_read(metrics, &text, &found, &err), &err);
  CU_ASSERT(found && strstr(text.data, "{\"event\":\"converged\",\"epoch\":"));
  CU_ASSERT(strstr(text.data, "\"reason\":\"the norm of the gradient is within") != NULL);
  gr_text_free(&text);
  config.training.epochs = 600;
  session(&data, &config, path, UINT64_MAX, false);
  gr_checkpoint again = final_of(path);
  CU_ASSERT_EQUAL(again.state.step, c.state.step);
  gr_checkpoint_free(&again);
  gr_checkpoint_free(&c);
  gr_config_free(&config);
  gr_dataset_free(&data);
}

/* Another objective: nothing that was known of the old one is of use, but the model. */
static void other_data_begin_the_search_anew(void) {
  gr_dataset data = make_regression(200), other = make_regression(200);
  gr_config config = make_config(SETTINGS("optimizer.name=lbfgs", "training.epochs=40", NULL));
  const char *path = gr_test_path("lbfgs-other-data");
  char folder[GR_RUN_FILE];
  gradus_error err = {0};
  gr_checkpoint before = {0}, after = {0};
  bool found, finished;
  ((float *)other.split[GR_TRAIN].y)[77] = 3;
  CU_ASSERT_EQUAL(gr_dataset_digest(&other, NULL), GRADUS_OK);
  session(&data, &config, path, 12, true);
  gr_run_file(path, "checkpoints", folder);
  GR_CHECK_OK(gr_checkpoint_newest(folder, NULL, &before, &found, NULL, &err), &err);
  const gr_trainer_options options = {.run_directory = path, .allow_data_change = true};
  gr_trainer *t = NULL;
  GR_CHECK_OK(gr_trainer_create(&config, &other, &options, &t, &err), &err);
  GR_CHECK_OK(gr_trainer_advance(t, 1, &finished, &err), &err);
  GR_CHECK_OK(gr_trainer_checkpoint(t, NULL, 0, &err), &err);
  GR_CHECK_OK(gr_checkpoint_newest(folder, NULL, &after, &found, NULL, &err), &err);
  CU_ASSERT(before.state.search.iterations > 3 && before.state.search.pairs > 3);
  CU_ASSERT(after.state.search.iterations == 0 && after.state.search.pairs == 0);
  CU_ASSERT(after.state.search.phase == GR_SEARCH_BRACKET && after.state.step == 13);
  CU_ASSERT(memcmp(before.model.parameters, after.model.parameters,
                   before.model.network.n_parameters * sizeof(float)) == 0);
  GR_CHECK_OK(gr_trainer_advance(t, UINT64_MAX, &finished, &err), &err);
  CU_ASSERT(finished);
  gr_trainer_destroy(t);
  gr_checkpoint_free(&before);
  gr_checkpoint_free(&after);
  gr_config_free(&config);
  gr_dataset_free(&data);
  gr_dataset_free(&other);
}

static void what_a_line_search_cannot_do_with_is_refused(void) {
  static const char *const settings[] = {
      "network.dropout=0.1",      "optimizer.l1=0.1",      "network.hidden=8:0.2,8",
      "schedule.name=cosine",     "schedule.warmup=0.1",   "average.name=ema",
      "optimizer.max_norm=1",     "optimizer.clip_norm=1", "network.normalization=batch-norm",
      "optimizer.learning_rate=0"};
  for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
    gradus_error err = {0};
    gr_config config = make_config(SETTINGS("optimizer.name=lbfgs", settings[i], NULL));
    GR_CHECK_FAILS(gr_config_validate(&config, &err), GRADUS_ERR_CONFIG, &err,
                   "optimizer.name lbfgs");
    gr_config_free(&config);
  }
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

const gr_test full_tests[] = {GR_TEST(a_full_batch_run_survives_interruption),
                              GR_TEST(an_epoch_is_one_step_of_all_rows),
                              GR_TEST(what_changes_the_loss_from_step_to_step_is_refused),
                              GR_TEST(a_line_search_survives_interruption_after_every_evaluation),
                              GR_TEST(a_run_ends_where_it_has_converged),
                              GR_TEST(other_data_begin_the_search_anew),
                              GR_TEST(what_a_line_search_cannot_do_with_is_refused),
                              GR_TEST_END};
