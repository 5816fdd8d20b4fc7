/* Reserves every buffer, cuts the weights into units, deals rows, lanes and units to ranks, and
 * puts the operations of a step in order. Who does what is chosen in plan/cost.c. */
#include <config.h>

#include "plan/plan.h"

#include <string.h>

#include "base/memory.h"
#include "plan/cost.h"
#include "plan/lanes.h"

const char *const gr_strategy_names[GR_N_STRATEGIES] = {
#define GR_STRATEGY(ID, name) name,
#include "net/strategy.def.h"
#undef GR_STRATEGY
};

enum { EVAL_ROWS = 128, UNIT_FLOATS = 64 << 10 }; /* of a unit's inputs: 256 KiB in L2 */

static size_t panels_of(size_t n) {
  return (n + 15) / 16;
}

static bool normalizes(const gr_plan *plan, uint32_t l) {
  return plan->layer[l].normalization != GR_NORMALIZATION_NONE;
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
    layer->dropout = network->layer[l].dropout;
    layer->normalization = network->layer[l].normalization;
    layer->n_vectors = gr_normalizations[layer->normalization].vectors;
    layer->n_trained = gr_normalizations[layer->normalization].trained;
    layer->keeps_slope = l + 1 < network->n_layers &&
                         (layer->dropout > 0 || gr_activations[layer->activation].from_input);
    layer->panels_in = panels_of(layer->n_in);
    layer->panels_out = panels_of(layer->n_out);
    layer->ld = stride_of(layer->n_out);
    layer->weights = gr_arena_reserve(&blocked, 16 * layer->panels_out, layer->n_in);
    layer->bias = gr_arena_reserve(&blocked, 16 * (size_t)layer->n_vectors, layer->panels_out);
    layer->first_row = plan->n_rows;
    plan->n_rows += layer->n_out;
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

/* Vectors of numbers for each neuron that any layer trains. */
static size_t most_vectors(const gr_plan *plan) {
  size_t most = 1;
  for (uint32_t l = 0; l < plan->n_layers; l++)
    if (plan->layer[l].n_trained > most) most = plan->layer[l].n_trained;
  return most;
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
    plan->slot = 16 * 2 * kernels->tile_panels * most_vectors(plan); /* of a unit's panels */
    plan->slots = gr_tree_depth(plan->n_lanes);
  }
  plan->scratch_rank = plan->slot * plan->slots;
  plan->scratch = gr_arena_reserve(&plan->arena, (size_t)plan->n_ranks, plan->scratch_rank);
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
    if (normalizes(plan, l)) {
      layer->zhat = gr_arena_reserve(&plan->arena, rows, layer->ld);
      layer->dy = gr_arena_reserve(&plan->arena, rows, layer->ld);
      if (plan->layer[l].normalization == GR_NORMALIZATION_LAYER)
        layer->root = gr_arena_reserve(&plan->arena, rows, 1);
      else
        layer->statistics = gr_arena_reserve(&plan->arena, 2 * 16, layer->panels_out);
    }
    if (l > 0) layer->back = gr_arena_reserve(&plan->arena, 16 * layer->panels_in, layer->n_out);
  }
  plan->index_half = 2 * ((rows + 7) & ~(size_t)7);
  plan->index_rank = plan->own_inputs ? 2 * plan->index_half : 0;
  plan->index = gr_arena_reserve(&plan->arena, 2 * copies, plan->index_half);
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

typedef struct unit_shape {
  uint32_t inputs; /* a multiple of the tile and of 16: pieces of the back copy are whole panels */
  size_t panels;
} unit_shape;

/* As many inputs as leave the slice of the activations in the second-level cache, but units enough
 * for an even deal. */
static unit_shape shape_units(const gr_plan *plan, const gr_kernels *kernels) {
  size_t least = kernels->tile_rows;
  while (least % 16) least += kernels->tile_rows;
  size_t inputs = UNIT_FLOATS / (plan->batch_rows ? plan->batch_rows : 1), total = 0;
  for (uint32_t l = 0; l < plan->n_layers; l++)
    total += plan->layer[l].n_in * plan->layer[l].panels_out;
  const size_t panels = kernels->tile_panels * (kernels->tile_panels > 1 ? 1 : 2),
               even = total / panels / (32 * (size_t)plan->n_ranks);
  if (plan->n_ranks > 1 && inputs > even) inputs = even;
  inputs = inputs / least * least;
  if (inputs < least) inputs = least;
  if (inputs > UINT32_MAX / 2) inputs = UINT32_MAX / 2 / least * least;
  return (unit_shape){(uint32_t)inputs, panels};
}

/* The units of panels [first, end) of a layer, inputs in the outer loop; units NULL: only their
 * number. */
static size_t add_units(const gr_plan *plan, uint32_t l, unit_shape shape, size_t first, size_t end,
                        gr_unit *units) {
  const uint32_t n_in = plan->layer[l].n_in;
  size_t n = 0;
  for (uint32_t i = 0; i < n_in; i += shape.inputs)
    for (size_t p = first; p < end; p += shape.panels, n++)
      if (units)
        units[n] =
            (gr_unit){.layer = l,
                      .input = i,
                      .n_inputs = n_in - i < shape.inputs ? n_in - i : shape.inputs,
                      .panel = (uint32_t)p,
                      .n_panels = (uint32_t)(end - p < shape.panels ? end - p : shape.panels)};
  return n;
}

/* What a unit costs beside its weights, in inputs of a panel. */
#define UNIT_COST 8.0

static double unit_cost(const gr_unit *u) {
  return (double)u->n_inputs * u->n_panels + UNIT_COST;
}

static double cost_of(const gr_unit *units, size_t n) {
  double sum = 0;
  for (size_t i = 0; i < n; i++) sum += unit_cost(&units[i]);
  return sum;
}

static bool owns_columns(const gr_plan *plan, uint32_t l) {
  return plan->n_ranks > 1 && plan->layer[l].forward_columns == plan->n_ranks;
}

/* The units of rank `rank`: first those of layers whose columns it owns in forward, then from the
 * common ones (others[*next..n)) until it has its share of `total`. */
static size_t deal_rank(const gr_plan *plan, int rank, unit_shape shape, const gr_unit *others,
                        size_t n_others, size_t *next, double *left, gr_unit *units) {
  size_t n = 0;
  for (uint32_t l = 0; l < plan->n_layers; l++) {
    if (!owns_columns(plan, l)) continue;
    size_t first, end;
    gr_plan_panels(plan, plan->layer[l].panels_out, rank, plan->n_ranks, &first, &end);
    n += add_units(plan, l, shape, first, end, units ? units + n : NULL);
  }
  const double share = *left / (plan->n_ranks - rank);
  double mine = units ? cost_of(units, n) : 0;
  const bool last = rank + 1 == plan->n_ranks;
  while (units && *next < n_others && (last || mine + unit_cost(&others[*next]) / 2 <= share)) {
    mine += unit_cost(&others[*next]);
    units[n++] = others[(*next)++];
  }
  *left -= mine;
  return n;
}

static gradus_status plan_units(gr_plan *plan, const gr_kernels *kernels, gradus_error *err) {
  const unit_shape shape = shape_units(plan, kernels);
  size_t n_others = 0, n_owned = 0, next = 0;
  double total = 0;
  for (uint32_t l = 0; l < plan->n_layers; l++)
    if (!owns_columns(plan, l))
      n_others += add_units(plan, l, shape, 0, plan->layer[l].panels_out, NULL);
  for (int r = 0; r < plan->n_ranks; r++)
    n_owned += deal_rank(plan, r, shape, NULL, 0, &next, &total, NULL);
  plan->n_units = n_owned + n_others;
  plan->units = gr_alloc(plan->n_units, sizeof *plan->units);
  plan->first_unit = gr_calloc((size_t)plan->n_ranks + 1, sizeof *plan->first_unit);
  gr_unit *others = gr_alloc(n_others ? n_others : 1, sizeof *others);
  if (!plan->units || !plan->first_unit || !others) {
    gr_free(others);
    return gr_fail_memory(err, "the plan");
  }
  size_t n = 0;
  for (uint32_t l = 0; l < plan->n_layers; l++)
    if (!owns_columns(plan, l))
      n += add_units(plan, l, shape, 0, plan->layer[l].panels_out, others + n);
  total = cost_of(others, n_others) + UNIT_COST * (double)n_owned;
  for (uint32_t l = 0; l < plan->n_layers; l++)
    if (owns_columns(plan, l))
      total += (double)plan->layer[l].n_in * (double)plan->layer[l].panels_out;
  n = 0;
  for (int r = 0; r < plan->n_ranks; r++) {
    plan->first_unit[r] = n;
    n += deal_rank(plan, r, shape, others, n_others, &next, &total, plan->units + n);
  }
  plan->first_unit[plan->n_ranks] = plan->n_units = n;
  gr_free(others);
  return GRADUS_OK;
}

/* ----- the order of operations ----- */

static void add_operation(gr_plan *plan, gr_operation kind, uint32_t layer) {
  plan->operation[plan->n_operations++] = (gr_plan_operation){.kind = kind, .layer = layer};
}

/* Whether it goes through all rows of the batch, a rank with the panels that it would have if
 * products were split by columns alone. */
static bool is_of_batch(const gr_plan *plan, const gr_plan_operation *o) {
  return (o->kind == GR_NORMALIZE || o->kind == GR_NORMALIZE_BACK) &&
         plan->layer[o->layer].normalization == GR_NORMALIZATION_BATCH;
}

/* Column groups of an operation: 1 = the rank has whole rows. */
static int operation_columns(const gr_plan *plan, const gr_plan_operation *o) {
  if (o->kind == GR_FORWARD) return plan->layer[o->layer].forward_columns;
  if (o->kind == GR_BACKWARD) return plan->layer[o->layer].backward_columns;
  return is_of_batch(plan, o) ? plan->n_ranks : 1;
}

/* Rows whose activations on both sides of a layer, and deltas, and slopes and normalised inputs
 * where any layer keeps them, stay in half of the second-level cache; whole tiles of them. */
static uint64_t choose_block(const gr_plan *plan, const gr_plan_request *request,
                             size_t tile_rows) {
  size_t slopes = 0, normalized = 0;
  for (uint32_t l = 0; l < plan->n_layers; l++) {
    if (plan->layer[l].keeps_slope) slopes = 1;
    if (normalizes(plan, l)) normalized = 2;
  }
  const size_t matrices = 4 + slopes + normalized;
  const size_t l2 = request->machine ? request->machine->l2 : GR_MACHINE_TYPICAL.l2,
               rows = l2 / 2 / (matrices * sizeof(float) * widest(plan));
  return rows > 2 * tile_rows ? rows / tile_rows * tile_rows : 2 * tile_rows;
}

/* Whether a rank has the rows of weights of its units for itself, in every layer. */
static bool owns_rows(const gr_plan *plan) {
  for (uint32_t l = 0; l < plan->n_layers; l++)
    if (!owns_columns(plan, l)) return false;
  return true;
}

/* Whether ranks meet before operation `o` because it reads what all of them made of the batch, or
 * changes weights that they may still read. Before a norm the weights are left alone, and the last
 * deltas may have been made by the very ranks that want them. */
static bool begins_gradient(const gr_plan *plan, const gr_plan_operation *o) {
  if (!plan->whole_gradient) return o->kind == GR_UPDATE;
  const bool own_deltas = plan->norms && plan->n_layers > 1 && owns_columns(plan, 0) &&
                          operation_columns(plan, o - 1) == plan->n_ranks;
  return o->kind == GR_GRADIENT && !own_deltas;
}

/* Ranks meet between two operations unless both work on the same whole rows of the batch; before
 * the gradient, which reads everybody's rows; and from there on unless both work on the same rows
 * of weights. */
static bool must_meet(const gr_plan *plan, const gr_plan_operation *o) {
  if (o->kind == GR_GRADIENT) return plan->norms && !owns_rows(plan);
  if (o->kind == GR_UPDATE) return !plan->constrains || !owns_rows(plan);
  if (o->kind == GR_NORM || o->kind == GR_DIRECTION || o->kind == GR_CONSTRAIN) return true;
  if (o[1].kind == GR_GRADIENT || o[1].kind == GR_UPDATE) return begins_gradient(plan, o + 1);
  if (is_of_batch(plan, o + 1)) return operation_columns(plan, o) != plan->n_ranks;
  return operation_columns(plan, o) > 1 ||
         (operation_columns(plan, o + 1) > 1 && !(o->kind == GR_GATHER && plan->own_inputs));
}

/* What can be done some rows at a time. */
static bool is_of_rows(gr_operation kind) {
  return kind == GR_FORWARD || kind == GR_NORMALIZE || kind == GR_LOSS || kind == GR_BACKWARD ||
         kind == GR_NORMALIZE_BACK;
}

static void order_operations(gr_plan *plan) {
  add_operation(plan, GR_GATHER, 0);
  for (uint32_t l = 0; l < plan->n_layers; l++) {
    add_operation(plan, GR_FORWARD, l);
    if (normalizes(plan, l)) add_operation(plan, GR_NORMALIZE, l);
  }
  add_operation(plan, GR_LOSS, 0);
  for (uint32_t l = plan->n_layers - 1; l > 0; l--) {
    add_operation(plan, GR_BACKWARD, l);
    if (normalizes(plan, l - 1)) add_operation(plan, GR_NORMALIZE_BACK, l - 1);
  }
  if (plan->strategy == GR_STRATEGY_LANES) add_operation(plan, GR_REDUCE, 0);
  if (plan->whole_gradient) {
    add_operation(plan, GR_GRADIENT, 0);
    if (plan->norms) add_operation(plan, GR_NORM, 0);
    if (plan->directs) add_operation(plan, GR_DIRECTION, 0);
  }
  add_operation(plan, GR_UPDATE, 0);
  if (plan->constrains) add_operation(plan, GR_CONSTRAIN, 0);
  for (int i = 0; i < plan->n_operations; i++) {
    gr_plan_operation *o = &plan->operation[i];
    o->by_rows = is_of_rows(o->kind) && operation_columns(plan, o) == 1 && !is_of_batch(plan, o);
    if (i == 0 || o[-1].meet) plan->stage[plan->n_stages++] = i;
    o->meet = plan->n_ranks > 1 && must_meet(plan, o);
  }
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
  gr_plan plan = {.loss = request->network->loss,
                  .optimizer = request->optimizer,
                  .inference_only = request->inference_only,
                  .input_dropout = request->network->input_dropout,
                  .norms = request->norms || request->directs || request->compares,
                  .compares = request->compares,
                  .directs = request->directs,
                  .passes = request->passes > 1 ? request->passes : 1,
                  .whole_gradient = request->norms || request->directs || request->compares ||
                                    request->passes > 1,
                  .constrains = request->constrains,
                  .averages = request->averages && !request->inference_only,
                  .batch_rows = request->batch_rows,
                  .lane_rows = request->lane_rows,
                  .n_lanes = gr_lane_count(request->batch_rows, request->lane_rows),
                  .tile_panels = kernels->tile_panels,
                  .step_flops = gr_network_step_flops(request->network, request->batch_rows)};
  plan_layers(&plan, request->network);
  gr_plan_choose(&plan, request, kernels);
  order_operations(&plan);
  plan.block_rows = choose_block(&plan, request, kernels->tile_rows);
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

void gr_plan_row_panels(const gr_plan *plan, uint32_t l, int rank, size_t *first, size_t *end) {
  gr_plan_panels(plan, plan->layer[l].panels_out, rank, plan->n_ranks, first, end);
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

void gr_plan_describe(const gr_plan *plan, gr_text *out) {
  for (uint32_t l = 0; l < plan->n_layers; l++) {
    const gr_plan_layer *layer = &plan->layer[l];
    gr_text_printf(out, "layer %u       %u -> %u %s, %zu parameters", l + 1, layer->n_in,
                   layer->n_out, gr_activations[layer->activation].name,
                   (size_t)layer->n_out * (layer->n_in + layer->n_vectors));
    if (normalizes(plan, l))
      gr_text_printf(out, ", %s", gr_normalizations[layer->normalization].name);
    if (layer->dropout > 0) gr_text_printf(out, ", dropout %.5g", layer->dropout / 65536.0);
    if (!plan->inference_only && plan->n_ranks > 1) describe_split(plan, layer, l > 0, out);
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
  gr_text_printf(out, "memory        %zu KiB for parameters, activations and gradients\n",
                 plan->arena.n_floats / 256 + 1);
}
