/* A limit that is over already leaves a moment, not none: the trainer then takes a step, writes a
 * checkpoint and stops, so that even sessions that are too short get on. */
#include <config.h>

#include "cli/time_limit.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "cli/number.h"
#include "cli/output.h"
#include <gradus/trainer.h>

#define MOMENT 1e-3

static double seconds_of(clockid_t clock) {
  struct timespec now;
  if (clock_gettime(clock, &now) != 0) return 0;
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

double gr_time_now(void) {
  return seconds_of(CLOCK_MONOTONIC);
}

static double limit_of_job(int quiet) {
  const char *text = getenv("SLURM_JOB_END_TIME");
  char left[GR_NUMBER_TEXT], line[160];
  uint64_t end;
  if (!text || !*text) return 0;
  const double now = seconds_of(CLOCK_REALTIME);
  if (!gr_number_count(text, &end) || (double)end <= now) {
    gr_cli_print_message(GRADUS_WARNING,
                         "SLURM_JOB_END_TIME is no time to come: there is no time limit");
    return 0;
  }
  snprintf(line, sizeof line,
           "time limit %s (SLURM_JOB_END_TIME): stops before it with a checkpoint",
           gr_number_clock(left, (double)end - now));
  if (!quiet) gr_cli_print_message(GRADUS_INFO, line);
  return (double)end - now;
}

double gr_time_limit(double option, double begun, int quiet) {
  if (option <= 0) return limit_of_job(quiet);
  const double left = option - (gr_time_now() - begun);
  return left > MOMENT ? left : MOMENT;
}
