/* Data sets know files, columns know networks: here they meet. */
#include <config.h>

#include "train/table.h"

#include "base/memory.h"
#include "store/finite.h"
#include "train/classes.h"

bool gr_table_needs_columns(const gr_config *config, const gr_dataset *data) {
  const int scaling = config->data.standardize;
  return data->columns || config->data.embedding != GR_EMBED_NONE ||
         (scaling != GR_STANDARDIZE_NONE && scaling != GR_STANDARDIZE_ZSCORE);
}

/* NULL without an error: the columns have neither names nor kinds. */
static gradus_status describe(const gr_dataset *data, gr_raw_column **out, gradus_error *err) {
  *out = NULL;
  if (!data->columns && !data->feature_names) return GRADUS_OK;
  gr_raw_column *raw = gr_calloc(data->n_columns, sizeof *raw);
  if (!raw) return gr_fail_memory(err, "columns");
  for (uint32_t j = 0; j < data->n_columns; j++) {
    if (data->feature_names) raw[j].name = data->feature_names[j];
    if (!data->columns) continue;
    const gr_column *c = &data->columns[j];
    if (c->name) raw[j].name = c->name;
    raw[j].categorical = c->kind == GR_COLUMN_CATEGORICAL;
    raw[j].levels = c->levels;
    raw[j].n_levels = c->n_levels;
  }
  *out = raw;
  return GRADUS_OK;
}

static void tell(const gr_columns *columns, gr_text *notes) {
  for (uint32_t j = 0; j < columns->n + columns->n_left_out; j++) {
    const gr_fitted_column *c = &columns->column[j];
    if (c->use != GR_USE_DROPPED) continue;
    gr_text_printf(notes, "column %s: dropped: %s\n", c->name ? c->name : "", c->reason);
  }
  if (!gr_columns_are_plain(columns))
    gr_text_printf(notes, "columns: %u become %u inputs\n", (unsigned)columns->n,
                   (unsigned)columns->n_inputs);
}

gradus_status gr_table_fit(const gr_fit_rows *rows, const gr_dataset *data, const gr_config *config,
                           gr_columns **out, gr_text *notes, gradus_error *err) {
  gr_raw_column *raw;
  GR_TRY(describe(data, &raw, err));
  gradus_status status = gr_columns_fit(rows, raw, data->columns != NULL, config, out, err);
  gr_free(raw);
  if (status != GRADUS_OK) return status;
  if (data->target_name && !((*out)->target_name = gr_strdup(data->target_name)))
    return gr_fail_memory(err, "a name");
  for (uint32_t j = 0; j < data->n_dropped; j++)
    GR_TRY(gr_columns_leave_out(*out, data->dropped[j].name, data->dropped[j].reason, err));
  tell(*out, notes);
  return GRADUS_OK;
}

gradus_status gr_table_expand(const gr_columns *columns, const gr_dataset *data,
                              gr_column_expansion *out, gradus_error *err) {
  gr_raw_column *raw;
  *out = (gr_column_expansion){.plain = false};
  GR_TRY(describe(data, &raw, err));
  gradus_status status = gr_columns_expand(columns, raw, data->n_columns, out, err);
  gr_free(raw);
  if (status != GRADUS_OK) gr_error_prefix(err, "%s", gr_dataset_label(data));
  return status;
}

bool gr_table_has_gaps(const gr_dataset *data, gr_split_id id) {
  const gr_split *split = &data->split[id];
  uint64_t at;
  return split->x &&
         !gr_all_finite(split->x, split->x_type, split->n_rows * data->n_columns, false, &at);
}

gradus_status gr_table_name_inputs(gr_preprocessing *p, const gr_dataset *data, gradus_error *err) {
  if (p->columns && data->columns) {
    p->feature_names = gr_columns_input_names(p->columns);
    return p->feature_names ? GRADUS_OK : gr_fail_memory(err, "feature names");
  }
  if (!data->feature_names || p->n_inputs != data->n_columns) return GRADUS_OK;
  p->feature_names = gr_calloc(p->n_inputs, sizeof *p->feature_names);
  if (!p->feature_names) return gr_fail_memory(err, "feature names");
  for (uint32_t j = 0; j < p->n_inputs; j++) {
    const char *name = data->feature_names[j] ? data->feature_names[j] : "";
    p->feature_names[j] = gr_strdup(name);
    if (!p->feature_names[j]) return gr_fail_memory(err, "feature names");
  }
  return GRADUS_OK;
}

void gr_table_take_scales(gr_preprocessing *p) {
  const bool plain = gr_columns_are_plain(p->columns);
  for (uint32_t j = 0; j < p->n_inputs; j++) {
    p->shift[j] = plain ? p->columns->column[j].shift : 0;
    p->factor[j] = plain ? p->columns->column[j].factor : 1;
  }
}

gradus_status gr_table_adopt(gr_preprocessing *p, const gr_preprocessing *kept,
                             const gr_dataset *data, gradus_error *err) {
  const char *const *tasks = gr_key_find("data.task")->choices;
  const uint32_t y_columns = data->split[GR_TRAIN].y_columns;
  const bool fits = kept->task == p->task && (kept->columns || kept->n_inputs == p->n_inputs) &&
                    (p->task == GR_CLASSIFICATION || kept->n_targets == y_columns * p->repeats);
  if (!fits)
    return gr_fail(err, GRADUS_ERR_DATA,
                   "%s: has %u columns and %u of targets for %s; the model has %u columns and %u "
                   "targets or classes for %s: such data cannot go on in its run",
                   gr_dataset_label(data), (unsigned)p->n_inputs, (unsigned)y_columns,
                   tasks[p->task], (unsigned)gr_preprocessing_columns(kept),
                   (unsigned)(kept->n_classes ? kept->n_classes : kept->n_targets),
                   tasks[kept->task]);
  *p = (gr_preprocessing){0};
  return gr_preprocessing_copy(kept, p, err);
}
