/* A decimal of at most 15 digits times a power of ten up to 22 is the quotient or product of two
 * doubles that are exact, so one IEEE 754 operation rounds it correctly (Clinger, "How to read
 * floating point numbers accurately", PLDI 1990). Everything else goes to gr_parse_double. */
#include <config.h>

#include "interop/number.h"

#include <stdint.h>

#include "base/text.h"

enum { MAX_DIGITS = 15, MAX_POWER = 22 };

static const double powers[MAX_POWER + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                             1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                             1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* A decimal as read so far: mantissa x 10^exponent. */
struct decimal {
  uint64_t mantissa;
  int digits, exponent;
};

/* Reads digits from `p` to the first other character; each after the point lowers the exponent. */
static const char *read_digits(const char *p, const char *end, int step, struct decimal *d) {
  for (; p < end && *p >= '0' && *p <= '9' && d->digits <= MAX_DIGITS; p++) {
    d->mantissa = d->mantissa * 10 + (uint64_t)(*p - '0');
    d->digits += d->mantissa != 0; /* leading zeros cost nothing */
    d->exponent -= step;
  }
  return p;
}

/* The part after e or E, of at most three digits; NULL where it is none. */
static const char *read_exponent(const char *p, const char *end, struct decimal *d) {
  int sign = p < end && *p == '-' ? -1 : 1, value = 0;
  if (p < end && (*p == '-' || *p == '+')) p++;
  const char *first = p;
  for (; p < end && *p >= '0' && *p <= '9' && p - first < 3; p++) value = value * 10 + (*p - '0');
  if (p == first) return NULL;
  d->exponent += sign * value;
  return p;
}

static bool parse_short(const char *text, size_t length, double *value) {
  const char *p = text, *end = text + length;
  struct decimal d = {0};
  bool negative = p < end && *p == '-';
  if (p < end && (*p == '-' || *p == '+')) p++;
  const char *first = p;
  p = read_digits(p, end, 0, &d);
  long n_digits = p - first;
  if (p < end && *p == '.') {
    first = ++p;
    p = read_digits(p, end, 1, &d);
    n_digits += p - first;
  }
  if (n_digits == 0) return false;
  if (p < end && (*p == 'e' || *p == 'E')) p = read_exponent(p + 1, end, &d);
  if (p != end || d.digits > MAX_DIGITS || d.exponent > MAX_POWER || d.exponent < -MAX_POWER)
    return false;
  double exact = (double)d.mantissa;
  exact = d.exponent < 0 ? exact / powers[-d.exponent] : exact * powers[d.exponent];
  *value = negative ? -exact : exact;
  return true;
}

bool gr_parse_number(const char *text, size_t length, double *value) {
  return parse_short(text, length, value) || gr_parse_double(text, length, value);
}
