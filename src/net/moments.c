/* Means and deviations of columns in two passes (Chan, Golub and LeVeque 1983: the one-pass formula
 * cancels). Rows are taken in blocks of 1024, each summed from +0 in order; a binary counter of
 * partial vectors adds the blocks by the fixed tree, whose left subtree is the largest power of two
 * below the number of blocks. One thread reads everything: no order to get wrong. */
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
  double *partial;    /* stack of vectors, one per bit of the number of blocks and one more */
} workspace;

static gradus_status allocate(const gr_fit_rows *rows, workspace *work, gradus_error *err) {
  uint64_t blocks = rows->n_rows / BLOCK_ROWS + 1;
  size_t vectors = 3 + 2, n = rows->n_columns, doubles;
  for (; blocks > 1; blocks /= 2) vectors++;
  work->row = gr_multiply(vectors, n, &doubles) ? gr_alloc(doubles, sizeof(double)) : NULL;
  if (!work->row) return gr_fail_memory(err, "the moments of the columns");
  work->low = work->row + n;
  work->high = work->low + n;
  work->partial = work->high + n;
  return GRADUS_OK;
}

static uint64_t row_number(const gr_fit_rows *rows, uint64_t i) {
  return rows->index ? rows->index[i] : i;
}

static void read_row(const gr_fit_rows *rows, uint64_t i, double *row) {
  gr_elements(rows->x, rows->type, row_number(rows, i) * rows->n_columns, rows->n_columns, row);
}

static gradus_status check_row(const gr_fit_rows *rows, uint64_t i, const double *row,
                               gradus_error *err) {
  uint32_t j = 0;
  while (j < rows->n_columns && isfinite(row[j])) j++;
  if (j == rows->n_columns) return GRADUS_OK;
  return gr_fail(err, GRADUS_ERR_DATA,
                 "row %llu, column %u (counted from 0) is %s: expected a finite number",
                 (unsigned long long)row_number(rows, i), (unsigned)j,
                 isnan(row[j]) ? "nan" : (row[j] > 0 ? "inf" : "-inf"));
}

static gradus_status check_rows(const gr_fit_rows *rows, double *row, gradus_error *err) {
  if (rows->n_rows == 0 || rows->n_columns == 0)
    return gr_fail(err, GRADUS_ERR_DATA, "no rows to fit the preprocessing on");
  if (gr_dtype_is_integer(rows->type)) return GRADUS_OK;
  for (uint64_t i = 0; i < rows->n_rows; i++) {
    read_row(rows, i, row);
    GR_TRY(check_row(rows, i, row, err));
  }
  return GRADUS_OK;
}

static void find_extremes(const gr_fit_rows *rows, workspace *work) {
  uint32_t n = rows->n_columns;
  read_row(rows, 0, work->low);
  read_row(rows, 0, work->high);
  for (uint64_t i = 1; i < rows->n_rows; i++) {
    read_row(rows, i, work->row);
    for (uint32_t j = 0; j < n; j++) {
      if (work->row[j] < work->low[j]) work->low[j] = work->row[j];
      if (work->row[j] > work->high[j]) work->high[j] = work->row[j];
    }
  }
}

/* sum[j] = the sum over one block of x_j, or of (x_j - center_j)^2 where center is given. */
static void sum_block(const gr_fit_rows *rows, uint64_t start, const double *center, double *row,
                      double *sum) {
  uint64_t end = rows->n_rows - start < BLOCK_ROWS ? rows->n_rows : start + BLOCK_ROWS;
  uint32_t n = rows->n_columns;
  for (uint32_t j = 0; j < n; j++) sum[j] = 0;
  for (uint64_t i = start; i < end; i++) {
    read_row(rows, i, row);
    if (center)
      for (uint32_t j = 0; j < n; j++) sum[j] += (row[j] - center[j]) * (row[j] - center[j]);
    else
      for (uint32_t j = 0; j < n; j++) sum[j] += row[j];
  }
}

/* Adds the top vector of the stack to the one below it. */
static double *fold(double *top, uint32_t n) {
  double *below = top - n;
  for (uint32_t j = 0; j < n; j++) below[j] += top[j];
  return below;
}

/* The sums of sum_block over all rows; the result lies in work->partial[0..n). */
static void sum_rows(const gr_fit_rows *rows, const double *center, workspace *work) {
  uint32_t n = rows->n_columns;
  double *end = work->partial; /* of the stack */
  uint64_t block = 0;
  for (uint64_t start = 0; start < rows->n_rows; start += BLOCK_ROWS, block++, end += n) {
    sum_block(rows, start, center, work->row, end);
    for (uint64_t bits = block; bits & 1; bits >>= 1) end = fold(end, n);
  }
  while (end > work->partial + n) end = fold(end - n, n) + n;
}

static gradus_status compute(const gr_fit_rows *rows, workspace *work, double *mean,
                             double *deviation, gradus_error *err) {
  uint32_t n = rows->n_columns;
  double count = (double)rows->n_rows;
  GR_TRY(check_rows(rows, work->row, err));
  find_extremes(rows, work);
  sum_rows(rows, NULL, work);
  for (uint32_t j = 0; j < n; j++)
    mean[j] = work->low[j] == work->high[j] ? work->low[j] : work->partial[j] / count;
  sum_rows(rows, mean, work);
  for (uint32_t j = 0; j < n; j++) {
    deviation[j] = sqrt(work->partial[j] / count);
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
  workspace work = {0};
  GR_TRY(allocate(rows, &work, err));
  gradus_status status = compute(rows, &work, mean, deviation, err);
  gr_free(work.row);
  return status;
}

/* 1/deviation; 0 where that is no finite float, as in a constant column. */
static double inverse(double deviation) {
  double factor = 1 / deviation;
  return factor <= (double)FLT_MAX ? factor : 0;
}

static gradus_status check_finite(const gr_fit_rows *rows, gradus_error *err) {
  workspace work = {0};
  GR_TRY(allocate(rows, &work, err));
  gradus_status status = check_rows(rows, work.row, err);
  gr_free(work.row);
  return status;
}

gradus_status gr_fit_inputs(const gr_fit_rows *rows, gr_scale scale, gr_standardize standardize,
                            double *shift, double *factor, gradus_error *err) {
  if (standardize == GR_STANDARDIZE_ZSCORE) {
    GR_TRY(gr_fit_moments(rows, shift, factor, err));
    for (uint32_t j = 0; j < rows->n_columns; j++) factor[j] = inverse(factor[j]);
    return GRADUS_OK;
  }
  GR_TRY(check_finite(rows, err));
  for (uint32_t j = 0; j < rows->n_columns; j++) {
    shift[j] = 0;
    factor[j] = scale == GR_SCALE_UNIT ? 1.0 / 255 : 1;
  }
  return GRADUS_OK;
}
