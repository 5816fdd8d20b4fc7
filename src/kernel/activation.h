/* Activations on vf: value and slope side by side. A new one: two cases here, one row in
 * activation.def.h. `kind` is a constant wherever these are inlined.
 *
 * u below is the unit roundoff, 2^-24; bounds are absolute, beside 3 ulp of the value, and tested
 * against double (tests/kernel/test_activations.c).
 *
 *   relu          max(z, 0)                              Nair and Hinton 2010
 *   leaky-relu    z, below 0 z/100                       Maas, Hannun and Ng 2013
 *   elu           z, below 0 e^z - 1                     Clevert, Unterthiner and Hochreiter 2016
 *   selu          l z, below 0 l a (e^z - 1)             Klambauer et al. 2017; l, a there
 *   gelu          z P(z), P the normal distribution      Hendrycks and Gimpel 2016
 *   gelu-tanh     z s(2 sqrt(2/pi) (z + 0.044715 z^3))   the same, their approximation
 *   silu          z s(z), s the sigmoid                  Elfwing, Uchibe and Doya 2018
 *   mish          z tanh(ln(1 + e^z))                    Misra 2020
 *   softplus      ln(1 + e^z)                            Dugas et al. 2001
 *   softsign      z / (1 + |z|)                          Elliott 1993
 *   hard-sigmoid  z/6 + 1/2 within [0, 1]
 *   hard-tanh     z within [-1, 1]
 *   exponential   e^z */
#ifndef GR_KERNEL_ACTIVATION_H
#define GR_KERNEL_ACTIVATION_H

#include "kernel/elementary.h"
#include "kernel/kinds.h"

#define GR_LEAK 0.01f
#define GR_SELU_SCALE 1.0507009873554805f  /* l */
#define GR_SELU_BOTTOM 1.7580993408473766f /* l a */

/* Slopes of those that need z for it, and their values. */
typedef struct gr_curve {
  vf value, slope;
} gr_curve;

/* P'(z) = e^(-z^2/2) / sqrt(2 pi); slope P(z) + z P'(z). */
GR_INLINE gr_curve gelu_curve(vf z) {
  const vf p = vf_normal(z), z2 = vf_mul(z, z),
           density = vf_mul(vf_exp_down(vf_mul(z2, vf_set1(-0.5f))), vf_set1(0x1.988454p-2f));
  return (gr_curve){vf_mul(z, p), vf_fma(z, density, p)};
}

/* s(v) and 1 - s(v), both good to 4 ulp. */
typedef struct gr_halves {
  vf s, rest;
} gr_halves;

GR_INLINE gr_halves both_halves(vf v) {
  const vf one = vf_set1(1.0f), zero = vf_zero(), e = vf_exp_down(vf_sub(zero, vf_abs(v))),
           inverse = vf_div(one, vf_add(one, e)), small = vf_mul(e, inverse);
  const vm below = vf_lt(v, zero);
  return (gr_halves){vf_select(below, small, inverse), vf_select(below, inverse, small)};
}

/* a = z s(v); slope s + z s (1 - s) v'. */
GR_INLINE gr_curve gelu_tanh_curve(vf z) {
  const vf k = vf_set1(0x1.988454p+0f), c = vf_set1(0x1.2444f2p-4f),
           c3 = vf_set1(0x1.b6676cp-3f); /* 2 sqrt(2/pi), 0.044715 of it, 3 times that */
  const vf z2 = vf_min(vf_set1(1e4f), vf_mul(z, z)); /* s is 0 or 1 long before */
  const gr_halves h = both_halves(vf_mul(z, vf_fma(c, z2, k)));
  const vf a = vf_mul(z, h.s);
  return (gr_curve){a, vf_fma(vf_mul(a, h.rest), vf_fma(c3, z2, k), h.s)};
}

/* Slope s + z s (1 - s). */
GR_INLINE gr_curve silu_curve(vf z) {
  const gr_halves h = both_halves(z);
  const vf a = vf_mul(z, h.s);
  return (gr_curve){a, vf_fma(a, h.rest, h.s)};
}

/* tanh(ln(1 + E)) = n / (n + 2) with n = E (E + 2), E = e^z; above 0 both sides divided by E^2, so
 * that only e = e^-|z| is needed. With t that tanh, the slope is t + z (1 - t^2) s(z). */
GR_INLINE gr_curve mish_curve(vf z) {
  const vf one = vf_set1(1.0f), two = vf_set1(2.0f), zero = vf_zero();
  const vm below = vf_lt(z, zero);
  const vf e = vf_exp_down(vf_sub(zero, vf_abs(z))), e2 = vf_add(e, e),
           n = vf_select(below, vf_fma(e, e, e2), vf_add(one, e2)),
           rest = vf_select(below, two, vf_mul(e2, e)), whole = vf_add(n, rest),
           t = vf_div(n, whole), down = vf_div(rest, whole), /* 1 - t */
      s = vf_div(vf_select(below, e, one), vf_add(one, e));
  return (gr_curve){vf_mul(z, t), vf_fma(vf_mul(z, s), vf_mul(down, vf_add(one, t)), t)};
}

/* max(z, 0) + ln(1 + e), e = e^-|z|; slope s(z). */
GR_INLINE gr_curve softplus_curve(vf z) {
  const vf one = vf_set1(1.0f), zero = vf_zero(), e = vf_exp_down(vf_sub(zero, vf_abs(z))),
           up = vf_select(vf_lt(z, zero), e, one);
  return (gr_curve){vf_add(vf_max(zero, z), vf_log_one_plus(e)), vf_div(up, vf_add(one, e))};
}

/* e^z - 1 where z is below 0, else 0. */
GR_INLINE vf below_zero(vf z) {
  return vf_exp_minus_one_down(vf_min(vf_zero(), z));
}

/* f(z), and f'(z) where that needs z; not flushed. */
GR_INLINE gr_curve vf_curve(gr_activation kind, vf z) {
  const vf zero = vf_zero(), one = vf_set1(1.0f);
  const vm below = vf_lt(z, zero);
  gr_curve c = {z, one};
  switch (kind) {
    case GR_RELU: /* NaN stays */
      c.value = vf_select(below, zero, z);
      break;
    case GR_SIGMOID:
      c.value = vf_sigmoid(z);
      break;
    case GR_TANH:
      c.value = vf_tanh(z);
      break;
    case GR_LEAKY_RELU:
      c.value = vf_select(below, vf_mul(z, vf_set1(GR_LEAK)), z);
      break;
    case GR_ELU:
      c.value = vf_select(below, below_zero(z), z);
      break;
    case GR_SELU:
      c.value = vf_select(below, vf_mul(below_zero(z), vf_set1(GR_SELU_BOTTOM)),
                          vf_mul(z, vf_set1(GR_SELU_SCALE)));
      break;
    case GR_GELU:
      return gelu_curve(z);
    case GR_GELU_TANH:
      return gelu_tanh_curve(z);
    case GR_SILU:
      return silu_curve(z);
    case GR_MISH:
      return mish_curve(z);
    case GR_SOFTPLUS:
      return softplus_curve(z);
    case GR_SOFTSIGN:
      c.value = vf_div(z, vf_add(one, vf_abs(z)));
      break;
    case GR_HARD_SIGMOID:
      c.value = vf_min(one, vf_max(zero, vf_fma(z, vf_set1(1 / 6.0f), vf_set1(0.5f))));
      break;
    case GR_HARD_TANH:
      c.value = vf_min(one, vf_max(vf_set1(-1.0f), z));
      break;
    case GR_EXPONENTIAL:
      c.value = vf_exp(z);
      break;
    case GR_IDENTITY:
    case GR_SOFTMAX:
    case GR_N_ACTIVATIONS:
      break;
  }
  return c;
}

/* Whether the value may be below 2^-100 without being +0; sigmoid and exponential make that +0
 * themselves, identity and softmax are stored as they are. */
GR_INLINE int lingers(gr_activation kind) {
  return kind != GR_SIGMOID && kind != GR_EXPONENTIAL && kind != GR_IDENTITY && kind != GR_SOFTMAX;
}

/* a = f(z), values below 2^-100 flushed. Softmax needs the whole row: kernel/loss.c makes it, z
 * passes through here. */
GR_INLINE vf vf_activation(gr_activation kind, vf z) {
  if (kind == GR_RELU) return vf_select(vf_lt(z, vf_set1(0x1p-100f)), vf_zero(), z);
  const vf a = vf_curve(kind, z).value;
  return lingers(kind) ? vf_flush(a) : a;
}

/* f'(z) from a = f(z), for the kinds that allow it. */
GR_INLINE vf slope_from_output(gr_activation kind, vf a) {
  const vf one = vf_set1(1.0f), zero = vf_zero();
  const vm above = vf_lt(zero, a);
  switch (kind) {
    case GR_RELU:
      return vf_select(above, one, zero);
    case GR_SIGMOID:
      return vf_mul(a, vf_sub(one, a));
    case GR_TANH:
      return vf_nfma(a, a, one);
    case GR_LEAKY_RELU:
      return vf_select(above, one, vf_set1(GR_LEAK));
    case GR_ELU:
      return vf_select(above, one, vf_add(a, one));
    case GR_SELU:
      return vf_select(above, vf_set1(GR_SELU_SCALE), vf_add(a, vf_set1(GR_SELU_BOTTOM)));
    case GR_SOFTSIGN: {
      const vf rest = vf_sub(one, vf_abs(a));
      return vf_mul(rest, rest);
    }
    case GR_HARD_SIGMOID:
      return vf_select(above, vf_select(vf_lt(a, one), vf_set1(1 / 6.0f), zero), zero);
    case GR_HARD_TANH:
      return vf_select(vf_lt(vf_abs(a), one), one, zero);
    case GR_EXPONENTIAL:
      return a;
    default:
      return one;
  }
}

/* a = f(z) and f'(z), both flushed: the value with the bits of vf_activation. */
GR_INLINE gr_curve vf_activation_curve(gr_activation kind, vf z) {
  gr_curve c = vf_curve(kind, z);
  c.value = vf_activation(kind, z);
  if (!gr_activation_from_input(kind)) c.slope = slope_from_output(kind, c.value);
  c.slope = vf_flush(c.slope);
  return c;
}

/* d * f'(z) for a = f(z), flushed; not for kinds whose slope needs z. */
GR_INLINE vf vf_activation_back(gr_activation kind, vf d, vf a) {
  if (kind == GR_IDENTITY || kind == GR_SOFTMAX) return vf_flush(d);
  if (kind == GR_RELU) return vf_flush(vf_select(vf_lt(vf_zero(), a), d, vf_zero()));
  return vf_flush(vf_mul(d, slope_from_output(kind, a)));
}

#endif
