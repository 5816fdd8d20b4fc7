/* A preloaded library that makes the system fail at a chosen call, as disks, quotas and limits do.
 * It knows which descriptors belong to files below one directory and leaves all others alone. What
 * libc calls inside itself (within fopen, say) is not seen; the calls of gradus and of its
 * libraries are. Of memory only what gradus itself asks for can be refused: HDF5 1.10 is known to
 * die of failed allocations of its own. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "shim.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MAX_FD = 4096, MAX_RANGES = 8 };

/* What a function of libc was before this library stood before it. */
#define REAL(result, name, ...)       \
  static result (*real)(__VA_ARGS__); \
  if (!real) *(void **)&real = dlsym(RTLD_NEXT, name)

#define ANY_CALL 0x7fff
#define CHANGING                                                                      \
  (GR_CALL_CREATE | GR_CALL_WRITE | GR_CALL_RENAME | GR_CALL_UNLINK | GR_CALL_MKDIR | \
   GR_CALL_LINK | GR_CALL_SIZE)

enum { SHORT = -1, MEMORY = -2 };

/* Kinds of faults: the errno, and the calls that can meet it. */
static const struct kind {
  const char *name;
  int code;
  unsigned calls;
} kinds[] = {
    {"EIO", EIO, ANY_CALL},
    {"ENOSPC", ENOSPC, (CHANGING & ~GR_CALL_UNLINK) | GR_CALL_SYNC | GR_CALL_CLOSE},
    {"EDQUOT", EDQUOT, (CHANGING & ~GR_CALL_UNLINK) | GR_CALL_SYNC | GR_CALL_CLOSE},
    {"EFBIG", EFBIG, GR_CALL_WRITE | GR_CALL_SIZE},
    {"EROFS", EROFS, CHANGING},
    {"EACCES", EACCES,
     GR_CALL_OPEN | GR_CALL_CREATE | GR_CALL_RENAME | GR_CALL_UNLINK | GR_CALL_MKDIR |
         GR_CALL_LINK | GR_CALL_STAT | GR_CALL_LIST | GR_CALL_MAP},
    {"EMFILE", EMFILE, GR_CALL_OPEN | GR_CALL_CREATE | GR_CALL_LIST},
    {"ENOMEM", ENOMEM, GR_CALL_OPEN | GR_CALL_CREATE | GR_CALL_LIST | GR_CALL_MAP},
    {"EINTR", EINTR,
     GR_CALL_OPEN | GR_CALL_CREATE | GR_CALL_READ | GR_CALL_WRITE | GR_CALL_SYNC | GR_CALL_CLOSE |
         GR_CALL_SIZE | GR_CALL_LOCK},
    {"short", SHORT, GR_CALL_READ | GR_CALL_WRITE},
    {"memory", MEMORY, GR_CALL_MEMORY},
};

static const struct kind *planned;
static unsigned long long position;
static bool from_there_on;
static char root[4096];
static size_t root_length;
static bool in_root; /* the working directory is */
static gr_fault_report nowhere, *report = &nowhere;
static int trace_fd = -1, record_fd = -1;
static _Atomic unsigned char tracked[MAX_FD];
static struct range { char *start, *end; } range[MAX_RANGES];
static int n_ranges;
static pthread_mutex_t recording = PTHREAD_MUTEX_INITIALIZER;

/* ---- beginning ---- */

/* Where the code of gradus lies. */
static int add_ranges(struct dl_phdr_info *info, size_t size, void *user) {
  (void)size;
  bool *program = user;
  const char *slash = strrchr(info->dlpi_name, '/');
  bool ours = *program || (slash && strncmp(slash, "/libgradus", 10) == 0);
  *program = false; /* the first one only */
  for (int i = 0; ours && i < info->dlpi_phnum && n_ranges < MAX_RANGES; i++) {
    const ElfW(Phdr) *part = &info->dlpi_phdr[i];
    if (part->p_type != PT_LOAD || !(part->p_flags & PF_X)) continue;
    char *start = (char *)info->dlpi_addr + part->p_vaddr;
    range[n_ranges++] = (struct range){start, start + part->p_memsz};
  }
  return 0;
}

static void read_plan(const char *plan) {
  char name[32], mode[8];
  unsigned long long at;
  if (sscanf(plan, "%31s %llu %7s", name, &at, mode) != 3) return;
  for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
    if (strcmp(kinds[i].name, name) == 0) planned = &kinds[i];
  position = at;
  from_there_on = strcmp(mode, "on") == 0;
}

static int raw_open(const char *path, int flags) {
  return path ? (int)syscall(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC, 0666) : -1;
}

__attribute__((constructor)) static void begin(void) {
  const char *text = getenv("GR_FAULT_ROOT"), *plan = getenv("GR_FAULT_PLAN");
  char here[4096];
  bool program = true;
  if (!text) return;
  root_length = strlen(text);
  memcpy(root, text, root_length + 1);
  in_root = getcwd(here, sizeof here) && strncmp(here, root, root_length) == 0;
  (void)dl_iterate_phdr(add_ranges, &program);
  int fd = raw_open(getenv("GR_FAULT_REPORT"), O_RDWR);
  void *map = fd < 0 ? MAP_FAILED
                     : (void *)syscall(SYS_mmap, NULL, sizeof *report, PROT_READ | PROT_WRITE,
                                       MAP_SHARED, fd, 0);
  if (fd >= 0) (void)syscall(SYS_close, fd);
  if (map != MAP_FAILED) report = map;
  trace_fd = raw_open(getenv("GR_FAULT_TRACE"), O_WRONLY | O_CREAT | O_APPEND);
  record_fd = raw_open(getenv("GR_FAULT_RECORD"), O_WRONLY | O_CREAT | O_APPEND);
  if (plan) read_plan(plan);
}

static bool is_below(const char *path) {
  if (!root_length || !path) return false;
  if (path[0] != '/') return in_root;
  return strncmp(path, root, root_length) == 0 &&
         (path[root_length] == '/' || path[root_length] == '\0');
}

static bool is_tracked(int fd) {
  return fd >= 0 && fd < MAX_FD && tracked[fd];
}

static void track(int fd, bool yes) {
  if (fd >= 0 && fd < MAX_FD) tracked[fd] = yes;
}

/* ---- failing ---- */

/* Whether this call is the one; counts it where the planned fault can meet it. */
static bool is_hit(unsigned call, const char *name, const char *path, int fd) {
  if (!planned || !(planned->calls & call)) return false;
  uint64_t n = __atomic_add_fetch(&report->n_calls, 1, __ATOMIC_RELAXED);
  if (position == 0 || (from_there_on ? n < position : n != position)) return false;
  /* interrupted for ever would be a hang by definition: every other call is */
  if (planned->code == EINTR && (n - position) % 2 != 0) return false;
  if (__atomic_add_fetch(&report->n_faults, 1, __ATOMIC_RELAXED) == 1) {
    size_t i = 0;
    for (; name[i] && i < sizeof report->call - 1; i++) report->call[i] = name[i];
    for (i = 0; path && path[i] && i < sizeof report->path - 1; i++) report->path[i] = path[i];
    if (!path && fd >= 0) {
      char link[64];
      snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
      (void)!syscall(SYS_readlink, link, report->path, sizeof report->path - 1);
    }
  }
  return true;
}

static bool fails(unsigned call, const char *name, const char *path, int fd) {
  if (!is_hit(call, name, path, fd)) return false;
  errno = planned->code;
  return true;
}

/* For reads and writes: how many bytes may pass; -1 = none, failed. */
static ssize_t allowance(unsigned call, const char *name, int fd, size_t n) {
  if (!is_tracked(fd) || !is_hit(call, name, NULL, fd)) return (ssize_t)n;
  if (planned->code == SHORT) return (ssize_t)(n > 1 ? n / 2 : n);
  errno = planned->code;
  return -1;
}

/* ---- recording ---- */

static void put_all(const void *bytes, size_t n) {
  for (size_t done = 0; done < n;) {
    long put = syscall(SYS_write, record_fd, (const char *)bytes + done, n - done);
    if (put <= 0) _exit(99);
    done += (size_t)put;
  }
}

static void record(gr_change change, int fd, int64_t offset, const char *path, const char *second,
                   const void *bytes, size_t n) {
  if (record_fd < 0) return;
  int code = errno;
  gr_fault_record r = {.change = change,
                       .fd = fd,
                       .offset = offset,
                       .n_bytes = n,
                       .n_path = path ? (uint32_t)strlen(path) + 1 : 0,
                       .n_second = second ? (uint32_t)strlen(second) + 1 : 0};
  pthread_mutex_lock(&recording);
  put_all(&r, sizeof r);
  put_all(path, r.n_path);
  put_all(second, r.n_second);
  put_all(bytes, n);
  pthread_mutex_unlock(&recording);
  errno = code;
}

/* Where the next write() goes. */
static int64_t place_of(int fd) {
  struct stat info;
  if (record_fd < 0) return 0;
  if (syscall(SYS_fcntl, fd, F_GETFL) & O_APPEND)
    return syscall(SYS_fstat, fd, &info) == 0 ? info.st_size : 0;
  return syscall(SYS_lseek, fd, 0, SEEK_CUR);
}

static void trace(const char *path) {
  int code = errno;
  if (trace_fd < 0 || !path) return;
  (void)!syscall(SYS_write, trace_fd, path, strlen(path));
  (void)!syscall(SYS_write, trace_fd, "\n", 1);
  errno = code;
}

/* ---- files ---- */

static int open_at(int folder, const char *path, int flags, mode_t mode, const char *name) {
  bool below = is_below(path), changes = (flags & (O_CREAT | O_TRUNC)) != 0;
  trace(path);
  if (below && fails(changes ? GR_CALL_CREATE : GR_CALL_OPEN, name, path, -1)) return -1;
  int fd = (int)syscall(SYS_openat, folder, path, flags, mode);
  track(fd, below && fd >= 0);
  if (below && fd >= 0) record(GR_CHANGE_OPEN, fd, flags, path, NULL, NULL, 0);
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
  bool ours = is_tracked(fd);
  track(fd, false);
  if (ours) record(GR_CHANGE_CLOSE, fd, 0, NULL, NULL, NULL, 0);
  bool fail = ours && fails(GR_CALL_CLOSE, "close", NULL, fd);
  int code = errno;
  int result = (int)syscall(SYS_close, fd); /* a failing close has closed, too */
  if (!fail) return result;
  errno = code;
  return -1;
}

ssize_t read(int fd, void *buffer, size_t n) {
  ssize_t most = allowance(GR_CALL_READ, "read", fd, n);
  return most < 0 ? -1 : syscall(SYS_read, fd, buffer, most);
}

#define PREAD(name)                                                        \
  ssize_t name(int fd, void *buffer, size_t n, off_t offset) {             \
    ssize_t most = allowance(GR_CALL_READ, "pread", fd, n);                \
    return most < 0 ? -1 : syscall(SYS_pread64, fd, buffer, most, offset); \
  }
PREAD(pread)
PREAD(pread64)

ssize_t write(int fd, const void *buffer, size_t n) {
  ssize_t most = allowance(GR_CALL_WRITE, "write", fd, n);
  int64_t at = is_tracked(fd) ? place_of(fd) : 0;
  ssize_t put = most < 0 ? -1 : syscall(SYS_write, fd, buffer, most);
  if (put > 0 && is_tracked(fd)) record(GR_CHANGE_WRITE, fd, at, NULL, NULL, buffer, (size_t)put);
  return put;
}

#define PWRITE(name)                                                               \
  ssize_t name(int fd, const void *buffer, size_t n, off_t offset) {               \
    ssize_t most = allowance(GR_CALL_WRITE, "pwrite", fd, n);                      \
    ssize_t put = most < 0 ? -1 : syscall(SYS_pwrite64, fd, buffer, most, offset); \
    if (put > 0 && is_tracked(fd))                                                 \
      record(GR_CHANGE_WRITE, fd, offset, NULL, NULL, buffer, (size_t)put);        \
    return put;                                                                    \
  }
PWRITE(pwrite)
PWRITE(pwrite64)

static int sync_now(int fd, long number, const char *name) {
  if (is_tracked(fd) && fails(GR_CALL_SYNC, name, NULL, fd)) return -1;
  /* nothing here is to survive a loss of power, and disks are slow */
  (void)number;
  if (is_tracked(fd)) record(GR_CHANGE_SYNC, fd, 0, NULL, NULL, NULL, 0);
  return 0;
}

int fsync(int fd) {
  return sync_now(fd, SYS_fsync, "fsync");
}

int fdatasync(int fd) {
  return sync_now(fd, SYS_fdatasync, "fdatasync");
}

static int set_size(int fd, off_t size, const char *name) {
  if (is_tracked(fd) && fails(GR_CALL_SIZE, name, NULL, fd)) return -1;
  int result = (int)syscall(SYS_ftruncate, fd, size);
  if (result == 0 && is_tracked(fd)) record(GR_CHANGE_SIZE, fd, size, NULL, NULL, NULL, 0);
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
  if (is_tracked(fd) && fails(GR_CALL_SIZE, "fallocate", NULL, fd)) return -1;
  int result = (int)syscall(SYS_fallocate, fd, mode, at, n);
  if (result == 0 && is_tracked(fd) && syscall(SYS_fstat, fd, &info) == 0)
    record(GR_CHANGE_SIZE, fd, info.st_size, NULL, NULL, NULL, 0);
  return result;
}

int fallocate(int fd, int mode, off_t at, off_t n) {
  return reserve(fd, mode, at, n);
}

int fallocate64(int fd, int mode, off_t at, off_t n) {
  return reserve(fd, mode, at, n);
}

int flock(int fd, int operation) {
  if (is_tracked(fd) && fails(GR_CALL_LOCK, "flock", NULL, fd)) return -1;
  return (int)syscall(SYS_flock, fd, operation);
}

#define LSEEK(name)                                                          \
  off_t name(int fd, off_t offset, int whence) {                             \
    if (is_tracked(fd) && fails(GR_CALL_STAT, "lseek", NULL, fd)) return -1; \
    return syscall(SYS_lseek, fd, offset, whence);                           \
  }
LSEEK(lseek)
LSEEK(lseek64)

#define MMAP(name)                                                                  \
  void *name(void *at, size_t n, int protection, int flags, int fd, off_t offset) { \
    if (is_tracked(fd) && fails(GR_CALL_MAP, "mmap", NULL, fd)) return MAP_FAILED;  \
    return (void *)syscall(SYS_mmap, at, n, protection, flags, fd, offset);         \
  }
MMAP(mmap)
MMAP(mmap64)

/* ---- names ---- */

int rename(const char *from, const char *to) {
  if (is_below(to) && fails(GR_CALL_RENAME, "rename", to, -1)) return -1;
  int result = (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
  if (result == 0 && is_below(to)) record(GR_CHANGE_RENAME, -1, 0, from, to, NULL, 0);
  return result;
}

int link(const char *from, const char *to) {
  if (is_below(to) && fails(GR_CALL_LINK, "link", to, -1)) return -1;
  int result = (int)syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0);
  if (result == 0 && is_below(to)) record(GR_CHANGE_LINK, -1, 0, from, to, NULL, 0);
  return result;
}

int unlink(const char *path) {
  if (is_below(path) && fails(GR_CALL_UNLINK, "unlink", path, -1)) return -1;
  int result = (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
  if (result == 0 && is_below(path)) record(GR_CHANGE_UNLINK, -1, 0, path, NULL, NULL, 0);
  return result;
}

int mkdir(const char *path, mode_t mode) {
  if (is_below(path) && fails(GR_CALL_MKDIR, "mkdir", path, -1)) return -1;
  int result = (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
  if (result == 0 && is_below(path)) record(GR_CHANGE_MKDIR, -1, 0, path, NULL, NULL, 0);
  return result;
}

int access(const char *path, int mode) {
  if (is_below(path) && fails(GR_CALL_STAT, "access", path, -1)) return -1;
  return (int)syscall(SYS_faccessat, AT_FDCWD, path, mode);
}

#define STAT(name, information)                                                           \
  int name(const char *path, struct information *out) {                                   \
    REAL(int, #name, const char *, struct information *);                                 \
    return is_below(path) && fails(GR_CALL_STAT, #name, path, -1) ? -1 : real(path, out); \
  }
STAT(stat, stat)
STAT(lstat, stat)
STAT(stat64, stat64)
STAT(lstat64, stat64)

#define FSTAT(name, information)                                                        \
  int name(int fd, struct information *out) {                                           \
    REAL(int, #name, int, struct information *);                                        \
    return is_tracked(fd) && fails(GR_CALL_STAT, #name, NULL, fd) ? -1 : real(fd, out); \
  }
FSTAT(fstat, stat)
FSTAT(fstat64, stat64)

/* ---- directories and streams ---- */

static DIR *below[16]; /* directory streams being listed, which are few */

DIR *opendir(const char *path) {
  REAL(DIR *, "opendir", const char *);
  trace(path);
  if (is_below(path) && fails(GR_CALL_LIST, "opendir", path, -1)) return NULL;
  DIR *dir = real(path);
  for (size_t i = 0; dir && is_below(path) && i < sizeof below / sizeof below[0]; i++)
    if (!below[i]) return below[i] = dir;
  return dir;
}

static bool is_listed(const DIR *dir) {
  for (size_t i = 0; i < sizeof below / sizeof below[0]; i++)
    if (below[i] == dir) return true;
  return false;
}

struct dirent *readdir(DIR *dir) {
  REAL(struct dirent *, "readdir", DIR *);
  return is_listed(dir) && fails(GR_CALL_LIST, "readdir", "", -1) ? NULL : real(dir);
}

int closedir(DIR *dir) {
  REAL(int, "closedir", DIR *);
  for (size_t i = 0; i < sizeof below / sizeof below[0]; i++)
    if (below[i] == dir) below[i] = NULL;
  return real(dir);
}

#define FOPEN(name)                                                               \
  FILE *name(const char *path, const char *mode) {                                \
    REAL(FILE *, #name, const char *, const char *);                              \
    trace(path);                                                                  \
    if (is_below(path) &&                                                         \
        fails(mode[0] == 'r' ? GR_CALL_OPEN : GR_CALL_CREATE, "fopen", path, -1)) \
      return NULL;                                                                \
    FILE *file = real(path, mode);                                                \
    if (file) track(fileno(file), is_below(path));                                \
    return file;                                                                  \
  }
FOPEN(fopen)
FOPEN(fopen64)

int fclose(FILE *file) {
  REAL(int, "fclose", FILE *);
  track(fileno(file), false); /* the descriptor's number may come again */
  return real(file);
}

/* ---- memory ---- */

/* Called with __builtin_return_address(0) of the interposed function. */
static bool is_refused(const void *caller) {
  if (!planned || planned->code != MEMORY) return false;
  for (int i = 0; i < n_ranges; i++)
    if ((const char *)caller >= range[i].start && (const char *)caller < range[i].end) {
      if (!is_hit(GR_CALL_MEMORY, "malloc", "", -1)) return false;
      errno = ENOMEM;
      return true;
    }
  return false;
}

/* dlsym may ask for memory before it can say where memory comes from. */
static char early[4096];
static size_t early_used;

static void *early_memory(size_t n) {
  size_t at = (early_used + 15) & ~(size_t)15;
  if (n > sizeof early || at > sizeof early - n) return NULL;
  early_used = at + n;
  return early + at;
}

static bool is_early(const void *block) {
  return (const char *)block >= early && (const char *)block < early + sizeof early;
}

void *malloc(size_t n) {
  REAL(void *, "malloc", size_t);
  if (!real) return early_memory(n);
  return is_refused(__builtin_return_address(0)) ? NULL : real(n);
}

void *calloc(size_t count, size_t n) {
  static void *(*real)(size_t, size_t);
  static bool asked;
  if (!real && !asked) {
    asked = true;
    *(void **)&real = dlsym(RTLD_NEXT, "calloc");
  }
  if (!real) return early_memory(count * n);
  return is_refused(__builtin_return_address(0)) ? NULL : real(count, n);
}

void *realloc(void *old, size_t n) {
  REAL(void *, "realloc", void *, size_t);
  return is_refused(__builtin_return_address(0)) ? NULL : real(old, n);
}

int posix_memalign(void **out, size_t alignment, size_t n) {
  REAL(int, "posix_memalign", void **, size_t, size_t);
  return is_refused(__builtin_return_address(0)) ? ENOMEM : real(out, alignment, n);
}

void free(void *block) {
  REAL(void, "free", void *);
  if (!is_early(block)) real(block);
}
