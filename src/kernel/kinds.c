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
#define NORMALIZATION "normalization"
#define FORM "form"
#define GR_NORMALIZATION(ID, name, said, vectors, trained) {name, said, vectors, trained},
#include "kernel/normalization.def.h"
#undef GR_NORMALIZATION
};

const char *gr_vector_name(gr_normalization kind, uint32_t v) {
  static const char *const names[GR_MAX_VECTORS] = {"bias", "gain", "shift", "mean", "variance"};
  return v == 1 && kind == GR_NORMALIZATION_PARAMETRIC ? "alpha" : names[v];
}

const gr_optimizer_kind gr_optimizers[GR_N_OPTIMIZERS] = {
#define GR_OPTIMIZER(id, name, moments, decoupled, scope, rate, momentum, beta1, beta2, epsilon) \
  {name, moments, decoupled, GR_SCOPE_##scope, rate, momentum, beta1, beta2, epsilon},
#include "kernel/optimizer.def.h"
#undef GR_OPTIMIZER
};
