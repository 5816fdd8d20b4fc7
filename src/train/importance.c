/* The rows are copied once, as a data set of their own; a column of the copy is permuted in place
 * and put back. Permutations are keyed: that of column j in repeat r depends on the seed alone. */
#include <config.h>

#include "train/importance.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/permutation.h"
#include "train/prepare.h"
#include "train/sample.h"
#include "train/scores.h"

typedef struct study {
  gr_engine *engine;
  const gr_config *config;
  const gr_preprocessing *p;
  const gr_importance_request *request;
  gr_dataset data; /* the test split are the rows; all else is borrowed */
  gr_split_rows rows;
  gr_pass pass;
  gr_scores scores;
  char *column, *permuted; /* [n] elements of one column */
} study;

static void free_study(study *s) {
  gr_scores_close(&s->scores);
  gr_pass_close(&s->pass);
  gr_split_rows_free(&s->rows);
  gr_sample_free(&s->data);
  gr_free(s->column);
  gr_free(s->permuted);
}

static gradus_status make_study(study *s, const gr_dataset *data, gradus_error *err) {
  GR_TRY(gr_sample_make(data, s->request->split, s->request->rows, &s->data, err));
  const gr_split *split = &s->data.split[GR_TEST];
  const size_t size = gr_dtype_size(split->x_type);
  GR_TRY(gr_split_rows_make(s->p, &s->data, GR_TEST, true, &s->rows, err));
  GR_TRY(gr_split_pass_open(&s->data, GR_TEST, &s->rows, NULL, 1, &s->pass, err));
  s->column = gr_alloc(split->n_rows, size);
  s->permuted = gr_alloc(split->n_rows, size);
  if (!s->column || !s->permuted) return gr_fail_memory(err, "a column");
  if (s->request->metric == GR_N_METRICS) return GRADUS_OK;
  return gr_scores_open(&s->scores, s->config, s->p, &s->pass, GR_METRIC_BIT(s->request->metric),
                        data->memory, err);
}

/* ---- measuring ---- */

static gradus_status look(study *s, double *value, gradus_error *err) {
  const gr_metric metric = s->request->metric;
  double values[GR_N_METRICS];
  gr_metrics metrics;
  const bool scored = metric != GR_N_METRICS;
  if (scored) gr_scores_begin(&s->scores);
  GR_TRY(gr_measure(s->engine, s->p, &s->pass, scored ? gr_scores_take : NULL, &s->scores, &metrics,
                    err));
  *value = metrics.loss;
  if (!scored) return GRADUS_OK;
  gr_scores_finish(&s->scores, &metrics, values);
  *value = values[metric];
  return GRADUS_OK;
}

/* Column j of the copy from, or to, `elements`. */
static void move_column(const study *s, uint32_t j, char *elements, bool put) {
  const gr_split *split = &s->data.split[GR_TEST];
  const size_t size = gr_dtype_size(split->x_type), row = s->data.n_columns * size;
  for (uint64_t i = 0; i < split->n_rows; i++) {
    char *cell = (char *)split->x + i * row + j * size, *element = elements + i * size;
    memcpy(put ? cell : element, put ? element : cell, size);
  }
}

static gradus_status study_column(study *s, uint32_t j, double base, double *mean, double *error,
                                  gradus_error *err) {
  const gr_importance_request *r = s->request;
  const uint64_t n = s->data.split[GR_TEST].n_rows;
  const size_t size = gr_dtype_size(s->data.split[GR_TEST].x_type);
  const bool high = r->metric != GR_N_METRICS && gr_metrics_table[r->metric].high;
  double sum = 0, square = 0, value;
  move_column(s, j, s->column, false);
  for (uint32_t repeat = 0; repeat < r->repeats; repeat++) {
    const gr_permutation order = gr_permutation_make(r->seed, (uint64_t)j * r->repeats + repeat, n);
    for (uint64_t i = 0; i < n; i++)
      memcpy(s->permuted + i * size, s->column + gr_permutation_at(&order, i) * size, size);
    move_column(s, j, s->permuted, true);
    GR_TRY(look(s, &value, err));
    const double worse = high ? base - value : value - base;
    sum += worse;
    square += worse * worse;
  }
  move_column(s, j, s->column, true);
  *mean = sum / r->repeats;
  const double variance = (square - sum * *mean) / (r->repeats - 1);
  *error = variance > 0 ? sqrt(variance / r->repeats) : 0;
  return GRADUS_OK;
}

static gradus_status study_all(study *s, double *base, double *mean, double *error,
                               gradus_error *err) {
  const gr_importance_request *r = s->request;
  GR_TRY(look(s, base, err));
  for (uint32_t j = 0; j < s->data.n_columns; j++) {
    GR_TRY(study_column(s, j, *base, &mean[j], &error[j], err));
    if (r->on_column && !r->on_column(r->user, j + 1, s->data.n_columns))
      return gr_fail(err, GRADUS_ERR_STOPPED, "stopped on request after %lu of %lu columns",
                     (unsigned long)j + 1, (unsigned long)s->data.n_columns);
  }
  return GRADUS_OK;
}

gradus_status gr_importance(gr_engine *engine, const gr_config *config, const gr_preprocessing *p,
                            const gr_dataset *data, const gr_importance_request *request,
                            uint64_t *rows, double *base, double *mean, double *error,
                            gradus_error *err) {
  study s = {.engine = engine, .config = config, .p = p, .request = request};
  gradus_status status = make_study(&s, data, err);
  if (status == GRADUS_OK) status = study_all(&s, base, mean, error, err);
  *rows = s.data.split[GR_TEST].n_rows;
  free_study(&s);
  return status;
}
