/* A page that is not in memory makes the thread that touches it wait; here that is a thread with
 * nothing else to do. Places are PLACE_ROWS positions. */
#include <config.h>

#include "store/fetch.h"

#include <sys/mman.h>
#include <unistd.h>

#include "base/memory.h"

enum { PLACE_ROWS = 256, SAMPLES = 1024 };

struct gr_fetch {
  gr_fetch_request request;
  size_t page;
  gr_ahead *ahead;
  const gr_row_order *order;
  uint64_t n, ready_end;
  uint64_t released; /* places */
};

static size_t page_bytes(void) {
  const long page = sysconf(_SC_PAGESIZE);
  return page > 0 ? (size_t)page : 4096;
}

/* What is read ahead of a page that is touched is not wanted where rows come in any order. A hint,
 * which may be refused. */
static void expect(const gr_fetch *f, int advice) {
  const uintptr_t first = (uintptr_t)f->request.base / f->page * f->page,
                  end = (uintptr_t)f->request.base + f->request.n_rows * f->request.row_bytes;
  (void)madvise((void *)first, end - first, advice);
}

bool gr_fetch_is_resident(const gr_fetch_request *request) {
  const size_t page = page_bytes();
  const uintptr_t first = (uintptr_t)request->base / page * page,
                  end = (uintptr_t)request->base + request->n_rows * request->row_bytes;
  const size_t pages = (end - first + page - 1) / page;
  for (size_t i = 0; i < SAMPLES && i < pages; i++) {
    unsigned char there = 0;
    const size_t at = pages <= SAMPLES ? i : (size_t)((double)pages * (double)i / SAMPLES);
    if (mincore((void *)(first + at * page), 1, &there) != 0 || !(there & 1)) return false;
  }
  return true;
}

/* Reads one byte of each page of each row of the place. */
static gradus_status touch_rows(void *user, uint64_t place, gradus_error *err) {
  const gr_fetch *f = user;
  const uint64_t first = place * PLACE_ROWS,
                 n = f->n - first < PLACE_ROWS ? f->n - first : PLACE_ROWS;
  uint64_t number[PLACE_ROWS];
  (void)err;
  gr_row_order_numbers(f->order, NULL, first, n, number);
  for (uint64_t i = 0; i < n; i++) {
    const volatile char *row =
        (const volatile char *)f->request.base + number[i] * f->request.row_bytes;
    for (size_t at = 0; at < f->request.row_bytes; at += f->page) (void)row[at];
    (void)row[f->request.row_bytes - 1];
  }
  return GRADUS_OK;
}

gradus_status gr_fetch_create(const gr_fetch_request *request, gr_fetch **out, gradus_error *err) {
  gr_fetch *f = gr_calloc(1, sizeof *f);
  if (!f) return gr_fail_memory(err, "a reader");
  f->request = *request;
  f->page = page_bytes();
  const gradus_status status = gr_ahead_create(request->threads, touch_rows, f, &f->ahead, err);
  if (status == GRADUS_OK)
    *out = f;
  else
    gr_free(f);
  return status;
}

void gr_fetch_destroy(gr_fetch *fetch) {
  if (!fetch) return;
  gr_ahead_destroy(fetch->ahead);
  gr_free(fetch);
}

gradus_status gr_fetch_start(gr_fetch *f, const gr_row_order *order, uint64_t n, uint64_t position,
                             gradus_error *err) {
  gr_ahead_pause(f->ahead);
  expect(f, order->permutation.high_bits ? MADV_RANDOM : MADV_SEQUENTIAL);
  f->order = order;
  f->n = n;
  f->released = position / PLACE_ROWS;
  f->ready_end = f->released * PLACE_ROWS;
  const uint64_t slots = f->request.ahead_rows / PLACE_ROWS + 2;
  return gr_ahead_start(f->ahead, position / PLACE_ROWS, (n + PLACE_ROWS - 1) / PLACE_ROWS, slots,
                        err);
}

static bool wait_for(void *user, uint64_t end) {
  gr_fetch *f = user;
  if (end <= f->ready_end) return true;
  const uint64_t needed = (end + PLACE_ROWS - 1) / PLACE_ROWS;
  f->ready_end = gr_ahead_wait(f->ahead, needed) * PLACE_ROWS;
  return end <= f->ready_end;
}

static void release(void *user, uint64_t end) {
  gr_fetch *f = user;
  if (end / PLACE_ROWS <= f->released) return;
  f->released = end / PLACE_ROWS;
  gr_ahead_release(f->ahead, f->released);
}

static gradus_status begin_again(void *user, gradus_error *err) {
  gr_fetch *f = user;
  return gr_fetch_start(f, f->order, f->n, 0, err);
}

static gradus_status why(void *user, gradus_error *err) {
  return gr_ahead_status(((gr_fetch *)user)->ahead, err);
}

void gr_fetch_stop(gr_fetch *fetch) {
  gr_ahead_pause(fetch->ahead);
  expect(fetch, MADV_NORMAL);
}

gr_feed_hooks gr_fetch_get_hooks(gr_fetch *fetch) {
  return (gr_feed_hooks){fetch, wait_for, release, begin_again, why};
}

gr_ahead_times gr_fetch_get_times(gr_fetch *fetch) {
  return gr_ahead_get_times(fetch->ahead);
}
