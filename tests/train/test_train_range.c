/* The learning-rate range test: what it makes of a known curve, and that it finds rates that train.
 */
#include <config.h>

#include <math.h>
#include <string.h>

#include "support/numbers.h"
#include "train/range.h"
#include "train/runs.h"
#include "train/test_train.h"

/* A loss that falls along the logarithm of the rate like a logistic curve, steepest at step 100,
 * and explodes at step 150: the mean of the last ten steps is steepest some ten steps later. */
static void the_suggestion_is_where_the_mean_loss_falls_fastest(void) {
  gr_range range = {.n = 0};
  for (uint64_t i = 0; i < GR_RANGE_STEPS; i++) {
    range.rate[i] = pow(10, (double)i / 100);
    range.loss[i] =
        0.1 + 1 / (1 + exp(((double)i - 100) / 5)) + (i >= 150 ? pow(2, (double)i - 150) : 0);
    range.n = i + 1;
    if (gr_range_judge(&range)) break;
  }
  GR_CHECK(range.n > 150 && range.n < 160, "%llu steps", (unsigned long long)range.n);
  GR_CHECK(range.suggestion >= 10 && range.suggestion <= pow(10, 1.15), "suggestion %g",
           range.suggestion);
  for (uint64_t i = 0; i < range.n; i++) range.loss[i] = (double)i; /* which never falls */
  (void)gr_range_judge(&range);
  CU_ASSERT(isnan(range.suggestion));
}

static void a_range_test_finds_a_rate_that_trains_and_comes_out_the_same(void) {
  gr_dataset data = make_regression(300);
  static const char *const optimizers[] = {"optimizer.name=sgd", "optimizer.name=adam",
                                           "optimizer.name=lamb"};
  for (size_t i = 0; i < 3; i++) {
    gr_config config = make_config(SETTINGS(optimizers[i], "network.hidden=16", NULL));
    gr_range one, two;
    gradus_error err = {0};
    GR_CHECK_OK(gr_range_test(&config, &data, &one, &err), &err);
    config.resources.threads = 3;
    GR_CHECK_OK(gr_range_test(&config, &data, &two, &err), &err);
    CU_ASSERT(one.n == two.n && memcmp(one.loss, two.loss, one.n * sizeof one.loss[0]) == 0);
    CU_ASSERT(one.n > 100);
    CU_ASSERT_DOUBLE_EQUAL(one.rate[0], GR_RANGE_FIRST, 1e-20);
    CU_ASSERT_DOUBLE_EQUAL(one.rate[GR_RANGE_STEPS - 1], GR_RANGE_LAST, 1e-12);
    GR_CHECK(one.suggestion > 1e-5 && one.suggestion < 3, "%s: %g", optimizers[i], one.suggestion);
    config.optimizer.learning_rate = one.suggestion;
    char path[512];
    name_run(path, "range", i);
    session(&data, &config, path, UINT64_MAX, false);
    gr_checkpoint c = final_of(path);
    GR_CHECK(c.history.row[2].train_loss < 0.6 * one.loss[0], "%s trains to %g from %g",
             optimizers[i], c.history.row[2].train_loss, one.loss[0]);
    gr_checkpoint_free(&c);
    gr_config_free(&config);
  }
  gr_dataset_free(&data);
}

static void full_batches_have_no_range_test(void) {
  gr_dataset data = make_spirals(40, 3);
  gr_config config = make_config(SETTINGS("optimizer.name=rprop", NULL));
  gr_range range;
  gradus_error err = {0};
  GR_CHECK_FAILS(gr_range_test(&config, &data, &range, &err), GRADUS_ERR_CONFIG, &err,
                 "finds its own step sizes");
  gr_config_free(&config);
  gr_dataset_free(&data);
}

const gr_test range_tests[] = {
    GR_TEST(the_suggestion_is_where_the_mean_loss_falls_fastest),
    GR_TEST(a_range_test_finds_a_rate_that_trains_and_comes_out_the_same),
    GR_TEST(full_batches_have_no_range_test), GR_TEST_END};
