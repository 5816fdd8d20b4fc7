/* gradus inspect: what is in a file of gradus, or the one digest that says whether two models are
 * the same to the last bit. */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "cli/inspect.h"
#include "cli/number.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/recipe.h"
#include <gradus/gradus.h>
#include <gradus/tool.h>

typedef struct inspect_values {
  int digest, json, speed;
  const char *layers, *split;
} inspect_values;

const gr_option gr_inspect_options[] = {
    {"digest", 0, GR_OPTION_FLAG, offsetof(inspect_values, digest), NULL,
     "print only the digest of all weights, or of a data set's contents"},
    {"speed", 0, GR_OPTION_FLAG, offsetof(inspect_values, speed), NULL,
     "measure how fast a data set feeds the network that the keys describe, and what to change"},
    {"layers", 0, GR_OPTION_TEXT, offsetof(inspect_values, layers), "DATA",
     "a table of the layers of a model or run at work on rows of DATA: weights, gradients, "
     "updates, "
     "dead units"},
    {"split", 0, GR_OPTION_TEXT, offsetof(inspect_values, split), "NAME",
     "with --layers: train, valid or test [default: train]"},
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

/* ---- speed ---- */

static void put_rate(const char *name, double rows_per_second, const char *what) {
  char number[GR_NUMBER_TEXT];
  printf("  %-10s %s rows/s%s\n", name, gr_number_short(number, rows_per_second), what);
}

static void put_speed(const gradus_speed *s) {
  char threads[48];
  snprintf(threads, sizeof threads, " (%d thread%s)", s->threads, s->threads == 1 ? "" : "s");
  printf("speed:\n  storage    %s", s->storage);
  if (s->chunk_rows) printf(", chunks of %llu rows", (unsigned long long)s->chunk_rows);
  printf(", filters: %s, %.1f of %.1f MiB stored\n", s->filters[0] ? s->filters : "none",
         (double)s->stored_bytes / 0x1p20, (double)s->bytes / 0x1p20);
  put_rate("reading", s->read_rows_per_second, threads);
  put_rate("network", s->network_rows_per_second, " with all rows in memory");
  put_rate("streamed", s->rows_per_second, " to be expected where they do not fit");
  printf("  %-10s %.1f%% of the time\n  %-10s %s\n", "data wait", 100 * s->data_wait, "advice",
         s->advice);
}

static void put_speed_json(const gradus_speed *s) {
  gr_json json = {0};
  gr_json_open(&json, NULL, '{');
  gr_json_text(&json, "storage", s->storage);
  gr_json_text(&json, "filters", s->filters);
  gr_json_count(&json, "rows", s->rows);
  gr_json_count(&json, "chunk_rows", s->chunk_rows);
  gr_json_count(&json, "bytes", s->bytes);
  gr_json_count(&json, "stored_bytes", s->stored_bytes);
  gr_json_count(&json, "threads", (uint64_t)s->threads);
  gr_json_real(&json, "read_rows_per_thread", s->read_rows_per_thread);
  gr_json_real(&json, "read_rows_per_second", s->read_rows_per_second);
  gr_json_real(&json, "network_rows_per_second", s->network_rows_per_second);
  gr_json_real(&json, "rows_per_second", s->rows_per_second);
  gr_json_real(&json, "data_wait", s->data_wait);
  gr_json_text(&json, "advice", s->advice);
  gr_json_close(&json, '}');
  gr_json_end(&json);
}

static gradus_status measure_speed(const gr_command *command, int argc, char **argv,
                                   const inspect_values *values, gradus_error *err) {
  gr_parsed parsed;
  gradus_recipe *recipe = NULL;
  gradus_speed speed = {.struct_size = sizeof speed};
  gradus_status status = gradus_recipe_create(NULL, &recipe, err);
  if (status == GRADUS_OK)
    status = gr_options_parse(command, argc, argv, NULL, gr_recipe_take_key, recipe, &parsed, err);
  if (status == GRADUS_OK)
    status =
        gradus_measure_speed(recipe, parsed.arguments, (size_t)parsed.n_arguments, &speed, err);
  gradus_recipe_destroy(recipe);
  if (status != GRADUS_OK) return status;
  (values->json ? put_speed_json : put_speed)(&speed);
  return GRADUS_OK;
}

gradus_status gr_command_inspect(const gr_command *command, int argc, char **argv,
                                 gradus_error *err) {
  inspect_values values = {0};
  gr_parsed parsed;
  gradus_status status = gr_options_parse(command, argc, argv, &values, NULL, NULL, &parsed, err);
  if (status != GRADUS_OK) return status;
  if (values.speed) return measure_speed(command, argc, argv, &values, err);
  if (values.layers)
    return gr_inspect_layers(parsed.arguments[0], values.layers, values.split, values.json, err);
  if (!values.digest) return gr_inspect_print(parsed.arguments[0], values.json, err);
  char digest[33] = "";
  status = gradus_digest(parsed.arguments[0], digest, err);
  if (status == GRADUS_OK) put_digest(parsed.arguments[0], digest, values.json);
  return status;
}
