/* A line search for the strong Wolfe conditions as a machine of scalars that is fed one evaluation
 * at a time, so that a run can be cut between any two of them: all it knows is in gr_search.
 *
 * With phi(t) the objective at x + t d it looks for f <= phi(0) + c1 t phi'(0) + e and |phi'(t)| <=
 * c2 |phi'(0)|, c1 = 1e-4, c2 = 0.9, by bracketing and zooming (Nocedal and Wright 2006, algorithms
 * 3.5 and 3.6), interpolating by cubics (their eq. 3.59), or, where two values differ by no more
 * than e, by the secant of the slopes. e = 2^-23 |phi(0)| is what rounding may do to an objective
 * made of floats: below it only slopes can be told apart (relaxed as in Berahas, Byrd and Nocedal
 * 2019, eq. 2.9). All in double; no function but sqrt. */
#ifndef GR_NET_LINE_SEARCH_H
#define GR_NET_LINE_SEARCH_H

#include <stdbool.h>
#include <stdint.h>

#define GR_SEARCH_DECREASE 1e-4    /* c1 */
#define GR_SEARCH_CURVATURE 0.9    /* c2 */
#define GR_SEARCH_ROUNDING 0x1p-23 /* e / |phi(0)| */
enum { GR_SEARCH_TRIALS = 20, GR_SEARCH_STILL = 5 };

/* What the evaluation that comes next is. */
typedef enum gr_search_phase {
  GR_SEARCH_START,   /* the first of all: nothing is known */
  GR_SEARCH_BRACKET, /* a step further than the last */
  GR_SEARCH_ZOOM,    /* between low and high */
  GR_SEARCH_RETURN,  /* the best point of a search that found no better one, once more */
  GR_N_SEARCH_PHASES
} gr_search_phase;

/* Why no further evaluation is wanted. */
typedef enum gr_search_end {
  GR_SEARCH_GOES_ON,
  GR_SEARCH_FLAT,           /* the norm of the gradient is within the tolerance */
  GR_SEARCH_STILL_STANDING, /* GR_SEARCH_STILL steps in a row have gained less than 2^-30 of it */
  GR_SEARCH_NO_DESCENT,     /* not along the gradient either */
  GR_N_SEARCH_ENDS
} gr_search_end;

typedef struct gr_search_point {
  double t, f, slope;
} gr_search_point;

/* Between two evaluations; all zero before the first. */
typedef struct gr_search {
  uint64_t phase;
  uint64_t trials;        /* evaluations of this search so far */
  uint64_t iterations;    /* points accepted after the first */
  uint64_t pairs, newest; /* of the memory (net/lbfgs.h): how many, and the place of the newest */
  uint64_t still;         /* iterations in a row that gained next to nothing */
  uint64_t end;           /* gr_search_end */
  double t;               /* of the point to be evaluated: x + t d; a float */
  double f0, norm;        /* objective at x, and the norm of its gradient */
  gr_search_point low, high; /* best end of the bracket and other end; low: the trial before */
} gr_search;

/* An evaluation: objective, its slope along d and the norm of its gradient at x + t d, of which any
 * may be infinite or NaN, and the slope at x. */
typedef struct gr_search_trial {
  double f, slope, norm, slope0;
} gr_search_trial;

/* What follows from it. */
typedef enum gr_search_action {
  GR_SEARCH_TRY,      /* evaluate at search->t */
  GR_SEARCH_ACCEPT,   /* the point becomes x: a new direction, unless search->end says why not */
  GR_SEARCH_STEEPEST, /* no luck: the pairs are forgotten, d becomes minus the gradient at x */
  GR_SEARCH_STOP      /* search->end: x is as good as it gets */
} gr_search_action;

gr_search_action gr_search_take(gr_search *search, const gr_search_trial *trial, double tolerance);

/* A search along a new direction from x: its first trial is `rate`, or, without pairs, that times
 * min(1, 1 / |gradient|). */
void gr_search_begin(gr_search *search, double rate);

/* Whether numbers read from a file can be those of a search. */
bool gr_search_is_valid(const gr_search *search);

/* For people; NULL while it goes on. */
const char *gr_search_reason(uint64_t end);

#endif
