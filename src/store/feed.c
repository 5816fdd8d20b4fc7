/* The ring and its numbers; who works at it, and how far they are, is gr_ahead's. Who goes through
 * the rows looks at two numbers of its own on the way, how far rows are ready and where a block
 * becomes free, and asks only beyond them. Where windows are shuffled inside, a window is ready, or
 * free, as a whole. */
#include <config.h>

#include "store/feed.h"

#include <string.h>

#include "base/memory.h"
#include "store/ahead.h"
#include "store/finite.h"

struct gr_feed {
  gr_feed_request request;
  size_t row_bytes;
  gr_ahead *ahead;
  const gr_windows *windows; /* NULL before the first start */

  uint64_t slots; /* of the ring */
  char *x;
  int32_t *class_index;
  float *targets, *weight, *offset;

  uint64_t ready_end, release_at; /* positions, of who goes through the rows */
};

static uint64_t least(uint64_t a, uint64_t b) {
  return a < b ? a : b;
}

static gradus_status check_finite(const gr_feed *feed, const void *rows, uint64_t first, uint64_t n,
                                  gradus_error *err) {
  const gr_source_info *info = gr_source_get_info(feed->request.x);
  uint64_t at = 0;
  if (gr_all_finite(rows, info->type, n * info->n_columns, feed->request.nan_is_missing, &at))
    return GRADUS_OK;
  return gr_fail(
      err, GRADUS_ERR_DATA,
      "%s: row %llu, column %llu (from 0) is NaN or infinite; finite numbers were expected",
      feed->request.label, (unsigned long long)(first + at / info->n_columns),
      (unsigned long long)(at % info->n_columns));
}

static gradus_status read_block(void *user, uint64_t place, gradus_error *err) {
  gr_feed *feed = user;
  const gr_windows *w = feed->windows;
  const gr_feed_extras *extras = &feed->request.extras;
  const uint64_t block_rows = w->block_rows, first = w->block[place] * block_rows,
                 n = least(block_rows, w->n_rows - first),
                 at = place % w->slots * block_rows; /* in the ring */
  char *x = feed->x + at * feed->row_bytes;
  GR_TRY(gr_source_read(feed->request.x, first, n, x, err));
  GR_TRY(check_finite(feed, x, first, n, err));
  if (extras->class_index)
    memcpy(feed->class_index + at, extras->class_index + first, n * sizeof(int32_t));
  if (extras->targets)
    memcpy(feed->targets + at * extras->n_targets, extras->targets + first * extras->n_targets,
           n * extras->n_targets * sizeof(float));
  if (extras->weight) memcpy(feed->weight + at, extras->weight + first, n * sizeof(float));
  if (extras->offset) memcpy(feed->offset + at, extras->offset + first, n * sizeof(float));
  return GRADUS_OK;
}

/* ---- the ring ---- */

static void free_ring(gr_feed *feed) {
  gr_free_aligned(feed->x);
  gr_free(feed->class_index);
  gr_free(feed->targets);
  gr_free(feed->weight);
  gr_free(feed->offset);
  feed->x = NULL;
  feed->class_index = NULL;
  feed->targets = feed->weight = feed->offset = NULL;
  feed->slots = 0;
}

static gradus_status make_ring(gr_feed *feed, uint64_t slots, gradus_error *err) {
  const gr_feed_extras *extras = &feed->request.extras;
  size_t rows, numbers = 0;
  if (slots <= feed->slots) return GRADUS_OK;
  free_ring(feed);
  if (!gr_multiply(slots, feed->request.block_rows, &rows) ||
      (extras->targets && !gr_multiply(rows, extras->n_targets, &numbers)))
    return gr_fail_memory(err, "the rows read ahead");
  feed->x = gr_alloc_aligned(rows, feed->row_bytes);
  if (extras->class_index) feed->class_index = gr_alloc(rows, sizeof(int32_t));
  if (extras->targets) feed->targets = gr_alloc(numbers, sizeof(float));
  if (extras->weight) feed->weight = gr_alloc(rows, sizeof(float));
  if (extras->offset) feed->offset = gr_alloc(rows, sizeof(float));
  if (feed->x && (feed->class_index || !extras->class_index) &&
      (feed->targets || !extras->targets) && (feed->weight || !extras->weight) &&
      (feed->offset || !extras->offset)) {
    feed->slots = slots;
    return GRADUS_OK;
  }
  free_ring(feed);
  return gr_fail_memory(err, "the rows read ahead");
}

size_t gr_feed_ring_bytes(const gr_feed_request *request, uint64_t slots) {
  const gr_source_info *info = gr_source_get_info(request->x);
  const gr_feed_extras *extras = &request->extras;
  const size_t row = info->n_columns * gr_dtype_size(info->type) +
                     (extras->class_index ? sizeof(int32_t) : 0) +
                     (extras->targets ? extras->n_targets * sizeof(float) : 0) +
                     (extras->weight ? sizeof(float) : 0) + (extras->offset ? sizeof(float) : 0);
  size_t rows, bytes;
  return gr_multiply(slots, request->block_rows, &rows) && gr_multiply(rows, row, &bytes) ? bytes
                                                                                          : 0;
}

gr_feed_ring gr_feed_get_ring(const gr_feed *feed) {
  return (gr_feed_ring){feed->x, feed->class_index, feed->targets, feed->weight, feed->offset};
}

/* ---- life ---- */

gradus_status gr_feed_create(const gr_feed_request *request, gr_feed **out, gradus_error *err) {
  const gr_source_info *info = gr_source_get_info(request->x);
  gr_feed *feed = gr_calloc(1, sizeof *feed);
  if (!feed) return gr_fail_memory(err, "a reader");
  feed->request = *request;
  feed->row_bytes = info->n_columns * gr_dtype_size(info->type);
  const gradus_status status =
      gr_ahead_create(request->threads, read_block, feed, &feed->ahead, err);
  if (status == GRADUS_OK)
    *out = feed;
  else
    gr_feed_destroy(feed);
  return status;
}

void gr_feed_destroy(gr_feed *feed) {
  if (!feed) return;
  gr_ahead_destroy(feed->ahead);
  free_ring(feed);
  gr_free(feed);
}

/* The first place whose rows a position needs: of its window, where that is shuffled. */
static uint64_t place_of(const gr_windows *w, uint64_t position) {
  if (position >= w->start[w->n_blocks]) return w->n_blocks;
  return w->within ? gr_windows_at(w, position) * w->per_window : gr_windows_place(w, position);
}

/* The place after the last one that goes with `place`. */
static uint64_t after_place(const gr_windows *w, uint64_t place) {
  return least(place + (w->within ? w->per_window : 1), w->n_blocks);
}

gradus_status gr_feed_start(gr_feed *feed, const gr_windows *windows, uint64_t position,
                            gradus_error *err) {
  const uint64_t place = place_of(windows, position);
  gr_ahead_pause(feed->ahead);
  GR_TRY(make_ring(feed, windows->slots, err));
  feed->windows = windows;
  feed->ready_end = windows->start[place];
  feed->release_at = windows->start[after_place(windows, place)];
  return gr_ahead_start(feed->ahead, place, windows->n_blocks, windows->slots, err);
}

/* ---- going through ---- */

static bool wait_for(void *user, uint64_t end) {
  gr_feed *feed = user;
  const gr_windows *w = feed->windows;
  if (end <= feed->ready_end) return true;
  const uint64_t needed = after_place(w, place_of(w, end - 1));
  uint64_t ready = gr_ahead_wait(feed->ahead, needed);
  if (ready < needed) return false;
  if (w->within && ready < w->n_blocks) ready -= ready % w->per_window;
  feed->ready_end = w->start[ready];
  return true;
}

static void release(void *user, uint64_t end) {
  gr_feed *feed = user;
  const gr_windows *w = feed->windows;
  if (end < feed->release_at) return;
  const uint64_t place = place_of(w, end);
  gr_ahead_release(feed->ahead, place);
  feed->release_at = place < w->n_blocks ? w->start[after_place(w, place)] : UINT64_MAX;
}

static gradus_status begin_again(void *user, gradus_error *err) {
  gr_feed *feed = user;
  return gr_feed_start(feed, feed->windows, 0, err);
}

static gradus_status why(void *user, gradus_error *err) {
  return gr_ahead_status(((gr_feed *)user)->ahead, err);
}

gr_feed_hooks gr_feed_get_hooks(gr_feed *feed) {
  return (gr_feed_hooks){feed, wait_for, release, begin_again, why};
}

gr_ahead_times gr_feed_get_times(gr_feed *feed) {
  return gr_ahead_get_times(feed->ahead);
}

uint64_t gr_feed_slots(const gr_windows *windows, uint64_t batch_rows) {
  const gr_windows *w = windows;
  const uint64_t step = w->within ? w->per_window : 1;
  uint64_t most = 1, first = 0;
  for (uint64_t last = 0; last < w->n_blocks; last += step) {
    /* the batch that begins as early as it can and still has a row in `last` */
    while (first < last &&
           w->start[least(first + step, w->n_blocks)] + batch_rows <= w->start[last] + 1)
      first += step;
    const uint64_t span = (last - first) / step + 1;
    if (span > most) most = span;
  }
  if (w->within) return (most > 2 ? most : 2) * step;
  return 2 * most;
}
