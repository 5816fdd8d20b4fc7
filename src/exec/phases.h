/* How long each rank spends in which kind of operation, and waiting. Off unless asked for: a look
 * at the clock costs more than some operations of small networks. */
#ifndef GR_EXEC_PHASES_H
#define GR_EXEC_PHASES_H

#include <stdbool.h>

#include "exec/engine.h"
#include "plan/plan.h"

typedef struct gr_rank_phases {
  double seconds[GR_N_PHASES];
  double mark;      /* when the last phase ended, 0 = none yet */
  char padding[64]; /* ranks do not share cache lines */
} gr_rank_phases;

typedef struct gr_phases {
  bool on;
  int n_ranks;
  gr_rank_phases *rank; /* [n_ranks] */
} gr_phases;

gradus_status gr_phases_make(gr_phases *phases, int n_ranks, gradus_error *err);
void gr_phases_free(gr_phases *phases);

/* Nobody waits until the next phase begins: steps are over for now. */
void gr_phases_pause(gr_phases *phases);

/* The time since the last phase of the rank was waiting, or belongs to `phase`. */
void gr_phase_begin(gr_phases *phases, int rank);
void gr_phase_end(gr_phases *phases, int rank, gr_phase phase);

#endif
