/* Philox4x32-10 and two distributions. Everything is integer arithmetic or IEEE 754 +, *, /, sqrt
 * and our own log, so the numbers are the same on every machine. */
#include <config.h>

#include "base/philox.h"

#include <math.h>

#include "base/elementary.h"

void gr_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]) {
  uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3], k0 = key[0],
           k1 = key[1];
  for (int round = 0; round < 10; round++) {
    uint64_t p0 = (uint64_t)0xD2511F53u * c0, p1 = (uint64_t)0xCD9E8D57u * c2;
    c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
    c1 = (uint32_t)p1;
    c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
    c3 = (uint32_t)p0;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
}

void gr_random_words(uint64_t seed, gr_stream stream, uint64_t a, uint64_t b, uint32_t out[4]) {
  const uint32_t counter[4] = {(uint32_t)b, (uint32_t)(b >> 32), (uint32_t)a, (uint32_t)stream};
  const uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
  gr_philox(counter, key, out);
}

double gr_random_uniform(uint64_t seed, gr_stream stream, uint64_t a, uint64_t b) {
  uint32_t w[4];
  gr_random_words(seed, stream, a, b, w);
  uint64_t bits = ((uint64_t)w[0] << 32 | w[1]) >> 11;
  if (bits == ((uint64_t)1 << 53) - 1) bits--; /* 1 - 2^-54 would round to 1 */
  return ((double)bits + 0.5) * 0x1p-53;
}

static double ratio(const double *a, const double *b, double x) {
  double top = a[7], bottom = b[7];
  for (int i = 6; i >= 0; i--) {
    top = top * x + a[i];
    bottom = bottom * x + b[i];
  }
  return top / bottom;
}

/* Inverse of the standard normal distribution function: coefficients of M. J. Wichura, "Algorithm
 * AS 241: the percentage points of the normal distribution", Applied Statistics 37 (1988) 477-484.
 */
double gr_normal_quantile(double p) {
  static const double a[8] = {3.3871328727963666080e0,  1.3314166789178437745e+2,
                              1.9715909503065514427e+3, 1.3731693765509461125e+4,
                              4.5921953931549871457e+4, 6.7265770927008700853e+4,
                              3.3430575583588128105e+4, 2.5090809287301226727e+3};
  static const double b[8] = {1,
                              4.2313330701600911252e+1,
                              6.8718700749205790830e+2,
                              5.3941960214247511077e+3,
                              2.1213794301586595867e+4,
                              3.9307895800092710610e+4,
                              2.8729085735721942674e+4,
                              5.2264952788528545610e+3};
  static const double c[8] = {1.42343711074968357734e0,  4.63033784615654529590e0,
                              5.76949722146069140550e0,  3.64784832476320460504e0,
                              1.27045825245236838258e0,  2.41780725177450611770e-1,
                              2.27238449892691845833e-2, 7.74545014278341407640e-4};
  static const double d[8] = {1,
                              2.05319162663775882187e0,
                              1.67638483018380384940e0,
                              6.89767334985100004550e-1,
                              1.48103976427480074590e-1,
                              1.51986665636164571966e-2,
                              5.47593808499534494600e-4,
                              1.05075007164441684324e-9};
  static const double e[8] = {6.65790464350110377720e0,  5.46378491116411436990e0,
                              1.78482653991729133580e0,  2.96560571828504891230e-1,
                              2.65321895265761230930e-2, 1.24266094738807843860e-3,
                              2.71155556874348757815e-5, 2.01033439929228813265e-7};
  static const double f[8] = {1,
                              5.99832206555887937690e-1,
                              1.36929880922735805310e-1,
                              1.48753612908506148525e-2,
                              7.86869131145613259100e-4,
                              1.84631831751005468180e-5,
                              1.42151175831644588870e-7,
                              2.04426310338993978564e-15};
  double q = p - 0.5;
  if (fabs(q) <= 0.425) return q * ratio(a, b, 0.180625 - q * q);
  double r = sqrt(-gr_ln(q < 0 ? p : 1 - p));
  double z = r <= 5 ? ratio(c, d, r - 1.6) : ratio(e, f, r - 5);
  return q < 0 ? -z : z;
}

double gr_random_normal(uint64_t seed, gr_stream stream, uint64_t a, uint64_t b) {
  return gr_normal_quantile(gr_random_uniform(seed, stream, a, b));
}
