/* Small enough that a run takes some ten milliseconds, and with everything a real one has. */
#include <config.h>

#include "scenario.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/checkpoint.h"

#define TRAIN "train data.h5 --run run --batch-size 32 --hidden 4 --threads 1 --seed 3 -q"

static const gr_scenario scenarios[] = {
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

void gr_restore(const gr_wanted *w) {
  gr_remove_tree(gr_work());
  CU_ASSERT_FATAL(gr_shell("cp -a \"$1\" \"$2\"", w->template, gr_work()));
}

static void prepare(gr_wanted *w) {
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

bool gr_makes_run(const gr_wanted *w) {
  return w->scenario->output && strcmp(w->scenario->output, "run") == 0;
}

static void take_wanted(gr_wanted *w) {
  gr_end end = gr_run_gradus(w->scenario->command, NULL, NULL);
  if (end.code != 0) printf("\n%s: %s\n", w->scenario->command, end.err);
  CU_ASSERT_FATAL(end.code == 0);
  if (gr_makes_run(w)) {
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

void gr_forget(gr_wanted *w) {
  free(w->bytes);
  free(w->metrics);
  free(w->parameters);
}

bool gr_same_file(const char *path, const char *bytes, size_t n) {
  size_t have;
  char *found = gr_slurp(path, &have);
  bool same = found && have == n && memcmp(found, bytes, n) == 0;
  free(found);
  return same;
}

bool gr_same_run(const gr_wanted *w) {
  float *parameters;
  size_t n;
  bool same = read_final(&parameters, &n) && n == w->n_parameters &&
              memcmp(parameters, w->parameters, n * sizeof *parameters) == 0 &&
              gr_same_file(gr_work_file("run/metrics.jsonl"), w->metrics, w->n_metrics);
  free(parameters);
  return same;
}

bool gr_result_is_right(const gr_wanted *w, const gr_end *end) {
  if (gr_makes_run(w)) return gr_same_run(w);
  if (w->scenario->output) return gr_same_file(gr_work_file(w->scenario->output), w->bytes, w->n);
  return strlen(end->out) == w->n && memcmp(end->out, w->bytes, w->n) == 0;
}

/* The same command without faults. */
const char *gr_try_again(const gr_wanted *w) {
  const gr_scenario *s = w->scenario;
  if (!gr_makes_run(w) && s->output && !s->keeps_output) (void)remove(gr_work_file(s->output));
  gr_end end = gr_run_gradus(s->command, NULL, NULL);
  if (end.code != 0) {
    printf("\n    %s", end.err);
    return "the same command does not go on";
  }
  if (!gr_result_is_right(w, &end)) return "the same command goes on to another result";
  if (gr_makes_run(w) && gr_count_files(gr_work(), ".tmp-*") != 0)
    return "temporary files are left";
  return NULL;
}

void gr_scenario_begin(const char *name, gr_wanted *w) {
  *w = (gr_wanted){0};
  for (size_t i = 0; i < sizeof scenarios / sizeof scenarios[0]; i++)
    if (strcmp(scenarios[i].name, name) == 0) w->scenario = &scenarios[i];
  CU_ASSERT_FATAL(w->scenario != NULL);
  prepare(w);
  take_wanted(w);
}
