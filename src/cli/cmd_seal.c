/* gradus seal: makes a checkpoint that was edited on purpose valid again. */
#include <config.h>

#include <stdio.h>

#include "cli/options.h"
#include "cli/output.h"
#include <gradus/gradus.h>

typedef struct seal_values {
  int quiet;
} seal_values;

const gr_option gr_seal_options[] = {GR_OPTION_ROW_QUIET(seal_values), GR_OPTION_END};

gradus_status gr_command_seal(const gr_command *command, int argc, char **argv, gradus_error *err) {
  seal_values values = {0};
  gr_parsed parsed;
  gradus_status status = gr_options_parse(command, argc, argv, &values, NULL, NULL, &parsed, err);
  if (status == GRADUS_OK) status = gradus_checkpoint_seal(parsed.arguments[0], err);
  if (status != GRADUS_OK || values.quiet) return status;
  gr_cli_put(stdout, parsed.arguments[0]);
  puts(": sealed");
  return GRADUS_OK;
}
