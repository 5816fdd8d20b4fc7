/* The engine: parameters in the layout the kernels want, and the two things done with them,
 * training steps and evaluation. What a step computes is fixed by the arithmetic contract
 * (src/README.md); threads and instruction set change only its speed. */
#ifndef GR_EXEC_ENGINE_H
#define GR_EXEC_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/dtype.h"
#include "base/text.h"
#include "kernel/expansion.h"
#include "net/line_search.h"
#include "net/network.h"
#include "net/row_order.h"
#include "net/schedule.h"

/* What may differ from machine to machine without changing a bit. */
typedef struct gr_engine_resources {
  int threads;  /* >= 1 */
  int isa;      /* gr_isa or GR_AUTO: the best this CPU has */
  bool pin;     /* bind rank r to the r-th allowed processor until the engine is destroyed; done
                unasked where the affinity mask is restricted to as many processors as ranks */
  int strategy; /* GR_AUTO, or a gr_strategy (net/strategy.h), which then has all threads */
} gr_engine_resources;

/* Rows of a data set as the engine reads them: inputs in their stored type, targets prepared. All
 * arrays are borrowed. Of data that are streamed they hold the rows that are there now, and orders
 * number rows by where they lie. */
typedef struct gr_rows {
  uint64_t n_rows;
  const void *x; /* [n_rows][n_in], dense */
  gr_dtype x_type;
  const double *shift, *factor;  /* [n_in]: see net/preprocessing.h */
  const gr_expansion *expansion; /* x has its columns, not n_in; or NULL */
  const int32_t *class_index; /* [n_rows], classification; 0 or 1 for one sigmoid output; NULL for
                                 regression */
  const float *targets; /* [n_rows][n_out], regression (standardised); NULL for classification */
  uint32_t n_targets;   /* n_out where there are targets, else 0 */
  const float *weight;  /* [n_rows] or NULL: all 1 */
  const float *offset;  /* [n_rows] added to each z of the output layer, or NULL: 0 */
} gr_rows;

typedef struct gr_step_result {
  double loss;          /* sum over rows of weight * loss, lanes added by the tree */
  double weight;        /* sum of row weights: the row count without weights */
  double gradient_norm; /* of the mean gradient, all layers, before clipping; NaN where the recipe
                           does not ask for it */
  double objective; /* mean loss and weight decay's part, where the optimiser compares it; else 0.
                       Of a line search: at the model */
  gr_search search; /* where it stands then, if there is one */
  bool finite;      /* false: the loss or gradient_norm is not finite and nothing was updated. At a
                       point that a line search only tries they may be infinite or NaN */
  int bad_layer; /* when not finite: first layer (1-based) with a non-finite output, 0 = the inputs,
                    -1 = not found */
  uint64_t bad_row;    /* its row in the data set */
  uint32_t bad_column; /* neuron of that layer, or column of the inputs, from 0 */
  uint64_t bad_start,
      bad_n;    /* when not finite: where in the epoch its batch begins, and its rows */
  bool starved; /* the rows of the next step could not be had: no step follows */
} gr_step_result;

/* Totals over rows, all in double, blocks of 1024 rows added by the fixed tree. */
typedef struct gr_totals {
  double weight, loss; /* sum w, sum w * loss */
  double correct;      /* classification: sum w over rows whose largest output is the class */
  double squared[4];   /* regression, first 4 targets, standardised units: sum w (a - y)^2 */
  double target[4];    /* sum w y */
  double target_squared[4];
} gr_totals;

typedef struct gr_engine gr_engine;

/* `config` is resolved and matches `network`. Threads that cannot be had: GRADUS_ERR_RESOURCES. An
 * ISA this CPU lacks: GRADUS_ERR_CONFIG. The engine trains; `inference_only` ones have no gradients
 * or moments. */
gradus_status gr_engine_create(const gr_network *network, const gr_config *config,
                               const gr_engine_resources *resources, bool inference_only,
                               gr_engine **out, gradus_error *err);
void gr_engine_destroy(gr_engine *engine); /* accepts NULL */

/* Parameters and moments (may be NULL: zero) in logical order, in and out. With an average the
 * parameters are that, and behind the moments come the weights that are trained (NULL: the
 * parameters); with a line search they are where it begins, and the weights where it stands. */
void gr_engine_load(gr_engine *engine, const float *parameters,
                    const float *const moment[GR_MAX_MOMENTS]);
void gr_engine_store(const gr_engine *engine, float *parameters,
                     float *const moment[GR_MAX_MOMENTS]);

/* What the last step minimised and where its line search stands (gr_step_result), for an engine
 * that goes on after it. */
void gr_engine_continue(gr_engine *engine, double objective, const gr_search *search);

/* One update from rows order[start .. start+n) of the epoch, n <= batch_size. `step` is 0-based
 * (bias correction uses step + 1). */
void gr_engine_step(gr_engine *engine, const gr_rows *rows, const gr_row_order *order,
                    uint64_t start, uint64_t n, uint64_t step, double learning_rate,
                    gr_step_result *result);

/* dC/dz of the first layer for the rows of the last step, in its order: [n][*ld], the first n_out
 * of each row; times the rows' weights, not divided by their sum. For an engine that trains, after
 * a step of one pass. */
const float *gr_engine_first_delta(const gr_engine *engine, size_t *ld);

/* A row of steps of one epoch. */
typedef struct gr_run {
  const gr_rows *rows;
  const gr_row_order *order;
  uint64_t start,
      end;          /* rows order[start .. end) of the epoch, batch by batch, the last one short */
  uint64_t step;    /* 0-based number of the first (bias correction uses step + 1 - skipped) */
  uint64_t skipped; /* steps before it that changed nothing */
  uint64_t n_steps; /* at most */
  double (*learning_rate)(void *user, uint64_t step);
  double (*average_share)(void *user, uint64_t step); /* see net/average.h; NULL: without epochs */
  gr_course (*course)(void *user, uint64_t step);     /* see net/schedule.h; NULL: all 1 */
  /* After each step, on the calling thread, while other ranks may still be at work: false = no
   * further step. `n` rows went into it. */
  bool (*after)(void *user, const gr_step_result *result, uint64_t n);
  void *user;
  const gr_feed_hooks *feed; /* who brings the rows; NULL: all are there */
} gr_run;

/* The steps of `run`, without a pause between them, until its rows or steps are used up, `after`
 * says no, or a loss is not finite. *result is that of the last step taken; without any it is
 * finite, loss and weight 0. */
void gr_engine_run(gr_engine *engine, const gr_run *run, gr_step_result *result);

/* ---- after a step: where numbers have gone bad (exec/finite.c) ---- */

/* The first layer (1-based) with a parameter or moment that is NaN or infinite, 0 = none; *vector:
 * 0 = weights, m = moment m, -1 = their average. */
int gr_engine_bad_state(const gr_engine *engine, int *vector);

/* Of the last batch that was gone through, of n rows: the last layer whose deltas are not all
 * finite (what comes first in the backward pass), 0 = none, and its first row within the batch. */
int gr_engine_bad_delta(const gr_engine *engine, uint64_t n, uint64_t *row);

/* And the rows within it whose loss is not finite, into row[n]; returns how many. */
uint64_t gr_engine_bad_losses(const gr_engine *engine, uint64_t n, uint64_t *row);

/* Forward over the rows at positions 0..n of `order` (NULL: rows 0..n), which `feed` brings (NULL:
 * all are there); totals in *totals. Without class_index and targets losses mean nothing. If
 * `outputs` is not NULL it receives the network's outputs [n][n_out] (probabilities for softmax and
 * sigmoid), or, where `take` is given, those of a part at a time: rows [first, first + n_part),
 * after which they are written over. *fed = false: the rows could not be had. Fails only for lack
 * of memory, and with what `take` says. */
typedef gradus_status gr_take_outputs(void *user, uint64_t first, uint64_t n_part,
                                      const float *outputs, gradus_error *err);
typedef struct gr_evaluation {
  const gr_rows *rows;
  const gr_row_order *order;
  const gr_feed_hooks *feed;
  uint64_t n;
  uint64_t part_rows;    /* rows at a time, a multiple of 1024; 0: all at once */
  float *outputs;        /* [n][n_out], or with `take` [part_rows][n_out]; or NULL */
  gr_take_outputs *take; /* or NULL */
  void *user;
} gr_evaluation;
gradus_status gr_engine_evaluate(gr_engine *engine, const gr_evaluation *evaluation,
                                 gr_totals *totals, bool *fed, gradus_error *err);

/* What a rank does in a step. */
typedef enum gr_phase {
  GR_PHASE_GATHER,
  GR_PHASE_FORWARD,
  GR_PHASE_LOSS,
  GR_PHASE_DATA_GRADIENT,
  GR_PHASE_WEIGHT_GRADIENT,
  GR_PHASE_UPDATE, /* back copies, biases, sums of ranks' gradients: what is not done tile by tile
                      in the weight gradient */
  GR_PHASE_WAIT,   /* for other ranks */
  GR_N_PHASES
} gr_phase;
extern const char *const gr_phase_names[GR_N_PHASES];

/* Begins or ends the timing of phases; either sets the sums to 0. Off at first: the clock costs
 * time. */
void gr_engine_time_phases(gr_engine *engine, bool on);

/* Seconds in each phase of all steps since the timing began, the mean over ranks. */
void gr_engine_phases(const gr_engine *engine, double seconds[GR_N_PHASES]);

/* The plan for people: layers, lanes, strategy, threads, memory, FLOPs. */
void gr_engine_describe(const gr_engine *engine, gr_text *out);
gr_engine_resources gr_engine_partition(const gr_engine *engine); /* as planned; pin: false */
int gr_engine_threads(const gr_engine *engine);
uint32_t gr_engine_outputs(const gr_engine *engine); /* neurons of the last layer */
const char *gr_engine_isa(const gr_engine *engine);

#endif
