/* Recipes, data and runs for the tests of the engine. All numbers come from integers by exact
 * operations, so that every machine makes the same ones. */
#include <config.h>

#include <fenv.h>
#include <math.h>
#include <string.h>

#include "exec_tests.h"
#include "plan/lanes.h"

size_t recipe_layers(const recipe *r) {
  size_t n = 0;
  while (r->width[n + 1]) n++;
  return n;
}

uint64_t recipe_lane_rows(const recipe *r) {
  return r->lane_rows ? r->lane_rows : gr_lane_rows_auto(r->batch);
}

int recipe_has_classes(const recipe *r) {
  const gr_loss_targets targets = gr_losses[r->loss].targets;
  return targets == GR_TARGETS_CLASSES || (targets == GR_TARGETS_BOTH && r->output == GR_SIGMOID);
}

bool recipe_allows(gr_loss loss, gr_activation output) {
  switch (gr_losses[loss].output) {
    case GR_OUTPUT_PROBABILITY:
      return output == GR_SOFTMAX || output == GR_SIGMOID;
    case GR_OUTPUT_EXPONENTIAL:
      return output == GR_EXPONENTIAL;
    case GR_OUTPUT_IDENTITY:
      return output == GR_IDENTITY;
    case GR_OUTPUT_ANY:
      break;
  }
  return output != GR_SOFTMAX;
}

gr_config make_config(const recipe *r) {
  gr_config c = {0};
  const size_t n = recipe_layers(r);
  c.network.inputs = r->width[0];
  c.network.outputs = r->width[n];
  c.network.n_hidden = (uint32_t)n - 1;
  memcpy(c.network.hidden, r->width + 1, (n - 1) * sizeof r->width[0]);
  c.network.activation = (int)r->hidden;
  gradus_error error;
  if (r->layers) GR_CHECK_OK(gr_config_set(&c, "network.hidden", r->layers, NULL, &error), &error);
  c.network.output_activation = (int)r->output;
  c.training.loss = (int)r->loss;
  c.training.accumulate = r->accumulate ? (int64_t)r->accumulate : 1;
  c.training.batch_size = (int64_t)r->batch / c.training.accumulate;
  c.training.lane_rows = (int64_t)recipe_lane_rows(r);
  c.optimizer.name = (int)r->optimizer;
  c.optimizer.momentum = 0.9;
  c.optimizer.beta1 = 0.9;
  c.optimizer.beta2 = 0.999;
  c.optimizer.epsilon = 1e-8;
  c.optimizer.weight_decay = r->decay;
  c.optimizer.tolerance = 1e-6;
  c.network.dropout = r->dropout;
  c.network.normalization = (int)r->normalization;
  c.network.input_dropout = r->input_dropout;
  c.training.seed = 12345678901;
  c.training.label_smoothing = r->smoothing;
  c.training.focal_gamma = 1.5;
  c.training.huber_delta = 0.5;
  c.training.tweedie_power = 1.3;
  c.training.n_quantiles = 2;
  c.training.quantiles[0] = 0.25;
  c.training.quantiles[1] = 0.9;
  c.optimizer.l1 = r->l1;
  c.average.name = r->average;
  c.average.decay = 0.6;
  c.optimizer.clip_norm = r->clip_norm;
  c.optimizer.clip_value = r->clip_value;
  c.optimizer.max_norm = r->max_norm;
  c.network.parametrization = r->ntk ? GR_PARAMETRIZATION_NTK : GR_PARAMETRIZATION_STANDARD;
  c.optimizer.bias_rate = r->bias_rate > 0 ? r->bias_rate : 1;
  c.optimizer.first_layer_rate = r->first_layer_rate > 0 ? r->first_layer_rate : 1;
  return c;
}

gr_network make_network(const recipe *r) {
  const gr_config config = make_config(r);
  gr_network network = {0};
  gradus_error error;
  GR_CHECK_OK(gr_network_make(&config, &network, &error), &error);
  return network;
}

/* Bytes or floats, and what turns them into inputs: z-scores of a kind, rounded to float as the
 * kernels take them. */
static void make_inputs(const recipe *r, gr_test_stream *s, data *d) {
  const size_t n_in = r->width[0], n = r->rows * n_in;
  double *shift = gr_test_array(n_in, sizeof(double)),
         *factor = gr_test_array(n_in, sizeof(double));
  unsigned char *bytes = gr_test_array(n, 1);
  float *floats = gr_test_floats(n);
  d->x = gr_test_floats(n);
  for (size_t j = 0; j < n_in; j++) {
    shift[j] = r->type == GR_U8 ? 0 : (double)gr_test_unit(s);
    factor[j] = r->type == GR_U8 ? 1 / 255.0 : 1 + 0.5 * (double)gr_test_unit(s);
  }
  for (size_t i = 0; i < n; i++) {
    bytes[i] = (unsigned char)(gr_test_next(s) >> 32);
    floats[i] = r->type == GR_U8 ? (float)bytes[i] : gr_test_unit(s);
    d->x[i] = (floats[i] - (float)shift[i % n_in]) * (float)factor[i % n_in];
  }
  d->rows.x = r->type == GR_U8 ? (const void *)bytes : (const void *)floats;
  d->rows.x_type = r->type;
  d->rows.shift = shift;
  d->rows.factor = factor;
}

data make_data(const recipe *r, uint64_t seed) {
  gr_test_stream s = {seed};
  data d = {.rows = {.n_rows = r->rows}};
  make_inputs(r, &s, &d);
  const size_t n_out = r->width[recipe_layers(r)];
  int32_t *classes = gr_test_array(r->rows, sizeof *classes);
  float *targets = gr_test_floats(r->rows * n_out), *weight = gr_test_floats(r->rows);
  for (size_t i = 0; i < r->rows; i++) {
    classes[i] = (int32_t)gr_test_between(&s, 0, n_out == 1 ? 1 : n_out - 1);
    weight[i] = (float)gr_test_between(&s, 0, 12) / 8; /* zero is a weight, too */
  }
  gr_test_fill(&s, targets, r->rows * n_out, 0.75f);
  for (size_t i = 0; r->output == GR_EXPONENTIAL && i < r->rows * n_out; i++)
    targets[i] = fabsf(targets[i]) + 0.0625f;
  d.rows.class_index = recipe_has_classes(r) ? classes : NULL;
  d.rows.targets = recipe_has_classes(r) ? NULL : targets;
  d.rows.weight = r->weighted ? weight : NULL;
  return d;
}

float *make_parameters(const gr_network *network, uint64_t seed) {
  gr_test_stream s = {seed};
  float *parameters = gr_test_floats(network->n_parameters);
  for (uint32_t l = 0; l < network->n_layers; l++) {
    const gr_layer *layer = &network->layer[l];
    gr_test_fill(&s, parameters + layer->weights, (size_t)layer->n_in * layer->n_out,
                 2 / sqrtf((float)layer->n_in));
    gr_test_fill(&s, parameters + layer->bias, (size_t)layer->n_out * gr_layer_vectors(layer),
                 0.5f);
    for (size_t o = 0; gr_layer_vectors(layer) > 1 && o < layer->n_out; o++)
      parameters[layer->bias + layer->n_out + o] += 1; /* gains */
    for (size_t o = 0; gr_layer_vectors(layer) > 3 && o < layer->n_out; o++)
      parameters[layer->bias + 4 * (size_t)layer->n_out + o] += 1; /* variances */
  }
  return parameters;
}

gr_engine *make_engine(const recipe *r, workers w, const float *parameters) {
  const gr_config config = make_config(r);
  const gr_network network = make_network(r);
  const gr_engine_resources resources = {
      .threads = w.threads, .isa = w.isa, .strategy = w.strategy};
  gr_engine *engine = NULL;
  gradus_error error;
  GR_CHECK_OK(gr_engine_create(&network, &config, &resources, false, &engine, &error), &error);
  if (engine) gr_engine_load(engine, parameters, NULL);
  return engine;
}

gr_row_order batch_order(const recipe *r, int step, uint64_t *start, uint64_t *n) {
  const uint64_t per_epoch = (r->rows + r->batch - 1) / r->batch, i = (uint64_t)step;
  *start = i % per_epoch * r->batch;
  *n = r->rows - *start < r->batch ? r->rows - *start : r->batch;
  return (gr_row_order){.permutation = gr_permutation_make(7, i / per_epoch, r->rows)};
}

double step_rate(const recipe *r, int step) {
  return r->learning_rate * (1 - step / 64.0);
}

gr_course recipe_course(const recipe *r, int step) {
  const double part = r->courses ? (MAX_STEPS - step) / (double)MAX_STEPS : 1;
  return (gr_course){.dropout = part, .weight_decay = part * part};
}

static double run_rate(void *user, uint64_t step) {
  return step_rate(user, (int)step);
}

static gr_course run_course(void *user, uint64_t step) {
  return recipe_course(user, (int)step);
}

/* Rows [start, start + n) of an order. */
static void take_step(const recipe *r, const data *d, gr_engine *engine, const gr_row_order *order,
                      uint64_t start, uint64_t n, int step, gr_step_result *result) {
  recipe copy = *r;
  const gr_run run = {.rows = &d->rows,
                      .order = order,
                      .start = start,
                      .end = start + n,
                      .step = (uint64_t)step,
                      .n_steps = 1,
                      .learning_rate = run_rate,
                      .course = run_course,
                      .user = &copy};
  if (r->courses)
    gr_engine_run(engine, &run, result);
  else
    gr_engine_step(engine, &d->rows, order, start, n, (uint64_t)step, step_rate(r, step), result);
}

/* The steps, each called in the caller's rounding mode, which must be found again. */
static void run_steps(const recipe *r, const data *d, int mode, gr_engine *engine, outcome *o) {
  for (int step = 0; step < r->steps; step++) {
    uint64_t start, rows;
    const gr_row_order order = batch_order(r, step, &start, &rows);
    gr_step_result result;
    fesetround(mode);
    take_step(r, d, engine, &order, start, rows, step, &result);
    const int after = fegetround();
    fesetround(FE_TONEAREST);
    GR_CHECK(after == mode, "rounding mode %x has become %x", (unsigned)mode, (unsigned)after);
    GR_CHECK(result.finite, "step %d is not finite", step);
    o->loss[step] = result.loss;
    o->norm[step] = result.gradient_norm;
  }
}

outcome run_recipe_rounding(const recipe *r, const data *d, workers w, int mode) {
  const gr_network network = make_network(r);
  const size_t n = network.n_parameters, n_outputs = r->rows * r->width[recipe_layers(r)];
  outcome o = {.parameters = gr_test_floats(n), .outputs = gr_test_floats(n_outputs)};
  for (int k = 0; k < GR_MAX_MOMENTS; k++) o.moment[k] = gr_test_floats(n);
  gr_engine *engine = make_engine(r, w, make_parameters(&network, 3));
  if (!engine) return o;
  run_steps(r, d, mode, engine, &o);
  gr_engine_store(engine, o.parameters, o.moment);
  gradus_error error;
  const gr_evaluation evaluation = {.rows = &d->rows, .n = r->rows, .outputs = o.outputs};
  bool fed;
  fesetround(mode);
  const gradus_status status = gr_engine_evaluate(engine, &evaluation, &o.totals, &fed, &error);
  CU_ASSERT_EQUAL(fegetround(), mode);
  fesetround(FE_TONEAREST);
  GR_CHECK_OK(status, &error);
  gr_engine_destroy(engine);
  gr_parameters_digest(o.parameters, n, o.digest);
  gr_parameters_digest(o.outputs, n_outputs, o.output_digest);
  return o;
}

outcome run_recipe(const recipe *r, const data *d, workers w) {
  return run_recipe_rounding(r, d, w, FE_TONEAREST);
}

int same_outcome(const recipe *r, const outcome *a, const outcome *b) {
  const gr_network network = make_network(r);
  const size_t n = network.n_parameters, n_outputs = r->rows * r->width[recipe_layers(r)];
  for (int k = 0; k < GR_MAX_MOMENTS; k++)
    if (memcmp(a->moment[k], b->moment[k], n * sizeof(float)) != 0) return 0;
  return memcmp(a->parameters, b->parameters, n * sizeof(float)) == 0 &&
         memcmp(a->loss, b->loss, sizeof a->loss) == 0 &&
         memcmp(a->norm, b->norm, sizeof a->norm) == 0 &&
         memcmp(&a->totals, &b->totals, sizeof a->totals) == 0 &&
         memcmp(a->outputs, b->outputs, n_outputs * sizeof(float)) == 0;
}
