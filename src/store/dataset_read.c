/* Reads data sets. First every file is looked at: its layout, and whether shapes agree, within it
 * and with the others. Then it is known how large the whole is, and what has room goes into memory;
 * inputs that have none stay in their files, to be read as a source. Targets and weights are always
 * in memory. What the values mean (classes, scaling) is decided elsewhere. */
#include <config.h>

#include <string.h>

#include "base/memory.h"
#include "net/preprocessing.h"
#include "store/dataset.h"
#include "store/dataset_extras.h"
#include "store/dataset_layout.h"
#include "store/dataset_list.h"
#include "store/dataset_meta.h"
#include "store/dataset_targets.h"
#include "store/finite.h"
#include "store/h5_array.h"

#define FORMAT_VERSION 1
#define SMALL_PART 8 /* a split below this part of the memory is never left in its file */

/* An array seen as a matrix. */
struct matrix {
  gr_h5_array array;
  uint64_t rows, columns;
  bool transposed; /* stored [columns][rows] */
};

/* One of the files. */
struct member {
  const char *path;
  gr_layout layout;
  uint64_t rows[GR_N_SPLITS];
};

struct reader {
  const gr_dataset_options *options; /* or NULL */
  bool transpose, nan_is_missing;
  struct member *member;
  size_t n_members;
  uint32_t y_columns; /* of all splits, 0 while unknown */
  gr_class_names classes;
  gr_dataset *out;
};

static gradus_status refuse(const struct matrix *m, gradus_error *err, const char *why) {
  char shape[GR_H5_SHAPE];
  return gr_fail(err, GRADUS_ERR_DATA, "%s: %s, %s, %s", m->array.file->path, m->array.path,
                 gr_h5_array_shape(&m->array, shape), why);
}

/* Inputs are read as a source. So are virtual targets; others are read whole. */
static gradus_status open_array(const gr_h5_file *file, const char *path, bool inputs,
                                gr_h5_array *out, gradus_error *err) {
  GR_TRY(gr_h5_array_look(file, path, out, err));
  if (inputs || out->layout == H5D_VIRTUAL) return GRADUS_OK;
  gr_h5_array_close(out);
  return gr_h5_array_open(file, path, out, err);
}

/* Opens an array of at least one row and column, rows first or, where `transpose`, last. */
static gradus_status open_matrix(const gr_h5_file *file, const char *path, bool transpose,
                                 bool inputs, struct matrix *m, gradus_error *err) {
  GR_TRY(open_array(file, path, inputs, &m->array, err));
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
                 x->array.file->path, x->array.path, gr_h5_array_shape(&x->array, shape_x),
                 y->array.path, gr_h5_array_shape(&y->array, shape_y),
                 advise ? "inputs seem to be transposed (as MATLAB, Julia and R write), try "
                          "--transpose; "
                        : "",
                 (unsigned long long)x->rows, (unsigned long long)y->rows);
}

/* All splits and files have the same columns. */
static gradus_status agree(uint32_t *known, const struct matrix *m, gradus_error *err) {
  if (*known == 0) *known = (uint32_t)m->columns;
  if (*known == m->columns) return GRADUS_OK;
  return gr_fail(err, GRADUS_ERR_DATA, "%s: %s has %llu columns, but the %s has %u",
                 m->array.file->path, m->array.path, (unsigned long long)m->columns,
                 "other split or file", (unsigned)*known);
}

/* Which arrays the files of a split have is the same for all. */
static gradus_status check_like_first(const struct reader *r, const struct member *m, int s,
                                      gradus_error *err) {
  const struct member *first = r->member;
  while (first < m && !first->layout.split[s].x[0]) first++;
  const gr_paths *a = &first->layout.split[s], *b = &m->layout.split[s];
  const char *noun = "targets", *of_a = a->y, *of_b = b->y;
  for (int e = 0; e < GR_N_EXTRAS && !of_a[0] == !of_b[0]; e++) {
    noun = gr_extras[e].noun;
    of_a = gr_extra_path(&gr_extras[e], a);
    of_b = gr_extra_path(&gr_extras[e], b);
  }
  if (!of_a[0] == !of_b[0]) return GRADUS_OK;
  return gr_fail(err, GRADUS_ERR_DATA, "%s: its %s split has %s %s, but that of %s has %s", m->path,
                 gr_split_names[s], of_b[0] ? "" : "no", noun, first->path,
                 of_b[0] ? "none" : "some");
}

/* ---- a first look ---- */

static gradus_status survey_extra(const struct reader *r, const gr_h5_file *file,
                                  const gr_paths *paths, const gr_extra *extra,
                                  const struct matrix *x, gradus_error *err) {
  struct matrix w = {0};
  const char *path = gr_extra_path(extra, paths);
  if (!path[0]) return GRADUS_OK;
  gradus_status status = open_matrix(file, path, r->transpose, false, &w, err);
  if (status == GRADUS_OK) status = check_rows(r, x, &w, err);
  if (status == GRADUS_OK && w.columns != 1)
    status = refuse(&w, err, "has several columns; one number per row was expected");
  gr_h5_array_close(&w.array);
  return status;
}

static gradus_status survey_split(struct reader *r, const gr_h5_file *file, struct member *m, int s,
                                  gradus_error *err) {
  const gr_paths *paths = &m->layout.split[s];
  struct matrix x = {0}, y = {0};
  gradus_status status;
  GR_TRY_ELSE(done, open_matrix(file, paths->x, r->transpose, true, &x, err));
  if (x.array.kind == GR_H5_TEXT) {
    status = refuse(&x, err, "holds text; inputs are numbers");
    goto done;
  }
  GR_TRY_ELSE(done, agree(&r->out->n_columns, &x, err));
  if (paths->y[0]) {
    GR_TRY_ELSE(done, open_matrix(file, paths->y, r->transpose, false, &y, err));
    GR_TRY_ELSE(done, check_rows(r, &x, &y, err));
    GR_TRY_ELSE(done, agree(&r->y_columns, &y, err));
  }
  for (int e = 0; e < GR_N_EXTRAS; e++)
    GR_TRY_ELSE(done, survey_extra(r, file, paths, &gr_extras[e], &x, err));
  GR_TRY_ELSE(done, check_like_first(r, m, s, err));
  m->rows[s] = x.rows;
  r->out->split[s].n_rows += x.rows;
done:
  gr_h5_array_close(&x.array);
  gr_h5_array_close(&y.array);
  return status;
}

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

static gradus_status survey_file(struct reader *r, const gr_h5_file *file, struct member *m,
                                 gradus_error *err) {
  bool missing = false;
  GR_TRY(check_format(file, err));
  GR_TRY(gr_layout_find(file, r->options, &m->layout, err));
  if (m == r->member) r->out->layout = m->layout.name;
  if (strcmp(m->layout.name, "gradus") == 0) GR_TRY(gr_meta_has_columns(file, &missing, err));
  r->nan_is_missing |= missing;
  for (int s = 0; s < GR_N_SPLITS; s++)
    if (m->layout.split[s].x[0]) GR_TRY(survey_split(r, file, m, s, err));
  return GRADUS_OK;
}

/* ---- inputs ---- */

static gradus_status open_source(const struct reader *r, int s, gr_source **out,
                                 gradus_error *err) {
  gr_source_part *parts = gr_alloc(r->n_members, sizeof *parts);
  if (!parts) return gr_fail_memory(err, "files");
  size_t n = 0;
  for (size_t i = 0; i < r->n_members; i++)
    if (r->member[i].rows[s])
      parts[n++] =
          (gr_source_part){r->member[i].path, r->member[i].layout.split[s].x, r->transpose};
  gradus_status status = gr_source_open(parts, n, out, err);
  gr_free(parts);
  return status;
}

static gradus_status open_inputs(const struct reader *r, gradus_error *err) {
  for (int s = 0; s < GR_N_SPLITS; s++) {
    gr_split *split = &r->out->split[s];
    if (split->n_rows == 0) continue;
    GR_TRY(open_source(r, s, &split->source, err));
    const gr_source_info *info = gr_source_get_info(split->source);
    split->x_type = info->type;
    if (info->kind != GR_SOURCE_MAPPED) split->piece_rows = info->chunk_rows ? info->chunk_rows : 1;
  }
  return GRADUS_OK;
}

/* Bytes of a split in memory, its prepared targets included; UINT64_MAX where no number holds them.
 */
static uint64_t split_bytes(const struct reader *r, const gr_split *split, uint64_t *inputs) {
  size_t x, y;
  const size_t columns = r->out->n_columns, targets = r->y_columns;
  if (!gr_multiply(split->n_rows, columns * gr_dtype_size(split->x_type), &x) ||
      !gr_multiply(split->n_rows, targets * 12 + 4, &y) || x > SIZE_MAX / 8 || y > SIZE_MAX / 8)
    return *inputs = UINT64_MAX / 8;
  *inputs = x;
  return x + y;
}

static gradus_status load_inputs(const struct reader *r, int s, gradus_error *err) {
  gr_split *split = &r->out->split[s];
  size_t n;
  uint64_t at = 0;
  if (!gr_multiply(split->n_rows, r->out->n_columns, &n)) return gr_fail_memory(err, "inputs");
  void *x = gr_alloc(n, gr_dtype_size(split->x_type));
  gradus_status status =
      x ? gr_source_read_all(split->source, x, err) : gr_fail_memory(err, r->out->path);
  if (status == GRADUS_OK && !gr_all_finite(x, split->x_type, n, r->nan_is_missing, &at)) {
    const uint64_t row = at / r->out->n_columns;
    status = gr_fail(err, GRADUS_ERR_DATA,
                     "%s: %s, row %llu, column %llu (from 0) is NaN or infinite; finite numbers "
                     "were expected",
                     r->out->path, r->member[0].layout.split[s].x, (unsigned long long)row,
                     (unsigned long long)(at - row * r->out->n_columns));
  }
  if (status == GRADUS_OK) {
    gr_source_close(split->source);
    split->source = NULL;
    split->x = x;
  } else {
    gr_free(x);
  }
  return status;
}

/* What has room goes into memory. */
static gradus_status place_inputs(const struct reader *r, gradus_error *err) {
  const uint64_t memory =
      r->options && r->options->memory ? r->options->memory : gr_dataset_memory();
  r->out->memory = memory;
  uint64_t total = 0, inputs[GR_N_SPLITS] = {0};
  for (int s = 0; s < GR_N_SPLITS; s++)
    if (r->out->split[s].n_rows) total += split_bytes(r, &r->out->split[s], &inputs[s]);
  for (int s = 0; s < GR_N_SPLITS; s++) {
    gr_split *split = &r->out->split[s];
    if (split->n_rows == 0) continue;
    if (total <= memory || inputs[s] < memory / SMALL_PART)
      GR_TRY(load_inputs(r, s, err));
    else
      split->x = (void *)(uintptr_t)gr_source_get_info(split->source)->base; /* only read */
  }
  return GRADUS_OK;
}

/* ---- targets and weights ---- */

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

/* Puts what one file holds behind what the files before it held. */
static gradus_status append(void **all, uint64_t n_all, uint64_t done, void **part, uint64_t n,
                            size_t size, gradus_error *err) {
  if (n == n_all) { /* the only one */
    *all = *part;
    *part = NULL;
    return GRADUS_OK;
  }
  if (!*all) *all = gr_alloc(n_all, size);
  if (!*all) return gr_fail_memory(err, "targets");
  memcpy((char *)*all + done * size, *part, n * size);
  return GRADUS_OK;
}

/* Numbers that lie in other files. */
static gradus_status read_virtual(const gr_h5_array *a, gr_split *part, gradus_error *err) {
  const gr_source_part source_part = {a->file->path, a->path, false};
  gr_source *source = NULL;
  if (a->kind != GR_H5_NUMBERS)
    return gr_fail(err, GRADUS_ERR_DATA, "%s: %s is virtual and holds text, which is not read",
                   a->file->path, a->path);
  GR_TRY(gr_source_open(&source_part, 1, &source, err));
  part->y_type = gr_source_get_info(source)->type;
  part->y = gr_alloc(a->n, gr_dtype_size(part->y_type));
  gradus_status status = part->y ? gr_source_read(source, 0, part->n_rows, part->y, err)
                                 : gr_fail_memory(err, a->path);
  gr_source_close(source);
  return status;
}

static gradus_status read_y(struct reader *r, const struct matrix *y, uint64_t done,
                            gr_split *split, gradus_error *err) {
  gr_split part = {.n_rows = y->rows, .y_columns = (uint32_t)y->columns};
  const uint64_t columns = y->columns;
  uint64_t at = 0;
  gradus_status status;
  GR_TRY_ELSE(done, y->array.layout == H5D_VIRTUAL
                        ? read_virtual(&y->array, &part, err)
                        : gr_targets_read(&y->array, &r->classes, &part, err));
  if (y->transposed && columns > 1)
    GR_TRY_ELSE(done, transpose(&part.y, y->rows, columns, gr_dtype_size(part.y_type), err));
  if (!gr_all_finite(part.y, part.y_type, y->array.n, false, &at)) {
    status = gr_fail(err, GRADUS_ERR_DATA,
                     "%s: %s, row %llu, column %llu (from 0) is NaN or infinite; finite numbers "
                     "were expected",
                     y->array.file->path, y->array.path, (unsigned long long)(at / columns),
                     (unsigned long long)(at % columns));
    goto done;
  }
  if (done > 0 && part.y_type != split->y_type) {
    status = gr_fail(err, GRADUS_ERR_DATA, "%s: %s is %s, but that of the files before is %s",
                     y->array.file->path, y->array.path, gr_dtype_name(part.y_type),
                     gr_dtype_name(split->y_type));
    goto done;
  }
  split->y_type = part.y_type;
  split->y_columns = part.y_columns;
  status = append(&split->y, split->n_rows, done, &part.y, y->rows,
                  columns * gr_dtype_size(part.y_type), err);
done:
  gr_free(part.y);
  return status;
}

static gradus_status read_extra(const struct reader *r, const gr_h5_file *file,
                                const gr_paths *paths, const gr_extra *extra,
                                const struct matrix *x, uint64_t done, gr_split *split,
                                gradus_error *err) {
  struct matrix w = {0};
  const char *path = gr_extra_path(extra, paths);
  if (!path[0]) return GRADUS_OK;
  gradus_status status = open_matrix(file, path, r->transpose, false, &w, err);
  if (status == GRADUS_OK) status = check_rows(r, x, &w, err);
  if (status == GRADUS_OK) status = gr_extra_read(extra, &w.array, done, split, err);
  gr_h5_array_close(&w.array);
  return status;
}

/* `done`: rows of the split that the files before this one hold. */
static gradus_status read_targets(struct reader *r, const gr_h5_file *file, const struct member *m,
                                  int s, uint64_t done, gradus_error *err) {
  const gr_paths *paths = &m->layout.split[s];
  gr_split *split = &r->out->split[s];
  struct matrix x = {0}, y = {0};
  gradus_status status;
  GR_TRY_ELSE(done, open_matrix(file, paths->x, r->transpose, true, &x, err));
  if (x.rows != m->rows[s]) {
    status = refuse(&x, err, "has changed while it was read");
    goto done;
  }
  if (paths->y[0]) {
    GR_TRY_ELSE(done, open_matrix(file, paths->y, r->transpose, false, &y, err));
    GR_TRY_ELSE(done, check_rows(r, &x, &y, err));
    GR_TRY_ELSE(done, read_y(r, &y, done, split, err));
  }
  for (int e = 0; e < GR_N_EXTRAS; e++)
    GR_TRY_ELSE(done, read_extra(r, file, paths, &gr_extras[e], &x, done, split, err));
done:
  gr_h5_array_close(&x.array);
  gr_h5_array_close(&y.array);
  return status;
}

/* ---- the files ---- */

typedef gradus_status visit_file(struct reader *r, const gr_h5_file *file, struct member *m,
                                 gradus_error *err);

static gradus_status visit_all(struct reader *r, visit_file *visit, gradus_error *err) {
  gradus_status status = GRADUS_OK;
  const gr_h5_quiet quiet = gr_h5_begin();
  for (size_t i = 0; i < r->n_members && status == GRADUS_OK; i++) {
    gr_h5_file file = {0};
    status = gr_h5_open(r->member[i].path, &file, err);
    if (status == GRADUS_OK) status = gr_h5_judge(&file, visit(r, &file, &r->member[i], err), err);
    gr_h5_close(&file);
  }
  gr_h5_end(&quiet);
  return status;
}

static gradus_status read_file(struct reader *r, const gr_h5_file *file, struct member *m,
                               gradus_error *err) {
  for (int s = 0; s < GR_N_SPLITS; s++) {
    uint64_t done = 0;
    for (const struct member *before = r->member; before < m; before++) done += before->rows[s];
    if (m->rows[s]) GR_TRY(read_targets(r, file, m, s, done, err));
  }
  return GRADUS_OK;
}

/* Names of columns and classes are those of the first file. */
static gradus_status read_meta(struct reader *r, gradus_error *err) {
  gr_h5_file file = {0};
  if (strcmp(r->out->layout, "gradus") != 0) return GRADUS_OK;
  const gr_h5_quiet quiet = gr_h5_begin();
  gradus_status status = gr_h5_open(r->member[0].path, &file, err);
  if (status == GRADUS_OK) status = gr_h5_judge(&file, gr_meta_read(&file, r->out, err), err);
  gr_h5_close(&file);
  gr_h5_end(&quiet);
  return status;
}

static gradus_status read_all(struct reader *r, gradus_error *err) {
  GR_TRY(visit_all(r, survey_file, err));
  GR_TRY(open_inputs(r, err));
  GR_TRY(place_inputs(r, err));
  GR_TRY(visit_all(r, read_file, err));
  GR_TRY(gr_targets_finish(&r->classes, r->out, err));
  GR_TRY(read_meta(r, err));
  return gr_dataset_digest(r->out, err);
}

gradus_status gr_dataset_read_files(const char *const *paths, size_t n_paths,
                                    const gr_dataset_options *options, gr_dataset *out,
                                    gradus_error *err) {
  gr_dataset dataset = {.path = n_paths ? gr_strdup(paths[0]) : NULL};
  struct reader reader = {
      .options = options, .transpose = options && options->transpose, .out = &dataset};
  gr_path_list list = {0};
  gradus_status status;
  *out = (gr_dataset){0};
  if (n_paths == 0) return gr_fail(err, GRADUS_ERR_USAGE, "no data set file was named");
  if (!dataset.path) return gr_fail_memory(err, "a file name");
  GR_TRY_ELSE(done, gr_path_list_make(paths, n_paths, &list, err));
  reader.n_members = list.n;
  reader.member = gr_calloc(list.n, sizeof *reader.member);
  if (!reader.member) GR_TRY_ELSE(done, gr_fail_memory(err, "files"));
  for (size_t i = 0; i < list.n; i++) reader.member[i].path = list.path[i];
  GR_TRY_ELSE(done, read_all(&reader, err));
  for (size_t i = 0; i < list.n; i++)
    GR_TRY_ELSE(done, gr_dataset_add_part(&dataset, list.path[i], reader.member[i].rows, err));
  *out = dataset;
  dataset = (gr_dataset){0};
done:
  gr_free(reader.member);
  gr_path_list_free(&list);
  gr_dictionary_free(&reader.classes.names);
  gr_dataset_free(&dataset);
  return status;
}

gradus_status gr_dataset_read(const char *path, const gr_dataset_options *options, gr_dataset *out,
                              gradus_error *err) {
  return gr_dataset_read_files(&path, 1, options, out, err);
}
