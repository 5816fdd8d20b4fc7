/* One step of training gives the deltas of the first layer; of what, is a matter of the targets. A
 * softmax or sigmoid with cross-entropy whose label is the predicted class has the derivative of
 * minus the logarithm of its probability; quadratic loss with targets one below the outputs, that
 * of their sum. Then dC/dx = delta(1) W(1), and where a layer adds the inputs to its outputs, also
 * its dC/da. */
#include <config.h>

#include "train/attribution.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "exec/team.h"
#include "kernel/kernel.h"
#include "kernel/kinds.h"
#include "train/classes.h"
#include "train/prepare.h"
#include "train/resolve.h"
#include "train/sample.h"
#include "train/scores.h"

typedef struct work {
  const gr_model *model;
  gr_config config;
  gr_network network;
  gr_engine *engine;
  gr_dataset sample;
  gr_split_rows rows;
  uint64_t n;
  float *outputs; /* [n][n_out] */
  float *inputs;  /* [ld] of the network, of one row */
  size_t ld;
  int32_t *class_index;
  float *targets;
} work;

static gradus_status make_engine(work *w, int threads, gradus_error *err) {
  const gr_engine_resources resources = {
      .threads = gr_team_threads(threads), .isa = GR_AUTO, .strategy = GR_AUTO};
  gr_config *c = &w->config;
  const bool by_class = w->model->preprocessing.task == GR_CLASSIFICATION &&
                        gr_losses[w->model->config.training.loss].output == GR_OUTPUT_PROBABILITY;
  *c = w->model->config; /* its strings stay the model's */
  w->network = w->model->network;
  c->training.batch_size = (int64_t)w->n;
  c->training.lane_rows = gr_resolve_lane_rows(c->training.batch_size);
  c->training.accumulate = 1;
  c->training.loss = by_class ? GR_CROSS_ENTROPY : GR_QUADRATIC;
  c->training.label_smoothing = 0;
  c->optimizer.name = GR_SGD;
  c->optimizer.momentum = 0;
  c->optimizer.clip_norm = c->optimizer.clip_value = c->optimizer.max_norm = 0;
  c->average.name = GR_AVERAGE_NONE;
  c->network.dropout = c->network.input_dropout = 0;
  w->network.loss = (gr_loss)c->training.loss;
  w->network.input_dropout = 0;
  for (uint32_t l = 0; l < w->network.n_layers; l++) w->network.layer[l].dropout = 0;
  if (by_class) w->class_index = gr_alloc(w->n, sizeof *w->class_index);
  GR_TRY(gr_engine_create(&w->network, c, &resources, false, &w->engine, err));
  gr_engine_load(w->engine, w->model->parameters, NULL);
  return GRADUS_OK;
}

/* The answers that the derivatives are of. */
static gradus_status answer(work *w, gradus_error *err) {
  const uint32_t n_out = w->network.layer[w->network.n_layers - 1].n_out;
  size_t cells;
  gr_totals totals;
  bool fed;
  if (!gr_multiply(w->n, n_out, &cells)) return gr_fail_memory(err, "outputs");
  w->outputs = gr_alloc(cells, sizeof *w->outputs);
  const bool by_class = w->network.loss == GR_CROSS_ENTROPY;
  if (!by_class) w->targets = gr_alloc(cells, sizeof *w->targets);
  if (!w->outputs || (by_class ? !w->class_index : !w->targets))
    return gr_fail_memory(err, "outputs");
  const gr_evaluation evaluation = {.rows = &w->rows.rows, .n = w->n, .outputs = w->outputs};
  GR_TRY(gr_engine_evaluate(w->engine, &evaluation, &totals, &fed, err));
  for (uint64_t i = 0; by_class && i < w->n; i++)
    w->class_index[i] = (int32_t)gr_predicted_class(w->outputs + i * n_out, n_out);
  for (size_t i = 0; !by_class && i < cells; i++) w->targets[i] = w->outputs[i] - 1;
  w->rows.rows.weight = NULL;
  w->rows.rows.class_index = w->class_index;
  w->rows.rows.targets = w->targets;
  w->rows.rows.n_targets = by_class ? 0 : n_out;
  return GRADUS_OK;
}

static gradus_status take_step(work *w, gradus_error *err) {
  const gr_row_order order = {.permutation = gr_permutation_identity(w->n)};
  gr_step_result result;
  gr_engine_step(w->engine, &w->rows.rows, &order, 0, w->n, 0, 0, &result);
  return result.finite
             ? GRADUS_OK
             : gr_fail(err, GRADUS_ERR_NONFINITE, "an output of these rows is not finite");
}

/* What flows to the inputs of row `row` past the first layer. */
static void add_residuals(const work *w, uint64_t row, double *gradient) {
  for (uint32_t l = 0; l < w->network.n_layers; l++) {
    size_t ld;
    if (w->network.layer[l].residual != l + 1) continue;
    const float *g = gr_engine_residual_gradient(w->engine, l, &ld) + row * ld;
    for (uint32_t j = 0; j < w->network.layer[0].n_in; j++) gradient[j] += (double)g[j];
  }
}

/* dC/dx of a row, in double; gradient [n_in]. */
static void input_gradient(const work *w, uint64_t row, double *gradient) {
  const gr_layer *first = &w->network.layer[0];
  size_t ld;
  const float *delta = gr_engine_first_delta(w->engine, &ld) + row * ld;
  memset(gradient, 0, first->n_in * sizeof *gradient);
  for (uint32_t o = 0; o < first->n_out; o++) {
    const float *weights = w->model->parameters + first->weights + (size_t)o * first->n_in;
    if (delta[o] == 0) continue;
    for (uint32_t j = 0; j < first->n_in; j++) gradient[j] += (double)delta[o] * (double)weights[j];
  }
  const float *scale = w->model->parameters + w->network.front.scale;
  for (uint32_t j = 0; w->network.front.scales && j < first->n_in; j++)
    gradient[j] *= (double)scale[j];
  add_residuals(w, row, gradient);
}

/* Gradient x input of the columns of a row, of which each is an input. */
static void plain_shares(const work *w, uint64_t row, const double *gradient, double *share) {
  const gr_preprocessing *p = &w->model->preprocessing;
  const gr_split *split = &w->sample.split[GR_TEST];
  for (uint32_t j = 0; j < p->n_inputs; j++) {
    const double x = gr_element(split->x, split->x_type, row * p->n_inputs + j);
    share[j] = gradient[j] * (x - p->shift[j]) * p->factor[j];
  }
}

/* The same of columns that became several inputs, or none: the sum over these. */
static void expanded_shares(const work *w, uint64_t row, const double *gradient, double *share) {
  const gr_rows *rows = &w->rows.rows;
  const gr_expansion *expansion = rows->expansion;
  const gr_gather gather = {.n_rows = 1,
                            .n_columns = w->network.layer[0].n_in,
                            .index = &row,
                            .x = rows->x,
                            .type = rows->x_type,
                            .expansion = expansion,
                            .dst = w->inputs,
                            .ld = w->ld};
  gr_kernels_of(GR_ISA_GENERIC)->gather(&gather);
  memset(share, 0, w->sample.n_columns * sizeof *share);
  for (size_t i = 0; i < expansion->n_steps; i++) {
    const gr_expand_step *step = &expansion->step[i];
    for (uint32_t k = step->first; k < step->first + step->n; k++)
      share[step->column] += gradient[k] * (double)w->inputs[k];
  }
}

static void add_rows(const work *w, double *gradient, double *share, double *mean, double *error) {
  const uint32_t n_columns = w->sample.n_columns;
  memset(mean, 0, n_columns * sizeof *mean);
  memset(error, 0, n_columns * sizeof *error);
  for (uint64_t i = 0; i < w->n; i++) {
    input_gradient(w, i, gradient);
    (w->rows.rows.expansion ? expanded_shares : plain_shares)(w, i, gradient, share);
    for (uint32_t j = 0; j < n_columns; j++) {
      mean[j] += fabs(share[j]);
      error[j] += share[j] * share[j];
    }
  }
  const double n = (double)w->n;
  for (uint32_t j = 0; j < n_columns; j++) {
    mean[j] /= n;
    const double variance = n > 1 ? (error[j] - n * mean[j] * mean[j]) / (n - 1) : 0;
    error[j] = variance > 0 ? sqrt(variance / n) : 0;
  }
}

static gradus_status run(work *w, int threads, double *mean, double *error, gradus_error *err) {
  const gr_preprocessing *p = &w->model->preprocessing;
  GR_TRY(gr_split_rows_make(p, &w->sample, GR_TEST, false, &w->rows, err));
  GR_TRY(make_engine(w, threads, err));
  GR_TRY(answer(w, err));
  GR_TRY(take_step(w, err));
  w->ld = ((size_t)p->n_inputs + 15) / 16 * 16;
  w->inputs = gr_alloc(w->ld, sizeof *w->inputs);
  double *gradient = gr_alloc(p->n_inputs, sizeof *gradient),
         *share = gr_alloc(w->sample.n_columns, sizeof *share);
  const bool there = w->inputs && gradient && share;
  if (there) add_rows(w, gradient, share, mean, error);
  gr_free(gradient);
  gr_free(share);
  return there ? GRADUS_OK : gr_fail_memory(err, "a gradient");
}

gradus_status gr_attribution(const gr_model *model, const gr_dataset *data, gr_split_id id,
                             uint64_t n, int threads, uint64_t *rows, double *mean, double *error,
                             gradus_error *err) {
  work w = {.model = model};
  GR_TRY(gr_sample_make(data, id, n, &w.sample, err));
  *rows = w.n = w.sample.split[GR_TEST].n_rows;
  const gradus_status status = run(&w, threads, mean, error, err);
  gr_engine_destroy(w.engine);
  gr_split_rows_free(&w.rows);
  gr_sample_free(&w.sample);
  gr_free(w.inputs);
  gr_free(w.outputs);
  gr_free(w.class_index);
  gr_free(w.targets);
  return status;
}
