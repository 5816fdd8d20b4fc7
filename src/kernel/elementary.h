/* exp, log, sigmoid, tanh and erf on vf: polynomials of explicit fused operations, the same bits on
 * every instruction set. Coefficients: minimax fits rounded to single precision, made for these
 * intervals (Remez with Sollya's fpminimax). Bounds below were measured over all floats of the
 * range against double; the worst are 0.99 ulp for exp, 0.87 for log, 2.41 for sigmoid, 1.35 for
 * tanh and 1.05 for erf (tests/kernel sweeps every 2039th). */
#ifndef GR_KERNEL_ELEMENTARY_H
#define GR_KERNEL_ELEMENTARY_H

#include "kernel/simd.h"

/* e^c as (1 + q) 2^n, for c in [-69.4, 89]: c = n ln 2 + r, |r| <= ln 2 / 2; q = e^r - 1 = r + r^2
 * P(r), error of the fit 2^-31.8. *shifted is n + 1.5 2^23. A NaN makes q a NaN. */
GR_INLINE vf exp_minus_one_parts(vf c, vf *shifted) {
  const vf magic = vf_set1(0x1.8p23f);
  *shifted = vf_add(vf_mul(c, vf_set1(0x1.715476p+0f)), magic);
  vf n = vf_sub(*shifted, magic);
  vf r = vf_nfma(n, vf_set1(0x1.62e4p-1f), c);
  r = vf_nfma(n, vf_set1(0x1.7f7d1cp-20f), r);
  vf p = vf_set1(0x1.a270ccp-13f);
  p = vf_fma(p, r, vf_set1(0x1.6d3092p-10f));
  p = vf_fma(p, r, vf_set1(0x1.110feep-7f));
  p = vf_fma(p, r, vf_set1(0x1.5555p-5f));
  p = vf_fma(p, r, vf_set1(0x1.555556p-3f));
  p = vf_fma(p, r, vf_set1(0.5f));
  return vf_fma(vf_mul(r, r), p, r);
}

/* The same as e 2^n, e = 1 + q. */
GR_INLINE vf exp_parts(vf c, vf *shifted) {
  return vf_add(exp_minus_one_parts(c, shifted), vf_set1(1.0f));
}

#define GR_EXP_LOW (-0x1.154244p+6f) /* -69.3147: e^x = 2^-100 */

/* e^x. 2 ulp for x in [-69.3, 88.72]; +0 below -69.3147 (2^-100), inf above 88.7228; NaN stays NaN.
 */
GR_INLINE vf vf_exp(vf x) {
  const vf low = vf_set1(GR_EXP_LOW), one = vf_set1(1.0f);
  vf shifted, e = exp_parts(vf_max(low, vf_min(vf_set1(89.0f), x)), &shifted);
  vf value = vf_mul(vf_mul(e, vf_pow2(vf_sub(shifted, one))), vf_set1(2.0f)); /* n may be 128 */
  return vf_select(vf_lt(x, low), vf_zero(), value);
}

/* e^x for x <= 0 (or NaN): the same bits as vf_exp with fewer operations. */
GR_INLINE vf vf_exp_down(vf x) {
  const vf low = vf_set1(GR_EXP_LOW);
  vf shifted, e = exp_parts(vf_max(low, x), &shifted);
  return vf_select(vf_lt(x, low), vf_zero(), vf_mul(e, vf_pow2(shifted)));
}

/* e^x - 1 for x <= 0 (or NaN), 2 ulp: q 2^n + (2^n - 1). */
GR_INLINE vf vf_exp_minus_one_down(vf x) {
  vf shifted, q = exp_minus_one_parts(vf_max(vf_set1(GR_EXP_LOW), x), &shifted);
  const vf power = vf_pow2(shifted);
  return vf_fma(q, power, vf_sub(power, vf_set1(1.0f)));
}

/* ln x for positive normal x (2 ulp; 1 ulp away from 1); x = m 2^e, m in [sqrt(1/2), sqrt 2), ln m
 * = f - f^2/2 + f^3 P(f), f = m - 1. NaN and infinity pass through: a loss must show them. 0 gives
 * about -87.3 - 0.7 (the kernels never ask for it). */
GR_INLINE vf vf_log(vf x) {
  vf e = vf_zero();
  vf f = vf_sub(vf_log_split(x, &e), vf_set1(1.0f));
  vf p = vf_set1(0x1.2cb38cp-4f);
  p = vf_fma(p, f, vf_set1(-0x1.ddb316p-4f));
  p = vf_fma(p, f, vf_set1(0x1.dc7628p-4f));
  p = vf_fma(p, f, vf_set1(-0x1.fbbf2ap-4f));
  p = vf_fma(p, f, vf_set1(0x1.23de3ep-3f));
  p = vf_fma(p, f, vf_set1(-0x1.556288p-3f));
  p = vf_fma(p, f, vf_set1(0x1.999d2ap-3f));
  p = vf_fma(p, f, vf_set1(-0x1.ffffe6p-3f));
  p = vf_fma(p, f, vf_set1(0x1.555554p-2f));
  vf f2 = vf_mul(f, f);
  vf tail = vf_fma(vf_mul(f2, f), p, vf_mul(f2, vf_set1(-0.5f)));
  tail = vf_fma(e, vf_set1(0x1.7f7d1cp-20f), tail);
  vf value = vf_fma(e, vf_set1(0x1.62e4p-1f), vf_add(tail, f));
  return vf_select(vf_lt(x, vf_set1(INFINITY)), value, x);
}

/* ln(1 + e) for e in [0, 1], corrected for the rounding of u = 1 + e. */
GR_INLINE vf vf_log_one_plus(vf e) {
  const vf one = vf_set1(1.0f), u = vf_add(one, e);
  return vf_add(vf_log(u), vf_div(vf_sub(e, vf_sub(u, one)), u));
}

/* 1 / (1 + e^-x), 3 ulp; through e^-|x| so that nothing overflows; +0 where the result is below
 * 2^-100. */
GR_INLINE vf vf_sigmoid(vf x) {
  vf e = vf_exp_down(vf_sub(vf_zero(), vf_abs(x)));
  vf negative = vf_select(vf_lt(x, vf_zero()), e, vf_set1(1.0f));
  return vf_div(negative, vf_add(vf_set1(1.0f), e));
}

/* tanh x, 2 ulp: x + x^3 P(x^2) for |x| < 0.6, else 1 - 2 / (e^(2|x|) + 1) with the sign of x,
 * which is 1 from |x| = 15 at the latest. */
GR_INLINE vf vf_tanh(vf x) {
  vf a = vf_abs(x), x2 = vf_mul(x, x);
  vf p = vf_set1(0x1.4d7b44p-9f);
  p = vf_fma(p, x2, vf_set1(-0x1.1930dcp-7f));
  p = vf_fma(p, x2, vf_set1(0x1.65fc46p-6f));
  p = vf_fma(p, x2, vf_set1(-0x1.ba21bep-5f));
  p = vf_fma(p, x2, vf_set1(0x1.111148p-3f));
  p = vf_fma(p, x2, vf_set1(-0x1.555556p-2f));
  vf small = vf_fma(vf_mul(x2, x), p, x);
  vf shifted, e = exp_parts(vf_min(vf_set1(30.0f), vf_add(a, a)), &shifted);
  e = vf_mul(e, vf_pow2(shifted));
  vf large = vf_sub(vf_set1(1.0f), vf_div(vf_set1(2.0f), vf_add(e, vf_set1(1.0f))));
  return vf_select(vf_lt(a, vf_set1(0.6f)), small, vf_copysign(large, x));
}

/* |x| < 1: P(x^2), an fpminimax fit of erf(sqrt s)/sqrt s - 1: erf x = x + x P, error 2^-29.3. */
GR_INLINE vf erf_middle(vf x) {
  const vf x2 = vf_mul(x, x);
  vf p = vf_set1(0x1.4c5cb4p-14f);
  p = vf_fma(p, x2, vf_set1(-0x1.a5197ap-11f));
  p = vf_fma(p, x2, vf_set1(0x1.542fecp-8f));
  p = vf_fma(p, x2, vf_set1(-0x1.b7fec4p-6f));
  p = vf_fma(p, x2, vf_set1(0x1.ce2d52p-4f));
  p = vf_fma(p, x2, vf_set1(-0x1.81274p-2f));
  return vf_fma(p, x2, vf_set1(0x1.06eba8p-3f));
}

/* 1 - erf a for a in [1, 4], else of what is nearest to it there: e^-(t + t Q(t)) with t = min(a,
 * 4), Q a Remez fit of -ln(erfc t)/t - 1 weighted by t erfc(t)/erf(t); its coefficients were
 * rounded from the lowest on, those above fitted anew each time; error 2^-28.6 of erf. */
GR_INLINE vf erf_rest(vf a) {
  const vf t = vf_min(vf_set1(4.0f), a);
  vf q = vf_set1(-0x1.b9c298p-13f);
  q = vf_fma(q, t, vf_set1(0x1.a1b916p-9f));
  q = vf_fma(q, t, vf_set1(-0x1.7587eap-6f));
  q = vf_fma(q, t, vf_set1(0x1.ae8e4ep-4f));
  q = vf_fma(q, t, vf_set1(0x1.458bb4p-1f));
  q = vf_fma(q, t, vf_set1(0x1.07208ap-3f));
  return vf_exp_down(vf_nfma(q, t, vf_sub(vf_zero(), t)));
}

/* erf x, 2 ulp; odd, -0 and subnormals included; +-1 from +-4 on; NaN stays NaN. */
GR_INLINE vf vf_erf(vf x) {
  const vf a = vf_abs(x), small = vf_fma(erf_middle(x), x, x),
           large = vf_sub(vf_set1(1.0f), erf_rest(a));
  return vf_select(vf_lt(a, vf_set1(1.0f)), small, vf_copysign(large, x));
}

/* The normal distribution function, (1 + erf(x / sqrt 2)) / 2, within 2^-24; below 0 without the
 * difference of 1 and nearly 1; +0 from -5.66 down, where it is below 2^-26. NaN stays NaN. */
GR_INLINE vf vf_normal(vf x) {
  const vf half = vf_set1(0.5f), one = vf_set1(1.0f), zero = vf_zero(),
           y = vf_mul(x, vf_set1(0x1.6a09e6p-1f)), a = vf_abs(y),
           middle = vf_fma(half, vf_fma(erf_middle(y), y, y), half);
  const vf tail = vf_select(vf_lt(vf_set1(4.0f), a), zero, vf_mul(half, erf_rest(a))),
           outside = vf_select(vf_lt(x, zero), tail, vf_sub(one, tail));
  return vf_select(vf_lt(a, one), middle, outside);
}

#endif
