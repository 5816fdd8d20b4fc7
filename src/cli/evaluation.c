/* One place for how an evaluation reads, so that `train` and `eval` say the same. */
#include <config.h>

#include "cli/evaluation.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/number.h"

static void put_number(const char *name, double value) {
  char number[GR_NUMBER_TEXT];
  printf("%s %s", name, gr_number_rounded(number, value));
}

/* A metric by name; NaN where there is none of it. */
static double metric(const gradus_evaluation *evaluation, const char *name) {
  for (uint32_t i = 0; i < evaluation->n_metrics; i++)
    if (strcmp(evaluation->metrics[i].name, name) == 0) return evaluation->metrics[i].value;
  return (double)NAN;
}

void gr_evaluation_put(const gradus_evaluation *evaluation) {
  if (evaluation->is_multilabel) {
    put_number("f1_micro", metric(evaluation, "f1_micro"));
    put_number(", hamming", metric(evaluation, "hamming"));
  } else if (evaluation->is_classification) {
    printf("accuracy %.4f", evaluation->accuracy);
  } else {
    put_number("rmse", evaluation->rmse);
    put_number(", r2", evaluation->r2);
  }
  put_number(", loss", evaluation->loss);
}

void gr_evaluation_json(gr_json *json, const gradus_evaluation *evaluation) {
  gr_json_text(json, "split", evaluation->split);
  gr_json_count(json, "rows", evaluation->rows);
  gr_json_real(json, "loss", evaluation->loss);
  if (evaluation->is_multilabel) {
    gr_json_real(json, "f1_micro", metric(evaluation, "f1_micro"));
    gr_json_real(json, "hamming", metric(evaluation, "hamming"));
  } else if (evaluation->is_classification) {
    gr_json_real(json, "accuracy", evaluation->accuracy);
  } else {
    gr_json_real(json, "rmse", evaluation->rmse);
    gr_json_real(json, "r2", evaluation->r2);
  }
}
