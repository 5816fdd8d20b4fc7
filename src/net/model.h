/* A model: a resolved recipe, its network, the parameters in logical order and the preprocessing.
 */
#ifndef GR_NET_MODEL_H
#define GR_NET_MODEL_H

#include "net/network.h"
#include "net/preprocessing.h"

typedef struct gr_model {
  gr_config config; /* resolved */
  gr_network network;
  float *parameters; /* [network.n_parameters], logical order */
  gr_preprocessing preprocessing;
} gr_model;

void gr_model_free(gr_model *model); /* accepts a zeroed object */
gradus_status gr_model_copy(const gr_model *from, gr_model *to, gradus_error *err);

#endif
