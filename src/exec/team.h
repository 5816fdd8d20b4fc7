/* Ranks: the one place that knows how threads are had. OpenMP underneath. */
#ifndef GR_EXEC_TEAM_H
#define GR_EXEC_TEAM_H

#include "base/status.h"

/* Makes sure that `threads` threads can be had now, by making them: OpenMP itself would end the
 * process. */
gradus_status gr_team_probe(int threads, gradus_error *err);

/* How many ranks a region of `wanted` really gets (fewer inside a host's own parallel region). */
int gr_team_available(int wanted);

/* Runs work(context, rank) on n ranks and returns when all are done; n = 1 is a plain call. */
void gr_team_run(int n, void (*work)(void *context, int rank), void *context);

/* Inside a region of n ranks: waits for all of them. */
void gr_team_barrier(int n);

/* Binds rank r to the r-th processor of the affinity mask. */
void gr_team_pin(int n);

#endif
