/* Layers that are normalised, by kernel/normalize.c: which buffers and vectors are whose. */
#include <config.h>

#include "exec/internal.h"

void gr_normalize_rows(const gr_engine *engine, const gr_plan_layer *layer, uint64_t row,
                       uint64_t n) {
  const size_t at = row * layer->ld, parameters = engine->plan.parameters;
  const gr_normalize k = {.n_rows = n,
                          .n_columns = layer->n_out,
                          .z = gr_at(engine, layer->zhat + at),
                          .a = gr_at(engine, layer->a + at),
                          .root = gr_at(engine, layer->root + row),
                          .ld = layer->ld,
                          .gain = gr_vector_at(engine, parameters, layer, 1),
                          .shift = gr_vector_at(engine, parameters, layer, 2),
                          .activation = layer->activation,
                          .slope = layer->keeps_slope ? gr_at(engine, layer->slope + at) : NULL,
                          .drops = layer->dropout > 0};
  engine->kernels->normalize(&k);
}

void gr_normalize_rows_back(const gr_engine *engine, const gr_plan_layer *layer, uint64_t row,
                            uint64_t n) {
  const size_t at = row * layer->ld;
  const gr_normalize_back k = {.n_rows = n,
                               .n_columns = layer->n_out,
                               .dy = gr_at(engine, layer->dy + at),
                               .zhat = gr_at(engine, layer->zhat + at),
                               .root = gr_at(engine, layer->root + row),
                               .gain = gr_vector_at(engine, engine->plan.parameters, layer, 1),
                               .dz = gr_at(engine, layer->delta + at),
                               .ld = layer->ld};
  engine->kernels->normalize_back(&k);
}

void gr_normalize_evaluation(const gr_engine *engine, size_t model, const gr_plan_layer *layer,
                             uint64_t n, float *a) {
  const gr_normalize k = {.n_rows = n,
                          .n_columns = layer->n_out,
                          .z = a,
                          .a = a,
                          .ld = layer->ld,
                          .gain = gr_vector_at(engine, model, layer, 1),
                          .shift = gr_vector_at(engine, model, layer, 2),
                          .activation = layer->activation};
  engine->kernels->normalize(&k);
}
