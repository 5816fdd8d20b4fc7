/* flock is believed where the file system has it: who gets the lock knows that the last holder is
 * gone, whatever the text says. Elsewhere the text is all there is: a holder on this host is looked
 * for among the processes, one on another host must have renewed the file lately. There two that
 * come at the same instant are kept apart by a second file made with O_EXCL. */
#include <config.h>

#include "train/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/sysfile.h"
#include "base/text.h"
#include "train/files.h"

enum { RECORD = 1536, BOOT = 64, TRIES = 100, CLAIM_SECONDS = 60 };

int gr_lock_file(int fd) {
  while (flock(fd, LOCK_EX | LOCK_NB) != 0)
    if (errno != EINTR) return errno;
  return 0;
}

/* ---- what the text says ---- */

static void host_name(char out[256]) {
  memset(out, 0, 256);
  if (gethostname(out, 255) != 0 || !out[0]) snprintf(out, 256, "unknown");
}

static void boot_id(char out[BOOT]) {
  if (!gr_sysfile(out, BOOT, "", "/proc/sys/kernel/random/boot_id")) snprintf(out, BOOT, "unknown");
}

/* When process `pid` started, in ticks since boot; 0 where that is not known. The name of the
 * program, field 2, stands in brackets and may hold anything. */
static uint64_t start_of(int64_t pid) {
  char stat[1024];
  uint64_t start = 0;
  if (!gr_sysfile(stat, sizeof stat, "", "/proc/%lld/stat", (long long)pid)) return 0;
  const char *at = strrchr(stat, ')');
  for (int field = 2; at && field < 22; field++) {
    at = strchr(at, ' ');
    if (at) at++;
  }
  if (!at || !gr_parse_u64(at, strcspn(at, " "), &start)) return 0;
  return start;
}

/* The value of `key` ("pid=") in the second line, up to the next blank. */
static bool field_of(const char *record, const char *key, char *out, size_t size) {
  const char *line = strchr(record, '\n'), *at = line ? strstr(line, key) : NULL;
  if (!at) return false;
  at += strlen(key);
  size_t n = strcspn(at, " \n");
  if (n >= size) return false;
  memcpy(out, at, n);
  out[n] = '\0';
  return true;
}

static bool number_of(const char *record, const char *key, uint64_t *out) {
  char text[32];
  return field_of(record, key, text, sizeof text) && gr_parse_u64(text, strlen(text), out);
}

/* Whether the process of a record of this host lives. */
static bool lives(const char *record, int64_t pid) {
  char boot[BOOT], then[BOOT];
  uint64_t start = 0, now = start_of(pid);
  boot_id(boot);
  if (field_of(record, "boot=", then, sizeof then) && strcmp(then, boot) != 0) return false;
  if (pid <= 0 || (kill((pid_t)pid, 0) != 0 && errno == ESRCH)) return false;
  return !number_of(record, "start=", &start) || start == 0 || now == 0 || start == now;
}

/* Reads the record of an open lock file. `now` is the time of the file system. */
static gradus_status read_holder(int fd, const char *path, time_t now, gr_lock_holder *out,
                                 gradus_error *err) {
  char record[RECORD] = "", here[256];
  uint64_t pid = 0;
  struct stat info;
  *out = (gr_lock_holder){.state = GR_LOCK_FREE};
  ssize_t n = pread(fd, record, sizeof record - 1, 0);
  if (n < 0 || fstat(fd, &info) != 0)
    return gr_fail_errno(err, GRADUS_ERR_IO, errno, "%s: cannot be read", path);
  if (n == 0) return GRADUS_OK;
  snprintf(out->text, sizeof out->text, "%.*s", (int)strcspn(record, ":\n"), record);
  const char *since = strchr(record, ','); /* the stamp has colons: up to the command */
  const char *end = since ? strstr(since, ": ") : NULL;
  if (end) snprintf(out->text, sizeof out->text, "%.*s", (int)(end - record), record);
  host_name(here);
  if (!field_of(record, "host=", out->host, sizeof out->host) || !number_of(record, "pid=", &pid)) {
    out->state = GR_LOCK_STALE; /* torn, or of a gradus that wrote less: flock tells */
    return GRADUS_OK;
  }
  out->pid = (int64_t)pid;
  if (strcmp(out->host, here) == 0)
    out->state = lives(record, out->pid) ? GR_LOCK_HERE : GR_LOCK_STALE;
  else
    out->state = now - info.st_mtime < GR_LOCK_SILENCE ? GR_LOCK_ELSEWHERE : GR_LOCK_STALE;
  return GRADUS_OK;
}

/* Says in the file who holds it. Written over what is there and cut off after: a reader never finds
 * it empty. */
static gradus_status sign(int fd, const char *path, const char *command, gradus_error *err) {
  char host[256], boot[BOOT], stamp[GR_CLOCK_TEXT], record[RECORD];
  host_name(host);
  boot_id(boot);
  gr_clock_stamp(stamp);
  snprintf(record, sizeof record, "process %ld on %s, since %s: %.900s", (long)getpid(), host,
           stamp, command ? command : "a trainer");
  for (char *c = record; *c; c++)
    if (*c == '\n') *c = ' ';
  size_t used = strlen(record);
  snprintf(record + used, sizeof record - used, "\nhost=%s pid=%ld start=%llu boot=%s\n", host,
           (long)getpid(), (unsigned long long)start_of(getpid()), boot);
  if (lseek(fd, 0, SEEK_SET) != 0)
    return gr_fail_errno(err, GRADUS_ERR_IO, errno, "%s: cannot write", path);
  GR_TRY(gr_file_append(fd, path, record, strlen(record), err));
  if (ftruncate(fd, (off_t)strlen(record)) != 0)
    return gr_fail_errno(err, GRADUS_ERR_IO, errno, "%s: cannot write", path);
  return GRADUS_OK;
}

/* ---- taking it ---- */

static gradus_status fail_busy(const char *path, const gr_lock_holder *holder, bool asked,
                               gradus_error *err) {
  const char *who = holder->text[0] ? holder->text : "another process";
  const int directory = (int)(strrchr(path, '/') ? strrchr(path, '/') - path : 0);
  if (asked)
    return gr_fail(err, GRADUS_ERR_BUSY, "%.*s: the run directory is in use by %s", directory, path,
                   who);
  return gr_fail(err, GRADUS_ERR_BUSY,
                 "%.*s: the run directory is in use by %s, which was heard of in the last %d "
                 "minutes; if it is gone for certain, remove %s",
                 directory, path, who, GR_LOCK_SILENCE / 60, path);
}

static void tell_stale(const gr_log *log, const char *path, const gr_lock_holder *old) {
  if (old->state == GR_LOCK_FREE || !old->text[0]) return;
  gr_log_write(log, GR_INFO, "%s: taken over from %s, which is gone", path, old->text);
}

/* The path still names the open file: else its holder removed it before we had it. */
static bool is_current(int fd, const char *path) {
  struct stat ours, there;
  return fstat(fd, &ours) == 0 && stat(path, &there) == 0 && ours.st_ino == there.st_ino &&
         ours.st_dev == there.st_dev;
}

/* Makes the second file, which keeps takers apart where there are no locks; one that its maker left
 * behind is removed after a minute. *now receives the file system's time. */
static gradus_status claim(const char *path, char name[GR_LOCK_PATH + 8], time_t *now,
                           gradus_error *err) {
  struct stat info;
  snprintf(name, GR_LOCK_PATH + 8, "%s.claim", path);
  for (int i = 0; i < TRIES; i++) {
    int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd >= 0) {
      *now = fstat(fd, &info) == 0 ? info.st_mtime : time(NULL);
      (void)close(fd); /* nothing was written */
      return GRADUS_OK;
    }
    if (errno != EEXIST)
      return gr_fail_errno(err, GRADUS_ERR_CANTCREATE, errno, "%s: cannot be made", name);
    if (stat(name, &info) == 0 && time(NULL) - info.st_mtime > CLAIM_SECONDS) (void)unlink(name);
    (void)nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
  }
  return gr_fail(err, GRADUS_ERR_BUSY, "%s: another process is taking the run directory", name);
}

/* The file system has no locks: the record decides. */
static gradus_status take_by_record(int fd, const char *path, const char *command,
                                    const gr_log *log, gradus_error *err) {
  char name[GR_LOCK_PATH + 8];
  time_t now = 0;
  gr_lock_holder old;
  GR_TRY(claim(path, name, &now, err));
  gradus_status status = read_holder(fd, path, now, &old, err);
  if (status == GRADUS_OK && (old.state == GR_LOCK_HERE || old.state == GR_LOCK_ELSEWHERE))
    status = fail_busy(path, &old, old.state == GR_LOCK_HERE, err);
  if (status == GRADUS_OK) {
    tell_stale(log, path, &old);
    status = sign(fd, path, command, err);
  }
  (void)unlink(name); /* a left-over one expires */
  return status;
}

/* One attempt on the open file; *again where it was removed meanwhile. */
static gradus_status take(int fd, const char *path, const char *command, int (*try)(int fd),
                          const gr_log *log, bool *again, gradus_error *err) {
  gr_lock_holder old;
  const int code = try(fd);
  *again = false;
  if (code == EWOULDBLOCK) {
    GR_TRY(read_holder(fd, path, time(NULL), &old, err));
    return fail_busy(path, &old, true, err);
  }
  if (code == ENOLCK || code == ENOSYS || code == EOPNOTSUPP || code == EINVAL)
    return take_by_record(fd, path, command, log, err);
  if (code) return gr_fail_errno(err, GRADUS_ERR_CANTCREATE, code, "%s: cannot be locked", path);
  *again = !is_current(fd, path);
  if (*again) return GRADUS_OK;
  GR_TRY(read_holder(fd, path, time(NULL), &old, err));
  tell_stale(log, path, &old);
  return sign(fd, path, command, err);
}

gradus_status gr_lock_take(const char *path, const char *command, int (*try)(int fd),
                           const gr_log *log, gr_lock *out, gradus_error *err) {
  out->fd = -1;
  for (int i = 0; i < TRIES; i++) {
    bool again;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0)
      return gr_fail_errno(err, GRADUS_ERR_CANTCREATE, errno, "%s: cannot write in the directory",
                           path);
    gradus_status status = take(fd, path, command, try, log, &again, err);
    if (status == GRADUS_OK && !again) {
      out->fd = fd;
      return GRADUS_OK;
    }
    (void)close(fd);
    if (status != GRADUS_OK) return status;
  }
  return gr_fail(err, GRADUS_ERR_BUSY, "%s: comes and goes", path);
}

void gr_lock_refresh(const gr_lock *lock) {
  if (lock->fd >= 0) (void)futimens(lock->fd, NULL); /* the next one may do better */
}

void gr_lock_release(gr_lock *lock) {
  if (lock->fd < 0) return;
  const bool emptied = ftruncate(lock->fd, 0) == 0;
  (void)emptied; /* else the record says who was the last: it is stale */
  (void)close(lock->fd);
  lock->fd = -1;
}

void gr_lock_remove(gr_lock *lock, const char *path) {
  if (lock->fd < 0) return;
  (void)unlink(path);
  gr_lock_release(lock);
}

gradus_status gr_lock_look(const char *path, gr_lock_holder *out, gradus_error *err) {
  *out = (gr_lock_holder){.state = GR_LOCK_FREE};
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0 && errno == ENOENT) return GRADUS_OK;
  if (fd < 0) return gr_fail_errno(err, GRADUS_ERR_IO, errno, "%s: cannot be opened", path);
  gradus_status status = read_holder(fd, path, time(NULL), out, err);
  (void)close(fd); /* it was only read */
  return status;
}
