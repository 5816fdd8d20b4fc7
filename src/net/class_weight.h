/* The text of training.class_weight: "none", "balanced", or "cat=2,dog=0.5". */
#ifndef GR_NET_CLASS_WEIGHT_H
#define GR_NET_CLASS_WEIGHT_H

#include <stdbool.h>
#include <stddef.h>

#include "net/config.h"

typedef struct gr_class_weight {
  const char *name; /* [length], inside the text */
  size_t length;
  double weight;
} gr_class_weight;

/* False for NULL and "none". */
bool gr_class_weight_any(const char *text);

/* The next NAME=WEIGHT of a list that has been checked; *text goes on. False at its end. */
bool gr_class_weight_next(const char **text, gr_class_weight *out);

/* GRADUS_ERR_CONFIG where the text is none of the three, or classes are weighed in a task without
 * them. */
gradus_status gr_class_weight_check(const gr_config *config, gradus_error *err);

#endif
