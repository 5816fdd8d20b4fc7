/* A data set of random numbers for a recipe that names its own widths: what is measured when there
 * is nothing to train on. */
#ifndef GR_TRAIN_RANDOM_DATA_H
#define GR_TRAIN_RANDOM_DATA_H

#include "net/config.h"
#include "store/dataset.h"

/* Fills *out with a training split for network.inputs and network.outputs of `config`, and settles
 * data.task in it, and network.output_activation where the data alone would not tell: classes
 * under cross-entropy, and for a sigmoid network of several outputs under the quadratic loss; else
 * numbers. Nothing is held out. Inputs are uniform in [0, 1), and the answer is in the first of
 * them, so that the loss can fall; every class occurs. Whole batches, 2 to 64 of them, as many as
 * 64 MB hold. The same configuration gives the same data. Free with gr_dataset_free. Widths that
 * are auto: GRADUS_ERR_USAGE. */
gradus_status gr_random_data(gr_config *config, gr_dataset *out, gradus_error *err);

#endif
