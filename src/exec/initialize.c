/* The layers are gone through one after another with all rows of the sample, by the kernels that
 * evaluate: a layer's weights are drawn and its weighted inputs made, these say what its weights
 * and biases are to be, and then its outputs are made for the next one. It happens once in a run,
 * so that one thread does it. */
#include <config.h>

#include "exec/initialize.h"

#include <math.h>

#include "base/elementary.h"
#include "base/memory.h"
#include "base/philox.h"
#include "exec/internal.h"

enum { ROWS = 1024, CORNERS = 5 };
#define MOST_FLOATS ((uint64_t)1 << 25) /* of one of two buffers */

/* Deviations below this part of the mean are what rounding leaves of a constant. */
static const double least_deviation = 0x1p-18;

typedef struct sample {
  gr_engine *engine;
  const gr_network *network;
  uint64_t seed;
  size_t n, ld;     /* rows, and the stride of those in `from` */
  float *from, *to; /* what goes into a layer, and what comes out */
  float *parameters;
} sample;

uint64_t gr_initialize_rows(const gr_network *network, uint64_t n) {
  uint64_t widest = network->layer[0].n_in, most;
  for (uint32_t l = 0; l < network->n_layers; l++)
    if (network->layer[l].n_out > widest) widest = network->layer[l].n_out;
  most = MOST_FLOATS / widest < ROWS ? MOST_FLOATS / widest : ROWS;
  return n < most ? n : most;
}

/* Gathers the sample as it comes. */
static bool gather(const sample *s, const gr_evaluation *rows) {
  const uint64_t batch = s->engine->plan.batch_rows;
  uint64_t index[ROWS];
  for (uint64_t first = 0, n; first < s->n; first += n) {
    n = s->n - first < batch ? s->n - first : batch;
    if (rows->feed && !rows->feed->wait(rows->feed->user, first + n)) return false;
    gr_row_order_numbers(rows->order, s->engine->kernels, first, n, index);
    gr_engine_gather(s->engine, rows->rows, index, n, NULL, 0, s->from + first * s->ld, s->ld);
    if (rows->feed) rows->feed->release(rows->feed->user, first + n);
  }
  return true;
}

/* Weighted inputs of layer l, or `activation` of them, by the parameters now. */
static void multiply(const sample *s, uint32_t l, gr_activation activation) {
  const gr_plan *plan = &s->engine->plan;
  const gr_plan_layer *layer = &plan->layer[l];
  gr_engine_load(s->engine, s->parameters, NULL);
  const gr_forward f = {.n_rows = s->n,
                        .n_panels = layer->panels_out,
                        .depth = layer->n_in,
                        .a = s->from,
                        .lda = s->ld,
                        .w = gr_at(s->engine, plan->parameters + layer->weights),
                        .bias = gr_at(s->engine, plan->parameters + layer->bias),
                        .c = s->to,
                        .ldc = layer->ld,
                        .activation = activation};
  s->engine->kernels->forward(&f);
}

/* Mean and deviation of the weighted input of neuron o. */
static double deviation_of(const sample *s, size_t ld, size_t o, double *mean) {
  double sum = 0, squares = 0;
  for (size_t r = 0; r < s->n; r++) sum += (double)s->to[r * ld + o];
  *mean = sum / (double)s->n;
  for (size_t r = 0; r < s->n; r++) {
    const double d = (double)s->to[r * ld + o] - *mean;
    squares += d * d;
  }
  return sqrt(squares / (double)s->n);
}

/* A mean of its weighted inputs in some rows. */
static double corner_of(const sample *s, uint32_t l, size_t ld, size_t o) {
  double sum = 0, weights = 0;
  for (uint64_t i = 0; i < CORNERS; i++) {
    const uint64_t at = 2 * (CORNERS * o + i);
    const double place = gr_random_uniform(s->seed, GR_STREAM_CORNERS, l, at) * (double)s->n,
                 weight = -gr_ln(gr_random_uniform(s->seed, GR_STREAM_CORNERS, l, at + 1));
    const size_t row = (size_t)place < s->n ? (size_t)place : s->n - 1;
    sum += weight * (double)s->to[row * ld + o];
    weights += weight;
  }
  return sum / weights;
}

static void fit_layer(sample *s, uint32_t l) {
  const gr_layer *layer = &s->network->layer[l];
  const size_t ld = s->engine->plan.layer[l].ld, n_in = layer->n_in;
  float *bias = s->parameters + layer->bias;
  for (size_t o = 0; o < layer->n_out; o++) bias[o] = 0;
  multiply(s, l, GR_IDENTITY);
  for (size_t o = 0; o < layer->n_out; o++) {
    float *w = s->parameters + layer->weights + o * n_in;
    double mean, deviation = deviation_of(s, ld, o, &mean);
    if (!(deviation > least_deviation * fabs(mean))) deviation = 1;
    for (size_t i = 0; i < n_in; i++) w[i] = (float)((double)w[i] / deviation);
    bias[o] = (float)(-corner_of(s, l, ld, o) / deviation);
  }
}

/* What layer l makes of the sample goes into the next one. */
static void pass_layer(sample *s, uint32_t l) {
  gr_engine *engine = s->engine;
  const gr_plan_layer *layer = &engine->plan.layer[l];
  multiply(s, l, gr_forward_activation(&engine->plan, l));
  if (layer->normalization != GR_NORMALIZATION_NONE) {
    gr_normalize_prepare(engine, engine->plan.parameters);
    gr_normalize_evaluation(engine, engine->plan.parameters, layer, s->n, s->to);
  }
  float *spare = s->from;
  s->from = s->to;
  s->to = spare;
  s->ld = layer->ld;
}

gradus_status gr_engine_initialize(gr_engine *engine, const gr_network *network, uint64_t seed,
                                   const gr_evaluation *rows, float *parameters, bool *fed,
                                   gradus_error *err) {
  const size_t widest = engine->plan.eval_ld;
  sample s = {engine, network, seed,      (size_t)rows->n, engine->plan.ld_input,
              NULL,   NULL,    parameters};
  size_t n;
  float *buffer[2] = {NULL, NULL};
  const unsigned environment = engine->kernels->environment_enter();
  if (gr_multiply(s.n, widest, &n))
    for (int i = 0; i < 2; i++) buffer[i] = gr_calloc_aligned(n, sizeof(float));
  s.from = buffer[0];
  s.to = buffer[1];
  gradus_status status = GRADUS_OK;
  *fed = true;
  if (!s.from || !s.to) {
    status = gr_fail_memory(err, "the sample that weights begin with");
  } else {
    gr_engine_bind_inputs(engine, rows->rows);
    *fed = gather(&s, rows);
    gr_front_evaluation(engine, engine->plan.parameters, s.n, s.from);
    for (uint32_t l = 0; l < network->n_layers && *fed; l++) {
      fit_layer(&s, l);
      if (l + 1 < network->n_layers) pass_layer(&s, l);
    }
    gr_engine_load(engine, parameters, NULL);
  }
  for (int i = 0; i < 2; i++) gr_free_aligned(buffer[i]);
  engine->kernels->environment_leave(environment);
  return status;
}
