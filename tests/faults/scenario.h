/* What is done under faults: a command of gradus in a copy of a prepared directory, and what the
 * undisturbed command gives. */
#ifndef GR_TESTS_FAULTS_SCENARIO_H
#define GR_TESTS_FAULTS_SCENARIO_H

#include "harness.h"

/* What is tried: a command in a copy of a directory, and what it makes. */
typedef struct gr_scenario {
  const char *name;
  const char *prepare; /* commands of gradus parted by ";", in an empty directory */
  const char *command;
  const char *output; /* the file it makes; NULL = it prints; "run" = a run directory */
  bool keeps_output;  /* the file is there before and is replaced whole or not at all */
} gr_scenario;

/* What the undisturbed command gives. */
typedef struct gr_wanted {
  const gr_scenario *scenario;
  char template[4400];
  char *bytes; /* of its output or of what it printed */
  size_t n;
  char *metrics; /* metrics.jsonl of a run */
  size_t n_metrics;
  float *parameters;
  size_t n_parameters;
} gr_wanted;

/* Prepares "train", "resume", "generate", "import", "predict", "eval", "inspect" or "seal" and
 * finds out what it gives; gr_forget frees. */
void gr_scenario_begin(const char *name, gr_wanted *w);
void gr_forget(gr_wanted *w);

/* Puts the working directory back to what the command found. */
void gr_restore(const gr_wanted *w);

bool gr_makes_run(const gr_wanted *w);
bool gr_same_file(const char *path, const char *bytes, size_t n);
bool gr_same_run(const gr_wanted *w); /* the final weights and metrics.jsonl, bit for bit */
bool gr_result_is_right(const gr_wanted *w, const gr_end *end);

/* The command once more, without faults: NULL, or what is wrong with what it gives. */
const char *gr_try_again(const gr_wanted *w);

#endif
