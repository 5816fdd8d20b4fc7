/* Life of a configuration: its strings are the only thing it owns, and the key table knows where
 * they are. */
#include <config.h>

#include "net/config.h"

#include <string.h>

#include "base/memory.h"

/* The field of row `i`, or NULL where the key is no string. */
static char **string_field(gr_config *config, size_t i) {
  if (gr_keys[i].type != GR_KEY_STRING) return NULL;
  return (char **)(void *)((char *)config + gr_keys[i].offset);
}

gradus_status gr_config_init(gr_config *config, gradus_error *err) {
  *config = (gr_config){0};
  gradus_status status = gr_config_preset(config, "default", err);
  if (status != GRADUS_OK) gr_config_free(config);
  return status;
}

void gr_config_free(gr_config *config) {
  for (size_t i = 0; i < gr_n_keys; i++) {
    char **string = string_field(config, i);
    if (string) gr_free(*string);
  }
  *config = (gr_config){0};
}

gradus_status gr_config_copy(const gr_config *from, gr_config *to, gradus_error *err) {
  gr_config copy = *from;
  bool failed = false;
  for (size_t i = 0; i < gr_n_keys; i++) {
    char **string = string_field(&copy, i);
    if (!string || !*string) continue;
    *string = gr_strdup(*string);
    if (!*string) failed = true;
  }
  if (failed) {
    gr_config_free(&copy);
    *to = (gr_config){0};
    return gr_fail_memory(err, "a copy of the configuration");
  }
  *to = copy;
  return GRADUS_OK;
}
