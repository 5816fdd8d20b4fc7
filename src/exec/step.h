/* A step under way, as its parts see it. */
#ifndef GR_EXEC_STEP_H
#define GR_EXEC_STEP_H

#include "exec/internal.h"

/* One pass over a batch; a step is one, or several with training.accumulate. */
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
  uint64_t pass;           /* of those whose gradients make one update, from 0 */
  bool last;               /* the update follows it */
  double weight;           /* of all passes, once it is the last */
  double dropout;          /* part of the recipe's that holds */
  double scale;            /* of the summed gradient: 1 / weight */
  gr_layer_update *update; /* [n_layers] */
  float average_share;
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

/* The gradient of one of the rank's units of weights, lanes added by the tree, and its update; or
 * its place in the whole gradient, where the plan has one. */
void gr_gradient_unit(const gr_step *s, int rank, const gr_unit *u);

/* Where panel p of a unit begins in a blocked vector of parameters. */
size_t gr_gradient_at(const gr_plan *plan, const gr_unit *u, size_t p);

/* Where vector v of a unit's panels begins in it. */
static inline size_t gr_gradient_vector_at(const gr_plan *plan, const gr_unit *u, uint32_t v) {
  const gr_plan_layer *layer = &plan->layer[u->layer];
  return layer->bias + 16 * (layer->panels_out * v + u->panel);
}

/* The update of n parameters from `at` on in the blocked vector, by their gradient sums g. */
void gr_gradient_apply(const gr_step *s, const gr_update_coefficients *u, size_t at, size_t n,
                       const float *g);

/* Renews a unit's part of the back copy. */
void gr_gradient_renew_back(const gr_engine *engine, const gr_unit *u);

/* A rank's share of an operation: rows, and panels of its result. */
typedef struct gr_share {
  uint64_t row, rows;
  size_t panel, panels;
} gr_share;

/* The factors of dropout of a share of the outputs of layer `layer` (0: the inputs), stored at dst
 * or applied to what is there. */
void gr_step_drop(const gr_step *s, uint32_t layer, uint32_t threshold, const gr_share *mine,
                  float *dst, size_t ld, bool scales);

/* ----- exec/pass.c ----- */

/* What a rank has of an operation on the batch: rows by row groups, panels by column groups. */
gr_share gr_pass_share(const gr_step *s, int rank, int columns, size_t n_panels);

/* Row numbers [first, end) of the batch at position `start` of the epoch. */
void gr_pass_number(const gr_step *s, uint64_t start, uint64_t first, uint64_t end,
                    uint64_t *index);

/* The rank's rows; those that it will want next are named, so that they can be fetched meanwhile.
 */
void gr_pass_gather(const gr_step *s, int rank);

/* The products of layer l and those through it to the deltas below. `rows`: some of the rank's
 * rows, where it has whole ones. */
void gr_pass_forward(const gr_step *s, int rank, uint32_t l, const gr_share *rows);
void gr_pass_backward(const gr_step *s, int rank, uint32_t l, const gr_share *rows);

/* Losses and output deltas of rows; whether all losses of the rank so far are finite. */
void gr_pass_loss(const gr_step *s, int rank, const gr_share *rows);

/* ----- exec/normalize.c ----- */

/* From the weighted inputs of layer l to its outputs, and from what lies behind the normalisation
 * to its deltas: of some rows, or, where the batch normalises, rows NULL, of the rank's panels. */
void gr_normalize_layer(const gr_step *s, int rank, uint32_t l, const gr_share *rows);
void gr_normalize_layer_back(const gr_step *s, int rank, uint32_t l, const gr_share *rows);

/* Takes the statistics of the batch into the running ones of a unit's panels. */
void gr_normalize_track(const gr_step *s, const gr_unit *u);

/* ----- exec/whole.c: what needs all of the gradient, or of the new weights ----- */

/* The sums of squares of the rank's rows of the gradient: the incoming weights of a neuron in
 * order, then its bias and what else is trained of it. */
void gr_whole_squares(const gr_step *s, int rank);

/* The norm of the mean gradient, or, of a line search, that of the objective: rows added in double
 * by the tree. */
double gr_whole_norm(const gr_step *s);

/* The mean loss, and d/2 times the sum of squares of the weights. */
double gr_whole_objective(const gr_step *s);

/* By layers: the gradient of the rank's rows of weights becomes the direction of their step. `norm`
 * is that of the gradient. */
void gr_whole_direct(const gr_step *s, int rank, double norm);

/* What an update from the whole gradient has to know. */
typedef struct gr_verdict {
  double norm;                /* of the mean gradient */
  float ratio[GR_MAX_LAYERS]; /* by layers: how many times their direction the weights go */
  double objective;           /* that the optimiser compares, else 0 */
  bool grew;                  /* since the step before */
} gr_verdict;

/* Fills in what the plan wants of it, norm apart. */
void gr_whole_judge(const gr_step *s, gr_verdict *verdict);

/* The update of one of the rank's units from the whole gradient. */
void gr_whole_apply(const gr_step *s, const gr_verdict *verdict, const gr_unit *u);

/* Takes a unit's new weights into their average. */
void gr_whole_average(const gr_step *s, const gr_unit *u);

/* ----- exec/lbfgs.c: steps along lines that are searched ----- */

/* Whether it is the first evaluation of all, which must be finite. */
bool gr_lbfgs_begins(const gr_step *s);

/* The gradient of the rank's rows of weights, and their part of what the search asks. */
void gr_lbfgs_measure(const gr_step *s, int rank);

/* If the point is accepted: it becomes the model, and the pair that it makes with the model before
 * takes the place of the oldest, of the rank's rows. */
void gr_lbfgs_pair(const gr_step *s, int rank);

/* The weights of the rank's units at the point to be evaluated next. */
void gr_lbfgs_update(const gr_step *s, int rank);

/* Shortens those of the rank's rows of weights that are longer than they may be. */
void gr_whole_constrain(const gr_step *s, int rank);

#endif
