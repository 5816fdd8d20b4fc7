/* What a rank does with rows of a batch on the way forward and back: gathers them, multiplies them
 * by the weights of each layer, and brings the deltas of the outputs down to the first layer. What
 * is summed over rows is left to exec/gradient.c. */
#include <config.h>

#include <math.h>

#include "exec/step.h"

gr_share gr_pass_share(const gr_step *s, int rank, int columns, size_t n_panels) {
  const gr_plan *plan = &s->engine->plan;
  uint64_t first, end;
  size_t panel = 0, panel_end = n_panels;
  gr_plan_rows(plan, s->n, rank, columns, &first, &end);
  if (columns > 1) gr_plan_panels(plan, n_panels, rank, columns, &panel, &panel_end);
  return (gr_share){first, end - first, panel, panel_end - panel};
}

void gr_pass_number(const gr_step *s, uint64_t start, uint64_t first, uint64_t end,
                    uint64_t *index) {
  gr_row_order_numbers(s->order, s->engine->kernels, start + first, end - first, index + first);
}

/* Where a rank has the numbers of the rows at `index` (of this batch or the next). */
static uint64_t *numbers_of(const gr_step *s, int rank, uint64_t *index) {
  return index + (size_t)rank * s->engine->plan.index_rank / 2;
}

/* Rows [*first, *end) of n that a rank gathers. */
static void gathered_rows(const gr_plan *plan, int rank, uint64_t n, uint64_t *first,
                          uint64_t *end) {
  *first = 0;
  *end = n;
  if (!plan->own_inputs && n > 0) gr_plan_rows(plan, n, rank, 1, first, end);
}

void gr_pass_gather(const gr_step *s, int rank) {
  const gr_engine *engine = s->engine;
  const gr_plan *plan = &engine->plan;
  uint64_t *index = numbers_of(s, rank, s->index), *next = numbers_of(s, rank, s->next);
  uint64_t first, end, next_first, next_end;
  gathered_rows(plan, rank, s->n, &first, &end);
  gathered_rows(plan, rank, s->n_next, &next_first, &next_end);
  if (!s->known) gr_pass_number(s, s->start, first, end, index);
  gr_pass_number(s, s->start + s->n, next_first, next_end, next);
  float *input =
      gr_at(engine, plan->input + (size_t)rank * plan->input_rank + first * plan->ld_input);
  gr_engine_gather(engine, s->rows, index + first, end - first, next + next_first,
                   next_end - next_first, input, plan->ld_input);
  const gr_share mine = {first, end - first, 0, plan->layer[0].panels_in};
  if (plan->input_dropout > 0)
    gr_step_drop(s, 0, plan->input_dropout, &mine, input, plan->ld_input, true);
}

/* The share of an operation that a rank does at a time: `rows` of it, where it has whole rows. */
static gr_share part_of(const gr_step *s, int rank, int columns, size_t n_panels,
                        const gr_share *rows) {
  return columns == 1 ? (gr_share){rows->row, rows->rows, 0, n_panels}
                      : gr_pass_share(s, rank, columns, n_panels);
}

void gr_pass_forward(const gr_step *s, int rank, uint32_t l, const gr_share *rows) {
  const gr_engine *engine = s->engine;
  const gr_plan *plan = &engine->plan;
  const gr_plan_layer *layer = &plan->layer[l];
  const gr_share mine = part_of(s, rank, layer->forward_columns, layer->panels_out, rows);
  const bool normalized = layer->normalization != GR_NORMALIZATION_NONE;
  gr_forward f = {
      .n_rows = mine.rows,
      .n_panels = mine.panels,
      .depth = layer->n_in,
      .w = gr_at(engine, plan->parameters + layer->weights + 16 * mine.panel * layer->n_in),
      .bias = gr_at(engine, plan->parameters + layer->bias + 16 * mine.panel),
      .c = gr_at(engine,
                 (normalized ? layer->zhat : layer->a) + mine.row * layer->ld + 16 * mine.panel),
      .ldc = layer->ld,
      .activation = gr_forward_activation(plan, l),
      .drops = layer->dropout > 0 && !normalized};
  if (layer->keeps_slope && !normalized)
    f.slope = gr_at(engine, layer->slope + mine.row * layer->ld + 16 * mine.panel);
  if (f.drops) gr_step_drop(s, l + 1, layer->dropout, &mine, f.slope, layer->ld, false);
  f.a = gr_layer_input(engine, rank, l, mine.row, &f.lda);
  engine->kernels->forward(&f);
  if (!normalized) gr_residual_add(s, rank, l, &mine);
}

void gr_pass_loss(const gr_step *s, int rank, const gr_share *rows) {
  const gr_engine *engine = s->engine;
  const uint64_t first = rows->row, end = rows->row + rows->rows;
  const gr_plan_layer *out = &engine->plan.layer[engine->plan.n_layers - 1];
  float *row_loss = gr_at(engine, engine->plan.row_loss);
  gr_loss_rows l = {.n_rows = end - first,
                    .a = gr_at(engine, out->a + first * out->ld),
                    .delta = gr_at(engine, out->delta + first * out->ld),
                    .index = numbers_of(s, rank, s->index) + first,
                    .weight = s->rows->weight,
                    .row_loss = row_loss + first};
  gr_engine_loss(engine, s->rows, &l);
  gr_engine_offset(s->rows, &l);
  engine->kernels->loss_rows(&l);
  unsigned char *finite = &engine->rank_finite[64 * rank];
  if (first == gr_pass_share(s, rank, 1, 0).row) *finite = 1;
  for (uint64_t r = first; r < end; r++) *finite &= isfinite(row_loss[r]) != 0;
}

/* dC/d of the inputs of the first layer: to these no activation has led. */
static void backward_to_front(const gr_step *s, int rank, const gr_share *rows) {
  const gr_engine *engine = s->engine;
  const gr_plan *plan = &engine->plan;
  const gr_plan_layer *layer = &plan->layer[0];
  const gr_share mine = part_of(s, rank, layer->backward_columns, layer->panels_in, rows);
  const size_t at = mine.row * plan->ld_input + 16 * mine.panel;
  const gr_backward b = {.n_rows = mine.rows,
                         .n_panels = mine.panels,
                         .depth = layer->n_out,
                         .delta = gr_at(engine, layer->delta + mine.row * layer->ld),
                         .ldd = layer->ld,
                         .w = gr_at(engine, layer->back + 16 * mine.panel * layer->n_out),
                         .a = gr_at(engine, plan->front.output + at),
                         .c = gr_at(engine, plan->front.delta + at),
                         .ldc = plan->ld_input,
                         .activation = GR_IDENTITY};
  engine->kernels->backward(&b);
}

void gr_pass_backward(const gr_step *s, int rank, uint32_t l, const gr_share *rows) {
  if (l == 0) {
    backward_to_front(s, rank, rows);
    return;
  }
  const gr_engine *engine = s->engine;
  const gr_plan_layer *layer = &engine->plan.layer[l], *below = layer - 1;
  const gr_share mine = part_of(s, rank, layer->backward_columns, layer->panels_in, rows);
  const size_t at = mine.row * below->ld + 16 * mine.panel;
  const bool normalized = below->normalization != GR_NORMALIZATION_NONE,
             keeps = below->keeps_gradient, raw = keeps || gr_plan_slope_waits(below); /* dC/da */
  float *out = gr_at(engine, (normalized ? below->dy : below->delta) + at);
  const gr_backward b = {
      .n_rows = mine.rows,
      .n_panels = mine.panels,
      .depth = layer->n_out,
      .delta = gr_at(engine, layer->delta + mine.row * layer->ld),
      .ldd = layer->ld,
      .w = gr_at(engine, layer->back + 16 * mine.panel * layer->n_out),
      .a = gr_at(engine, below->a + at),
      .c = keeps ? gr_at(engine, below->gradient + at) : out,
      .ldc = below->ld,
      .activation = raw ? GR_IDENTITY : below->activation,
      .slope = below->keeps_slope && !raw ? gr_at(engine, below->slope + at) : NULL};
  engine->kernels->backward(&b);
  if (keeps) gr_residual_back(s, l - 1, &mine, out);
}
