/* Descriptors: opening, reading, writing, syncing. The system is called directly, so that nothing
 * here can meet itself. */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shim_internal.h"

static int open_at(int folder, const char *path, int flags, mode_t mode, const char *name) {
  bool below = gr_shim_is_below(path), changes = (flags & (O_CREAT | O_TRUNC)) != 0;
  gr_shim_trace(path);
  if (below && gr_shim_fails(changes ? GR_CALL_CREATE : GR_CALL_OPEN, name, path, -1)) return -1;
  int fd = (int)syscall(SYS_openat, folder, path, flags, mode);
  gr_shim_track(fd, below && fd >= 0);
  if (below && fd >= 0) gr_shim_record(GR_CHANGE_OPEN, fd, flags, path, NULL, NULL, 0);
  return fd;
}

static mode_t mode_of(int flags, va_list args) {
  return flags & (O_CREAT | O_TMPFILE) ? va_arg(args, mode_t) : 0;
}

#define OPEN(name)                                       \
  int name(const char *path, int flags, ...) {           \
    va_list args;                                        \
    va_start(args, flags);                               \
    mode_t mode = mode_of(flags, args);                  \
    va_end(args);                                        \
    return open_at(AT_FDCWD, path, flags, mode, "open"); \
  }
int open64(const char *path, int flags, ...);
OPEN(open)
OPEN(open64)

int openat(int folder, const char *path, int flags, ...) {
  va_list args;
  va_start(args, flags);
  mode_t mode = mode_of(flags, args);
  va_end(args);
  return open_at(folder, path, flags, mode, "openat");
}

int close(int fd) {
  bool ours = gr_shim_is_tracked(fd);
  gr_shim_track(fd, false);
  if (ours) gr_shim_record(GR_CHANGE_CLOSE, fd, 0, NULL, NULL, NULL, 0);
  bool fail = ours && gr_shim_fails(GR_CALL_CLOSE, "close", NULL, fd);
  int code = errno;
  int result = (int)syscall(SYS_close, fd); /* a failing close has closed, too */
  if (!fail) return result;
  errno = code;
  return -1;
}

ssize_t read(int fd, void *buffer, size_t n) {
  ssize_t most = gr_shim_allowance(GR_CALL_READ, "read", fd, n);
  return most < 0 ? -1 : syscall(SYS_read, fd, buffer, most);
}

#define PREAD(name)                                                        \
  ssize_t name(int fd, void *buffer, size_t n, off_t offset) {             \
    ssize_t most = gr_shim_allowance(GR_CALL_READ, "pread", fd, n);        \
    return most < 0 ? -1 : syscall(SYS_pread64, fd, buffer, most, offset); \
  }
PREAD(pread)
PREAD(pread64)

ssize_t write(int fd, const void *buffer, size_t n) {
  ssize_t most = gr_shim_allowance(GR_CALL_WRITE, "write", fd, n);
  int64_t at = gr_shim_is_tracked(fd) ? gr_shim_place_of(fd) : 0;
  ssize_t put = most < 0 ? -1 : syscall(SYS_write, fd, buffer, most);
  if (put > 0 && gr_shim_is_tracked(fd))
    gr_shim_record(GR_CHANGE_WRITE, fd, at, NULL, NULL, buffer, (size_t)put);
  return put;
}

#define PWRITE(name)                                                                \
  ssize_t name(int fd, const void *buffer, size_t n, off_t offset) {                \
    ssize_t most = gr_shim_allowance(GR_CALL_WRITE, "pwrite", fd, n);               \
    ssize_t put = most < 0 ? -1 : syscall(SYS_pwrite64, fd, buffer, most, offset);  \
    if (put > 0 && gr_shim_is_tracked(fd))                                          \
      gr_shim_record(GR_CHANGE_WRITE, fd, offset, NULL, NULL, buffer, (size_t)put); \
    return put;                                                                     \
  }
PWRITE(pwrite)
PWRITE(pwrite64)

static int sync_now(int fd, long number, const char *name) {
  if (gr_shim_is_tracked(fd) && gr_shim_fails(GR_CALL_SYNC, name, NULL, fd)) return -1;
  /* nothing here is to survive a loss of power, and disks are slow */
  (void)number;
  if (gr_shim_is_tracked(fd)) gr_shim_record(GR_CHANGE_SYNC, fd, 0, NULL, NULL, NULL, 0);
  return 0;
}

int fsync(int fd) {
  return sync_now(fd, SYS_fsync, "fsync");
}

int fdatasync(int fd) {
  return sync_now(fd, SYS_fdatasync, "fdatasync");
}

static int set_size(int fd, off_t size, const char *name) {
  if (gr_shim_is_tracked(fd) && gr_shim_fails(GR_CALL_SIZE, name, NULL, fd)) return -1;
  int result = (int)syscall(SYS_ftruncate, fd, size);
  if (result == 0 && gr_shim_is_tracked(fd))
    gr_shim_record(GR_CHANGE_SIZE, fd, size, NULL, NULL, NULL, 0);
  return result;
}

int ftruncate(int fd, off_t size) {
  return set_size(fd, size, "ftruncate");
}

int ftruncate64(int fd, off_t size) {
  return set_size(fd, size, "ftruncate");
}

static int reserve(int fd, int mode, off_t at, off_t n) {
  struct stat info;
  if (gr_shim_is_tracked(fd) && gr_shim_fails(GR_CALL_SIZE, "fallocate", NULL, fd)) return -1;
  int result = (int)syscall(SYS_fallocate, fd, mode, at, n);
  if (result == 0 && gr_shim_is_tracked(fd) && syscall(SYS_fstat, fd, &info) == 0)
    gr_shim_record(GR_CHANGE_SIZE, fd, info.st_size, NULL, NULL, NULL, 0);
  return result;
}

int fallocate(int fd, int mode, off_t at, off_t n) {
  return reserve(fd, mode, at, n);
}

int fallocate64(int fd, int mode, off_t at, off_t n) {
  return reserve(fd, mode, at, n);
}

int flock(int fd, int operation) {
  if (gr_shim_is_tracked(fd) && gr_shim_fails(GR_CALL_LOCK, "flock", NULL, fd)) return -1;
  return (int)syscall(SYS_flock, fd, operation);
}

#define LSEEK(name)                                                                          \
  off_t name(int fd, off_t offset, int whence) {                                             \
    if (gr_shim_is_tracked(fd) && gr_shim_fails(GR_CALL_STAT, "lseek", NULL, fd)) return -1; \
    return syscall(SYS_lseek, fd, offset, whence);                                           \
  }
LSEEK(lseek)
LSEEK(lseek64)

#define MMAP(name)                                                                                 \
  void *name(void *at, size_t n, int protection, int flags, int fd, off_t offset) {                \
    if (gr_shim_is_tracked(fd) && gr_shim_fails(GR_CALL_MAP, "mmap", NULL, fd)) return MAP_FAILED; \
    return (void *)syscall(SYS_mmap, at, n, protection, flags, fd, offset);                        \
  }
MMAP(mmap)
MMAP(mmap64)
