/* The kinds of activation, loss, optimiser and normalisation: numbers and names from the tables
 * *.def.h, one row each. */
#ifndef GR_KERNEL_KINDS_H
#define GR_KERNEL_KINDS_H

#include <stdint.h>

typedef enum gr_activation {
#define GR_ACTIVATION(id, name, hidden, spread, from_input) GR_##id,
#include "kernel/activation.def.h"
#undef GR_ACTIVATION
  GR_N_ACTIVATIONS
} gr_activation;

typedef enum gr_loss {
#define GR_LOSS(id, name, targets, output) GR_##id,
#include "kernel/loss.def.h"
#undef GR_LOSS
  GR_N_LOSSES
} gr_loss;

typedef enum gr_optimizer {
#define GR_OPTIMIZER(id, ...) GR_##id,
#include "kernel/optimizer.def.h"
#undef GR_OPTIMIZER
  GR_N_OPTIMIZERS
} gr_optimizer;

typedef enum gr_normalization {
#define GR_NORMALIZATION(ID, ...) GR_NORMALIZATION_##ID,
#include "kernel/normalization.def.h"
#undef GR_NORMALIZATION
  GR_N_NORMALIZATIONS
} gr_normalization;

#define GR_NORM_EPSILON                                                                       \
  1e-5f                    /* added to the variance that normalisation divides by the root of \
                            */
#define GR_NORM_SHARE 0.1f /* of a batch in the running statistics */
#define GR_MAX_VECTORS 5   /* of one layer: bias, gain, shift, running mean and variance */

enum { GR_LBFGS_PAIRS = 10 }; /* that lbfgs remembers */

/* Of an optimiser; one more for weights that are not themselves the model. */
#define GR_MAX_MOMENTS (2 + 2 * GR_LBFGS_PAIRS + 1)

/* What the variance of initial weights should follow: see kernel/activation.def.h. */
typedef enum gr_weight_spread {
  GR_SPREAD_AVERAGE,
  GR_SPREAD_RELU,
  GR_SPREAD_INPUTS
} gr_weight_spread;

typedef struct gr_activation_kind {
  const char *name;
  int hidden;
  gr_weight_spread spread;
  int from_input;
} gr_activation_kind;

/* The same as gr_activations[kind].from_input, for kinds that are constants. */
static inline int gr_activation_from_input(gr_activation kind) {
  switch (kind) {
#define GR_ACTIVATION(id, name, hidden, spread, from_input) \
  case GR_##id:                                             \
    return from_input;
#include "kernel/activation.def.h"
#undef GR_ACTIVATION
    case GR_N_ACTIVATIONS:
      break;
  }
  return 0;
}

/* What a loss takes for targets, and which activations of the outputs go with it: see
 * kernel/loss.def.h. */
typedef enum gr_loss_targets {
  GR_TARGETS_BOTH,
  GR_TARGETS_NUMBERS,
  GR_TARGETS_CLASSES
} gr_loss_targets;
typedef enum gr_loss_output {
  GR_OUTPUT_ANY,
  GR_OUTPUT_PROBABILITY,
  GR_OUTPUT_EXPONENTIAL,
  GR_OUTPUT_IDENTITY
} gr_loss_output;

typedef struct gr_loss_kind {
  const char *name;
  gr_loss_targets targets;
  gr_loss_output output;
} gr_loss_kind;

/* What the new value of a weight depends on beside its own gradient: nothing, so that the update
 * may follow the gradient of a tile at once; the step of its whole layer; whether the loss of
 * all training rows has grown, so that an update is made from all of them; or that, and all of the
 * gradient, along a line that is searched. */
typedef enum gr_scope { GR_SCOPE_WEIGHT, GR_SCOPE_LAYER, GR_SCOPE_RUN, GR_SCOPE_SEARCH } gr_scope;

typedef struct gr_optimizer_kind {
  const char *name;
  int moments, decoupled;
  gr_scope scope;
  double learning_rate, momentum, beta1, beta2, epsilon; /* what `auto` means */
} gr_optimizer_kind;

typedef struct gr_normalization_kind {
  const char *name;
  uint32_t vectors, trained; /* see kernel/normalization.def.h */
} gr_normalization_kind;

/* Whether an update is made from all training rows. */
static inline int gr_scope_is_full(gr_scope scope) {
  return scope == GR_SCOPE_RUN || scope == GR_SCOPE_SEARCH;
}

extern const char *const gr_vector_names[GR_MAX_VECTORS];
extern const gr_normalization_kind gr_normalizations[GR_N_NORMALIZATIONS];
extern const gr_activation_kind gr_activations[GR_N_ACTIVATIONS];
extern const gr_loss_kind gr_losses[GR_N_LOSSES];
extern const gr_optimizer_kind gr_optimizers[GR_N_OPTIMIZERS];

#endif
