/* One pass over the text, one cell at a time; only cells with doubled quotes are copied. What the
 * cells mean is not known here. */
#include <config.h>

#include "interop/delimited.h"

#include <string.h>
#include <strings.h>

gr_delimited gr_delimited_start(const char *path, const char *text, size_t size, char delimiter) {
  return (gr_delimited){.path = path,
                        .p = text,
                        .end = text + size,
                        .line_start = text,
                        .line = 1,
                        .delimiter = delimiter};
}

void gr_delimited_end(gr_delimited *reader) {
  gr_text_free(&reader->unquoted);
}

static bool is_line_end(char c) {
  return c == '\n' || c == '\r';
}

static bool is_blank(const gr_delimited *r, char c) {
  return (c == ' ' || c == '\t') && c != r->delimiter;
}

static uint64_t column_of(const gr_delimited *r, const char *at) {
  return (uint64_t)(at - r->line_start) + 1;
}

/* Steps over one line end, CRLF being one. */
static void step_line(gr_delimited *r) {
  if (*r->p == '\r' && r->p + 1 < r->end && r->p[1] == '\n') r->p++;
  r->line_start = ++r->p;
  r->line++;
}

static void skip_blanks(gr_delimited *r) {
  while (r->p < r->end && is_blank(r, *r->p)) r->p++;
}

/* To the first character of the next line that holds more than blanks. */
static void skip_blank_lines(gr_delimited *r) {
  for (;;) {
    const char *start = r->p;
    skip_blanks(r);
    if (r->p < r->end && is_line_end(*r->p)) {
      step_line(r);
    } else {
      if (r->p < r->end) r->p = start;
      return;
    }
  }
}

/* Ends a cell: takes the delimiter or the line end that follows it. */
static void finish_cell(gr_delimited *r, gr_cell *cell) {
  cell->is_last = r->p == r->end || is_line_end(*r->p);
  r->in_record = !cell->is_last;
  if (r->p == r->end) return;
  if (cell->is_last)
    step_line(r);
  else
    r->p++;
}

static void plain_cell(gr_delimited *r, gr_cell *cell) {
  const char *start = r->p;
  while (r->p < r->end && *r->p != r->delimiter && !is_line_end(*r->p)) r->p++;
  const char *stop = r->p;
  while (stop > start && is_blank(r, stop[-1])) stop--;
  cell->text = start;
  cell->length = (size_t)(stop - start);
}

static gradus_status quoted_cell(gr_delimited *r, gr_cell *cell, gradus_error *err) {
  const char *start = ++r->p;
  bool copied = false;
  r->unquoted.length = 0;
  for (;; r->p++) {
    if (r->p == r->end)
      return gr_fail(err, GRADUS_ERR_DATA, "%s:%llu:%llu: this quote is never closed", r->path,
                     (unsigned long long)cell->line, (unsigned long long)cell->column);
    if (is_line_end(*r->p)) {
      step_line(r);
      r->p--;
    } else if (*r->p == '"') {
      if (r->p + 1 == r->end || r->p[1] != '"') break;
      r->p++;
      gr_text_append(&r->unquoted, start, (size_t)(r->p - start)); /* one of the two quotes */
      start = r->p + 1;
      copied = true;
    }
  }
  if (copied) gr_text_append(&r->unquoted, start, (size_t)(r->p - start));
  if (r->unquoted.failed) return gr_fail_memory(err, "a cell of a table");
  cell->text = copied ? r->unquoted.data : start;
  cell->length = copied ? r->unquoted.length : (size_t)(r->p - start);
  r->p++;
  skip_blanks(r);
  if (r->p < r->end && *r->p != r->delimiter && !is_line_end(*r->p))
    return gr_fail(err, GRADUS_ERR_DATA,
                   "%s:%llu:%llu: text after a closing quote; expected a delimiter or the line's "
                   "end (a quote inside quotes is written twice)",
                   r->path, (unsigned long long)r->line, (unsigned long long)column_of(r, r->p));
  return GRADUS_OK;
}

gradus_status gr_delimited_next(gr_delimited *r, gr_cell *cell, bool *more, gradus_error *err) {
  if (!r->in_record) skip_blank_lines(r);
  *more = r->in_record || r->p < r->end;
  if (!*more) return GRADUS_OK;
  skip_blanks(r);
  cell->line = r->line;
  cell->column = column_of(r, r->p);
  if (r->p < r->end && *r->p == '"')
    GR_TRY(quoted_cell(r, cell, err));
  else
    plain_cell(r, cell);
  finish_cell(r, cell);
  return GRADUS_OK;
}

enum { SAMPLE = 20 };

/* Cells per record of the first records: the number of the first one, negative where others differ
 * or the text breaks. */
static long cells_per_record(const char *path, const char *text, size_t size, char delimiter) {
  gr_delimited r = gr_delimited_start(path, text, size, delimiter);
  gr_cell cell;
  bool more = true, same = true;
  long first = 0, n = 0;
  for (int records = 0; records < SAMPLE;) {
    if (gr_delimited_next(&r, &cell, &more, NULL) != GRADUS_OK) same = more = false;
    if (!more) break;
    n++;
    if (!cell.is_last) continue;
    if (records++ == 0) first = n;
    if (n != first) same = false;
    n = 0;
  }
  gr_delimited_end(&r);
  return same ? first : -first;
}

char gr_delimited_sniff(const char *path, const char *text, size_t size) {
  static const char candidates[] = {',', '\t', ';'};
  const char *dot = strrchr(path, '.');
  if (dot && (strcasecmp(dot, ".tsv") == 0 || strcasecmp(dot, ".tab") == 0)) return '\t';
  char best = ',';
  long most = 1, most_uneven = -1;
  bool even = false;
  for (size_t i = 0; i < sizeof candidates; i++) {
    long n = cells_per_record(path, text, size, candidates[i]);
    if (n > most) {
      most = n;
      best = candidates[i];
      even = true;
    } else if (!even && n < most_uneven) {
      most_uneven = n;
      best = candidates[i];
    }
  }
  return best;
}
