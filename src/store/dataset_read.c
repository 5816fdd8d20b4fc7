/* Reads a data set whole into memory in its stored types. Shapes are compared before anything large
 * is read; contents are checked after. What the values mean (classes, scaling) is decided
 * elsewhere. */
#include <config.h>

#include <string.h>

#include "base/memory.h"
#include "net/preprocessing.h"
#include "store/dataset.h"
#include "store/dataset_layout.h"
#include "store/dataset_meta.h"
#include "store/dataset_targets.h"
#include "store/finite.h"
#include "store/h5_array.h"

#define FORMAT_VERSION 1

struct reader {
  gr_h5_file file;
  bool transpose, nan_is_missing;
  gr_class_names classes;
  gr_dataset *out;
};

/* An array seen as a matrix. */
struct matrix {
  gr_h5_array array;
  uint64_t rows, columns;
  bool transposed; /* stored [columns][rows] */
};

static gradus_status refuse(const struct matrix *m, gradus_error *err, const char *why) {
  char shape[GR_H5_SHAPE];
  return gr_fail(err, GRADUS_ERR_DATA, "%s: %s, %s, %s", m->array.file->path, m->array.path,
                 gr_h5_array_shape(&m->array, shape), why);
}

/* Opens an array of at least one row and column, rows first or, where `transpose`, last. */
static gradus_status open_matrix(const gr_h5_file *file, const char *path, bool transpose,
                                 struct matrix *m, gradus_error *err) {
  GR_TRY(gr_h5_array_open(file, path, &m->array, err));
  const gr_h5_array *a = &m->array;
  if (a->rank == 0) return refuse(m, err, "is a single value; one row per sample was expected");
  m->transposed = transpose && a->rank > 1;
  m->rows = a->dims[m->transposed ? a->rank - 1 : 0];
  if (m->rows == 0) return refuse(m, err, "has no rows");
  m->columns = a->n / m->rows;
  if (m->columns == 0) return refuse(m, err, "has no columns");
  if (m->columns > INT32_MAX) return refuse(m, err, "has more columns than 2147483647");
  return GRADUS_OK;
}

/* ---- shapes that must agree ---- */

static bool looks_transposed(const struct matrix *x, const struct matrix *y) {
  uint64_t last = x->array.dims[x->array.rank - 1];
  return x->array.rank > 1 && (last == y->rows || last == y->array.dims[y->array.rank - 1]);
}

static gradus_status check_rows(const struct reader *r, const struct matrix *x, struct matrix *y,
                                gradus_error *err) {
  char shape_x[GR_H5_SHAPE], shape_y[GR_H5_SHAPE];
  if (y->transposed && y->rows != x->rows && y->array.dims[0] == x->rows) {
    y->transposed = false; /* a file whose targets are not turned with the inputs */
    y->rows = x->rows;
    y->columns = y->array.n / y->rows;
  }
  if (x->rows == y->rows) return GRADUS_OK;
  bool advise = !r->transpose && looks_transposed(x, y);
  return gr_fail(err, GRADUS_ERR_DATA, "%s: %s is %s but %s is %s: %s%llu rows against %llu",
                 r->file.path, x->array.path, gr_h5_array_shape(&x->array, shape_x), y->array.path,
                 gr_h5_array_shape(&y->array, shape_y),
                 advise ? "inputs seem to be transposed (as MATLAB, Julia and R write), try "
                          "--transpose; "
                        : "",
                 (unsigned long long)x->rows, (unsigned long long)y->rows);
}

/* All splits have the same columns. */
static gradus_status agree(uint32_t *known, const struct matrix *m, gradus_error *err) {
  if (*known == 0) *known = (uint32_t)m->columns;
  if (*known == m->columns) return GRADUS_OK;
  return gr_fail(err, GRADUS_ERR_DATA, "%s: %s has %llu columns, but the other split has %u",
                 m->array.file->path, m->array.path, (unsigned long long)m->columns,
                 (unsigned)*known);
}

static uint32_t known_y_columns(const gr_dataset *d) {
  for (int s = 0; s < GR_N_SPLITS; s++)
    if (d->split[s].y_columns) return d->split[s].y_columns;
  return 0;
}

/* ---- contents ---- */

/* data [columns][rows] becomes [rows][columns]; squares of 32 keep both sides in the cache. */
static gradus_status transpose(void **data, uint64_t rows, uint64_t columns, size_t size,
                               gradus_error *err) {
  enum { SIDE = 32 };
  const char *from = *data;
  char *to = gr_alloc(rows * columns, size);
  if (!to) return gr_fail_memory(err, "a transposed copy");
  for (uint64_t i0 = 0; i0 < rows; i0 += SIDE)
    for (uint64_t j0 = 0; j0 < columns; j0 += SIDE)
      for (uint64_t i = i0; i < rows && i < i0 + SIDE; i++)
        for (uint64_t j = j0; j < columns && j < j0 + SIDE; j++)
          memcpy(to + (i * columns + j) * size, from + (j * rows + i) * size, size);
  gr_free(*data);
  *data = to;
  return GRADUS_OK;
}

static gradus_status check_finite(const struct matrix *m, const void *data, gr_dtype type,
                                  bool nan_is_missing, gradus_error *err) {
  uint64_t at = 0;
  if (gr_all_finite(data, type, m->array.n, nan_is_missing, &at)) return GRADUS_OK;
  return gr_fail(err, GRADUS_ERR_DATA,
                 "%s: %s, row %llu, column %llu (from 0) is NaN or infinite; finite numbers were "
                 "expected",
                 m->array.file->path, m->array.path, (unsigned long long)(at / m->columns),
                 (unsigned long long)(at % m->columns));
}

static gradus_status read_x(const struct reader *r, const struct matrix *x, gr_split *split,
                            gradus_error *err) {
  split->x_type = x->array.dtype;
  split->x = gr_alloc(x->array.n, gr_dtype_size(split->x_type));
  if (!split->x) return gr_fail_memory(err, x->array.path);
  GR_TRY(gr_h5_array_read(&x->array, split->x, err));
  if (x->transposed)
    GR_TRY(transpose(&split->x, x->rows, x->columns, gr_dtype_size(split->x_type), err));
  return check_finite(x, split->x, split->x_type, r->nan_is_missing, err);
}

static gradus_status read_y(struct reader *r, const struct matrix *y, gr_split *split,
                            gradus_error *err) {
  split->y_columns = (uint32_t)y->columns;
  GR_TRY(gr_targets_read(&y->array, &r->classes, split, err));
  if (y->transposed && y->columns > 1)
    GR_TRY(transpose(&split->y, y->rows, y->columns, gr_dtype_size(split->y_type), err));
  return check_finite(y, split->y, split->y_type, false, err);
}

static gradus_status take_weights(const struct matrix *w, const void *data, float *out,
                                  gradus_error *err) {
  bool any = false;
  for (size_t i = 0; i < w->array.n; i++) {
    double value = gr_element(data, w->array.dtype, i);
    out[i] = (float)value;
    if (!(value >= 0 && out[i] <= 3.4028234e38f))
      return gr_fail(err, GRADUS_ERR_DATA,
                     "%s: %s, row %zu is negative or not finite; weights are 0 or more",
                     w->array.file->path, w->array.path, i);
    any = any || out[i] > 0;
  }
  return any ? GRADUS_OK : refuse(w, err, "is 0 in every row");
}

static gradus_status read_weight(const struct matrix *w, gr_split *split, gradus_error *err) {
  if (w->columns != 1)
    return refuse(w, err, "has several columns; one weight per row was expected");
  void *data = gr_alloc(w->array.n, gr_dtype_size(w->array.dtype));
  split->weight = gr_alloc(w->array.n, sizeof *split->weight);
  gradus_status status = data && split->weight ? gr_h5_array_read(&w->array, data, err)
                                               : gr_fail_memory(err, w->array.path);
  if (status == GRADUS_OK) status = take_weights(w, data, split->weight, err);
  gr_free(data);
  return status;
}

/* ---- a split ---- */

static gradus_status read_split(struct reader *r, const gr_paths *paths, gr_split *split,
                                gradus_error *err) {
  struct matrix x = {0}, y = {0}, w = {0};
  gradus_status status;
  uint32_t y_columns = known_y_columns(r->out);
  GR_TRY_ELSE(done, open_matrix(&r->file, paths->x, r->transpose, &x, err));
  if (x.array.kind == GR_H5_TEXT) {
    status = refuse(&x, err, "holds text; inputs are numbers");
    goto done;
  }
  GR_TRY_ELSE(done, agree(&r->out->n_columns, &x, err));
  if (paths->y[0]) {
    GR_TRY_ELSE(done, open_matrix(&r->file, paths->y, r->transpose, &y, err));
    GR_TRY_ELSE(done, check_rows(r, &x, &y, err));
    GR_TRY_ELSE(done, agree(&y_columns, &y, err));
  }
  if (paths->weight[0]) {
    GR_TRY_ELSE(done, open_matrix(&r->file, paths->weight, r->transpose, &w, err));
    GR_TRY_ELSE(done, check_rows(r, &x, &w, err));
  }
  split->n_rows = x.rows;
  GR_TRY_ELSE(done, read_x(r, &x, split, err));
  if (paths->y[0]) GR_TRY_ELSE(done, read_y(r, &y, split, err));
  if (paths->weight[0]) GR_TRY_ELSE(done, read_weight(&w, split, err));
done:
  gr_h5_array_close(&x.array);
  gr_h5_array_close(&y.array);
  gr_h5_array_close(&w.array);
  return status;
}

/* ---- the file ---- */

static gradus_status check_format(const gr_h5_file *file, gradus_error *err) {
  char format[32];
  uint64_t version = 0;
  bool found, versioned;
  GR_TRY(gr_h5_attribute_text(file, "/", "gradus_format", format, sizeof format, &found, err));
  if (!found) return GRADUS_OK;
  if (strcmp(format, "dataset") != 0)
    return gr_fail(err, GRADUS_ERR_DATA, "%s: is a gradus %s; a data set was expected", file->path,
                   format);
  GR_TRY(gr_h5_attribute_u64(file, "/", "format_version", &version, &versioned, err));
  if (versioned && version > FORMAT_VERSION)
    return gr_fail(err, GRADUS_ERR_DATA,
                   "%s: is a data set of format %llu; this gradus reads up to %d", file->path,
                   (unsigned long long)version, FORMAT_VERSION);
  return GRADUS_OK;
}

static gradus_status read_all(struct reader *r, const gr_dataset_options *options,
                              gradus_error *err) {
  gr_layout layout;
  gr_dataset *out = r->out;
  GR_TRY(check_format(&r->file, err));
  GR_TRY(gr_layout_find(&r->file, options, &layout, err));
  bool ours = strcmp(layout.name, "gradus") == 0;
  out->layout = layout.name;
  if (ours) GR_TRY(gr_meta_has_columns(&r->file, &r->nan_is_missing, err));
  for (int s = 0; s < GR_N_SPLITS; s++)
    if (layout.split[s].x[0]) GR_TRY(read_split(r, &layout.split[s], &out->split[s], err));
  GR_TRY(gr_targets_finish(&r->classes, out, err));
  if (ours) GR_TRY(gr_meta_read(&r->file, out, err));
  gr_dataset_digest(out);
  return GRADUS_OK;
}

gradus_status gr_dataset_read(const char *path, const gr_dataset_options *options, gr_dataset *out,
                              gradus_error *err) {
  gr_dataset dataset = {.path = gr_strdup(path)};
  struct reader reader = {.transpose = options && options->transpose, .out = &dataset};
  gradus_status status;
  *out = (gr_dataset){0};
  if (!dataset.path) return gr_fail_memory(err, "a file name");
  gr_h5_quiet quiet = gr_h5_begin();
  GR_TRY_ELSE(done, gr_h5_open(path, &reader.file, err));
  status = read_all(&reader, options, err);
  GR_TRY_ELSE(done, gr_h5_judge(&reader.file, status, err));
  *out = dataset;
  dataset = (gr_dataset){0};
done:
  gr_h5_close(&reader.file);
  gr_h5_end(&quiet);
  gr_dictionary_free(&reader.classes.names);
  gr_dataset_free(&dataset);
  return status;
}
