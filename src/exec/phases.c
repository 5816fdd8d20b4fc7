/* Sums of clock readings around operations. */
#include <config.h>

#include "exec/phases.h"

#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "exec/internal.h"

const char *const gr_phase_names[GR_N_PHASES] = {
    [GR_PHASE_GATHER] = "gather",
    [GR_PHASE_FORWARD] = "forward",
    [GR_PHASE_LOSS] = "loss",
    [GR_PHASE_DATA_GRADIENT] = "data_gradient",
    [GR_PHASE_WEIGHT_GRADIENT] = "weight_gradient",
    [GR_PHASE_UPDATE] = "update",
    [GR_PHASE_WAIT] = "wait",
};

gradus_status gr_phases_make(gr_phases *phases, int n_ranks, gradus_error *err) {
  *phases = (gr_phases){.n_ranks = n_ranks};
  phases->rank = gr_calloc((size_t)n_ranks, sizeof *phases->rank);
  return phases->rank ? GRADUS_OK : gr_fail_memory(err, "the times of phases");
}

void gr_phases_free(gr_phases *phases) {
  gr_free(phases->rank);
  phases->rank = NULL;
}

void gr_phases_pause(gr_phases *phases) {
  for (int r = 0; r < phases->n_ranks; r++) phases->rank[r].mark = 0;
}

void gr_phase_begin(gr_phases *phases, int rank) {
  gr_rank_phases *p = &phases->rank[rank];
  const double now = gr_clock_now();
  if (p->mark > 0) p->seconds[GR_PHASE_WAIT] += now - p->mark;
  p->mark = now;
}

void gr_phase_end(gr_phases *phases, int rank, gr_phase phase) {
  gr_rank_phases *p = &phases->rank[rank];
  const double now = gr_clock_now();
  p->seconds[phase] += now - p->mark;
  p->mark = now;
}

void gr_engine_time_phases(gr_engine *engine, bool on) {
  engine->phases.on = on;
  memset(engine->phases.rank, 0, (size_t)engine->phases.n_ranks * sizeof *engine->phases.rank);
}

void gr_engine_phases(const gr_engine *engine, double seconds[GR_N_PHASES]) {
  const gr_phases *phases = &engine->phases;
  for (int i = 0; i < GR_N_PHASES; i++) {
    seconds[i] = 0;
    for (int r = 0; r < phases->n_ranks; r++) seconds[i] += phases->rank[r].seconds[i];
    seconds[i] /= phases->n_ranks;
  }
}
