/* Weights and offsets of rows are columns like any other in a table; the user says which. They are
 * no inputs, and each row has one. */
#include <config.h>

#include "interop/table_extras.h"

#include <math.h>
#include <string.h>

static const gr_field fields[] = {GR_FIELD_WEIGHT, GR_FIELD_OFFSET};
enum { N_EXTRAS = 2 };

static const char *noun(gr_field field) {
  return field == GR_FIELD_WEIGHT ? "weights" : "offset";
}

static const char *name_of(const gr_import_options *options, gr_field field) {
  return field == GR_FIELD_WEIGHT ? options->weights : options->offset;
}

static gradus_status find(gr_table_plan *p, gr_field field, gradus_error *err) {
  const gr_table *t = gr_plan_reference(p);
  const char *name = name_of(p->options, field);
  p->extra[field] = UINT32_MAX;
  if (!name) return GRADUS_OK;
  const uint32_t column = p->extra[field] = gr_table_find(t, name);
  const char *nearest = column == UINT32_MAX
                            ? gr_nearest_word(name, (const char *const *)t->names, t->n_columns)
                            : NULL;
  if (column == UINT32_MAX)
    return gr_fail(err, GRADUS_ERR_USAGE, "%s '%s': %s has no such column%s%s%s", noun(field), name,
                   t->path, nearest ? "; did you mean '" : "", nearest ? nearest : "",
                   nearest ? "'?" : "");
  if (column == p->target_column)
    return gr_fail(err, GRADUS_ERR_USAGE, "%s '%s': that is the target; name it by --target",
                   noun(field), name);
  return GRADUS_OK;
}

gradus_status gr_extras_find(gr_table_plan *p, gradus_error *err) {
  for (int i = 0; i < N_EXTRAS; i++) GR_TRY(find(p, fields[i], err));
  const uint32_t weight = p->extra[GR_FIELD_WEIGHT];
  if (weight == UINT32_MAX || weight != p->extra[GR_FIELD_OFFSET]) return GRADUS_OK;
  return gr_fail(err, GRADUS_ERR_USAGE, "column '%s' cannot be weights and offset at once",
                 p->options->weights);
}

bool gr_extras_has(const gr_table_plan *p, uint32_t column) {
  return column == p->extra[GR_FIELD_WEIGHT] || column == p->extra[GR_FIELD_OFFSET];
}

uint32_t gr_extras_at(const gr_table_plan *p, int s, gr_field field) {
  if (p->extra[field] == UINT32_MAX || !p->table[s].n_columns) return UINT32_MAX;
  return p->position[s][p->extra[field]];
}

static gradus_status refuse(const gr_table *t, const gr_place *place, const char *name,
                            const char *why, gradus_error *err) {
  return gr_fail(err, GRADUS_ERR_DATA, "%s:%llu:%llu: column '%s' %s", t->path,
                 (unsigned long long)place->line, (unsigned long long)place->column, name, why);
}

static gradus_status check(const gr_table_plan *p, int s, gr_field field, gradus_error *err) {
  const gr_table *t = &p->table[s];
  const char *name = name_of(p->options, field);
  const uint32_t at = gr_extras_at(p, s, field);
  if (at == UINT32_MAX && s == GR_TEST && !p->has_target[s]) return GRADUS_OK;
  if (at == UINT32_MAX)
    return gr_fail(err, GRADUS_ERR_DATA, "%s: has no column '%s' for %s, %s has", t->path, name,
                   noun(field), p->table[p->reference].path);
  const gr_column_facts *f = &t->facts[at];
  if (f->n_texts > 0)
    return refuse(t, &f->first_text, name, "is text; weights and offsets are numbers", err);
  if (f->n_empty + f->n_missing_words > 0)
    return refuse(t, &f->first_missing, name,
                  field == GR_FIELD_WEIGHT ? "is missing here; each row needs its weight"
                                           : "is missing here; each row needs its offset",
                  err);
  if (f->n_infinite > 0) return refuse(t, &f->first_infinite, name, "is infinite", err);
  return GRADUS_OK;
}

gradus_status gr_extras_check(const gr_table_plan *p, gradus_error *err) {
  for (int i = 0; i < N_EXTRAS; i++)
    for (int s = 0; s < GR_N_SPLITS; s++)
      if (p->table[s].n_columns && p->extra[fields[i]] != UINT32_MAX)
        GR_TRY(check(p, s, fields[i], err));
  return GRADUS_OK;
}

gradus_status gr_extras_store(const gr_table *t, gr_field field, const gr_record *record,
                              const gr_cell *cell, const char *name, float *out, uint64_t row,
                              gradus_error *err) {
  const bool negative = field == GR_FIELD_WEIGHT && cell->value < 0;
  gr_place place = {0};
  out[row] = (float)cell->value;
  if (!negative && isfinite(out[row])) return GRADUS_OK;
  gr_record_place(record, cell->at, &place.line, &place.column);
  return refuse(t, &place, name,
                negative ? "is negative; weights are 0 or more" : "is beyond the range of floats",
                err);
}
