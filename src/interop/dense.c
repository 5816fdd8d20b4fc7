/* Rows in C order come as they lie; in Fortran order a block of rows is gathered from as many
 * places as it has columns, which needs a file that can be read anywhere. A header is believed only
 * where the file bears it out. */
#include <config.h>

#include "interop/dense.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "interop/transform.h"
#include "net/preprocessing.h"
#include "store/finite.h"

enum {
  BLOCK_BYTES = 1 << 20,
  FORTRAN_BYTES = 1 << 23, /* longer reads from each column */
  BEST_RATIO = 1032        /* of deflate: 258 bytes from 2 bits */
};

static const char *name_of(const gr_dense *a) {
  return gr_input_name(a->stream);
}

static size_t row_size(const gr_dense *a) {
  return a->n_columns * gr_dtype_size(a->type);
}

/* ---- sizes ---- */

static gradus_status too_short(const gr_dense *a, uint64_t size, gradus_error *err) {
  return gr_fail(err, GRADUS_ERR_DATA,
                 "%s: ends at byte %llu, but the header says %llu rows of %llu %s values",
                 name_of(a), (unsigned long long)size, (unsigned long long)a->n_rows,
                 (unsigned long long)a->n_columns, gr_dtype_name(a->type));
}

static gradus_status too_long(const gr_dense *a, uint64_t wanted, uint64_t more,
                              gradus_error *err) {
  return gr_fail(err, GRADUS_ERR_DATA,
                 "%s: %llu bytes follow the last value at byte %llu; the header says %llu rows of "
                 "%llu %s values",
                 name_of(a), (unsigned long long)more, (unsigned long long)wanted,
                 (unsigned long long)a->n_rows, (unsigned long long)a->n_columns,
                 gr_dtype_name(a->type));
}

static gradus_status check_size(const gr_dense *a, gradus_error *err) {
  uint64_t size = gr_input_size(a->stream), packed = gr_input_length(a->stream);
  size_t values, wanted = 0;
  bool fits = gr_multiply(a->n_rows, a->n_columns, &values) &&
              gr_multiply(values, gr_dtype_size(a->type), &wanted) &&
              wanted <= INT64_MAX - a->offset;
  if (size != UINT64_MAX && (!fits || wanted + a->offset > size)) return too_short(a, size, err);
  if (!fits || (wanted + a->offset) / BEST_RATIO > packed)
    return gr_fail(err, GRADUS_ERR_DATA,
                   "%s: %llu compressed bytes cannot hold what the header says: %llu rows of %llu "
                   "%s values",
                   name_of(a), (unsigned long long)packed, (unsigned long long)a->n_rows,
                   (unsigned long long)a->n_columns, gr_dtype_name(a->type));
  if (size != UINT64_MAX && wanted + a->offset < size)
    return too_long(a, wanted + a->offset, size - wanted - a->offset, err);
  return GRADUS_OK;
}

gradus_status gr_dense_check(gr_dense *a, gradus_error *err) {
  a->n_rows = a->dims[0];
  a->n_columns = 1;
  for (unsigned i = 1; i < a->n_dimensions; i++) {
    bool fits = a->dims[i] == 0 || a->n_columns <= UINT32_MAX / a->dims[i];
    a->n_columns *= a->dims[i];
    if (a->n_columns == 0 || !fits)
      return gr_fail(err, GRADUS_ERR_DATA, "%s: dimension %u: a row of %s values", name_of(a), i,
                     fits ? "no" : "too many");
  }
  if (a->n_rows == 0) return gr_fail(err, GRADUS_ERR_DATA, "%s: no rows", name_of(a));
  return check_size(a, err);
}

/* ---- reading rows ---- */

static void swap(void *values, size_t count, size_t size) {
  for (unsigned char *p = values; count > 0; count--, p += size)
    for (size_t j = 0; j < size / 2; j++) {
      unsigned char swapped = p[j];
      p[j] = p[size - 1 - j];
      p[size - 1 - j] = swapped;
    }
}

/* A column of C order is which one of Fortran order? */
static uint64_t fortran_column(const gr_dense *a, uint64_t column) {
  uint64_t out = 0, stride = a->n_columns;
  for (unsigned i = a->n_dimensions; i-- > 1;) {
    stride /= a->dims[i];
    out += column % a->dims[i] * stride;
    column /= a->dims[i];
  }
  return out;
}

static gradus_status read_at(const gr_dense *a, int fd, uint64_t at, void *out, size_t n,
                             gradus_error *err) {
  for (char *to = out; n > 0;) {
    ssize_t got = pread(fd, to, n, (off_t)at);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return gr_fail_errno(err, GRADUS_ERR_IO, errno, "%s: cannot be read", name_of(a));
    if (got == 0) return too_short(a, at, err);
    to += got;
    at += (uint64_t)got;
    n -= (size_t)got;
  }
  return GRADUS_OK;
}

/* column [n] into every n_columns-th place of out. */
static void scatter(char *out, const char *column, uint64_t n, size_t stride, size_t size) {
  for (uint64_t i = 0; i < n; i++) memcpy(out + i * stride, column + i * size, size);
}

static gradus_status read_fortran(gr_dense *a, uint64_t first, uint64_t n, char *out,
                                  gradus_error *err) {
  size_t size = gr_dtype_size(a->type);
  int fd;
  uint64_t offset;
  GR_TRY(gr_input_descriptor(a->stream, &fd, &offset, err));
  char *column = gr_alloc(n, size);
  gradus_status status = column ? GRADUS_OK : gr_fail_memory(err, name_of(a));
  for (uint64_t c = 0; c < a->n_columns && status == GRADUS_OK; c++) {
    uint64_t at = fortran_column(a, c) * a->n_rows + first;
    status = read_at(a, fd, offset + a->offset + at * size, column, (size_t)n * size, err);
    scatter(out + c * size, column, n, row_size(a), size);
  }
  gr_free(column);
  return status;
}

static gradus_status read_rows(gr_dense *a, uint64_t first, uint64_t n, void *out,
                               gradus_error *err) {
  size_t wanted = (size_t)n * row_size(a), got = wanted;
  if (a->fortran)
    GR_TRY(read_fortran(a, first, n, out, err));
  else
    GR_TRY(gr_input_read(a->stream, out, wanted, &got, err));
  if (got < wanted) return too_short(a, a->offset + first * row_size(a) + got, err);
  if (a->swap) swap(out, (size_t)(n * a->n_columns), gr_dtype_size(a->type));
  uint64_t at;
  if (gr_all_finite(out, a->type, n * a->n_columns, false, &at)) return GRADUS_OK;
  return gr_fail(err, GRADUS_ERR_DATA,
                 "%s: row %llu, column %llu (from 0) is NaN or infinite; finite numbers were "
                 "expected",
                 name_of(a), (unsigned long long)(first + at / a->n_columns),
                 (unsigned long long)(at % a->n_columns));
}

/* Nothing may follow. */
static gradus_status read_end(gr_dense *a, gradus_error *err) {
  char piece[4096];
  uint64_t more = 0;
  size_t got = sizeof piece;
  if (a->fortran) return GRADUS_OK; /* its size is known */
  while (got == sizeof piece) {
    GR_TRY(gr_input_read(a->stream, piece, sizeof piece, &got, err));
    more += got;
  }
  return more ? too_long(a, a->offset + a->n_rows * row_size(a), more, err) : GRADUS_OK;
}

/* ---- targets ---- */

gradus_status gr_dense_plan(const gr_import_job *job, gr_dense_split *split, gradus_error *err) {
  const gr_import_options *o = job->options;
  const gr_dense *y = &split->y;
  if (!y->stream) return GRADUS_OK;
  if (y->n_rows != split->x.n_rows)
    return gr_fail(err, GRADUS_ERR_DATA, "%s: %llu labels for %llu rows", name_of(y),
                   (unsigned long long)y->n_rows, (unsigned long long)split->x.n_rows);
  bool whole = gr_dtype_is_integer(y->type);
  bool classes = o->task == GR_CLASSIFICATION ||
                 (o->task == GR_AUTO && whole && !o->log_target && y->n_columns == 1);
  if (classes && (!whole || y->n_columns != 1))
    return gr_fail(err, GRADUS_ERR_DATA,
                   "%s: rows of %llu %s values, expected one whole number (a class)", name_of(y),
                   (unsigned long long)y->n_columns, gr_dtype_name(y->type));
  split->convert_y = !classes && (o->log_target || y->type != GR_F32);
  return GRADUS_OK;
}

/* Whole numbers in several columns, of which nobody has said what they are, are labels or a
 * mistake.
 */
static bool wants_labels(const gr_import_options *o, const gr_dense *y) {
  return gr_dtype_is_integer(y->type) && y->n_columns > 1 && o->task == GR_AUTO && !o->log_target;
}

static gradus_status to_floats(const gr_import_options *o, const gr_dense *y, uint64_t first,
                               uint64_t n, const void *from, float *to, gradus_error *err) {
  for (uint64_t i = 0; i < n * y->n_columns; i++) {
    double value = gr_element(from, y->type, i);
    if (value != 0 && value != 1 && wants_labels(o, y))
      return gr_fail(err, GRADUS_ERR_DATA,
                     "%s: row %llu: %g among %llu %s values, expected one whole number (a class), "
                     "or labels that are 0 or 1; --task regression takes any numbers",
                     name_of(y), (unsigned long long)(first + i / y->n_columns + 1), value,
                     (unsigned long long)y->n_columns, gr_dtype_name(y->type));
    if (o->log_target && !gr_transform_log(&value))
      return gr_fail(err, GRADUS_ERR_DATA,
                     "%s: row %llu: the target is not above 0, so it has no logarithm", name_of(y),
                     (unsigned long long)(first + i / y->n_columns + 1));
    to[i] = (float)value;
  }
  return GRADUS_OK;
}

/* ---- the way to the sink ---- */

/* Blocks of one array. */
static gradus_status bring(gr_import_job *job, int s, gr_field field, gr_dense *a, bool convert,
                           gradus_error *err) {
  const gr_sink *sink = job->sink;
  size_t row = row_size(a);
  uint64_t block = (uint64_t)(a->fortran ? FORTRAN_BYTES : BLOCK_BYTES) / row;
  if (block == 0) block = 1;
  if (block > a->n_rows) block = a->n_rows;
  char *rows = gr_alloc(block, row);
  float *floats = convert ? gr_alloc(block, a->n_columns * sizeof *floats) : NULL;
  gradus_status status = rows && (floats || !convert) ? GRADUS_OK : gr_fail_memory(err, name_of(a));
  for (uint64_t first = 0; first < a->n_rows && status == GRADUS_OK; first += block) {
    uint64_t n = a->n_rows - first < block ? a->n_rows - first : block;
    status = read_rows(a, first, n, rows, err);
    if (status == GRADUS_OK && convert)
      status = to_floats(job->options, a, first, n, rows, floats, err);
    if (status == GRADUS_OK)
      status = sink->put(sink->user, s, field, convert ? (void *)floats : rows, n, err);
    gr_meter_at(&job->meter, (first + n) * row);
  }
  gr_free(rows);
  gr_free(floats);
  gr_meter_end(&job->meter, a->n_rows * row);
  return status == GRADUS_OK ? read_end(a, err) : status;
}

static gr_dtype y_type_of(const gr_dense_split *split) {
  return split->convert_y ? GR_F32 : split->y.type;
}

static gradus_status begin(gr_import_job *job, const gr_dense_split *splits, gradus_error *err) {
  gr_dataset shape = {.layout = "gradus"};
  for (int s = 0; s < GR_N_SPLITS; s++) {
    const gr_dense_split *split = &splits[s];
    if (!split->x.stream) continue;
    shape.n_columns = (uint32_t)split->x.n_columns;
    shape.split[s] = (gr_split){.n_rows = split->x.n_rows, .x_type = split->x.type};
    if (split->y.stream) {
      shape.split[s].y_type = y_type_of(split);
      shape.split[s].y_columns = (uint32_t)split->y.n_columns;
      gr_meter_expect(&job->meter, split->y.n_rows * row_size(&split->y));
    }
    gr_meter_expect(&job->meter, split->x.n_rows * row_size(&split->x));
    gr_log_write(&job->options->log, GR_INFO, "%s: %s, %llu rows of %lu %s values, %s targets",
                 gr_split_names[s], name_of(&split->x), (unsigned long long)split->x.n_rows,
                 (unsigned long)split->x.n_columns, gr_dtype_name(split->x.type),
                 split->y.stream ? gr_dtype_name(y_type_of(split)) : "no");
  }
  gradus_status status = job->sink->begin(job->sink->user, &shape, err);
  gr_dataset_free(&shape);
  return status;
}

static gradus_status check_splits(const gr_dense_split *splits, gradus_error *err) {
  const gr_dense_split *known = NULL;
  for (int s = 0; s < GR_N_SPLITS; s++) {
    const gr_dense_split *split = &splits[s];
    if (!split->x.stream) continue;
    if (known && known->x.n_columns != split->x.n_columns)
      return gr_fail(err, GRADUS_ERR_DATA, "%s: rows of %llu values, the other splits have %llu",
                     name_of(&split->x), (unsigned long long)split->x.n_columns,
                     (unsigned long long)known->x.n_columns);
    if (known && known->y.stream && split->y.stream && known->y.n_columns != split->y.n_columns)
      return gr_fail(err, GRADUS_ERR_DATA, "%s: %llu targets, the other splits have %llu",
                     name_of(&split->y), (unsigned long long)split->y.n_columns,
                     (unsigned long long)known->y.n_columns);
    if (!known) known = split;
  }
  return GRADUS_OK;
}

gradus_status gr_dense_import(gr_import_job *job, gr_dense_split splits[GR_N_SPLITS],
                              gradus_error *err) {
  GR_TRY(check_splits(splits, err));
  gr_meter_begin(&job->meter, "copying");
  GR_TRY(begin(job, splits, err));
  for (int s = 0; s < GR_N_SPLITS; s++) {
    gr_dense_split *split = &splits[s];
    if (!split->x.stream) continue;
    GR_TRY(bring(job, s, GR_FIELD_X, &split->x, false, err));
    if (split->y.stream) GR_TRY(bring(job, s, GR_FIELD_Y, &split->y, split->convert_y, err));
  }
  return GRADUS_OK;
}

void gr_dense_close(gr_dense_split splits[GR_N_SPLITS]) {
  for (int s = 0; s < GR_N_SPLITS; s++) {
    gr_input_close(splits[s].x.stream);
    gr_input_close(splits[s].y.stream);
    splits[s] = (gr_dense_split){.convert_y = false};
  }
}
