/* What the files of this layer share: the engine itself. */
#ifndef GR_EXEC_INTERNAL_H
#define GR_EXEC_INTERNAL_H

#include "exec/engine.h"
#include "exec/pace.h"
#include "exec/phases.h"
#include "net/lbfgs.h"
#include "plan/plan.h"

/* The product mu_1 .. mu_t of nadam (kernel/optimizer.h) after `factors` of them: it follows from
 * the step, but not in a formula. */
typedef struct gr_mu_product {
  uint64_t factors;
  double value;
} gr_mu_product;

/* The coefficients of one layer's update. */
typedef struct gr_layer_update {
  gr_update_coefficients weights, bias; /* and of gain and shift */
} gr_layer_update;

struct gr_engine {
  gr_plan plan;
  const gr_kernels *kernels;
  gr_config config; /* numbers of the optimiser; owns no strings */
  float *arena;
  gr_mu_product mu_product;
  gr_pace pace;
  gr_phases phases;
  unsigned spins;             /* see gr_team_spins */
  void *pinned;               /* of gr_team_pin */
  gr_layer_update *update[2]; /* [n_layers] of passes of even and of odd number */
  double *lane_sums;          /* [n_lanes] */
  float levels[GR_MAX_LIST];  /* of a quantile loss */
  double *row_squares;        /* [plan.n_rows] sums of squares of rows of the gradient */
  double *row_sums[2];        /* likewise, of the weights and of their direction */
  double *products;           /* [gr_lbfgs_sums()][plan.n_rows], where lines are searched */
  gr_lbfgs lbfgs[2];          /* after steps of even and of odd number */
  uint64_t newest;            /* of these */
  bool recalled;              /* its products are those of the vectors */
  double loss;                /* of the step under way, where it is compared */
  double objective[2];        /* of steps of even and of odd number, where they are compared */
  unsigned char *rank_finite; /* [n_ranks * 64]: 1 where all losses of the rank's rows are finite; a
                                 cache line each */
};

static inline float *gr_at(const gr_engine *engine, size_t offset) {
  return engine->arena + offset;
}

/* Float copies of the input columns' shift and factor, for the kernels. */
void gr_engine_bind_inputs(gr_engine *engine, const gr_rows *rows);

/* The last layer leaves z to the loss, which makes the outputs; a normalised one to that. */
static inline gr_activation gr_forward_activation(const gr_plan *plan, uint32_t l) {
  const gr_plan_layer *layer = &plan->layer[l];
  const bool leaves_z = l + 1 == plan->n_layers || layer->normalization != GR_NORMALIZATION_NONE;
  return leaves_z ? GR_IDENTITY : layer->activation;
}

/* Vector v of a layer in a blocked vector of parameters that begins at `base`: gr_vector_names. */
static inline float *gr_vector_at(const gr_engine *engine, size_t base, const gr_plan_layer *layer,
                                  uint32_t v) {
  return gr_at(engine, base + layer->bias + 16 * layer->panels_out * v);
}

/* What a loss wants to know beside rows. */
void gr_engine_loss(const gr_engine *engine, const gr_rows *rows, gr_loss_rows *l);

/* Adds the offsets of rows to their z, where there are any: once, before the loss. */
void gr_engine_offset(const gr_rows *rows, const gr_loss_rows *l);

/* A gather of `n` rows named by `index` into dst; `next` [n_next] are those of the next one, if
 * known. */
void gr_engine_gather(const gr_engine *engine, const gr_rows *rows, const uint64_t *index, size_t n,
                      const uint64_t *next, size_t n_next, float *dst, size_t ld);

/* Rows of a normalised layer that are evaluated, from z to outputs, a[n][ld] in place, by the
 * running statistics where the batch normalises; the model begins at `model`. Before it, and until
 * the next step, `prepare` has been called once. */
void gr_normalize_prepare(gr_engine *engine, size_t model);
void gr_normalize_evaluation(const gr_engine *engine, size_t model, const gr_plan_layer *layer,
                             uint64_t n, float *a);

/* The sums over rows that exec/lbfgs.c keeps. */
size_t gr_lbfgs_sums(void);

/* The products of the vectors that have been loaded; the same bits as those that steps leave. */
void gr_lbfgs_recall(gr_engine *engine);

/* Coefficients of the update of step `step` (0-based), from gradients of rows of this weight, into
 * update[n_layers]. `decay`: the weight decay of the step. */
void gr_update_prepare(gr_engine *engine, uint64_t step, double learning_rate, double decay,
                       double weight, gr_layer_update *update);

#endif
