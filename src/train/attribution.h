/* Gradient x input: what each input of a row adds to the model's answer, to first order (Shrikumar
 * et al. 2016): x_j times the derivative by x_j of the answer, x as the network sees it. */
#ifndef GR_TRAIN_ATTRIBUTION_H
#define GR_TRAIN_ATTRIBUTION_H

#include "exec/engine.h"
#include "net/model.h"
#include "store/dataset.h"

/* For n rows of split `id` (0: all), evenly spread: mean[n_columns] of the size of gradient x input
 * over rows, and error[n_columns] the standard error of that mean; of a column that became several
 * inputs (levels, an embedding, an indicator of what is missing) their sum. The answer is the
 * logarithm of the probability of the predicted class, of other outputs their sum (numbers
 * standardised). The rows' activations are held in memory. The same bits whatever `threads`. */
gradus_status gr_attribution(const gr_model *model, const gr_dataset *data, gr_split_id id,
                             uint64_t n, int threads, uint64_t *rows, double *mean, double *error,
                             gradus_error *err);

#endif
