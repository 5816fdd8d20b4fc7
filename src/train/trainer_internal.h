/* The inside of a trainer, shared by the files that start, drive and describe it. */
#ifndef GR_TRAIN_TRAINER_INTERNAL_H
#define GR_TRAIN_TRAINER_INTERNAL_H

#include <signal.h>
#include <stdatomic.h>

#include "base/cpu.h"
#include "exec/engine.h"
#include "net/schedule.h"
#include "store/checkpoint.h"
#include "train/deadline.h"
#include "train/metrics.h"
#include "train/prepare.h"
#include "train/run_directory.h"
#include "train/run_log.h"
#include "train/snapshot.h"
#include "train/stopping.h"
#include "train/trainer.h"
#include "train/writer.h"

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

  bool started; /* creation is over: the run is ours to go on with */

  /* The run so far. `state` and `history` in it are always current; parameters and moments are
   * fetched from the engine at the end of an epoch. */
  gr_checkpoint now;
  float *best; /* parameters of the best epoch; valid where now.state.has_best */

  uint64_t steps_per_epoch, total_steps, total_samples;
  gr_schedule_state schedule;
  gr_stopping stopping;
  uint64_t pass_epoch; /* that the pass over the training rows is in; UINT64_MAX before the first */

  /* Checkpoints (trainer_save.c). */
  gr_writer *writer;
  bool writer_is_new;   /* it is still getting its memory ready */
  gr_snapshot snapshot; /* the writer's while that is busy */
  uint64_t saved_step; /* of the newest checkpoint on the disk; UINT64_MAX = none of this session */
  char saved_path[4096];
  double interval; /* seconds between two: checkpoint.every, or more where they cost more */
  double stall;    /* seconds that training stood still for the last snapshot */
  bool save_asked; /* due whatever the clock says */
  bool postponed, postponed_noted; /* the next one is due, but the last is still being written */
  int postponed_in_row;
  gradus_error warned; /* what the last warning said, and how often in a row it was to be said */
  unsigned warnings;
  gr_deadline deadline;
  double refreshed; /* the lock, on the clock; the writer's */

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
  atomic_int stop_file, watching; /* set by the writer's thread; lets it look for one */
};

/* A line of timing.jsonl: about where the trainer stands, which is filled in here, or about another
 * step. */
gradus_status gr_trainer_timing(gr_trainer *t, gr_timing timing, gradus_error *err);
gradus_status gr_trainer_timing_at(gr_trainer *t, gr_timing timing, gradus_error *err);

/* Seconds spent in training in this session. */
double gr_trainer_seconds(const gr_trainer *t);

/* GRADUS_ERR_NONFINITE about the step after `state`, once the write under way has ended. */
gradus_status gr_trainer_fail_nonfinite(gr_trainer *t, const gr_train_state *state,
                                        const char *what, gradus_error *err);

/* ---- checkpoints (trainer_save.c) ---- */

/* The writer's memory and thread. To be made before the engine binds threads to processors. */
gradus_status gr_trainer_make_writer(gr_trainer *t, gradus_error *err);

/* The run directory and its logs are open; best_saved: step of the model in best.h5, UINT64_MAX =
 * none. */
void gr_trainer_begin_saving(gr_trainer *t, uint64_t best_saved);

/* Waits for the write under way, ends the thread, frees the memory; accepts what was never made. */
void gr_trainer_end_saving(gr_trainer *t);

/* Whether the loop has to pause for a checkpoint, or for what came of one. */
bool gr_trainer_save_wanted(const gr_trainer *t, double now);

/* Between two steps: takes note of a write that has ended (a failure is a warning), and takes a
 * snapshot where one is due, or `asked` for. */
gradus_status gr_trainer_save_if_due(gr_trainer *t, bool asked, double now, gradus_error *err);

/* Writes what is asked for of the state now, and returns when it is on the disk or has failed:
 * checkpoint: checkpoints/step-....h5; complete: best.h5 and final.h5. */
gradus_status gr_trainer_save_now(gr_trainer *t, bool checkpoint, bool complete, gradus_error *err);

/* Writes the models that a finished run has; what is there already stays. */
gradus_status gr_trainer_complete(gr_trainer *t, gradus_error *err);

/* Waits for the write under way and takes note of it. */
gradus_status gr_trainer_settle(gr_trainer *t, gradus_error *err);

/* Has metrics.csv written anew unless something else is being written. */
gradus_status gr_trainer_show_history(gr_trainer *t, gradus_error *err);

/* Says that something could not be written and that training goes on; the same thing ever more
 * rarely. */
void gr_trainer_warn(gr_trainer *t, const gradus_error *reason);

/* The learning rate of step `step`. */
double gr_trainer_rate(const gr_trainer *t, uint64_t step);

#endif
