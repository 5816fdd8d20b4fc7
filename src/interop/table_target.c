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
  MAX_CLASSES = 1000000,
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

static gradus_status refuse_cell(const gr_table *t, const gr_record *record, const gr_cell *cell,
                                 const char *name, const char *why, gradus_error *err) {
  uint64_t line, column;
  gr_record_place(record, cell->at, &line, &column);
  return refuse_at(t, line, column, name, why, err);
}

/* Whole numbers in one spelling, so that 1, 1.0 and +1 are one class. Returns its length. */
static size_t spell(char out[GR_DOUBLE_TEXT], double value) {
  return gr_format_double(out, value == 0 ? 0 : value); /* -0 is 0 */
}

static gradus_status add_class(gr_target *target, const char *text, size_t length, uint64_t times,
                               gradus_error *err) {
  uint32_t entry = gr_dictionary_add(&target->classes, text, length);
  if (entry == GR_NO_ENTRY) return gr_fail_memory(err, "class names");
  target->classes.count[entry] += times - 1;
  return GRADUS_OK;
}

struct gathering {
  gr_target *target;
  const gr_table *table;
  uint32_t column, limit;
};

static gradus_status gather_class(void *user, uint64_t row, const gr_record *record,
                                  gradus_error *err) {
  struct gathering *g = user;
  gr_target *target = g->target;
  const gr_cell *cell = &record->cells[g->column];
  (void)row;
  if (target->classes.n > g->limit) return GRADUS_OK;
  if (target->mode == GR_TARGET_INTEGER) {
    char spelled[GR_DOUBLE_TEXT];
    return add_class(target, spelled, spell(spelled, cell->value), 1, err);
  }
  if (!gr_is_utf8(cell->text, cell->length))
    return refuse_cell(g->table, record, cell, target->name, "is not UTF-8; convert the file", err);
  return add_class(target, cell->text, cell->length, 1, err);
}

/* From the texts that were gathered on the way, if those are all; false where they do not do. */
static gradus_status gather_from_texts(gr_target *target, const gr_table *t, uint32_t column,
                                       bool *done, gradus_error *err) {
  const gr_dictionary *texts = &t->texts;
  *done = t->watched == column && texts->n <= GR_MAX_WATCHED;
  for (uint32_t i = 0; i < texts->n && *done; i++) {
    char spelled[GR_DOUBLE_TEXT];
    double value = 0;
    size_t length = strlen(texts->texts[i]);
    if (target->mode == GR_TARGET_INTEGER) {
      (void)gr_parse_number(texts->texts[i], length, &value); /* the facts say it is one */
      GR_TRY(add_class(target, spelled, spell(spelled, value), texts->count[i], err));
    } else {
      *done = gr_is_utf8(texts->texts[i], length); /* a pass will say where it is not */
      GR_TRY(add_class(target, texts->texts[i], length, texts->count[i], err));
    }
  }
  return GRADUS_OK;
}

/* The classes behind those that are there. More than `limit` are not gathered. */
static gradus_status gather(gr_target *target, gr_table *t, uint32_t column, uint32_t limit,
                            gradus_error *err) {
  struct gathering g = {target, t, column, limit};
  bool done;
  GR_TRY(gather_from_texts(target, t, column, &done, err));
  if (done) return GRADUS_OK;
  gr_dictionary_free(&target->classes);
  gr_meter_expect(t->meter, gr_input_length(t->stream));
  GR_TRY(gr_table_walk(t, gather_class, &g, err));
  if (limit < MAX_CLASSES || target->classes.n <= limit) return GRADUS_OK;
  return gr_fail(err, GRADUS_ERR_DATA, "%s: target '%s' holds more than %lu different classes",
                 t->path, target->name, (unsigned long)MAX_CLASSES);
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
static gradus_status decide_numbers(gr_target *target, const gr_import_options *o, gr_table *t,
                                    uint32_t column, gradus_error *err) {
  const gr_column_facts *f = &t->facts[column];
  bool forced = o->task == GR_CLASSIFICATION;
  if (o->task == GR_REGRESSION || o->log_target || (!forced && !f->is_whole)) return GRADUS_OK;
  target->mode = f->is_whole ? GR_TARGET_INTEGER : GR_TARGET_TEXT;
  GR_TRY(gather(target, t, column, forced ? MAX_CLASSES : MAX_AUTO_CLASSES, err));
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

gradus_status gr_target_decide(gr_target *target, const gr_import_options *o, gr_table *t,
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
    GR_TRY(gather(target, t, column, MAX_CLASSES, err));
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

static gradus_status take_old_classes(gr_target *target, const gr_dataset *old, gradus_error *err) {
  for (uint32_t i = 0; i < old->n_class_names; i++)
    GR_TRY(add_class(target, old->class_names[i], strlen(old->class_names[i]), 1, err));
  return GRADUS_OK;
}

static gradus_status tell_new_classes(const gr_target *target, const gr_import_options *o,
                                      const gr_dataset *old) {
  for (uint32_t i = old->n_class_names; i < target->classes.n; i++)
    if (i < old->n_class_names + MAX_SHOWN)
      gr_log_write(&o->log, GR_WARNING, "target %s: class %s is new and becomes number %lu",
                   target->name, target->classes.texts[i], (unsigned long)i);
  return GRADUS_OK;
}

/* A pass that had to be made lost the old names: they come first again. */
static gradus_status gather_behind(gr_target *target, const gr_dataset *old, gr_table *t,
                                   uint32_t column, gradus_error *err) {
  GR_TRY(gather(target, t, column, MAX_CLASSES, err));
  gr_target fresh = *target;
  target->classes = (gr_dictionary){0};
  gradus_status status = take_old_classes(target, old, err);
  for (uint32_t i = 0; i < fresh.classes.n && status == GRADUS_OK; i++)
    status = add_class(target, fresh.classes.texts[i], strlen(fresh.classes.texts[i]), 1, err);
  gr_dictionary_free(&fresh.classes);
  return status;
}

gradus_status gr_target_follow(gr_target *target, const gr_import_options *o, const gr_dataset *old,
                               gr_table *t, uint32_t column, gradus_error *err) {
  const gr_column_facts *f = &t->facts[column];
  gr_dtype type = GR_F32;
  for (int s = 0; s < GR_N_SPLITS; s++)
    if (old->split[s].y_columns == 1) type = old->split[s].y_type;
  target->name = t->names[column];
  target->log = o->log_target;
  bool classes = type == GR_I32;
  if (classes && (o->log_target || o->task == GR_REGRESSION))
    return gr_fail(err, GRADUS_ERR_DATA, "%s: target '%s': the file that is added to has classes",
                   t->path, target->name);
  target->mode = !classes           ? GR_TARGET_NUMBER
                 : old->class_names ? GR_TARGET_TEXT
                                    : GR_TARGET_INTEGER;
  GR_TRY(gr_target_check(target, t, column, err));
  if (classes && target->mode == GR_TARGET_INTEGER && !f->is_whole)
    return gr_fail(err, GRADUS_ERR_DATA,
                   "%s: target '%s' has numbers that are not whole; the file "
                   "that is added to has classes",
                   t->path, target->name);
  target->any_class = target->mode == GR_TARGET_INTEGER;
  if (target->mode == GR_TARGET_NUMBER) {
    target->is_wide = type == GR_F64;
    if (f->is_wide && type == GR_F32 && !target->log)
      return refuse_place(t, &f->first_wide, target->name,
                          "needs double precision; the file that is added to has f32", err);
    return GRADUS_OK;
  }
  if (target->mode == GR_TARGET_INTEGER) return GRADUS_OK;
  GR_TRY(gather_behind(target, old, t, column, err));
  return tell_new_classes(target, o, old);
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

gradus_status gr_target_store(const gr_target *target, const gr_table *t, const gr_record *record,
                              const gr_cell *cell, void *y, uint64_t row, gradus_error *err) {
  double value = cell->value;
  char spelled[GR_DOUBLE_TEXT];
  if (target->mode == GR_TARGET_NUMBER) {
    if (target->log && !gr_transform_log(&value))
      return refuse_cell(t, record, cell, target->name, "is not above 0, so it has no logarithm",
                         err);
    if (gr_target_type(target) == GR_F64)
      ((double *)y)[row] = value;
    else
      ((float *)y)[row] = (float)value;
    return GRADUS_OK;
  }
  bool is_text = target->mode == GR_TARGET_TEXT;
  const char *text = is_text ? cell->text : spelled;
  size_t length = is_text ? cell->length : spell(spelled, value);
  uint32_t entry = target->any_class ? 0 : gr_dictionary_find(&target->classes, text, length);
  if (entry == GR_NO_ENTRY) {
    uint64_t line, column;
    gr_record_place(record, cell->at, &line, &column);
    return gr_fail(err, GRADUS_ERR_DATA,
                   "%s:%llu:%llu: class '%.*s' of target '%s' does not occur in the training split",
                   t->path, (unsigned long long)line, (unsigned long long)column,
                   (int)(length < 64 ? length : 64), text, target->name);
  }
  ((int32_t *)y)[row] = is_text ? (int32_t)entry : (int32_t)value;
  return GRADUS_OK;
}

void gr_target_free(gr_target *target) {
  gr_dictionary_free(&target->classes);
  *target = (gr_target){0};
}
