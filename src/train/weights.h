/* What rows count in training beside their own weights: weights of classes. And whether a recipe
 * has use for offsets. */
#ifndef GR_TRAIN_WEIGHTS_H
#define GR_TRAIN_WEIGHTS_H

#include "train/prepare.h"

/* Sets prepared->trained to the rows of train, whose weights are multiplied by those of their
 * classes (training.class_weight): `balanced` is W / (K W_k), W the weight of all rows trained on,
 * W_k of those of class k, K the number of classes that have any. A name that is no class:
 * GRADUS_ERR_CONFIG. */
gradus_status gr_weigh_classes(gr_prepared *prepared, gradus_error *err);

/* GRADUS_ERR_DATA where a split has offsets but the outputs are no exponentials: numbers must not
 * be left out unnoticed. */
gradus_status gr_check_offsets(const gr_config *config, const gr_dataset *data, gr_split_id id,
                               gradus_error *err);

#endif
