/* Command lines: words parted by line feeds, the first byte chooses the command. All that train
 * does before it opens a file is done: keys go into a recipe. */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/options.h"
#include "cli/recipe.h"
#include "fuzz/fuzz.h"
#include <gradus/recipe.h>

enum { MAX_WORDS = 64 };

static void check(gradus_status status, const gradus_error *err) {
  if (status == GRADUS_OK) return;
  GR_FUZZ_REQUIRE(status == GRADUS_ERR_USAGE || status == GRADUS_ERR_CONFIG);
  GR_FUZZ_REQUIRE(err->message[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static union {
    double aligned;
    char bytes[4096];
  } values; /* larger than any command's struct */
  char *words[MAX_WORDS];
  int n = 0;
  if (size == 0) return 0;
  char *text = malloc(size), *rest = text;
  GR_FUZZ_REQUIRE(text);
  memcpy(text, data + 1, size - 1);
  text[size - 1] = '\0';
  while (rest && n < MAX_WORDS) words[n++] = strsep(&rest, "\n");
  const gr_command *command = &gr_commands[data[0] % gr_n_commands];
  gradus_error err = {.status = GRADUS_OK, .message = ""};
  gr_parsed parsed;
  gradus_recipe *recipe = NULL;
  GR_FUZZ_REQUIRE(gradus_recipe_create(NULL, &recipe, &err) == GRADUS_OK);
  check(gr_options_parse(command, n, words, NULL, NULL, NULL, &parsed, &err), &err);
  memset(&values, 0, sizeof values);
  check(gr_options_parse(command, n, words, &values, gr_recipe_take_key, recipe, &parsed, &err),
        &err);
  const gr_command *found;
  check(gr_command_find(words[0], &found, &err), &err);
  gradus_recipe_destroy(recipe);
  free(text);
  return 0;
}
