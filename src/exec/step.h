/* A step under way, as its parts see it. */
#ifndef GR_EXEC_STEP_H
#define GR_EXEC_STEP_H

#include "exec/internal.h"

typedef struct gr_step {
  gr_engine *engine;
  const gr_rows *rows;
  const gr_row_order *order;
  uint64_t number; /* of the step, 0-based */
  uint64_t start, n, n_lanes;
  uint64_t *index; /* [n] rows of this batch; `known` before its gather begins, or not */
  uint64_t *next;  /* [n_next] rows of the batch that follows, numbered in this one's gather */
  uint64_t n_next;
  bool known;
  double weight;
  gr_update_coefficients weights, biases;
} gr_step;

/* Where row `row` of the input of layer l lies, and its stride. */
static inline const float *gr_layer_input(const gr_engine *engine, int rank, uint32_t l, size_t row,
                                          size_t *ld) {
  const gr_plan *plan = &engine->plan;
  *ld = l ? plan->layer[l - 1].ld : plan->ld_input;
  const size_t input = plan->input + (size_t)rank * plan->input_rank;
  return gr_at(engine, (l ? plan->layer[l - 1].a : input) + row * *ld);
}

/* The gradient of the rank's own lanes, under GR_STRATEGY_LANES, in its slots. */
void gr_gradient_accumulate(const gr_step *s, int rank);

/* The gradient of one of the rank's units of weights, lanes added by the tree, and its update. */
void gr_gradient_unit(const gr_step *s, int rank, const gr_unit *u);

#endif
