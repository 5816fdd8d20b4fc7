/* Many steps inside one region: the same bits as the same steps one by one on one thread, whoever
 * does them, wherever the run is cut, and when a loss is not finite on the way. */
#include <config.h>

#include <math.h>
#include <string.h>

#include "exec/internal.h"
#include "exec_tests.h"

/* The epoch takes the rows of a map, each once, by 7 steps, the last one short. */
enum { BATCH = 64, EPOCH = 6 * BATCH + 21, STEPS = 7, FIRST_STEP = 11, NEVER = 100 };

static const recipe nets[] = {{.width = {13, 40, 21, 4},
                               .hidden = GR_RELU,
                               .output = GR_SOFTMAX,
                               .loss = GR_CROSS_ENTROPY,
                               .optimizer = GR_ADAM,
                               .batch = BATCH,
                               .rows = 500,
                               .learning_rate = 0.02,
                               .decay = 0.001,
                               .weighted = true,
                               .type = GR_F32,
                               .lane_rows = 9},
                              {.width = {37, 70, 3},
                               .hidden = GR_TANH,
                               .output = GR_IDENTITY,
                               .optimizer = GR_SGD,
                               .batch = BATCH,
                               .rows = 500,
                               .learning_rate = 0.05,
                               .type = GR_U8,
                               .lane_rows = 64}};

/* Parameters, moments and the results of the steps so far. */
typedef struct trace {
  size_t n_parameters;
  float *state[1 + GR_MAX_MOMENTS];
  gr_step_result result[STEPS];
  uint64_t rows[STEPS];
  int steps;
} trace;

/* What goes on while a run is under way. */
typedef struct watcher {
  const recipe *of;
  trace *trace;
  gr_engine *engine;
  int last;     /* no further step after that many */
  bool changes; /* the way in which the ranks' parts are done, after each step */
} watcher;

static gr_row_order mapped_order(const recipe *r) {
  uint64_t *map = gr_test_array(EPOCH, sizeof *map);
  for (uint64_t i = 0; i < EPOCH; i++) map[i] = (i * 7 + 3) % r->rows; /* 7 and 500: once each */
  return (gr_row_order){.permutation = gr_permutation_make(5, 2, EPOCH), .map = map};
}

/* The row of the data set that a step takes at `place` of its batch. */
static uint64_t row_of(const gr_row_order *order, int step, uint64_t place) {
  return order->map[gr_permutation_at(&order->permutation, (uint64_t)step * BATCH + place)];
}

static double rate(void *user, uint64_t step) {
  const watcher *w = user;
  return step_rate(w->of, (int)step);
}

static bool after(void *user, const gr_step_result *result, uint64_t n) {
  watcher *w = user;
  trace *t = w->trace;
  CU_ASSERT_FATAL(t->steps < STEPS);
  t->result[t->steps] = *result;
  t->rows[t->steps++] = n;
  if (w->changes) w->engine->pace.alone = !w->engine->pace.alone;
  return t->steps < w->last;
}

static gr_engine *begin(const recipe *r, workers who, trace *t) {
  const gr_network network = make_network(r);
  *t = (trace){.n_parameters = network.n_parameters};
  for (int k = 0; k <= GR_MAX_MOMENTS; k++) t->state[k] = gr_test_floats(network.n_parameters);
  return make_engine(r, who, make_parameters(&network, 3));
}

static void end(gr_engine *engine, trace *t) {
  gr_engine_store(engine, t->state[0], (float *const[GR_MAX_MOMENTS]){t->state[1], t->state[2]});
  gr_engine_destroy(engine);
}

/* One by one, up to a loss that is not finite. */
static trace step_by_step(const recipe *r, const data *d, const gr_row_order *order) {
  trace t;
  gr_engine *engine = begin(r, (workers){1, GR_AUTO, GR_STRATEGY_TILES}, &t);
  for (bool finite = engine != NULL; finite && t.steps < STEPS; t.steps++) {
    const uint64_t start = (uint64_t)t.steps * BATCH, left = EPOCH - start,
                   step = FIRST_STEP + (uint64_t)t.steps;
    gr_step_result *result = &t.result[t.steps];
    t.rows[t.steps] = left < BATCH ? left : BATCH;
    gr_engine_step(engine, &d->rows, order, start, t.rows[t.steps], step, step_rate(r, (int)step),
                   result);
    finite = result->finite;
  }
  end(engine, &t);
  return t;
}

/* Runs that end after `last` steps in all, each of `most` steps at most; the result of the last. */
static gr_step_result run_on(watcher *w, const data *d, const gr_row_order *order, int most) {
  gr_step_result result = {.finite = true};
  const int last = w->last < STEPS ? w->last : STEPS;
  while (result.finite && w->trace->steps < last) {
    const int before = w->trace->steps;
    const gr_run run = {.rows = &d->rows,
                        .order = order,
                        .start = (uint64_t)before * BATCH,
                        .end = EPOCH,
                        .step = FIRST_STEP + (uint64_t)before,
                        .n_steps = (uint64_t)most,
                        .learning_rate = rate,
                        .after = after,
                        .user = w};
    gr_engine_run(w->engine, &run, &result);
    CU_ASSERT_FATAL(w->trace->steps > before && w->trace->steps <= before + most);
  }
  return result;
}

static int same_trace(const trace *x, const trace *y) {
  int same = x->steps == y->steps;
  for (int k = 0; k <= GR_MAX_MOMENTS; k++)
    same &= memcmp(x->state[k], y->state[k], x->n_parameters * sizeof(float)) == 0;
  for (int i = 0; same && i < x->steps; i++)
    same = x->rows[i] == y->rows[i] && x->result[i].finite == y->result[i].finite &&
           x->result[i].weight == y->result[i].weight &&
           (x->result[i].loss == y->result[i].loss || !x->result[i].finite);
  return same;
}

/* How a run goes: stopped after `last` steps and then taken up again, or cut into runs of `most`
 * steps; by the team or, from step to step in turn, by one thread for all ranks. */
typedef struct way {
  int last, most;
  bool changes;
  const char *name;
} way;

static const way ways[] = {{NEVER, NEVER, false, "in one run"},
                           {3, NEVER, false, "stopped after 3 steps"},
                           {STEPS - 1, NEVER, false, "stopped before the last"},
                           {NEVER, 2, false, "2 steps at a time"},
                           {NEVER, NEVER, true, "by team and one thread in turn"}};

static void check_way(const recipe *r, const data *d, const gr_row_order *order, workers who,
                      const way *how, const trace *wanted) {
  trace t;
  watcher w = {.of = r, .trace = &t, .last = how->last, .changes = how->changes};
  w.engine = begin(r, who, &t);
  if (!w.engine) return;
  if (how->changes) /* two steps in each region, and no look at the clock changes the way */
    w.engine->pace = (gr_pace){.enabled = true, .stay = 1e9, .batch = 1, .cost = {0.5e-3, 0}};
  (void)run_on(&w, d, order, how->most);
  CU_ASSERT(t.steps <= how->last);
  w.last = NEVER;
  const gr_step_result last = run_on(&w, d, order, how->most);
  end(w.engine, &t);
  GR_CHECK(same_trace(&t, wanted) && last.finite, "%d threads by %s, %s: %d steps", who.threads,
           gr_strategy_names[who.strategy], how->name, t.steps);
}

static void a_run_has_the_bits_of_its_steps_wherever_it_is_cut(void) {
  static const int threads[] = {1, 2, 3, 5, 8};
  for (size_t i = 0; i < 2; i++) {
    const recipe *r = &nets[i];
    const data d = make_data(r, gr_test_seed());
    const gr_row_order order = mapped_order(r);
    const trace wanted = step_by_step(r, &d, &order);
    CU_ASSERT_EQUAL(wanted.steps, STEPS);
    for (int t = 0; t < 5; t++)
      for (int strategy = 0; strategy < GR_N_STRATEGIES; strategy++)
        for (size_t k = 0; k < sizeof ways / sizeof ways[0]; k++)
          check_way(r, &d, &order, (workers){threads[t], GR_AUTO, strategy}, &ways[k], &wanted);
    gr_test_release();
  }
}

/* The run ends there, names the row, and keeps what the steps before have made. */
static void check_bad_row(const recipe *r, const data *d, const gr_row_order *order, workers who,
                          int step, uint64_t row, const trace *wanted) {
  trace t;
  watcher w = {.of = r, .trace = &t, .last = NEVER};
  w.engine = begin(r, who, &t);
  if (!w.engine) return;
  const gr_step_result got = run_on(&w, d, order, NEVER);
  end(w.engine, &t);
  GR_CHECK(!got.finite && got.bad_layer == 0 && got.bad_row == row,
           "%d threads by %s, step %d: layer %d, row %llu, wanted %llu", who.threads,
           gr_strategy_names[who.strategy], step, got.bad_layer, (unsigned long long)got.bad_row,
           (unsigned long long)row);
  GR_CHECK(same_trace(&t, wanted) && t.steps == step + 1, "%d threads by %s: %d steps of %d",
           who.threads, gr_strategy_names[who.strategy], t.steps, step + 1);
}

static void a_loss_that_is_not_finite_ends_a_run_where_it_stands(void) {
  static const int threads[] = {1, 2, 3, 5}, steps[] = {0, 3, STEPS - 1};
  const recipe *r = &nets[0];
  for (int i = 0; i < 3; i++) {
    data d = make_data(r, gr_test_seed());
    const gr_row_order order = mapped_order(r);
    const uint64_t row = row_of(&order, steps[i], 17);
    float *x = gr_test_floats(r->rows * r->width[0]);
    memcpy(x, d.rows.x, r->rows * r->width[0] * sizeof *x);
    x[row * r->width[0] + 5] = NAN;
    d.rows.x = x;
    const trace wanted = step_by_step(r, &d, &order);
    CU_ASSERT_EQUAL(wanted.steps, steps[i] + 1);
    for (int t = 0; t < 4; t++)
      for (int strategy = 0; strategy < GR_N_STRATEGIES; strategy++)
        check_bad_row(r, &d, &order, (workers){threads[t], GR_AUTO, strategy}, steps[i], row,
                      &wanted);
    gr_test_release();
  }
}

/* Nothing to do is no failure. */
static void a_run_of_no_steps_changes_nothing(void) {
  const recipe *r = &nets[0];
  const data d = make_data(r, gr_test_seed());
  const gr_row_order order = mapped_order(r);
  trace before, t;
  end(begin(r, (workers){2, GR_AUTO, GR_STRATEGY_TILES}, &before), &before);
  watcher w = {.of = r, .trace = &t, .last = NEVER};
  w.engine = begin(r, (workers){2, GR_AUTO, GR_STRATEGY_TILES}, &t);
  for (int i = 0; w.engine && i < 2; i++) {
    const gr_run run = {.rows = &d.rows,
                        .order = &order,
                        .start = i ? EPOCH : 0,
                        .end = EPOCH,
                        .n_steps = i ? NEVER : 0,
                        .learning_rate = rate,
                        .after = after,
                        .user = &w};
    gr_step_result result;
    gr_engine_run(w.engine, &run, &result);
    CU_ASSERT(result.finite && result.loss == 0 && result.weight == 0);
  }
  end(w.engine, &t);
  CU_ASSERT(same_trace(&t, &before));
  gr_test_release();
}

const gr_test run_tests[] = {
    GR_TEST(a_run_has_the_bits_of_its_steps_wherever_it_is_cut),
    GR_TEST(a_loss_that_is_not_finite_ends_a_run_where_it_stands),
    GR_TEST(a_run_of_no_steps_changes_nothing),
    GR_TEST_END,
};
