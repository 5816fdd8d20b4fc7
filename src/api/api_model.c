/* gradus/model.h: a model and an engine for it that is made at the first use and kept. Rows of
 * files go through the engine part by part; what it gives is turned back into the targets' own
 * units. */
#include <config.h>

#include "gradus/model.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "api/internal.h"
#include "base/elementary.h"
#include "base/memory.h"
#include "exec/engine.h"
#include "exec/team.h"
#include "interop/predictions.h"
#include "train/classes.h"
#include "train/environment.h"
#include "train/metrics.h"
#include "train/prepare.h"

/* What using a model changes. */
struct workshop {
  gr_engine *engine;
  int threads; /* it was made for */
};

struct gradus_model {
  gr_model model;
  char path[4096], digest[GR_DIGEST_TEXT];
  struct workshop *workshop;
};

gradus_status gradus_model_load(const char *path, gradus_model **out, gradus_error *err) {
  GR_API_NEED(out, "out");
  *out = NULL;
  GR_API_NEED(path, "path");
  gr_checkpoint checkpoint = {0};
  gradus_model *model = gr_calloc(1, sizeof *model);
  if (!model) return gr_fail_memory(err, "a model");
  model->workshop = gr_calloc(1, sizeof *model->workshop);
  gradus_status status = model->workshop ? gr_api_read_model(path, &checkpoint, model->path, err)
                                         : gr_fail_memory(err, "a model");
  if (status != GRADUS_OK) {
    gradus_model_destroy(model);
    return status;
  }
  model->model = checkpoint.model;
  checkpoint.model = (gr_model){0};
  gr_checkpoint_free(&checkpoint);
  gr_parameters_digest(model->model.parameters, model->model.network.n_parameters, model->digest);
  *out = model;
  return GRADUS_OK;
}

void gradus_model_destroy(gradus_model *model) {
  if (!model) return;
  if (model->workshop) gr_engine_destroy(model->workshop->engine);
  gr_free(model->workshop);
  gr_model_free(&model->model);
  gr_free(model);
}

const gr_preprocessing *gr_api_preprocessing(const gradus_model *model) {
  return &model->model.preprocessing;
}

uint32_t gradus_model_inputs(const gradus_model *model) {
  return model ? gr_preprocessing_columns(&model->model.preprocessing) : 0;
}

uint32_t gradus_model_outputs(const gradus_model *model) {
  return model ? model->model.network.layer[model->model.network.n_layers - 1].n_out : 0;
}

uint32_t gradus_model_classes(const gradus_model *model) {
  return model ? model->model.preprocessing.n_classes : 0;
}

const char *gradus_model_class_name(const gradus_model *model, uint32_t index) {
  if (!model || index >= model->model.preprocessing.n_classes) return NULL;
  return model->model.preprocessing.class_names[index];
}

const char *gradus_model_path(const gradus_model *model) {
  return model ? model->path : "";
}

const char *gradus_model_digest(const gradus_model *model) {
  return model ? model->digest : "";
}

static gradus_status need_engine(const gradus_model *model, int threads, gradus_error *err) {
  struct workshop *w = model->workshop;
  if (threads < 0) return gr_fail(err, GRADUS_ERR_USAGE, "threads is %d, 0 means auto", threads);
  if (w->engine && w->threads == threads) return GRADUS_OK;
  const gr_engine_resources resources = {
      .threads = gr_team_threads(threads), .isa = GR_AUTO, .strategy = GR_AUTO};
  gr_engine_destroy(w->engine);
  w->engine = NULL;
  GR_TRY(gr_engine_create(&model->model.network, &model->model.config, &resources, true, &w->engine,
                          err));
  gr_engine_load(w->engine, model->model.parameters, NULL);
  w->threads = threads;
  return GRADUS_OK;
}

/* Regression: from standardised units to the target's own, y = a * scale + shift, of which the
 * exponential where the network learned logarithms. */
static void restore_units(const gr_preprocessing *p, uint64_t n_rows, float *outputs) {
  if (p->task != GR_REGRESSION) return;
  for (uint64_t i = 0; i < n_rows; i++)
    for (uint32_t k = 0; k < p->n_targets; k++) {
      float *a = &outputs[i * p->n_targets + k];
      const double y = (double)*a * p->target_scale[k] + p->target_shift[k];
      *a = (float)(p->log_target ? gr_exp(y) : y);
    }
}

static gradus_status outputs_of(const gradus_model *model, const gr_rows *rows, int threads,
                                float *outputs, gradus_error *err) {
  gr_totals totals;
  bool fed;
  const gr_evaluation evaluation = {.rows = rows, .n = rows->n_rows, .outputs = outputs};
  GR_TRY(need_engine(model, threads, err));
  if (rows->n_rows > 0)
    GR_TRY(gr_engine_evaluate(model->workshop->engine, &evaluation, &totals, &fed, err));
  restore_units(&model->model.preprocessing, rows->n_rows, outputs);
  return GRADUS_OK;
}

static gradus_status run_outputs(const gradus_model *model, const gr_rows *rows, int threads,
                                 float *outputs, gradus_error *err) {
  const unsigned environment = gr_environment_enter();
  gradus_status status = outputs_of(model, rows, threads, outputs, err);
  gr_environment_leave(environment);
  return status;
}

gradus_status gradus_model_predict(const gradus_model *model, const float *x, uint64_t n_rows,
                                   int threads, float *outputs, gradus_error *err) {
  GR_API_NEED(model, "model");
  GR_API_NEED(x, "x");
  GR_API_NEED(outputs, "outputs");
  const gr_preprocessing *p = &model->model.preprocessing;
  const uint32_t n = gr_preprocessing_columns(p);
  gr_column_expansion expansion = {.plain = true};
  size_t count;
  if (!gr_multiply(n_rows, n, &count))
    return gr_fail(err, GRADUS_ERR_USAGE, "%llu rows of %u inputs are more than memory can hold",
                   (unsigned long long)n_rows, n);
  bool gaps = false;
  for (size_t i = 0; i < count; i++) {
    if (!isfinite(x[i]) && !(p->columns && isnan(x[i])))
      return gr_fail(err, GRADUS_ERR_DATA, "x row %llu column %llu is not finite",
                     (unsigned long long)(i / n), (unsigned long long)(i % n));
    gaps |= !isfinite(x[i]);
  }
  if (p->columns) GR_TRY(gr_columns_expand(p->columns, NULL, n, &expansion, err));
  gr_rows rows = {.n_rows = n_rows,
                  .x = x,
                  .x_type = GR_F32,
                  .shift = p->shift,
                  .factor = p->factor,
                  .expansion = gaps || !expansion.plain ? &expansion.expansion : NULL};
  const gradus_status status = run_outputs(model, &rows, threads, outputs, err);
  gr_column_expansion_free(&expansion);
  return status;
}

/* `name`, or test where there is one, else the only split. */
static gradus_status choose_split(const gr_dataset *data, const char *name, gr_split_id *out,
                                  gradus_error *err) {
  int n = 0;
  if (name) {
    GR_TRY(gr_api_split(name, out, err));
    if (data->split[*out].n_rows > 0) return GRADUS_OK;
    return gr_fail(err, GRADUS_ERR_DATA, "%s: has no %s split", gr_dataset_label(data), name);
  }
  for (int s = 0; s < GR_N_SPLITS; s++) {
    if (data->split[s].n_rows == 0) continue;
    n++;
    *out = (gr_split_id)s;
  }
  if (data->split[GR_TEST].n_rows > 0) *out = GR_TEST;
  if (n == 1 || data->split[GR_TEST].n_rows > 0) return GRADUS_OK;
  return gr_fail(err, n ? GRADUS_ERR_USAGE : GRADUS_ERR_DATA,
                 n ? "%s: has no test split; say which one: train or valid" : "%s: has no rows",
                 gr_dataset_label(data));
}

/* Counts of rows by true and predicted class: the engine's outputs, the largest one wins, of equal
 * ones the first. */
struct confusion {
  const gr_pass *pass;
  uint32_t n_outputs, n_classes;
  uint64_t *count; /* [n_classes][n_classes] */
};

static uint32_t largest(const float *a, uint32_t n_outputs) {
  uint32_t best = 0;
  if (n_outputs == 1) return a[0] > 0.5f;
  for (uint32_t j = 1; j < n_outputs; j++)
    if (a[j] > a[best]) best = j;
  return best;
}

static gradus_status count_part(void *user, uint64_t first, uint64_t n, const float *outputs,
                                gradus_error *err) {
  enum { SOME = 512 };
  const struct confusion *c = user;
  uint64_t number[SOME];
  (void)err;
  for (uint64_t from = 0; from < n; from += SOME) {
    const uint64_t some = n - from < SOME ? n - from : SOME;
    gr_row_order_numbers(&c->pass->order, NULL, first + from, some, number);
    for (uint64_t i = 0; i < some; i++) {
      const uint32_t best = largest(outputs + (from + i) * c->n_outputs, c->n_outputs);
      c->count[(size_t)c->pass->rows.class_index[number[i]] * c->n_classes + best]++;
    }
  }
  return GRADUS_OK;
}

/* Metrics and, for classes, the matrix; the rows are prepared. */
static gradus_status measure(const gradus_model *model, gr_pass *pass, gradus_evaluation *result,
                             gradus_error *err) {
  const gr_preprocessing *p = &model->model.preprocessing;
  struct confusion confusion = {pass, gradus_model_outputs(model), p->n_classes, NULL};
  size_t cells;
  gr_metrics metrics;
  if (!gr_multiply(p->n_classes, p->n_classes, &cells)) return gr_fail_memory(err, "an evaluation");
  if (p->n_classes) confusion.count = gr_calloc(cells, sizeof *confusion.count);
  if (p->n_classes && !confusion.count) return gr_fail_memory(err, "an evaluation");
  const gradus_status status =
      gr_measure(model->workshop->engine, p, pass, confusion.count ? count_part : NULL, &confusion,
                 &metrics, err);
  if (status != GRADUS_OK) {
    gr_free(confusion.count);
    return status;
  }
  result->rows = pass->n;
  result->loss = metrics.loss;
  result->is_classification = p->task == GR_CLASSIFICATION;
  result->accuracy = metrics.accuracy;
  result->rmse = metrics.rmse;
  result->r2 = metrics.r2;
  result->confusion = confusion.count;
  return GRADUS_OK;
}

/* Prepares split `id` and goes through it. */
typedef gradus_status use_pass(const gradus_model *model, gr_pass *pass, void *user,
                               gradus_error *err);
static gradus_status with_split(const gradus_model *model, const gradus_dataset *dataset,
                                gr_split_id id, bool with_targets, use_pass *use, void *user,
                                gradus_error *err) {
  gr_split_rows rows;
  gr_pass pass;
  const unsigned environment = gr_environment_enter();
  gradus_status status =
      gr_split_rows_make(&model->model.preprocessing, &dataset->data, id, with_targets, &rows, err);
  if (status == GRADUS_OK) {
    status = gr_split_pass_open(&dataset->data, id, &rows, model->workshop->threads, &pass, err);
    if (status == GRADUS_OK) status = use(model, &pass, user, err);
    gr_pass_close(&pass);
    gr_split_rows_free(&rows);
  }
  gr_environment_leave(environment);
  return status;
}

static gradus_status use_measure(const gradus_model *model, gr_pass *pass, void *user,
                                 gradus_error *err) {
  return measure(model, pass, user, err);
}

gradus_status gradus_model_evaluate(const gradus_model *model, const gradus_dataset *dataset,
                                    const char *split, int threads, gradus_evaluation *out,
                                    gradus_error *err) {
  gradus_evaluation result;
  gr_split_id id;
  GR_API_NEED(model, "model");
  GR_API_NEED(dataset, "dataset");
  GR_API_NEED(out, "out");
  GR_TRY(gr_api_copy_in(&result, sizeof result, out, out->struct_size, "gradus_evaluation", err));
  result = (gradus_evaluation){.struct_size = sizeof result};
  GR_TRY(choose_split(&dataset->data, split, &id, err));
  GR_TRY(need_engine(model, threads, err));
  GR_TRY(with_split(model, dataset, id, true, use_measure, &result, err));
  snprintf(result.split, sizeof result.split, "%s", gr_split_names[id]);
  if (out->struct_size < sizeof result) gr_free(result.confusion); /* nobody would free it */
  gr_api_copy_out(out, out->struct_size, &result, sizeof result);
  return GRADUS_OK;
}

void gradus_evaluation_free(gradus_evaluation *evaluation) {
  if (!evaluation || evaluation->struct_size < sizeof *evaluation) return;
  gr_free(evaluation->confusion);
  evaluation->confusion = NULL;
}

/* Where predictions go, and the outputs of a part in the targets' own units. */
struct prediction {
  const gr_preprocessing *p;
  gr_predictions *file;
  float *part; /* [part rows][n_outputs] */
  uint32_t n_outputs;
};

static gradus_status put_part(void *user, uint64_t first, uint64_t n, const float *outputs,
                              gradus_error *err) {
  const struct prediction *prediction = user;
  (void)first;
  memcpy(prediction->part, outputs, n * prediction->n_outputs * sizeof *outputs);
  restore_units(prediction->p, n, prediction->part);
  return gr_predictions_put(prediction->file, prediction->part, n, err);
}

static gradus_status use_predict(const gradus_model *model, gr_pass *pass, void *user,
                                 gradus_error *err) {
  struct prediction *prediction = user;
  const uint64_t part = gr_pass_part_rows(pass);
  size_t count;
  gr_metrics metrics;
  if (gr_multiply(pass->n < part ? pass->n : part, prediction->n_outputs, &count))
    prediction->part = gr_alloc(count, sizeof *prediction->part);
  if (!prediction->part) return gr_fail_memory(err, "outputs");
  const gradus_status status =
      gr_measure(model->workshop->engine, prediction->p, pass, put_part, prediction, &metrics, err);
  gr_free(prediction->part);
  return status;
}

gradus_status gradus_model_predict_file(const gradus_model *model, const gradus_dataset *dataset,
                                        const char *split, int threads, const char *path,
                                        int overwrite, gradus_error *err) {
  gr_split_id id;
  GR_API_NEED(model, "model");
  GR_API_NEED(dataset, "dataset");
  GR_API_NEED(path, "path");
  const gr_preprocessing *p = &model->model.preprocessing;
  struct prediction prediction = {.p = p, .n_outputs = gradus_model_outputs(model)};
  GR_TRY(choose_split(&dataset->data, split, &id, err));
  GR_TRY(need_engine(model, threads, err));
  GR_TRY(gr_predictions_open(
      path, overwrite != 0, dataset->data.split[id].n_rows, prediction.n_outputs,
      p->task == GR_CLASSIFICATION ? (const char *const *)p->class_names : NULL, p->n_classes,
      &prediction.file, err));
  const gradus_status status = with_split(model, dataset, id, false, use_predict, &prediction, err);
  return gr_predictions_close(prediction.file, status, err);
}
