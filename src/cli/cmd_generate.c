/* gradus generate: a seeded data set of a known kind. The kinds are the library's table. */
#include <config.h>

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "cli/inspect.h"
#include "cli/nearest.h"
#include "cli/options.h"
#include "cli/output.h"
#include <gradus/gradus.h>

/* A number of rows that was not given; as a given one it would be too many. */
#define NOT_GIVEN (UINT64_MAX - 1)

typedef struct generate_values {
  uint64_t train_rows, valid_rows, test_rows, seed;
  double noise;
  int overwrite, quiet, json;
} generate_values;

const gr_option gr_generate_options[] = {
    {"train-rows", 0, GR_OPTION_COUNT, offsetof(generate_values, train_rows), "N",
     "rows to train on [default: the kind's]"},
    {"valid-rows", 0, GR_OPTION_COUNT, offsetof(generate_values, valid_rows), "N",
     "rows to validate on; 0: no such split [default: the kind's]"},
    {"test-rows", 0, GR_OPTION_COUNT, offsetof(generate_values, test_rows), "N",
     "rows to test on; 0: no such split [default: the kind's]"},
    {"seed", 0, GR_OPTION_COUNT, offsetof(generate_values, seed), "N",
     "another seed, another data set [default: the kind's]"},
    {"noise", 0, GR_OPTION_REAL, offsetof(generate_values, noise), "X",
     "strength of the noise [default: the kind's]"},
    GR_OPTION_ROW_OVERWRITE(generate_values),
    GR_OPTION_ROW_QUIET(generate_values),
    GR_OPTION_ROW_JSON(generate_values),
    GR_OPTION_END};

static uint64_t rows_asked(uint64_t given) {
  if (given == NOT_GIVEN) return 0;
  return given ? given : GRADUS_NO_ROWS;
}

static gradus_status list_kinds(int as_json) {
  gr_json json = {0};
  if (as_json) gr_json_open(&json, NULL, '{');
  for (size_t i = 0; gradus_generate_kind(i); i++) {
    if (as_json)
      gr_json_text(&json, gradus_generate_kind(i), gradus_generate_help(i));
    else
      printf("%-12s %s\n", gradus_generate_kind(i), gradus_generate_help(i));
  }
  if (as_json) gr_json_close(&json, '}');
  if (as_json) gr_json_end(&json);
  return GRADUS_OK;
}

static gradus_status check_kind(const char *kind, gradus_error *err) {
  gr_nearest nearest = gr_nearest_start(kind);
  for (size_t i = 0; gradus_generate_kind(i); i++) {
    if (strcmp(kind, gradus_generate_kind(i)) == 0) return GRADUS_OK;
    gr_nearest_offer(&nearest, gradus_generate_kind(i));
  }
  if (nearest.best)
    return gr_cli_fail(err, GRADUS_ERR_USAGE, "generate: unknown kind '%s'; did you mean '%s'?",
                       kind, nearest.best);
  return gr_cli_fail(err, GRADUS_ERR_USAGE,
                     "generate: unknown kind '%s'; 'gradus generate' lists them", kind);
}

gradus_status gr_command_generate(const gr_command *command, int argc, char **argv,
                                  gradus_error *err) {
  generate_values values = {
      .train_rows = NOT_GIVEN, .valid_rows = NOT_GIVEN, .test_rows = NOT_GIVEN, .noise = -1};
  gr_parsed parsed;
  gradus_status status = gr_options_parse(command, argc, argv, &values, NULL, NULL, &parsed, err);
  if (status != GRADUS_OK) return status;
  if (parsed.n_arguments == 0) return list_kinds(values.json);
  status = check_kind(parsed.arguments[0], err);
  if (status != GRADUS_OK) return status;
  if (parsed.n_arguments == 1)
    return gr_cli_fail(err, GRADUS_ERR_USAGE,
                       "generate: OUT.h5 is missing; usage: gradus generate %s OUT.h5",
                       parsed.arguments[0]);
  gradus_generate_options options = {.struct_size = sizeof options,
                                     .train_rows = rows_asked(values.train_rows),
                                     .valid_rows = rows_asked(values.valid_rows),
                                     .test_rows = rows_asked(values.test_rows),
                                     .seed = values.seed,
                                     .noise = values.noise,
                                     .overwrite = values.overwrite};
  status = gradus_generate(parsed.arguments[0], &options, parsed.arguments[1], err);
  if (status != GRADUS_OK || (values.quiet && !values.json)) return status;
  return gr_inspect_print(parsed.arguments[1], values.json, err);
}
