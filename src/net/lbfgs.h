/* The limited memory of BFGS: the last m steps s_i = x_i+1 - x_i and changes of the gradient y_i =
 * g_i+1 - g_i, and the direction that follows from them (Nocedal and Wright 2006, algorithms 7.4
 * and 7.5). The two loops need products of these vectors with one another only (Chen, Wang and Zhou
 * 2014, "Large-scale L-BFGS using MapReduce", section 3): the vectors are touched once to make the
 * products of a new pair and once to add up the direction. */
#ifndef GR_NET_LBFGS_H
#define GR_NET_LBFGS_H

#include "kernel/kinds.h"
#include "net/line_search.h"

/* Places of vectors: s_i, then y_i, then the gradient; i is the place in a ring. */
enum { GR_LBFGS_GRADIENT = 2 * GR_LBFGS_PAIRS, GR_LBFGS_VECTORS };

/* Moments of the optimiser in their order. */
enum {
  GR_LBFGS_AT_GRADIENT,                      /* at x */
  GR_LBFGS_AT_DIRECTION,                     /* from x */
  GR_LBFGS_AT_PAIRS,                         /* s_i, then y_i */
  GR_LBFGS_AT_TRIAL = 2 + 2 * GR_LBFGS_PAIRS /* x + t d; x is the model */
};

/* All that is known between two evaluations beside vectors. product[i][j] follows from these. */
typedef struct gr_lbfgs {
  gr_search search;
  double product[GR_LBFGS_VECTORS][GR_LBFGS_VECTORS]; /* symmetric */
} gr_lbfgs;

/* Where the next pair goes. */
static inline uint32_t gr_lbfgs_next(const gr_search *search) {
  return (uint32_t)((search->newest + 1) % GR_LBFGS_PAIRS);
}

/* The place of the pair that is `age` pairs older than the newest. */
static inline uint32_t gr_lbfgs_place(const gr_search *search, uint64_t age) {
  return (uint32_t)((search->newest + GR_LBFGS_PAIRS - age) % GR_LBFGS_PAIRS);
}

/* The pair at gr_lbfgs_next, whose products are there, joins the memory if s y > 2^-33 y y; else
 * the place is empty. */
void gr_lbfgs_keep(gr_lbfgs *memory);

/* The direction is the sum over i of coefficient[i] times vector i: minus the inverse Hessian that
 * the pairs tell, times the gradient; or, where rounding has left no descent of that, minus the
 * gradient, and no pairs. */
void gr_lbfgs_direction(gr_lbfgs *memory, float coefficient[GR_LBFGS_VECTORS]);

/* Minus the gradient. */
void gr_lbfgs_steepest(gr_lbfgs *memory, float coefficient[GR_LBFGS_VECTORS]);

/* Places that have a vector, ascending; returns how many. */
int gr_lbfgs_vectors(const gr_search *search, int place[GR_LBFGS_VECTORS]);

#endif
