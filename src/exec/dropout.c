/* Dropout of a share of a layer, by kernel/dropout.c: what its draws depend on. */
#include <config.h>

#include "exec/step.h"

void gr_step_drop(const gr_step *s, uint32_t layer, uint32_t threshold, const gr_share *mine,
                  float *dst, size_t ld, bool scales) {
  /* Of a course less than all of the probability: as near as 65536ths come. */
  if (s->dropout != 1) threshold = (uint32_t)(s->dropout * (double)threshold + 0.5);
  const gr_dropout d = {.n_rows = mine->rows,
                        .n_panels = mine->panels,
                        .first_row = s->pass * s->engine->plan.batch_rows + mine->row,
                        .first_panel = mine->panel,
                        .seed = s->engine->config.training.seed,
                        .step = s->number,
                        .layer = layer,
                        .threshold = threshold,
                        .factor = (float)(65536.0 / (65536.0 - threshold)),
                        .dst = dst,
                        .ld = ld,
                        .scales = scales};
  s->engine->kernels->dropout(&d);
}
