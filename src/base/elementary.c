/* Classic reductions with Taylor or minimax series long enough for double; no table, no libm beyond
 * fma, sqrt, frexp and ldexp (which are exact). */
#include <config.h>

#include "base/elementary.h"

#include <math.h>

/* ln 2 in two parts: the high one has 21 trailing zero bits, so n * LN2_HIGH is exact for |n| <
 * 2^20. */
#define LN2_HIGH 0x1.62e42fee00000p-1
#define LN2_LOW 0x1.a39ef35793c76p-33

double gr_ln(double x) {
  if (!(x > 0)) return x == 0 ? -HUGE_VAL : (double)NAN;
  if (isinf(x)) return x;
  int n;
  double m = frexp(x, &n); /* m in [0.5, 1) */
  if (m < 0x1.6a09e667f3bcdp-1) {
    m *= 2;
    n--;
  }
  /* log m = 2 atanh(s), s = (m - 1) / (m + 1), |s| < 0.1716; s and its rounding error together keep
   * the last bit. */
  double f = m - 1, s = f / (m + 1), s2 = s * s;
  double p = 0;
  for (int k = 21; k >= 3; k -= 2) p = (p + 1.0 / k) * s2;
  /* atanh(s) = s + s p; with 2 s = f - s f, log m = f - s (f - 2 p): the large term is exact. */
  double tail = s * (f - 2 * p);
  return fma(n, LN2_HIGH, f - (tail - n * LN2_LOW));
}

double gr_exp(double x) {
  if (isnan(x)) return x;
  if (x > 709.782712893384) return HUGE_VAL;
  if (x < -745.2) return 0;
  double n = nearbyint(x * 0x1.71547652b82fep+0);
  double high = fma(-n, LN2_HIGH, x), low = n * LN2_LOW, r = high - low;
  double p =
      0; /* (exp(r) - 1 - r) / r^2 by its series; |r| < 0.3466, 14 terms leave less than 2^-60 */
  for (int k = 15; k >= 2; k--) {
    double factorial = 1;
    for (int j = 3; j <= k; j++) factorial *= j;
    p = p * r + 0.5 / factorial;
  }
  double value = 1 + (r + (r * r * p - ((r - high) + low)));
  return ldexp(value, (int)n);
}

/* pi/2 in three parts, the first two with trailing zeros (Cody and Waite). */
#define PIO2_1 0x1.921fb54400000p+0
#define PIO2_2 0x1.0b4611a600000p-34
#define PIO2_3 0x1.3198a2e037073p-69

static double sin_kernel(double r) {
  double r2 = r * r, p = 0;
  for (int k = 17; k >= 3; k -= 2) p = (1 + p) * (-r2 / (k * (k - 1)));
  return r + r * p;
}

static double cos_kernel(double r) {
  double r2 = r * r, p = 0;
  for (int k = 18; k >= 4; k -= 2) p = (1 + p) * (-r2 / (k * (k - 1)));
  double half = 0.5 * r2, w = 1 - half;
  return w + (((1 - w) - half) - half * p);
}

static double circular(double x, int quarter) {
  double n = nearbyint(x * 0x1.45f306dc9c883p-1);
  double r = fma(-n, PIO2_1, x);
  r = fma(-n, PIO2_2, r);
  r = fma(-n, PIO2_3, r);
  int q = (int)n + quarter;
  double value = (q & 1) ? cos_kernel(r) : sin_kernel(r);
  return (q & 2) ? -value : value;
}

double gr_sin(double x) {
  return circular(x, 0);
}

double gr_cos(double x) {
  return circular(x, 1);
}

double gr_power(double x, unsigned long n) {
  double result = 1;
  for (; n; n >>= 1, x *= x)
    if (n & 1) result *= x;
  return result;
}
