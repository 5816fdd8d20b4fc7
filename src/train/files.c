/* Short writes and interrupted calls are ordinary; a result that is not looked at is how a full
 * disk eats a file. */
#include <config.h>

#include "train/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "store/aside.h"

static gradus_status make_one(const char *path, gradus_error *err) {
  struct stat info;
  if (mkdir(path, 0777) == 0) return gr_make_durable(path, err);
  int code = errno;
  bool there = stat(path, &info) == 0;
  if (there && S_ISDIR(info.st_mode)) return GRADUS_OK;
  if (code == EEXIST) code = there ? ENOTDIR : errno;
  return gr_fail_errno(err, GRADUS_ERR_CANTCREATE, code, "%s: cannot create the directory", path);
}

gradus_status gr_make_directories(const char *path, gradus_error *err) {
  char *copy = gr_strdup(path);
  gradus_status status = GRADUS_OK;
  if (!copy) return gr_fail_memory(err, "a path");
  for (char *slash = strchr(copy + 1, '/'); *copy && slash; slash = strchr(slash + 1, '/')) {
    *slash = '\0';
    GR_TRY_ELSE(done, make_one(copy, err));
    *slash = '/';
  }
  status = make_one(copy, err);
done:
  gr_free(copy);
  return status;
}

gradus_status gr_file_append(int fd, const char *path, const char *bytes, size_t n,
                             gradus_error *err) {
  while (n > 0) {
    ssize_t written = write(fd, bytes, n);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return gr_fail_errno(err, GRADUS_ERR_IO, errno, "%s: cannot write", path);
    bytes += written;
    n -= (size_t)written;
  }
  return GRADUS_OK;
}

static gradus_status fill(const char *aside, const char *bytes, size_t n, gradus_error *err) {
  int fd = gr_open(aside, O_WRONLY, 0);
  if (fd < 0) return gr_fail_errno(err, GRADUS_ERR_IO, errno, "%s: cannot write", aside);
  gradus_status status = gr_file_append(fd, aside, bytes, n, err);
  int code = gr_close(fd);
  if (code && status == GRADUS_OK)
    status = gr_fail_errno(err, GRADUS_ERR_IO, code, "%s: cannot write", aside);
  return status;
}

gradus_status gr_file_replace(const char *path, const char *bytes, size_t n, bool durable,
                              gradus_error *err) {
  char *aside;
  GR_TRY(gr_aside_create(path, true, &aside, err));
  gradus_status status = fill(aside, bytes, n, err);
  if (durable || status != GRADUS_OK) return gr_aside_end(aside, path, true, status, err);
  if (rename(aside, path) == 0) {
    gr_free(aside);
    return GRADUS_OK;
  }
  status = gr_fail_errno(err, GRADUS_ERR_IO, errno, "%s: cannot replace", path);
  gr_aside_discard(aside);
  return status;
}

gradus_status gr_file_read(const char *path, gr_text *out, bool *found, gradus_error *err) {
  char block[16384];
  gradus_status status = GRADUS_OK;
  *found = false;
  int fd = gr_open(path, O_RDONLY, 0);
  if (fd < 0 && errno == ENOENT) return GRADUS_OK;
  if (fd < 0) return gr_fail_errno(err, GRADUS_ERR_IO, errno, "%s: cannot open", path);
  for (;;) {
    ssize_t n = read(fd, block, sizeof block);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) status = gr_fail_errno(err, GRADUS_ERR_IO, errno, "%s: cannot read", path);
    if (n <= 0) break;
    gr_text_append(out, block, (size_t)n);
  }
  (void)close(fd); /* it was only read */
  if (status == GRADUS_OK && out->failed) status = gr_fail_memory(err, path);
  if (status == GRADUS_OK) *found = true;
  return status;
}

gradus_status gr_file_look(const char *path, bool *found, gradus_error *err) {
  struct stat info;
  *found = stat(path, &info) == 0;
  if (*found || errno == ENOENT || errno == ENOTDIR) return GRADUS_OK;
  return gr_fail_errno(err, GRADUS_ERR_IO, errno, "%s: cannot be looked at", path);
}

bool gr_file_exists(const char *path) {
  struct stat info;
  return stat(path, &info) == 0 || (errno != ENOENT && errno != ENOTDIR);
}
