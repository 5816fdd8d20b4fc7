/* The targets of a split: numbers as they are, names as numbers of a dictionary that all splits
 * share. */
#ifndef GR_STORE_DATASET_TARGETS_H
#define GR_STORE_DATASET_TARGETS_H

#include "base/dictionary.h"
#include "store/dataset.h"
#include "store/h5_array.h"

/* Names of classes while splits are read. Texts are numbered in ascending order of bytes at the
 * end, members of an enumeration in order of value. */
typedef struct gr_class_names {
  gr_dictionary names;
  bool any_numbers, any_texts, any_enum;
} gr_class_names;

/* Reads y from `array` (open, shape checked) into split->y and its type. Enumerations and texts
 * must have one column. */
gradus_status gr_targets_read(const gr_h5_array *array, gr_class_names *classes, gr_split *split,
                              gradus_error *err);

/* After the last split: gives the numbers their final order and moves the names to the data set. */
gradus_status gr_targets_finish(gr_class_names *classes, gr_dataset *dataset, gradus_error *err);

#endif
