/* Who has a run directory: one trainer at a time, on this host or another.
 *
 * The file `lock` is locked by flock(2) for the life of the trainer, so that the lock ends with the
 * process, however that ends. Its text names the holder:
 *
 *   process 4711 on host7, since 2026-01-31T12:00:00+0100: gradus train digits.h5
 *   host=host7 pid=4711 start=81726354 boot=5b0c1c3e-...
 *
 * `start` is the time of the process's start in ticks since boot (proc(5), field 22 of stat) and
 * `boot` the boot's number: a process number that was given again is not taken for the holder. An
 * empty file says that nobody has the directory. The holder renews the file's time of modification
 * (gr_lock_refresh); where the file system has no locks, that and the text decide. */
#ifndef GR_TRAIN_LOCK_H
#define GR_TRAIN_LOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/status.h"

#define GR_LOCK_PATH 1152
#define GR_LOCK_REFRESH 30.0 /* seconds between two renewals */
#define GR_LOCK_SILENCE                                                    \
  300 /* seconds without one after which a holder elsewhere counts as gone \
       */

typedef struct gr_lock {
  int fd; /* -1: not held */
} gr_lock;

typedef enum gr_lock_state {
  GR_LOCK_FREE,      /* nobody, or never taken */
  GR_LOCK_HERE,      /* by a process of this host that lives */
  GR_LOCK_ELSEWHERE, /* by a process of another host that was heard of lately */
  GR_LOCK_STALE      /* by a process that is gone, or was not heard of for GR_LOCK_SILENCE */
} gr_lock_state;

typedef struct gr_lock_holder {
  gr_lock_state state;
  char text[640]; /* "process 4711 on host7, since ...": the first line; "" where free */
  char host[256];
  int64_t pid;
} gr_lock_holder;

/* flock(2) as gr_lock_take calls it, exclusive and without waiting: 0 or an errno. */
int gr_lock_file(int fd);

/* Takes the file `path`, made if need be. `command` (may be NULL) is recorded. A holder that is
 * gone is told through `log`. In use: GRADUS_ERR_BUSY naming the holder and, where that cannot be
 * asked, the file to remove. Cannot be written: GRADUS_ERR_CANTCREATE. `try` is gr_lock_file, or
 * what a test has instead. */
gradus_status gr_lock_take(const char *path, const char *command, int (*try)(int fd),
                           const gr_log *log, gr_lock *out, gradus_error *err);

/* Tells the others that the holder lives. */
void gr_lock_refresh(const gr_lock *lock);

/* Empties the file and lets it go; accepts one that is not held. */
void gr_lock_release(gr_lock *lock);

/* Removes the file, which is held, and lets it go. */
void gr_lock_remove(gr_lock *lock, const char *path);

/* Who has it, without touching it. GRADUS_ERR_IO where it cannot be read. */
gradus_status gr_lock_look(const char *path, gr_lock_holder *out, gradus_error *err);

#endif
