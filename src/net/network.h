/* What a network is: its layers, and the logical order of its parameters. */
#ifndef GR_NET_NETWORK_H
#define GR_NET_NETWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/kinds.h"
#include "net/config.h"

#define GR_MAX_LAYERS (GR_MAX_HIDDEN + 1)

typedef struct gr_layer {
  uint32_t n_in, n_out;
  gr_activation activation;
  size_t weights;   /* offset of weights [n_out][n_in] in the parameter vector, in floats */
  size_t bias;      /* offset of bias [n_out], and of the layer's other vectors behind it */
  uint32_t dropout; /* probability of dropping an output, in 65536ths */
  gr_normalization normalization; /* or the form of its activation */
  uint32_t residual; /* the outputs of the layer so many below it are added to its own; 0: none */
} gr_layer;

/* The front: what is trained between the gathered inputs and layer 1. Its parameters are the last
 * of the vector. A network without one has count 0.
 *   scale  layer 1 reads s_j x_j, a factor for each of its inputs (a trainable diagonal:
 * Holzmueller, Grinsztajn and Steinwart 2024, RealMLP) */
typedef struct gr_front {
  size_t first, count; /* its parameters, in floats */
  bool scales;
  size_t scale; /* offset of s [n_in of layer 1] */
} gr_front;

/* Layers 1..L of the textbook are layer[0..L-1]. Parameter vector: layer by layer, weights
 * (row-major), then bias, and where it is normalised gain and shift; by the batch, also running
 * mean and variance of its weighted inputs; of a parametric activation alpha; at the end those of
 * the front. */
typedef struct gr_network {
  uint32_t n_layers;
  gr_layer layer[GR_MAX_LAYERS];
  gr_front front;
  gr_loss loss;
  uint32_t input_dropout; /* likewise of an input */
  size_t n_parameters;
} gr_network;

/* Vectors [n_out] of a layer, from `bias` on: gr_vector_name. */
static inline uint32_t gr_layer_vectors(const gr_layer *layer) {
  return gr_normalizations[layer->normalization].vectors;
}

/* From a resolved configuration (no GR_AUTO in network and training). Sizes that overflow:
 * GRADUS_ERR_CONFIG. */
gradus_status gr_network_make(const gr_config *config, gr_network *out, gradus_error *err);

/* Initial parameters [n_parameters]. Element e of layer[l] is a function of (seed, l, e) and the
 * layer's own widths only: e = o n_in + i for a weight, e = n_in n_out + o for a bias. Gains,
 * alphas, variances and scales of inputs are 1, shifts and means 0.
 *
 * normal: weights N(0, 1/n_in), biases N(0, 1): the textbook's (Nielsen 2015, chapter 3)
 *
 * glorot: weights uniform within +-sqrt(6/(n_in + n_out)), biases 0 (Glorot and Bengio 2010, eq.
 * 16)
 *
 * he: weights N(0, 2/n_in), biases 0 (He et al. 2015, eq. 10)
 *
 * lecun: weights N(0, 1/n_in), biases 0 (LeCun et al. 1998, eq. 16)
 *
 * normal-zero: normal, but weights and biases of the last layer are 0
 *
 * realmlp: lecun; exec/initialize.h goes on from it */
void gr_network_initialize(const gr_network *network, gr_initialization kind, uint64_t seed,
                           float *parameters);

/* Floating-point operations of one training step: batch * (6 sum(n_in n_out) - 2 n_in(1) n_out(1));
 * with a front, which wants the gradient of the inputs, batch * (6 sum(n_in n_out) + 3 n_in(1)). */
double gr_network_step_flops(const gr_network *network, uint64_t batch);

/* Digest of parameters in logical order (little-endian IEEE 754): XXH3-128, 32 hex digits. */
void gr_parameters_digest(const float *parameters, size_t n, char out[GR_DIGEST_TEXT]);

#endif
