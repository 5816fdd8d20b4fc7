/* gradus/model.h: a model and an engine for it that is made at the first use and kept. Rows of
 * files go through the engine part by part; what it gives is turned back into the targets' own
 * units. */
#include <config.h>

#include "gradus/model.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "api/internal.h"
#include "api/model.h"
#include "base/elementary.h"
#include "base/memory.h"
#include "exec/engine.h"
#include "exec/team.h"
#include "interop/predictions.h"
#include "train/classes.h"
#include "train/environment.h"
#include "train/metrics.h"
#include "train/prepare.h"
#include "train/scores.h"
#include "train/temperature.h"
#include "train/weights.h"

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

/* The parameters as they are used: with the temperature in the last layer. */
static gradus_status load(const gradus_model *model, gr_engine *engine, gradus_error *err) {
  const size_t n = model->model.network.n_parameters;
  const double temperature = model->model.preprocessing.temperature;
  float *parameters = gr_alloc(n, sizeof *parameters);
  if (!parameters) return gr_fail_memory(err, "the parameters");
  memcpy(parameters, model->model.parameters, n * sizeof *parameters);
  if (temperature > 0) gr_temperature_apply(&model->model.network, temperature, parameters);
  gr_engine_load(engine, parameters, NULL);
  gr_free(parameters);
  return GRADUS_OK;
}

gradus_status gr_api_need_engine(const gradus_model *model, int threads, gradus_error *err) {
  struct gr_workshop *w = model->workshop;
  if (threads < 0) return gr_fail(err, GRADUS_ERR_USAGE, "threads is %d, 0 means auto", threads);
  if (w->engine && w->threads == threads) return GRADUS_OK;
  const gr_engine_resources resources = {
      .threads = gr_team_threads(threads), .isa = GR_AUTO, .strategy = GR_AUTO};
  gr_engine_destroy(w->engine);
  w->engine = NULL;
  GR_TRY(gr_engine_create(&model->model.network, &model->model.config, &resources, true, &w->engine,
                          err));
  const gradus_status status = load(model, w->engine, err);
  if (status == GRADUS_OK) {
    w->threads = threads;
    return GRADUS_OK;
  }
  gr_engine_destroy(w->engine);
  w->engine = NULL;
  return status;
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
  GR_TRY(gr_api_need_engine(model, threads, err));
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

gradus_status gr_api_choose_split(const gr_dataset *data, const char *name, gr_split_id *out,
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

/* What an evaluation collects of each row. */
struct collection {
  gr_scores scores;
  const gr_pass *pass;
  uint32_t n_outputs, n_classes;
  uint64_t *confusion; /* [n_classes][n_classes] or NULL */
};

static gradus_status collect_part(void *user, uint64_t first, uint64_t n, const float *outputs,
                                  gradus_error *err) {
  enum { SOME = 512 };
  struct collection *c = user;
  uint64_t number[SOME];
  for (uint64_t from = 0; c->confusion && from < n; from += SOME) {
    const uint64_t some = n - from < SOME ? n - from : SOME;
    gr_row_order_numbers(&c->pass->order, NULL, first + from, some, number);
    for (uint64_t i = 0; i < some; i++) {
      const uint32_t best = gr_predicted_class(outputs + (from + i) * c->n_outputs, c->n_outputs);
      c->confusion[(size_t)c->pass->rows.class_index[number[i]] * c->n_classes + best]++;
    }
  }
  return gr_scores_take(&c->scores, first, n, outputs, err);
}

/* Room for all metrics, or for those whose scores fit in `memory`; a failure to get what does fit
 * is one. */
static gradus_status open_collection(const gradus_model *model, const gr_pass *pass,
                                     uint64_t memory, struct collection *c,
                                     gradus_evaluation *result, gradus_error *err) {
  const gr_preprocessing *p = &model->model.preprocessing;
  const gr_config *config = &model->model.config;
  const gr_metric_set ranked = GR_METRIC_BIT(GR_METRIC_AUC) | GR_METRIC_BIT(GR_METRIC_PR_AUC),
                      all = gr_metrics_suiting(config);
  gradus_error reason;
  size_t cells;
  c->pass = pass;
  c->n_outputs = gradus_model_outputs(model);
  c->n_classes = p->n_classes;
  const bool classes = p->task == GR_CLASSIFICATION;
  if (!gr_multiply(p->n_classes, p->n_classes, &cells)) return gr_fail_memory(err, "an evaluation");
  if (classes) c->confusion = gr_calloc(cells, sizeof *c->confusion);
  if (classes && !c->confusion) return gr_fail_memory(err, "an evaluation");
  const gradus_status status = gr_scores_open(&c->scores, config, p, pass, all, memory, &reason);
  if (status == GRADUS_OK) return GRADUS_OK;
  if (gr_scores_fit(p, pass, memory)) return gr_fail(err, status, "%s", reason.message);
  snprintf(result->note, sizeof result->note, "%.159s", reason.message);
  return gr_scores_open(&c->scores, config, p, pass, all & ~ranked, memory, err);
}

static gradus_status give_metrics(const struct collection *c, const double *values,
                                  gradus_evaluation *result, gradus_error *err) {
  result->metrics = gr_calloc(GR_N_METRICS, sizeof *result->metrics);
  if (c->n_classes) result->classes = gr_calloc(c->n_classes, sizeof *result->classes);
  if (!result->metrics || (c->n_classes && !result->classes))
    return gr_fail_memory(err, "an evaluation");
  for (int m = 0; m < GR_N_METRICS; m++) {
    if (!(c->scores.wanted & GR_METRIC_BIT(m))) continue;
    gradus_metric *metric = &result->metrics[result->n_metrics++];
    snprintf(metric->name, sizeof metric->name, "%s", gr_metrics_table[m].name);
    metric->value = values[m];
    metric->higher_is_better = gr_metrics_table[m].high;
  }
  for (uint32_t i = 0; i < c->n_classes; i++) {
    const gr_class_counts *n = &c->scores.classes[i];
    const double none = (double)NAN, all = n->actual + n->predicted;
    result->classes[i] =
        (gradus_class_metrics){.weight = n->actual,
                               .recall = n->actual > 0 ? n->both / n->actual : none,
                               .precision = n->predicted > 0 ? n->both / n->predicted : none,
                               .f1 = all > 0 ? 2 * n->both / all : none};
  }
  return GRADUS_OK;
}

static gradus_status measure(const gradus_model *model, gr_pass *pass, struct collection *c,
                             gradus_evaluation *result, gradus_error *err) {
  const gr_preprocessing *p = &model->model.preprocessing;
  double values[GR_N_METRICS];
  gr_metrics metrics;
  gr_scores_begin(&c->scores);
  GR_TRY(gr_measure(model->workshop->engine, p, pass, collect_part, c, &metrics, err));
  gr_scores_finish(&c->scores, &metrics, values);
  GR_TRY(give_metrics(c, values, result, err));
  result->rows = pass->n;
  result->loss = metrics.loss;
  result->is_classification = p->task == GR_CLASSIFICATION;
  result->is_multilabel = p->task == GR_MULTILABEL;
  result->accuracy = metrics.accuracy;
  result->rmse = metrics.rmse;
  result->r2 = metrics.r2;
  result->confusion = c->confusion;
  c->confusion = NULL;
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
  GR_TRY(gr_check_offsets(&model->model.config, &dataset->data, id, err));
  const unsigned environment = gr_environment_enter();
  gradus_status status =
      gr_split_rows_make(&model->model.preprocessing, &dataset->data, id, with_targets, &rows, err);
  if (status == GRADUS_OK) {
    status =
        gr_split_pass_open(&dataset->data, id, &rows, NULL, model->workshop->threads, &pass, err);
    if (status == GRADUS_OK) status = use(model, &pass, user, err);
    gr_pass_close(&pass);
    gr_split_rows_free(&rows);
  }
  gr_environment_leave(environment);
  return status;
}

static gradus_status use_measure(const gradus_model *model, gr_pass *pass, void *user,
                                 gradus_error *err) {
  struct collection collection = {.pass = pass};
  gradus_status status = open_collection(model, pass, pass->request.memory, &collection, user, err);
  if (status == GRADUS_OK) status = measure(model, pass, &collection, user, err);
  gr_scores_close(&collection.scores);
  gr_free(collection.confusion);
  return status;
}

/* Frees what a structure of `size` bytes has members for, or what it has none for. */
static void free_arrays(gradus_evaluation *e, size_t size, bool has) {
  const bool confusion = size >= offsetof(gradus_evaluation, n_metrics),
             metrics = size >= sizeof *e;
  if (confusion == has) gr_free(e->confusion), e->confusion = NULL;
  if (metrics != has) return;
  gr_free(e->metrics);
  gr_free(e->classes);
  e->metrics = NULL;
  e->classes = NULL;
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
  GR_TRY(gr_api_choose_split(&dataset->data, split, &id, err));
  GR_TRY(gr_api_need_engine(model, threads, err));
  const gradus_status status = with_split(model, dataset, id, true, use_measure, &result, err);
  if (status != GRADUS_OK) {
    free_arrays(&result, sizeof result, true);
    return status;
  }
  snprintf(result.split, sizeof result.split, "%s", gr_split_names[id]);
  free_arrays(&result, out->struct_size, false); /* nobody would */
  gr_api_copy_out(out, out->struct_size, &result, sizeof result);
  return GRADUS_OK;
}

void gradus_evaluation_free(gradus_evaluation *evaluation) {
  if (evaluation) free_arrays(evaluation, evaluation->struct_size, true);
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
  GR_TRY(gr_api_choose_split(&dataset->data, split, &id, err));
  GR_TRY(gr_api_need_engine(model, threads, err));
  const char *const *names = (const char *const *)p->class_names;
  if (p->task == GR_MULTILABEL)
    GR_TRY(gr_predictions_open_labels(path, overwrite != 0, dataset->data.split[id].n_rows,
                                      prediction.n_outputs, names, &prediction.file, err));
  else
    GR_TRY(gr_predictions_open(path, overwrite != 0, dataset->data.split[id].n_rows,
                               prediction.n_outputs, p->task == GR_CLASSIFICATION ? names : NULL,
                               p->n_classes, &prediction.file, err));
  const gradus_status status = with_split(model, dataset, id, false, use_predict, &prediction, err);
  return gr_predictions_close(prediction.file, status, err);
}
