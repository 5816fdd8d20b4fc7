/* One training step. What a rank does is a list of operations that the planner has put in order
 * (plan->operation): gather its rows, forward, loss, data gradients down to the first layer
 * (exec/pass.c); then the gradient of its units of weights, lanes added by the tree, update, back
 * copy. Ranks meet where the list says so, and always before and after the update: weights change
 * only when all ranks are done with the old ones. If a loss is not finite, nothing changes. Steps
 * follow one another inside one region of threads. */
#include <config.h>

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "exec/step.h"
#include "exec/team.h"
#include "net/average.h"
#include "plan/lanes.h"

typedef gr_share share;

/* Sum over rows of weight * value (value NULL: of weight), in double, by lanes and their tree. */
static double lane_sum(const gr_step *s, const float *value) {
  const gr_engine *engine = s->engine;
  const uint64_t *index = s->index;
  const float *weight = s->rows->weight;
  for (uint64_t lane = 0; lane < s->n_lanes; lane++) {
    double sum = 0;
    for (uint64_t r = lane * engine->plan.lane_rows;
         r < s->n && r < (lane + 1) * engine->plan.lane_rows; r++) {
      const double w = weight ? (double)weight[index[r]] : 1;
      sum += value ? w * (double)value[r] : w;
    }
    engine->lane_sums[lane] = sum;
  }
  return gr_tree_sum(engine->lane_sums, s->n_lanes);
}

/* The first layer with an output that is not finite, its row and column: 0 = the inputs. */
static int find_bad_layer(const gr_step *s, uint64_t *bad_row, uint32_t *bad_column) {
  const gr_engine *engine = s->engine;
  for (uint32_t l = 0; l <= engine->plan.n_layers; l++) {
    const size_t width = l ? engine->plan.layer[l - 1].n_out : engine->plan.layer[0].n_in;
    for (uint64_t r = 0; r < s->n; r++) {
      size_t ld;
      const float *a = l ? gr_layer_input(engine, 0, l, r, &ld) : gr_gathered_input(engine, 0, r);
      for (size_t j = 0; j < width; j++)
        if (!isfinite(a[j])) {
          *bad_row = gr_row_order_row(s->order, s->start + r);
          *bad_column = (uint32_t)j;
          return (int)l;
        }
    }
  }
  return -1;
}

/* The sum of the weights of the rows that the step is going to take. */
static double batch_weight(const gr_step *s) {
  if (!s->rows->weight) return (double)s->n;
  if (!s->known) gr_pass_number(s, s->start, 0, s->n, s->index);
  return lane_sum(s, NULL);
}

/* A sum over the passes of a step by the tree. */
typedef struct tally {
  double partial[GR_TREE_DEPTH];
  size_t depth;
} tally;

/* Takes in the value of pass `pass`. */
static void tally_add(tally *t, uint64_t pass, double value) {
  if (pass == 0) t->depth = 0;
  t->partial[t->depth++] = value;
  for (unsigned m = gr_tree_merges(pass); m; m--, t->depth--)
    t->partial[t->depth - 2] += t->partial[t->depth - 1];
}

static double tally_total(tally *t) {
  for (; t->depth > 1; t->depth--) t->partial[t->depth - 2] += t->partial[t->depth - 1];
  return t->partial[0];
}

/* Steps under way. A pass's numbers are written by rank 0 while the others may still read those of
 * the pass before: there are two of them. */
typedef struct steps {
  const gr_run *run;
  gr_step at[2];
  gr_step_result result;
  tally loss, weight;
  uint64_t done, rows_done; /* steps, and rows of all passes */
  uint64_t passes;          /* over */
  uint64_t step_rows;       /* of the passes of this step that are over */
  uint64_t first_round;     /* number of the pass that is round 0 of the region */
  bool stop;
} steps;

/* The numbers of the next pass, number `pass` of its step, rows from `start`, which are there when
 * it returns; false where they will never be. */
static bool prepare(steps *all, uint64_t pass, uint64_t start) {
  const gr_run *run = all->run;
  const uint64_t number = all->passes;
  gr_step *s = &all->at[number % 2];
  const gr_plan *plan = &s->engine->plan;
  uint64_t *half[2] = {(uint64_t *)(void *)gr_at(s->engine, plan->index),
                       (uint64_t *)(void *)gr_at(s->engine, plan->index + plan->index_half)};
  const uint64_t left = run->end - start, batch = plan->batch_rows;
  s->number = run->step + all->done;
  s->start = start;
  s->n = left < batch ? left : batch;
  s->n_next = left - s->n < batch ? left - s->n : batch;
  s->n_lanes = gr_lane_count(s->n, plan->lane_rows);
  s->index = half[number % 2];
  s->next = half[(number + 1) % 2];
  s->known = number > 0;
  s->pass = pass;
  s->last = pass + 1 == plan->passes || left == s->n;
  s->update = s->engine->update[number % 2];
  const gr_course course = run->course ? run->course(run->user, s->number)
                                       : (gr_course){.dropout = 1, .weight_decay = 1};
  s->dropout = course.dropout;
  if (run->feed && !run->feed->wait(run->feed->user, start + s->n)) {
    all->result.starved = true;
    return false;
  }
  tally_add(&all->weight, pass, batch_weight(s));
  if (!s->last) return true;
  s->weight = tally_total(&all->weight);
  s->scale = (double)(s->weight >= 0x1p-126 ? (float)(1 / s->weight) : 0.0f);
  gr_update_prepare(s->engine, s->number - run->skipped, run->learning_rate(run->user, s->number),
                    s->engine->config.optimizer.weight_decay * course.weight_decay, s->weight,
                    s->update, &s->front);
  if (!plan->averages) return true;
  s->average_share =
      (float)(run->average_share ? run->average_share(run->user, s->number)
                                 : gr_average_share(&s->engine->config, s->number, UINT64_MAX));
  return true;
}

/* Whether the step may change anything; *norm receives that of the gradient, or NaN. A line search
 * looks at the numbers of its trials itself. */
static bool is_finite(const gr_step *s, double *norm) {
  const gr_engine *engine = s->engine;
  bool finite = true;
  for (int r = 0; r < engine->plan.n_ranks; r++) finite &= engine->rank_finite[64 * r];
  const bool norms = engine->plan.norms && s->last;
  *norm = norms ? gr_whole_norm(s) : (double)NAN;
  if (engine->plan.searches && !gr_lbfgs_begins(s)) return true;
  return finite && (!norms || isfinite(*norm));
}

static void gradient_units(const gr_step *s, int rank) {
  const gr_plan *plan = &s->engine->plan;
  for (size_t i = plan->first_unit[rank]; i < plan->first_unit[rank + 1]; i++)
    gr_gradient_unit(s, rank, &plan->units[i]);
  if (plan->front.exists) gr_front_gradient(s, rank);
}

/* A step is over: tells the trainer, who says whether another one follows. */
static void report(steps *all, const gr_step *s, double norm, bool finite) {
  const gr_run *run = all->run;
  gr_step_result *result = &all->result;
  *result = (gr_step_result){.loss = tally_total(&all->loss),
                             .weight = s->weight,
                             .gradient_norm = norm,
                             .objective = s->engine->objective[s->number % 2],
                             .search = s->engine->lbfgs[s->number % 2].search,
                             .finite = finite};
  all->done++;
  const bool more = run->after ? run->after(run->user, result, all->step_rows) : true;
  all->stop = !more || !finite || all->done == run->n_steps || s->start + s->n == run->end;
  all->step_rows = 0;
}

/* What rank 0 does beside its units: adds up, reports a step that is over, and prepares the next
 * pass. */
static void end_pass(steps *all, const gr_step *s, double norm, bool finite) {
  const gr_run *run = all->run;
  const bool over = s->last || !finite;
  tally_add(&all->loss, s->pass, lane_sum(s, gr_at(s->engine, s->engine->plan.row_loss)));
  all->passes++;
  all->rows_done += s->n;
  all->step_rows += s->n;
  if (run->feed) run->feed->release(run->feed->user, s->start + s->n);
  if (over) report(all, s, norm, finite);
  if (!all->stop) all->stop = !prepare(all, over ? 0 : s->pass + 1, s->start + s->n);
}

/* The loss of the step, all of whose rows are through, before its update. */
static void compare(const steps *all, const gr_step *s) {
  gr_engine *engine = s->engine;
  tally loss = all->loss;
  tally_add(&loss, s->pass, lane_sum(s, gr_at(engine, engine->plan.row_loss)));
  engine->loss = tally_total(&loss);
}

static void norm(const steps *all, const gr_step *s, int rank) {
  const gr_plan *plan = &s->engine->plan;
  if (!s->last) return;
  if (plan->searches)
    gr_lbfgs_measure(s, rank);
  else
    gr_whole_squares(s, rank);
  if ((plan->compares || plan->searches) && rank == 0) compare(all, s);
}

/* The weights of the rank's units by their gradient, and by what the whole gradient says. */
static void update_units(const gr_step *s, int rank, const gr_verdict *verdict) {
  const gr_plan *plan = &s->engine->plan;
  const bool averages = plan->averages && !plan->constrains; /* else after that */
  for (size_t i = plan->first_unit[rank]; i < plan->first_unit[rank + 1]; i++) {
    const gr_unit *u = &plan->units[i];
    gr_normalize_track(s, u);
    if (plan->whole_gradient)
      gr_whole_apply(s, verdict, u);
    else
      gr_gradient_unit(s, rank, u);
    if (averages) gr_whole_average(s, u);
  }
}

static void update(steps *all, const gr_step *s, int rank) {
  gr_engine *engine = s->engine;
  const gr_plan *plan = &engine->plan;
  gr_verdict verdict;
  const bool finite = is_finite(s, &verdict.norm), changes = finite && s->last;
  if (changes && plan->whole_gradient) gr_whole_judge(s, &verdict);
  if (changes && plan->searches)
    gr_lbfgs_update(s, rank);
  else if (changes)
    update_units(s, rank, &verdict);
  if (changes && plan->front.exists) gr_front_update(s, rank, &verdict);
  if (rank > 0) return;
  if (changes && plan->whole_gradient) engine->objective[s->number % 2] = verdict.objective;
  if (changes && plan->searches)
    engine->objective[s->number % 2] = engine->lbfgs[s->number % 2].search.f0;
  end_pass(all, s, verdict.norm, finite);
}

static void direct(const gr_step *s, int rank) {
  double norm;
  if (s->last && is_finite(s, &norm)) gr_whole_direct(s, rank, norm);
}

static void pair(const gr_step *s, int rank) {
  double norm;
  if (s->last && is_finite(s, &norm)) gr_lbfgs_pair(s, rank);
}

static void constrain(const gr_step *s, int rank) {
  double norm;
  if (s->last && is_finite(s, &norm)) gr_whole_constrain(s, rank);
}

/* What the time of an operation is told as. */
static const gr_phase phase[] = {[GR_GATHER] = GR_PHASE_GATHER,
                                 [GR_FRONT] = GR_PHASE_FORWARD,
                                 [GR_FORWARD] = GR_PHASE_FORWARD,
                                 [GR_NORMALIZE] = GR_PHASE_FORWARD,
                                 [GR_LOSS] = GR_PHASE_LOSS,
                                 [GR_BACKWARD] = GR_PHASE_DATA_GRADIENT,
                                 [GR_NORMALIZE_BACK] = GR_PHASE_DATA_GRADIENT,
                                 [GR_REDUCE] = GR_PHASE_WEIGHT_GRADIENT,
                                 [GR_GRADIENT] = GR_PHASE_WEIGHT_GRADIENT,
                                 [GR_NORM] = GR_PHASE_UPDATE,
                                 [GR_DIRECTION] = GR_PHASE_UPDATE,
                                 [GR_PAIR] = GR_PHASE_UPDATE,
                                 [GR_UPDATE] = GR_PHASE_UPDATE,
                                 [GR_CONSTRAIN] = GR_PHASE_UPDATE};

static void operate(steps *all, const gr_step *s, int rank, const gr_plan_operation *o,
                    const share *rows) {
  switch (o->kind) {
    case GR_GATHER:
      gr_pass_gather(s, rank);
      break;
    case GR_FRONT:
      gr_front_forward(s, rows);
      break;
    case GR_FORWARD:
      gr_pass_forward(s, rank, o->layer, rows);
      break;
    case GR_NORMALIZE:
      gr_normalize_layer(s, rank, o->layer, rows);
      break;
    case GR_LOSS:
      gr_pass_loss(s, rank, rows);
      break;
    case GR_BACKWARD:
      gr_pass_backward(s, rank, o->layer, rows);
      break;
    case GR_NORMALIZE_BACK:
      gr_normalize_layer_back(s, rank, o->layer, rows);
      break;
    case GR_REDUCE:
      gr_gradient_accumulate(s, rank);
      break;
    case GR_GRADIENT:
      gradient_units(s, rank);
      break;
    case GR_NORM:
      norm(all, s, rank);
      break;
    case GR_DIRECTION:
      direct(s, rank);
      break;
    case GR_PAIR:
      pair(s, rank);
      break;
    case GR_UPDATE:
      update(all, s, rank);
      break;
    case GR_CONSTRAIN:
      constrain(s, rank);
      break;
  }
  if (s->engine->phases.on) gr_phase_end(&s->engine->phases, rank, phase[o->kind]);
}

/* The next of the pieces, as equal as can be, that `left` rows are cut into. */
static uint64_t next_rows(uint64_t left, uint64_t most) {
  if (left <= most) return left;
  const uint64_t pieces = (left + most - 1) / most;
  return (left + pieces - 1) / pieces;
}

/* Operations that a rank does on whole rows, one after another: they take some rows at a time, so
 * that what one has written is in cache for the next. */
static void operate_by_rows(steps *all, const gr_step *s, int rank, const gr_plan_operation *first,
                            const gr_plan_operation *end) {
  const share all_rows = gr_pass_share(s, rank, 1, 0);
  const uint64_t last = all_rows.row + all_rows.rows, most = s->engine->plan.block_rows;
  share part = {.row = all_rows.row};
  do { /* once also for no rows */
    part.rows = next_rows(last - part.row, most);
    for (const gr_plan_operation *o = first; o < end; o++) operate(all, s, rank, o, &part);
    part.row += part.rows;
  } while (part.row < last);
}

/* The operations of one rank between two meetings. */
static void run_stage(void *context, int rank, int stage, uint64_t round) {
  steps *all = context;
  const gr_step *s = &all->at[(all->first_round + round) % 2];
  gr_engine *engine = s->engine;
  const gr_plan_operation *o = &engine->plan.operation[engine->plan.stage[stage]],
                          *end = engine->plan.operation + engine->plan.n_operations;
  if (engine->phases.on) gr_phase_begin(&engine->phases, rank);
  for (bool over = false; !over && o < end;) {
    const gr_plan_operation *first = o++;
    over = first->meet;
    if (!first->by_rows) {
      operate(all, s, rank, first, NULL);
      continue;
    }
    for (; !over && o < end && o->by_rows; o++) over = o->meet;
    operate_by_rows(all, s, rank, first, o);
  }
}

/* Some of the passes in one region. */
static void run_some(steps *all, uint64_t n_passes) {
  gr_engine *engine = all->at[0].engine;
  const double start = engine->pace.enabled ? gr_clock_now() : 0;
  const uint64_t rows = all->rows_done;
  all->first_round = all->passes;
  const gr_team_job job = {.n_ranks = engine->plan.n_ranks,
                           .n_stages = engine->plan.n_stages,
                           .n_rounds = n_passes,
                           .stage = run_stage,
                           .context = all,
                           .stop = &all->stop,
                           .enter = engine->kernels->environment_enter,
                           .leave = engine->kernels->environment_leave,
                           .spins = engine->spins};
  gr_team_rounds(&job, engine->pace.alone);
  if (engine->pace.enabled)
    gr_pace_record(&engine->pace, gr_clock_now() - start, all->rows_done - rows);
}

void gr_engine_run(gr_engine *engine, const gr_run *run, gr_step_result *result) {
  const unsigned environment = engine->kernels->environment_enter();
  const gr_step both = {.engine = engine, .rows = run->rows, .order = run->order};
  steps all = {
      .run = run, .at = {both, both}, .result = {.finite = true, .gradient_norm = (double)NAN}};
  gr_engine_bind_inputs(engine, run->rows);
  if (engine->plan.searches && !engine->recalled) gr_lbfgs_recall(engine);
  all.stop = run->start >= run->end || run->n_steps == 0;
  if (!all.stop) all.stop = !prepare(&all, 0, run->start);
  while (!all.stop)
    run_some(&all, engine->pace.enabled ? gr_pace_steps(&engine->pace) : UINT64_MAX);
  gr_phases_pause(&engine->phases);
  *result = all.result;
  if (!result->finite) {
    const gr_step *bad = &all.at[(all.passes - 1) % 2];
    result->bad_layer = find_bad_layer(bad, &result->bad_row, &result->bad_column);
    result->bad_start = bad->start;
    result->bad_n = bad->n;
  }
  engine->kernels->environment_leave(environment);
}

static double constant_rate(void *user, uint64_t step_number) {
  (void)step_number;
  return *(const double *)user;
}

void gr_engine_step(gr_engine *engine, const gr_rows *rows, const gr_row_order *order,
                    uint64_t start, uint64_t n, uint64_t step_number, double learning_rate,
                    gr_step_result *result) {
  const gr_run run = {.rows = rows,
                      .order = order,
                      .start = start,
                      .end = start + n,
                      .step = step_number,
                      .n_steps = 1,
                      .learning_rate = constant_rate,
                      .user = &learning_rate};
  gr_engine_run(engine, &run, result);
}
