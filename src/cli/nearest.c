/* Levenshtein's distance, one row at a time. A word further away than a third of its length was not
 * meant; an unfinished word ("optim") is as near as one typing error. */
#include <config.h>

#include "cli/nearest.h"

#include <string.h>

enum { LONGEST = 63 };

static size_t smallest(size_t a, size_t b, size_t c) {
  size_t least = a < b ? a : b;
  return least < c ? least : c;
}

static size_t distance(const char *a, const char *b) {
  size_t n = strlen(a), m = strlen(b), row[LONGEST + 1];
  if (n > LONGEST || m > LONGEST) return LONGEST;
  if (n >= 3 && strncmp(a, b, n) == 0) return 1;
  for (size_t j = 0; j <= m; j++) row[j] = j;
  for (size_t i = 1; i <= n; i++) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= m; j++) {
      size_t above = row[j];
      row[j] = smallest(above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
      diagonal = above;
    }
  }
  return row[m];
}

gr_nearest gr_nearest_start(const char *typed) {
  return (gr_nearest){.typed = typed, .best = NULL, .distance = strlen(typed) / 3 + 2};
}

void gr_nearest_offer(gr_nearest *nearest, const char *word) {
  size_t d = distance(nearest->typed, word);
  if (d >= nearest->distance) return;
  nearest->distance = d;
  nearest->best = word;
}
