/* Where training begins. */
#ifndef GR_TRAIN_BEGIN_H
#define GR_TRAIN_BEGIN_H

#include "exec/engine.h"
#include "train/pass.h"

/* Initial parameters [n_parameters] by network.initialization, which are loaded, with moments 0.
 * Where they depend on data, the sample is the first rows of n_train that the pass has in its first
 * epoch; it must then be begun anew. */
gradus_status gr_begin_parameters(gr_engine *engine, const gr_network *network,
                                  const gr_config *config, gr_pass *pass, uint64_t n_train,
                                  float *parameters, gradus_error *err);

#endif
