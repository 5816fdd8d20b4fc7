/* gradus/trainer.h: arguments are checked, the trainer does the rest. */
#include <config.h>

#include "gradus/trainer.h"

#include <stdio.h>
#include <string.h>

#include "api/internal.h"
#include "base/memory.h"
#include "train/trainer.h"

struct gradus_trainer {
  gr_trainer *inner;
  gradus_trainer_options options; /* the callbacks and whose they are */
};

static void pass_progress(void *user, const gr_progress *p) {
  const gradus_trainer_options *options = user;
  const gradus_progress progress = {.struct_size = sizeof progress,
                                    .epoch = p->epoch,
                                    .epochs = p->epochs,
                                    .step = p->step,
                                    .steps = p->steps,
                                    .samples_per_second = p->samples_per_second,
                                    .eta_seconds = p->eta_seconds,
                                    .train_loss = p->train_loss,
                                    .valid_loss = p->valid_loss,
                                    .best_loss = p->best_loss,
                                    .metric_name = p->metric_name,
                                    .metric = p->metric,
                                    .epoch_finished = p->epoch_finished,
                                    .data_wait = p->data_wait};
  options->on_progress(&progress, options->user);
}

static void pass_message(void *user, gr_level level, const char *text) {
  const gradus_trainer_options *options = user;
  options->on_message((gradus_level)level, text, options->user);
}

static gr_trainer_options inner_options(gradus_trainer_options *o) {
  return (gr_trainer_options){.run_directory = o->run_directory,
                              .resume_file = o->resume_file,
                              .command_line = o->command_line,
                              .config_path = o->config_path,
                              .fresh = o->fresh != 0,
                              .dry_run = o->dry_run != 0,
                              .allow_data_change = o->allow_data_change != 0,
                              .time_limit = o->time_limit,
                              .log = {o->on_message ? pass_message : NULL, o},
                              .on_progress = o->on_progress ? pass_progress : NULL,
                              .user = o};
}

gradus_status gradus_trainer_create(const gradus_recipe *recipe, const gradus_dataset *dataset,
                                    const gradus_trainer_options *options, gradus_trainer **out,
                                    gradus_error *err) {
  gradus_trainer_options given = {.struct_size = sizeof given};
  GR_API_NEED(out, "out");
  *out = NULL;
  GR_API_NEED(recipe, "recipe");
  GR_API_NEED(dataset, "dataset");
  if (options)
    GR_TRY(gr_api_copy_in(&given, sizeof given, options, options->struct_size,
                          "gradus_trainer_options", err));
  gradus_trainer *trainer = gr_calloc(1, sizeof *trainer);
  if (!trainer) return gr_fail_memory(err, "a trainer");
  trainer->options = given;
  const gr_trainer_options inner = inner_options(&trainer->options);
  gradus_status status =
      gr_trainer_create(&recipe->config, &dataset->data, &inner, &trainer->inner, err);
  if (status != GRADUS_OK) {
    gr_free(trainer);
    return status;
  }
  *out = trainer;
  return GRADUS_OK;
}

void gradus_trainer_destroy(gradus_trainer *trainer) {
  if (!trainer) return;
  gr_trainer_destroy(trainer->inner);
  gr_free(trainer);
}

gradus_status gradus_trainer_run(gradus_trainer *trainer, gradus_error *err) {
  bool finished;
  GR_API_NEED(trainer, "trainer");
  return gr_trainer_advance(trainer->inner, UINT64_MAX, &finished, err);
}

gradus_status gradus_trainer_step(gradus_trainer *trainer, uint64_t n, int *finished,
                                  gradus_error *err) {
  bool done = false;
  GR_API_NEED(trainer, "trainer");
  gradus_status status = gr_trainer_advance(trainer->inner, n, &done, err);
  if (finished) *finished = done;
  return status;
}

void gradus_trainer_request_stop(gradus_trainer *trainer) {
  if (trainer) gr_trainer_request_stop(trainer->inner);
}

void gradus_trainer_request_checkpoint(gradus_trainer *trainer) {
  if (trainer) gr_trainer_request_checkpoint(trainer->inner);
}

gradus_status gradus_trainer_checkpoint(gradus_trainer *trainer, char *path, size_t path_size,
                                        gradus_error *err) {
  GR_API_NEED(trainer, "trainer");
  return gr_trainer_checkpoint(trainer->inner, path, path_size, err);
}

gradus_status gradus_trainer_report(const gradus_trainer *trainer, gradus_report *out,
                                    gradus_error *err) {
  gradus_report report;
  gr_report r;
  GR_API_NEED(trainer, "trainer");
  GR_API_NEED(out, "out");
  GR_TRY(gr_api_copy_in(&report, sizeof report, out, out->struct_size, "gradus_report", err));
  gr_trainer_report(trainer->inner, &r);
  report = (gradus_report){.finished = r.finished,
                           .stopped_early = r.stopped_early,
                           .epochs = r.epochs,
                           .steps = r.steps,
                           .best_epoch = r.best_epoch,
                           .train_loss = r.train_loss,
                           .valid_loss = r.valid_loss,
                           .best_loss = r.best_loss,
                           .wall_seconds = r.wall_seconds,
                           .samples_per_second = r.samples_per_second,
                           .data_wait = r.data_wait};
  snprintf(report.run_directory, sizeof report.run_directory, "%s", r.run_directory);
  snprintf(report.model_path, sizeof report.model_path, "%s", r.model_path);
  memcpy(report.digest, r.digest, sizeof report.digest);
  memcpy(report.limit, r.limit, sizeof report.limit);
  gr_api_copy_out(out, out->struct_size, &report, sizeof report);
  return GRADUS_OK;
}

gradus_status gradus_trainer_recipe(const gradus_trainer *trainer, char **out, gradus_error *err) {
  GR_API_NEED(trainer, "trainer");
  GR_API_NEED(out, "out");
  gr_text text = {0};
  gr_config_write(gr_trainer_config(trainer->inner), GR_PART_RECIPE, &text);
  return gr_api_give_text(&text, out, err);
}

gradus_status gradus_trainer_plan(const gradus_trainer *trainer, char **out, gradus_error *err) {
  GR_API_NEED(trainer, "trainer");
  GR_API_NEED(out, "out");
  gr_text text = {0};
  gr_trainer_describe(trainer->inner, &text);
  return gr_api_give_text(&text, out, err);
}

gradus_status gradus_train(const gradus_recipe *recipe, const char *data_path,
                           const char *run_directory, gradus_error *err) {
  gradus_dataset *dataset = NULL;
  gradus_trainer *trainer = NULL;
  gradus_trainer_options options = {.struct_size = sizeof options, .run_directory = run_directory};
  GR_API_NEED(recipe, "recipe");
  GR_API_NEED(data_path, "data_path");
  gradus_status status = gradus_dataset_open_as(recipe, &data_path, 1, &dataset, err);
  if (status == GRADUS_OK) status = gradus_trainer_create(recipe, dataset, &options, &trainer, err);
  if (status == GRADUS_OK) status = gradus_trainer_run(trainer, err);
  gradus_trainer_destroy(trainer);
  gradus_dataset_close(dataset);
  return status;
}
