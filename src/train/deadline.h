/* Stopping in time: when training has to stop so that the checkpoint is on the disk before a limit,
 * by what steps, validations and writes have cost so far. */
#ifndef GR_TRAIN_DEADLINE_H
#define GR_TRAIN_DEADLINE_H

#include <stdbool.h>

/* Seconds; `step`, `write` and `validation` are the largest of lately: they fall by a tenth with
 * each smaller one. */
typedef struct gr_deadline {
  double limit; /* from `start`; 0 = none */
  double start; /* on the clock */
  double step, validation;
  double write; /* until the first write has been measured: a guess by gr_deadline_guess */
  bool measured;
} gr_deadline;

void gr_deadline_step(gr_deadline *deadline, double seconds);
void gr_deadline_validation(gr_deadline *deadline, double seconds);
void gr_deadline_write(gr_deadline *deadline, double seconds);

/* What a write of `bytes` may take: 200 MB/s, the rate of one disk that turns, and 20 ms. */
void gr_deadline_guess(gr_deadline *deadline, double bytes);

/* Whether the step after `now` could come too late: what it, a validation (where `validates`) and
 * `writes` writes, taken half again as long, need is more than is left, less 2 % of the limit (a
 * quarter of a second at most). */
bool gr_deadline_is_near(const gr_deadline *deadline, double now, bool validates, int writes);

#endif
