/* Data that have changed under a run. A digest says that they have; the sums in the checkpoint say
 * where. Where the user wants to go on all the same, the model's preprocessing stays as it was
 * fitted (the weights belong to it), the epoch under way begins anew on the new rows, and what was
 * changed is an event of the run. */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "net/columns.h"
#include "train/classes.h"
#include "train/trainer_internal.h"

/* ---- counting steps over a change ---- */

uint64_t gr_trainer_epoch_step(const gr_trainer *t, const gr_train_state *s) {
  return s->base_step + (s->epoch - s->base_epoch) * t->steps_per_epoch;
}

uint64_t gr_trainer_epoch_samples(const gr_trainer *t, const gr_train_state *s) {
  return s->base_samples + (s->epoch - s->base_epoch) * t->prepared.n_train;
}

uint64_t gr_trainer_schedule_step(const gr_trainer *t, uint64_t step) {
  const gr_train_state *s = &t->now.state;
  return step - s->base_step + s->base_epoch * t->steps_per_epoch;
}

uint64_t gr_trainer_last_step(const gr_trainer *t) {
  const gr_train_state *s = &t->now.state;
  if (gr_config_has_budget(&t->prepared.config)) return t->total_steps;
  return s->base_step + t->total_steps - s->base_epoch * t->steps_per_epoch;
}

/* ---- the state to go on from ---- */

/* Replaces the run's newest checkpoint in *c by the file the caller named, where that is further
 * on. */
static gradus_status prefer_named(const gr_trainer *t, const gr_log *log, gr_checkpoint *c,
                                  bool found, bool *taken, gradus_error *err) {
  uint64_t step;
  *taken = false;
  if (!t->options.resume_file) return GRADUS_OK;
  GR_TRY(gr_checkpoint_verify(t->options.resume_file, &step, err));
  if (found && c->state.step >= step) {
    gr_log_write(log, GR_INFO, "%s is at step %llu; the run itself is at step %llu and goes on",
                 t->options.resume_file, (unsigned long long)step,
                 (unsigned long long)c->state.step);
    return GRADUS_OK;
  }
  gr_checkpoint_free(c);
  *c = (gr_checkpoint){0};
  GR_TRY(gr_checkpoint_read(t->options.resume_file, c, err));
  *taken = true;
  return GRADUS_OK;
}

gradus_status gr_trainer_find_state(const gr_trainer *t, const char *run, const gr_log *log,
                                    gr_checkpoint *c, bool *found, bool *named, char path[4096],
                                    gradus_error *err) {
  char folder[GR_RUN_FILE];
  *found = *named = false;
  gr_run_file(run, "checkpoints", folder);
  gradus_status status = gr_checkpoint_newest(folder, log, c, found, path, err);
  if (status == GRADUS_OK) status = prefer_named(t, log, c, *found, named, err);
  if (*named) snprintf(path, 4096, "%s", t->options.resume_file);
  *found |= *named;
  return status;
}

gradus_status gr_trainer_prepare(gr_trainer *t, gradus_error *err) {
  const gr_trainer_options *o = &t->options;
  const gr_log silent = {0};
  gr_checkpoint c = {0};
  bool found = false, named;
  char path[4096] = "";
  const bool changed_once = o->run_directory && gr_run_data_changed(o->run_directory);
  if (!o->allow_data_change && !changed_once)
    return gr_prepare(&t->given, t->data, &t->prepared, err);
  if (!o->run_directory)
    return gr_fail(err, GRADUS_ERR_USAGE,
                   "a run is found by its recipe and data: where the data may have changed, name "
                   "its directory (--run)");
  gradus_status status =
      gr_trainer_find_state(t, o->run_directory, &silent, &c, &found, &named, path, err);
  if (status == GRADUS_OK)
    status = gr_prepare_again(&t->given, t->data, found ? &c.model.preprocessing : NULL,
                              &t->prepared, err);
  gr_checkpoint_free(&c);
  return status;
}

static bool same_series(const double *a, const double *b, size_t n) {
  return (!a && !b) || (a && b && memcmp(a, b, n * sizeof *a) == 0);
}

gradus_status gr_trainer_check_scales(const gr_trainer *t, const gr_checkpoint *c, const char *path,
                                      gradus_error *err) {
  const gr_preprocessing *a = &c->model.preprocessing, *b = &t->prepared.preprocessing;
  if (a->n_inputs == b->n_inputs && a->n_classes == b->n_classes && a->n_targets == b->n_targets &&
      a->log_target == b->log_target && gr_columns_are_same(a->columns, b->columns) &&
      same_series(a->shift, b->shift, a->n_inputs) &&
      same_series(a->factor, b->factor, a->n_inputs) &&
      same_series(a->class_values, b->class_values, a->n_classes) &&
      same_series(a->target_shift, b->target_shift, a->n_targets) &&
      same_series(a->target_scale, b->target_scale, a->n_targets))
    return GRADUS_OK;
  return gr_fail(err, GRADUS_ERR_DATA,
                 "%s: its scales or classes were not taken from these data, but from others that "
                 "the run had before; to go on with them, --allow-data-change",
                 path);
}

bool gr_trainer_has_changed_data(const gr_trainer *t) {
  const gr_history *h = &t->now.history;
  for (size_t i = 0; i < h->n_events; i++)
    if (strstr(h->event[i].line, "\"event\":\"data_change\"")) return true;
  return false;
}

/* ---- what differs ---- */

/* At most `size` bytes of what differs between the data of a checkpoint (or NULL) and ours. */
static void put_difference(const gr_trainer *t, const gr_checkpoint *c, char *out, size_t size) {
  gr_text text = {0};
  if (c)
    gr_print_compare(&c->data, &t->data->print, gr_dataset_place, (void *)(uintptr_t)t->data,
                     &text);
  snprintf(out, size, "%s",
           text.length > 0 && !text.failed
               ? text.data
               : (c && c->data.known ? "other contents, where no difference of the sums shows"
                                     : "other contents"));
  gr_text_free(&text);
}

gradus_status gr_trainer_compare_data(const gr_trainer *t, const char *digest,
                                      const gr_checkpoint *c, const char *where, bool *changed,
                                      gradus_error *err) {
  char what[560];
  *changed = digest[0] && strcmp(digest, t->data->digest) != 0;
  if (!*changed || t->options.allow_data_change) return GRADUS_OK;
  put_difference(t, c, what, sizeof what);
  return gr_fail(
      err, GRADUS_ERR_DATA,
      "%s: was trained on other data (digest %s, but %s has %s): %s; to go on with them, "
      "--allow-data-change",
      where, digest, gr_dataset_label(t->data), t->data->digest, what);
}

gradus_status gr_trainer_change_data(gr_trainer *t, const gr_checkpoint *c, gradus_error *err) {
  gr_train_state *s = &t->now.state;
  gr_event e = {.epoch = s->epoch, .step = s->step};
  char what[560];
  if (s->finished) return GRADUS_OK; /* nothing is trained on them */
  put_difference(t, c, what, sizeof what);
  s->base_step = s->step;
  s->base_epoch = s->epoch;
  s->base_samples = s->samples_seen;
  s->position = 0;
  s->epoch_loss = s->epoch_weight = 0;
  t->now.rollback =
      (gr_rollback){.skipped_steps = s->skipped_steps, .skipped_in_row = s->skipped_in_row};
  gr_trainer_restart_search(t);
  gr_engine_store(t->engine, t->now.model.parameters, t->now.moment);
  gr_trainer_note_beginning(t);
  t->save_asked = true; /* so that the next start knows of it */
  gr_log_write(&t->log, GR_WARNING,
               "the data have changed: %s; epoch %llu begins anew with them, scaled as before",
               what, (unsigned long long)s->epoch + 1);
  snprintf(e.line, sizeof e.line,
           "{\"event\":\"data_change\",\"epoch\":%llu,\"step\":%llu,\"from\":\"%s\","
           "\"to\":\"%s\",\"what\":\"%.110s\"}",
           (unsigned long long)s->epoch + 1, (unsigned long long)s->step, c->state.dataset_digest,
           t->data->digest, what);
  return gr_history_append_event(&t->now.history, &e, err);
}
