/* The seal says that a checkpoint is what somebody sealed, not that its content makes sense: so
 * every shape, type and number is checked against the recipe before it is used, and memory is asked
 * for only where the file is large enough to fill it. */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "net/average.h"
#include "store/checkpoint_columns.h"
#include "store/checkpoint_file.h"
#include "store/checkpoint_parts.h"
#include "store/finite.h"
#include "store/h5_array.h"
#include "store/seal.h"

#define MAX_RECIPE 1048576

static gradus_status refuse(const gr_h5_file *file, const char *what, gradus_error *err) {
  return gr_fail(err, GRADUS_ERR_DATA, "%s: %s", file->path, what);
}

/* ---- arrays of a known type and shape ---- */

static gradus_status check_shape(const gr_h5_array *a, gr_dtype type, unsigned rank,
                                 const uint64_t *dims, gradus_error *err) {
  char shape[GR_H5_SHAPE], wanted[GR_H5_SHAPE];
  gr_h5_array expected = {.kind = GR_H5_NUMBERS, .dtype = type, .rank = rank};
  bool same = a->kind == GR_H5_NUMBERS && !a->convert && a->dtype == type && a->rank == rank;
  for (unsigned i = 0; i < rank; i++) {
    expected.dims[i] = dims[i];
    same = same && a->dims[i] == dims[i];
  }
  if (same) return GRADUS_OK;
  return gr_fail(err, GRADUS_ERR_DATA, "%s: %s is %s; %s was expected", a->file->path, a->path,
                 gr_h5_array_shape(a, shape), gr_h5_array_shape(&expected, wanted));
}

gradus_status gr_checkpoint_read_exact(const gr_h5_file *file, const char *path, gr_dtype type,
                                       unsigned rank, const uint64_t *dims, void *out,
                                       gradus_error *err) {
  gr_h5_array a;
  GR_TRY(gr_h5_array_open(file, path, &a, err));
  gradus_status status = check_shape(&a, type, rank, dims, err);
  if (status == GRADUS_OK) status = gr_h5_array_read(&a, out, err);
  gr_h5_array_close(&a);
  return status;
}

/* Reads f64 [n], all finite, into new memory. */
static gradus_status read_series(const gr_h5_file *file, const char *path, uint64_t n, double **out,
                                 gradus_error *err) {
  if (n > file->bytes / sizeof **out) return refuse(file, "declares more than it holds", err);
  *out = gr_alloc(n, sizeof **out);
  if (!*out) return gr_fail_memory(err, path);
  GR_TRY(gr_checkpoint_read_exact(file, path, GR_F64, 1, &n, *out, err));
  uint64_t at = 0;
  if (gr_all_finite(*out, GR_F64, n, false, &at)) return GRADUS_OK;
  return gr_fail(err, GRADUS_ERR_DATA, "%s: %s is not finite at %llu", file->path, path,
                 (unsigned long long)at);
}

static gradus_status has(const gr_h5_file *file, const char *path, bool *found, gradus_error *err) {
  return gr_h5_find(file, path, NULL, found, err);
}

/* ---- recipe and network ---- */

struct one_text {
  char *text;
  size_t length;
};

static gradus_status take_one(void *user, uint64_t index, const char *bytes, size_t length,
                              gradus_error *err) {
  struct one_text *one = user;
  (void)index;
  one->text = gr_strndup(bytes, length);
  one->length = length;
  return one->text ? GRADUS_OK : gr_fail_memory(err, "the recipe");
}

static gradus_status read_text(const gr_h5_file *file, const char *path, struct one_text *out,
                               gradus_error *err) {
  gr_h5_array a;
  GR_TRY(gr_h5_array_open(file, path, &a, err));
  gradus_status status;
  if (a.n != 1 || a.kind != GR_H5_TEXT || H5Tget_size(a.type) > MAX_RECIPE)
    status = gr_fail(err, GRADUS_ERR_DATA, "%s: %s is not one text", file->path, path);
  else
    status = gr_h5_array_texts(&a, take_one, out, err);
  gr_h5_array_close(&a);
  return status;
}

/* A stored recipe is resolved: `auto` in it would be resolved against other data than it was
 * trained on. */
static gradus_status check_resolved(const gr_config *config, gradus_error *err) {
  gradus_status status = GRADUS_OK;
  for (size_t i = 0; i < gr_n_keys && status == GRADUS_OK; i++) {
    gr_text value = {0};
    if (gr_keys[i].part != GR_PART_RECIPE || !gr_keys[i].may_be_auto) continue;
    gr_config_get(config, &gr_keys[i], &value);
    if (value.failed)
      status = gr_fail_memory(err, "the recipe");
    else if (value.data && strcmp(value.data, "auto") == 0)
      status = gr_fail(err, GRADUS_ERR_DATA, "%s is auto; a value was expected", gr_keys[i].name);
    gr_text_free(&value);
  }
  return status;
}

/* A recipe that gradus refuses makes the file bad data, not the user's configuration. */
static gradus_status parse_recipe(const gr_h5_file *file, const struct one_text *recipe,
                                  gr_model *model, gradus_error *err) {
  gradus_status status;
  GR_TRY(gr_config_init(&model->config, err));
  GR_TRY_ELSE(bad, gr_config_parse(&model->config, recipe->text, recipe->length, "recipe", err));
  gr_config_settle(&model->config, NULL); /* keys that it is older than */
  GR_TRY_ELSE(bad, check_resolved(&model->config, err));
  GR_TRY_ELSE(bad, gr_config_validate(&model->config, err));
  GR_TRY_ELSE(bad, gr_network_make(&model->config, &model->network, err));
  return GRADUS_OK;
bad:
  gr_error_prefix(err, "%s: the recipe in it cannot be used", file->path);
  if (status == GRADUS_ERR_RESOURCES) return status;
  if (err) err->status = GRADUS_ERR_DATA;
  return GRADUS_ERR_DATA;
}

static gradus_status read_recipe(const gr_h5_file *file, gr_model *model, gradus_error *err) {
  struct one_text recipe = {0};
  gradus_status status = read_text(file, "/recipe", &recipe, err);
  if (status == GRADUS_OK) status = parse_recipe(file, &recipe, model, err);
  gr_free(recipe.text);
  return status;
}

/* ---- parameter vectors ---- */

gradus_status gr_checkpoint_read_vector(const gr_h5_file *file, const gr_network *network,
                                        const char *group, const char *suffix, float **out,
                                        gradus_error *err) {
  if (network->n_parameters > file->bytes / sizeof **out)
    return refuse(file, "is too short for the network of its recipe", err);
  *out = gr_alloc(network->n_parameters, sizeof **out);
  if (!*out) return gr_fail_memory(err, "parameters");
  for (uint32_t i = 0, n = gr_block_count(network); i < n; i++) {
    gr_block block = gr_block_at(network, i, group, suffix);
    GR_TRY(gr_checkpoint_read_exact(file, block.path, GR_F32, block.rank, block.dims,
                                    *out + block.offset, err));
  }
  return GRADUS_OK;
}

static gradus_status read_moments(const gr_h5_file *file, gr_checkpoint *c, gradus_error *err) {
  uint64_t n = 0;
  uint64_t wanted = (uint64_t)gr_state_vectors(&c->model.config);
  GR_TRY(gr_h5_attribute_u64(file, "/optimizer", "moments", &n, NULL, err));
  if (n != 0 && n != wanted)
    return gr_fail(err, GRADUS_ERR_DATA, "%s: holds %llu moments; its optimiser has %llu",
                   file->path, (unsigned long long)n, (unsigned long long)wanted);
  c->n_moments = (uint32_t)n;
  for (uint32_t m = 0; m < c->n_moments; m++) {
    char suffix[GR_VECTOR_SUFFIX];
    gr_checkpoint_suffix(c, m, suffix);
    GR_TRY(gr_checkpoint_read_vector(file, &c->model.network, "optimizer", suffix, &c->moment[m],
                                     err));
  }
  return GRADUS_OK;
}

static gradus_status read_best(const gr_h5_file *file, gr_checkpoint *c, gradus_error *err) {
  bool found;
  GR_TRY(has(file, "/best", &found, err));
  if (!found) return GRADUS_OK;
  return gr_checkpoint_read_vector(file, &c->model.network, "best", "", &c->best_parameters, err);
}

/* ---- preprocessing ---- */

/* `n`: classes, or labels, that so many outputs tell. */
static gradus_status read_classes(const gr_h5_file *file, gr_preprocessing *p, uint32_t n_out,
                                  uint32_t n, gradus_error *err) {
  bool found;
  GR_TRY(gr_h5_read_list(file, "/preprocessing/class_names", &p->class_names, &p->n_classes, err));
  if (p->n_classes != n)
    return gr_fail(err, GRADUS_ERR_DATA, "%s: names %u classes; its network has %u outputs",
                   file->path, (unsigned)p->n_classes, (unsigned)n_out);
  GR_TRY(has(file, "/preprocessing/class_values", &found, err));
  if (!found) return GRADUS_OK;
  GR_TRY(read_series(file, "/preprocessing/class_values", p->n_classes, &p->class_values, err));
  for (uint32_t k = 1; k < p->n_classes; k++)
    if (p->class_values[k] <= p->class_values[k - 1])
      return refuse(file, "/preprocessing/class_values is not in ascending order", err);
  return GRADUS_OK;
}

static gradus_status read_target_scaling(const gr_h5_file *file, gr_preprocessing *p,
                                         uint32_t n_out, gradus_error *err) {
  p->n_targets = n_out;
  GR_TRY(read_series(file, "/preprocessing/target_shift", n_out, &p->target_shift, err));
  GR_TRY(read_series(file, "/preprocessing/target_scale", n_out, &p->target_scale, err));
  for (uint32_t k = 0; k < n_out; k++)
    if (p->target_scale[k] <= 0)
      return refuse(file, "/preprocessing/target_scale is not positive", err);
  return GRADUS_OK;
}

static gradus_status read_feature_names(const gr_h5_file *file, gr_preprocessing *p,
                                        gradus_error *err) {
  bool found;
  char **names = NULL;
  uint32_t n = 0;
  GR_TRY(has(file, "/preprocessing/feature_names", &found, err));
  if (!found) return GRADUS_OK;
  GR_TRY(gr_h5_read_list(file, "/preprocessing/feature_names", &names, &n, err));
  if (n == p->n_inputs) {
    p->feature_names = names;
    return GRADUS_OK;
  }
  gr_h5_free_texts(names, n);
  return refuse(file, "has feature names that do not match the network's inputs", err);
}

static gradus_status read_temperature(const gr_h5_file *file, gr_preprocessing *p,
                                      gradus_error *err) {
  bool found;
  GR_TRY(gr_h5_attribute_f64(file, "/preprocessing", "temperature", &p->temperature, &found, err));
  if (!found) p->temperature = 0;
  return !found || (p->temperature > 0 && p->temperature < 1e6)
             ? GRADUS_OK
             : refuse(file, "has a temperature in /preprocessing that is not positive", err);
}

static gradus_status read_transform(const gr_h5_file *file, gr_preprocessing *p,
                                    gradus_error *err) {
  char word[32];
  bool found;
  GR_TRY(gr_h5_attribute_text(file, "/preprocessing", "target_transform", word, sizeof word, &found,
                              err));
  p->log_target = found && strcmp(word, "log") == 0;
  if (found && !p->log_target) return refuse(file, "has an unknown transform of targets", err);
  return GRADUS_OK;
}

static gradus_status read_preprocessing(const gr_h5_file *file, gr_model *model,
                                        gradus_error *err) {
  gr_preprocessing *p = &model->preprocessing;
  const gr_network *network = &model->network;
  uint32_t n_out = network->layer[network->n_layers - 1].n_out;
  char task[32];
  p->n_inputs = network->layer[0].n_in;
  GR_TRY(read_series(file, "/preprocessing/shift", p->n_inputs, &p->shift, err));
  GR_TRY(read_series(file, "/preprocessing/factor", p->n_inputs, &p->factor, err));
  GR_TRY(gr_checkpoint_read_columns(file, &p->columns, err));
  if (p->columns && p->columns->n_inputs != p->n_inputs)
    return refuse(file, "has columns that do not match the network's inputs", err);
  GR_TRY(read_feature_names(file, p, err));
  GR_TRY(read_temperature(file, p, err));
  GR_TRY(read_transform(file, p, err));
  GR_TRY(gr_h5_attribute_text(file, "/preprocessing", "task", task, sizeof task, NULL, err));
  const char *const *tasks = gr_key_find("data.task")->choices;
  int found = 0;
  while (tasks[found] && strcmp(tasks[found], task) != 0) found++;
  if (!tasks[found]) return refuse(file, "has an unknown task in /preprocessing", err);
  p->task = (gr_task)found;
  if ((int)p->task != model->config.data.task)
    return refuse(file, "has another task in /preprocessing than in its recipe", err);
  if (p->task == GR_CLASSIFICATION)
    return read_classes(file, p, n_out, n_out == 1 ? 2 : n_out, err);
  if (p->task == GR_MULTILABEL) {
    p->n_targets = n_out;
    GR_TRY(read_classes(file, p, n_out, n_out, err));
    return gr_preprocessing_plain_targets(p, err);
  }
  p->repeats = gr_config_repeats(&model->config);
  return read_target_scaling(file, p, n_out, err);
}

/* ---- state ---- */

static gradus_status read_bool(const gr_h5_file *file, const char *name, bool *out,
                               gradus_error *err) {
  uint64_t value = 0;
  GR_TRY(gr_h5_attribute_u64(file, "/state", name, &value, NULL, err));
  if (value > 1)
    return gr_fail(err, GRADUS_ERR_DATA, "%s: attribute %s of /state is neither 0 nor 1",
                   file->path, name);
  *out = value == 1;
  return GRADUS_OK;
}

static gradus_status read_field(const gr_h5_file *file, const gr_state_field *field,
                                gr_train_state *state, gradus_error *err) {
  void *out = (char *)state + field->offset;
  bool found; /* else it stays 0 */
  switch (field->kind) {
    case GR_FIELD_U64:
      return gr_h5_attribute_u64(file, "/state", field->name, out, field->later ? &found : NULL,
                                 err);
    case GR_FIELD_F64:
      return gr_h5_attribute_f64(file, "/state", field->name, out, field->later ? &found : NULL,
                                 err);
    case GR_FIELD_BOOL:
      return read_bool(file, field->name, out, err);
    case GR_FIELD_TEXT:
      break;
  }
  return gr_h5_attribute_text(file, "/state", field->name, out, field->size, NULL, err);
}

static gradus_status read_state(const gr_h5_file *file, gr_train_state *state, gradus_error *err) {
  for (size_t i = 0; i < gr_n_state_fields; i++)
    GR_TRY(read_field(file, &gr_state_fields[i], state, err));
  return gr_search_is_valid(&state->search)
             ? GRADUS_OK
             : refuse(file, "has a line search in /state that cannot be one", err);
}

/* ---- history ---- */

/* "accuracy,rmse" */
static gradus_status read_metric_names(const gr_h5_file *file, gr_history *h, gradus_error *err) {
  char list[GR_MAX_METRICS * (GR_METRIC_NAME + 1)];
  GR_TRY(gr_h5_attribute_text(file, "/history", "metrics", list, sizeof list, NULL, err));
  for (char *name = list; *name;) {
    size_t n = strcspn(name, ",");
    bool last = name[n] == '\0';
    name[n] = '\0';
    if (h->n_metrics == GR_MAX_METRICS || !gr_metric_name_is_valid(name))
      return refuse(file, "has a list of metrics that cannot be used", err);
    memcpy(h->metric_names[h->n_metrics++], name, n + 1);
    name += n + (last ? 0 : 1);
  }
  return GRADUS_OK;
}

static gradus_status read_history_length(const gr_h5_file *file, gr_history *h, gradus_error *err) {
  gr_h5_array a;
  GR_TRY(gr_h5_array_open(file, "/history/epoch", &a, err));
  size_t n = a.n;
  bool plausible = a.rank == 1 && n <= file->bytes / sizeof(uint64_t);
  gr_h5_array_close(&a);
  if (!plausible) return refuse(file, "has a history that is not one", err);
  h->row = gr_calloc(n, sizeof *h->row);
  if (!h->row) return gr_fail_memory(err, "the history");
  h->n_rows = h->capacity = n;
  return GRADUS_OK;
}

static gradus_status read_history_column(const gr_h5_file *file, gr_history *h, const char *name,
                                         gr_field_kind kind, size_t offset, void *buffer,
                                         gradus_error *err) {
  const uint64_t n = h->n_rows;
  char path[64];
  snprintf(path, sizeof path, "/history/%s", name);
  GR_TRY(gr_checkpoint_read_exact(file, path, kind == GR_FIELD_U64 ? GR_U64 : GR_F64, 1, &n, buffer,
                                  err));
  for (size_t i = 0; i < h->n_rows; i++)
    memcpy((char *)&h->row[i] + offset, (const char *)buffer + 8 * i, 8);
  return GRADUS_OK;
}

static gradus_status read_history_columns(const gr_h5_file *file, gr_history *h, void *buffer,
                                          gradus_error *err) {
  for (size_t i = 0; i < gr_n_history_fields; i++) {
    const gr_history_field *field = &gr_history_fields[i];
    GR_TRY(read_history_column(file, h, field->name, field->kind, field->offset, buffer, err));
  }
  for (uint32_t i = 0; i < h->n_metrics; i++)
    GR_TRY(read_history_column(file, h, h->metric_names[i], GR_FIELD_F64,
                               offsetof(gr_history_row, metric) + i * sizeof(double), buffer, err));
  return GRADUS_OK;
}

static gradus_status read_history(const gr_h5_file *file, gr_history *h, gradus_error *err) {
  GR_TRY(read_metric_names(file, h, err));
  GR_TRY(read_history_length(file, h, err));
  void *buffer = gr_alloc(h->n_rows, 8);
  if (!buffer) return gr_fail_memory(err, "the history");
  gradus_status status = read_history_columns(file, h, buffer, err);
  gr_free(buffer);
  return status;
}

/* ---- the file ---- */

static gradus_status check_format(const gr_h5_file *file, gradus_error *err) {
  char format[32];
  uint64_t version = 0;
  bool found;
  GR_TRY(gr_h5_attribute_text(file, "/", "gradus_format", format, sizeof format, &found, err));
  if (!found || strcmp(format, "checkpoint") != 0)
    return refuse(file, "is not a gradus checkpoint", err);
  GR_TRY(gr_h5_attribute_u64(file, "/", "format_version", &version, NULL, err));
  if (version == 0 || version > GR_CHECKPOINT_FORMAT)
    return gr_fail(err, GRADUS_ERR_DATA,
                   "%s: is a checkpoint of format %llu; this gradus reads up to %d", file->path,
                   (unsigned long long)version, GR_CHECKPOINT_FORMAT);
  return GRADUS_OK;
}

static gradus_status read_parts(const gr_h5_file *file, gr_checkpoint *c, gradus_error *err) {
  GR_TRY(check_format(file, err));
  GR_TRY(read_recipe(file, &c->model, err));
  GR_TRY(
      gr_checkpoint_read_vector(file, &c->model.network, "model", "", &c->model.parameters, err));
  GR_TRY(read_preprocessing(file, &c->model, err));
  GR_TRY(read_moments(file, c, err));
  GR_TRY(read_state(file, &c->state, err));
  GR_TRY(read_history(file, &c->history, err));
  GR_TRY(gr_checkpoint_read_events(file, &c->history, err));
  GR_TRY(gr_checkpoint_read_rollback(file, c, err));
  GR_TRY(gr_checkpoint_read_data(file, &c->data, err));
  return read_best(file, c, err);
}

static gradus_status check_user_block(const gr_h5_file *file, gradus_error *err) {
  hsize_t size = 0;
  hid_t plist = H5Fget_create_plist(file->id);
  bool known = plist >= 0 && H5Pget_userblock(plist, &size) >= 0;
  if (plist >= 0) (void)H5Pclose(plist);
  if (known && size == GR_SEAL_SIZE) return GRADUS_OK;
  return refuse(file, "has no place for a seal (a user block of 4096 bytes): not a checkpoint",
                err);
}

gradus_status gr_checkpoint_read_unsealed(const char *path, gr_checkpoint *out, gradus_error *err) {
  gr_checkpoint checkpoint = {0};
  gr_h5_file file = {0};
  gradus_status status;
  *out = (gr_checkpoint){0};
  gr_h5_quiet quiet = gr_h5_begin();
  GR_TRY_ELSE(done, gr_h5_open(path, &file, err));
  GR_TRY_ELSE(done, check_user_block(&file, err));
  status = read_parts(&file, &checkpoint, err);
  GR_TRY_ELSE(done, gr_h5_judge(&file, status, err));
  *out = checkpoint;
  checkpoint = (gr_checkpoint){0};
done:
  gr_h5_close(&file);
  gr_h5_end(&quiet);
  gr_checkpoint_free(&checkpoint);
  return status;
}

gradus_status gr_checkpoint_read(const char *path, gr_checkpoint *out, gradus_error *err) {
  *out = (gr_checkpoint){0};
  GR_TRY(gr_seal_verify(path, NULL, err));
  return gr_checkpoint_read_unsealed(path, out, err);
}
