/* Learning rates: a linear warm-up over the first steps, then the shape of the schedule over the
 * rest. No libm: the same step has the same rate on every machine. */
#include <config.h>

#include "net/schedule.h"

#include "base/elementary.h"

#define PI 0x1.921fb54442d18p+1

/* Height in [0, 1] at `progress` in [0, 1] of the steps after the warm-up. */
typedef struct shape {
  double (*height)(double progress);
  bool depends_on_total;
} shape;

static double constant(double progress) {
  (void)progress;
  return 1;
}

/* Loshchilov and Hutter 2017 (SGDR), eq. 5, one period down to 0. */
static double cosine(double progress) {
  double height = 0.5 * (1 + gr_cos(PI * progress));
  return height < 0 ? 0 : height; /* gr_cos may round below -1 */
}

static const shape shapes[] = {
    [GR_SCHEDULE_CONSTANT] = {constant, false}, [GR_SCHEDULE_COSINE] = {cosine, true}};

double gr_schedule_rate(const gr_config *config, uint64_t step, uint64_t total_steps) {
  double rate = config->optimizer.learning_rate;
  uint64_t warmup = (uint64_t)(config->schedule.warmup * (double)total_steps);
  if (step < warmup) return rate * ((double)(step + 1) / (double)(warmup + 1));
  double progress =
      step < total_steps ? (double)(step - warmup) / (double)(total_steps - warmup) : 1;
  return rate * shapes[config->schedule.name].height(progress);
}

int gr_schedule_depends_on_total(const gr_config *config) {
  return config->schedule.warmup > 0 || shapes[config->schedule.name].depends_on_total;
}
