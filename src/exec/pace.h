/* Whether the team pays, by the clock: on a busy machine a rank that waits for another can cost
 * more than all the arithmetic of a small step. Ranks are only a way to share work that is the same
 * for any number of threads, so one thread may do all ranks' parts in turn; which of the two is
 * faster is measured now and then. Bits do not depend on it. */
#ifndef GR_EXEC_PACE_H
#define GR_EXEC_PACE_H

#include <stdbool.h>
#include <stdint.h>

typedef struct gr_pace {
  bool enabled;         /* false: always the team */
  bool alone;           /* the present way: one thread for all ranks */
  bool trying;          /* the present way is on trial against the other */
  double seconds, stay; /* in this window so far, and how long it lasts */
  uint64_t stretches;   /* likewise */
  double batch;         /* rows of a step */
  double rows;          /* likewise */
  double cost[2];       /* seconds a row, last measured: of the team, of one thread; 0 = not yet */
} gr_pace;

/* A new pace: the team first. `estimate` is one thread's seconds for a step: above 10 ms nothing is
 * tried, waiting is cheap beside it. */
gr_pace gr_pace_make(bool enabled, double estimate, uint64_t batch);

/* Steps to take before the clock is looked at again. */
uint64_t gr_pace_steps(const gr_pace *pace);

/* Adds finished steps of `rows` rows together and decides how the next are done (pace->alone). */
void gr_pace_record(gr_pace *pace, double seconds, uint64_t rows);

#endif
