/* Nothing here looks into the engine: it is asked to do what it does. A step of plain gradient
 * descent with a large power of two as its learning rate takes the weights so far that the
 * difference is the gradient, to a float's precision; a step with the run's own optimiser and state
 * gives the update; and the network cut off behind a layer has that layer's activations as outputs.
 */
#include <config.h>

#include "train/probe.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "exec/team.h"
#include "kernel/kinds.h"
#include "train/resolve.h"
#include "train/sample.h"

#define FAR 0x1p20 /* learning rate of the step that shows the gradient */

typedef struct probe {
  const gr_checkpoint *model;
  gr_config config; /* of one step over the rows; its strings are the model's */
  gr_network network;
  int threads;
  gr_dataset sample;
  gr_split_rows rows;
  gr_pass pass;
  float *moved; /* [n_parameters] after a step */
  gr_layer_probe *layer;
} probe;

/* ---- steps ---- */

static gr_config plain_descent(const gr_config *config) {
  gr_config plain = *config;
  plain.optimizer.name = GR_SGD;
  plain.optimizer.learning_rate = FAR;
  plain.optimizer.momentum = plain.optimizer.weight_decay = plain.optimizer.l1 = 0;
  plain.optimizer.clip_norm = plain.optimizer.clip_value = plain.optimizer.max_norm = 0;
  plain.optimizer.bias_rate = plain.optimizer.first_layer_rate = 1;
  plain.network.parametrization = GR_PARAMETRIZATION_STANDARD;
  plain.average.name = GR_AVERAGE_NONE;
  return plain;
}

/* Takes one step from the model's weights and leaves what becomes of them in p->moved. */
static gradus_status take_step(probe *p, const gr_config *config, const float *const *moments,
                               uint64_t step, double rate, gradus_error *err) {
  const gr_engine_resources resources = {
      .threads = gr_team_threads(p->threads), .isa = GR_AUTO, .strategy = GR_AUTO};
  float *none[GR_MAX_MOMENTS] = {NULL};
  gr_engine *engine = NULL;
  gr_step_result result;
  GR_TRY(gr_engine_create(&p->network, config, &resources, false, &engine, err));
  gr_engine_load(engine, p->model->model.parameters, moments);
  gr_engine_step(engine, &p->pass.rows, &p->pass.order, 0, p->pass.n, step, rate, &result);
  gr_engine_store(engine, p->moved, none);
  gr_engine_destroy(engine);
  return result.finite ? GRADUS_OK
                       : gr_fail(err, GRADUS_ERR_NONFINITE,
                                 "the loss of these rows, or its gradient, is not finite");
}

/* Root of the mean of the squares of factor (a - b) over n numbers; b NULL: 0. */
static double rms(const float *a, const float *b, size_t n, double factor) {
  double sum = 0;
  for (size_t i = 0; i < n; i++) {
    const double d = factor * ((double)a[i] - (b ? (double)b[i] : 0));
    sum += d * d;
  }
  return sqrt(sum / (double)n);
}

/* Gain and shift of a normalised layer, and their gradients by how far they were `moved`. */
static void look_at_vectors(const gr_layer *layer, const float *now, const float *moved,
                            gr_layer_probe *out) {
  double *size[] = {&out->gain_rms, &out->shift_rms},
         *gradient[] = {&out->gain_gradient_rms, &out->shift_gradient_rms};
  const bool normalized = layer->normalization != GR_NORMALIZATION_NONE;
  for (size_t v = 0; v < 2; v++) {
    const size_t at = layer->bias + (v + 1) * layer->n_out;
    *size[v] = normalized ? rms(now + at, NULL, layer->n_out, 1) : (double)NAN;
    *gradient[v] = normalized ? rms(moved + at, now + at, layer->n_out, 1 / FAR) : (double)NAN;
  }
}

static gradus_status look_at_gradients(probe *p, gradus_error *err) {
  const float *now = p->model->model.parameters;
  const gr_config plain = plain_descent(&p->config);
  GR_TRY(take_step(p, &plain, NULL, 0, FAR, err));
  for (uint32_t l = 0; l < p->network.n_layers; l++) {
    const gr_layer *layer = &p->network.layer[l];
    const size_t n = (size_t)layer->n_in * layer->n_out;
    p->layer[l].n_in = layer->n_in;
    p->layer[l].n_out = layer->n_out;
    p->layer[l].weight_rms = rms(now + layer->weights, NULL, n, 1);
    p->layer[l].bias_rms = rms(now + layer->bias, NULL, layer->n_out, 1);
    p->layer[l].gradient_rms = rms(p->moved + layer->weights, now + layer->weights, n, 1 / FAR);
    look_at_vectors(layer, now, p->moved, &p->layer[l]);
  }
  return GRADUS_OK;
}

/* An average of the weights is not what is updated. */
static bool has_state(const gr_checkpoint *model) {
  const gr_config *config = &model->model.config;
  const int moments = gr_optimizers[config->optimizer.name].moments;
  return config->average.name == GR_AVERAGE_NONE && (int)model->n_moments == moments;
}

static gradus_status look_at_updates(probe *p, gradus_error *err) {
  const gr_history *h = &p->model->history;
  const float *now = p->model->model.parameters;
  const double rate =
      h->n_rows ? h->row[h->n_rows - 1].learning_rate : p->config.optimizer.learning_rate;
  for (uint32_t l = 0; l < p->network.n_layers; l++) p->layer[l].update_ratio = (double)NAN;
  if (!has_state(p->model)) return GRADUS_OK;
  GR_TRY(take_step(p, &p->config, (const float *const *)p->model->moment, p->model->state.step,
                   rate, err));
  for (uint32_t l = 0; l < p->network.n_layers; l++) {
    const gr_layer *layer = &p->network.layer[l];
    const double size =
        rms(p->moved + layer->weights, now + layer->weights, (size_t)layer->n_in * layer->n_out, 1);
    p->layer[l].update_ratio = size / p->layer[l].weight_rms;
  }
  return GRADUS_OK;
}

/* ---- activations ---- */

static uint32_t count_constant(const float *outputs, uint64_t n, uint32_t width) {
  uint32_t constant = 0;
  for (uint32_t k = 0; k < width; k++) {
    uint64_t i = 1;
    while (i < n && outputs[i * width + k] == outputs[k]) i++;
    constant += i == n;
  }
  return constant;
}

/* The outputs of layer l (from 0): those of the network that ends there. */
static gradus_status look_at_units(probe *p, uint32_t l, gradus_error *err) {
  const gr_engine_resources resources = {
      .threads = gr_team_threads(p->threads), .isa = GR_AUTO, .strategy = GR_AUTO};
  gr_network cut = p->network;
  gr_config config = p->config;
  gr_rows rows = p->pass.rows;
  gr_engine *engine = NULL;
  gr_totals totals;
  bool fed;
  size_t cells;
  const bool last = l + 1 == p->network.n_layers;
  cut.n_layers = l + 1;
  cut.layer[l].residual = 0; /* what it makes itself */
  cut.n_parameters = cut.layer[l].bias + cut.layer[l].n_out;
  if (!last) { /* its loss means nothing */
    cut.loss = GR_QUADRATIC;
    config.training.loss = GR_QUADRATIC;
    rows.class_index = NULL;
    rows.targets = rows.offset = NULL;
  }
  if (!gr_multiply(p->pass.n, cut.layer[l].n_out, &cells))
    return gr_fail_memory(err, "activations");
  float *outputs = gr_alloc(cells, sizeof *outputs);
  if (!outputs) return gr_fail_memory(err, "activations");
  const gr_evaluation evaluation = {
      .rows = &rows, .order = &p->pass.order, .n = p->pass.n, .outputs = outputs};
  gradus_status status = gr_engine_create(&cut, &config, &resources, true, &engine, err);
  if (status == GRADUS_OK) gr_engine_load(engine, p->model->model.parameters, NULL);
  if (status == GRADUS_OK) status = gr_engine_evaluate(engine, &evaluation, &totals, &fed, err);
  if (status == GRADUS_OK)
    p->layer[l].dead = count_constant(outputs, p->pass.n, cut.layer[l].n_out);
  gr_engine_destroy(engine);
  gr_free(outputs);
  return status;
}

/* ---- all of it ---- */

static void settle_step(probe *p, const gr_model *model) {
  gr_config *c = &p->config;
  *c = model->config;
  c->training.batch_size = (int64_t)p->sample.split[GR_TEST].n_rows;
  c->training.accumulate = 1;
  c->training.lane_rows = gr_resolve_lane_rows(c->training.batch_size);
  c->network.dropout = c->network.input_dropout = 0;
  p->network = model->network;
  p->network.input_dropout = 0;
  for (uint32_t l = 0; l < p->network.n_layers; l++) p->network.layer[l].dropout = 0;
}

static gradus_status look(probe *p, gradus_error *err) {
  const gr_model *model = &p->model->model;
  GR_TRY(gr_split_rows_make(&model->preprocessing, &p->sample, GR_TEST, true, &p->rows, err));
  GR_TRY(gr_split_pass_open(&p->sample, GR_TEST, &p->rows, NULL, 1, &p->pass, err));
  GR_TRY(gr_pass_begin(&p->pass, 0, 0, err));
  p->moved = gr_alloc(model->network.n_parameters, sizeof *p->moved);
  if (!p->moved) return gr_fail_memory(err, "the parameters");
  settle_step(p, model);
  GR_TRY(look_at_gradients(p, err));
  GR_TRY(look_at_updates(p, err));
  for (uint32_t l = 0; l < p->network.n_layers; l++) GR_TRY(look_at_units(p, l, err));
  return GRADUS_OK;
}

gradus_status gr_probe(const gr_checkpoint *model, const gr_dataset *data, gr_split_id id,
                       int threads, uint64_t *rows, gr_layer_probe *layer, gradus_error *err) {
  probe p = {.model = model, .threads = threads, .layer = layer};
  const uint64_t wanted = gr_config_step_rows(&model->model.config);
  GR_TRY(gr_sample_make(data, id, wanted, &p.sample, err));
  *rows = p.sample.split[GR_TEST].n_rows;
  const gradus_status status = look(&p, err);
  gr_free(p.moved);
  gr_pass_close(&p.pass);
  gr_split_rows_free(&p.rows);
  gr_sample_free(&p.sample);
  return status;
}
