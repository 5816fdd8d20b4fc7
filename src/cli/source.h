/* MODEL and DATA: the two arguments of `eval` and `predict`, with the options that say how to read
 * them. */
#ifndef GR_CLI_SOURCE_H
#define GR_CLI_SOURCE_H

#include <stdint.h>

#include <gradus/dataset.h>
#include <gradus/model.h>

#include "cli/options.h"

typedef struct gr_cli_source_values {
  const char *x, *y, *split, *target, *weights, *offset;
  uint64_t test_every;
  int transpose, threads;
  int as_trained; /* no option: a table is wanted as training read it */
} gr_cli_source_values;

/* Rows of an option table whose struct has a gr_cli_source_values called `source`. */
#define GR_OPTION_ROWS_SOURCE(type)                                                               \
  {"split",        0,                                                                             \
   GR_OPTION_TEXT, offsetof(type, source.split),                                                  \
   "NAME",         "train, valid or test [default: test, else the only one]"},                    \
      {"x", 0, GR_OPTION_TEXT, offsetof(type, source.x), "PATH", "inputs inside the data file"},  \
      {"y", 0, GR_OPTION_TEXT, offsetof(type, source.y), "PATH", "targets inside the data file"}, \
      {"target",       0,                                                                         \
       GR_OPTION_TEXT, offsetof(type, source.target),                                             \
       "COLUMN",       "tables: name of the target column [default: as in training]"},            \
      {"weights",      0,                                                                         \
       GR_OPTION_TEXT, offsetof(type, source.weights),                                            \
       "COLUMN",       "tables: name of the column with the weights of rows"},                    \
      {"offset",       0,                                                                         \
       GR_OPTION_TEXT, offsetof(type, source.offset),                                             \
       "COLUMN",       "tables: name of the column with the offsets of rows"},                    \
      {"test-every",                                                                              \
       0,                                                                                         \
       GR_OPTION_COUNT,                                                                           \
       offsetof(type, source.test_every),                                                         \
       "N",                                                                                       \
       "tables: rows 0, N, 2N ... are the test split, the others train"},                         \
      {"transpose",    0,                                                                         \
       GR_OPTION_FLAG, offsetof(type, source.transpose),                                          \
       NULL,           "inputs are stored [columns][rows], as MATLAB, Julia and R do"},           \
  {                                                                                               \
    "threads", 0, GR_OPTION_THREADS, offsetof(type, source.threads), "N",                         \
        "threads to use, or auto [default: auto]"                                                 \
  }

/* Loads the model, then reads the data set. Both are the caller's to free, also after a failure. */
gradus_status gr_cli_source_open(const gr_parsed *parsed, const gr_cli_source_values *values,
                                 gradus_model **model, gradus_dataset **dataset, gradus_error *err);

#endif
