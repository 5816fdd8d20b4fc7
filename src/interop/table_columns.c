/* Which columns of a table become inputs, as what, and why the others do not. A table that follows
 * another one, or a model, has its columns dictated and is refused where it lacks one. Levels of
 * categorical columns are numbered in ascending order of bytes, so that numbers depend on the set
 * of texts alone; those that a follower brings come behind. */
#include <config.h>

#include <string.h>

#include "base/memory.h"
#include "interop/table_extras.h"
#include "interop/table_judge.h"
#include "interop/table_plan.h"

enum {
  MAX_TOLD_COLUMNS = 40, /* lines of the account */
  MAX_TOLD_NAMES = 20
};

static gradus_status find_in_all(gr_table_plan *p, uint32_t column, gradus_error *err) {
  const gr_table *r = gr_plan_reference(p);
  for (int s = p->reference; s < GR_N_SPLITS; s++)
    if (p->table[s].n_columns && p->position[s][column] == UINT32_MAX)
      return gr_fail(err, GRADUS_ERR_DATA, "%s: has no column '%s', %s has", p->table[s].path,
                     r->names[column], r->path);
  return GRADUS_OK;
}

/* What keeps other splits from having such a column. */
static void judge_followers(gr_table_plan *p, uint32_t column, gr_judgement *judgement,
                            gr_text *reason) {
  for (int s = p->reference + 1; s < GR_N_SPLITS; s++) {
    if (!p->table[s].n_columns) continue;
    gr_judge_follower(&p->table[s], p->position[s][column], *judgement == GR_JUDGED_CATEGORICAL,
                      reason);
    if (reason->length > 0) *judgement = GR_JUDGED_USELESS;
    if (reason->length > 0) return;
  }
}

static bool counts_rows(gr_table_plan *p, uint32_t column) {
  const gr_table *r = gr_plan_reference(p);
  return r->facts[column].counts_up && r->n_rows > 2 &&
         ((r->is_unnamed[column] && r->has_header) || gr_names_a_row(r->names[column]));
}

static const gr_column_facts *find_wide(gr_table_plan *p, uint32_t column, const gr_table **table) {
  for (int s = 0; s < GR_N_SPLITS; s++) {
    *table = &p->table[s];
    if (!p->table[s].n_columns) continue;
    const gr_column_facts *f = &p->table[s].facts[p->position[s][column]];
    if (f->is_wide) return f;
  }
  return NULL;
}

static void take(gr_table_plan *p, uint32_t column, uint32_t slot, gr_column_kind kind) {
  const gr_table *table;
  p->slot[column] = slot;
  p->kind[column] = kind;
  p->n_taken++;
  if (kind == GR_COLUMN_NUMERIC && find_wide(p, column, &table)) p->x_type = GR_F64;
}

static gradus_status drop(gr_table_plan *p, uint32_t column, const char *why, gradus_error *err) {
  const char *name = gr_plan_reference(p)->names[column];
  gr_dropped_column *d = &p->dropped[p->n_dropped++];
  d->name = gr_strdup(name);
  d->reason = gr_strdup(why);
  if (p->n_dropped <= MAX_TOLD_COLUMNS)
    gr_log_write(&p->options->log, GR_WARNING, "column %s: dropped: %s", name, why);
  return d->name && d->reason ? GRADUS_OK : gr_fail_memory(err, "columns");
}

static gradus_status choose_column(gr_table_plan *p, uint32_t c, gradus_error *err) {
  gr_text reason = {0};
  gr_judgement judgement;
  GR_TRY(find_in_all(p, c, err));
  gradus_status status =
      gr_judge_column(gr_plan_reference(p), p->position[p->reference][c], &judgement, &reason, err);
  if (status == GRADUS_OK && judgement != GR_JUDGED_USELESS)
    judge_followers(p, c, &judgement, &reason);
  if (status == GRADUS_OK && reason.failed) status = gr_fail_memory(err, "a message");
  if (status == GRADUS_OK && judgement == GR_JUDGED_USELESS)
    status = drop(p, c, reason.data ? reason.data : "", err);
  else if (status == GRADUS_OK && counts_rows(p, c))
    status = drop(p, c, "it counts the rows", err);
  else if (status == GRADUS_OK)
    take(p, c, p->n_taken,
         judgement == GR_JUDGED_CATEGORICAL ? GR_COLUMN_CATEGORICAL : GR_COLUMN_NUMERIC);
  gr_text_free(&reason);
  return status;
}

static gradus_status choose_columns(gr_table_plan *p, gradus_error *err) {
  const gr_table *r = gr_plan_reference(p);
  for (uint32_t c = 0; c < r->n_columns; c++)
    if (c != p->target_column && !gr_extras_has(p, c)) GR_TRY(choose_column(p, c, err));
  if (p->n_dropped > MAX_TOLD_COLUMNS)
    gr_log_write(&p->options->log, GR_WARNING, "%lu more columns dropped for such reasons",
                 (unsigned long)(p->n_dropped - MAX_TOLD_COLUMNS));
  return GRADUS_OK;
}

/* ---- columns that an old file or a model dictates ---- */

static gradus_status check_old_inputs(const gr_table_plan *p, gradus_error *err) {
  const gr_dataset *old = p->job->old;
  for (int s = 0; s < GR_N_SPLITS; s++) {
    gr_dtype type = old->split[s].x_type;
    if (old->split[s].n_rows > 0 && type != GR_F32 && type != GR_F64)
      return gr_fail(err, GRADUS_ERR_DATA,
                     "%s: its inputs are %s; a table gives f32 or f64, so it cannot be added",
                     old->path, gr_dtype_name(type));
  }
  return GRADUS_OK;
}

/* Columns of the reference table that may become inputs. */
static uint32_t count_others(const gr_table_plan *p) {
  const uint32_t n = p->table[p->reference].n_columns;
  return n - 1 - (p->extra[GR_FIELD_WEIGHT] != UINT32_MAX) -
         (p->extra[GR_FIELD_OFFSET] != UINT32_MAX);
}

/* The j-th of them. */
static uint32_t other_column(const gr_table_plan *p, uint32_t j) {
  uint32_t c = 0;
  for (;; c++) {
    if (c == p->target_column || gr_extras_has(p, c)) continue;
    if (j-- == 0) return c;
  }
}

/* Column of the reference table that becomes input j. */
static gradus_status find_old_column(gr_table_plan *p, uint32_t j, const gr_dictionary *names,
                                     uint32_t *out, gradus_error *err) {
  const gr_dataset *old = p->job->old;
  const gr_table *r = gr_plan_reference(p);
  if ((r->has_header || p->options->like) && old->feature_names) {
    *out = gr_dictionary_find(names, old->feature_names[j], strlen(old->feature_names[j]));
    if (*out != GR_NO_ENTRY && *out != p->target_column && !gr_extras_has(p, *out))
      return GRADUS_OK;
    return gr_fail(err, GRADUS_ERR_DATA, "%s: has no column '%s', %s has", r->path,
                   old->feature_names[j], old->path);
  }
  if (count_others(p) != old->n_columns)
    return gr_fail(err, GRADUS_ERR_DATA,
                   "%s: %lu columns besides the target, but %s has %lu (they are matched by "
                   "position, as not both have names)",
                   r->path, (unsigned long)count_others(p), old->path,
                   (unsigned long)old->n_columns);
  *out = other_column(p, j);
  return GRADUS_OK;
}

/* Numbers too wide for the old file are refused there; a model takes them. */
static gradus_status check_width(gr_table_plan *p, uint32_t column, gr_dtype x_type,
                                 gradus_error *err) {
  const gr_table *wide;
  const gr_column_facts *f =
      x_type == GR_F32 && !p->options->like ? find_wide(p, column, &wide) : NULL;
  if (!f) return GRADUS_OK;
  return gr_fail(err, GRADUS_ERR_DATA,
                 "%s:%llu:%llu: column '%s': %s needs double precision; %s has f32", wide->path,
                 (unsigned long long)f->first_wide.line, (unsigned long long)f->first_wide.column,
                 gr_plan_reference(p)->names[column], f->first_wide.text, p->job->old->path);
}

static gradus_status take_old_column(gr_table_plan *p, uint32_t j, uint32_t column, gr_dtype x_type,
                                     gradus_error *err) {
  const gr_dataset *old = p->job->old;
  const gr_column_kind kind = old->columns ? old->columns[j].kind : GR_COLUMN_NUMERIC;
  GR_TRY(find_in_all(p, column, err));
  for (int s = p->reference; s < GR_N_SPLITS; s++) {
    const gr_table *t = &p->table[s];
    gr_text reason = {0};
    gradus_status status = GRADUS_OK;
    if (!t->n_columns) continue;
    const gr_column_facts *f = &t->facts[p->position[s][column]];
    gr_judge_follower(t, p->position[s][column], kind == GR_COLUMN_CATEGORICAL, &reason);
    if (reason.length == 0 && !old->columns && f->n_empty + f->n_missing_words > 0)
      gr_text_printf(&reason, "%s:%llu:%llu is missing", t->path,
                     (unsigned long long)f->first_missing.line,
                     (unsigned long long)f->first_missing.column);
    if (reason.length > 0)
      status = gr_fail(err, GRADUS_ERR_DATA,
                       p->options->like ? "%s: column '%s' does not fit that of %s: %s"
                                        : "%s: column '%s' cannot be added to that of %s: %s",
                       t->path, gr_plan_reference(p)->names[column], old->path, reason.data);
    gr_text_free(&reason);
    GR_TRY(status);
  }
  if (kind == GR_COLUMN_NUMERIC) GR_TRY(check_width(p, column, x_type, err));
  take(p, column, j, kind);
  return GRADUS_OK;
}

static gradus_status take_old_columns(gr_table_plan *p, gradus_error *err) {
  const gr_dataset *old = p->job->old;
  const gr_table *r = gr_plan_reference(p);
  gr_dictionary names = {0};
  gr_dtype x_type = GR_F32;
  gradus_status status = check_old_inputs(p, err);
  for (uint32_t c = 0; c < r->n_columns && status == GRADUS_OK; c++)
    if (gr_dictionary_add(&names, r->names[c], strlen(r->names[c])) == GR_NO_ENTRY)
      status = gr_fail_memory(err, "column names");
  for (int s = 0; s < GR_N_SPLITS; s++)
    if (old->split[s].n_rows > 0) x_type = old->split[s].x_type;
  for (uint32_t j = 0; j < old->n_columns && status == GRADUS_OK; j++) {
    uint32_t column = 0;
    status = find_old_column(p, j, &names, &column, err);
    if (status == GRADUS_OK) status = take_old_column(p, j, column, x_type, err);
  }
  gr_dictionary_free(&names);
  if (!p->options->like || x_type == GR_F64) p->x_type = x_type;
  return status;
}

/* ---- levels ---- */

struct gathering {
  gr_table_plan *plan;
  int split;
};

static gradus_status refuse_text(const gr_table *t, const gr_record *record, const gr_cell *cell,
                                 const char *name, gradus_error *err) {
  uint64_t line, column;
  gr_record_place(record, cell->at, &line, &column);
  return gr_fail(err, GRADUS_ERR_DATA, "%s:%llu:%llu: column '%s': is not UTF-8; convert the file",
                 t->path, (unsigned long long)line, (unsigned long long)column, name);
}

static gradus_status gather_row(void *user, uint64_t row, const gr_record *record,
                                gradus_error *err) {
  const struct gathering *g = user;
  gr_table_plan *p = g->plan;
  const gr_table *r = gr_plan_reference(p);
  (void)row;
  for (uint32_t c = 0; c < r->n_columns; c++) {
    if (p->slot[c] == UINT32_MAX || p->kind[c] != GR_COLUMN_CATEGORICAL) continue;
    const gr_cell *cell = &record->cells[p->position[g->split][c]];
    if (cell->kind == GR_CELL_EMPTY) continue;
    if (!gr_is_utf8(cell->text, cell->length))
      return refuse_text(&p->table[g->split], record, cell, r->names[c], err);
    if (gr_dictionary_add(&p->levels[c], cell->text, cell->length) == GR_NO_ENTRY)
      return gr_fail_memory(err, "levels");
  }
  return GRADUS_OK;
}

static gradus_status begin_levels(gr_table_plan *p, uint32_t column, gradus_error *err) {
  const gr_dataset *old = p->job->old;
  if (!old || !old->columns) return GRADUS_OK;
  const gr_column *from = &old->columns[p->slot[column]];
  for (uint32_t k = 0; k < from->n_levels; k++)
    if (gr_dictionary_add(&p->levels[column], from->levels[k], strlen(from->levels[k])) ==
        GR_NO_ENTRY)
      return gr_fail_memory(err, "levels");
  return GRADUS_OK;
}

static gradus_status gather_levels(gr_table_plan *p, gradus_error *err) {
  const gr_table *r = gr_plan_reference(p);
  bool any = false;
  for (uint32_t c = 0; c < r->n_columns; c++) {
    if (p->slot[c] == UINT32_MAX || p->kind[c] != GR_COLUMN_CATEGORICAL) continue;
    any = true;
    GR_TRY(begin_levels(p, c, err));
  }
  for (int s = 0; s < GR_N_SPLITS && any; s++) {
    struct gathering g = {p, s};
    if (!p->table[s].n_columns) continue;
    gr_meter_expect(p->table[s].meter, gr_input_length(p->table[s].stream));
    GR_TRY(gr_table_walk(&p->table[s], gather_row, &g, err));
  }
  for (uint32_t c = 0; c < r->n_columns && any && !p->job->old; c++)
    if (!gr_dictionary_sort(&p->levels[c])) return gr_fail_memory(err, "levels");
  return GRADUS_OK;
}

/* ---- all ---- */

static void count_kinds(const gr_table_plan *p, uint32_t n_columns, uint32_t *categorical) {
  *categorical = 0;
  for (uint32_t c = 0; c < n_columns; c++)
    *categorical += p->slot[c] != UINT32_MAX && p->kind[c] == GR_COLUMN_CATEGORICAL;
}

static gradus_status tell_taken(gr_table_plan *p, gradus_error *err) {
  const gr_table *r = gr_plan_reference(p);
  const bool has_target = p->target_column != UINT32_MAX;
  const uint32_t others = r->n_columns - has_target - (p->extra[GR_FIELD_WEIGHT] != UINT32_MAX) -
                          (p->extra[GR_FIELD_OFFSET] != UINT32_MAX);
  if (p->n_taken == 0)
    return gr_fail(err, GRADUS_ERR_DATA,
                   "%s: no column besides the target '%s' holds numbers or levels", r->path,
                   has_target ? r->names[p->target_column] : "");
  gr_text names = {0};
  uint32_t told = 0, categorical;
  for (uint32_t c = 0; c < r->n_columns && told < MAX_TOLD_NAMES; c++)
    if (p->slot[c] != UINT32_MAX) gr_text_printf(&names, "%s%s", told++ ? ", " : "", r->names[c]);
  if (p->n_taken > told) gr_text_puts(&names, ", ...");
  count_kinds(p, r->n_columns, &categorical);
  if (categorical > 0) gr_text_printf(&names, "; %lu categorical", (unsigned long)categorical);
  if (names.data)
    gr_log_write(&p->options->log, GR_INFO, "inputs: %lu of %lu columns taken: %s (as %s)",
                 (unsigned long)p->n_taken, (unsigned long)others, names.data,
                 gr_dtype_name(p->x_type));
  gr_text_free(&names);
  return GRADUS_OK;
}

gradus_status gr_plan_columns(gr_table_plan *p, gradus_error *err) {
  const gr_table *r = gr_plan_reference(p);
  p->x_type = GR_F32;
  p->slot = gr_alloc(r->n_columns, sizeof *p->slot);
  p->kind = gr_calloc(r->n_columns, sizeof *p->kind);
  p->levels = gr_calloc(r->n_columns, sizeof *p->levels);
  p->dropped = gr_calloc(r->n_columns, sizeof *p->dropped);
  if (!p->slot || !p->kind || !p->levels || !p->dropped) return gr_fail_memory(err, "a table");
  memset(p->slot, 0xff, r->n_columns * sizeof *p->slot);
  GR_TRY(p->job->old ? take_old_columns(p, err) : choose_columns(p, err));
  GR_TRY(tell_taken(p, err));
  return gather_levels(p, err);
}

void gr_plan_free_columns(gr_table_plan *p) {
  for (uint32_t c = 0; p->levels && c < gr_plan_reference(p)->n_columns; c++)
    gr_dictionary_free(&p->levels[c]);
  for (uint32_t j = 0; j < p->n_dropped; j++) {
    gr_free(p->dropped[j].name);
    gr_free(p->dropped[j].reason);
  }
  gr_free(p->dropped);
  gr_free(p->levels);
  gr_free(p->kind);
  gr_free(p->slot);
}
