/* Everything decided before the first step: where each buffer lies in one arena, how the batch is
 * cut into lanes, and which rank does which part. Offsets are in floats from the base of the arena;
 * a plan holds no pointers into it and can be printed and compared. Lanes come from the recipe
 * (lanes.h); what this file decides by ranks changes no bit. */
#ifndef GR_PLAN_PLAN_H
#define GR_PLAN_PLAN_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/text.h"
#include "kernel/kernel.h"
#include "net/network.h"
#include "net/strategy.h"
#include "plan/machine.h"

extern const char *const gr_strategy_names[GR_N_STRATEGIES];

typedef struct gr_plan_layer {
  uint32_t n_in, n_out;
  gr_activation activation;
  size_t panels_in, panels_out;
  size_t first_row;     /* of its neurons among those of all layers */
  size_t weights, bias; /* in the blocked parameter vector: panels, then bias [16 panels_out], and
                           the layer's other vectors likewise */
  gr_normalization normalization;
  uint32_t n_vectors, n_trained; /* of them: see kernel/normalization.def.h */
  /* In the arena, where it is normalised: its weighted inputs, which become zhat, and dC/d(gain
   * zhat
   * + shift), [batch][ld]; root, of each row, or of each column [16 panels_out] and then mean and
   * variance of the batch likewise. */
  size_t zhat, dy, root, statistics;
  size_t back;     /* in the arena: the back copy; of layer 0 only where there is a front */
  size_t a, delta; /* in the arena: outputs and dC/dz, [batch][ld] */
  size_t slope;    /* likewise f'(z), times what dropout does, where `keeps_slope` */
  bool keeps_slope;
  uint32_t residual;   /* the outputs of the layer so many below it are added to its own; 0: none */
  bool keeps_gradient; /* it has a residual, or is that of another layer */
  size_t gradient;     /* then dC/da, [batch][ld]; also delta, or dy, where these are the same */
  uint32_t dropout;    /* probability of dropping an output, in 65536ths */
  int forward_columns, backward_columns; /* column groups of ranks: divisors of n_ranks; rank r is
                                            in column group r % columns, row group r / columns */
  size_t ld;                             /* an odd multiple of 16: no stride is a power of two */
} gr_plan_layer;

/* What is trained before layer 0 (net/network.h). Inputs as gathered lie in gr_plan.input; what
 * layer 0 reads of them, and dC/d of that, in `output` and `delta`, [batch][ld_input]. Each rank
 * owns panels of columns (gr_plan_front_panels), with their parameters, and takes their gradient
 * through all lanes. */
typedef struct gr_plan_front {
  bool exists;
  size_t logical;          /* of its parameters in the logical vector */
  size_t n_columns, scale; /* n_in of layer 0; s [16 panels] in the blocked parameter vector */
  size_t output, delta;    /* in the arena */
  size_t scratch, scratch_rank, slot; /* per rank: partials of `slot` floats, one for each lane that
                                         waits in the tree */
  size_t first_row;                   /* a row for each column, behind those of all layers */
} gr_plan_front;

/* One piece of one layer's weights: inputs [input, input + n_inputs) of panels [panel, panel +
 * n_panels). The piece with input 0 also has the biases of its panels. */
typedef struct gr_unit {
  uint32_t layer, input, n_inputs, panel, n_panels;
} gr_unit;

/* What a rank does in order. After some operations all ranks meet: those are the ends of stages. */
typedef enum gr_operation {
  GR_GATHER,         /* its rows of the batch */
  GR_FRONT,          /* what layer 0 reads of them */
  GR_FORWARD,        /* of one layer */
  GR_NORMALIZE,      /* the weighted inputs of one layer, and its activation */
  GR_LOSS,           /* and the deltas of the outputs */
  GR_BACKWARD,       /* data gradient through one layer */
  GR_NORMALIZE_BACK, /* from behind the normalisation of one layer to before it */
  GR_REDUCE,         /* the gradient of its lanes */
  GR_GRADIENT,       /* of its units, into the buffer of the whole gradient */
  GR_NORM,           /* sums of squares of its rows of the whole gradient */
  GR_DIRECTION,      /* of its rows of weights, in the place of their gradient, and its norm */
  GR_PAIR,           /* of a step and the change of the gradient by it, of its rows of weights */
  GR_UPDATE,         /* its units, from the buffer where there is one, else with their gradient */
  GR_CONSTRAIN       /* its rows of weights, to the largest norm that they may have */
} gr_operation;

typedef struct gr_plan_operation {
  gr_operation kind;
  uint32_t layer;
  bool by_rows; /* on the rank's own rows, which may be taken piece by piece */
  bool meet;    /* all ranks wait for one another after it */
} gr_plan_operation;

enum { GR_MAX_OPERATIONS = 4 * GR_MAX_LAYERS + 11 };

typedef struct gr_plan_request {
  const gr_network *network;
  uint64_t batch_rows, lane_rows;
  gr_optimizer optimizer;
  bool inference_only;
  uint64_t passes;           /* batches whose gradients make one update; 0 is 1 */
  bool norms;                /* an update needs the norm of the gradient first */
  bool directs;              /* by layers: steps are made whole before they are taken; has norms */
  bool compares;             /* an update follows whether the loss has grown; has norms */
  bool searches;             /* along lines (exec/lbfgs.c); has norms and averages */
  bool constrains;           /* rows of weights have a largest norm */
  bool averages;             /* the model is an average of the weights */
  int threads;               /* at most; fewer are used where more would not pay */
  int strategy;              /* gr_strategy, or -1 */
  bool forced;               /* use exactly `threads` ranks */
  const gr_machine *machine; /* NULL: a typical one */
} gr_plan_request;

typedef struct gr_plan {
  gr_arena_layout arena;
  uint32_t n_layers;
  gr_plan_layer layer[GR_MAX_LAYERS];
  gr_plan_front front;
  gr_loss loss;
  gr_optimizer optimizer;
  bool inference_only, norms, directs, compares, searches, constrains, averages;
  bool whole_gradient; /* it waits in a buffer: for its norm, or for more passes */
  uint64_t passes;
  uint32_t input_dropout; /* like layer[].dropout */
  uint64_t batch_rows, lane_rows, n_lanes;
  uint64_t block_rows; /* that a rank takes through several operations at a time */
  int n_ranks;
  gr_strategy strategy;
  size_t tile_panels;            /* of the kernels: shares of columns are whole tiles */
  size_t n_blocked;              /* floats in the blocked parameter vector */
  size_t n_dense;                /* of them in layers; those of the front come last */
  size_t parameters;             /* in the arena: blocked parameter vector */
  size_t moment[GR_MAX_MOMENTS]; /* likewise, where the optimiser has them */
  size_t gradient;               /* likewise, with whole_gradient: one after another, as many as
                                    the tree over passes wants */
  size_t average;                /* likewise, with averages */
  size_t n_rows;                 /* neurons of all layers: rows of weights; and the front's */
  /* Gathered rows [batch][ld_input] and their numbers, two of uint64_t [batch] so many floats
   * apart: one for all ranks, or, `own_inputs`, one for each, input_rank and index_rank floats
   * apart. */
  bool own_inputs;
  size_t input, ld_input, input_rank;
  size_t index, index_half, index_rank;
  size_t row_loss;              /* float [batch] */
  size_t shift, factor;         /* float [n_in] of the input columns */
  size_t scratch, scratch_rank; /* per rank: gradient partials */
  size_t slot;                  /* floats in one partial */
  unsigned slots;               /* partials per rank */
  size_t eval_rows, eval, eval_rank,
      eval_buffer; /* per rank: index, losses and row buffers for evaluation */
  size_t eval_ld;
  uint32_t eval_slots, eval_slot[GR_MAX_LAYERS + 1]; /* buffers, and which of them holds the inputs
                                                        and the outputs of each layer */
  gr_plan_operation operation[GR_MAX_OPERATIONS];
  int stage[GR_MAX_OPERATIONS]; /* the first operation of each */
  int n_operations, n_stages;
  double seconds; /* of a step, as the cost model has it */
  gr_unit *units; /* in the order of their ranks */
  size_t n_units;
  size_t *first_unit; /* [n_ranks + 1]: rank r does units first_unit[r] .. first_unit[r + 1] */
  double step_flops;
} gr_plan;

gradus_status gr_plan_make(const gr_plan_request *request, const gr_kernels *kernels, gr_plan *out,
                           gradus_error *err);
void gr_plan_free(gr_plan *plan);

/* Rows [*first, *end) of a batch of n rows that rank r does where ranks form `columns` column
 * groups: even shares, or whole lanes under GR_STRATEGY_LANES. */
void gr_plan_rows(const gr_plan *plan, uint64_t n, int rank, int columns, uint64_t *first,
                  uint64_t *end);

/* Likewise the panels [*first, *end) of n_panels. */
void gr_plan_panels(const gr_plan *plan, size_t n_panels, int rank, int columns, size_t *first,
                    size_t *end);

/* Panels [*first, *end) of layer l whose rows of weights a rank has in GR_NORM, GR_DIRECTION,
 * GR_PAIR and GR_CONSTRAIN. */
void gr_plan_row_panels(const gr_plan *plan, uint32_t l, int rank, size_t *first, size_t *end);

/* Lanes [*first, *end) of a batch of n_lanes lanes that rank r does under GR_STRATEGY_LANES. */
void gr_plan_rank_lanes(const gr_plan *plan, uint64_t n_lanes, int rank, uint64_t *first,
                        uint64_t *end);

/* Panels [*first, *end) of the columns of the front that are a rank's. */
void gr_plan_front_panels(const gr_plan *plan, int rank, size_t *first, size_t *end);

/* Whether dC/da of a layer waits for its slope until the layer's own way back: a parametric one
 * wants it without. */
static inline bool gr_plan_slope_waits(const gr_plan_layer *layer) {
  return layer->normalization == GR_NORMALIZATION_PARAMETRIC;
}

/* For people. */
void gr_plan_describe(const gr_plan *plan, gr_text *out);

#endif
