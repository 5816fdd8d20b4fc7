/* What is not finite is found, named, and changes nothing; and small batches are batches too. */
#include <config.h>

#include <math.h>
#include <string.h>

#include "exec_tests.h"

static const recipe net = {.width = {6, 20, 18, 3},
                           .hidden = GR_RELU,
                           .output = GR_SOFTMAX,
                           .loss = GR_CROSS_ENTROPY,
                           .optimizer = GR_ADAM,
                           .batch = 100,
                           .rows = 150,
                           .learning_rate = 0.01,
                           .type = GR_F32};

/* One step in the rows' own order from the given parameters and zero moments. */
static gr_step_result one_step(const recipe *r, const data *d, const float *parameters, workers w,
                               uint64_t start, uint64_t n, float *after, float *const moment[]) {
  gr_step_result result = {0};
  gr_engine *engine = make_engine(r, w, parameters);
  if (!engine) return result;
  const gr_row_order order = {.permutation = gr_permutation_identity(r->rows)};
  gr_engine_step(engine, &d->rows, &order, start, n, 0, r->learning_rate, &result);
  gr_engine_store(engine, after, moment);
  gr_engine_destroy(engine);
  return result;
}

static const workers teams[] = {{1, GR_AUTO, GR_STRATEGY_TILES},
                                {3, GR_AUTO, GR_STRATEGY_TILES},
                                {2, GR_AUTO, GR_STRATEGY_LANES}};

/* The step says layer and row, and no parameter or moment moved. */
static void check_refused(const recipe *r, const data *d, const float *parameters, int layer,
                          uint64_t row, const char *what) {
  const gr_network network = make_network(r);
  const size_t n = network.n_parameters;
  for (int i = 0; i < 3; i++) {
    float *after = gr_test_floats(n), *const moment[GR_MAX_MOMENTS] = {gr_test_floats(n),
                                                                       gr_test_floats(n)};
    float *zeros = gr_test_floats(n);
    const gr_step_result got = one_step(r, d, parameters, teams[i], 0, r->batch, after, moment);
    GR_CHECK(!got.finite, "%s is taken for finite", what);
    GR_CHECK(got.bad_layer == layer && got.bad_row == row,
             "%s: layer %d, row %llu; wanted %d, %llu", what, got.bad_layer,
             (unsigned long long)got.bad_row, layer, (unsigned long long)row);
    GR_CHECK(memcmp(after, parameters, n * sizeof(float)) == 0, "%s changed parameters", what);
    GR_CHECK(memcmp(moment[0], zeros, n * sizeof(float)) == 0 &&
                 memcmp(moment[1], zeros, n * sizeof(float)) == 0,
             "%s changed moments", what);
  }
}

static void a_bad_weight_names_its_layer_and_changes_nothing(void) {
  const data d = make_data(&net, gr_test_seed());
  const gr_network network = make_network(&net);
  for (uint32_t l = 0; l < network.n_layers; l++)
    for (int k = 0; k < 2; k++) {
      float *parameters = make_parameters(&network, 3);
      parameters[network.layer[l].bias + 1] = k ? NAN : INFINITY;
      check_refused(&net, &d, parameters, (int)l + 1, 0, k ? "a NaN bias" : "an infinite bias");
    }
  gr_test_release();
}

/* `net`, with factors of its inputs. */
static recipe scaled_net(void) {
  recipe r = net;
  r.scale_rate = 6;
  return r;
}

/* All rows of layer 1 have it. */
static void a_bad_factor_of_an_input_shows_in_layer_1(void) {
  const recipe r = scaled_net();
  const gr_network network = make_network(&r);
  const data d = make_data(&r, gr_test_seed());
  float *parameters = make_parameters(&network, 3);
  parameters[network.front.scale + 2] = NAN;
  check_refused(&r, &d, parameters, 1, 0, "a NaN factor");
  gr_test_release();
}

/* An input that is NaN or infinite after scaling: layer 0, and the row's number in the data set. */
static void a_bad_input_names_its_row(void) {
  for (int k = 0; k < 4; k++) {
    const recipe r = k < 2 ? net : scaled_net();
    const gr_network network = make_network(&r);
    data d = make_data(&r, gr_test_seed());
    float *x = gr_test_floats(net.rows * net.width[0]);
    memcpy(x, d.rows.x, net.rows * net.width[0] * sizeof *x);
    x[71 * net.width[0] + 5] = k % 2 ? NAN : INFINITY;
    d.rows.x = x;
    check_refused(&r, &d, make_parameters(&network, 3), 0, 71, "a bad input");
    gr_test_release();
  }
}

/* Divergence: with a learning rate of 1e30 the outputs overflow within a few steps. */
static void a_huge_learning_rate_ends_in_a_step_that_is_refused(void) {
  recipe r = {.width = {6, 20, 3},
              .hidden = GR_RELU,
              .output = GR_IDENTITY,
              .batch = 50,
              .rows = 150,
              .learning_rate = 1e30,
              .type = GR_F32};
  const data d = make_data(&r, gr_test_seed());
  const gr_network network = make_network(&r);
  const size_t n = network.n_parameters;
  float *before = gr_test_floats(n), *after = gr_test_floats(n);
  gr_engine *engine = make_engine(&r, (workers){2, GR_AUTO, GR_AUTO}, make_parameters(&network, 3));
  CU_ASSERT_PTR_NOT_NULL_FATAL(engine);
  gr_step_result result = {.finite = true};
  int step = 0;
  for (; result.finite && step < 10; step++) {
    uint64_t start, rows;
    const gr_row_order order = batch_order(&r, step, &start, &rows);
    gr_engine_store(engine, before, NULL);
    gr_engine_step(engine, &d.rows, &order, start, rows, (uint64_t)step, r.learning_rate, &result);
  }
  gr_engine_store(engine, after, NULL);
  gr_engine_destroy(engine);
  GR_CHECK(!result.finite && step > 1, "%d steps", step);
  CU_ASSERT(result.bad_layer >= -1 && result.bad_layer <= 2 && result.bad_row < r.rows);
  CU_ASSERT(memcmp(before, after, n * sizeof(float)) == 0);
  gr_test_release();
}

/* The squares of outputs beyond 2^64 overflow though every output is finite: no layer is to blame.
 */
static void a_loss_that_overflows_alone_blames_no_layer(void) {
  const recipe r = {.width = {2, 3},
                    .output = GR_IDENTITY,
                    .batch = 4,
                    .rows = 4,
                    .learning_rate = 0.1,
                    .type = GR_F32};
  const data d = make_data(&r, gr_test_seed());
  const gr_network network = make_network(&r);
  float *parameters = make_parameters(&network, 3), *after = gr_test_floats(network.n_parameters);
  parameters[network.layer[0].bias] = 1e30f;
  const gr_step_result got = one_step(&r, &d, parameters, teams[0], 0, 4, after, NULL);
  CU_ASSERT(!got.finite);
  CU_ASSERT_EQUAL(got.bad_layer, -1);
  gr_test_release();
}

/* 1e25 times a weight of 1e-25 is an output of 1 and a loss of 0.5 or less; but the gradient is of
 * the size of 1e25, and its square overflows. */
static void a_gradient_whose_norm_overflows_changes_nothing(void) {
  static const double zero = 0, one = 1;
  static float x[2] = {1e25f, 1e25f}, y[2] = {0, 0}, parameters[2] = {1e-25f, 0};
  const gr_rows rows = {
      .n_rows = 2, .x = x, .x_type = GR_F32, .shift = &zero, .factor = &one, .targets = y};
  const data d = {.rows = rows, .x = x};
  for (int clips = 0; clips < 2; clips++)
    for (int t = 0; t < 3; t++) {
      const recipe r = {.width = {1, 1},
                        .output = GR_IDENTITY,
                        .batch = 2,
                        .rows = 2,
                        .learning_rate = 1e-30,
                        .clip_norm = clips,
                        .lane_rows = 1};
      float after[2];
      const gr_step_result got = one_step(&r, &d, parameters, teams[t], 0, 2, after, NULL);
      CU_ASSERT(isfinite(got.loss) && got.finite == !clips);
      CU_ASSERT(clips ? isinf(got.gradient_norm) : isnan(got.gradient_norm));
      CU_ASSERT((memcmp(after, parameters, sizeof after) == 0) == clips);
    }
}

/* A batch of n < batch_size rows is the batch of an engine whose batch size is n, if lanes agree.
 */
static void short_batches_are_the_steps_of_smaller_engines(void) {
  static const uint64_t lengths[] = {1, 2, 15, 49, 50, 51, 99};
  recipe whole = net;
  whole.lane_rows = 50;
  const data d = make_data(&whole, gr_test_seed());
  const gr_network network = make_network(&whole);
  const size_t n = network.n_parameters;
  const float *parameters = make_parameters(&network, 3);
  for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++)
    for (int t = 0; t < 3; t++) {
      recipe small = whole;
      small.batch = lengths[i];
      float *a = gr_test_floats(n), *b = gr_test_floats(n);
      const gr_step_result x = one_step(&whole, &d, parameters, teams[t], 50, lengths[i], a, NULL);
      const gr_step_result y = one_step(&small, &d, parameters, teams[0], 50, lengths[i], b, NULL);
      CU_ASSERT(x.finite && x.loss == y.loss && x.weight == (double)lengths[i]);
      GR_CHECK(memcmp(a, b, n * sizeof(float)) == 0, "%llu rows, team %d",
               (unsigned long long)lengths[i], t);
      GR_CHECK(memcmp(a, parameters, n * sizeof(float)) != 0, "nothing learned");
    }
  gr_test_release();
}

/* What is loaded is what is stored, moments included, in logical order. */
static void parameters_survive_the_engines_layout(void) {
  const recipe r = scaled_net();
  const gr_network network = make_network(&r);
  const size_t n = network.n_parameters;
  const float *in[3] = {make_parameters(&network, 1), make_parameters(&network, 2),
                        make_parameters(&network, 3)};
  float *out[3] = {gr_test_floats(n), gr_test_floats(n), gr_test_floats(n)};
  gr_engine *engine = make_engine(&r, teams[0], in[2]);
  CU_ASSERT_PTR_NOT_NULL_FATAL(engine);
  gr_engine_load(engine, in[0], (const float *const[GR_MAX_MOMENTS]){in[1], in[2]});
  gr_engine_store(engine, out[0], (float *const[GR_MAX_MOMENTS]){out[1], out[2]});
  for (int i = 0; i < 3; i++)
    GR_CHECK(memcmp(in[i], out[i], n * sizeof(float)) == 0, "vector %d", i);
  gr_engine_load(engine, in[0], NULL);
  gr_engine_store(engine, out[0], (float *const[GR_MAX_MOMENTS]){out[1], out[2]});
  for (size_t i = 0; i < n; i++) CU_ASSERT_FATAL(out[1][i] == 0 && out[2][i] == 0);
  gr_engine_destroy(engine);
  gr_test_release();
}

/* Any single parameter or moment that is bad is found, with its layer. */
static void one_bad_number_of_the_state_is_found_wherever_it_is(void) {
  const recipe r = scaled_net();
  const gr_network network = make_network(&r);
  const size_t n = network.n_parameters;
  float *in[3] = {make_parameters(&network, 1), make_parameters(&network, 2),
                  make_parameters(&network, 3)};
  const float bad[] = {(float)NAN, (float)INFINITY, -(float)INFINITY};
  gr_engine *engine = make_engine(&r, teams[0], in[0]);
  int vector = -5;
  CU_ASSERT_PTR_NOT_NULL_FATAL(engine);
  for (size_t i = 0; i < n; i++) {
    float *at = &in[i % 3][i];
    const float good = *at;
    *at = bad[i / 3 % 3];
    gr_engine_load(engine, in[0], (const float *const[GR_MAX_MOMENTS]){in[1], in[2]});
    const int layer = gr_engine_bad_state(engine, &vector);
    CU_ASSERT(layer != 0 && vector == (int)(i % 3));
    CU_ASSERT_FATAL(layer > 0 || layer == GR_BAD_FRONT);
    *at = good;
    if (layer == GR_BAD_FRONT) {
      CU_ASSERT(i >= network.front.first);
      continue;
    }
    const gr_layer *l = &network.layer[layer - 1];
    CU_ASSERT(i >= l->weights && i < l->bias + l->n_out);
  }
  gr_engine_load(engine, in[0], (const float *const[GR_MAX_MOMENTS]){in[1], in[2]});
  CU_ASSERT_EQUAL(gr_engine_bad_state(engine, &vector), 0);
  gr_engine_destroy(engine);
  gr_test_release();
}

const gr_test finite_tests[] = {
    GR_TEST(a_bad_weight_names_its_layer_and_changes_nothing),
    GR_TEST(a_bad_factor_of_an_input_shows_in_layer_1),
    GR_TEST(a_bad_input_names_its_row),
    GR_TEST(a_huge_learning_rate_ends_in_a_step_that_is_refused),
    GR_TEST(a_loss_that_overflows_alone_blames_no_layer),
    GR_TEST(a_gradient_whose_norm_overflows_changes_nothing),
    GR_TEST(short_batches_are_the_steps_of_smaller_engines),
    GR_TEST(parameters_survive_the_engines_layout),
    GR_TEST(one_bad_number_of_the_state_is_found_wherever_it_is),
    GR_TEST_END,
};
