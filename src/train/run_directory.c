/* A run directory is taken by locking its file `lock` for the life of the trainer: the lock ends
 * with the process, however that ends. The text in the file only says who. */
#include <config.h>

#include "train/run_directory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
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

/* Says in the lock file who holds it; readers of a lock that is held see it. */
static gradus_status sign_lock(int fd, const char *path, gradus_error *err) {
  char host[256] = "", text[320];
  if (gethostname(host, sizeof host - 1) != 0) snprintf(host, sizeof host, "unknown host");
  int n = snprintf(text, sizeof text, "process %ld on %s\n", (long)getpid(), host);
  int code = gr_resize(fd, 0);
  if (code) return gr_fail_errno(err, GRADUS_ERR_IO, code, "%s: cannot write", path);
  return gr_file_append(fd, path, text, (size_t)n, err);
}

static gradus_status fail_busy(const char *directory, int fd, gradus_error *err) {
  char holder[320] = "";
  ssize_t n = pread(fd, holder, sizeof holder - 1, 0);
  holder[n > 0 ? n : 0] = '\0';
  holder[strcspn(holder, "\n")] = '\0';
  return gr_fail(err, GRADUS_ERR_BUSY, "%s: the run directory is in use by %s", directory,
                 holder[0] ? holder : "another process");
}

static gradus_status lock(const gr_log *log, gr_run_directory *run, gradus_error *err) {
  char path[GR_RUN_FILE];
  gr_run_file(run->path, "lock", path);
  run->lock_fd = gr_open(path, O_RDWR | O_CREAT, 0666);
  if (run->lock_fd < 0)
    return gr_fail_errno(err, GRADUS_ERR_CANTCREATE, errno, "%s: cannot write in the run directory",
                         run->path);
  while (flock(run->lock_fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    if (errno == EWOULDBLOCK) return fail_busy(run->path, run->lock_fd, err);
    gr_log_write(log, GR_WARNING,
                 "%s: this file system has no locks, two trainers here would not "
                 "see each other",
                 run->path);
    break;
  }
  return sign_lock(run->lock_fd, path, err);
}

gradus_status gr_run_open(const char *path, const gr_log *log, gr_run_directory *out,
                          gradus_error *err) {
  gr_run_directory run = GR_RUN_CLOSED;
  char checkpoints[GR_RUN_FILE];
  if (strlen(path) == 0 || strlen(path) >= sizeof run.path)
    return gr_fail(err, GRADUS_ERR_CANTCREATE, "the run directory's name is %s",
                   *path ? "too long" : "empty");
  snprintf(run.path, sizeof run.path, "%s", path);
  gr_run_file(path, "checkpoints", checkpoints);
  GR_TRY(gr_make_directories(path, err));
  gradus_status status = lock(log, &run, err);
  if (status == GRADUS_OK) status = gr_make_directories(checkpoints, err);
  if (status != GRADUS_OK) {
    gr_run_close(&run);
    return status;
  }
  *out = run;
  return GRADUS_OK;
}

static void close_fd(int *fd) {
  if (*fd >= 0) (void)close(*fd); /* every write to it has been looked at */
  *fd = -1;
}

void gr_run_close(gr_run_directory *run) {
  close_fd(&run->metrics.fd);
  close_fd(&run->timing.fd);
  close_fd(&run->messages.fd);
  close_fd(&run->lock_fd);
}

static gradus_status open_log(gr_run_directory *run, const char *name, gr_run_log *log,
                              gradus_error *err) {
  gr_run_file(run->path, name, log->path);
  log->fd = gr_open(log->path, O_RDWR | O_CREAT | O_APPEND, 0666);
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

gradus_status gr_run_append(gr_run_log *log, const gr_text *line, gradus_error *err) {
  gr_text whole = {0};
  gr_text_append(&whole, line->data ? line->data : "", line->length);
  gr_text_puts(&whole, "\n");
  gradus_status status = line->failed || whole.failed
                             ? gr_fail_memory(err, log->path)
                             : gr_file_append(log->fd, log->path, whole.data, whole.length, err);
  if (status == GRADUS_OK) log->size += whole.length;
  gr_text_free(&whole);
  return status;
}

void gr_run_message(gr_run_directory *run, gr_level level, const char *text) {
  static const char *const names[] = {"", "warning: ", "error: "};
  char stamp[GR_CLOCK_TEXT];
  gr_text line = {0};
  if (run->messages.fd < 0) return;
  gr_clock_stamp(stamp);
  gr_text_printf(&line, "%s %s%s", stamp, names[level], text);
  errno = 0;
  if (gr_run_append(&run->messages, &line, NULL) != GRADUS_OK && !run->messages_errno)
    run->messages_errno = errno ? errno : ENOMEM;
  gr_text_free(&line);
}

gradus_status gr_run_check(gr_run_directory *run, gradus_error *err) {
  int code = run->messages_errno;
  run->messages_errno = 0;
  if (!code) return GRADUS_OK;
  return gr_fail_errno(err, GRADUS_ERR_IO, code, "%s: cannot write", run->messages.path);
}
