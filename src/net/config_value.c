/* Values of keys from text and back. One row per type says how: what a key accepts, how a bad value
 * is described, and the text that reads back as the same value. */
#include <config.h>

#include <string.h>

#include "base/memory.h"
#include "net/config.h"

/* Reads `text` into `field`: GRADUS_OK, GRADUS_ERR_CONFIG (no such value; nothing changed) or
 * GRADUS_ERR_RESOURCES. `auto` has been dealt with. */
typedef gradus_status value_reader(const gr_key *key, const char *text, void *field);
typedef void value_writer(const gr_key *key, const void *field, gr_text *out);

typedef struct value_type {
  const char *noun; /* "'x' is not ..." */
  value_reader *read;
  value_writer *write;
  void (*write_limit)(double limit, gr_text *out); /* NULL: the type has no range */
} value_type;

static bool in_range(const gr_key *key, double value) {
  return value >= key->minimum && value <= key->maximum; /* false for NaN */
}

/* Whole numbers without exponent, others as short as can be. */
static void write_number(double value, gr_text *out) {
  if (value >= -1e15 && value <= 1e15 && value == (double)(int64_t)value)
    gr_text_printf(out, "%lld", (long long)value);
  else
    gr_text_put_double(out, value);
}

static gradus_status read_string(const gr_key *key, const char *text, void *field) {
  (void)key;
  char **string = field, *copy = NULL;
  if (*text) {
    copy = gr_strdup(text);
    if (!copy) return GRADUS_ERR_RESOURCES;
  }
  gr_free(*string);
  *string = copy;
  return GRADUS_OK;
}

static void write_string(const gr_key *key, const void *field, gr_text *out) {
  const char *string = *(char *const *)field;
  gr_text_puts(out, string ? string : key->may_be_auto ? "auto" : "");
}

static gradus_status read_bool(const gr_key *key, const char *text, void *field) {
  (void)key;
  static const char *const words[] = {"false", "true", "no", "yes", "off", "on"};
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
    if (strcmp(text, words[i]) == 0) return *(bool *)field = i % 2, GRADUS_OK;
  return GRADUS_ERR_CONFIG;
}

static void write_bool(const gr_key *key, const void *field, gr_text *out) {
  (void)key;
  gr_text_puts(out, *(const bool *)field ? "true" : "false");
}

static gradus_status read_integer(const gr_key *key, const char *text, void *field) {
  int64_t value;
  if (!gr_parse_i64(text, strlen(text), &value) || !in_range(key, (double)value))
    return GRADUS_ERR_CONFIG;
  *(int64_t *)field = value;
  return GRADUS_OK;
}

static void write_integer(const gr_key *key, const void *field, gr_text *out) {
  int64_t value = *(const int64_t *)field;
  if (key->may_be_auto && value == GR_AUTO)
    gr_text_puts(out, "auto");
  else
    gr_text_printf(out, "%lld", (long long)value);
}

static gradus_status read_seed(const gr_key *key, const char *text, void *field) {
  (void)key;
  return gr_parse_u64(text, strlen(text), field) ? GRADUS_OK : GRADUS_ERR_CONFIG;
}

static void write_seed(const gr_key *key, const void *field, gr_text *out) {
  (void)key;
  gr_text_printf(out, "%llu", (unsigned long long)*(const uint64_t *)field);
}

static gradus_status read_real(const gr_key *key, const char *text, void *field) {
  double value;
  if (!gr_parse_double(text, strlen(text), &value) || !in_range(key, value))
    return GRADUS_ERR_CONFIG;
  *(double *)field = value == 0 ? 0 : value; /* -0 is 0: one value, one text, one digest */
  return GRADUS_OK;
}

static void write_real(const gr_key *key, const void *field, gr_text *out) {
  const double value = *(const double *)field;
  if (key->may_be_auto && value == GR_AUTO)
    gr_text_puts(out, "auto");
  else
    gr_text_put_double(out, value);
}

static gradus_status read_choice(const gr_key *key, const char *text, void *field) {
  for (int i = 0; key->choices[i]; i++)
    if (strcmp(text, key->choices[i]) == 0) return *(int *)field = i, GRADUS_OK;
  return GRADUS_ERR_CONFIG;
}

static void write_choice(const gr_key *key, const void *field, gr_text *out) {
  int value = *(const int *)field;
  gr_text_puts(out, value == GR_AUTO ? "auto" : key->choices[value]);
}

/* Names in any order; written in that of the table. */
static gradus_status read_set(const gr_key *key, const char *text, void *field) {
  uint64_t set = 0;
  const bool none = strcmp(text, "none") == 0;
  for (const char *p = text; !none; p++) {
    p += strspn(p, " ");
    const size_t length = strcspn(p, ", ");
    int i = 0;
    while (key->choices[i] &&
           (strncmp(key->choices[i], p, length) != 0 || key->choices[i][length] != '\0'))
      i++;
    if (!key->choices[i]) return GRADUS_ERR_CONFIG;
    set |= (uint64_t)1 << i;
    p += length + strspn(p + length, " ");
    if (!*p) break;
    if (*p != ',') return GRADUS_ERR_CONFIG;
  }
  *(uint64_t *)field = set;
  return GRADUS_OK;
}

static void write_set(const gr_key *key, const void *field, gr_text *out) {
  const uint64_t set = *(const uint64_t *)field;
  bool any = false;
  for (int i = 0; key->choices[i]; i++) {
    if (!(set >> i & 1)) continue;
    gr_text_printf(out, "%s%s", any ? "," : "", key->choices[i]);
    any = true;
  }
  if (!any) gr_text_puts(out, "none");
}

/* Widths lie as a count and, right behind it, GR_MAX_HIDDEN numbers. */
_Static_assert(offsetof(gr_config, network.hidden) ==
                   offsetof(gr_config, network.n_hidden) + sizeof(uint32_t),
               "hidden follows n_hidden");
_Static_assert(offsetof(gr_config, schedule.milestones) ==
                   offsetof(gr_config, schedule.n_milestones) + sizeof(uint32_t),
               "milestones follow n_milestones");

static gradus_status read_widths(const gr_key *key, const char *text, void *field) {
  uint32_t widths[1 + GR_MAX_HIDDEN] = {0}, n = 0;
  bool none = strcmp(text, "none") == 0;
  for (const char *p = text; !none; p++) {
    p += strspn(p, " ");
    size_t length = strcspn(p, ", ");
    int64_t width;
    if (n == GR_MAX_HIDDEN || !gr_parse_i64(p, length, &width) || !in_range(key, (double)width))
      return GRADUS_ERR_CONFIG;
    widths[++n] = (uint32_t)width;
    p += length + strspn(p + length, " ");
    if (!*p) break;
    if (*p != ',') return GRADUS_ERR_CONFIG;
  }
  widths[0] = n;
  memcpy(field, widths, sizeof widths);
  return GRADUS_OK;
}

static void write_widths(const gr_key *key, const void *field, gr_text *out) {
  (void)key;
  const uint32_t *widths = field, n = widths[0];
  if (n == 0) gr_text_puts(out, "none");
  for (uint32_t i = 1; i <= n; i++) gr_text_printf(out, i > 1 ? ",%u" : "%u", (unsigned)widths[i]);
}

/* Likewise numbers: a count and, behind its padding, GR_MAX_LIST of them. */
typedef struct reals {
  uint32_t n;
  double value[GR_MAX_LIST];
} reals;
_Static_assert(offsetof(gr_config, training.quantiles) ==
                   offsetof(gr_config, training.n_quantiles) + offsetof(reals, value),
               "quantiles follow n_quantiles");

static gradus_status read_reals(const gr_key *key, const char *text, void *field) {
  reals list = {0};
  for (const char *p = text;; p++) {
    p += strspn(p, " ");
    const size_t length = strcspn(p, ", ");
    double value;
    if (list.n == GR_MAX_LIST || !gr_parse_double(p, length, &value) || !in_range(key, value))
      return GRADUS_ERR_CONFIG;
    list.value[list.n++] = value == 0 ? 0 : value;
    p += length + strspn(p + length, " ");
    if (!*p) break;
    if (*p != ',') return GRADUS_ERR_CONFIG;
  }
  memcpy(field, &list, sizeof list);
  return GRADUS_OK;
}

static void write_reals(const gr_key *key, const void *field, gr_text *out) {
  (void)key;
  const reals *list = field;
  for (uint32_t i = 0; i < list->n; i++) {
    if (i) gr_text_puts(out, ",");
    gr_text_put_double(out, list->value[i]);
  }
}

static void write_seconds(double seconds, gr_text *out) {
  char number[GR_DOUBLE_TEXT];
  size_t length = gr_format_double(number, seconds);
  bool plain = !memchr(number, 'e', length);
  if (plain || seconds >= 1) {
    write_number(seconds, out);
    gr_text_puts(out, "s");
  } else {
    gr_text_append(out, number, length); /* units take no exponent, bare seconds do */
  }
}

static gradus_status read_duration(const gr_key *key, const char *text, void *field) {
  double seconds;
  if (!gr_parse_duration(text, &seconds) && !gr_parse_double(text, strlen(text), &seconds))
    return GRADUS_ERR_CONFIG;
  if (!in_range(key, seconds)) return GRADUS_ERR_CONFIG;
  *(double *)field = seconds == 0 ? 0 : seconds;
  return GRADUS_OK;
}

static void write_duration(const gr_key *key, const void *field, gr_text *out) {
  (void)key;
  write_seconds(*(const double *)field, out);
}

/* In the largest unit that divides it. */
static void write_bytes(double bytes, gr_text *out) {
  static const struct {
    const char *name;
    uint64_t bytes;
  } units[] = {{"TiB", (uint64_t)1 << 40},
               {"GiB", (uint64_t)1 << 30},
               {"MiB", (uint64_t)1 << 20},
               {"KiB", (uint64_t)1 << 10},
               {"", 1}};
  uint64_t n = (uint64_t)bytes;
  size_t i = 0;
  while (n % units[i].bytes) i++;
  gr_text_printf(out, "%llu%s", (unsigned long long)(n / units[i].bytes), units[i].name);
}

static gradus_status read_size(const gr_key *key, const char *text, void *field) {
  uint64_t bytes;
  if (!gr_parse_size(text, &bytes) || !in_range(key, (double)bytes)) return GRADUS_ERR_CONFIG;
  *(int64_t *)field = (int64_t)bytes;
  return GRADUS_OK;
}

static void write_size(const gr_key *key, const void *field, gr_text *out) {
  (void)key;
  int64_t bytes = *(const int64_t *)field;
  if (bytes == GR_AUTO)
    gr_text_puts(out, "auto");
  else
    write_bytes((double)bytes, out);
}

static const value_type types[] = {
    [GR_KEY_STRING] = {"a text", read_string, write_string, NULL},
    [GR_KEY_BOOL] = {"true or false", read_bool, write_bool, NULL},
    [GR_KEY_INTEGER] = {"a whole number", read_integer, write_integer, write_number},
    [GR_KEY_SEED] = {"a whole number from 0 to 18446744073709551615", read_seed, write_seed, NULL},
    [GR_KEY_REAL] = {"a number", read_real, write_real, write_number},
    [GR_KEY_CHOICE] = {"one of", read_choice, write_choice, NULL},
    [GR_KEY_WIDTHS] = {"none, or at most 64 whole numbers such as 256,128, each", read_widths,
                       write_widths, write_number},
    [GR_KEY_REALS] = {"at most 64 numbers such as 0.1,0.5,0.9, each", read_reals, write_reals,
                      write_number},
    [GR_KEY_SET] = {"none, or a list of", read_set, write_set, NULL},
    [GR_KEY_DURATION] = {"a time such as 100ms, 60s or 5min", read_duration, write_duration,
                         write_seconds},
    [GR_KEY_SIZE] = {"a size such as 4096 or 256MiB", read_size, write_size, write_bytes},
};
_Static_assert(GR_MAX_HIDDEN == 64 && GR_MAX_LIST == 64, "the nouns of lists say 64");

static void set_auto(const gr_key *key, void *field) {
  if (key->type == GR_KEY_CHOICE)
    *(int *)field = GR_AUTO;
  else if (key->type == GR_KEY_REAL)
    *(double *)field = GR_AUTO;
  else
    *(int64_t *)field = GR_AUTO;
}

/* Strings have no number to mean auto: there it is the same as empty. */
static gradus_status read_value(const gr_key *key, const char *text, void *field) {
  bool is_auto = key->may_be_auto && strcmp(text, "auto") == 0;
  if (is_auto && key->type != GR_KEY_STRING) return set_auto(key, field), GRADUS_OK;
  return types[key->type].read(key, is_auto ? "" : text, field);
}

/* The word for messages: one line, not too long. */
static void printable(const char *word, char out[64]) {
  size_t n = 0;
  for (; word[n] && n < 60; n++)
    out[n] = (unsigned char)word[n] < 0x20 || word[n] == 0x7f ? '?' : word[n];
  if (word[n]) memcpy(out + n, "...", 3), n += 3;
  out[n] = '\0';
}

/* "a whole number from 1 to 4096, or auto", or the list of choices and the nearest one. */
static void describe_expected(const gr_key *key, const char *word, gr_text *out) {
  const value_type *type = &types[key->type];
  gr_text_puts(out, type->noun);
  if (type->write_limit) {
    gr_text_puts(out, " from ");
    type->write_limit(key->minimum, out);
    gr_text_puts(out, " to ");
    type->write_limit(key->maximum, out);
  }
  size_t n = 0;
  for (; key->choices && key->choices[n]; n++)
    gr_text_printf(out, "%s%s", n ? ", " : " ", key->choices[n]);
  if (key->may_be_auto) gr_text_puts(out, ", or auto");
  const char *nearest = key->choices ? gr_nearest_word(word, key->choices, n) : NULL;
  if (nearest) gr_text_printf(out, "; did you mean '%s'?", nearest);
}

static gradus_status bad_value(const gr_key *key, const char *value, gradus_error *err) {
  gr_text expected = {0};
  char word[64];
  printable(value, word);
  describe_expected(key, value, &expected);
  gradus_status status = gr_fail(err, GRADUS_ERR_CONFIG, "%s: '%s' is not %s", key->name, word,
                                 expected.data ? expected.data : types[key->type].noun);
  gr_text_free(&expected);
  return status;
}

static gradus_status unknown_key(const char *name, gradus_error *err) {
  char word[64], nearest[GR_KEY_NAME];
  printable(name, word);
  if (gr_key_is_section(name) && gr_key_nearest(name, nearest) && !gr_key_is_section(nearest))
    return gr_fail(err, GRADUS_ERR_CONFIG, "'%s' is a section of keys; did you mean '%s'?", word,
                   nearest);
  if (gr_key_is_section(name))
    return gr_fail(err, GRADUS_ERR_CONFIG, "'%s' is a section of keys, not a key", word);
  if (gr_key_nearest(name, nearest))
    return gr_fail(err, GRADUS_ERR_CONFIG, "unknown key '%s'; did you mean '%s'?", word, nearest);
  return gr_fail(err, GRADUS_ERR_CONFIG, "unknown key '%s'; gradus-config(5) lists the keys", word);
}

gradus_status gr_config_set(gr_config *config, const char *name, const char *value,
                            const char *origin, gradus_error *err) {
  const gr_key *key = gr_key_find(name);
  gradus_status status =
      key ? read_value(key, value, (char *)config + key->offset) : unknown_key(name, err);
  if (status == GRADUS_ERR_RESOURCES) return gr_fail_memory(err, name);
  if (key && status != GRADUS_OK) status = bad_value(key, value, err);
  if (status != GRADUS_OK && origin) gr_error_prefix(err, "%s", origin);
  return status;
}

void gr_config_get(const gr_config *config, const gr_key *key, gr_text *out) {
  types[key->type].write(key, (const char *)config + key->offset, out);
}
