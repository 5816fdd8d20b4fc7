/* gradus import: other formats become a data set file. What was done to each column is said as it
 * is decided (standard error), what came out at the end (standard output). */
#include <config.h>

#include "cli/inspect.h"
#include "cli/options.h"
#include "cli/output.h"
#include <gradus/gradus.h>

typedef struct import_values {
  const char *train, *valid, *test, *target, *target_transform, *task;
  int overwrite, quiet, json;
} import_values;

const gr_option gr_import_options[] = {
    {"train", 0, GR_OPTION_TEXT, offsetof(import_values, train), "FILE[,LABELS]",
     "training rows: a CSV or TSV file, or IDX images and labels (.gz too)"},
    {"valid", 0, GR_OPTION_TEXT, offsetof(import_values, valid), "FILE[,LABELS]",
     "validation rows"},
    {"test", 0, GR_OPTION_TEXT, offsetof(import_values, test), "FILE[,LABELS]", "test rows"},
    {"target", 0, GR_OPTION_TEXT, offsetof(import_values, target), "COLUMN",
     "tables: name of the target column [default: the last one]"},
    {"target-transform", 0, GR_OPTION_TEXT, offsetof(import_values, target_transform), "NAME",
     "none or log [default: none]"},
    {"task", 0, GR_OPTION_TEXT, offsetof(import_values, task), "NAME",
     "auto, classification or regression [default: auto]"},
    GR_OPTION_ROW_OVERWRITE(import_values),
    GR_OPTION_ROW_QUIET(import_values),
    GR_OPTION_ROW_JSON(import_values),
    GR_OPTION_END};

static void on_message(int level, const char *text, void *user) {
  const import_values *values = user;
  if (level > 0 || !values->quiet) gr_cli_print_message(level, text);
}

gradus_status gr_command_import(const gr_command *command, int argc, char **argv,
                                gradus_error *err) {
  import_values values = {.train = NULL};
  gr_parsed parsed;
  gradus_status status = gr_options_parse(command, argc, argv, &values, NULL, NULL, &parsed, err);
  if (status != GRADUS_OK) return status;
  if (!values.train)
    return gr_cli_fail(err, GRADUS_ERR_USAGE,
                       "import: --train is missing; usage: gradus import --train FILE[,LABELS] "
                       "[OPTIONS] OUT.h5");
  gradus_import_options options = {.struct_size = sizeof options,
                                   .train = values.train,
                                   .valid = values.valid,
                                   .test = values.test,
                                   .target = values.target,
                                   .target_transform = values.target_transform,
                                   .task = values.task,
                                   .overwrite = values.overwrite,
                                   .on_message = on_message,
                                   .user = &values};
  status = gradus_import(&options, parsed.arguments[0], err);
  if (status != GRADUS_OK || (values.quiet && !values.json)) return status;
  return gr_inspect_print(parsed.arguments[0], values.json, err);
}
