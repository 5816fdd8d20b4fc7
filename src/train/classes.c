/* Labels come as whole numbers of any type, as texts (numbers into a dictionary) or as one-hot
 * rows; the network wants 0 .. K-1. The classes are what occurs in training, in ascending order,
 * so that labels from 1 and labels of -1 and +1 work; a model carries their names and values, and
 * meets the labels of another file by value or, where it knows only names, by name. */
#include <config.h>

#include "train/classes.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

#define LARGEST_WHOLE 9007199254740992.0 /* 2^53: beyond it doubles skip whole numbers */

const char *gr_dataset_label(const gr_dataset *data) {
  return data->path ? data->path : "data set in memory";
}

/* The column of the only 1 in a row of zeros, or -1. */
static int64_t hot_column(const gr_split *split, uint64_t row) {
  int64_t hot = -1;
  for (uint32_t j = 0; j < split->y_columns; j++) {
    double v = gr_element(split->y, split->y_type, row * split->y_columns + j);
    if (v == 0) continue;
    if (v != 1 || hot >= 0) return -1;
    hot = j;
  }
  return hot;
}

bool gr_split_is_one_hot(const gr_split *split) {
  if (split->y_columns < 2 || split->n_rows == 0) return false;
  for (uint64_t i = 0; i < split->n_rows; i++)
    if (hot_column(split, i) < 0) return false;
  return true;
}

bool gr_split_is_binary(const gr_split *split) {
  for (uint64_t i = 0; i < split->n_rows * split->y_columns; i++) {
    const double v = gr_element(split->y, split->y_type, i);
    if (v != 0 && v != 1) return false;
  }
  return true;
}

static bool is_whole(double v) {
  return fabs(v) <= LARGEST_WHOLE && v == floor(v);
}

bool gr_split_is_whole(const gr_split *split) {
  if (gr_dtype_is_integer(split->y_type)) return true;
  for (uint64_t i = 0; i < split->n_rows * split->y_columns; i++)
    if (!is_whole(gr_element(split->y, split->y_type, i))) return false;
  return true;
}

static gradus_status check_label(const gr_dataset *data, gr_split_id id, uint64_t row, double v,
                                 gradus_error *err) {
  if (is_whole(v)) return GRADUS_OK;
  char number[GR_DOUBLE_TEXT];
  gr_format_double(number, v);
  return gr_fail(err, GRADUS_ERR_DATA,
                 "%s: %s/y row %llu: label %s is not a whole number; for numbers to be predicted "
                 "set data.task to regression",
                 gr_dataset_label(data), gr_split_names[id], (unsigned long long)row, number);
}

/* Where v is, or belongs, in ascending values[n]. */
static uint32_t position(const double *values, uint32_t n, double v) {
  uint32_t low = 0, high = n;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if (values[middle] < v)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

/* The distinct labels of /train/y, ascending, in values[GR_MAX_CLASSES]. */
static gradus_status distinct(const gr_dataset *data, double *values, uint32_t *count,
                              gradus_error *err) {
  const gr_split *train = &data->split[GR_TRAIN];
  uint32_t n = 0;
  for (uint64_t i = 0; i < train->n_rows; i++) {
    double v = gr_element(train->y, train->y_type, i);
    GR_TRY(check_label(data, GR_TRAIN, i, v, err));
    uint32_t at = position(values, n, v);
    if (at < n && values[at] == v) continue;
    if (n == GR_MAX_CLASSES)
      return gr_fail(err, GRADUS_ERR_DATA,
                     "%s: train/y holds more than %d different labels; for numbers to be "
                     "predicted set data.task to regression",
                     gr_dataset_label(data), GR_MAX_CLASSES);
    memmove(values + at + 1, values + at, (n - at) * sizeof *values);
    values[at] = v == 0 ? 0 : v; /* no -0 among the names */
    n++;
  }
  *count = n;
  return GRADUS_OK;
}

static void number_name(double value, char name[32]) {
  snprintf(name, 32, "%lld", (long long)value);
}

/* The file's own name for label `value`, or its digits. */
static char *name_of(const gr_dataset *data, double value) {
  char digits[32];
  if (data->class_names && value >= 0 && value < data->n_class_names) {
    const char *name = data->class_names[(size_t)value];
    if (name) return gr_strdup(name);
  }
  number_name(value, digits);
  return gr_strdup(digits);
}

static gradus_status set_names(const gr_dataset *data, gr_preprocessing *p, const double *values,
                               uint32_t n, gradus_error *err) {
  p->class_names = gr_calloc(n, sizeof *p->class_names);
  if (!p->class_names) return gr_fail_memory(err, "class names");
  p->n_classes = n;
  for (uint32_t i = 0; i < n; i++) {
    p->class_names[i] = name_of(data, values ? values[i] : i);
    if (!p->class_names[i]) return gr_fail_memory(err, "class names");
  }
  return GRADUS_OK;
}

static gradus_status find_one_hot(const gr_dataset *data, gr_preprocessing *p, gradus_error *err) {
  const gr_split *train = &data->split[GR_TRAIN];
  for (uint64_t i = 0; i < train->n_rows; i++)
    if (hot_column(train, i) < 0)
      return gr_fail(err, GRADUS_ERR_DATA,
                     "%s: train/y row %llu is not one-hot: classes in %u columns are one 1 and "
                     "otherwise 0",
                     gr_dataset_label(data), (unsigned long long)i, train->y_columns);
  return set_names(data, p, NULL, train->y_columns, err);
}

static gradus_status find_values(const gr_dataset *data, gr_preprocessing *p, gradus_error *err) {
  uint32_t n = 0;
  gradus_status status = GRADUS_OK;
  double *values = gr_alloc(GR_MAX_CLASSES, sizeof *values);
  if (!values) return gr_fail_memory(err, "classes");
  GR_TRY_ELSE(done, distinct(data, values, &n, err));
  if (n < 2) {
    status = gr_fail(err, GRADUS_ERR_DATA,
                     "%s: every row of train/y holds the same label; at least two classes are "
                     "needed",
                     gr_dataset_label(data));
    goto done;
  }
  GR_TRY_ELSE(done, set_names(data, p, values, n, err));
  if (data->y_is_text) goto done;
  p->class_values = gr_alloc(n, sizeof *values);
  if (p->class_values)
    memcpy(p->class_values, values, n * sizeof *values);
  else
    status = gr_fail_memory(err, "classes");
done:
  gr_free(values);
  return status;
}

gradus_status gr_labels_check(const gr_dataset *data, gr_split_id id, gradus_error *err) {
  const gr_split *split = &data->split[id];
  for (uint64_t i = 0; i < split->n_rows * split->y_columns; i++) {
    const double v = gr_element(split->y, split->y_type, i);
    if (v == 0 || v == 1) continue;
    return gr_fail(err, GRADUS_ERR_DATA,
                   "%s: %s/y is %g in row %llu, column %llu; labels of data.task multilabel are 0 "
                   "or 1",
                   gr_dataset_label(data), gr_split_names[id], v,
                   (unsigned long long)(i / split->y_columns),
                   (unsigned long long)(i % split->y_columns));
  }
  return GRADUS_OK;
}

gradus_status gr_labels_find(const gr_dataset *data, gr_preprocessing *p, gradus_error *err) {
  const uint32_t n = data->split[GR_TRAIN].y_columns;
  p->n_targets = n;
  GR_TRY(gr_labels_check(data, GR_TRAIN, err));
  GR_TRY(gr_preprocessing_plain_targets(p, err));
  return set_names(data, p, NULL, n, err);
}

gradus_status gr_classes_find(const gr_dataset *data, gr_preprocessing *p, gradus_error *err) {
  return data->split[GR_TRAIN].y_columns > 1 ? find_one_hot(data, p, err)
                                             : find_values(data, p, err);
}

static int32_t class_named(const gr_preprocessing *p, const char *name) {
  for (uint32_t i = 0; name && i < p->n_classes; i++)
    if (p->class_names && p->class_names[i] && strcmp(p->class_names[i], name) == 0)
      return (int32_t)i;
  return -1;
}

/* How labels of one data set become classes of one model. */
struct mapping {
  const gr_preprocessing *p;
  const gr_dataset *data;
  int32_t *dictionary; /* class of each name of the file; NULL: labels go by value */
};

static int32_t class_of(const struct mapping *m, double v) {
  if (m->dictionary) return v >= 0 && v < m->data->n_class_names ? m->dictionary[(size_t)v] : -1;
  if (m->p->class_values) {
    uint32_t at = position(m->p->class_values, m->p->n_classes, v);
    return at < m->p->n_classes && m->p->class_values[at] == v ? (int32_t)at : -1;
  }
  char digits[32];
  number_name(v, digits);
  return class_named(m->p, digits);
}

static gradus_status fail_unseen(const struct mapping *m, gr_split_id id, uint64_t row, double v,
                                 gradus_error *err) {
  enum { SHOWN = 10 };
  char *label = name_of(m->data, v);
  gr_text known = {0};
  for (uint32_t i = 0; i < m->p->n_classes && i < SHOWN; i++)
    gr_text_printf(&known, "%s%s", i ? ", " : "", m->p->class_names[i]);
  if (m->p->n_classes > SHOWN) gr_text_printf(&known, ", ... %u in all", m->p->n_classes);
  gr_fail(err, GRADUS_ERR_DATA, "%s: %s/y row %llu: label %s does not occur in training (%s)",
          gr_dataset_label(m->data), gr_split_names[id], (unsigned long long)row,
          label ? label : "?", known.data ? known.data : "");
  gr_text_free(&known);
  gr_free(label);
  return GRADUS_ERR_DATA;
}

static gradus_status map_values(const struct mapping *m, gr_split_id id, int32_t *index,
                                gradus_error *err) {
  const gr_split *split = &m->data->split[id];
  for (uint64_t i = 0; i < split->n_rows; i++) {
    double v = gr_element(split->y, split->y_type, i);
    GR_TRY(check_label(m->data, id, i, v, err));
    index[i] = class_of(m, v);
    if (index[i] < 0) return fail_unseen(m, id, i, v, err);
  }
  return GRADUS_OK;
}

static gradus_status map_one_hot(const gr_preprocessing *p, const gr_dataset *data, gr_split_id id,
                                 int32_t *index, gradus_error *err) {
  const gr_split *split = &data->split[id];
  if (split->y_columns != p->n_classes)
    return gr_fail(err, GRADUS_ERR_DATA, "%s: %s/y has %u columns, but there are %u classes",
                   gr_dataset_label(data), gr_split_names[id], split->y_columns, p->n_classes);
  for (uint64_t i = 0; i < split->n_rows; i++) {
    index[i] = (int32_t)hot_column(split, i);
    if (index[i] < 0)
      return gr_fail(err, GRADUS_ERR_DATA, "%s: %s/y row %llu is not one-hot",
                     gr_dataset_label(data), gr_split_names[id], (unsigned long long)i);
  }
  return GRADUS_OK;
}

gradus_status gr_classes_map(const gr_preprocessing *p, const gr_dataset *data, gr_split_id id,
                             int32_t *index, gradus_error *err) {
  if (data->split[id].y_columns > 1) return map_one_hot(p, data, id, index, err);
  struct mapping m = {p, data, NULL};
  if (data->y_is_text || (!p->class_values && data->class_names)) {
    m.dictionary = gr_alloc(data->n_class_names, sizeof *m.dictionary);
    if (!m.dictionary) return gr_fail_memory(err, "classes");
    for (uint32_t i = 0; i < data->n_class_names; i++)
      m.dictionary[i] = class_named(p, data->class_names[i]);
  }
  gradus_status status = map_values(&m, id, index, err);
  gr_free(m.dictionary);
  return status;
}
