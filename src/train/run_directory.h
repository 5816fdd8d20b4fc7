/* The directory of a run: its lock, its small files and its logs. Checkpoints in it are written by
 * the trainer. */
#ifndef GR_TRAIN_RUN_DIRECTORY_H
#define GR_TRAIN_RUN_DIRECTORY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"
#include "base/status.h"
#include "base/text.h"
#include "net/config.h"
#include "train/lock.h"

#define GR_RUN_PATH 1024 /* bytes of the path of a run directory */
#define GR_RUN_FILE 1152 /* bytes of the path of a file in it */

/* A log loses no line: what cannot be written (a full disk) is kept in memory and written before
 * the next one. */
typedef struct gr_run_log {
  int fd; /* -1 while closed */
  char path[GR_RUN_FILE];
  uint64_t size;   /* of whole lines in the file */
  gr_text pending; /* lines that are not in it yet */
  int problem;     /* errno of the last attempt to write, 0 = it went well */
} gr_run_log;

typedef struct gr_run_directory {
  char path[GR_RUN_PATH];
  size_t existed;                 /* bytes of `path` that named a directory before gr_run_open */
  bool had_lock, had_checkpoints; /* before it */
  gr_lock lock;
  gr_run_log metrics, timing, messages; /* metrics.jsonl timing.jsonl log.txt */
} gr_run_directory;

/* A run that is not open. */
#define GR_RUN_CLOSED \
  ((gr_run_directory){.lock.fd = -1, .metrics.fd = -1, .timing.fd = -1, .messages.fd = -1})

/* The path of a file in a run directory; out needs GR_RUN_FILE bytes. */
void gr_run_file(const char *directory, const char *name, char *out);

/* True where `directory` holds a run: a resolved recipe, a final or best model or a checkpoint. */
bool gr_run_exists(const char *directory);

/* "runs/<stem of data_path>-<8 hex digits of both digests>"; data_path may be NULL. */
gradus_status gr_run_default_path(const char *data_path, const char *recipe_digest,
                                  const char *data_digest, char out[GR_RUN_PATH],
                                  gradus_error *err);

/* Makes the directory and its checkpoints/ if needed and locks it; `command` (may be NULL) goes
 * into the lock. GRADUS_ERR_CANTCREATE where it cannot be made or written, GRADUS_ERR_BUSY naming
 * the holder where another trainer has it. */
gradus_status gr_run_open(const char *path, const char *command, const gr_log *log,
                          gr_run_directory *out, gradus_error *err);
void gr_run_close(gr_run_directory *run); /* accepts GR_RUN_CLOSED */

/* Closes a run that did not come about: takes away again the lock and the directories that
 * gr_run_open made, where nothing was put into them. */
void gr_run_abandon(gr_run_directory *run);

/* Opens the logs to go on from a state: metrics.jsonl is made to hold exactly `metrics` (rewritten
 * only where it differs), timing.jsonl loses the lines of steps after `step`, log.txt is appended
 * to. */
gradus_status gr_run_open_logs(gr_run_directory *run, const gr_text *metrics, uint64_t step,
                               gradus_error *err);

/* Appends one line (without newline) to a log, or keeps it; fails only for lack of memory. */
gradus_status gr_run_append(gr_run_log *log, const gr_text *line, gradus_error *err);

/* Appends a stamped message to log.txt. */
void gr_run_message(gr_run_directory *run, gr_level level, const char *text);

/* Tries to write what the logs have kept. GRADUS_ERR_IO naming the first that still cannot be
 * written, with the reason. */
gradus_status gr_run_check(gr_run_directory *run, gradus_error *err);

/* How long a log is, or will be with what it has kept. */
uint64_t gr_run_log_size(const gr_run_log *log);

/* ---- a request to stop: the file STOP ---- */

/* Puts it there; `who` is one line about whose wish it is. */
gradus_status gr_run_request_stop(const char *directory, const char *who, gradus_error *err);
bool gr_run_stop_is_requested(const char *directory);

/* Takes it away; *was tells whether it was there. */
gradus_status gr_run_withdraw_stop(const char *directory, bool *was, gradus_error *err);

/* Writes config.yaml: a copy of the file the user gave, or every key of `config`. */
gradus_status gr_run_write_config(const gr_run_directory *run, const gr_config *config,
                                  const char *given, gradus_error *err);

/* Writes recipe.yaml, the resolved recipe. */
gradus_status gr_run_write_recipe(const gr_run_directory *run, const gr_config *config,
                                  gradus_error *err);

/* Reads recipe.yaml into *out (initialised here); *found = false where there is none. */
gradus_status gr_run_read_recipe(const char *directory, gr_config *out, bool *found,
                                 gradus_error *err);

/* What run.json records of a session. */
typedef struct gr_run_facts {
  const char *data_path, *data_digest, *recipe_digest,
      *command_line; /* paths and line may be NULL */
  const char *cpu, *isa, *threads_reason;
  int threads;
  bool data_changed; /* the run has gone on with other data than it began with */
} gr_run_facts;
gradus_status gr_run_write_facts(const gr_run_directory *run, const gr_run_facts *facts,
                                 gradus_error *err);

/* Whether run.json says so. */
bool gr_run_data_changed(const char *directory);

/* The data digest that run.json records, into out[33]; "" where it records none. */
void gr_run_data_digest(const char *directory, char out[GR_DIGEST_TEXT]);

#endif
