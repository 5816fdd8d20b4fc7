/* Starting or continuing a run. All that can fail fails here, in an order that leaves an existing
 * run untouched until its recipe and data are known to be the same: prepare, engine, lock, compare,
 * resume, and only then write. */
#include <config.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/cgroup.h"
#include "base/clock.h"
#include "base/memory.h"
#include "exec/team.h"
#include "net/average.h"
#include "net/schedule.h"
#include "train/begin.h"
#include "train/classes.h"
#include "train/environment.h"
#include "train/files.h"
#include "train/run_log.h"
#include "train/trainer_internal.h"

/* Every message goes to the caller and, once there is a run, to log.txt. */
static void sink(void *user, gr_level level, const char *text) {
  gr_trainer *t = user;
  gr_run_message(&t->run, level, text);
  gr_log_write(&t->options.log, level, "%s", text);
}

static void log_lines(const gr_log *log, const gr_text *text) {
  const char *line = text->data ? text->data : "";
  while (*line) {
    size_t n = strcspn(line, "\n");
    gr_log_write(log, GR_INFO, "%.*s", (int)n, line);
    line += n + (line[n] == '\n');
  }
}

static gradus_status make_engine(gr_trainer *t, gradus_error *err) {
  const gr_config *config = &t->prepared.config;
  gr_engine_resources resources = {.isa = config->resources.isa,
                                   .pin = config->resources.pin,
                                   .strategy = config->resources.strategy};
  gr_team_cpu(&t->cpu);
  resources.threads = gr_cpu_threads(&t->cpu, t->threads_reason, sizeof t->threads_reason);
  if (config->resources.threads > 0) {
    resources.threads = (int)config->resources.threads;
    snprintf(t->threads_reason, sizeof t->threads_reason, "resources.threads");
  }
  return gr_engine_create(&t->now.model.network, config, &resources, false, &t->engine, err);
}

/* Buffers for parameters, moments, the best epoch and, where metrics need them, outputs. */
static gradus_status make_buffers(gr_trainer *t, gradus_error *err) {
  gr_checkpoint *now = &t->now;
  const size_t n = now->model.network.n_parameters;
  now->n_moments = (uint32_t)gr_state_vectors(&t->prepared.config);
  now->model.parameters = gr_calloc(n, sizeof(float));
  if (!now->model.parameters) return gr_fail_memory(err, "the parameters");
  for (uint32_t m = 0; m < now->n_moments; m++) {
    now->moment[m] = gr_calloc(n, sizeof(float));
    if (!now->moment[m]) return gr_fail_memory(err, "the moments");
  }
  if (t->prepared.n_valid == 0) return GRADUS_OK;
  t->best = gr_alloc(n, sizeof(float));
  if (!t->best) return gr_fail_memory(err, "the best parameters");
  return GRADUS_OK;
}

/* Rows that `steps` steps have taken. */
static uint64_t samples_of(const gr_trainer *t, uint64_t steps) {
  return steps / t->steps_per_epoch * t->prepared.n_train +
         steps % t->steps_per_epoch * gr_config_step_rows(&t->prepared.config);
}

/* What the history holds of each validation. */
static gradus_status make_metrics(gr_trainer *t, gradus_error *err) {
  gr_history *history = &t->now.history;
  const gr_prepared *p = &t->prepared;
  t->metrics = gr_metrics_wanted(&p->config);
  for (int m = 0; m < GR_N_METRICS; m++)
    if (t->metrics & GR_METRIC_BIT(m))
      snprintf(history->metric_names[history->n_metrics++], GR_METRIC_NAME, "%s",
               gr_metrics_table[m].name);
  if (!(t->metrics & ~GR_METRIC_USUAL)) return GRADUS_OK; /* the engine's totals have those */
  return gr_scores_open(&t->scores, &p->config, &p->preprocessing, &p->valid_pass, t->metrics,
                        t->data->memory, err);
}

static gradus_status make_model(gr_trainer *t, gradus_error *err) {
  gr_model *model = &t->now.model;
  const gr_config *config = &t->prepared.config;
  GR_TRY(gr_config_copy(config, &model->config, err));
  GR_TRY(gr_preprocessing_copy(&t->prepared.preprocessing, &model->preprocessing, err));
  GR_TRY(gr_network_make(config, &model->network, err));
  if (gr_schedule_needs_validation(config) && t->prepared.n_valid == 0)
    return gr_fail(err, GRADUS_ERR_CONFIG,
                   "schedule.name: %s follows the validation loss, but no rows are held out; set "
                   "data.valid_split",
                   gr_schedules[config->schedule.name].name);
  t->steps_per_epoch = gr_config_epoch_steps(config, t->prepared.n_train);
  t->total_steps = gr_config_total_steps(config, t->prepared.n_train);
  t->total_samples = samples_of(t, t->total_steps);
  t->schedule.epoch_steps = t->steps_per_epoch;
  if (gr_metric_judged(config) != GR_N_METRICS && t->prepared.n_valid == 0)
    return gr_fail(err, GRADUS_ERR_CONFIG,
                   "training.early_stopping.metric: %s is measured on rows held out, but there are "
                   "none; set data.valid_split",
                   gr_metrics_table[gr_metric_judged(config)].name);
  if (t->prepared.n_valid > 0) GR_TRY(make_metrics(t, err));
  snprintf(t->now.state.dataset_digest, sizeof t->now.state.dataset_digest, "%s", t->data->digest);
  t->now.data = t->data->print;
  return GRADUS_OK;
}

/* Each rollback has halved it; after 2000 of them it is 0. */
double gr_trainer_rate(const gr_trainer *t, uint64_t step) {
  double rate = gr_schedule_rate(&t->prepared.config, gr_trainer_schedule_step(t, step),
                                 t->total_steps, &t->schedule);
  for (uint64_t i = 0; i < t->now.state.rollbacks && i < 2000; i++) rate *= 0.5;
  return rate;
}

/* The lines of `text` as one, parted by "; ". */
static void join_lines(const gr_text *text, gr_text *out) {
  const char *line = text->data ? text->data : "";
  while (*line) {
    size_t n = strcspn(line, "\n");
    gr_text_puts(out, out->length ? "; " : "");
    gr_text_append(out, line, n);
    line += n + (line[n] == '\n');
  }
}

static gradus_status compare_recipes(const gr_trainer *t, const gr_config *old, const char *where,
                                     gradus_error *err) {
  gr_text lines = {0}, joined = {0};
  gradus_status status = GRADUS_OK;
  bool differs = gr_config_compare(old, &t->prepared.config, true, &lines) > 0;
  if (differs) join_lines(&lines, &joined);
  if (lines.failed || joined.failed) /* then it is not known whether they differ */
    status = gr_fail_memory(err, "comparing recipes");
  else if (differs)
    status = gr_fail(err, GRADUS_ERR_CONFIG, "%s: holds a run of another recipe: %s", where,
                     joined.data);
  gr_text_free(&lines);
  gr_text_free(&joined);
  return status;
}

/* A run that was killed before its first checkpoint left only its recipe and run.json. */
static gradus_status compare_records(const gr_trainer *t, gradus_error *err) {
  char digest[GR_DIGEST_TEXT];
  gr_config old;
  bool found, changed;
  gr_run_data_digest(t->run.path, digest);
  GR_TRY(gr_trainer_compare_data(t, digest, NULL, t->run.path, &changed, err));
  GR_TRY(gr_run_read_recipe(t->run.path, &old, &found, err));
  if (!found) return GRADUS_OK;
  gradus_status status = compare_recipes(t, &old, t->run.path, err);
  gr_config_free(&old);
  return status;
}

/* Whether a state can be one of this recipe: its numbers follow from the step. */
static bool is_consistent(const gr_trainer *t, const gr_checkpoint *c) {
  const gr_train_state *s = &c->state;
  if (s->base_epoch > s->epoch || s->base_step > s->step || s->base_samples > s->samples_seen)
    return false;
  const uint64_t batch = gr_config_step_rows(&t->prepared.config),
                 n = t->data_changed ? s->position + 1 : t->prepared.n_train;
  const bool ends_inside = /* of an epoch */
      s->position > 0 && gr_config_has_budget(&t->prepared.config) && s->step >= t->total_steps;
  const bool fits =
      t->data_changed ||
      (s->position % batch == 0 && s->step == gr_trainer_epoch_step(t, s) + s->position / batch &&
       s->samples_seen == gr_trainer_epoch_samples(t, s) + s->position);
  return fits && s->position < n && s->epoch <= s->step && s->skipped_steps <= s->step &&
         c->history.n_rows == s->epoch + ends_inside &&
         c->history.n_metrics == t->now.history.n_metrics &&
         (!s->has_best || (s->best_epoch > 0 && s->best_epoch <= s->epoch + ends_inside));
}

static gradus_status check_content(const gr_trainer *t, const gr_checkpoint *c, const char *path,
                                   gradus_error *err) {
  const size_t n = t->now.model.network.n_parameters;
  if (c->model.network.n_parameters != n)
    return gr_fail(err, GRADUS_ERR_DATA, "%s: holds %zu parameters, the recipe has %zu", path,
                   c->model.network.n_parameters, n);
  if (c->n_moments != t->now.n_moments)
    return gr_fail(err, GRADUS_ERR_DATA,
                   "%s: holds no state of the optimizer, so training cannot go on from it", path);
  if (t->prepared.config.training.on_nonfinite == GR_NONFINITE_ROLLBACK && c->state.position > 0 &&
      !c->rollback.parameters)
    return gr_fail(err, GRADUS_ERR_CONFIG,
                   "%s: stands in the middle of an epoch and does not hold its beginning, which "
                   "training.on_nonfinite rollback goes back to; use skip, or train anew",
                   path);
  if (!is_consistent(t, c))
    return gr_fail(err, GRADUS_ERR_DATA, "%s: its state does not fit the recipe", path);
  return GRADUS_OK;
}

/* The last state that may be gone back to: that of the checkpoint, or where its epoch began. */
static void adopt_beginning(gr_trainer *t, const gr_checkpoint *c) {
  gr_checkpoint *now = &t->now;
  const size_t bytes = now->model.network.n_parameters * sizeof(float);
  const gr_rollback *r = &c->rollback;
  const bool kept = r->parameters && now->n_moments == c->n_moments;
  memcpy(now->model.parameters, kept ? r->parameters : c->model.parameters, bytes);
  for (uint32_t m = 0; m < now->n_moments; m++)
    memcpy(now->moment[m], kept ? r->moment[m] : c->moment[m], bytes);
  now->rollback = *r;
  now->rollback.parameters = NULL;
  memset(now->rollback.moment, 0, sizeof now->rollback.moment);
  gr_trainer_note_beginning(t);
  if (kept) {                  /* the state itself is good, too: it waits where snapshots lie */
    gr_writer_wait(t->writer); /* is still making that memory its own */
    memcpy(t->snapshot.at.model.parameters, c->model.parameters, bytes);
    for (uint32_t m = 0; m < now->n_moments; m++)
      memcpy(t->snapshot.at.moment[m], c->moment[m], bytes);
    gr_trainer_note_snapshot(t);
  }
  if (now->state.position == 0) {
    now->rollback.skipped_steps = now->state.skipped_steps;
    now->rollback.skipped_in_row = now->state.skipped_in_row;
  }
  if (!kept) return;
  t->began.step = gr_trainer_epoch_step(t, &now->state);
  t->began.samples_seen = gr_trainer_epoch_samples(t, &now->state);
  t->began.position = 0;
  t->began.epoch_loss = t->began.epoch_weight = 0;
  t->began.skipped_steps = r->skipped_steps;
  t->began.skipped_in_row = r->skipped_in_row;
}

/* Takes over what the run has become; the model's recipe and preprocessing stay ours (they are
 * equal but for the number of epochs). */
static void adopt(gr_trainer *t, gr_checkpoint *c) {
  gr_checkpoint *now = &t->now;
  gr_engine_load(t->engine, c->model.parameters, (const float *const *)c->moment);
  if (c->state.has_best && c->best_parameters && t->best)
    memcpy(t->best, c->best_parameters, now->model.network.n_parameters * sizeof(float));
  else if (c->state.has_best && t->best) /* the best model itself */
    memcpy(t->best, c->model.parameters, now->model.network.n_parameters * sizeof(float));
  gr_history_free(&now->history);
  now->history = c->history;
  c->history = (gr_history){0};
  now->state = c->state;
  gr_engine_continue(t->engine, c->state.objective, &c->state.search);
  for (size_t i = 0; i < now->history.n_rows && t->prepared.n_valid > 0; i++) {
    (void)gr_stopping_judge(&t->prepared.config, -gr_trainer_merit(t, &now->history.row[i]),
                            &t->stopping);
    (void)gr_schedule_judge(&t->prepared.config, now->history.row[i].valid_loss, &t->schedule);
  }
  snprintf(now->state.dataset_digest, sizeof now->state.dataset_digest, "%s", t->data->digest);
  now->state.finished = now->state.stopped_early || now->state.step >= gr_trainer_last_step(t);
  adopt_beginning(t, c);
}

static gradus_status resume_from(gr_trainer *t, gr_checkpoint *c, const char *path,
                                 gradus_error *err) {
  GR_TRY(gr_trainer_compare_data(t, c->state.dataset_digest, c, path, &t->data_changed, err));
  GR_TRY(compare_recipes(t, &c->model.config, path, err));
  GR_TRY(check_content(t, c, path, err));
  GR_TRY(gr_trainer_check_scales(t, c, path, err));
  adopt(t, c);
  t->saved_step = t->data_changed ? UINT64_MAX : t->now.state.step;
  snprintf(t->saved_path, sizeof t->saved_path, "%s", path);
  return t->data_changed ? gr_trainer_change_data(t, c, err) : GRADUS_OK;
}

/* Goes on from the newest intact checkpoint of the run, or the file the caller named where that is
 * further on; so a command with --resume that was interrupted goes on, too. */
static gradus_status resume(gr_trainer *t, bool *resumed, gradus_error *err) {
  char path[4096] = "";
  gr_checkpoint c = {0};
  bool found = false, named = false;
  gradus_status status =
      gr_trainer_find_state(t, t->run.path, &t->log, &c, &found, &named, path, err);
  if (status == GRADUS_OK && found) status = resume_from(t, &c, path, err);
  if (status == GRADUS_OK && named)
    t->saved_step = UINT64_MAX; /* the run holds nothing of it yet */
  if (status == GRADUS_OK) *resumed = found;
  gr_checkpoint_free(&c);
  return status;
}

static gradus_status start_afresh(gr_trainer *t, gradus_error *err) {
  GR_TRY(gr_begin_parameters(t->engine, &t->now.model.network, &t->prepared.config,
                             &t->prepared.train_pass, t->prepared.n_train, t->now.model.parameters,
                             err));
  gr_engine_store(t->engine, t->now.model.parameters, t->now.moment);
  gr_trainer_note_beginning(t);
  return GRADUS_OK;
}

/* The step of the model in best.h5, which may be older, or newer, than the state we go on from. */
static uint64_t step_of_best(const gr_trainer *t) {
  char path[GR_RUN_FILE];
  uint64_t step;
  gr_run_file(t->run.path, "best.h5", path);
  return gr_checkpoint_verify(path, &step, NULL) == GRADUS_OK ? step : UINT64_MAX;
}

/* A request to stop from before this start was meant for another session. */
static gradus_status forget_stop(const gr_trainer *t, gradus_error *err) {
  bool was;
  GR_TRY(gr_run_withdraw_stop(t->run.path, &was, err));
  if (was)
    gr_log_write(&t->log, GR_INFO, "%s/STOP was there before this start: removed, training goes on",
                 t->run.path);
  return GRADUS_OK;
}

static gradus_status write_records(gr_trainer *t, bool resumed, gradus_error *err) {
  char recipe_digest[GR_DIGEST_TEXT];
  gr_text metrics = {0};
  gradus_status status;
  gr_metrics_file(&t->now.history, &t->now.state, t->now.state.finished, &metrics);
  status = metrics.failed ? gr_fail_memory(err, "metrics.jsonl")
                          : gr_run_open_logs(&t->run, &metrics, t->now.state.step, err);
  gr_text_free(&metrics);
  if (status != GRADUS_OK || t->now.state.finished) return status;
  GR_TRY(gr_config_digest(&t->prepared.config, recipe_digest, err));
  gr_run_facts facts = {.data_path = t->data->path,
                        .data_digest = t->data->digest,
                        .data_changed = gr_trainer_has_changed_data(t),
                        .recipe_digest = recipe_digest,
                        .command_line = t->options.command_line,
                        .cpu = t->cpu.model,
                        .isa = gr_engine_isa(t->engine),
                        .threads_reason = t->threads_reason,
                        .threads = gr_engine_threads(t->engine)};
  GR_TRY(gr_run_write_config(&t->run, &t->given, t->options.config_path, err));
  GR_TRY(gr_run_write_recipe(&t->run, &t->prepared.config, err));
  GR_TRY(gr_run_write_facts(&t->run, &facts, err));
  const gr_timing timing = {
      .event = resumed ? "resume" : "start", .seconds = -1, .detail = gr_engine_isa(t->engine)};
  return gr_trainer_timing(t, timing, err);
}

/* Where the inputs are, when that is not simply memory. */
static void announce_data(const gr_trainer *t) {
  const gr_split *train = &t->data->split[GR_TRAIN];
  gr_text where = {0};
  if (!train->source) return;
  const double row = (double)t->data->n_columns * (double)gr_dtype_size(train->x_type);
  gr_pass_describe(&t->prepared.train_pass, &where);
  gr_log_write(&t->log, GR_INFO, "inputs of %.0f MiB, with %.0f MiB of memory for data: %s",
               (double)train->n_rows * row / 0x1p20, (double)t->data->memory / 0x1p20,
               where.data ? where.data : "");
  gr_text_free(&where);
  const double left = gr_memory_left("");
  if (t->prepared.config.training.shuffle == GR_SHUFFLE_FULL && left > 0 && row < 4096 &&
      (double)train->n_rows * row > left)
    gr_log_write(
        &t->log, GR_WARNING,
        "the inputs are larger than the %.0f MiB of memory that are left, and training.shuffle "
        "is full: each row may cost a page read from the disk; window reads whole blocks",
        left / 0x1p20);
}

static void announce(gr_trainer *t, bool resumed) {
  const gr_train_state *s = &t->now.state;
  const gr_log *log = &t->log;
  if (s->finished) {
    gr_log_write(log, GR_INFO, "%s: the run is finished: epoch %llu, step %llu%s", t->run.path,
                 (unsigned long long)s->epoch, (unsigned long long)s->step,
                 s->stopped_early ? ", stopped early" : "");
    return;
  }
  if (!resumed) log_lines(log, &t->prepared.notes);
  gr_log_write(log, GR_INFO, "%llu rows to train on, %llu to validate on; %zu parameters; %s",
               (unsigned long long)t->prepared.n_train, (unsigned long long)t->prepared.n_valid,
               t->now.model.network.n_parameters, t->run.path);
  gr_log_write(log, GR_INFO, "%d thread%s (%s), %s", gr_engine_threads(t->engine),
               gr_engine_threads(t->engine) == 1 ? "" : "s", t->threads_reason,
               gr_engine_isa(t->engine));
  announce_data(t);
  if (resumed)
    gr_log_write(log, GR_INFO, "resumed from %s: epoch %llu, step %llu", t->saved_path,
                 (unsigned long long)s->epoch, (unsigned long long)s->step);
}

static gradus_status choose_directory(const gr_trainer *t, char path[GR_RUN_PATH],
                                      gradus_error *err) {
  char digest[GR_DIGEST_TEXT];
  const char *wanted = t->options.run_directory;
  GR_TRY(gr_config_digest(&t->prepared.config, digest, err));
  if (!wanted) return gr_run_default_path(t->data->path, digest, t->data->digest, path, err);
  if (snprintf(path, GR_RUN_PATH, "%s", wanted) >= GR_RUN_PATH)
    return gr_fail(err, GRADUS_ERR_CANTCREATE, "the run directory's name is too long");
  size_t n = strlen(path);
  while (n > 1 && path[n - 1] == '/') path[--n] = '\0';
  return GRADUS_OK;
}

static gradus_status open_run(gr_trainer *t, gradus_error *err) {
  char path[GR_RUN_PATH];
  bool resumed = false;
  GR_TRY(choose_directory(t, path, err));
  if (t->options.fresh && gr_run_exists(path))
    return gr_fail(err, GRADUS_ERR_CANTCREATE,
                   "%s: holds a run already, and a fresh one was asked "
                   "for; name another directory",
                   path);
  GR_TRY(gr_run_open(path, t->options.command_line, &t->log, &t->run, err));
  t->has_run = true;
  gr_checkpoint_prune(t->run.path, INT64_MAX,
                      &t->log);     /* what a kill left of best.h5 and final.h5 */
  GR_TRY(resume(t, &resumed, err)); /* a checkpoint knows more than the records */
  GR_TRY(compare_records(t, err));
  if (!resumed) GR_TRY(start_afresh(t, err));
  t->wall_before = t->now.state.wall_seconds;
  GR_TRY(forget_stop(t, err));
  GR_TRY(write_records(t, resumed, err));
  gr_trainer_begin_saving(t, step_of_best(t));
  t->started = true;
  announce(t, resumed);
  return t->now.state.finished ? gr_trainer_complete(t, err) : GRADUS_OK;
}

static gradus_status create(const gr_config *config, const gr_dataset *data,
                            const gr_trainer_options *options, gr_trainer **out,
                            gradus_error *err) {
  gradus_status status = GRADUS_OK;
  *out = NULL;
  gr_trainer *t = gr_calloc(1, sizeof *t);
  if (!t) return gr_fail_memory(err, "a trainer");
  t->options = *options;
  t->data = data;
  t->run = GR_RUN_CLOSED;
  t->log = (gr_log){sink, t};
  t->pass_epoch = t->saved_step = UINT64_MAX;
  t->look_every = 1;
  t->session_start = t->last_save = t->epoch_start = gr_clock_now();
  t->deadline = (gr_deadline){.limit = options->time_limit, .start = t->session_start};
  GR_TRY_ELSE(fail, gr_config_copy(config, &t->given, err));
  GR_TRY_ELSE(fail, gr_trainer_prepare(t, err));
  GR_TRY_ELSE(fail, make_model(t, err));
  GR_TRY_ELSE(fail, make_buffers(t, err));
  if (!options->dry_run) GR_TRY_ELSE(fail, gr_trainer_make_writer(t, err));
  GR_TRY_ELSE(fail, make_engine(t, err));
  GR_TRY_ELSE(fail, gr_trainer_make_audit(t, err));
  if (options->dry_run)
    GR_TRY_ELSE(fail, start_afresh(t, err));
  else
    GR_TRY_ELSE(fail, open_run(t, err));
  t->last_save = t->epoch_start = gr_clock_now();
  *out = t;
  return GRADUS_OK;
fail:
  gr_trainer_destroy(t);
  return status;
}

gradus_status gr_trainer_create(const gr_config *config, const gr_dataset *data,
                                const gr_trainer_options *options, gr_trainer **out,
                                gradus_error *err) {
  const unsigned environment = gr_environment_enter();
  gradus_status status = create(config, data, options, out, err);
  gr_environment_leave(environment);
  return status;
}

void gr_trainer_destroy(gr_trainer *trainer) {
  if (!trainer) return;
  gr_trainer_end_saving(trainer);
  gr_trainer_end_audit(trainer);
  gr_engine_destroy(trainer->engine);
  trainer->now.best_parameters = NULL; /* `best` owns them */
  gr_checkpoint_free(&trainer->now);
  gr_free(trainer->best);
  gr_scores_close(&trainer->scores);
  gr_prepared_free(&trainer->prepared);
  gr_config_free(&trainer->given);
  if (trainer->started || !trainer->has_run)
    gr_run_close(&trainer->run);
  else
    gr_run_abandon(&trainer->run);
  gr_free(trainer);
}
