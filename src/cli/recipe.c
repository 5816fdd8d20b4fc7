/* Keys as they were typed, and the way from data.* to an open file. */
#include <config.h>

#include "cli/recipe.h"

#include <string.h>

#include "cli/output.h"

gradus_status gr_recipe_take_key(const char *option, const char *key, const char *value, void *user,
                                 gradus_error *err) {
  gradus_status status = gradus_recipe_set(user, key, value, err);
  if (status != GRADUS_OK) gr_cli_prefix(err, option);
  return status;
}

gradus_status gr_recipe_text_of(const gradus_recipe *recipe, const char *key, char *value,
                                size_t size, gradus_error *err) {
  gradus_status status = gradus_recipe_get(recipe, key, value, size, err);
  if (status != GRADUS_OK) value[0] = '\0';
  return status;
}

/* A path inside the data file, or NULL where the file's layout decides. */
static const char *inner_path(const char *value) {
  return *value && strcmp(value, "auto") != 0 ? value : NULL;
}

gradus_status gr_recipe_open_data(const gradus_recipe *recipe, const char *path,
                                  gradus_dataset **out, gradus_error *err) {
  char x[1024], y[1024], transpose[16];
  gradus_status status = gr_recipe_text_of(recipe, "data.x", x, sizeof x, err);
  if (status == GRADUS_OK) status = gr_recipe_text_of(recipe, "data.y", y, sizeof y, err);
  if (status == GRADUS_OK)
    status = gr_recipe_text_of(recipe, "data.transpose", transpose, sizeof transpose, err);
  if (status != GRADUS_OK) return status;
  gradus_dataset_options options = {.struct_size = sizeof options,
                                    .x = inner_path(x),
                                    .y = inner_path(y),
                                    .transpose = strcmp(transpose, "true") == 0};
  return gradus_dataset_open(path, &options, out, err);
}
