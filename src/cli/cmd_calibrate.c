/* gradus calibrate: fits the temperature of a model's probabilities and stores it in the model. */
#include <config.h>

#include <stdio.h>

#include "cli/number.h"
#include "cli/options.h"
#include "cli/output.h"
#include <gradus/gradus.h>

typedef struct calibrate_values {
  const char *split, *x, *y;
  int transpose, threads, json;
} calibrate_values;

const gr_option gr_calibrate_options[] = {
    {"split", 0, GR_OPTION_TEXT, offsetof(calibrate_values, split), "NAME",
     "train, valid or test [default: valid, else the rows that training held out]"},
    {"x", 0, GR_OPTION_TEXT, offsetof(calibrate_values, x), "PATH", "inputs inside the data file"},
    {"y", 0, GR_OPTION_TEXT, offsetof(calibrate_values, y), "PATH", "targets inside the data file"},
    {"transpose", 0, GR_OPTION_FLAG, offsetof(calibrate_values, transpose), NULL,
     "inputs are stored [columns][rows], as MATLAB, Julia and R do"},
    {"threads", 0, GR_OPTION_THREADS, offsetof(calibrate_values, threads), "N",
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
  calibrate_values values = {.split = NULL};
  gr_parsed parsed;
  gradus_dataset *dataset = NULL;
  gradus_calibration result = {.struct_size = sizeof result};
  gradus_status status = gr_options_parse(command, argc, argv, &values, NULL, NULL, &parsed, err);
  if (status != GRADUS_OK) return status;
  const gradus_dataset_options options = {
      .struct_size = sizeof options, .x = values.x, .y = values.y, .transpose = values.transpose};
  status = gradus_dataset_open_files(parsed.arguments + 1, (size_t)parsed.n_arguments - 1, &options,
                                     &dataset, err);
  if (status == GRADUS_OK)
    status = gradus_model_calibrate(parsed.arguments[0], dataset, values.split, values.threads,
                                    &result, err);
  gradus_dataset_close(dataset);
  if (status != GRADUS_OK) return status;
  (values.json ? put_json : put_text)(&result);
  return GRADUS_OK;
}
