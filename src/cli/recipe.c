/* Keys as they were typed, and the way from data.* to an open file. */
#include <config.h>

#include "cli/recipe.h"

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

gradus_status gr_recipe_open_data(const gradus_recipe *recipe, const char *path,
                                  gradus_dataset **out, gradus_error *err) {
  return gradus_dataset_open_as(recipe, &path, 1, out, err);
}
