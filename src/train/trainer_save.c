/* Checkpoints in time. The loop stops for a copy of the run (a snapshot); the writer's thread makes
 * it durable while the loop goes on, one at a time: one that is due meanwhile is postponed. What
 * came of a write is looked at between two steps. The time between checkpoints grows with what they
 * cost, so that all of them stay within checkpoint.max_overhead of the run. */
#include <config.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "train/environment.h"
#include "train/trainer_internal.h"

#define WATCH_SECONDS 0.5 /* between two looks for a STOP file */
#define POSTPONED_OFTEN 3 /* checkpoints in a row that had to wait: worth a warning */

/* ---- the writer's thread ---- */

static void write_snapshot(void *user) {
  gr_trainer *t = user;
  if (t->writer_is_new)
    gr_snapshot_touch(&t->snapshot);
  else
    gr_snapshot_write(&t->snapshot);
}

/* By a thread of its own: training may not wait for a slow file system, nor the lock for a write
 * that takes minutes. */
static void watch(void *user) {
  gr_trainer *t = user;
  const double now = gr_clock_now();
  if (!atomic_load(&t->watching)) return;
  if (gr_run_stop_is_requested(t->run.path)) atomic_store(&t->stop_file, 1);
  if (now - t->refreshed < GR_LOCK_REFRESH) return;
  gr_lock_refresh(&t->run.lock);
  t->refreshed = now;
}

gradus_status gr_trainer_make_writer(gr_trainer *t, gradus_error *err) {
  const gr_writer_setup setup = {
      .work = write_snapshot, .watch = watch, .watch_seconds = WATCH_SECONDS, .user = t};
  GR_TRY(gr_snapshot_make(&t->snapshot, &t->now, t->best != NULL,
                          t->prepared.config.training.on_nonfinite == GR_NONFINITE_ROLLBACK, err));
  gr_deadline_guess(&t->deadline, (double)gr_snapshot_bytes(&t->snapshot));
  GR_TRY(gr_writer_create(&setup, &t->writer, err));
  t->writer_is_new = true;
  gr_writer_start(t->writer); /* its first work: memory, while the run is being opened */
  return GRADUS_OK;
}

/* Seconds to the next checkpoint where one costs `cost`. */
static double interval_for(const gr_trainer *t, double cost) {
  const double share = t->given.checkpoint.max_overhead;
  if (t->given.checkpoint.every <= 0) return 0; /* after every step, whatever it costs */
  return fmax(t->given.checkpoint.every, share > 0 ? cost / share : (double)INFINITY);
}

void gr_trainer_begin_saving(gr_trainer *t, uint64_t best_saved) {
  gr_snapshot *s = &t->snapshot;
  snprintf(s->run, sizeof s->run, "%s", t->run.path);
  s->metrics_fd = t->run.metrics.fd;
  s->timing_fd = t->run.timing.fd;
  s->keep = t->given.checkpoint.keep;
  s->rows_per_epoch = t->prepared.n_train;
  s->best_saved = best_saved;
  s->before = t->options.before_write;
  s->user = t->options.user;
  t->interval = interval_for(t, 0);
  t->refreshed = gr_clock_now();
  atomic_store(&t->watching, 1);
}

/* ---- what came of a write ---- */

void gr_trainer_warn(gr_trainer *t, const gradus_error *reason) {
  if (strcmp(reason->message, t->warned.message) != 0) {
    t->warned = *reason;
    t->warnings = 0;
  }
  t->warnings++;
  if (t->warnings & (t->warnings - 1)) return; /* the 1st, 2nd, 4th, 8th ... of the same */
  gr_log_write(&t->log, GR_WARNING,
               "%s; training goes on and tries again when the next checkpoint is due: make room or "
               "mend the disk meanwhile (the last good checkpoint is %s)",
               reason->message, t->saved_path[0] ? t->saved_path : "none yet");
}

static void tell_notes(gr_trainer *t) {
  const char *line = t->snapshot.notes.data ? t->snapshot.notes.data : "";
  for (size_t n; *line; line += n + 1) {
    n = strcspn(line, "\n");
    gr_log_write(&t->log, GR_WARNING, "%.*s", (int)n, line);
  }
}

/* The checkpoint of the snapshot is on the disk. */
static gradus_status note_durable(gr_trainer *t, gradus_error *err) {
  const gr_snapshot *s = &t->snapshot;
  t->saved_step = s->at.state.step;
  snprintf(t->saved_path, sizeof t->saved_path, "%s", s->path);
  if (t->warnings && s->status == GRADUS_OK)
    gr_log_write(&t->log, GR_INFO, "checkpoints can be written again: %s", s->path);
  if (s->status == GRADUS_OK) t->warnings = 0;
  const gr_timing timing = {.event = "checkpoint",
                            .epoch = s->at.state.epoch,
                            .step = s->at.state.step,
                            .seconds = s->at.state.wall_seconds,
                            .stall_seconds = t->stall,
                            .write_seconds = s->write_seconds,
                            .cpu_seconds = s->cpu_seconds};
  return gr_trainer_timing_at(t, timing, err);
}

/* Where a write has ended: takes note of it. `must`: its failure is ours, else a warning; values
 * that are not finite always end the run. */
static gradus_status collect(gr_trainer *t, bool must, gradus_error *err) {
  gr_snapshot *s = &t->snapshot;
  if (!gr_writer_take(t->writer)) return GRADUS_OK;
  if (t->writer_is_new) {
    t->writer_is_new = false;
    return GRADUS_OK;
  }
  tell_notes(t);
  if (s->checkpoint) {
    gr_deadline_write(&t->deadline, s->write_seconds);
    t->interval = interval_for(t, t->stall + s->cpu_seconds);
  }
  if (s->durable) GR_TRY(note_durable(t, err));
  if (s->status == GRADUS_ERR_NONFINITE)
    return gr_trainer_fail_nonfinite(t, &s->at.state, s->error.message, err);
  if (s->status != GRADUS_OK && must) return gr_fail(err, s->status, "%s", s->error.message);
  if (s->status != GRADUS_OK) gr_trainer_warn(t, &s->error);
  return GRADUS_OK;
}

gradus_status gr_trainer_settle(gr_trainer *t, gradus_error *err) {
  gr_writer_wait(t->writer);
  return collect(t, false, err);
}

/* ---- taking a snapshot ---- */

/* Hands the run as it stands to the writer, which is idle. */
static gradus_status take(gr_trainer *t, bool checkpoint, bool complete, gradus_error *err) {
  gr_snapshot *s = &t->snapshot;
  const double start = gr_clock_now();
  t->now.state.wall_seconds = t->wall_before + gr_trainer_seconds(t);
  if (t->saved_step != t->now.state.step) /* else it is what a finished run still lacks */
    t->now.state.metrics_offset = gr_run_log_size(&t->run.metrics);
  gr_engine_store(t->engine, s->at.model.parameters, s->at.moment);
  GR_TRY(gr_snapshot_fill(s, &t->now, t->best, err));
  s->checkpoint = checkpoint;
  s->complete = complete;
  gr_trainer_note_snapshot(t);
  gr_writer_start(t->writer);
  t->last_save = gr_clock_now();
  t->stall = t->last_save - start;
  t->epoch_checkpoints += t->stall;
  t->postponed_noted = false;
  if (!t->postponed) t->postponed_in_row = 0;
  t->postponed = t->save_asked = false;
  t->interval = interval_for(t, t->stall);
  return GRADUS_OK;
}

gradus_status gr_trainer_save_now(gr_trainer *t, bool checkpoint, bool complete,
                                  gradus_error *err) {
  const unsigned environment = gr_environment_enter(); /* numbers become text there */
  const double start = gr_clock_now();
  gradus_status status = gr_trainer_settle(t, err);
  if (status == GRADUS_OK) status = take(t, checkpoint, complete, err);
  if (status == GRADUS_OK) {
    gr_writer_wait(t->writer);
    status = collect(t, true, err);
  }
  t->epoch_checkpoints += gr_clock_now() - start - t->stall;
  gr_environment_leave(environment);
  return status;
}

/* A checkpoint is due and the one before it is still being written. */
static gradus_status postpone(gr_trainer *t, gradus_error *err) {
  if (t->postponed_noted) return GRADUS_OK;
  t->postponed_noted = t->postponed = true;
  if (++t->postponed_in_row == POSTPONED_OFTEN)
    gr_log_write(&t->log, GR_WARNING,
                 "checkpoints take longer to write than checkpoint.every; they are written as fast "
                 "as the disk takes them, and training does not wait");
  const gr_timing timing = {.event = "postponed", .seconds = -1};
  return gr_trainer_timing(t, timing, err);
}

static bool is_due(const gr_trainer *t, double now) {
  return t->save_asked || now - t->last_save >= t->interval;
}

/* An epoch's last steps bring a validation with them, the run's last ones best.h5 and final.h5. */
bool gr_trainer_time_is_up(const gr_trainer *t, double now) {
  const gr_train_state *s = &t->now.state;
  const uint64_t looks = t->look_every + 1;
  const bool ends_run = gr_trainer_last_step(t) - s->step <= looks;
  const bool ends_epoch = ends_run || t->prepared.n_train - s->position <=
                                          looks * gr_config_step_rows(&t->prepared.config);
  const int writes = (gr_writer_now(t->writer) == GR_WRITER_BUSY) + (ends_run ? 3 : 1);
  return t->session_samples > 0 && gr_deadline_is_near(&t->deadline, now, ends_epoch, writes);
}

bool gr_trainer_must_stop(const gr_trainer *t) {
  return t->must_stop || atomic_load(&t->stop_requested) || atomic_load(&t->stop_file) ||
         gr_trainer_time_is_up(t, gr_clock_now());
}

bool gr_trainer_save_wanted(const gr_trainer *t, double now) {
  const gr_writer_state state = gr_writer_now(t->writer);
  if (state == GR_WRITER_DONE) return true;
  if (!is_due(t, now)) return false;
  return state == GR_WRITER_IDLE || (t->snapshot.checkpoint && !t->postponed_noted);
}

gradus_status gr_trainer_save_if_due(gr_trainer *t, bool asked, double now, gradus_error *err) {
  const bool after_every_step = t->given.checkpoint.every <= 0;
  GR_TRY(after_every_step ? gr_trainer_settle(t, err) : collect(t, false, err));
  t->save_asked |= asked;
  if (!is_due(t, now)) return GRADUS_OK;
  if (t->saved_step == t->now.state.step) {
    t->save_asked = false;
    return GRADUS_OK;
  }
  if (gr_writer_now(t->writer) == GR_WRITER_IDLE) {
    const double start = gr_clock_now();
    GR_TRY(gr_trainer_check(t, err)); /* which may go back, and save */
    const double looked = gr_clock_now() - start;
    if (t->saved_step == t->now.state.step) return GRADUS_OK;
    GR_TRY(take(t, true, false, err));
    t->stall += looked;
    t->epoch_checkpoints += looked;
    return after_every_step ? gr_trainer_settle(t, err) : GRADUS_OK;
  }
  return t->snapshot.checkpoint ? postpone(t, err) : GRADUS_OK;
}

gradus_status gr_trainer_show_history(gr_trainer *t, gradus_error *err) {
  gr_snapshot *s = &t->snapshot;
  GR_TRY(collect(t, false, err));
  if (gr_writer_now(t->writer) != GR_WRITER_IDLE) return GRADUS_OK; /* it writes one, too */
  GR_TRY(gr_snapshot_fill(s, &t->now, NULL, err));
  s->checkpoint = s->complete = false;
  gr_writer_start(t->writer);
  t->last_csv = gr_clock_now();
  return GRADUS_OK;
}

gradus_status gr_trainer_complete(gr_trainer *t, gradus_error *err) {
  char path[GR_RUN_FILE];
  uint64_t step;
  const gr_train_state *state = &t->now.state;
  gr_run_file(t->run.path, "final.h5", path);
  const bool has_final =
      gr_checkpoint_verify(path, &step, NULL) == GRADUS_OK && step == state->step;
  const bool has_best = !state->has_best || t->snapshot.best_saved == state->best_step;
  return has_final && has_best ? GRADUS_OK : gr_trainer_save_now(t, false, true, err);
}

void gr_trainer_end_saving(gr_trainer *t) {
  if (t->writer && t->started) (void)gr_trainer_settle(t, NULL); /* a failure has been told */
  gr_writer_destroy(t->writer);
  t->writer = NULL;
  gr_snapshot_free(&t->snapshot);
}
