/* A training session: from a recipe and a data set to a finished run, in a run directory that any
 * number of sessions may share one after the other. */
#ifndef GR_TRAIN_TRAINER_H
#define GR_TRAIN_TRAINER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"
#include "base/text.h"
#include "net/config.h"
#include "store/dataset.h"
#include "train/run_directory.h"
#include "train/snapshot.h"

typedef struct gr_trainer gr_trainer;

/* Where training stands. Numbers that are not known are NaN, an unknown time is negative. */
typedef struct gr_progress {
  uint64_t epoch, epochs; /* current (1-based) and last */
  uint64_t step, steps;   /* done, and in all (without early stopping) */
  double samples_per_second, eta_seconds;
  double train_loss;       /* mean of the epoch so far */
  double valid_loss;       /* of the last finished epoch */
  double best_loss;        /* of validation so far */
  const char *metric_name; /* the first validation metric, or NULL */
  double metric;
  bool epoch_finished; /* every loss above is final for `epoch` */
  double data_wait;    /* part of the epoch's time that went into waiting for rows */
} gr_progress;

/* Zeros are the defaults. */
typedef struct gr_trainer_options {
  const char *run_directory; /* NULL: runs/<data>-<8 hex digits of recipe and data> */
  const char *resume_file;   /* start from this checkpoint, NULL: from the newest intact one */
  const char *command_line;  /* for run.json */
  const char *config_path;   /* copied to config.yaml, NULL: every key is written there */
  bool fresh;                /* refuse a directory that holds a run */
  bool dry_run;              /* plan only: no directory, no files */
  bool allow_data_change;    /* go on with other data than the run had; needs run_directory */
  double time_limit;         /* seconds from creation until which the last checkpoint is on the
                                disk, 0 = none */
  gr_log log;                /* messages for people */
  void (*on_progress)(void *user, const gr_progress *progress); /* at most 10 a second, and at the
                                                                   end of each epoch; or NULL */
  void *user;
  gr_before_write *before_write; /* for tests; given `user` */
  /* For tests: before and after the second execution of an audited step, which starts from
   * `parameters`. */
  void (*at_audit)(void *user, uint64_t step, float *parameters);
} gr_trainer_options;

/* What came out of it. Numbers not measured are NaN. */
typedef struct gr_report {
  bool finished, stopped_early;
  uint64_t epochs, steps, best_epoch; /* done */
  double train_loss, valid_loss, best_loss, wall_seconds, samples_per_second;
  char run_directory[GR_RUN_PATH],
      model_path[GR_RUN_FILE]; /* best.h5 where validated, else
                                  final.h5; empty while there is none */
  char digest[GR_DIGEST_TEXT]; /* of the current parameters */
  double data_wait;            /* part of the session's time that went into waiting for rows */
  char limit[128];             /* what its speed was limited by, for people */
} gr_report;

/* Resolves, prepares, makes the engine, takes the run directory and resumes. `config` is copied;
 * `data` and the strings of `options` are borrowed. Where it fails nothing of an existing run has
 * changed. Another recipe in the directory: GRADUS_ERR_CONFIG with each key old -> new; other
 * data: GRADUS_ERR_DATA saying what differs, unless that is allowed; in use: GRADUS_ERR_BUSY; a run
 * where `fresh`: GRADUS_ERR_CANTCREATE. */
gradus_status gr_trainer_create(const gr_config *config, const gr_dataset *data,
                                const gr_trainer_options *options, gr_trainer **out,
                                gradus_error *err);
void gr_trainer_destroy(gr_trainer *trainer); /* accepts NULL */

/* At most `steps` steps (UINT64_MAX: to the end); *finished tells whether the run is.
 * GRADUS_ERR_STOPPED after a request, a STOP file or the time limit, with a checkpoint on disk;
 * GRADUS_ERR_NONFINITE with nothing overwritten. A checkpoint that cannot be written on the way is
 * a warning; the last one is an error. */
gradus_status gr_trainer_advance(gr_trainer *trainer, uint64_t steps, bool *finished,
                                 gradus_error *err);

/* Async-signal-safe. */
void gr_trainer_request_stop(gr_trainer *trainer);
void gr_trainer_request_checkpoint(gr_trainer *trainer);

/* Writes a checkpoint now and waits until it is on the disk; path receives its name and may be
 * NULL.
 */
gradus_status gr_trainer_checkpoint(gr_trainer *trainer, char *path, size_t path_size,
                                    gradus_error *err);

void gr_trainer_report(const gr_trainer *trainer, gr_report *out);

/* The plan for people: data, what auto became, network, engine. */
void gr_trainer_describe(const gr_trainer *trainer, gr_text *out);

const gr_config *gr_trainer_config(const gr_trainer *trainer); /* resolved */

#endif
