/* What a run does about a line search that goes on beside it (net/line_search.h): it ends with it,
 * and where the data change, so does the objective, and the search begins anew. */
#include <config.h>

#include <string.h>

#include "train/trainer_internal.h"

gradus_status gr_trainer_tell_converged(gr_trainer *t, gradus_error *err) {
  const gr_train_state *s = &t->now.state;
  const unsigned long long epoch = s->epoch, step = s->step, iterations = s->search.iterations;
  const char *reason = gr_search_reason(s->search.end);
  gr_event e = {.epoch = s->epoch, .step = s->step};
  gr_text line = {0};
  gr_text_printf(&line,
                 "{\"event\":\"converged\",\"epoch\":%llu,\"step\":%llu,\"iterations\":%llu,"
                 "\"objective\":",
                 epoch, step, iterations);
  gr_text_put_json_number(&line, s->search.f0);
  gr_text_puts(&line, ",\"gradient_norm\":");
  gr_text_put_json_number(&line, s->search.norm);
  gr_text_printf(&line, ",\"reason\":\"%s\"}", reason);
  const bool fits = !line.failed && line.length < sizeof e.line;
  if (fits) memcpy(e.line, line.data, line.length + 1);
  gr_text_free(&line);
  if (!fits) return gr_fail_memory(err, "an event");
  gr_log_write(&t->log, GR_INFO,
               "converged after %llu iterations, %llu evaluations: %s; that is %.3g, the objective "
               "%.9g",
               iterations, step, reason, s->search.norm, s->search.f0);
  return gr_trainer_event(t, &e, err);
}

void gr_trainer_restart_search(gr_trainer *t) {
  gr_train_state *s = &t->now.state;
  if (s->search.phase == GR_SEARCH_START) return;
  gr_engine_store(t->engine, t->now.model.parameters, t->now.moment);
  gr_engine_load(t->engine, t->now.model.parameters, NULL);
  s->search = (gr_search){0};
  gr_engine_continue(t->engine, s->objective, &s->search);
}
