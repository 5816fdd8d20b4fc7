/* gradus/dataset.h: files are the store's business; arrays of the caller are copied into the same
 * structure, so that training cannot tell the difference. */
#include <config.h>

#include "gradus/dataset.h"
#include "gradus/model.h"

#include <stdio.h>
#include <math.h>
#include <string.h>

#include "api/internal.h"
#include "base/memory.h"
#include "net/columns.h"

static gradus_status open_files(const char *const *paths, size_t n,
                                const gr_dataset_options *options, gradus_dataset **out,
                                gradus_error *err) {
  gradus_dataset *dataset = gr_calloc(1, sizeof *dataset);
  if (!dataset) return gr_fail_memory(err, "a data set");
  const gradus_status status = gr_dataset_read_files(paths, n, options, &dataset->data, err);
  if (status != GRADUS_OK) {
    gr_free(dataset);
    return status;
  }
  *out = dataset;
  return GRADUS_OK;
}

/* The only table among paths[n], NULL where there is none. */
static gradus_status only_table(const char *const *paths, size_t n, const char **out,
                                gradus_error *err) {
  *out = NULL;
  for (size_t i = 0; i < n; i++)
    if (gr_api_is_table(paths[i])) *out = paths[i];
  if (!*out || n == 1) return GRADUS_OK;
  return gr_fail(err, GRADUS_ERR_USAGE,
                 "%s: a table is the only file of a data set; gradus import --append puts several "
                 "together",
                 *out);
}

static gradus_status refuse_table_options(const char *path, const char *name, gradus_error *err) {
  return gr_fail(err, GRADUS_ERR_USAGE, "%s: %s is for tables (.csv, .tsv, .tab)", path, name);
}

static gradus_status open_any(const gr_preprocessing *model, const char *const *paths, size_t n,
                              const gradus_dataset_options *options, gradus_dataset **out,
                              gradus_error *err) {
  gradus_dataset_options given = {0};
  const char *table;
  GR_API_NEED(paths, "paths");
  for (size_t i = 0; i < n; i++) GR_API_NEED(paths[i], "path");
  if (options)
    GR_TRY(gr_api_copy_in(&given, sizeof given, options, options->struct_size,
                          "gradus_dataset_options", err));
  GR_TRY(only_table(paths, n, &table, err));
  if (table && model && !given.as_trained)
    return gr_api_open_table_for(model, table, &given, out, err);
  const bool known = model && model->columns;
  gr_import_options import = {.source = {table},
                              .target = given.target ? given.target
                                        : known      ? model->columns->target_name
                                                     : NULL,
                              .weights = given.weights,
                              .offset = given.offset,
                              .task = model ? (int)model->task : GR_AUTO,
                              .test_every = given.test_every,
                              .memory = given.memory};
  if (table) return gr_api_open_table(table, &import, out, err);
  if (n > 0 && given.target) return refuse_table_options(paths[0], "target", err);
  if (n > 0 && given.weights) return refuse_table_options(paths[0], "weights", err);
  if (n > 0 && given.offset) return refuse_table_options(paths[0], "offset", err);
  if (n > 0 && given.test_every) return refuse_table_options(paths[0], "test_every", err);
  const gr_dataset_options inner = {given.x, given.y, given.transpose != 0, given.memory};
  return open_files(paths, n, &inner, out, err);
}

gradus_status gradus_dataset_open_files(const char *const *paths, size_t n,
                                        const gradus_dataset_options *options, gradus_dataset **out,
                                        gradus_error *err) {
  GR_API_NEED(out, "out");
  *out = NULL;
  return open_any(NULL, paths, n, options, out, err);
}

gradus_status gradus_model_open_data(const gradus_model *model, const char *const *paths, size_t n,
                                     const gradus_dataset_options *options, gradus_dataset **out,
                                     gradus_error *err) {
  GR_API_NEED(out, "out");
  *out = NULL;
  GR_API_NEED(model, "model");
  return open_any(gr_api_preprocessing(model), paths, n, options, out, err);
}

gradus_status gradus_dataset_open(const char *path, const gradus_dataset_options *options,
                                  gradus_dataset **out, gradus_error *err) {
  return gradus_dataset_open_files(&path, 1, options, out, err);
}

/* What only tables heed must not be passed over in silence. */
static gradus_status refuse_table_keys(const gr_config *c, const char *path, gradus_error *err) {
  const char *key = c->data.target       ? "data.target"
                    : c->data.weights    ? "data.weights"
                    : c->data.offset     ? "data.offset"
                    : c->data.valid      ? "data.valid"
                    : c->data.test       ? "data.test"
                    : c->data.test_every ? "data.test_every"
                                         : NULL;
  return key ? refuse_table_options(path, key, err) : GRADUS_OK;
}

gradus_status gradus_dataset_open_as(const gradus_recipe *recipe, const char *const *paths,
                                     size_t n, gradus_dataset **out, gradus_error *err) {
  const char *table;
  GR_API_NEED(out, "out");
  *out = NULL;
  GR_API_NEED(recipe, "recipe");
  GR_API_NEED(paths, "paths");
  for (size_t i = 0; i < n; i++) GR_API_NEED(paths[i], "path");
  const gr_config *c = &recipe->config;
  const uint64_t memory = c->resources.memory == GR_AUTO ? 0 : (uint64_t)c->resources.memory;
  GR_TRY(only_table(paths, n, &table, err));
  if (table) {
    const bool log = c->data.target_transform == GR_TRANSFORM_LOG;
    gr_import_options import = {.source = {table, c->data.valid, c->data.test},
                                .target = c->data.target,
                                .weights = c->data.weights,
                                .offset = c->data.offset,
                                .task = log ? GR_REGRESSION : c->data.task,
                                .test_every = (uint64_t)c->data.test_every,
                                .memory = memory};
    return gr_api_open_table(table, &import, out, err);
  }
  if (n > 0) GR_TRY(refuse_table_keys(c, paths[0], err));
  const gr_dataset_options options = {c->data.x, c->data.y, c->data.transpose, memory};
  return open_files(paths, n, &options, out, err);
}

void gradus_dataset_close(gradus_dataset *dataset) {
  if (!dataset) return;
  gr_dataset_free(&dataset->data);
  gr_free(dataset);
}

gradus_status gradus_dataset_create(uint32_t n_columns, gradus_dataset **out, gradus_error *err) {
  GR_API_NEED(out, "out");
  *out = NULL;
  if (n_columns == 0 || n_columns > GR_MAX_WIDTH)
    return gr_fail(err, GRADUS_ERR_USAGE, "a data set has 1 to %d columns, not %u", GR_MAX_WIDTH,
                   n_columns);
  gradus_dataset *dataset = gr_calloc(1, sizeof *dataset);
  if (!dataset) return gr_fail_memory(err, "a data set");
  dataset->data.n_columns = n_columns;
  dataset->data.layout = "gradus";
  *out = dataset;
  return gr_dataset_digest(&dataset->data, err);
}

static void *copy_of(const void *from, uint64_t rows, uint64_t columns, size_t size) {
  size_t count;
  if (rows > SIZE_MAX || !gr_multiply((size_t)rows, (size_t)columns, &count)) return NULL;
  void *copy = gr_alloc(count, size);
  if (copy) memcpy(copy, from, count * size);
  return copy;
}

static gradus_status check_new_split(const gr_dataset *data, const char *name, gr_split_id *id,
                                     uint64_t n_rows, const int32_t *labels, const float *targets,
                                     uint32_t n_targets, gradus_error *err) {
  GR_TRY(gr_api_split(name, id, err));
  if (data->split[*id].n_rows > 0)
    return gr_fail(err, GRADUS_ERR_USAGE, "the data set has its %s split already", name);
  if (n_rows == 0) return gr_fail(err, GRADUS_ERR_USAGE, "a split has at least one row");
  if (labels && targets)
    return gr_fail(err, GRADUS_ERR_USAGE, "a split has labels or targets, not both");
  if (targets && n_targets == 0)
    return gr_fail(err, GRADUS_ERR_USAGE, "n_targets is 0, but targets are given");
  return GRADUS_OK;
}

gradus_status gradus_dataset_add(gradus_dataset *dataset, const char *split, uint64_t n_rows,
                                 const float *x, const int32_t *labels, const float *targets,
                                 uint32_t n_targets, const float *weights, gradus_error *err) {
  gr_split_id id;
  GR_API_NEED(dataset, "dataset");
  GR_API_NEED(split, "split");
  GR_API_NEED(x, "x");
  gr_dataset *data = &dataset->data;
  GR_TRY(check_new_split(data, split, &id, n_rows, labels, targets, n_targets, err));
  gr_split s = {.n_rows = n_rows, .x_type = GR_F32, .y_type = labels ? GR_I32 : GR_F32};
  const void *y = labels ? (const void *)labels : targets;
  s.y_columns = labels ? 1 : targets ? n_targets : 0;
  s.x = copy_of(x, n_rows, data->n_columns, sizeof *x);
  if (y) s.y = copy_of(y, n_rows, s.y_columns, 4);
  if (weights) s.weight = copy_of(weights, n_rows, 1, sizeof *weights);
  if (!s.x || (y && !s.y) || (weights && !s.weight)) {
    gr_free(s.x);
    gr_free(s.y);
    gr_free(s.weight);
    return gr_fail_memory(err, "a split");
  }
  data->split[id] = s;
  return gr_dataset_digest(data, err);
}

gradus_status gradus_dataset_set_offsets(gradus_dataset *dataset, const char *split,
                                         const float *offsets, gradus_error *err) {
  gr_split_id id;
  GR_API_NEED(dataset, "dataset");
  GR_API_NEED(split, "split");
  GR_API_NEED(offsets, "offsets");
  GR_TRY(gr_api_split(split, &id, err));
  gr_split *s = &dataset->data.split[id];
  if (s->n_rows == 0)
    return gr_fail(err, GRADUS_ERR_USAGE, "the data set has no %s split to give offsets", split);
  for (uint64_t i = 0; i < s->n_rows; i++)
    if (!isfinite(offsets[i]))
      return gr_fail(err, GRADUS_ERR_DATA, "offset %llu of %s is not finite", (unsigned long long)i,
                     split);
  float *copy = copy_of(offsets, s->n_rows, 1, sizeof *offsets);
  if (!copy) return gr_fail_memory(err, "offsets");
  gr_free(s->offset);
  s->offset = copy;
  return gr_dataset_digest(&dataset->data, err);
}

gradus_status gradus_dataset_write(const gradus_dataset *dataset, const char *path, int overwrite,
                                   gradus_error *err) {
  GR_API_NEED(dataset, "dataset");
  GR_API_NEED(path, "path");
  return gr_dataset_write(&dataset->data, path, overwrite != 0, err);
}

uint64_t gradus_dataset_rows(const gradus_dataset *dataset, const char *split) {
  gr_split_id id;
  if (!dataset || !split || gr_api_split(split, &id, NULL) != GRADUS_OK) return 0;
  return dataset->data.split[id].n_rows;
}

uint32_t gradus_dataset_columns(const gradus_dataset *dataset) {
  return dataset ? dataset->data.n_columns : 0;
}

uint32_t gradus_dataset_targets(const gradus_dataset *dataset) {
  for (int s = 0; dataset && s < GR_N_SPLITS; s++)
    if (dataset->data.split[s].n_rows > 0) return dataset->data.split[s].y_columns;
  return 0;
}

const char *gradus_dataset_digest(const gradus_dataset *dataset) {
  return dataset ? dataset->data.digest : "";
}
