/* The list of hidden layers as text: "512:gelu:0.1,256" is a layer of 512 neurons with an
 * activation and a dropout of its own and one of 256 with what the keys of the network say. What
 * follows a width may be named, "512:dropout=0.1", and stands in any order. In YAML a layer is a
 * width or a mapping: {width: 512, activation: gelu, dropout: 0.1}. */
#ifndef GR_NET_CONFIG_LAYERS_H
#define GR_NET_CONFIG_LAYERS_H

#include "net/config.h"

/* `field`: a gr_config's network.n_hidden and what follows it. Contracts as in net/config_value.h.
 */
gradus_status gr_layers_read(const gr_key *key, const char *text, void *field);
void gr_layers_write(const gr_key *key, const void *field, gr_text *out);
void gr_layers_write_yaml(const gr_key *key, const void *field, gr_text *out);

/* Appends "; ..." that says what is wrong with a text that gr_layers_read refuses. */
void gr_layers_explain(const gr_key *key, const char *text, gr_text *out);

/* Whether a mapping may have `name` (beside "width"); else *nearest is what may be meant, or NULL.
 */
bool gr_layers_has_property(const char *name, const char **nearest);

#endif
