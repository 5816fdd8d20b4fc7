/* Data sets: what DESIGN's layout says (/train/x, /train/y, /valid, /test, /meta) and what other
 * programs write, in one file or several, in the stored type; in memory where there is room for it,
 * else with the inputs left where they are; and writing our own layout. */
#ifndef GR_STORE_DATASET_H
#define GR_STORE_DATASET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/dtype.h"
#include "base/log.h"
#include "base/status.h"
#include "store/data_print.h"
#include "store/source.h"

typedef enum gr_split_id { GR_TRAIN, GR_VALID, GR_TEST, GR_N_SPLITS } gr_split_id;
extern const char *const gr_split_names[GR_N_SPLITS]; /* "train" "valid" "test" */

typedef enum gr_column_kind { GR_COLUMN_NUMERIC, GR_COLUMN_CATEGORICAL } gr_column_kind;

/* One column of a table (/meta/columns). Categorical columns hold dictionary indices as numbers,
 * NaN = missing. */
typedef struct gr_column {
  char *name;
  gr_column_kind kind;
  char **levels; /* [n_levels], categorical only */
  uint32_t n_levels;
} gr_column;

/* A column that its table had and the data set has not. */
typedef struct gr_dropped_column {
  char *name, *reason;
} gr_dropped_column;

typedef struct gr_split {
  uint64_t n_rows; /* 0 = absent */
  gr_dtype x_type;
  void *x; /* [n_rows][n_columns] in x_type, native byte order; NULL where rows must be read */
  gr_source
      *source; /* of x where that is not in memory, else NULL; x is then NULL or its mapping */
  uint64_t piece_rows; /* rows that are stored together; 0: rows are had in any order at one cost */
  gr_dtype y_type;
  uint32_t y_columns;     /* 0 = no targets */
  void *y;                /* [n_rows][y_columns] in y_type */
  float *weight;          /* [n_rows] or NULL */
  float *offset;          /* [n_rows] added to the outputs' z, or NULL */
  const uint64_t *number; /* [n_rows] where rows come from, borrowed; only written (as row) */
} gr_split;

/* A file of several, whose rows follow one another. */
typedef struct gr_dataset_part {
  char *path;
  uint64_t n_rows[GR_N_SPLITS];
} gr_dataset_part;

typedef struct gr_dataset {
  char *path;
  const char *layout; /* "gradus", "caffe", "keras", "x/y", "paths": how it was recognised */
  uint32_t n_columns;
  gr_split split[GR_N_SPLITS];
  uint64_t memory;    /* bytes that may be used for it; 0: nobody has said */
  bool y_is_text;     /* y was strings or an HDF5 enumeration: y is I32 indices into class_names */
  char **class_names; /* [n_class_names]: name of class i, or NULL */
  uint32_t n_class_names;
  char **feature_names; /* [n_columns] or NULL */
  gr_column *columns;   /* [n_columns] or NULL: table columns; NaN in x is then a missing value */
  char *target_name;    /* of the table's column that became y, or NULL */
  gr_dropped_column *dropped; /* [n_dropped] */
  uint32_t n_dropped;
  char digest[33]; /* XXH3-128 over shapes, types and contents of all splits (native little-endian),
                      32 hex digits */
  gr_data_print print;    /* what the digest does not tell: where two data sets differ */
  gr_dataset_part *parts; /* [n_parts] the files that the rows come from, in order; or NULL */
  uint32_t n_parts;
} gr_dataset;

typedef struct gr_dataset_options {
  const char *x, *y; /* paths inside the file, or NULL: by layout */
  bool transpose;    /* x is [d][N], as MATLAB, Julia and R write it */
  uint64_t memory; /* bytes that may be used; 0: half of what is left on this machine. A split whose
                      inputs do not fit is left in its file */
} gr_dataset_options;

/* What options->memory = 0 stands for now. */
uint64_t gr_dataset_memory(void);

/* Opens, checks and reads the HDF5 file `path`, or the files that a text file `path` names, one per
 * line (relative to its folder; '#' begins a comment). Bad input: GRADUS_ERR_NOINPUT (missing),
 * GRADUS_ERR_DATA (not HDF5, truncated, shapes that do not agree, x transposed, compound types,
 * links out of the file, NaN where the layout forbids...), GRADUS_ERR_RESOURCES. Every message
 * names file and object. */
gradus_status gr_dataset_read(const char *path, const gr_dataset_options *options, gr_dataset *out,
                              gradus_error *err);
/* Several files as one data set: the rows of each split follow one another in the order of the
 * files. They must have the same columns and the same kinds of targets. */
gradus_status gr_dataset_read_files(const char *const *paths, size_t n_paths,
                                    const gr_dataset_options *options, gr_dataset *out,
                                    gradus_error *err);
void gr_dataset_free(gr_dataset *dataset); /* accepts a zeroed or half-built object */

/* Copies names of columns and classes, and kinds of columns, to a data set of as many columns where
 * that has none. False when memory is out. */
bool gr_dataset_copy_names(gr_dataset *to, const gr_dataset *from);

/* Writes our layout: contiguous, 4 KiB aligned, written aside, fsynced, renamed. An existing file:
 * GRADUS_ERR_CANTCREATE unless `overwrite`. */
gradus_status gr_dataset_write(const gr_dataset *dataset, const char *path, bool overwrite,
                               gradus_error *err);

/* Computes dataset->digest and dataset->print from the contents. Inputs of more than 64 MiB are
 * looked at in part: the same part of the same rows however they are stored. */
gradus_status gr_dataset_digest(gr_dataset *dataset, gradus_error *err);

/* Notes that the next n_rows of each split come from the file `path`. */
gradus_status gr_dataset_add_part(gr_dataset *dataset, const char *path,
                                  const uint64_t n_rows[GR_N_SPLITS], gradus_error *err);

/* " (b.h5, rows 3 to 10)": where rows [first, end) of a split lie, as far as they are in one file;
 * nothing where there is only one. For gr_print_compare: user is the data set. */
void gr_dataset_place(void *dataset, int split, uint64_t first, uint64_t end, gr_text *out);

/* Rows [first, first + n) of x in *out: where they lie in memory, or read into `buffer`
 * [n][n_columns]. */
gradus_status gr_split_rows_at(const gr_split *split, uint32_t n_columns, uint64_t first,
                               uint64_t n, void *buffer, const void **out, gradus_error *err);

#endif
