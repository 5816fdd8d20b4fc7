/* What a step moves, counted by hand, and what limits it. */
#include <config.h>

#include <string.h>

#include "exec_tests.h"
#include "plan/traffic.h"

/* Layers of 3, 4 and 2 neurons, then of 3 and 2. */
static const gr_network deep = {.n_layers = 2,
                                .layer = {{.n_in = 3, .n_out = 4, .activation = GR_TANH},
                                          {.n_in = 4, .n_out = 2, .activation = GR_SOFTMAX}},
                                .loss = GR_CROSS_ENTROPY,
                                .n_parameters = 26};
static const gr_network flat = {.n_layers = 1,
                                .layer = {{.n_in = 3, .n_out = 2, .activation = GR_SOFTMAX}},
                                .loss = GR_CROSS_ENTROPY,
                                .n_parameters = 8};

/* 12 weights in 3 passes, 8 in 5, 6 biases in 3; 15 inputs in 4, 20 hidden outputs in 4 and their
 * deltas in 2, 10 outputs in 3 and their deltas in 3. */
static void a_step_moves_what_its_passes_move(void) {
  const gr_traffic t = gr_traffic_estimate(&deep, 5, GR_SGD, sizeof(float));
  CU_ASSERT_EQUAL(t.weights, 4 * (12 * 3 + 8 * 5 + 6 * 3));
  CU_ASSERT_EQUAL(t.moments, 0);
  CU_ASSERT_EQUAL(t.activations, 4 * (15 * 4 + 20 * 6 + 10 * 6));
  CU_ASSERT_EQUAL(t.total, t.weights + t.moments + t.activations);
  /* weights, the second copy of the upper layer, biases; inputs twice; outputs and deltas */
  CU_ASSERT_EQUAL(t.working_set, 4 * (12 + 2 * 8 + 6 + 2 * 15 + 2 * 20 + 2 * 10));
}

/* There is no data gradient: weights are not copied, deltas are read once. */
static void one_layer_has_no_data_gradient(void) {
  const gr_traffic t = gr_traffic_estimate(&flat, 7, GR_SGD, sizeof(float));
  CU_ASSERT_EQUAL(t.weights, 4 * (6 * 3 + 2 * 3));
  CU_ASSERT_EQUAL(t.activations, 4 * (21 * 4 + 14 * 5));
  CU_ASSERT_EQUAL(t.working_set, 4 * (6 + 2 + 2 * 21 + 2 * 14));
}

/* Gain and shift are 8 more numbers like biases; the 20 normalised values pass 5 times, the deltas
 * behind them 4 times. */
static void normalization_moves_two_more_matrices(void) {
  gr_network network = deep;
  network.layer[0].normalization = GR_NORMALIZATION_LAYER;
  const gr_traffic plain = gr_traffic_estimate(&deep, 5, GR_SGD, sizeof(float)),
                   t = gr_traffic_estimate(&network, 5, GR_SGD, sizeof(float));
  CU_ASSERT_EQUAL(t.weights - plain.weights, 4 * 8 * 3);
  CU_ASSERT_EQUAL(t.activations - plain.activations, 4 * 20 * (5 + 4));
  CU_ASSERT_EQUAL(t.working_set - plain.working_set, 4 * (8 + 2 * 20));
}

/* Two layers of 4 neurons, 5 rows: 20 outputs are read, written and added to, and so is dC/da. */
static void residuals_go_through_outputs_and_gradients_again(void) {
  gr_network network = {
      .n_layers = 3,
      .layer = {{.n_in = 3, .n_out = 4}, {.n_in = 4, .n_out = 4}, {.n_in = 4, .n_out = 2}}};
  const gr_traffic plain = gr_traffic_estimate(&network, 5, GR_SGD, sizeof(float));
  network.layer[1].residual = 1;
  const gr_traffic t = gr_traffic_estimate(&network, 5, GR_SGD, sizeof(float));
  CU_ASSERT_EQUAL(t.activations - plain.activations, 4 * 20 * 6);
  CU_ASSERT_EQUAL(t.working_set - plain.working_set, 4 * 20);
  CU_ASSERT_EQUAL(t.weights, plain.weights);
}

static void moments_and_stored_types_count(void) {
  const gr_traffic sgd = gr_traffic_estimate(&deep, 5, GR_SGD, sizeof(float)),
                   adam = gr_traffic_estimate(&deep, 5, GR_ADAM, 1);
  CU_ASSERT_EQUAL(adam.moments, 2 * 2 * 26 * 4);               /* two, read and written */
  CU_ASSERT_EQUAL(adam.activations, sgd.activations - 15 * 3); /* bytes instead of floats */
  CU_ASSERT_EQUAL(adam.working_set, sgd.working_set - 15 * 3 + 2 * 26 * 4);
}

static void the_level_is_the_fastest_that_holds_it(void) {
  CU_ASSERT_EQUAL(gr_traffic_level(1000, 1000, 5000), GR_LEVEL_L2);
  CU_ASSERT_EQUAL(gr_traffic_level(1001, 1000, 5000), GR_LEVEL_L3);
  CU_ASSERT_EQUAL(gr_traffic_level(5001, 1000, 5000), GR_LEVEL_MEMORY);
  CU_ASSERT_EQUAL(gr_traffic_level(1000, 0, 0), GR_LEVEL_MEMORY); /* unknown caches */
  CU_ASSERT_EQUAL(gr_traffic_level(1001, 1000, 0), GR_LEVEL_MEMORY);
}

static void the_largest_part_limits(void) {
  static const struct {
    double step, compute, traffic;
    const char *limit;
  } known[] = {{10, 8, 3, "FMA"},      {10, 3, 8, "L3"},       {10, 4, 4.5, "overhead"},
               {10, 4, 1, "overhead"}, {10, 5.5, 5.25, "FMA"}, {10, 5, 5, "FMA"},
               {1, 2, 3, "L3"} /* estimates above what was measured */};
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
    const char *limit =
        gr_traffic_limit(known[i].step, known[i].compute, known[i].traffic, GR_LEVEL_L3);
    GR_CHECK(strcmp(limit, known[i].limit) == 0, "case %zu: %s", i, limit);
  }
}

const gr_test traffic_tests[] = {
    GR_TEST(a_step_moves_what_its_passes_move),
    GR_TEST(one_layer_has_no_data_gradient),
    GR_TEST(normalization_moves_two_more_matrices),
    GR_TEST(residuals_go_through_outputs_and_gradients_again),
    GR_TEST(moments_and_stored_types_count),
    GR_TEST(the_level_is_the_fastest_that_holds_it),
    GR_TEST(the_largest_part_limits),
    GR_TEST_END,
};
