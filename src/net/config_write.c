/* A configuration as YAML, and what is made of it: the canonical recipe, its digest, and the list
 * of what differs between two recipes. */
#include <config.h>

#include <string.h>

#include "net/config.h"
#include "net/config_layers.h"
#include "net/digest.h"
#include "net/schedule.h"

static void indent(unsigned depth, gr_text *out) {
  while (depth--) gr_text_puts(out, "  ");
}

/* Headings of the sections that `name` is in and `previous` is not, then the indent of its line. */
static void open_sections(const char *previous, const char *name, gr_text *out) {
  bool same = true;
  unsigned depth = 0;
  for (const char *start = name, *dot; (dot = strchr(start, '.')); start = dot + 1, depth++) {
    same = same && strncmp(previous, name, (size_t)(dot - name) + 1) == 0;
    if (same) continue;
    indent(depth, out);
    gr_text_printf(out, "%.*s:\n", (int)(dot - start), start);
  }
  indent(depth, out);
}

static void write_yaml_value(const gr_config *config, const gr_key *key, gr_text *out) {
  gr_text value = {0};
  gr_config_get(config, key, &value);
  const char *text = value.data ? value.data : "";
  if (value.failed)
    out->failed = true;
  else if (key->type == GR_KEY_STRING && !(key->may_be_auto && strcmp(text, "auto") == 0))
    gr_text_put_json(out, text);
  else if (key->type == GR_KEY_LAYERS)
    gr_layers_write_yaml(key, (const char *)config + key->offset, out);
  else if ((key->type == GR_KEY_WIDTHS || key->type == GR_KEY_SET) && strcmp(text, "none") != 0) {
    const char *separator = "[";
    for (const char *number = text; *number; separator = ", ") {
      const size_t length = strcspn(number, ",");
      gr_text_printf(out, "%s%.*s", separator, (int)length, number);
      number += length + (number[length] == ',');
    }
    gr_text_puts(out, "]");
  } else if (key->type == GR_KEY_REALS) {
    gr_text_printf(out, "[%s]", text);
  } else {
    gr_text_puts(out, text);
  }
  gr_text_free(&value);
}

void gr_config_write(const gr_config *config, gr_part part, gr_text *out) {
  const char *previous = "";
  for (size_t i = 0; i < gr_n_keys; i++) {
    const gr_key *key = &gr_keys[i];
    if (key->part != part) continue;
    open_sections(previous, key->name, out);
    gr_text_printf(out, "%s: ", strrchr(key->name, '.') + 1);
    write_yaml_value(config, key, out);
    gr_text_puts(out, "\n");
    previous = key->name;
  }
}

gradus_status gr_config_digest(const gr_config *config, char out[GR_DIGEST_TEXT],
                               gradus_error *err) {
  gr_text text = {0};
  gr_config_write(config, GR_PART_RECIPE, &text);
  const gradus_status status = text.failed ? gr_fail_memory(err, "the recipe") : GRADUS_OK;
  if (status == GRADUS_OK) gr_digest_bytes(text.data, text.length, out);
  gr_text_free(&text);
  return status;
}

static bool may_grow(const gr_key *key, const gr_config *old, const gr_config *new_) {
  return key->offset == offsetof(gr_config, training.epochs) &&
         new_->training.epochs > old->training.epochs && !gr_schedule_depends_on_total(old) &&
         !gr_schedule_depends_on_total(new_);
}

/* What a run that has halted may go on with. */
static bool may_change(const gr_key *key, const gr_config *old, const gr_config *new_) {
  if (key->offset == offsetof(gr_config, training.on_nonfinite))
    return old->training.on_nonfinite == GR_NONFINITE_HALT;
  return key->offset == offsetof(gr_config, training.nonfinite_limit) &&
         (new_->training.nonfinite_limit > old->training.nonfinite_limit ||
          old->training.on_nonfinite == GR_NONFINITE_HALT);
}

/* Appends the line of one key where it differs. Without memory to compare, it does differ. */
static bool compare_key(const gr_key *key, const gr_config *old, const gr_config *new_,
                        gr_text *out) {
  gr_text a = {0}, b = {0};
  gr_config_get(old, key, &a);
  gr_config_get(new_, key, &b);
  bool failed = a.failed || b.failed || !a.data || !b.data;
  bool differs = failed || strcmp(a.data, b.data) != 0;
  if (failed)
    out->failed = true;
  else if (differs)
    gr_text_printf(out, "%s: %s -> %s\n", key->name, a.data, b.data);
  gr_text_free(&a);
  gr_text_free(&b);
  return differs;
}

size_t gr_config_compare(const gr_config *old, const gr_config *new_, bool epochs_may_grow,
                         gr_text *out) {
  size_t n = 0;
  for (size_t i = 0; i < gr_n_keys; i++) {
    const gr_key *key = &gr_keys[i];
    if (key->part != GR_PART_RECIPE) continue;
    if (epochs_may_grow && (may_grow(key, old, new_) || may_change(key, old, new_))) continue;
    n += compare_key(key, old, new_, out);
  }
  return n;
}
