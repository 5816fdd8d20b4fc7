/* Data sets drawn from known rules and a seed: what can be trained on without any download. */
#ifndef GR_INTEROP_GENERATE_H
#define GR_INTEROP_GENERATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "store/dataset.h"

#define GR_NO_ROWS UINT64_MAX

typedef struct gr_generate_options {
  uint64_t n_rows[GR_N_SPLITS]; /* 0: the default of the kind; GR_NO_ROWS: none */
  uint64_t seed;
  double noise; /* negative: the kind's default */
} gr_generate_options;

/* What a row of a kind needs to know. Values are a function of (seed, split, row) alone. */
typedef struct gr_sample {
  uint64_t seed;
  unsigned split;
  uint64_t row;
  double noise;
} gr_sample;

/* A kind: draws one row, x [n_columns] in x_type and y [1] in y_type. */
typedef struct gr_generator {
  const char *name, *help;
  uint32_t n_columns;
  gr_dtype x_type, y_type;
  uint64_t n_rows[GR_N_SPLITS]; /* defaults */
  double noise;                 /* default */
  const char *feature_prefix;   /* columns are called prefix1, prefix2...; NULL: not named */
  void (*draw)(const gr_sample *sample, void *x, void *y);
} gr_generator;

/* Row `index` of the table of kinds, or NULL beyond the last. */
const gr_generator *gr_generator_at(size_t index);

/* Uniform in (0, 1) and standard normal numbers: number `k` (below 64) of a row. */
double gr_sample_uniform(const gr_sample *sample, unsigned k);
double gr_sample_normal(const gr_sample *sample, unsigned k);

/* 16 random bytes, block `k` (below 256) of a row; independent of the numbers above. */
void gr_sample_bytes(const gr_sample *sample, unsigned k, uint8_t out[16]);

/* Place of the row among the classes: each `n_classes` consecutive rows hold each class once, in a
 * random order. */
unsigned gr_sample_class(const gr_sample *sample, unsigned n_classes);

void gr_draw_digit(const gr_sample *sample, void *x, void *y);
void gr_draw_spirals(const gr_sample *sample, void *x, void *y);
void gr_draw_friedman1(const gr_sample *sample, void *x, void *y);

/* Fills `out` (freed by gr_dataset_free); on failure it is left zeroed. Unknown kind:
 * GRADUS_ERR_USAGE with the nearest one. */
gradus_status gr_generate(const char *kind, const gr_generate_options *options, gr_dataset *out,
                          gradus_error *err);

/* gr_generate, then the file `path`; see gr_dataset_write. */
gradus_status gr_generate_write(const char *kind, const gr_generate_options *options,
                                const char *path, bool overwrite, gradus_error *err);

#endif
