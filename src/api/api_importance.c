/* gradus_model_importance: checks what is asked for, calls down, sorts. */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/internal.h"
#include "api/model.h"
#include "base/memory.h"
#include "train/attribution.h"
#include "train/environment.h"
#include "train/importance.h"
#include "train/weights.h"

enum { REPEATS = 5, MOST_REPEATS = 10000 };

static gradus_status find_metric(const gr_config *config, const char *name, gr_metric *out,
                                 gradus_error *err) {
  *out = GR_N_METRICS;
  if (!name || strcmp(name, "loss") == 0) return GRADUS_OK;
  for (int m = 0; m < GR_N_METRICS; m++)
    if (strcmp(gr_metrics_table[m].name, name) == 0 && gr_metric_suits(config, (gr_metric)m)) {
      *out = (gr_metric)m;
      return GRADUS_OK;
    }
  gr_text names = {0};
  gr_metrics_list(gr_metrics_suiting(config), &names);
  gr_fail(err, GRADUS_ERR_USAGE, "metric '%s': this model has loss, %s", name,
          names.data ? names.data : "");
  gr_text_free(&names);
  return GRADUS_ERR_USAGE;
}

static bool pass_on(void *user, uint32_t done, uint32_t n) {
  const gradus_importance_options *options = user;
  return options->on_column(done, n, options->user) != 0;
}

/* Descending; of equal ones the earlier column first. */
static int by_importance(const void *a, const void *b) {
  const gradus_column_importance *p = a, *q = b;
  if (p->mean != q->mean) return p->mean < q->mean ? 1 : -1;
  return p->column < q->column ? -1 : 1;
}

static const char *name_of(const gr_preprocessing *p, const gr_dataset *data, uint32_t j) {
  if (data->feature_names) return data->feature_names[j];
  return p->feature_names && p->n_inputs == data->n_columns ? p->feature_names[j] : NULL;
}

static gradus_status give(const gr_preprocessing *p, const gr_dataset *data, const double *mean,
                          const double *error, gradus_importance *out, gradus_error *err) {
  out->columns = gr_calloc(data->n_columns, sizeof *out->columns);
  if (!out->columns) return gr_fail_memory(err, "importances");
  out->n_columns = data->n_columns;
  for (uint32_t j = 0; j < data->n_columns; j++) {
    gradus_column_importance *c = &out->columns[j];
    const char *name = name_of(p, data, j);
    *c = (gradus_column_importance){.column = j, .mean = mean[j], .error = error[j]};
    if (name && name[0])
      snprintf(c->name, sizeof c->name, "%.63s", name);
    else
      snprintf(c->name, sizeof c->name, "column %lu", (unsigned long)j);
  }
  qsort(out->columns, out->n_columns, sizeof *out->columns, by_importance);
  return GRADUS_OK;
}

static gradus_status run(const gradus_model *model, const gr_dataset *data,
                         const gradus_importance_options *own, gr_importance_request *request,
                         gradus_importance *result, gradus_error *err) {
  const gr_model *m = &model->model;
  double *mean = gr_alloc(data->n_columns, sizeof *mean),
         *error = gr_alloc(data->n_columns, sizeof *error);
  gradus_status status = mean && error ? GRADUS_OK : gr_fail_memory(err, "importances");
  if (status == GRADUS_OK && own->gradient)
    status = gr_attribution(m, data, request->split, own->rows, own->threads, &result->rows, mean,
                            error, err);
  else if (status == GRADUS_OK)
    status = gr_importance(model->workshop->engine, &m->config, &m->preprocessing, data, request,
                           &result->rows, &result->base, mean, error, err);
  if (status == GRADUS_OK) status = give(&m->preprocessing, data, mean, error, result, err);
  gr_free(mean);
  gr_free(error);
  return status;
}

gradus_status gradus_model_importance(const gradus_model *model, const gradus_dataset *dataset,
                                      const gradus_importance_options *options,
                                      gradus_importance *out, gradus_error *err) {
  gradus_importance_options own = {.struct_size = sizeof own};
  gradus_importance result;
  gr_importance_request request;
  GR_API_NEED(model, "model");
  GR_API_NEED(dataset, "dataset");
  GR_API_NEED(out, "out");
  if (options)
    GR_TRY(gr_api_copy_in(&own, sizeof own, options, options->struct_size,
                          "gradus_importance_options", err));
  GR_TRY(gr_api_copy_in(&result, sizeof result, out, out->struct_size, "gradus_importance", err));
  if (out->struct_size < sizeof result)
    return gr_fail(err, GRADUS_ERR_USAGE, "gradus_importance: struct_size is too small");
  result = (gradus_importance){.struct_size = sizeof result};
  if (own.repeats == 1 || own.repeats > MOST_REPEATS)
    return gr_fail(err, GRADUS_ERR_USAGE, "repeats: %lu is not from 2 to %d",
                   (unsigned long)own.repeats, MOST_REPEATS);
  request = (gr_importance_request){.rows = own.rows,
                                    .repeats = own.repeats ? own.repeats : REPEATS,
                                    .seed = own.seed ? own.seed : 1,
                                    .on_column = own.on_column ? pass_on : NULL,
                                    .user = &own};
  GR_TRY(find_metric(&model->model.config, own.metric, &request.metric, err));
  GR_TRY(gr_api_choose_split(&dataset->data, own.split, &request.split, err));
  GR_TRY(gr_check_offsets(&model->model.config, &dataset->data, request.split, err));
  GR_TRY(gr_api_need_engine(model, own.threads, err));
  const unsigned environment = gr_environment_enter();
  const gradus_status status = run(model, &dataset->data, &own, &request, &result, err);
  gr_environment_leave(environment);
  if (status != GRADUS_OK) return status;
  result.repeats = own.gradient ? 0 : request.repeats;
  snprintf(result.split, sizeof result.split, "%s", gr_split_names[request.split]);
  snprintf(result.metric, sizeof result.metric, "%s",
           own.gradient                     ? "gradient x input"
           : request.metric == GR_N_METRICS ? "loss"
                                            : gr_metrics_table[request.metric].name);
  gr_api_copy_out(out, out->struct_size, &result, sizeof result);
  return GRADUS_OK;
}

void gradus_importance_free(gradus_importance *importance) {
  if (!importance) return;
  gr_free(importance->columns);
  importance->columns = NULL;
}
