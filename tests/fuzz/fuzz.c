/* Readers take file names, so the bytes are put into a file that lives in memory (memfd) where the
 * system has such, else into an unlinked temporary one; /proc gives it a name. */
#include <config.h>

#include "fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { SLOTS = 4 };

_Noreturn void gr_fuzz_broken(const char *condition, const char *file, int line) {
  fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, condition);
  abort();
}

static int open_slot(void) {
#ifdef MFD_CLOEXEC
  int fd = memfd_create("gradus-fuzz", MFD_CLOEXEC);
  if (fd >= 0) return fd;
#endif
  FILE *file = tmpfile();
  return file ? dup(fileno(file)) : -1;
}

const char *gr_fuzz_file(int slot, const uint8_t *data, size_t size) {
  static int fds[SLOTS]; /* descriptor + 1 */
  static char names[SLOTS][64];
  GR_FUZZ_REQUIRE(slot >= 0 && slot < SLOTS);
  if (!fds[slot]) fds[slot] = open_slot() + 1;
  int fd = fds[slot] - 1;
  GR_FUZZ_REQUIRE(fd >= 0 && ftruncate(fd, 0) == 0);
  GR_FUZZ_REQUIRE(size == 0 || pwrite(fd, data, size, 0) == (ssize_t)size);
  snprintf(names[slot], sizeof names[slot], "/proc/self/fd/%d", fd);
  return names[slot];
}
