/* The engine against the reference trainer: 20 steps, every weight, moment and loss bit for bit;
 * 7 of each loss with each output, unless GRADUS_TEST_ALL is set. */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "exec_tests.h"
#include "reference/reference.h"

static const ref_activation activation_of[GR_N_ACTIVATIONS] = {[GR_IDENTITY] = REF_IDENTITY,
                                                               [GR_SIGMOID] = REF_SIGMOID,
                                                               [GR_TANH] = REF_TANH,
                                                               [GR_RELU] = REF_RELU,
                                                               [GR_SOFTMAX] = REF_SOFTMAX,
                                                               [GR_LEAKY_RELU] = REF_LEAKY_RELU,
                                                               [GR_ELU] = REF_ELU,
                                                               [GR_SELU] = REF_SELU,
                                                               [GR_GELU] = REF_GELU,
                                                               [GR_GELU_TANH] = REF_GELU_TANH,
                                                               [GR_SILU] = REF_SILU,
                                                               [GR_MISH] = REF_MISH,
                                                               [GR_SOFTPLUS] = REF_SOFTPLUS,
                                                               [GR_SOFTSIGN] = REF_SOFTSIGN,
                                                               [GR_HARD_SIGMOID] = REF_HARD_SIGMOID,
                                                               [GR_HARD_TANH] = REF_HARD_TANH,
                                                               [GR_EXPONENTIAL] = REF_EXPONENTIAL};
static const ref_normalization normalization_of[GR_N_NORMALIZATIONS] = {
    [GR_NORMALIZATION_NONE] = REF_PLAIN,
    [GR_NORMALIZATION_LAYER] = REF_LAYER_NORM,
    [GR_NORMALIZATION_BATCH] = REF_BATCH_NORM};
static const ref_loss loss_of[GR_N_LOSSES] = {[GR_QUADRATIC] = REF_QUADRATIC,
                                              [GR_CROSS_ENTROPY] = REF_CROSS_ENTROPY,
                                              [GR_MSE] = REF_MSE,
                                              [GR_MAE] = REF_MAE,
                                              [GR_HUBER] = REF_HUBER,
                                              [GR_LOG_COSH] = REF_LOG_COSH,
                                              [GR_QUANTILE] = REF_QUANTILE,
                                              [GR_POISSON] = REF_POISSON,
                                              [GR_GAMMA] = REF_GAMMA,
                                              [GR_TWEEDIE] = REF_TWEEDIE,
                                              [GR_FOCAL] = REF_FOCAL,
                                              [GR_HINGE] = REF_HINGE,
                                              [GR_SQUARED_HINGE] = REF_SQUARED_HINGE};
static const ref_optimizer optimizer_of[GR_N_OPTIMIZERS] = {
    [GR_SGD] = REF_SGD,           [GR_MOMENTUM] = REF_MOMENTUM,
    [GR_NESTEROV] = REF_NESTEROV, [GR_ADAM] = REF_ADAM,
    [GR_ADAMW] = REF_ADAMW,       [GR_ADAGRAD] = REF_ADAGRAD,
    [GR_RMSPROP] = REF_RMSPROP,   [GR_RMSPROP_MOMENTUM] = REF_RMSPROP_MOMENTUM,
    [GR_ADADELTA] = REF_ADADELTA, [GR_NADAM] = REF_NADAM,
    [GR_LION] = REF_LION,         [GR_LAMB] = REF_LAMB,
    [GR_RPROP] = REF_RPROP};

static ref_recipe reference_of(const recipe *r) {
  const gr_config c = make_config(r);
  ref_recipe ref = {.n_layers = recipe_layers(r),
                    .loss = loss_of[r->loss],
                    .parameter = r->loss == GR_HUBER     ? (float)c.training.huber_delta
                                 : r->loss == GR_TWEEDIE ? (float)c.training.tweedie_power
                                                         : (float)c.training.focal_gamma,
                    .smoothing = r->loss == GR_CROSS_ENTROPY ? (float)r->smoothing : 0,
                    .n_levels = r->loss == GR_QUANTILE ? c.training.n_quantiles : 0,
                    .levels = {(float)c.training.quantiles[0], (float)c.training.quantiles[1]},
                    .input_dropout = (unsigned)(r->input_dropout * 65536 + 0.5),
                    .seed = c.training.seed,
                    .optimizer = optimizer_of[r->optimizer],
                    .lane_rows = recipe_lane_rows(r),
                    .momentum = c.optimizer.momentum,
                    .beta1 = c.optimizer.beta1,
                    .beta2 = c.optimizer.beta2,
                    .epsilon = c.optimizer.epsilon,
                    .weight_decay = c.optimizer.weight_decay,
                    .l1 = c.optimizer.l1,
                    .clip_norm = c.optimizer.clip_norm,
                    .clip_value = c.optimizer.clip_value,
                    .max_norm = c.optimizer.max_norm,
                    .ntk = c.network.parametrization == GR_PARAMETRIZATION_NTK,
                    .bias_rate = c.optimizer.bias_rate,
                    .first_layer_rate = c.optimizer.first_layer_rate,
                    .dropout_part = 1,
                    .decay_part = 1,
                    .scale_rate = r->scale_rate};
  for (size_t l = 0; l <= ref.n_layers; l++) ref.width[l] = r->width[l];
  for (uint32_t l = 0; l + 1 < ref.n_layers; l++) {
    ref.activation[l] = activation_of[gr_config_activation(&c, l)];
    ref.normalization[l] = normalization_of[gr_config_normalization(&c, l)];
    ref.dropout[l] = (unsigned)(gr_config_dropout(&c, l) * 65536 + 0.5);
  }
  ref.activation[ref.n_layers - 1] = activation_of[r->output];
  return ref;
}

static ref_sample sample_of(const recipe *r, const data *d, uint64_t row) {
  return (ref_sample){
      .x = d->x + row * r->width[0],
      .y = d->rows.targets ? d->rows.targets + row * r->width[recipe_layers(r)] : NULL,
      .label = d->rows.class_index ? d->rows.class_index[row] : -1,
      .weight = d->rows.weight ? d->rows.weight[row] : 1};
}

/* The outcome of the same steps by the reference trainer, without totals. */
static outcome run_reference(const recipe *r, const data *d) {
  ref_recipe ref = reference_of(r);
  const gr_network network = make_network(r);
  const size_t n = network.n_parameters, n_out = r->width[ref.n_layers];
  outcome o = {.parameters = make_parameters(&network, 3),
               .moment = {gr_test_floats(n), gr_test_floats(n)},
               .outputs = gr_test_floats(r->rows * n_out)};
  ref_state state = {o.parameters, o.moment[0], o.moment[1], 0, 0};
  ref_sample *sample = gr_test_array(r->batch, sizeof *sample);
  for (int step = 0; step < r->steps; step++) {
    uint64_t start, rows;
    const gr_row_order order = batch_order(r, step, &start, &rows);
    for (uint64_t i = 0; i < rows; i++)
      sample[i] = sample_of(r, d, gr_permutation_at(&order.permutation, start + i));
    const gr_course course = recipe_course(r, step);
    ref.dropout_part = course.dropout;
    ref.decay_part = course.weight_decay;
    o.loss[step] = ref_step(&ref, &state, sample, rows, (unsigned long)step, step_rate(r, step));
  }
  for (uint64_t i = 0; i < r->rows; i++) {
    const ref_sample s = sample_of(r, d, i);
    ref_evaluate(&ref, o.parameters, &s, o.outputs + i * n_out);
  }
  return o;
}

static void check_recipe(const recipe *r, const char *name) {
  const gr_network network = make_network(r);
  const size_t n = network.n_parameters, n_outputs = r->rows * r->width[recipe_layers(r)];
  const data d = make_data(r, gr_test_seed());
  const outcome wanted = run_reference(r, &d);
  const outcome got = run_recipe(r, &d, (workers){2, GR_AUTO, GR_AUTO});
  const size_t w = gr_test_difference(got.parameters, wanted.parameters, n);
  GR_CHECK(w == n, "%s: parameter %zu of %zu is %a, wanted %a", name, w, n,
           (double)got.parameters[w < n ? w : 0], (double)wanted.parameters[w < n ? w : 0]);
  for (int k = 0; k < gr_optimizers[r->optimizer].moments; k++)
    GR_CHECK(gr_test_difference(got.moment[k], wanted.moment[k], n) == n, "%s: moment %d", name, k);
  for (int step = 0; step < r->steps; step++)
    GR_CHECK(memcmp(&got.loss[step], &wanted.loss[step], sizeof(double)) == 0,
             "%s: loss of step %d is %.17g, wanted %.17g", name, step, got.loss[step],
             wanted.loss[step]);
  GR_CHECK(gr_test_difference(got.outputs, wanted.outputs, n_outputs) == n_outputs, "%s: outputs",
           name);
  gr_test_release();
}

/* Odd widths, short last batches (rows are no multiple of batch), one lane and many. */
static void odd_shapes_match_the_reference(void) {
  static const recipe shapes[] = {
      {.width = {5, 7, 3}, .hidden = GR_SIGMOID, .output = GR_SIGMOID, .batch = 10, .rows = 43},
      {.width = {20, 33, 17, 4},
       .hidden = GR_TANH,
       .output = GR_SOFTMAX,
       .loss = GR_CROSS_ENTROPY,
       .batch = 97,
       .rows = 250},
      {.width = {784, 30, 10},
       .hidden = GR_SIGMOID,
       .output = GR_SIGMOID,
       .batch = 10,
       .rows = 64,
       .type = GR_U8},
      {.width = {30, 50, 50, 1},
       .hidden = GR_RELU,
       .output = GR_SIGMOID,
       .loss = GR_CROSS_ENTROPY,
       .batch = 100,
       .rows = 260},
      {.width = {9, 1}, .hidden = GR_SIGMOID, .output = GR_IDENTITY, .batch = 128, .rows = 300},
      {.width = {6, 17, 2}, .hidden = GR_RELU, .output = GR_TANH, .batch = 200, .rows = 530},
      {.width = {4, 16, 3}, .hidden = GR_RELU, .output = GR_RELU, .batch = 1024, .rows = 1500},
      {.width = {3, 1, 2},
       .hidden = GR_IDENTITY,
       .output = GR_SOFTMAX,
       .loss = GR_CROSS_ENTROPY,
       .batch = 1,
       .rows = 7},
      {.width = {12, 100, 17},
       .hidden = GR_TANH,
       .output = GR_IDENTITY,
       .batch = 64,
       .rows = 150,
       .lane_rows = 5},
  };
  for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
    recipe r = shapes[i];
    char name[40];
    snprintf(name, sizeof name, "shape %zu", i);
    if (r.type != GR_U8) r.type = GR_F32;
    r.steps = 20;
    r.learning_rate = r.output == GR_IDENTITY ? 0.01 : 0.3;
    check_recipe(&r, name);
  }
}

static void every_optimizer_matches_the_reference(void) {
  for (int kind = 0; kind < GR_N_OPTIMIZERS; kind++)
    for (int variant = 0; variant < 4; variant++) {
      const recipe r = {.width = {13, 21, 5},
                        .hidden = GR_TANH,
                        .output = GR_SOFTMAX,
                        .loss = GR_CROSS_ENTROPY,
                        .optimizer = (gr_optimizer)kind,
                        .batch = 100,
                        .rows = 330,
                        .steps = 20,
                        .learning_rate = kind >= GR_ADAM ? 0.01 : 0.1,
                        .decay = variant & 1 ? 0.01 : 0,
                        .weighted = variant & 2,
                        .type = GR_F32};
      check_recipe(&r, gr_optimizers[kind].name);
    }
}

/* Thresholds that some steps and elements pass and others do not; two layers wider than a tile. */
static void clipping_and_limits_match_the_reference(void) {
  static const gr_optimizer kinds[] = {GR_SGD, GR_ADAM, GR_LION, GR_LAMB};
  for (int kind = 0; kind < 4; kind++)
    for (int variant = 1; variant < 16; variant++) {
      const recipe r = {.width = {37, 50, 33, 5},
                        .hidden = GR_TANH,
                        .output = GR_SOFTMAX,
                        .loss = GR_CROSS_ENTROPY,
                        .optimizer = kinds[kind],
                        .batch = 100,
                        .rows = 330,
                        .steps = 8,
                        .learning_rate = kind ? 0.01 : 0.3,
                        .decay = 0.01,
                        .l1 = variant & 1 ? 0.003 : 0,
                        .clip_norm = variant & 2 ? 0.7 : 0,
                        .clip_value = variant & 4 ? 0.02 : 0,
                        .max_norm = variant & 8 ? 1.6 : 0,
                        .type = GR_F32};
      check_recipe(&r, gr_optimizers[kinds[kind]].name);
    }
}

/* Matrices that are multiples of what is trained, learning rates of their own, and courses of
 * dropout and weight decay: every optimiser that they are defined for, with what comes before it.
 */
static void groups_and_courses_match_the_reference(void) {
  for (int kind = 0; kind < GR_N_OPTIMIZERS; kind++)
    for (int variant = 0; variant < 4; variant++) {
      const gr_scope scope = gr_optimizers[kind].scope;
      const recipe r = {.width = {13, 35, 21, 5},
                        .layers = variant & 1 ? "35:gelu,21" : "35:layer-norm,21",
                        .hidden = GR_TANH,
                        .output = GR_SOFTMAX,
                        .loss = GR_CROSS_ENTROPY,
                        .optimizer = (gr_optimizer)kind,
                        .batch = 100,
                        .rows = 330,
                        .steps = 8,
                        .learning_rate = kind >= GR_ADAM ? 0.02 : 0.3,
                        .decay = 0.01,
                        .l1 = variant & 1 ? 0 : 0.001,
                        .clip_value = variant & 1 ? 0 : 0.02,
                        .clip_norm = variant & 2 ? 0.5 : 0,
                        .max_norm = variant == 3 ? 1.6 : 0,
                        .dropout = variant & 1 ? 0.3 : 0,
                        .input_dropout = variant & 1 ? 0.1 : 0,
                        .ntk = scope == GR_SCOPE_WEIGHT && variant != 1,
                        .bias_rate = 0.1,
                        .first_layer_rate = 1.5,
                        .courses = true,
                        .type = GR_F32};
      if (scope != GR_SCOPE_RUN) check_recipe(&r, gr_optimizers[kind].name);
    }
}

static void every_activation_matches_the_reference(void) {
  for (int h = 0; h < GR_N_ACTIVATIONS; h++)
    for (int dropout = 0; dropout < 2 && gr_activations[h].hidden; dropout++) {
      const recipe r = {.width = {8, 35, 22, 4},
                        .hidden = (gr_activation)h,
                        .output = GR_SOFTMAX,
                        .loss = GR_CROSS_ENTROPY,
                        .batch = 50,
                        .rows = 120,
                        .steps = 20,
                        .learning_rate = 0.1,
                        .weighted = h % 2,
                        .type = GR_F32,
                        .dropout = dropout ? 0.3 : 0,
                        .input_dropout = dropout ? 0.1 : 0};
      check_recipe(&r, gr_activations[h].name);
    }
}

/* Layers that keep a slope beside layers that do not. */
static void layers_of_their_own_match_the_reference(void) {
  static const char *const layers[] = {"35:gelu,22:0.3,17:silu:0.2,9", "35:0.5,22,17:elu,9:mish"};
  for (int i = 0; i < 2; i++) {
    const recipe r = {.width = {8, 35, 22, 17, 9, 4},
                      .layers = layers[i],
                      .hidden = GR_TANH,
                      .output = GR_SOFTMAX,
                      .loss = GR_CROSS_ENTROPY,
                      .batch = 100,
                      .rows = 260,
                      .steps = 20,
                      .learning_rate = 0.1,
                      .type = GR_F32,
                      .dropout = i ? 0.25 : 0};
    check_recipe(&r, layers[i]);
  }
}

/* Widths of one panel and many, whole and broken; a single neuron, whose deviation is 0; slopes
 * kept and not; a last batch of one row; norms that clip, and an optimiser with moments. */
static void normalization_matches_the_reference(void) {
  for (int variant = 0; variant < 12; variant++) {
    static const char *const layers[] = {"35:tanh:0.3,64,1:none,9", "35,64:gelu,1,9:none:0.2",
                                         "35:batch-norm,64:layer-norm:silu,1:none,9:batch-norm"};
    const int k = variant % 6;
    const gr_normalization kind = variant < 6 ? GR_NORMALIZATION_LAYER : GR_NORMALIZATION_BATCH;
    const recipe r = {.width = {8, 35, 64, 1, 9, 4},
                      .layers = layers[variant % 3],
                      .normalization = kind,
                      .hidden = GR_RELU,
                      .output = GR_SOFTMAX,
                      .loss = GR_CROSS_ENTROPY,
                      .optimizer = k < 2 ? GR_SGD : GR_ADAMW,
                      .batch = 100,
                      .rows = k == 5 ? 201 : 263,
                      .lane_rows = variant % 2 ? 0 : 13,
                      .steps = 20,
                      .learning_rate = k < 2 ? 0.1 : 0.01,
                      .decay = 0.01,
                      .l1 = 0.001,
                      .clip_norm = k < 4 ? 0 : 0.5,
                      .weighted = k == 3,
                      .type = GR_F32};
    check_recipe(&r, layers[variant % 3]);
  }
}

/* A single layer and several, inputs of less than a panel and of many; every optimiser, some with
 * norms that clip, decay and l1 of which the factors have their part;
 * inputs that are dropped; layers that are normalised. */
static void factors_of_inputs_match_the_reference(void) {
  for (int kind = 0; kind < GR_N_OPTIMIZERS; kind++)
    for (int variant = 0; variant < 3; variant++) {
      const recipe r = {.width = {variant == 1 ? 37 : 5, variant ? 21 : 4, variant ? 4 : 0},
                        .hidden = GR_TANH,
                        .output = GR_SOFTMAX,
                        .loss = GR_CROSS_ENTROPY,
                        .optimizer = (gr_optimizer)kind,
                        .batch = 100,
                        .rows = 230,
                        .lane_rows = variant == 2 ? 13 : 0,
                        .steps = 12,
                        .learning_rate = kind >= GR_ADAM ? 0.01 : 0.1,
                        .decay = variant & 1 ? 0.01 : 0,
                        .l1 = 0.001,
                        .clip_norm = variant ? 0.4 : 0,
                        .clip_value = variant == 2 ? 0.02 : 0,
                        .max_norm = variant == 1 ? 1.6 : 0,
                        .input_dropout = kind % 3 == 1 ? 0.2 : 0,
                        .normalization = kind % 4 == 3   ? GR_NORMALIZATION_BATCH
                                         : kind % 4 == 2 ? GR_NORMALIZATION_LAYER
                                                         : GR_NORMALIZATION_NONE,
                        .weighted = variant == 0,
                        .scale_rate = variant == 2 ? 0.25 : 6,
                        .type = GR_F32};
      check_recipe(&r, gr_optimizers[kind].name);
    }
}

static void every_loss_and_output_matches_the_reference(void) {
  static const gr_activation hidden[] = {GR_IDENTITY, GR_SIGMOID, GR_TANH, GR_RELU};
  for (int output = 0; output < GR_N_ACTIVATIONS; output++)
    for (int loss = 0; loss < GR_N_LOSSES; loss++)
      for (int variant = 0; variant < 3; variant++) {
        const recipe r = {.width = {8, 15, 6, variant == 1 ? 18 : 4},
                          .hidden = hidden[(output + variant) % 4],
                          .output = (gr_activation)output,
                          .loss = (gr_loss)loss,
                          .batch = 50,
                          .rows = 120,
                          .steps = gr_test_all() ? 20 : 7, /* two epochs and one step */
                          .learning_rate = output == GR_EXPONENTIAL ? 0.001 : 0.03,
                          .weighted = variant % 2,
                          .type = GR_F32,
                          .smoothing = variant == 2 ? 0.1 : 0};
        if (recipe_allows((gr_loss)loss, (gr_activation)output))
          check_recipe(&r, gr_losses[loss].name);
      }
}

const gr_test reference_tests[] = {
    GR_TEST(odd_shapes_match_the_reference),
    GR_TEST(every_optimizer_matches_the_reference),
    GR_TEST(clipping_and_limits_match_the_reference),
    GR_TEST(groups_and_courses_match_the_reference),
    GR_TEST(every_activation_matches_the_reference),
    GR_TEST(layers_of_their_own_match_the_reference),
    GR_TEST(normalization_matches_the_reference),
    GR_TEST(factors_of_inputs_match_the_reference),
    GR_TEST(every_loss_and_output_matches_the_reference),
    GR_TEST_END,
};
