/* Files as a loss of power may leave them. From the recorded changes of a program: what was on the
 * disk for certain after the first k of them, and what might or might not have got there: writes
 * to a file that was not synced since (in pieces of a page), and entries of a directory that was
 * not synced since. Each of these may be lost alone; a harsher disk than any real one. */
#ifndef GR_TESTS_FAULTS_REPLAY_H
#define GR_TESTS_FAULTS_REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum gr_step_kind {
  GR_STEP_CREATE,
  GR_STEP_MKDIR,
  GR_STEP_RENAME,
  GR_STEP_LINK,
  GR_STEP_UNLINK,
  GR_STEP_WRITE,
  GR_STEP_SIZE,
  GR_STEP_SYNC /* changes nothing: what came before is for certain after it */
} gr_step_kind;

typedef struct gr_step {
  gr_step_kind kind;
  int inode; /* which file; not the system's number */
  int64_t offset;
  uint64_t n;
  const char *path, *second; /* RENAME: from, to */
  const char *bytes;
  size_t durable_at; /* from that many steps on it is for certain; SIZE_MAX = never */
} gr_step;

typedef struct gr_replay {
  char *record; /* the steps point into it */
  gr_step *step;
  size_t n, capacity;
  int n_inodes;
  const char *root;
} gr_replay;

/* Reads what the shim recorded for files below `root`, which had none of them before. */
bool gr_replay_read(const char *record, const char *root, gr_replay *out);
void gr_replay_free(gr_replay *replay);

/* The steps below k that are not certain then, into list [n at most]; their number. */
size_t gr_replay_pending(const gr_replay *replay, size_t k, size_t *list, size_t most);

/* Makes directory `at` (which is emptied) what root was after the first k steps without those that
 * `lost` [replay->n] marks. */
bool gr_replay_build(const gr_replay *replay, size_t k, const bool *lost, const char *at);

#endif
