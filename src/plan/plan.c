/* Reserves every buffer, and deals rows, panels and lanes to ranks. Who does what is chosen in
 * plan/cost.c, units are cut in plan/units.c, operations put in order in plan/order.c. */
#include <config.h>

#include "plan/plan.h"

#include <string.h>

#include "base/memory.h"
#include "plan/cost.h"
#include "plan/internal.h"
#include "plan/lanes.h"

const char *const gr_strategy_names[GR_N_STRATEGIES] = {
#define GR_STRATEGY(ID, name) name,
#include "net/strategy.def.h"
#undef GR_STRATEGY
};

enum { EVAL_ROWS = 128 };

/* A row stride for n columns: whole panels, and an odd number of cache lines. */
static size_t stride_of(size_t n) {
  return 16 * (gr_panels_of(n) | 1);
}

static void plan_front(gr_plan *plan, const gr_network *network, gr_arena_layout *blocked) {
  gr_plan_front *front = &plan->front;
  if (network->front.count == 0) return;
  front->exists = true;
  front->logical = network->front.first;
  front->n_columns = network->layer[0].n_in;
  front->scale = gr_arena_reserve(blocked, 16, gr_panels_of(front->n_columns));
  front->first_row = plan->n_rows;
  plan->n_rows += front->n_columns;
}

static void plan_layers(gr_plan *plan, const gr_network *network) {
  plan->n_layers = network->n_layers;
  gr_arena_layout blocked = {0};
  for (uint32_t l = 0; l < network->n_layers; l++) {
    gr_plan_layer *layer = &plan->layer[l];
    layer->n_in = network->layer[l].n_in;
    layer->n_out = network->layer[l].n_out;
    layer->activation = network->layer[l].activation;
    layer->dropout = network->layer[l].dropout;
    layer->normalization = network->layer[l].normalization;
    layer->n_vectors = gr_normalizations[layer->normalization].vectors;
    layer->n_trained = gr_normalizations[layer->normalization].trained;
    layer->keeps_slope = l + 1 < network->n_layers &&
                         (layer->dropout > 0 || gr_activations[layer->activation].from_input ||
                          layer->normalization == GR_NORMALIZATION_PARAMETRIC);
    layer->residual = network->layer[l].residual;
    layer->panels_in = gr_panels_of(layer->n_in);
    layer->panels_out = gr_panels_of(layer->n_out);
    layer->ld = stride_of(layer->n_out);
    layer->weights = gr_arena_reserve(&blocked, 16 * layer->panels_out, layer->n_in);
    layer->bias = gr_arena_reserve(&blocked, 16 * (size_t)layer->n_vectors, layer->panels_out);
    layer->first_row = plan->n_rows;
    plan->n_rows += layer->n_out;
  }
  plan->n_dense = blocked.n_floats;
  plan_front(plan, network, &blocked);
  plan->n_blocked = blocked.n_floats;
  plan->arena.overflow |= blocked.overflow;
  plan->ld_input = stride_of(plan->layer[0].n_in);
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

/* Vectors of numbers for each neuron that any layer trains. */
static size_t most_vectors(const gr_plan *plan) {
  size_t most = 1;
  for (uint32_t l = 0; l < plan->n_layers; l++)
    if (plan->layer[l].n_trained > most) most = plan->layer[l].n_trained;
  return most;
}

static void plan_scratch(gr_plan *plan, const gr_kernels *kernels) {
  if (plan->strategy == GR_STRATEGY_LANES) {
    plan->slot = plan->n_dense;
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
    plan->slot = 16 * 2 * kernels->tile_panels * most_vectors(plan); /* of a unit's panels */
    plan->slots = gr_tree_depth(plan->n_lanes);
  }
  plan->scratch_rank = plan->slot * plan->slots;
  plan->scratch = gr_arena_reserve(&plan->arena, (size_t)plan->n_ranks, plan->scratch_rank);
}

static void plan_front_buffers(gr_plan *plan) {
  gr_plan_front *front = &plan->front;
  if (!front->exists) return;
  size_t most = 0;
  for (int rank = 0; rank < plan->n_ranks; rank++) {
    size_t first, end;
    gr_plan_front_panels(plan, rank, &first, &end);
    if (end - first > most) most = end - first;
  }
  front->output = gr_arena_reserve(&plan->arena, plan->batch_rows, plan->ld_input);
  front->delta = gr_arena_reserve(&plan->arena, plan->batch_rows, plan->ld_input);
  front->slot = 16 * most;
  front->scratch_rank = front->slot * gr_tree_depth(plan->n_lanes);
  front->scratch = gr_arena_reserve(&plan->arena, (size_t)plan->n_ranks, front->scratch_rank);
}

/* Where dC/da of a layer lies: by itself where it is wanted after the slope has been applied. */
static void plan_gradient(gr_plan *plan, uint32_t l) {
  gr_plan_layer *layer = &plan->layer[l];
  if (!layer->keeps_gradient) return;
  layer->gradient = gr_plan_normalizes(plan, l) ? layer->dy : layer->delta;
  if (layer->residual > 0 && layer->keeps_slope && !gr_plan_slope_waits(layer))
    layer->gradient = gr_arena_reserve(&plan->arena, plan->batch_rows, layer->ld);
}

static void plan_training_buffers(gr_plan *plan, const gr_kernels *kernels) {
  const size_t rows = plan->batch_rows;
  for (int k = 0; k < gr_optimizers[plan->optimizer].moments; k++)
    plan->moment[k] = gr_arena_reserve(&plan->arena, 1, plan->n_blocked);
  if (plan->averages) plan->average = gr_arena_reserve(&plan->arena, 1, plan->n_blocked);
  if (plan->whole_gradient)
    plan->gradient = gr_arena_reserve(&plan->arena, gr_tree_depth(plan->passes), plan->n_blocked);
  const size_t copies = plan->own_inputs ? (size_t)plan->n_ranks : 1;
  plan->input_rank = plan->own_inputs ? rows * plan->ld_input : 0;
  plan->input = gr_arena_reserve(&plan->arena, copies * rows, plan->ld_input);
  for (uint32_t l = 0; l < plan->n_layers; l++) {
    gr_plan_layer *layer = &plan->layer[l];
    layer->a = gr_arena_reserve(&plan->arena, rows, layer->ld);
    layer->delta = gr_arena_reserve(&plan->arena, rows, layer->ld);
    if (layer->keeps_slope) layer->slope = gr_arena_reserve(&plan->arena, rows, layer->ld);
    if (gr_plan_normalizes(plan, l)) {
      layer->zhat = gr_arena_reserve(&plan->arena, rows, layer->ld);
      layer->dy = gr_arena_reserve(&plan->arena, rows, layer->ld);
      if (plan->layer[l].normalization == GR_NORMALIZATION_LAYER)
        layer->root = gr_arena_reserve(&plan->arena, rows, 1);
      if (plan->layer[l].normalization == GR_NORMALIZATION_BATCH)
        layer->statistics = gr_arena_reserve(&plan->arena, 2 * 16, layer->panels_out);
    }
    plan_gradient(plan, l);
    if (gr_plan_goes_back(plan, l))
      layer->back = gr_arena_reserve(&plan->arena, 16 * layer->panels_in, layer->n_out);
  }
  plan->index_half = 2 * ((rows + 7) & ~(size_t)7);
  plan->index_rank = plan->own_inputs ? 2 * plan->index_half : 0;
  plan->index = gr_arena_reserve(&plan->arena, 2 * copies, plan->index_half);
  plan->row_loss = gr_arena_reserve(&plan->arena, rows, 1);
  plan_scratch(plan, kernels);
  plan_front_buffers(plan);
}

static void plan_evaluation_buffers(gr_plan *plan) {
  plan->eval_rows = EVAL_ROWS;
  plan->eval_ld = gr_plan_widest(plan);
  plan->eval_buffer = EVAL_ROWS * plan->eval_ld;
  gr_arena_layout rank = {0};
  gr_arena_reserve(&rank, EVAL_ROWS, 3); /* row numbers (uint64_t), losses */
  gr_arena_reserve(&rank, plan->eval_slots, plan->eval_buffer);
  plan->arena.overflow |= rank.overflow;
  plan->eval_rank = rank.n_floats;
  plan->eval = gr_arena_reserve(&plan->arena, (size_t)plan->n_ranks, rank.n_floats);
}

/* Rows whose activations on both sides of a layer, and deltas, and slopes, normalised inputs and
 * what residuals add where any layer keeps them, stay in half of the second-level cache; whole
 * tiles of them. */
static uint64_t choose_block(const gr_plan *plan, const gr_plan_request *request,
                             size_t tile_rows) {
  size_t slopes = 0, normalized = 0, added = 0;
  for (uint32_t l = 0; l < plan->n_layers; l++) {
    if (plan->layer[l].keeps_slope) slopes = 1;
    if (gr_plan_normalizes(plan, l)) normalized = 2;
    if (plan->layer[l].residual > 0) added = 2;
  }
  const size_t matrices = 4 + slopes + normalized + added;
  const size_t l2 = request->machine ? request->machine->l2 : GR_MACHINE_TYPICAL.l2,
               rows = l2 / 2 / (matrices * sizeof(float) * gr_plan_widest(plan));
  return rows > 2 * tile_rows ? rows / tile_rows * tile_rows : 2 * tile_rows;
}

static void plan_evaluation(gr_plan *plan) {
  plan->parameters = gr_arena_reserve(&plan->arena, 1, plan->n_blocked);
  plan->shift = gr_arena_reserve(&plan->arena, 1, plan->layer[0].n_in);
  plan->factor = gr_arena_reserve(&plan->arena, 1, plan->layer[0].n_in);
  for (uint32_t l = 0; l < plan->n_layers; l++)
    if (plan->layer[l].normalization == GR_NORMALIZATION_BATCH)
      plan->layer[l].root = gr_arena_reserve(&plan->arena, 16, plan->layer[l].panels_out);
  plan_evaluation_buffers(plan);
}

gradus_status gr_plan_make(const gr_plan_request *request, const gr_kernels *kernels, gr_plan *out,
                           gradus_error *err) {
  const bool norms = request->norms || request->directs || request->compares || request->searches;
  gr_plan plan = {.loss = request->network->loss,
                  .optimizer = request->optimizer,
                  .inference_only = request->inference_only,
                  .input_dropout = request->network->input_dropout,
                  .norms = norms,
                  .compares = request->compares,
                  .directs = request->directs,
                  .searches = request->searches,
                  .passes = request->passes > 1 ? request->passes : 1,
                  .whole_gradient = norms || request->passes > 1,
                  .constrains = request->constrains,
                  .averages = (request->averages || request->searches) && !request->inference_only,
                  .batch_rows = request->batch_rows,
                  .lane_rows = request->lane_rows,
                  .n_lanes = gr_lane_count(request->batch_rows, request->lane_rows),
                  .tile_panels = kernels->tile_panels,
                  .step_flops = gr_network_step_flops(request->network, request->batch_rows)};
  plan_layers(&plan, request->network);
  gr_plan_residuals(&plan);
  gr_plan_choose(&plan, request, kernels);
  gr_plan_order(&plan);
  plan.block_rows = choose_block(&plan, request, kernels->tile_rows);
  plan_evaluation(&plan);
  if (!plan.inference_only) {
    plan_training_buffers(&plan, kernels);
    gradus_status status = gr_plan_units(&plan, kernels, err);
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

void gr_plan_row_panels(const gr_plan *plan, uint32_t l, int rank, size_t *first, size_t *end) {
  gr_plan_panels(plan, plan->layer[l].panels_out, rank, plan->n_ranks, first, end);
}

void gr_plan_front_panels(const gr_plan *plan, int rank, size_t *first, size_t *end) {
  gr_plan_panels(plan, gr_panels_of(plan->front.n_columns), rank, plan->n_ranks, first, end);
}

void gr_plan_rank_lanes(const gr_plan *plan, uint64_t n_lanes, int rank, uint64_t *first,
                        uint64_t *end) {
  const uint64_t r = (uint64_t)rank, ranks = (uint64_t)plan->n_ranks;
  *first = n_lanes * r / ranks;
  *end = n_lanes * (r + 1) / ranks;
}

void gr_plan_rows(const gr_plan *plan, uint64_t n, int rank, int columns, uint64_t *first,
                  uint64_t *end) {
  if (plan->n_ranks == 1) {
    *first = 0;
    *end = n;
  } else if (plan->strategy == GR_STRATEGY_LANES) {
    gr_plan_rank_lanes(plan, gr_lane_count(n, plan->lane_rows), rank, first, end);
    *first = *first * plan->lane_rows < n ? *first * plan->lane_rows : n;
    *end = *end * plan->lane_rows < n ? *end * plan->lane_rows : n;
  } else {
    const uint64_t groups = (uint64_t)(plan->n_ranks / columns), g = (uint64_t)(rank / columns);
    *first = n * g / groups;
    *end = n * (g + 1) / groups;
  }
}

void gr_plan_panels(const gr_plan *plan, size_t n_panels, int rank, int columns, size_t *first,
                    size_t *end) {
  const size_t tile = plan->tile_panels, tiles = (n_panels + tile - 1) / tile,
               groups = (size_t)columns, g = (size_t)(rank % columns);
  /* Where there are fewer tiles than groups single panels are dealt. */
  const size_t grain = tiles < groups ? 1 : tile, n = tiles < groups ? n_panels : tiles;
  *first = n * g / groups * grain;
  *end = n * (g + 1) / groups * grain;
  if (*end > n_panels) *end = n_panels;
}

/* How ranks share a layer: rows x columns of ranks. */
static void describe_split(const gr_plan *plan, const gr_plan_layer *layer, bool has_back,
                           gr_text *out) {
  const int f = layer->forward_columns, b = layer->backward_columns;
  gr_text_printf(out, "; ranks %d x %d forward", plan->n_ranks / f, f);
  if (has_back) gr_text_printf(out, ", %d x %d back", plan->n_ranks / b, b);
}

/* Vectors as long as the parameters: what an optimiser of many of them costs. */
static void describe_memory(const gr_plan *plan, gr_text *out) {
  const size_t vectors = (size_t)gr_optimizers[plan->optimizer].moments + 1;
  gr_text_printf(out, "optimizer     %s: %d pairs, %zu vectors like the parameters, %zu KiB\n",
                 gr_optimizers[plan->optimizer].name, GR_LBFGS_PAIRS, vectors,
                 vectors * plan->n_blocked / 256 + 1);
}

void gr_plan_describe(const gr_plan *plan, gr_text *out) {
  if (plan->front.exists)
    gr_text_printf(out, "inputs        %zu, each times a factor that is trained\n",
                   plan->front.n_columns);
  for (uint32_t l = 0; l < plan->n_layers; l++) {
    const gr_plan_layer *layer = &plan->layer[l];
    gr_text_printf(out, "layer %u       %u -> %u %s, %zu parameters", l + 1, layer->n_in,
                   layer->n_out, gr_activations[layer->activation].name,
                   (size_t)layer->n_out * (layer->n_in + layer->n_vectors));
    if (gr_plan_normalizes(plan, l))
      gr_text_printf(out, ", %s", gr_normalizations[layer->normalization].name);
    if (layer->dropout > 0) gr_text_printf(out, ", dropout %.5g", layer->dropout / 65536.0);
    if (layer->residual > l) gr_text_puts(out, ", adds the inputs");
    if (layer->residual > 0 && layer->residual <= l)
      gr_text_printf(out, ", adds layer %u", l + 1 - layer->residual);
    if (!plan->inference_only && plan->n_ranks > 1)
      describe_split(plan, layer, gr_plan_goes_back(plan, l), out);
    gr_text_puts(out, "\n");
  }
  gr_text_printf(out, "loss          %s\n", gr_losses[plan->loss].name);
  if (!plan->inference_only) {
    gr_text_printf(out, "batch         %llu rows in %llu lanes of %llu\n",
                   (unsigned long long)plan->batch_rows, (unsigned long long)plan->n_lanes,
                   (unsigned long long)plan->lane_rows);
    gr_text_puts(out, "step          ");
    gr_text_printf(out, "%llu FLOP by %s, %zu units, %d meetings; some %.3g us\n",
                   (unsigned long long)plan->step_flops, gr_strategy_names[plan->strategy],
                   plan->n_units, plan->n_ranks > 1 ? plan->n_stages : 0, 1e6 * plan->seconds);
  }
  if (plan->searches && !plan->inference_only) describe_memory(plan, out);
  gr_text_printf(out, "memory        %zu KiB for parameters, activations and gradients\n",
                 plan->arena.n_floats / 256 + 1);
}
