/* Scores of rows, kept to be ranked: areas under the curves of two classes, or of each class
 * against the rest. Exact, ties included. */
#ifndef GR_TRAIN_RANKS_H
#define GR_TRAIN_RANKS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

typedef struct gr_ranks {
  uint64_t n;         /* rows there is room for; 0: none are kept */
  uint32_t n_columns; /* scores a row */
  bool weighted;
  float *score;   /* [n_columns][n] */
  int32_t *label; /* [n], or [n_columns][n] where each column has its own (0 or 1) */
  bool own_labels;
  float *weight;      /* [n] or NULL */
  uint64_t *order[2]; /* [n] */
} gr_ranks;

/* Bytes that so many rows take. */
uint64_t gr_ranks_bytes(uint64_t n, uint32_t n_columns, bool weighted, bool own_labels);

/* Room for n < 2^32 rows. */
gradus_status gr_ranks_open(gr_ranks *ranks, uint64_t n, uint32_t n_columns, bool weighted,
                            bool own_labels, gradus_error *err);
void gr_ranks_close(gr_ranks *ranks); /* accepts a zeroed object */

typedef struct gr_areas {
  double roc;       /* probability that a row of the class has a higher score than one of the rest,
                       ties count half (Hanley and McNeil 1982) */
  double precision; /* average precision: sum of (R_i - R_(i-1)) P_i over the distinct scores,
                       descending */
} gr_areas;

/* Areas of column `column`, positive the rows whose label is `positive`. NaN where there is no
 * weight on one side. */
gr_areas gr_ranks_areas(gr_ranks *ranks, uint32_t column, int32_t positive);

#endif
