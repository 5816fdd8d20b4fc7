/* Polynomials by Horner's rule from a list, one fused multiply-add a coefficient. */
#include <config.h>

#include "reference/functions.h"

#include <math.h>
#include <string.h>

/* c[0] x^(n-1) + ... + c[n-1]. */
static float horner(const float *c, int n, float x) {
  float p = c[0];
  for (int i = 1; i < n; i++) p = fmaf(p, x, c[i]);
  return p;
}

/* ln 2 in two floats; n times the first is exact for |n| < 2^9. */
static const float ln2_high = 0x1.62e4p-1f, ln2_low = 0x1.7f7d1cp-20f;

float ref_flush(float x) {
  return fabsf(x) < 0x1p-100f ? 0.0f : x;
}

/* x = n ln 2 + r; e^r = 1 + (r + r^2 P(r)); scaled by 2^(n-1) and by 2, since n may be 128. */
float ref_exp(float x) {
  static const float c[] = {0x1.a270ccp-13f, 0x1.6d3092p-10f, 0x1.110feep-7f,
                            0x1.5555p-5f,    0x1.555556p-3f,  0.5f};
  const float lowest = -0x1.154244p+6f;
  if (isnan(x)) return x;
  if (x < lowest) return 0;
  if (x > 89) x = 89;
  const float n = rintf(x * 0x1.715476p+0f);
  const float r = fmaf(-n, ln2_low, fmaf(-n, ln2_high, x));
  const float e = fmaf(r * r, horner(c, 6, r), r) + 1;
  return ldexpf(e, (int)n - 1) * 2;
}

/* x = m 2^e with m in [sqrt(1/2), sqrt 2), f = m - 1; ln m = f + (f^3 P(f) - f^2 / 2). */
float ref_log(float x) {
  static const float c[] = {0x1.2cb38cp-4f,  -0x1.ddb316p-4f, 0x1.dc7628p-4f,
                            -0x1.fbbf2ap-4f, 0x1.23de3ep-3f,  -0x1.556288p-3f,
                            0x1.999d2ap-3f,  -0x1.ffffe6p-3f, 0x1.555554p-2f};
  int e;
  float m = frexpf(x, &e);
  if (m < 0x1.6a09e6p-1f) { /* the float just below sqrt(1/2) */
    m *= 2;
    e--;
  }
  const float f = m - 1, f2 = f * f, n = (float)e;
  float tail = fmaf(f2 * f, horner(c, 9, f), f2 * -0.5f);
  tail = fmaf(n, ln2_low, tail);
  return fmaf(n, ln2_high, tail + f);
}

float ref_sigmoid(float x) {
  const float e = ref_exp(-fabsf(x));
  return (x < 0 ? e : 1) / (1 + e);
}

/* x + x^3 P(x^2) below 0.6, else 1 - 2 / (e^2|x| + 1) with the sign of x. */
float ref_tanh(float x) {
  static const float c[] = {0x1.4d7b44p-9f,  -0x1.1930dcp-7f, 0x1.65fc46p-6f,
                            -0x1.ba21bep-5f, 0x1.111148p-3f,  -0x1.555556p-2f};
  const float a = fabsf(x), x2 = x * x;
  if (a < 0.6f) return fmaf(x2 * x, horner(c, 6, x2), x);
  return copysignf(1 - 2 / (ref_exp(a + a) + 1), x);
}

double ref_power(double x, unsigned long n) {
  double result = 1;
  for (; n; n /= 2, x *= x)
    if (n % 2) result *= x;
  return result;
}
