/* Levels of a text column and names of classes. Open addressing with linear probing, at most half
 * full; the texts are copied: callers often have them only for a moment. */
#include <config.h>

#include "base/dictionary.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* FNV-1a, 64 bits (Fowler, Noll, Vo). */
static uint64_t hash(const char *text, size_t length) {
  uint64_t h = 0xcbf29ce484222325u;
  for (size_t i = 0; i < length; i++) h = (h ^ (unsigned char)text[i]) * 0x100000001b3u;
  return h ^ h >> 32;
}

static bool equals(const char *have, const char *text, size_t length) {
  return strncmp(have, text, length) == 0 && have[length] == '\0';
}

/* The slot that holds `text`, or the free one where it belongs; needs n_slots > n. */
static size_t slot_of(const gr_dictionary *d, const char *text, size_t length) {
  size_t slot = (size_t)hash(text, length) & (d->n_slots - 1);
  while (d->slots[slot] && !equals(d->texts[d->slots[slot] - 1], text, length))
    slot = (slot + 1) & (d->n_slots - 1);
  return slot;
}

static void rehash(gr_dictionary *d) {
  memset(d->slots, 0, d->n_slots * sizeof *d->slots);
  for (uint32_t i = 0; i < d->n; i++)
    d->slots[slot_of(d, d->texts[i], strlen(d->texts[i]))] = i + 1;
}

static bool grow(gr_dictionary *d) {
  uint32_t capacity = d->capacity ? d->capacity * 2 : 16;
  if (capacity < d->capacity || capacity == GR_NO_ENTRY) return false;
  char **texts = gr_realloc(d->texts, capacity, sizeof *texts);
  if (!texts) return false;
  d->texts = texts;
  uint64_t *count = gr_realloc(d->count, capacity, sizeof *count);
  if (!count) return false;
  d->count = count;
  uint32_t *slots = gr_realloc(d->slots, (size_t)capacity * 2, sizeof *slots);
  if (!slots) return false;
  d->slots = slots;
  d->n_slots = (size_t)capacity * 2;
  d->capacity = capacity;
  rehash(d);
  return true;
}

uint32_t gr_dictionary_add(gr_dictionary *d, const char *text, size_t length) {
  if (d->n == d->capacity && !grow(d)) return GR_NO_ENTRY;
  size_t slot = slot_of(d, text, length);
  if (!d->slots[slot]) {
    char *copy = gr_strndup(text, length);
    if (!copy) return GR_NO_ENTRY;
    d->texts[d->n] = copy;
    d->count[d->n] = 0;
    d->slots[slot] = ++d->n;
  }
  uint32_t entry = d->slots[slot] - 1;
  d->count[entry]++;
  return entry;
}

uint32_t gr_dictionary_find(const gr_dictionary *d, const char *text, size_t length) {
  if (d->n == 0) return GR_NO_ENTRY;
  uint32_t held = d->slots[slot_of(d, text, length)];
  return held ? held - 1 : GR_NO_ENTRY;
}

struct entry {
  char *text;
  uint64_t count;
};

static int by_bytes(const void *a, const void *b) {
  return strcmp(((const struct entry *)a)->text, ((const struct entry *)b)->text);
}

bool gr_dictionary_sort(gr_dictionary *d) {
  struct entry *entries = gr_alloc(d->n, sizeof *entries);
  if (!entries) return false;
  for (uint32_t i = 0; i < d->n; i++) entries[i] = (struct entry){d->texts[i], d->count[i]};
  qsort(entries, d->n, sizeof *entries, by_bytes);
  for (uint32_t i = 0; i < d->n; i++) {
    d->texts[i] = entries[i].text;
    d->count[i] = entries[i].count;
  }
  gr_free(entries);
  if (d->n) rehash(d);
  return true;
}

void gr_dictionary_free(gr_dictionary *d) {
  for (uint32_t i = 0; i < d->n; i++) gr_free(d->texts[i]);
  gr_free(d->texts);
  gr_free(d->count);
  gr_free(d->slots);
  *d = (gr_dictionary){0};
}
