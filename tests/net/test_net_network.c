/* Networks: where parameters lie, what they start from, and what models copy. */
#include <config.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/philox.h"
#include "net/digest.h"
#include "net/model.h"
#include "net/suites.h"
#include "support/numbers.h"

/* A resolved configuration: sigmoids, quadratic loss. */
static gr_config resolved(const char *inputs, const char *hidden, const char *outputs) {
  gr_config c = default_config();
  must_set(&c, "network.inputs", inputs);
  must_set(&c, "network.hidden", hidden);
  must_set(&c, "network.outputs", outputs);
  must_set(&c, "network.activation", "tanh");
  must_set(&c, "network.output_activation", "sigmoid");
  must_set(&c, "training.loss", "quadratic");
  return c;
}

static gr_network make(const char *inputs, const char *hidden, const char *outputs) {
  gr_config c = resolved(inputs, hidden, outputs);
  gr_network network;
  gradus_error err;
  GR_CHECK_OK(gr_network_make(&c, &network, &err), &err);
  gr_config_free(&c);
  return network;
}

static float *initial(const gr_network *network, gr_initialization kind, uint64_t seed) {
  float *p = calloc(network->n_parameters, sizeof *p);
  CU_ASSERT_PTR_NOT_NULL_FATAL(p);
  gr_network_initialize(network, kind, seed, p);
  return p;
}

static void parameters_lie_layer_by_layer_weights_then_bias(void) {
  gr_network n = make("3", "4,5", "2");
  CU_ASSERT(n.n_layers == 3 && n.loss == GR_QUADRATIC);
  CU_ASSERT(n.layer[0].n_in == 3 && n.layer[0].n_out == 4 && n.layer[0].activation == GR_TANH);
  CU_ASSERT(n.layer[0].weights == 0 && n.layer[0].bias == 12);
  CU_ASSERT(n.layer[1].n_in == 4 && n.layer[1].n_out == 5 && n.layer[1].weights == 16);
  CU_ASSERT(n.layer[1].bias == 36 && n.layer[2].weights == 41 && n.layer[2].bias == 51);
  CU_ASSERT(n.layer[2].n_out == 2 && n.layer[2].activation == GR_SIGMOID && n.n_parameters == 53);
  gr_network none = make("7", "none", "1");
  CU_ASSERT(none.n_layers == 1 && none.n_parameters == 8 && none.layer[0].n_in == 7);
}

/* Of each hidden layer the layers below that are added, as digits. */
static void residuals_of(const char *inputs, const char *hidden, const char *key, char out[16]) {
  gr_config c = resolved(inputs, hidden, "2");
  gr_network network;
  gradus_error err;
  must_set(&c, "network.residual", key);
  GR_CHECK_OK(gr_config_validate(&c, &err), &err);
  GR_CHECK_OK(gr_network_make(&c, &network, &err), &err);
  for (uint32_t l = 0; l < network.n_layers; l++) out[l] = (char)('0' + network.layer[l].residual);
  out[network.n_layers] = '\0';
  gr_config_free(&c);
}

static void residual_blocks_lie_one_after_another_where_widths_allow(void) {
  static const char *const known[][4] = {{"7", "5,5,5,5", "0", "00000"},
                                         {"7", "5,5,5,5", "1", "01110"},
                                         {"5", "5,5,5,5", "1", "11110"},
                                         {"7", "5,5,5,5,5,5", "2", "0020200"},
                                         {"5", "5,5,5,5", "2", "02020"},
                                         {"7", "5,5,5,3,3,5", "2", "0020000"},
                                         {"5", "3,5,3,5", "2", "02020"},
                                         {"9", "4,5:residual=0,4,4", "1", "00010"},
                                         {"9", "4,4:residual=1,4,4", "2", "01020"},
                                         {"9", "4,4,4:residual=1,4:residual=3", "0", "00130"},
                                         {"4", "4:residual=1,4", "0", "100"}};
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
    char got[16];
    residuals_of(known[i][0], known[i][1], known[i][2], got);
    GR_CHECK(strcmp(got, known[i][3]) == 0, "%s, %s by %s: %s, wanted %s", known[i][0], known[i][1],
             known[i][2], got, known[i][3]);
  }
}

static void residuals_that_do_not_fit_are_refused(void) {
  static const char *const known[][4] = {
      {"7", "5,4:residual=1", "0",
       "network.hidden: layer 2 has 4 neurons, but layer 1, which its residual 1 adds, has 5; a "
       "residual wants equal widths"},
      {"7", "5,5:residual=2", "0",
       "network.hidden: layer 2 has 5 neurons, but the 7 inputs are what its residual 2 adds"},
      {"7", "5,5:residual=3", "0", "network.hidden: layer 2: residual 3 reaches below the inputs"},
      {"7", "5,4,3", "1", "network.residual: no hidden layer is as wide as the one 1 below it"},
      {"7", "none", "1", "network.residual: no hidden layer"}};
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
    gr_config c = resolved(known[i][0], known[i][1], "2");
    gr_network network;
    gradus_error err;
    must_set(&c, "network.residual", known[i][2]);
    GR_CHECK_FAILS(gr_config_validate(&c, &err), GRADUS_ERR_CONFIG, &err, known[i][3]);
    if (i < 3)
      GR_CHECK_FAILS(gr_network_make(&c, &network, &err), GRADUS_ERR_CONFIG, &err, "residual");
    gr_config_free(&c);
  }
}

static void the_work_of_a_step_is_counted(void) {
  gr_network n = make("3", "4,5", "2"); /* products 12 + 20 + 10 = 42, first layer 12 */
  CU_ASSERT_EQUAL(gr_network_step_flops(&n, 10), 10 * (6.0 * 42 - 2 * 12));
  gr_network wide = make("1048576", "1048576", "1048576");
  CU_ASSERT_EQUAL(gr_network_step_flops(&wide, 1), 10 * 0x1p40);
  CU_ASSERT_EQUAL(wide.n_parameters, ((size_t)2 << 40) + ((size_t)2 << 20));
}

static void what_is_not_resolved_makes_no_network(void) {
  gr_config c = default_config();
  gr_network network;
  gradus_error err;
  GR_CHECK_FAILS(gr_network_make(&c, &network, &err), GRADUS_ERR_INTERNAL, &err, "without auto");
  gr_config_free(&c);
  c = resolved("3", "4", "2");
  c.network.inputs = GR_MAX_WIDTH + 1;
  GR_CHECK_FAILS(gr_network_make(&c, &network, &err), GRADUS_ERR_CONFIG, &err,
                 "network.inputs 1048577");
  gr_config_free(&c);
}

/* Sample mean and mean square of n values, each within five standard errors of 0 and `variance`,
 * the distribution having fourth moment kurtosis * variance^2. */
static void has_moments(const float *v, size_t n, double variance, double kurtosis) {
  double sum = 0, square = 0;
  for (size_t i = 0; i < n; i++) {
    sum += (double)v[i];
    square += (double)v[i] * (double)v[i];
  }
  CU_ASSERT(fabs(sum / (double)n) < 5 * sqrt(variance / (double)n));
  CU_ASSERT(fabs(square / (double)n - variance) < 5 * variance * sqrt((kurtosis - 1) / (double)n));
}

static void initial_weights_have_the_stated_spread(void) {
  gr_network n = make("200", "300,4000", "10");
  static const struct {
    gr_initialization kind;
    double variance[2], kurtosis; /* of weights of layers 1 and 2 */
  } rules[] = {{GR_INIT_NORMAL, {1.0 / 200, 1.0 / 300}, 3},
               {GR_INIT_GLOROT, {2.0 / 500, 2.0 / 4300}, 1.8},
               {GR_INIT_HE, {2.0 / 200, 2.0 / 300}, 3}};
  for (size_t r = 0; r < 3; r++) {
    float *p = initial(&n, rules[r].kind, gr_test_seed());
    has_moments(p + n.layer[0].weights, 200 * 300, rules[r].variance[0], rules[r].kurtosis);
    has_moments(p + n.layer[1].weights, 300 * 4000, rules[r].variance[1], rules[r].kurtosis);
    if (rules[r].kind == GR_INIT_NORMAL)
      has_moments(p + n.layer[1].bias, 4000, 1, 3);
    else
      for (size_t i = 0; i < 4000; i++) CU_ASSERT_FATAL(p[n.layer[1].bias + i] == 0);
    if (rules[r].kind == GR_INIT_GLOROT)
      for (size_t i = 0; i < 200 * 300; i++)
        CU_ASSERT_FATAL(fabs((double)p[i]) <= sqrt(6.0 / 500) * (1 + 0x1p-23));
    free(p);
  }
}

static void an_initial_weight_is_a_function_of_seed_layer_and_element(void) {
  gr_network n = make("5", "4,4,4", "2");
  float *p = initial(&n, GR_INIT_NORMAL, 9);
  const gr_layer *layer = &n.layer[2];
  CU_ASSERT_EQUAL(p[layer->weights + 3 * 4 + 1],
                  (float)(gr_random_normal(9, GR_STREAM_INIT, 2, 13) * 0.5));
  CU_ASSERT_EQUAL(p[layer->bias + 3], (float)gr_random_normal(9, GR_STREAM_INIT, 2, 19));
  /* neither the layers before and after nor the number of layers matter */
  gr_network other = make("7", "8,4,4,3,3", "2");
  float *q = initial(&other, GR_INIT_NORMAL, 9);
  CU_ASSERT(memcmp(p + layer->weights, q + other.layer[2].weights, 20 * sizeof *p) == 0);
  /* layers of the same shape and other seeds start elsewhere */
  CU_ASSERT(memcmp(p + layer->weights, p + n.layer[1].weights, 4 * sizeof *p) != 0);
  float *other_seed = initial(&n, GR_INIT_NORMAL, 10);
  CU_ASSERT(memcmp(p, other_seed, 4 * sizeof *p) != 0);
  free(p);
  free(q);
  free(other_seed);
}

/* The same on every machine, compiler and release. */
static void initial_parameters_keep_their_digest(void) {
  static const char *const golden[] = {[GR_INIT_NORMAL] = "9fc5595203195b5d133e2bb7344967a8",
                                       [GR_INIT_GLOROT] = "21e7b3935df5b910725744ee8976d2a4",
                                       [GR_INIT_HE] = "45535fc6c897a59e050a1c49cf2d89f1"};
  gr_network n = make("784", "30", "10");
  for (int kind = 0; kind < 3; kind++) {
    float *p = initial(&n, (gr_initialization)kind, 1);
    char digest[GR_DIGEST_TEXT];
    gr_parameters_digest(p, n.n_parameters, digest);
    CU_ASSERT_STRING_EQUAL(digest, golden[kind]);
    free(p);
  }
}

/* 99aa06d3... is XXH3-128 of nothing (xxHash's own test vectors). */
static void a_digest_of_parameters_is_that_of_their_bytes(void) {
  enum { N = 2500 };
  static float values[N];
  static unsigned char bytes[4 * N];
  char a[GR_DIGEST_TEXT], b[GR_DIGEST_TEXT];
  gr_parameters_digest(values, 0, a);
  CU_ASSERT_STRING_EQUAL(a, "99aa06d3014798d86001c324468d497f");
  for (size_t i = 0; i < N; i++) {
    uint32_t w[4];
    gr_random_words(gr_test_seed(), GR_STREAM_TEST, 3, i, w);
    memcpy(&values[i], w, 4);
    for (size_t k = 0; k < 4; k++) bytes[4 * i + k] = (unsigned char)(w[0] >> 8 * k);
  }
  static const size_t sizes[] = {1, 7, 1023, 1024, 1025, 2048, N};
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    gr_parameters_digest(values, sizes[i], a);
    gr_digest_bytes(bytes, 4 * sizes[i], b);
    CU_ASSERT_STRING_EQUAL(a, b);
  }
  memset(values, 0, sizeof values);
  gr_parameters_digest(values, N, a);
  values[N - 1] = -values[N - 1]; /* -0 is another bit pattern */
  gr_parameters_digest(values, N, b);
  CU_ASSERT_STRING_NOT_EQUAL(a, b);
}

static char **names(uint32_t n, const char *prefix) {
  char **out = gr_calloc(n, sizeof *out);
  CU_ASSERT_PTR_NOT_NULL_FATAL(out);
  for (uint32_t i = 0; i < n; i++) {
    char name[32];
    snprintf(name, sizeof name, "%s%u", prefix, (unsigned)i);
    out[i] = gr_strdup(name);
  }
  return out;
}

static double *doubles(uint32_t n, double first) {
  double *out = gr_alloc(n, sizeof *out);
  CU_ASSERT_PTR_NOT_NULL_FATAL(out);
  for (uint32_t i = 0; i < n; i++) out[i] = first + i;
  return out;
}

static void a_copy_of_a_model_shares_nothing(void) {
  gr_model a = {.config = resolved("3", "4", "2")}, b;
  gradus_error err;
  GR_CHECK_OK(gr_network_make(&a.config, &a.network, &err), &err);
  a.parameters = gr_calloc(a.network.n_parameters, sizeof(float));
  a.parameters[5] = 2.5F;
  a.preprocessing = (gr_preprocessing){.n_inputs = 3,
                                       .shift = doubles(3, 10),
                                       .factor = doubles(3, 20),
                                       .feature_names = names(3, "f"),
                                       .n_targets = 2,
                                       .target_shift = doubles(2, 30),
                                       .target_scale = doubles(2, 40),
                                       .n_classes = 2,
                                       .class_values = doubles(2, 50),
                                       .class_names = names(2, "c")};
  GR_CHECK_OK(gr_model_copy(&a, &b, &err), &err);
  CU_ASSERT(same_values(&a.config, &b.config));
  gr_model_free(&a);
  gr_model_free(&a);
  CU_ASSERT(b.network.n_parameters == 26 && b.parameters[5] == 2.5F);
  const gr_preprocessing *p = &b.preprocessing;
  CU_ASSERT(p->shift[2] == 12 && p->factor[0] == 20 && p->target_shift[1] == 31);
  CU_ASSERT(p->target_scale[1] == 41 && p->class_values[1] == 51 && p->n_classes == 2);
  CU_ASSERT_STRING_EQUAL(p->feature_names[2], "f2");
  CU_ASSERT_STRING_EQUAL(p->class_names[1], "c1");
  gr_model_free(&b);
  CU_ASSERT_PTR_NULL(b.parameters);
  gr_model empty = {0};
  GR_CHECK_OK(gr_model_copy(&empty, &b, &err), &err);
  gr_model_free(&b);
}

const gr_test network_tests[] = {GR_TEST(parameters_lie_layer_by_layer_weights_then_bias),
                                 GR_TEST(residual_blocks_lie_one_after_another_where_widths_allow),
                                 GR_TEST(residuals_that_do_not_fit_are_refused),
                                 GR_TEST(the_work_of_a_step_is_counted),
                                 GR_TEST(what_is_not_resolved_makes_no_network),
                                 GR_TEST(initial_weights_have_the_stated_spread),
                                 GR_TEST(an_initial_weight_is_a_function_of_seed_layer_and_element),
                                 GR_TEST(initial_parameters_keep_their_digest),
                                 GR_TEST(a_digest_of_parameters_is_that_of_their_bytes),
                                 GR_TEST(a_copy_of_a_model_shares_nothing),
                                 GR_TEST_END};
