/* Costs vary, and a late checkpoint is lost work of hours while an early one costs a second: the
 * largest cost of lately counts, and writes, which share their disk with others, half again. */
#include <config.h>

#include "train/deadline.h"

#define FORGET 0.9
#define WRITE_SAFETY 1.5
#define WRITE_RATE 200e6
#define WRITE_START 0.02
#define MARGIN_SHARE 0.02
#define MARGIN 0.25

static void take_largest(double *largest, double seconds) {
  *largest = seconds > FORGET * *largest ? seconds : FORGET * *largest;
}

void gr_deadline_step(gr_deadline *deadline, double seconds) {
  take_largest(&deadline->step, seconds);
}

void gr_deadline_validation(gr_deadline *deadline, double seconds) {
  take_largest(&deadline->validation, seconds);
}

void gr_deadline_write(gr_deadline *deadline, double seconds) {
  if (!deadline->measured) deadline->write = 0;
  deadline->measured = true;
  take_largest(&deadline->write, seconds);
}

void gr_deadline_guess(gr_deadline *deadline, double bytes) {
  deadline->write = WRITE_START + bytes / WRITE_RATE;
}

bool gr_deadline_is_near(const gr_deadline *d, double now, bool validates, int writes) {
  if (d->limit <= 0) return false;
  const double share = MARGIN_SHARE * d->limit, margin = share < MARGIN ? share : MARGIN;
  const double need = d->step + (validates ? d->validation : 0) + writes * WRITE_SAFETY * d->write;
  return now - d->start + need + margin >= d->limit;
}
