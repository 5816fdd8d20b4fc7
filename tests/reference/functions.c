/* Polynomials by Horner's rule from a list, one fused multiply-add a coefficient. */
#include <config.h>

#include "reference/functions.h"

#include <math.h>
#include <string.h>

#include "reference/reference.h"

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

static const float lowest = -0x1.154244p+6f;

/* x = n ln 2 + r; e^r = 1 + q, q = r + r^2 P(r). Returns q. */
static float split(float x, int *n) {
  static const float c[] = {0x1.a270ccp-13f, 0x1.6d3092p-10f, 0x1.110feep-7f,
                            0x1.5555p-5f,    0x1.555556p-3f,  0.5f};
  const float k = rintf(x * 0x1.715476p+0f);
  const float r = fmaf(-k, ln2_low, fmaf(-k, ln2_high, x));
  *n = (int)k;
  return fmaf(r * r, horner(c, 6, r), r);
}

/* Scaled by 2^(n-1) and by 2, since n may be 128. */
float ref_exp(float x) {
  int n;
  if (isnan(x)) return x;
  if (x < lowest) return 0;
  const float e = split(x > 89 ? 89 : x, &n) + 1;
  return ldexpf(e, n - 1) * 2;
}

/* e^x - 1 for x <= 0. */
static float exp_minus_one(float x) {
  int n;
  const float q = split(x < lowest ? lowest : x, &n), power = ldexpf(1, n);
  return fmaf(q, power, power - 1);
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

float ref_log_one_plus(float e) {
  const float u = 1 + e;
  return ref_log(u) + (e - (u - 1)) / u;
}

float ref_unit_power(float q, float g) {
  if (q < 0x1p-100f) return g > 0 ? 0.0f : 1.0f;
  return ref_exp(g * ref_log(q));
}

/* (1 + erf(x / sqrt 2)) / 2, by erf near 0 and by its complement elsewhere. */
static float normal(float x) {
  static const float near[] = {0x1.4c5cb4p-14f, -0x1.a5197ap-11f, 0x1.542fecp-8f, -0x1.b7fec4p-6f,
                               0x1.ce2d52p-4f,  -0x1.81274p-2f,   0x1.06eba8p-3f};
  static const float far[] = {-0x1.b9c298p-13f, 0x1.a1b916p-9f, -0x1.7587eap-6f,
                              0x1.ae8e4ep-4f,   0x1.458bb4p-1f, 0x1.07208ap-3f};
  const float y = x * 0x1.6a09e6p-1f, a = fabsf(y);
  if (a < 1) return fmaf(0.5f, fmaf(horner(near, 7, y * y), y, y), 0.5f);
  const float tail = a > 4 ? 0 : 0.5f * ref_exp(fmaf(-horner(far, 6, a), a, -a));
  return x < 0 ? tail : 1 - tail;
}

static void gelu(float z, float *value, float *slope) {
  const float p = normal(z), density = ref_exp(z * z * -0.5f) * 0x1.988454p-2f;
  *value = z * p;
  *slope = fmaf(z, density, p);
}

/* The sigmoid of v and what it lacks of 1. */
static void halves(float v, float *s, float *rest) {
  const float e = ref_exp(-fabsf(v)), inverse = 1 / (1 + e), small = e * inverse;
  *s = v < 0 ? small : inverse;
  *rest = v < 0 ? inverse : small;
}

static void gelu_tanh(float z, float *value, float *slope) {
  const float k = 0x1.988454p+0f, z2 = fminf(1e4f, z * z);
  float s, rest;
  halves(z * fmaf(0x1.2444f2p-4f, z2, k), &s, &rest);
  *value = z * s;
  *slope = fmaf(*value * rest, fmaf(0x1.b6676cp-3f, z2, k), s);
}

static void silu(float z, float *value, float *slope) {
  float s, rest;
  halves(z, &s, &rest);
  *value = z * s;
  *slope = fmaf(*value, rest, s);
}

static void mish(float z, float *value, float *slope) {
  const float e = ref_exp(-fabsf(z)), n = z < 0 ? fmaf(e, e, e + e) : 1 + (e + e),
              rest = z < 0 ? 2 : (e + e) * e, t = n / (n + rest), down = rest / (n + rest),
              s = (z < 0 ? e : 1) / (1 + e);
  *value = z * t;
  *slope = fmaf(z * s, down * (1 + t), t);
}

static void softplus(float z, float *value, float *slope) {
  const float e = ref_exp(-fabsf(z));
  *value = (z > 0 ? z : 0) + ref_log_one_plus(e);
  *slope = (z < 0 ? e : 1) / (1 + e);
}

static void softsign(float z, float *value, float *slope) {
  *value = ref_flush(z / (1 + fabsf(z)));
  const float rest = 1 - fabsf(*value);
  *slope = rest * rest;
}

/* Slopes of those that are pieces of lines and exponentials follow from the stored value. */
static void pieces(int kind, float z, float *value, float *slope) {
  const float bottom = 1.7580993408473766f, scale = 1.0507009873554805f;
  const float below = z < 0 ? exp_minus_one(z) : 0;
  switch (kind) {
    case REF_RELU:
      *value = ref_flush(z < 0 ? 0 : z);
      *slope = *value > 0 ? 1.0f : 0.0f;
      break;
    case REF_LEAKY_RELU:
      *value = ref_flush(z < 0 ? z * 0.01f : z);
      *slope = *value > 0 ? 1 : 0.01f;
      break;
    case REF_ELU:
      *value = ref_flush(z < 0 ? below : z);
      *slope = *value > 0 ? 1 : *value + 1;
      break;
    case REF_SELU:
      *value = ref_flush(z < 0 ? below * bottom : z * scale);
      *slope = *value > 0 ? scale : *value + bottom;
      break;
    case REF_HARD_SIGMOID:
      *value = ref_flush(fminf(1, fmaxf(0, fmaf(z, 1 / 6.0f, 0.5f))));
      *slope = *value > 0 && *value < 1 ? 1 / 6.0f : 0.0f;
      break;
    case REF_HARD_TANH:
      *value = ref_flush(fminf(1, fmaxf(-1, z)));
      *slope = fabsf(*value) < 1 ? 1.0f : 0.0f;
      break;
    default:
      *value = z;
      *slope = 1;
  }
}

void ref_curve(int kind, float z, float *value, float *slope) {
  switch (kind) {
    case REF_SIGMOID:
      *value = ref_sigmoid(z);
      *slope = *value * (1 - *value);
      break;
    case REF_TANH:
      *value = ref_flush(ref_tanh(z));
      *slope = fmaf(-*value, *value, 1);
      break;
    case REF_GELU:
      gelu(z, value, slope);
      break;
    case REF_GELU_TANH:
      gelu_tanh(z, value, slope);
      break;
    case REF_SILU:
      silu(z, value, slope);
      break;
    case REF_MISH:
      mish(z, value, slope);
      break;
    case REF_SOFTPLUS:
      softplus(z, value, slope);
      break;
    case REF_SOFTSIGN:
      softsign(z, value, slope);
      break;
    case REF_EXPONENTIAL:
      *value = *slope = ref_exp(z);
      break;
    default:
      pieces(kind, z, value, slope);
  }
  if (kind != REF_IDENTITY) *value = ref_flush(*value);
  *slope = ref_flush(*slope);
}

void ref_parametric(int kind, float alpha, float factor, float *h, float *a, float *slope) {
  const float z = *h;
  float f, s;
  ref_curve(kind, z, &f, &s);
  *a = ref_flush(ref_flush(fmaf(alpha, f - z, z)) * factor);
  *slope = ref_flush(ref_flush(fmaf(alpha, s - 1, 1)) * factor);
  *h = ref_flush((f - z) * factor);
}

void ref_philox(const uint32_t counter[4], uint64_t key, uint32_t out[4]) {
  uint32_t c[4], k[2] = {(uint32_t)key, (uint32_t)(key >> 32)};
  memcpy(c, counter, sizeof c);
  for (int round = 0; round < 10; round++) {
    const uint64_t a = UINT64_C(0xD2511F53) * c[0], b = UINT64_C(0xCD9E8D57) * c[2];
    const uint32_t next[4] = {(uint32_t)(b >> 32) ^ c[1] ^ k[0], (uint32_t)b,
                              (uint32_t)(a >> 32) ^ c[3] ^ k[1], (uint32_t)a};
    memcpy(c, next, sizeof c);
    k[0] += 0x9E3779B9;
    k[1] += 0xBB67AE85;
  }
  memcpy(out, c, sizeof c);
}

double ref_power(double x, unsigned long n) {
  double result = 1;
  for (; n; n /= 2, x *= x)
    if (n % 2) result *= x;
  return result;
}

float ref_tree_of_16(float *partial) {
  for (size_t apart = 8; apart; apart /= 2)
    for (size_t i = 0; i < apart; i++) partial[i] += partial[i + apart];
  return partial[0];
}

void ref_normalize(const float *gain, const float *shift, size_t n, float *h, float *y,
                   float *root) {
  float sum[16] = {0}, squares[16] = {0};
  for (size_t j = 0; j < n; j++) sum[j % 16] += h[j];
  const float mean = ref_tree_of_16(sum) / (float)n;
  for (size_t j = 0; j < n; j++) squares[j % 16] = fmaf(h[j] - mean, h[j] - mean, squares[j % 16]);
  *root = 1 / sqrtf(ref_tree_of_16(squares) / (float)n + 1e-5f);
  for (size_t j = 0; j < n; j++) {
    h[j] = ref_flush((h[j] - mean) * *root);
    y[j] = fmaf(gain[j], h[j], shift[j]);
  }
}

void ref_normalize_back(const float *gain, size_t n, const float *h, const float *y, float root,
                        float *d) {
  float sum[16] = {0}, product[16] = {0};
  for (size_t j = 0; j < n; j++) {
    sum[j % 16] += gain[j] * y[j];
    product[j % 16] = fmaf(gain[j] * y[j], h[j], product[j % 16]);
  }
  const float s = ref_tree_of_16(sum) / (float)n, t = ref_tree_of_16(product) / (float)n;
  for (size_t j = 0; j < n; j++) d[j] = ref_flush(fmaf(-h[j], t, gain[j] * y[j] - s) * root);
}
