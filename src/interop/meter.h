/* How far an import has come, and when it will be done. */
#ifndef GR_INTEROP_METER_H
#define GR_INTEROP_METER_H

#include <stdint.h>

/* What the caller of an import is told. */
typedef struct gr_import_progress {
  const char *phase; /* "reading", "writing", "copying" */
  uint64_t done, total;
  double seconds, eta_seconds; /* eta negative: not known yet */
} gr_import_progress;

/* Zero-initialise; without on_progress nothing happens. */
typedef struct gr_meter {
  void (*on_progress)(void *user, const gr_import_progress *progress);
  void *user;
  const char *phase;
  uint64_t total, before; /* work in bytes: all that is known of, and that of the parts done */
  double start, next;
} gr_meter;

/* Adds work that will have to be done. */
void gr_meter_expect(gr_meter *meter, uint64_t bytes);

/* A part begins; `done` of it is done, of its whole; it has ended. */
void gr_meter_begin(gr_meter *meter, const char *phase);
void gr_meter_at(gr_meter *meter, uint64_t done);
void gr_meter_end(gr_meter *meter, uint64_t bytes);

#endif
