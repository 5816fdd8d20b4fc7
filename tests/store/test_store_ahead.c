/* Work ahead of whom needs it: each place once, none beyond the slots, failures told, starts anew;
 * and the fetching of mapped rows on top of it. */
#include <config.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "store/ahead.h"
#include "store/fetch.h"
#include "suites.h"

enum { PLACES = 500, SLOTS = 7, THREADS = 4 };

typedef struct worked {
  atomic_int times[PLACES];
  atomic_uint_fast64_t released; /* places */
  atomic_int too_far;
  uint64_t failing; /* this place fails; PLACES: none */
} worked;

static gradus_status work(void *user, uint64_t place, gradus_error *err) {
  worked *w = user;
  atomic_fetch_add(&w->times[place], 1);
  if (place >= atomic_load(&w->released) + SLOTS) atomic_store(&w->too_far, 1);
  if (place == w->failing) return gr_fail(err, GRADUS_ERR_IO, "place %d", (int)place);
  return GRADUS_OK;
}

static gr_ahead *make(worked *w) {
  gr_ahead *a = NULL;
  gradus_error err = {0};
  GR_CHECK_OK(gr_ahead_create(THREADS, work, w, &a, &err), &err);
  CU_ASSERT_PTR_NOT_NULL_FATAL(a);
  return a;
}

static void start(gr_ahead *a, uint64_t first) {
  gradus_error err = {0};
  gr_ahead_pause(a);
  GR_CHECK_OK(gr_ahead_start(a, first, PLACES, SLOTS, &err), &err);
}

/* From `first` on, one place at a time; `released` is told before it is true, so that no place is
 * too far because we were slow to say so. */
static void go_through(gr_ahead *a, worked *w, uint64_t first) {
  for (uint64_t place = first; place < PLACES; place++) {
    CU_ASSERT(gr_ahead_wait(a, place + 1) > place);
    atomic_store(&w->released, place + 1);
    gr_ahead_release(a, place + 1);
  }
}

static void each_place_is_worked_at_once_and_never_too_far_ahead(void) {
  static worked w = {.failing = PLACES};
  gr_ahead *a = make(&w);
  int wrong = 0;
  start(a, 0);
  go_through(a, &w, 0);
  for (int i = 0; i < PLACES; i++) wrong += w.times[i] != 1;
  CU_ASSERT_EQUAL(wrong, 0);
  CU_ASSERT_FALSE(w.too_far);
  CU_ASSERT_EQUAL(gr_ahead_get_times(a).places, PLACES);
  gr_ahead_destroy(a);
}

static void a_start_elsewhere_leaves_nothing_of_the_one_before(void) {
  static worked w = {.failing = PLACES};
  gr_ahead *a = make(&w);
  start(a, 0);
  (void)gr_ahead_wait(a, 3);
  gr_ahead_pause(a);
  memset(&w, 0, sizeof w);
  w.failing = PLACES;
  atomic_store(&w.released, 400);
  start(a, 400);
  go_through(a, &w, 400);
  for (int i = 0; i < PLACES; i++) CU_ASSERT_EQUAL(w.times[i], i >= 400);
  CU_ASSERT_FALSE(w.too_far);
  gr_ahead_destroy(a);
}

static void a_place_that_fails_ends_the_waiting_and_says_why(void) {
  static worked w = {.failing = 50};
  gr_ahead *a = make(&w);
  gradus_error err = {0};
  start(a, 0);
  uint64_t place = 0;
  while (gr_ahead_wait(a, place + 1) > place) gr_ahead_release(a, ++place);
  CU_ASSERT(place <= 50 && place + SLOTS > 50); /* one before it may have been slower */
  GR_CHECK_FAILS(gr_ahead_status(a, &err), GRADUS_ERR_IO, &err, "place 50");
  w.failing = PLACES;
  start(a, 0); /* forgets it */
  CU_ASSERT_EQUAL(gr_ahead_status(a, &err), GRADUS_OK);
  CU_ASSERT(gr_ahead_wait(a, 1) >= 1);
  gr_ahead_destroy(a);
}

/* ---- mapped rows ---- */

enum { ROWS = 20000, ROW = 1000, BATCH = 700 };

static bool in_memory(const char *base, uint64_t row) {
  const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE),
                  first = (uintptr_t)(base + row * ROW) / page * page,
                  last = (uintptr_t)(base + row * ROW + ROW - 1) / page * page;
  unsigned char there[2] = {0, 0};
  if (mincore((void *)first, page, &there[0]) != 0 || mincore((void *)last, page, &there[1]) != 0)
    return false;
  return there[0] & there[1] & 1;
}

/* Memory of our own that nobody has touched stands for a file that is on a disk. */
static void rows_that_are_waited_for_are_in_memory(void) {
  char *base =
      mmap(NULL, (size_t)ROWS * ROW, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CU_ASSERT_FATAL(base != MAP_FAILED);
  const gr_fetch_request request = {
      .base = base, .row_bytes = ROW, .n_rows = ROWS, .ahead_rows = 2 * BATCH, .threads = THREADS};
  const gr_row_order order = {.permutation = gr_permutation_make(gr_test_seed(), 1, ROWS)};
  gr_fetch *fetch = NULL;
  gradus_error err = {0};
  CU_ASSERT_FALSE(gr_fetch_is_resident(&request));
  GR_CHECK_OK(gr_fetch_create(&request, &fetch, &err), &err);
  CU_ASSERT_PTR_NOT_NULL_FATAL(fetch);
  GR_CHECK_OK(gr_fetch_start(fetch, &order, ROWS, 3000, &err), &err);
  const gr_feed_hooks hooks = gr_fetch_get_hooks(fetch);
  int missing = 0;
  for (uint64_t first = 3000; first < ROWS; first += BATCH) {
    const uint64_t end = first + BATCH < ROWS ? first + BATCH : ROWS;
    CU_ASSERT_TRUE(hooks.wait(hooks.user, end));
    for (uint64_t i = first; i < end; i++) missing += !in_memory(base, gr_row_order_row(&order, i));
    hooks.release(hooks.user, end);
  }
  CU_ASSERT_EQUAL(missing, 0);
  GR_CHECK_OK(hooks.rewind(hooks.user, &err), &err);
  CU_ASSERT_TRUE(hooks.wait(hooks.user, BATCH));
  gr_fetch_stop(fetch);
  gr_fetch_destroy(fetch);
  memset(base, 1, (size_t)ROWS * ROW);
  CU_ASSERT_TRUE(gr_fetch_is_resident(&request));
  CU_ASSERT_EQUAL(munmap(base, (size_t)ROWS * ROW), 0);
}

const gr_test gr_ahead_tests[] = {GR_TEST(each_place_is_worked_at_once_and_never_too_far_ahead),
                                  GR_TEST(a_start_elsewhere_leaves_nothing_of_the_one_before),
                                  GR_TEST(a_place_that_fails_ends_the_waiting_and_says_why),
                                  GR_TEST(rows_that_are_waited_for_are_in_memory), GR_TEST_END};
