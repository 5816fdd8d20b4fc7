/* What the program says: results on standard output, everything else on standard error. */
#ifndef GR_CLI_OUTPUT_H
#define GR_CLI_OUTPUT_H

#include <stdint.h>
#include <stdio.h>

#include <gradus/status.h>

/* Fills *err (may be NULL) and returns `status`. */
__attribute__((format(printf, 3, 4))) gradus_status gr_cli_fail(gradus_error *err,
                                                                gradus_status status,
                                                                const char *format, ...);

/* Puts `where` and ": " before the message of an error that came from below. */
void gr_cli_prefix(gradus_error *err, const char *where);

/* Text that came from a file: control characters, which could play with the terminal, become '?'.
 */
void gr_cli_put(FILE *out, const char *text);
/* The same in a column: cut to `width` characters (UTF-8) and padded on the left or, where width is
 * negative, on the right. */
void gr_cli_put_column(FILE *out, const char *text, int width);
/* Characters of a UTF-8 text. */
int gr_cli_width(const char *text);

/* "gradus: message" on standard error, one line. */
void gr_cli_print_error(const gradus_error *err);
/* A remark of the library: plain, or "gradus: warning: ...". */
void gr_cli_print_message(int level, const char *text);

/* GRADUS_ERR_IO where standard output did not take everything. */
gradus_status gr_cli_flush(gradus_error *err);

/* One JSON object on standard output. Keys are NULL inside arrays. */
typedef struct gr_json {
  int comma; /* something was written at this level */
} gr_json;
void gr_json_open(gr_json *json, const char *key, char bracket);      /* '{' or '[' */
void gr_json_close(gr_json *json, char bracket);                      /* '}' or ']' */
void gr_json_text(gr_json *json, const char *key, const char *value); /* NULL: null */
void gr_json_real(gr_json *json, const char *key, double value);      /* not finite: null */
void gr_json_count(gr_json *json, const char *key, uint64_t value);
void gr_json_flag(gr_json *json, const char *key, int value);
void gr_json_end(gr_json *json); /* the newline after the outermost bracket */

#endif
