/* CSV and TSV. Which columns become inputs is decided once, over all splits, and told column by
 * column; then each table is read again and its rows handed on by blocks. */
#include <config.h>

#include <string.h>

#include "base/memory.h"
#include "interop/import.h"
#include "interop/table.h"
#include "interop/table_judge.h"
#include "interop/table_target.h"

enum {
  MAX_TOLD_COLUMNS = 40, /* lines of the account */
  MAX_TOLD_NAMES = 20,
  BLOCK_BYTES = 1 << 18 /* of inputs: stays in the second-level cache */
};

/* The import under way. Columns are numbered as in the reference table, the first split given. */
typedef struct plan {
  gr_import_job *job;
  const gr_import_options *options;
  gr_table table[GR_N_SPLITS];     /* n_columns 0 = absent */
  uint32_t *position[GR_N_SPLITS]; /* [reference columns] where it stands there, or UINT32_MAX */
  int reference;
  uint32_t target_column;
  bool has_target[GR_N_SPLITS];
  uint32_t *slot; /* [reference columns] the input it becomes, or UINT32_MAX */
  uint32_t n_taken;
  gr_dtype x_type;
  gr_target target;
} plan;

static gr_table *reference_of(plan *p) {
  return &p->table[p->reference];
}

/* ---- tables ---- */

static void tell_table(const plan *p, int s) {
  const gr_table *t = &p->table[s];
  gr_log_write(&p->options->log, GR_INFO, "%s: %s, %llu rows, %lu columns, %s-separated, %s",
               gr_split_names[s], t->path, (unsigned long long)t->n_rows,
               (unsigned long)t->n_columns, gr_delimiter_name(t->delimiter),
               t->has_header ? "with a header" : "without a header");
  gr_bad_rows_tell(&t->bad, t->path, t->n_rows, &p->options->log);
}

static gradus_status open_tables(plan *p, gradus_error *err) {
  gr_import_job *job = p->job;
  const gr_table_options options = {job->options->target, job->options->max_bad_rows, &job->meter};
  p->reference = GR_N_SPLITS;
  for (int s = 0; s < GR_N_SPLITS; s++)
    if (job->source[s].path)
      gr_meter_expect(&job->meter, 2 * gr_input_length(job->source[s].stream));
  for (int s = 0; s < GR_N_SPLITS; s++) {
    gr_import_source *source = &job->source[s];
    if (!source->path) continue;
    if (source->labels_path)
      return gr_fail(err, GRADUS_ERR_USAGE, "%s,%s: a table holds its own target; name one file",
                     source->path, source->labels_path);
    gr_input *stream = source->stream;
    source->stream = NULL;
    GR_TRY(gr_table_open(&p->table[s], stream, &options, err));
    if (p->reference == GR_N_SPLITS) p->reference = s;
    tell_table(p, s);
  }
  return GRADUS_OK;
}

static gradus_status find_target(plan *p, gradus_error *err) {
  const gr_table *t = reference_of(p);
  const char *name = p->options->target;
  p->target_column = name ? gr_table_find(t, name) : t->n_columns - 1;
  if (p->target_column != UINT32_MAX) return GRADUS_OK;
  const char *nearest = gr_nearest_word(name, (const char *const *)t->names, t->n_columns);
  return gr_fail(err, GRADUS_ERR_USAGE, "target '%s': %s has no such column; %s%s%s", name, t->path,
                 nearest ? "did you mean '" : "the last one is '",
                 nearest ? nearest : t->names[t->n_columns - 1], nearest ? "'?" : "'");
}

static gradus_status match_by_position(plan *p, int s, gradus_error *err) {
  const gr_table *t = &p->table[s], *r = reference_of(p);
  if (t->n_columns != r->n_columns)
    return gr_fail(err, GRADUS_ERR_DATA,
                   "%s: %lu columns, but %s has %lu (they are matched by position, as not both "
                   "have a header)",
                   t->path, (unsigned long)t->n_columns, r->path, (unsigned long)r->n_columns);
  for (uint32_t c = 0; c < r->n_columns; c++) p->position[s][c] = c;
  p->has_target[s] = true;
  return GRADUS_OK;
}

/* Names to numbers: a dictionary, as tables may have a million columns. */
static gradus_status match_by_name(plan *p, int s, gradus_error *err) {
  const gr_table *t = &p->table[s], *r = reference_of(p);
  gr_dictionary names = {0};
  gradus_status status = GRADUS_OK;
  for (uint32_t c = 0; c < t->n_columns && status == GRADUS_OK; c++)
    if (gr_dictionary_add(&names, t->names[c], strlen(t->names[c])) == GR_NO_ENTRY)
      status = gr_fail_memory(err, "column names");
  for (uint32_t c = 0; c < r->n_columns && status == GRADUS_OK; c++)
    p->position[s][c] = gr_dictionary_find(&names, r->names[c], strlen(r->names[c]));
  gr_dictionary_free(&names);
  return status;
}

/* By names where both have them. Only the test split may lack the target: it is then good for
 * predictions alone. */
static gradus_status match_columns(plan *p, int s, gradus_error *err) {
  const gr_table *t = &p->table[s], *r = reference_of(p);
  p->position[s] = gr_alloc(r->n_columns, sizeof *p->position[s]);
  if (!p->position[s]) return gr_fail_memory(err, "a table");
  if (!t->has_header || !r->has_header) return match_by_position(p, s, err);
  GR_TRY(match_by_name(p, s, err));
  p->has_target[s] = p->position[s][p->target_column] != UINT32_MAX;
  if (p->has_target[s]) return GRADUS_OK;
  if (s != GR_TEST)
    return gr_fail(err, GRADUS_ERR_DATA, "%s: has no target column '%s', %s has", t->path,
                   r->names[p->target_column], r->path);
  gr_log_write(&p->options->log, GR_WARNING,
               "test: no column %s in %s: imported without targets, good for predictions only",
               r->names[p->target_column], t->path);
  return GRADUS_OK;
}

static gradus_status decide_target(plan *p, gradus_error *err) {
  const gr_dataset *old = p->job->old;
  GR_TRY(old ? gr_target_follow(&p->target, p->options, old, reference_of(p), p->target_column, err)
             : gr_target_decide(&p->target, p->options, reference_of(p), p->target_column, err));
  for (int s = 0; s < GR_N_SPLITS; s++) {
    if (!p->has_target[s]) continue;
    uint32_t at = p->position[s][p->target_column];
    GR_TRY(gr_target_check(&p->target, &p->table[s], at, err));
    if (p->table[s].facts[at].is_wide && !old) p->target.is_wide = true;
  }
  return GRADUS_OK;
}

/* ---- columns ---- */

/* What keeps a column from being an input, over all splits; it must be in each. */
static gradus_status judge(plan *p, uint32_t column, gr_text *reason, gradus_error *err) {
  const gr_table *r = reference_of(p);
  for (int s = p->reference; s < GR_N_SPLITS; s++) {
    gr_table *t = &p->table[s];
    if (!t->n_columns) continue;
    uint32_t at = p->position[s][column];
    if (at == UINT32_MAX)
      return gr_fail(err, GRADUS_ERR_DATA, "%s: has no column '%s', %s has", t->path,
                     r->names[column], r->path);
    GR_TRY(gr_judge_column(t, at, reason, err));
    if (reason->failed) return gr_fail_memory(err, "a message");
    if (reason->length > 0) return GRADUS_OK;
  }
  return GRADUS_OK;
}

static bool counts_rows(plan *p, uint32_t column) {
  const gr_table *r = reference_of(p);
  return r->facts[column].counts_up && r->n_rows > 2 &&
         ((r->is_unnamed[column] && r->has_header) || gr_names_a_row(r->names[column]));
}

static const gr_column_facts *find_wide(plan *p, uint32_t column, const gr_table **table) {
  for (int s = 0; s < GR_N_SPLITS; s++) {
    *table = &p->table[s];
    if (!p->table[s].n_columns) continue;
    const gr_column_facts *f = &p->table[s].facts[p->position[s][column]];
    if (f->is_wide) return f;
  }
  return NULL;
}

static void take(plan *p, uint32_t column, uint32_t slot) {
  const gr_table *table;
  p->slot[column] = slot;
  p->n_taken++;
  if (find_wide(p, column, &table)) p->x_type = GR_F64;
}

/* Decides each column and tells of those that are dropped. */
static gradus_status choose_columns(plan *p, gradus_error *err) {
  const gr_table *r = reference_of(p);
  uint32_t dropped = 0;
  for (uint32_t c = 0; c < r->n_columns; c++) {
    if (c == p->target_column) continue;
    gr_text reason = {0};
    gradus_status status = judge(p, c, &reason, err);
    const char *why = reason.length > 0   ? reason.data
                      : counts_rows(p, c) ? "it counts the rows"
                                          : NULL;
    if (status == GRADUS_OK && !why)
      take(p, c, p->n_taken);
    else if (status == GRADUS_OK && dropped++ < MAX_TOLD_COLUMNS)
      gr_log_write(&p->options->log, GR_WARNING, "column %s: dropped: %s", r->names[c], why);
    gr_text_free(&reason);
    if (status != GRADUS_OK) return status;
  }
  if (dropped > MAX_TOLD_COLUMNS)
    gr_log_write(&p->options->log, GR_WARNING, "%lu more columns dropped for such reasons",
                 (unsigned long)(dropped - MAX_TOLD_COLUMNS));
  return GRADUS_OK;
}

/* ---- columns that an old file dictates ---- */

static gradus_status check_old_inputs(const plan *p, gradus_error *err) {
  const gr_dataset *old = p->job->old;
  for (int s = 0; s < GR_N_SPLITS; s++) {
    gr_dtype type = old->split[s].x_type;
    if (old->split[s].n_rows > 0 && type != GR_F32 && type != GR_F64)
      return gr_fail(err, GRADUS_ERR_DATA,
                     "%s: its inputs are %s; a table gives f32 or f64, so it cannot be added",
                     old->path, gr_dtype_name(type));
  }
  for (uint32_t j = 0; old->columns && j < old->n_columns; j++)
    if (old->columns[j].kind == GR_COLUMN_CATEGORICAL)
      return gr_fail(err, GRADUS_ERR_DATA,
                     "%s: column '%s' is categorical; adding to such columns is not yet supported",
                     old->path, old->columns[j].name);
  return GRADUS_OK;
}

/* Column of the reference table that becomes input j. */
static gradus_status find_old_column(plan *p, uint32_t j, const gr_dictionary *names, uint32_t *out,
                                     gradus_error *err) {
  const gr_dataset *old = p->job->old;
  const gr_table *r = reference_of(p);
  if (r->has_header && old->feature_names) {
    *out = gr_dictionary_find(names, old->feature_names[j], strlen(old->feature_names[j]));
    if (*out != GR_NO_ENTRY && *out != p->target_column) return GRADUS_OK;
    return gr_fail(err, GRADUS_ERR_DATA, "%s: has no column '%s', %s has", r->path,
                   old->feature_names[j], old->path);
  }
  if (r->n_columns - 1 != old->n_columns)
    return gr_fail(err, GRADUS_ERR_DATA,
                   "%s: %lu columns besides the target, but %s has %lu (they are matched by "
                   "position, as not both have names)",
                   r->path, (unsigned long)r->n_columns - 1, old->path,
                   (unsigned long)old->n_columns);
  *out = j + (j >= p->target_column);
  return GRADUS_OK;
}

static gradus_status take_old_column(plan *p, uint32_t j, uint32_t column, gr_dtype x_type,
                                     gradus_error *err) {
  const gr_table *r = reference_of(p), *wide;
  gr_text reason = {0};
  gradus_status status = judge(p, column, &reason, err);
  if (status == GRADUS_OK && reason.length > 0)
    status = gr_fail(err, GRADUS_ERR_DATA, "%s: column '%s' cannot be added to that of %s: %s",
                     r->path, r->names[column], p->job->old->path, reason.data);
  gr_text_free(&reason);
  if (status != GRADUS_OK) return status;
  const gr_column_facts *f = x_type == GR_F32 ? find_wide(p, column, &wide) : NULL;
  if (f)
    return gr_fail(err, GRADUS_ERR_DATA,
                   "%s:%llu:%llu: column '%s': %s needs double precision; %s has f32", wide->path,
                   (unsigned long long)f->first_wide.line, (unsigned long long)f->first_wide.column,
                   r->names[column], f->first_wide.text, p->job->old->path);
  take(p, column, j);
  return GRADUS_OK;
}

static gradus_status take_old_columns(plan *p, gradus_error *err) {
  const gr_dataset *old = p->job->old;
  const gr_table *r = reference_of(p);
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
  p->x_type = x_type;
  return status;
}

static gradus_status decide_columns(plan *p, gradus_error *err) {
  const gr_table *r = reference_of(p);
  p->x_type = GR_F32;
  p->slot = gr_alloc(r->n_columns, sizeof *p->slot);
  if (!p->slot) return gr_fail_memory(err, "a table");
  memset(p->slot, 0xff, r->n_columns * sizeof *p->slot);
  return p->job->old ? take_old_columns(p, err) : choose_columns(p, err);
}

static gradus_status tell_taken(plan *p, gradus_error *err) {
  const gr_table *r = reference_of(p);
  if (p->n_taken == 0)
    return gr_fail(err, GRADUS_ERR_DATA,
                   "%s: no column besides the target '%s' holds a number in each row", r->path,
                   r->names[p->target_column]);
  gr_text names = {0};
  uint32_t told = 0;
  for (uint32_t c = 0; c < r->n_columns && told < MAX_TOLD_NAMES; c++)
    if (p->slot[c] != UINT32_MAX) gr_text_printf(&names, "%s%s", told++ ? ", " : "", r->names[c]);
  if (p->n_taken > told) gr_text_puts(&names, ", ...");
  if (names.data)
    gr_log_write(&p->options->log, GR_INFO, "inputs: %lu of %lu columns taken: %s (as %s)",
                 (unsigned long)p->n_taken, (unsigned long)r->n_columns - 1, names.data,
                 gr_dtype_name(p->x_type));
  gr_text_free(&names);
  return GRADUS_OK;
}

/* ---- the shape ---- */

static gradus_status name_classes(const plan *p, gr_dataset *shape, gradus_error *err) {
  const gr_dictionary *classes = &p->target.classes;
  shape->y_is_text = p->target.mode == GR_TARGET_TEXT;
  if (!shape->y_is_text) return GRADUS_OK;
  shape->class_names = gr_calloc(classes->n, sizeof *shape->class_names);
  if (!shape->class_names) return gr_fail_memory(err, "class names");
  shape->n_class_names = classes->n;
  for (uint32_t i = 0; i < classes->n; i++)
    if (!(shape->class_names[i] = gr_strdup(classes->texts[i])))
      return gr_fail_memory(err, "class names");
  return GRADUS_OK;
}

/* An old file's names are taken by the sink, as it has them. */
static gradus_status name_inputs(plan *p, gr_dataset *shape, gradus_error *err) {
  const gr_table *r = reference_of(p);
  if (p->job->old) return GRADUS_OK;
  shape->feature_names = gr_calloc(p->n_taken, sizeof *shape->feature_names);
  shape->columns = gr_calloc(p->n_taken, sizeof *shape->columns);
  if (!shape->feature_names || !shape->columns) return gr_fail_memory(err, "column names");
  for (uint32_t c = 0; c < r->n_columns; c++) {
    uint32_t i = p->slot[c];
    if (i == UINT32_MAX) continue;
    shape->columns[i].kind = GR_COLUMN_NUMERIC;
    shape->columns[i].name = gr_strdup(r->names[c]);
    shape->feature_names[i] = gr_strdup(r->names[c]);
    if (!shape->columns[i].name || !shape->feature_names[i])
      return gr_fail_memory(err, "column names");
  }
  return GRADUS_OK;
}

static gradus_status describe(plan *p, gr_dataset *shape, gradus_error *err) {
  shape->layout = "gradus";
  shape->n_columns = p->n_taken;
  for (int s = 0; s < GR_N_SPLITS; s++) {
    if (!p->table[s].n_columns) continue;
    shape->split[s] = (gr_split){.n_rows = p->table[s].n_rows,
                                 .x_type = p->x_type,
                                 .y_type = gr_target_type(&p->target),
                                 .y_columns = p->has_target[s]};
  }
  GR_TRY(name_inputs(p, shape, err));
  return name_classes(p, shape, err);
}

static gradus_status begin(plan *p, gradus_error *err) {
  gr_dataset shape = {0};
  gradus_status status = describe(p, &shape, err);
  if (status == GRADUS_OK) status = p->job->sink->begin(p->job->sink->user, &shape, err);
  gr_dataset_free(&shape);
  return status;
}

/* ---- rows ---- */

/* A block of rows of one split on its way. */
struct filling {
  const plan *plan;
  const gr_table *table;
  int split;
  uint32_t *from; /* [inputs] the column of this table */
  uint32_t target_at;
  uint64_t room, n; /* rows */
  void *x, *y;
};

static gradus_status flush(struct filling *f, gradus_error *err) {
  const gr_sink *sink = f->plan->job->sink;
  uint64_t n = f->n;
  f->n = 0;
  if (n == 0) return GRADUS_OK;
  GR_TRY(sink->put(sink->user, f->split, GR_FIELD_X, f->x, n, err));
  return f->y ? sink->put(sink->user, f->split, GR_FIELD_Y, f->y, n, err) : GRADUS_OK;
}

static gradus_status fill_row(void *user, uint64_t row, const gr_record *record,
                              gradus_error *err) {
  struct filling *f = user;
  const gr_cell *cells = record->cells;
  uint32_t n = f->plan->n_taken;
  (void)row;
  if (f->plan->x_type == GR_F64) {
    double *x = (double *)f->x + f->n * n;
    for (uint32_t i = 0; i < n; i++) x[i] = cells[f->from[i]].value;
  } else {
    float *x = (float *)f->x + f->n * n;
    for (uint32_t i = 0; i < n; i++) x[i] = (float)cells[f->from[i]].value;
  }
  if (f->y)
    GR_TRY(
        gr_target_store(&f->plan->target, f->table, record, &cells[f->target_at], f->y, f->n, err));
  return ++f->n == f->room ? flush(f, err) : GRADUS_OK;
}

static gradus_status allocate(struct filling *f, gradus_error *err) {
  const plan *p = f->plan;
  size_t row = p->n_taken * gr_dtype_size(p->x_type);
  f->room = BLOCK_BYTES / row ? BLOCK_BYTES / row : 1;
  if (f->room > f->table->n_rows) f->room = f->table->n_rows;
  f->x = gr_alloc(f->room, row);
  f->from = gr_alloc(p->n_taken, sizeof *f->from);
  bool has_target = p->has_target[f->split];
  if (has_target) f->y = gr_alloc(f->room, gr_dtype_size(gr_target_type(&p->target)));
  return f->x && f->from && (f->y || !has_target) ? GRADUS_OK
                                                  : gr_fail_memory(err, "a block of rows");
}

static gradus_status fill_split(plan *p, int s, gradus_error *err) {
  gr_table *t = &p->table[s];
  struct filling f = {.plan = p, .table = t, .split = s};
  gradus_status status = allocate(&f, err);
  for (uint32_t c = 0; c < reference_of(p)->n_columns && status == GRADUS_OK; c++)
    if (p->slot[c] != UINT32_MAX) f.from[p->slot[c]] = p->position[s][c];
  if (p->has_target[s]) f.target_at = p->position[s][p->target_column];
  if (status == GRADUS_OK) status = gr_table_walk(t, fill_row, &f, err);
  if (status == GRADUS_OK) status = flush(&f, err);
  gr_free(f.from);
  gr_free(f.x);
  gr_free(f.y);
  return status;
}

static gradus_status build(plan *p, gradus_error *err) {
  GR_TRY(open_tables(p, err));
  GR_TRY(find_target(p, err));
  for (int s = 0; s < GR_N_SPLITS; s++)
    if (p->table[s].n_columns) GR_TRY(match_columns(p, s, err));
  GR_TRY(decide_target(p, err));
  GR_TRY(decide_columns(p, err));
  GR_TRY(tell_taken(p, err));
  GR_TRY(begin(p, err));
  for (int s = 0; s < GR_N_SPLITS; s++)
    if (p->table[s].n_columns) GR_TRY(fill_split(p, s, err));
  return GRADUS_OK;
}

gradus_status gr_import_table(gr_import_job *job, gradus_error *err) {
  plan p = {.job = job, .options = job->options};
  gradus_status status = build(&p, err);
  for (int s = 0; s < GR_N_SPLITS; s++) {
    gr_table_close(&p.table[s]);
    gr_free(p.position[s]);
  }
  gr_free(p.slot);
  gr_target_free(&p.target);
  return status;
}
