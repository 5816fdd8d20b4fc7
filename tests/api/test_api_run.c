/* A run directory seen from outside: who trains in it, and a request to stop. */
#include <config.h>

#include <string.h>

#include "gradus/gradus.h"
#include "support/test.h"

enum { ROWS = 40 };

extern const gr_test run_tests[];

static void a_run_is_asked_to_stop_by_its_directory(void) {
  gradus_recipe *recipe = NULL;
  gradus_dataset *data = NULL;
  const char *run = gr_test_path("asked");
  gradus_trainer_options options = {.struct_size = sizeof options, .run_directory = run};
  gradus_run_status now = {.struct_size = sizeof now};
  gradus_trainer *trainer = NULL;
  gradus_error err = {0};
  float x[ROWS];
  int32_t y[ROWS];
  for (int i = 0; i < ROWS; i++) {
    x[i] = (float)i;
    y[i] = i % 2;
  }
  GR_CHECK_OK(gradus_recipe_create(NULL, &recipe, &err), &err);
  GR_CHECK_OK(gradus_dataset_create(1, &data, &err), &err);
  GR_CHECK_OK(gradus_dataset_add(data, "train", ROWS, x, y, NULL, 0, NULL, &err), &err);
  GR_CHECK_OK(gradus_recipe_set(recipe, "training.epochs", "100000000", &err), &err);
  GR_CHECK_FAILS(gradus_run_look(run, &now, &err), GRADUS_ERR_NOINPUT, &err, "asked");
  GR_CHECK_FAILS(gradus_run_stop(run, &err), GRADUS_ERR_NOINPUT, &err, "asked");
  GR_CHECK_OK(gradus_trainer_create(recipe, data, &options, &trainer, &err), &err);
  GR_CHECK_OK(gradus_run_look(run, &now, &err), &err);
  CU_ASSERT_EQUAL(now.state, GRADUS_RUN_HERE);
  CU_ASSERT_PTR_NOT_NULL(strstr(now.holder, "process "));
  GR_CHECK_OK(gradus_run_stop(run, &err), &err);
  GR_CHECK_FAILS(gradus_trainer_run(trainer, &err), GRADUS_ERR_STOPPED, &err, "STOP file");
  gradus_trainer_destroy(trainer);
  GR_CHECK_OK(gradus_run_look(run, &now, &err), &err);
  CU_ASSERT_EQUAL(now.state, GRADUS_RUN_IDLE);
  CU_ASSERT_EQUAL(now.finished, 0);
  CU_ASSERT_STRING_EQUAL(now.holder, "");
  now.struct_size = 0;
  GR_CHECK_FAILS(gradus_run_look(run, &now, &err), GRADUS_ERR_USAGE, &err, "gradus_run_status");
  gradus_dataset_close(data);
  gradus_recipe_destroy(recipe);
}

const gr_test run_tests[] = {GR_TEST(a_run_is_asked_to_stop_by_its_directory), GR_TEST_END};
