/* gradus predict: a model's outputs for one split, written by the library as .csv, .npy or .h5. */
#include <config.h>

#include "cli/options.h"
#include "cli/source.h"
#include <gradus/gradus.h>

typedef struct predict_values {
  gr_cli_source_values source;
  const char *output;
  int overwrite;
} predict_values;

const gr_option gr_predict_options[] = {
    {"output", 'o', GR_OPTION_TEXT, offsetof(predict_values, output), "OUT",
     "file to write: .csv, .npy or .h5; - is CSV on standard output [default: -]"},
    GR_OPTION_ROW_OVERWRITE(predict_values),
    GR_OPTION_ROWS_SOURCE(predict_values),
    GR_OPTION_END};

gradus_status gr_command_predict(const gr_command *command, int argc, char **argv,
                                 gradus_error *err) {
  predict_values values = {.output = "-"};
  gr_parsed parsed;
  gradus_model *model = NULL;
  gradus_dataset *dataset = NULL;
  gradus_status status = gr_options_parse(command, argc, argv, &values, NULL, NULL, &parsed, err);
  if (status == GRADUS_OK)
    status = gr_cli_source_open(&parsed, &values.source, &model, &dataset, err);
  if (status == GRADUS_OK)
    status = gradus_model_predict_file(model, dataset, values.source.split, values.source.threads,
                                       values.output, values.overwrite, err);
  gradus_dataset_close(dataset);
  gradus_model_destroy(model);
  return status;
}
