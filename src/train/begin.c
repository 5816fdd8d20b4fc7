/* Initial weights. Those that look at data see rows in the order of training, which the recipe and
 * the file's layout determine: the same ones in memory and streamed, and no pass over all of them
 * is needed. */
#include <config.h>

#include "train/begin.h"

#include "exec/initialize.h"

gradus_status gr_begin_parameters(gr_engine *engine, const gr_network *network,
                                  const gr_config *config, gr_pass *pass, uint64_t n_train,
                                  float *parameters, gradus_error *err) {
  const gr_initialization kind = (gr_initialization)config->network.initialization;
  gr_network_initialize(network, kind, config->training.seed, parameters);
  gr_engine_load(engine, parameters, NULL);
  if (kind != GR_INIT_REALMLP) return GRADUS_OK;
  bool fed;
  GR_TRY(gr_pass_begin(pass, 0, 0, err));
  const gr_evaluation sample = {.rows = &pass->rows,
                                .order = &pass->order,
                                .feed = pass->feed,
                                .n = gr_initialize_rows(network, n_train)};
  GR_TRY(
      gr_engine_initialize(engine, network, config->training.seed, &sample, parameters, &fed, err));
  return fed ? GRADUS_OK : pass->feed->why(pass->feed->user, err);
}
