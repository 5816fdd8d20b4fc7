/* The numbers of one update, in double and rounded once, so that no parameter pays for them. */
#include <config.h>

#include <math.h>

#include "base/elementary.h"
#include "exec/internal.h"
#include "net/groups.h"

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

/* What the updates of all parameters have in common, and in double what is another one for each of
 * their groups. */
typedef struct common {
  gr_update_coefficients u;
  double scale;         /* of the gradient */
  double learning_rate; /* as the schedule has it */
  double rate;          /* that of a step along the direction of the optimiser */
  double gradient_rate; /* nadam, likewise */
  double decay;
} common;

/* The rates of gradient and mean gradient of nadam at step t, counted from 1. */
static void prepare_nadam(gr_engine *engine, uint64_t t, common *c) {
  const double beta1 = engine->config.optimizer.beta1, mu = nadam_mu(beta1, t),
               next = nadam_mu(beta1, t + 1),
               product = nadam_product(&engine->mu_product, beta1, t);
  c->gradient_rate = c->learning_rate * (1 - mu) / (1 - product);
  c->rate = c->learning_rate * next / (1 - product * next);
}

/* What differs from optimiser to optimiser; t = step + 1. */
static void prepare_kind(gr_engine *engine, uint64_t t, common *c) {
  const double beta1 = engine->config.optimizer.beta1, beta2 = engine->config.optimizer.beta2;
  switch (c->u.optimizer) {
    case GR_NADAM:
      prepare_nadam(engine, t, c);
      break;
    case GR_ADAM:
    case GR_ADAMW: /* Kingma and Ba 2015, algorithm 1 */
      c->rate = c->learning_rate / (1 - gr_power(beta1, t));
      break;
    case GR_LAMB:
      c->u.gradient_rate = (float)(1 / (1 - gr_power(beta1, t)));
      break;
    case GR_LION:
      break;
    default:
      return;
  }
  c->u.momentum = (float)beta1;
  c->u.root_correction = (float)(1 / sqrt(1 - gr_power(beta2, t)));
}

/* Those of a group of parameters. */
static gr_update_coefficients specialize(const common *c, const gr_group_terms *terms) {
  gr_update_coefficients u = c->u;
  const double factor = terms->rate * terms->scale, learning_rate = c->learning_rate * terms->rate;
  u.scale = (float)(c->scale * terms->scale);
  u.learning_rate = (float)(c->rate * factor);
  if (u.optimizer == GR_NADAM) u.gradient_rate = (float)(c->gradient_rate * factor);
  if (!terms->decays)
    u.l1 = 0;
  else if (gr_optimizers[u.optimizer].decoupled && u.optimizer != GR_LAMB)
    u.decay = (float)(learning_rate * c->decay);
  else
    u.decay = (float)(c->decay / terms->scale);
  return u;
}

void gr_update_prepare(gr_engine *engine, uint64_t step, double learning_rate, double decay,
                       double weight, gr_layer_update *update) {
  const gr_config *config = &engine->config;
  common c = {.u = {.optimizer = (gr_optimizer)config->optimizer.name,
                    .momentum = (float)config->optimizer.momentum,
                    .one_minus_beta1 = (float)(1 - config->optimizer.beta1),
                    .beta2 = (float)config->optimizer.beta2,
                    .one_minus_beta2 = (float)(1 - config->optimizer.beta2),
                    .epsilon = (float)config->optimizer.epsilon,
                    .l1 = (float)config->optimizer.l1,
                    .clip = (float)config->optimizer.clip_value},
              .scale = weight >= 0x1p-126 ? 1 / weight : 0,
              .learning_rate = learning_rate,
              .rate = learning_rate,
              .decay = decay};
  prepare_kind(engine, step + 1, &c);
  for (uint32_t l = 0; l < engine->plan.n_layers; l++) {
    const uint32_t n_in = engine->plan.layer[l].n_in;
    const gr_group_terms weights = gr_group_terms_of(config, GR_GROUP_WEIGHTS, l, n_in),
                         bias = gr_group_terms_of(config, GR_GROUP_BIAS, l, n_in);
    update[l] = (gr_layer_update){specialize(&c, &weights), specialize(&c, &bias)};
  }
}
