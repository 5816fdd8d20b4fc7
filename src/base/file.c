/* The few system calls on files that must be repeated or gone on from. What a file means, and what
 * is said when it fails, is the caller's. */
#include <config.h>

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"

int gr_open(const char *path, int flags, mode_t mode) {
  int fd;
  do {
    fd = open(path, flags | O_CLOEXEC, mode);
  } while (fd < 0 && errno == EINTR);
  return fd;
}

ssize_t gr_read_at(int fd, void *buffer, size_t n, uint64_t offset) {
  size_t done = 0;
  while (done < n) {
    ssize_t got = pread(fd, (char *)buffer + done, n - done, (off_t)(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return -1;
    if (got == 0) break;
    done += (size_t)got;
  }
  return (ssize_t)done;
}

bool gr_write_at(int fd, const void *buffer, size_t n, uint64_t offset) {
  size_t done = 0;
  while (done < n) {
    ssize_t put = pwrite(fd, (const char *)buffer + done, n - done, (off_t)(offset + done));
    if (put < 0 && errno == EINTR) continue;
    if (put == 0) errno = EIO; /* no progress and no reason: not for ever */
    if (put <= 0) return false;
    done += (size_t)put;
  }
  return true;
}

int gr_sync(int fd) {
  int failed;
  do {
    failed = fsync(fd);
  } while (failed && errno == EINTR);
  return failed ? errno : 0;
}

int gr_sync_entry(const char *path) {
  const char *slash = strrchr(path, '/');
  char *directory = slash ? gr_strndup(path, (size_t)(slash - path) + 1) : gr_strdup(".");
  if (!directory) return ENOMEM;
  int fd = gr_open(directory, O_RDONLY | O_DIRECTORY, 0), code = fd < 0 ? errno : gr_sync(fd);
  gr_free(directory);
  if (fd >= 0) (void)gr_close(fd); /* nothing was written through it */
  return code == EINVAL || code == EACCES || code == ENOTSUP ? 0 : code;
}

int gr_resize(int fd, uint64_t size) {
  int failed;
  do {
    failed = ftruncate(fd, (off_t)size);
  } while (failed && errno == EINTR);
  return failed ? errno : 0;
}

int gr_close(int fd) {
  return close(fd) == 0 || errno == EINTR ? 0 : errno;
}
