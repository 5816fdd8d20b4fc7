/* What the columns of a raw table row become before layer 1: a list of steps, each from one column
 * to one or several network inputs. A list of steps is a function of the model alone (and of where
 * its columns lie in the data at hand); applying it to a row is plain arithmetic in double, rounded
 * once, without fused operations, so that no instruction set changes a bit. */
#ifndef GR_KERNEL_EXPANSION_H
#define GR_KERNEL_EXPANSION_H

#include <stddef.h>
#include <stdint.h>

/* v is the value of the column, with `fill` in place of NaN (a missing value) where a step computes
 * with it. */
typedef enum gr_expand_kind {
  GR_EXPAND_LINEAR,  /* 1 input: (v - shift) factor, in float where the data are floats or narrower,
                        as gather does it */
  GR_EXPAND_SMOOTH,  /* 1: z = (v - shift) factor, then z / sqrt(1 + (z / 3)^2) */
  GR_EXPAND_CURVE,   /* 1: straight between the points (x[k], y[k]), constant beyond them */
  GR_EXPAND_MISSING, /* 1: 1 where v is NaN, else 0 */
  GR_EXPAND_BINS,    /* n: piecewise linear (Gorishniy, Rubachev and Babenko 2022): input t is
                        (v - x[t]) / (x[t + 1] - x[t]) cut to 0..1, the first not cut below and the
                        last not above; n_points = n + 1 */
  GR_EXPAND_WAVES,   /* n: cos(2 pi x[k] z) and then sin of z = (v - shift) factor, for each of the
                        n_points = n / 2 frequencies */
  GR_EXPAND_LEVELS   /* n: all 0 but input code[v], which is 1; NaN: input `missing` */
} gr_expand_kind;

typedef struct gr_expand_step {
  gr_expand_kind kind;
  uint32_t column;   /* of the raw row */
  uint32_t first, n; /* inputs [first, first + n) */
  double shift, factor, fill;
  const double *x, *y; /* [n_points]; of CURVE and BINS x ascends, no two alike */
  uint32_t n_points;
  const int32_t *code; /* [n_codes] levels of the data: which of the n inputs, or -1 for none */
  uint32_t n_codes;
  int32_t missing, unseen; /* the input for NaN, and for what is no code; -1: none */
} gr_expand_step;

/* Every input belongs to exactly one step. */
typedef struct gr_expansion {
  const gr_expand_step *step; /* [n_steps], columns not descending */
  size_t n_steps;
  uint32_t n_columns; /* of a raw row */
} gr_expansion;

#endif
