/* Numbers are read and written in the "C" locale whatever the host program has set: glibc's
 * strtod_l and uselocale do the correctly rounded work, this file only fences them. */
#include <config.h>

#include "base/text.h"

#include <ctype.h>
#include <errno.h>
#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

static bool grow(gr_text *text, size_t extra) {
  if (text->failed) return false;
  if (extra < text->capacity - text->length && text->data) return true;
  size_t wanted = text->length + extra + 1;
  size_t capacity = text->capacity ? text->capacity : 64;
  while (capacity < wanted && capacity < SIZE_MAX / 2) capacity *= 2;
  char *data = capacity >= wanted ? gr_realloc(text->data, capacity, 1) : NULL;
  if (!data) {
    text->failed = true;
    return false;
  }
  text->data = data;
  text->capacity = capacity;
  return true;
}

void gr_text_append(gr_text *text, const char *bytes, size_t n) {
  if (!grow(text, n)) return;
  memcpy(text->data + text->length, bytes, n);
  text->length += n;
  text->data[text->length] = '\0';
}

void gr_text_puts(gr_text *text, const char *string) {
  gr_text_append(text, string, strlen(string));
}

void gr_text_printf(gr_text *text, const char *format, ...) {
  va_list args, again;
  va_start(args, format);
  va_copy(again, args);
  int n = vsnprintf(NULL, 0, format, args);
  if (n >= 0 && grow(text, (size_t)n)) {
    vsnprintf(text->data + text->length, (size_t)n + 1, format, again);
    text->length += (size_t)n;
  }
  va_end(again);
  va_end(args);
}

void gr_text_put_double(gr_text *text, double value) {
  char number[GR_DOUBLE_TEXT];
  gr_text_append(text, number, gr_format_double(number, value));
}

void gr_text_put_json(gr_text *text, const char *string) {
  gr_text_puts(text, "\"");
  for (const char *p = string; *p; p++) {
    unsigned char c = (unsigned char)*p;
    if (c == '"' || c == '\\')
      gr_text_printf(text, "\\%c", c);
    else if (c < 0x20 || c == 0x7f)
      gr_text_printf(text, "\\u%04x", c);
    else
      gr_text_append(text, p, 1);
  }
  gr_text_puts(text, "\"");
}

void gr_text_put_json_number(gr_text *text, double value) {
  if (isfinite(value))
    gr_text_put_double(text, value);
  else
    gr_text_puts(text, "null");
}

void gr_text_free(gr_text *text) {
  gr_free(text->data);
  *text = (gr_text){0};
}

/* The "C" locale as an object; made once, kept for the life of the process (a benign race makes it
 * twice at worst). */
static locale_t c_locale(void) {
  static locale_t made;
  locale_t have = __atomic_load_n(&made, __ATOMIC_ACQUIRE);
  if (have) return have;
  locale_t fresh = newlocale(LC_ALL_MASK, "C", (locale_t)0);
  locale_t expected = (locale_t)0;
  if (__atomic_compare_exchange_n(&made, &expected, fresh, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
    return fresh;
  if (fresh) freelocale(fresh);
  return expected;
}

size_t gr_format_double(char *out, double value) {
  if (isnan(value)) return (size_t)snprintf(out, GR_DOUBLE_TEXT, "nan");
  if (isinf(value)) return (size_t)snprintf(out, GR_DOUBLE_TEXT, value < 0 ? "-inf" : "inf");
  locale_t locale = c_locale();
  locale_t old = locale ? uselocale(locale) : (locale_t)0;
  int length = 0;
  for (int digits = 1; digits <= 17; digits++) {
    length = snprintf(out, GR_DOUBLE_TEXT, "%.*g", digits, value);
    double back = 0;
    if (gr_parse_double(out, (size_t)length, &back) && back == value) break;
  }
  if (old) uselocale(old);
  return (size_t)length;
}

size_t gr_format_float(char *out, float value) {
  if (!isfinite(value)) return gr_format_double(out, (double)value);
  locale_t locale = c_locale();
  locale_t old = locale ? uselocale(locale) : (locale_t)0;
  int length = 0;
  /* a normal float gives back any decimal of FLT_DIG digits, so fewer need not be tried */
  for (int digits = isnormal(value) ? FLT_DIG : 1; digits <= 9; digits++) {
    length = snprintf(out, GR_DOUBLE_TEXT, "%.*g", digits, (double)value);
    if (strtof(out, NULL) == value) break;
  }
  if (old) uselocale(old);
  return (size_t)length;
}

static bool equals_nocase(const char *text, size_t length, const char *word) {
  size_t i = 0;
  for (; i < length && word[i]; i++)
    if (tolower((unsigned char)text[i]) != word[i]) return false;
  return i == length && !word[i];
}

bool gr_parse_double(const char *text, size_t length, double *value) {
  size_t sign = length > 0 && (text[0] == '-' || text[0] == '+');
  const char *body = text + sign;
  size_t n = length - sign;
  if (equals_nocase(body, n, "nan")) return *value = (double)NAN, true;
  if (equals_nocase(body, n, "inf") || equals_nocase(body, n, "infinity"))
    return *value = text[0] == '-' ? -(double)INFINITY : (double)INFINITY, true;
  if (n == 0 || n > 400) return false;
  for (size_t i = 0; i < n; i++)
    if (!strchr("0123456789.eE+-", body[i]) || !body[i]) return false;
  char copy[408], *end;
  memcpy(copy, text, length);
  copy[length] = '\0';
  locale_t locale = c_locale();
  errno = 0;
  double result = locale ? strtod_l(copy, &end, locale) : strtod(copy, &end);
  if (end != copy + length || isinf(result)) return false;
  *value = result;
  return true;
}

bool gr_parse_i64(const char *text, size_t length, int64_t *value) {
  if (length == 0 || length > 24) return false;
  char copy[32], *end;
  memcpy(copy, text, length);
  copy[length] = '\0';
  if (!isdigit((unsigned char)copy[0]) && copy[0] != '-' && copy[0] != '+') return false;
  errno = 0;
  long long result = strtoll(copy, &end, 10);
  if (errno || end != copy + length || end == copy) return false;
  *value = result;
  return true;
}

bool gr_parse_u64(const char *text, size_t length, uint64_t *value) {
  if (length == 0 || length > 24 || !isdigit((unsigned char)text[0])) return false;
  char copy[32], *end;
  memcpy(copy, text, length);
  copy[length] = '\0';
  errno = 0;
  unsigned long long result = strtoull(copy, &end, 10);
  if (errno || end != copy + length) return false;
  *value = result;
  return true;
}

struct unit {
  const char *name;
  double factor;
};

/* Splits "12.5MiB" into number and unit, looks the unit up. */
static bool parse_with_unit(const char *text, const struct unit *units, double *value) {
  size_t n = strspn(text, "0123456789.");
  double number;
  if (n == 0 || !gr_parse_double(text, n, &number)) return false;
  for (; units->name; units++)
    if (strcmp(text + n, units->name) == 0) return *value = number * units->factor, true;
  return false;
}

bool gr_parse_duration(const char *text, double *seconds) {
  static const struct unit units[] = {{"", 1},     {"ms", 1e-3}, {"s", 1},
                                      {"sec", 1},  {"min", 60},  {"m", 60},
                                      {"h", 3600}, {"d", 86400}, {NULL, 0}};
  return parse_with_unit(text, units, seconds);
}

bool gr_parse_size(const char *text, uint64_t *bytes) {
  static const struct unit units[] = {{"", 1},
                                      {"B", 1},
                                      {"kB", 1e3},
                                      {"MB", 1e6},
                                      {"GB", 1e9},
                                      {"TB", 1e12},
                                      {"KiB", 1024},
                                      {"MiB", 1048576},
                                      {"GiB", 1073741824.0},
                                      {"TiB", 1099511627776.0},
                                      {NULL, 0}};
  double value;
  if (!parse_with_unit(text, units, &value) || value >= 18446744073709551616.0) return false;
  *bytes = (uint64_t)value;
  return true;
}

/* Levenshtein distance with adjacent transpositions counted once; words longer than the row give a
 * large distance. */
static size_t distance(const char *a, const char *b) {
  enum { MAX = 64 };
  size_t n = strlen(a), m = strlen(b), rows[3][MAX + 1];
  if (n > MAX || m > MAX) return MAX;
  size_t *before = rows[0], *last = rows[1], *row = rows[2];
  for (size_t j = 0; j <= m; j++) last[j] = before[j] = j;
  for (size_t i = 1; i <= n; i++) {
    row[0] = i;
    for (size_t j = 1; j <= m; j++) {
      size_t best = last[j - 1] + (a[i - 1] != b[j - 1]);
      if (last[j] + 1 < best) best = last[j] + 1;
      if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
          before[j - 2] + 1 < best)
        best = before[j - 2] + 1;
      row[j] = best;
    }
    size_t *spare = before;
    before = last;
    last = row;
    row = spare;
  }
  return last[m];
}

const char *gr_nearest_word(const char *word, const char *const *words, size_t n) {
  const char *nearest = NULL;
  size_t best = strlen(word) / 3 + 2; /* farther than this was not meant */
  for (size_t i = 0; i < n; i++) {
    size_t d = distance(word, words[i]);
    if (d < best) {
      best = d;
      nearest = words[i];
    }
  }
  return nearest;
}
