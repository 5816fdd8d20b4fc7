/* Means and deviations of columns in two passes (Chan, Golub and LeVeque 1983: the one-pass formula
 * cancels). Rows are taken in blocks of 1024, each summed from +0 in order; a binary counter of
 * partial vectors adds the blocks by the fixed tree, whose left subtree is the largest power of two
 * below the number of blocks. One thread adds everything: no order to get wrong. */
#include <config.h>

#include <float.h>
#include <math.h>

#include "base/memory.h"
#include "net/element.h"
#include "net/preprocessing.h"

#define BLOCK_ROWS 1024

/* Vectors of n_columns doubles, all in one allocation. */
typedef struct workspace {
  double *row;        /* the row being read */
  double *low, *high; /* extremes: equal in a constant column, whatever rounding does to sums */
  double *count;      /* values that are not missing */
  double *partial;    /* stack of vectors, one per bit of the number of blocks and one more */
  uint64_t index[BLOCK_ROWS]; /* numbers of the rows of a block */
} workspace;

/* What a pass does with the row at `position`, which is in work->row. */
typedef gradus_status visit_row(const gr_fit_rows *rows, workspace *work, uint64_t position,
                                double *sum, gradus_error *err);

static gradus_status allocate(const gr_fit_rows *rows, workspace **out, gradus_error *err) {
  uint64_t blocks = rows->n_rows / BLOCK_ROWS + 1;
  size_t vectors = 4 + 2, n = rows->n_columns, doubles;
  for (; blocks > 1; blocks /= 2) vectors++;
  workspace *work = gr_alloc(1, sizeof *work);
  if (work)
    work->row = gr_multiply(vectors, n, &doubles) ? gr_alloc(doubles, sizeof(double)) : NULL;
  if (!work || !work->row) {
    gr_free(work);
    return gr_fail_memory(err, "the moments of the columns");
  }
  work->low = work->row + n;
  work->high = work->low + n;
  work->count = work->high + n;
  work->partial = work->count + n;
  *out = work;
  return GRADUS_OK;
}

static void release(workspace *work) {
  gr_free(work->row);
  gr_free(work);
}

static gradus_status check_row(const gr_fit_rows *rows, uint64_t position, const double *row,
                               gradus_error *err) {
  uint32_t j = 0;
  while (j < rows->n_columns && (isfinite(row[j]) || (rows->nan_is_missing && isnan(row[j])))) j++;
  if (j == rows->n_columns) return GRADUS_OK;
  const uint64_t number = rows->order ? gr_row_order_row(rows->order, position) : position;
  return gr_fail(err, GRADUS_ERR_DATA,
                 "row %llu, column %u (counted from 0) is %s: expected a finite number",
                 (unsigned long long)number, (unsigned)j,
                 isnan(row[j]) ? "nan" : (row[j] > 0 ? "inf" : "-inf"));
}

static gradus_status visit_check(const gr_fit_rows *rows, workspace *work, uint64_t position,
                                 double *sum, gradus_error *err) {
  (void)sum;
  return check_row(rows, position, work->row, err);
}

/* sum_j += x_j, and the extremes. */
static gradus_status visit_sum(const gr_fit_rows *rows, workspace *work, uint64_t position,
                               double *sum, gradus_error *err) {
  const uint32_t n = rows->n_columns;
  if (!gr_dtype_is_integer(rows->type)) GR_TRY(check_row(rows, position, work->row, err));
  for (uint32_t j = 0; j < n; j++) {
    const double x = work->row[j];
    if (isnan(x)) continue;
    const bool is_first = work->count[j] == 0;
    sum[j] += x;
    if (is_first || x < work->low[j]) work->low[j] = x;
    if (is_first || x > work->high[j]) work->high[j] = x;
    work->count[j]++;
  }
  return GRADUS_OK;
}

/* sum_j += (x_j - mean_j)^2; the means lie in `low`, whose extremes are not needed any more. */
static gradus_status visit_square(const gr_fit_rows *rows, workspace *work, uint64_t position,
                                  double *sum, gradus_error *err) {
  const double *mean = work->low;
  (void)position;
  (void)err;
  for (uint32_t j = 0; j < rows->n_columns; j++)
    if (!isnan(work->row[j])) sum[j] += (work->row[j] - mean[j]) * (work->row[j] - mean[j]);
  return GRADUS_OK;
}

/* Adds the top vector of the stack to the one below it. */
static double *fold(double *top, uint32_t n) {
  double *below = top - n;
  for (uint32_t j = 0; j < n; j++) below[j] += top[j];
  return below;
}

static gradus_status visit_block(const gr_fit_rows *rows, workspace *work, uint64_t start,
                                 uint64_t end, visit_row *visit, double *sum, gradus_error *err) {
  const uint32_t n = rows->n_columns;
  if (rows->feed && !rows->feed->wait(rows->feed->user, end))
    return rows->feed->why(rows->feed->user, err);
  if (rows->order) gr_row_order_numbers(rows->order, NULL, start, end - start, work->index);
  for (uint32_t j = 0; j < n; j++) sum[j] = 0;
  for (uint64_t i = start; i < end; i++) {
    gr_elements(rows->x, rows->type, (rows->order ? work->index[i - start] : i) * n, n, work->row);
    GR_TRY(visit(rows, work, i, sum, err));
  }
  if (rows->feed) rows->feed->release(rows->feed->user, end);
  return GRADUS_OK;
}

/* One pass over all rows; the sums lie in work->partial[0..n). */
static gradus_status pass(const gr_fit_rows *rows, workspace *work, visit_row *visit,
                          gradus_error *err) {
  const uint32_t n = rows->n_columns;
  double *end = work->partial; /* of the stack */
  uint64_t block = 0;
  if (rows->feed) GR_TRY(rows->feed->rewind(rows->feed->user, err));
  for (uint64_t start = 0; start < rows->n_rows; start += BLOCK_ROWS, block++, end += n) {
    const uint64_t stop = rows->n_rows - start < BLOCK_ROWS ? rows->n_rows : start + BLOCK_ROWS;
    GR_TRY(visit_block(rows, work, start, stop, visit, end, err));
    for (uint64_t bits = block; bits & 1; bits >>= 1) end = fold(end, n);
  }
  while (end > work->partial + n) end = fold(end - n, n) + n;
  return GRADUS_OK;
}

static gradus_status compute(const gr_fit_rows *rows, workspace *work, double *mean,
                             double *deviation, gradus_error *err) {
  uint32_t n = rows->n_columns;
  if (rows->n_rows == 0 || n == 0)
    return gr_fail(err, GRADUS_ERR_DATA, "no rows to fit the preprocessing on");
  for (uint32_t j = 0; j < n; j++) work->count[j] = work->low[j] = work->high[j] = 0;
  GR_TRY(pass(rows, work, visit_sum, err));
  for (uint32_t j = 0; j < n; j++)
    mean[j] = work->low[j] == work->high[j] ? work->low[j] : work->partial[j] / work->count[j];
  for (uint32_t j = 0; j < n; j++) work->low[j] = mean[j];
  GR_TRY(pass(rows, work, visit_square, err));
  for (uint32_t j = 0; j < n; j++) {
    deviation[j] = work->count[j] > 0 ? sqrt(work->partial[j] / work->count[j]) : 0;
    if (!isfinite(deviation[j]))
      return gr_fail(
          err, GRADUS_ERR_DATA,
          "column %u (counted from 0) has values too large to standardise: expected less "
          "than 1e150",
          (unsigned)j);
  }
  return GRADUS_OK;
}

gradus_status gr_fit_moments(const gr_fit_rows *rows, double *mean, double *deviation,
                             gradus_error *err) {
  workspace *work = NULL;
  GR_TRY(allocate(rows, &work, err));
  gradus_status status = compute(rows, work, mean, deviation, err);
  release(work);
  return status;
}

/* 1/deviation; 0 where that is no finite float, as in a constant column. */
double gr_inverse_deviation(double deviation) {
  double factor = 1 / deviation;
  return factor <= (double)FLT_MAX ? factor : 0;
}

/* Who feeds rows has looked at them. */
static gradus_status check_finite(const gr_fit_rows *rows, gradus_error *err) {
  workspace *work = NULL;
  if (rows->n_rows == 0 || rows->n_columns == 0)
    return gr_fail(err, GRADUS_ERR_DATA, "no rows to fit the preprocessing on");
  if (gr_dtype_is_integer(rows->type) || rows->feed) return GRADUS_OK;
  GR_TRY(allocate(rows, &work, err));
  gradus_status status = pass(rows, work, visit_check, err);
  release(work);
  return status;
}

gradus_status gr_fit_inputs(const gr_fit_rows *rows, gr_scale scale, gr_standardize standardize,
                            double *shift, double *factor, gradus_error *err) {
  if (standardize == GR_STANDARDIZE_ZSCORE) {
    GR_TRY(gr_fit_moments(rows, shift, factor, err));
    for (uint32_t j = 0; j < rows->n_columns; j++) factor[j] = gr_inverse_deviation(factor[j]);
    return GRADUS_OK;
  }
  GR_TRY(check_finite(rows, err));
  for (uint32_t j = 0; j < rows->n_columns; j++) {
    shift[j] = 0;
    factor[j] = scale == GR_SCALE_UNIT ? 1.0 / 255 : 1;
  }
  return GRADUS_OK;
}
