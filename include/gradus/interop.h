/* Data sets from other formats, and generated ones. */
#ifndef GRADUS_INTEROP_H
#define GRADUS_INTEROP_H

#include <stddef.h>
#include <stdint.h>

#include "gradus/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One source per split, "FILE" or for IDX "IMAGES,LABELS". Zeros mean the defaults. Set struct_size
 * = sizeof. */
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
} gradus_import_options;

/* Builds the data set file `path` from IDX (plain or .gz), CSV or TSV files; the format is told by
 * content and name. A malformed line is GRADUS_ERR_DATA with file:line:column. */
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
