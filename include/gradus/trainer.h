/* Training: starts a run or continues it. A run lives in a directory; the same recipe on the same
 * data and directory goes on from the newest intact checkpoint to the same final bits, however
 * often it was interrupted. */
#ifndef GRADUS_TRAINER_H
#define GRADUS_TRAINER_H

#include <stddef.h>
#include <stdint.h>

#include "gradus/dataset.h"
#include "gradus/recipe.h"
#include "gradus/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct gradus_trainer gradus_trainer;

/* Where training stands; passed to the progress callback after steps (at most about ten times a
 * second) and at epoch ends. */
typedef struct gradus_progress {
  size_t struct_size;
  uint64_t epoch, epochs; /* current (1-based) and last */
  uint64_t step, steps;   /* done, and in all (without early stopping) */
  double samples_per_second;
  double eta_seconds;      /* negative while unknown */
  double train_loss;       /* mean of the epoch so far; NaN before the first step */
  double valid_loss;       /* of the last finished epoch; NaN where there is none */
  double best_loss;        /* NaN where there is none */
  const char *metric_name; /* the first validation metric, or NULL */
  double metric;
  int epoch_finished; /* this call reports a finished epoch: every loss above is final for it */
  double data_wait;   /* part (0 to 1) of the epoch's time that went into waiting for data */
} gradus_progress;

typedef enum gradus_level { GRADUS_INFO = 0, GRADUS_WARNING = 1, GRADUS_ERROR = 2 } gradus_level;

/* Zeros mean the defaults. Set struct_size = sizeof. Strings are borrowed until the trainer is
 * destroyed. */
typedef struct gradus_trainer_options {
  size_t struct_size;
  const char *run_directory; /* NULL: runs/<data>-<8 hex digits of recipe and data> */
  const char *resume_file;   /* start from this checkpoint */
  int fresh;                 /* refuse a directory that holds a run */
  int dry_run;               /* plan only: no directory, no files */
  double time_limit;        /* seconds from creation within which the last checkpoint is written, as
                               far as steps and writes so far can tell; 0 = none; then
                               GRADUS_ERR_STOPPED */
  const char *command_line; /* recorded in run.json */
  const char *config_path; /* the configuration file as given, copied to config.yaml; NULL = none */
  void (*on_progress)(const gradus_progress *progress, void *user);
  void (*on_message)(gradus_level level, const char *text, void *user);
  void *user;
  int allow_data_change; /* go on with other data than the run had; it is recorded. run_directory
                            must be given */
} gradus_trainer_options;

/* Resolves the recipe against the data, opens or creates the run directory (locked), and resumes.
 * Recipe, dataset and options' strings must outlive the trainer. Another recipe in the directory:
 * GRADUS_ERR_CONFIG; other data: GRADUS_ERR_DATA saying what differs; in use: GRADUS_ERR_BUSY. */
GRADUS_API gradus_status gradus_trainer_create(const gradus_recipe *recipe,
                                               const gradus_dataset *dataset,
                                               const gradus_trainer_options *options,
                                               gradus_trainer **out, gradus_error *err);
GRADUS_API void gradus_trainer_destroy(gradus_trainer *trainer);

/* Trains to the end. GRADUS_ERR_STOPPED: stopped on request (gradus_trainer_request_stop, or
 * gradus_run_stop) or by the time limit, with a valid checkpoint. Finished already: GRADUS_OK at
 * once. Checkpoints are written by a thread of the library while training goes on; one that cannot
 * be written is a warning and is tried again, the last one an error. GRADUS_ERR_NONFINITE: a number
 * became NaN or infinite where the recipe says halt (training.on_nonfinite); the newest checkpoint
 * is the state before that step. GRADUS_ERR_FAILED: an audited step gave different bits. Where HDF5
 * is not thread-safe, callbacks must not use it. */
GRADUS_API gradus_status gradus_trainer_run(gradus_trainer *trainer, gradus_error *err);

/* Trains at most n steps and sets *finished: for callers with a loop of their own. Checkpoints are
 * written as in run. */
GRADUS_API gradus_status gradus_trainer_step(gradus_trainer *trainer, uint64_t n, int *finished,
                                             gradus_error *err);

/* Ask a running trainer to write a checkpoint and stop, or to write one and go on, at the next
 * step. Callable from signal handlers and other threads. */
GRADUS_API void gradus_trainer_request_stop(gradus_trainer *trainer);
GRADUS_API void gradus_trainer_request_checkpoint(gradus_trainer *trainer);

/* Writes a checkpoint now and waits until it is on the disk; path (may be NULL) receives its name.
 * Where a weight is not finite, training.on_nonfinite is carried out first. */
GRADUS_API gradus_status gradus_trainer_checkpoint(gradus_trainer *trainer, char *path,
                                                   size_t path_size, gradus_error *err);

/* What came out of it. Numbers not measured are NaN. */
typedef struct gradus_report {
  size_t struct_size; /* set by the caller */
  int finished, stopped_early;
  uint64_t epochs, steps, best_epoch;
  double train_loss, valid_loss, best_loss, wall_seconds, samples_per_second;
  char run_directory[1024], model_path[1200]; /* model_path: best.h5 where validated, else final.h5;
                                                 empty while there is none */
  char digest[33];                            /* of the current parameters */
  double data_wait; /* part (0 to 1) of this session's time that went into waiting for data */
  char limit[128]; /* what limited its speed, in words: "computing", "decoding of the data (gzip 1)"
                    */
} gradus_report;
GRADUS_API gradus_status gradus_trainer_report(const gradus_trainer *trainer, gradus_report *out,
                                               gradus_error *err);

/* The resolved recipe as YAML, and the plan for people (shapes, parameters, FLOPs, memory,
 * threads). Free with gradus_text_free. */
GRADUS_API gradus_status gradus_trainer_recipe(const gradus_trainer *trainer, char **out,
                                               gradus_error *err);
GRADUS_API gradus_status gradus_trainer_plan(const gradus_trainer *trainer, char **out,
                                             gradus_error *err);

/* The simple way: reads data_path, trains in run_directory (NULL: chosen), returns when done. */
GRADUS_API gradus_status gradus_train(const gradus_recipe *recipe, const char *data_path,
                                      const char *run_directory, gradus_error *err);

#ifdef __cplusplus
}
#endif
#endif
