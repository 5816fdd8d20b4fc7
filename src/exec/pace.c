/* Windows: a trial of 3 steps and 2 ms (50 ms at most) of the other way, then a stay with the
 * cheaper one that lasts a second and at least a hundred times the trial, so that trials cost about
 * a hundredth of the time. */
#include <config.h>

#include "exec/pace.h"

enum { TRIAL_STEPS = 3 };
#define TRIAL_SECONDS 2e-3
#define TRIAL_AT_MOST 50e-3
#define STAY_SECONDS 1.0
#define STAY_FACTOR 100

gr_pace gr_pace_make(bool enabled, double estimate) {
  return (gr_pace){.enabled = enabled && estimate < 10e-3, .trying = true};
}

static bool window_is_over(const gr_pace *p) {
  if (!p->trying) return p->seconds >= p->stay;
  return p->seconds >= TRIAL_AT_MOST || (p->steps >= TRIAL_STEPS && p->seconds >= TRIAL_SECONDS);
}

/* The next window: a trial of a way never measured, a stay with the cheaper way after a trial, a
 * trial of the other after a stay. */
static void next_window(gr_pace *p) {
  const bool was_trial = p->trying;
  p->cost[p->alone] = p->seconds / p->rows;
  if (p->cost[!p->alone] <= 0 || !was_trial) {
    p->alone = !p->alone;
    p->trying = true;
    return;
  }
  p->alone = p->cost[true] < p->cost[false];
  p->trying = false;
  p->stay = STAY_FACTOR * p->seconds > STAY_SECONDS ? STAY_FACTOR * p->seconds : STAY_SECONDS;
}

void gr_pace_record(gr_pace *p, double seconds, uint64_t rows) {
  if (!p->enabled) return;
  p->seconds += seconds;
  p->rows += (double)rows;
  p->steps++;
  if (!window_is_over(p)) return;
  next_window(p);
  p->seconds = p->rows = 0;
  p->steps = 0;
}
