/* Matrices are seen in cells: a row of a panel of activations or deltas, a panel of outputs by one
 * of inputs of weights, a row number, a loss. */
#include <config.h>

#include "watch.h"

#include <string.h>

#include "exec_tests.h"
#include "plan/lanes.h"

/* What is said of a step, such as its rows: rank 0 prepares it at the end of the step before. */
static block numbers_of(unsigned step) {
  return (block){step % 2, step % 2 + 1, 0, 1};
}

static size_t all_panels(const gr_plan *plan) {
  size_t n = 0;
  for (uint32_t l = 0; l < plan->n_layers; l++) n += plan->layer[l].panels_out;
  return n;
}

watch gr_watch_make(const gr_plan *plan) {
  const size_t rows = plan->batch_rows,
               gathered = rows * (plan->own_inputs ? (size_t)plan->n_ranks : 1);
  watch w = {.plan = plan,
             .input = make_matrix(gathered, plan->layer[0].panels_in),
             .scratch = make_matrix((size_t)plan->n_ranks, 1),
             .index = {make_matrix(gathered, 1), make_matrix(gathered, 1)},
             .loss = make_matrix(rows, 1),
             .finite = make_matrix((size_t)plan->n_ranks, 1),
             .squares = make_matrix(all_panels(plan), 1),
             .sums = make_matrix(all_panels(plan), 1),
             .compared = make_matrix(1, 1),
             .products = make_matrix(all_panels(plan), 1),
             .numbers = make_matrix(2, 1)};
  for (uint32_t l = 0; l < plan->n_layers; l++) {
    const gr_plan_layer *layer = &plan->layer[l];
    w.a[l] = make_matrix(rows, layer->panels_out);
    w.delta[l] = make_matrix(rows, layer->panels_out);
    w.zhat[l] = make_matrix(rows, layer->panels_out);
    w.dy[l] = make_matrix(rows, layer->panels_out);
    w.statistics[l] = make_matrix(layer->panels_out, 1);
    w.weights[l] = make_matrix(layer->panels_out, layer->panels_in);
    w.back[l] = make_matrix(layer->panels_in, layer->panels_out);
    w.average[l] = make_matrix(layer->panels_out, layer->panels_in);
    w.gradient[l] = make_matrix(layer->panels_out, layer->panels_in);
    w.pairs[l] = make_matrix(layer->panels_out, layer->panels_in);
    w.directions[l] = make_matrix(layer->panels_out, layer->panels_in);
  }
  return w;
}

/* `fresh`: it must have been written in this step. */
static void reads(watch *w, int rank, matrix *m, block b, bool fresh) {
  for (size_t r = b.row; r < b.end; r++)
    for (size_t c = b.column; c < b.last; c++) {
      cell *x = &m->cells[r * m->columns + c];
      w->missing += fresh && x->step != w->step;
      w->conflicts += x->step > 0 && x->writer != rank && x->written == w->meeting;
      const bool shared = x->reader != -1 && x->reader != rank && x->read == w->meeting;
      x->reader = shared ? -2 : rank;
      x->read = w->meeting;
    }
}

/* `once`: it must not have been written in this step before. */
static void writes(watch *w, int rank, matrix *m, block b, bool once) {
  for (size_t r = b.row; r < b.end; r++)
    for (size_t c = b.column; c < b.last; c++) {
      cell *x = &m->cells[r * m->columns + c];
      w->twice += once && x->step == w->step;
      w->conflicts += x->step > 0 && x->writer != rank && x->written == w->meeting;
      w->conflicts += x->reader != -1 && x->reader != rank && x->read == w->meeting;
      x->writer = rank;
      x->written = w->meeting;
      x->step = w->step;
    }
}

/* Rows and panels of a result that a rank makes. */
static block share_of(const watch *w, int rank, int columns, size_t n_panels) {
  uint64_t row, end;
  block b = {.last = n_panels};
  gr_plan_rows(w->plan, w->n, rank, columns, &row, &end);
  if (columns > 1) gr_plan_panels(w->plan, n_panels, rank, columns, &b.column, &b.last);
  b.row = row;
  b.end = end;
  return b;
}

static matrix *below(watch *w, uint32_t l) {
  return l ? &w->a[l - 1] : &w->input;
}

/* A block of what each rank has for itself where the plan says so. */
static block own(const watch *w, int rank, block b) {
  if (!w->plan->own_inputs) return b;
  b.row += (size_t)rank * w->plan->batch_rows;
  b.end += (size_t)rank * w->plan->batch_rows;
  return b;
}

/* The same, of the input of layer l. */
static block own_below(const watch *w, int rank, uint32_t l, block b) {
  return l ? b : own(w, rank, b);
}

/* Its rows by their numbers, and the numbers of its rows of the next batch, which is as long. */
static void gather(watch *w, int rank) {
  const block share = share_of(w, rank, 1, 1), all = {0, w->n, 0, 1};
  const block mine = w->plan->own_inputs ? own(w, rank, all) : share;
  reads(w, rank, &w->index[w->step % 2], mine, false);
  writes(w, rank, &w->index[(w->step + 1) % 2], mine, true);
  writes(w, rank, &w->input, all_columns(&w->input, mine.row, mine.end), true);
}

static bool normalizes(const watch *w, uint32_t l) {
  return w->plan->layer[l].normalization != GR_NORMALIZATION_NONE;
}

static void forward(watch *w, int rank, uint32_t l) {
  const gr_plan_layer *layer = &w->plan->layer[l];
  const block mine = share_of(w, rank, layer->forward_columns, layer->panels_out);
  reads(w, rank, &w->weights[l], all_columns(&w->weights[l], mine.column, mine.last), false);
  if (mine.column < mine.last)
    reads(w, rank, below(w, l), own_below(w, rank, l, all_columns(below(w, l), mine.row, mine.end)),
          true);
  writes(w, rank, normalizes(w, l) ? &w->zhat[l] : &w->a[l], mine, true);
}

/* Of whole rows, or of panels of the whole batch: weighted inputs become zhat and outputs; or
 * deltas behind become those before. */
static void normalize(watch *w, int rank, uint32_t l, bool back) {
  const size_t panels = w->plan->layer[l].panels_out;
  const bool by_batch = w->plan->layer[l].normalization == GR_NORMALIZATION_BATCH;
  block mine = share_of(w, rank, 1, panels);
  if (by_batch) {
    mine = (block){0, w->n, 0, panels};
    gr_plan_panels(w->plan, panels, rank, w->plan->n_ranks, &mine.column, &mine.last);
  }
  reads(w, rank, &w->weights[l], all_columns(&w->weights[l], mine.column, mine.last), false);
  reads(w, rank, &w->zhat[l], mine, true);
  if (back)
    reads(w, rank, &w->dy[l], mine, true);
  else
    writes(w, rank, &w->zhat[l], mine, false);
  if (!back && by_batch)
    writes(w, rank, &w->statistics[l], (block){mine.column, mine.last, 0, 1}, true);
  writes(w, rank, back ? &w->delta[l] : &w->a[l], mine, true);
}

static void loss(watch *w, int rank) {
  const uint32_t last = w->plan->n_layers - 1;
  const block rows = share_of(w, rank, 1, 1), mine = all_columns(&w->a[last], rows.row, rows.end);
  reads(w, rank, &w->index[w->step % 2], own(w, rank, rows), false);
  reads(w, rank, &w->a[last], mine, true);
  writes(w, rank, &w->a[last], mine, false); /* probabilities, in place */
  writes(w, rank, &w->delta[last], mine, true);
  writes(w, rank, &w->loss, rows, true);
  writes(w, rank, &w->finite, (block){(size_t)rank, (size_t)rank + 1, 0, 1}, true);
}

static void backward(watch *w, int rank, uint32_t l) {
  const gr_plan_layer *layer = &w->plan->layer[l];
  const block mine = share_of(w, rank, layer->backward_columns, layer->panels_in);
  reads(w, rank, &w->back[l], all_columns(&w->back[l], mine.column, mine.last), false);
  if (mine.column < mine.last)
    reads(w, rank, &w->delta[l], all_columns(&w->delta[l], mine.row, mine.end), true);
  reads(w, rank, &w->a[l - 1], mine, true);
  writes(w, rank, normalizes(w, l - 1) ? &w->dy[l - 1] : &w->delta[l - 1], mine, true);
}

/* The gradient of the rank's lanes. */
static void reduce(watch *w, int rank) {
  const block rows = share_of(w, rank, 1, 1);
  for (uint32_t l = 0; l < w->plan->n_layers; l++) {
    reads(w, rank, below(w, l), all_columns(below(w, l), rows.row, rows.end), true);
    reads(w, rank, &w->delta[l], all_columns(&w->delta[l], rows.row, rows.end), true);
    if (!normalizes(w, l)) continue;
    reads(w, rank, &w->zhat[l], all_columns(&w->zhat[l], rows.row, rows.end), true);
    reads(w, rank, &w->dy[l], all_columns(&w->dy[l], rows.row, rows.end), true);
  }
  writes(w, rank, &w->scratch, (block){(size_t)rank, (size_t)rank + 1, 0, 1}, true);
}

/* Panels of outputs by panels of inputs of a unit. */
static block unit_block(const gr_unit *u) {
  return (block){u->panel, u->panel + u->n_panels, u->input / 16,
                 (u->input + u->n_inputs + 15) / 16};
}

static void read_for_gradient(watch *w, int rank, const gr_unit *u) {
  const size_t first = unit_block(u).column, end = unit_block(u).last;
  if (w->plan->strategy == GR_STRATEGY_LANES) {
    reads(w, rank, &w->scratch, (block){0, (size_t)w->plan->n_ranks, 0, 1}, true);
  } else {
    reads(w, rank, below(w, u->layer), own_below(w, rank, u->layer, (block){0, w->n, first, end}),
          true);
    const block outputs = {0, w->n, u->panel, u->panel + u->n_panels};
    reads(w, rank, &w->delta[u->layer], outputs, true);
    if (!normalizes(w, u->layer) || u->input > 0) return;
    reads(w, rank, &w->zhat[u->layer], outputs, true);
    reads(w, rank, &w->dy[u->layer], outputs, true);
  }
}

/* Weights and their back copy; `once`: for the first time in the step. */
static void write_weights(watch *w, int rank, uint32_t l, block b, bool once) {
  writes(w, rank, &w->weights[l], b, once);
  writes(w, rank, &w->back[l], (block){b.column, b.last, b.row, b.end}, once);
}

static void update_unit(watch *w, int rank, const gr_unit *u) {
  if (u->input == 0 && w->plan->layer[u->layer].normalization == GR_NORMALIZATION_BATCH)
    reads(w, rank, &w->statistics[u->layer], (block){u->panel, u->panel + u->n_panels, 0, 1}, true);
  if (w->plan->whole_gradient && !w->plan->searches)
    reads(w, rank, &w->gradient[u->layer], unit_block(u), true);
  else if (!w->plan->searches)
    read_for_gradient(w, rank, u);
  write_weights(w, rank, u->layer, unit_block(u), true);
  if (w->plan->searches) {
    reads(w, rank, &w->pairs[u->layer], unit_block(u), true);
    reads(w, rank, &w->average[u->layer], unit_block(u), true);
    writes(w, rank, &w->directions[u->layer], unit_block(u), true);
    return;
  }
  if (w->plan->averages && !w->plan->constrains)
    writes(w, rank, &w->average[u->layer], unit_block(u), true);
}

/* Into the buffer of the whole gradient. */
static void gradient(watch *w, int rank) {
  for (size_t i = w->plan->first_unit[rank]; i < w->plan->first_unit[rank + 1]; i++) {
    const gr_unit *u = &w->plan->units[i];
    read_for_gradient(w, rank, u);
    writes(w, rank, &w->gradient[u->layer], unit_block(u), true);
  }
}

/* Whether anything may change: asked by each rank. */
static void judge(watch *w, int rank) {
  reads(w, rank, &w->finite, (block){0, (size_t)w->plan->n_ranks, 0, 1}, true);
  if (w->plan->norms)
    reads(w, rank, &w->squares, all_columns(&w->squares, 0, all_panels(w->plan)), true);
}

/* The rank's rows of weights, a panel at a time: their sums of squares, or their limits. */
static void rows_of_weights(watch *w, int rank, bool constrains) {
  size_t before = 0;
  if (constrains) judge(w, rank);
  for (uint32_t l = 0; l < w->plan->n_layers; l++) {
    size_t first, end;
    gr_plan_row_panels(w->plan, l, rank, &first, &end);
    const block mine = all_columns(&w->gradient[l], first, end);
    if (constrains) {
      reads(w, rank, &w->weights[l], mine, true);
      write_weights(w, rank, l, mine, false);
      if (w->plan->averages) writes(w, rank, &w->average[l], mine, true);
    } else {
      reads(w, rank, &w->gradient[l], mine, true);
      writes(w, rank, &w->squares, (block){before + first, before + end, 0, 1}, true);
    }
    before += w->plan->layer[l].panels_out;
  }
}

/* The rank's rows of weights: their gradient becomes a direction, whose sums of squares are taken
 * with those of the weights. */
static void direct(watch *w, int rank) {
  size_t before = 0;
  judge(w, rank);
  for (uint32_t l = 0; l < w->plan->n_layers; l++) {
    size_t first, end;
    gr_plan_row_panels(w->plan, l, rank, &first, &end);
    const block mine = all_columns(&w->gradient[l], first, end);
    reads(w, rank, &w->weights[l], mine, false);
    writes(w, rank, &w->gradient[l], mine, false);
    writes(w, rank, &w->sums, (block){before + first, before + end, 0, 1}, true);
    before += w->plan->layer[l].panels_out;
  }
}

/* What the search asks for, before it says whether the point will do. */
static void judge_search(watch *w, int rank) {
  judge(w, rank);
  reads(w, rank, &w->sums, all_columns(&w->sums, 0, all_panels(w->plan)), true);
  reads(w, rank, &w->compared, (block){0, 1, 0, 1}, true);
}

/* It will: the model, its gradient and the newest pair, of the rank's rows. */
static void pair(watch *w, int rank) {
  size_t before = 0;
  judge_search(w, rank);
  for (uint32_t l = 0; l < w->plan->n_layers; l++) {
    size_t first, end;
    gr_plan_row_panels(w->plan, l, rank, &first, &end);
    const block mine = all_columns(&w->gradient[l], first, end);
    reads(w, rank, &w->weights[l], mine, false);
    reads(w, rank, &w->gradient[l], mine, true);
    writes(w, rank, &w->pairs[l], mine, true);
    writes(w, rank, &w->average[l], mine, true);
    writes(w, rank, &w->products, (block){before + first, before + end, 0, 1}, true);
    before += w->plan->layer[l].panels_out;
  }
}

/* Rank 0 adds the losses, and the weights of the rows to come. */
static void update(watch *w, int rank) {
  judge(w, rank);
  if (w->plan->directs || w->plan->compares)
    reads(w, rank, &w->sums, all_columns(&w->sums, 0, all_panels(w->plan)), true);
  if (w->plan->compares) reads(w, rank, &w->compared, (block){0, 1, 0, 1}, true);
  if (w->plan->searches) {
    judge_search(w, rank);
    reads(w, rank, &w->products, all_columns(&w->products, 0, all_panels(w->plan)), true);
  }
  for (size_t i = w->plan->first_unit[rank]; i < w->plan->first_unit[rank + 1]; i++)
    update_unit(w, rank, &w->plan->units[i]);
  if (rank != 0) return;
  writes(w, rank, &w->numbers, numbers_of(w->step + 1), true);
  reads(w, rank, &w->loss, (block){0, w->n, 0, 1}, true);
  reads(w, rank, &w->index[w->step % 2], (block){0, w->n, 0, 1}, false);
  reads(w, rank, &w->index[(w->step + 1) % 2], (block){0, w->n, 0, 1}, true);
}

/* Beside the sums of squares of gradient and, where losses are compared, weights: rank 0 adds the
 * losses. */
static void norm(watch *w, int rank) {
  size_t before = 0;
  const bool searches = w->plan->searches, compares = w->plan->compares || searches;
  rows_of_weights(w, rank, false);
  for (uint32_t l = 0; l < w->plan->n_layers && compares; l++) {
    size_t first, end;
    gr_plan_row_panels(w->plan, l, rank, &first, &end);
    if (searches) {
      const block mine = all_columns(&w->gradient[l], first, end);
      writes(w, rank, &w->gradient[l], mine, false);
      reads(w, rank, &w->directions[l], mine, false);
      reads(w, rank, &w->pairs[l], mine, false);
    }
    reads(w, rank, &w->weights[l], all_columns(&w->weights[l], first, end), false);
    writes(w, rank, &w->sums, (block){before + first, before + end, 0, 1}, true);
    before += w->plan->layer[l].panels_out;
  }
  if (!compares || rank > 0) return;
  reads(w, rank, &w->loss, (block){0, w->n, 0, 1}, true);
  writes(w, rank, &w->compared, (block){0, 1, 0, 1}, true);
}

static void operate(watch *w, int rank, const gr_plan_operation *o) {
  reads(w, rank, &w->numbers, numbers_of(w->step), false);
  switch (o->kind) {
    case GR_GATHER:
      gather(w, rank);
      break;
    case GR_FORWARD:
      forward(w, rank, o->layer);
      break;
    case GR_NORMALIZE:
    case GR_NORMALIZE_BACK:
      normalize(w, rank, o->layer, o->kind == GR_NORMALIZE_BACK);
      break;
    case GR_LOSS:
      loss(w, rank);
      break;
    case GR_BACKWARD:
      backward(w, rank, o->layer);
      break;
    case GR_REDUCE:
      reduce(w, rank);
      break;
    case GR_GRADIENT:
      gradient(w, rank);
      break;
    case GR_NORM:
      norm(w, rank);
      break;
    case GR_DIRECTION:
      direct(w, rank);
      break;
    case GR_PAIR:
      pair(w, rank);
      break;
    case GR_UPDATE:
      update(w, rank);
      break;
    case GR_CONSTRAIN:
      rows_of_weights(w, rank, true);
      break;
  }
}

void gr_watch_step(watch *w, uint64_t n, const bool *meets) {
  w->n = n;
  w->step++;
  for (int i = 0; i < w->plan->n_operations; i++) {
    for (int rank = 0; rank < w->plan->n_ranks; rank++) operate(w, rank, &w->plan->operation[i]);
    w->meeting += meets[i];
  }
}

/* Cells of the first `rows` rows that the step has not written. */
static uint64_t left_out(const watch *w, const matrix *m, size_t rows) {
  uint64_t sum = 0;
  for (size_t i = 0; i < rows * m->columns; i++) sum += m->cells[i].step != w->step;
  return sum;
}

uint64_t gr_watch_left_out(const watch *w) {
  uint64_t sum = left_out(w, &w->input, w->n) + left_out(w, &w->loss, w->n);
  for (uint32_t l = 0; l < w->plan->n_layers; l++)
    sum += left_out(w, &w->a[l], w->n) + left_out(w, &w->delta[l], w->n) +
           left_out(w, &w->weights[l], w->plan->layer[l].panels_out) +
           left_out(w, &w->back[l], w->plan->layer[l].panels_in) +
           (w->plan->averages ? left_out(w, &w->average[l], w->plan->layer[l].panels_out) : 0);
  return sum;
}
