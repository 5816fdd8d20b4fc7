/* The only malloc. Sizes are count x size with the product checked; all return NULL when it cannot
 * be had. */
#ifndef GR_BASE_MEMORY_H
#define GR_BASE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

#define GR_CACHE_LINE 64

/* *product = a * b; false where that does not fit size_t. */
bool gr_multiply(size_t a, size_t b, size_t *product);

/* Uninitialised memory for `count` elements of `size` bytes; never NULL for success, also when
 * count is 0. Blocks of 16 MiB and more, such as data sets, are offered to huge pages: rows that
 * are read in any order miss the translation of 4 KiB pages once each. */
void *gr_alloc(size_t count, size_t size);

/* As gr_alloc, filled with zero bytes. */
void *gr_calloc(size_t count, size_t size);

/* Resizes what gr_alloc gave (NULL: allocates). On failure returns NULL and `old` stays valid. */
void *gr_realloc(void *old, size_t count, size_t size);

/* 64-byte aligned, contents undefined, and where large its pages not yet touched; blocks of 2 MiB
 * and more are aligned to 2 MiB and offered to huge pages. Freed by gr_free_aligned. */
void *gr_alloc_aligned(size_t count, size_t size);

/* The same, zeroed. */
void *gr_calloc_aligned(size_t count, size_t size);
void gr_free_aligned(void *block);

/* A copy of a string (NULL gives NULL), or of its first n bytes. */
char *gr_strdup(const char *text);
char *gr_strndup(const char *text, size_t n);

/* Accepts NULL. */
void gr_free(void *block);

#endif
