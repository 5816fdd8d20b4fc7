/* Shares of averages: a few numbers in double, from the recipe and the step alone. */
#include <config.h>

#include "net/average.h"

#include "kernel/kinds.h"

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
  return gr_optimizers[config->optimizer.name].moments + (config->average.name != GR_AVERAGE_NONE);
}
