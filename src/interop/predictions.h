/* What a model says about rows, as a table for other programs. */
#ifndef GR_INTEROP_PREDICTIONS_H
#define GR_INTEROP_PREDICTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

/* A table under construction, row after row; the format follows the name: .csv, .npy or .h5
 * (dataset "predictions"), and "-" is CSV on file descriptor 1.
 *
 * class_names [n_classes]: the CSV opens with `class`, the name of the most probable class, then
 * one probability per class, `p(NAME)`; with two classes and one output that output is the
 * probability of the second. Of equal probabilities the first class is named. NULL: regression,
 * CSV columns `prediction`, or `prediction_1` ... for several targets. .npy (version 1.0, little
 * endian f4, C order) and .h5 hold the outputs as they are.
 *
 * Numbers are the shortest texts that read back as the same float. The file is written aside, made
 * durable and renamed; one that exists is GRADUS_ERR_CANTCREATE unless `overwrite`. Another
 * extension is GRADUS_ERR_USAGE. */
typedef struct gr_predictions gr_predictions;
gradus_status gr_predictions_open(const char *path, bool overwrite, uint64_t n_rows,
                                  uint32_t n_outputs, const char *const *class_names,
                                  uint32_t n_classes, gr_predictions **out, gradus_error *err);

/* The same for labels that are each 0 or 1: the CSV has one probability per label, `p(NAME)`. */
gradus_status gr_predictions_open_labels(const char *path, bool overwrite, uint64_t n_rows,
                                         uint32_t n_labels, const char *const *names,
                                         gr_predictions **out, gradus_error *err);

/* The next rows: outputs [n][n_outputs]. */
gradus_status gr_predictions_put(gr_predictions *predictions, const float *outputs, uint64_t n,
                                 gradus_error *err);

/* Gives the file its name where `status` is GRADUS_OK, else removes it; frees everything. Returns
 * `status`, or what came of it. Accepts NULL. */
gradus_status gr_predictions_close(gr_predictions *predictions, gradus_status status,
                                   gradus_error *err);

/* All at once: outputs [n_rows][n_outputs]. */
gradus_status gr_predictions_write(const char *path, bool overwrite, const float *outputs,
                                   uint64_t n_rows, uint32_t n_outputs,
                                   const char *const *class_names, uint32_t n_classes,
                                   gradus_error *err);

#endif
