/* A recipe from a command line, and the data set that it names: what train and bench share. */
#ifndef GR_CLI_RECIPE_H
#define GR_CLI_RECIPE_H

#include <stddef.h>

#include <gradus/dataset.h>
#include <gradus/recipe.h>

/* The sink of keys (cli/options.h) whose `user` is a gradus_recipe; errors begin with `option`. */
gradus_status gr_recipe_take_key(const char *option, const char *key, const char *value, void *user,
                                 gradus_error *err);

/* The value of a text key in value[size]; empty where it is not set. */
gradus_status gr_recipe_text_of(const gradus_recipe *recipe, const char *key, char *value,
                                size_t size, gradus_error *err);

/* Reads the data set `path` with the recipe's data.x, data.y and data.transpose. */
gradus_status gr_recipe_open_data(const gradus_recipe *recipe, const char *path,
                                  gradus_dataset **out, gradus_error *err);

#endif
