/* A decimal is w x 10^e, w of at most 19 digits. Three exact ways, each with one rounding:
 *   - w below 2^53 and |e| <= 22: one product or quotient of doubles that are exact (Clinger, "How
 *     to read floating point numbers accurately", PLDI 1990);
 *   - |e| <= 27: 5^|e| fits 64 bits, so w x 5^e is a 128-bit integer, or w / 5^-e a 64-bit quotient
 *     and whether something remains: all that rounding to nearest, ties to even, needs to know;
 *   - beyond 19 digits w is cut; where w and w + 1 give the same double, so does what was cut.
 * Everything else goes to gr_parse_double. Results are normal numbers: 10^-27 <= |value| < 10^47.
 */
#include <config.h>

#include "interop/number.h"

#include <stdint.h>
#include <string.h>

#include "base/text.h"

enum { MAX_DIGITS = 19, MAX_EXACT = 22, MAX_POWER = 27, MAX_EXPONENT = 10000 };

static const double powers[MAX_EXACT + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                             1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                             1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* A decimal as read so far: mantissa x 10^exponent, and whether digits were cut. */
struct decimal {
  uint64_t mantissa;
  int digits, exponent; /* significant digits in the mantissa */
  bool cut;
};

#ifdef __SIZEOF_INT128__
__extension__ typedef unsigned __int128 u128;

static const uint64_t fives[MAX_POWER + 1] = {1,
                                              5,
                                              25,
                                              125,
                                              625,
                                              3125,
                                              15625,
                                              78125,
                                              390625,
                                              1953125,
                                              9765625,
                                              48828125,
                                              244140625,
                                              1220703125,
                                              6103515625,
                                              30517578125,
                                              152587890625,
                                              762939453125,
                                              3814697265625,
                                              19073486328125,
                                              95367431640625,
                                              476837158203125,
                                              2384185791015625,
                                              11920928955078125,
                                              59604644775390625,
                                              298023223876953125,
                                              1490116119384765625,
                                              7450580596923828125};

static int leading_zeros(uint64_t value) {
  return __builtin_clzll(value);
}

/* (high + something below 1 if `more`) x 2^exponent, high's top bit set, rounded to nearest even.
 */
static double round_to_double(uint64_t high, bool more, int exponent) {
  uint64_t kept = high >> 11, rest = high & 0x7ff, bits;
  if (rest > 0x400 || (rest == 0x400 && (more || (kept & 1)))) kept++;
  /* kept is 2^52 .. 2^53: a carry out of the mantissa raises the exponent by itself */
  bits = ((uint64_t)(exponent + 11 + 1023 + 52) << 52) + (kept - ((uint64_t)1 << 52));
  double value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

/* w x 10^e = (w x 5^e) x 2^e */
static double multiply(uint64_t w, int e) {
  u128 product = (u128)w * fives[e];
  uint64_t high = (uint64_t)(product >> 64), low = (uint64_t)product;
  if (high == 0) return round_to_double(low << leading_zeros(low), false, e - leading_zeros(low));
  int shift = leading_zeros(high);
  product <<= shift;
  return round_to_double((uint64_t)(product >> 64), (uint64_t)product != 0, e + 64 - shift);
}

/* w / 10^n = (w / 5^n) / 2^n; both are shifted up to the top, so that the quotient has 64 bits. */
static double divide(uint64_t w, int n) {
  int up = leading_zeros(w), down = leading_zeros(fives[n]);
  uint64_t numerator = w << up, divisor = fives[n] << down;
  bool large = numerator >= divisor; /* the quotient of the shifted ones is 1 or more */
  u128 dividend = (u128)numerator << (large ? 63 : 64);
  uint64_t quotient = (uint64_t)(dividend / divisor);
  bool more = (u128)quotient * divisor != dividend;
  return round_to_double(quotient, more, (large ? -63 : -64) - up + down - n);
}

static bool scale(uint64_t w, int e, double *value) {
  if (w == 0) return *value = 0, true;
  if (e < -MAX_POWER || e > MAX_POWER) return false;
  *value = e < 0 ? divide(w, -e) : multiply(w, e);
  return true;
}
#else
static bool scale(uint64_t w, int e, double *value) {
  (void)w, (void)e, (void)value;
  return false;
}
#endif

static bool to_double(const struct decimal *d, double *value) {
  if (!d->cut && d->mantissa <= (uint64_t)1 << 53 && d->exponent <= MAX_EXACT &&
      d->exponent >= -MAX_EXACT) {
    double exact = (double)d->mantissa;
    *value = d->exponent < 0 ? exact / powers[-d->exponent] : exact * powers[d->exponent];
    return true;
  }
  double above;
  if (!scale(d->mantissa, d->exponent, value)) return false;
  return !d->cut || (scale(d->mantissa + 1, d->exponent, &above) && above == *value);
}

/* Eight digits 0..9 in bytes, the first in the lowest: pairs, fours, all. */
static uint64_t join_eight(uint64_t v) {
  v = v * 10 + (v >> 8);
  return ((v & 0x000000ff000000ffu) * 0x000f424000000064u +
          ((v >> 16) & 0x000000ff000000ffu) * 0x0000271000000001u) >>
         32;
}

/* One digit where nothing is easy: before the first that counts, and beyond the last that fits. */
static void add_digit(struct decimal *d, char c, int step) {
  if (d->digits < MAX_DIGITS) {
    d->mantissa = d->mantissa * 10 + (uint64_t)(c - '0');
    d->digits += d->mantissa != 0;
    d->exponent -= step;
  } else {
    d->cut = d->cut || c != '0';
    d->exponent += 1 - step;
  }
}

static bool is_digit(char c) {
  return (unsigned char)(c - '0') < 10;
}

/* Reads digits from `p` to the first other character; each after the point lowers the exponent. */
static const char *read_digits(const char *p, const char *end, int step, struct decimal *d) {
  for (; p < end && is_digit(*p); p++) add_digit(d, *p, step);
  return p;
}

/* The part after e or E; NULL where it is none. */
static const char *read_exponent(const char *p, const char *end, struct decimal *d) {
  int sign = p < end && *p == '-' ? -1 : 1, value = 0;
  if (p < end && (*p == '-' || *p == '+')) p++;
  const char *first = p;
  for (; p < end && is_digit(*p); p++)
    if (value < MAX_EXPONENT) value = value * 10 + (*p - '0');
  if (p == first) return NULL;
  d->exponent += sign * value;
  return p;
}

/* The digits that p begins with, at most eight of them: returns how many and appends them to *w.
 * Eight characters are loaded and what stands behind the digits is shifted out: the length of a run
 * cannot be predicted, so nothing branches on it. Needs 8 readable characters. */
static unsigned take_run(const char *p, uint64_t *w) {
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  static const uint32_t tens[9] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};
  uint64_t v, other;
  memcpy(&v, p, sizeof v);
  v ^= 0x3030303030303030u; /* digits become 0..9 */
  /* the top bit of each byte that is no digit; below the first of them there are no carries */
  other = ((v & 0x7f7f7f7f7f7f7f7fu) + 0x7676767676767676u) | v;
  other &= 0x8080808080808080u;
  unsigned n = other ? (unsigned)__builtin_ctzll(other) / 8 : 8;
  if (n == 0) return 0;
  v <<= 64 - 8 * n; /* zeros come first */
  *w = *w * tens[n] + join_eight(v);
  return n;
#else
  unsigned n = 0;
  for (; n < 8 && is_digit(p[n]); n++) *w = *w * 10 + (uint64_t)(p[n] - '0');
  return n;
#endif
}

static const char *take_digits(const char *p, const char *end, uint64_t *w) {
  while (end - p >= 8) {
    unsigned n = take_run(p, w);
    p += n;
    if (n < 8) return p;
  }
  for (; p < end && is_digit(*p); p++) *w = *w * 10 + (uint64_t)(*p - '0');
  return p;
}

/* The usual case, without counting digit by digit: at most 19 in all, leading zeros among them.
 * Returns where the digits end, or NULL where there are more, or none. */
static const char *read_short(const char *p, const char *end, struct decimal *d) {
  uint64_t w = 0;
  const char *first = p;
  p = take_digits(p, end, &w);
  long n_digits = p - first;
  if (p < end && *p == '.') {
    const char *point = ++p;
    p = take_digits(p, end, &w);
    n_digits += p - point;
    d->exponent = (int)(point - p);
  }
  d->mantissa = w;
  return n_digits > 0 && n_digits <= MAX_DIGITS ? p : NULL;
}

static double with_sign(double size, bool negative) {
  uint64_t bits;
  memcpy(&bits, &size, sizeof bits);
  bits |= (uint64_t)negative << 63; /* half of them are: no branch */
  memcpy(&size, &bits, sizeof bits);
  return size;
}

/* Any number of digits. */
static const char *read_long(const char *p, const char *end, struct decimal *d) {
  const char *first = p;
  *d = (struct decimal){0};
  p = read_digits(p, end, 0, d);
  long n_digits = p - first;
  if (p < end && *p == '.') {
    first = ++p;
    p = read_digits(p, end, 1, d);
    n_digits += p - first;
  }
  /* the lengths that gr_parse_double takes; exponents cannot overflow before */
  return n_digits > 0 && n_digits <= 300 ? p : NULL;
}

const char *gr_scan_number(const char *p, const char *end, double *value) {
  struct decimal d = {0};
  if (p == end) return NULL;
  bool negative = *p == '-';
  p += negative | (*p == '+');
  const char *stop = read_short(p, end, &d);
  if (!stop && !(stop = read_long(p, end, &d))) return NULL;
  if (stop < end && (*stop | 0x20) == 'e' && !(stop = read_exponent(stop + 1, end, &d)))
    return NULL;
  double size = 0;
  if (!to_double(&d, &size)) return NULL;
  *value = with_sign(size, negative);
  return stop;
}

bool gr_parse_number(const char *text, size_t length, double *value) {
  double read;
  if (length <= 400 && gr_scan_number(text, text + length, &read) == text + length)
    return *value = read, true;
  return gr_parse_double(text, length, value);
}
