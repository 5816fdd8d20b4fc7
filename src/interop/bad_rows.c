/* Every pass over a file must leave out the same rows: the first pass decides, the others look up.
 */
#include <config.h>

#include "interop/bad_rows.h"

#include <string.h>

#include "base/memory.h"

enum { MAX_TOLD = 3 };

static bool grow(gr_bad_rows *bad) {
  uint64_t capacity = bad->capacity ? bad->capacity * 2 : 16;
  uint64_t *rows = gr_realloc(bad->rows, (size_t)capacity, sizeof *rows);
  if (!rows) return false;
  bad->rows = rows;
  bad->capacity = capacity;
  return true;
}

gradus_status gr_bad_rows_add(gr_bad_rows *bad, uint64_t row, gradus_status status,
                              gradus_error *err) {
  if (status != GRADUS_ERR_DATA || bad->max == 0) return status;
  if (bad->n == bad->max) {
    size_t used = err ? strlen(err->message) : 0;
    gr_text more = {0};
    gr_text_printf(&more, "; more than %llu bad rows", (unsigned long long)bad->max);
    if (err && more.data && used + more.length < sizeof err->message)
      memcpy(err->message + used, more.data, more.length + 1);
    gr_text_free(&more);
    return status;
  }
  if (bad->n == bad->capacity && !grow(bad)) return gr_fail_memory(err, "bad rows");
  if (bad->n < MAX_TOLD && err) {
    gr_text_puts(&bad->told, err->message);
    gr_text_puts(&bad->told, "\n");
  }
  bad->rows[bad->n++] = row;
  return GRADUS_OK;
}

bool gr_bad_rows_skip(const gr_bad_rows *bad, uint64_t row, uint64_t *next) {
  if (*next == bad->n || bad->rows[*next] != row) return false;
  ++*next;
  return true;
}

void gr_bad_rows_tell(const gr_bad_rows *bad, const char *path, uint64_t n_rows,
                      const gr_log *log) {
  if (bad->n == 0) return;
  gr_log_write(log, GR_WARNING, "%s: %llu bad row%s left out, %llu taken%s", path,
               (unsigned long long)bad->n, bad->n == 1 ? "" : "s", (unsigned long long)n_rows,
               bad->n > MAX_TOLD ? "; the first of them:" : "");
  for (const char *line = bad->told.data; line && *line;) {
    size_t n = strcspn(line, "\n");
    gr_log_write(log, GR_WARNING, "%.*s", (int)n, line);
    line += n + 1;
  }
}

void gr_bad_rows_clear(gr_bad_rows *bad) {
  gr_free(bad->rows);
  gr_text_free(&bad->told);
  *bad = (gr_bad_rows){.max = bad->max};
}
