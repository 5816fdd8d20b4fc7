/* Where the arrays of a data set are inside its file: one table of the layouts that people use. */
#ifndef GR_STORE_DATASET_LAYOUT_H
#define GR_STORE_DATASET_LAYOUT_H

#include "store/dataset.h"
#include "store/h5.h"

/* Paths inside the file; "" = absent. */
typedef struct gr_paths {
  char x[GR_H5_PATH], y[GR_H5_PATH], weight[GR_H5_PATH], offset[GR_H5_PATH];
} gr_paths;

typedef struct gr_layout {
  const char *name; /* as gr_dataset.layout */
  gr_paths split[GR_N_SPLITS];
} gr_layout;

/* By options->x and y where given (the training split), else the first layout of the table that
 * fits. None: GRADUS_ERR_DATA saying what is in the file. y alone replaces the targets of a file
 * with one split; else GRADUS_ERR_USAGE. */
gradus_status gr_layout_find(const gr_h5_file *file, const gr_dataset_options *options,
                             gr_layout *out, gradus_error *err);

#endif
