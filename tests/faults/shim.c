/* A preloaded library that makes the system fail at a chosen call, as disks, quotas and limits do.
 * It knows which descriptors belong to files below one directory and leaves all others alone. What
 * libc calls inside itself (within fopen, say) is not seen; the calls of gradus and of its
 * libraries are. Of memory only what gradus itself asks for can be refused: HDF5 1.10 is known to
 * die of failed allocations of its own. */
#include <config.h>

#include "shim_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MAX_FD = 4096, MAX_RANGES = 8 };

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
                                       MAP_SHARED, (long)fd, 0L); /* as wide as it reads them */
  if (fd >= 0) (void)syscall(SYS_close, fd);
  if (map != MAP_FAILED) report = map;
  trace_fd = raw_open(getenv("GR_FAULT_TRACE"), O_WRONLY | O_CREAT | O_APPEND);
  record_fd = raw_open(getenv("GR_FAULT_RECORD"), O_WRONLY | O_CREAT | O_APPEND);
  if (plan) read_plan(plan);
}

bool gr_shim_is_below(const char *path) {
  if (!root_length || !path) return false;
  if (path[0] != '/') return in_root;
  return strncmp(path, root, root_length) == 0 &&
         (path[root_length] == '/' || path[root_length] == '\0');
}

bool gr_shim_is_tracked(int fd) {
  return fd >= 0 && fd < MAX_FD && tracked[fd];
}

void gr_shim_track(int fd, bool yes) {
  if (fd >= 0 && fd < MAX_FD) tracked[fd] = yes;
}

/* ---- failing ---- */

/* Whether this call is the one; counts it where the planned fault can meet it. */
bool gr_shim_is_hit(unsigned call, const char *name, const char *path, int fd) {
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

bool gr_shim_fails(unsigned call, const char *name, const char *path, int fd) {
  if (!gr_shim_is_hit(call, name, path, fd)) return false;
  errno = planned->code;
  return true;
}

/* For reads and writes: how many bytes may pass; -1 = none, failed. */
ssize_t gr_shim_allowance(unsigned call, const char *name, int fd, size_t n) {
  if (!gr_shim_is_tracked(fd) || !gr_shim_is_hit(call, name, NULL, fd)) return (ssize_t)n;
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

void gr_shim_record(gr_change change, int fd, int64_t offset, const char *path, const char *second,
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
int64_t gr_shim_place_of(int fd) {
  struct stat info;
  if (record_fd < 0) return 0;
  if (syscall(SYS_fcntl, fd, F_GETFL) & O_APPEND)
    return syscall(SYS_fstat, fd, &info) == 0 ? info.st_size : 0;
  return syscall(SYS_lseek, fd, 0, SEEK_CUR);
}

void gr_shim_trace(const char *path) {
  int code = errno;
  if (trace_fd < 0 || !path) return;
  (void)!syscall(SYS_write, trace_fd, path, strlen(path));
  (void)!syscall(SYS_write, trace_fd, "\n", 1);
  errno = code;
}

/* ---- memory ---- */

/* Called with __builtin_return_address(0) of the interposed function. */
bool gr_shim_refuses_memory(const void *caller) {
  if (!planned || planned->code != MEMORY) return false;
  for (int i = 0; i < n_ranges; i++)
    if ((const char *)caller >= range[i].start && (const char *)caller < range[i].end) {
      if (!gr_shim_is_hit(GR_CALL_MEMORY, "malloc", "", -1)) return false;
      errno = ENOMEM;
      return true;
    }
  return false;
}
