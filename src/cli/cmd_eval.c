/* gradus eval: loss and metrics of a model on one split; for classes also the confusion matrix, as
 * a table while it fits a screen, whole as JSON. */
#include <config.h>

#include <stdio.h>

#include "cli/evaluation.h"
#include "cli/number.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/source.h"
#include <gradus/gradus.h>

enum { MOST_CLASSES = 20, NAME_WIDTH = 12 };

typedef struct eval_values {
  gr_cli_source_values source;
  int json;
} eval_values;

const gr_option gr_eval_options[] = {GR_OPTION_ROWS_SOURCE(eval_values),
                                     GR_OPTION_ROW_JSON(eval_values), GR_OPTION_END};

typedef struct eval {
  eval_values values;
  gr_parsed parsed;
  gradus_model *model;
  gradus_dataset *dataset;
  gradus_evaluation evaluation;
} eval;

static const char *class_name(const eval *e, uint32_t index) {
  const char *name = gradus_model_class_name(e->model, index);
  return name ? name : "?";
}

/* The widest of names (at most NAME_WIDTH) and counts. */
static int column_width(const eval *e, uint32_t n) {
  int width = 4;
  for (uint32_t i = 0; i < n; i++) {
    int name = gr_cli_width(class_name(e, i));
    if (name > NAME_WIDTH) name = NAME_WIDTH;
    if (name > width) width = name;
    for (uint32_t j = 0; e->evaluation.confusion && j < n; j++) {
      int digits =
          snprintf(NULL, 0, "%llu", (unsigned long long)e->evaluation.confusion[(size_t)i * n + j]);
      if (digits > width) width = digits;
    }
  }
  return width;
}

static void put_confusion(const eval *e, uint32_t n) {
  int width = column_width(e, n);
  puts("confusion matrix (row: true class, column: predicted):");
  printf("  %*s", width, "");
  for (uint32_t j = 0; j < n; j++) {
    putchar(' ');
    gr_cli_put_column(stdout, class_name(e, j), width);
  }
  putchar('\n');
  for (uint32_t i = 0; i < n; i++) {
    fputs("  ", stdout);
    gr_cli_put_column(stdout, class_name(e, i), -width);
    for (uint32_t j = 0; j < n; j++)
      printf(" %*llu", width, (unsigned long long)e->evaluation.confusion[(size_t)i * n + j]);
    putchar('\n');
  }
}

static void put_metrics(const gradus_evaluation *e) {
  for (uint32_t i = 0; i < e->n_metrics; i++) {
    char number[GR_NUMBER_TEXT];
    printf("  %-18s %s\n", e->metrics[i].name, gr_number_rounded(number, e->metrics[i].value));
  }
  if (e->note[0]) printf("  (%s)\n", e->note);
}

/* A share of 1; "-" where it is not defined. */
static void put_share(double share) {
  if (share >= 0)
    printf(" %9.4f", share);
  else
    printf(" %9s", "-");
}

static void put_classes(const eval *e, uint32_t n) {
  const int width = column_width(e, n);
  printf("  %*s %9s %9s %9s %9s\n", width, "", "precision", "recall", "f1", "rows");
  for (uint32_t i = 0; i < n; i++) {
    const gradus_class_metrics *class = &e->evaluation.classes[i];
    char number[GR_NUMBER_TEXT];
    fputs("  ", stdout);
    gr_cli_put_column(stdout, class_name(e, i), -width);
    put_share(class->precision);
    put_share(class->recall);
    put_share(class->f1);
    printf(" %9s\n", gr_number_rounded(number, class->weight));
  }
}

static void put_text(const eval *e) {
  uint32_t n = gradus_model_classes(e->model);
  printf("%s (%llu rows): ", e->evaluation.split, (unsigned long long)e->evaluation.rows);
  gr_evaluation_put(&e->evaluation);
  putchar('\n');
  put_metrics(&e->evaluation);
  if (!e->evaluation.classes) return;
  if (n > MOST_CLASSES) {
    printf("each of %lu %s: see --json\n", (unsigned long)n,
           e->evaluation.confusion ? "classes, and their confusion matrix" : "labels");
    return;
  }
  put_classes(e, n);
  if (e->evaluation.confusion) put_confusion(e, n);
}

static void put_json(const eval *e) {
  uint32_t n = gradus_model_classes(e->model);
  gr_json json = {0};
  gr_json_open(&json, NULL, '{');
  gr_json_text(&json, "model", gradus_model_path(e->model));
  gr_json_text(&json, "digest", gradus_model_digest(e->model));
  gr_json_text(&json, "data", e->parsed.arguments[1]);
  gr_evaluation_json(&json, &e->evaluation);
  gr_json_open(&json, "metrics", '{');
  for (uint32_t i = 0; i < e->evaluation.n_metrics; i++)
    gr_json_real(&json, e->evaluation.metrics[i].name, e->evaluation.metrics[i].value);
  gr_json_close(&json, '}');
  if (e->evaluation.classes) {
    gr_json_open(&json, "classes", '[');
    for (uint32_t i = 0; i < n; i++) gr_json_text(&json, NULL, class_name(e, i));
    gr_json_close(&json, ']');
    gr_json_open(&json, "per_class", '[');
    for (uint32_t i = 0; i < n; i++) {
      const gradus_class_metrics *class = &e->evaluation.classes[i];
      gr_json_open(&json, NULL, '{');
      gr_json_real(&json, "precision", class->precision);
      gr_json_real(&json, "recall", class->recall);
      gr_json_real(&json, "f1", class->f1);
      gr_json_real(&json, "weight", class->weight);
      gr_json_close(&json, '}');
    }
    gr_json_close(&json, ']');
  }
  if (e->evaluation.confusion) {
    gr_json_open(&json, "confusion", '[');
    for (uint32_t i = 0; i < n; i++) {
      gr_json_open(&json, NULL, '[');
      for (uint32_t j = 0; j < n; j++)
        gr_json_count(&json, NULL, e->evaluation.confusion[(size_t)i * n + j]);
      gr_json_close(&json, ']');
    }
    gr_json_close(&json, ']');
  }
  gr_json_close(&json, '}');
  gr_json_end(&json);
}

gradus_status gr_command_eval(const gr_command *command, int argc, char **argv, gradus_error *err) {
  eval e = {.model = NULL};
  gradus_status status =
      gr_options_parse(command, argc, argv, &e.values, NULL, NULL, &e.parsed, err);
  if (status == GRADUS_OK)
    status = gr_cli_source_open(&e.parsed, &e.values.source, &e.model, &e.dataset, err);
  e.evaluation.struct_size = sizeof e.evaluation;
  if (status == GRADUS_OK)
    status = gradus_model_evaluate(e.model, e.dataset, e.values.source.split,
                                   e.values.source.threads, &e.evaluation, err);
  if (status == GRADUS_OK) {
    if (e.values.json)
      put_json(&e);
    else
      put_text(&e);
  }
  gradus_evaluation_free(&e.evaluation);
  gradus_dataset_close(e.dataset);
  gradus_model_destroy(e.model);
  return status;
}
