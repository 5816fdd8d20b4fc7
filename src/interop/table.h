/* A text table: its columns' names, its shape, and what its columns hold. */
#ifndef GR_INTEROP_TABLE_H
#define GR_INTEROP_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "interop/bytes.h"
#include "interop/delimited.h"

/* A cell worth pointing at. */
typedef struct gr_place {
  uint64_t line, column; /* line 0: there is none */
  char text[32];         /* the cell, cut where it is longer */
} gr_place;

/* What the cells of one column are. A word for "missing" (NA, NaN, null, ?...) is missing in a
 * column of numbers and a text in a column of texts. */
typedef struct gr_column_facts {
  uint64_t n_empty, n_missing_words, n_numbers, n_texts, n_infinite;
  gr_place first_missing, first_text, first_infinite;
  bool is_whole;  /* every number is whole and within 32 signed bits */
  bool counts_up; /* each number is the one before plus 1: the column counts the rows */
  bool is_wide;   /* some number is beyond what a float holds well: above 2^24 or out of range */
  double last;
} gr_column_facts;

typedef struct gr_table {
  const char *path;
  const char *text; /* borrowed, after a byte order mark */
  size_t size;
  char delimiter;
  bool has_header;
  uint32_t n_columns;
  uint64_t n_rows, first_line; /* data rows; line of the first one */
  char **names;                /* [n_columns], never empty, distinct */
  bool *is_unnamed;            /* [n_columns] the name was made up */
  gr_column_facts *facts;      /* [n_columns] */
} gr_table;

/* Reads header and facts of the text in `bytes`, which must outlive the table. `target` (may be
 * NULL): a name that tells a header line when it occurs in the first line. GRADUS_ERR_DATA with
 * file:line:column for ragged rows, duplicate names, NUL bytes, broken quotes; and for an empty
 * file or one without data rows. */
gradus_status gr_table_open(gr_table *table, const char *path, const gr_bytes *bytes,
                            const char *target, gradus_error *err);
void gr_table_close(gr_table *table); /* accepts a zeroed or half-built object */

/* Number of a column, or UINT32_MAX. */
uint32_t gr_table_find(const gr_table *table, const char *name);

/* Calls `visit` for each data cell in order; stops at the first failure. */
typedef gradus_status gr_cell_visitor(void *user, uint64_t row, uint32_t column,
                                      const gr_cell *cell, gradus_error *err);
gradus_status gr_table_walk(const gr_table *table, gr_cell_visitor *visit, void *user,
                            gradus_error *err);

/* True for an empty cell and for the usual words for "missing". */
bool gr_cell_is_missing(const gr_cell *cell);

/* True for well-formed UTF-8 (RFC 3629). */
bool gr_is_utf8(const char *text, size_t length);

/* "comma", "tab" or "semicolon". */
const char *gr_delimiter_name(char delimiter);

#endif
