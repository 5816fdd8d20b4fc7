/* What a model says about rows, as a table for other programs. */
#ifndef GR_INTEROP_PREDICTIONS_H
#define GR_INTEROP_PREDICTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

/* Writes outputs [n_rows][n_outputs]; the format follows the name: .csv, .npy or .h5 (dataset
 * "predictions"), and "-" is CSV on file descriptor 1.
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
gradus_status gr_predictions_write(const char *path, bool overwrite, const float *outputs,
                                   uint64_t n_rows, uint32_t n_outputs,
                                   const char *const *class_names, uint32_t n_classes,
                                   gradus_error *err);

#endif
