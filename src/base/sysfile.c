/* Files of /proc and /sys are short, are read whole, and may be absent or hold anything in
 * containers: every reader here answers "unknown" rather than guess. */
#include <config.h>

#include "base/sysfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"

static size_t read_all(int fd, char *out, size_t room) {
  size_t have = 0;
  while (have < room) {
    ssize_t n = read(fd, out + have, room - have);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    have += (size_t)n;
  }
  return have;
}

bool gr_sysfile(char *out, size_t size, const char *root, const char *path, ...) {
  char name[4096];
  va_list args;
  out[0] = '\0';
  int start = snprintf(name, sizeof name, "%s", root);
  if (start < 0 || (size_t)start >= sizeof name) return false;
  va_start(args, path);
  int rest = vsnprintf(name + start, sizeof name - (size_t)start, path, args);
  va_end(args);
  if (rest < 0 || (size_t)(start + rest) >= sizeof name) return false;
  int fd = open(name, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  size_t have = read_all(fd, out, size - 1);
  (void)close(fd); /* nothing was written */
  while (have > 0 && (out[have - 1] == '\n' || out[have - 1] == '\0')) have--;
  out[have] = '\0';
  return have > 0;
}

static bool take_number(const char **text, int *value) {
  int64_t number;
  size_t n = strspn(*text, "0123456789");
  if (n == 0 || !gr_parse_i64(*text, n, &number) || number > 1 << 20) return false;
  *text += n;
  *value = (int)number;
  return true;
}

int gr_count_list(const char *list, int *first) {
  int count = 0, lowest = -1;
  do {
    int from, to;
    if (!take_number(&list, &from)) return 0;
    to = from;
    if (*list == '-' && (list++, !take_number(&list, &to) || to < from)) return 0;
    if (lowest < 0) lowest = from;
    count += to - from + 1;
  } while (*list == ',' && count < 1 << 20 && list++);
  if (*list) return 0;
  if (first) *first = lowest;
  return count;
}
