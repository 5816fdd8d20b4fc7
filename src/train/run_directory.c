/* The directory is taken before anything in it is changed, and given back as it was where the run
 * does not come about. A log that cannot be written holds its lines until it can: training does not
 * end for it. */
#include <config.h>

#include "train/run_directory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "train/files.h"
#include "train/run_log.h"

void gr_run_file(const char *directory, const char *name, char *out) {
  snprintf(out, GR_RUN_FILE, "%s/%s", directory, name);
}

static bool holds_checkpoint(const char *directory) {
  char path[GR_RUN_FILE];
  bool found = false;
  gr_run_file(directory, "checkpoints", path);
  DIR *folder = opendir(path);
  if (!folder) return false;
  for (struct dirent *entry = readdir(folder); entry && !found; entry = readdir(folder))
    found = strncmp(entry->d_name, "step-", 5) == 0;
  (void)closedir(folder); /* it was only read */
  return found;
}

bool gr_run_exists(const char *directory) {
  static const char *const names[] = {"recipe.yaml", "final.h5", "best.h5"};
  char path[GR_RUN_FILE];
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    gr_run_file(directory, names[i], path);
    if (gr_file_exists(path)) return true;
  }
  return holds_checkpoint(directory);
}

static uint32_t first_digits(const char *digest) {
  uint32_t value = 0;
  for (int i = 0; i < 8 && digest[i]; i++) {
    char c = digest[i];
    value = value << 4 | (uint32_t)(c >= 'a' ? c - 'a' + 10 : c - '0');
  }
  return value;
}

gradus_status gr_run_default_path(const char *data_path, const char *recipe_digest,
                                  const char *data_digest, char out[GR_RUN_PATH],
                                  gradus_error *err) {
  const char *stem = data_path ? data_path : "data", *slash = strrchr(stem, '/');
  if (slash) stem = slash + 1;
  const char *dot = strrchr(stem, '.');
  size_t length = dot && dot != stem ? (size_t)(dot - stem) : strlen(stem);
  uint32_t mixed = first_digits(recipe_digest) ^ first_digits(data_digest);
  int n = snprintf(out, GR_RUN_PATH, "runs/%.*s-%08lx", (int)length, stem, (unsigned long)mixed);
  if (n < 0 || n >= GR_RUN_PATH)
    return gr_fail(err, GRADUS_ERR_CANTCREATE, "%s: the name is too long for a run directory",
                   stem);
  return GRADUS_OK;
}

/* How much of `path` names a directory that is there: up to a slash, or all of it. */
static size_t length_of_existing(const char *path) {
  char part[GR_RUN_PATH];
  size_t n = strlen(path);
  for (;;) {
    snprintf(part, sizeof part, "%.*s", (int)n, path);
    if (n == 0 || gr_file_exists(part)) return n;
    while (n > 0 && part[n - 1] != '/') n--;
    while (n > 1 && part[n - 1] == '/') n--;
    if (n == 1 && part[0] != '/') n = 0;
  }
}

gradus_status gr_run_open(const char *path, const char *command, const gr_log *log,
                          gr_run_directory *out, gradus_error *err) {
  gr_run_directory run = GR_RUN_CLOSED;
  char file[GR_RUN_FILE];
  if (strlen(path) == 0 || strlen(path) >= sizeof run.path)
    return gr_fail(err, GRADUS_ERR_CANTCREATE, "the run directory's name is %s",
                   *path ? "too long" : "empty");
  snprintf(run.path, sizeof run.path, "%s", path);
  run.existed = length_of_existing(path);
  gradus_status status = gr_make_directories(path, err);
  gr_run_file(path, "lock", file);
  run.had_lock = gr_file_exists(file);
  if (status == GRADUS_OK) status = gr_lock_take(file, command, gr_lock_file, log, &run.lock, err);
  gr_run_file(path, "checkpoints", file);
  run.had_checkpoints = gr_file_exists(file);
  if (status == GRADUS_OK) status = gr_make_directories(file, err);
  if (status != GRADUS_OK) {
    gr_run_abandon(&run);
    return status;
  }
  *out = run;
  return GRADUS_OK;
}

static void close_log(gr_run_log *log) {
  if (log->fd >= 0) (void)close(log->fd); /* every write to it has been looked at */
  log->fd = -1;
  gr_text_free(&log->pending);
}

static void close_logs(gr_run_directory *run) {
  close_log(&run->metrics);
  close_log(&run->timing);
  close_log(&run->messages);
}

void gr_run_close(gr_run_directory *run) {
  close_logs(run);
  gr_lock_release(&run->lock);
}

/* Removes the directories of the path beyond `existed`, from the last one up to the first that
 * holds something. */
static void remove_made(const gr_run_directory *run) {
  char path[GR_RUN_PATH];
  snprintf(path, sizeof path, "%s", run->path);
  for (size_t n = strlen(path); n > run->existed; path[n] = '\0') {
    if (rmdir(path) != 0) return;
    while (n > run->existed && path[n - 1] != '/') n--;
    while (n > run->existed && path[n - 1] == '/') n--;
  }
}

void gr_run_abandon(gr_run_directory *run) {
  char file[GR_RUN_FILE];
  close_logs(run);
  gr_run_file(run->path, "checkpoints", file);
  if (run->lock.fd >= 0 && !run->had_checkpoints)
    (void)rmdir(file); /* spares what holds something */
  gr_run_file(run->path, "lock", file);
  if (!run->had_lock) gr_lock_remove(&run->lock, file);
  gr_lock_release(&run->lock);
  remove_made(run);
}

static gradus_status open_log(gr_run_directory *run, const char *name, gr_run_log *log,
                              gradus_error *err) {
  gr_run_file(run->path, name, log->path);
  log->fd = open(log->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (log->fd < 0)
    return gr_fail_errno(err, GRADUS_ERR_CANTCREATE, errno, "%s: cannot open", log->path);
  off_t end = lseek(log->fd, 0, SEEK_END);
  if (end < 0) return gr_fail_errno(err, GRADUS_ERR_IO, errno, "%s: cannot seek", log->path);
  log->size = (uint64_t)end;
  return GRADUS_OK;
}

/* A log that a kill or a full disk left behind may lack its end or hold what will come again:
 * `have` is what is there, `wanted` what is to be there. */
static gradus_status restore(const char *path, const gr_text *have, const gr_text *wanted,
                             gradus_error *err) {
  if (wanted->failed) return gr_fail_memory(err, path);
  bool same = have->length == wanted->length &&
              (have->length == 0 || memcmp(have->data, wanted->data, have->length) == 0);
  if (same) return GRADUS_OK;
  return gr_file_replace(path, wanted->data ? wanted->data : "", wanted->length, true, err);
}

static gradus_status restore_metrics(const gr_run_directory *run, const gr_text *wanted,
                                     gradus_error *err) {
  char path[GR_RUN_FILE];
  gr_text have = {0};
  bool found;
  gr_run_file(run->path, "metrics.jsonl", path);
  gradus_status status = gr_file_read(path, &have, &found, err);
  if (status == GRADUS_OK) status = restore(path, &have, wanted, err);
  gr_text_free(&have);
  return status;
}

static gradus_status restore_timing(const gr_run_directory *run, uint64_t step, gradus_error *err) {
  char path[GR_RUN_FILE];
  gr_text have = {0}, wanted = {0};
  bool found;
  gr_run_file(run->path, "timing.jsonl", path);
  gradus_status status = gr_file_read(path, &have, &found, err);
  if (status == GRADUS_OK && have.data) gr_timing_keep(have.data, step, &wanted);
  if (status == GRADUS_OK) status = restore(path, &have, &wanted, err);
  gr_text_free(&wanted);
  gr_text_free(&have);
  return status;
}

gradus_status gr_run_open_logs(gr_run_directory *run, const gr_text *metrics, uint64_t step,
                               gradus_error *err) {
  GR_TRY(restore_metrics(run, metrics, err));
  GR_TRY(restore_timing(run, step, err));
  GR_TRY(open_log(run, "metrics.jsonl", &run->metrics, err));
  GR_TRY(open_log(run, "timing.jsonl", &run->timing, err));
  return open_log(run, "log.txt", &run->messages, err);
}

/* Writes the kept lines, all or none: what a failure left of them is cut off again. */
static void write_pending(gr_run_log *log) {
  gradus_error reason;
  if (log->fd < 0 || log->pending.length == 0) return;
  errno = 0;
  gradus_status status =
      gr_file_append(log->fd, log->path, log->pending.data, log->pending.length, &reason);
  log->problem = status == GRADUS_OK ? 0 : errno ? errno : EIO;
  if (status == GRADUS_OK) {
    log->size += log->pending.length;
    gr_text_free(&log->pending);
    log->pending = (gr_text){0};
  } else if (ftruncate(log->fd, (off_t)log->size) != 0) {
    log->problem = errno; /* the next attempt cuts it off, or the next start mends the file */
  }
}

gradus_status gr_run_append(gr_run_log *log, const gr_text *line, gradus_error *err) {
  if (line->failed) return gr_fail_memory(err, log->path);
  gr_text_append(&log->pending, line->data ? line->data : "", line->length);
  gr_text_puts(&log->pending, "\n");
  if (log->pending.failed) return gr_fail_memory(err, log->path);
  write_pending(log);
  return GRADUS_OK;
}

uint64_t gr_run_log_size(const gr_run_log *log) {
  return log->size + log->pending.length;
}

void gr_run_message(gr_run_directory *run, gr_level level, const char *text) {
  static const char *const names[] = {"", "warning: ", "error: "};
  char stamp[GR_CLOCK_TEXT];
  gr_text line = {0};
  if (run->messages.fd < 0) return;
  gr_clock_stamp(stamp);
  gr_text_printf(&line, "%s %s%s", stamp, names[level], text);
  if (gr_run_append(&run->messages, &line, NULL) != GRADUS_OK) run->messages.problem = ENOMEM;
  gr_text_free(&line);
}

gradus_status gr_run_check(gr_run_directory *run, gradus_error *err) {
  gr_run_log *const logs[] = {&run->metrics, &run->timing, &run->messages};
  gradus_status status = GRADUS_OK;
  for (size_t i = 0; i < sizeof logs / sizeof logs[0]; i++) {
    write_pending(logs[i]);
    if (!logs[i]->problem || status != GRADUS_OK) continue;
    status = gr_fail_errno(err, GRADUS_ERR_IO, logs[i]->problem, "%s: cannot write", logs[i]->path);
  }
  return status;
}

/* ---- a request to stop ---- */

gradus_status gr_run_request_stop(const char *directory, const char *who, gradus_error *err) {
  char path[GR_RUN_FILE];
  gr_run_file(directory, "STOP", path);
  return gr_file_replace(path, who, strlen(who), true, err);
}

bool gr_run_stop_is_requested(const char *directory) {
  char path[GR_RUN_FILE];
  gr_run_file(directory, "STOP", path);
  return gr_file_exists(path);
}

gradus_status gr_run_withdraw_stop(const char *directory, bool *was, gradus_error *err) {
  char path[GR_RUN_FILE];
  gr_run_file(directory, "STOP", path);
  *was = unlink(path) == 0;
  if (*was || errno == ENOENT) return GRADUS_OK;
  return gr_fail_errno(err, GRADUS_ERR_IO, errno, "%s: cannot be removed", path);
}
