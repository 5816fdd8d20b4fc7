/* What differs from run to run goes to timing.jsonl, so that metrics.jsonl is the same bytes
 * however a run was interrupted. */
#include <config.h>

#include "train/run_log.h"

#include <string.h>

#include <math.h>

#include "base/clock.h"

static void put_number(gr_text *out, const char *key, double value) {
  gr_text_printf(out, ",\"%s\":", key);
  gr_text_put_json_number(out, value);
}

static void put_row(const gr_history *history, const gr_history_row *row, const char *event,
                    gr_text *out) {
  gr_text_printf(out, "{\"event\":\"%s\",\"epoch\":%llu,\"step\":%llu", event,
                 (unsigned long long)row->epoch, (unsigned long long)row->step);
  put_number(out, "train_loss", row->train_loss);
  put_number(out, "valid_loss", row->valid_loss);
  for (uint32_t i = 0; i < history->n_metrics; i++)
    put_number(out, history->metric_names[i], row->metric[i]);
  put_number(out, "learning_rate", row->learning_rate);
}

void gr_metrics_line(const gr_history *history, size_t row, gr_text *out) {
  put_row(history, &history->row[row], "epoch", out);
  gr_text_puts(out, "}");
}

void gr_metrics_final_line(const gr_history *history, const gr_train_state *state, gr_text *out) {
  static const gr_history_row none = {.train_loss = (double)NAN, .valid_loss = (double)NAN};
  const gr_history_row *row = history->n_rows ? &history->row[history->n_rows - 1] : &none;
  put_row(history, row, "final", out);
  if (state->has_best) {
    gr_text_printf(out, ",\"best_epoch\":%llu", (unsigned long long)state->best_epoch);
    put_number(out, "best_loss", state->best_loss);
  }
  gr_text_printf(out, ",\"stopped_early\":%s}", state->stopped_early ? "true" : "false");
}

/* The events of one epoch, from number `i` on; returns the number of the next. */
static size_t put_events(const gr_history *history, size_t i, uint64_t epoch, gr_text *out) {
  for (; i < history->n_events && history->event[i].epoch <= epoch; i++)
    gr_text_printf(out, "%s\n", history->event[i].line);
  return i;
}

void gr_metrics_file(const gr_history *history, const gr_train_state *state, bool with_final,
                     gr_text *out) {
  size_t event = put_events(history, 0, 0, out);
  for (size_t i = 0; i < history->n_rows; i++) {
    gr_metrics_line(history, i, out);
    gr_text_puts(out, "\n");
    event = put_events(history, event, i + 1, out);
  }
  if (with_final) {
    gr_metrics_final_line(history, state, out);
    gr_text_puts(out, "\n");
  }
}

static void put_cell(gr_text *out, double value) {
  gr_text_puts(out, ",");
  if (isfinite(value)) gr_text_put_double(out, value); /* empty where it was not measured */
}

void gr_metrics_csv(const gr_history *history, gr_text *out) {
  gr_text_puts(out, "epoch,step,train_loss,valid_loss");
  for (uint32_t i = 0; i < history->n_metrics; i++)
    gr_text_printf(out, ",%s", history->metric_names[i]);
  gr_text_puts(out, ",learning_rate\n");
  for (size_t r = 0; r < history->n_rows; r++) {
    const gr_history_row *row = &history->row[r];
    gr_text_printf(out, "%llu,%llu", (unsigned long long)row->epoch, (unsigned long long)row->step);
    put_cell(out, row->train_loss);
    put_cell(out, row->valid_loss);
    for (uint32_t i = 0; i < history->n_metrics; i++) put_cell(out, row->metric[i]);
    put_cell(out, row->learning_rate);
    gr_text_puts(out, "\n");
  }
}

void gr_timing_line(const gr_timing *timing, gr_text *out) {
  char stamp[GR_CLOCK_TEXT];
  gr_clock_stamp(stamp);
  gr_text_printf(out, "{\"event\":\"%s\",\"epoch\":%llu,\"step\":%llu,\"time\":\"%s\"",
                 timing->event, (unsigned long long)timing->epoch, (unsigned long long)timing->step,
                 stamp);
  if (timing->seconds >= 0) put_number(out, "seconds", timing->seconds);
  if (timing->samples_per_second > 0)
    put_number(out, "samples_per_second", timing->samples_per_second);
  if (timing->validation_seconds > 0)
    put_number(out, "validation_seconds", timing->validation_seconds);
  if (timing->checkpoint_seconds > 0)
    put_number(out, "checkpoint_seconds", timing->checkpoint_seconds);
  if (timing->stall_seconds > 0) put_number(out, "stall_seconds", timing->stall_seconds);
  if (timing->write_seconds > 0) put_number(out, "write_seconds", timing->write_seconds);
  if (timing->cpu_seconds > 0) put_number(out, "cpu_seconds", timing->cpu_seconds);
  if (timing->data_wait_fraction > 0)
    put_number(out, "data_wait_fraction", timing->data_wait_fraction);
  if (timing->threads > 0) gr_text_printf(out, ",\"threads\":%d", timing->threads);
  if (timing->detail) {
    gr_text_puts(out, ",\"detail\":");
    gr_text_put_json(out, timing->detail);
  }
  gr_text_puts(out, "}");
}

/* The number after "step": in a line of n bytes. */
static bool step_of(const char *line, size_t n, uint64_t *step) {
  static const char key[] = "\"step\":";
  const char *at = memmem(line, n, key, sizeof key - 1);
  if (!at) return false;
  at += sizeof key - 1;
  size_t digits = 0;
  while (at + digits < line + n && at[digits] >= '0' && at[digits] <= '9') digits++;
  return gr_parse_u64(at, digits, step);
}

void gr_timing_keep(const char *have, uint64_t step, gr_text *out) {
  uint64_t at;
  for (const char *end; (end = strchr(have, '\n')); have = end + 1) {
    size_t n = (size_t)(end - have);
    if (step_of(have, n, &at) && at <= step) gr_text_append(out, have, n + 1);
  }
}
