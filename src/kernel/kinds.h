/* The kinds of activation, loss and optimiser: numbers and names from the tables *.def.h, one row
 * each. */
#ifndef GR_KERNEL_KINDS_H
#define GR_KERNEL_KINDS_H

typedef enum gr_activation {
#define GR_ACTIVATION(id, name, hidden, relu) GR_##id,
#include "kernel/activation.def.h"
#undef GR_ACTIVATION
  GR_N_ACTIVATIONS
} gr_activation;

typedef enum gr_loss {
#define GR_LOSS(id, name) GR_##id,
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

#define GR_MAX_MOMENTS 3 /* of an optimiser 2; one more for weights that are also averaged */

typedef struct gr_activation_kind {
  const char *name;
  int hidden, relu_family;
} gr_activation_kind;

typedef struct gr_optimizer_kind {
  const char *name;
  int moments, decoupled;
  double learning_rate, momentum, beta1, beta2, epsilon; /* what `auto` means */
} gr_optimizer_kind;

extern const gr_activation_kind gr_activations[GR_N_ACTIVATIONS];
extern const char *const gr_losses[GR_N_LOSSES];
extern const gr_optimizer_kind gr_optimizers[GR_N_OPTIMIZERS];

#endif
