/* What is trained before the first layer (net/network.h): forward by rows; backward by columns. A
 * rank owns some panels of columns with their parameters and takes their gradient through all lanes
 * and passes, so that nothing is added up between ranks. */
#include <config.h>

#include <string.h>

#include "exec/step.h"
#include "plan/lanes.h"

/* A rank's parameters, which lie one after another in a blocked vector, and its columns. */
typedef struct part {
  size_t at, n;   /* in floats; n a multiple of 16 */
  size_t column;  /* the first */
  size_t columns; /* real ones */
} part;

static part part_of(const gr_plan *plan, int rank) {
  const gr_plan_front *front = &plan->front;
  size_t first = 0, end = 0;
  if (front->exists) gr_plan_front_panels(plan, rank, &first, &end);
  const size_t last = 16 * end < front->n_columns ? 16 * end : front->n_columns;
  return (part){front->scale + 16 * first, 16 * (end - first), 16 * first,
                last > 16 * first ? last - 16 * first : 0};
}

void gr_front_forward(const gr_step *s, const gr_share *rows) {
  const gr_engine *engine = s->engine;
  const gr_plan *plan = &engine->plan;
  const size_t at = rows->row * plan->ld_input;
  engine->kernels->scale_columns(
      rows->rows, plan->layer[0].panels_in, gr_at(engine, plan->parameters + plan->front.scale),
      gr_at(engine, plan->input + at), gr_at(engine, plan->front.output + at), plan->ld_input);
}

void gr_front_evaluation(const gr_engine *engine, size_t model, size_t n, float *rows) {
  const gr_plan *plan = &engine->plan;
  if (!plan->front.exists) return;
  engine->kernels->scale_columns(n, plan->layer[0].panels_in,
                                 gr_at(engine, model + plan->front.scale), rows, rows,
                                 plan->ld_input);
}

/* The gradient of a part, lanes added by the tree; returns where it is. */
static float *part_gradient(const gr_step *s, int rank, const part *p) {
  const gr_engine *engine = s->engine;
  const gr_plan *plan = &engine->plan;
  const gr_plan_front *front = &plan->front;
  float *slots = gr_at(engine, front->scratch + (size_t)rank * front->scratch_rank);
  size_t depth = 0;
  for (uint64_t lane = 0; lane < s->n_lanes; lane++) {
    const uint64_t first = lane * plan->lane_rows,
                   n = s->n - first < plan->lane_rows ? s->n - first : plan->lane_rows;
    const size_t at = first * plan->ld_input + p->column;
    engine->kernels->column_products(n, p->n / 16, gr_at(engine, front->delta + at),
                                     gr_at(engine, plan->input + at), plan->ld_input,
                                     slots + front->slot * depth++);
    for (unsigned m = gr_tree_merges(lane); m; m--, depth--)
      engine->kernels->add(p->n, slots + front->slot * (depth - 2),
                           slots + front->slot * (depth - 1));
  }
  for (; depth > 1; depth--)
    engine->kernels->add(p->n, slots + front->slot * (depth - 2),
                         slots + front->slot * (depth - 1));
  return slots;
}

void gr_front_gradient(const gr_step *s, int rank) {
  const gr_engine *engine = s->engine;
  const gr_plan *plan = &engine->plan;
  const part p = part_of(plan, rank);
  if (p.n == 0) return;
  size_t depth = (size_t)__builtin_popcountll(s->pass) + 1;
  const size_t left = s->last ? 1 : depth - gr_tree_merges(s->pass);
  float *passes = gr_at(engine, plan->gradient + p.at);
  memcpy(passes + (depth - 1) * plan->n_blocked, part_gradient(s, rank, &p), p.n * sizeof(float));
  for (; depth > left; depth--)
    engine->kernels->add(p.n, passes + (depth - 2) * plan->n_blocked,
                         passes + (depth - 1) * plan->n_blocked);
}

/* The square of each of the rank's parameters in a blocked vector at `base`. */
static void squares_of(const gr_engine *engine, const part *p, size_t base, double *rows) {
  const float *x = gr_at(engine, base + p->at);
  for (size_t j = 0; j < p->columns; j++)
    rows[engine->plan.front.first_row + p->column + j] = (double)(x[j] * x[j]);
}

void gr_front_squares(const gr_step *s, int rank) {
  gr_engine *engine = s->engine;
  const part p = part_of(&engine->plan, rank);
  squares_of(engine, &p, engine->plan.gradient, engine->row_squares);
  if (engine->plan.compares) squares_of(engine, &p, engine->plan.parameters, engine->row_sums[0]);
}

void gr_front_update(const gr_step *s, int rank, const gr_verdict *verdict) {
  const gr_engine *engine = s->engine;
  const gr_plan *plan = &engine->plan;
  const part p = part_of(plan, rank);
  gr_update_coefficients u = s->front;
  const float *g;
  if (p.n == 0) return;
  if (plan->whole_gradient) {
    gr_whole_clip(s, verdict->norm, &u);
    u.grew = verdict->grew;
    g = gr_at(engine, plan->gradient + p.at);
  } else {
    g = part_gradient(s, rank, &p);
  }
  gr_gradient_apply(s, &u, p.at, p.n, g);
  if (plan->averages && s->average_share != 0)
    engine->kernels->average(p.n, s->average_share, gr_at(engine, plan->average + p.at),
                             gr_at(engine, plan->parameters + p.at));
}

void gr_front_pack(const gr_plan *plan, const float *logical, float *blocked) {
  const gr_plan_front *front = &plan->front;
  if (front->exists)
    memcpy(blocked + front->scale, logical + front->logical, front->n_columns * sizeof(float));
}

void gr_front_unpack(const gr_plan *plan, const float *blocked, float *logical) {
  const gr_plan_front *front = &plan->front;
  if (front->exists)
    memcpy(logical + front->logical, blocked + front->scale, front->n_columns * sizeof(float));
}
