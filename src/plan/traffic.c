/* The counting is that of the contract, tensor by tensor; nothing is measured here. */
#include <config.h>

#include "plan/traffic.h"

const char *const gr_level_names[GR_N_LEVELS] = {"L2", "L3", "memory"};

static void add_layer(gr_traffic *t, const gr_layer *layer, bool first, bool last, double batch) {
  const double weights = (double)layer->n_in * layer->n_out,
               bias = (double)layer->n_out * gr_layer_vectors(layer),
               outputs = batch * layer->n_out;
  const bool normalized = layer->normalization != GR_NORMALIZATION_NONE;
  t->weights += weights * (first ? 3 : 5) + bias * 3;
  t->activations += outputs * ((last ? 3 : 4) + (first ? 2 : 3)); /* outputs, then deltas */
  t->activations += normalized ? outputs * (5 + 4) : 0;           /* zhat, then dy */
  t->activations += layer->residual > 0 ? outputs * (3 + 3) : 0;
  t->working_set += weights * (first ? 1 : 2) + bias + outputs * (normalized ? 4 : 2) +
                    (layer->residual > 0 ? outputs : 0);
}

gr_traffic gr_traffic_estimate(const gr_network *network, uint64_t batch, gr_optimizer optimizer,
                               size_t input_bytes) {
  const double rows = (double)batch, inputs = rows * network->layer[0].n_in,
               moments = (double)network->n_parameters * gr_optimizers[optimizer].moments;
  const double stored = (double)input_bytes / sizeof(float);
  gr_traffic t = {.moments = 2 * moments,
                  .activations = inputs * (stored + 3),
                  .working_set = inputs * (stored + 1) + moments};
  for (uint32_t l = 0; l < network->n_layers; l++)
    add_layer(&t, &network->layer[l], l == 0, l + 1 == network->n_layers, rows);
  t.weights *= sizeof(float);
  t.moments *= sizeof(float);
  t.activations *= sizeof(float);
  t.working_set *= sizeof(float);
  t.total = t.weights + t.moments + t.activations;
  return t;
}

gr_memory_level gr_traffic_level(double working_set, size_t l2_bytes, size_t l3_bytes) {
  return working_set <= (double)l2_bytes   ? GR_LEVEL_L2
         : working_set <= (double)l3_bytes ? GR_LEVEL_L3
                                           : GR_LEVEL_MEMORY;
}

const char *gr_traffic_limit(double step, double compute, double traffic, gr_memory_level level) {
  const double larger = compute > traffic ? compute : traffic;
  if (step - larger > larger) return "overhead";
  return compute >= traffic ? "FMA" : gr_level_names[level];
}
