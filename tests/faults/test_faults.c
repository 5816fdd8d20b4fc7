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
#include "harness.h"
#include "store/checkpoint.h"

enum { SAMPLE = 2, MOST_STORIES = 12 };

static const struct kind {
  const char *name;
  int code; /* 0 = no errno to be told */
} kinds[] = {{"EIO", EIO},     {"ENOSPC", ENOSPC}, {"EDQUOT", EDQUOT}, {"EFBIG", EFBIG},
             {"EROFS", EROFS}, {"EACCES", EACCES}, {"EMFILE", EMFILE}, {"ENOMEM", ENOMEM},
             {"EINTR", EINTR}, {"short", 0},       {"memory", 0}};
enum { N_KINDS = sizeof kinds / sizeof kinds[0] };

#define TRAIN "train data.h5 --run run --batch-size 32 --hidden 4 --threads 1 --seed 3 -q"

/* What is tried: a command in a copy of a directory, and what it makes. */
typedef struct scenario {
  const char *name;
  const char *prepare; /* commands of gradus parted by ";", in an empty directory */
  const char *command;
  const char *output; /* the file it makes; NULL = it prints; "run" = a run directory */
  bool keeps_output;  /* the file is there before and is replaced whole or not at all */
} scenario;

static const scenario scenarios[] = {
    {"train", "generate spirals data.h5 --train-rows 64 --valid-rows 32 --test-rows 16",
     TRAIN " --epochs 2 --set checkpoint.every=0s", "run", false},
    {"resume",
     "generate spirals data.h5 --train-rows 64 --valid-rows 32 --test-rows 16;" TRAIN
     " --epochs 1 --set checkpoint.every=0s",
     TRAIN " --epochs 2 --set checkpoint.every=0s", "run", false},
    {"generate", "", "generate friedman1 made.h5 --train-rows 50 --valid-rows 20 --test-rows 20 -q",
     "made.h5", false},
    {"import", "", "import made.h5 --train table.csv -q", "made.h5", false},
    {"predict",
     "generate spirals data.h5 --train-rows 64 --valid-rows 32 --test-rows 16;" TRAIN " --epochs 1",
     "predict run data.h5 -o made.csv", "made.csv", false},
    {"eval",
     "generate spirals data.h5 --train-rows 64 --valid-rows 32 --test-rows 16;" TRAIN " --epochs 1",
     "eval run data.h5 --json", NULL, false},
    {"inspect",
     "generate spirals data.h5 --train-rows 64 --valid-rows 32 --test-rows 16;" TRAIN " --epochs 1",
     "inspect run/final.h5 --json", NULL, false},
    {"seal",
     "generate spirals data.h5 --train-rows 64 --valid-rows 32 --test-rows 16;" TRAIN " --epochs 1",
     "seal run/final.h5", "run/final.h5", true},
};

/* What the undisturbed command gives. */
typedef struct wanted {
  const scenario *scenario;
  char template[4400];
  char *bytes; /* of its output or of what it printed */
  size_t n;
  char *metrics; /* metrics.jsonl of a run */
  size_t n_metrics;
  float *parameters;
  size_t n_parameters;
} wanted;

/* What came of the faults of one kind. */
typedef struct tally {
  unsigned tried, reported, harmless, bad;
} tally;
static tally tallies[N_KINDS][2];

static void restore(const wanted *w) {
  CU_ASSERT_FATAL(gr_shell("rm -rf \"$2\" && cp -a \"$1\" \"$2\"", w->template, gr_work()));
}

static void prepare(wanted *w) {
  char commands[1024], *rest = commands;
  CU_ASSERT_FATAL(gr_shell("rm -rf \"$1\" && mkdir \"$1\"", gr_work(), NULL));
  FILE *table = fopen(gr_work_file("table.csv"), "w");
  CU_ASSERT_FATAL(table && fputs("a,b,c\n1,x,2\n3,y,4\n5,x,6\n7,z,8\n", table) >= 0);
  fclose(table);
  snprintf(commands, sizeof commands, "%s", w->scenario->prepare);
  for (char *command; (command = strtok_r(rest, ";", &rest));)
    CU_ASSERT_FATAL(gr_run_gradus(command, NULL, NULL).code == 0);
  snprintf(w->template, sizeof w->template, "%s-template", gr_work());
  CU_ASSERT_FATAL(gr_shell("rm -rf \"$2\" && cp -a \"$1\" \"$2\"", gr_work(), w->template));
}

/* ---- results ---- */

static bool read_final(float **parameters, size_t *n) {
  gr_checkpoint c;
  gradus_error err = {0};
  *parameters = NULL;
  if (gr_checkpoint_read(gr_work_file("run/final.h5"), &c, &err) != GRADUS_OK) return false;
  *n = c.model.network.n_parameters;
  *parameters = malloc(*n * sizeof **parameters);
  if (*parameters) memcpy(*parameters, c.model.parameters, *n * sizeof **parameters);
  gr_checkpoint_free(&c);
  return *parameters != NULL;
}

static bool is_run(const wanted *w) {
  return w->scenario->output && strcmp(w->scenario->output, "run") == 0;
}

static void take_wanted(wanted *w) {
  gr_end end = gr_run_gradus(w->scenario->command, NULL, NULL);
  if (end.code != 0) printf("\n%s: %s\n", w->scenario->command, end.err);
  CU_ASSERT_FATAL(end.code == 0);
  if (is_run(w)) {
    CU_ASSERT_FATAL(read_final(&w->parameters, &w->n_parameters));
    w->metrics = gr_slurp(gr_work_file("run/metrics.jsonl"), &w->n_metrics);
    CU_ASSERT_FATAL(w->metrics != NULL);
  } else if (w->scenario->output) {
    w->bytes = gr_slurp(gr_work_file(w->scenario->output), &w->n);
    CU_ASSERT_FATAL(w->bytes != NULL);
  } else {
    w->bytes = strdup(end.out);
    w->n = strlen(end.out);
    CU_ASSERT_FATAL(w->n > 0 && w->n < sizeof end.out - 1);
  }
}

static void free_wanted(wanted *w) {
  free(w->bytes);
  free(w->metrics);
  free(w->parameters);
}

static bool same_file(const char *path, const char *bytes, size_t n) {
  size_t have;
  char *found = gr_slurp(path, &have);
  bool same = found && have == n && memcmp(found, bytes, n) == 0;
  free(found);
  return same;
}

static bool same_run(const wanted *w) {
  float *parameters;
  size_t n;
  bool same = read_final(&parameters, &n) && n == w->n_parameters &&
              memcmp(parameters, w->parameters, n * sizeof *parameters) == 0 &&
              same_file(gr_work_file("run/metrics.jsonl"), w->metrics, w->n_metrics);
  free(parameters);
  return same;
}

static bool result_is_right(const wanted *w, const gr_end *end) {
  if (is_run(w)) return same_run(w);
  if (w->scenario->output) return same_file(gr_work_file(w->scenario->output), w->bytes, w->n);
  return strlen(end->out) == w->n && memcmp(end->out, w->bytes, w->n) == 0;
}

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
static const char *judge(const wanted *w, const struct kind *kind, const gr_end *end) {
  static char line[4600];
  if (end->hung) return "it hung";
  if (end->signal) return "it died of a signal";
  if (!is_documented(end->code)) return "its exit status is not documented";
  if (end->code == 0 && !result_is_right(w, end)) return "success was claimed for a wrong result";
  if (end->code != 0 && !is_explained(kind, end)) return "the message lacks file or reason";
  if (is_run(w) && unsealed(line, sizeof line)) return line;
  if (end->code != 0 && w->scenario->output && !is_run(w)) {
    struct stat info;
    const char *path = gr_work_file(w->scenario->output);
    bool there = stat(path, &info) == 0;
    if (there && !same_file(path, w->bytes, w->n)) return "half a file was left behind";
    if (!there && w->scenario->keeps_output) return "the old file was lost";
  }
  return NULL;
}

/* The same command without faults. */
static const char *judge_again(const wanted *w) {
  const scenario *s = w->scenario;
  if (!is_run(w) && s->output && !s->keeps_output) (void)remove(gr_work_file(s->output));
  gr_end end = gr_run_gradus(s->command, NULL, NULL);
  if (end.code != 0) {
    printf("\n    %s", end.err);
    return "the same command does not go on";
  }
  if (!result_is_right(w, &end)) return "the same command goes on to another result";
  if (is_run(w) && gr_count_files(gr_work(), ".tmp-*") != 0) return "temporary files are left";
  return NULL;
}

static void tell(const wanted *w, const char *plan, const gr_end *end, const char *what) {
  static int told;
  if (told++ >= MOST_STORIES && !gr_all_positions()) return;
  printf("\n  %s, %s: %s (at %s %s; exit %d, signal %d)\n    %.300s", w->scenario->name, plan, what,
         end->report.call, end->report.path, end->code, end->signal, end->err);
}

static void try_fault(const wanted *w, int k, bool on, uint64_t position) {
  char plan[64];
  tally *t = &tallies[k][on];
  snprintf(plan, sizeof plan, "%s %llu %s", kinds[k].name, (unsigned long long)position,
           on ? "on" : "once");
  restore(w);
  gr_end end = gr_run_gradus(w->scenario->command, plan, NULL);
  const char *what = judge(w, &kinds[k], &end);
  if (!what && end.report.n_faults == 0) what = "no fault was made";
  if (!what && (end.code != 0 || is_run(w))) what = judge_again(w);
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
static uint64_t count_calls(const wanted *w, const char *kind) {
  char plan[64];
  snprintf(plan, sizeof plan, "%s 0 once", kind);
  restore(w);
  gr_end end = gr_run_gradus(w->scenario->command, plan, NULL);
  CU_ASSERT_FATAL(end.code == 0 && result_is_right(w, &end));
  return end.report.n_calls;
}

static void try_kind(const wanted *w, int k) {
  uint64_t n = count_calls(w, kinds[k].name);
  uint64_t tries = gr_all_positions() || n < SAMPLE ? n : SAMPLE;
  for (int on = 0; on < 2; on++)
    for (uint64_t i = 0; i < tries; i++) {
      uint32_t word[4];
      uint64_t from = i * n / tries, width = (i + 1) * n / tries - from;
      gr_random_words(gr_test_seed(), GR_STREAM_TEST, (uint32_t)(2 * k + on), i, word);
      try_fault(w, k, on, 1 + from + word[0] % width);
    }
  CU_ASSERT(n > 0 || !is_run(w));
}

static void try_scenario(const char *name) {
  wanted w = {0};
  for (size_t i = 0; i < sizeof scenarios / sizeof scenarios[0]; i++)
    if (strcmp(scenarios[i].name, name) == 0) w.scenario = &scenarios[i];
  CU_ASSERT_FATAL(w.scenario != NULL);
  prepare(&w);
  take_wanted(&w);
  const char *only = getenv("GRADUS_TEST_FAULT");
  for (int k = 0; k < N_KINDS; k++)
    if (!only || strcmp(only, kinds[k].name) == 0) try_kind(&w, k);
  free_wanted(&w);
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
