/* A reader must never see half a file, and a crash must leave the old file or the new one. So:
 * create aside, fsync the contents, rename, fsync the directory. Room is asked for first, because a
 * full disk is better met here than inside HDF5. It does not lock: of two writers that may
 * overwrite, the last rename wins. */
#include <config.h>

#include "store/aside.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"

#define PREFIX ".tmp-"

enum { MAX_TRIES = 1000 };

static size_t directory_length(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? (size_t)(slash - path) + 1 : 0;
}

/* A full or failing disk is an input/output error; anything else says that the place is wrong. */
static gradus_status status_of(int code) {
  return code == ENOSPC || code == EIO || code == EFBIG || code == EDQUOT ? GRADUS_ERR_IO
                                                                          : GRADUS_ERR_CANTCREATE;
}

static gradus_status refuse_existing(const char *path, gradus_error *err) {
  return gr_fail(err, GRADUS_ERR_CANTCREATE,
                 "%s: exists already; it is kept unless told to overwrite", path);
}

static gradus_status check_place(const char *path, bool overwrite, gradus_error *err) {
  struct stat info;
  if (lstat(path, &info) != 0) return GRADUS_OK;
  if (S_ISDIR(info.st_mode))
    return gr_fail(err, GRADUS_ERR_CANTCREATE, "%s: is a directory; a file name was expected",
                   path);
  return overwrite ? GRADUS_OK : refuse_existing(path, err);
}

gradus_status gr_aside_create(const char *path, bool overwrite, char **aside, gradus_error *err) {
  size_t n = directory_length(path);
  GR_TRY(check_place(path, overwrite, err));
  for (int i = 0; i < MAX_TRIES; i++) {
    gr_text name = {0};
    gr_text_append(&name, path, n);
    gr_text_printf(&name, PREFIX "%ld-%d-%s", (long)getpid(), i, path + n);
    if (name.failed) {
      gr_text_free(&name);
      return gr_fail_memory(err, "a file name");
    }
    int fd = gr_open(name.data, O_WRONLY | O_CREAT | O_EXCL, 0666);
    int code = fd < 0 ? errno : gr_close(fd);
    if (!code) {
      *aside = name.data;
      return GRADUS_OK;
    }
    if (fd >= 0) (void)unlink(name.data);
    gr_text_free(&name);
    if (code != EEXIST)
      return gr_fail_errno(err, status_of(code), code, "%s: cannot be created", path);
  }
  return gr_fail(err, GRADUS_ERR_CANTCREATE, "%s: %d files " PREFIX "... are left over beside it",
                 path, MAX_TRIES);
}

#ifdef FALLOC_FL_KEEP_SIZE
static int ask_for_room(int fd, off_t bytes) {
  int failed;
  do {
    failed = fallocate(fd, 0, 0, bytes);
  } while (failed && errno == EINTR);
  if (failed && (errno == ENOSPC || errno == EFBIG || errno == EDQUOT)) return errno;
  return gr_resize(fd, 0);
}
#else
static int ask_for_room(int fd, off_t bytes) {
  (void)fd, (void)bytes;
  return 0;
}
#endif

gradus_status gr_aside_reserve(const char *aside, const char *path, uint64_t bytes,
                               gradus_error *err) {
  if (bytes == 0 || bytes > INT64_MAX) return GRADUS_OK;
  int fd = gr_open(aside, O_WRONLY, 0);
  int code = fd < 0 ? errno : ask_for_room(fd, (off_t)bytes), closed = fd < 0 ? 0 : gr_close(fd);
  if (!code) code = closed;
  if (code)
    return gr_fail_errno(err, GRADUS_ERR_IO, code, "%s: no room for %llu bytes", path,
                         (unsigned long long)bytes);
  return GRADUS_OK;
}

static int sync_file(const char *path) {
  int fd = gr_open(path, O_RDONLY, 0);
  if (fd < 0) return errno;
  int code = gr_sync(fd), closed = gr_close(fd);
  return code ? code : closed;
}

gradus_status gr_make_durable(const char *path, gradus_error *err) {
  int code = gr_sync_entry(path);
  if (!code) return GRADUS_OK;
  return gr_fail_errno(err, code == ENOMEM ? GRADUS_ERR_RESOURCES : GRADUS_ERR_IO, code,
                       "%s: cannot be made durable", path);
}

gradus_status gr_aside_publish(const char *aside, const char *path, bool overwrite,
                               gradus_error *err) {
  int code = sync_file(aside);
  if (code) return gr_fail_errno(err, GRADUS_ERR_IO, code, "%s: cannot be made durable", path);
  /* link() refuses an existing name, rename() replaces it; some file systems have no links */
  bool linked = !overwrite && link(aside, path) == 0;
  if (!overwrite && !linked) {
    if (errno == EEXIST) return refuse_existing(path, err);
    GR_TRY(check_place(path, false, err));
  }
  if (linked ? unlink(aside) != 0 : rename(aside, path) != 0)
    return gr_fail_errno(err, status_of(errno), errno, "%s: the new file cannot get this name",
                         path);
  return gr_make_durable(path, err);
}

void gr_aside_discard(char *aside) {
  if (aside) (void)unlink(aside); /* nothing more can be done about it */
  gr_free(aside);
}

gradus_status gr_aside_end(char *aside, const char *path, bool overwrite, gradus_status status,
                           gradus_error *err) {
  if (status == GRADUS_OK) status = gr_aside_publish(aside, path, overwrite, err);
  if (status == GRADUS_OK)
    gr_free(aside);
  else
    gr_aside_discard(aside);
  return status;
}

bool gr_aside_is_left_over(const char *name) {
  const size_t n = sizeof PREFIX - 1;
  int64_t process;
  if (strncmp(name, PREFIX, n) != 0) return false;
  size_t digits = strspn(name + n, "0123456789");
  if (name[n + digits] != '-' || !gr_parse_i64(name + n, digits, &process)) return false;
  if (process <= 0 || process > INT32_MAX || process == getpid()) return true;
  return kill((pid_t)process, 0) != 0 && errno == ESRCH;
}
