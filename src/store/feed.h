/* Rows of a source that does not fit in memory, brought ahead of whom goes through them: threads of
 * its own read and decode blocks into a ring, in the order of gr_windows. What is gone through
 * finds its rows through gr_row_order with the same windows. */
#ifndef GR_STORE_FEED_H
#define GR_STORE_FEED_H

#include "net/row_order.h"
#include "store/ahead.h"
#include "store/source.h"

typedef struct gr_feed gr_feed;

/* What belongs to the rows beside x and is in memory as a whole; it travels with them into the
 * ring, so that one number serves for all. NULL: there is none. */
typedef struct gr_feed_extras {
  const int32_t *class_index; /* [n_rows] */
  const float *targets;       /* [n_rows][n_targets] */
  uint32_t n_targets;
  const float *weight, *offset; /* [n_rows] */
} gr_feed_extras;

typedef struct gr_feed_request {
  gr_source *x; /* borrowed; any number of feeds may read it */
  gr_feed_extras extras;
  uint64_t block_rows;
  const char *label; /* "FILE: train/x", borrowed, for messages */
  int threads;       /* >= 1 */
  bool nan_is_missing;
} gr_feed_request;

/* A feed that stands still. Lack of threads or memory: GRADUS_ERR_RESOURCES. */
gradus_status gr_feed_create(const gr_feed_request *request, gr_feed **out, gradus_error *err);
void gr_feed_destroy(gr_feed *feed); /* accepts NULL */

/* Begins at `position` of an epoch; what was under way ends. `windows` is borrowed until the next
 * start or the end; its slots are what the ring is made for, whose base may change. */
gradus_status gr_feed_start(gr_feed *feed, const gr_windows *windows, uint64_t position,
                            gradus_error *err);

/* The ring: x, and the extras in it. Valid after a start. */
typedef struct gr_feed_ring {
  const void *x;
  const int32_t *class_index;
  const float *targets, *weight, *offset;
} gr_feed_ring;
gr_feed_ring gr_feed_get_ring(const gr_feed *feed);

/* Bytes that a ring of so many blocks takes; 0 where that is more than there are. */
size_t gr_feed_ring_bytes(const gr_feed_request *request, uint64_t slots);

/* For one thread that goes through the rows. `wait` fails where a block cannot be read or holds a
 * number that is not finite (or not missing): GRADUS_ERR_DATA naming row and column. */
gr_feed_hooks gr_feed_get_hooks(gr_feed *feed);

/* What it took so far; places are blocks. */
gr_ahead_times gr_feed_get_times(gr_feed *feed);

/* Slots so that `batch_rows` positions in a row are in the ring at once, and as much again is read
 * meanwhile. */
uint64_t gr_feed_slots(const gr_windows *windows, uint64_t batch_rows);

#endif
