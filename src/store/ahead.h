/* Work done ahead of whom needs it: numbered places, worked at by threads in order, at most so many
 * before the one that is needed now. One lock; places are large, so it is taken seldom. */
#ifndef GR_STORE_AHEAD_H
#define GR_STORE_AHEAD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

typedef struct gr_ahead gr_ahead;

/* Does what belongs to `place`; called by several threads at once. */
typedef gradus_status gr_ahead_work(void *user, uint64_t place, gradus_error *err);

/* Threads that stand still. `threads` >= 1; fewer than asked for do as well, none is
 * GRADUS_ERR_RESOURCES. */
gradus_status gr_ahead_create(int threads, gr_ahead_work *work, void *user, gr_ahead **out,
                              gradus_error *err);
void gr_ahead_destroy(gr_ahead *ahead); /* accepts NULL */

/* Returns when nobody is at work any more; until the next start nobody will be. */
void gr_ahead_pause(gr_ahead *ahead);

/* Begins at place `first` of n_places, at most `slots` of them ahead. Paused before. */
gradus_status gr_ahead_start(gr_ahead *ahead, uint64_t first, uint64_t n_places, uint64_t slots,
                             gradus_error *err);

/* Waits until all places before `needed` are done; returns how many are, fewer where one failed.
 * At most `slots` beyond what has been released: nobody would come to do them. */
uint64_t gr_ahead_wait(gr_ahead *ahead, uint64_t needed);

/* Places before `place` are not needed any more. */
void gr_ahead_release(gr_ahead *ahead, uint64_t place);

/* The first failure, or GRADUS_OK. */
gradus_status gr_ahead_status(gr_ahead *ahead, gradus_error *err);

/* Seconds that gr_ahead_wait has waited, seconds of all threads that went into the work, and places
 * done, since it was created. */
typedef struct gr_ahead_times {
  double waited, working;
  uint64_t places;
} gr_ahead_times;
gr_ahead_times gr_ahead_get_times(gr_ahead *ahead);

#endif
