/* gradus importance: which columns a model leans on, as a table or as JSON. */
#include <config.h>

#include <stdio.h>

#include "cli/number.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/source.h"
#include <gradus/gradus.h>

enum { TOP = 20, NAME_WIDTH = 32 };

typedef struct importance_values {
  gr_cli_source_values source;
  const char *metric;
  uint64_t repeats, rows, top, seed;
  int json, gradient;
} importance_values;

const gr_option gr_importance_options[] = {
    {"gradient", 0, GR_OPTION_FLAG, offsetof(importance_values, gradient), NULL,
     "not permutations but gradient x input: the mean of its size over the rows"},
    {"metric", 0, GR_OPTION_TEXT, offsetof(importance_values, metric), "NAME",
     "loss, or a metric of gradus-config(5) [default: loss]"},
    {"repeats", 0, GR_OPTION_COUNT, offsetof(importance_values, repeats), "N",
     "permutations of each column, 2 or more [default: 5]"},
    {"rows", 0, GR_OPTION_COUNT, offsetof(importance_values, rows), "N",
     "look at N rows of the split, evenly spread; 0: at all [default: 0]"},
    {"seed", 0, GR_OPTION_COUNT, offsetof(importance_values, seed), "N",
     "other permutations [default: 1]"},
    {"top", 0, GR_OPTION_COUNT, offsetof(importance_values, top), "N",
     "columns to print; 0: all of them [default: 20]"},
    GR_OPTION_ROWS_SOURCE(importance_values),
    GR_OPTION_ROW_JSON(importance_values),
    GR_OPTION_END};

static uint32_t shown(const gradus_importance *i, uint64_t top) {
  return top > 0 && top < i->n_columns ? (uint32_t)top : i->n_columns;
}

static void put_text(const gradus_importance *i, uint64_t top) {
  char base[GR_NUMBER_TEXT], mean[GR_NUMBER_TEXT], error[GR_NUMBER_TEXT];
  const uint32_t n = shown(i, top);
  int width = 6;
  for (uint32_t k = 0; k < n; k++)
    if (gr_cli_width(i->columns[k].name) > width) width = gr_cli_width(i->columns[k].name);
  if (width > NAME_WIDTH) width = NAME_WIDTH;
  if (i->repeats == 0)
    printf("%s (%llu rows): gradient x input, the mean of its size over rows\n", i->split,
           (unsigned long long)i->rows);
  else
    printf("%s (%llu rows): %s %s; by how much it becomes worse without a column, %lu repeats\n",
           i->split, (unsigned long long)i->rows, i->metric, gr_number_rounded(base, i->base),
           (unsigned long)i->repeats);
  printf("  %-*s %12s %12s\n", width, "column", "importance", "+-");
  for (uint32_t k = 0; k < n; k++) {
    fputs("  ", stdout);
    gr_cli_put_column(stdout, i->columns[k].name, -width);
    printf(" %12s %12s\n", gr_number_rounded(mean, i->columns[k].mean),
           gr_number_rounded(error, i->columns[k].error));
  }
  if (n < i->n_columns) printf("  %lu more: --top 0\n", (unsigned long)(i->n_columns - n));
}

static void put_json(const gradus_importance *i, const char *model) {
  gr_json json = {0};
  gr_json_open(&json, NULL, '{');
  gr_json_text(&json, "model", model);
  gr_json_text(&json, "split", i->split);
  gr_json_count(&json, "rows", i->rows);
  gr_json_text(&json, "metric", i->metric);
  if (i->repeats) {
    gr_json_real(&json, "base", i->base);
    gr_json_count(&json, "repeats", i->repeats);
  }
  gr_json_open(&json, "columns", '[');
  for (uint32_t k = 0; k < i->n_columns; k++) {
    gr_json_open(&json, NULL, '{');
    gr_json_count(&json, "column", i->columns[k].column);
    gr_json_text(&json, "name", i->columns[k].name);
    gr_json_real(&json, "importance", i->columns[k].mean);
    gr_json_real(&json, "error", i->columns[k].error);
    gr_json_close(&json, '}');
  }
  gr_json_close(&json, ']');
  gr_json_close(&json, '}');
  gr_json_end(&json);
}

gradus_status gr_command_importance(const gr_command *command, int argc, char **argv,
                                    gradus_error *err) {
  importance_values values = {.repeats = 5, .top = TOP, .seed = 1};
  gr_parsed parsed;
  gradus_model *model = NULL;
  gradus_dataset *dataset = NULL;
  gradus_importance result = {.struct_size = sizeof result};
  gradus_status status = gr_options_parse(command, argc, argv, &values, NULL, NULL, &parsed, err);
  if (status == GRADUS_OK && (values.repeats < 2 || values.repeats > 10000))
    status = gr_cli_fail(err, GRADUS_ERR_USAGE, "--repeats: expected 2 to 10000");
  if (status == GRADUS_OK)
    status = gr_cli_source_open(&parsed, &values.source, &model, &dataset, err);
  const gradus_importance_options options = {.struct_size = sizeof options,
                                             .split = values.source.split,
                                             .metric = values.metric,
                                             .repeats = (uint32_t)values.repeats,
                                             .rows = values.rows,
                                             .seed = values.seed,
                                             .gradient = values.gradient,
                                             .threads = values.source.threads};
  if (status == GRADUS_OK) status = gradus_model_importance(model, dataset, &options, &result, err);
  if (status == GRADUS_OK && values.json)
    put_json(&result, gradus_model_path(model));
  else if (status == GRADUS_OK)
    put_text(&result, values.top);
  gradus_importance_free(&result);
  gradus_dataset_close(dataset);
  gradus_model_destroy(model);
  return status;
}
