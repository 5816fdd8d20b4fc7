/* How columns become inputs is decided from the training rows alone. One pass takes moments, one
 * counts levels and missing values and keeps a sample for what needs sorted values: medians,
 * quartiles, quantiles. The sample is all rows where those are few, else every k-th, so that it
 * depends on the rows and never on memory or threads. */
#include <config.h>

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/philox.h"
#include "net/columns.h"
#include "net/element.h"

enum {
  BLOCK_ROWS = 1024,
  SAMPLE_NUMBERS = 1 << 25, /* rows x columns kept: 256 MiB */
  LEAST_SAMPLE = 1024,
  MOST_QUANTILES = 1000, /* of the scaling */
  ROWS_PER_QUANTILE = 30
};

/* What is known of a column. */
struct facts {
  double mean, deviation, low, high;
  uint64_t n_present;
  uint64_t *count; /* [levels] rows of each level */
  double *sorted;  /* [n_sorted] values of the sample */
  uint64_t n_sorted;
};

struct fit {
  const gr_fit_rows *rows;
  const gr_raw_column *raw;
  const gr_config *config;
  bool drops;
  gr_columns *out;
  struct facts *facts;      /* [n_columns] */
  double *mean, *deviation; /* [n_columns] */
  double *sample;           /* [n_columns][sample_rows] */
  uint64_t sample_rows, every;
};

/* ---- the pass ---- */

static void note_value(struct facts *f, double v) {
  if (f->n_present == 0 || v < f->low) f->low = v;
  if (f->n_present == 0 || v > f->high) f->high = v;
  f->n_present++;
}

static gradus_status note_level(const struct fit *fit, uint32_t j, uint64_t position, double v,
                                gradus_error *err) {
  const gr_raw_column *raw = &fit->raw[j];
  if (!(v >= 0 && v < raw->n_levels) || v != floor(v)) {
    char number[GR_DOUBLE_TEXT];
    gr_format_double(number, v);
    const uint64_t row = fit->rows->order ? gr_row_order_row(fit->rows->order, position) : position;
    return gr_fail(err, GRADUS_ERR_DATA,
                   "row %llu, column %u (%s): %s is no level; its dictionary has %u",
                   (unsigned long long)row, (unsigned)j, raw->name ? raw->name : "", number,
                   (unsigned)raw->n_levels);
  }
  fit->facts[j].count[(size_t)v]++;
  return GRADUS_OK;
}

static gradus_status note_row(struct fit *fit, uint64_t position, const double *row,
                              gradus_error *err) {
  const bool kept = position % fit->every == 0;
  for (uint32_t j = 0; j < fit->rows->n_columns; j++) {
    struct facts *f = &fit->facts[j];
    if (isnan(row[j])) continue;
    note_value(f, row[j]);
    if (fit->raw && fit->raw[j].categorical)
      GR_TRY(note_level(fit, j, position, row[j], err));
    else if (kept)
      f->sorted[f->n_sorted++] = row[j];
  }
  return GRADUS_OK;
}

static gradus_status note_rows(struct fit *fit, double *row, gradus_error *err) {
  const gr_fit_rows *rows = fit->rows;
  uint64_t index[BLOCK_ROWS];
  if (rows->feed) GR_TRY(rows->feed->rewind(rows->feed->user, err));
  for (uint64_t start = 0; start < rows->n_rows; start += BLOCK_ROWS) {
    const uint64_t n = rows->n_rows - start < BLOCK_ROWS ? rows->n_rows - start : BLOCK_ROWS;
    if (rows->feed && !rows->feed->wait(rows->feed->user, start + n))
      return rows->feed->why(rows->feed->user, err);
    if (rows->order) gr_row_order_numbers(rows->order, NULL, start, n, index);
    for (uint64_t i = 0; i < n; i++) {
      const uint64_t at = rows->order ? index[i] : start + i;
      gr_elements(rows->x, rows->type, at * rows->n_columns, rows->n_columns, row);
      GR_TRY(note_row(fit, start + i, row, err));
    }
    if (rows->feed) rows->feed->release(rows->feed->user, start + n);
  }
  return GRADUS_OK;
}

static int compare(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static gradus_status gather_facts(struct fit *fit, gradus_error *err) {
  const uint32_t n = fit->rows->n_columns;
  double *row = gr_alloc(n, sizeof *row);
  if (!row) return gr_fail_memory(err, "columns");
  gradus_status status = note_rows(fit, row, err);
  gr_free(row);
  for (uint32_t j = 0; j < n && status == GRADUS_OK; j++) {
    struct facts *f = &fit->facts[j];
    f->mean = fit->mean[j];
    f->deviation = fit->deviation[j];
    if (f->n_sorted > 1) qsort(f->sorted, f->n_sorted, sizeof *f->sorted, compare);
  }
  return status;
}

/* ---- numeric columns ---- */

/* Between the order statistics, as NumPy's default does; 0 <= p <= 1. */
static double quantile(const struct facts *f, double p) {
  if (f->n_sorted == 0) return 0;
  const double at = p * (double)(f->n_sorted - 1);
  const uint64_t k = (uint64_t)at;
  if (k + 1 >= f->n_sorted) return f->sorted[f->n_sorted - 1];
  const double part = at - (double)k;
  return f->sorted[k] + part * (f->sorted[k + 1] - f->sorted[k]);
}

static double finite_or_zero(double factor) {
  return fabs(factor) <= (double)FLT_MAX ? factor : 0;
}

/* RealMLP (Holzmueller, Grinsztajn and Steinwart 2024): by the median and the quartiles, of the
 * range where those are one, then cut smoothly. */
static void scale_robust(gr_fitted_column *c, const struct facts *f) {
  double spread = quantile(f, 0.75) - quantile(f, 0.25);
  if (spread == 0) spread = (f->high - f->low) / 2;
  c->scaling = GR_EXPAND_SMOOTH;
  c->shift = quantile(f, 0.5);
  c->factor = finite_or_zero(1 / spread);
}

/* Quantile k of n goes to the same one of the standard normal, at most 5.2 deviations out, as
 * scikit-learn's transformer does; of equal ones the middle counts. */
static gradus_status scale_quantile(gr_fitted_column *c, const struct facts *f, gradus_error *err) {
  static const double edge = 1e-7;
  uint64_t n = f->n_sorted / ROWS_PER_QUANTILE;
  n = n < 10 ? 10 : n > MOST_QUANTILES ? MOST_QUANTILES : n;
  double *points = gr_alloc(2 * (size_t)n, sizeof *points);
  if (!points) return gr_fail_memory(err, "quantiles");
  uint32_t used = 0;
  for (uint64_t k = 0; k < n;) {
    const double x = quantile(f, (double)k / (double)(n - 1));
    uint64_t end = k + 1;
    while (end < n && !(quantile(f, (double)end / (double)(n - 1)) > x)) end++;
    double p = (double)(k + end - 1) / (double)(2 * (n - 1));
    p = p < edge ? edge : p > 1 - edge ? 1 - edge : p;
    points[used] = x;
    points[n + used++] = gr_normal_quantile(p);
    k = end;
  }
  memmove(points + used, points + n, used * sizeof *points);
  c->scaling = GR_EXPAND_CURVE;
  c->n_points = used;
  c->points = points;
  return GRADUS_OK;
}

static gradus_status scale(const struct fit *fit, gr_fitted_column *c, const struct facts *f,
                           gradus_error *err) {
  c->scaling = GR_EXPAND_LINEAR;
  c->shift = 0;
  c->factor = fit->config->data.scale == GR_SCALE_UNIT ? 1.0 / 255 : 1;
  switch (fit->config->data.standardize) {
    case GR_STANDARDIZE_ZSCORE:
      c->shift = f->mean;
      c->factor = gr_inverse_deviation(f->deviation);
      break;
    case GR_STANDARDIZE_MINMAX:
      c->shift = f->low;
      c->factor = finite_or_zero(1 / (f->high - f->low));
      break;
    case GR_STANDARDIZE_ROBUST:
      scale_robust(c, f);
      break;
    case GR_STANDARDIZE_QUANTILE:
      return scale_quantile(c, f, err);
    default:
      break;
  }
  return GRADUS_OK;
}

/* ---- embeddings of numeric columns ---- */

/* Bins between quantiles; a column of two values has none, as one bin is its value. */
static gradus_status embed_bins(const struct fit *fit, gr_fitted_column *c, const struct facts *f,
                                gradus_error *err) {
  const uint32_t n = (uint32_t)fit->config->data.embedding_size;
  uint32_t used = 0;
  double *edge = gr_alloc((size_t)n + 1, sizeof *edge);
  if (!edge) return gr_fail_memory(err, "bins");
  for (uint32_t k = 0; k <= n && f->n_sorted > 0; k++) {
    const double x = quantile(f, (double)k / n);
    if (used == 0 || x > edge[used - 1]) edge[used++] = x;
  }
  if (used <= 2) {
    gr_free(edge);
    return GRADUS_OK;
  }
  c->embedding = GR_EXPAND_BINS;
  c->n_extra = used - 1;
  c->extra = edge;
  return GRADUS_OK;
}

/* Frequencies are drawn and stay as they are: what follows them is learned. They count in
 * deviations of the column, whatever the scaling. */
static gradus_status embed_waves(const struct fit *fit, gr_fitted_column *c, const struct facts *f,
                                 gradus_error *err) {
  const uint32_t n = (uint32_t)fit->config->data.embedding_size;
  const uint64_t column = (uint64_t)(f - fit->facts);
  if (f->deviation == 0) return GRADUS_OK;
  c->embedding = GR_EXPAND_WAVES;
  c->n_extra = 2 * n;
  c->extra = gr_alloc((size_t)n + 1, sizeof *c->extra);
  if (!c->extra) return gr_fail_memory(err, "frequencies");
  c->extra[0] = f->mean;
  for (uint32_t k = 0; k < n; k++)
    c->extra[k + 1] = fit->config->data.embedding_scale *
                      gr_random_normal(fit->config->training.seed, GR_STREAM_WAVES, column, k) /
                      f->deviation;
  return GRADUS_OK;
}

static gradus_status embed(const struct fit *fit, gr_fitted_column *c, const struct facts *f,
                           gradus_error *err) {
  switch (fit->config->data.embedding) {
    case GR_EMBED_BINS:
      return embed_bins(fit, c, f, err);
    case GR_EMBED_WAVES:
      return embed_waves(fit, c, f, err);
    default:
      return GRADUS_OK;
  }
}

/* ---- columns without use ---- */

static gradus_status drop(gr_fitted_column *c, gr_text *reason, gradus_error *err) {
  c->use = GR_USE_DROPPED;
  c->reason = reason->failed ? NULL : gr_strdup(reason->data ? reason->data : "");
  gr_text_free(reason);
  return c->reason ? GRADUS_OK : gr_fail_memory(err, "a reason");
}

static gradus_status drop_if_useless(const struct fit *fit, gr_fitted_column *c,
                                     const struct facts *f, const gr_raw_column *raw,
                                     gradus_error *err) {
  const bool complete = f->n_present == fit->rows->n_rows;
  gr_text reason = {0};
  if (!fit->drops || (f->n_present > 0 && (f->low != f->high || !complete))) return GRADUS_OK;
  if (f->n_present == 0) {
    gr_text_puts(&reason, "missing in every training row");
  } else {
    gr_text_puts(&reason, "constant: every training row has ");
    if (raw && raw->categorical)
      gr_text_puts(&reason, raw->levels[(size_t)f->low]);
    else
      gr_text_put_double(&reason, f->low);
  }
  return drop(c, &reason, err);
}

static gradus_status fit_numeric(const struct fit *fit, gr_fitted_column *c, const struct facts *f,
                                 gradus_error *err) {
  c->use = GR_USE_NUMERIC;
  c->missing_input = fit->rows->nan_is_missing && f->n_present < fit->rows->n_rows;
  c->fill = fit->config->data.missing == GR_MISSING_MEAN ? f->mean : quantile(f, 0.5);
  GR_TRY(scale(fit, c, f, err));
  GR_TRY(embed(fit, c, f, err));
  c->n_inputs = 1 + c->n_extra + c->missing_input;
  return GRADUS_OK;
}

/* ---- categorical columns ---- */

/* The number of rows from which on a level has an input of its own, where only `most` may. */
static uint64_t least_count(const struct facts *f, uint32_t n_levels, uint64_t most,
                            double *sorted) {
  uint32_t n = 0;
  for (uint32_t k = 0; k < n_levels; k++)
    if (f->count[k] > 0) sorted[n++] = (double)f->count[k];
  if (n <= most) return 1;
  qsort(sorted, n, sizeof *sorted, compare);
  return (uint64_t)sorted[n - most];
}

/* The most frequent ones, in the order of the dictionary; of equally frequent ones the first. */
static gradus_status choose_levels(gr_fitted_column *c, const struct facts *f,
                                   const gr_raw_column *raw, uint64_t most, uint64_t least,
                                   gradus_error *err) {
  uint64_t above = 0;
  for (uint32_t k = 0; k < raw->n_levels; k++) above += f->count[k] > least;
  uint64_t ties = most - above;
  for (uint32_t k = 0; k < raw->n_levels; k++) {
    if (f->count[k] == 0) continue;
    const bool tie = f->count[k] == least && least > 1;
    if (f->count[k] < least || (tie && ties == 0)) {
      c->other_input = true;
      continue;
    }
    if (tie) ties--;
    if (!(c->levels[c->n_levels] = gr_strdup(raw->levels[k]))) return gr_fail_memory(err, "levels");
    c->n_levels++;
  }
  return GRADUS_OK;
}

static gradus_status fit_categorical(const struct fit *fit, gr_fitted_column *c,
                                     const struct facts *f, const gr_raw_column *raw,
                                     gradus_error *err) {
  const uint64_t most = (uint64_t)fit->config->data.max_levels;
  double *sorted = gr_alloc(raw->n_levels + 1, sizeof *sorted);
  c->levels = gr_calloc((size_t)raw->n_levels + 1, sizeof *c->levels);
  c->use = GR_USE_CATEGORICAL;
  c->missing_input = f->n_present < fit->rows->n_rows;
  gradus_status status = sorted && c->levels ? GRADUS_OK : gr_fail_memory(err, "levels");
  if (status == GRADUS_OK)
    status = choose_levels(c, f, raw, most, least_count(f, raw->n_levels, most, sorted), err);
  gr_free(sorted);
  c->n_inputs = c->n_levels + c->other_input + c->missing_input;
  return status;
}

/* ---- all ---- */

static gradus_status fit_column(struct fit *fit, uint32_t j, gradus_error *err) {
  gr_fitted_column *c = &fit->out->column[j];
  const struct facts *f = &fit->facts[j];
  const gr_raw_column *raw = fit->raw ? &fit->raw[j] : NULL;
  if (raw && raw->name && !(c->name = gr_strdup(raw->name))) return gr_fail_memory(err, "a name");
  GR_TRY(drop_if_useless(fit, c, f, raw, err));
  if (c->use == GR_USE_DROPPED) return GRADUS_OK;
  GR_TRY(raw && raw->categorical ? fit_categorical(fit, c, f, raw, err)
                                 : fit_numeric(fit, c, f, err));
  c->first = fit->out->n_inputs;
  fit->out->n_inputs += c->n_inputs;
  return GRADUS_OK;
}

static gradus_status allocate(struct fit *fit, gradus_error *err) {
  const uint32_t n = fit->rows->n_columns;
  uint64_t room = SAMPLE_NUMBERS / n;
  if (room < LEAST_SAMPLE) room = LEAST_SAMPLE;
  fit->every = (fit->rows->n_rows + room - 1) / room;
  fit->sample_rows = (fit->rows->n_rows + fit->every - 1) / fit->every;
  size_t numbers;
  fit->out = gr_calloc(1, sizeof *fit->out);
  fit->facts = gr_calloc(n, sizeof *fit->facts);
  fit->mean = gr_calloc(n, sizeof *fit->mean);
  fit->deviation = gr_calloc(n, sizeof *fit->deviation);
  if (gr_multiply(fit->sample_rows, n, &numbers)) fit->sample = gr_alloc(numbers, sizeof(double));
  if (fit->out) fit->out->column = gr_calloc(n, sizeof *fit->out->column);
  if (!fit->out || !fit->out->column || !fit->facts || !fit->mean || !fit->deviation ||
      !fit->sample)
    return gr_fail_memory(err, "columns");
  fit->out->n = n;
  fit->out->wide = fit->rows->type > GR_F32;
  for (uint32_t j = 0; j < n; j++) {
    fit->facts[j].sorted = fit->sample + j * fit->sample_rows;
    if (!fit->raw || !fit->raw[j].categorical) continue;
    fit->facts[j].count = gr_calloc((size_t)fit->raw[j].n_levels + 1, sizeof(uint64_t));
    if (!fit->facts[j].count) return gr_fail_memory(err, "levels");
  }
  return GRADUS_OK;
}

static void release(struct fit *fit) {
  for (uint32_t j = 0; fit->facts && j < fit->rows->n_columns; j++) gr_free(fit->facts[j].count);
  gr_free(fit->facts);
  gr_free(fit->mean);
  gr_free(fit->deviation);
  gr_free(fit->sample);
}

static gradus_status fit_all(struct fit *fit, gradus_error *err) {
  GR_TRY(allocate(fit, err));
  GR_TRY(gr_fit_moments(fit->rows, fit->mean, fit->deviation, err));
  GR_TRY(gather_facts(fit, err));
  for (uint32_t j = 0; j < fit->out->n; j++) GR_TRY(fit_column(fit, j, err));
  if (fit->out->n_inputs > 0 && fit->out->n_inputs <= GR_MAX_WIDTH) return GRADUS_OK;
  return gr_fail(err, GRADUS_ERR_DATA,
                 fit->out->n_inputs ? "columns become more inputs than %d"
                                    : "no column has two values or more among the training rows",
                 GR_MAX_WIDTH);
}

gradus_status gr_columns_fit(const gr_fit_rows *rows, const gr_raw_column *raw, bool drops,
                             const gr_config *config, gr_columns **out, gradus_error *err) {
  struct fit fit = {.rows = rows, .raw = raw, .drops = drops, .config = config};
  *out = NULL;
  if (rows->n_rows == 0 || rows->n_columns == 0)
    return gr_fail(err, GRADUS_ERR_DATA, "no rows to fit the preprocessing on");
  gradus_status status = fit_all(&fit, err);
  release(&fit);
  if (status == GRADUS_OK)
    *out = fit.out;
  else
    gr_columns_free(fit.out);
  return status;
}
