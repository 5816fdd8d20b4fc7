/* The inside of a trainer, shared by the files that start, drive and describe it. */
#ifndef GR_TRAIN_TRAINER_INTERNAL_H
#define GR_TRAIN_TRAINER_INTERNAL_H

#include <signal.h>
#include <stdatomic.h>

#include "base/cpu.h"
#include "exec/engine.h"
#include "store/checkpoint.h"
#include "train/metrics.h"
#include "train/prepare.h"
#include "train/run_directory.h"
#include "train/run_log.h"
#include "train/trainer.h"

struct gr_trainer {
  gr_trainer_options options;
  gr_log log; /* to the caller and to log.txt */
  const gr_dataset *data;
  gr_config given; /* the recipe before it was resolved */
  gr_prepared prepared;
  gr_engine *engine;
  gr_cpu cpu;
  char threads_reason[96];
  gr_run_directory run;
  bool has_run; /* false in a dry run */

  /* The run so far. `state` and `history` in it are always current; parameters and moments are
   * fetched from the engine when a checkpoint is written. */
  gr_checkpoint now;
  float *best;     /* parameters of the best epoch; valid where now.state.has_best */
  bool best_saved; /* best.h5 holds them */

  uint64_t steps_per_epoch, total_steps;
  uint64_t pass_epoch; /* that the pass over the training rows is in; UINT64_MAX before the first */

  uint64_t saved_step; /* of the newest checkpoint of this session; UINT64_MAX = none */
  char saved_path[4096];
  double session_start, training_seconds; /* clock; seconds inside gr_trainer_advance */
  double entered;                         /* clock at the entry of gr_trainer_advance; 0 outside */
  double wall_before;                     /* state.wall_seconds when the session began */
  double last_save, last_progress, last_csv, epoch_start;
  double epoch_validation, epoch_checkpoints; /* seconds since epoch_start that went into them */
  double last_wait;    /* share of the last epoch that went into waiting for rows */
  double epoch_waited; /* of the pass's seconds of waiting, at epoch_start */
  uint64_t session_samples, epoch_samples;
  uint64_t unlooked, look_every; /* steps since the clock was looked at, and between two looks */
  double last_look;

  atomic_int stop_requested, checkpoint_requested;
};

/* A line of timing.jsonl about where the trainer stands, which is filled in here. */
gradus_status gr_trainer_timing(gr_trainer *t, gr_timing timing, gradus_error *err);

/* Writes the models and the last line that a finished run has; what is there already stays. */
gradus_status gr_trainer_complete(gr_trainer *t, gradus_error *err);

/* The learning rate of step `step`. */
double gr_trainer_rate(const gr_trainer *t, uint64_t step);

#endif
