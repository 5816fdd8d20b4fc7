/* The only place that allocates: every product of sizes is checked, zero sizes are real blocks.
 * Large aligned blocks start on a 2 MiB boundary and ask for transparent huge pages. */
#include <config.h>

#include "base/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define HUGE_PAGE ((size_t)2 << 20)
#define LARGE \
  (8 * HUGE_PAGE) /* of blocks that need no alignment: rounding up costs an eighth at most */

bool gr_multiply(size_t a, size_t b, size_t *product) {
  return !__builtin_mul_overflow(a, b, product);
}

/* `bytes` rounded up to whole `alignment`s; huge pages are asked for where they are aligned so. */
static void *allocate_aligned(size_t bytes, size_t alignment) {
  void *block = NULL;
  if (bytes > SIZE_MAX - alignment) return NULL;
  bytes = (bytes + alignment - 1) & ~(alignment - 1);
  if (posix_memalign(&block, alignment, bytes) != 0) return NULL;
#ifdef MADV_HUGEPAGE
  if (alignment == HUGE_PAGE)
    (void)madvise(block, bytes, MADV_HUGEPAGE); /* advice: a refusal costs only speed */
#endif
  return block;
}

void *gr_alloc(size_t count, size_t size) {
  size_t bytes;
  if (!gr_multiply(count, size, &bytes)) return NULL;
  if (bytes >= LARGE) return allocate_aligned(bytes, HUGE_PAGE);
  return malloc(bytes ? bytes : 1);
}

void *gr_calloc(size_t count, size_t size) {
  return calloc(count ? count : 1, size ? size : 1);
}

void *gr_realloc(void *old, size_t count, size_t size) {
  size_t bytes;
  if (!gr_multiply(count, size, &bytes)) return NULL;
  return realloc(old, bytes ? bytes : 1);
}

void *gr_alloc_aligned(size_t count, size_t size) {
  size_t bytes;
  if (!gr_multiply(count, size, &bytes)) return NULL;
  return allocate_aligned(bytes ? bytes : 1, bytes >= HUGE_PAGE ? HUGE_PAGE : GR_CACHE_LINE);
}

void *gr_calloc_aligned(size_t count, size_t size) {
  void *block = gr_alloc_aligned(count, size);
  if (block) memset(block, 0, count * size);
  return block;
}

void gr_free_aligned(void *block) {
  free(block);
}

char *gr_strndup(const char *text, size_t n) {
  if (!text) return NULL;
  char *copy = gr_alloc(n + 1, 1);
  if (!copy) return NULL;
  memcpy(copy, text, n);
  copy[n] = '\0';
  return copy;
}

char *gr_strdup(const char *text) {
  return text ? gr_strndup(text, strlen(text)) : NULL;
}

void gr_free(void *block) {
  free(block);
}
