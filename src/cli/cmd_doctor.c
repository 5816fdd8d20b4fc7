/* gradus doctor: what the library sees of this machine. */
#include <config.h>

#include <stdio.h>

#include "cli/options.h"
#include <gradus/recipe.h>
#include <gradus/tool.h>

typedef struct doctor_values {
  int json;
} doctor_values;

const gr_option gr_doctor_options[] = {GR_OPTION_ROW_JSON(doctor_values), GR_OPTION_END};

gradus_status gr_command_doctor(const gr_command *command, int argc, char **argv,
                                gradus_error *err) {
  doctor_values values = {0};
  gr_parsed parsed;
  char *text = NULL;
  gradus_status status = gr_options_parse(command, argc, argv, &values, NULL, NULL, &parsed, err);
  if (status == GRADUS_OK) status = gradus_doctor(values.json, &text, err);
  if (status == GRADUS_OK) fputs(text, stdout);
  gradus_text_free(text);
  return status;
}
