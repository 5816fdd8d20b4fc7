/* Two clocks: a monotonic one to measure with, the calendar's to label runs with. */
#include <config.h>

#include "base/clock.h"

#include <time.h>

double gr_clock_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void gr_clock_stamp(char *out) {
  time_t now = time(NULL);
  struct tm parts;
  localtime_r(&now, &parts);
  strftime(out, GR_CLOCK_TEXT, "%Y-%m-%dT%H:%M:%S%z", &parts);
}
