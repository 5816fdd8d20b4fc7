/* A layer is a width and properties, one row each in the table below. A property takes the values
 * of the key that holds where a layer says nothing, so that both are read, written and bounded by
 * the same row of the key table. Which property a bare word belongs to is found by trying: no word
 * is a value of two of them, but for those that are always named. */
#include <config.h>

#include "net/config_layers.h"

#include <stdio.h>
#include <string.h>

#include "net/config_value.h"

enum { ITEM = 128 }; /* bytes of the text of a layer */

typedef struct property {
  const char *name, *key;
  size_t has, value; /* in gr_layer_own: whether it is there, and what it is */
  bool named;        /* its values are those of another property, too: never a bare word */
} property;

#define OWN(member) offsetof(gr_layer_own, has_##member), offsetof(gr_layer_own, member)

static const property properties[] = {
    {"activation", "network.activation", OWN(activation), false},
    {"dropout", "network.dropout", OWN(dropout), false},
    {"normalization", "network.normalization", OWN(normalization), false},
    {"form", "network.activation_form", OWN(form), false},
    {"residual", "network.residual", OWN(residual), true},
};
enum { N_PROPERTIES = sizeof properties / sizeof properties[0] };

/* As they lie in gr_config. */
typedef struct layers {
  uint32_t n, width[GR_MAX_HIDDEN];
  gr_layer_own own[GR_MAX_HIDDEN];
} layers;
_Static_assert(offsetof(gr_config, network.hidden) - offsetof(gr_config, network.n_hidden) ==
                       offsetof(layers, width) &&
                   offsetof(gr_config, network.own) - offsetof(gr_config, network.n_hidden) ==
                       offsetof(layers, own),
               "network.n_hidden begins the layers");

static bool *has_of(const property *p, gr_layer_own *own) {
  return (bool *)((char *)own + p->has);
}

static bool is_there(const property *p, const gr_layer_own *own) {
  return *(const bool *)((const char *)own + p->has);
}

static void *value_of(const property *p, gr_layer_own *own) {
  return (char *)own + p->value;
}

static const property *find_property(const char *name) {
  for (size_t i = 0; i < N_PROPERTIES; i++)
    if (strcmp(properties[i].name, name) == 0) return &properties[i];
  return NULL;
}

/* ----- reading ----- */

/* Why a layer was refused; `word` is the part that is to blame. */
typedef enum blame { FINE, BAD_WIDTH, BAD_WORD, BAD_NAME, BAD_VALUE, TWICE } blame;
typedef struct fault {
  blame what;
  const property *of;
  char word[ITEM];
} fault;

static bool blamed(fault *f, blame what, const property *of, const char *word) {
  f->what = what;
  f->of = of;
  snprintf(f->word, sizeof f->word, "%s", word);
  for (char *c = f->word; *c; c++) /* for a message of one line */
    if ((unsigned char)*c < 0x20 || *c == 0x7f) *c = '?';
  return false;
}

static bool read_property(const property *p, const char *value, gr_layer_own *own) {
  if (strcmp(value, "auto") == 0) return false; /* what holds for the network is said by silence */
  return gr_value_read(gr_key_find(p->key), value, value_of(p, own)) == GRADUS_OK;
}

/* "gelu" or "activation=gelu". */
static bool read_word(char *word, gr_layer_own *own, fault *f) {
  char *equals = strchr(word, '=');
  const property *p = NULL;
  gr_layer_own trial = *own;
  if (equals) {
    *equals = '\0';
    p = find_property(word);
    if (!p) return blamed(f, BAD_NAME, NULL, word);
    if (!read_property(p, equals + 1, &trial)) return blamed(f, BAD_VALUE, p, equals + 1);
  } else {
    for (size_t i = 0; i < N_PROPERTIES && !p; i++)
      if (!properties[i].named && read_property(&properties[i], word, &trial)) p = &properties[i];
    if (!p) return blamed(f, BAD_WORD, NULL, word);
  }
  if (*has_of(p, own)) return blamed(f, TWICE, p, word);
  *own = trial;
  *has_of(p, own) = true;
  return true;
}

/* "256:gelu:0.1", which is taken apart. */
static bool read_layer(const gr_key *key, char *item, uint32_t *width, gr_layer_own *own,
                       fault *f) {
  char *rest = strchr(item, ':');
  int64_t neurons;
  if (rest) *rest++ = '\0';
  if (!gr_parse_i64(item, strlen(item), &neurons) || (double)neurons < key->minimum ||
      (double)neurons > key->maximum)
    return blamed(f, BAD_WIDTH, NULL, item);
  *width = (uint32_t)neurons;
  *own = (gr_layer_own){0};
  while (rest) {
    char *word = rest;
    rest = strchr(word, ':');
    if (rest) *rest++ = '\0';
    if (!read_word(word, own, f)) return false;
  }
  return true;
}

/* All layers; where it is false f says why, and out->n is the number of the layer, from 1. */
static bool read_list(const gr_key *key, const char *text, layers *out, fault *f) {
  *out = (layers){0};
  if (strcmp(text, "none") == 0) return true;
  for (const char *p = text;; p++) {
    char item[ITEM];
    p += strspn(p, " ");
    const size_t length = strcspn(p, ", ");
    if (out->n == GR_MAX_HIDDEN || length >= sizeof item) return false;
    memcpy(item, p, length);
    item[length] = '\0';
    out->n++;
    if (!read_layer(key, item, &out->width[out->n - 1], &out->own[out->n - 1], f)) return false;
    p += length + strspn(p + length, " ");
    if (!*p) return true;
    if (*p != ',') return false;
  }
}

gradus_status gr_layers_read(const gr_key *key, const char *text, void *field) {
  layers list;
  fault f = {.what = FINE};
  if (!read_list(key, text, &list, &f)) return GRADUS_ERR_CONFIG;
  memcpy(field, &list, sizeof list);
  return GRADUS_OK;
}

/* ----- what is wrong ----- */

/* Of all properties, or of those whose values may stand alone, which come first. */
static void put_names(bool all, gr_text *out) {
  size_t n = 0;
  while (n < N_PROPERTIES && (all || !properties[n].named)) n++;
  for (size_t i = 0; i < n; i++)
    gr_text_printf(out, "%s%s", i == 0 ? "" : i + 1 < n ? ", " : " or ", properties[i].name);
}

/* The property that a bare word would be a value of if that were named, or NULL. */
static const property *meant_by(const char *word) {
  gr_layer_own own = {0};
  for (size_t i = 0; i < N_PROPERTIES; i++)
    if (properties[i].named && read_property(&properties[i], word, &own)) return &properties[i];
  return NULL;
}

/* The nearest of the names of properties and of their values. */
static const char *nearest_word(const char *word) {
  const char *candidates[64];
  size_t n = 0;
  for (size_t i = 0; i < N_PROPERTIES; i++) {
    const char *const *choice = gr_key_find(properties[i].key)->choices;
    for (; choice && *choice && n < 64; choice++) candidates[n++] = *choice;
  }
  return gr_nearest_word(word, candidates, n);
}

void gr_layers_explain(const gr_key *key, const char *text, gr_text *out) {
  layers list;
  fault f = {.what = FINE};
  const char *nearest = NULL;
  if (read_list(key, text, &list, &f) || f.what == FINE || !*f.word) return;
  gr_text_printf(out, "; layer %u: ", (unsigned)list.n);
  switch (f.what) {
    case BAD_WORD:
      gr_text_printf(out, "'%s' is no ", f.word);
      put_names(false, out);
      if (meant_by(f.word))
        gr_text_printf(out, "; did you mean '%s=%s'?", meant_by(f.word)->name, f.word);
      nearest = nearest_word(f.word);
      break;
    case BAD_NAME:
      gr_text_printf(out, "it has no '%s', but ", f.word);
      put_names(true, out);
      gr_layers_has_property(f.word, &nearest);
      break;
    case BAD_VALUE:
      gr_text_printf(out, "'%s' is no %s", f.word, f.of->name);
      nearest = nearest_word(f.word);
      break;
    case TWICE:
      gr_text_printf(out, "%s is given twice", f.of->name);
      break;
    case BAD_WIDTH:
    case FINE:
      gr_text_printf(out, "'%s' is no width", f.word);
      break;
  }
  if (nearest) gr_text_printf(out, "; did you mean '%s'?", nearest);
}

bool gr_layers_has_property(const char *name, const char **nearest) {
  const char *candidates[N_PROPERTIES + 1] = {"width"};
  for (size_t i = 0; i < N_PROPERTIES; i++) candidates[i + 1] = properties[i].name;
  *nearest = gr_nearest_word(name, candidates, N_PROPERTIES + 1);
  return find_property(name) != NULL;
}

/* ----- writing ----- */

void gr_layers_write(const gr_key *key, const void *field, gr_text *out) {
  const layers *list = field;
  (void)key;
  if (list->n == 0) gr_text_puts(out, "none");
  for (uint32_t l = 0; l < list->n; l++) {
    gr_layer_own own = list->own[l];
    gr_text_printf(out, l ? ",%u" : "%u", (unsigned)list->width[l]);
    for (size_t i = 0; i < N_PROPERTIES; i++) {
      if (!is_there(&properties[i], &own)) continue;
      gr_text_puts(out, ":");
      if (properties[i].named) gr_text_printf(out, "%s=", properties[i].name);
      gr_value_write(gr_key_find(properties[i].key), value_of(&properties[i], &own), out);
    }
  }
}

/* A width, or a mapping where there is more to say. */
static void write_yaml_layer(uint32_t width, gr_layer_own own, gr_text *out) {
  bool any = false;
  for (size_t i = 0; i < N_PROPERTIES; i++) any |= is_there(&properties[i], &own);
  gr_text_printf(out, any ? "{width: %u" : "%u", (unsigned)width);
  for (size_t i = 0; i < N_PROPERTIES; i++) {
    if (!is_there(&properties[i], &own)) continue;
    gr_text_printf(out, ", %s: ", properties[i].name);
    gr_value_write(gr_key_find(properties[i].key), value_of(&properties[i], &own), out);
  }
  gr_text_puts(out, any ? "}" : "");
}

void gr_layers_write_yaml(const gr_key *key, const void *field, gr_text *out) {
  const layers *list = field;
  (void)key;
  if (list->n == 0) {
    gr_text_puts(out, "none");
    return;
  }
  for (uint32_t l = 0; l < list->n; l++) {
    gr_text_puts(out, l ? ", " : "[");
    write_yaml_layer(list->width[l], list->own[l], out);
  }
  gr_text_puts(out, "]");
}

/* ----- what holds ----- */

int gr_config_activation(const gr_config *config, uint32_t i) {
  const gr_layer_own *own = &config->network.own[i];
  return own->has_activation ? own->activation : config->network.activation;
}

double gr_config_dropout(const gr_config *config, uint32_t i) {
  const gr_layer_own *own = &config->network.own[i];
  return own->has_dropout ? own->dropout : config->network.dropout;
}

int gr_config_normalization(const gr_config *config, uint32_t i) {
  const gr_layer_own *own = &config->network.own[i];
  return own->has_normalization ? own->normalization : config->network.normalization;
}

int gr_config_form(const gr_config *config, uint32_t i) {
  const gr_layer_own *own = &config->network.own[i];
  return own->has_form ? own->form : config->network.form;
}

/* Neurons of layer m, counted from 1; 0: the inputs. */
static int64_t width_of(const gr_config *config, uint32_t m) {
  return m ? (int64_t)config->network.hidden[m - 1] : config->network.inputs;
}

/* Whether a block of network.residual layers ends with hidden layer i, the last one before having
 * ended with layer `end`, counted from 1. */
static bool ends_block(const gr_config *config, uint32_t i, uint32_t end) {
  const int64_t first = (int64_t)i + 1 - config->network.residual;
  return config->network.residual > 0 && first >= (int64_t)end &&
         width_of(config, (uint32_t)first) == width_of(config, i + 1);
}

uint32_t gr_config_residual(const gr_config *config, uint32_t i) {
  uint32_t residual = 0, end = 0;
  for (uint32_t k = 0; k <= i; k++) {
    const gr_layer_own *own = &config->network.own[k];
    const int64_t of_key = ends_block(config, k, end) ? config->network.residual : 0;
    residual = (uint32_t)(own->has_residual ? own->residual : of_key);
    if (residual > 0) end = k + 1;
  }
  return residual;
}
