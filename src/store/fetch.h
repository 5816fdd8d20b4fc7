/* Rows of a mapped file, brought into memory ahead of whom goes through them: threads touch the
 * pages of the rows to come, so that the disk has many requests at a time and nobody else waits for
 * it. */
#ifndef GR_STORE_FETCH_H
#define GR_STORE_FETCH_H

#include "net/row_order.h"
#include "store/ahead.h"

typedef struct gr_fetch gr_fetch;

typedef struct gr_fetch_request {
  const void *base; /* rows of row_bytes one after another */
  size_t row_bytes;
  uint64_t n_rows;
  uint64_t ahead_rows; /* at most so many rows ahead; at least a batch */
  int threads;         /* that may wait for the disk */
} gr_fetch_request;

/* Whether the rows seem to be in memory all: some pages of them, drawn evenly, are. */
bool gr_fetch_is_resident(const gr_fetch_request *request);

/* Standing still. Nothing it does can fail but the making of threads. */
gradus_status gr_fetch_create(const gr_fetch_request *request, gr_fetch **out, gradus_error *err);
void gr_fetch_destroy(gr_fetch *fetch); /* accepts NULL */

/* Begins at `position` of n in `order`, which is borrowed until the next start or the end. */
gradus_status gr_fetch_start(gr_fetch *fetch, const gr_row_order *order, uint64_t n,
                             uint64_t position, gradus_error *err);
/* Returns when nobody looks at the order any more. */
void gr_fetch_stop(gr_fetch *fetch);
gr_feed_hooks gr_fetch_get_hooks(gr_fetch *fetch);
gr_ahead_times gr_fetch_get_times(gr_fetch *fetch);

#endif
