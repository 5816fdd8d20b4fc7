/* A thread that does one piece of work at a time for another thread: writing, while that one goes
 * on. It knows nothing of what it writes.
 *
 * idle -- gr_writer_start --> busy -- the work is done --> done -- gr_writer_take --> idle
 *
 * What `user` points to belongs to the writer's thread while busy, else to the caller's, but for
 * what `watch` uses, which is called beside both: a write may take minutes. All calls come from one
 * thread. */
#ifndef GR_TRAIN_WRITER_H
#define GR_TRAIN_WRITER_H

#include <stdbool.h>

#include "base/status.h"

typedef struct gr_writer gr_writer;

typedef enum gr_writer_state { GR_WRITER_IDLE, GR_WRITER_BUSY, GR_WRITER_DONE } gr_writer_state;

/* What the thread calls. */
typedef struct gr_writer_setup {
  void (*work)(void *user);
  void (*watch)(void *user); /* about every `watch_seconds`, by a second thread, or NULL */
  double watch_seconds;
  void *user;
} gr_writer_setup;

/* Makes the threads, which block all signals and run on the processors of the calling one.
 * GRADUS_ERR_RESOURCES where it cannot be had. */
gradus_status gr_writer_create(const gr_writer_setup *setup, gr_writer **out, gradus_error *err);

/* Waits for the work under way and ends the threads; accepts NULL. */
void gr_writer_destroy(gr_writer *writer);

/* An atomic load: cheap enough for every step. */
gr_writer_state gr_writer_now(const gr_writer *writer);

/* Begins the work; only where idle. */
void gr_writer_start(gr_writer *writer);

/* Waits until it is not busy. */
void gr_writer_wait(gr_writer *writer);

/* From done to idle; false where it is not done. */
bool gr_writer_take(gr_writer *writer);

#endif
