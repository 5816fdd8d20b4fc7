/* The rate so far is taken for the rate to come: passes over a file take about the same time. */
#include <config.h>

#include "interop/meter.h"

#include "base/clock.h"

#define SECONDS_BETWEEN 0.1
#define SECONDS_BEFORE_ETA 0.5

void gr_meter_expect(gr_meter *meter, uint64_t bytes) {
  if (meter) meter->total += bytes;
}

void gr_meter_begin(gr_meter *meter, const char *phase) {
  if (!meter || !meter->on_progress) return;
  meter->phase = phase;
  if (meter->start == 0) meter->start = gr_clock_now();
}

void gr_meter_at(gr_meter *meter, uint64_t done) {
  if (!meter || !meter->on_progress) return;
  double now = gr_clock_now();
  if (now < meter->next) return;
  meter->next = now + SECONDS_BETWEEN;
  uint64_t all = meter->before + done;
  gr_import_progress progress = {.phase = meter->phase ? meter->phase : "",
                                 .done = all < meter->total ? all : meter->total,
                                 .total = meter->total,
                                 .seconds = now - meter->start,
                                 .eta_seconds = -1};
  if (progress.seconds > SECONDS_BEFORE_ETA && progress.done > 0)
    progress.eta_seconds =
        progress.seconds * (double)(progress.total - progress.done) / (double)progress.done;
  meter->on_progress(meter->user, &progress);
}

void gr_meter_end(gr_meter *meter, uint64_t bytes) {
  if (!meter) return;
  meter->before += bytes;
  gr_meter_at(meter, 0);
}
