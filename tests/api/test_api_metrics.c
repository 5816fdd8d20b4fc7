/* Evaluations and predictions of models as callers of the library meet them: metrics and memory,
 * offsets. */
#include <config.h>

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gradus/gradus.h"
#include "support/test.h"

extern const gr_test api_metrics_tests[];

static bool has_metric(const gradus_evaluation *e, const char *name) {
  for (uint32_t i = 0; i < e->n_metrics; i++)
    if (strcmp(e->metrics[i].name, name) == 0) return true;
  return false;
}

/* Scores of 60000 rows and three classes take 1.9 MB. */
static void what_memory_does_not_hold_is_left_out_of_an_evaluation(void) {
  enum { N = 60000 };
  gradus_recipe *recipe = NULL;
  gradus_dataset *many = NULL, *read = NULL;
  gradus_model *model = NULL;
  gradus_error err = {0};
  float *x = calloc(2 * N, sizeof *x);
  int32_t *y = calloc(N, sizeof *y);
  CU_ASSERT_FATAL(x && y);
  for (int i = 0; i < N; i++) {
    x[2 * i] = (float)(i % 13) - 6;
    x[2 * i + 1] = (float)(i % 11) - 5;
    y[i] = 1 + i % 3;
  }
  GR_CHECK_OK(gradus_dataset_create(2, &many, &err), &err);
  GR_CHECK_OK(gradus_dataset_add(many, "train", 300, x, y, NULL, 0, NULL, &err), &err);
  GR_CHECK_OK(gradus_dataset_add(many, "test", N, x, y, NULL, 0, NULL, &err), &err);
  GR_CHECK_OK(gradus_dataset_write(many, gr_test_path("many.h5"), 0, &err), &err);
  GR_CHECK_OK(gradus_recipe_create(NULL, &recipe, &err), &err);
  GR_CHECK_OK(gradus_recipe_set(recipe, "network.hidden", "4", &err), &err);
  GR_CHECK_OK(gradus_train(recipe, gr_test_path("many.h5"), gr_test_path("memory"), &err), &err);
  GR_CHECK_OK(gradus_model_load(gr_test_path("memory"), &model, &err), &err);
  for (int i = 0; i < 2; i++) {
    const gradus_dataset_options options = {.struct_size = sizeof options,
                                            .memory = (uint64_t)1 << (i ? 20 : 26)};
    gradus_evaluation e = {.struct_size = sizeof e};
    GR_CHECK_OK(gradus_dataset_open(gr_test_path("many.h5"), &options, &read, &err), &err);
    GR_CHECK_OK(gradus_model_evaluate(model, read, NULL, 1, &e, &err), &err);
    CU_ASSERT(has_metric(&e, "f1") && has_metric(&e, "ece"));
    CU_ASSERT(has_metric(&e, "auc") == !i && has_metric(&e, "pr_auc") == !i);
    CU_ASSERT((strstr(e.note, "auc and pr_auc of 60000 rows need") != NULL) == i);
    gradus_evaluation_free(&e);
    gradus_dataset_close(read);
  }
  gradus_dataset_close(many);
  gradus_model_destroy(model);
  gradus_recipe_destroy(recipe);
  free(x);
  free(y);
}

/* Counts with exposures: predictions are rates times exposures, from the file as from the arrays.
 */
static void offsets_multiply_predictions(void) {
  enum { N = 200 };
  static float x[N], y[N], offset[N], outputs[N];
  gradus_dataset *data = NULL;
  gradus_recipe *recipe = NULL;
  gradus_model *model = NULL;
  gradus_error err = {0};
  gradus_evaluation with = {.struct_size = sizeof with};
  const char *run = gr_test_path("offsets"), *csv = gr_test_path("offsets.csv");
  for (int i = 0; i < N; i++) {
    x[i] = (float)(i % 10);
    y[i] = (float)((1 + i % 3) * (1 + i % 2));
    offset[i] = logf((float)(1 + i % 3));
  }
  GR_CHECK_OK(gradus_dataset_create(1, &data, &err), &err);
  GR_CHECK_FAILS(gradus_dataset_set_offsets(data, "train", offset, &err), GRADUS_ERR_USAGE, &err,
                 "has no train split");
  GR_CHECK_OK(gradus_dataset_add(data, "train", N, x, NULL, y, 1, NULL, &err), &err);
  char digest[33];
  snprintf(digest, sizeof digest, "%s", gradus_dataset_digest(data));
  GR_CHECK_OK(gradus_dataset_set_offsets(data, "train", offset, &err), &err);
  CU_ASSERT(strcmp(digest, gradus_dataset_digest(data)) != 0);
  GR_CHECK_OK(gradus_recipe_create(NULL, &recipe, &err), &err);
  GR_CHECK_OK(gradus_recipe_set(recipe, "training.loss", "poisson", &err), &err);
  GR_CHECK_OK(gradus_recipe_set(recipe, "network.hidden", "4", &err), &err);
  GR_CHECK_OK(gradus_recipe_set(recipe, "training.epochs", "3", &err), &err);
  gradus_trainer_options options = {.struct_size = sizeof options, .run_directory = run};
  gradus_trainer *trainer = NULL;
  GR_CHECK_OK(gradus_trainer_create(recipe, data, &options, &trainer, &err), &err);
  GR_CHECK_OK(gradus_trainer_run(trainer, &err), &err);
  GR_CHECK_OK(gradus_model_load(run, &model, &err), &err);
  GR_CHECK_OK(gradus_model_evaluate(model, data, "train", 1, &with, &err), &err);
  GR_CHECK_OK(gradus_model_predict(model, x, N, 1, outputs, &err), &err);
  GR_CHECK_OK(gradus_model_predict_file(model, data, "train", 1, csv, 0, &err), &err);
  FILE *file = fopen(csv, "r");
  CU_ASSERT_PTR_NOT_NULL_FATAL(file);
  CU_ASSERT(fscanf(file, "prediction") == 0);
  for (int i = 0; i < N; i++) {
    double got = 0;
    CU_ASSERT_EQUAL(fscanf(file, "%lf", &got), 1);
    const double wanted = (double)outputs[i] * (1 + i % 3);
    CU_ASSERT(fabs(got - wanted) < 1e-5 * wanted); /* e^(z + ln t): z of size 4 in float */
  }
  fclose(file);
  gradus_evaluation_free(&with);
  gradus_trainer_destroy(trainer);
  gradus_model_destroy(model);
  gradus_recipe_destroy(recipe);
  gradus_dataset_close(data);
}

const gr_test api_metrics_tests[] = {
    GR_TEST(what_memory_does_not_hold_is_left_out_of_an_evaluation),
    GR_TEST(offsets_multiply_predictions), GR_TEST_END};
