/* What can be told about a table without knowing what it is for. The text is walked once to find
 * its shape and what the columns hold, and again by whoever fills arrays from it: cells are never
 * stored. Where bad rows are tolerated and some column of numbers turns out to hold a few texts, it
 * is walked once more under that demand, so that facts are those of the rows that stay. */
#include <config.h>

#include "interop/table.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"

enum { ROWS_BETWEEN_REPORTS = 1024 };

const char *gr_delimiter_name(char delimiter) {
  return delimiter == '\t' ? "tab" : delimiter == ';' ? "semicolon" : "comma";
}

/* ---- rows ---- */

/* A cell with its place and what is wrong with it. */
static gradus_status refuse_cell(const gr_table *t, const gr_cell *cell, gradus_error *err,
                                 const char *what) {
  uint64_t line, column;
  char shown[GR_CELL_SHOWN];
  gr_record_place(&t->reader.record, cell->at, &line, &column);
  return gr_fail(err, GRADUS_ERR_DATA, "%s:%llu:%llu: %s (at %s)", t->path,
                 (unsigned long long)line, (unsigned long long)column, what,
                 gr_cell_show(cell, shown));
}

/* The reader stores one cell more than the table has columns: the first of those too many. */
static gradus_status ragged(const gr_table *t, gradus_error *err) {
  const gr_record *record = &t->reader.record;
  char what[100];
  uint32_t at = record->n > t->n_columns ? t->n_columns : record->n - 1;
  snprintf(what, sizeof what, "row of %lu cells, expected %lu as in the first line",
           (unsigned long)record->n, (unsigned long)t->n_columns);
  return refuse_cell(t, &record->cells[at], err, what);
}

static gradus_status unwanted(const gr_table *t, uint32_t column, gradus_error *err) {
  const gr_cell *cell = &t->reader.record.cells[column];
  char what[100];
  snprintf(what, sizeof what, "column '%.40s' %s", t->names[column],
           cell->kind == GR_CELL_TEXT ? "needs a number" : "is missing here");
  return refuse_cell(t, cell, err, what);
}

/* One record; `record_number` counts all, good or bad. *good is false for a bad row that is left
 * out; where `deciding`, what is bad is found here, else looked up. */
static gradus_status next_row(gr_table *t, uint64_t record_number, bool deciding, uint64_t *cursor,
                              bool *good, bool *more, gradus_error *err) {
  gr_delimited *r = &t->reader;
  uint32_t column;
  gradus_status status = gr_delimited_next(r, more, err);
  *good = false;
  if (status != GRADUS_OK && !r->broken) return status;
  if (status == GRADUS_OK && !*more) return GRADUS_OK;
  bool broken = status != GRADUS_OK;
  if (!broken && r->record.n != t->n_columns) status = ragged(t, err);
  if (deciding) {
    if (status == GRADUS_OK && t->bad.max > 0 && !gr_facts_want(t, &r->record, &column))
      status = unwanted(t, column, err);
    *good = status == GRADUS_OK;
    if (!*good) GR_TRY(gr_bad_rows_add(&t->bad, record_number, status, err));
  } else {
    *good = !gr_bad_rows_skip(&t->bad, record_number, cursor);
    if (*good && status != GRADUS_OK) return status; /* the file has changed meanwhile */
  }
  return broken ? gr_delimited_skip(r, err) : GRADUS_OK;
}

/* To the first data row. */
static gradus_status start_rows(gr_table *t, gradus_error *err) {
  bool more;
  GR_TRY(gr_delimited_start(&t->reader, t->stream, t->delimiter, err));
  if (!t->has_header) return GRADUS_OK;
  GR_TRY(gr_delimited_next(&t->reader, &more, err));
  return t->reader.record.n == t->n_columns ? GRADUS_OK : ragged(t, err);
}

/* By the number of the record, good or bad: two tables of one text agree on it. */
static bool owns(const gr_table *t, uint64_t record_number) {
  return t->every == 0 || (record_number % t->every == 0) != t->takes_others;
}

static gradus_status walk(gr_table *t, bool deciding, gr_row_visitor *visit, void *user,
                          gradus_error *err) {
  bool good, more = true;
  uint64_t cursor = 0, row = 0;
  gr_meter_begin(t->meter, deciding ? "looking" : "reading");
  GR_TRY(start_rows(t, err));
  for (uint64_t i = 0; more; i++) {
    GR_TRY(next_row(t, i, deciding, &cursor, &good, &more, err));
    t->record = i;
    if (good && owns(t, i)) GR_TRY(visit(user, row++, &t->reader.record, err));
    if (i % ROWS_BETWEEN_REPORTS == 0) gr_meter_at(t->meter, gr_input_consumed(t->stream));
  }
  gr_meter_end(t->meter, gr_input_length(t->stream));
  return GRADUS_OK;
}

gradus_status gr_table_walk(gr_table *t, gr_row_visitor *visit, void *user, gradus_error *err) {
  return walk(t, false, visit, user, err);
}

/* ---- the header ---- */

static bool cell_is(const gr_cell *cell, const char *text) {
  return text && strlen(text) == cell->length && memcmp(text, cell->text, cell->length) == 0;
}

/* The first two records, as far as telling a header from data needs them. */
struct head {
  gr_text kinds; /* of the first record's cells: 'n'umber, 't'ext, 'm'issing */
  bool has_target, any_number, any_text, text_over_number, text_over_other;
};

static gradus_status note_first_record(const gr_record *record, const char *target,
                                       struct head *head, gradus_error *err) {
  for (uint32_t i = 0; i < record->n; i++) {
    gr_cell_kind kind = record->cells[i].kind;
    gr_text_append(&head->kinds,
                   kind == GR_CELL_NUMBER ? "n"
                   : kind == GR_CELL_TEXT ? "t"
                                          : "m",
                   1);
    head->any_number |= kind == GR_CELL_NUMBER;
    head->any_text |= kind == GR_CELL_TEXT;
    head->has_target |= cell_is(&record->cells[i], target);
  }
  return head->kinds.failed ? gr_fail_memory(err, "a table") : GRADUS_OK;
}

static void note_second_record(const gr_record *record, struct head *head) {
  for (uint32_t i = 0; i < record->n && i < head->kinds.length; i++) {
    if (head->kinds.data[i] != 't') continue;
    if (record->cells[i].kind == GR_CELL_NUMBER)
      head->text_over_number = true;
    else
      head->text_over_other = true;
  }
}

static gradus_status read_head(gr_table *t, const char *target, struct head *head,
                               gradus_error *err) {
  gr_delimited *r = &t->reader;
  bool more;
  GR_TRY(gr_delimited_start(r, t->stream, t->delimiter, err));
  GR_TRY(gr_delimited_next(r, &more, err));
  if (!more) return gr_fail(err, GRADUS_ERR_DATA, "%s: is empty, expected a table", t->path);
  if (r->record.n > GR_MAX_CELLS)
    return gr_fail(err, GRADUS_ERR_DATA, "%s: %lu columns are too many, expected at most %lu",
                   t->path, (unsigned long)r->record.n, (unsigned long)GR_MAX_CELLS);
  t->n_columns = r->record.n;
  GR_TRY(note_first_record(&r->record, target, head, err));
  gradus_status status = gr_delimited_next(r, &more, err);
  if (status == GRADUS_OK && more && r->record.n <= GR_MAX_CELLS)
    note_second_record(&r->record, head);
  return r->broken && t->bad.max > 0 ? GRADUS_OK : status;
}

/* The first line is a header when it holds the target's name, or texts and no number, or when each
 * of its texts stands over a number. */
static gradus_status find_header(gr_table *t, const char *target, gradus_error *err) {
  struct head head = {0};
  gradus_status status = read_head(t, target, &head, err);
  t->has_header = head.has_target || (head.any_text && !head.any_number) ||
                  (head.text_over_number && !head.text_over_other);
  gr_text_free(&head.kinds);
  t->reader.limit = t->n_columns + 1;
  return status;
}

bool gr_is_utf8(const char *text, size_t length) {
  const unsigned char *p = (const unsigned char *)text, *end = p + length;
  while (p < end) {
    unsigned c = *p++;
    int more = c < 0x80 ? 0 : c < 0xc2 ? -1 : c < 0xe0 ? 1 : c < 0xf0 ? 2 : c < 0xf5 ? 3 : -1;
    if (more < 0 || end - p < more) return false;
    /* overlong forms, surrogates, beyond U+10FFFF */
    if ((c == 0xe0 && *p < 0xa0) || (c == 0xed && *p > 0x9f) || (c == 0xf0 && *p < 0x90) ||
        (c == 0xf4 && *p > 0x8f))
      return false;
    for (; more > 0; more--)
      if ((*p++ & 0xc0) != 0x80) return false;
  }
  return true;
}

static gradus_status refuse_name(const gr_table *t, const gr_cell *cell, const char *why,
                                 gradus_error *err) {
  uint64_t line, column;
  gr_record_place(&t->reader.record, cell->at, &line, &column);
  return gr_fail(err, GRADUS_ERR_DATA, "%s:%llu:%llu: column name '%.*s' %s", t->path,
                 (unsigned long long)line, (unsigned long long)column,
                 (int)(cell->length < 64 ? cell->length : 64), cell->text, why);
}

static gradus_status name_column(gr_table *t, gr_dictionary *seen, uint32_t column,
                                 gradus_error *err) {
  const gr_cell *cell = &t->reader.record.cells[column];
  gr_text name = {0};
  t->is_unnamed[column] = !t->has_header || cell->length == 0;
  if (t->is_unnamed[column])
    gr_text_printf(&name, "column_%lu", (unsigned long)column + 1);
  else
    gr_text_append(&name, cell->text, cell->length);
  if (name.failed) return gr_fail_memory(err, "column names");
  t->names[column] = name.data;
  if (!gr_is_utf8(name.data, name.length)) return refuse_name(t, cell, "is not UTF-8", err);
  uint32_t entry = gr_dictionary_add(seen, name.data, name.length);
  if (entry == GR_NO_ENTRY) return gr_fail_memory(err, "column names");
  return seen->count[entry] > 1 ? refuse_name(t, cell, "occurs twice", err) : GRADUS_OK;
}

static gradus_status name_columns(gr_table *t, gradus_error *err) {
  t->names = gr_calloc(t->n_columns, sizeof *t->names);
  t->is_unnamed = gr_calloc(t->n_columns, sizeof *t->is_unnamed);
  t->facts = gr_calloc(t->n_columns, sizeof *t->facts);
  if (!t->names || !t->is_unnamed || !t->facts) return gr_fail_memory(err, "column names");
  gr_dictionary seen = {0};
  bool more;
  gradus_status status = gr_delimited_start(&t->reader, t->stream, t->delimiter, err);
  if (status == GRADUS_OK) status = gr_delimited_next(&t->reader, &more, err);
  for (uint32_t c = 0; c < t->n_columns && status == GRADUS_OK; c++)
    status = name_column(t, &seen, c, err);
  gr_dictionary_free(&seen);
  return status;
}

/* ---- opening ---- */

static gradus_status note_row(void *user, uint64_t row, const gr_record *record,
                              gradus_error *err) {
  (void)row;
  return gr_facts_note(user, record, err);
}

static gradus_status find_facts(gr_table *t, gradus_error *err) {
  gr_facts_start(t);
  gr_bad_rows_clear(&t->bad);
  return walk(t, true, note_row, t, err);
}

static gradus_status look(gr_table *t, const gr_table_options *options, gradus_error *err) {
  GR_TRY(gr_delimited_sniff(&t->reader, t->stream, &t->delimiter, err));
  GR_TRY(find_header(t, options->target, err));
  GR_TRY(name_columns(t, err));
  uint32_t target = options->target ? gr_table_find(t, options->target) : t->n_columns - 1;
  t->watched = target;
  GR_TRY(find_facts(t, err));
  uint32_t needed[GR_MAX_NEEDED] = {target, UINT32_MAX, UINT32_MAX};
  for (int i = 0; i < 2; i++)
    if (options->needed[i]) needed[i + 1] = gr_table_find(t, options->needed[i]);
  if (t->bad.max > 0 && gr_facts_demand(t, needed)) {
    gr_meter_expect(t->meter, gr_input_length(t->stream));
    GR_TRY(find_facts(t, err));
  }
  if (t->n_rows > 0) return GRADUS_OK;
  return gr_fail(err, GRADUS_ERR_DATA, "%s: has %s", t->path,
                 t->bad.n        ? "bad rows only"
                 : t->has_header ? "a header but no rows"
                                 : "no rows");
}

gradus_status gr_table_open(gr_table *t, gr_input *stream, const gr_table_options *options,
                            gradus_error *err) {
  *t = (gr_table){.path = gr_input_name(stream),
                  .stream = stream,
                  .meter = options->meter,
                  .every = options->every,
                  .takes_others = options->takes_others,
                  .bad = {.max = options->max_bad_rows}};
  gradus_status status = look(t, options, err);
  if (status != GRADUS_OK) gr_table_close(t);
  return status;
}

void gr_table_close(gr_table *t) {
  for (uint32_t i = 0; t->names && i < t->n_columns; i++) gr_free(t->names[i]);
  gr_free(t->names);
  gr_free(t->is_unnamed);
  gr_free(t->facts);
  gr_free(t->n_distinct);
  gr_bad_rows_clear(&t->bad);
  gr_dictionary_free(&t->texts);
  gr_delimited_end(&t->reader);
  gr_input_close(t->stream);
  *t = (gr_table){0};
}

uint32_t gr_table_find(const gr_table *t, const char *name) {
  for (uint32_t i = 0; i < t->n_columns; i++)
    if (strcmp(t->names[i], name) == 0) return i;
  return UINT32_MAX;
}
