/* Checkpoints as objects in memory and as files of a directory: release, history, names, the newest
 * that is intact, and pruning. Which one is newest is a matter of steps; which one is oldest, when
 * files are removed, is a matter of when they were written: else a damaged file of a high step
 * would outlive the good ones written after falling back. */
#include <config.h>

#include "store/checkpoint.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"
#include "store/aside.h"
#include "store/checkpoint_file.h"
#include "store/seal.h"

#define MAX_PATH 4096

void gr_checkpoint_free(gr_checkpoint *c) {
  gr_model_free(&c->model);
  for (int m = 0; m < GR_MAX_MOMENTS; m++) gr_free(c->moment[m]);
  gr_history_free(&c->history);
  gr_free(c->best_parameters);
  gr_free(c->rollback.parameters);
  for (int m = 0; m < GR_MAX_MOMENTS; m++) gr_free(c->rollback.moment[m]);
  *c = (gr_checkpoint){0};
}

gradus_status gr_history_append(gr_history *h, const gr_history_row *row, gradus_error *err) {
  if (h->n_rows == h->capacity) {
    size_t capacity = h->capacity ? 2 * h->capacity : 64;
    gr_history_row *rows = gr_realloc(h->row, capacity, sizeof *rows);
    if (!rows) return gr_fail_memory(err, "the history");
    h->row = rows;
    h->capacity = capacity;
  }
  h->row[h->n_rows++] = *row;
  return GRADUS_OK;
}

gradus_status gr_history_append_event(gr_history *h, const gr_event *event, gradus_error *err) {
  if (h->n_events == h->event_capacity) {
    size_t capacity = h->event_capacity ? 2 * h->event_capacity : 8;
    gr_event *events = gr_realloc(h->event, capacity, sizeof *events);
    if (!events) return gr_fail_memory(err, "the history");
    h->event = events;
    h->event_capacity = capacity;
  }
  h->event[h->n_events++] = *event;
  return GRADUS_OK;
}

void gr_history_free(gr_history *h) {
  gr_free(h->row);
  gr_free(h->event);
  *h = (gr_history){0};
}

gradus_status gr_checkpoint_verify(const char *path, uint64_t *step, gradus_error *err) {
  return gr_seal_verify(path, step, err);
}

void gr_checkpoint_name(uint64_t step, char *out) {
  snprintf(out, 32, "step-%012llu.h5", (unsigned long long)step);
}

/* ---- the files of a directory ---- */

struct entry {
  uint64_t step;
  struct timespec written;
};

struct listing {
  struct entry *entry;
  size_t n, capacity;
};

/* "step-<12 digits, or more without leading zeros>.h5": what gr_checkpoint_name writes. */
static bool parse_name(const char *name, uint64_t *step) {
  static const char before[] = "step-", after[] = ".h5";
  if (strncmp(name, before, sizeof before - 1) != 0) return false;
  const char *digits = name + sizeof before - 1;
  size_t n = strspn(digits, "0123456789");
  return n >= 12 && (n == 12 || digits[0] != '0') && strcmp(digits + n, after) == 0 &&
         gr_parse_u64(digits, n, step);
}

static bool join(const char *directory, const char *name, char out[MAX_PATH]) {
  int n = snprintf(out, MAX_PATH, "%s/%s", directory, name);
  return n > 0 && n < MAX_PATH;
}

static gradus_status add(struct listing *list, const char *directory, const char *name,
                         gradus_error *err) {
  char path[MAX_PATH];
  struct stat info;
  struct entry entry;
  if (!parse_name(name, &entry.step) || !join(directory, name, path)) return GRADUS_OK;
  int code = stat(path, &info) == 0 ? 0 : errno;
  if (code == ENOENT) return GRADUS_OK; /* removed meanwhile */
  if (code) return gr_fail_errno(err, GRADUS_ERR_IO, code, "%s: cannot be looked at", path);
  entry.written = info.st_mtim;
  if (list->n == list->capacity) {
    size_t capacity = list->capacity ? 2 * list->capacity : 16;
    struct entry *entries = gr_realloc(list->entry, capacity, sizeof *entries);
    if (!entries) return gr_fail_memory(err, "a list of checkpoints");
    list->entry = entries;
    list->capacity = capacity;
  }
  list->entry[list->n++] = entry;
  return GRADUS_OK;
}

/* The checkpoints of a directory in no order; a missing directory has none. */
static gradus_status list_directory(const char *directory, struct listing *list,
                                    gradus_error *err) {
  *list = (struct listing){0};
  DIR *dir = opendir(directory);
  if (!dir && errno == ENOENT) return GRADUS_OK;
  if (!dir) return gr_fail_errno(err, GRADUS_ERR_IO, errno, "%s: cannot be listed", directory);
  gradus_status status = GRADUS_OK;
  const struct dirent *entry;
  while (status == GRADUS_OK && (errno = 0, entry = readdir(dir)))
    status = add(list, directory, entry->d_name, err);
  if (status == GRADUS_OK && errno)
    status = gr_fail_errno(err, GRADUS_ERR_IO, errno, "%s: cannot be listed", directory);
  (void)closedir(dir);
  if (status != GRADUS_OK) gr_free(list->entry);
  return status;
}

static int by_step(const void *a, const void *b) {
  uint64_t x = ((const struct entry *)a)->step, y = ((const struct entry *)b)->step;
  return (x < y) - (x > y);
}

static int by_time(const void *a, const void *b) {
  const struct timespec *x = &((const struct entry *)a)->written;
  const struct timespec *y = &((const struct entry *)b)->written;
  if (x->tv_sec != y->tv_sec) return x->tv_sec < y->tv_sec ? 1 : -1;
  if (x->tv_nsec != y->tv_nsec) return x->tv_nsec < y->tv_nsec ? 1 : -1;
  return by_step(a, b);
}

/* ---- the newest ---- */

static bool has_vanished(const char *path) {
  return access(path, F_OK) != 0 && errno == ENOENT;
}

/* What was passed over. */
struct passed {
  gr_text reasons; /* a line each, the newest first */
  size_t n;
};

/* Passes over a file that is not what was once written. Another failure (no permission, a disk that
 * cannot be read, no memory, a format of a newer gradus) says nothing against the checkpoint, and
 * falling back to an older one would lose what it holds: it is returned. */
static gradus_status pass_over(const char *path, const gradus_error *reason, struct passed *passed,
                               gradus_error *err) {
  bool sealed = false;
  if (reason->status == GRADUS_ERR_NOINPUT && has_vanished(path)) return GRADUS_OK;
  if (reason->status == GRADUS_ERR_DATA) GR_TRY(gr_seal_is_there(path, &sealed, err));
  if (sealed || (reason->status != GRADUS_ERR_DATA && reason->status != GRADUS_ERR_DAMAGED))
    return gr_fail(err, reason->status, "%s", reason->message);
  gr_text_printf(&passed->reasons, "%s\n", reason->message);
  passed->n++;
  return passed->reasons.failed ? gr_fail_memory(err, "a list of checkpoints") : GRADUS_OK;
}

static void log_passed(const struct passed *passed, const gr_log *log) {
  const char *line = passed->reasons.data ? passed->reasons.data : "";
  for (size_t n; *line; line += n + 1) {
    n = strcspn(line, "\n");
    gr_log_write(log, GR_WARNING, "passed over: %.*s", (int)n, line);
  }
}

static gradus_status fail_all_damaged(const char *directory, const struct listing *list,
                                      gradus_error *err) {
  char newest[32];
  gr_checkpoint_name(list->entry[0].step, newest);
  return gr_fail(err, GRADUS_ERR_DAMAGED,
                 "%s: no checkpoint is intact, the newest is %s; nothing was touched: move them "
                 "away to begin anew, or --run another directory",
                 directory, newest);
}

/* The first intact one of a sorted list. */
static gradus_status read_first(const char *directory, const struct listing *list,
                                gr_checkpoint *out, bool *found, char path[MAX_PATH],
                                struct passed *passed, gradus_error *err) {
  char name[32];
  gradus_error reason = {GRADUS_OK, ""};
  for (size_t i = 0; i < list->n && !*found; i++) {
    gr_checkpoint_name(list->entry[i].step, name);
    if (!join(directory, name, path)) continue;
    *found = gr_checkpoint_read(path, out, &reason) == GRADUS_OK;
    if (!*found) GR_TRY(pass_over(path, &reason, passed, err));
  }
  return *found || passed->n == 0 ? GRADUS_OK : fail_all_damaged(directory, list, err);
}

gradus_status gr_checkpoint_newest(const char *directory, const gr_log *log, gr_checkpoint *out,
                                   bool *found, char *path_out, gradus_error *err) {
  struct listing list;
  struct passed passed = {{0}, 0};
  char path[MAX_PATH];
  *found = false;
  *out = (gr_checkpoint){0};
  GR_TRY(list_directory(directory, &list, err));
  if (list.n) qsort(list.entry, list.n, sizeof *list.entry, by_step);
  gradus_status status = read_first(directory, &list, out, found, path, &passed, err);
  if (status == GRADUS_OK) log_passed(&passed, log);
  if (*found && path_out) memcpy(path_out, path, strlen(path) + 1);
  gr_text_free(&passed.reasons);
  gr_free(list.entry);
  return status;
}

/* ---- removing ---- */

static void remove_file(const char *directory, const char *name, const gr_log *log) {
  char path[MAX_PATH];
  if (join(directory, name, path) && unlink(path) != 0 && errno != ENOENT)
    gr_log_write(log, GR_WARNING, "%s: cannot be removed (error %d)", path, errno);
}

static void remove_left_over(const char *directory, const gr_log *log) {
  DIR *dir = opendir(directory);
  if (!dir) return;
  for (const struct dirent *entry; (entry = readdir(dir));)
    if (gr_aside_is_left_over(entry->d_name)) remove_file(directory, entry->d_name, log);
  (void)closedir(dir);
}

void gr_checkpoint_drop_later(const char *directory, uint64_t step, const gr_log *log) {
  struct listing list;
  gradus_error reason = {GRADUS_OK, ""};
  char name[32];
  if (list_directory(directory, &list, &reason) != GRADUS_OK) {
    gr_log_write(log, GR_WARNING, "%s", reason.message);
    return;
  }
  for (size_t i = 0; i < list.n; i++) {
    if (list.entry[i].step <= step) continue;
    gr_checkpoint_name(list.entry[i].step, name);
    remove_file(directory, name, log);
  }
  gr_free(list.entry);
}

void gr_checkpoint_prune(const char *directory, int64_t keep, const gr_log *log) {
  struct listing list;
  gradus_error reason = {GRADUS_OK, ""};
  char name[32];
  size_t kept = keep < 1 ? 1 : (size_t)keep;
  if (list_directory(directory, &list, &reason) != GRADUS_OK) {
    gr_log_write(log, GR_WARNING, "%s", reason.message);
    return;
  }
  if (list.n) qsort(list.entry, list.n, sizeof *list.entry, by_time);
  for (size_t i = kept; i < list.n; i++) {
    gr_checkpoint_name(list.entry[i].step, name);
    remove_file(directory, name, log);
  }
  gr_free(list.entry);
  remove_left_over(directory, log);
}
