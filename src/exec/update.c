/* The numbers of one update, in double and rounded once, so that no parameter pays for them. */
#include <config.h>

#include <math.h>

#include "base/elementary.h"
#include "exec/internal.h"

/* mu_t of nadam: 0.96^(t/250) = exp(t ln(0.96) / 250). */
static double nadam_mu(double beta1, uint64_t t) {
  const double ln_096 = -0x1.4e69ed6d80eaep-5;
  return beta1 * (1 - 0.5 * gr_exp((double)t * ln_096 / 250));
}

/* P_t = mu_1 .. mu_t. Below 2^-60 it is lost in 1 - P_t and counts as 0, so no more factors than
 * lead there are multiplied anew after a resume. */
static double nadam_product(gr_mu_product *p, double beta1, uint64_t t) {
  if (p->factors == 0 || p->factors > t) *p = (gr_mu_product){0, 1};
  while (p->factors < t && p->value > 0) {
    p->value *= nadam_mu(beta1, ++p->factors);
    if (p->value < 0x1p-60) p->value = 0;
  }
  p->factors = t;
  return p->value;
}

/* The rates of gradient and mean gradient of nadam at step t, counted from 1. */
static void prepare_nadam(gr_engine *engine, uint64_t t, double learning_rate,
                          gr_update_coefficients *u) {
  const double beta1 = engine->config.optimizer.beta1, mu = nadam_mu(beta1, t),
               next = nadam_mu(beta1, t + 1),
               product = nadam_product(&engine->mu_product, beta1, t);
  u->gradient_rate = (float)(learning_rate * (1 - mu) / (1 - product));
  u->learning_rate = (float)(learning_rate * next / (1 - product * next));
}

/* What differs from optimiser to optimiser; t = step + 1. */
static void prepare_kind(gr_engine *engine, uint64_t t, double learning_rate,
                         gr_update_coefficients *u) {
  const double beta1 = engine->config.optimizer.beta1, beta2 = engine->config.optimizer.beta2;
  switch (u->optimizer) {
    case GR_NADAM:
      prepare_nadam(engine, t, learning_rate, u);
      break;
    case GR_ADAM:
    case GR_ADAMW: /* Kingma and Ba 2015, algorithm 1 */
      u->learning_rate = (float)(learning_rate / (1 - gr_power(beta1, t)));
      break;
    case GR_LAMB:
      u->gradient_rate = (float)(1 / (1 - gr_power(beta1, t)));
      u->decay = (float)engine->config.optimizer.weight_decay;
      break;
    case GR_LION:
      break;
    default:
      return;
  }
  u->momentum = (float)beta1;
  u->root_correction = (float)(1 / sqrt(1 - gr_power(beta2, t)));
}

/* Those of parameters with this learning rate. */
static gr_update_coefficients coefficients_of(gr_engine *engine, uint64_t step,
                                              double learning_rate, double weight) {
  const gr_config *config = &engine->config;
  const double decay = config->optimizer.weight_decay;
  gr_update_coefficients u = {.optimizer = (gr_optimizer)config->optimizer.name,
                              .scale = weight >= 0x1p-126 ? (float)(1 / weight) : 0.0f,
                              .learning_rate = (float)learning_rate,
                              .momentum = (float)config->optimizer.momentum,
                              .one_minus_beta1 = (float)(1 - config->optimizer.beta1),
                              .beta2 = (float)config->optimizer.beta2,
                              .one_minus_beta2 = (float)(1 - config->optimizer.beta2),
                              .epsilon = (float)config->optimizer.epsilon,
                              .l1 = (float)config->optimizer.l1,
                              .clip = (float)config->optimizer.clip_value};
  u.decay = (float)(gr_optimizers[u.optimizer].decoupled ? learning_rate * decay : decay);
  prepare_kind(engine, step + 1, learning_rate, &u);
  return u;
}

void gr_update_prepare(gr_engine *engine, uint64_t step, double learning_rate, double weight,
                       gr_update_coefficients *weights, gr_update_coefficients *biases,
                       gr_update_coefficients *front) {
  *weights = *biases = coefficients_of(engine, step, learning_rate, weight);
  biases->decay = biases->l1 = 0;
  if (!engine->plan.front.exists) return;
  *front =
      coefficients_of(engine, step, learning_rate * engine->config.optimizer.scale_rate, weight);
  front->l1 = 0;
}
