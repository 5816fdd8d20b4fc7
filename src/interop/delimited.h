/* Cells of delimiter-separated text: CSV, TSV and the like. */
#ifndef GR_INTEROP_DELIMITED_H
#define GR_INTEROP_DELIMITED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/text.h"

/* A position in text that is borrowed; see gr_delimited_start. */
typedef struct gr_delimited {
  const char *path; /* for messages */
  const char *p, *end, *line_start;
  uint64_t line; /* of p, from 1 */
  char delimiter;
  bool in_record;
  gr_text unquoted;
} gr_delimited;

/* Line and column (in bytes) count from 1. */
typedef struct gr_cell {
  const char *text; /* not terminated; valid until the next call */
  size_t length;
  uint64_t line, column;
  bool is_last; /* of its record */
} gr_cell;

/* A reader of text [size]. Release with gr_delimited_end. */
gr_delimited gr_delimited_start(const char *path, const char *text, size_t size, char delimiter);
void gr_delimited_end(gr_delimited *reader);

/* The next cell; *more = false at the end of the text. RFC 4180, and: lines end in LF, CRLF or CR;
 * blank lines are skipped; blanks around a cell do not belong to it unless quoted. An unterminated
 * quote, or text after a closing one, is GRADUS_ERR_DATA with file:line:column. */
gradus_status gr_delimited_next(gr_delimited *reader, gr_cell *cell, bool *more, gradus_error *err);

/* The delimiter of a text: by the extension .tsv or .tab, else comma, tab or semicolon, whichever
 * cuts the first records into the same number of cells, the most of them. */
char gr_delimited_sniff(const char *path, const char *text, size_t size);

#endif
