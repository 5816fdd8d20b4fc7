/* Learning rate by step: a function of the recipe and the step number, never of a clock. */
#ifndef GR_NET_SCHEDULE_H
#define GR_NET_SCHEDULE_H

#include "net/config.h"

/* The rate of step `step` (0-based) of T = total_steps. With W = floor(schedule.warmup T) and the
 * learning rate r: r (step + 1) / (W + 1) for step < W, then r (constant) or
 * r (1 + cos(pi (step - W) / (T - W))) / 2 (cosine), which reaches 0 where the run ends, at
 * step T. */
double gr_schedule_rate(const gr_config *config, uint64_t step, uint64_t total_steps);

/* True where the rate of a step depends on how many steps there are in all (then epochs cannot grow
 * on resume). */
int gr_schedule_depends_on_total(const gr_config *config);

#endif
