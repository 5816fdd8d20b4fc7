/* Classes take their numbers from the set of texts alone (sorted), not from the order of rows, so
 * that a shuffled file gives the same model outputs. Numeric classes keep their values: the model
 * maps them. */
#include <config.h>

#include "interop/table_target.h"

#include <string.h>

#include "interop/number.h"
#include "interop/transform.h"

enum {
  MAX_AUTO_CLASSES = 20, /* more distinct whole numbers than this are a quantity */
  MAX_SHOWN = 20
};

static gradus_status refuse_at(const gr_table *t, uint64_t line, uint64_t column, const char *name,
                               const char *why, gradus_error *err) {
  return gr_fail(err, GRADUS_ERR_DATA, "%s:%llu:%llu: target '%s' %s", t->path,
                 (unsigned long long)line, (unsigned long long)column, name, why);
}

static gradus_status refuse_place(const gr_table *t, const gr_place *place, const char *name,
                                  const char *why, gradus_error *err) {
  return refuse_at(t, place->line, place->column, name, why, err);
}

/* Whole numbers in one spelling, so that 1, 1.0 and +1 are one class. Returns its length. */
static size_t spell(char out[GR_DOUBLE_TEXT], const gr_cell *cell, double *value) {
  if (!gr_parse_number(cell->text, cell->length, value)) return 0;
  if (*value == 0) *value = 0; /* -0 is 0 */
  return gr_format_double(out, *value);
}

struct gathering {
  gr_target *target;
  const gr_table *table;
  uint32_t column, limit;
};

static gradus_status gather_class(void *user, uint64_t row, uint32_t column, const gr_cell *cell,
                                  gradus_error *err) {
  struct gathering *g = user;
  gr_target *target = g->target;
  (void)row;
  if (column != g->column || target->classes.n > g->limit) return GRADUS_OK;
  uint32_t entry;
  if (target->mode == GR_TARGET_INTEGER) {
    char spelled[GR_DOUBLE_TEXT];
    double value;
    size_t length = spell(spelled, cell, &value);
    entry = gr_dictionary_add(&target->classes, spelled, length);
  } else {
    if (!gr_is_utf8(cell->text, cell->length))
      return refuse_at(g->table, cell->line, cell->column, target->name,
                       "is not UTF-8; convert the file", err);
    entry = gr_dictionary_add(&target->classes, cell->text, cell->length);
  }
  return entry == GR_NO_ENTRY ? gr_fail_memory(err, "class names") : GRADUS_OK;
}

static gradus_status gather(gr_target *target, const gr_table *t, uint32_t column, uint32_t limit,
                            gradus_error *err) {
  struct gathering g = {target, t, column, limit};
  gr_dictionary_free(&target->classes);
  return gr_table_walk(t, gather_class, &g, err);
}

/* An identifier is no class: nothing could be learned from it. */
static gradus_status check_classes(const gr_target *target, const gr_import_options *o,
                                   const gr_table *t, gradus_error *err) {
  uint32_t n = target->classes.n;
  if (o->task == GR_CLASSIFICATION || n <= MAX_AUTO_CLASSES || n <= t->n_rows / 2) return GRADUS_OK;
  return gr_fail(err, GRADUS_ERR_DATA,
                 "%s: target '%s' holds %lu different texts in %llu rows, which looks like an "
                 "identifier; choose another target column",
                 t->path, target->name, (unsigned long)n, (unsigned long long)t->n_rows);
}

/* Numbers only: classes or a quantity? */
static gradus_status decide_numbers(gr_target *target, const gr_import_options *o,
                                    const gr_table *t, uint32_t column, gradus_error *err) {
  const gr_column_facts *f = &t->facts[column];
  bool forced = o->task == GR_CLASSIFICATION;
  if (o->task == GR_REGRESSION || o->log_target || (!forced && !f->is_whole)) return GRADUS_OK;
  target->mode = f->is_whole ? GR_TARGET_INTEGER : GR_TARGET_TEXT;
  GR_TRY(gather(target, t, column, forced ? GR_NO_ENTRY - 1 : MAX_AUTO_CLASSES, err));
  if (!forced && target->classes.n > MAX_AUTO_CLASSES) target->mode = GR_TARGET_NUMBER;
  return GRADUS_OK;
}

static void tell_number(const gr_target *target, const gr_import_options *o) {
  gr_log_write(&o->log, GR_INFO, "target %s: regression%s", target->name,
               target->log ? " on its natural logarithm" : "");
}

static void tell_classes(const gr_target *target, const gr_import_options *o) {
  const gr_dictionary *d = &target->classes;
  gr_text text = {0};
  for (uint32_t i = 0; i < d->n && i < MAX_SHOWN; i++)
    gr_text_printf(&text, "%s%s (%llu)", i ? ", " : ": ", d->texts[i],
                   (unsigned long long)d->count[i]);
  if (d->n > MAX_SHOWN) gr_text_puts(&text, ", ...");
  gr_log_write(&o->log, GR_INFO, "target %s: classification, %lu classes%s", target->name,
               (unsigned long)d->n, text.data ? text.data : "");
  gr_text_free(&text);
}

gradus_status gr_target_decide(gr_target *target, const gr_import_options *o, const gr_table *t,
                               uint32_t column, gradus_error *err) {
  const gr_column_facts *f = &t->facts[column];
  target->name = t->names[column];
  target->log = o->log_target;
  target->mode = GR_TARGET_NUMBER;
  if (f->n_texts > 0 && (o->task == GR_REGRESSION || o->log_target))
    return refuse_place(t, &f->first_text, target->name, "is text; regression needs numbers", err);
  if (f->n_texts > 0) {
    target->mode = GR_TARGET_TEXT;
    GR_TRY(gr_target_check(target, t, column, err));
    GR_TRY(gather(target, t, column, GR_NO_ENTRY - 1, err));
    GR_TRY(check_classes(target, o, t, err));
  } else {
    GR_TRY(gr_target_check(target, t, column, err));
    GR_TRY(decide_numbers(target, o, t, column, err));
  }
  if (target->mode == GR_TARGET_NUMBER) {
    gr_dictionary_free(&target->classes);
    target->is_wide = f->is_wide;
    tell_number(target, o);
    return GRADUS_OK;
  }
  if (!gr_dictionary_sort(&target->classes)) return gr_fail_memory(err, "class names");
  tell_classes(target, o);
  return GRADUS_OK;
}

gradus_status gr_target_check(const gr_target *target, const gr_table *t, uint32_t column,
                              gradus_error *err) {
  const gr_column_facts *f = &t->facts[column];
  bool is_text = target->mode == GR_TARGET_TEXT;
  if (f->n_empty > 0 || (!is_text && f->n_missing_words > 0))
    return refuse_place(t, &f->first_missing, target->name,
                        "is missing here; each row needs its target", err);
  if (!is_text && f->n_texts > 0)
    return refuse_place(t, &f->first_text, target->name, "is text, expected a number", err);
  if (!is_text && f->n_infinite > 0)
    return refuse_place(t, &f->first_infinite, target->name, "is infinite", err);
  return GRADUS_OK;
}

gr_dtype gr_target_type(const gr_target *target) {
  if (target->mode != GR_TARGET_NUMBER) return GR_I32;
  return target->is_wide && !target->log ? GR_F64 : GR_F32;
}

static gradus_status store_number(const gr_target *target, const gr_table *t, const gr_cell *cell,
                                  void *y, uint64_t row, gradus_error *err) {
  double value = 0;
  (void)gr_parse_number(cell->text, cell->length, &value); /* the facts say it is one */
  if (target->log && !gr_transform_log(&value))
    return refuse_at(t, cell->line, cell->column, target->name,
                     "is not above 0, so it has no logarithm", err);
  if (gr_target_type(target) == GR_F64)
    ((double *)y)[row] = value;
  else
    ((float *)y)[row] = (float)value;
  return GRADUS_OK;
}

gradus_status gr_target_store(const gr_target *target, const gr_table *t, const gr_cell *cell,
                              void *y, uint64_t row, gradus_error *err) {
  if (target->mode == GR_TARGET_NUMBER) return store_number(target, t, cell, y, row, err);
  char spelled[GR_DOUBLE_TEXT];
  double value = 0;
  bool is_text = target->mode == GR_TARGET_TEXT;
  const char *text = is_text ? cell->text : spelled;
  size_t length = is_text ? cell->length : spell(spelled, cell, &value);
  uint32_t entry = gr_dictionary_find(&target->classes, text, length);
  if (entry == GR_NO_ENTRY)
    return gr_fail(err, GRADUS_ERR_DATA,
                   "%s:%llu:%llu: class '%.*s' of target '%s' does not occur in the training split",
                   t->path, (unsigned long long)cell->line, (unsigned long long)cell->column,
                   (int)(length < 64 ? length : 64), text, target->name);
  ((int32_t *)y)[row] = is_text ? (int32_t)entry : (int32_t)value;
  return GRADUS_OK;
}

void gr_target_free(gr_target *target) {
  gr_dictionary_free(&target->classes);
  *target = (gr_target){0};
}
