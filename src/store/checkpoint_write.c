/* A checkpoint is written from the arrays as they stand in memory; nothing is copied. The file
 * reaches its name only when it is whole, sealed and on the disk. */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "store/aside.h"
#include "store/checkpoint_columns.h"
#include "store/checkpoint_parts.h"
#include "store/h5_write.h"
#include "store/seal.h"

static void put_layer_groups(gr_h5_writer *w, const gr_network *network, const char *group) {
  char path[64];
  snprintf(path, sizeof path, "/%s", group);
  gr_h5_put_group(w, path);
  for (uint32_t l = 1; l <= network->n_layers; l++) {
    snprintf(path, sizeof path, "/%s/layer_%u", group, (unsigned)l);
    gr_h5_put_group(w, path);
  }
}

void gr_checkpoint_put_vector(gr_h5_writer *w, const gr_network *network, const char *group,
                              const char *suffix, const float *parameters) {
  if (!*suffix) put_layer_groups(w, network, group);
  for (uint32_t i = 0, n = gr_block_count(network); i < n; i++) {
    gr_block block = gr_block_at(network, i, group, suffix);
    gr_h5_put_array(w, block.path, GR_F32, block.rank, block.dims, parameters + block.offset);
  }
}

static void put_model(gr_h5_writer *w, const gr_model *model) {
  const gr_network *network = &model->network;
  char path[64];
  gr_checkpoint_put_vector(w, network, "model", "", model->parameters);
  for (uint32_t l = 1; l <= network->n_layers; l++) {
    snprintf(path, sizeof path, "/model/layer_%u", (unsigned)l);
    gr_h5_put_text_attribute(w, path, "activation",
                             gr_activations[network->layer[l - 1].activation].name);
    if (network->layer[l - 1].normalization != GR_NORMALIZATION_NONE)
      gr_h5_put_text_attribute(w, path, "normalization",
                               gr_normalizations[network->layer[l - 1].normalization].name);
  }
}

static void put_recipe(gr_h5_writer *w, const gr_config *config) {
  gr_text text = {0};
  gr_config_write(config, GR_PART_RECIPE, &text);
  if (!text.failed)
    gr_h5_put_text(w, "/recipe", text.data ? text.data : "");
  else if (w->status == GRADUS_OK)
    w->status = gr_fail_memory(w->err, "the recipe");
  gr_text_free(&text);
}

static void put_series(gr_h5_writer *w, const char *path, const double *values, uint64_t n) {
  if (values) gr_h5_put_array(w, path, GR_F64, 1, &n, values);
}

static void put_preprocessing(gr_h5_writer *w, const gr_preprocessing *p) {
  const char *task = gr_key_find("data.task")->choices[p->task];
  gr_h5_put_group(w, "/preprocessing");
  gr_h5_put_text_attribute(w, "/preprocessing", "task", task);
  if (p->temperature > 0)
    gr_h5_put_attribute(w, "/preprocessing", "temperature", GR_F64, &p->temperature);
  put_series(w, "/preprocessing/shift", p->shift, p->n_inputs);
  put_series(w, "/preprocessing/factor", p->factor, p->n_inputs);
  if (p->log_target) gr_h5_put_text_attribute(w, "/preprocessing", "target_transform", "log");
  if (p->columns) gr_checkpoint_put_columns(w, p->columns);
  if (p->feature_names)
    gr_h5_put_texts(w, "/preprocessing/feature_names", p->feature_names, p->n_inputs);
  if (p->task != GR_REGRESSION) {
    if (p->class_names)
      gr_h5_put_texts(w, "/preprocessing/class_names", p->class_names, p->n_classes);
    put_series(w, "/preprocessing/class_values", p->class_values, p->n_classes);
  } else {
    put_series(w, "/preprocessing/target_shift", p->target_shift, p->n_targets);
    put_series(w, "/preprocessing/target_scale", p->target_scale, p->n_targets);
  }
}

static void put_optimizer(gr_h5_writer *w, const gr_checkpoint *c) {
  const uint64_t n = c->n_moments;
  if (n > 0)
    put_layer_groups(w, &c->model.network, "optimizer");
  else
    gr_h5_put_group(w, "/optimizer");
  gr_h5_put_attribute(w, "/optimizer", "moments", GR_U64, &n);
  for (uint32_t m = 0; m < c->n_moments; m++) {
    char suffix[GR_VECTOR_SUFFIX];
    gr_checkpoint_suffix(c, m, suffix);
    gr_checkpoint_put_vector(w, &c->model.network, "optimizer", suffix, c->moment[m]);
  }
}

static void put_state(gr_h5_writer *w, const gr_train_state *state) {
  static const gr_dtype types[] = {
      [GR_FIELD_U64] = GR_U64, [GR_FIELD_F64] = GR_F64, [GR_FIELD_BOOL] = GR_U8};
  gr_h5_put_group(w, "/state");
  for (size_t i = 0; i < gr_n_state_fields; i++) {
    const gr_state_field *field = &gr_state_fields[i];
    const char *value = (const char *)state + field->offset;
    if (field->search && state->search.phase == GR_SEARCH_START) continue;
    if (field->kind == GR_FIELD_TEXT)
      gr_h5_put_text_attribute(w, "/state", field->name, value);
    else
      gr_h5_put_attribute(w, "/state", field->name, types[field->kind], value);
  }
}

/* One column of the history: `offset` bytes into each row. */
static void put_history_column(gr_h5_writer *w, const gr_history *h, const char *name,
                               gr_field_kind kind, size_t offset, void *buffer) {
  const uint64_t n = h->n_rows;
  char path[64];
  snprintf(path, sizeof path, "/history/%s", name);
  for (size_t i = 0; i < h->n_rows; i++)
    memcpy((char *)buffer + 8 * i, (const char *)&h->row[i] + offset, 8);
  gr_h5_put_array(w, path, kind == GR_FIELD_U64 ? GR_U64 : GR_F64, 1, &n, buffer);
}

static void put_metric_names(gr_h5_writer *w, const gr_history *h) {
  char list[GR_MAX_METRICS * (GR_METRIC_NAME + 1)] = "";
  size_t used = 0;
  for (uint32_t i = 0; i < h->n_metrics; i++) {
    int n = snprintf(list + used, sizeof list - used, "%s%s", i ? "," : "", h->metric_names[i]);
    used += n > 0 ? (size_t)n : 0;
    if (!gr_metric_name_is_valid(h->metric_names[i]) && w->status == GRADUS_OK)
      w->status = gr_fail(w->err, GRADUS_ERR_INTERNAL, "%s: a metric cannot be called '%s'",
                          w->path, h->metric_names[i]);
  }
  gr_h5_put_text_attribute(w, "/history", "metrics", list);
}

static void put_history(gr_h5_writer *w, const gr_history *h) {
  void *buffer = gr_alloc(h->n_rows, 8);
  if (!buffer) {
    if (w->status == GRADUS_OK) w->status = gr_fail_memory(w->err, "the history");
    return;
  }
  gr_h5_put_group(w, "/history");
  put_metric_names(w, h);
  for (size_t i = 0; i < gr_n_history_fields; i++) {
    const gr_history_field *field = &gr_history_fields[i];
    put_history_column(w, h, field->name, field->kind, field->offset, buffer);
  }
  for (uint32_t i = 0; i < h->n_metrics; i++)
    put_history_column(w, h, h->metric_names[i], GR_FIELD_F64,
                       offsetof(gr_history_row, metric) + i * sizeof(double), buffer);
  gr_free(buffer);
}

static gradus_status write_into(const char *aside, const char *path, const gr_checkpoint *c,
                                gradus_error *err) {
  const int32_t version = GR_CHECKPOINT_FORMAT;
  gr_h5_quiet quiet = gr_h5_begin();
  gr_h5_writer w = gr_h5_write_begin(aside, path, GR_SEAL_SIZE, err);
  gr_h5_put_text_attribute(&w, "/", "gradus_format", "checkpoint");
  gr_h5_put_attribute(&w, "/", "format_version", GR_I32, &version);
  gr_h5_put_text_attribute(&w, "/", "gradus_version", PACKAGE_VERSION);
  put_recipe(&w, &c->model.config);
  put_model(&w, &c->model);
  put_preprocessing(&w, &c->model.preprocessing);
  put_optimizer(&w, c);
  put_state(&w, &c->state);
  put_history(&w, &c->history);
  gr_checkpoint_put_events(&w, &c->history);
  gr_checkpoint_put_rollback(&w, c);
  gr_checkpoint_put_data(&w, &c->data);
  if (c->best_parameters) {
    gr_checkpoint_put_vector(&w, &c->model.network, "best", "", c->best_parameters);
  }
  gradus_status status = gr_h5_write_end(&w);
  gr_h5_end(&quiet);
  return status;
}

/* Roughly what the file will take: for asking whether the disk has room. */
static uint64_t size_of(const gr_checkpoint *c) {
  const uint64_t at_beginning = c->rollback.parameters ? 1 + (uint64_t)c->n_moments : 0;
  const uint64_t vectors = 1 + (uint64_t)c->n_moments + (c->best_parameters != NULL) + at_beginning;
  return GR_SEAL_SIZE + 65536 + vectors * c->model.network.n_parameters * sizeof(float) +
         c->history.n_events * (uint64_t)sizeof(gr_event) +
         c->history.n_rows * (gr_n_history_fields + c->history.n_metrics) * sizeof(double) +
         c->model.preprocessing.n_inputs * (uint64_t)(2 * sizeof(double));
}

gradus_status gr_checkpoint_write(const gr_checkpoint *checkpoint, const char *path,
                                  gradus_error *err) {
  char *aside = NULL;
  GR_TRY(gr_aside_create(path, true, &aside, err));
  gradus_status status = gr_aside_reserve(aside, path, size_of(checkpoint), err);
  if (status == GRADUS_OK) status = write_into(aside, path, checkpoint, err);
  if (status == GRADUS_OK) status = gr_seal_write(aside, path, checkpoint->state.step, err);
  return gr_aside_end(aside, path, true, status, err);
}
