/* The order of writing is the promise: the lines of the logs that a checkpoint refers to, the
 * checkpoint, and only when that is durable whatever is made from it or removed for it. Nothing
 * here touches the trainer, so that it can run beside the steps. */
#include <config.h>

#include "train/snapshot.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "train/environment.h"
#include "train/files.h"
#include "train/run_log.h"

/* Memory for the beginning of an epoch. */
static bool make_began(gr_rollback *began, const gr_checkpoint *like) {
  const size_t n = like->model.network.n_parameters;
  bool whole = (began->parameters = gr_alloc(n, sizeof(float))) != NULL;
  for (uint32_t m = 0; m < like->n_moments; m++) {
    began->moment[m] = gr_alloc(n, sizeof(float));
    whole = whole && began->moment[m];
  }
  return whole;
}

gradus_status gr_snapshot_make(gr_snapshot *out, const gr_checkpoint *like, bool with_best,
                               bool rolls_back, gradus_error *err) {
  const size_t n = like->model.network.n_parameters;
  *out = (gr_snapshot){.best_step = UINT64_MAX,
                       .best_saved = UINT64_MAX,
                       .began_epoch = UINT64_MAX,
                       .metrics_fd = -1,
                       .timing_fd = -1};
  out->at.model = like->model; /* borrowed but for the parameters */
  out->at.n_moments = like->n_moments;
  out->at.model.parameters = gr_alloc(n, sizeof(float));
  bool whole = out->at.model.parameters != NULL;
  for (uint32_t m = 0; m < like->n_moments; m++) {
    out->at.moment[m] = gr_alloc(n, sizeof(float));
    whole = whole && out->at.moment[m];
  }
  if (rolls_back) whole = make_began(&out->began, like) && whole;
  if (with_best) out->best = gr_alloc(n, sizeof(float));
  whole = whole && (out->best || !with_best);
  return whole ? GRADUS_OK : gr_fail_memory(err, "the copy that checkpoints are written from");
}

void gr_snapshot_free(gr_snapshot *snapshot) {
  gr_free(snapshot->at.model.parameters);
  for (int m = 0; m < GR_MAX_MOMENTS; m++) gr_free(snapshot->at.moment[m]);
  gr_free(snapshot->began.parameters);
  for (int m = 0; m < GR_MAX_MOMENTS; m++) gr_free(snapshot->began.moment[m]);
  gr_history_free(&snapshot->at.history);
  gr_free(snapshot->best);
  gr_text_free(&snapshot->notes);
  *snapshot = (gr_snapshot){.metrics_fd = -1, .timing_fd = -1};
}

void gr_snapshot_touch(gr_snapshot *snapshot) {
  gr_checkpoint *at = &snapshot->at;
  const size_t bytes = at->model.network.n_parameters * sizeof(float);
  memset(at->model.parameters, 0, bytes);
  for (uint32_t m = 0; m < at->n_moments; m++) memset(at->moment[m], 0, bytes);
  if (snapshot->best) memset(snapshot->best, 0, bytes);
  if (snapshot->began.parameters) memset(snapshot->began.parameters, 0, bytes);
  for (uint32_t m = 0; m < at->n_moments && snapshot->began.parameters; m++)
    memset(snapshot->began.moment[m], 0, bytes);
}

static gradus_status copy_history(gr_snapshot *s, const gr_history *from, gradus_error *err) {
  gr_history *to = &s->at.history;
  if (from->n_rows > s->history_capacity) {
    gr_history_row *rows = gr_realloc(to->row, from->capacity, sizeof *rows);
    if (!rows) return gr_fail_memory(err, "the history");
    to->row = rows;
    to->capacity = s->history_capacity = from->capacity;
  }
  to->n_metrics = from->n_metrics;
  memcpy(to->metric_names, from->metric_names, sizeof to->metric_names);
  to->n_rows = from->n_rows;
  if (from->n_rows) memcpy(to->row, from->row, from->n_rows * sizeof *to->row);
  while (to->n_events < from->n_events) /* they only grow */
    GR_TRY(gr_history_append_event(to, &from->event[to->n_events], err));
  return GRADUS_OK;
}

/* The beginning of the epoch, where the state is not that; copied once an epoch. */
static void copy_began(gr_snapshot *s, const gr_checkpoint *now) {
  const size_t bytes = now->model.network.n_parameters * sizeof(float);
  s->at.rollback = now->rollback; /* its numbers; it has no arrays there */
  if (!s->began.parameters || now->state.position == 0) return;
  if (s->began_epoch != now->state.epoch) {
    memcpy(s->began.parameters, now->model.parameters, bytes);
    for (uint32_t m = 0; m < now->n_moments; m++) memcpy(s->began.moment[m], now->moment[m], bytes);
    s->began_epoch = now->state.epoch;
  }
  s->at.rollback.parameters = s->began.parameters;
  memcpy(s->at.rollback.moment, s->began.moment, sizeof s->began.moment);
}

gradus_status gr_snapshot_fill(gr_snapshot *s, const gr_checkpoint *now, const float *best,
                               gradus_error *err) {
  GR_TRY(copy_history(s, &now->history, err));
  copy_began(s, now);
  s->at.state = now->state;
  s->at.data = now->data;
  s->at.best_parameters = NULL;
  if (!best || !now->state.has_best) return GRADUS_OK;
  if (s->best_step != now->state.best_step)
    memcpy(s->best, best, now->model.network.n_parameters * sizeof *best);
  s->best_step = now->state.best_step;
  s->at.best_parameters = s->best;
  return GRADUS_OK;
}

uint64_t gr_snapshot_bytes(const gr_snapshot *s) {
  const uint64_t state = 1 + (uint64_t)s->at.n_moments;
  const uint64_t vectors = state + (s->began.parameters ? state : 0) + (s->best != NULL);
  return vectors * s->at.model.network.n_parameters * sizeof(float);
}

/* ---- what must not replace a good checkpoint ---- */

/* The first layer with a value that is not finite, -1 = before all layers, 0 = none. */
static int layer_not_finite(const gr_network *network, const float *values) {
  for (size_t i = 0; i < network->front.count; i++)
    if (!isfinite(values[network->front.first + i])) return -1;
  for (uint32_t l = 0; l < network->n_layers; l++) {
    const gr_layer *layer = &network->layer[l];
    size_t end = layer->bias + (size_t)layer->n_out * gr_layer_vectors(layer);
    for (size_t i = layer->weights; i < end; i++)
      if (!isfinite(values[i])) return (int)l + 1;
  }
  return 0;
}

bool gr_checkpoint_not_finite(const gr_checkpoint *c, char what[96]) {
  const gr_network *network = &c->model.network;
  int layer = layer_not_finite(network, c->model.parameters);
  const char *kind = "a weight";
  for (uint32_t m = 0; m < c->n_moments && layer == 0; m++) {
    layer = layer_not_finite(network, c->moment[m]);
    kind = "a moment of the optimizer";
  }
  if (layer < 0) snprintf(what, 96, "%s of the input scales is not finite", kind);
  if (layer > 0) snprintf(what, 96, "%s of layer %d is not finite", kind, layer);
  return layer != 0;
}

/* ---- writing ---- */

/* Lines of a log that are written, but may not be on the disk. Some file systems cannot sync. */
static gradus_status sync_log(int fd, const char *run, const char *name, gradus_error *err) {
  if (fd < 0 || fsync(fd) == 0 || errno == EINVAL || errno == ENOTSUP) return GRADUS_OK;
  return gr_fail_errno(err, GRADUS_ERR_IO, errno, "%s/%s: cannot be made durable", run, name);
}

/* The bytes of metrics.jsonl up to the end of a history. */
static gradus_status measure_metrics(const gr_history *history, uint64_t *bytes,
                                     gradus_error *err) {
  gr_text lines = {0};
  gr_metrics_file(history, NULL, false, &lines);
  *bytes = lines.length;
  const bool failed = lines.failed;
  gr_text_free(&lines);
  return failed ? gr_fail_memory(err, "the metrics") : GRADUS_OK;
}

/* Samples seen in the first `epochs` epochs; before the data last changed, about. */
static uint64_t samples_until(const gr_train_state *s, uint64_t epochs, uint64_t rows) {
  if (epochs >= s->base_epoch) return s->base_samples + (epochs - s->base_epoch) * rows;
  return s->base_samples / s->base_epoch * epochs;
}

/* best.h5 is a checkpoint whose model is the best one: it stands at the end of its epoch (or
 * at that of the run, inside of the last epoch), without the state of the optimizer, which belongs
 * to the newest model. */
static gradus_status write_best(gr_snapshot *s, gradus_error *err) {
  const gr_train_state *state = &s->at.state;
  gr_checkpoint best = s->at; /* borrows everything */
  char path[GR_RUN_FILE];
  if (!s->at.best_parameters || s->best_saved == state->best_step) return GRADUS_OK;
  gr_run_file(s->run, "best.h5", path);
  best.model.parameters = s->at.best_parameters;
  best.best_parameters = NULL;
  best.rollback = (gr_rollback){0};
  best.n_moments = 0;
  for (int m = 0; m < GR_MAX_MOMENTS; m++) best.moment[m] = NULL;
  best.history.n_rows = 0;
  while (best.history.n_rows < s->at.history.n_rows &&
         s->at.history.row[best.history.n_rows].epoch <= state->best_epoch)
    best.history.n_rows++;
  best.history.n_events = 0;
  while (best.history.n_events < s->at.history.n_events &&
         s->at.history.event[best.history.n_events].epoch < state->best_epoch)
    best.history.n_events++;
  if (state->best_step != state->step) {
    best.state.step = state->best_step;
    best.state.epoch = state->best_epoch;
    best.state.position = 0;
    best.state.samples_seen = samples_until(state, state->best_epoch, s->rows_per_epoch);
    if (state->best_epoch < state->base_epoch)
      best.state.base_step = best.state.base_epoch = best.state.base_samples = 0;
    best.state.epoch_loss = best.state.epoch_weight = 0;
  }
  best.state.epochs_since_best = 0;
  best.state.finished = best.state.stopped_early = false;
  GR_TRY(measure_metrics(&best.history, &best.state.metrics_offset, err));
  GR_TRY(gr_checkpoint_write(&best, path, err));
  s->best_saved = state->best_step;
  return GRADUS_OK;
}

static gradus_status write_final(const gr_snapshot *s, gradus_error *err) {
  char path[GR_RUN_FILE];
  uint64_t step;
  gr_run_file(s->run, "final.h5", path);
  if (gr_checkpoint_verify(path, &step, NULL) == GRADUS_OK && step == s->at.state.step)
    return GRADUS_OK;
  return gr_checkpoint_write(&s->at, path, err);
}

static gradus_status write_csv(const gr_snapshot *s, gradus_error *err) {
  char path[GR_RUN_FILE];
  gr_text text = {0};
  gr_metrics_csv(&s->at.history, &text);
  gr_run_file(s->run, "metrics.csv", path);
  gradus_status status = text.failed ? gr_fail_memory(err, path)
                                     : gr_file_replace(path, text.data, text.length, false, err);
  gr_text_free(&text);
  return status;
}

static void note(void *user, gr_level level, const char *text) {
  (void)level; /* pruning only warns */
  gr_text_printf(user, "%s\n", text);
}

static gradus_status write_checkpoint(gr_snapshot *s, gradus_error *err) {
  char name[40], relative[64], folder[GR_RUN_FILE];
  gr_checkpoint_name(s->at.state.step, name);
  snprintf(relative, sizeof relative, "checkpoints/%s", name);
  gr_run_file(s->run, relative, s->path);
  gr_run_file(s->run, "checkpoints", folder);
  GR_TRY(sync_log(s->metrics_fd, s->run, "metrics.jsonl", err));
  GR_TRY(sync_log(s->timing_fd, s->run, "timing.jsonl", err));
  GR_TRY(gr_checkpoint_write(&s->at, s->path, err));
  s->durable = true;
  gradus_status status = write_best(s, err);
  gr_checkpoint_prune(folder, s->keep, &(gr_log){note, &s->notes});
  return status;
}

static gradus_status write_all(gr_snapshot *s, gradus_error *err) {
  char what[96];
  if ((s->checkpoint || s->complete) && gr_checkpoint_not_finite(&s->at, what))
    return gr_fail(err, GRADUS_ERR_NONFINITE, "%s", what);
  if (s->before && (s->checkpoint || s->complete))
    GR_TRY(s->before(s->user, s->at.state.step, err));
  if (s->checkpoint) GR_TRY(write_checkpoint(s, err));
  if (s->complete) GR_TRY(write_best(s, err));
  if (s->complete) GR_TRY(write_final(s, err));
  return write_csv(s, err);
}

static double thread_seconds(void) {
  struct timespec used;
  if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used) != 0) return 0;
  return (double)used.tv_sec + 1e-9 * (double)used.tv_nsec;
}

void gr_snapshot_write(gr_snapshot *snapshot) {
  const unsigned environment = gr_environment_enter(); /* numbers become text there */
  const double start = gr_clock_now(), cpu = thread_seconds();
  snapshot->durable = false;
  snapshot->path[0] = '\0';
  gr_text_free(&snapshot->notes);
  snapshot->notes = (gr_text){0};
  snapshot->error = (gradus_error){.status = GRADUS_OK};
  snapshot->status = write_all(snapshot, &snapshot->error);
  snapshot->write_seconds = gr_clock_now() - start;
  snapshot->cpu_seconds = thread_seconds() - cpu;
  gr_environment_leave(environment);
}
