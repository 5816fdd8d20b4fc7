/* The small files of a run directory that say what was run: config.yaml as the user gave it,
 * recipe.yaml as it was resolved, run.json with what surrounded it. */
#include <config.h>

#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "train/files.h"
#include "train/run_directory.h"

#ifdef __clang__
#define COMPILER __VERSION__ /* names itself */
#else
#define COMPILER "gcc " __VERSION__
#endif

static gradus_status replace(const char *directory, const char *name, gr_text *text,
                             gradus_error *err) {
  char path[GR_RUN_FILE];
  gr_run_file(directory, name, path);
  gradus_status status =
      text->failed ? gr_fail_memory(err, path)
                   : gr_file_replace(path, text->data ? text->data : "", text->length, true, err);
  gr_text_free(text);
  return status;
}

/* Every key as a dotted name: YAML that gr_config_read takes back. */
static void put_all_keys(const gr_config *config, gr_text *out) {
  for (size_t i = 0; i < gr_n_keys; i++) {
    gr_text value = {0};
    gr_config_get(config, &gr_keys[i], &value);
    gr_text_printf(out, "%s: ", gr_keys[i].name);
    if (gr_keys[i].type == GR_KEY_STRING && value.data)
      gr_text_put_json(out, value.data);
    else
      gr_text_puts(out, value.data ? value.data : "\"\"");
    gr_text_puts(out, "\n");
    if (value.failed) out->failed = true;
    gr_text_free(&value);
  }
}

gradus_status gr_run_write_config(const gr_run_directory *run, const gr_config *config,
                                  const char *given, gradus_error *err) {
  gr_text text = {0};
  bool found = false;
  if (given) {
    gradus_status status = gr_file_read(given, &text, &found, err);
    if (status != GRADUS_OK) {
      gr_text_free(&text);
      return status;
    }
  }
  if (!found) put_all_keys(config, &text);
  return replace(run->path, "config.yaml", &text, err);
}

gradus_status gr_run_write_recipe(const gr_run_directory *run, const gr_config *config,
                                  gradus_error *err) {
  gr_text text = {0};
  gr_config_write(config, GR_PART_RECIPE, &text);
  return replace(run->path, "recipe.yaml", &text, err);
}

gradus_status gr_run_read_recipe(const char *directory, gr_config *out, bool *found,
                                 gradus_error *err) {
  char path[GR_RUN_FILE];
  gr_run_file(directory, "recipe.yaml", path);
  GR_TRY(gr_file_look(path, found, err));
  if (!*found) return GRADUS_OK;
  GR_TRY(gr_config_init(out, err));
  gradus_status status = gr_config_read(out, path, err);
  gr_config_settle(out, NULL); /* keys that the file is older than */
  if (status != GRADUS_OK) {
    gr_config_free(out);
    *found = false;
  }
  return status;
}

static void put_field(gr_text *out, const char *key, const char *value) {
  gr_text_printf(out, ",\n  \"%s\": ", key);
  if (value)
    gr_text_put_json(out, value);
  else
    gr_text_puts(out, "null");
}

gradus_status gr_run_write_facts(const gr_run_directory *run, const gr_run_facts *facts,
                                 gradus_error *err) {
  char stamp[GR_CLOCK_TEXT], host[256] = "";
  gr_text text = {0};
  gr_clock_stamp(stamp);
  (void)gethostname(host, sizeof host - 1); /* stays empty where it has none */
  gr_text_puts(&text, "{\n  \"gradus_version\": \"" PACKAGE_VERSION "\"");
  put_field(&text, "compiler", COMPILER);
  put_field(&text, "host", host);
  put_field(&text, "cpu", facts->cpu);
  put_field(&text, "isa", facts->isa);
  gr_text_printf(&text, ",\n  \"threads\": %d", facts->threads);
  put_field(&text, "threads_reason", facts->threads_reason);
  put_field(&text, "data", facts->data_path);
  put_field(&text, "data_digest", facts->data_digest);
  if (facts->data_changed) gr_text_puts(&text, ",\n  \"data_changed\": true");
  put_field(&text, "recipe_digest", facts->recipe_digest);
  put_field(&text, "command_line", facts->command_line);
  put_field(&text, "started", stamp);
  gr_text_puts(&text, "\n}\n");
  return replace(run->path, "run.json", &text, err);
}

bool gr_run_data_changed(const char *directory) {
  char path[GR_RUN_FILE];
  gr_text text = {0};
  bool found;
  gr_run_file(directory, "run.json", path);
  const bool changed = gr_file_read(path, &text, &found, NULL) == GRADUS_OK && text.data &&
                       strstr(text.data, "\n  \"data_changed\": true,") != NULL;
  gr_text_free(&text);
  return changed;
}

void gr_run_data_digest(const char *directory, char out[GR_DIGEST_TEXT]) {
  static const char key[] = "\"data_digest\": \"";
  char path[GR_RUN_FILE];
  gr_text text = {0};
  bool found;
  out[0] = '\0';
  gr_run_file(directory, "run.json", path);
  if (gr_file_read(path, &text, &found, NULL) == GRADUS_OK && text.data) {
    const char *at = strstr(text.data, key);
    if (at) at += sizeof key - 1;
    if (at && strspn(at, "0123456789abcdef") == GR_DIGEST_TEXT - 1) {
      memcpy(out, at, GR_DIGEST_TEXT - 1);
      out[GR_DIGEST_TEXT - 1] = '\0';
    }
  }
  gr_text_free(&text);
}
