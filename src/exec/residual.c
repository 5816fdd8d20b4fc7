/* What residuals add (He et al. 2016, eq. 1): to the outputs of a layer those of one below it, on
 * the way forward; to dC/da of that one the dC/da of the layer, on the way back. A rank does it
 * with its share of a layer, when that is made: what it adds was made before a meeting, or by
 * itself. */
#include <config.h>

#include "exec/step.h"

void gr_residual_add(const gr_step *s, int rank, uint32_t l, const gr_share *mine) {
  const gr_engine *engine = s->engine;
  const gr_plan_layer *layer = &engine->plan.layer[l];
  size_t ld;
  if (layer->residual == 0) return;
  const float *from = gr_layer_input(engine, rank, l + 1 - layer->residual, mine->row, &ld);
  engine->kernels->add_rows(mine->rows, mine->panels,
                            gr_at(engine, layer->a + mine->row * ld + 16 * mine->panel),
                            from + 16 * mine->panel, ld);
}

void gr_residual_back(const gr_step *s, uint32_t l, const gr_share *mine, float *out) {
  const gr_engine *engine = s->engine;
  const gr_plan *plan = &engine->plan;
  const gr_plan_layer *layer = &plan->layer[l];
  const size_t at = mine->row * layer->ld + 16 * mine->panel;
  float *gradient = gr_at(engine, layer->gradient + at);
  for (uint32_t k = l + 1; k < plan->n_layers; k++)
    if (plan->layer[k].residual == k - l)
      engine->kernels->add_rows(mine->rows, mine->panels, gradient,
                                gr_at(engine, plan->layer[k].gradient + at), layer->ld);
  if (layer->keeps_slope && !gr_plan_slope_waits(layer))
    engine->kernels->multiply_rows(mine->rows, mine->panels, gradient,
                                   gr_at(engine, layer->slope + at), out, layer->ld);
}
