/* Tables (.csv, .tsv) where a data set is wanted: they go through the importer into memory. For a
 * model its own columns are dictated, so that they are found by name and their kinds are not
 * guessed from the rows at hand. */
#include <config.h>

#include <string.h>
#include <strings.h>

#include "api/internal.h"
#include "base/memory.h"
#include "interop/import.h"
#include "net/columns.h"

bool gr_api_is_table(const char *path) {
  static const char *const ends[] = {".csv", ".tsv", ".tab", ".csv.gz", ".tsv.gz", ".tab.gz"};
  const size_t n = strlen(path);
  for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
    const size_t length = strlen(ends[i]);
    if (n > length && strcasecmp(path + n - length, ends[i]) == 0) return true;
  }
  return false;
}

static gradus_status read_table(const char *path, const gr_import_options *options, gr_dataset *out,
                                gradus_error *err) {
  GR_TRY(gr_import_read(options, out, err));
  out->memory = options->memory;
  if (options->like && !gr_dataset_copy_names(out, options->like))
    return gr_fail_memory(err, "names");
  out->path = gr_strdup(path);
  if (!out->path) return gr_fail_memory(err, "a name");
  return gr_dataset_digest(out, err);
}

gradus_status gr_api_open_table(const char *path, gr_import_options *options, gradus_dataset **out,
                                gradus_error *err) {
  gradus_dataset *dataset = gr_calloc(1, sizeof *dataset);
  if (!dataset) return gr_fail_memory(err, "a data set");
  if (options->memory == 0) options->memory = gr_dataset_memory();
  const gradus_status status = read_table(path, options, &dataset->data, err);
  if (status == GRADUS_OK)
    *out = dataset;
  else
    gradus_dataset_close(dataset);
  return status;
}

/* ---- as a model wants it ---- */

static bool is_used(const gr_columns *columns, uint32_t j) {
  return columns->column[j].use != GR_USE_DROPPED;
}

static gradus_status copy_column(const gr_fitted_column *from, gr_column *to, gradus_error *err) {
  to->name = gr_strdup(from->name);
  if (!to->name) return gr_fail_memory(err, "columns");
  if (from->use != GR_USE_CATEGORICAL) return GRADUS_OK;
  to->kind = GR_COLUMN_CATEGORICAL;
  to->levels = gr_calloc(from->n_levels ? from->n_levels : 1, sizeof *to->levels);
  if (!to->levels) return gr_fail_memory(err, "columns");
  to->n_levels = from->n_levels;
  for (uint32_t k = 0; k < from->n_levels; k++)
    if (!(to->levels[k] = gr_strdup(from->levels[k]))) return gr_fail_memory(err, "columns");
  return GRADUS_OK;
}

static gradus_status copy_columns(const gr_columns *columns, gr_dataset *like, gradus_error *err) {
  uint32_t n = 0;
  for (uint32_t j = 0; j < columns->n; j++) n += is_used(columns, j);
  like->columns = gr_calloc(n, sizeof *like->columns);
  like->feature_names = gr_calloc(n, sizeof *like->feature_names);
  if (!like->columns || !like->feature_names) return gr_fail_memory(err, "columns");
  for (uint32_t j = 0; j < columns->n; j++) {
    if (!is_used(columns, j)) continue;
    const uint32_t i = like->n_columns++;
    GR_TRY(copy_column(&columns->column[j], &like->columns[i], err));
    if (!(like->feature_names[i] = gr_strdup(columns->column[j].name)))
      return gr_fail_memory(err, "columns");
  }
  if (columns->target_name && !(like->target_name = gr_strdup(columns->target_name)))
    return gr_fail_memory(err, "columns");
  return GRADUS_OK;
}

static gradus_status copy_classes(const gr_preprocessing *p, gr_dataset *like, gradus_error *err) {
  if (p->n_classes == 0 || p->class_values) return GRADUS_OK;
  like->class_names = gr_calloc(p->n_classes, sizeof *like->class_names);
  if (!like->class_names) return gr_fail_memory(err, "class names");
  like->n_class_names = p->n_classes;
  for (uint32_t i = 0; i < p->n_classes; i++)
    if (!(like->class_names[i] = gr_strdup(p->class_names[i])))
      return gr_fail_memory(err, "class names");
  return GRADUS_OK;
}

/* A data set without rows whose shape and names are what the model wants. */
static gradus_status make_like(const gr_preprocessing *p, gr_dataset *like, gradus_error *err) {
  const bool classes = p->task == GR_CLASSIFICATION;
  if (!(like->path = gr_strdup("the model"))) return gr_fail_memory(err, "a name");
  like->split[GR_TRAIN] = (gr_split){.n_rows = 1,
                                     .x_type = p->columns->wide ? GR_F64 : GR_F32,
                                     .y_type = classes ? GR_I32 : GR_F64,
                                     .y_columns = 1};
  GR_TRY(copy_columns(p->columns, like, err));
  return copy_classes(p, like, err);
}

gradus_status gr_api_open_table_for(const gr_preprocessing *p, const char *path,
                                    const gradus_dataset_options *options, gradus_dataset **out,
                                    gradus_error *err) {
  gr_dataset like = {0};
  if (!p->columns || !p->columns->column[0].name)
    return gr_fail(err, GRADUS_ERR_DATA,
                   "%s: the model does not know the columns of a table: it was trained on a data "
                   "set without their names",
                   path);
  gradus_status status = make_like(p, &like, err);
  gr_import_options import = {.target = options->target,
                              .weights = options->weights,
                              .offset = options->offset,
                              .task = (int)p->task,
                              .test_every = options->test_every,
                              .like = &like,
                              .memory = options->memory};
  import.source[options->test_every > 0 ? GR_TRAIN : GR_TEST] = path;
  if (status == GRADUS_OK) status = gr_api_open_table(path, &import, out, err);
  gr_dataset_free(&like);
  return status;
}
