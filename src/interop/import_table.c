/* CSV and TSV. Which columns become inputs is decided once, over all splits, and told column by
 * column. Inputs of this release are columns that hold a number in each row: texts and gaps need
 * encodings that the trainer does not have yet, and guessing them here would be worse than saying
 * so. */
#include <config.h>

#include <string.h>

#include "base/memory.h"
#include "interop/import.h"
#include "interop/number.h"
#include "interop/table.h"
#include "interop/table_target.h"

enum {
  MAX_LEVELS = 64,       /* a text column of more is not thought of as categorical */
  MAX_COUNTED = 100000,  /* distinct texts are counted so far */
  MAX_TOLD_COLUMNS = 40, /* lines of the account */
  MAX_TOLD_NAMES = 20
};

/* The import under way. Columns are numbered as in the reference table, the first split given. */
typedef struct plan {
  const gr_import_options *options;
  gr_table table[GR_N_SPLITS];     /* n_columns 0 = absent */
  uint32_t *position[GR_N_SPLITS]; /* [reference columns] where it stands there, or UINT32_MAX */
  int reference;
  uint32_t target_column;
  bool has_target[GR_N_SPLITS];
  bool *taken; /* [reference columns] */
  uint32_t n_taken;
  gr_dtype x_type;
  gr_target target;
} plan;

static const gr_table *reference_of(const plan *p) {
  return &p->table[p->reference];
}

static gradus_status open_tables(plan *p, gr_import_job *job, gradus_error *err) {
  p->reference = GR_N_SPLITS;
  for (int s = 0; s < GR_N_SPLITS; s++) {
    gr_import_source *source = &job->source[s];
    if (!source->path) continue;
    if (source->labels_path)
      return gr_fail(err, GRADUS_ERR_USAGE, "%s,%s: a table holds its own target; name one file",
                     source->path, source->labels_path);
    GR_TRY(gr_table_open(&p->table[s], source->path, &source->bytes, job->options->target, err));
    if (p->reference == GR_N_SPLITS) p->reference = s;
    const gr_table *t = &p->table[s];
    gr_log_write(&job->options->log, GR_INFO, "%s: %s, %llu rows, %lu columns, %s-separated, %s",
                 gr_split_names[s], t->path, (unsigned long long)t->n_rows,
                 (unsigned long)t->n_columns, gr_delimiter_name(t->delimiter),
                 t->has_header ? "with a header" : "without a header");
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

/* By names where both have them. Only the test split may lack the target: it is then good for
 * predictions alone. */
static gradus_status match_columns(plan *p, int s, gradus_error *err) {
  const gr_table *t = &p->table[s], *r = reference_of(p);
  p->position[s] = gr_alloc(r->n_columns, sizeof *p->position[s]);
  if (!p->position[s]) return gr_fail_memory(err, "a table");
  if (!t->has_header || !r->has_header) return match_by_position(p, s, err);
  for (uint32_t c = 0; c < r->n_columns; c++) p->position[s][c] = gr_table_find(t, r->names[c]);
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
  GR_TRY(gr_target_decide(&p->target, p->options, reference_of(p), p->target_column, err));
  for (int s = 0; s < GR_N_SPLITS; s++) {
    if (!p->has_target[s]) continue;
    uint32_t at = p->position[s][p->target_column];
    GR_TRY(gr_target_check(&p->target, &p->table[s], at, err));
    if (p->table[s].facts[at].is_wide) p->target.is_wide = true;
  }
  return GRADUS_OK;
}

struct counting {
  uint32_t column;
  gr_dictionary texts;
};

static gradus_status count_text(void *user, uint64_t row, uint32_t column, const gr_cell *cell,
                                gradus_error *err) {
  struct counting *counting = user;
  (void)row;
  if (column != counting->column || cell->length == 0 || counting->texts.n > MAX_COUNTED)
    return GRADUS_OK;
  uint32_t entry = gr_dictionary_add(&counting->texts, cell->text, cell->length);
  return entry == GR_NO_ENTRY ? gr_fail_memory(err, "distinct texts") : GRADUS_OK;
}

static bool looks_like_decimal_comma(const char *text) {
  size_t before = strspn(text, "+-0123456789");
  size_t after = text[before] == ',' ? strspn(text + before + 1, "0123456789") : 0;
  return before > 0 && after > 0 && text[before + 1 + after] == '\0';
}

/* Why a column with texts is not taken. */
static gradus_status say_text(const gr_table *t, uint32_t column, gr_text *reason,
                              gradus_error *err) {
  const gr_column_facts *f = &t->facts[column];
  struct counting counting = {.column = column};
  gradus_status status = gr_table_walk(t, count_text, &counting, err);
  uint32_t n = counting.texts.n;
  gr_dictionary_free(&counting.texts);
  if (status != GRADUS_OK) return status;
  if (looks_like_decimal_comma(f->first_text.text)) {
    gr_text_printf(reason, "text: '%s' at %s:%llu:%llu has a decimal comma, expected a point",
                   f->first_text.text, t->path, (unsigned long long)f->first_text.line,
                   (unsigned long long)f->first_text.column);
    return GRADUS_OK;
  }
  bool few = n <= MAX_LEVELS && n < (t->n_rows + 1) / 2;
  gr_text_printf(reason, few ? "text with %s%lu level%s" : "text, %s%lu distinct value%s",
                 n > MAX_COUNTED ? "more than " : "",
                 (unsigned long)(n > MAX_COUNTED ? MAX_COUNTED : n), n == 1 ? "" : "s");
  if (f->n_numbers > 0)
    gr_text_printf(reason, " ('%s' at %s:%llu:%llu, but %llu cells are numbers)",
                   f->first_text.text, t->path, (unsigned long long)f->first_text.line,
                   (unsigned long long)f->first_text.column, (unsigned long long)f->n_numbers);
  if (f->n_empty > 0)
    gr_text_printf(reason, ", %llu of %llu cells are empty", (unsigned long long)f->n_empty,
                   (unsigned long long)t->n_rows);
  if (few)
    gr_text_puts(reason, "; categorical inputs are not yet supported");
  else if (f->n_numbers == 0 && n > t->n_rows / 2)
    gr_text_puts(reason, " (an identifier?)");
  return GRADUS_OK;
}

static void say_missing(const gr_table *t, const gr_column_facts *f, gr_text *reason) {
  unsigned long long n = f->n_empty + f->n_missing_words, rows = t->n_rows;
  const char *what = f->n_missing_words ? "missing" : "empty";
  if (n == rows)
    gr_text_printf(reason, "all cells are %s in %s", what, t->path);
  else
    gr_text_printf(reason,
                   "%llu of %llu cells %s %s (the first at %s:%llu:%llu); missing values are not "
                   "yet supported",
                   n, rows, n == 1 ? "is" : "are", what, t->path,
                   (unsigned long long)f->first_missing.line,
                   (unsigned long long)f->first_missing.column);
}

/* Ends in "id" ("PassengerId", "user_id") or is one of the usual names of row numbers. */
static bool names_a_row(const char *name) {
  static const char *const words[] = {"id", "ID", "Id", "index", "Index", "row", "Row", "rownames"};
  size_t n = strlen(name);
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
    size_t length = strlen(words[i]);
    bool whole = strcmp(name, words[i]) == 0;
    bool suffix = i < 3 && n > length && strcmp(name + n - length, words[i]) == 0 &&
                  (i == 2 || name[n - length - 1] == '_' || name[n - length - 1] == ' ');
    if (whole || suffix) return true;
  }
  return false;
}

static void say_infinite(const gr_table *t, const gr_column_facts *f, gr_text *reason) {
  gr_text_printf(reason, "'%s' at %s:%llu:%llu is infinite", f->first_infinite.text, t->path,
                 (unsigned long long)f->first_infinite.line,
                 (unsigned long long)f->first_infinite.column);
}

/* What keeps column `column` of table `t` from being an input; leaves `reason` empty if nothing. */
static gradus_status judge_in(const gr_table *t, uint32_t column, gr_text *reason,
                              gradus_error *err) {
  const gr_column_facts *f = &t->facts[column];
  if (f->n_texts > 0) return say_text(t, column, reason, err);
  if (f->n_empty + f->n_missing_words > 0)
    say_missing(t, f, reason);
  else if (f->n_infinite > 0)
    say_infinite(t, f, reason);
  return GRADUS_OK;
}

/* The same over all splits; a column that would be taken must be in each. */
static gradus_status judge(const plan *p, uint32_t column, gr_text *reason, gradus_error *err) {
  const gr_table *r = reference_of(p);
  const gr_column_facts *f = &r->facts[column];
  for (int s = p->reference; s < GR_N_SPLITS; s++) {
    const gr_table *t = &p->table[s];
    if (!t->n_columns) continue;
    uint32_t at = p->position[s][column];
    if (at == UINT32_MAX)
      return gr_fail(err, GRADUS_ERR_DATA, "%s: has no column '%s', %s has", t->path,
                     r->names[column], r->path);
    GR_TRY(judge_in(t, at, reason, err));
    if (reason->length > 0) return GRADUS_OK;
  }
  if (f->counts_up && r->n_rows > 2 &&
      ((r->is_unnamed[column] && r->has_header) || names_a_row(r->names[column])))
    gr_text_puts(reason, "it counts the rows");
  return GRADUS_OK;
}

static void take(plan *p, uint32_t column) {
  p->taken[column] = true;
  p->n_taken++;
  for (int s = 0; s < GR_N_SPLITS; s++)
    if (p->table[s].n_columns && p->table[s].facts[p->position[s][column]].is_wide)
      p->x_type = GR_F64;
}

/* Decides each column and tells of those that are dropped. */
static gradus_status choose_columns(plan *p, gradus_error *err) {
  const gr_table *r = reference_of(p);
  uint32_t dropped = 0;
  p->x_type = GR_F32;
  p->taken = gr_calloc(r->n_columns, sizeof *p->taken);
  if (!p->taken) return gr_fail_memory(err, "a table");
  for (uint32_t c = 0; c < r->n_columns; c++) {
    if (c == p->target_column) continue;
    gr_text reason = {0};
    gradus_status status = judge(p, c, &reason, err);
    if (status == GRADUS_OK && reason.failed) status = gr_fail_memory(err, "a message");
    if (status == GRADUS_OK && reason.length == 0)
      take(p, c);
    else if (status == GRADUS_OK && dropped++ < MAX_TOLD_COLUMNS)
      gr_log_write(&p->options->log, GR_WARNING, "column %s: dropped: %s", r->names[c],
                   reason.data);
    gr_text_free(&reason);
    if (status != GRADUS_OK) return status;
  }
  if (dropped > MAX_TOLD_COLUMNS)
    gr_log_write(&p->options->log, GR_WARNING, "%lu more columns dropped for such reasons",
                 (unsigned long)(dropped - MAX_TOLD_COLUMNS));
  return GRADUS_OK;
}

static gradus_status tell_taken(const plan *p, gradus_error *err) {
  const gr_table *r = reference_of(p);
  if (p->n_taken == 0)
    return gr_fail(err, GRADUS_ERR_DATA,
                   "%s: no column besides the target '%s' holds a number in each row", r->path,
                   r->names[p->target_column]);
  gr_text names = {0};
  uint32_t told = 0;
  for (uint32_t c = 0; c < r->n_columns && told < MAX_TOLD_NAMES; c++)
    if (p->taken[c]) gr_text_printf(&names, "%s%s", told++ ? ", " : "", r->names[c]);
  if (p->n_taken > told) gr_text_puts(&names, ", ...");
  if (names.data)
    gr_log_write(&p->options->log, GR_INFO, "inputs: %lu of %lu columns taken: %s (as %s)",
                 (unsigned long)p->n_taken, (unsigned long)r->n_columns - 1, names.data,
                 gr_dtype_name(p->x_type));
  gr_text_free(&names);
  return GRADUS_OK;
}

struct filling {
  const plan *plan;
  const gr_table *table;
  uint32_t *slot; /* [columns of this table] input it becomes, or UINT32_MAX */
  uint32_t target_at;
  gr_split *split;
};

static gradus_status fill_cell(void *user, uint64_t row, uint32_t column, const gr_cell *cell,
                               gradus_error *err) {
  struct filling *f = user;
  if (column == f->target_at)
    return gr_target_store(&f->plan->target, f->table, cell, f->split->y, row, err);
  if (f->slot[column] == UINT32_MAX) return GRADUS_OK;
  double value = 0;
  (void)gr_parse_number(cell->text, cell->length, &value); /* the facts say it is one */
  size_t i = (size_t)row * f->plan->n_taken + f->slot[column];
  if (f->split->x_type == GR_F64)
    ((double *)f->split->x)[i] = value;
  else
    ((float *)f->split->x)[i] = (float)value;
  return GRADUS_OK;
}

static gradus_status allocate_split(const plan *p, int s, gr_split *split, gradus_error *err) {
  size_t n;
  split->x_type = p->x_type;
  split->y_type = gr_target_type(&p->target);
  split->y_columns = p->has_target[s];
  if (gr_multiply(p->table[s].n_rows, p->n_taken, &n))
    split->x = gr_alloc(n, gr_dtype_size(split->x_type));
  if (p->has_target[s]) split->y = gr_alloc(p->table[s].n_rows, gr_dtype_size(split->y_type));
  if (!split->x || (p->has_target[s] && !split->y)) return gr_fail_memory(err, p->table[s].path);
  split->n_rows = p->table[s].n_rows;
  return GRADUS_OK;
}

static gradus_status fill_split(const plan *p, int s, gr_split *split, gradus_error *err) {
  const gr_table *t = &p->table[s];
  GR_TRY(allocate_split(p, s, split, err));
  struct filling f = {.plan = p, .table = t, .split = split, .target_at = UINT32_MAX};
  f.slot = gr_alloc(t->n_columns, sizeof *f.slot);
  if (!f.slot) return gr_fail_memory(err, t->path);
  memset(f.slot, 0xff, t->n_columns * sizeof *f.slot);
  uint32_t slot = 0;
  for (uint32_t c = 0; c < reference_of(p)->n_columns; c++)
    if (p->taken[c]) f.slot[p->position[s][c]] = slot++;
  if (p->has_target[s]) f.target_at = p->position[s][p->target_column];
  gradus_status status = gr_table_walk(t, fill_cell, &f, err);
  gr_free(f.slot);
  return status;
}

/* Names of columns and classes. */
static gradus_status describe(const plan *p, gr_dataset *out, gradus_error *err) {
  const gr_table *r = reference_of(p);
  const gr_dictionary *classes = &p->target.classes;
  out->n_columns = p->n_taken;
  out->feature_names = gr_calloc(p->n_taken, sizeof *out->feature_names);
  out->columns = gr_calloc(p->n_taken, sizeof *out->columns);
  if (!out->feature_names || !out->columns) return gr_fail_memory(err, "column names");
  uint32_t i = 0;
  for (uint32_t c = 0; c < r->n_columns; c++) {
    if (!p->taken[c]) continue;
    out->columns[i].kind = GR_COLUMN_NUMERIC;
    out->columns[i].name = gr_strdup(r->names[c]);
    out->feature_names[i] = gr_strdup(r->names[c]);
    if (!out->columns[i].name || !out->feature_names[i]) return gr_fail_memory(err, "column names");
    i++;
  }
  out->y_is_text = p->target.mode == GR_TARGET_TEXT;
  if (!out->y_is_text) return GRADUS_OK;
  out->class_names = gr_calloc(classes->n, sizeof *out->class_names);
  if (!out->class_names) return gr_fail_memory(err, "class names");
  out->n_class_names = classes->n;
  for (i = 0; i < classes->n; i++)
    if (!(out->class_names[i] = gr_strdup(classes->texts[i])))
      return gr_fail_memory(err, "class names");
  return GRADUS_OK;
}

static gradus_status build(plan *p, gr_import_job *job, gr_dataset *out, gradus_error *err) {
  GR_TRY(open_tables(p, job, err));
  GR_TRY(find_target(p, err));
  for (int s = 0; s < GR_N_SPLITS; s++)
    if (p->table[s].n_columns) GR_TRY(match_columns(p, s, err));
  GR_TRY(decide_target(p, err));
  GR_TRY(choose_columns(p, err));
  GR_TRY(tell_taken(p, err));
  GR_TRY(describe(p, out, err));
  for (int s = 0; s < GR_N_SPLITS; s++)
    if (p->table[s].n_columns) GR_TRY(fill_split(p, s, &out->split[s], err));
  return GRADUS_OK;
}

gradus_status gr_import_table(gr_import_job *job, gr_dataset *out, gradus_error *err) {
  plan p = {.options = job->options};
  gradus_status status = build(&p, job, out, err);
  for (int s = 0; s < GR_N_SPLITS; s++) {
    gr_table_close(&p.table[s]);
    gr_free(p.position[s]);
  }
  gr_free(p.taken);
  gr_target_free(&p.target);
  return status;
}
