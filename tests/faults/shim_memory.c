/* malloc and its kin. dlsym may ask for memory before it can say where memory comes from. */
#include <config.h>

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#include "shim_internal.h"

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
  GR_REAL(void *, "malloc", size_t);
  if (!real) return early_memory(n);
  return gr_shim_refuses_memory(__builtin_return_address(0)) ? NULL : real(n);
}

void *calloc(size_t count, size_t n) {
  static void *(*real)(size_t, size_t);
  static bool asked;
  if (!real && !asked) {
    asked = true;
    *(void **)&real = dlsym(RTLD_NEXT, "calloc");
  }
  if (!real) return early_memory(count * n);
  return gr_shim_refuses_memory(__builtin_return_address(0)) ? NULL : real(count, n);
}

void *realloc(void *old, size_t n) {
  GR_REAL(void *, "realloc", void *, size_t);
  return gr_shim_refuses_memory(__builtin_return_address(0)) ? NULL : real(old, n);
}

int posix_memalign(void **out, size_t alignment, size_t n) {
  GR_REAL(int, "posix_memalign", void **, size_t, size_t);
  return gr_shim_refuses_memory(__builtin_return_address(0)) ? ENOMEM : real(out, alignment, n);
}

void free(void *block) {
  GR_REAL(void, "free", void *);
  if (!is_early(block)) real(block);
}
