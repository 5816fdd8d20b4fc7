/* Where training stands, on standard error: one live line on a terminal, a line per epoch
 * elsewhere.
 */
#ifndef GR_CLI_PROGRESS_H
#define GR_CLI_PROGRESS_H

#include <gradus/trainer.h>

typedef struct gr_progress {
  int quiet;  /* nothing at all */
  int live;   /* a terminal that can erase a line */
  int colour; /* NO_COLOR is not set */
  int drawn;  /* the live line is on the screen */
} gr_progress;

gr_progress gr_progress_start(int quiet);
void gr_progress_show(gr_progress *progress, const gradus_progress *now);

/* Work measured in bytes, such as an import; nothing where the line is not live. */
void gr_progress_work(gr_progress *progress, const char *phase, uint64_t done, uint64_t total,
                      double seconds, double eta_seconds);

/* Takes the live line away, before anything else is printed. */
void gr_progress_clear(gr_progress *progress);

/* Leaves the live line as it stands and goes to the next line. */
void gr_progress_end(gr_progress *progress);

#endif
