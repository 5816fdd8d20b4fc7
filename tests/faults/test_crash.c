/* Every state in which a loss of power can leave a run: from each the scan finds the newest
 * checkpoint that was durable, or a newer one, and the same command goes on to the same bits.
 *
 * `make check` tries, after every third change, that all, none and some of what was not certain is
 * lost; with GRADUS_TEST_ALL every subset of up to ten uncertain changes, and a thousand of more.
 */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/philox.h"
#include "replay.h"
#include "scenario.h"
#include "store/checkpoint.h"

enum { MOST_PENDING = 4096, EXHAUSTIVE = 10, SAMPLE = 1 };

typedef struct crash {
  gr_wanted wanted;
  gr_replay replay;
  bool *lost;
  char at[4600]; /* where states are built: "at/run" */
  unsigned long long states, trained, found_old, found_new, found_none;
} crash;

/* The step of a change that gives a checkpoint its name, or 0. */
static uint64_t published(const gr_step *s) {
  unsigned long long step;
  if (s->kind != GR_STEP_RENAME) return 0;
  if (sscanf(s->second, "run/checkpoints/step-%llu.h5", &step) != 1) return 0;
  return step;
}

/* The newest checkpoint that is certain after k changes, and the newest of all; 0 = none. */
static void expect(const gr_replay *r, size_t k, uint64_t *certain, uint64_t *newest) {
  *certain = *newest = 0;
  for (size_t i = 0; i < k; i++) {
    uint64_t step = published(&r->step[i]);
    if (step > *newest) *newest = step;
    if (r->step[i].durable_at <= k && step > *certain) *certain = step;
  }
}

static void tell(const crash *c, size_t k, const char *what, const char *more) {
  static int told;
  if (told++ > 10) return;
  printf("\n  after %zu of %zu changes, lost:", k, c->replay.n);
  for (size_t i = 0; i < k; i++)
    if (c->lost[i]) printf(" %zu", i);
  printf(": %s %s", what, more);
}

static void check_scan(crash *c, size_t k) {
  uint64_t certain, newest;
  char folder[4700];
  gradus_error err = {0};
  gr_checkpoint found;
  bool any;
  expect(&c->replay, k, &certain, &newest);
  snprintf(folder, sizeof folder, "%s/run/checkpoints", c->at);
  gradus_status status = gr_checkpoint_newest(folder, NULL, &found, &any, NULL, &err);
  bool right = status == GRADUS_OK &&
               (any ? found.state.step >= certain && found.state.step <= newest : certain == 0);
  if (!right) tell(c, k, "the scan fails", err.message);
  CU_ASSERT(right);
  c->states++;
  c->found_none += status == GRADUS_OK && !any;
  c->found_old += status == GRADUS_OK && any && found.state.step < newest;
  c->found_new += status == GRADUS_OK && any && found.state.step == newest;
  gr_checkpoint_free(&found);
}

/* The command in the state that was built. */
static void check_training(crash *c, size_t k) {
  gr_remove_tree(gr_work_file("run"));
  CU_ASSERT_FATAL(
      gr_shell("test ! -e \"$1/run\" || cp -a \"$1/run\" \"$2/run\"", c->at, gr_work()));
  const char *what = gr_try_again(&c->wanted);
  if (what) tell(c, k, "training:", what);
  CU_ASSERT(what == NULL);
  c->trained++;
}

static void try_state(crash *c, size_t k, bool train) {
  CU_ASSERT_FATAL(gr_replay_build(&c->replay, k, c->lost, c->at));
  check_scan(c, k);
  if (train) check_training(c, k);
}

/* Subset `bits` of the first 64 pending changes; of more, pseudo-random ones. */
static void lose(crash *c, size_t k, const size_t *pending, size_t n, uint64_t seed, bool all) {
  for (size_t i = 0; i < n; i++) {
    uint32_t word[4];
    gr_random_words(gr_test_seed() + k, GR_STREAM_TEST, (uint32_t)i, seed, word);
    c->lost[pending[i]] = all ? seed >> i & 1 : word[0] & 1;
  }
}

static void try_prefix(crash *c, size_t k) {
  static size_t pending[MOST_PENDING];
  size_t n = gr_replay_pending(&c->replay, k, pending, MOST_PENDING);
  const bool exhaustive = gr_all_positions() && n <= EXHAUSTIVE;
  uint64_t tries = exhaustive ? (uint64_t)1 << n : gr_all_positions() ? 1 << EXHAUSTIVE : SAMPLE;
  const uint64_t every = gr_all_positions() ? 1024 : 31;
  memset(c->lost, 0, c->replay.n * sizeof *c->lost);
  try_state(c, k, k % 16 == 0 && gr_all_positions()); /* nothing is lost */
  for (size_t i = 0; i < n; i++) c->lost[pending[i]] = true;
  if (n > 0) try_state(c, k, false); /* everything that can be */
  for (uint64_t i = 0; i < tries && n > 0; i++) {
    lose(c, k, pending, n, i, exhaustive);
    try_state(c, k, (k * tries + i) % every == 0);
  }
}

static void begin(crash *c, const char *scenario) {
  char record[4600];
  memset(c, 0, sizeof *c);
  snprintf(c->at, sizeof c->at, "%s", gr_test_path("state"));
  snprintf(record, sizeof record, "%s", gr_test_path("record"));
  gr_scenario_begin(scenario, &c->wanted);
  gr_restore(&c->wanted);
  (void)remove(record);
  gr_end end = gr_run_gradus(c->wanted.scenario->command, NULL, record);
  CU_ASSERT_FATAL(end.code == 0 && gr_same_run(&c->wanted));
  CU_ASSERT_FATAL(gr_replay_read(record, gr_work(), &c->replay));
  c->lost = calloc(c->replay.n + 1, sizeof *c->lost);
  CU_ASSERT_FATAL(c->lost != NULL);
}

static void finish(crash *c) {
  printf(
      "\n  %zu changes, %llu states: %llu led to the newest, %llu to one before, %llu to none yet; "
      "training went on from %llu ",
      c->replay.n, c->states, c->found_new, c->found_old, c->found_none, c->trained);
  CU_ASSERT(c->found_new > 0 && (c->found_old > 0 || !gr_all_positions()) && c->found_none > 0 &&
            c->trained > 0);
  gr_replay_free(&c->replay);
  gr_forget(&c->wanted);
  free(c->lost);
}

static void every_state_that_a_loss_of_power_can_leave_is_gone_on_from(void) {
  static crash c;
  begin(&c, "train");
  const size_t stride = gr_all_positions() ? 1 : 3;
  for (size_t k = gr_test_seed() % stride; k <= c.replay.n; k += stride) try_prefix(&c, k);
  finish(&c);
}

/* The undisturbed order of the protocol, so that the replay above tests what it is meant to. */
static void a_checkpoint_is_synced_before_it_is_named_and_named_before_another_goes(void) {
  static crash c;
  unsigned names = 0, removed = 0;
  begin(&c, "train");
  for (size_t k = 0; k < c.replay.n; k++) {
    const gr_step *s = &c.replay.step[k];
    if (s->kind == GR_STEP_UNLINK && strstr(s->path, "/step-")) {
      uint64_t certain, newest;
      expect(&c.replay, k, &certain, &newest);
      removed++;
      CU_ASSERT(certain == newest);
    }
    if (!published(s)) continue;
    names++;
    for (size_t i = 0; i < k; i++)
      if (c.replay.step[i].inode == s->inode && c.replay.step[i].kind == GR_STEP_WRITE)
        CU_ASSERT(c.replay.step[i].durable_at <= k);
    CU_ASSERT(s->durable_at == k + 2); /* the next change syncs the directory */
  }
  CU_ASSERT(names >= 3 && removed > 0);
  gr_replay_free(&c.replay);
  gr_forget(&c.wanted);
  free(c.lost);
}

const gr_test gr_crash_tests[] = {
    GR_TEST(a_checkpoint_is_synced_before_it_is_named_and_named_before_another_goes),
    GR_TEST(every_state_that_a_loss_of_power_can_leave_is_gone_on_from), GR_TEST_END};
