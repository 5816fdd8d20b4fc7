/* A recipe: everything that says what to train and how. Keys, values and defaults are those of
 * gradus-config(5), and one table serves the YAML files, this interface and the program's options.
 * Recipe keys alone determine the result, bit for bit; run keys and resource keys change only where
 * it is written and how fast it comes. */
#ifndef GRADUS_RECIPE_H
#define GRADUS_RECIPE_H

#include <stddef.h>

#include "gradus/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct gradus_recipe gradus_recipe;

/* A recipe with the values of preset `preset` (NULL: "default"). Destroy it with
 * gradus_recipe_destroy, which accepts NULL. */
GRADUS_API gradus_status gradus_recipe_create(const char *preset, gradus_recipe **out,
                                              gradus_error *err);
GRADUS_API void gradus_recipe_destroy(gradus_recipe *recipe);

/* Sets one key, such as ("training.batch_size", "256"). GRADUS_ERR_CONFIG names the nearest valid
 * word or the range. */
GRADUS_API gradus_status gradus_recipe_set(gradus_recipe *recipe, const char *key,
                                           const char *value, gradus_error *err);

/* Applies a preset, or a YAML file, over what is set. Errors in a file name file:line:column. */
GRADUS_API gradus_status gradus_recipe_preset(gradus_recipe *recipe, const char *name,
                                              gradus_error *err);
GRADUS_API gradus_status gradus_recipe_read(gradus_recipe *recipe, const char *path,
                                            gradus_error *err);

/* The value of a key as text: copied into value[size]; longer values are GRADUS_ERR_USAGE. */
GRADUS_API gradus_status gradus_recipe_get(const gradus_recipe *recipe, const char *key,
                                           char *value, size_t size, gradus_error *err);

/* The whole recipe as YAML, to be freed with gradus_text_free. */
GRADUS_API gradus_status gradus_recipe_text(const gradus_recipe *recipe, char **out,
                                            gradus_error *err);
GRADUS_API void gradus_text_free(char *text);

/* One row of the key table. Strings live as long as the library. */
typedef struct gradus_key {
  const char *name;   /* "training.batch_size" */
  const char *option; /* the program's long option without dashes, or NULL */
  const char *type; /* "integer", "real", "choice", "bool", "string", "widths", "duration", "size",
                       "seed" */
  const char *part; /* "recipe", "run" or "resources" */
  const char *const *choices; /* NULL-terminated for types "choice" and "set", else NULL */
  int may_be_auto;
  const char *default_value; /* in preset "default" */
  const char *help;
} gradus_key;

/* Row `index` of the key table in *out; GRADUS_ERR_USAGE beyond the last. */
GRADUS_API size_t gradus_key_count(void);
GRADUS_API gradus_status gradus_key_at(size_t index, gradus_key *out);

/* Name and one-line description of preset `index`; NULL beyond the last. */
GRADUS_API const char *gradus_preset_name(size_t index);
GRADUS_API const char *gradus_preset_help(size_t index);

#ifdef __cplusplus
}
#endif
#endif
