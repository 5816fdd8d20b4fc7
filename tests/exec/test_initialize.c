/* Initial weights that look at data: what they are to be, found again in double; the same bits by
 * any kernels and in any pieces. */
#include <config.h>

#include <math.h>
#include <string.h>

#include "exec/initialize.h"
#include "exec_tests.h"

enum { ROWS = 300, IN = 11, MOST = 40 };

static const recipe wide = {.width = {IN, 40, 17, 3},
                            .layers = "40:mish:parametric,17:selu",
                            .output = GR_IDENTITY,
                            .batch = 32,
                            .rows = ROWS,
                            .type = GR_F32};

static float *initialized(const recipe *r, const data *d, int isa, uint64_t seed, uint64_t n) {
  const gr_network network = make_network(r);
  float *p = gr_test_floats(network.n_parameters);
  gr_network_initialize(&network, GR_INIT_REALMLP, seed, p);
  gr_engine *engine = make_engine(r, (workers){1, isa, GR_AUTO}, p);
  const gr_row_order order = {.permutation = gr_permutation_identity(n)};
  const gr_evaluation sample = {.rows = &d->rows, .order = &order, .n = n};
  gradus_error error;
  bool fed = false;
  GR_CHECK_OK(gr_engine_initialize(engine, &network, seed, &sample, p, &fed, &error), &error);
  CU_ASSERT(fed);
  float *loaded = gr_test_floats(network.n_parameters);
  gr_engine_store(engine, loaded, NULL);
  CU_ASSERT(memcmp(loaded, p, network.n_parameters * sizeof *p) == 0);
  gr_engine_destroy(engine);
  return p;
}

/* Weighted inputs of neuron o without its bias: their deviation is 1 but for roundings, some n_in +
 * 10 of them in each z of a size below 16; minus the bias lies amid them. */
static void check_neuron(const double *z, double bias, size_t *on_an_end) {
  double mean = 0, squares = 0, least = z[0], most = z[0];
  for (int r = 0; r < ROWS; r++) mean += z[r] / ROWS;
  for (int r = 0; r < ROWS; r++) {
    squares += (z[r] - mean) * (z[r] - mean) / ROWS;
    least = fmin(least, z[r]);
    most = fmax(most, z[r]);
  }
  GR_CHECK(fabs(sqrt(squares) - 1) <= 50 * 16 * GR_ROUNDOFF, "deviation %.9g", sqrt(squares));
  GR_CHECK(-bias >= least - 1e-4 && -bias <= most + 1e-4, "bias %g not in %g .. %g", -bias, least,
           most);
  *on_an_end += fabs(-bias - mean) > 2.5; /* of a mean of five: rare */
}

static void weighted_inputs_have_deviation_one_and_biases_lie_amid_them(void) {
  const data d = make_data(&wide, gr_test_seed() + 41);
  const gr_network network = make_network(&wide);
  const float *p = initialized(&wide, &d, GR_AUTO, 7, ROWS);
  double *a = gr_test_array(2 * (size_t)ROWS * MOST, sizeof *a),
         *z = gr_test_array(ROWS, sizeof *z);
  size_t far = 0;
  for (size_t i = 0; i < (size_t)ROWS * IN; i++) a[i / IN * MOST + i % IN] = (double)d.x[i];
  for (uint32_t l = 0; l < network.n_layers; l++) {
    const gr_layer *layer = &network.layer[l];
    double *from = a + l % 2 * (size_t)ROWS * MOST, *to = a + (l + 1) % 2 * (size_t)ROWS * MOST;
    for (size_t o = 0; o < layer->n_out; o++) {
      const double bias = (double)p[layer->bias + o];
      for (size_t r = 0; r < ROWS; r++) {
        z[r] = 0;
        for (size_t i = 0; i < layer->n_in; i++)
          z[r] += (double)p[layer->weights + o * layer->n_in + i] * from[r * MOST + i];
        to[r * MOST + o] = gr_oracle_activation(layer->activation, z[r] + bias); /* alpha is 1 */
      }
      check_neuron(z, bias, &far);
    }
  }
  CU_ASSERT(far < 5);
  gr_test_release();
}

static void kernels_and_batches_change_no_bit(void) {
  const data d = make_data(&wide, gr_test_seed() + 42);
  const size_t n = make_network(&wide).n_parameters;
  const float *wanted = initialized(&wide, &d, GR_ISA_GENERIC, 3, ROWS);
  recipe other = wide;
  other.batch = 7;
  for (int isa = 0; isa < GR_N_ISAS; isa++)
    if (gr_isa_available((gr_isa)isa))
      CU_ASSERT(memcmp(initialized(&other, &d, isa, 3, ROWS), wanted, n * sizeof(float)) == 0);
  CU_ASSERT(memcmp(initialized(&wide, &d, GR_AUTO, 4, ROWS), wanted, n * sizeof(float)) != 0);
  gr_test_release();
}

/* A sample of one row has no deviation: weights stay as drawn, and the one weighted input is taken
 * away. */
static void a_constant_sample_leaves_weights_as_they_are(void) {
  const data d = make_data(&wide, gr_test_seed() + 43);
  const gr_network network = make_network(&wide);
  const float *p = initialized(&wide, &d, GR_AUTO, 7, 1);
  float *drawn = gr_test_floats(network.n_parameters);
  gr_network_initialize(&network, GR_INIT_REALMLP, 7, drawn);
  CU_ASSERT(memcmp(p, drawn, (size_t)IN * 40 * sizeof *p) == 0);
  double z = (double)p[network.layer[0].bias];
  for (size_t i = 0; i < IN; i++) z += (double)p[i] * (double)d.x[i];
  CU_ASSERT(fabs(z) < 1e-5);
  gr_test_release();
}

static void wide_rows_make_a_small_sample(void) {
  gr_network network = {.n_layers = 1, .layer = {{.n_in = GR_MAX_WIDTH, .n_out = 1}}};
  CU_ASSERT_EQUAL(gr_initialize_rows(&network, 1000000), 32);
  network.layer[0].n_in = 10;
  CU_ASSERT_EQUAL(gr_initialize_rows(&network, 1000000), 1024);
  CU_ASSERT_EQUAL(gr_initialize_rows(&network, 77), 77);
}

const gr_test initialize_tests[] = {
    GR_TEST(weighted_inputs_have_deviation_one_and_biases_lie_amid_them),
    GR_TEST(kernels_and_batches_change_no_bit),
    GR_TEST(a_constant_sample_leaves_weights_as_they_are),
    GR_TEST(wide_rows_make_a_small_sample),
    GR_TEST_END,
};
