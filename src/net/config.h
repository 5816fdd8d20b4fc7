/* Everything a user can say about a run, in one struct, and the one key table that makes YAML keys,
 * `--set key=value`, long options and --help the same vocabulary. Keys belong to a part: RECIPE
 * keys determine the result and are stored in checkpoints and digested; RUN keys (checkpoint
 * cadence, file names) and RESOURCES keys (threads, memory) change no bit and are never stored. */
#ifndef GR_NET_CONFIG_H
#define GR_NET_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/text.h"

#define GR_MAX_HIDDEN 64
#define GR_MAX_LIST 64       /* numbers in one value */
#define GR_MAX_NONFINITE 64  /* largest training.nonfinite_limit */
#define GR_MAX_WIDTH 1048576 /* neurons in one layer */
#define GR_AUTO (-1)

typedef enum gr_task {
  GR_CLASSIFICATION,
  GR_REGRESSION,
  GR_MULTILABEL /* each target 0 or 1, on its own */
} gr_task;
typedef enum gr_scale {
  GR_SCALE_NONE,
  GR_SCALE_UNIT
} gr_scale; /* unit: u8 inputs are divided by 255 */
typedef enum gr_standardize {
  GR_STANDARDIZE_NONE,
  GR_STANDARDIZE_ZSCORE,
  GR_STANDARDIZE_MINMAX,
  GR_STANDARDIZE_ROBUST,
  GR_STANDARDIZE_QUANTILE
} gr_standardize;
typedef enum gr_missing { GR_MISSING_MEDIAN, GR_MISSING_MEAN } gr_missing;
typedef enum gr_embedding { GR_EMBED_NONE, GR_EMBED_BINS, GR_EMBED_WAVES } gr_embedding;
typedef enum gr_transform { GR_TRANSFORM_NONE, GR_TRANSFORM_LOG } gr_transform;
typedef enum gr_initialization {
  GR_INIT_NORMAL,
  GR_INIT_GLOROT,
  GR_INIT_HE,
  GR_INIT_LECUN,
  GR_INIT_GLOROT_BIASES,
  GR_INIT_NORMAL_ZERO,
  GR_INIT_REALMLP /* what it is without data; the rest: exec/initialize.h */
} gr_initialization;
typedef enum gr_parametrization {
  GR_PARAMETRIZATION_STANDARD,
  GR_PARAMETRIZATION_NTK /* see net/groups.h */
} gr_parametrization;
typedef enum gr_form { GR_FORM_FIXED, GR_FORM_PARAMETRIC } gr_form; /* of activations */
typedef enum gr_ties { GR_TIES_FIRST, GR_TIES_LAST } gr_ties;
typedef enum gr_shuffle { GR_SHUFFLE_NONE, GR_SHUFFLE_FULL, GR_SHUFFLE_WINDOW } gr_shuffle;
typedef enum gr_schedule {
#define GR_SCHEDULE(ID, ...) GR_SCHEDULE_##ID,
#include "net/schedule.def.h"
#undef GR_SCHEDULE
  GR_N_SCHEDULES
} gr_schedule;
typedef enum gr_course_name {
  GR_COURSE_CONSTANT,
  GR_COURSE_COSINE,
  GR_COURSE_FLAT_COSINE
} gr_course_name;

/* What becomes of a step in which a value is not finite (train/trainer_nonfinite.c). */
typedef enum gr_on_nonfinite {
  GR_NONFINITE_HALT,
  GR_NONFINITE_SKIP,
  GR_NONFINITE_ROLLBACK
} gr_on_nonfinite;

typedef enum gr_average { GR_AVERAGE_NONE, GR_AVERAGE_EMA, GR_AVERAGE_SWA } gr_average;

/* What a hidden layer says for itself; where it says nothing, the keys of its network hold. */
typedef struct gr_layer_own {
  bool has_activation, has_dropout, has_normalization, has_form, has_residual;
  int activation, normalization, form;
  double dropout;
  int64_t residual;
} gr_layer_own;

/* Enumerations (`int` here) may be GR_AUTO before the configuration is resolved against a data set,
 * never after. */
typedef struct gr_config {
  struct {
    char *file;  /* RUN; NULL = none */
    char *x, *y; /* HDF5 paths inside the file, NULL = by layout */
    bool transpose;
    double valid_split; /* fraction of /train held out when there is no /valid; 0 = none */
    int scale, standardize, task;
    char *target;           /* RUN; tables: NULL = the last column */
    char *weights, *offset; /* RUN; tables: columns; NULL = none */
    char *valid, *test;     /* RUN; tables: files of these splits */
    int64_t test_every;     /* RUN; tables: every so many rows one is for the test; 0 = none */
    int missing;            /* gr_missing */
    int target_transform;   /* gr_transform */
    bool standardize_target;
    int64_t max_levels;
    int embedding; /* gr_embedding, of numeric columns */
    int64_t embedding_size;
    double embedding_scale; /* deviation of the frequencies of waves */
  } data;
  struct {
    uint32_t n_hidden, hidden[GR_MAX_HIDDEN];
    gr_layer_own own[GR_MAX_HIDDEN];
    int activation, output_activation; /* gr_activation */
    int initialization;
    int64_t inputs, outputs; /* resolved from the data */
    double dropout, input_dropout;
    int normalization;   /* gr_normalization, but for that which is a form */
    int form;            /* gr_form */
    int64_t residual;    /* layers of a block whose input is added to its output; 0 = none */
    int parametrization; /* gr_parametrization */
    bool scale_inputs;   /* by factors that are trained */
  } network;
  struct {
    int64_t epochs, batch_size;
    int64_t steps, samples; /* after which training ends, in the place of epochs; 0 = by epochs */
    uint64_t seed;
    int loss;           /* gr_loss */
    int64_t lane_rows;  /* rows of the batch per gradient lane */
    int64_t accumulate; /* batches whose gradients make one update */
    int shuffle;
    int64_t shuffle_window, shuffle_block; /* rows, of shuffle window; else 0 */
    int64_t patience; /* epochs without improvement before early stopping; 0 = off */
    double min_delta;
    double smoothing; /* of the validation loss that early stopping looks at */
    int metric; /* that early stopping looks at: 0 = the validation loss, else gr_metric + 1 */
    int ties;   /* gr_ties: which of equally good epochs is the best */
    uint64_t metrics; /* measured beside the usual ones: a gr_metric_set (net/metric.h) */
    int64_t top_k;
    char *class_weight; /* see net/class_weight.h */
    double label_smoothing, focal_gamma, huber_delta, tweedie_power;
    uint32_t n_quantiles;
    double quantiles[GR_MAX_LIST];
    int on_nonfinite;        /* gr_on_nonfinite */
    int64_t nonfinite_limit; /* steps skipped in a row, or rollbacks of an epoch; then halt */
  } training;
  struct {
    int name; /* gr_optimizer */
    double learning_rate, momentum, beta1, beta2, epsilon, weight_decay, l1;
    double clip_norm, clip_value, max_norm; /* 0: none */
    double scale_rate;                      /* of network.scale_inputs: part of the learning rate */
    double bias_rate, first_layer_rate,
        activation_rate; /* parts of the learning rate: net/groups.h */
    double tolerance;    /* lbfgs: norm of the gradient at which it ends */
  } optimizer;
  struct {
    int name;                                         /* gr_schedule */
    double warmup;                                    /* fraction of all steps */
    double gamma;                                     /* factor of one cut */
    double floor;                                     /* least height */
    int64_t every;                                    /* step: epochs between cuts */
    uint32_t n_milestones, milestones[GR_MAX_HIDDEN]; /* multistep: epochs of cuts */
    double power;                                     /* polynomial */
    int64_t period, period_factor;                    /* cosine-restarts: epochs; growth */
    double peak;                                      /* one-cycle: progress of the maximum */
    int64_t patience;                                 /* plateau: epochs */
    double threshold;                                 /* plateau, newbob: relative gain */
    int dropout, weight_decay;                        /* gr_course_name */
  } schedule;
  struct {
    int name; /* gr_average */
    double decay;
    int64_t start; /* epochs */
  } average;
  struct {
    double every; /* seconds */
    int64_t keep;
    double max_overhead; /* share of the run */
  } checkpoint;
  struct {
    int64_t threads, memory; /* GR_AUTO or a count, bytes */
    int isa;                 /* GR_AUTO or gr_isa (kernel/kernel.h) */
    int strategy;            /* GR_AUTO or gr_strategy */
    int64_t audit;           /* every so many steps one is taken twice; 0 = none */
    bool pin;
  } resources;
} gr_config;

typedef enum gr_part { GR_PART_RECIPE, GR_PART_RUN, GR_PART_RESOURCES } gr_part;
typedef enum gr_key_type {
  GR_KEY_STRING,
  GR_KEY_BOOL,
  GR_KEY_INTEGER,  /* int64_t, may be auto */
  GR_KEY_SEED,     /* uint64_t */
  GR_KEY_REAL,     /* may be auto */
  GR_KEY_CHOICE,   /* int, may be auto */
  GR_KEY_WIDTHS,   /* list of whole numbers, or none */
  GR_KEY_LAYERS,   /* list of layers, or none: net/config_layers.h */
  GR_KEY_REALS,    /* list of numbers, one at least */
  GR_KEY_SET,      /* uint64_t: some of the choices, bit 1 << index; or none */
  GR_KEY_DURATION, /* seconds */
  GR_KEY_SIZE      /* bytes, may be auto */
} gr_key_type;

/* One row of the key table (net/config_keys.c). */
typedef struct gr_key {
  const char *name;   /* "training.batch_size" */
  const char *option; /* "batch-size": the long option of `gradus train`, or NULL */
  gr_key_type type;
  gr_part part;
  bool may_be_auto;
  size_t offset; /* in gr_config; GR_KEY_WIDTHS, GR_KEY_LAYERS, GR_KEY_REALS: of the count */
  const char *const *choices; /* GR_KEY_CHOICE, GR_KEY_SET: NULL-terminated, index = value */
  double minimum, maximum;    /* numbers: inclusive */
  const char *help;           /* one line, with the unit */
} gr_key;

extern const gr_key gr_keys[];
extern const size_t gr_n_keys;

/* The row of a key by dotted name, or NULL. */
const gr_key *gr_key_find(const char *name);

/* True for what stands before a dot in some key: "training", "training.early_stopping". */
bool gr_key_is_section(const char *name);

/* The key or section most likely meant by `word`; false where none is near. */
#define GR_KEY_NAME 48 /* bytes that hold every name */
bool gr_key_nearest(const char *word, char out[GR_KEY_NAME]);

/* Fills *config with the `default` preset. Must be freed with gr_config_free. */
gradus_status gr_config_init(gr_config *config, gradus_error *err);
void gr_config_free(gr_config *config);
gradus_status gr_config_copy(const gr_config *from, gr_config *to,
                             gradus_error *err); /* `to` uninitialised before */

/* Presets change a set of keys; `default` sets them all. Unknown name: GRADUS_ERR_CONFIG naming the
 * nearest. */
typedef struct gr_preset {
  const char *name, *help;
  const char *const *settings; /* "key=value", NULL-terminated */
} gr_preset;
extern const gr_preset gr_presets[];
extern const size_t gr_n_presets;
gradus_status gr_config_preset(gr_config *config, const char *name, gradus_error *err);

/* Sets one key from text. `origin` starts messages, such as "--set" or "run.yaml:3:8". Unknown keys
 * and bad values: GRADUS_ERR_CONFIG with the nearest valid word or the range. */
gradus_status gr_config_set(gr_config *config, const char *key, const char *value,
                            const char *origin, gradus_error *err);

/* Reads YAML (nested or dotted keys) over what is already set; errors name file:line:column.
 * Missing file: GRADUS_ERR_NOINPUT. */
gradus_status gr_config_read(gr_config *config, const char *path, gradus_error *err);
gradus_status gr_config_parse(gr_config *config, const char *text, size_t length, const char *name,
                              gradus_error *err);

/* Replaces `auto` where the recipe alone says what it means: the numbers of the optimiser and of
 * the schedule. Lines about it are appended to `notes` (may be NULL). */
void gr_config_settle(gr_config *config, gr_text *notes);

/* Rows that one update is made from; the last one of an epoch may have fewer. */
uint64_t gr_config_step_rows(const gr_config *config);

/* Steps of an epoch of n_train rows, and of the whole run, which ends with an epoch or, by
 * training.steps and training.samples, inside of one: with the step that reaches the smaller of
 * both. */
uint64_t gr_config_epoch_steps(const gr_config *config, uint64_t n_train);
bool gr_config_has_budget(const gr_config *config); /* of steps or samples */
uint64_t gr_config_total_steps(const gr_config *config, uint64_t n_train);

/* Checks what single keys cannot: combinations (softmax wants cross-entropy, ...). Works on
 * resolved and unresolved values. */
gradus_status gr_config_validate(const gr_config *config, gradus_error *err);

/* What hidden layer i (from 0) has, by itself or by the keys of its network. */
int gr_config_activation(const gr_config *config, uint32_t i);
double gr_config_dropout(const gr_config *config, uint32_t i);
int gr_config_normalization(const gr_config *config, uint32_t i);
int gr_config_form(const gr_config *config, uint32_t i);

/* How many layers below hidden layer i is the one whose outputs are added to its own; 0: none. By
 * network.residual it ends a block of so many layers where the layer below the block, or the
 * inputs, have its width, and no layer of the block is part of another one. */
uint32_t gr_config_residual(const gr_config *config, uint32_t i);

/* Outputs for each column of y of a regression: levels of a quantile loss, else 1. */
uint32_t gr_config_repeats(const gr_config *config);

/* The value of one key as text that gr_config_set reads back to the same value. */
void gr_config_get(const gr_config *config, const gr_key *key, gr_text *out);

/* YAML of the given part, keys in table order, nested by section: for RECIPE this is the canonical
 * form that is stored and digested. */
void gr_config_write(const gr_config *config, gr_part part, gr_text *out);

/* XXH3-128 of the canonical recipe, 32 hex digits and a terminator; GRADUS_ERR_RESOURCES. */
#define GR_DIGEST_TEXT 33
gradus_status gr_config_digest(const gr_config *config, char out[GR_DIGEST_TEXT],
                               gradus_error *err);

/* Appends "key: old -> new" lines for RECIPE keys that differ; returns how many. Where
 * `epochs_may_grow`, a larger training.epochs in `new_` is not a difference unless the schedule
 * depends on it, nor is another training.on_nonfinite where the old one was halt, which has changed
 * no step, nor a larger training.nonfinite_limit. */
size_t gr_config_compare(const gr_config *old, const gr_config *new_, bool epochs_may_grow,
                         gr_text *out);

#endif
