/* Some rows of a split, evenly spread over it, as a small data set in memory. */
#ifndef GR_TRAIN_SAMPLE_H
#define GR_TRAIN_SAMPLE_H

#include "store/dataset.h"

/* `n` rows (0, or more than there are: all) of split `id` as split GR_TEST of *out. The rows are
 * its own, all else is borrowed from `data`. More than data->memory: GRADUS_ERR_RESOURCES. */
gradus_status gr_sample_make(const gr_dataset *data, gr_split_id id, uint64_t n, gr_dataset *out,
                             gradus_error *err);
void gr_sample_free(gr_dataset *sample); /* accepts a zeroed object */

#endif
