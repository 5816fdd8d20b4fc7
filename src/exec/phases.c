/* Sums of clock readings around operations. */
#include <config.h>

#include "exec/phases.h"

#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "exec/internal.h"

const char *const gr_phase_names[GR_N_PHASES] = {"gather",        "forward",         "loss",
                                                 "data_gradient", "weight_gradient", "wait"};

static const gr_phase phase_of[] = {[GR_GATHER] = GR_PHASE_GATHER,
                                    [GR_FORWARD] = GR_PHASE_FORWARD,
                                    [GR_LOSS] = GR_PHASE_LOSS,
                                    [GR_BACKWARD] = GR_PHASE_DATA_GRADIENT,
                                    [GR_REDUCE] = GR_PHASE_WEIGHT_GRADIENT,
                                    [GR_UPDATE] = GR_PHASE_WEIGHT_GRADIENT};

gradus_status gr_phases_make(gr_phases *phases, int n_ranks, gradus_error *err) {
  *phases = (gr_phases){.n_ranks = n_ranks};
  phases->rank = gr_calloc((size_t)n_ranks, sizeof *phases->rank);
  return phases->rank ? GRADUS_OK : gr_fail_memory(err, "the times of phases");
}

void gr_phases_free(gr_phases *phases) {
  gr_free(phases->rank);
  phases->rank = NULL;
}

void gr_phase_begin(gr_phases *phases, int rank) {
  gr_rank_phases *p = &phases->rank[rank];
  p->begun = gr_clock_now();
  if (p->ended > 0) p->seconds[GR_PHASE_WAIT] += p->begun - p->ended;
}

void gr_phase_end(gr_phases *phases, int rank, gr_operation kind) {
  gr_rank_phases *p = &phases->rank[rank];
  p->ended = gr_clock_now();
  p->seconds[phase_of[kind]] += p->ended - p->begun;
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
