/* The order matters: the task decides how targets are read, the classes decide the width of the
 * output, the hold-out decides which rows statistics are fitted on. Everything that can be wrong
 * with the data is found here, before the first step. */
#include <config.h>

#include "train/prepare.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/philox.h"
#include "store/finite.h"
#include "train/classes.h"
#include "train/resolve.h"

static gradus_status check_finite(const gr_dataset *data, gr_split_id id, const char *name,
                                  const void *values, gr_dtype type, uint32_t columns,
                                  gradus_error *err) {
  uint64_t at;
  if (gr_all_finite(values, type, data->split[id].n_rows * columns, false, &at)) return GRADUS_OK;
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

/* A hold-out split may leave one side without any weight. */
static gradus_status check_side(const gr_dataset *data, const uint64_t *map, uint64_t n,
                                const char *use, gradus_error *err) {
  const float *weight = data->split[GR_TRAIN].weight;
  if (!map || !weight || n == 0) return GRADUS_OK;
  for (uint64_t i = 0; i < n; i++)
    if (weight[map[i]] > 0) return GRADUS_OK;
  return gr_fail(err, GRADUS_ERR_DATA,
                 "%s: train/weight is 0 for every row that is %s; another data.valid_split or "
                 "training.seed divides the rows otherwise",
                 gr_dataset_label(data), use);
}

/* Columns whose numbers are names are not numbers to compute with. */
static gradus_status check_columns(const gr_dataset *data, gradus_error *err) {
  for (uint32_t j = 0; data->columns && j < data->n_columns; j++)
    if (data->columns[j].kind == GR_COLUMN_CATEGORICAL)
      return gr_fail(err, GRADUS_ERR_DATA,
                     "%s: column %u (%s) is categorical, which cannot be trained on yet",
                     gr_dataset_label(data), j,
                     data->columns[j].name ? data->columns[j].name : "without a name");
  return GRADUS_OK;
}

static gradus_status check_inputs(const gr_preprocessing *p, const gr_dataset *data, gr_split_id id,
                                  gradus_error *err) {
  const gr_split *split = &data->split[id];
  if (data->n_columns != p->n_inputs)
    return gr_fail(err, GRADUS_ERR_DATA, "%s: %s/x has %u columns, but the network takes %u",
                   gr_dataset_label(data), gr_split_names[id], data->n_columns, p->n_inputs);
  GR_TRY(check_columns(data, err));
  GR_TRY(check_finite(data, id, "x", split->x, split->x_type, data->n_columns, err));
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
  uint32_t k = p->n_targets;
  size_t count;
  if (data->y_is_text || split->y_columns != k)
    return gr_fail(err, GRADUS_ERR_DATA, "%s: %s/y is %s, but %u %s to be predicted",
                   gr_dataset_label(data), gr_split_names[id],
                   data->y_is_text ? "text" : "of another width", k,
                   k == 1 ? "number is" : "numbers are");
  GR_TRY(check_finite(data, id, "y", split->y, split->y_type, k, err));
  if (!gr_multiply(split->n_rows, k, &count)) return gr_fail_memory(err, "targets");
  out->targets = gr_alloc(count, sizeof *out->targets);
  if (!out->targets) return gr_fail_memory(err, "targets");
  for (size_t i = 0; i < count; i++) {
    double y = gr_element(split->y, split->y_type, i);
    out->targets[i] = (float)((y - p->target_shift[i % k]) / p->target_scale[i % k]);
  }
  out->rows.targets = out->targets;
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
                                  .weight = split->weight}};
  GR_TRY(check_inputs(p, data, id, err));
  if (!with_targets) return GRADUS_OK;
  if (split->y_columns == 0)
    return gr_fail(err, GRADUS_ERR_DATA, "%s: the %s split has no targets (%s/y)",
                   gr_dataset_label(data), gr_split_names[id], gr_split_names[id]);
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
  gr_free(rows->class_index);
  gr_free(rows->targets);
  *rows = (gr_split_rows){0};
}

uint64_t gr_hold_out(uint64_t seed, double fraction, uint64_t n, uint64_t *map) {
  uint64_t n_train = 0, n_valid = 0;
  for (uint64_t r = 0; r < n; r++) { /* training rows from the front, the others from the back */
    bool out = gr_random_uniform(seed, GR_STREAM_SPLIT, 0, r) < fraction;
    if (r + 1 == n && n_valid == 0) out = true;
    if (r + 1 == n && n_train == 0) out = false;
    if (out)
      map[n - ++n_valid] = r;
    else
      map[n_train++] = r;
  }
  for (uint64_t i = n_train, j = n - 1; i < j; i++, j--) {
    uint64_t swap = map[i];
    map[i] = map[j];
    map[j] = swap;
  }
  return n_train;
}

/* Which rows train and which validate. */
static gradus_status divide(gr_prepared *p, const gr_dataset *data, gradus_error *err) {
  uint64_t n = data->split[GR_TRAIN].n_rows;
  double fraction = p->config.data.valid_split;
  p->n_train = n;
  p->n_valid = data->split[GR_VALID].n_rows;
  if (fraction <= 0) return GRADUS_OK;
  if (p->n_valid > 0 || n < 2) {
    p->config.data.valid_split = 0;
    gr_text_printf(&p->notes, "data.valid_split: 0 (%s)\n",
                   n < 2 ? "there is one row" : "the data set has its own validation split");
    return GRADUS_OK;
  }
  p->train_map = gr_alloc(n, sizeof *p->train_map);
  if (!p->train_map) return gr_fail_memory(err, "the order of rows");
  p->n_train = gr_hold_out(p->config.training.seed, fraction, n, p->train_map);
  p->n_valid = n - p->n_train;
  p->valid_map = p->train_map + p->n_train;
  return GRADUS_OK;
}

static gradus_status copy_feature_names(gr_preprocessing *p, const gr_dataset *data,
                                        gradus_error *err) {
  if (!data->feature_names) return GRADUS_OK;
  p->feature_names = gr_calloc(p->n_inputs, sizeof *p->feature_names);
  if (!p->feature_names) return gr_fail_memory(err, "feature names");
  for (uint32_t j = 0; j < p->n_inputs; j++) {
    const char *name = data->feature_names[j] ? data->feature_names[j] : "";
    p->feature_names[j] = gr_strdup(name);
    if (!p->feature_names[j]) return gr_fail_memory(err, "feature names");
  }
  return GRADUS_OK;
}

static gradus_status fit_inputs(gr_prepared *out, const gr_dataset *data, gradus_error *err) {
  const gr_split *train = &data->split[GR_TRAIN];
  gr_preprocessing *p = &out->preprocessing;
  gr_fit_rows rows = {train->x, train->x_type, data->n_columns, out->train_map, out->n_train};
  p->shift = gr_calloc(p->n_inputs, sizeof *p->shift);
  p->factor = gr_calloc(p->n_inputs, sizeof *p->factor);
  if (!p->shift || !p->factor) return gr_fail_memory(err, "preprocessing");
  gradus_status status =
      gr_fit_inputs(&rows, (gr_scale)out->config.data.scale,
                    (gr_standardize)out->config.data.standardize, p->shift, p->factor, err);
  if (status != GRADUS_OK) gr_error_prefix(err, "%s: train/x", gr_dataset_label(data));
  return status;
}

/* Targets are standardised where the output can follow: an output that is squashed keeps its
 * units. A constant target keeps its scale. */
static gradus_status fit_targets(gr_prepared *out, const gr_dataset *data, gradus_error *err) {
  const gr_split *train = &data->split[GR_TRAIN];
  gr_preprocessing *p = &out->preprocessing;
  gr_fit_rows rows = {train->y, train->y_type, train->y_columns, out->train_map, out->n_train};
  p->target_shift = gr_calloc(p->n_targets, sizeof *p->target_shift);
  p->target_scale = gr_calloc(p->n_targets, sizeof *p->target_scale);
  if (!p->target_shift || !p->target_scale) return gr_fail_memory(err, "preprocessing");
  if (out->config.network.output_activation == GR_IDENTITY) {
    gradus_status status = gr_fit_moments(&rows, p->target_shift, p->target_scale, err);
    if (status != GRADUS_OK) {
      gr_error_prefix(err, "%s: train/y", gr_dataset_label(data));
      return status;
    }
  }
  for (uint32_t k = 0; k < p->n_targets; k++)
    if (!(p->target_scale[k] > 0)) p->target_scale[k] = 1;
  return GRADUS_OK;
}

static gradus_status resolve(gr_prepared *out, const gr_dataset *data, gradus_error *err) {
  const gr_split *train = &data->split[GR_TRAIN];
  gr_preprocessing *p = &out->preprocessing;
  GR_TRY(gr_resolve_task(&out->config, data, &out->notes, err));
  p->task = (gr_task)out->config.data.task;
  p->n_inputs = data->n_columns;
  if (p->task == GR_CLASSIFICATION)
    GR_TRY(gr_classes_find(data, p, err));
  else
    p->n_targets = train->y_columns;
  GR_TRY(divide(out, data, err));
  gr_data_facts facts = {train->x_type, data->n_columns, p->n_targets, p->n_classes, out->n_train};
  return gr_resolve(&out->config, &facts, &out->notes, err);
}

static gradus_status fit(gr_prepared *out, const gr_dataset *data, gradus_error *err) {
  const gr_split *train = &data->split[GR_TRAIN];
  GR_TRY(check_inputs(&out->preprocessing, data, GR_TRAIN, err)); /* so that messages say where */
  GR_TRY(check_finite(data, GR_TRAIN, "y", train->y, train->y_type, train->y_columns, err));
  GR_TRY(copy_feature_names(&out->preprocessing, data, err));
  GR_TRY(fit_inputs(out, data, err));
  return out->preprocessing.task == GR_REGRESSION ? fit_targets(out, data, err) : GRADUS_OK;
}

gradus_status gr_prepare(const gr_config *config, const gr_dataset *data, gr_prepared *out,
                         gradus_error *err) {
  gradus_status status = GRADUS_OK;
  *out = (gr_prepared){0};
  GR_TRY(gr_config_copy(config, &out->config, err));
  GR_TRY_ELSE(fail, resolve(out, data, err));
  GR_TRY_ELSE(fail, fit(out, data, err));
  GR_TRY_ELSE(fail,
              gr_split_rows_make(&out->preprocessing, data, GR_TRAIN, true, &out->train, err));
  GR_TRY_ELSE(fail, check_side(data, out->train_map, out->n_train, "trained on", err));
  GR_TRY_ELSE(fail, check_side(data, out->valid_map, out->n_valid, "held out", err));
  if (data->split[GR_VALID].n_rows > 0)
    GR_TRY_ELSE(fail,
                gr_split_rows_make(&out->preprocessing, data, GR_VALID, true, &out->valid, err));
  return GRADUS_OK;
fail:
  gr_prepared_free(out);
  return status;
}

void gr_prepared_free(gr_prepared *prepared) {
  gr_split_rows_free(&prepared->train);
  gr_split_rows_free(&prepared->valid);
  gr_free(prepared->train_map); /* valid_map is its tail */
  gr_preprocessing_free(&prepared->preprocessing);
  gr_config_free(&prepared->config);
  gr_text_free(&prepared->notes);
  *prepared = (gr_prepared){0};
}

const gr_rows *gr_prepared_valid_rows(const gr_prepared *prepared) {
  return prepared->valid_map ? &prepared->train.rows : &prepared->valid.rows;
}

gr_row_order gr_prepared_order(const gr_prepared *prepared, uint64_t epoch) {
  const gr_config *config = &prepared->config;
  return (gr_row_order){
      .permutation = config->training.shuffle == GR_SHUFFLE_FULL
                         ? gr_permutation_make(config->training.seed, epoch, prepared->n_train)
                         : gr_permutation_identity(prepared->n_train),
      .map = prepared->train_map};
}
