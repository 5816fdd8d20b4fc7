/* Forward over many rows: blocks of 1024 rows are dealt to ranks, each block's totals are summed in
 * row order in double, blocks by the fixed tree; so totals depend neither on ranks nor on how many
 * rows go through the network at once. */
#include <config.h>

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "exec/internal.h"
#include "exec/team.h"
#include "plan/lanes.h"

enum { BLOCK = 1024, SOON = 8, N_TOTALS = sizeof(gr_totals) / sizeof(double) };

typedef struct evaluation {
  gr_engine *engine;
  const gr_rows *rows;
  const gr_row_order *order;
  uint64_t n;
  double *totals; /* [N_TOTALS][n_blocks] */
  uint64_t n_blocks;
  uint64_t first_block, end_block; /* of the part under way */
  float *outputs;                  /* of row first_output on */
  uint64_t first_output;
} evaluation;

/* Forward of n rows, inputs in the first of the buffers, through all layers; returns where the
 * outputs are. */
static float *forward_rows(const evaluation *e, size_t n, float *buffers) {
  const gr_engine *engine = e->engine;
  const gr_plan *plan = &engine->plan;
  const size_t model = plan->averages ? plan->average : plan->parameters;
  float *from = buffers;
  size_t ld = plan->ld_input;
  gr_front_evaluation(engine, model, n, from);
  for (uint32_t l = 0; l < plan->n_layers; l++) {
    const gr_plan_layer *layer = &plan->layer[l];
    float *to = buffers + plan->eval_slot[l + 1] * plan->eval_buffer;
    const gr_forward f = {.n_rows = n,
                          .n_panels = layer->panels_out,
                          .depth = layer->n_in,
                          .a = from,
                          .lda = ld,
                          .w = gr_at(engine, model + layer->weights),
                          .bias = gr_at(engine, model + layer->bias),
                          .c = to,
                          .ldc = layer->ld,
                          .activation = gr_forward_activation(plan, l)};
    engine->kernels->forward(&f);
    if (layer->normalization != GR_NORMALIZATION_NONE)
      gr_normalize_evaluation(engine, model, layer, n, to);
    if (layer->residual > 0)
      engine->kernels->add_rows(
          n, layer->panels_out, to,
          buffers + plan->eval_slot[l + 1 - layer->residual] * plan->eval_buffer, layer->ld);
    from = to;
    ld = layer->ld;
  }
  return from;
}

static bool is_correct(const float *a, size_t n_out, int32_t c) {
  if (n_out == 1) return (a[0] > 0.5f) == (c == 1);
  size_t largest = 0;
  for (size_t j = 1; j < n_out; j++)
    if (a[j] > a[largest]) largest = j;
  return (int32_t)largest == c;
}

static void add_row(const evaluation *e, uint64_t row, const float *a, float loss, gr_totals *t) {
  const gr_rows *rows = e->rows;
  const size_t n_out = e->engine->plan.layer[e->engine->plan.n_layers - 1].n_out;
  const double w = rows->weight ? (double)rows->weight[row] : 1;
  t->weight += w;
  t->loss += w * (double)loss;
  if (rows->class_index) t->correct += is_correct(a, n_out, rows->class_index[row]) ? w : 0;
  for (size_t k = 0; rows->targets && k < n_out && k < 4; k++) {
    const double y = (double)rows->targets[row * n_out + k], d = (double)a[k] - y;
    t->squared[k] += w * (d * d);
    t->target[k] += w * y;
    t->target_squared[k] += w * (y * y);
  }
}

static void evaluate_rows(const evaluation *e, int rank, uint64_t first, size_t n,
                          gr_totals *totals) {
  const gr_engine *engine = e->engine;
  const gr_plan *plan = &engine->plan;
  const gr_plan_layer *out = &plan->layer[plan->n_layers - 1];
  float *base = gr_at(engine, plan->eval + (size_t)rank * plan->eval_rank);
  uint64_t *index = (uint64_t *)(void *)base;
  float *losses = base + 2 * plan->eval_rows,
        *buffer = base + ((3 * plan->eval_rows + 15) & ~(size_t)15);
  uint64_t next[SOON];
  const uint64_t left = e->n - first - n;
  const size_t n_next = left < SOON ? (size_t)left : SOON;
  gr_row_order_numbers(e->order, engine->kernels, first, n, index);
  gr_row_order_numbers(e->order, engine->kernels, first + n, n_next, next);
  gr_engine_gather(engine, e->rows, index, n, next, n_next, buffer, plan->ld_input);
  float *a = forward_rows(e, n, buffer);
  gr_loss_rows l = {.n_rows = n, .a = a, .index = index, .row_loss = losses};
  gr_engine_loss(engine, e->rows, &l);
  gr_engine_offset(e->rows, &l);
  engine->kernels->loss_rows(&l);
  for (size_t r = 0; r < n; r++) {
    add_row(e, index[r], a + r * out->ld, losses[r], totals);
    if (e->outputs)
      memcpy(e->outputs + (first - e->first_output + r) * out->n_out, a + r * out->ld,
             out->n_out * sizeof(float));
  }
}

static void evaluate_rank(void *context, int rank) {
  const evaluation *e = context;
  const gr_plan *plan = &e->engine->plan;
  const unsigned environment = e->engine->kernels->environment_enter();
  const uint64_t r = (uint64_t)rank, ranks = (uint64_t)plan->n_ranks,
                 blocks = e->end_block - e->first_block;
  for (uint64_t block = e->first_block + blocks * r / ranks;
       block < e->first_block + blocks * (r + 1) / ranks; block++) {
    gr_totals totals = {0};
    const uint64_t end = (block + 1) * BLOCK < e->n ? (block + 1) * BLOCK : e->n;
    for (uint64_t first = block * BLOCK; first < end; first += plan->eval_rows)
      evaluate_rows(e, rank, first, end - first < plan->eval_rows ? end - first : plan->eval_rows,
                    &totals);
    double as_array[N_TOTALS];
    memcpy(as_array, &totals, sizeof totals);
    for (size_t k = 0; k < N_TOTALS; k++) e->totals[k * e->n_blocks + block] = as_array[k];
  }
  e->engine->kernels->environment_leave(environment);
}

/* The blocks of the part that begins at e->first_block, with its rows there. */
static gradus_status evaluate_part(evaluation *e, const gr_evaluation *wanted, gradus_error *err) {
  const uint64_t first = e->first_block * BLOCK,
                 end = e->end_block * BLOCK < e->n ? e->end_block * BLOCK : e->n;
  if (wanted->take) e->first_output = first;
  gr_team_run(e->engine->plan.n_ranks, evaluate_rank, NULL, e);
  gradus_status status = GRADUS_OK;
  if (wanted->take) status = wanted->take(wanted->user, first, end - first, e->outputs, err);
  if (wanted->feed) wanted->feed->release(wanted->feed->user, end);
  return status;
}

static gradus_status evaluate_all(evaluation *e, const gr_evaluation *wanted, bool *fed,
                                  gradus_error *err) {
  const uint64_t part = wanted->part_rows ? wanted->part_rows / BLOCK : e->n_blocks;
  for (; e->first_block < e->n_blocks && *fed; e->first_block = e->end_block) {
    e->end_block = e->n_blocks - e->first_block < part ? e->n_blocks : e->first_block + part;
    const uint64_t end = e->end_block * BLOCK < e->n ? e->end_block * BLOCK : e->n;
    *fed = !wanted->feed || wanted->feed->wait(wanted->feed->user, end);
    if (*fed) GR_TRY(evaluate_part(e, wanted, err));
  }
  return GRADUS_OK;
}

gradus_status gr_engine_evaluate(gr_engine *engine, const gr_evaluation *wanted, gr_totals *totals,
                                 bool *fed, gradus_error *err) {
  const unsigned environment = engine->kernels->environment_enter();
  const gr_row_order in_order = {.permutation = gr_permutation_identity(wanted->n)};
  evaluation e = {.engine = engine,
                  .rows = wanted->rows,
                  .order = wanted->order ? wanted->order : &in_order,
                  .n = wanted->n,
                  .n_blocks = (wanted->n + BLOCK - 1) / BLOCK,
                  .outputs = wanted->outputs};
  gradus_status status;
  *fed = true;
  e.totals = gr_calloc(e.n_blocks, N_TOTALS * sizeof(double));
  if (e.totals) {
    gr_engine_bind_inputs(engine, wanted->rows);
    gr_normalize_prepare(engine,
                         engine->plan.averages ? engine->plan.average : engine->plan.parameters);
    status = evaluate_all(&e, wanted, fed, err);
    double as_array[N_TOTALS];
    for (size_t k = 0; k < N_TOTALS; k++)
      as_array[k] = gr_tree_sum(e.totals + k * e.n_blocks, e.n_blocks);
    memcpy(totals, as_array, sizeof *totals);
  } else {
    status = gr_fail_memory(err, "the totals of an evaluation");
  }
  gr_free(e.totals);
  engine->kernels->environment_leave(environment);
  return status;
}
