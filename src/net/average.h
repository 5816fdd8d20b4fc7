/* Averages of the weights along their way, which are what is validated, kept as the best and
 * written as the model; training itself goes on with the weights.
 *
 * ema: a <- a + (1 - d) (w - a) after every step, d = min(average.decay, (1 + t) / (10 + t)), t the
 * steps before it (Polyak and Juditsky 1992 in the exponential form; the growing d is that of
 * TensorFlow's ExponentialMovingAverage)
 *
 * swa: a = w up to epoch average.start and at its end, then the mean of the weights at the ends of
 * the epochs from there on (Izmailov et al. 2018, algorithm 1, one model an epoch) */
#ifndef GR_NET_AVERAGE_H
#define GR_NET_AVERAGE_H

#include "net/config.h"

/* The share of the new weights in the average after step `step` (0-based), epoch_steps to an epoch:
 * 0 = it stays, 1 = it becomes them. */
double gr_average_share(const gr_config *config, uint64_t step, uint64_t epoch_steps);

/* Vectors that the state of a run has besides the model: moments, and, with an average or a line
 * search, whose points are not the model, the weights that are trained. */
int gr_state_vectors(const gr_config *config);

/* What vector m is called in files: "moment1", "step3". */
#define GR_STATE_VECTOR_NAME 24
void gr_state_vector_name(const gr_config *config, uint32_t m, char out[GR_STATE_VECTOR_NAME]);

#endif
