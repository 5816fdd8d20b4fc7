/* Losses that are sums or means of terms, one for each output: value and derivative side by side. A
 * new one: a case here, one row in loss.def.h. `loss` is a constant wherever these are inlined.
 *
 * a = f(z) is the output, y the target, e = a - y; d = dC/da but for the losses of z, whose
 * activation belongs to them: there d = dC/dz.
 *
 *   quadratic      sum of e^2/2                       d = e
 *   mse            mean of e^2                        2 e
 *   mae            mean of |e|                        sign e
 *   huber          mean of m (|e| - m/2), m = min(|e|, delta); e within +-delta (Huber 1964)
 *   log-cosh       mean of ln cosh e                  tanh e
 *   quantile       mean of max(t (y - a), (t - 1) (y - a)): -t below y, 1 - t above, 0 at y
 * (Koenker and Bassett 1978); the level t of column j is levels[j mod n_levels], its target y[j /
 * n_levels] hinge          mean of max(0, 1 - s a), s = 2 y - 1; -s inside the margin squared-hinge
 * mean of max(0, 1 - s a)^2
 *
 * of z, a = e^z, up to constants of y:
 *   poisson        mean of a - y z                    a - y
 *   gamma          mean of z + y e^-z                 1 - y e^-z
 *   tweedie        mean of a^(2-p)/(2-p) - y a^(1-p)/(1-p), 1 < p < 2 (Jorgensen 1987)
 *
 * of z, a = 1 / (1 + e^-z), y <- (1 - smoothing) y + smoothing/2 (Szegedy et al. 2016):
 *   cross-entropy  mean of max(z, 0) - z y + ln(1 + e^-|z|): of one output, or of labels; a - y
 *   focal          mean of q^g C, C the term of cross-entropy, q = |a - y| for y 0 or 1 (Lin et al.
 *                  2017, equation 4): q^g (1 + g (1 - q) C/q) (a - y) */
#ifndef GR_KERNEL_LOSS_TERMS_H
#define GR_KERNEL_LOSS_TERMS_H

#include "kernel/activation.h"
#include "kernel/kernel.h"

typedef struct gr_loss_term {
  vf out, loss, d;
} gr_loss_term;

/* Losses of z: they make the output themselves. */
GR_INLINE int loss_of_z(gr_loss loss) {
  return loss == GR_CROSS_ENTROPY || loss == GR_FOCAL || loss == GR_POISSON || loss == GR_GAMMA ||
         loss == GR_TWEEDIE;
}

/* Whether rows have the sum of terms, not their mean. */
GR_INLINE int loss_is_sum(gr_loss loss) {
  return loss == GR_QUADRATIC;
}

/* q^g for q in [0, 1], by e^(g ln q); what is below 2^-100 counts as 0, and 0^0 = 1. */
GR_INLINE vf loss_power(vf q, vf g) {
  const vf low = vf_set1(0x1p-100f);
  const vf power = vf_exp_down(vf_mul(g, vf_log(vf_max(low, q))));
  return vf_select(vf_lt(q, low), vf_select(vf_lt(vf_zero(), g), vf_zero(), vf_set1(1.0f)), power);
}

/* What focal multiplies cross-entropy c with, and its delta: p = 1 - q the probability of the
 * target; c / q is 1 where both vanish. */
GR_INLINE gr_curve focal_factors(vf q, vf c, vf g) {
  const vf one = vf_set1(1.0f), low = vf_set1(0x1p-100f), power = loss_power(q, g),
           ratio = vf_select(vf_lt(q, low), one, vf_div(c, vf_max(low, q)));
  return (gr_curve){power, vf_mul(power, vf_fma(vf_mul(g, vf_sub(one, q)), ratio, one))};
}

GR_INLINE gr_loss_term entropy_term(vf z, vf y) {
  const vf zero = vf_zero(), p = vf_sigmoid(z), e = vf_exp_down(vf_sub(zero, vf_abs(z)));
  const vf loss = vf_add(vf_nfma(z, y, vf_max(z, zero)), vf_log_one_plus(e));
  return (gr_loss_term){p, loss, vf_sub(p, y)};
}

/* ln cosh e = |e| + ln(1 + e^-2|e|) - ln 2, within 2^-23. */
GR_INLINE vf log_cosh(vf e) {
  const vf a = vf_abs(e), tail = vf_log_one_plus(vf_exp_down(vf_mul(a, vf_set1(-2.0f)))),
           value = vf_add(a, vf_sub(tail, vf_set1(0x1.62e43p-1f)));
  return vf_max(vf_zero(), value);
}

GR_INLINE gr_loss_term tweedie_term(vf z, vf y, vf power) {
  const vf one = vf_sub(vf_set1(1.0f), power), two = vf_sub(vf_set1(2.0f), power),
           low = vf_exp(vf_mul(one, z)), high = vf_exp(vf_mul(two, z));
  return (gr_loss_term){vf_exp(z), vf_sub(vf_div(high, two), vf_div(vf_mul(y, low), one)),
                        vf_nfma(y, low, high)};
}

GR_INLINE gr_loss_term quantile_term(vf x, vf e, vf level) {
  const vf zero = vf_zero(), one = vf_set1(1.0f);
  const vf above = vf_sub(zero, vf_mul(vf_sub(level, one), e)),
           below = vf_sub(zero, vf_mul(level, e));
  const vf down = vf_select(vf_lt(zero, e), vf_sub(one, level), e);
  return (gr_loss_term){x, vf_select(vf_lt(e, zero), below, above),
                        vf_select(vf_lt(e, zero), vf_sub(zero, level), down)};
}

/* x times 0 is added to the margin: a loss must show an output that is not finite. */
GR_INLINE gr_loss_term hinge_term(vf x, vf y, const int squared) {
  const vf zero = vf_zero(), one = vf_set1(1.0f), two = vf_set1(2.0f);
  const vf s = vf_fma(two, y, vf_set1(-1.0f)),
           margin = vf_fma(x, zero, vf_max(zero, vf_nfma(s, x, one))),
           inside = vf_select(vf_lt(zero, margin), s, zero);
  return (gr_loss_term){x, squared ? vf_mul(margin, margin) : margin,
                        vf_sub(zero, squared ? vf_mul(two, vf_mul(margin, s)) : inside)};
}

/* x: the output, or z for losses of z. */
GR_INLINE gr_loss_term loss_term(const gr_loss loss, const gr_loss_rows *l, vf x, vf y, vf level) {
  const vf zero = vf_zero(), one = vf_set1(1.0f), e = vf_sub(x, y),
           parameter = vf_set1(l->parameter);
  gr_loss_term t = {x, vf_mul(e, e), e};
  switch (loss) {
    case GR_MSE:
      t.d = vf_add(e, e);
      break;
    case GR_MAE:
      t.loss = vf_abs(e);
      t.d = vf_select(vf_lt(zero, t.loss), vf_copysign(one, e), e);
      break;
    case GR_HUBER: {
      const vf size = vf_abs(e), m = vf_min(parameter, size);
      t.loss = vf_mul(m, vf_nfma(vf_set1(0.5f), m, size));
      t.d = vf_copysign(m, e);
      break;
    }
    case GR_LOG_COSH:
      t.loss = log_cosh(e);
      t.d = vf_tanh(e);
      break;
    case GR_QUANTILE:
      return quantile_term(x, e, level);
    case GR_HINGE:
      return hinge_term(x, y, 0);
    case GR_SQUARED_HINGE:
      return hinge_term(x, y, 1);
    case GR_POISSON:
      t.out = vf_exp(x);
      t.loss = vf_nfma(y, x, t.out);
      t.d = vf_sub(t.out, y);
      break;
    case GR_GAMMA: {
      const vf share = vf_mul(y, vf_exp(vf_sub(zero, x)));
      t = (gr_loss_term){vf_exp(x), vf_add(x, share), vf_sub(one, share)};
      break;
    }
    case GR_TWEEDIE:
      return tweedie_term(x, y, parameter);
    case GR_CROSS_ENTROPY:
      return entropy_term(x, vf_fma(y, vf_set1(1 - l->smoothing), vf_set1(0.5f * l->smoothing)));
    case GR_FOCAL: {
      t = entropy_term(x, y);
      const gr_curve factor = focal_factors(vf_abs(t.d), t.loss, parameter);
      t.loss = vf_mul(t.loss, factor.value);
      t.d = vf_mul(t.d, factor.slope);
      break;
    }
    case GR_QUADRATIC:
    case GR_N_LOSSES:
      break;
  }
  return t;
}

#endif
