/* Text without locale: numbers in and out, growing strings, units, and the nearest valid word for a
 * mistyped one. */
#ifndef GR_BASE_TEXT_H
#define GR_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A growing, always terminated string. Zero-initialise; a failed allocation sets `failed` and drops
 * later text. */
typedef struct gr_text {
  char *data; /* NULL while empty */
  size_t length, capacity;
  bool failed;
} gr_text;

void gr_text_append(gr_text *text, const char *bytes, size_t n);
void gr_text_puts(gr_text *text, const char *string);
__attribute__((format(printf, 2, 3))) void gr_text_printf(gr_text *text, const char *format,
                                                          ...); /* no %g %f %e: locale */
void gr_text_put_double(gr_text *text,
                        double value); /* shortest text that reads back the same; nan, inf, -inf */
void gr_text_put_json(gr_text *text, const char *string); /* quoted and escaped */
void gr_text_put_json_number(gr_text *text,
                             double value); /* as put_double; not-finite values become null */
void gr_text_free(gr_text *text);

/* Shortest decimal that reads back as exactly `value`, always with '.'; needs GR_DOUBLE_TEXT bytes.
 * Returns its length. */
#define GR_DOUBLE_TEXT 32
size_t gr_format_double(char *out, double value);

/* The same for float: shortest decimal that, rounded to float, is exactly `value`. */
size_t gr_format_float(char *out, float value);

/* Whole-string conversions (no surrounding blanks, no trailing characters, no hex): false where the
 * text is no such number or does not fit. gr_parse_double takes nan, inf and infinity in any case,
 * correctly rounded, '.' only. */
bool gr_parse_double(const char *text, size_t length, double *value);
bool gr_parse_i64(const char *text, size_t length, int64_t *value);
bool gr_parse_u64(const char *text, size_t length, uint64_t *value);

/* "100ms" "60s" "5min" "2h" "1d", or a bare number of seconds -> seconds; "256MiB" "1GB" "4096" ->
 * bytes. */
bool gr_parse_duration(const char *text, double *seconds);
bool gr_parse_size(const char *text, uint64_t *bytes);

/* The entry of `words` (n of them) nearest to `word` by edit distance, or NULL where none is near
 * enough to be meant. */
const char *gr_nearest_word(const char *word, const char *const *words, size_t n);

#endif
