/* Schedules against their published formulas, written again with the C library's functions. */
#include <config.h>

#include <math.h>
#include <stdio.h>

#include "kernel/kinds.h"
#include "net/average.h"
#include "net/schedule.h"
#include "net/suites.h"

enum { EPOCHS = 20, EPOCH_STEPS = 50, TOTAL = EPOCHS * EPOCH_STEPS, WARMUP = 100 };
static const double pi = 3.14159265358979323846;
static const gr_schedule_state nothing_judged;

static gr_config make(int name) {
  gr_config c = default_config();
  if (c.training.epochs == GR_AUTO) c.training.epochs = 20;
  gr_config_settle(&c, NULL);
  c.schedule.name = name;
  c.schedule.gamma = 0.5;
  c.schedule.floor = 0.01;
  c.schedule.every = 3;
  must_set(&c, "schedule.milestones", "2,7,8");
  c.schedule.power = 1.7;
  c.schedule.period = 4;
  c.schedule.period_factor = 2;
  c.schedule.peak = 0.25;
  c.optimizer.learning_rate = 1;
  return c;
}

static double half_cosine(double from, double to, double p) {
  return to + (from - to) * (1 + cos(pi * p)) / 2;
}

/* The height at step s of those after the warm-up, in epoch e; NAN: no formula here. */
static double wanted(int name, double s, double steps, int e) {
  const double p = s / steps;
  switch (name) {
    case GR_SCHEDULE_CONSTANT:
    case GR_SCHEDULE_PLATEAU: /* before anything was judged */
    case GR_SCHEDULE_NEWBOB:
      return 1;
    case GR_SCHEDULE_COSINE:
      return half_cosine(1, 0.01, p);
    case GR_SCHEDULE_COSINE_RESTARTS: { /* periods of 4, 8, 16 epochs */
      const double period = 4 * EPOCH_STEPS;
      return s < period       ? half_cosine(1, 0.01, s / period)
             : s < 3 * period ? half_cosine(1, 0.01, (s - period) / (2 * period))
                              : half_cosine(1, 0.01, (s - 3 * period) / (4 * period));
    }
    case GR_SCHEDULE_STEP:
      return fmax(0.01, pow(0.5, floor(e / 3)));
    case GR_SCHEDULE_MULTISTEP:
      return pow(0.5, (e >= 2) + (e >= 7) + (e >= 8));
    case GR_SCHEDULE_EXPONENTIAL:
      return fmax(0.01, pow(0.5, e));
    case GR_SCHEDULE_POLYNOMIAL:
      return 0.01 + 0.99 * pow(1 - p, 1.7);
    case GR_SCHEDULE_ONE_CYCLE:
      return p < 0.25 ? half_cosine(1.0 / 25, 1, p / 0.25)
                      : half_cosine(1, 1.0 / 25 / 1e4, (p - 0.25) / 0.75);
    case GR_SCHEDULE_FLAT_COSINE:
      return p < 0.5 ? 1 : half_cosine(1, 0.01, 2 * p - 1);
    case GR_SCHEDULE_COSLOG4:
      return 0.01 + 0.99 * (1 - cos(2 * pi * log2(1 + 15 * p))) / 2;
    default:
      return (double)NAN;
  }
}

/* Every function is within 2 ulp here and there; a power's argument, power times logarithm, is at
 * most 1.7 ln 1000 = 12 in size and errs by 4 roundings: 12 x 4 + 4 of them, relative to at
 * most 1; likewise the argument of coslog4, at most 8 pi. */
static void check_schedule(int name, uint64_t warmup) {
  gr_config c = make(name);
  c.schedule.warmup = (double)warmup / TOTAL;
  for (uint64_t step = 0; step < TOTAL; step++) {
    const double want = step < warmup ? (double)(step + 1) / (double)(warmup + 1)
                                      : wanted(name, (double)(step - warmup),
                                               (double)(TOTAL - warmup), (int)step / EPOCH_STEPS),
                 got = gr_schedule_rate(&c, step, TOTAL, &nothing_judged);
    if (fabs(got - want) <= 52 * 0x1p-53) continue;
    printf("%s, warm-up %d, step %d: %.17g, wanted %.17g\n", gr_schedules[name].name, (int)warmup,
           (int)step, got, want);
    CU_FAIL("a rate");
    break;
  }
  gr_config_free(&c);
}

static void every_schedule_follows_its_published_formula(void) {
  for (int name = 0; name < GR_N_SCHEDULES; name++) {
    check_schedule(name, 0);
    check_schedule(name, WARMUP);
  }
}

static void rates_stay_finite_at_the_ends_and_beyond(void) {
  for (int name = 0; name < GR_N_SCHEDULES; name++)
    for (int variant = 0; variant < 8; variant++) {
      gr_config c = make(name);
      if (variant & 1) c.schedule.floor = c.schedule.gamma = c.schedule.peak = 0;
      if (variant & 2) c.schedule.power = c.schedule.warmup = 0;
      if (variant & 4) c.schedule.peak = c.schedule.warmup = 1;
      static const uint64_t steps[] = {0, 1, TOTAL - 1, TOTAL, 5 * TOTAL, UINT32_MAX};
      for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
        for (uint64_t total = 0; total <= TOTAL; total += TOTAL / 2) {
          const double rate = gr_schedule_rate(&c, steps[i], total, &nothing_judged);
          CU_ASSERT(rate >= 0 && rate <= 1);
        }
      gr_config_free(&c);
    }
}

static void the_end_is_where_it_is_said_to_be(void) {
  gr_config c = make(GR_SCHEDULE_COSINE);
  c.schedule.floor = 0;
  CU_ASSERT(gr_schedule_rate(&c, TOTAL - 1, TOTAL, &nothing_judged) > 0);
  CU_ASSERT(gr_schedule_rate(&c, TOTAL, TOTAL, &nothing_judged) < 1e-15);
  c.schedule.name = GR_SCHEDULE_POLYNOMIAL;
  CU_ASSERT_EQUAL(gr_schedule_rate(&c, TOTAL, TOTAL, &nothing_judged), 0);
  c.schedule.warmup = 1;
  CU_ASSERT_EQUAL(gr_schedule_rate(&c, TOTAL - 1, TOTAL, &nothing_judged), TOTAL / (TOTAL + 1.0));
  gr_config_free(&c);
}

/* Epochs that are added later change nothing where the table says so. */
static void only_schedules_that_say_so_depend_on_the_number_of_steps(void) {
  for (int name = 0; name < GR_N_SCHEDULES; name++) {
    gr_config few = make(name), many = make(name);
    many.training.epochs = few.training.epochs = EPOCHS;
    many.training.epochs *= 3;
    int differs = 0;
    for (uint64_t step = 0; step < TOTAL; step++)
      differs |= gr_schedule_rate(&few, step, TOTAL, &nothing_judged) !=
                 gr_schedule_rate(&many, step, 3 * TOTAL, &nothing_judged);
    CU_ASSERT_EQUAL(differs, gr_schedule_depends_on_total(&few));
    few.schedule.warmup = 0.1;
    CU_ASSERT(gr_schedule_depends_on_total(&few));
    gr_config_free(&few);
    gr_config_free(&many);
  }
}

static void dropout_and_decay_have_courses_of_their_own(void) {
  gr_config c = make(GR_SCHEDULE_CONSTANT);
  c.schedule.warmup = 0;
  CU_ASSERT(!gr_schedule_depends_on_total(&c));
  must_set(&c, "schedule.dropout", "flat-cosine");
  CU_ASSERT(gr_schedule_depends_on_total(&c));
  must_set(&c, "schedule.weight_decay", "cosine");
  must_set(&c, "schedule.warmup", "0.5"); /* of the learning rate alone */
  for (uint64_t step = 0; step <= TOTAL; step++) {
    const double p = (double)step / TOTAL;
    const gr_course course = gr_schedule_course(&c, step, TOTAL);
    CU_ASSERT_DOUBLE_EQUAL(course.dropout, p < 0.5 ? 1 : half_cosine(1, 0, 2 * p - 1), 0x1p-50);
    CU_ASSERT_DOUBLE_EQUAL(course.weight_decay, half_cosine(1, 0, p), 0x1p-50);
  }
  must_set(&c, "schedule.dropout", "constant");
  CU_ASSERT_EQUAL(gr_schedule_course(&c, TOTAL - 1, TOTAL).dropout, 1);
  gr_config_free(&c);
}

/* The cuts after each of the losses. */
static void check_cuts(gr_config *c, size_t n, const double *losses, const int *cuts, int ends) {
  gr_schedule_state state = {0};
  for (size_t i = 0; i < n; i++) {
    const bool over = gr_schedule_judge(c, losses[i], &state);
    CU_ASSERT_EQUAL(state.cuts, (uint64_t)cuts[i]);
    CU_ASSERT_EQUAL(over, (int)i == ends);
    CU_ASSERT_EQUAL(gr_schedule_rate(c, 7, TOTAL, &state), fmax(0.01, pow(0.5, (double)cuts[i])));
  }
  gr_config_free(c);
}

/* Patience 1: the second epoch in a row without gain cuts. Worked by hand from the source of
 * torch.optim.lr_scheduler.ReduceLROnPlateau, mode min, threshold 0.1 relative. */
static void plateau_cuts_after_epochs_without_gain(void) {
  static const double losses[] = {1, 0.95, 0.89, 0.85, 0.85, 0.85, 0.81, 0.80, 0.5, 0.5, 0.5, 0.5};
  static const int cuts[] = {0, 0, 0, 0, 1, 1, 2, 2, 2, 2, 3, 3};
  gr_config c = make(GR_SCHEDULE_PLATEAU);
  c.schedule.patience = 1;
  c.schedule.threshold = 0.1;
  CU_ASSERT(gr_schedule_needs_validation(&c));
  check_cuts(&c, sizeof losses / sizeof losses[0], losses, cuts, -1);
}

/* A gain below a tenth begins the fall, which goes on whatever follows, and one below a fiftieth
 * ends training. */
static void newbob_falls_from_the_first_small_gain_and_ends_at_a_smaller_one(void) {
  static const double losses[] = {1, 0.8, 0.7, 0.65, 0.5, 0.48, 0.475};
  static const int cuts[] = {0, 0, 0, 1, 2, 3, 3};
  gr_config c = make(GR_SCHEDULE_NEWBOB);
  c.schedule.threshold = 0.1;
  check_cuts(&c, sizeof losses / sizeof losses[0], losses, cuts, 6);
}

static void auto_means_what_the_row_says(void) {
  for (int i = 0; i < GR_N_OPTIMIZERS; i++) {
    gr_config c = default_config();
    c.optimizer.name = i;
    must_set(&c, "optimizer.beta1", "0.25");
    gr_config_settle(&c, NULL);
    CU_ASSERT(c.optimizer.learning_rate == gr_optimizers[i].learning_rate &&
              c.optimizer.momentum == gr_optimizers[i].momentum && c.optimizer.beta1 == 0.25 &&
              c.optimizer.beta2 == gr_optimizers[i].beta2 &&
              c.optimizer.epsilon == gr_optimizers[i].epsilon);
    gr_config_free(&c);
  }
  for (int i = 0; i < GR_N_SCHEDULES; i++) {
    gr_config c = default_config();
    c.schedule.name = i;
    gr_config_settle(&c, NULL);
    CU_ASSERT(c.schedule.gamma == gr_schedules[i].gamma &&
              c.schedule.threshold == gr_schedules[i].threshold);
    gr_config_free(&c);
  }
}

/* Izmailov et al.: w_swa <- (w_swa n + w) / (n + 1) at the end of each epoch. */
static void swa_is_the_mean_of_the_ends_of_epochs(void) {
  gr_config c = default_config();
  c.training.epochs = EPOCHS;
  c.average.name = GR_AVERAGE_SWA;
  c.average.start = 3;
  double mean = 0, wanted = 0;
  for (uint64_t step = 0; step < TOTAL; step++) {
    const double w = (double)(step * step);
    const uint64_t epoch = step / EPOCH_STEPS;
    mean += gr_average_share(&c, step, EPOCH_STEPS) * (w - mean);
    if (epoch < 3) CU_ASSERT_EQUAL(mean, w);
    if (epoch >= 3 && step % EPOCH_STEPS == EPOCH_STEPS - 1) wanted += w;
  }
  CU_ASSERT_DOUBLE_EQUAL(mean, wanted / (EPOCHS - 3), 1e-9 * mean); /* 17 roundings */
  gr_config_free(&c);
}

static void ema_keeps_more_of_itself_up_to_its_decay(void) {
  gr_config c = default_config();
  CU_ASSERT_EQUAL(gr_average_share(&c, 5, EPOCH_STEPS), 0);
  c.average.name = GR_AVERAGE_EMA;
  c.average.decay = 0.99;
  CU_ASSERT_DOUBLE_EQUAL(gr_average_share(&c, 0, EPOCH_STEPS), 0.9, 1e-15);
  CU_ASSERT_DOUBLE_EQUAL(gr_average_share(&c, 90, EPOCH_STEPS), 0.09, 1e-15);
  CU_ASSERT_DOUBLE_EQUAL(gr_average_share(&c, 5000, EPOCH_STEPS), 0.01, 1e-15);
  gr_config_free(&c);
}

const gr_test schedule_tests[] = {
    GR_TEST(swa_is_the_mean_of_the_ends_of_epochs),
    GR_TEST(ema_keeps_more_of_itself_up_to_its_decay),
    GR_TEST(every_schedule_follows_its_published_formula),
    GR_TEST(rates_stay_finite_at_the_ends_and_beyond),
    GR_TEST(the_end_is_where_it_is_said_to_be),
    GR_TEST(only_schedules_that_say_so_depend_on_the_number_of_steps),
    GR_TEST(dropout_and_decay_have_courses_of_their_own),
    GR_TEST(plateau_cuts_after_epochs_without_gain),
    GR_TEST(newbob_falls_from_the_first_small_gain_and_ends_at_a_smaller_one),
    GR_TEST(auto_means_what_the_row_says),
    GR_TEST_END};
