/* gradus import: other formats become a data set file. What was done to each column is said as it
 * is decided (standard error), what came out at the end (standard output). */
#include <config.h>

#include <stdio.h>

#include "cli/options.h"
#include "cli/output.h"
#include "cli/progress.h"
#include <gradus/gradus.h>

typedef struct import_values {
  const char *train, *valid, *test, *target, *weights, *offset, *target_transform, *task, *chunk,
      *compress;
  uint64_t columns, max_bad_rows, test_every;
  int append, overwrite, quiet, json;
  gr_progress progress;
} import_values;

const gr_option gr_import_options[] = {
    {"train", 0, GR_OPTION_TEXT, offsetof(import_values, train), "FILE[,LABELS]",
     "training rows: a CSV, TSV, LIBSVM, NPZ or HDF5 file, or NPY or IDX inputs and labels"},
    {"valid", 0, GR_OPTION_TEXT, offsetof(import_values, valid), "FILE[,LABELS]",
     "validation rows"},
    {"test", 0, GR_OPTION_TEXT, offsetof(import_values, test), "FILE[,LABELS]", "test rows"},
    {"test-every", 0, GR_OPTION_COUNT, offsetof(import_values, test_every), "N",
     "tables: rows 0, N, 2N ... of the training file are the test rows"},
    {"target", 0, GR_OPTION_TEXT, offsetof(import_values, target), "COLUMN",
     "tables: name of the target column [default: the last one]"},
    {"weights", 0, GR_OPTION_TEXT, offsetof(import_values, weights), "COLUMN",
     "tables: name of the column with the weights of rows, which is no input"},
    {"offset", 0, GR_OPTION_TEXT, offsetof(import_values, offset), "COLUMN",
     "tables: name of the column that is added to the z of the outputs, which is no input"},
    {"target-transform", 0, GR_OPTION_TEXT, offsetof(import_values, target_transform), "NAME",
     "none or log [default: none]"},
    {"task", 0, GR_OPTION_TEXT, offsetof(import_values, task), "NAME",
     "auto, classification or regression [default: auto]"},
    {"columns", 0, GR_OPTION_COUNT, offsetof(import_values, columns), "N",
     "LIBSVM: number of columns [default: the largest index]"},
    {"max-bad-rows", 0, GR_OPTION_COUNT, offsetof(import_values, max_bad_rows), "N",
     "leave out up to N malformed rows of each text file [default: 0]"},
    {"append", 0, GR_OPTION_FLAG, offsetof(import_values, append), NULL,
     "add the rows to OUT.h5, which exists"},
    {"chunk", 0, GR_OPTION_TEXT, offsetof(import_values, chunk), "ROWS",
     "write chunks of ROWS rows, or auto [default: contiguous]"},
    {"compress", 0, GR_OPTION_TEXT, offsetof(import_values, compress), "HOW",
     "none, gzip or gzip:1 to gzip:9; in chunks [default: none]"},
    GR_OPTION_ROW_OVERWRITE(import_values),
    GR_OPTION_ROW_QUIET(import_values),
    GR_OPTION_ROW_JSON(import_values),
    GR_OPTION_END};

static void on_message(int level, const char *text, void *user) {
  import_values *values = user;
  gr_progress_clear(&values->progress);
  if (level > 0 || !values->quiet) gr_cli_print_message(level, text);
}

static void on_progress(const gradus_import_progress *now, void *user) {
  import_values *values = user;
  gr_progress_work(&values->progress, now->phase, now->done, now->total, now->seconds,
                   now->eta_seconds);
}

/* Narrower than what is typed: 0 is left to the library's default. */
static gradus_status check_columns(const import_values *values, gradus_error *err) {
  if (values->columns <= INT32_MAX) return GRADUS_OK;
  return gr_cli_fail(err, GRADUS_ERR_USAGE, "--columns: expected at most 2147483647");
}

static gradus_status import(import_values *values, const char *path, char **summary,
                            gradus_error *err) {
  gradus_import_options options = {.struct_size = sizeof options,
                                   .train = values->train,
                                   .valid = values->valid,
                                   .test = values->test,
                                   .target = values->target,
                                   .weights = values->weights,
                                   .offset = values->offset,
                                   .target_transform = values->target_transform,
                                   .task = values->task,
                                   .overwrite = values->overwrite,
                                   .on_message = on_message,
                                   .user = values,
                                   .append = values->append,
                                   .max_bad_rows = values->max_bad_rows,
                                   .test_every = values->test_every,
                                   .n_columns = (uint32_t)values->columns,
                                   .chunk = values->chunk,
                                   .compress = values->compress,
                                   .on_progress = on_progress,
                                   .summary = summary,
                                   .summary_json = values->json};
  values->progress = gr_progress_start(values->quiet);
  gradus_status status = gradus_import(&options, path, err);
  gr_progress_clear(&values->progress);
  return status;
}

gradus_status gr_command_import(const gr_command *command, int argc, char **argv,
                                gradus_error *err) {
  import_values values = {.train = NULL};
  gr_parsed parsed;
  char *summary = NULL;
  gradus_status status = gr_options_parse(command, argc, argv, &values, NULL, NULL, &parsed, err);
  if (status != GRADUS_OK) return status;
  if (!values.train && !(values.append && (values.valid || values.test)))
    return gr_cli_fail(err, GRADUS_ERR_USAGE,
                       "import: --train is missing; usage: gradus import [OPTIONS] --train "
                       "FILE[,LABELS] OUT.h5");
  status = check_columns(&values, err);
  if (status == GRADUS_OK) status = import(&values, parsed.arguments[0], &summary, err);
  if (status == GRADUS_OK && (!values.quiet || values.json)) fputs(summary, stdout);
  gradus_text_free(summary);
  return status;
}
