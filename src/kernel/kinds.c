/* The tables *.def.h as arrays. */
#include <config.h>

#include "kernel/kinds.h"

const gr_activation_kind gr_activations[GR_N_ACTIVATIONS] = {
#define GR_ACTIVATION(id, name, hidden, spread, from_input) \
  {name, hidden, GR_SPREAD_##spread, from_input},
#include "kernel/activation.def.h"
#undef GR_ACTIVATION
};

const gr_loss_kind gr_losses[GR_N_LOSSES] = {
#define GR_LOSS(id, name, targets, output) {name, GR_TARGETS_##targets, GR_OUTPUT_##output},
#include "kernel/loss.def.h"
#undef GR_LOSS
};

const gr_normalization_kind gr_normalizations[GR_N_NORMALIZATIONS] = {
#define GR_NORMALIZATION(ID, name, vectors, trained) {name, vectors, trained},
#include "kernel/normalization.def.h"
#undef GR_NORMALIZATION
};

const char *const gr_vector_names[GR_MAX_VECTORS] = {"bias", "gain", "shift", "mean", "variance"};

const gr_optimizer_kind gr_optimizers[GR_N_OPTIMIZERS] = {
#define GR_OPTIMIZER(id, name, moments, decoupled, scope, rate, momentum, beta1, beta2, epsilon) \
  {name, moments, decoupled, GR_SCOPE_##scope, rate, momentum, beta1, beta2, epsilon},
#include "kernel/optimizer.def.h"
#undef GR_OPTIMIZER
};
