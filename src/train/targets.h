/* Units of the targets of a regression. */
#ifndef GR_TRAIN_TARGETS_H
#define GR_TRAIN_TARGETS_H

#include "train/prepare.h"

/* Fills target_shift and target_scale [n_targets] of a preprocessing whose task, n_targets and
 * repeats are known, from the rows trained on. A target that the loss does not take:
 * GRADUS_ERR_DATA naming its row. */
gradus_status gr_fit_targets(gr_prepared *out, const gr_dataset *data, gradus_error *err);

/* *y = ln *y, the target at element `at` of split `id`'s y; not above 0: GRADUS_ERR_DATA naming its
 * row. */
gradus_status gr_target_log(const gr_dataset *data, gr_split_id id, uint64_t at, double *y,
                            gradus_error *err);

#endif
