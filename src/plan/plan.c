/* Reserves every buffer, cuts the weights into units, deals rows, lanes and units to ranks, and
 * chooses between the strategies. It measures nothing: its few constants are times of this class of
 * machine, good to a factor of two, which is all the choice needs. */
#include <config.h>

#include "plan/plan.h"

#include <string.h>

#include "base/memory.h"
#include "plan/lanes.h"

const char *const gr_strategy_names[GR_N_STRATEGIES] = {"tiles", "lanes"};

enum { UNIT_INPUTS = 96, EVAL_ROWS = 128 };

static size_t panels_of(size_t n) {
  return (n + 15) / 16;
}

/* A row stride for n columns: whole panels, and an odd number of cache lines. */
static size_t stride_of(size_t n) {
  return 16 * (panels_of(n) | 1);
}

static void plan_layers(gr_plan *plan, const gr_network *network) {
  plan->n_layers = network->n_layers;
  gr_arena_layout blocked = {0};
  for (uint32_t l = 0; l < network->n_layers; l++) {
    gr_plan_layer *layer = &plan->layer[l];
    layer->n_in = network->layer[l].n_in;
    layer->n_out = network->layer[l].n_out;
    layer->activation = network->layer[l].activation;
    layer->panels_in = panels_of(layer->n_in);
    layer->panels_out = panels_of(layer->n_out);
    layer->ld = stride_of(layer->n_out);
    layer->weights = gr_arena_reserve(&blocked, 16 * layer->panels_out, layer->n_in);
    layer->bias = gr_arena_reserve(&blocked, 16, layer->panels_out);
  }
  plan->n_blocked = blocked.n_floats;
  plan->arena.overflow |= blocked.overflow;
  plan->ld_input = stride_of(plan->layer[0].n_in);
}

/* Floats of the widest row: inputs or any layer's outputs. */
static size_t widest(const gr_plan *plan) {
  size_t most = plan->ld_input;
  for (uint32_t l = 0; l < plan->n_layers; l++)
    if (plan->layer[l].ld > most) most = plan->layer[l].ld;
  return most;
}

/* Partials that one rank needs to add the lanes it owns: its blocks, and the stack inside the last
 * of them. */
static unsigned lane_slots(uint64_t first, uint64_t end) {
  unsigned slots = 0, blocks = 0;
  while (first < end) {
    uint64_t size = gr_tree_block(first, end);
    unsigned wanted = blocks + gr_tree_depth(size);
    if (wanted > slots) slots = wanted;
    blocks++;
    first += size;
  }
  return slots ? slots : 1;
}

static void plan_scratch(gr_plan *plan, const gr_kernels *kernels) {
  if (plan->strategy == GR_STRATEGY_LANES) {
    plan->slot = plan->n_blocked;
    for (int r = 0; r < plan->n_ranks;
         r++) { /* a short batch has fewer lanes and other shares: the most over all counts */
      for (uint64_t n = 1; n <= plan->n_lanes; n++) {
        uint64_t first, end;
        gr_plan_rank_lanes(plan, n, r, &first, &end);
        unsigned slots = lane_slots(first, end);
        if (slots > plan->slots) plan->slots = slots;
      }
    }
  } else {
    plan->slot = 16 * 2 * kernels->tile_panels; /* of biases */
    plan->slots = gr_tree_depth(plan->n_lanes);
  }
  plan->scratch_rank = plan->slot * plan->slots;
  plan->scratch = gr_arena_reserve(&plan->arena, (size_t)plan->n_ranks, plan->scratch_rank);
}

static void plan_training_buffers(gr_plan *plan, const gr_kernels *kernels) {
  const size_t rows = plan->batch_rows;
  for (int k = 0; k < gr_optimizers[plan->optimizer].moments; k++)
    plan->moment[k] = gr_arena_reserve(&plan->arena, 1, plan->n_blocked);
  plan->input = gr_arena_reserve(&plan->arena, rows, plan->ld_input);
  for (uint32_t l = 0; l < plan->n_layers; l++) {
    gr_plan_layer *layer = &plan->layer[l];
    layer->a = gr_arena_reserve(&plan->arena, rows, layer->ld);
    layer->delta = gr_arena_reserve(&plan->arena, rows, layer->ld);
    if (l > 0) layer->back = gr_arena_reserve(&plan->arena, 16 * layer->panels_in, layer->n_out);
  }
  plan->index = gr_arena_reserve(&plan->arena, rows, 2);
  plan->row_loss = gr_arena_reserve(&plan->arena, rows, 1);
  plan_scratch(plan, kernels);
}

static void plan_evaluation_buffers(gr_plan *plan) {
  plan->eval_rows = EVAL_ROWS;
  plan->eval_ld = widest(plan);
  plan->eval_buffer = EVAL_ROWS * plan->eval_ld;
  gr_arena_layout rank = {0};
  gr_arena_reserve(&rank, EVAL_ROWS, 3); /* row numbers (uint64_t), losses */
  gr_arena_reserve(&rank, 2, plan->eval_buffer);
  plan->arena.overflow |= rank.overflow;
  plan->eval_rank = rank.n_floats;
  plan->eval = gr_arena_reserve(&plan->arena, (size_t)plan->n_ranks, rank.n_floats);
}

/* ----- units ----- */

static size_t add_units(gr_plan *plan, uint32_t l, size_t group, gr_unit *units) {
  const gr_plan_layer *layer = &plan->layer[l];
  size_t n = 0;
  for (uint32_t i = 0; i < layer->n_in; i += UNIT_INPUTS)
    for (size_t p = 0; p < layer->panels_out; p += group, n++)
      if (units)
        units[n] = (gr_unit){
            .layer = l,
            .input = i,
            .n_inputs = layer->n_in - i < UNIT_INPUTS ? layer->n_in - i : UNIT_INPUTS,
            .panel = (uint32_t)p,
            .n_panels = (uint32_t)(layer->panels_out - p < group ? layer->panels_out - p : group)};
  return n;
}

static double unit_cost(const gr_unit *u) {
  return (double)u->n_inputs * u->n_panels + 8;
}

static void deal_units(gr_plan *plan) {
  double total = 0, sum = 0;
  for (size_t i = 0; i < plan->n_units; i++) total += unit_cost(&plan->units[i]);
  int rank = 0;
  for (size_t i = 0; i < plan->n_units; i++) {
    while (rank <= plan->n_ranks &&
           sum + unit_cost(&plan->units[i]) / 2 >= total * rank / plan->n_ranks)
      plan->first_unit[rank++] = i;
    sum += unit_cost(&plan->units[i]);
  }
  while (rank <= plan->n_ranks) plan->first_unit[rank++] = plan->n_units;
  plan->first_unit[plan->n_ranks] = plan->n_units;
}

static gradus_status plan_units(gr_plan *plan, const gr_kernels *kernels, gradus_error *err) {
  const size_t group = 2 * kernels->tile_panels;
  for (uint32_t l = 0; l < plan->n_layers; l++) plan->n_units += add_units(plan, l, group, NULL);
  plan->units = gr_alloc(plan->n_units, sizeof *plan->units);
  plan->first_unit = gr_calloc((size_t)plan->n_ranks + 1, sizeof *plan->first_unit);
  if (!plan->units || !plan->first_unit) return gr_fail_memory(err, "the plan");
  size_t n = 0;
  for (uint32_t l = 0; l < plan->n_layers; l++) n += add_units(plan, l, group, plan->units + n);
  deal_units(plan);
  return GRADUS_OK;
}

/* ----- ranks and strategy ----- */

/* Microseconds of a step on r ranks: arithmetic at 40 GFLOP/s a core, and what a region with one
 * barrier costs. */
static double step_estimate(const gr_plan *plan, int r) {
  return plan->step_flops / 40e3 / r + (r > 1 ? 1.5 + 0.1 * r : 0);
}

static int choose_ranks(const gr_plan *plan, const gr_plan_request *request) {
  if (request->forced || plan->inference_only) return request->threads;
  int best = 1;
  for (int r = 2; r <= request->threads; r++)
    if (step_estimate(plan, r) < 0.95 * step_estimate(plan, best)) best = r;
  return best;
}

/* Lanes pay where every rank has some, evenly, and all their gradients stay in a second-level
 * cache; tiles need no extra gradients. */
static gr_strategy choose_strategy(const gr_plan *plan) {
  const uint64_t ranks = (uint64_t)plan->n_ranks;
  const bool even = plan->n_lanes >= ranks && plan->n_lanes % ranks == 0;
  return ranks > 1 && even && plan->n_blocked * sizeof(float) <= 64 << 10 ? GR_STRATEGY_LANES
                                                                          : GR_STRATEGY_TILES;
}

static void plan_evaluation(gr_plan *plan) {
  plan->parameters = gr_arena_reserve(&plan->arena, 1, plan->n_blocked);
  plan->shift = gr_arena_reserve(&plan->arena, 1, plan->layer[0].n_in);
  plan->factor = gr_arena_reserve(&plan->arena, 1, plan->layer[0].n_in);
  plan_evaluation_buffers(plan);
}

gradus_status gr_plan_make(const gr_plan_request *request, const gr_kernels *kernels, gr_plan *out,
                           gradus_error *err) {
  gr_plan plan = {.loss = request->network->loss,
                  .optimizer = request->optimizer,
                  .inference_only = request->inference_only,
                  .batch_rows = request->batch_rows,
                  .lane_rows = request->lane_rows,
                  .n_lanes = gr_lane_count(request->batch_rows, request->lane_rows),
                  .step_flops = gr_network_step_flops(request->network, request->batch_rows)};
  plan_layers(&plan, request->network);
  plan.n_ranks = choose_ranks(&plan, request);
  plan.strategy = request->strategy >= 0 ? (gr_strategy)request->strategy : choose_strategy(&plan);
  plan_evaluation(&plan);
  if (!plan.inference_only) {
    plan_training_buffers(&plan, kernels);
    gradus_status status = plan_units(&plan, kernels, err);
    if (status != GRADUS_OK) {
      gr_plan_free(&plan);
      return status;
    }
  }
  if (plan.arena.overflow) {
    gr_plan_free(&plan);
    return gr_fail(err, GRADUS_ERR_RESOURCES,
                   "the network and batch need more memory than can be addressed");
  }
  *out = plan;
  return GRADUS_OK;
}

void gr_plan_free(gr_plan *plan) {
  gr_free(plan->units);
  gr_free(plan->first_unit);
  memset(plan, 0, sizeof *plan);
}

void gr_plan_rank_lanes(const gr_plan *plan, uint64_t n_lanes, int rank, uint64_t *first,
                        uint64_t *end) {
  const uint64_t r = (uint64_t)rank, ranks = (uint64_t)plan->n_ranks;
  *first = n_lanes * r / ranks;
  *end = n_lanes * (r + 1) / ranks;
}

void gr_plan_rows(const gr_plan *plan, uint64_t n, int rank, uint64_t *first, uint64_t *end) {
  if (plan->strategy == GR_STRATEGY_LANES) {
    gr_plan_rank_lanes(plan, gr_lane_count(n, plan->lane_rows), rank, first, end);
    *first = *first * plan->lane_rows < n ? *first * plan->lane_rows : n;
    *end = *end * plan->lane_rows < n ? *end * plan->lane_rows : n;
  } else {
    const uint64_t r = (uint64_t)rank, ranks = (uint64_t)plan->n_ranks;
    *first = n * r / ranks;
    *end = n * (r + 1) / ranks;
  }
}

void gr_plan_describe(const gr_plan *plan, gr_text *out) {
  for (uint32_t l = 0; l < plan->n_layers; l++) {
    const gr_plan_layer *layer = &plan->layer[l];
    gr_text_printf(out, "layer %u       %u -> %u %s, %zu parameters\n", l + 1, layer->n_in,
                   layer->n_out, gr_activations[layer->activation].name,
                   (size_t)layer->n_out * (layer->n_in + 1));
  }
  gr_text_printf(out, "loss          %s\n", gr_losses[plan->loss]);
  if (!plan->inference_only) {
    gr_text_printf(out, "batch         %llu rows in %llu lanes of %llu\n",
                   (unsigned long long)plan->batch_rows, (unsigned long long)plan->n_lanes,
                   (unsigned long long)plan->lane_rows);
    gr_text_puts(out, "step          ");
    gr_text_printf(out, "%llu FLOP, gradient by %s in %zu units\n",
                   (unsigned long long)plan->step_flops, gr_strategy_names[plan->strategy],
                   plan->n_units);
  }
  gr_text_printf(out, "memory        %zu KiB for parameters, activations and gradients\n",
                 plan->arena.n_floats / 256 + 1);
}
