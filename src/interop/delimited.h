/* Records of delimiter-separated text: CSV, TSV and the like, one at a time, in constant memory. */
#ifndef GR_INTEROP_DELIMITED_H
#define GR_INTEROP_DELIMITED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "interop/input.h"

typedef enum gr_cell_kind {
  GR_CELL_EMPTY,
  GR_CELL_MISSING, /* one of the usual words for it: NA, NaN, null, ?... */
  GR_CELL_NUMBER,
  GR_CELL_TEXT
} gr_cell_kind;

typedef struct gr_cell {
  const char *text; /* not terminated; valid until the next record */
  double value;     /* of a number; a word for "not a number" is MISSING */
  uint32_t length;
  uint32_t at; /* its first byte in the record */
  gr_cell_kind kind;
  bool has_doubled; /* quotes that are written twice, until the record is complete */
} gr_cell;

typedef struct gr_record {
  gr_cell *cells; /* [n], of which those beyond the reader's limit are counted only */
  uint32_t n;
  const char *start;
  size_t length;
  uint64_t line; /* of its first byte, from 1 */
  uint64_t n_inner_lines;
} gr_record;

enum gr_broken { GR_NOT_BROKEN, GR_OPEN_QUOTE, GR_AFTER_QUOTE, GR_NUL_BYTE, GR_TOO_LONG };

/* Zero-initialise; start with gr_delimited_start. */
typedef struct gr_delimited {
  gr_input *stream; /* borrowed */
  char delimiter;
  uint32_t limit, capacity; /* cells that a record stores; allocated */
  char *buffer;
  size_t size; /* of the buffer */
  char *p, *end;
  bool at_end, has_nul;
  uint64_t line;
  gr_record record;
  enum gr_broken broken;
  size_t broken_at; /* byte of the record */
} gr_delimited;

#define GR_MAX_CELLS (1u << 20) /* of a record */

/* A reader of `stream` from its beginning; a byte order mark is passed over. May be called again.
 * UTF-16 text is GRADUS_ERR_DATA. */
gradus_status gr_delimited_start(gr_delimited *reader, gr_input *stream, char delimiter,
                                 gradus_error *err);
void gr_delimited_end(gr_delimited *reader);

/* The next record, in reader->record; *more = false at the end of the text. RFC 4180, and: lines
 * end in LF, CRLF or CR; blank lines are skipped; blanks around a cell do not belong to it unless
 * quoted. An unterminated quote, text after a closing one, a NUL byte, or a record of more than 64
 * MiB is GRADUS_ERR_DATA with file:line:column, and reader->broken says so: then
 * gr_delimited_skip goes on behind the line. */
gradus_status gr_delimited_next(gr_delimited *reader, bool *more, gradus_error *err);
gradus_status gr_delimited_skip(gr_delimited *reader, gradus_error *err);

/* Line and column (in bytes) of byte `at` of a record, both from 1. */
void gr_record_place(const gr_record *record, size_t at, uint64_t *line, uint64_t *column);

/* "'text'" of a cell for messages, cut where it is long, bytes that cannot be printed as \x..; */
#define GR_CELL_SHOWN 80
const char *gr_cell_show(const gr_cell *cell, char out[GR_CELL_SHOWN]);

/* The delimiter of a text: by the extension .tsv or .tab, else comma, tab or semicolon, whichever
 * cuts the first records into the same number of cells, the most of them. The reader is then to be
 * started again. */
gradus_status gr_delimited_sniff(gr_delimited *reader, gr_input *stream, char *delimiter,
                                 gradus_error *err);

#endif
