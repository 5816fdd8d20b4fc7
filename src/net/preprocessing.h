/* What is done to the columns before layer 1 and to the targets, fitted on the training split and
 * stored in the model. input:  x'_j = (x_j - shift_j) * factor_j     (in float for u8 i8 u16 i16
 * f16 f32, in double then rounded once for the rest) target: y'_k = (y_k - target_shift_k) /
 * target_scale_k;  predictions are turned back: y = a * scale + shift. */
#ifndef GR_NET_PREPROCESSING_H
#define GR_NET_PREPROCESSING_H

#include <stdint.h>

#include "base/dtype.h"
#include "net/config.h"
#include "net/row_order.h"

typedef struct gr_columns gr_columns; /* net/columns.h */

typedef struct gr_preprocessing {
  uint32_t n_inputs;      /* of the network */
  gr_columns *columns;    /* what becomes of the columns of a table; NULL: they are the inputs */
  double *shift, *factor; /* [n_inputs] */
  char **feature_names;   /* [n_inputs] or NULL */
  gr_task task;
  uint32_t n_targets;                  /* regression, multilabel: outputs */
  uint32_t repeats;                    /* of them for each column of y: levels of quantiles, or 1 */
  double *target_shift, *target_scale; /* [n_targets]; of labels 0 and 1 */
  bool log_target;                     /* y is the natural logarithm of the target */
  uint32_t n_classes;                  /* classification; multilabel: n_targets */
  double *class_values; /* [n_classes] numeric labels in ascending order, or NULL where labels are
                           names or one-hot */
  char **class_names;   /* [n_classes] */
  double temperature;   /* that z of the output are divided by after training; 0: none */
} gr_preprocessing;

void gr_preprocessing_free(gr_preprocessing *p); /* accepts a half-built or zeroed object */
gradus_status gr_preprocessing_copy(const gr_preprocessing *from, gr_preprocessing *to,
                                    gradus_error *err);

/* Targets that stay as they are: shift 0 and scale 1 for n_targets. */
gradus_status gr_preprocessing_plain_targets(gr_preprocessing *p, gradus_error *err);

/* Rows to fit on: those at positions 0 .. n_rows of `order` (NULL: rows 0 .. n_rows) of x
 * [..][n_columns] of type `type`, brought by `feed` (NULL: all are there). */
typedef struct gr_fit_rows {
  const void *x;
  gr_dtype type;
  uint32_t n_columns;
  const gr_row_order *order;
  uint64_t n_rows;
  const gr_feed_hooks *feed;
  bool nan_is_missing;
} gr_fit_rows;

/* Column means and standard deviations (population, divisor n), in double, in blocks of 1024 rows
 * added by the fixed tree: independent of threads, and of how rows come. A value that is NaN or
 * infinite: GRADUS_ERR_DATA naming row and column. Where NaN is missing it is passed over; a column
 * without values has mean and deviation 0. */
gradus_status gr_fit_moments(const gr_fit_rows *rows, double *mean, double *deviation,
                             gradus_error *err);

/* Fills shift and factor [n_columns] by the rules of `scale` and `standardize` (resolved): unit =
 * 1/255; z-score = 1/deviation, a constant column gets factor 0. */
gradus_status gr_fit_inputs(const gr_fit_rows *rows, gr_scale scale, gr_standardize standardize,
                            double *shift, double *factor, gradus_error *err);

/* Columns of the data that become the inputs. */
uint32_t gr_preprocessing_columns(const gr_preprocessing *p);

/* The factor of a column of this deviation: 0 where 1/deviation is no finite float. */
double gr_inverse_deviation(double deviation);

/* Element i of an array of type `type` as double (exact but for 64-bit integers above 2^53). */
double gr_element(const void *array, gr_dtype type, uint64_t i);

#endif
