/* Limited-memory BFGS along lines that are searched (net/lbfgs.h, net/line_search.h). A step is one
 * evaluation of the objective, the mean loss and weight decay's part of it, and of its gradient at
 * the weights x + t d, and ends with the weights of the next evaluation. The model is x, the last
 * point accepted; it lies where averages of weights lie.
 *
 * Ranks share the rows of weights, a neuron each, in GR_NORM (the gradient and what the search asks
 * of it) and GR_PAIR (where the point is accepted: the new pair and its products), and units in
 * GR_UPDATE (the direction, the weights). What follows from sums is computed by every rank alike,
 * from what the step before has left; rank 0 leaves what the next one finds. */
#include <config.h>

#include <math.h>
#include <string.h>

#include "exec/step.h"
#include "plan/lanes.h"

/* Rows of the sums over rows: first the slope at x, then for each pair its products with the new
 * one and with the gradient. */
enum { SLOPE_AT_START, FIRST_PRODUCT };
enum {
  STEP_STEP,
  STEP_CHANGE,
  CHANGE_CHANGE,
  CHANGE_STEP,
  GRADIENT_STEP,
  GRADIENT_CHANGE,
  PRODUCTS
};

size_t gr_lbfgs_sums(void) {
  return FIRST_PRODUCT + PRODUCTS * (size_t)GR_LBFGS_PAIRS;
}

static double *sums_at(const gr_engine *engine, size_t row) {
  return engine->products + row * engine->plan.n_rows;
}

/* Where vector `place` of the memory begins. */
static size_t vector_at(const gr_plan *plan, int place) {
  return plan
      ->moment[place == GR_LBFGS_GRADIENT ? GR_LBFGS_AT_GRADIENT : GR_LBFGS_AT_PAIRS + place];
}

/* ----- rows of weights, a panel at a time ----- */

/* A panel of a layer in a blocked vector, and of the vectors behind it. */
typedef struct place {
  const gr_plan_layer *layer;
  size_t panel, weights, vectors, stride;
} place;

static place place_of(const gr_plan_layer *layer, size_t panel) {
  return (place){layer, panel, layer->weights + 16 * panel * (size_t)layer->n_in,
                 layer->bias + 16 * panel, 16 * layer->panels_out};
}

typedef void each_panel(const gr_step *s, const place *p, const void *context);

static void for_each_panel(const gr_step *s, int rank, each_panel *visit, const void *context) {
  const gr_plan *plan = &s->engine->plan;
  for (uint32_t l = 0; l < plan->n_layers; l++) {
    size_t panel, end;
    gr_plan_row_panels(plan, l, rank, &panel, &end);
    for (; panel < end; panel++) {
      const place p = place_of(&plan->layer[l], panel);
      visit(s, &p, context);
    }
  }
}

/* The products of the rows of two vectors that begin at a and b. */
static void multiply(const gr_engine *engine, const place *p, size_t a, size_t b, double *rows) {
  _Alignas(64) float sums[16];
  const gr_plan_layer *layer = p->layer;
  engine->kernels->row_products(
      layer->n_in, gr_at(engine, a + p->weights), gr_at(engine, b + p->weights), layer->n_trained,
      gr_at(engine, a + p->vectors), gr_at(engine, b + p->vectors), p->stride, sums);
  for (size_t o = 16 * p->panel; o < 16 * p->panel + 16 && o < layer->n_out; o++)
    rows[layer->first_row + o] = (double)sums[o % 16];
}

/* c[0] a + c[1] b of a panel, in the vector at `out`. */
static void combine_panel(const gr_engine *engine, const place *p, const float c[2], size_t a,
                          size_t b, size_t out) {
  const gr_plan_layer *layer = p->layer;
  const float *w[2] = {gr_at(engine, a + p->weights), gr_at(engine, b + p->weights)};
  engine->kernels->combine(16 * (size_t)layer->n_in, 2, c, w, gr_at(engine, out + p->weights));
  for (uint32_t v = 0; v < layer->n_trained; v++) {
    const size_t at = p->vectors + v * p->stride;
    const float *x[2] = {gr_at(engine, a + at), gr_at(engine, b + at)};
    engine->kernels->combine(16, 2, c, x, gr_at(engine, out + at));
  }
}

static void copy_panel(const gr_engine *engine, const place *p, size_t from, size_t to) {
  const gr_plan_layer *layer = p->layer;
  memcpy(gr_at(engine, to + p->weights), gr_at(engine, from + p->weights),
         16 * (size_t)layer->n_in * sizeof(float));
  for (uint32_t v = 0; v < layer->n_trained; v++)
    memcpy(gr_at(engine, to + p->vectors + v * p->stride),
           gr_at(engine, from + p->vectors + v * p->stride), 16 * sizeof(float));
}

/* ----- GR_NORM ----- */

/* Sums of gradients become the gradient of the objective. */
static void finish_gradient(const gr_step *s, const place *p) {
  const gr_update_coefficients *u = &s->update[p->layer - s->engine->plan.layer].weights;
  const gr_engine *engine = s->engine;
  const size_t g = engine->plan.gradient;
  const float c[2] = {u->scale, u->decay};
  const float *x[2] = {gr_at(engine, g + p->weights),
                       gr_at(engine, engine->plan.parameters + p->weights)};
  engine->kernels->combine(16 * (size_t)p->layer->n_in, 2, c, x, gr_at(engine, g + p->weights));
  for (uint32_t v = 0; v < p->layer->n_trained; v++) {
    float *vector = gr_at(engine, g + p->vectors + v * p->stride);
    const float *of[1] = {vector};
    engine->kernels->combine(16, 1, c, of, vector);
  }
}

static void measure_panel(const gr_step *s, const place *p, const void *context) {
  const gr_engine *engine = s->engine;
  const gr_plan *plan = &engine->plan;
  const gr_plan_layer *layer = p->layer;
  const size_t d = plan->moment[GR_LBFGS_AT_DIRECTION];
  _Alignas(64) float sums[16];
  (void)context;
  finish_gradient(s, p);
  multiply(engine, p, plan->gradient, plan->gradient, engine->row_squares);
  multiply(engine, p, plan->gradient, d, engine->row_sums[1]);
  multiply(engine, p, plan->moment[GR_LBFGS_AT_GRADIENT], d, sums_at(engine, SLOPE_AT_START));
  engine->kernels->row_squares(layer->n_in, gr_at(engine, plan->parameters + p->weights), 0, NULL,
                               0, sums);
  for (size_t o = 16 * p->panel; o < 16 * p->panel + 16 && o < layer->n_out; o++)
    engine->row_sums[0][layer->first_row + o] = (double)sums[o % 16];
}

void gr_lbfgs_measure(const gr_step *s, int rank) {
  for_each_panel(s, rank, measure_panel, NULL);
}

/* ----- what the search says: the same on every rank ----- */

static const gr_lbfgs *memory_before(const gr_step *s) {
  return &s->engine->lbfgs[(s->number + 1) % 2];
}

bool gr_lbfgs_begins(const gr_step *s) {
  return memory_before(s)->search.phase == GR_SEARCH_START;
}

static gr_search_action judge(const gr_step *s, gr_search *search) {
  const gr_engine *engine = s->engine;
  const size_t n = engine->plan.n_rows;
  *search = memory_before(s)->search;
  const gr_search_trial trial = {.f = gr_whole_objective(s),
                                 .slope = gr_tree_sum(engine->row_sums[1], n),
                                 .norm = gr_whole_norm(s),
                                 .slope0 = gr_tree_sum(sums_at(engine, SLOPE_AT_START), n)};
  return gr_search_take(search, &trial, engine->config.optimizer.tolerance);
}

/* ----- GR_PAIR ----- */

/* The new step and change in the place of the oldest, and their products with those that stay. */
static void make_pair(const gr_step *s, const place *p, const gr_search *search) {
  static const float minus[2] = {1, -1};
  const gr_engine *engine = s->engine;
  const gr_plan *plan = &engine->plan;
  const int next = (int)gr_lbfgs_next(search);
  const size_t step = vector_at(plan, next), change = vector_at(plan, GR_LBFGS_PAIRS + next),
               g = plan->gradient;
  combine_panel(engine, p, minus, plan->parameters, plan->average, step);
  combine_panel(engine, p, minus, g, plan->moment[GR_LBFGS_AT_GRADIENT], change);
  for (uint64_t age = 0; age <= search->pairs && age < GR_LBFGS_PAIRS; age++) {
    const uint32_t i = age < search->pairs && gr_lbfgs_place(search, age) != (uint32_t)next
                           ? gr_lbfgs_place(search, age)
                           : (uint32_t)next;
    const size_t s_i = vector_at(plan, (int)i), y_i = vector_at(plan, GR_LBFGS_PAIRS + (int)i),
                 row = FIRST_PRODUCT + PRODUCTS * (size_t)i;
    multiply(engine, p, step, s_i, sums_at(engine, row + STEP_STEP));
    multiply(engine, p, step, y_i, sums_at(engine, row + STEP_CHANGE));
    multiply(engine, p, change, y_i, sums_at(engine, row + CHANGE_CHANGE));
    multiply(engine, p, change, s_i, sums_at(engine, row + CHANGE_STEP));
    multiply(engine, p, g, s_i, sums_at(engine, row + GRADIENT_STEP));
    multiply(engine, p, g, y_i, sums_at(engine, row + GRADIENT_CHANGE));
  }
}

static void take_panel(const gr_step *s, const place *p, const void *context) {
  const gr_search *search = context;
  const gr_engine *engine = s->engine;
  const gr_plan *plan = &engine->plan;
  if (search->phase != GR_SEARCH_START) make_pair(s, p, search);
  copy_panel(engine, p, plan->parameters, plan->average);
  copy_panel(engine, p, plan->gradient, plan->moment[GR_LBFGS_AT_GRADIENT]);
}

void gr_lbfgs_pair(const gr_step *s, int rank) {
  gr_search search;
  if (judge(s, &search) == GR_SEARCH_ACCEPT)
    for_each_panel(s, rank, take_panel, &memory_before(s)->search);
}

/* ----- GR_UPDATE ----- */

static void set_product(gr_lbfgs *m, uint32_t a, uint32_t b, double value) {
  m->product[a][b] = m->product[b][a] = value;
}

/* The sums that GR_PAIR has left, as products of the memory. */
static void take_products(const gr_engine *engine, gr_lbfgs *m) {
  const uint32_t y = GR_LBFGS_PAIRS, g = GR_LBFGS_GRADIENT;
  const uint32_t next = gr_lbfgs_next(&m->search);
  const size_t n = engine->plan.n_rows;
  for (uint64_t age = 0; age <= m->search.pairs && age < GR_LBFGS_PAIRS; age++) {
    const bool older = age < m->search.pairs && gr_lbfgs_place(&m->search, age) != next;
    const uint32_t i = older ? gr_lbfgs_place(&m->search, age) : next;
    double sum[PRODUCTS];
    for (size_t k = 0; k < PRODUCTS; k++)
      sum[k] = gr_tree_sum(sums_at(engine, FIRST_PRODUCT + PRODUCTS * (size_t)i + k), n);
    set_product(m, next, i, sum[STEP_STEP]);
    set_product(m, next, y + i, sum[STEP_CHANGE]);
    set_product(m, y + next, y + i, sum[CHANGE_CHANGE]);
    set_product(m, y + next, i, sum[CHANGE_STEP]);
    set_product(m, g, i, sum[GRADIENT_STEP]);
    set_product(m, g, y + i, sum[GRADIENT_CHANGE]);
  }
}

/* A blocked range of the new direction, where there is one, and of the weights along it. */
typedef struct move {
  bool turns;
  int n, place[GR_LBFGS_VECTORS];
  float coefficient[GR_LBFGS_VECTORS]; /* of these */
  float t;
} move;

static void turn(gr_lbfgs *m, gr_search_action action, double rate, move *out) {
  float coefficient[GR_LBFGS_VECTORS];
  if (action == GR_SEARCH_STEEPEST)
    gr_lbfgs_steepest(m, coefficient);
  else
    gr_lbfgs_direction(m, coefficient);
  gr_search_begin(&m->search, rate);
  out->turns = true;
  out->n = gr_lbfgs_vectors(&m->search, out->place);
  for (int k = 0; k < out->n; k++) out->coefficient[k] = coefficient[out->place[k]];
}

/* What the step makes of the memory that it found, and where the weights go. */
static move advance(const gr_step *s, gr_lbfgs *m) {
  const gr_engine *engine = s->engine;
  move out = {.turns = false};
  const bool begins = gr_lbfgs_begins(s);
  gr_search search;
  *m = *memory_before(s);
  const gr_search_action action = judge(s, &search);
  if (action == GR_SEARCH_ACCEPT && !begins) take_products(engine, m);
  m->search = search;
  if (action == GR_SEARCH_ACCEPT && !begins) gr_lbfgs_keep(m);
  if (action == GR_SEARCH_ACCEPT)
    set_product(m, GR_LBFGS_GRADIENT, GR_LBFGS_GRADIENT, search.norm * search.norm);
  if (action == GR_SEARCH_STEEPEST || (action == GR_SEARCH_ACCEPT && search.end == 0))
    turn(m, action, (double)s->update[0].weights.learning_rate, &out);
  out.t = (float)m->search.t;
  return out;
}

static void move_range(const gr_engine *engine, const move *m, size_t at, size_t n) {
  const gr_plan *plan = &engine->plan;
  const float *x[GR_LBFGS_VECTORS];
  float *d = gr_at(engine, plan->moment[GR_LBFGS_AT_DIRECTION] + at);
  for (int k = 0; k < m->n; k++) x[k] = gr_at(engine, vector_at(plan, m->place[k]) + at);
  if (m->turns) engine->kernels->combine(n, (size_t)m->n, m->coefficient, x, d);
  const float c[2] = {1, m->t};
  const float *line[2] = {gr_at(engine, plan->average + at), d};
  engine->kernels->combine(n, 2, c, line, gr_at(engine, plan->parameters + at));
}

void gr_lbfgs_update(const gr_step *s, int rank) {
  gr_engine *engine = s->engine;
  const gr_plan *plan = &engine->plan;
  gr_lbfgs memory;
  const move m = advance(s, &memory);
  for (size_t i = plan->first_unit[rank]; i < plan->first_unit[rank + 1]; i++) {
    const gr_unit *u = &plan->units[i];
    for (size_t p = 0; p < u->n_panels; p++)
      move_range(engine, &m, gr_gradient_at(plan, u, p), 16 * (size_t)u->n_inputs);
    gr_gradient_renew_back(engine, u);
    for (uint32_t v = 0; u->input == 0 && v < plan->layer[u->layer].n_trained; v++)
      move_range(engine, &m, gr_gradient_vector_at(plan, u, v), 16 * (size_t)u->n_panels);
  }
  if (rank > 0) return;
  engine->newest = s->number % 2;
  engine->lbfgs[engine->newest] = memory;
}

/* ----- between steps ----- */

/* Two vectors' product over all rows, by one thread. */
static double whole_product(gr_engine *engine, size_t a, size_t b) {
  const gr_plan *plan = &engine->plan;
  for (uint32_t l = 0; l < plan->n_layers; l++)
    for (size_t panel = 0; panel < plan->layer[l].panels_out; panel++) {
      const place p = place_of(&plan->layer[l], panel);
      multiply(engine, &p, a, b, engine->products);
    }
  return gr_tree_sum(engine->products, plan->n_rows);
}

void gr_lbfgs_recall(gr_engine *engine) {
  gr_lbfgs *m = &engine->lbfgs[engine->newest];
  int live[GR_LBFGS_VECTORS];
  const int n = gr_lbfgs_vectors(&m->search, live);
  for (int i = 0; i < n && m->search.pairs > 0; i++)
    for (int j = 0; j <= i; j++)
      set_product(m, (uint32_t)live[i], (uint32_t)live[j],
                  whole_product(engine, vector_at(&engine->plan, live[i]),
                                vector_at(&engine->plan, live[j])));
  set_product(m, GR_LBFGS_GRADIENT, GR_LBFGS_GRADIENT, m->search.norm * m->search.norm);
  engine->lbfgs[1 - engine->newest] = *m;
  engine->recalled = true;
}

void gr_engine_continue(gr_engine *engine, double objective, const gr_search *search) {
  engine->objective[0] = engine->objective[1] = objective;
  engine->lbfgs[1 - engine->newest] = engine->lbfgs[engine->newest];
  engine->lbfgs[0].search = engine->lbfgs[1].search = *search;
}
