/* Learning rate by step: a function of the recipe, the step number and, for some, of the validation
 * losses so far; never of a clock.
 *
 * With T steps in all, W = floor(schedule.warmup T) of them warm-up, E steps an epoch, learning
 * rate r and g = schedule.gamma: the rate of step s (0-based) is r (s + 1) / (W + 1) for s < W, and
 * then r h, where p = (s - W) / (T - W), e = floor(s / E), f = schedule.floor and h is
 *
 * constant: 1
 *
 * cosine: f + (1 - f) (1 + cos(pi p)) / 2 (Loshchilov and Hutter 2017, SGDR, eq. 5, one period)
 *
 * cosine-restarts: the same with p = the part of the present period that is over; periods last
 * schedule.period epochs, each schedule.period_factor times the one before (SGDR)
 *
 * step: max(f, g^n), n = floor(e / schedule.every)
 *
 * multistep: max(f, g^n), n = how many of schedule.milestones are <= e
 *
 * exponential: max(f, g^e)
 *
 * polynomial: f + (1 - f) (1 - p)^schedule.power
 *
 * one-cycle: from 1/25 to 1 along half a cosine while p < schedule.peak, then to 1/250000 along
 * another (Smith and Topin 2018 with the numbers of PyTorch's OneCycleLR)
 *
 * flat-cosine: 1 while p < 1/2, then f + (1 - f) (1 + cos(pi (2 p - 1))) / 2
 *
 * coslog4: f + (1 - f) (1 - cos(2 pi log2(1 + 15 p))) / 2: four cycles, each twice as long as the
 * one before, from f and to it (both of Holzmueller, Grinsztajn and Steinwart 2024, RealMLP)
 *
 * plateau: max(f, g^n), n as PyTorch's ReduceLROnPlateau counts: the first validation loss, and
 * each below the best by more than the part schedule.threshold of it, is the best so far; after
 * more than schedule.patience others in a row n grows and the count starts again
 *
 * newbob: max(f, g^n); n grows with the first epoch whose loss is not below the one before by more
 * than the part schedule.threshold of it, and with each after it; training ends where the gain of a
 * later one is below a fifth of that (the "new bob" schedule of ICSI's QuickNet)
 *
 * From T on p is 1. */
#ifndef GR_NET_SCHEDULE_H
#define GR_NET_SCHEDULE_H

#include "net/config.h"

/* What plateau and newbob know of the epochs so far; zeroed before the first. It follows from the
 * history of validation losses, and is stored nowhere else. */
typedef struct gr_schedule_state {
  uint64_t epochs;      /* judged */
  uint64_t cuts;        /* n above */
  uint64_t bad_epochs;  /* plateau: in a row */
  double reference;     /* the best loss (plateau) or the last one (newbob) */
  uint64_t epoch_steps; /* E above; 0: the steps in all, shared among training.epochs. Not judged */
} gr_schedule_state;

double gr_schedule_rate(const gr_config *config, uint64_t step, uint64_t total_steps,
                        const gr_schedule_state *state);

/* What other numbers of the recipe are multiplied with at a step, by schedule.dropout and
 * schedule.weight_decay: constant: 1; cosine and flat-cosine as above, with f = 0 and without
 * warm-up. */
typedef struct gr_course {
  double dropout, weight_decay;
} gr_course;

gr_course gr_schedule_course(const gr_config *config, uint64_t step, uint64_t total_steps);

/* Takes in the validation loss of the next epoch; true where training should end. */
bool gr_schedule_judge(const gr_config *config, double valid_loss, gr_schedule_state *state);

/* True where the rate of a step, or its course, depends on how many steps there are in all (then
 * epochs cannot grow on resume). */
bool gr_schedule_depends_on_total(const gr_config *config);

/* True where the schedule needs a validation loss. */
bool gr_schedule_needs_validation(const gr_config *config);

typedef struct gr_schedule_kind {
  const char *name;
  bool depends_on_total, judges;
  double gamma, threshold; /* what `auto` means */
} gr_schedule_kind;

extern const gr_schedule_kind gr_schedules[GR_N_SCHEDULES];

#endif
