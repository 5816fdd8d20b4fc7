/* gradus inspect: what is in a file of gradus, or the one digest that says whether two models are
 * the same to the last bit. */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "cli/inspect.h"
#include "cli/options.h"
#include "cli/output.h"
#include <gradus/gradus.h>

typedef struct inspect_values {
  int digest, json;
} inspect_values;

const gr_option gr_inspect_options[] = {
    {"digest", 0, GR_OPTION_FLAG, offsetof(inspect_values, digest), NULL,
     "print only the digest of all weights, or of a data set's contents"},
    GR_OPTION_ROW_JSON(inspect_values),
    GR_OPTION_END};

static void put_digest(const char *path, const char *digest, int as_json) {
  if (!as_json) {
    puts(digest);
    return;
  }
  gr_json json = {0};
  gr_json_open(&json, NULL, '{');
  gr_json_text(&json, "path", path);
  gr_json_text(&json, "digest", digest);
  gr_json_close(&json, '}');
  gr_json_end(&json);
}

gradus_status gr_inspect_print(const char *path, int json, gradus_error *err) {
  char *text = NULL;
  gradus_status status = gradus_inspect(path, json, &text, err);
  if (status != GRADUS_OK) return status;
  fputs(text, stdout);
  size_t n = strlen(text);
  if (n == 0 || text[n - 1] != '\n') putchar('\n');
  gradus_text_free(text);
  return GRADUS_OK;
}

gradus_status gr_command_inspect(const gr_command *command, int argc, char **argv,
                                 gradus_error *err) {
  inspect_values values = {0};
  gr_parsed parsed;
  gradus_status status = gr_options_parse(command, argc, argv, &values, NULL, NULL, &parsed, err);
  if (status != GRADUS_OK) return status;
  if (!values.digest) return gr_inspect_print(parsed.arguments[0], values.json, err);
  char digest[33] = "";
  status = gradus_digest(parsed.arguments[0], digest, err);
  if (status == GRADUS_OK) put_digest(parsed.arguments[0], digest, values.json);
  return status;
}
