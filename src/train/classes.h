/* Classes: found in the labels of the training split, and every split's labels as class numbers. */
#ifndef GR_TRAIN_CLASSES_H
#define GR_TRAIN_CLASSES_H

#include "net/preprocessing.h"
#include "store/dataset.h"

#define GR_MAX_CLASSES 65536

/* The path of a data set for messages. */
const char *gr_dataset_label(const gr_dataset *data);

/* True where y has two or more columns and every row holds one 1 and otherwise 0. */
bool gr_split_is_one_hot(const gr_split *split);

/* True where every element of y is 0 or 1. */
bool gr_split_is_binary(const gr_split *split);

/* Fills n_classes, class_names and the trivial scaling of n_targets labels, one for each column of
 * y: the file's own names where it has as many, else their numbers. An element of train/y that is
 * not 0 or 1: GRADUS_ERR_DATA naming row and column. */
gradus_status gr_labels_find(const gr_dataset *data, gr_preprocessing *p, gradus_error *err);

/* GRADUS_ERR_DATA naming the first element of y of split `id` that is not 0 or 1. */
gradus_status gr_labels_check(const gr_dataset *data, gr_split_id id, gradus_error *err);

/* True where every element of y is a whole number. */
bool gr_split_is_whole(const gr_split *split);

/* Fills n_classes, class_values (numeric labels only) and class_names of `p` from /train/y: the
 * distinct values ascending, the texts that occur in order of the dictionary, or the columns of
 * one-hot rows. All of /train counts, also rows held out for validation. A label that is no whole
 * number, a row that is not one-hot, fewer than two or more than GR_MAX_CLASSES classes:
 * GRADUS_ERR_DATA. */
gradus_status gr_classes_find(const gr_dataset *data, gr_preprocessing *p, gradus_error *err);

/* index[n_rows] = the class of each row of split `id`. Numeric labels go by value, texts by name,
 * one-hot rows by column. A label that is no class of `p`: GRADUS_ERR_DATA naming split, row,
 * label and the known classes. */
gradus_status gr_classes_map(const gr_preprocessing *p, const gr_dataset *data, gr_split_id id,
                             int32_t *index, gradus_error *err);

#endif
