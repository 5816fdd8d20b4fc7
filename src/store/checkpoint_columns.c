/* A table of the numbers that a fitted column has drives writing and reading alike; texts and lists
 * of numbers are written one column behind the other. */
#include <config.h>

#include "store/checkpoint_columns.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "store/h5_array.h"

#define GROUP "/preprocessing/columns"
enum { MAX_LIST = 1 << 24 };

/* Numbers as f64 [n]; whole ones and choices are written so, too, and checked when they are read.
 */
enum field_type { REAL, COUNT, FLAG, CHOICE };
static const struct field {
  const char *name;
  enum field_type type;
  size_t offset;
  double most; /* COUNT and CHOICE */
} fields[] = {
    {"use", CHOICE, offsetof(gr_fitted_column, use), GR_USE_DROPPED},
    {"missing_input", FLAG, offsetof(gr_fitted_column, missing_input), 1},
    {"other_input", FLAG, offsetof(gr_fitted_column, other_input), 1},
    {"scaling", CHOICE, offsetof(gr_fitted_column, scaling), GR_EXPAND_CURVE},
    {"fill", REAL, offsetof(gr_fitted_column, fill), 0},
    {"shift", REAL, offsetof(gr_fitted_column, shift), 0},
    {"factor", REAL, offsetof(gr_fitted_column, factor), 0},
    {"n_points", COUNT, offsetof(gr_fitted_column, n_points), MAX_LIST},
    {"embedding", CHOICE, offsetof(gr_fitted_column, embedding), GR_EXPAND_WAVES},
    {"n_extra", COUNT, offsetof(gr_fitted_column, n_extra), MAX_LIST},
    {"n_levels", COUNT, offsetof(gr_fitted_column, n_levels), MAX_LIST},
};
enum { N_FIELDS = sizeof fields / sizeof fields[0] };

static double get_field(const gr_fitted_column *c, const struct field *f) {
  const char *at = (const char *)c + f->offset;
  double real;
  uint32_t count;
  bool flag;
  int choice;
  switch (f->type) {
    case REAL:
      return memcpy(&real, at, sizeof real), real;
    case COUNT:
      return memcpy(&count, at, sizeof count), count;
    case FLAG:
      return memcpy(&flag, at, sizeof flag), flag;
    default:
      return memcpy(&choice, at, sizeof choice), choice;
  }
}

static bool set_field(gr_fitted_column *c, const struct field *f, double value) {
  char *at = (char *)c + f->offset;
  if (!isfinite(value)) return false;
  if (f->type == REAL) return memcpy(at, &value, sizeof value), true;
  if (!(value >= 0 && value <= f->most) || value != floor(value)) return false;
  const uint32_t count = (uint32_t)value;
  const bool flag = value > 0;
  const int choice = (int)value;
  if (f->type == COUNT)
    memcpy(at, &count, sizeof count);
  else if (f->type == FLAG)
    memcpy(at, &flag, sizeof flag);
  else
    memcpy(at, &choice, sizeof choice);
  return true;
}

static uint32_t n_all(const gr_columns *columns) {
  return columns->n + columns->n_left_out;
}

/* ---- lists of numbers, which follow one another ---- */

typedef struct list {
  const char *path;
  size_t (*length)(const gr_fitted_column *c);
  size_t offset; /* of a double * */
} list;

static size_t n_points(const gr_fitted_column *c) {
  return 2 * (size_t)c->n_points;
}
static size_t n_extra(const gr_fitted_column *c) {
  return c->n_extra ? gr_column_extra_numbers(c) : 0;
}
static const list lists[] = {{GROUP "/points", n_points, offsetof(gr_fitted_column, points)},
                             {GROUP "/extra", n_extra, offsetof(gr_fitted_column, extra)}};
enum { N_LISTS = sizeof lists / sizeof lists[0] };

static double **list_at(gr_fitted_column *c, const list *l) {
  return (double **)(void *)((char *)c + l->offset);
}

static size_t total(const gr_columns *columns, const list *l) {
  size_t n = 0;
  for (uint32_t j = 0; j < n_all(columns); j++) n += l->length(&columns->column[j]);
  return n;
}

/* ---- writing ---- */

static void fail_memory(gr_h5_writer *w) {
  if (w->status == GRADUS_OK) w->status = gr_fail_memory(w->err, "columns");
}

static void put_field(gr_h5_writer *w, const gr_columns *columns, const struct field *f,
                      double *values) {
  char path[64];
  const uint64_t n = n_all(columns);
  snprintf(path, sizeof path, GROUP "/%s", f->name);
  for (uint32_t j = 0; j < n_all(columns); j++) values[j] = get_field(&columns->column[j], f);
  gr_h5_put_array(w, path, GR_F64, 1, &n, values);
}

static void put_list(gr_h5_writer *w, const gr_columns *columns, const list *l) {
  const uint64_t n = total(columns, l);
  if (n == 0) return;
  double *all = gr_alloc(n, sizeof *all), *to = all;
  for (uint32_t j = 0; all && j < n_all(columns); j++) {
    const size_t some = l->length(&columns->column[j]);
    if (some > 0) memcpy(to, *list_at(&columns->column[j], l), some * sizeof *to);
    to += some;
  }
  if (all)
    gr_h5_put_array(w, l->path, GR_F64, 1, &n, all);
  else
    fail_memory(w);
  gr_free(all);
}

static void put_texts(gr_h5_writer *w, const gr_columns *columns) {
  static char none[] = "";
  size_t n_levels = 0, at = 0;
  for (uint32_t j = 0; j < n_all(columns); j++) n_levels += columns->column[j].n_levels;
  char **texts = gr_alloc(n_all(columns), sizeof *texts);
  char **levels = gr_alloc(n_levels ? n_levels : 1, sizeof *levels);
  if (texts && levels) {
    for (uint32_t j = 0; j < n_all(columns); j++) {
      const gr_fitted_column *c = &columns->column[j];
      texts[j] = c->name ? c->name : none;
      for (uint32_t k = 0; k < c->n_levels; k++) levels[at++] = c->levels[k];
    }
    if (columns->column[0].name) gr_h5_put_texts(w, GROUP "/names", texts, n_all(columns));
    for (uint32_t j = 0; j < n_all(columns); j++)
      texts[j] = columns->column[j].reason ? columns->column[j].reason : none;
    gr_h5_put_texts(w, GROUP "/reasons", texts, n_all(columns));
    if (n_levels > 0) gr_h5_put_texts(w, GROUP "/levels", levels, (uint32_t)n_levels);
  } else {
    fail_memory(w);
  }
  gr_free(texts);
  gr_free(levels);
}

void gr_checkpoint_put_columns(gr_h5_writer *w, const gr_columns *columns) {
  const uint8_t wide = columns->wide;
  double *values = gr_alloc(n_all(columns), sizeof *values);
  gr_h5_put_group(w, GROUP);
  const uint64_t left_out = columns->n_left_out;
  gr_h5_put_attribute(w, GROUP, "double_precision", GR_U8, &wide);
  gr_h5_put_attribute(w, GROUP, "left_out", GR_U64, &left_out);
  if (columns->target_name) gr_h5_put_texts(w, GROUP "/target_name", &columns->target_name, 1);
  for (size_t i = 0; values && i < N_FIELDS; i++) put_field(w, columns, &fields[i], values);
  if (!values) fail_memory(w);
  gr_free(values);
  for (size_t i = 0; i < N_LISTS; i++) put_list(w, columns, &lists[i]);
  put_texts(w, columns);
}

/* ---- reading ---- */

static gradus_status refuse(const gr_h5_file *file, const char *what, gradus_error *err) {
  return gr_fail(err, GRADUS_ERR_DATA, "%s: %s in " GROUP, file->path, what);
}

/* f64 [n], n known or, where *n is 0, found. */
static gradus_status read_numbers(const gr_h5_file *file, const char *path, size_t *n, double **out,
                                  gradus_error *err) {
  gr_h5_array a;
  GR_TRY(gr_h5_array_open(file, path, &a, err));
  gradus_status status = GRADUS_OK;
  if (a.kind != GR_H5_NUMBERS || a.dtype != GR_F64 || a.rank != 1 || a.n == 0 ||
      a.n > file->bytes / sizeof **out || (*n && a.n != *n))
    status = gr_fail(err, GRADUS_ERR_DATA, "%s: %s is not a list of as many numbers as expected",
                     file->path, path);
  if (status == GRADUS_OK && !(*out = gr_alloc(a.n, sizeof **out)))
    status = gr_fail_memory(err, "columns");
  if (status == GRADUS_OK) status = gr_h5_array_read(&a, *out, err);
  if (status == GRADUS_OK) *n = a.n;
  gr_h5_array_close(&a);
  return status;
}

static gradus_status read_field(const gr_h5_file *file, gr_columns *columns, const struct field *f,
                                gradus_error *err) {
  char path[64];
  size_t n = n_all(columns);
  double *values = NULL;
  snprintf(path, sizeof path, GROUP "/%s", f->name);
  gradus_status status = read_numbers(file, path, &n, &values, err);
  if (status == GRADUS_OK && columns->n == 0) { /* the first one says how many there are */
    columns->column = n <= GR_MAX_WIDTH ? gr_calloc(n, sizeof *columns->column) : NULL;
    columns->n = columns->column ? (uint32_t)n : 0;
    if (!columns->column) status = gr_fail_memory(err, "columns");
  }
  for (uint32_t j = 0; status == GRADUS_OK && j < n_all(columns); j++)
    if (!set_field(&columns->column[j], f, values[j]))
      status = refuse(file, "a number is out of range", err);
  gr_free(values);
  return status;
}

static gradus_status read_list(const gr_h5_file *file, gr_columns *columns, const list *l,
                               gradus_error *err) {
  size_t n = total(columns, l), at = 0;
  double *all = NULL;
  if (n == 0) return GRADUS_OK;
  gradus_status status = read_numbers(file, l->path, &n, &all, err);
  for (size_t i = 0; status == GRADUS_OK && i < n; i++)
    if (!isfinite(all[i])) status = refuse(file, "a number is not finite", err);
  for (uint32_t j = 0; status == GRADUS_OK && j < n_all(columns); j++) {
    const size_t some = l->length(&columns->column[j]);
    double **to = list_at(&columns->column[j], l);
    if (some == 0) continue;
    *to = gr_alloc(some, sizeof **to);
    if (*to)
      memcpy(*to, all + at, some * sizeof **to);
    else
      status = gr_fail_memory(err, "columns");
    at += some;
  }
  gr_free(all);
  return status;
}

static gradus_status read_texts(const gr_h5_file *file, const char *path, size_t wanted,
                                bool may_lack, char ***out, gradus_error *err) {
  uint32_t n = 0;
  bool found;
  *out = NULL;
  GR_TRY(gr_h5_find(file, path, NULL, &found, err));
  if (!found && may_lack) return GRADUS_OK;
  GR_TRY(gr_h5_read_list(file, path, out, &n, err));
  bool whole = n == wanted;
  for (uint32_t i = 0; i < n; i++) whole = whole && (*out)[i];
  if (whole) return GRADUS_OK;
  gr_h5_free_texts(*out, n);
  *out = NULL;
  return refuse(file, "there are more or fewer texts than expected", err);
}

static gradus_status read_names(const gr_h5_file *file, gr_columns *columns, gradus_error *err) {
  char **texts;
  GR_TRY(read_texts(file, GROUP "/names", n_all(columns), true, &texts, err));
  for (uint32_t j = 0; texts && j < n_all(columns); j++) columns->column[j].name = texts[j];
  gr_free(texts);
  GR_TRY(read_texts(file, GROUP "/reasons", n_all(columns), false, &texts, err));
  for (uint32_t j = 0; j < n_all(columns); j++) {
    gr_fitted_column *c = &columns->column[j];
    if (c->use == GR_USE_DROPPED)
      c->reason = texts[j];
    else
      gr_free(texts[j]);
  }
  gr_free(texts);
  GR_TRY(read_texts(file, GROUP "/target_name", 1, true, &texts, err));
  if (texts) columns->target_name = texts[0];
  gr_free(texts);
  return GRADUS_OK;
}

static gradus_status read_levels(const gr_h5_file *file, gr_columns *columns, gradus_error *err) {
  size_t n = 0, at = 0;
  char **texts = NULL;
  for (uint32_t j = 0; j < n_all(columns); j++) n += columns->column[j].n_levels;
  if (n > UINT32_MAX) return refuse(file, "there are too many levels", err);
  if (n > 0) GR_TRY(read_texts(file, GROUP "/levels", n, false, &texts, err));
  for (uint32_t j = 0; texts && j < n_all(columns); j++) {
    gr_fitted_column *c = &columns->column[j];
    c->levels = c->n_levels ? gr_calloc(c->n_levels, sizeof *c->levels) : NULL;
    for (uint32_t k = 0; k < c->n_levels; k++, at++) {
      if (c->levels)
        c->levels[k] = texts[at];
      else
        gr_free(texts[at]);
    }
    if (c->n_levels > 0 && !c->levels) c->n_levels = 0, n = 0;
  }
  const bool had_texts = texts != NULL;
  gr_free(texts);
  return n > 0 || !had_texts ? GRADUS_OK : gr_fail_memory(err, "levels");
}

static bool ascends(const double *x, size_t n) {
  for (size_t i = 1; i < n; i++)
    if (!(x[i] > x[i - 1])) return false;
  return true;
}

/* What an expansion relies on. */
static bool makes_sense(const gr_fitted_column *c) {
  const bool numeric = c->use == GR_USE_NUMERIC;
  if (!numeric)
    return c->n_points == 0 && c->n_extra == 0 &&
           (c->use == GR_USE_CATEGORICAL || (c->n_levels == 0 && !c->other_input && c->reason));
  if (c->n_levels > 0 || c->other_input) return false;
  if (c->n_extra > 0 && c->embedding != GR_EXPAND_BINS && c->embedding != GR_EXPAND_WAVES)
    return false;
  if (c->n_extra > 0 && c->embedding == GR_EXPAND_WAVES && c->n_extra % 2 != 0) return false;
  if (c->n_extra > 0 && c->embedding == GR_EXPAND_BINS && !ascends(c->extra, c->n_extra + 1))
    return false;
  return c->scaling == GR_EXPAND_CURVE ? c->n_points > 0 && ascends(c->points, c->n_points)
                                       : c->n_points == 0;
}

/* Where each column's inputs begin follows from what they are. */
static gradus_status number_inputs(const gr_h5_file *file, gr_columns *columns, gradus_error *err) {
  uint64_t n = 0;
  for (uint32_t j = 0; j < n_all(columns); j++) {
    gr_fitted_column *c = &columns->column[j];
    if (!makes_sense(c)) return refuse(file, "a column does not make sense", err);
    c->first = (uint32_t)n;
    if (c->use == GR_USE_NUMERIC) c->n_inputs = 1 + c->n_extra + c->missing_input;
    if (c->use == GR_USE_CATEGORICAL) c->n_inputs = c->n_levels + c->other_input + c->missing_input;
    n += c->n_inputs;
    if (n > GR_MAX_WIDTH) return refuse(file, "there are too many inputs", err);
  }
  columns->n_inputs = (uint32_t)n;
  return GRADUS_OK;
}

static gradus_status read_all(const gr_h5_file *file, gr_columns *columns, gradus_error *err) {
  uint64_t wide = 0, left_out = 0;
  GR_TRY(gr_h5_attribute_u64(file, GROUP, "double_precision", &wide, NULL, err));
  GR_TRY(gr_h5_attribute_u64(file, GROUP, "left_out", &left_out, NULL, err));
  columns->wide = wide != 0;
  for (size_t i = 0; i < N_FIELDS; i++) GR_TRY(read_field(file, columns, &fields[i], err));
  for (size_t i = 0; i < N_LISTS; i++) GR_TRY(read_list(file, columns, &lists[i], err));
  GR_TRY(read_names(file, columns, err));
  GR_TRY(read_levels(file, columns, err));
  if (left_out >= columns->n) return refuse(file, "no column is used", err);
  for (uint64_t j = columns->n - left_out; j < columns->n; j++)
    if (columns->column[j].use != GR_USE_DROPPED)
      return refuse(file, "a column that was left out has a use", err);
  columns->n_left_out = (uint32_t)left_out;
  columns->n -= (uint32_t)left_out;
  return number_inputs(file, columns, err);
}

gradus_status gr_checkpoint_read_columns(const gr_h5_file *file, gr_columns **out,
                                         gradus_error *err) {
  bool found;
  *out = NULL;
  GR_TRY(gr_h5_find(file, GROUP, NULL, &found, err));
  if (!found) return GRADUS_OK;
  gr_columns *columns = gr_calloc(1, sizeof *columns);
  if (!columns) return gr_fail_memory(err, "columns");
  gradus_status status = read_all(file, columns, err);
  if (status == GRADUS_OK)
    *out = columns;
  else
    gr_columns_free(columns);
  return status;
}
