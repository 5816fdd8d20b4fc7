/* What a trainer says about itself. */
#include <config.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "net/network.h"
#include "train/classes.h"
#include "train/files.h"
#include "train/trainer_internal.h"

const gr_config *gr_trainer_config(const gr_trainer *trainer) {
  return &trainer->prepared.config;
}

static void find_model(const gr_trainer *t, gr_report *out) {
  static const char *const names[] = {"best.h5", "final.h5"};
  char path[GR_RUN_FILE];
  for (size_t i = t->now.state.has_best ? 0 : 1; i < 2; i++) {
    gr_run_file(t->run.path, names[i], path);
    if (!gr_file_exists(path)) continue;
    snprintf(out->model_path, sizeof out->model_path, "%s", path);
    return;
  }
}

/* The digest of the parameters as they are in the engine now; empty where memory is short. */
static void current_digest(const gr_trainer *t, char out[GR_DIGEST_TEXT]) {
  const size_t n = t->now.model.network.n_parameters;
  float *parameters = gr_alloc(n, sizeof *parameters);
  if (!parameters) return;
  gr_engine_store(t->engine, parameters, (float *const[GR_MAX_MOMENTS]){NULL});
  gr_parameters_digest(parameters, n, out);
  gr_free(parameters);
}

/* Where rows were waited for more than a twentieth of the time, reading them is the limit. */
static void find_limit(const gr_trainer *t, gr_report *out) {
  const gr_source *source = t->data->split[GR_TRAIN].source;
  out->data_wait =
      t->training_seconds > 0 ? gr_pass_waited(&t->prepared.train_pass) / t->training_seconds : 0;
  if (!source || out->data_wait < 0.05) {
    snprintf(out->limit, sizeof out->limit, "computing");
    return;
  }
  const gr_source_info *info = gr_source_get_info(source);
  const bool filtered = info->filters[0] && strcmp(info->filters, "none") != 0;
  if (filtered)
    snprintf(out->limit, sizeof out->limit, "decoding of the data (%s)", info->filters);
  else
    snprintf(out->limit, sizeof out->limit, "reading of the data");
}

void gr_trainer_report(const gr_trainer *t, gr_report *out) {
  const gr_train_state *s = &t->now.state;
  const gr_history *h = &t->now.history;
  const gr_history_row *last = h->n_rows ? &h->row[h->n_rows - 1] : NULL;
  *out = (gr_report){.finished = s->finished,
                     .stopped_early = s->stopped_early,
                     .epochs = s->epoch,
                     .steps = s->step,
                     .best_epoch = s->has_best ? s->best_epoch : 0,
                     .train_loss = last ? last->train_loss : (double)NAN,
                     .valid_loss = last ? last->valid_loss : (double)NAN,
                     .best_loss = s->has_best ? s->best_loss : (double)NAN,
                     .wall_seconds = t->wall_before + t->training_seconds,
                     .samples_per_second = t->training_seconds > 0
                                               ? (double)t->session_samples / t->training_seconds
                                               : (double)NAN};
  if (t->has_run) {
    snprintf(out->run_directory, sizeof out->run_directory, "%s", t->run.path);
    find_model(t, out);
  }
  current_digest(t, out->digest);
  find_limit(t, out);
}

void gr_trainer_describe(const gr_trainer *t, gr_text *out) {
  const gr_prepared *p = &t->prepared;
  gr_text_printf(out, "data: %s, %llu rows to train on, %llu to validate on, %u columns\n",
                 gr_dataset_label(t->data), (unsigned long long)p->n_train,
                 (unsigned long long)p->n_valid, t->data->n_columns);
  if (p->preprocessing.task == GR_CLASSIFICATION)
    gr_text_printf(out, "task: %u classes\n", p->preprocessing.n_classes);
  else if (p->preprocessing.task == GR_MULTILABEL)
    gr_text_printf(out, "task: %u labels, each 0 or 1\n", p->preprocessing.n_classes);
  else
    gr_text_printf(out, "task: regression of %u target%s\n", p->preprocessing.n_targets,
                   p->preprocessing.n_targets == 1 ? "" : "s");
  gr_text_puts(out, "inputs: ");
  gr_pass_describe(&p->train_pass, out);
  gr_text_puts(out, "\n");
  gr_text_append(out, p->notes.data ? p->notes.data : "", p->notes.length);
  gr_text_printf(out, "steps: %llu an epoch, %llu in all\n", (unsigned long long)t->steps_per_epoch,
                 (unsigned long long)t->total_steps);
  gr_text_printf(out, "threads: %d (%s)\n", gr_engine_threads(t->engine), t->threads_reason);
  gr_engine_describe(t->engine, out);
}
