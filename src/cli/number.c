/* Numbers in and out for the program. strtod takes hexadecimal, blanks, "inf" and prefixes of
 * numbers; users do not mean those, so the characters are fenced first and the end is checked. */
#include <config.h>

#include "cli/number.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool gr_number_count(const char *text, uint64_t *value) {
  size_t n = strspn(text, "0123456789");
  if (n == 0 || text[n]) return false;
  errno = 0;
  unsigned long long result = strtoull(text, NULL, 10);
  if (errno) return false;
  *value = result;
  return true;
}

bool gr_number_real(const char *text, double *value) {
  if (!*text || text[strspn(text, "0123456789.eE+-")]) return false;
  char *end;
  double result = strtod(text, &end);
  if (end == text || *end || !isfinite(result)) return false;
  *value = result;
  return true;
}

bool gr_number_duration(const char *text, double *seconds) {
  static const struct {
    const char *name;
    double seconds;
  } units[] = {{"", 1},     {"ms", 1e-3}, {"s", 1},    {"sec", 1},
               {"min", 60}, {"m", 60},    {"h", 3600}, {"d", 86400}};
  char number[GR_NUMBER_TEXT];
  size_t n = strspn(text, "0123456789.");
  double value;
  if (n >= sizeof number) return false;
  memcpy(number, text, n);
  number[n] = '\0';
  if (!gr_number_real(number, &value)) return false;
  for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
    if (strcmp(text + n, units[i].name) == 0) return *seconds = value * units[i].seconds, true;
  return false;
}

bool gr_number_threads(const char *text, int *threads) {
  uint64_t value;
  if (strcmp(text, "auto") == 0) return *threads = 0, true;
  if (!gr_number_count(text, &value) || value < 1 || value > 65536) return false;
  *threads = (int)value;
  return true;
}

const char *gr_number_exact(char *out, double value) {
  if (fabs(value) < 1e15 && floor(value) == value)
    return snprintf(out, GR_NUMBER_TEXT, "%.0f", value), out;
  for (int digits = 1; digits <= 17; digits++) {
    snprintf(out, GR_NUMBER_TEXT, "%.*g", digits, value);
    if (!isfinite(value) || strtod(out, NULL) == value) break;
  }
  return out;
}

const char *gr_number_rounded(char *out, double value) {
  if (isfinite(value))
    snprintf(out, GR_NUMBER_TEXT, "%.5g", value);
  else
    snprintf(out, GR_NUMBER_TEXT, "-");
  return out;
}

const char *gr_number_short(char *out, double value) {
  static const char *const suffix[] = {"", "k", "M", "G", "T"};
  size_t i = 0;
  for (; value >= 999.5 && i + 1 < sizeof suffix / sizeof suffix[0]; i++) value /= 1000;
  int decimals = i == 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  snprintf(out, GR_NUMBER_TEXT, "%.*f%s", decimals, value, suffix[i]);
  return out;
}

const char *gr_number_clock(char *out, double seconds) {
  if (!(seconds >= 0) || seconds > 3.6e9) return snprintf(out, GR_NUMBER_TEXT, "-"), out;
  unsigned long long s = (unsigned long long)(seconds + 0.5), hours = s / 3600;
  unsigned minutes = (unsigned)(s / 60 % 60), rest = (unsigned)(s % 60);
  if (hours > 0)
    snprintf(out, GR_NUMBER_TEXT, "%llu:%02u:%02u", hours, minutes, rest);
  else
    snprintf(out, GR_NUMBER_TEXT, "%u:%02u", minutes, rest);
  return out;
}
