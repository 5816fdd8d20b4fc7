/* The reference trainer: one training step as the arithmetic contract words it, naive and scalar,
 * one sample after another. It shares no code with kernels, plan or engine and is kept simple
 * enough to be checked by reading; the engine must give the same bits. */
#ifndef GR_TESTS_REFERENCE_REFERENCE_H
#define GR_TESTS_REFERENCE_REFERENCE_H

#include <stddef.h>

#define REF_MAX_LAYERS 8
#define REF_MAX_WIDTH 1040 /* not a power of two: rows would meet in the same lines of a cache */

typedef enum ref_activation {
  REF_IDENTITY,
  REF_SIGMOID,
  REF_TANH,
  REF_RELU,
  REF_SOFTMAX,
  REF_LEAKY_RELU,
  REF_ELU,
  REF_SELU,
  REF_GELU,
  REF_GELU_TANH,
  REF_SILU,
  REF_MISH,
  REF_SOFTPLUS,
  REF_SOFTSIGN,
  REF_HARD_SIGMOID,
  REF_HARD_TANH,
  REF_EXPONENTIAL
} ref_activation;
typedef enum ref_loss {
  REF_QUADRATIC,
  REF_CROSS_ENTROPY,
  REF_MSE,
  REF_MAE,
  REF_HUBER,
  REF_LOG_COSH,
  REF_QUANTILE,
  REF_POISSON,
  REF_GAMMA,
  REF_TWEEDIE,
  REF_FOCAL,
  REF_HINGE,
  REF_SQUARED_HINGE
} ref_loss;
typedef enum ref_optimizer {
  REF_SGD,
  REF_MOMENTUM,
  REF_NESTEROV,
  REF_ADAM,
  REF_ADAMW,
  REF_ADAGRAD,
  REF_RMSPROP,
  REF_RMSPROP_MOMENTUM,
  REF_ADADELTA,
  REF_NADAM,
  REF_LION,
  REF_LAMB,
  REF_RPROP,
  REF_LBFGS
} ref_optimizer;

typedef enum ref_normalization { REF_PLAIN, REF_LAYER_NORM, REF_BATCH_NORM } ref_normalization;

typedef struct ref_recipe {
  size_t n_layers, width[REF_MAX_LAYERS + 1]; /* width[0]: inputs */
  ref_activation activation[REF_MAX_LAYERS];
  ref_normalization normalization[REF_MAX_LAYERS];
  ref_loss loss;
  ref_optimizer optimizer;
  size_t lane_rows;
  float parameter, smoothing; /* of the loss */
  size_t n_levels;            /* of quantile; 0 for other losses */
  float levels[4];
  unsigned dropout[REF_MAX_LAYERS], input_dropout; /* in 65536ths, of hidden layers */
  unsigned long seed;
  double momentum, beta1, beta2, epsilon, weight_decay, l1;
  double clip_norm, clip_value, max_norm; /* 0: none */
  int ntk;                                /* W = W' / sqrt(inputs), and W' is what is trained */
  double bias_rate, first_layer_rate;     /* parts of the learning rate */
  double dropout_part, decay_part;        /* of what stands above, in the step under way */
  double tolerance;                       /* of lbfgs */
} ref_recipe;

/* x: inputs as the network sees them. y: targets [n_out], or NULL where `label` is the class. */
typedef struct ref_sample {
  const float *x, *y;
  int label;
  float weight;
} ref_sample;

/* Layer by layer, weights row-major, then biases, then gains and shifts where it is normalised,
 * and running means and variances where the batch does so; moments alike. */
typedef struct ref_state {
  float *parameters, *moment1, *moment2;
  double objective; /* of the step before, 0 before the first */
  int grew;
  struct ref_lbfgs *memory; /* of lbfgs (reference/lbfgs.h), else NULL */
} ref_state;

size_t ref_parameters(const ref_recipe *recipe);

/* One update from n samples, `step` counted from 0. Returns the sum over samples of weight * loss.
 */
double ref_step(const ref_recipe *recipe, ref_state *state, const ref_sample *sample, size_t n,
                unsigned long step, double learning_rate);

/* Outputs [n_out] of one sample, and its loss. */
float ref_evaluate(const ref_recipe *recipe, const float *parameters, const ref_sample *sample,
                   float *outputs);

#endif
