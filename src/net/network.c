/* Shapes, offsets and initial values of a network. The parameter vector is what checkpoints hold
 * and digests cover; the engine has its own layout. */
#include <config.h>

#include "net/network.h"

#include <math.h>

#include "base/memory.h"
#include "base/philox.h"

static gradus_status check_resolved(const gr_config *c, gradus_error *err) {
  if ((c->network.n_hidden > 0 && c->network.activation == GR_AUTO) ||
      c->network.inputs == GR_AUTO || c->network.outputs == GR_AUTO ||
      c->network.output_activation == GR_AUTO || c->training.loss == GR_AUTO)
    return gr_fail(err, GRADUS_ERR_INTERNAL, "a network wants a configuration without auto");
  if (c->network.inputs < 1 || c->network.inputs > GR_MAX_WIDTH || c->network.outputs < 1 ||
      c->network.outputs > GR_MAX_WIDTH)
    return gr_fail(err, GRADUS_ERR_CONFIG,
                   "network.inputs %lld, network.outputs %lld: expected from 1 to %d",
                   (long long)c->network.inputs, (long long)c->network.outputs, GR_MAX_WIDTH);
  return GRADUS_OK;
}

/* Puts a layer behind what is there; false where the vector does not fit the address space. */
static bool append_layer(gr_network *network, const gr_layer *like) {
  const uint32_t n_in = like->n_in, n_out = like->n_out;
  size_t n_weights, n_vectors, bytes, end = network->n_parameters;
  gr_layer *layer = &network->layer[network->n_layers++];
  *layer = *like;
  layer->weights = end;
  if (!gr_multiply(n_in, n_out, &n_weights) || __builtin_add_overflow(end, n_weights, &end))
    return false;
  layer->bias = end;
  if (!gr_multiply(n_out, gr_layer_vectors(layer), &n_vectors) ||
      __builtin_add_overflow(end, n_vectors, &end))
    return false;
  network->n_parameters = end;
  return gr_multiply(end, sizeof(float), &bytes) && bytes <= PTRDIFF_MAX;
}

/* Behind all layers; false as above. */
static bool append_front(gr_network *network, bool scales) {
  size_t bytes;
  gr_front *front = &network->front;
  *front = (gr_front){.first = network->n_parameters, .scales = scales};
  front->scale = front->first;
  if (scales) front->count = network->layer[0].n_in;
  return !__builtin_add_overflow(front->first, front->count, &network->n_parameters) &&
         gr_multiply(network->n_parameters, sizeof(float), &bytes) && bytes <= PTRDIFF_MAX;
}

static uint32_t in_65536ths(double probability) {
  return (uint32_t)(probability * 65536 + 0.5);
}

/* Hidden layer i (from 0), or the output layer behind them. */
static gr_layer layer_of(const gr_config *c, uint32_t i, uint32_t n_in) {
  if (i == c->network.n_hidden)
    return (gr_layer){.n_in = n_in,
                      .n_out = (uint32_t)c->network.outputs,
                      .activation = (gr_activation)c->network.output_activation};
  return (gr_layer){.n_in = n_in,
                    .n_out = c->network.hidden[i],
                    .activation = (gr_activation)gr_config_activation(c, i),
                    .dropout = in_65536ths(gr_config_dropout(c, i)),
                    .normalization = gr_config_form(c, i) == GR_FORM_PARAMETRIC
                                         ? GR_NORMALIZATION_PARAMETRIC
                                         : (gr_normalization)gr_config_normalization(c, i),
                    .residual = gr_config_residual(c, i)};
}

/* Whether what the residual of the next layer adds is there, and as wide. */
static bool can_add(const gr_network *network, const gr_layer *next) {
  const uint32_t n = network->n_layers;
  if (next->residual > n + 1) return false;
  if (next->residual <= n) return network->layer[n - next->residual].n_out == next->n_out;
  return (n > 0 ? network->layer[0].n_in : next->n_in) == next->n_out;
}

gradus_status gr_network_make(const gr_config *config, gr_network *out, gradus_error *err) {
  GR_TRY(check_resolved(config, err));
  gr_network network = {.loss = (gr_loss)config->training.loss,
                        .input_dropout = in_65536ths(config->network.input_dropout)};
  uint32_t n_in = (uint32_t)config->network.inputs;
  for (uint32_t i = 0; i <= config->network.n_hidden; i++) {
    const gr_layer layer = layer_of(config, i, n_in);
    const uint32_t n_out = layer.n_out;
    if (layer.residual > 0 && !can_add(&network, &layer))
      return gr_fail(err, GRADUS_ERR_CONFIG,
                     "network.hidden: layer %u: its residual is not as wide as itself",
                     (unsigned)i + 1);
    if (!append_layer(&network, &layer))
      return gr_fail(err, GRADUS_ERR_CONFIG,
                     "network.hidden: the weights of layer %u (%u x %u) do not fit this machine",
                     (unsigned)i + 1, (unsigned)n_out, (unsigned)n_in);
    n_in = n_out;
  }
  if (!append_front(&network, config->network.scale_inputs))
    return gr_fail(err, GRADUS_ERR_CONFIG,
                   "network.scale_inputs: the scales of %u inputs do not fit this machine",
                   (unsigned)network.layer[0].n_in);
  *out = network;
  return GRADUS_OK;
}

/* A rule of initialisation: the distribution of a weight, its scale by the layer's widths, and the
 * standard deviation of biases. */
typedef struct rule {
  double (*draw)(uint64_t seed, gr_stream stream, uint64_t a, uint64_t b);
  double (*scale)(double n_in, double n_out);
  double bias_scale;
  bool biases_alike; /* drawn as the weights are */
  bool ends_in_zero; /* the output layer is 0 */
} rule;

static double draw_symmetric(uint64_t seed, gr_stream stream, uint64_t a, uint64_t b) {
  return 2 * gr_random_uniform(seed, stream, a, b) - 1;
}

static double normal_scale(double n_in, double n_out) {
  (void)n_out;
  return sqrt(1 / n_in);
}

static double glorot_scale(double n_in, double n_out) {
  return sqrt(6 / (n_in + n_out));
}

static double he_scale(double n_in, double n_out) {
  (void)n_out;
  return sqrt(2 / n_in);
}

static const rule rules[] = {
    [GR_INIT_NORMAL] = {gr_random_normal, normal_scale, 1, false, false},
    [GR_INIT_GLOROT] = {draw_symmetric, glorot_scale, 0, false, false},
    [GR_INIT_HE] = {gr_random_normal, he_scale, 0, false, false},
    [GR_INIT_LECUN] = {gr_random_normal, normal_scale, 0, false, false},
    [GR_INIT_GLOROT_BIASES] = {draw_symmetric, glorot_scale, 0, true, false},
    [GR_INIT_NORMAL_ZERO] = {gr_random_normal, normal_scale, 1, false, true},
    [GR_INIT_REALMLP] = {gr_random_normal, normal_scale, 0, false, false}};

/* Behind the biases: gain, or alpha, shift, mean and variance that change nothing. */
static const float vector_starts[GR_MAX_VECTORS] = {0, 1, 0, 0, 1};

void gr_network_initialize(const gr_network *network, gr_initialization kind, uint64_t seed,
                           float *parameters) {
  const rule *by = &rules[kind];
  for (uint32_t l = 0; l < network->n_layers; l++) {
    const gr_layer *layer = &network->layer[l];
    const bool zero = by->ends_in_zero && l + 1 == network->n_layers;
    const double scale = zero ? 0 : by->scale(layer->n_in, layer->n_out),
                 bias_scale = zero               ? 0
                              : by->biases_alike ? scale
                                                 : by->bias_scale;
    size_t n_weights = (size_t)layer->n_in * layer->n_out;
    for (size_t e = 0; e < n_weights; e++)
      parameters[layer->weights + e] =
          zero ? 0 : (float)(scale * by->draw(seed, GR_STREAM_INIT, l, e));
    for (size_t o = 0; o < layer->n_out; o++)
      parameters[layer->bias + o] =
          bias_scale > 0 ? (float)(bias_scale * by->draw(seed, GR_STREAM_INIT, l, n_weights + o))
                         : 0;
    for (uint32_t v = 1; v < gr_layer_vectors(layer); v++)
      for (size_t o = 0; o < layer->n_out; o++)
        parameters[layer->bias + v * (size_t)layer->n_out + o] = vector_starts[v];
  }
  for (size_t j = 0; j < network->front.count; j++) parameters[network->front.first + j] = 1;
}

double gr_network_step_flops(const gr_network *network, uint64_t batch) {
  double products = 0;
  for (uint32_t l = 0; l < network->n_layers; l++)
    products += (double)network->layer[l].n_in * network->layer[l].n_out;
  double first = (double)network->layer[0].n_in * network->layer[0].n_out;
  if (network->front.count > 0)
    return (double)batch * (6 * products + 3 * (double)network->layer[0].n_in);
  return (double)batch * (6 * products - 2 * first);
}
