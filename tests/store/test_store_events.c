/* What happened to a run on its way comes back out of its checkpoints, or is refused. */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "store/checkpoint.h"
#include "store/dataset.h"
#include "suites.h"
#include "support/numbers.h"
#include "support/test.h"

static float *make_floats(size_t n, unsigned salt) {
  float *out = gr_alloc(n, sizeof *out);
  for (size_t i = 0; out && i < n; i++) out[i] = (float)(i * salt) / 3;
  return out;
}

static int same_bytes(const void *a, const void *b, size_t n) {
  return a && b && memcmp(a, b, n) == 0;
}

/* Events, the beginning of an epoch, and what the data were. */
static void add_happenings(gr_checkpoint *c) {
  gradus_error err = {0};
  const size_t n = c->model.network.n_parameters;
  gr_event event = {.epoch = 3, .step = 41, .line = "{\"event\":\"skip\",\"what\":\"\xc3\xa9\"}"};
  GR_CHECK_OK(gr_history_append_event(&c->history, &event, &err), &err);
  event.epoch = 5;
  memset(event.line, 'x', GR_EVENT_LINE - 1); /* as long as may be */
  event.line[0] = '{';
  event.line[GR_EVENT_LINE - 2] = '}';
  event.line[GR_EVENT_LINE - 1] = '\0';
  GR_CHECK_OK(gr_history_append_event(&c->history, &event, &err), &err);
  c->rollback = (gr_rollback){.parameters = make_floats(n, 5),
                              .moment = {make_floats(n, 6), make_floats(n, 7)},
                              .skipped_steps = 3,
                              .skipped_in_row = 1,
                              .n_left_out = 2,
                              .left_out = {30, 35}};
  c->state.skipped_steps = 4, c->state.skipped_in_row = 2, c->state.rollbacks = 9;
  c->state.base_step = 7, c->state.base_epoch = 1, c->state.base_samples = 99;
  memset(&c->data, 0, sizeof c->data);
  c->data.known = true;
  c->data.names = 77;
  gr_split_print *p = &c->data.split[0];
  p->n_rows = 5000, p->columns = 7, p->y_columns = 1, p->x_type = GR_U8, p->y_type = GR_F64;
  p->sampled = p->weighted = p->has_offset = true;
  gr_print_begin(p);
  for (uint64_t i = 0; i < gr_print_ranges(p); i++)
    for (int a = 0; a < GR_PRINT_ARRAYS; a++) p->sum[a][i] = i * 0x9e3779b97f4a7c15u + (uint64_t)a;
}

static void what_happened_to_a_run_comes_back(void) {
  gr_checkpoint c, read;
  gradus_error err = {0};
  gr_checkpoint_make(50, &c);
  add_happenings(&c);
  GR_CHECK_OK(gr_checkpoint_write(&c, gr_test_path("events.h5"), &err), &err);
  GR_CHECK_OK(gr_checkpoint_read(gr_test_path("events.h5"), &read, &err), &err);
  CU_ASSERT_EQUAL(memcmp(&read.state, &c.state, sizeof c.state), 0);
  CU_ASSERT_EQUAL_FATAL(read.history.n_events, 2);
  for (size_t i = 0; i < 2; i++) {
    CU_ASSERT_STRING_EQUAL(read.history.event[i].line, c.history.event[i].line);
    CU_ASSERT_EQUAL(read.history.event[i].epoch, c.history.event[i].epoch);
    CU_ASSERT_EQUAL(read.history.event[i].step, c.history.event[i].step);
  }
  const size_t bytes = c.model.network.n_parameters * sizeof(float);
  CU_ASSERT(same_bytes(read.rollback.parameters, c.rollback.parameters, bytes));
  for (int m = 0; m < 2; m++)
    CU_ASSERT(same_bytes(read.rollback.moment[m], c.rollback.moment[m], bytes));
  CU_ASSERT(read.rollback.skipped_steps == 3 && read.rollback.skipped_in_row == 1);
  CU_ASSERT(read.rollback.n_left_out == 2 && read.rollback.left_out[0] == 30 &&
            read.rollback.left_out[1] == 35);
  CU_ASSERT(read.data.known && read.data.names == 77 && read.data.split[1].n_rows == 0);
  CU_ASSERT_EQUAL(memcmp(&read.data.split[0], &c.data.split[0], sizeof c.data.split[0]), 0);
  gr_checkpoint_free(&read);
  gr_checkpoint_free(&c);
}

/* What could not be a line of metrics.jsonl, or is out of order, is refused, not repaired. */
static void events_that_cannot_be_are_refused(void) {
  static const char *const lines[] = {"", "{", "event", "{\"a\":1}\n{\"b\":2}", "{} "};
  for (size_t i = 0; i < 7; i++) {
    gr_checkpoint c, read;
    gradus_error err = {0};
    gr_checkpoint_make(50, &c);
    add_happenings(&c);
    if (i < 5) snprintf(c.history.event[1].line, GR_EVENT_LINE, "%s", lines[i]);
    if (i == 5) c.history.event[1].epoch = 2;   /* before the first */
    if (i == 6) c.history.event[1].epoch = 101; /* of 100 epochs */
    GR_CHECK_OK(gr_checkpoint_write(&c, gr_test_path("events.h5"), &err), &err);
    const gradus_status status = gr_checkpoint_read(gr_test_path("events.h5"), &read, &err);
    GR_CHECK_FAILS(status, GRADUS_ERR_DATA, &err, "/events");
    gr_checkpoint_free(&read);
    gr_checkpoint_free(&c);
  }
}

const gr_test event_tests[] = {GR_TEST(what_happened_to_a_run_comes_back),
                               GR_TEST(events_that_cannot_be_are_refused), GR_TEST_END};
