/* CSV and TSV. Which columns become inputs is decided once, over all splits, and told column by
 * column (table_columns.c); then each table is read again and its rows handed on by blocks. */
#include <config.h>

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "interop/table_extras.h"
#include "interop/table_plan.h"

enum { BLOCK_BYTES = 1 << 18 /* of inputs: stays in the second-level cache */ };

/* ---- tables ---- */

static void tell_table(const gr_table_plan *p, int s) {
  const gr_table *t = &p->table[s];
  gr_log_write(&p->options->log, GR_INFO, "%s: %s, %llu rows, %lu columns, %s-separated, %s",
               gr_split_names[s], t->path, (unsigned long long)t->n_rows,
               (unsigned long)t->n_columns, gr_delimiter_name(t->delimiter),
               t->has_header ? "with a header" : "without a header");
  gr_bad_rows_tell(&t->bad, t->path, t->n_rows, &p->options->log);
}

/* By the user's word, or as the table was called that came before. */
static const char *target_name(const gr_table_plan *p) {
  const gr_dataset *like = p->options->like;
  return p->options->target ? p->options->target : like ? like->target_name : NULL;
}

static gradus_status open_tables(gr_table_plan *p, gradus_error *err) {
  gr_import_job *job = p->job;
  gr_table_options options = {.target = target_name(p),
                              .needed = {job->options->weights, job->options->offset},
                              .max_bad_rows = job->options->max_bad_rows,
                              .meter = &job->meter};
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
    options.every = s == GR_VALID ? 0 : job->options->test_every;
    options.takes_others = s == GR_TRAIN;
    GR_TRY(gr_table_open(&p->table[s], stream, &options, err));
    if (p->reference == GR_N_SPLITS) p->reference = s;
    tell_table(p, s);
  }
  return GRADUS_OK;
}

/* What follows a model need not have the target that the model had. */
static gradus_status find_target(gr_table_plan *p, gradus_error *err) {
  const gr_table *t = gr_plan_reference(p);
  const char *name = target_name(p);
  p->target_column = UINT32_MAX;
  if (name)
    p->target_column = gr_table_find(t, name);
  else if (!p->options->like)
    p->target_column = t->n_columns - 1;
  if (p->target_column != UINT32_MAX || !p->options->target) return GRADUS_OK;
  const char *nearest = gr_nearest_word(name, (const char *const *)t->names, t->n_columns);
  return gr_fail(err, GRADUS_ERR_USAGE, "target '%s': %s has no such column; %s%s%s", name, t->path,
                 nearest ? "did you mean '" : "the last one is '",
                 nearest ? nearest : t->names[t->n_columns - 1], nearest ? "'?" : "'");
}

static gradus_status match_by_position(gr_table_plan *p, int s, gradus_error *err) {
  const gr_table *t = &p->table[s], *r = gr_plan_reference(p);
  if (t->n_columns != r->n_columns)
    return gr_fail(err, GRADUS_ERR_DATA,
                   "%s: %lu columns, but %s has %lu (they are matched by position, as not both "
                   "have a header)",
                   t->path, (unsigned long)t->n_columns, r->path, (unsigned long)r->n_columns);
  for (uint32_t c = 0; c < r->n_columns; c++) p->position[s][c] = c;
  p->has_target[s] = p->target_column != UINT32_MAX;
  return GRADUS_OK;
}

/* Names to numbers: a dictionary, as tables may have a million columns. */
static gradus_status match_by_name(gr_table_plan *p, int s, gradus_error *err) {
  const gr_table *t = &p->table[s], *r = gr_plan_reference(p);
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
static gradus_status match_columns(gr_table_plan *p, int s, gradus_error *err) {
  const gr_table *t = &p->table[s], *r = gr_plan_reference(p);
  p->position[s] = gr_alloc(r->n_columns, sizeof *p->position[s]);
  if (!p->position[s]) return gr_fail_memory(err, "a table");
  if (!t->has_header || !r->has_header) return match_by_position(p, s, err);
  GR_TRY(match_by_name(p, s, err));
  p->has_target[s] =
      p->target_column != UINT32_MAX && p->position[s][p->target_column] != UINT32_MAX;
  if (p->has_target[s] || p->target_column == UINT32_MAX) return GRADUS_OK;
  if (s != GR_TEST)
    return gr_fail(err, GRADUS_ERR_DATA, "%s: has no target column '%s', %s has", t->path,
                   r->names[p->target_column], r->path);
  gr_log_write(&p->options->log, GR_WARNING,
               "test: no column %s in %s: imported without targets, good for predictions only",
               r->names[p->target_column], t->path);
  return GRADUS_OK;
}

static gradus_status decide_target(gr_table_plan *p, gradus_error *err) {
  const gr_dataset *old = p->job->old;
  if (p->target_column == UINT32_MAX) return GRADUS_OK;
  GR_TRY(
      old ? gr_target_follow(&p->target, p->options, old, gr_plan_reference(p), p->target_column,
                             err)
          : gr_target_decide(&p->target, p->options, gr_plan_reference(p), p->target_column, err));
  for (int s = 0; s < GR_N_SPLITS; s++) {
    if (!p->has_target[s]) continue;
    uint32_t at = p->position[s][p->target_column];
    GR_TRY(gr_target_check(&p->target, &p->table[s], at, err));
    if (p->table[s].facts[at].is_wide && !old) p->target.is_wide = true;
  }
  return GRADUS_OK;
}

/* ---- the shape ---- */

static gradus_status name_classes(const gr_table_plan *p, gr_dataset *shape, gradus_error *err) {
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

static gradus_status name_levels(const gr_dictionary *levels, gr_column *out, gradus_error *err) {
  out->levels = gr_calloc(levels->n ? levels->n : 1, sizeof *out->levels);
  if (!out->levels) return gr_fail_memory(err, "levels");
  out->n_levels = levels->n;
  for (uint32_t k = 0; k < levels->n; k++)
    if (!(out->levels[k] = gr_strdup(levels->texts[k]))) return gr_fail_memory(err, "levels");
  return GRADUS_OK;
}

/* An old file's names of features are taken by the sink, as it has them; levels may have come. */
static gradus_status name_inputs(gr_table_plan *p, gr_dataset *shape, gradus_error *err) {
  const gr_table *r = gr_plan_reference(p);
  const gr_dataset *old = p->job->old;
  const bool named = !old || p->options->like;
  shape->columns = old && !old->columns ? NULL : gr_calloc(p->n_taken, sizeof *shape->columns);
  if (named) shape->feature_names = gr_calloc(p->n_taken, sizeof *shape->feature_names);
  if ((!shape->columns && (!old || old->columns)) || (named && !shape->feature_names))
    return gr_fail_memory(err, "column names");
  for (uint32_t c = 0; c < r->n_columns; c++) {
    uint32_t i = p->slot[c];
    if (i == UINT32_MAX) continue;
    if (named && !(shape->feature_names[i] = gr_strdup(r->names[c])))
      return gr_fail_memory(err, "column names");
    if (!shape->columns) continue;
    shape->columns[i].kind = p->kind[c];
    shape->columns[i].name = gr_strdup(named ? r->names[c] : old->columns[i].name);
    if (!shape->columns[i].name) return gr_fail_memory(err, "column names");
    if (p->kind[c] == GR_COLUMN_CATEGORICAL)
      GR_TRY(name_levels(&p->levels[c], &shape->columns[i], err));
  }
  return GRADUS_OK;
}

/* The target's name, and what was dropped. */
static gradus_status name_others(gr_table_plan *p, gr_dataset *shape, gradus_error *err) {
  if (p->job->old) return GRADUS_OK;
  shape->target_name = gr_strdup(gr_plan_reference(p)->names[p->target_column]);
  if (!shape->target_name) return gr_fail_memory(err, "names");
  shape->dropped = p->dropped;
  shape->n_dropped = p->n_dropped;
  p->dropped = NULL;
  p->n_dropped = 0;
  return GRADUS_OK;
}

static void forget_told(gr_dataset *shape) {
  for (int s = 0; s < GR_N_SPLITS; s++) shape->split[s].weight = shape->split[s].offset = NULL;
}

/* That a split has weights or offsets is told by a pointer that is not looked at. */
static gradus_status describe(gr_table_plan *p, gr_dataset *shape, float *told, gradus_error *err) {
  shape->layout = "gradus";
  shape->n_columns = p->n_taken;
  for (int s = 0; s < GR_N_SPLITS; s++) {
    if (!p->table[s].n_columns) continue;
    shape->split[s] = (gr_split){.n_rows = p->table[s].n_rows,
                                 .x_type = p->x_type,
                                 .y_type = gr_target_type(&p->target),
                                 .y_columns = p->has_target[s]};
    if (gr_extras_at(p, s, GR_FIELD_WEIGHT) != UINT32_MAX) shape->split[s].weight = told;
    if (gr_extras_at(p, s, GR_FIELD_OFFSET) != UINT32_MAX) shape->split[s].offset = told;
  }
  GR_TRY(name_inputs(p, shape, err));
  GR_TRY(name_others(p, shape, err));
  return name_classes(p, shape, err);
}

static gradus_status begin(gr_table_plan *p, gradus_error *err) {
  gr_dataset shape = {0};
  float told = 0;
  gradus_status status = describe(p, &shape, &told, err);
  if (status == GRADUS_OK)
    status = p->job->sink->begin(p->job->sink->user, &shape, err);
  else
    forget_told(&shape);
  gr_dataset_free(&shape);
  return status;
}

/* ---- rows ---- */

/* A block of rows of one split on its way. */
struct filling {
  const gr_table_plan *plan;
  const gr_table *table;
  int split;
  uint32_t *from;               /* [inputs] the column of this table */
  const gr_dictionary **levels; /* [inputs] of categorical ones, else NULL */
  uint32_t target_at;
  uint64_t room, n; /* rows */
  void *x, *y;
  struct extra {
    float *values; /* NULL: none */
    const char *name;
    uint32_t at;
    bool any; /* is not 0 */
  } extra[GR_N_FIELDS];
};

static gradus_status flush(struct filling *f, gradus_error *err) {
  const gr_sink *sink = f->plan->job->sink;
  uint64_t n = f->n;
  f->n = 0;
  if (n == 0) return GRADUS_OK;
  GR_TRY(sink->put(sink->user, f->split, GR_FIELD_X, f->x, n, err));
  if (f->y) GR_TRY(sink->put(sink->user, f->split, GR_FIELD_Y, f->y, n, err));
  for (int field = GR_FIELD_WEIGHT; field < GR_N_FIELDS; field++)
    if (f->extra[field].values)
      GR_TRY(sink->put(sink->user, f->split, (gr_field)field, f->extra[field].values, n, err));
  return GRADUS_OK;
}

static gradus_status fill_extras(struct filling *f, const gr_record *record, gradus_error *err) {
  for (int field = GR_FIELD_WEIGHT; field < GR_N_FIELDS; field++) {
    struct extra *e = &f->extra[field];
    if (!e->values) continue;
    GR_TRY(gr_extras_store(f->table, (gr_field)field, record, &record->cells[e->at], e->name,
                           e->values, f->n, err));
    e->any = e->any || e->values[f->n] != 0;
  }
  return GRADUS_OK;
}

/* Rows that all weigh nothing would divide by 0. */
static gradus_status check_weights(const struct filling *f, gradus_error *err) {
  const struct extra *e = &f->extra[GR_FIELD_WEIGHT];
  if (!e->values || e->any) return GRADUS_OK;
  return gr_fail(err, GRADUS_ERR_DATA, "%s: column '%s' is 0 in every row of %s; weights are not",
                 f->table->path, e->name, gr_split_names[f->split]);
}

/* NaN where it is missing. */
static double value_of(const struct filling *f, const gr_cell *cell, uint32_t i) {
  if (!f->levels[i]) return cell->kind == GR_CELL_NUMBER ? cell->value : (double)NAN;
  if (cell->kind == GR_CELL_EMPTY) return (double)NAN;
  return gr_dictionary_find(f->levels[i], cell->text, cell->length); /* it was gathered from here */
}

static gradus_status fill_row(void *user, uint64_t row, const gr_record *record,
                              gradus_error *err) {
  struct filling *f = user;
  const gr_cell *cells = record->cells;
  uint32_t n = f->plan->n_taken;
  (void)row;
  if (f->plan->x_type == GR_F64) {
    double *x = (double *)f->x + f->n * n;
    for (uint32_t i = 0; i < n; i++) x[i] = value_of(f, &cells[f->from[i]], i);
  } else {
    float *x = (float *)f->x + f->n * n;
    for (uint32_t i = 0; i < n; i++) x[i] = (float)value_of(f, &cells[f->from[i]], i);
  }
  if (f->y)
    GR_TRY(
        gr_target_store(&f->plan->target, f->table, record, &cells[f->target_at], f->y, f->n, err));
  GR_TRY(fill_extras(f, record, err));
  return ++f->n == f->room ? flush(f, err) : GRADUS_OK;
}

static gradus_status allocate_extras(struct filling *f, gradus_error *err) {
  const gr_table_plan *p = f->plan;
  for (int field = GR_FIELD_WEIGHT; field < GR_N_FIELDS; field++) {
    struct extra *e = &f->extra[field];
    e->at = gr_extras_at(p, f->split, (gr_field)field);
    if (e->at == UINT32_MAX) continue;
    e->name = p->table[p->reference].names[p->extra[field]];
    e->values = gr_alloc(f->room, sizeof *e->values);
    if (!e->values) return gr_fail_memory(err, "a block of rows");
  }
  return GRADUS_OK;
}

static gradus_status allocate(struct filling *f, gradus_error *err) {
  const gr_table_plan *p = f->plan;
  size_t row = p->n_taken * gr_dtype_size(p->x_type);
  f->room = BLOCK_BYTES / row ? BLOCK_BYTES / row : 1;
  if (f->room > f->table->n_rows) f->room = f->table->n_rows;
  f->x = gr_alloc(f->room, row);
  f->from = gr_alloc(p->n_taken, sizeof *f->from);
  f->levels = gr_calloc(p->n_taken, sizeof *f->levels);
  bool has_target = p->has_target[f->split];
  if (has_target) f->y = gr_alloc(f->room, gr_dtype_size(gr_target_type(&p->target)));
  return f->x && f->from && f->levels && (f->y || !has_target)
             ? GRADUS_OK
             : gr_fail_memory(err, "a block of rows");
}

static gradus_status fill_split(gr_table_plan *p, int s, gradus_error *err) {
  gr_table *t = &p->table[s];
  struct filling f = {.plan = p, .table = t, .split = s};
  gradus_status status = allocate(&f, err);
  if (status == GRADUS_OK) status = allocate_extras(&f, err);
  for (uint32_t c = 0; c < gr_plan_reference(p)->n_columns && status == GRADUS_OK; c++) {
    if (p->slot[c] == UINT32_MAX) continue;
    f.from[p->slot[c]] = p->position[s][c];
    if (p->kind[c] == GR_COLUMN_CATEGORICAL) f.levels[p->slot[c]] = &p->levels[c];
  }
  if (p->has_target[s]) f.target_at = p->position[s][p->target_column];
  if (status == GRADUS_OK) status = gr_table_walk(t, fill_row, &f, err);
  if (status == GRADUS_OK) status = check_weights(&f, err);
  if (status == GRADUS_OK) status = flush(&f, err);
  for (int field = 0; field < GR_N_FIELDS; field++) gr_free(f.extra[field].values);
  gr_free(f.from);
  gr_free(f.levels);
  gr_free(f.x);
  gr_free(f.y);
  return status;
}

static gradus_status build(gr_table_plan *p, gradus_error *err) {
  GR_TRY(open_tables(p, err));
  GR_TRY(find_target(p, err));
  GR_TRY(gr_extras_find(p, err));
  for (int s = 0; s < GR_N_SPLITS; s++)
    if (p->table[s].n_columns) GR_TRY(match_columns(p, s, err));
  GR_TRY(decide_target(p, err));
  GR_TRY(gr_extras_check(p, err));
  GR_TRY(gr_plan_columns(p, err));
  GR_TRY(begin(p, err));
  for (int s = 0; s < GR_N_SPLITS; s++)
    if (p->table[s].n_columns) GR_TRY(fill_split(p, s, err));
  return GRADUS_OK;
}

gradus_status gr_import_table(gr_import_job *job, gradus_error *err) {
  gr_table_plan p = {.job = job, .options = job->options};
  gradus_status status = build(&p, err);
  gr_plan_free_columns(&p);
  for (int s = 0; s < GR_N_SPLITS; s++) {
    gr_table_close(&p.table[s]);
    gr_free(p.position[s]);
  }
  gr_target_free(&p.target);
  return status;
}
