/* What can be told about a table without knowing what it is for. The text is walked once to find
 * its shape and what the columns hold, and again by whoever fills arrays from it: cells are never
 * stored, so the memory needed is the text itself. */
#include <config.h>

#include "interop/table.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "base/dictionary.h"
#include "interop/number.h"

const char *gr_delimiter_name(char delimiter) {
  return delimiter == '\t' ? "tab" : delimiter == ';' ? "semicolon" : "comma";
}

bool gr_cell_is_missing(const gr_cell *cell) {
  static const char *const words[] = {"",    "NA",   "N/A",  "NaN",  "nan",
                                      "NAN", "null", "NULL", "None", "?"};
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
    if (strlen(words[i]) == cell->length && memcmp(words[i], cell->text, cell->length) == 0)
      return true;
  return false;
}

/* Encodings other than UTF-8 and binary files show themselves by these. */
static gradus_status check_text(gr_table *t, gradus_error *err) {
  if (t->size >= 2 && (memcmp(t->text, "\xff\xfe", 2) == 0 || memcmp(t->text, "\xfe\xff", 2) == 0))
    return gr_fail(err, GRADUS_ERR_DATA, "%s: is UTF-16 text, expected UTF-8", t->path);
  if (t->size >= 3 && memcmp(t->text, "\xef\xbb\xbf", 3) == 0) {
    t->text += 3;
    t->size -= 3;
  }
  const char *nul = memchr(t->text, '\0', t->size);
  if (!nul) return GRADUS_OK;
  uint64_t line = 1;
  const char *start = t->text;
  for (const char *p = start; p < nul; p++) {
    if (*p != '\n') continue;
    line++;
    start = p + 1;
  }
  return gr_fail(err, GRADUS_ERR_DATA, "%s:%llu:%llu: a NUL byte; expected text", t->path,
                 (unsigned long long)line, (unsigned long long)(nul - start) + 1);
}

/* The first two records, as far as telling a header from data needs them. */
struct head {
  gr_text kinds; /* of the first record's cells: 'n'umber, 't'ext, 'm'issing */
  bool has_target, text_over_number, text_over_other;
};

static bool cell_is(const gr_cell *cell, const char *text) {
  return text && strlen(text) == cell->length && memcmp(text, cell->text, cell->length) == 0;
}

static char kind_of(const gr_cell *cell) {
  double value;
  if (gr_cell_is_missing(cell)) return 'm';
  return gr_parse_number(cell->text, cell->length, &value) ? 'n' : 't';
}

static gradus_status note_first_record(gr_delimited *reader, const char *target, struct head *head,
                                       gradus_error *err) {
  gr_cell cell = {0};
  bool more = true;
  while (!cell.is_last) {
    GR_TRY(gr_delimited_next(reader, &cell, &more, err));
    if (!more) break;
    char kind = kind_of(&cell);
    gr_text_append(&head->kinds, &kind, 1);
    head->has_target |= cell_is(&cell, target);
  }
  return head->kinds.failed ? gr_fail_memory(err, "a table") : GRADUS_OK;
}

static gradus_status note_second_record(gr_delimited *reader, struct head *head,
                                        gradus_error *err) {
  gr_cell cell = {0};
  bool more = true;
  for (size_t i = 0; !cell.is_last; i++) {
    GR_TRY(gr_delimited_next(reader, &cell, &more, err));
    if (!more) break;
    if (i >= head->kinds.length || head->kinds.data[i] != 't') continue;
    if (kind_of(&cell) == 'n')
      head->text_over_number = true;
    else
      head->text_over_other = true;
  }
  return GRADUS_OK;
}

/* The first line is a header when it holds the target's name, or texts and no number, or when each
 * of its texts stands over a number. */
static gradus_status find_header(gr_table *t, const char *target, gradus_error *err) {
  gr_delimited reader = gr_delimited_start(t->path, t->text, t->size, t->delimiter);
  struct head head = {0};
  gradus_status status;
  GR_TRY_ELSE(done, note_first_record(&reader, target, &head, err));
  if (head.kinds.length == 0 || head.kinds.length >= UINT32_MAX) {
    status = gr_fail(err, GRADUS_ERR_DATA, "%s: %s, expected a table", t->path,
                     head.kinds.length ? "too many columns" : "is empty");
    goto done;
  }
  GR_TRY_ELSE(done, note_second_record(&reader, &head, err));
  bool any_text = strchr(head.kinds.data, 't'), any_number = strchr(head.kinds.data, 'n');
  t->n_columns = (uint32_t)head.kinds.length;
  t->has_header = head.has_target || (any_text && !any_number) ||
                  (head.text_over_number && !head.text_over_other);
done:
  gr_text_free(&head.kinds);
  gr_delimited_end(&reader);
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

static gradus_status ragged(const gr_table *t, const gr_cell *cell, uint64_t got,
                            gradus_error *err) {
  return gr_fail(err, GRADUS_ERR_DATA,
                 "%s:%llu:%llu: row of %llu cells, expected %lu as in the first line", t->path,
                 (unsigned long long)cell->line, (unsigned long long)cell->column,
                 (unsigned long long)got, (unsigned long)t->n_columns);
}

/* `cell` is one too many: counts on to the end of its record. */
static gradus_status too_many(const gr_table *t, gr_delimited *reader, const gr_cell *cell,
                              uint64_t got, gradus_error *err) {
  gr_cell next = *cell;
  bool more = true;
  for (; more && !next.is_last; got++) GR_TRY(gr_delimited_next(reader, &next, &more, err));
  return ragged(t, cell, got, err);
}

/* One record, handed to `visit` cell by cell (NULL: skipped). */
static gradus_status walk_record(const gr_table *t, gr_delimited *reader, uint64_t row, bool *more,
                                 gr_cell_visitor *visit, void *user, gradus_error *err) {
  gr_cell cell = {0};
  for (uint32_t i = 0;; i++) {
    GR_TRY(gr_delimited_next(reader, &cell, more, err));
    if (!*more) return GRADUS_OK;
    if (i == t->n_columns) return too_many(t, reader, &cell, (uint64_t)i + 1, err);
    if (visit) GR_TRY(visit(user, row, i, &cell, err));
    if (cell.is_last)
      return i + 1 == t->n_columns ? GRADUS_OK : ragged(t, &cell, (uint64_t)i + 1, err);
  }
}

gradus_status gr_table_walk(const gr_table *t, gr_cell_visitor *visit, void *user,
                            gradus_error *err) {
  gr_delimited reader = gr_delimited_start(t->path, t->text, t->size, t->delimiter);
  bool more = true;
  gradus_status status = GRADUS_OK;
  if (t->has_header) GR_TRY_ELSE(done, walk_record(t, &reader, 0, &more, NULL, NULL, err));
  for (uint64_t row = 0; more; row++)
    GR_TRY_ELSE(done, walk_record(t, &reader, row, &more, visit, user, err));
done:
  gr_delimited_end(&reader);
  return status;
}

static gradus_status refuse_name(const gr_table *t, const gr_cell *cell, const char *why,
                                 gradus_error *err) {
  return gr_fail(err, GRADUS_ERR_DATA, "%s:%llu:%llu: column name '%.*s' %s", t->path,
                 (unsigned long long)cell->line, (unsigned long long)cell->column,
                 (int)(cell->length < 64 ? cell->length : 64), cell->text, why);
}

struct naming {
  gr_table *table;
  gr_dictionary seen;
};

/* A cell of the header, or of the first record where there is none: then and when empty the name is
 * made up from the position. */
static gradus_status name_column(void *user, uint64_t row, uint32_t column, const gr_cell *cell,
                                 gradus_error *err) {
  struct naming *naming = user;
  gr_table *t = naming->table;
  (void)row;
  gr_text name = {0};
  t->is_unnamed[column] = !t->has_header || cell->length == 0;
  if (t->is_unnamed[column])
    gr_text_printf(&name, "column_%lu", (unsigned long)column + 1);
  else
    gr_text_append(&name, cell->text, cell->length);
  if (name.failed) return gr_fail_memory(err, "column names");
  t->names[column] = name.data;
  if (!gr_is_utf8(name.data, name.length)) return refuse_name(t, cell, "is not UTF-8", err);
  uint32_t entry = gr_dictionary_add(&naming->seen, name.data, name.length);
  if (entry == GR_NO_ENTRY) return gr_fail_memory(err, "column names");
  if (naming->seen.count[entry] > 1) return refuse_name(t, cell, "occurs twice", err);
  return GRADUS_OK;
}

static gradus_status name_columns(gr_table *t, gradus_error *err) {
  t->names = gr_calloc(t->n_columns, sizeof *t->names);
  t->is_unnamed = gr_calloc(t->n_columns, sizeof *t->is_unnamed);
  t->facts = gr_calloc(t->n_columns, sizeof *t->facts);
  if (!t->names || !t->is_unnamed || !t->facts) return gr_fail_memory(err, "column names");
  struct naming naming = {.table = t};
  gr_delimited reader = gr_delimited_start(t->path, t->text, t->size, t->delimiter);
  bool more = true;
  gradus_status status = walk_record(t, &reader, 0, &more, name_column, &naming, err);
  gr_delimited_end(&reader);
  gr_dictionary_free(&naming.seen);
  return status;
}

static void note_place(gr_place *place, const gr_cell *cell) {
  if (place->line) return;
  place->line = cell->line;
  place->column = cell->column;
  size_t n = cell->length < sizeof place->text ? cell->length : sizeof place->text - 1;
  while (n > 0 && n < cell->length && !gr_is_utf8(cell->text, n)) n--; /* not inside a character */
  memcpy(place->text, cell->text, n);
  place->text[n] = '\0';
}

static void note_number(gr_column_facts *f, const gr_cell *cell, double value) {
  double size = fabs(value);
  if (!isfinite(value)) {
    f->n_infinite++;
    note_place(&f->first_infinite, cell);
  }
  if (!(size <= 0x1p24) || (size > 0 && size < (double)FLT_MIN)) f->is_wide = true;
  if (!(size <= 2147483647.0) || value != floor(value)) f->is_whole = false;
  if (f->n_numbers > 0 && value != f->last + 1) f->counts_up = false;
  f->last = value;
  f->n_numbers++;
}

static gradus_status note_cell(void *user, uint64_t row, uint32_t column, const gr_cell *cell,
                               gradus_error *err) {
  gr_table *t = user;
  gr_column_facts *f = &t->facts[column];
  double value;
  (void)err;
  if (column == 0) {
    if (row == 0) t->first_line = cell->line;
    t->n_rows++;
  }
  if (gr_cell_is_missing(cell)) {
    *(cell->length ? &f->n_missing_words : &f->n_empty) += 1;
    note_place(&f->first_missing, cell);
  } else if (gr_parse_number(cell->text, cell->length, &value)) {
    note_number(f, cell, value);
  } else {
    f->n_texts++;
    note_place(&f->first_text, cell);
  }
  return GRADUS_OK;
}

gradus_status gr_table_open(gr_table *table, const char *path, const gr_bytes *bytes,
                            const char *target, gradus_error *err) {
  gr_table t = {.path = path, .text = bytes->data, .size = bytes->size};
  gradus_status status;
  GR_TRY_ELSE(fail, check_text(&t, err));
  t.delimiter = gr_delimited_sniff(path, t.text, t.size);
  GR_TRY_ELSE(fail, find_header(&t, target, err));
  GR_TRY_ELSE(fail, name_columns(&t, err));
  for (uint32_t i = 0; i < t.n_columns; i++) t.facts[i].is_whole = t.facts[i].counts_up = true;
  GR_TRY_ELSE(fail, gr_table_walk(&t, note_cell, &t, err));
  if (t.n_rows == 0) {
    status = gr_fail(err, GRADUS_ERR_DATA, "%s: has a header but no rows", path);
    goto fail;
  }
  *table = t;
  return GRADUS_OK;
fail:
  gr_table_close(&t);
  return status;
}

void gr_table_close(gr_table *t) {
  for (uint32_t i = 0; t->names && i < t->n_columns; i++) gr_free(t->names[i]);
  gr_free(t->names);
  gr_free(t->is_unnamed);
  gr_free(t->facts);
  *t = (gr_table){0};
}

uint32_t gr_table_find(const gr_table *t, const char *name) {
  for (uint32_t i = 0; i < t->n_columns; i++)
    if (strcmp(t->names[i], name) == 0) return i;
  return UINT32_MAX;
}
