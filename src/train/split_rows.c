/* Whatever is wrong with the numbers of a split is found here, with the row and the column. */
#include <config.h>

#include "train/split_rows.h"

#include <math.h>

#include "base/memory.h"
#include "store/finite.h"
#include "train/classes.h"
#include "train/table.h"
#include "train/targets.h"

gradus_status gr_split_check_finite(const gr_dataset *data, gr_split_id id, const char *name,
                                    const void *values, gr_dtype type, uint32_t columns,
                                    bool nan_is_missing, gradus_error *err) {
  uint64_t at;
  if (gr_all_finite(values, type, data->split[id].n_rows * columns, nan_is_missing, &at))
    return GRADUS_OK;
  char number[GR_DOUBLE_TEXT];
  gr_format_double(number, gr_element(values, type, at));
  return gr_fail(err, GRADUS_ERR_DATA,
                 "%s: %s/%s row %llu column %llu is %s; only finite numbers "
                 "can be used",
                 gr_dataset_label(data), gr_split_names[id], name,
                 (unsigned long long)(at / columns), (unsigned long long)(at % columns), number);
}

static gradus_status check_weights(const gr_dataset *data, gr_split_id id, gradus_error *err) {
  const gr_split *split = &data->split[id];
  double sum = 0;
  for (uint64_t i = 0; split->weight && i < split->n_rows; i++) {
    double w = (double)split->weight[i];
    sum += w;
    if (w >= 0 && isfinite(w)) continue;
    char number[GR_DOUBLE_TEXT];
    gr_format_double(number, w);
    return gr_fail(err, GRADUS_ERR_DATA,
                   "%s: %s/weight row %llu is %s; sample weights are finite and not negative",
                   gr_dataset_label(data), gr_split_names[id], (unsigned long long)i, number);
  }
  if (split->weight && sum == 0)
    return gr_fail(err, GRADUS_ERR_DATA, "%s: every %s/weight is 0", gr_dataset_label(data),
                   gr_split_names[id]);
  return GRADUS_OK;
}

gradus_status gr_split_check_inputs(const gr_preprocessing *p, const gr_dataset *data,
                                    gr_split_id id, bool nan_is_missing, gradus_error *err) {
  const gr_split *split = &data->split[id];
  if (!p->columns && data->n_columns != p->n_inputs)
    return gr_fail(err, GRADUS_ERR_DATA, "%s: %s/x has %u columns, but the network takes %u",
                   gr_dataset_label(data), gr_split_names[id], data->n_columns, p->n_inputs);
  if (split->x) /* what is read bit by bit is looked at there */
    GR_TRY(gr_split_check_finite(data, id, "x", split->x, split->x_type, data->n_columns,
                                 nan_is_missing && data->columns, err));
  return check_weights(data, id, err);
}

static gradus_status make_classes(const gr_preprocessing *p, const gr_dataset *data, gr_split_id id,
                                  gr_split_rows *out, gradus_error *err) {
  out->class_index = gr_alloc(data->split[id].n_rows, sizeof *out->class_index);
  if (!out->class_index) return gr_fail_memory(err, "class numbers");
  out->rows.class_index = out->class_index;
  return gr_classes_map(p, data, id, out->class_index, err);
}

static gradus_status make_targets(const gr_preprocessing *p, const gr_dataset *data, gr_split_id id,
                                  gr_split_rows *out, gradus_error *err) {
  const gr_split *split = &data->split[id];
  const uint32_t width = p->n_targets, repeats = p->repeats ? p->repeats : 1, k = width / repeats;
  size_t count;
  if (data->y_is_text || split->y_columns != k)
    return gr_fail(err, GRADUS_ERR_DATA, "%s: %s/y is %s, but %u %s to be predicted",
                   gr_dataset_label(data), gr_split_names[id],
                   data->y_is_text ? "text" : "of another width", k,
                   k == 1 ? "number is" : "numbers are");
  if (p->task == GR_MULTILABEL) GR_TRY(gr_labels_check(data, id, err));
  GR_TRY(gr_split_check_finite(data, id, "y", split->y, split->y_type, k, false, err));
  if (!gr_multiply(split->n_rows, width, &count)) return gr_fail_memory(err, "targets");
  out->targets = gr_alloc(count, sizeof *out->targets);
  if (!out->targets) return gr_fail_memory(err, "targets");
  for (size_t i = 0; i < count; i++) {
    double y = gr_element(split->y, split->y_type, i / repeats);
    if (p->log_target) GR_TRY(gr_target_log(data, id, i / repeats, &y, err));
    out->targets[i] = (float)((y - p->target_shift[i % width]) / p->target_scale[i % width]);
  }
  out->rows.targets = out->targets;
  out->rows.n_targets = width;
  return GRADUS_OK;
}

/* Rows that are only shifted and scaled, and have no gaps, need no steps. */
static gradus_status make_expansion(const gr_preprocessing *p, const gr_dataset *data,
                                    gr_split_id id, gr_split_rows *out, gradus_error *err) {
  if (!p->columns) return GRADUS_OK;
  GR_TRY(gr_table_expand(p->columns, data, &out->expansion, err));
  const bool gaps = data->columns && (!data->split[id].x || gr_table_has_gaps(data, id));
  if (gaps || !out->expansion.plain) out->rows.expansion = &out->expansion.expansion;
  return GRADUS_OK;
}

gradus_status gr_split_rows_make(const gr_preprocessing *p, const gr_dataset *data, gr_split_id id,
                                 bool with_targets, gr_split_rows *out, gradus_error *err) {
  const gr_split *split = &data->split[id];
  gradus_status status = GRADUS_OK;
  *out = (gr_split_rows){.rows = {.n_rows = split->n_rows,
                                  .x = split->x,
                                  .x_type = split->x_type,
                                  .shift = p->shift,
                                  .factor = p->factor,
                                  .weight = split->weight,
                                  .offset = split->offset}};
  GR_TRY(gr_split_check_inputs(p, data, id, p->columns != NULL, err));
  if (with_targets && split->y_columns == 0)
    return gr_fail(err, GRADUS_ERR_DATA, "%s: the %s split has no targets (%s/y)",
                   gr_dataset_label(data), gr_split_names[id], gr_split_names[id]);
  GR_TRY(make_expansion(p, data, id, out, err));
  if (!with_targets) return GRADUS_OK;
  if (p->task == GR_CLASSIFICATION)
    GR_TRY_ELSE(fail, make_classes(p, data, id, out, err));
  else
    GR_TRY_ELSE(fail, make_targets(p, data, id, out, err));
  return GRADUS_OK;
fail:
  gr_split_rows_free(out);
  return status;
}

void gr_split_rows_free(gr_split_rows *rows) {
  gr_column_expansion_free(&rows->expansion);
  gr_free(rows->class_index);
  gr_free(rows->targets);
  *rows = (gr_split_rows){0};
}
