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

/* Number of classes, or of labels; 0 for regression; name of a class, NULL beyond the last. */
GRADUS_API uint32_t gradus_model_classes(const gradus_model *model);
GRADUS_API const char *gradus_model_class_name(const gradus_model *model, uint32_t index);

/* The file the model came from, and the XXH3-128 of its parameters (32 hex digits). */
GRADUS_API const char *gradus_model_path(const gradus_model *model);
GRADUS_API const char *gradus_model_digest(const gradus_model *model);

/* The network's outputs [n_rows][outputs] for raw inputs x [n_rows][inputs] (the model's own
 * preprocessing is applied): probabilities for classes, targets in their own units for regression,
 * with offsets of 0.
 */
GRADUS_API gradus_status gradus_model_predict(const gradus_model *model, const float *x,
                                              uint64_t n_rows, int threads, float *outputs,
                                              gradus_error *err);

/* A metric by the name that training.metrics knows it by; NaN where it is not defined. */
typedef struct gradus_metric {
  char name[24];
  double value;
  int higher_is_better;
} gradus_metric;

/* One class: rows of it by weight, and how many of them, of those said to be it, and of both are
 * right; NaN where there are none. */
typedef struct gradus_class_metrics {
  double weight, recall, precision, f1;
} gradus_class_metrics;

/* Loss and metrics over a split. Regression metrics are in the target's own units, averaged over
 * targets. */
typedef struct gradus_evaluation {
  size_t struct_size; /* set by the caller */
  char split[8];
  uint64_t rows;
  double loss;
  int is_classification;
  double accuracy; /* classification, not labels */
  double rmse, r2; /* regression */
  /* What follows is freed by gradus_evaluation_free. */
  uint64_t *confusion; /* classification, not labels: [classes][classes], row = true class, column =
                          predicted */
  uint32_t n_metrics;  /* every metric of the task, those above among them */
  gradus_metric *metrics;        /* [n_metrics] */
  gradus_class_metrics *classes; /* classes, or labels */
  int is_multilabel;             /* is_classification is then 0 */
  char note[160];                /* what was left out and why, for people; empty: nothing */
} gradus_evaluation;

/* split NULL: "test" where there is one, else the only split. A label unseen in training is
 * GRADUS_ERR_DATA. */
GRADUS_API gradus_status gradus_model_evaluate(const gradus_model *model,
                                               const gradus_dataset *dataset, const char *split,
                                               int threads, gradus_evaluation *out,
                                               gradus_error *err);
GRADUS_API void gradus_evaluation_free(gradus_evaluation *evaluation);

/* The layers of a network at work on some rows: as many of a split, evenly spread over it, as one
 * step of the recipe takes. `path` is a checkpoint, or a run directory: then it is the newest
 * checkpoint, the state of training, that is looked at. split NULL: train where there is one. */
typedef struct gradus_layer {
  uint32_t inputs, outputs;
  char activation[24];
  double weight_rms, bias_rms; /* roots of means of squares */
  double gradient_rms;         /* of the gradient of the rows' mean loss by the weights */
  double
      update_ratio; /* size of the weights' next update over weight_rms; NaN where the file has not
                       the state of its optimiser, and where an average of weights is the model */
  uint32_t dead;    /* units that say the same in every row */
  double gain_rms, shift_rms; /* of a normalised layer, as of the weights; else NaN */
  double gain_gradient_rms, shift_gradient_rms;
} gradus_layer;

typedef struct gradus_layers {
  size_t struct_size; /* set by the caller */
  char path[4096], split[8];
  uint64_t rows, step;
  uint32_t n;
  gradus_layer *layer; /* [n], the first is that of the inputs; freed by gradus_layers_free */
} gradus_layers;
GRADUS_API gradus_status gradus_inspect_layers(const char *path, const gradus_dataset *dataset,
                                               const char *split, int threads, gradus_layers *out,
                                               gradus_error *err);
GRADUS_API void gradus_layers_free(gradus_layers *layers);

/* Permutation importance of the input columns: by how much loss or metric become worse where the
 * values of a column are dealt out anew among the rows (Breiman 2001), the mean over repeats and
 * its standard error. Zeros mean the defaults. */
typedef struct gradus_importance_options {
  size_t struct_size;
  const char *split;  /* NULL: test where there is one, else the only one */
  const char *metric; /* NULL: the loss; else the name of a metric */
  uint32_t repeats;   /* >= 2; 0: 5 */
  uint64_t rows;      /* of the split, evenly spread; 0: all. They are held in memory */
  uint64_t seed;      /* of the permutations; 0: 1 */
  int threads;
  int gradient; /* not permutations but gradient x input: the mean over rows of its size, and the
                   standard error of that; metric, repeats and seed are not looked at */
  int (*on_column)(uint32_t done, uint32_t n,
                   void *user); /* 0: stop (GRADUS_ERR_STOPPED); or NULL */
  void *user;
} gradus_importance_options;

typedef struct gradus_column_importance {
  uint32_t column;
  char name[64]; /* the feature's, or its number; cut */
  double mean, error;
} gradus_column_importance;

typedef struct gradus_importance {
  size_t struct_size; /* set by the caller */
  char split[8], metric[24];
  uint64_t rows;
  uint32_t repeats;
  double base; /* loss or metric of the rows as they are */
  uint32_t n_columns;
  gradus_column_importance *columns; /* [n_columns], the most important first; freed by
                                        gradus_importance_free */
} gradus_importance;
GRADUS_API gradus_status gradus_model_importance(const gradus_model *model,
                                                 const gradus_dataset *dataset,
                                                 const gradus_importance_options *options,
                                                 gradus_importance *out, gradus_error *err);
GRADUS_API void gradus_importance_free(gradus_importance *importance);

/* Fits a temperature T to rows that the model was not trained on, by minimising their log-loss, and
 * stores it in the model's file, which is replaced: from then on its probabilities are those of z /
 * T, z what goes into softmax or sigmoid (Guo et al. 2017). Which class is the most probable does
 * not change. `path` is a model or a run directory. split NULL: "valid" where there is one, else
 * the rows of this data set that training held out; no such rows are GRADUS_ERR_DATA, and so is a
 * model whose outputs are no probabilities. */
typedef struct gradus_calibration {
  size_t struct_size; /* set by the caller */
  char path[4096];    /* the file that was replaced */
  char rows_of[16];   /* the split, or "held out" */
  uint64_t rows;
  double temperature, loss_before, loss_after; /* log-loss of the rows with T = 1, and with T */
} gradus_calibration;
GRADUS_API gradus_status gradus_model_calibrate(const char *path, const gradus_dataset *dataset,
                                                const char *split, int threads,
                                                gradus_calibration *out, gradus_error *err);

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
