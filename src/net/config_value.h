/* One value of a key, as text and back: what gr_config_set and the values inside a list of layers
 * share. Only for the files of the configuration. */
#ifndef GR_NET_CONFIG_VALUE_H
#define GR_NET_CONFIG_VALUE_H

#include "net/config.h"

/* Reads `text` into `field`, of the type of `key`: GRADUS_OK, GRADUS_ERR_CONFIG (no such value;
 * nothing changed) or GRADUS_ERR_RESOURCES. */
gradus_status gr_value_read(const gr_key *key, const char *text, void *field);

/* Text that gr_value_read takes for the same value. */
void gr_value_write(const gr_key *key, const void *field, gr_text *out);

#endif
