/* Learning rates: a linear warm-up over the first steps, then the shape of the schedule over the
 * rest. No libm: the same step has the same rate on every machine. */
#include <config.h>

#include "net/schedule.h"

#include <math.h>

#include "base/elementary.h"

#define PI 0x1.921fb54442d18p+1
#define LN_2 0x1.62e42fefa39efp-1

const gr_schedule_kind gr_schedules[GR_N_SCHEDULES] = {
#define GR_SCHEDULE(ID, name, depends_on_total, judges, gamma, threshold) \
  {name, depends_on_total, judges, gamma, threshold},
#include "net/schedule.def.h"
#undef GR_SCHEDULE
};

/* Where a step stands. */
typedef struct course {
  const gr_config *config;
  uint64_t all_step, all_steps; /* of the run */
  uint64_t step, steps;         /* since the warm-up */
  const gr_schedule_state *state;
} course;

/* Only those who ask pay for the divisions: a step of a small network takes less than 1 us. */
static uint64_t epoch_steps_of(const course *c) {
  if (c->state->epoch_steps > 0) return c->state->epoch_steps;
  const uint64_t epochs = c->config->training.epochs > 0 ? (uint64_t)c->config->training.epochs : 1,
                 steps = c->all_steps / epochs;
  return steps > 0 ? steps : 1;
}

static uint64_t epoch_of(const course *c) {
  return c->all_step / epoch_steps_of(c);
}

static double progress_of(uint64_t step, uint64_t steps) {
  return step < steps ? (double)step / (double)steps : 1;
}

static double at_least(double floor, double height) {
  return height < floor ? floor : height;
}

/* Half a cosine from 1 at p = 0 to `low` at p = 1. */
static double anneal(double p, double low) {
  const double height = low + (1 - low) * (0.5 * (1 + gr_cos(PI * p)));
  return height < 0 ? 0 : height; /* gr_cos may round below -1 */
}

static double height_CONSTANT(const course *c) {
  (void)c;
  return 1;
}

static double height_COSINE(const course *c) {
  return anneal(progress_of(c->step, c->steps), c->config->schedule.floor);
}

static double height_COSINE_RESTARTS(const course *c) {
  uint64_t step = c->step, period = (uint64_t)c->config->schedule.period * epoch_steps_of(c);
  const uint64_t factor = (uint64_t)c->config->schedule.period_factor;
  if (factor == 1) step %= period;
  for (; step >= period; period *= factor) step -= period;
  return anneal(progress_of(step, period), c->config->schedule.floor);
}

static double after_cuts(const course *c, uint64_t n) {
  return at_least(c->config->schedule.floor, gr_power(c->config->schedule.gamma, n));
}

static double height_STEP(const course *c) {
  return after_cuts(c, epoch_of(c) / (uint64_t)c->config->schedule.every);
}

static double height_MULTISTEP(const course *c) {
  const uint64_t epoch = epoch_of(c);
  uint32_t n = 0;
  while (n < c->config->schedule.n_milestones && c->config->schedule.milestones[n] <= epoch) n++;
  return after_cuts(c, n);
}

static double height_EXPONENTIAL(const course *c) {
  return after_cuts(c, epoch_of(c));
}

static double height_POLYNOMIAL(const course *c) {
  const double left = 1 - progress_of(c->step, c->steps), floor = c->config->schedule.floor,
               power = c->config->schedule.power;
  return floor + (1 - floor) * (left > 0 ? gr_exp(power * gr_ln(left)) : power > 0 ? 0 : 1);
}

static double height_ONE_CYCLE(const course *c) {
  const double p = progress_of(c->step, c->steps), peak = c->config->schedule.peak;
  return p < peak ? anneal(1 - p / peak, 1.0 / 25)
                  : anneal(peak < 1 ? (p - peak) / (1 - peak) : 1, 1.0 / 250000);
}

/* Half a cosine over the second half of the way. */
static double flat_anneal(double p, double low) {
  return p < 0.5 ? 1 : anneal(2 * p - 1, low);
}

static double height_FLAT_COSINE(const course *c) {
  return flat_anneal(progress_of(c->step, c->steps), c->config->schedule.floor);
}

/* Whole turns of the cosine leave its argument first: it is where they begin that rates are 0. */
static double height_COSLOG4(const course *c) {
  const double turns = gr_ln(1 + 15 * progress_of(c->step, c->steps)) / LN_2,
               floor = c->config->schedule.floor,
               height = floor +
                        (1 - floor) * (0.5 * (1 - gr_cos(2 * PI * (turns - (double)(int)turns))));
  return height < 0 ? 0 : height;
}

static double height_PLATEAU(const course *c) {
  return after_cuts(c, c->state->cuts);
}

static double height_NEWBOB(const course *c) {
  return after_cuts(c, c->state->cuts);
}

double gr_schedule_rate(const gr_config *config, uint64_t step, uint64_t total_steps,
                        const gr_schedule_state *state) {
  static double (*const heights[])(const course *) = {
#define GR_SCHEDULE(ID, ...) [GR_SCHEDULE_##ID] = height_##ID,
#include "net/schedule.def.h"
#undef GR_SCHEDULE
  };
  const double rate = config->optimizer.learning_rate;
  const uint64_t warmup = (uint64_t)(config->schedule.warmup * (double)total_steps);
  if (step < warmup) return rate * ((double)(step + 1) / (double)(warmup + 1));
  const course c = {config, step, total_steps, step - warmup, total_steps - warmup, state};
  return rate * heights[config->schedule.name](&c);
}

static double course_of(int name, double p) {
  switch ((gr_course_name)name) {
    case GR_COURSE_COSINE:
      return anneal(p, 0);
    case GR_COURSE_FLAT_COSINE:
      return flat_anneal(p, 0);
    case GR_COURSE_CONSTANT:
      break;
  }
  return 1;
}

gr_course gr_schedule_course(const gr_config *config, uint64_t step, uint64_t total_steps) {
  const double p = progress_of(step, total_steps);
  return (gr_course){course_of(config->schedule.dropout, p),
                     course_of(config->schedule.weight_decay, p)};
}

/* ----- led by the validation loss ----- */

/* Whether `loss` is below `reference` by a part of it. */
static bool gains(double loss, double reference, double part) {
  return loss < reference - part * fabs(reference);
}

static bool judge_plateau(const gr_config *config, double loss, gr_schedule_state *s) {
  if (s->epochs == 0 || gains(loss, s->reference, config->schedule.threshold)) {
    s->reference = loss;
    s->bad_epochs = 0;
  } else if (++s->bad_epochs > (uint64_t)config->schedule.patience) {
    s->cuts++;
    s->bad_epochs = 0;
  }
  return false;
}

static bool judge_newbob(const gr_config *config, double loss, gr_schedule_state *s) {
  const double threshold = config->schedule.threshold, last = s->reference;
  const bool first = s->epochs == 0, falling = s->cuts > 0;
  s->reference = loss;
  if (first) return false;
  if (falling && !gains(loss, last, threshold / 5)) return true;
  if (falling || !gains(loss, last, threshold)) s->cuts++;
  return false;
}

bool gr_schedule_judge(const gr_config *config, double valid_loss, gr_schedule_state *state) {
  bool over = false;
  if (config->schedule.name == GR_SCHEDULE_PLATEAU)
    over = judge_plateau(config, valid_loss, state);
  else if (config->schedule.name == GR_SCHEDULE_NEWBOB)
    over = judge_newbob(config, valid_loss, state);
  state->epochs++;
  return over;
}

bool gr_schedule_depends_on_total(const gr_config *config) {
  return config->schedule.warmup > 0 || gr_schedules[config->schedule.name].depends_on_total ||
         config->schedule.dropout != GR_COURSE_CONSTANT ||
         config->schedule.weight_decay != GR_COURSE_CONSTANT;
}

bool gr_schedule_needs_validation(const gr_config *config) {
  return gr_schedules[config->schedule.name].judges;
}
