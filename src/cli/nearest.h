/* The valid word that a mistyped one was meant to be. */
#ifndef GR_CLI_NEAREST_H
#define GR_CLI_NEAREST_H

#include <stddef.h>

/* Offer words one by one; the nearest that is near enough to be meant stays in `best`. */
typedef struct gr_nearest {
  const char *typed, *best; /* best: NULL while none is near */
  size_t distance;          /* of the best; starts at the largest distance that is still near */
} gr_nearest;

gr_nearest gr_nearest_start(const char *typed);
void gr_nearest_offer(gr_nearest *nearest, const char *word);

#endif
