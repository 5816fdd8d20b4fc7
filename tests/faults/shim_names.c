/* Names, directories and streams. */
#include <config.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shim_internal.h"

int rename(const char *from, const char *to) {
  if (gr_shim_is_below(to) && gr_shim_fails(GR_CALL_RENAME, "rename", to, -1)) return -1;
  int result = (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
  if (result == 0 && gr_shim_is_below(to))
    gr_shim_record(GR_CHANGE_RENAME, -1, 0, from, to, NULL, 0);
  return result;
}

int link(const char *from, const char *to) {
  if (gr_shim_is_below(to) && gr_shim_fails(GR_CALL_LINK, "link", to, -1)) return -1;
  int result = (int)syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0);
  if (result == 0 && gr_shim_is_below(to)) gr_shim_record(GR_CHANGE_LINK, -1, 0, from, to, NULL, 0);
  return result;
}

int unlink(const char *path) {
  if (gr_shim_is_below(path) && gr_shim_fails(GR_CALL_UNLINK, "unlink", path, -1)) return -1;
  int result = (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
  if (result == 0 && gr_shim_is_below(path))
    gr_shim_record(GR_CHANGE_UNLINK, -1, 0, path, NULL, NULL, 0);
  return result;
}

int mkdir(const char *path, mode_t mode) {
  if (gr_shim_is_below(path) && gr_shim_fails(GR_CALL_MKDIR, "mkdir", path, -1)) return -1;
  int result = (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
  if (result == 0 && gr_shim_is_below(path))
    gr_shim_record(GR_CHANGE_MKDIR, -1, 0, path, NULL, NULL, 0);
  return result;
}

int access(const char *path, int mode) {
  if (gr_shim_is_below(path) && gr_shim_fails(GR_CALL_STAT, "access", path, -1)) return -1;
  return (int)syscall(SYS_faccessat, AT_FDCWD, path, mode);
}

#define STAT(name, information)                                                   \
  int name(const char *path, struct information *out) {                           \
    GR_REAL(int, #name, const char *, struct information *);                      \
    return gr_shim_is_below(path) && gr_shim_fails(GR_CALL_STAT, #name, path, -1) \
               ? -1                                                               \
               : real(path, out);                                                 \
  }
STAT(stat, stat)
STAT(lstat, stat)
STAT(stat64, stat64)
STAT(lstat64, stat64)

#define FSTAT(name, information)                                                                   \
  int name(int fd, struct information *out) {                                                      \
    GR_REAL(int, #name, int, struct information *);                                                \
    return gr_shim_is_tracked(fd) && gr_shim_fails(GR_CALL_STAT, #name, NULL, fd) ? -1             \
                                                                                  : real(fd, out); \
  }
FSTAT(fstat, stat)
FSTAT(fstat64, stat64)

/* ---- directories and streams ---- */

static DIR *below[16]; /* directory streams being listed, which are few */

DIR *opendir(const char *path) {
  GR_REAL(DIR *, "opendir", const char *);
  gr_shim_trace(path);
  if (gr_shim_is_below(path) && gr_shim_fails(GR_CALL_LIST, "opendir", path, -1)) return NULL;
  DIR *dir = real(path);
  for (size_t i = 0; dir && gr_shim_is_below(path) && i < sizeof below / sizeof below[0]; i++)
    if (!below[i]) return below[i] = dir;
  return dir;
}

static bool is_listed(const DIR *dir) {
  for (size_t i = 0; i < sizeof below / sizeof below[0]; i++)
    if (below[i] == dir) return true;
  return false;
}

struct dirent *readdir(DIR *dir) {
  GR_REAL(struct dirent *, "readdir", DIR *);
  return is_listed(dir) && gr_shim_fails(GR_CALL_LIST, "readdir", "", -1) ? NULL : real(dir);
}

int closedir(DIR *dir) {
  GR_REAL(int, "closedir", DIR *);
  for (size_t i = 0; i < sizeof below / sizeof below[0]; i++)
    if (below[i] == dir) below[i] = NULL;
  return real(dir);
}

#define FOPEN(name)                                                                       \
  FILE *name(const char *path, const char *mode) {                                        \
    GR_REAL(FILE *, #name, const char *, const char *);                                   \
    gr_shim_trace(path);                                                                  \
    if (gr_shim_is_below(path) &&                                                         \
        gr_shim_fails(mode[0] == 'r' ? GR_CALL_OPEN : GR_CALL_CREATE, "fopen", path, -1)) \
      return NULL;                                                                        \
    FILE *file = real(path, mode);                                                        \
    if (file) gr_shim_track(fileno(file), gr_shim_is_below(path));                        \
    return file;                                                                          \
  }
FOPEN(fopen)
FOPEN(fopen64)

int fclose(FILE *file) {
  GR_REAL(int, "fclose", FILE *);
  gr_shim_track(fileno(file), false); /* the descriptor's number may come again */
  return real(file);
}
