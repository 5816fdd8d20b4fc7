/* The numbers of one update, in double and rounded once, so that no parameter pays for them. */
#include <config.h>

#include <math.h>

#include "base/elementary.h"
#include "exec/internal.h"

/* Bias corrections of Adam (Kingma and Ba 2015, algorithm 1), t = step + 1. */
static void prepare_adam(const gr_config *config, uint64_t step, double learning_rate,
                         gr_update_coefficients *u) {
  const double beta1 = config->optimizer.beta1, beta2 = config->optimizer.beta2;
  u->momentum = (float)beta1;
  u->one_minus_beta1 = (float)(1 - beta1);
  u->beta2 = (float)beta2;
  u->one_minus_beta2 = (float)(1 - beta2);
  u->learning_rate = (float)(learning_rate / (1 - gr_power(beta1, step + 1)));
  u->root_correction = (float)(1 / sqrt(1 - gr_power(beta2, step + 1)));
  u->epsilon = (float)config->optimizer.epsilon;
}

void gr_update_prepare(const gr_config *config, uint64_t step, double learning_rate, double weight,
                       gr_update_coefficients *weights, gr_update_coefficients *biases) {
  gr_update_coefficients u = {.optimizer = (gr_optimizer)config->optimizer.name,
                              .scale = weight >= 0x1p-126 ? (float)(1 / weight) : 0.0f,
                              .learning_rate = (float)learning_rate,
                              .momentum = (float)config->optimizer.momentum,
                              .decay = (float)config->optimizer.weight_decay};
  if (u.optimizer == GR_ADAMW) u.decay = (float)(learning_rate * config->optimizer.weight_decay);
  if (u.optimizer == GR_ADAM || u.optimizer == GR_ADAMW)
    prepare_adam(config, step, learning_rate, &u);
  *weights = u;
  u.decay = 0;
  *biases = u;
}
