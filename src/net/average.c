/* Shares of averages: a few numbers in double, from the recipe and the step alone. */
#include <config.h>

#include "net/average.h"

#include <stdio.h>

#include "kernel/kinds.h"
#include "net/lbfgs.h"

static double ema_share(const gr_config *config, uint64_t step) {
  const double grown = (1 + (double)step) / (10 + (double)step), decay = config->average.decay;
  return 1 - (grown < decay ? grown : decay);
}

static double swa_share(const gr_config *config, uint64_t step, uint64_t epoch_steps) {
  const uint64_t epoch = step / epoch_steps, start = (uint64_t)config->average.start;
  if (epoch < start) return 1;
  const bool ends = (step + 1) % epoch_steps == 0;
  if (!ends) return epoch == start ? 1 : 0;
  return 1 / (double)(epoch - start + 1);
}

double gr_average_share(const gr_config *config, uint64_t step, uint64_t epoch_steps) {
  if (config->average.name == GR_AVERAGE_EMA) return ema_share(config, step);
  return config->average.name == GR_AVERAGE_SWA ? swa_share(config, step, epoch_steps) : 0;
}

int gr_state_vectors(const gr_config *config) {
  const gr_optimizer_kind *o = &gr_optimizers[config->optimizer.name];
  const bool apart = config->average.name != GR_AVERAGE_NONE || o->scope == GR_SCOPE_SEARCH;
  return o->moments + apart;
}

void gr_state_vector_name(const gr_config *config, uint32_t m, char out[GR_STATE_VECTOR_NAME]) {
  const unsigned i = (unsigned)m, pairs = GR_LBFGS_PAIRS;
  if (gr_optimizers[config->optimizer.name].scope != GR_SCOPE_SEARCH)
    snprintf(out, GR_STATE_VECTOR_NAME, "moment%u", i + 1);
  else if (i == GR_LBFGS_AT_GRADIENT || i == GR_LBFGS_AT_DIRECTION || i == GR_LBFGS_AT_TRIAL)
    snprintf(out, GR_STATE_VECTOR_NAME, "%s",
             i == GR_LBFGS_AT_GRADIENT    ? "gradient"
             : i == GR_LBFGS_AT_DIRECTION ? "direction"
                                          : "trial");
  else
    snprintf(out, GR_STATE_VECTOR_NAME, "%s%u", i < GR_LBFGS_AT_PAIRS + pairs ? "step" : "change",
             (i - GR_LBFGS_AT_PAIRS) % pairs + 1);
}
