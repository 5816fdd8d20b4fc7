/* Data sets: HDF5 files of gradus or of other programs, or arrays of the caller. A data set has up
 * to three splits, "train", "valid" and "test"; a row is a sample. Inputs are read into memory in
 * the type they are stored in, or, where there is no room for them, stay in their files and are
 * read while training: the bits of the result do not depend on it. */
#ifndef GRADUS_DATASET_H
#define GRADUS_DATASET_H

#include <stddef.h>
#include <stdint.h>

#include "gradus/recipe.h"
#include "gradus/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct gradus_dataset gradus_dataset;

/* Zeros mean the defaults. Set struct_size = sizeof. */
typedef struct gradus_dataset_options {
  size_t struct_size;
  const char *x, *y;   /* paths inside the file where its layout is none that is recognised */
  int transpose;       /* x is stored [columns][rows], as MATLAB, Julia and R do */
  uint64_t memory;     /* bytes that inputs and targets may take; 0: half of what is left */
  const char *target;  /* tables: name of the target column; NULL: the last one, or the model's */
  uint64_t test_every; /* tables: rows 0, N, 2N ... are the test split, the others train; 0: none */
  int as_trained;      /* tables opened for a model: whole, as they are read for training, so that
                          they are known to be what it was trained on */
  const char *weights, *offset; /* tables: columns that are these of rows, and no inputs; or NULL */
} gradus_dataset_options;

/* Opens the HDF5 file `path`, or the files that a text file `path` lists, one per line (options may
 * be NULL), or a text table (.csv, .tsv, .tab, perhaps .gz), which is read into memory: numbers and
 * texts that repeat become columns, an empty cell a missing value; train split unless test_every.
 * The files must stay as they are until it is closed. Close with gradus_dataset_close, which
 * accepts NULL. */
GRADUS_API gradus_status gradus_dataset_open(const char *path,
                                             const gradus_dataset_options *options,
                                             gradus_dataset **out, gradus_error *err);

/* Several files as one: the rows of each split follow one another in the order of paths[n]. */
GRADUS_API gradus_status gradus_dataset_open_files(const char *const *paths, size_t n,
                                                   const gradus_dataset_options *options,
                                                   gradus_dataset **out, gradus_error *err);

/* The same with what data.x, data.y, data.transpose and resources.memory of a recipe say, and for a
 * table what data.target, data.weights, data.offset, data.task, data.valid, data.test and
 * data.test_every say. */
GRADUS_API gradus_status gradus_dataset_open_as(const gradus_recipe *recipe,
                                                const char *const *paths, size_t n,
                                                gradus_dataset **out, gradus_error *err);
GRADUS_API void gradus_dataset_close(gradus_dataset *dataset);

/* An empty data set of `n_columns` inputs, to be filled with gradus_dataset_add. */
GRADUS_API gradus_status gradus_dataset_create(uint32_t n_columns, gradus_dataset **out,
                                               gradus_error *err);

/* Copies a split into the data set: x [n_rows][n_columns] floats; either labels [n_rows] (whole
 * numbers: classification) or targets [n_rows][n_targets] (regression), the other NULL; weights
 * [n_rows] or NULL. */
GRADUS_API gradus_status gradus_dataset_add(gradus_dataset *dataset, const char *split,
                                            uint64_t n_rows, const float *x, const int32_t *labels,
                                            const float *targets, uint32_t n_targets,
                                            const float *weights, gradus_error *err);

/* Copies offsets [rows of the split], finite numbers that are added to what goes into the
 * activation of each output (logarithms of exposures, for the losses poisson, gamma and tweedie),
 * into a split that has been added; others take the place of earlier ones. */
GRADUS_API gradus_status gradus_dataset_set_offsets(gradus_dataset *dataset, const char *split,
                                                    const float *offsets, gradus_error *err);

/* Writes it as an HDF5 file in gradus's own layout; an existing file is GRADUS_ERR_CANTCREATE
 * unless overwrite. */
GRADUS_API gradus_status gradus_dataset_write(const gradus_dataset *dataset, const char *path,
                                              int overwrite, gradus_error *err);

/* Rows of a split (0 = absent), input columns, target columns, and the digest of the contents (32
 * hex digits). */
GRADUS_API uint64_t gradus_dataset_rows(const gradus_dataset *dataset, const char *split);
GRADUS_API uint32_t gradus_dataset_columns(const gradus_dataset *dataset);
GRADUS_API uint32_t gradus_dataset_targets(const gradus_dataset *dataset);
GRADUS_API const char *gradus_dataset_digest(const gradus_dataset *dataset);

#ifdef __cplusplus
}
#endif
#endif
