/* Windows: a trial of 2 ms (50 ms at most) of the other way, then a stay with the cheaper one. The
 * first stays are short, since a trial may have been disturbed; each is twice the one before, up to
 * a second and at least a hundred times the trial, so that trials cost about a hundredth of the
 * time. */
#include <config.h>

#include "exec/pace.h"

#define TRIAL_SECONDS 2e-3
#define TRIAL_AT_MOST 50e-3
#define FIRST_STAY 0.05
#define LONG_STAY 1.0
#define STAY_FACTOR 100

gr_pace gr_pace_make(bool enabled, double estimate, uint64_t batch) {
  return (gr_pace){.enabled = enabled && estimate < 10e-3, .trying = true, .batch = (double)batch};
}

static bool window_is_over(const gr_pace *p) {
  if (!p->trying) return p->seconds >= p->stay;
  return p->seconds >= TRIAL_AT_MOST || (p->stretches >= 3 && p->seconds >= TRIAL_SECONDS);
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
  const double longest =
      STAY_FACTOR * p->seconds > LONG_STAY ? STAY_FACTOR * p->seconds : LONG_STAY;
  p->stay = p->stay > 0 ? 2 * p->stay : FIRST_STAY;
  if (p->stay > longest) p->stay = longest;
}

/* About a millisecond of them, by the dearer way where both are known. */
uint64_t gr_pace_steps(const gr_pace *p) {
  const double slow = p->cost[0] > p->cost[1] ? p->cost[0] : p->cost[1],
               steps = slow > 0 ? 1e-3 / (slow * p->batch) : 1;
  return steps < 1 ? 1 : steps > 1e6 ? 1000000 : (uint64_t)steps;
}

void gr_pace_record(gr_pace *p, double seconds, uint64_t rows) {
  if (!p->enabled) return;
  p->seconds += seconds;
  p->rows += (double)rows;
  p->stretches++;
  if (!window_is_over(p)) return;
  next_window(p);
  p->seconds = p->rows = 0;
  p->stretches = 0;
}
