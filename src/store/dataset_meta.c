/* What the numbers of a data set are called. The layout is in the header. */
#include <config.h>

#include "store/dataset_meta.h"

#include <stdio.h>

#include "base/memory.h"
#include "store/h5_array.h"

static const char *const kind_names[] = {"numeric", "categorical"};
enum { N_KINDS = sizeof kind_names / sizeof kind_names[0] };

static void levels_path(uint32_t column, char out[64]) {
  snprintf(out, 64, "/meta/columns/levels_%u", (unsigned)column);
}

gradus_status gr_meta_has_columns(const gr_h5_file *file, bool *out, gradus_error *err) {
  return gr_h5_find(file, "/meta/columns", NULL, out, err);
}

/* A list of exactly `wanted` texts. */
static gradus_status read_exact(const gr_h5_file *file, const char *path, uint32_t wanted,
                                char ***out, gradus_error *err) {
  uint32_t n = 0;
  char **texts = NULL;
  GR_TRY(gr_h5_read_list(file, path, &texts, &n, err));
  if (n == wanted) {
    *out = texts;
    return GRADUS_OK;
  }
  gr_h5_free_texts(texts, n);
  return gr_fail(err, GRADUS_ERR_DATA, "%s: %s holds %u names; there are %u columns", file->path,
                 path, (unsigned)n, (unsigned)wanted);
}

/* The kinds as u8 [n_columns], any integer type in the file. */
static gradus_status take_kinds(const gr_h5_array *a, gr_dataset *d, gradus_error *err) {
  if (a->rank != 1 || a->n != d->n_columns || a->kind == GR_H5_TEXT ||
      !gr_dtype_is_integer(a->dtype))
    return gr_fail(err, GRADUS_ERR_DATA, "%s: %s: one whole number per column was expected",
                   a->file->path, a->path);
  void *values = gr_alloc(a->n, gr_dtype_size(a->dtype));
  if (!values) return gr_fail_memory(err, "kinds of columns");
  gradus_status status = gr_h5_array_read(a, values, err);
  for (size_t j = 0; j < a->n && status == GRADUS_OK; j++) {
    int64_t kind = gr_h5_integer_at(values, a->dtype, j);
    if (kind < 0 || kind >= N_KINDS)
      status = gr_fail(err, GRADUS_ERR_DATA, "%s: %s: column %zu has the unknown kind %lld",
                       a->file->path, a->path, j, (long long)kind);
    else
      d->columns[j].kind = (gr_column_kind)kind;
  }
  gr_free(values);
  return status;
}

static gradus_status read_kinds(const gr_h5_file *file, gr_dataset *d, gradus_error *err) {
  gr_h5_array a;
  GR_TRY(gr_h5_array_open(file, "/meta/columns/kinds", &a, err));
  gradus_status status = take_kinds(&a, d, err);
  gr_h5_array_close(&a);
  return status;
}

static gradus_status read_columns(const gr_h5_file *file, gr_dataset *d, gradus_error *err) {
  char **names = NULL, path[64];
  GR_TRY(read_exact(file, "/meta/columns/names", d->n_columns, &names, err));
  d->columns = gr_calloc(d->n_columns, sizeof *d->columns);
  for (uint32_t j = 0; d->columns && j < d->n_columns; j++) {
    d->columns[j].name = names[j];
    names[j] = NULL;
  }
  gr_h5_free_texts(names, d->n_columns);
  if (!d->columns) return gr_fail_memory(err, "columns");
  GR_TRY(read_kinds(file, d, err));
  for (uint32_t j = 0; j < d->n_columns; j++) {
    if (d->columns[j].kind != GR_COLUMN_CATEGORICAL) continue;
    levels_path(j, path);
    GR_TRY(gr_h5_read_list(file, path, &d->columns[j].levels, &d->columns[j].n_levels, err));
  }
  return GRADUS_OK;
}

static gradus_status read_target_name(const gr_h5_file *file, gr_dataset *d, gradus_error *err) {
  uint32_t n = 0;
  char **names = NULL;
  bool found;
  GR_TRY(gr_h5_find(file, "/meta/target_name", NULL, &found, err));
  if (!found) return GRADUS_OK;
  GR_TRY(gr_h5_read_list(file, "/meta/target_name", &names, &n, err));
  if (n > 0) {
    d->target_name = names[0];
    names[0] = NULL;
  }
  gr_h5_free_texts(names, n);
  return GRADUS_OK;
}

static gradus_status read_dropped(const gr_h5_file *file, gr_dataset *d, gradus_error *err) {
  uint32_t n = 0, n_reasons = 0;
  char **names = NULL, **reasons = NULL;
  bool found;
  GR_TRY(gr_h5_find(file, "/meta/dropped_columns", NULL, &found, err));
  if (!found) return GRADUS_OK;
  GR_TRY(gr_h5_read_list(file, "/meta/dropped_columns", &names, &n, err));
  gradus_status status = gr_h5_read_list(file, "/meta/dropped_reasons", &reasons, &n_reasons, err);
  if (status == GRADUS_OK && n != n_reasons)
    status = gr_fail(err, GRADUS_ERR_DATA, "%s: /meta/dropped_columns has %u names, but %u reasons",
                     file->path, (unsigned)n, (unsigned)n_reasons);
  if (status == GRADUS_OK && !(d->dropped = gr_calloc(n ? n : 1, sizeof *d->dropped)))
    status = gr_fail_memory(err, "columns");
  for (uint32_t j = 0; status == GRADUS_OK && j < n; j++) {
    d->dropped[j] = (gr_dropped_column){names[j], reasons[j]};
    names[j] = reasons[j] = NULL;
    d->n_dropped = j + 1;
  }
  gr_h5_free_texts(names, n);
  gr_h5_free_texts(reasons, n_reasons);
  return status;
}

static void write_dropped(gr_h5_writer *w, const gr_dataset *d) {
  char **texts = gr_alloc(d->n_dropped, sizeof *texts);
  if (!texts) {
    if (w->status == GRADUS_OK) w->status = gr_fail_memory(w->err, "columns");
    return;
  }
  for (uint32_t j = 0; j < d->n_dropped; j++) texts[j] = d->dropped[j].name;
  gr_h5_put_texts(w, "/meta/dropped_columns", texts, d->n_dropped);
  for (uint32_t j = 0; j < d->n_dropped; j++) texts[j] = d->dropped[j].reason;
  gr_h5_put_texts(w, "/meta/dropped_reasons", texts, d->n_dropped);
  gr_free(texts);
}

gradus_status gr_meta_read(const gr_h5_file *file, gr_dataset *d, gradus_error *err) {
  bool found;
  GR_TRY(gr_h5_find(file, "/meta/feature_names", NULL, &found, err));
  if (found) GR_TRY(read_exact(file, "/meta/feature_names", d->n_columns, &d->feature_names, err));
  GR_TRY(gr_h5_find(file, "/meta/class_names", NULL, &found, err));
  if (found && !d->class_names)
    GR_TRY(gr_h5_read_list(file, "/meta/class_names", &d->class_names, &d->n_class_names, err));
  GR_TRY(read_target_name(file, d, err));
  GR_TRY(read_dropped(file, d, err));
  GR_TRY(gr_meta_has_columns(file, &found, err));
  return found ? read_columns(file, d, err) : GRADUS_OK;
}

static void write_columns(gr_h5_writer *w, const gr_dataset *d) {
  char path[64], **names = gr_alloc(d->n_columns, sizeof *names);
  uint8_t *kinds = gr_alloc(d->n_columns, sizeof *kinds);
  gr_h5_put_group(w, "/meta/columns");
  if (names && kinds) {
    for (uint32_t j = 0; j < d->n_columns; j++) {
      names[j] = d->columns[j].name;
      kinds[j] = (uint8_t)d->columns[j].kind;
    }
    gr_h5_put_texts(w, "/meta/columns/names", names, d->n_columns);
    gr_h5_put_enum(w, "/meta/columns/kinds", kind_names, N_KINDS, kinds, d->n_columns);
  } else if (w->status == GRADUS_OK) {
    w->status = gr_fail_memory(w->err, "columns");
  }
  gr_free(names);
  gr_free(kinds);
  for (uint32_t j = 0; j < d->n_columns; j++) {
    if (d->columns[j].kind != GR_COLUMN_CATEGORICAL) continue;
    levels_path(j, path);
    gr_h5_put_texts(w, path, d->columns[j].levels, d->columns[j].n_levels);
  }
}

void gr_meta_write(gr_h5_writer *w, const gr_dataset *d) {
  if (!d->class_names && !d->feature_names && !d->columns && !d->target_name) return;
  gr_h5_put_group(w, "/meta");
  if (d->class_names) gr_h5_put_texts(w, "/meta/class_names", d->class_names, d->n_class_names);
  if (d->feature_names) gr_h5_put_texts(w, "/meta/feature_names", d->feature_names, d->n_columns);
  if (d->target_name) gr_h5_put_texts(w, "/meta/target_name", &d->target_name, 1);
  if (d->columns) write_columns(w, d);
  if (d->n_dropped > 0) write_dropped(w, d);
}
