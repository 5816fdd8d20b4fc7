/* A window on the text that holds at least the record being read. A record is parsed at one go;
 * where the window ends inside it, the window is moved and the record begun again. Numbers, which
 * tables mostly are, are parsed where they stand: what ends a number ends the cell. */
#include <config.h>

#include "interop/delimited.h"

#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "base/text.h"
#include "interop/number.h"

enum { WINDOW = 1 << 18, MAX_RECORD = 1 << 26 };

/* What became of a record. */
enum outcome { COMPLETE, WANTS_MORE, BROKEN, NO_MEMORY };

static bool is_line_end(char c) {
  return c == '\n' || c == '\r';
}

static bool is_blank(const gr_delimited *r, char c) {
  return (c == ' ' || c == '\t') && c != r->delimiter;
}

static bool ends_cell(const gr_delimited *r, char c) {
  return c == r->delimiter || is_line_end(c);
}

static const char *skip_blanks(const gr_delimited *r, const char *p) {
  while (p < r->end && is_blank(r, *p)) p++;
  return p;
}

/* ---- the window ---- */

/* Moves what begins at p to the front and reads on behind it. */
static gradus_status refill(gr_delimited *r, gradus_error *err) {
  size_t kept = (size_t)(r->end - r->p), got;
  if (kept > 0) memmove(r->buffer, r->p, kept);
  r->p = r->buffer;
  r->end = r->buffer + kept;
  if (kept == r->size) {
    char *buffer = gr_realloc(r->buffer, r->size, 2);
    if (!buffer) return gr_fail_memory(err, gr_input_name(r->stream));
    r->buffer = r->p = buffer;
    r->end = buffer + kept;
    r->size *= 2;
  }
  if (!memchr(r->buffer, '\0', kept)) r->has_nul = false;
  GR_TRY(gr_input_read(r->stream, r->end, r->size - kept, &got, err));
  r->at_end = got < r->size - kept;
  if (memchr(r->end, '\0', got)) r->has_nul = true;
  r->end += got;
  return GRADUS_OK;
}

gradus_status gr_delimited_start(gr_delimited *r, gr_input *stream, char delimiter,
                                 gradus_error *err) {
  if (!r->buffer) {
    r->buffer = gr_alloc(WINDOW, 1);
    r->size = WINDOW;
    r->limit = GR_MAX_CELLS;
  }
  if (!r->buffer) return gr_fail_memory(err, gr_input_name(stream));
  r->stream = stream;
  r->delimiter = delimiter;
  r->p = r->end = r->buffer;
  r->line = 1;
  r->at_end = r->has_nul = false;
  r->broken = GR_NOT_BROKEN;
  GR_TRY(gr_input_rewind(stream, err));
  GR_TRY(refill(r, err));
  size_t n = (size_t)(r->end - r->p);
  if (n >= 2 && (memcmp(r->p, "\xff\xfe", 2) == 0 || memcmp(r->p, "\xfe\xff", 2) == 0))
    return gr_fail(err, GRADUS_ERR_DATA, "%s: is UTF-16 text, expected UTF-8",
                   gr_input_name(stream));
  if (n >= 3 && memcmp(r->p, "\xef\xbb\xbf", 3) == 0) r->p += 3;
  return GRADUS_OK;
}

void gr_delimited_end(gr_delimited *r) {
  gr_free(r->buffer);
  gr_free(r->record.cells);
  *r = (gr_delimited){0};
}

/* ---- lines ---- */

/* Behind the line end at p, CRLF being one; NULL where the window ends too early to tell. */
static const char *step_line(const gr_delimited *r, const char *p) {
  if (*p == '\r') {
    if (p + 1 == r->end && !r->at_end) return NULL;
    if (p + 1 < r->end && p[1] == '\n') p++;
  }
  return p + 1;
}

static uint64_t count_lines(const char *p, const char *end) {
  uint64_t n = 0;
  for (; p < end; p++) n += *p == '\n' || (*p == '\r' && (p + 1 == end || p[1] != '\n'));
  return n;
}

void gr_record_place(const gr_record *record, size_t at, uint64_t *line, uint64_t *column) {
  const char *p = record->start, *stop = p + at, *line_start = p;
  *line = record->line;
  for (; record->n_inner_lines > 0 && p < stop; p++) {
    if (!is_line_end(*p)) continue;
    if (*p == '\r' && p + 1 < stop && p[1] == '\n') p++;
    line_start = p + 1;
    ++*line;
  }
  *column = (uint64_t)(stop - line_start) + 1;
}

/* To the first character of the next line that holds more than blanks; false at the end. */
static gradus_status skip_blank_lines(gr_delimited *r, bool *more, gradus_error *err) {
  for (;;) {
    const char *p = skip_blanks(r, r->p);
    const char *next = p < r->end && is_line_end(*p) ? step_line(r, p) : p;
    if (!next || (p == r->end && !r->at_end)) {
      GR_TRY(refill(r, err));
      continue;
    }
    *more = p < r->end;
    if (next == p) return GRADUS_OK;
    r->p += next - r->p;
    r->line++;
  }
}

/* ---- cells ---- */

static bool is_missing_word(const char *text, size_t length) {
  static const char *const words[] = {"NA",   "N/A",  "NaN",  "nan", "NAN",
                                      "null", "NULL", "None", "?"};
  if (length > 4) return false;
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
    if (strlen(words[i]) == length && memcmp(words[i], text, length) == 0) return true;
  return false;
}

static void classify(gr_cell *cell) {
  if (cell->length == 0)
    cell->kind = GR_CELL_EMPTY;
  else if (is_missing_word(cell->text, cell->length))
    cell->kind = GR_CELL_MISSING;
  else if (gr_parse_number(cell->text, cell->length, &cell->value))
    cell->kind = GR_CELL_NUMBER;
  else
    cell->kind = GR_CELL_TEXT;
}

static enum outcome broken(gr_delimited *r, enum gr_broken what, const char *at) {
  r->broken = what;
  r->broken_at = (size_t)(at - r->p);
  return BROKEN;
}

static enum outcome plain_cell(const gr_delimited *r, const char *p, gr_cell *cell,
                               const char **next) {
  const char *start = p;
  while (p < r->end && !ends_cell(r, *p)) p++;
  if (p == r->end && !r->at_end) return WANTS_MORE;
  *next = p;
  while (p > start && is_blank(r, p[-1])) p--;
  cell->text = start;
  cell->length = (uint32_t)(p - start);
  classify(cell);
  return COMPLETE;
}

/* The quote that closes the cell whose text begins at `start`, or NULL. */
static const char *closing_quote(const gr_delimited *r, const char *start, gr_cell *cell) {
  for (const char *p = start; p < r->end; p += 2) {
    p = memchr(p, '"', (size_t)(r->end - p));
    if (!p || p + 1 == r->end || p[1] != '"') return p;
    cell->has_doubled = true;
  }
  return NULL;
}

static enum outcome quoted_cell(gr_delimited *r, const char *quote, gr_cell *cell,
                                const char **next) {
  const char *start = quote + 1, *stop = closing_quote(r, start, cell);
  if ((!stop || stop + 1 == r->end) && !r->at_end) return WANTS_MORE;
  if (!stop) return broken(r, GR_OPEN_QUOTE, quote);
  cell->text = start;
  cell->length = (uint32_t)(stop - start);
  r->record.n_inner_lines += count_lines(start, stop);
  cell->kind = GR_CELL_TEXT;
  if (!cell->has_doubled) classify(cell);
  *next = skip_blanks(r, stop + 1);
  if (*next == r->end) return r->at_end ? COMPLETE : WANTS_MORE;
  return ends_cell(r, **next) ? COMPLETE : broken(r, GR_AFTER_QUOTE, *next);
}

/* A cell that is no plain number. */
static enum outcome other_cell(gr_delimited *r, const char *p, gr_cell *cell, const char **next) {
  p = skip_blanks(r, p);
  cell->at = (uint32_t)(p - r->p);
  return p < r->end && *p == '"' ? quoted_cell(r, p, cell, next) : plain_cell(r, p, cell, next);
}

static bool grow_cells(gr_delimited *r) {
  uint32_t capacity = r->capacity ? r->capacity * 2 : 64;
  gr_cell *cells = gr_realloc(r->record.cells, capacity, sizeof *cells);
  if (!cells) return false;
  r->record.cells = cells;
  r->capacity = capacity;
  return true;
}

/* The record at p; *next receives where the following line begins. */
static enum outcome parse_record(gr_delimited *r, const char **next) {
  const char *p = r->p, *end = r->end;
  gr_record *record = &r->record;
  gr_cell spare;
  record->n_inner_lines = 0;
  for (record->n = 0;; p++) {
    if (record->n == r->capacity && record->n < r->limit && !grow_cells(r)) return NO_MEMORY;
    gr_cell *cell = record->n < r->limit ? &record->cells[record->n] : &spare;
    cell->text = p;
    cell->at = (uint32_t)(p - r->p);
    cell->kind = GR_CELL_NUMBER;
    cell->has_doubled = false;
    const char *stop = gr_scan_number(p, end, &cell->value);
    if (stop && stop < end && ends_cell(r, *stop)) {
      cell->length = (uint32_t)(stop - p);
    } else {
      enum outcome outcome = other_cell(r, p, cell, &stop);
      if (outcome != COMPLETE) return outcome;
    }
    record->n++;
    p = stop;
    if (p == end || *p != r->delimiter) break;
  }
  record->start = r->p;
  record->length = (size_t)(p - r->p);
  *next = p == end ? p : step_line(r, p);
  return *next ? COMPLETE : WANTS_MORE;
}

/* ---- records ---- */

/* One of each two quotes goes; the place that is left at the cell's end is filled, so that the
 * record keeps its lines. */
static void undouble(gr_delimited *r, gr_cell *cell) {
  char *from = r->p + (cell->text - r->p), *to = from, *stop = from + cell->length;
  while (from < stop) {
    if (*from == '"') from++;
    *to++ = *from++;
  }
  cell->length = (uint32_t)(to - cell->text);
  memset(to, '"', (size_t)(stop - to));
}

static gradus_status say_broken(const gr_delimited *r, gradus_error *err) {
  static const char *const words[] = {
      [GR_OPEN_QUOTE] = "this quote is never closed",
      [GR_AFTER_QUOTE] =
          "text after a closing quote; expected a delimiter or the line's end (a "
          "quote inside quotes is written twice)",
      [GR_NUL_BYTE] = "a NUL byte; expected text",
      [GR_TOO_LONG] = "a line of more than 64 MiB begins here; is a quote never closed?"};
  uint64_t line, column;
  gr_record record = r->record;
  record.start = r->p;
  record.line = r->line;
  record.n_inner_lines = 1; /* perhaps */
  gr_record_place(&record, r->broken_at, &line, &column);
  gr_cell rest = {.text = r->p + r->broken_at};
  char shown[GR_CELL_SHOWN];
  while (rest.text + rest.length < r->end && !is_line_end(rest.text[rest.length])) rest.length++;
  return gr_fail(err, GRADUS_ERR_DATA, "%s:%llu:%llu: %s (at %s)", gr_input_name(r->stream),
                 (unsigned long long)line, (unsigned long long)column, words[r->broken],
                 gr_cell_show(&rest, shown));
}

gradus_status gr_delimited_next(gr_delimited *r, bool *more, gradus_error *err) {
  const char *next = NULL, *nul = NULL;
  enum outcome outcome;
  r->broken = GR_NOT_BROKEN;
  GR_TRY(skip_blank_lines(r, more, err));
  if (!*more) return GRADUS_OK;
  while ((outcome = parse_record(r, &next)) == WANTS_MORE) {
    if (r->end - r->p >= MAX_RECORD) {
      outcome = broken(r, GR_TOO_LONG, r->p);
      break;
    }
    GR_TRY(refill(r, err));
  }
  if (outcome == NO_MEMORY) return gr_fail_memory(err, gr_input_name(r->stream));
  if (outcome == COMPLETE && r->has_nul && (nul = memchr(r->p, '\0', r->record.length)))
    outcome = broken(r, GR_NUL_BYTE, nul);
  if (outcome == BROKEN) return say_broken(r, err);
  uint32_t stored = r->record.n < r->limit ? r->record.n : r->limit;
  for (uint32_t i = 0; i < stored; i++)
    if (r->record.cells[i].has_doubled) undouble(r, &r->record.cells[i]);
  r->record.line = r->line;
  r->line += 1 + r->record.n_inner_lines;
  r->p += next - r->p;
  return GRADUS_OK;
}

gradus_status gr_delimited_skip(gr_delimited *r, gradus_error *err) {
  size_t at = r->broken == GR_OPEN_QUOTE || r->broken == GR_TOO_LONG ? 0 : r->broken_at;
  r->line += count_lines(r->p, r->p + at);
  r->p += at;
  for (;;) {
    const char *p = r->p, *next = NULL;
    while (p < r->end && !is_line_end(*p)) p++;
    if (p < r->end) next = step_line(r, p);
    if (next) r->line++;
    if (next || r->at_end) {
      r->p += next ? next - r->p : r->end - r->p;
      return GRADUS_OK;
    }
    r->p += p - r->p; /* nothing before is wanted */
    GR_TRY(refill(r, err));
  }
}

const char *gr_cell_show(const gr_cell *cell, char out[GR_CELL_SHOWN]) {
  static const char hex[] = "0123456789abcdef";
  size_t n = 0, i = 0;
  out[n++] = '\'';
  for (; i < cell->length && n < GR_CELL_SHOWN - 12; i++) {
    unsigned char c = (unsigned char)cell->text[i];
    if (c >= 0x20 && c != 0x7f) {
      out[n++] = (char)c;
      continue;
    }
    out[n++] = '\\';
    out[n++] = 'x';
    out[n++] = hex[c >> 4];
    out[n++] = hex[c & 15];
  }
  /* not inside a character */
  while (i < cell->length && n > 1 && ((unsigned char)cell->text[i] & 0xc0) == 0x80) i--, n--;
  memcpy(out + n, i < cell->length ? "...'" : "'", i < cell->length ? 5 : 2);
  return out;
}

/* ---- the delimiter ---- */

enum { SAMPLE = 20 };

/* Cells per record of the first records: the number of the first one, negative where others differ
 * or the text breaks. */
static gradus_status cells_per_record(gr_delimited *r, gr_input *stream, char delimiter, long *out,
                                      gradus_error *err) {
  bool more = true, same = true;
  long first = 0;
  GR_TRY(gr_delimited_start(r, stream, delimiter, err));
  for (int records = 0; records < SAMPLE; records++) {
    gradus_status status = gr_delimited_next(r, &more, err);
    if (status != GRADUS_OK && !r->broken) return status;
    if (status != GRADUS_OK) same = false;
    if (status != GRADUS_OK || !more) break;
    if (records == 0) first = (long)r->record.n;
    if ((long)r->record.n != first) same = false;
  }
  *out = same ? first : -first;
  return GRADUS_OK;
}

gradus_status gr_delimited_sniff(gr_delimited *r, gr_input *stream, char *delimiter,
                                 gradus_error *err) {
  static const char candidates[] = {',', '\t', ';'};
  const char *dot = strrchr(gr_input_name(stream), '.');
  *delimiter = '\t';
  if (dot && (strcasecmp(dot, ".tsv") == 0 || strcasecmp(dot, ".tab") == 0)) return GRADUS_OK;
  long most = 1, most_uneven = -1;
  bool even = false;
  *delimiter = ',';
  for (size_t i = 0; i < sizeof candidates; i++) {
    long n;
    GR_TRY(cells_per_record(r, stream, candidates[i], &n, err));
    if (n > most) {
      most = n;
      *delimiter = candidates[i];
      even = true;
    } else if (!even && n < most_uneven) {
      most_uneven = n;
      *delimiter = candidates[i];
    }
  }
  return GRADUS_OK;
}
