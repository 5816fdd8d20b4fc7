/* A text table: its columns' names, its shape, what its columns hold, and its rows one by one. */
#ifndef GR_INTEROP_TABLE_H
#define GR_INTEROP_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/dictionary.h"
#include "base/status.h"
#include "base/text.h"
#include "interop/bad_rows.h"
#include "interop/delimited.h"
#include "interop/meter.h"

/* A cell worth pointing at. */
typedef struct gr_place {
  uint64_t line, column; /* line 0: there is none */
  char text[32];         /* the cell, cut where it is longer */
} gr_place;

/* What the cells of one column are. A word for "missing" (NA, NaN, null, ?...) is missing in a
 * column of numbers and a text in a column of texts. */
typedef struct gr_column_facts {
  double last;
  uint64_t last_record; /* of the text, where `last` stands */
  uint64_t n_numbers, n_empty, n_missing_words, n_texts, n_infinite;
  bool is_whole;  /* every number is whole and within 32 signed bits */
  bool counts_up; /* each number is larger than the one before by as many rows as lie between */
  bool is_wide;   /* some number is beyond what a float holds well: above 2^24 or out of range */
  bool needs_number, needs_value; /* else its row is a bad one */
  gr_place first_missing, first_text, first_infinite, first_wide;
} gr_column_facts;

typedef struct gr_table {
  const char *path; /* the stream's name */
  gr_input *stream; /* owned */
  gr_delimited reader;
  char delimiter;
  bool has_header;
  uint32_t n_columns;
  uint64_t n_rows;        /* data rows without the bad ones */
  char **names;           /* [n_columns], never empty, distinct */
  bool *is_unnamed;       /* [n_columns] the name was made up */
  gr_column_facts *facts; /* [n_columns] */
  uint32_t *n_distinct;   /* [n_columns] by gr_table_count_texts, or NULL */
  gr_bad_rows bad;
  gr_meter *meter;
  uint64_t every; /* 0: all rows belong to this table; else rows 0, every, 2 every ... of the text
                     do, or the others */
  bool takes_others;
  uint64_t record;     /* number of the row being visited, among all rows of the text */
  uint32_t watched;    /* column whose texts are gathered on the way, or UINT32_MAX */
  gr_dictionary texts; /* of it, as written, up to GR_MAX_WATCHED, beyond which it is of no use */
} gr_table;

#define GR_MAX_WATCHED 1000u
#define GR_MAX_NEEDED 3        /* columns of which each row needs a value */
#define GR_MAX_COUNTED 100000u /* distinct texts are counted so far */

/* What a table is opened with. */
typedef struct gr_table_options {
  const char *target; /* a name that tells a header line when it occurs in the first line; NULL */
  const char *needed[2]; /* columns of which each row needs a value, beside the target; or NULL */
  uint64_t max_bad_rows; /* malformed rows, and texts among numbers, that are left out */
  gr_meter *meter;       /* borrowed */
  uint64_t every;        /* as in gr_table */
  bool takes_others;
} gr_table_options;

/* Reads header and facts of `stream`, which the table takes over whatever happens. Without bad rows
 * allowed: GRADUS_ERR_DATA with file:line:column for ragged rows, NUL bytes, broken quotes; always
 * for duplicate names, an empty file or one without data rows. */
gradus_status gr_table_open(gr_table *table, gr_input *stream, const gr_table_options *options,
                            gradus_error *err);
void gr_table_close(gr_table *table); /* accepts a zeroed or half-built object */

/* Number of a column, or UINT32_MAX. */
uint32_t gr_table_find(const gr_table *table, const char *name);

/* Calls `visit` for each data row that is not a bad one, in order; record->n is n_columns. Stops at
 * the first failure. */
typedef gradus_status gr_row_visitor(void *user, uint64_t row, const gr_record *record,
                                     gradus_error *err);
gradus_status gr_table_walk(gr_table *table, gr_row_visitor *visit, void *user, gradus_error *err);

/* Fills n_distinct of columns with texts: how many texts differ, at most GR_MAX_COUNTED + 1; one
 * more pass over the table, the first time. */
gradus_status gr_table_count_texts(gr_table *table, gradus_error *err);

/* For table.c: one row into the facts. */
void gr_facts_start(gr_table *table);
bool gr_facts_want(const gr_table *table, const gr_record *record, uint32_t *column);
gradus_status gr_facts_note(gr_table *table, const gr_record *record, gradus_error *err);
bool gr_facts_demand(gr_table *table, const uint32_t needed[GR_MAX_NEEDED]);

/* True for well-formed UTF-8 (RFC 3629). */
bool gr_is_utf8(const char *text, size_t length);

/* "comma", "tab" or "semicolon". */
const char *gr_delimiter_name(char delimiter);

#endif
