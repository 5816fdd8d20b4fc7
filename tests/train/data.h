/* Small data sets in memory, and a recipe to train on them. */
#ifndef GR_TESTS_TRAIN_DATA_H
#define GR_TESTS_TRAIN_DATA_H

#include "net/config.h"
#include "store/dataset.h"

/* Classes 0 .. n_classes-1 as arms of a spiral, n rows, two float columns, int32 labels. */
gr_dataset make_spirals(uint64_t n, int n_classes);

/* y = a function of five float columns, one float target. */
gr_dataset make_regression(uint64_t n);

/* Labels that have nothing to do with the inputs: validation gets worse and worse. */
gr_dataset make_noise(uint64_t n);

/* Adds a split of its own random rows to a data set of make_...: a copy of the first rows of
 * train. */
void copy_rows(gr_dataset *data, gr_split_id to, uint64_t n);

/* Replaces the labels of train by the same in another guise. */
void set_labels(gr_dataset *data, gr_dtype type, uint32_t columns, const void *y);

/* A small network: two hidden units layers of 8, batches of 16, adam, everything else default; then
 * "key=value" settings, NULL-terminated. */
gr_config make_config(const char *const *settings);

/* SETTINGS("a=1", "b=2", NULL) */
#define SETTINGS(...) ((const char *const[]){__VA_ARGS__})

#endif
