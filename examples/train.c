/* Trains on two spirals, asks the model what it thinks, and shows that a second call finds the run
 * finished.
 *
 *   cc train.c $(pkg-config --cflags --libs gradus) -o train && ./train my-run
 */
#include <gradus/gradus.h>
#include <math.h>
#include <stdio.h>

enum { ROWS = 400 };

/* Two arms of a spiral; the sign of the row's number says which. */
static void make_rows(float x[ROWS][2], int32_t label[ROWS]) {
  for (int i = 0; i < ROWS; i++) {
    double r = (double)(i / 2) / (ROWS / 2), angle = 4 * r + 3.14159 * (i % 2);
    x[i][0] = (float)(r * cos(angle));
    x[i][1] = (float)(r * sin(angle));
    label[i] = i % 2;
  }
}

static void show_epoch(const gradus_progress *p, void *user) {
  (void)user;
  if (p->epoch_finished && p->epoch % 20 == 0)
    printf("epoch %d of %d: loss %.4f, validation %.4f\n", (int)p->epoch, (int)p->epochs,
           p->train_loss, p->valid_loss);
}

static gradus_status train(const gradus_recipe *recipe, const gradus_dataset *data,
                           const char *directory, gradus_report *report, gradus_error *err) {
  gradus_trainer_options options = {
      .struct_size = sizeof options, .run_directory = directory, .on_progress = show_epoch};
  gradus_trainer *trainer;
  gradus_status status = gradus_trainer_create(recipe, data, &options, &trainer, err);
  if (status == GRADUS_OK) status = gradus_trainer_run(trainer, err);
  if (status == GRADUS_OK) status = gradus_trainer_report(trainer, report, err);
  gradus_trainer_destroy(trainer);
  return status;
}

static gradus_status ask(const char *directory, const gradus_dataset *data, gradus_error *err) {
  static const float point[2] = {0.3f, 0.2f};
  gradus_evaluation evaluation = {.struct_size = sizeof evaluation};
  gradus_model *model;
  float probability;
  gradus_status status = gradus_model_load(directory, &model, err);
  if (status == GRADUS_OK) status = gradus_model_predict(model, point, 1, 0, &probability, err);
  if (status == GRADUS_OK)
    status = gradus_model_evaluate(model, data, "train", 0, &evaluation, err);
  if (status == GRADUS_OK)
    printf("accuracy %.3f; (0.3, 0.2) is class %s with probability %.3f\n", evaluation.accuracy,
           gradus_model_class_name(model, 1), (double)probability);
  gradus_evaluation_free(&evaluation);
  gradus_model_destroy(model);
  return status;
}

int main(int argc, char **argv) {
  static float x[ROWS][2];
  static int32_t label[ROWS];
  const char *directory = argc > 1 ? argv[1] : "spiral-run";
  gradus_error err = {0};
  gradus_recipe *recipe = NULL;
  gradus_dataset *data = NULL;
  gradus_report report = {.struct_size = sizeof report};

  make_rows(x, label);
  gradus_status status = gradus_recipe_create(NULL, &recipe, &err);
  if (status == GRADUS_OK) status = gradus_recipe_set(recipe, "network.hidden", "32,32", &err);
  if (status == GRADUS_OK) status = gradus_recipe_set(recipe, "training.epochs", "100", &err);
  if (status == GRADUS_OK) status = gradus_dataset_create(2, &data, &err);
  if (status == GRADUS_OK)
    status = gradus_dataset_add(data, "train", ROWS, x[0], label, NULL, 0, NULL, &err);
  if (status == GRADUS_OK) status = train(recipe, data, directory, &report, &err);
  if (status == GRADUS_OK) status = ask(directory, data, &err);
  if (status == GRADUS_OK)
    printf("%d steps in all, digest %s\n", (int)report.steps, report.digest);
  else
    fprintf(stderr, "%s\n", err.message);
  gradus_dataset_close(data);
  gradus_recipe_destroy(recipe);
  return gradus_status_exit_code(status);
}
