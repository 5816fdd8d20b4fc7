/* One row for each group: where its part of the learning rate is said, and what else holds for it.
 */
#include <config.h>

#include "net/groups.h"

#include <math.h>

typedef struct group {
  double (*rate)(const gr_config *config, uint32_t l);
  bool decays, multiplies; /* decay; a matrix, which the parametrisation speaks of */
} group;

static double rate_of_weights(const gr_config *config, uint32_t l) {
  return l == 0 ? config->optimizer.first_layer_rate : 1;
}

static double rate_of_bias(const gr_config *config, uint32_t l) {
  (void)l;
  return config->optimizer.bias_rate;
}

static const group groups[] = {[GR_GROUP_WEIGHTS] = {rate_of_weights, true, true},
                               [GR_GROUP_BIAS] = {rate_of_bias, false, false}};

gr_group_terms gr_group_terms_of(const gr_config *config, gr_group id, uint32_t l, uint32_t n_in) {
  const group *g = &groups[id];
  const bool scaled = g->multiplies && config->network.parametrization == GR_PARAMETRIZATION_NTK;
  return (gr_group_terms){.rate = g->rate(config, l),
                          .scale = scaled ? 1 / sqrt((double)n_in) : 1,
                          .decays = g->decays};
}
