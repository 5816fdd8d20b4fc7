/* The engine's gradient against central differences of the loss in double.
 *
 * The gradient is read off one step of plain descent with the learning rate r = 2^10, exact: g = (w
 * - w') / r, where w' was rounded to u |w'|, u = 2^-24. The oracle's quotient (C(w + h) - C(w - h))
 * / 2h with h = 2^-13 errs by h^2 / 6 |C'''| and by the rounding of C, some 2^-50 (1 + C), over h.
 * C''' is not known beforehand: a second quotient with 2 h has four times its error, so three of
 * the difference of the two is 9 times the estimate. What float arithmetic adds is bounded by
 * running error analysis (support/oracle.c). */
#include <config.h>

#include <math.h>
#include <string.h>

#include "exec_tests.h"

static const double rate = 0x1p10, h = 0x1p-13;

typedef struct doubles {
  double *parameters, *x, *y, *weight;
  gr_oracle_parameters loss;
} doubles;

static double *copy_of(const float *p, size_t n) {
  double *copy = gr_test_array(n, sizeof *copy);
  for (size_t i = 0; i < n; i++) copy[i] = (double)p[i];
  return copy;
}

static doubles make_doubles(const recipe *r, const data *d, const gr_network *network,
                            const float *parameters) {
  const size_t n_out = r->width[recipe_layers(r)];
  doubles o = {copy_of(parameters, network->n_parameters), copy_of(d->x, r->rows * r->width[0]),
               gr_test_array(r->rows * n_out, sizeof(double)),
               d->rows.weight ? copy_of(d->rows.weight, r->rows) : NULL, gr_oracle_defaults};
  const gr_config c_of = make_config(r);
  o.loss =
      (gr_oracle_parameters){.parameter = r->loss == GR_HUBER     ? c_of.training.huber_delta
                                          : r->loss == GR_TWEEDIE ? c_of.training.tweedie_power
                                                                  : c_of.training.focal_gamma,
                             .smoothing = r->loss == GR_CROSS_ENTROPY ? r->smoothing : 0,
                             .n_levels = r->loss == GR_QUANTILE ? c_of.training.n_quantiles : 0,
                             .levels = {c_of.training.quantiles[0], c_of.training.quantiles[1]}};
  for (size_t i = 0; i < r->rows * n_out; i++) {
    const int32_t c = d->rows.class_index ? d->rows.class_index[i / n_out] : 0;
    o.y[i] = d->rows.targets ? (double)d->rows.targets[i] : n_out == 1 ? c : (size_t)c == i % n_out;
  }
  return o;
}

/* The loss with parameter i moved by `by`. */
static double moved_loss(const recipe *r, const gr_network *network, const doubles *o, size_t i,
                         double by) {
  const double old = o->parameters[i];
  o->parameters[i] = old + by;
  const double loss =
      gr_oracle_loss(network, o->parameters, r->rows, o->x, o->y, o->weight, &o->loss);
  o->parameters[i] = old;
  return loss;
}

static void check_gradient(const recipe *r) {
  const gr_network network = make_network(r);
  const data d = make_data(r, gr_test_seed() + 5);
  const float *before = make_parameters(&network, 11);
  const doubles o = make_doubles(r, &d, &network, before);
  const size_t n = network.n_parameters;
  const bool grows = r->normalization || (r->layers && strstr(r->layers, "residual"));
  const double limit = grows ? 2e-3 : 2e-4; /* of values, and their errors with them */
  size_t wide = 0;
  float *after = gr_test_floats(n);
  double *bound = gr_test_array(n, sizeof *bound), largest = 0;
  gr_engine *engine = make_engine(r, (workers){2, GR_AUTO, GR_AUTO}, before);
  if (!engine) return;
  const gr_row_order order = {.permutation = gr_permutation_identity(r->rows)};
  gr_step_result result;
  gr_engine_step(engine, &d.rows, &order, 0, r->rows, 0, rate, &result);
  gr_engine_store(engine, after, NULL);
  gr_engine_destroy(engine);
  const double loss = gr_oracle_loss(&network, o.parameters, r->rows, o.x, o.y, o.weight, &o.loss);
  GR_CHECK(fabs(result.loss / result.weight - loss) <= 1e-5 * (1 + loss), "mean loss %g, wanted %g",
           result.loss / result.weight, loss); /* close bounds: tests/kernel */
  gr_oracle_gradient_bound(&network, o.parameters, r->rows, o.x, o.y, o.weight, &o.loss, bound);
  for (size_t i = 0; i < n; i++) {
    const double g = ((double)before[i] - (double)after[i]) / rate;
    const double near =
        (moved_loss(r, &network, &o, i, h) - moved_loss(r, &network, &o, i, -h)) / (2 * h);
    const double far =
        (moved_loss(r, &network, &o, i, 2 * h) - moved_loss(r, &network, &o, i, -2 * h)) / (4 * h);
    const double tolerance = bound[i] + GR_ROUNDOFF * fabs((double)after[i]) / rate +
                             3 * fabs(near - far) + 0x1p-50 * (1 + loss) / h;
    GR_CHECK(fabs(g - near) <= tolerance, "%s, %s, %s: parameter %zu: %.9g, wanted %.9g +- %.1g",
             gr_activations[r->hidden].name, gr_activations[r->output].name,
             gr_losses[r->loss].name, i, g, near, tolerance);
    wide += tolerance >= limit;
    largest = fmax(largest, fabs(near));
  }
  /* Wide ones show little: where a parameter moves some z across a bend of its activation. */
  GR_CHECK(wide <= n / 8, "%s, %s, %s: %zu of %zu parameters have a wide tolerance",
           gr_activations[r->hidden].name, gr_activations[r->output].name, gr_losses[r->loss].name,
           wide, n);
  CU_ASSERT(largest > 1e-2);
  gr_test_release();
}

/* The textbook's network: sigmoid everywhere, quadratic loss. */
static void the_textbook_network_has_the_right_gradient(void) {
  const recipe r = {.width = {7, 9, 5, 3},
                    .hidden = GR_SIGMOID,
                    .output = GR_SIGMOID,
                    .batch = 10,
                    .rows = 10,
                    .type = GR_F32};
  check_gradient(&r);
}

static void every_activation_has_the_right_gradient(void) {
  for (int k = 0; k < GR_N_ACTIVATIONS; k++)
    for (int output = 0; output < 2 && gr_activations[k].hidden; output++) {
      const recipe r = {.width = {5, 17, 4, 3},
                        .hidden = (gr_activation)k,
                        .output = output ? GR_SOFTMAX : GR_IDENTITY,
                        .loss = output ? GR_CROSS_ENTROPY : GR_QUADRATIC,
                        .batch = 12,
                        .rows = 12,
                        .weighted = k % 2,
                        .type = GR_F32};
      check_gradient(&r);
    }
}

/* A sum of absolute values bends where a target is met, so that differences say little there: mae,
 * quantile and hinge are left to tests/kernel/test_loss.c, which keeps away from bends. */
static void every_loss_and_output_has_the_right_gradient(void) {
  for (int output = 0; output < GR_N_ACTIVATIONS; output++)
    for (int loss = 0; loss < GR_N_LOSSES; loss++) {
      const bool bends = loss == GR_MAE || loss == GR_QUANTILE || loss == GR_HINGE;
      const recipe r = {.width = {5, 7, 4, 3},
                        .hidden = GR_TANH,
                        .output = (gr_activation)output,
                        .loss = (gr_loss)loss,
                        .batch = 12,
                        .rows = 12,
                        .weighted = output % 2,
                        .type = GR_F32,
                        .smoothing = loss == GR_CROSS_ENTROPY && output == GR_SOFTMAX ? 0.1 : 0};
      if (!bends && recipe_allows((gr_loss)loss, (gr_activation)output)) check_gradient(&r);
    }
}

/* One normalised layer, first or last of the hidden ones: the worst that each makes of an error is
 * some hundred times it, and the bound of several says nothing (that these are right is left to the
 * reference trainer). Smooth activations: what bends is tried elsewhere. */
static void normalized_layers_have_the_right_gradient(void) {
  static const char *const layers[] = {"9", "9:silu", "9,6:none", "9:none,6", "9:identity"};
  for (int k = 0; k < 10; k++) {
    const recipe r = {
        .width = {5, 9, k / 2 == 2 || k / 2 == 3 ? 6 : 3, k / 2 == 2 || k / 2 == 3 ? 3 : 0},
        .layers = layers[k / 2],
        .normalization = GR_NORMALIZATION_LAYER,
        .hidden = GR_TANH,
        .output = k % 2 ? GR_SOFTMAX : GR_IDENTITY,
        .loss = k % 2 ? GR_CROSS_ENTROPY : GR_QUADRATIC,
        .batch = 12,
        .rows = 12,
        .weighted = k == 1,
        .type = GR_F32};
    check_gradient(&r);
  }
}

/* What normalisation of several layers makes of an error is bounded by so much that it says
 * nothing; what is found is some 30 u of the largest gradient. A formula that is wrong is so by its
 * own size, thousands of times the tolerance of 2^11 u. Central differences in double, with steps
 * of 2^-13, err by less than 1e-7 (as above). The biases of layers that the batch normalises have
 * none: they must stay. */
static void check_batch_gradient(const recipe *r) {
  const gr_network network = make_network(r);
  const data d = make_data(r, gr_test_seed() + 6);
  const float *before = make_parameters(&network, 12);
  const doubles o = make_doubles(r, &d, &network, before);
  float *after = gr_test_floats(network.n_parameters);
  double largest = 0, furthest = 0;
  gr_engine *engine = make_engine(r, (workers){2, GR_AUTO, GR_AUTO}, before);
  if (!engine) return;
  const gr_row_order order = {.permutation = gr_permutation_identity(r->rows)};
  gr_step_result result;
  gr_engine_step(engine, &d.rows, &order, 0, r->rows, 0, rate, &result);
  gr_engine_store(engine, after, NULL);
  gr_engine_destroy(engine);
  for (uint32_t l = 0; l < network.n_layers; l++) {
    const gr_layer *layer = &network.layer[l];
    const size_t trained = gr_normalizations[layer->normalization].trained;
    for (size_t i = layer->weights; i < layer->bias + trained * layer->n_out; i++) {
      const double old = o.parameters[i], g = ((double)before[i] - (double)after[i]) / rate;
      double loss[2];
      for (int side = 0; side < 2; side++) {
        o.parameters[i] = old + (side ? h : -h);
        loss[side] = gr_oracle_batch_loss(&network, o.parameters, r->rows, o.x, o.y, &o.loss);
      }
      o.parameters[i] = old;
      const double wanted = (loss[1] - loss[0]) / (2 * h);
      largest = fmax(largest, fabs(wanted));
      furthest = fmax(furthest, fabs(g - wanted) - GR_ROUNDOFF * fabs((double)after[i]) / rate);
      if (layer->normalization == GR_NORMALIZATION_BATCH && i >= layer->bias &&
          i < layer->bias + layer->n_out)
        CU_ASSERT_EQUAL(before[i], after[i]);
    }
  }
  GR_CHECK(furthest <= 0x1p11 * GR_ROUNDOFF * largest + 1e-7, "%s: %g off, the largest is %g",
           r->layers, furthest, largest);
  CU_ASSERT(largest > 1e-2);
  gr_test_release();
}

static void normalized_batches_have_the_right_gradient(void) {
  static const char *const layers[] = {"9,6", "9:none,6", "9,6:layer-norm", "9:silu,6:identity"};
  for (int k = 0; k < 8; k++) {
    const recipe r = {.width = {5, 9, 6, 3},
                      .layers = layers[k / 2],
                      .normalization = GR_NORMALIZATION_BATCH,
                      .hidden = GR_TANH,
                      .output = k % 2 ? GR_SOFTMAX : GR_IDENTITY,
                      .loss = k % 2 ? GR_CROSS_ENTROPY : GR_QUADRATIC,
                      .batch = 23,
                      .rows = 23,
                      .lane_rows = 6,
                      .type = GR_F32};
    check_batch_gradient(&r);
  }
}

/* Also alphas, which begin near 1 here and not at it. */
static void parametric_activations_have_the_right_gradient(void) {
  static const char *const layers[] = {"9:parametric,6:parametric", "9:parametric,6:selu",
                                       "9,6:mish:parametric", "9:gelu:parametric,6:batch-norm"};
  for (int k = 0; k < 8; k++) {
    const recipe r = {.width = {5, 9, 6, 3},
                      .layers = layers[k / 2],
                      .hidden = GR_TANH,
                      .output = k % 2 ? GR_SOFTMAX : GR_IDENTITY,
                      .loss = k % 2 ? GR_CROSS_ENTROPY : GR_QUADRATIC,
                      .batch = 23,
                      .rows = 23,
                      .lane_rows = 6,
                      .type = GR_F32};
    check_batch_gradient(&r);
  }
}

/* Of the factors, and of the layers behind them; a single layer, whose deltas are those of the
 * outputs, too. */
static void factors_of_inputs_have_the_right_gradient(void) {
  for (int k = 0; k < 4; k++) {
    const recipe r = {.width = {19, k & 1 ? 7 : 3, k & 1 ? 3 : 0},
                      .hidden = GR_TANH,
                      .output = k & 2 ? GR_SOFTMAX : GR_IDENTITY,
                      .loss = k & 2 ? GR_CROSS_ENTROPY : GR_QUADRATIC,
                      .batch = 12,
                      .rows = 12,
                      .weighted = k == 3,
                      .scale_rate = 1,
                      .type = GR_F32};
    check_gradient(&r);
  }
}

static void many_lanes_have_the_right_gradient(void) {
  const recipe r = {.width = {3, 5, 2},
                    .hidden = GR_TANH,
                    .output = GR_SOFTMAX,
                    .loss = GR_CROSS_ENTROPY,
                    .batch = 200,
                    .rows = 200,
                    .type = GR_U8};
  check_gradient(&r);
}

/* Of the inputs; a block; layers that add and are added, one of them twice. Smooth activations. */
static void residuals_have_the_right_gradient(void) {
  static const char *const layers[] = {"6:residual=1,6", "6:silu,6:identity:residual=2",
                                       "6:residual=1,6:residual=1,6:identity:residual=3",
                                       "6,6:residual=1,6:gelu:residual=2"};
  for (int k = 0; k < 8; k++) {
    const recipe r = {.width = {6, 6, 6, k < 4 ? 3 : 6, k < 4 ? 0 : 3},
                      .layers = layers[k / 2],
                      .hidden = GR_TANH,
                      .output = k % 2 ? GR_SOFTMAX : GR_IDENTITY,
                      .loss = k % 2 ? GR_CROSS_ENTROPY : GR_QUADRATIC,
                      .batch = 12,
                      .rows = 12,
                      .weighted = k == 3,
                      .type = GR_F32};
    check_gradient(&r);
  }
}

static void residuals_of_normalized_batches_have_the_right_gradient(void) {
  static const char *const layers[] = {"6,6:residual=1", "6:residual=1,6:identity:residual=2",
                                       "6:layer-norm,6:layer-norm:residual=1"};
  for (int k = 0; k < 6; k++) {
    const recipe r = {.width = {6, 6, 6, 3},
                      .layers = layers[k / 2],
                      .normalization = GR_NORMALIZATION_BATCH,
                      .hidden = GR_TANH,
                      .output = k % 2 ? GR_SOFTMAX : GR_IDENTITY,
                      .loss = k % 2 ? GR_CROSS_ENTROPY : GR_QUADRATIC,
                      .batch = 23,
                      .rows = 23,
                      .lane_rows = 6,
                      .type = GR_F32};
    check_batch_gradient(&r);
  }
}

const gr_test gradient_tests[] = {
    GR_TEST(the_textbook_network_has_the_right_gradient),
    GR_TEST(every_activation_has_the_right_gradient),
    GR_TEST(every_loss_and_output_has_the_right_gradient),
    GR_TEST(normalized_layers_have_the_right_gradient),
    GR_TEST(normalized_batches_have_the_right_gradient),
    GR_TEST(parametric_activations_have_the_right_gradient),
    GR_TEST(residuals_have_the_right_gradient),
    GR_TEST(residuals_of_normalized_batches_have_the_right_gradient),
    GR_TEST(factors_of_inputs_have_the_right_gradient),
    GR_TEST(many_lanes_have_the_right_gradient),
    GR_TEST_END,
};
