/* Distinct texts, numbered in order of first appearance. */
#ifndef GR_BASE_DICTIONARY_H
#define GR_BASE_DICTIONARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GR_NO_ENTRY UINT32_MAX

/* Zero-initialise. */
typedef struct gr_dictionary {
  char **texts;    /* [n], terminated copies */
  uint64_t *count; /* [n] times each was added */
  uint32_t n, capacity;
  uint32_t *slots; /* [n_slots] entry + 1, 0 = free; n_slots is a power of two */
  size_t n_slots;
} gr_dictionary;

/* Number of `text` [length], added where it is new and counted; GR_NO_ENTRY when memory is out. */
uint32_t gr_dictionary_add(gr_dictionary *dictionary, const char *text, size_t length);

/* Number of `text`, or GR_NO_ENTRY. */
uint32_t gr_dictionary_find(const gr_dictionary *dictionary, const char *text, size_t length);

/* Renumbers in ascending order of bytes, so that numbers depend on the set of texts alone. False
 * when memory is out. */
bool gr_dictionary_sort(gr_dictionary *dictionary);

void gr_dictionary_free(gr_dictionary *dictionary);

#endif
