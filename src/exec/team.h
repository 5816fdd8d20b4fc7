/* Ranks: the one place that knows how threads are had. OpenMP underneath. */
#ifndef GR_EXEC_TEAM_H
#define GR_EXEC_TEAM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cpu.h"
#include "base/status.h"

/* The machine as a team sees it. Where OpenMP binds threads (OMP_PROC_BIND), the calling one has
 * the affinity mask of its own place only, while a team has all places. */
void gr_team_cpu(gr_cpu *cpu);

/* `wanted` threads where that is positive, else as many as this machine lends us. */
int gr_team_threads(int64_t wanted);

/* Makes sure that `threads` threads can be had now, by making them: OpenMP itself would end the
 * process. */
gradus_status gr_team_probe(int threads, gradus_error *err);

/* How many ranks a region of `wanted` really gets (fewer inside a host's own parallel region). */
int gr_team_available(int wanted);

/* What a rank does. */
typedef void gr_team_work(void *context, int rank);

/* Runs first(context, rank) for each of n ranks, and when all are done second(context, rank)
 * likewise, where it is not NULL. Each rank has a thread of its own unless OpenMP gives fewer than
 * it gave when asked before (inside a host's own parallel region, say): then threads take several
 * ranks. */
void gr_team_run(int n, gr_team_work *first, gr_team_work *second, void *context);

/* Rounds of stages. Stage k of all ranks is over before stage k + 1 of any begins, and the last one
 * before the next round's first. */
typedef struct gr_team_job {
  int n_ranks, n_stages;
  uint64_t n_rounds;
  void (*stage)(void *context, int rank, int stage, uint64_t round);
  void *context;
  const bool *stop; /* set in a last stage, by rank 0 alone: no further round. Threads look at it
                       until they meet again: n_stages >= 2, or n_ranks = 1. NULL: never */
  unsigned (*enter)(void); /* each thread, before its first stage, and after its last one */
  void (*leave)(unsigned saved);
  unsigned spins; /* looks at the others before a waiting rank sleeps; 0: at once */
} gr_team_job;

/* Runs a job by a thread for each rank, in one region; or, `alone`, by the calling thread, all
 * ranks' parts in turn. A job of one rank never touches OpenMP. */
void gr_team_rounds(const gr_team_job *job, bool alone);

/* Seconds of one meeting of `n` ranks, measured now. */
double gr_team_measure(int n, unsigned spins);

/* Looks for a waiting rank: none where `n` ranks have fewer than n processors. */
unsigned gr_team_spins(int n);

/* Binds rank r to the r-th processor of the affinity mask, where `forced`, or where the mask leaves
 * out processors and has exactly one for each of the n ranks; returns what gr_team_unpin needs to
 * undo it (NULL: nothing was bound). Where OpenMP binds threads itself nothing is done. */
void *gr_team_pin(int n, bool forced);
void gr_team_unpin(int n, void *pinned); /* accepts NULL */

#endif
