/* Temperature calibration: one number T that the z of the output layer are divided by, so that
 * probabilities are as often right as they say (Guo et al. 2017, section 4.2). */
#ifndef GR_TRAIN_TEMPERATURE_H
#define GR_TRAIN_TEMPERATURE_H

#include "train/pass.h"

/* A temperature outside of these is a fit that has run away: rows that are all right, say. */
#define GR_LEAST_TEMPERATURE 0.015625
#define GR_MOST_TEMPERATURE 64.0

typedef struct gr_temperature {
  double value;         /* T */
  double before, after; /* mean log-loss by weight, with T = 1 and with this one; of labels the mean
                           over them */
} gr_temperature;

/* Fits T to the rows of a pass by minimising their log-loss, which is convex in 1/T: Newton's
 * method between bounds. z [n][n_out] are what goes into the last activation: softmax, or a sigmoid
 * each. Sums are in double, by blocks of 1024 rows and the tree. */
gradus_status gr_temperature_fit(const gr_rows *rows, const uint64_t *number, uint64_t n,
                                 uint32_t n_out, const float *z, gr_temperature *out,
                                 gradus_error *err);

/* Divides weights and bias of the last layer by T: the outputs are then the calibrated ones. */
void gr_temperature_apply(const gr_network *network, double temperature, float *parameters);

#endif
