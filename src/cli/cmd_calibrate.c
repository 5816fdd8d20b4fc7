/* gradus calibrate: fits the temperature of a model's probabilities and stores it in the model. */
#include <config.h>

#include <stdio.h>

#include "cli/number.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/source.h"
#include <gradus/gradus.h>

typedef struct calibrate_values {
  gr_cli_source_values source;
  int json;
} calibrate_values;

const gr_option gr_calibrate_options[] = {
    {"split", 0, GR_OPTION_TEXT, offsetof(calibrate_values, source.split), "NAME",
     "train, valid or test [default: valid, else the rows that training held out]"},
    {"x", 0, GR_OPTION_TEXT, offsetof(calibrate_values, source.x), "PATH",
     "inputs inside the data file"},
    {"y", 0, GR_OPTION_TEXT, offsetof(calibrate_values, source.y), "PATH",
     "targets inside the data file"},
    {"target", 0, GR_OPTION_TEXT, offsetof(calibrate_values, source.target), "COLUMN",
     "tables: name of the target column [default: as in training]"},
    {"weights", 0, GR_OPTION_TEXT, offsetof(calibrate_values, source.weights), "COLUMN",
     "tables: name of the column with the weights of rows"},
    {"offset", 0, GR_OPTION_TEXT, offsetof(calibrate_values, source.offset), "COLUMN",
     "tables: name of the column with the offsets of rows"},
    {"test-every", 0, GR_OPTION_COUNT, offsetof(calibrate_values, source.test_every), "N",
     "tables: rows 0, N, 2N ... are the test split, the others train"},
    {"transpose", 0, GR_OPTION_FLAG, offsetof(calibrate_values, source.transpose), NULL,
     "inputs are stored [columns][rows], as MATLAB, Julia and R do"},
    {"threads", 0, GR_OPTION_THREADS, offsetof(calibrate_values, source.threads), "N",
     "threads to use, or auto [default: auto]"},
    GR_OPTION_ROW_JSON(calibrate_values),
    GR_OPTION_END};

static void put_text(const gradus_calibration *c) {
  char number[GR_NUMBER_TEXT];
  gr_cli_put(stdout, c->path);
  printf(": temperature %s", gr_number_rounded(number, c->temperature));
  printf(" fitted on %llu rows (%s): log-loss %s", (unsigned long long)c->rows, c->rows_of,
         gr_number_rounded(number, c->loss_before));
  printf(" -> %s\n", gr_number_rounded(number, c->loss_after));
}

static void put_json(const gradus_calibration *c) {
  gr_json json = {0};
  gr_json_open(&json, NULL, '{');
  gr_json_text(&json, "model", c->path);
  gr_json_real(&json, "temperature", c->temperature);
  gr_json_text(&json, "rows_of", c->rows_of);
  gr_json_count(&json, "rows", c->rows);
  gr_json_real(&json, "loss_before", c->loss_before);
  gr_json_real(&json, "loss_after", c->loss_after);
  gr_json_close(&json, '}');
  gr_json_end(&json);
}

gradus_status gr_command_calibrate(const gr_command *command, int argc, char **argv,
                                   gradus_error *err) {
  calibrate_values values = {.json = 0};
  gr_parsed parsed;
  gradus_model *model = NULL;
  gradus_dataset *dataset = NULL;
  gradus_calibration result = {.struct_size = sizeof result};
  gradus_status status = gr_options_parse(command, argc, argv, &values, NULL, NULL, &parsed, err);
  if (status != GRADUS_OK) return status;
  values.source.as_trained = !values.source.split; /* the rows held out are known by that */
  status = gr_cli_source_open(&parsed, &values.source, &model, &dataset, err);
  if (status == GRADUS_OK)
    status = gradus_model_calibrate(parsed.arguments[0], dataset, values.source.split,
                                    values.source.threads, &result, err);
  gradus_model_destroy(model);
  gradus_dataset_close(dataset);
  if (status != GRADUS_OK) return status;
  (values.json ? put_json : put_text)(&result);
  return GRADUS_OK;
}
