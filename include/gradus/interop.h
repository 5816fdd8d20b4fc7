/* Data sets from other formats, and generated ones. */
#ifndef GRADUS_INTEROP_H
#define GRADUS_INTEROP_H

#include <stddef.h>
#include <stdint.h>

#include "gradus/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How far an import has come: `done` bytes of work of `total`; eta_seconds is negative while it is
 * not known. */
typedef struct gradus_import_progress {
  size_t struct_size;
  const char *phase; /* "looking", "reading", "copying" */
  uint64_t done, total;
  double seconds, eta_seconds;
} gradus_import_progress;

/* One source per split, "FILE" or for IDX and NPY "FILE,LABELS". Zeros mean the defaults. Set
 * struct_size = sizeof. */
typedef struct gradus_import_options {
  size_t struct_size;
  const char *train, *valid, *test;
  const char *target;           /* tables: name of the target column; NULL: the last one */
  const char *target_transform; /* "none" or "log" */
  const char *task;             /* "auto", "classification" or "regression" */
  int overwrite;
  void (*on_message)(
      int level, const char *text,
      void *user); /* which columns were taken, dropped or refused, and why; level 0 or 1 */
  void *user;
  int append;            /* path exists and is added to; what does not fit is refused */
  uint64_t max_bad_rows; /* text: so many malformed rows of a file are left out and counted */
  uint32_t n_columns;    /* LIBSVM: 0 means the largest index */
  const char *chunk;     /* rows per chunk, or "auto"; NULL: contiguous, or as the old file */
  const char *compress;  /* "gzip", "gzip:1" .. "gzip:9", "none"; NULL: none, or as the old file */
  void (*on_progress)(const gradus_import_progress *progress,
                      void *user); /* some ten times a second */
  char **summary; /* not NULL: receives what gradus_inspect would say; free with gradus_text_free */
  int summary_json;
  uint64_t test_every;          /* tables: rows 0, N, 2N ... of train are the test split; 0: none */
  const char *weights, *offset; /* tables: columns that are these of rows, and no inputs; or NULL */
} gradus_import_options;

/* Builds the data set file `path` from CSV, TSV, LIBSVM, NPY, NPZ, IDX or HDF5 files (text and
 * single arrays also .gz); the format is told by content and name. Memory does not grow with the
 * files; only targets of HDF5 files are held whole. A malformed line is GRADUS_ERR_DATA with
 * file:line:column. The file appears whole or not at all; with `append` the old one stays until the
 * new one is complete. */
GRADUS_API gradus_status gradus_import(const gradus_import_options *options, const char *path,
                                       gradus_error *err);

#define GRADUS_NO_ROWS UINT64_MAX /* as the rows of a split: leave it out */

/* Zeros mean the defaults of the kind. */
typedef struct gradus_generate_options {
  size_t struct_size;
  uint64_t train_rows, valid_rows, test_rows;
  uint64_t seed;
  double noise; /* negative: the kind's default */
  int overwrite;
} gradus_generate_options;

/* Writes a seeded data set of a known kind: "digits", "spirals", "friedman1". */
GRADUS_API gradus_status gradus_generate(const char *kind, const gradus_generate_options *options,
                                         const char *path, gradus_error *err);

/* Name and one-line description of generated kind `index`; NULL beyond the last. */
GRADUS_API const char *gradus_generate_kind(size_t index);
GRADUS_API const char *gradus_generate_help(size_t index);

#ifdef __cplusplus
}
#endif
#endif
