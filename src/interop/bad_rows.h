/* Rows of a text file that are left out because they are malformed: which, how many, where. */
#ifndef GR_INTEROP_BAD_ROWS_H
#define GR_INTEROP_BAD_ROWS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"
#include "base/status.h"
#include "base/text.h"

/* Zero-initialise, then set max. */
typedef struct gr_bad_rows {
  uint64_t max;   /* so many are tolerated */
  uint64_t *rows; /* [n] numbers of records, ascending */
  uint64_t n, capacity;
  gr_text told; /* the first few messages */
} gr_bad_rows;

/* Record number `row` (above all before) failed with `status` and the message in `err`: noted, or
 * where no more are tolerated, or the failure is none of the data, the status again. */
gradus_status gr_bad_rows_add(gr_bad_rows *bad, uint64_t row, gradus_status status,
                              gradus_error *err);

/* True where the record is among them; *next is a cursor, 0 at the start, for rows ascending. */
bool gr_bad_rows_skip(const gr_bad_rows *bad, uint64_t row, uint64_t *next);

/* Says how many there are of `n_rows` good ones and which came first; nothing where there are none.
 */
void gr_bad_rows_tell(const gr_bad_rows *bad, const char *path, uint64_t n_rows, const gr_log *log);

/* Forgets them; max stays. */
void gr_bad_rows_clear(gr_bad_rows *bad);

#endif
