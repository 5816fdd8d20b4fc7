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
#include "train/scores.h"
#include "train/snapshot.h"
#include "train/stopping.h"
#include "train/trainer.h"
#include "train/writer.h"

typedef struct gr_audit gr_audit;

struct gr_trainer {
  gr_trainer_options options;
  gr_log log; /* to the caller and to log.txt */
  const gr_dataset *data;
  gr_config given; /* the recipe before it was resolved */
  gr_prepared prepared;
  gr_engine *engine;
  gr_audit *audit; /* NULL without resources.audit */
  gr_cpu cpu;
  char threads_reason[96];
  gr_run_directory run;
  bool has_run; /* false in a dry run */

  bool data_changed; /* since the checkpoint that the session goes on from */

  bool started; /* creation is over: the run is ours to go on with */

  /* The run so far. `state`, `history` and the numbers of `rollback` in it are always current;
   * parameters and moments are fetched from the engine at the end of an epoch. */
  gr_checkpoint now;
  float *best; /* parameters of the best epoch; valid where now.state.has_best */
  /* The beginning of the epoch, or of the session, or after a step that was skipped: its parameters
   * and moments are those in `now`. */
  gr_train_state began;
  /* The newest state in memory that is known to be good; its parameters and moments belong to `now`
   * or to the snapshot. */
  gr_train_state good;
  const float *good_parameters;
  float *const *good_moment;
  gr_metric_set metrics; /* of the history, in the order of the table */
  gr_scores scores;      /* of the rows validated on, where metrics ask for them */

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
  double refreshed; /* the lock, on the clock; the watcher's once `watching` */

  double session_start, training_seconds; /* clock; seconds inside gr_trainer_advance */
  double entered;                         /* clock at the entry of gr_trainer_advance; 0 outside */
  double wall_before;                     /* state.wall_seconds when the session began */
  double last_save, last_progress, last_csv, epoch_start;
  double epoch_validation, epoch_checkpoints; /* seconds since epoch_start that went into them */
  double last_wait;    /* share of the last epoch that went into waiting for rows */
  double epoch_waited; /* of the pass's seconds of waiting, at epoch_start */
  uint64_t session_samples, epoch_samples, session_steps;
  uint64_t unlooked, look_every; /* steps since the clock was looked at, and between two looks */
  double last_look;

  atomic_int stop_requested, checkpoint_requested;
  bool must_stop;                 /* a request to stop, or a limit, is being served */
  atomic_int stop_file, watching; /* set by the watcher; lets it look for one */
};

/* A line of timing.jsonl: about where the trainer stands, which is filled in here, or about another
 * step. */
gradus_status gr_trainer_timing(gr_trainer *t, gr_timing timing, gradus_error *err);
gradus_status gr_trainer_timing_at(gr_trainer *t, gr_timing timing, gradus_error *err);

/* Seconds spent in training in this session. */
double gr_trainer_seconds(const gr_trainer *t);

/* Puts an event into the history and into metrics.jsonl. */
gradus_status gr_trainer_event(gr_trainer *t, const gr_event *event, gradus_error *err);

/* ---- steps (trainer.c) ---- */

/* The pass over the training rows stands where the state does. */
gradus_status gr_trainer_begin_pass(gr_trainer *t, gradus_error *err);

/* Up to n steps of this epoch from where the state stands; `after` (see gr_run, user: the trainer)
 * counts them. Rows that cannot be had are an error. */
gradus_status gr_trainer_run_steps(gr_trainer *t, uint64_t n,
                                   bool (*after)(void *user, const gr_step_result *, uint64_t),
                                   gr_step_result *result, gradus_error *err);

/* One step by another engine, or with rows from another feed than the pass's, which stands where
 * the state does. */
gradus_status gr_trainer_step_by(gr_trainer *t, gr_engine *engine, const gr_feed_hooks *feed,
                                 bool (*after)(void *user, const gr_step_result *, uint64_t),
                                 gr_step_result *result, gradus_error *err);

/* Adds a step of n rows to the state, unless it changed nothing. */
void gr_trainer_count(gr_trainer *t, const gr_step_result *result, uint64_t n);

/* ---- numbers that have gone bad (trainer_nonfinite.c) ---- */

/* A step has just failed (`result`), or (NULL) the state is not finite. Finds the first bad step,
 * saves its rows, and does what training.on_nonfinite says: GRADUS_OK where training goes on from
 * the state now, which may be an earlier one; else GRADUS_ERR_NONFINITE. */
gradus_status gr_trainer_nonfinite(gr_trainer *t, const gr_step_result *result, gradus_error *err);

/* That, where parameters or moments are not finite now. */
gradus_status gr_trainer_check(gr_trainer *t, gradus_error *err);

/* The state in `now` is good, and its parameters and moments are those in `now`, or those in the
 * snapshot. */
void gr_trainer_note_beginning(gr_trainer *t);
void gr_trainer_note_snapshot(gr_trainer *t);

/* Steps until one that a rollback has left out: 0 = it is next, UINT64_MAX = there is none. */
uint64_t gr_trainer_until_left_out(const gr_trainer *t);

/* Passes over the next step. */
void gr_trainer_leave_out(gr_trainer *t);

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

/* Whether the next step, with what has to follow it, could come after the time limit. */
bool gr_trainer_time_is_up(const gr_trainer *t, double now);

/* Whether the session has to end: for that, or on request. */
bool gr_trainer_must_stop(const gr_trainer *t);

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

/* ---- steps taken twice (trainer_audit.c) ---- */

/* Memory and engine of the audit, where resources.audit asks for it. */
gradus_status gr_trainer_make_audit(gr_trainer *t, gradus_error *err);
void gr_trainer_end_audit(gr_trainer *t); /* accepts what was never made */

/* Steps until one that is to be audited; UINT64_MAX = never. */
uint64_t gr_trainer_until_audit(const gr_trainer *t);

/* How many steps of this session were audited. */
uint64_t gr_trainer_audited(const gr_trainer *t);

/* Takes the next step twice and compares: the engine has taken it, the state not yet, *n rows went
 * into it. What differs: GRADUS_ERR_FAILED, and nothing has changed. */
gradus_status gr_trainer_audit_step(gr_trainer *t, gr_step_result *result, uint64_t *n,
                                    gradus_error *err);

/* ---- lines that are searched (trainer_search.c) ---- */

/* An event and a line about a search that has come to its end. */
gradus_status gr_trainer_tell_converged(gr_trainer *t, gradus_error *err);

/* The objective is another one from here on: if there is a search, it begins anew at the model. */
void gr_trainer_restart_search(gr_trainer *t);

/* ---- data that have changed under the run (trainer_data.c) ---- */

/* Fits what the recipe says to the data; where these may have changed, the preprocessing of the run
 * so far stays. */
gradus_status gr_trainer_prepare(gr_trainer *t, gradus_error *err);

/* Whether the run, or `c`, was trained on the data: if not, GRADUS_ERR_DATA saying what differs, or
 * *changed where that is allowed. */
gradus_status gr_trainer_compare_data(const gr_trainer *t, const char *digest,
                                      const gr_checkpoint *c, const char *where, bool *changed,
                                      gradus_error *err);

/* The state just taken over goes on with other data: its epoch begins anew; `from` is the digest of
 * those that it had. */
gradus_status gr_trainer_change_data(gr_trainer *t, const gr_checkpoint *c, gradus_error *err);

/* Refuses a state whose preprocessing is not ours. */
gradus_status gr_trainer_check_scales(const gr_trainer *t, const gr_checkpoint *c, const char *path,
                                      gradus_error *err);

/* Whether the run has ever gone on with other data. */
bool gr_trainer_has_changed_data(const gr_trainer *t);

/* Reads the state to go on from: the newest intact checkpoint of the run, or the file the caller
 * named where that is further on (*named). */
gradus_status gr_trainer_find_state(const gr_trainer *t, const char *run, const gr_log *log,
                                    gr_checkpoint *c, bool *found, bool *named, char path[4096],
                                    gradus_error *err);

/* The step that a schedule sees: as if all epochs had had as many steps as they have now. */
uint64_t gr_trainer_schedule_step(const gr_trainer *t, uint64_t step);

/* The first step of the epoch under way, the samples seen until then, and the last step of all. */
uint64_t gr_trainer_epoch_step(const gr_trainer *t, const gr_train_state *s);
uint64_t gr_trainer_epoch_samples(const gr_trainer *t, const gr_train_state *s);
/* How good an epoch is, larger is better: minus the validation loss, or the metric that is judged.
 */
double gr_trainer_merit(const gr_trainer *t, const gr_history_row *row);

uint64_t gr_trainer_last_step(const gr_trainer *t);

/* The learning rate of step `step`. */
double gr_trainer_rate(const gr_trainer *t, uint64_t step);

#endif
