/* /meta of our own layout: names of classes and columns, and the kinds of a table's columns.
 *
 *   /meta/class_names    [n_classes]  text
 *   /meta/feature_names  [n_columns]  text
 *   /meta/columns/names      [n_columns]  text
 *   /meta/columns/kinds      [n_columns]  u8 enumeration: numeric = 0, categorical = 1
 *   /meta/columns/levels_<j> [n_levels]   text, for each categorical column j (from 0): what its
 *                                         numbers 0, 1, ... in /train/x mean
 *
 * Where /meta/columns exists, NaN in x means missing; elsewhere NaN is refused. */
#ifndef GR_STORE_DATASET_META_H
#define GR_STORE_DATASET_META_H

#include "store/dataset.h"
#include "store/h5.h"
#include "store/h5_write.h"

/* True where the file has /meta/columns. */
gradus_status gr_meta_has_columns(const gr_h5_file *file, bool *out, gradus_error *err);

/* Reads what there is into a data set whose n_columns is known; class names that came with the
 * targets stay. */
gradus_status gr_meta_read(const gr_h5_file *file, gr_dataset *dataset, gradus_error *err);

void gr_meta_write(gr_h5_writer *writer, const gr_dataset *dataset);

#endif
