/* What happened to a run on its way, in its checkpoints: the events that are lines of
 * metrics.jsonl, and, where a step may be undone with its epoch, where that epoch began. */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "store/checkpoint_parts.h"
#include "store/h5_array.h"

#define MAX_EVENTS 1000000

/* ---- events ---- */

static void put_numbers(gr_h5_writer *w, const char *path, const gr_history *h, size_t offset,
                        uint64_t *buffer) {
  const uint64_t n = h->n_events;
  for (size_t i = 0; i < h->n_events; i++)
    memcpy(&buffer[i], (const char *)&h->event[i] + offset, sizeof *buffer);
  gr_h5_put_array(w, path, GR_U64, 1, &n, buffer);
}

void gr_checkpoint_put_events(gr_h5_writer *w, const gr_history *h) {
  if (h->n_events == 0) return;
  uint64_t *numbers = gr_alloc(h->n_events, sizeof *numbers);
  char **lines = gr_alloc(h->n_events, sizeof *lines);
  if (numbers && lines) {
    for (size_t i = 0; i < h->n_events; i++) lines[i] = h->event[i].line;
    gr_h5_put_group(w, "/events");
    put_numbers(w, "/events/epoch", h, offsetof(gr_event, epoch), numbers);
    put_numbers(w, "/events/step", h, offsetof(gr_event, step), numbers);
    gr_h5_put_texts(w, "/events/line", lines, (uint32_t)h->n_events);
  } else if (w->status == GRADUS_OK) {
    w->status = gr_fail_memory(w->err, "the events of a run");
  }
  gr_free(numbers);
  gr_free(lines);
}

static gradus_status refuse_events(const gr_h5_file *file, gradus_error *err) {
  return gr_fail(err, GRADUS_ERR_DATA, "%s: has /events that cannot be used", file->path);
}

/* A line that can be one of metrics.jsonl. */
static bool is_line(const char *text) {
  const size_t n = strlen(text);
  if (n < 2 || n >= GR_EVENT_LINE || text[0] != '{' || text[n - 1] != '}') return false;
  for (size_t i = 0; i < n; i++)
    if ((unsigned char)text[i] < ' ') return false;
  return true;
}

static gradus_status read_numbers(const gr_h5_file *file, gr_history *h, uint64_t *buffer,
                                  gradus_error *err) {
  const uint64_t n = h->n_events;
  GR_TRY(gr_checkpoint_read_exact(file, "/events/step", GR_U64, 1, &n, buffer, err));
  for (size_t i = 0; i < n; i++) h->event[i].step = buffer[i];
  GR_TRY(gr_checkpoint_read_exact(file, "/events/epoch", GR_U64, 1, &n, buffer, err));
  for (size_t i = 0; i < n; i++) {
    h->event[i].epoch = buffer[i];
    if (buffer[i] > h->n_rows || (i > 0 && buffer[i] < buffer[i - 1]))
      return refuse_events(file, err);
  }
  return GRADUS_OK;
}

static gradus_status take_lines(const gr_h5_file *file, gr_history *h, char **lines, uint32_t n,
                                gradus_error *err) {
  if (n > MAX_EVENTS) return refuse_events(file, err);
  h->event = gr_calloc(n, sizeof *h->event);
  uint64_t *buffer = gr_alloc(n, sizeof *buffer);
  gradus_status status =
      h->event && buffer ? GRADUS_OK : gr_fail_memory(err, "the events of a run");
  if (h->event) h->n_events = h->event_capacity = n;
  for (uint32_t i = 0; i < n && status == GRADUS_OK; i++) {
    if (is_line(lines[i]))
      memcpy(h->event[i].line, lines[i], strlen(lines[i]) + 1);
    else
      status = refuse_events(file, err);
  }
  if (status == GRADUS_OK) status = read_numbers(file, h, buffer, err);
  gr_free(buffer);
  return status;
}

gradus_status gr_checkpoint_read_events(const gr_h5_file *file, gr_history *h, gradus_error *err) {
  char **lines = NULL;
  uint32_t n = 0;
  bool found;
  GR_TRY(gr_h5_find(file, "/events", NULL, &found, err));
  if (!found) return GRADUS_OK;
  GR_TRY(gr_h5_read_list(file, "/events/line", &lines, &n, err));
  const gradus_status status = take_lines(file, h, lines, n, err);
  gr_h5_free_texts(lines, n);
  return status;
}

/* ---- where the epoch began ---- */

void gr_checkpoint_suffix(const gr_checkpoint *c, uint32_t m, char out[GR_VECTOR_SUFFIX]) {
  char name[GR_STATE_VECTOR_NAME];
  gr_state_vector_name(&c->model.config, m, name);
  snprintf(out, GR_VECTOR_SUFFIX, "_%s", name);
}

void gr_checkpoint_put_rollback(gr_h5_writer *w, const gr_checkpoint *c) {
  const gr_rollback *r = &c->rollback;
  char suffix[GR_VECTOR_SUFFIX];
  if (!r->parameters && r->n_left_out == 0) return;
  if (r->parameters)
    gr_checkpoint_put_vector(w, &c->model.network, "rollback", "", r->parameters);
  else
    gr_h5_put_group(w, "/rollback");
  for (uint32_t m = 0; m < c->n_moments && r->parameters; m++) {
    gr_checkpoint_suffix(c, m, suffix);
    gr_checkpoint_put_vector(w, &c->model.network, "rollback", suffix, r->moment[m]);
  }
  gr_h5_put_attribute(w, "/rollback", "skipped_steps", GR_U64, &r->skipped_steps);
  gr_h5_put_attribute(w, "/rollback", "skipped_in_row", GR_U64, &r->skipped_in_row);
  gr_h5_put_attribute(w, "/rollback", "n_left_out", GR_U64, &r->n_left_out);
  if (r->n_left_out)
    gr_h5_put_array(w, "/rollback/left_out", GR_U64, 1, &r->n_left_out, r->left_out);
}

static gradus_status read_left_out(const gr_h5_file *file, gr_rollback *r, gradus_error *err) {
  uint64_t n = 0;
  GR_TRY(gr_h5_attribute_u64(file, "/rollback", "n_left_out", &n, NULL, err));
  if (n > GR_MAX_NONFINITE)
    return gr_fail(err, GRADUS_ERR_DATA, "%s: leaves %llu steps of an epoch out, more than %d",
                   file->path, (unsigned long long)n, GR_MAX_NONFINITE);
  r->n_left_out = n;
  if (n == 0) return GRADUS_OK;
  return gr_checkpoint_read_exact(file, "/rollback/left_out", GR_U64, 1, &n, r->left_out, err);
}

gradus_status gr_checkpoint_read_rollback(const gr_h5_file *file, gr_checkpoint *c,
                                          gradus_error *err) {
  gr_rollback *r = &c->rollback;
  char suffix[GR_VECTOR_SUFFIX];
  bool found;
  GR_TRY(gr_h5_find(file, "/rollback", NULL, &found, err));
  if (!found) return GRADUS_OK;
  GR_TRY(gr_h5_attribute_u64(file, "/rollback", "skipped_steps", &r->skipped_steps, NULL, err));
  GR_TRY(gr_h5_attribute_u64(file, "/rollback", "skipped_in_row", &r->skipped_in_row, NULL, err));
  GR_TRY(read_left_out(file, r, err));
  GR_TRY(gr_h5_find(file, "/rollback/layer_1", NULL, &found, err));
  if (!found) return GRADUS_OK;
  GR_TRY(gr_checkpoint_read_vector(file, &c->model.network, "rollback", "", &r->parameters, err));
  for (uint32_t m = 0; m < c->n_moments; m++) {
    gr_checkpoint_suffix(c, m, suffix);
    GR_TRY(
        gr_checkpoint_read_vector(file, &c->model.network, "rollback", suffix, &r->moment[m], err));
  }
  return GRADUS_OK;
}
