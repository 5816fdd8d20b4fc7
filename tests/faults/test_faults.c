/* Every call on a file fails in every way it can, once and from then on; every allocation of ours,
 * too. Whatever happens the program ends by itself with a documented status, says what and why,
 * claims success only for the right result, and leaves a run from which the same command goes on to
 * the same bits (after the two loops of SQLite's tests: sqlite.org/testing.html).
 *
 * `make check` tries a sample, drawn by the seed; with GRADUS_TEST_ALL every position. */
#include <config.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/philox.h"
#include "scenario.h"
#include "store/checkpoint.h"

enum { SAMPLE = 1, MOST_STORIES = 12 };

static const struct kind {
  const char *name;
  int code; /* 0 = no errno to be told */
} kinds[] = {{"EIO", EIO},     {"ENOSPC", ENOSPC}, {"EDQUOT", EDQUOT}, {"EFBIG", EFBIG},
             {"EROFS", EROFS}, {"EACCES", EACCES}, {"EMFILE", EMFILE}, {"ENOMEM", ENOMEM},
             {"EINTR", EINTR}, {"short", 0},       {"memory", 0}};
enum { N_KINDS = sizeof kinds / sizeof kinds[0] };

/* What came of the faults of one kind. */
typedef struct tally {
  unsigned tried, reported, harmless, bad;
} tally;
static tally tallies[N_KINDS][2];

/* ---- judging ---- */

/* Every file with the name of a checkpoint is one. */
static bool checkpoints_are_intact(void) {
  return gr_shell(
      "for f in \"$1\"/run/checkpoints/step-*.h5 \"$1\"/run/best.h5 "
      "\"$1\"/run/final.h5; do test ! -e \"$f\" || echo \"$f\"; done >\"$2\"",
      gr_work(), gr_test_path("list"));
}

static const char *unsealed(char *line, size_t size) {
  FILE *list = checkpoints_are_intact() ? fopen(gr_test_path("list"), "r") : NULL;
  const char *found = list ? NULL : "no list";
  while (list && !found && fgets(line, (int)size, list)) {
    line[strcspn(line, "\n")] = '\0';
    if (gr_checkpoint_verify(line, NULL, NULL) != GRADUS_OK) found = line;
  }
  if (list) fclose(list);
  return found;
}

static bool is_documented(int code) {
  static const int codes[] = {0, 1, 65, 66, 71, 73, 74};
  for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
    if (codes[i] == code) return true;
  return false;
}

/* The last line names a file or what memory was for, and the system's reason. */
static bool is_explained(const struct kind *kind, const gr_end *end) {
  const char *line = strstr(end->err, "gradus: ");
  for (const char *next; line && (next = strstr(line + 1, "\ngradus: "));) line = next + 1;
  if (!line) return false;
  if (strcmp(kind->name, "memory") == 0) return strstr(line, "memory") != NULL;
  bool place = strstr(line, "run") || strstr(line, "made") || strstr(line, "data.h5") ||
               strstr(line, "table.csv");
  return place && (!kind->code || strstr(line, strerror(kind->code)));
}

/* NULL, or what is wrong after the command met a fault. */
static const char *judge(const gr_wanted *w, const struct kind *kind, const gr_end *end) {
  static char line[4600];
  if (end->hung) return "it hung";
  if (end->signal) return "it died of a signal";
  if (!is_documented(end->code)) return "its exit status is not documented";
  if (end->code == 0 && !gr_result_is_right(w, end))
    return "success was claimed for a wrong result";
  if (end->code != 0 && !is_explained(kind, end)) return "the message lacks file or reason";
  if (gr_makes_run(w) && unsealed(line, sizeof line)) return line;
  if (end->code != 0 && w->scenario->output && !gr_makes_run(w)) {
    struct stat info;
    const char *path = gr_work_file(w->scenario->output);
    bool there = stat(path, &info) == 0;
    if (there && !gr_same_file(path, w->bytes, w->n)) return "half a file was left behind";
    if (!there && w->scenario->keeps_output) return "the old file was lost";
  }
  return NULL;
}

static void tell(const gr_wanted *w, const char *plan, const gr_end *end, const char *what) {
  static int told;
  if (told++ >= MOST_STORIES && !gr_all_positions()) return;
  printf("\n  %s, %s: %s (at %s %s; exit %d, signal %d)\n    %.300s", w->scenario->name, plan, what,
         end->report.call, end->report.path, end->code, end->signal, end->err);
}

static void try_fault(const gr_wanted *w, int k, bool on, uint64_t position) {
  char plan[64];
  tally *t = &tallies[k][on];
  snprintf(plan, sizeof plan, "%s %llu %s", kinds[k].name, (unsigned long long)position,
           on ? "on" : "once");
  gr_restore(w);
  gr_end end = gr_run_gradus(w->scenario->command, plan, NULL);
  const char *what = judge(w, &kinds[k], &end);
  if (!what && end.report.n_faults == 0) what = "no fault was made";
  if (!what && (end.code != 0 || gr_makes_run(w))) what = gr_try_again(w);
  t->tried++;
  if (what) {
    t->bad++;
    tell(w, plan, &end, what);
    CU_FAIL("a fault was not survived");
  } else {
    t->reported += end.code != 0;
    t->harmless += end.code == 0;
  }
}

/* How many calls of the undisturbed command a kind of fault can meet. */
static uint64_t count_calls(const gr_wanted *w, const char *kind) {
  char plan[64];
  snprintf(plan, sizeof plan, "%s 0 once", kind);
  gr_restore(w);
  gr_end end = gr_run_gradus(w->scenario->command, plan, NULL);
  CU_ASSERT_FATAL(end.code == 0 && gr_result_is_right(w, &end));
  return end.report.n_calls;
}

static void try_kind(const gr_wanted *w, int k) {
  uint64_t n = count_calls(w, kinds[k].name);
  uint64_t tries = gr_all_positions() || n < SAMPLE ? n : SAMPLE;
  for (int on = 0; on < 2; on++)
    for (uint64_t i = 0; i < tries; i++) {
      uint32_t word[4];
      uint64_t from = i * n / tries, width = (i + 1) * n / tries - from;
      gr_random_words(gr_test_seed(), GR_STREAM_TEST, (uint32_t)(2 * k + on), i, word);
      try_fault(w, k, on, 1 + from + word[0] % width);
    }
  CU_ASSERT(n > 0 || !gr_makes_run(w));
}

static void try_scenario(const char *name) {
  gr_wanted w;
  gr_scenario_begin(name, &w);
  const char *only = getenv("GRADUS_TEST_FAULT");
  for (int k = 0; k < N_KINDS; k++)
    if (!only || strcmp(only, kinds[k].name) == 0) try_kind(&w, k);
  gr_forget(&w);
}

static void put_tallies(void) {
  printf("\n  %-8s %-5s %8s %9s %9s %5s\n", "fault", "", "tried", "reported", "harmless", "bad");
  for (int k = 0; k < N_KINDS; k++)
    for (int on = 0; on < 2; on++) {
      const tally *t = &tallies[k][on];
      printf("  %-8s %-5s %8u %9u %9u %5u\n", kinds[k].name, on ? "on" : "once", t->tried,
             t->reported, t->harmless, t->bad);
    }
  memset(tallies, 0, sizeof tallies);
}

static void training_survives_every_fault(void) {
  try_scenario("train");
  put_tallies();
}

static void a_resumed_training_survives_every_fault(void) {
  try_scenario("resume");
  put_tallies();
}

static void commands_that_write_a_file_leave_it_whole_or_not_at_all(void) {
  try_scenario("generate");
  try_scenario("import");
  try_scenario("predict");
  try_scenario("seal");
  put_tallies();
}

static void commands_that_read_print_the_truth_or_fail(void) {
  try_scenario("eval");
  try_scenario("inspect");
  put_tallies();
}

const gr_test gr_fault_tests[] = {GR_TEST(training_survives_every_fault),
                                  GR_TEST(a_resumed_training_survives_every_fault),
                                  GR_TEST(commands_that_write_a_file_leave_it_whole_or_not_at_all),
                                  GR_TEST(commands_that_read_print_the_truth_or_fail), GR_TEST_END};
