/* A trained model: a checkpoint file, or a run directory (its best model where it was validated,
 * else its final or newest one). */
#ifndef GRADUS_MODEL_H
#define GRADUS_MODEL_H

#include <stddef.h>
#include <stdint.h>

#include "gradus/dataset.h"
#include "gradus/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct gradus_model gradus_model;

/* Loads a model; its seal is verified first. Destroy with gradus_model_destroy, which accepts NULL.
 */
GRADUS_API gradus_status gradus_model_load(const char *path, gradus_model **out, gradus_error *err);
GRADUS_API void gradus_model_destroy(gradus_model *model);

/* Opens data to be used with a model: as gradus_dataset_open_files; of a text table the model's
 * columns are taken, found by name, and its target where there is one. A column that is not there:
 * GRADUS_ERR_DATA naming it. Without test_every its rows are the test split. */
GRADUS_API gradus_status gradus_model_open_data(const gradus_model *model, const char *const *paths,
                                                size_t n, const gradus_dataset_options *options,
                                                gradus_dataset **out, gradus_error *err);

/* Input columns, as they stand in the data (a categorical one holds the number of its level, NaN is
 * a missing value), and outputs of the network (one output for two classes with a sigmoid). */
GRADUS_API uint32_t gradus_model_inputs(const gradus_model *model);
GRADUS_API uint32_t gradus_model_outputs(const gradus_model *model);

/* Number of classes, 0 for regression; name of a class, NULL beyond the last. */
GRADUS_API uint32_t gradus_model_classes(const gradus_model *model);
GRADUS_API const char *gradus_model_class_name(const gradus_model *model, uint32_t index);

/* The file the model came from, and the XXH3-128 of its parameters (32 hex digits). */
GRADUS_API const char *gradus_model_path(const gradus_model *model);
GRADUS_API const char *gradus_model_digest(const gradus_model *model);

/* The network's outputs [n_rows][outputs] for raw inputs x [n_rows][inputs] (the model's own
 * preprocessing is applied): probabilities for classes, targets in their own units for regression.
 */
GRADUS_API gradus_status gradus_model_predict(const gradus_model *model, const float *x,
                                              uint64_t n_rows, int threads, float *outputs,
                                              gradus_error *err);

/* Loss and metrics over a split. Regression metrics are in the target's own units, averaged over
 * targets. */
typedef struct gradus_evaluation {
  size_t struct_size; /* set by the caller */
  char split[8];
  uint64_t rows;
  double loss;
  int is_classification;
  double accuracy;     /* classification */
  double rmse, r2;     /* regression */
  uint64_t *confusion; /* classification: [classes][classes], row = true class, column = predicted;
                          freed by gradus_evaluation_free */
} gradus_evaluation;

/* split NULL: "test" where there is one, else the only split. A label unseen in training is
 * GRADUS_ERR_DATA. */
GRADUS_API gradus_status gradus_model_evaluate(const gradus_model *model,
                                               const gradus_dataset *dataset, const char *split,
                                               int threads, gradus_evaluation *out,
                                               gradus_error *err);
GRADUS_API void gradus_evaluation_free(gradus_evaluation *evaluation);

/* Writes predictions for a split (NULL: test where there is one, else the only one): .h5 and .npy
 * hold the outputs; .csv holds the class name then the probabilities, or the targets in their own
 * units. path "-" is CSV on standard output. */
GRADUS_API gradus_status gradus_model_predict_file(const gradus_model *model,
                                                   const gradus_dataset *dataset, const char *split,
                                                   int threads, const char *path, int overwrite,
                                                   gradus_error *err);

#ifdef __cplusplus
}
#endif
#endif
