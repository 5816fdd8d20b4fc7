/* A name may hold "=": the last one parts it from its weight. It may not hold a comma. */
#include <config.h>

#include "net/class_weight.h"

#include <string.h>

bool gr_class_weight_any(const char *text) {
  return text && strcmp(text, "none") != 0;
}

/* One NAME=WEIGHT; false where it is none. */
static bool read_one(const char *text, size_t length, gr_class_weight *out) {
  const char *equals = memrchr(text, '=', length);
  if (!equals || equals == text) return false;
  out->name = text;
  out->length = (size_t)(equals - text);
  return gr_parse_double(equals + 1, length - out->length - 1, &out->weight) && out->weight >= 0 &&
         out->weight <= 1e30;
}

bool gr_class_weight_next(const char **text, gr_class_weight *out) {
  *text += strspn(*text, ", ");
  const size_t length = strcspn(*text, ",");
  if (length == 0 || !read_one(*text, length, out)) return false;
  *text += length;
  return true;
}

gradus_status gr_class_weight_check(const gr_config *config, gradus_error *err) {
  const char *text = config->training.class_weight;
  gr_class_weight one;
  if (!gr_class_weight_any(text)) return GRADUS_OK;
  if (config->data.task != GR_AUTO && config->data.task != GR_CLASSIFICATION)
    return gr_fail(err, GRADUS_ERR_CONFIG,
                   "training.class_weight: weights of classes are for data.task classification");
  if (strcmp(text, "balanced") == 0) return GRADUS_OK;
  while (gr_class_weight_next(&text, &one)) continue;
  if (*text == '\0') return GRADUS_OK;
  return gr_fail(err, GRADUS_ERR_CONFIG,
                 "training.class_weight: '%.60s' is not none, balanced, or weights from 0 to 1e30 "
                 "by name such as cat=2,dog=0.5",
                 text);
}
