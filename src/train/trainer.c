/* The loop: steps, the end of an epoch, checkpoints, the end. The state is at a step boundary
 * whenever something can stop us, and an epoch's end (validation, history, best model, early
 * stopping) belongs to its last step, so that no checkpoint ever falls between the two. */
#include <config.h>

#include "train/trainer.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "net/average.h"
#include "store/process.h"
#include "train/environment.h"
#include "train/run_log.h"
#include "train/trainer_internal.h"

#define PROGRESS_SECONDS 0.1 /* between two calls of on_progress */
#define LOOK_SECONDS 1e-3    /* between two looks at the clock, about */
#define CSV_SECONDS 1.0      /* between two rewritings of metrics.csv */

void gr_trainer_request_stop(gr_trainer *trainer) {
  atomic_store(&trainer->stop_requested, 1);
}

void gr_trainer_request_checkpoint(gr_trainer *trainer) {
  atomic_store(&trainer->checkpoint_requested, 1);
}

double gr_trainer_seconds(const gr_trainer *t) {
  return t->training_seconds + (t->entered > 0 ? gr_clock_now() - t->entered : 0);
}

gradus_status gr_trainer_timing(gr_trainer *t, gr_timing timing, gradus_error *err) {
  timing.epoch = t->now.state.epoch;
  timing.step = t->now.state.step;
  return gr_trainer_timing_at(t, timing, err);
}

gradus_status gr_trainer_timing_at(gr_trainer *t, gr_timing timing, gradus_error *err) {
  gr_text line = {0};
  timing.threads = gr_engine_threads(t->engine);
  gr_timing_line(&timing, &line);
  gradus_status status = gr_run_append(&t->run.timing, &line, err);
  gr_text_free(&line);
  return status;
}

/* The line of an event that only says how long the run has taken. */
static gradus_status mark(gr_trainer *t, const char *event, const char *detail, gradus_error *err) {
  const gr_timing timing = {
      .event = event, .seconds = t->wall_before + gr_trainer_seconds(t), .detail = detail};
  return gr_trainer_timing(t, timing, err);
}

gradus_status gr_trainer_event(gr_trainer *t, const gr_event *event, gradus_error *err) {
  gr_text line = {0};
  GR_TRY(gr_history_append_event(&t->now.history, event, err));
  gr_text_puts(&line, event->line);
  const gradus_status status = gr_run_append(&t->run.metrics, &line, err);
  gr_text_free(&line);
  return status;
}

gradus_status gr_trainer_checkpoint(gr_trainer *trainer, char *path, size_t path_size,
                                    gradus_error *err) {
  if (!trainer->has_run)
    return gr_fail(err, GRADUS_ERR_USAGE, "a dry run has no directory for checkpoints");
  GR_TRY(gr_trainer_settle(trainer, err));
  GR_TRY(gr_trainer_check(trainer, err));
  if (trainer->saved_step != trainer->now.state.step)
    GR_TRY(gr_trainer_save_now(trainer, true, false, err));
  if (!path) return GRADUS_OK;
  if (strlen(trainer->saved_path) >= path_size)
    return gr_fail(err, GRADUS_ERR_USAGE, "the name of the checkpoint needs %zu bytes",
                   strlen(trainer->saved_path) + 1);
  memcpy(path, trainer->saved_path, strlen(trainer->saved_path) + 1);
  return GRADUS_OK;
}

/* A request that has been served, or that the end of the run has overtaken. */
static void withdraw_stop(gr_trainer *t) {
  gradus_error reason;
  bool was;
  if (gr_run_withdraw_stop(t->run.path, &was, &reason) != GRADUS_OK)
    gr_log_write(&t->log, GR_WARNING, "%s", reason.message);
}

/* The end: the checkpoint that says so comes first; whatever is missing after it, the next session
 * completes. */
static gradus_status finish(gr_trainer *t, gradus_error *err) {
  gr_text line = {0};
  t->now.state.finished = true;
  gradus_status status = gr_trainer_save_now(t, true, true, err);
  if (status == GRADUS_OK) {
    gr_metrics_final_line(&t->now.history, &t->now.state, &line);
    status = gr_run_append(&t->run.metrics, &line, err);
  }
  gr_text_free(&line);
  if (status != GRADUS_OK) return status;
  gr_log_write(&t->log, GR_INFO, "finished at epoch %llu, step %llu%s",
               (unsigned long long)t->now.state.epoch, (unsigned long long)t->now.state.step,
               !t->now.state.stopped_early   ? ""
               : t->now.state.search.end > 0 ? ": converged"
                                             : ": no improvement, stopped early");
  if (t->audit)
    gr_log_write(&t->log, GR_INFO, "%llu steps of this session were audited: the same bits twice",
                 (unsigned long long)gr_trainer_audited(t));
  GR_TRY(mark(t, "end", "finished", err));
  withdraw_stop(t);
  return gr_run_check(&t->run, err);
}

/* Part of the epoch's seconds so far that went into waiting for rows. */
static double wait_share(const gr_trainer *t, double now) {
  const double seconds = now - t->epoch_start;
  return (gr_pass_waited(&t->prepared.train_pass) - t->epoch_waited) / fmax(seconds, 1e-9);
}

/* `now`: the clock. */
static void report_progress(gr_trainer *t, bool epoch_finished, double now) {
  const gr_train_state *s = &t->now.state;
  const gr_history *h = &t->now.history;
  if (!t->options.on_progress) return;
  if (!epoch_finished && now - t->last_progress < PROGRESS_SECONDS) return;
  t->last_progress = now;
  const gr_history_row *last = h->n_rows ? &h->row[h->n_rows - 1] : NULL;
  double seconds = gr_trainer_seconds(t), rate = (double)t->session_samples / fmax(seconds, 1e-9);
  double left = (double)t->total_samples - (double)s->samples_seen;
  gr_progress progress = {
      .epoch = epoch_finished ? last->epoch : s->epoch + 1,
      .epochs = (t->total_steps + t->steps_per_epoch - 1) / t->steps_per_epoch,
      .step = s->step,
      .steps = gr_trainer_last_step(t),
      .samples_per_second = rate,
      .eta_seconds = rate > 0 ? left / rate : -1,
      .train_loss = epoch_finished ? last->train_loss : s->epoch_loss / s->epoch_weight,
      .valid_loss = last ? last->valid_loss : (double)NAN,
      .best_loss = s->has_best ? s->best_loss : (double)NAN,
      .metric_name = h->n_metrics ? h->metric_names[0] : NULL,
      .metric = last && h->n_metrics ? last->metric[0] : (double)NAN,
      .epoch_finished = epoch_finished,
      .data_wait = epoch_finished ? t->last_wait : wait_share(t, now)};
  t->options.on_progress(t->options.user, &progress);
}

double gr_trainer_merit(const gr_trainer *t, const gr_history_row *row) {
  const gr_metric metric = gr_metric_judged(&t->prepared.config);
  if (metric == GR_N_METRICS) return -row->valid_loss;
  const double value = row->metric[gr_metric_place(t->metrics, metric)];
  return gr_metrics_table[metric].high ? value : -value;
}

/* Whether the last epoch is better than the best one. A metric that is not defined is worse than
 * any number. */
static bool is_better(const gr_trainer *t) {
  const gr_history *h = &t->now.history;
  const gr_train_state *s = &t->now.state;
  if (!s->has_best) return true;
  const double now = gr_trainer_merit(t, &h->row[h->n_rows - 1]),
               best = gr_trainer_merit(t, &h->row[s->best_epoch - 1]);
  const double wanted = best + t->prepared.config.training.min_delta;
  const bool ties = t->prepared.config.training.ties == GR_TIES_LAST && now == wanted;
  return now > wanted || ties || (isnan(best) && !isnan(now));
}

/* What follows from the last row of the history: the best model, and whether training ends. The
 * parameters were fetched just before. */
static void judge(gr_trainer *t) {
  const gr_history_row *row = &t->now.history.row[t->now.history.n_rows - 1];
  gr_train_state *s = &t->now.state;
  const gr_config *config = &t->prepared.config;
  if (is_better(t)) {
    s->has_best = true;
    s->best_loss = row->valid_loss;
    s->best_epoch = row->epoch;
    s->best_step = s->step;
    memcpy(t->best, t->now.model.parameters, t->now.model.network.n_parameters * sizeof *t->best);
  }
  s->stopped_early |= gr_stopping_judge(config, -gr_trainer_merit(t, row), &t->stopping);
  s->epochs_since_best = t->stopping.since_best;
  s->stopped_early |= gr_schedule_judge(config, row->valid_loss, &t->schedule);
}

static gradus_status validate(gr_trainer *t, gr_history_row *row, gradus_error *err) {
  gr_prepared *p = &t->prepared;
  gr_metrics metrics;
  double values[GR_N_METRICS];
  if (p->n_valid == 0) return GRADUS_OK;
  const double start = gr_clock_now();
  const bool scored = t->scores.sums != NULL;
  if (scored) gr_scores_begin(&t->scores);
  GR_TRY(gr_measure(t->engine, &p->preprocessing, &p->valid_pass, scored ? gr_scores_take : NULL,
                    &t->scores, &metrics, err));
  gr_scores_finish(&t->scores, &metrics, values);
  const double seconds = gr_clock_now() - start;
  t->epoch_validation += seconds;
  gr_deadline_validation(&t->deadline, seconds);
  if (!isfinite(metrics.loss))
    return gr_trainer_fail_nonfinite(t, &t->now.state, "the validation loss is not finite", err);
  row->valid_loss = metrics.loss;
  for (int m = 0, i = 0; m < GR_N_METRICS; m++)
    if (t->metrics & GR_METRIC_BIT(m)) row->metric[i++] = values[m];
  return GRADUS_OK;
}

static gradus_status log_epoch(gr_trainer *t, gradus_error *err) {
  gr_text line = {0};
  double now = gr_clock_now(), seconds = now - t->epoch_start;
  gr_metrics_line(&t->now.history, t->now.history.n_rows - 1, &line);
  gradus_status status = gr_run_append(&t->run.metrics, &line, err);
  gr_text_free(&line);
  if (status != GRADUS_OK) return status;
  const gr_history_row *row = &t->now.history.row[t->now.history.n_rows - 1];
  const gr_timing timing = {.event = "epoch",
                            .epoch = row->epoch,
                            .step = row->step,
                            .seconds = seconds,
                            .samples_per_second = (double)t->epoch_samples / fmax(seconds, 1e-9),
                            .data_wait_fraction = t->last_wait,
                            .validation_seconds = t->epoch_validation,
                            .checkpoint_seconds = t->epoch_checkpoints};
  GR_TRY(gr_trainer_timing_at(t, timing, err));
  t->epoch_start = now;
  t->epoch_samples = 0;
  t->epoch_waited = gr_pass_waited(&t->prepared.train_pass);
  t->epoch_validation = t->epoch_checkpoints = 0;
  gradus_error reason;
  if (gr_run_check(&t->run, &reason) != GRADUS_OK) gr_trainer_warn(t, &reason);
  return now - t->last_csv < CSV_SECONDS ? GRADUS_OK : gr_trainer_show_history(t, err);
}

/* The end of an epoch, or of the run inside of one: its position and sums then stay, beside the row
 * of the history that it has all the same. */
static gradus_status end_epoch(gr_trainer *t, gradus_error *err) {
  gr_train_state *s = &t->now.state;
  gr_history_row row = {.step = s->step,
                        .epoch = s->epoch + 1,
                        .train_loss = s->epoch_loss / s->epoch_weight,
                        .valid_loss = (double)NAN,
                        .learning_rate = gr_trainer_rate(t, s->step - 1)};
  for (int i = 0; i < GR_MAX_METRICS; i++) row.metric[i] = (double)NAN;
  gr_engine_store(t->engine, t->now.model.parameters, t->now.moment);
  GR_TRY(validate(t, &row, err));
  GR_TRY(gr_history_append(&t->now.history, &row, err));
  if (s->position == t->prepared.n_train) {
    s->epoch++;
    s->position = 0;
    s->epoch_loss = s->epoch_weight = 0;
  }
  if (t->prepared.n_valid > 0)
    judge(t);
  else if (gr_stopping_stands_still(&t->prepared.config, &t->now.history))
    s->stopped_early = true;
  s->stopped_early |= s->search.end > 0;
  t->now.rollback =
      (gr_rollback){.skipped_steps = s->skipped_steps, .skipped_in_row = s->skipped_in_row};
  gr_trainer_note_beginning(t);
  GR_TRY(log_epoch(t, err));
  report_progress(t, true, gr_clock_now());
  if (s->search.end > 0) GR_TRY(gr_trainer_tell_converged(t, err));
  return s->step >= gr_trainer_last_step(t) || s->stopped_early ? finish(t, err) : GRADUS_OK;
}

/* The pass over the training rows stands at `position` of `epoch`, or goes there. */
static gradus_status begin_epoch(gr_trainer *t, uint64_t epoch, uint64_t position,
                                 gradus_error *err) {
  if (t->pass_epoch == epoch) return GRADUS_OK;
  GR_TRY(gr_pass_begin(&t->prepared.train_pass, epoch, position, err));
  t->pass_epoch = epoch;
  return GRADUS_OK;
}

static double rate(void *user, uint64_t step) {
  return gr_trainer_rate(user, step);
}

static gr_course course(void *user, uint64_t step) {
  const gr_trainer *t = user;
  return gr_schedule_course(&t->prepared.config, gr_trainer_schedule_step(t, step), t->total_steps);
}

static double average_share(void *user, uint64_t step) {
  const gr_trainer *t = user;
  return gr_average_share(&t->prepared.config, gr_trainer_schedule_step(t, step),
                          t->steps_per_epoch);
}

/* Whether anything has to be served after this step. The clock is asked about once a millisecond: a
 * look costs more than some steps. */
static bool wanted(gr_trainer *t) {
  if (atomic_load_explicit(&t->stop_requested, memory_order_relaxed) ||
      atomic_load_explicit(&t->checkpoint_requested, memory_order_relaxed) ||
      atomic_load_explicit(&t->stop_file, memory_order_relaxed))
    return true;
  if (t->given.checkpoint.every <= 0 ||
      (t->interval < 2 * LOOK_SECONDS && gr_writer_now(t->writer) != GR_WRITER_BUSY))
    return true;
  if (++t->unlooked < t->look_every) return false;
  const double now = gr_clock_now(), since = now - t->last_look;
  t->unlooked = 0;
  t->last_look = now;
  if (since < LOOK_SECONDS / 2)
    t->look_every *= 2;
  else if (since > LOOK_SECONDS && t->look_every > 1)
    t->look_every /= 2;
  gr_deadline_step(&t->deadline, since);
  return gr_trainer_time_is_up(t, now) || gr_trainer_save_wanted(t, now) ||
         (t->options.on_progress && now - t->last_progress >= PROGRESS_SECONDS);
}

void gr_trainer_count(gr_trainer *t, const gr_step_result *result, uint64_t n) {
  gr_train_state *s = &t->now.state;
  if (!result->finite) return;
  s->step++;
  s->position += n;
  s->samples_seen += n;
  s->skipped_in_row = 0;
  s->epoch_loss += result->loss;
  s->epoch_weight += result->weight;
  s->objective = result->objective;
  s->search = result->search;
}

/* A step is over: adds it up; false where the run must pause. */
static bool account(void *user, const gr_step_result *result, uint64_t n) {
  gr_trainer *t = user;
  if (!result->finite) return false;
  gr_trainer_count(t, result, n);
  t->session_steps++;
  t->session_samples += n;
  t->epoch_samples += n;
  return !wanted(t);
}

gradus_status gr_trainer_begin_pass(gr_trainer *t, gradus_error *err) {
  return begin_epoch(t, t->now.state.epoch, t->now.state.position, err);
}

/* Up to n steps from where the state stands. */
static gr_run run_of(gr_trainer *t, uint64_t n) {
  const gr_train_state *s = &t->now.state;
  const gr_pass *pass = &t->prepared.train_pass;
  return (gr_run){.rows = &pass->rows,
                  .order = &pass->order,
                  .feed = pass->feed,
                  .start = s->position,
                  .end = t->prepared.n_train,
                  .step = s->step,
                  .skipped = s->skipped_steps,
                  .n_steps = n,
                  .learning_rate = rate,
                  .average_share = average_share,
                  .course = course,
                  .user = t};
}

gradus_status gr_trainer_run_steps(gr_trainer *t, uint64_t n,
                                   bool (*after)(void *, const gr_step_result *, uint64_t),
                                   gr_step_result *result, gradus_error *err) {
  GR_TRY(gr_trainer_begin_pass(t, err));
  gr_run run = run_of(t, n);
  run.after = after;
  gr_engine_continue(t->engine, t->now.state.objective,
                     &t->now.state.search); /* after the step before, left out or not */
  gr_engine_run(t->engine, &run, result);
  return result->finite && result->starved ? run.feed->why(run.feed->user, err) : GRADUS_OK;
}

gradus_status gr_trainer_step_by(gr_trainer *t, gr_engine *engine, const gr_feed_hooks *feed,
                                 bool (*after)(void *, const gr_step_result *, uint64_t),
                                 gr_step_result *result, gradus_error *err) {
  gr_run run = run_of(t, 1);
  run.feed = feed;
  run.after = after;
  gr_engine_continue(engine, t->now.state.objective, &t->now.state.search);
  gr_engine_run(engine, &run, result);
  return result->finite && result->starved ? feed->why(feed->user, err) : GRADUS_OK;
}

/* Steps of this epoch up to where something has to be served, or the one that is left out. */
static gradus_status take_some(gr_trainer *t, uint64_t steps, gradus_error *err) {
  const uint64_t left_out = gr_trainer_until_left_out(t), audit = gr_trainer_until_audit(t),
                 left = gr_trainer_last_step(t) - t->now.state.step,
                 until = left_out < audit ? left_out : audit, free = until < left ? until : left;
  gr_step_result result;
  if (left_out == 0) {
    gr_trainer_leave_out(t);
    t->session_steps++;
    return GRADUS_OK;
  }
  t->last_look = gr_clock_now();
  t->unlooked = 0;
  if (audit == 0) {
    uint64_t n = 0;
    GR_TRY(gr_trainer_audit_step(t, &result, &n, err));
    (void)account(t, &result, n);
  } else {
    GR_TRY(gr_trainer_run_steps(t, steps < free ? steps : free, account, &result, err));
  }
  if (result.finite) return GRADUS_OK;
  t->session_steps++;
  return gr_trainer_nonfinite(t, &result, err);
}

/* Of an epoch, or of the run. */
static bool stands_at_an_end(const gr_trainer *t) {
  const gr_train_state *s = &t->now.state;
  return s->position == t->prepared.n_train || s->step >= gr_trainer_last_step(t);
}

/* Up to `steps` steps of this epoch, to where something has to be served; counts them in *taken. */
static gradus_status take_steps(gr_trainer *t, uint64_t steps, uint64_t *taken, gradus_error *err) {
  const gr_train_state *s = &t->now.state;
  const uint64_t before = t->session_steps;
  const gradus_status status = take_some(t, steps, err);
  *taken = t->session_steps - before;
  if (status != GRADUS_OK || !stands_at_an_end(t)) return status;
  GR_TRY(gr_trainer_check(t, err)); /* so that nothing bad outlives its epoch */
  if (!stands_at_an_end(t)) return GRADUS_OK;
  if (s->step < gr_trainer_last_step(t))
    GR_TRY(begin_epoch(t, s->epoch + 1, 0, err)); /* reads ahead while this one is validated */
  return end_epoch(t, err);
}

static gradus_status stop(gr_trainer *t, const char *why, gradus_error *err) {
  const gr_train_state *s = &t->now.state;
  gr_text line = {0};
  t->must_stop = true; /* where steps have to be taken again for it, as few as possible */
  const gradus_status saved = gr_trainer_checkpoint(t, NULL, 0, err);
  t->must_stop = false;
  GR_TRY(saved);
  atomic_store(&t->stop_file, 0);
  withdraw_stop(t);
  GR_TRY(mark(t, "end", why, err));
  gr_text_printf(&line, "stopped (%s) at step %llu of %llu; the same command goes on from %s", why,
                 (unsigned long long)s->step, (unsigned long long)gr_trainer_last_step(t),
                 t->saved_path);
  if (line.data) gr_run_message(&t->run, GR_INFO, line.data); /* the caller has it as the error */
  gradus_status status = gr_fail(err, GRADUS_ERR_STOPPED, "%s", line.data ? line.data : why);
  gr_text_free(&line);
  gradus_error reason;
  if (gr_run_check(&t->run, &reason) != GRADUS_OK) /* the next session makes them whole again */
    gr_log_write(&t->log, GR_WARNING, "%s", reason.message);
  return status;
}

static bool is_raised(const atomic_int *flag) {
  return atomic_load_explicit(flag, memory_order_relaxed) != 0;
}

/* Whether something was asked for; a flag that is down is only looked at. */
static bool take_request(atomic_int *flag) {
  return is_raised(flag) && atomic_exchange(flag, 0);
}

/* What was asked for between two steps: the clock is read once for all of it. */
static gradus_status serve(gr_trainer *t, gradus_error *err) {
  const double now = gr_clock_now();
  if (t->epoch_samples > 0) report_progress(t, false, now);
  if (take_request(&t->stop_requested)) return stop(t, "on request", err);
  if (take_request(&t->stop_file)) return stop(t, "STOP file", err);
  if (gr_trainer_time_is_up(t, now)) return stop(t, "time limit", err);
  return gr_trainer_save_if_due(t, take_request(&t->checkpoint_requested), now, err);
}

gradus_status gr_trainer_advance(gr_trainer *trainer, uint64_t steps, bool *finished,
                                 gradus_error *err) {
  gradus_status status = GRADUS_OK;
  *finished = false;
  if (!trainer->has_run) return gr_fail(err, GRADUS_ERR_USAGE, "a dry run cannot train");
  const unsigned environment = gr_environment_enter();
  trainer->entered = gr_clock_now();
  uint64_t taken = 0;
  for (; steps > 0 && !trainer->now.state.finished && status == GRADUS_OK; steps -= taken) {
    taken = 0;
    status = serve(trainer, err);
    if (status == GRADUS_OK) status = take_steps(trainer, steps, &taken, err);
  }
  if (!gr_store_is_threadsafe()) { /* the caller may go on to use HDF5 */
    gradus_status settled = gr_trainer_settle(trainer, status == GRADUS_OK ? err : NULL);
    if (status == GRADUS_OK) status = settled;
  }
  trainer->training_seconds += gr_clock_now() - trainer->entered;
  trainer->entered = 0;
  gr_environment_leave(environment);
  *finished = status == GRADUS_OK && trainer->now.state.finished;
  return status;
}
