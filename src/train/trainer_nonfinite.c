/* Numbers that have gone bad. A loss that is not finite shows in its step, before anything has
 * changed. A weight or moment may become so by an update whose loss was finite, and show later: in
 * the next loss, at the end of the epoch, or before a checkpoint. As the same steps give the same
 * bits, it does not matter when: training goes back to the last good state in memory (the last
 * snapshot, or the beginning of the epoch or session), takes the steps again one by one, and finds
 * the first bad one. A session that has to end meanwhile ends after one of them, which is further
 * than where the search began: however short sessions are, the step is found.
 *
 * A rollback goes to the beginning of the epoch, not to the last snapshot: when snapshots are taken
 * is a matter of the clock, and the bits may not depend on it.
 * What the policy does follows from that step alone, so nothing depends on when it was looked for.
 */
#include <config.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "train/bad_batch.h"
#include "train/environment.h"
#include "train/files.h"
#include "train/run_log.h"
#include "train/trainer_internal.h"

#define FOLDER "nonfinite"
enum {
  SAVED_BATCHES = 10, /* of a run: the first ones */
  TOLD_EVENTS = 1000  /* of a run, as lines; later ones are only counted */
};

/* A step in which something is not finite. */
typedef struct finding {
  uint64_t step, position; /* 0-based; of its first row in the epoch */
  uint64_t n;              /* its rows */
  char what[200];
  uint64_t n_bad; /* rows whose loss is not finite, by place in the step; the first of them */
  uint64_t first_bad;
  bool postponed; /* a request to stop is served first: the step will be met again */
  bool saved;     /* its rows lie in a file */
  char file[GR_RUN_FILE];
} finding;

/* ---- where training stands ---- */

void gr_trainer_note_beginning(gr_trainer *t) {
  t->began = t->good = t->now.state;
  t->good_parameters = t->now.model.parameters;
  t->good_moment = t->now.moment;
}

void gr_trainer_note_snapshot(gr_trainer *t) {
  t->good = t->now.state;
  t->good_parameters = t->snapshot.at.model.parameters;
  t->good_moment = t->snapshot.at.moment;
}

/* Of the step that the state is before. */
static uint64_t step_rows(const gr_trainer *t) {
  const uint64_t rows = gr_config_step_rows(&t->prepared.config),
                 left = t->prepared.n_train - t->now.state.position;
  return left < rows ? left : rows;
}

uint64_t gr_trainer_until_left_out(const gr_trainer *t) {
  const gr_rollback *r = &t->now.rollback;
  for (uint64_t i = 0; i < r->n_left_out; i++)
    if (r->left_out[i] >= t->now.state.step) return r->left_out[i] - t->now.state.step;
  return UINT64_MAX;
}

void gr_trainer_leave_out(gr_trainer *t) {
  gr_train_state *s = &t->now.state;
  const uint64_t n = step_rows(t);
  s->step++;
  s->position += n;
  s->samples_seen += n;
  s->skipped_steps++;
  t->pass_epoch = UINT64_MAX; /* rows may come from a feed, which has to be told */
}

/* Back to the last good state in memory. What counts rollbacks stays. */
static void go_back(gr_trainer *t) {
  const uint64_t rollbacks = t->now.state.rollbacks;
  gr_engine_load(t->engine, t->good_parameters, (const float *const *)t->good_moment);
  t->now.state = t->good;
  t->now.state.rollbacks = rollbacks;
  t->pass_epoch = UINT64_MAX;
}

static bool count(void *user, const gr_step_result *result, uint64_t n) {
  gr_trainer_count(user, result, n);
  return !gr_trainer_must_stop(user);
}

static gradus_status fail_repeating(gr_trainer *t, uint64_t step, gradus_error *err) {
  (void)gr_trainer_save_now(t, true, false, NULL);
  return gr_fail(err, GRADUS_ERR_NONFINITE,
                 "step %llu: something was NaN or infinite, but the same steps taken again from "
                 "step %llu gave other numbers: memory or processor may be faulty; the newest "
                 "checkpoint is %s",
                 (unsigned long long)step, (unsigned long long)t->good.step,
                 t->saved_path[0] ? t->saved_path : "none yet");
}

/* Takes steps again up to `step`, all of which were good; fewer, but one at least, where the
 * session has to end (*postponed). */
static gradus_status advance_to(gr_trainer *t, uint64_t step, bool *postponed, gradus_error *err) {
  gr_train_state *s = &t->now.state;
  const uint64_t first = s->step;
  while (s->step < step) {
    const uint64_t free = gr_trainer_until_left_out(t), left = step - s->step;
    gr_step_result result;
    *postponed = s->step > first && gr_trainer_must_stop(t);
    if (*postponed) return GRADUS_OK;
    if (free == 0) {
      gr_trainer_leave_out(t);
      continue;
    }
    GR_TRY(gr_trainer_run_steps(t, left < free ? left : free, count, &result, err));
    if (!result.finite) return fail_repeating(t, s->step + 1, err);
  }
  return GRADUS_OK;
}

/* ---- what is bad ---- */

static void describe_loss(const gr_step_result *r, char out[200]) {
  const unsigned long long row = (unsigned long long)r->bad_row;
  if (r->bad_layer > 0)
    snprintf(out, 200, "the output of layer %d (neuron %u) is not finite for train row %llu",
             r->bad_layer, (unsigned)r->bad_column, row);
  else if (r->bad_layer == 0)
    snprintf(out, 200, "the inputs (column %u) are not finite in train row %llu",
             (unsigned)r->bad_column, row);
  else
    snprintf(out, 200, "the %s is not finite", isfinite(r->loss) ? "gradient" : "loss");
}

/* After a step whose loss was finite: a layer whose parameters are not, by the update. */
static void describe_state(const gr_trainer *t, uint64_t n, int layer, int vector, char out[200]) {
  char kind[48] = "a weight";
  uint64_t row;
  if (vector > 0) snprintf(kind, sizeof kind, "moment %d of the optimizer", vector);
  if (vector < 0) snprintf(kind, sizeof kind, "an averaged weight");
  const int delta = gr_engine_bad_delta(t->engine, n, &row);
  char of[32] = "the input scales";
  if (layer != GR_BAD_FRONT) snprintf(of, sizeof of, "layer %d", layer);
  int used = snprintf(out, 200, "its update made %s of %s NaN or infinite", kind, of);
  if (delta > 0 && used > 0)
    snprintf(out + used, 200 - (size_t)used, " (the deltas of layer %d are not finite)", delta);
}

/* The first bad row of the step as it is in the engine, by place in the step. */
static void find_rows(const gr_trainer *t, const gr_step_result *r, finding *f) {
  uint64_t *bad = gr_alloc(r->bad_n, sizeof *bad);
  if (!bad) return; /* then they are not named */
  f->n_bad = gr_engine_bad_losses(t->engine, r->bad_n, bad);
  if (f->n_bad) f->first_bad = r->bad_start - f->position + bad[0];
  gr_free(bad);
}

/* ---- the first bad step ---- */

static finding begin_finding(const gr_trainer *t) {
  return (finding){.step = t->now.state.step, .position = t->now.state.position, .n = step_rows(t)};
}

static void describe_step(const gr_trainer *t, const gr_step_result *r, finding *f) {
  int vector = 0;
  if (r->finite) {
    const uint64_t batch = (uint64_t)t->prepared.config.training.batch_size,
                   last = f->n % batch ? f->n % batch : batch;
    const int layer = gr_engine_bad_state(t->engine, &vector);
    describe_state(t, last, layer, vector, f->what);
  } else {
    describe_loss(r, f->what);
    find_rows(t, r, f);
  }
}

/* Whether the first bad step, once found, is undone with all of its epoch. */
static bool will_roll_back(const gr_trainer *t) {
  return t->prepared.config.training.on_nonfinite == GR_NONFINITE_ROLLBACK &&
         t->now.rollback.n_left_out < (uint64_t)t->prepared.config.training.nonfinite_limit;
}

/* From the state in memory to before `until`, step by step; ends before the first bad one (at an
 * earlier state where that will be left anyway), or where the session has to end, after one step at
 * least, at a state that is as good as any. */
static gradus_status find_step(gr_trainer *t, uint64_t until, finding *f, gradus_error *err) {
  bool found = false;
  int vector;
  go_back(t);
  while (!found && t->now.state.step < until) {
    gr_step_result result;
    f->postponed = t->now.state.step > t->good.step && gr_trainer_must_stop(t);
    if (f->postponed) return GRADUS_OK;
    if (gr_trainer_until_left_out(t) == 0) {
      gr_trainer_leave_out(t);
      continue;
    }
    *f = begin_finding(t);
    GR_TRY(gr_trainer_run_steps(t, 1, count, &result, err));
    found = !result.finite || gr_engine_bad_state(t->engine, &vector) != 0;
    if (found) describe_step(t, &result, f);
  }
  if (!found) return fail_repeating(t, until, err);
  go_back(t);
  return will_roll_back(t) ? GRADUS_OK : advance_to(t, f->step, &f->postponed, err);
}

/* ---- its record ---- */

/* Numbers of its rows in train. */
static gradus_status number_rows(gr_trainer *t, const finding *f, uint64_t *row,
                                 gradus_error *err) {
  t->pass_epoch = UINT64_MAX;
  GR_TRY(gr_trainer_begin_pass(t, err));
  for (uint64_t i = 0; i < f->n; i++)
    row[i] = gr_row_order_row(&t->prepared.train_pass.order, f->position + i);
  return GRADUS_OK;
}

static const char *const policies[] = {[GR_NONFINITE_HALT] = "halt",
                                       [GR_NONFINITE_SKIP] = "skip",
                                       [GR_NONFINITE_ROLLBACK] = "rollback"};

/* The first bad row, and the file that it lies in where there are several. */
static void put_bad_row(const gr_trainer *t, uint64_t row, gr_text *out) {
  gr_text place = {0};
  gr_text_printf(out, "first_bad_row: %llu\n", (unsigned long long)row);
  gr_dataset_place((void *)(uintptr_t)t->data, GR_TRAIN, row, row + 1, &place);
  if (place.length > 0) {
    gr_text_puts(out, "first_bad_place: ");
    gr_text_put_json(out, place.data + 1);
    gr_text_puts(out, "\n");
  }
  gr_text_free(&place);
}

static gradus_status write_record(const gr_trainer *t, const finding *f, const uint64_t *row,
                                  gradus_error *err) {
  char path[GR_RUN_FILE], name[64];
  gr_text text = {0};
  snprintf(name, sizeof name, FOLDER "/step-%012llu.yaml", (unsigned long long)f->step + 1);
  gr_run_file(t->run.path, name, path);
  gr_text_printf(&text,
                 "step: %llu\nepoch: %llu\npolicy: %s\nwhat: ", (unsigned long long)f->step + 1,
                 (unsigned long long)t->now.state.epoch + 1,
                 policies[t->prepared.config.training.on_nonfinite]);
  gr_text_put_json(&text, f->what);
  gr_text_puts(&text, "\nlearning_rate: ");
  gr_text_put_double(&text, gr_trainer_rate(t, f->step));
  gr_text_printf(&text, "\nbad_rows: %llu\n", (unsigned long long)f->n_bad);
  if (f->n_bad) put_bad_row(t, row[f->first_bad], &text);
  if (t->prepared.config.training.on_nonfinite == GR_NONFINITE_HALT)
    gr_text_printf(&text, "checkpoint: step-%012llu.h5\n", (unsigned long long)f->step);
  gr_text_puts(&text, "data: ");
  gr_text_put_json(&text, t->data->path ? t->data->path : "");
  gr_text_puts(&text, "\nrows: ");
  gr_bad_batch_list(row, f->n, &text);
  gr_text_puts(&text, "\n");
  const gradus_status status = text.failed
                                   ? gr_fail_memory(err, path)
                                   : gr_file_replace(path, text.data, text.length, true, err);
  gr_text_free(&text);
  return status;
}

static gradus_status write_batch(gr_trainer *t, finding *f, uint64_t *row, gradus_error *err) {
  char name[64], folder[GR_RUN_FILE];
  gr_run_file(t->run.path, FOLDER, folder);
  snprintf(name, sizeof name, FOLDER "/step-%012llu.h5", (unsigned long long)f->step + 1);
  gr_run_file(t->run.path, name, f->file);
  GR_TRY(number_rows(t, f, row, err));
  GR_TRY(gr_make_directories(folder, err));
  GR_TRY(gr_bad_batch_write(t->data, row, f->n, f->file, err));
  GR_TRY(write_record(t, f, row, err));
  f->saved = true;
  return GRADUS_OK;
}

/* What cannot be saved is a warning: the policy is carried out all the same. */
static void save_batch(gr_trainer *t, finding *f) {
  gradus_error reason = {.status = GRADUS_OK};
  if (t->now.history.n_events >= SAVED_BATCHES) return;
  uint64_t *row = gr_alloc(f->n, sizeof *row);
  const gradus_status status =
      row ? write_batch(t, f, row, &reason) : gr_fail_memory(&reason, "the rows of a step");
  if (status != GRADUS_OK)
    gr_log_write(&t->log, GR_WARNING, "the rows of step %llu could not be saved: %s",
                 (unsigned long long)f->step + 1, reason.message);
  gr_free(row);
}

/* `event` for machines, `outcome` for people. */
static gradus_status tell(gr_trainer *t, const finding *f, const char *event, const char *outcome,
                          gradus_error *err) {
  gr_event e = {.epoch = t->now.state.epoch, .step = f->step};
  const unsigned long long step = f->step + 1, epoch = t->now.state.epoch + 1;
  if (t->now.history.n_events >= TOLD_EVENTS) return GRADUS_OK;
  gr_log_write(&t->log, GR_WARNING, "step %llu (epoch %llu): %s; %s%s%s", step, epoch, f->what,
               outcome, f->saved ? "; its rows are in " : "", f->saved ? f->file : "");
  snprintf(e.line, sizeof e.line,
           "{\"event\":\"%s\",\"epoch\":%llu,\"step\":%llu,\"rows\":%llu,\"what\":\"%s\"}", event,
           epoch, step, (unsigned long long)f->n, f->what);
  return gr_trainer_event(t, &e, err);
}

/* ---- policies ---- */

/* The state before the step is put on the disk, and the run ends; `why` follows what is bad. */
static gradus_status halt(gr_trainer *t, const finding *f, const char *why, gradus_error *err) {
  gradus_error reason = {.status = GRADUS_OK};
  char rows[GR_RUN_FILE + 64] = "";
  if (t->saved_step != t->now.state.step) (void)gr_trainer_save_now(t, true, false, &reason);
  const gr_timing timing = {.event = "nonfinite", .seconds = -1, .detail = f->what};
  (void)gr_trainer_timing(t, timing, NULL);
  if (f->saved) snprintf(rows, sizeof rows, "; its rows are in %.500s", f->file);
  if (reason.status != GRADUS_OK)
    gr_log_write(&t->log, GR_WARNING, "the state before it could not be saved: %s", reason.message);
  return gr_fail(err, GRADUS_ERR_NONFINITE,
                 "step %llu (epoch %llu): %s%s; nothing was overwritten, the last good checkpoint "
                 "is %.300s%s; a smaller optimizer.learning_rate may help, or "
                 "training.on_nonfinite",
                 (unsigned long long)f->step + 1, (unsigned long long)t->now.state.epoch + 1,
                 f->what, why, t->saved_path[0] ? t->saved_path : "none yet", rows);
}

static gradus_status skip(gr_trainer *t, const finding *f, gradus_error *err) {
  gr_train_state *s = &t->now.state;
  if (s->skipped_in_row >= (uint64_t)t->prepared.config.training.nonfinite_limit)
    return halt(t, f, ", as in the steps before it (training.nonfinite_limit)", err);
  GR_TRY(tell(t, f, "skip", "the step is left out", err));
  s->skipped_in_row++;
  gr_trainer_leave_out(t);
  gr_engine_store(t->engine, t->now.model.parameters, t->now.moment);
  gr_trainer_note_beginning(t);
  return GRADUS_OK;
}

/* Steps are left out in ascending order; the bad one is not among them. */
static void note_left_out(gr_rollback *r, uint64_t step) {
  uint64_t i = r->n_left_out++;
  for (; i > 0 && r->left_out[i - 1] > step; i--) r->left_out[i] = r->left_out[i - 1];
  r->left_out[i] = step;
}

/* The checkpoint of the beginning comes first, then those of what is undone go: a kill between the
 * two goes on from one of them, and comes here again. */
static gradus_status roll_back(gr_trainer *t, const finding *f, gradus_error *err) {
  char folder[GR_RUN_FILE];
  if (t->now.rollback.n_left_out >= (uint64_t)t->prepared.config.training.nonfinite_limit)
    return halt(t, f, ", after as many rollbacks of this epoch as training.nonfinite_limit", err);
  GR_TRY(
      tell(t, f, "rollback", "the epoch begins anew without it, at half the learning rate", err));
  note_left_out(&t->now.rollback, f->step);
  t->now.state.rollbacks++;
  t->good = t->began;
  t->good_parameters = t->now.model.parameters;
  t->good_moment = t->now.moment;
  go_back(t);
  t->saved_step = UINT64_MAX;
  gradus_error reason = {.status = GRADUS_OK};
  if (gr_trainer_save_now(t, true, false, &reason) != GRADUS_OK) {
    gr_trainer_warn(t, &reason);
    return GRADUS_OK;
  }
  gr_run_file(t->run.path, "checkpoints", folder);
  gr_checkpoint_drop_later(folder, t->now.state.step, &t->log);
  return GRADUS_OK;
}

gradus_status gr_trainer_nonfinite(gr_trainer *t, const gr_step_result *result, gradus_error *err) {
  finding f = begin_finding(t);
  int vector;
  GR_TRY(gr_trainer_settle(t, err));
  if (!result || gr_engine_bad_state(t->engine, &vector) != 0)
    GR_TRY(find_step(t, t->now.state.step + (result != NULL), &f, err));
  else
    describe_step(t, result, &f);
  if (f.postponed) return GRADUS_OK;
  save_batch(t, &f);
  switch (t->prepared.config.training.on_nonfinite) {
    case GR_NONFINITE_SKIP:
      return skip(t, &f, err);
    case GR_NONFINITE_ROLLBACK:
      return roll_back(t, &f, err);
    default:
      return halt(t, &f, "", err);
  }
}

gradus_status gr_trainer_check(gr_trainer *t, gradus_error *err) {
  int vector;
  if (gr_engine_bad_state(t->engine, &vector) == 0) return GRADUS_OK;
  const unsigned environment = gr_environment_enter(); /* numbers become text there */
  const gradus_status status = gr_trainer_nonfinite(t, NULL, err);
  gr_environment_leave(environment);
  return status;
}

gradus_status gr_trainer_fail_nonfinite(gr_trainer *t, const gr_train_state *state,
                                        const char *what, gradus_error *err) {
  const unsigned long long step = state->step + 1, epoch = state->epoch + 1;
  char why[160];
  snprintf(why, sizeof why, "%s", what); /* it may be the writer's, which goes on */
  (void)gr_trainer_settle(t, NULL);      /* so that the last good checkpoint is the last one */
  return gr_fail(err, GRADUS_ERR_NONFINITE,
                 "step %llu (epoch %llu): %s; nothing was overwritten, the last good checkpoint is "
                 "%s; a smaller optimizer.learning_rate may help",
                 step, epoch, why, t->saved_path[0] ? t->saved_path : "none yet");
}
