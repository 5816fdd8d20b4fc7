/* gradus/recipe.h: a recipe is a gr_config, and the key table is shown as it is. */
#include <config.h>

#include "gradus/recipe.h"

#include <string.h>

#include "api/internal.h"
#include "base/memory.h"
#include "train/environment.h"

/* What a setting, a preset or a file says becomes numbers here, whatever the caller rounds to. */
typedef gradus_status read_settings(gr_config *config, const char *from, gradus_error *err);

static gradus_status read_clean(read_settings *read, gr_config *config, const char *from,
                                gradus_error *err) {
  const unsigned environment = gr_environment_enter();
  gradus_status status = read(config, from, err);
  gr_environment_leave(environment);
  return status;
}

static gradus_status make_config(gr_config *config, const char *preset, gradus_error *err) {
  GR_TRY(gr_config_init(config, err));
  return preset ? gr_config_preset(config, preset, err) : GRADUS_OK;
}

gradus_status gradus_recipe_create(const char *preset, gradus_recipe **out, gradus_error *err) {
  GR_API_NEED(out, "out");
  *out = NULL;
  gradus_recipe *recipe = gr_calloc(1, sizeof *recipe);
  if (!recipe) return gr_fail_memory(err, "a recipe");
  gradus_status status = read_clean(make_config, &recipe->config, preset, err);
  if (status != GRADUS_OK) {
    gradus_recipe_destroy(recipe);
    return status;
  }
  *out = recipe;
  return GRADUS_OK;
}

void gradus_recipe_destroy(gradus_recipe *recipe) {
  if (!recipe) return;
  gr_config_free(&recipe->config);
  gr_free(recipe);
}

gradus_status gradus_recipe_set(gradus_recipe *recipe, const char *key, const char *value,
                                gradus_error *err) {
  GR_API_NEED(recipe, "recipe");
  GR_API_NEED(key, "key");
  GR_API_NEED(value, "value");
  const unsigned environment = gr_environment_enter();
  gradus_status status = gr_config_set(&recipe->config, key, value, NULL, err);
  gr_environment_leave(environment);
  return status;
}

gradus_status gradus_recipe_preset(gradus_recipe *recipe, const char *name, gradus_error *err) {
  GR_API_NEED(recipe, "recipe");
  GR_API_NEED(name, "name");
  return read_clean(gr_config_preset, &recipe->config, name, err);
}

gradus_status gradus_recipe_read(gradus_recipe *recipe, const char *path, gradus_error *err) {
  GR_API_NEED(recipe, "recipe");
  GR_API_NEED(path, "path");
  return read_clean(gr_config_read, &recipe->config, path, err);
}

gradus_status gradus_recipe_get(const gradus_recipe *recipe, const char *key, char *value,
                                size_t size, gradus_error *err) {
  GR_API_NEED(recipe, "recipe");
  GR_API_NEED(key, "key");
  GR_API_NEED(value, "value");
  const gr_key *row = gr_key_find(key);
  if (!row) return gr_fail(err, GRADUS_ERR_CONFIG, "there is no key '%s'", key);
  gr_text text = {0};
  gr_config_get(&recipe->config, row, &text);
  gradus_status status = GRADUS_OK;
  if (text.failed)
    status = gr_fail_memory(err, "a value");
  else if (text.length >= size)
    status =
        gr_fail(err, GRADUS_ERR_USAGE, "the value of %s needs %zu bytes", key, text.length + 1);
  else
    memcpy(value, text.data ? text.data : "", text.length + 1);
  gr_text_free(&text);
  return status;
}

gradus_status gradus_recipe_text(const gradus_recipe *recipe, char **out, gradus_error *err) {
  GR_API_NEED(recipe, "recipe");
  GR_API_NEED(out, "out");
  gr_text text = {0};
  gr_config_write(&recipe->config, GR_PART_RECIPE, &text);
  return gr_api_give_text(&text, out, err);
}

void gradus_text_free(char *text) {
  gr_free(text);
}

size_t gradus_key_count(void) {
  return gr_n_keys;
}

static const char *const type_names[] = {
    [GR_KEY_STRING] = "string",     [GR_KEY_BOOL] = "bool",   [GR_KEY_INTEGER] = "integer",
    [GR_KEY_SEED] = "seed",         [GR_KEY_REAL] = "real",   [GR_KEY_CHOICE] = "choice",
    [GR_KEY_WIDTHS] = "widths",     [GR_KEY_REALS] = "reals", [GR_KEY_SET] = "set",
    [GR_KEY_DURATION] = "duration", [GR_KEY_SIZE] = "size"};
static const char *const part_names[] = {
    [GR_PART_RECIPE] = "recipe", [GR_PART_RUN] = "run", [GR_PART_RESOURCES] = "resources"};

/* The value of a key in preset "default": what follows its "name=" there. */
static const char *default_of(const gr_key *key) {
  const size_t n = strlen(key->name);
  for (const char *const *s = gr_presets[0].settings; *s; s++)
    if (strncmp(*s, key->name, n) == 0 && (*s)[n] == '=') return *s + n + 1;
  return "";
}

gradus_status gradus_key_at(size_t index, gradus_key *out) {
  if (!out || index >= gr_n_keys) return GRADUS_ERR_USAGE;
  const gr_key *key = &gr_keys[index];
  *out = (gradus_key){
      .name = key->name,
      .option = key->option,
      .type = type_names[key->type],
      .part = part_names[key->part],
      .choices = key->type == GR_KEY_CHOICE || key->type == GR_KEY_SET ? key->choices : NULL,
      .may_be_auto = key->may_be_auto,
      .default_value = default_of(key),
      .help = key->help};
  return GRADUS_OK;
}

const char *gradus_preset_name(size_t index) {
  return index < gr_n_presets ? gr_presets[index].name : NULL;
}

const char *gradus_preset_help(size_t index) {
  return index < gr_n_presets ? gr_presets[index].help : NULL;
}
