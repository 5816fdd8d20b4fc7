/* Layers with parametric activations, by kernel/parametric.c. They go the way of those that are
 * normalised row by row: the product leaves z where zhat would be, and what comes back goes to dy
 * before it becomes delta. */
#include <config.h>

#include "exec/internal.h"

void gr_parametric_evaluation(const gr_engine *engine, size_t model, const gr_plan_layer *layer,
                              uint64_t n, float *a) {
  const gr_parametric k = {.n_rows = n,
                           .n_panels = layer->panels_out,
                           .z = a,
                           .a = a,
                           .ld = layer->ld,
                           .alpha = gr_vector_at(engine, model, layer, 1),
                           .activation = layer->activation};
  engine->kernels->parametric(&k);
}

void gr_parametric_rows(const gr_engine *engine, const gr_plan_layer *layer, uint64_t row,
                        uint64_t n) {
  const size_t at = row * layer->ld;
  const gr_parametric k = {.n_rows = n,
                           .n_panels = layer->panels_out,
                           .z = gr_at(engine, layer->zhat + at),
                           .a = gr_at(engine, layer->a + at),
                           .ld = layer->ld,
                           .alpha = gr_vector_at(engine, engine->plan.parameters, layer, 1),
                           .activation = layer->activation,
                           .slope = gr_at(engine, layer->slope + at),
                           .drops = layer->dropout > 0};
  engine->kernels->parametric(&k);
}

void gr_parametric_rows_back(const gr_engine *engine, const gr_plan_layer *layer, uint64_t row,
                             uint64_t n) {
  const size_t at = row * layer->ld;
  const gr_parametric_back k = {.n_rows = n,
                                .n_panels = layer->panels_out,
                                .da = gr_at(engine, layer->dy + at),
                                .slope = gr_at(engine, layer->slope + at),
                                .dz = gr_at(engine, layer->delta + at),
                                .ld = layer->ld};
  engine->kernels->parametric_back(&k);
}
