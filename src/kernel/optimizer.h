/* Optimisers on vf: one function each, g the summed gradient of 16 parameters. A new one: a case
 * here, its coefficients in exec/update.c, one row in optimizer.def.h. `kind` is a constant
 * wherever this is inlined.
 *
 * Everywhere g' = s g + d w, or, where decay is decoupled, g' = s g and first w <- w - r d w
 * (Loshchilov and Hutter 2019). Where wanted, s g is first held within -clip and clip, and
 * l1 sign(w) is added to it (Tsuruoka, Tsujii and Ananiadou 2009, eq. 5, the plain form).
 *
 * sgd: w <- w - r g'
 *
 * momentum: m <- mu m + g'; w <- w - r m (Polyak 1964, in PyTorch's form)
 *
 * nesterov: m <- mu m + g'; w <- w - r (g' + mu m) (Sutskever et al. 2013, in PyTorch's form)
 *
 * adam: m <- b1 m + (1 - b1) g'; v <- b2 v + (1 - b2) g'^2; w <- w - r_t m / (sqrt(v) c_t + eps),
 * r_t = r / (1 - b1^t), c_t = 1 / sqrt(1 - b2^t) (Kingma and Ba 2015, algorithm 1)
 *
 * adamw: adam with decoupled decay (Loshchilov and Hutter 2019, algorithm 2)
 *
 * adagrad: v <- v + g'^2; w <- w - r g' / (sqrt(v) + eps) (Duchi, Hazan and Singer 2011, the
 * diagonal form of figure 1)
 *
 * rmsprop: v <- b2 v + (1 - b2) g'^2; w <- w - r g' / (sqrt(v) + eps) (Tieleman and Hinton 2012)
 *
 * rmsprop-momentum: v likewise; m <- mu m + g' / (sqrt(v) + eps); w <- w - r m (PyTorch's form)
 *
 * adadelta: v <- b2 v + (1 - b2) g'^2; x = sqrt(u + eps) / sqrt(v + eps) g';
 * u <- b2 u + (1 - b2) x^2; w <- w - r x (Zeiler 2012, algorithm 1); u is the first moment
 *
 * nadam: m, v and c_t as in adam; w <- w - (p_t g' + q_t m) / (sqrt(v) c_t + eps),
 * p_t = r (1 - mu_t) / (1 - P_t), q_t = r mu_t+1 / (1 - P_t+1), mu_t = b1 (1 - 0.96^(t/250) / 2),
 * P_t = mu_1 mu_2 .. mu_t (Dozat 2016, with the schedule of section 3.2)
 *
 * lion: w <- w - r sign(b1 m + (1 - b1) g'); m <- b2 m + (1 - b2) g', decoupled decay, sign(0) = 0
 * (Chen et al. 2023, algorithm 2)
 *
 * lamb: m, v and c_t as in adam; u = p_t m / (sqrt(v) c_t + eps) + d w, p_t = 1 / (1 - b1^t);
 * w <- w - r (|w| / |u|) u with the norms of the weights of a layer, their quotient being 1 where
 * either is 0 (You et al. 2020, algorithm 2, phi(z) = z). Here it is 1, as for biases it always is;
 * `direction` leaves u where g was, for exec/whole.c to take the step
 *
 * rprop: x the gradient of the step before (0 at first), D a step size (r at first), each weight's
 * own, and s = sign(x g'). s > 0: D <- min(1.2 D, 50). s < 0: where the loss has grown w goes back
 * by sign(x) D; D <- max(D / 2, 1e-6), and x becomes 0. Else, and where s > 0, w <- w - sign(g') D
 * and x becomes g' (iRprop+ of Igel and Huesken 2000, algorithm in section 2, with the numbers of
 * Riedmiller and Braun 1993); D is the first moment
 *
 * lbfgs: net/lbfgs.h; its vectors are combined in exec/lbfgs.c, and not here */
#ifndef GR_KERNEL_OPTIMIZER_H
#define GR_KERNEL_OPTIMIZER_H

#include "kernel/kernel.h"
#include "kernel/simd.h"

/* Whether decay acts apart from the gradient. */
GR_INLINE int decouples(gr_optimizer kind) {
  switch (kind) {
#define GR_OPTIMIZER(id, name, moments, decoupled, ...) \
  case GR_##id:                                         \
    return decoupled;
#include "kernel/optimizer.def.h"
#undef GR_OPTIMIZER
    case GR_N_OPTIMIZERS:
      break;
  }
  return 0;
}

/* x <- c x + (1 - c) y, and its new value. */
GR_INLINE vf running_mean(float c, float one_minus_c, vf y, float *x) {
  const vf mean = vf_flush(vf_fma(vf_set1(c), vf_load(x), vf_mul(vf_set1(one_minus_c), y)));
  vf_store(x, mean);
  return mean;
}

/* v <- b2 v + (1 - b2) g^2 */
GR_INLINE vf mean_square(const gr_update_coefficients *u, vf g, float *moment) {
  const vf v = vf_flush(vf_fma(vf_set1(u->beta2), vf_load(moment),
                               vf_mul(vf_mul(vf_set1(u->one_minus_beta2), g), g)));
  vf_store(moment, v);
  return v;
}

/* m <- mu m + g */
GR_INLINE vf accelerate(const gr_update_coefficients *u, vf g, float *moment) {
  const vf m = vf_flush(vf_fma(vf_set1(u->momentum), vf_load(moment), g));
  vf_store(moment, m);
  return m;
}

/* sqrt(v) c + eps */
GR_INLINE vf corrected_root(const gr_update_coefficients *u, vf v) {
  return vf_fma(vf_sqrt(v), vf_set1(u->root_correction), vf_set1(u->epsilon));
}

/* g / (sqrt(v) + eps) */
GR_INLINE vf over_root(const gr_update_coefficients *u, vf g, vf v) {
  return vf_div(g, vf_add(vf_sqrt(v), vf_set1(u->epsilon)));
}

GR_INLINE vf adagrad_direction(const gr_update_coefficients *u, vf g, float *moment1) {
  const vf v = vf_flush(vf_fma(g, g, vf_load(moment1)));
  vf_store(moment1, v);
  return over_root(u, g, v);
}

GR_INLINE vf adadelta_direction(const gr_update_coefficients *u, vf g, float *moment1,
                                float *moment2) {
  const vf epsilon = vf_set1(u->epsilon), v = mean_square(u, g, moment2);
  const vf x =
      vf_mul(vf_div(vf_sqrt(vf_add(vf_load(moment1), epsilon)), vf_sqrt(vf_add(v, epsilon))), g);
  mean_square(u, x, moment1);
  return x;
}

/* NaN stays NaN, and zero zero. */
GR_INLINE vf vf_sign(vf x) {
  return vf_select(vf_lt(vf_zero(), vf_abs(x)), vf_copysign(vf_set1(1), x), x);
}

GR_INLINE vf lion_direction(const gr_update_coefficients *u, vf g, float *moment1) {
  const vf c =
      vf_fma(vf_set1(u->momentum), vf_load(moment1), vf_mul(vf_set1(u->one_minus_beta1), g));
  running_mean(u->beta2, u->one_minus_beta2, g, moment1);
  return vf_sign(c);
}

GR_INLINE vf lamb_direction(const gr_update_coefficients *u, vf w, vf g, float *moment1,
                            float *moment2) {
  const vf m = running_mean(u->momentum, u->one_minus_beta1, g, moment1),
           root = corrected_root(u, mean_square(u, g, moment2));
  return vf_fma(vf_set1(u->decay), w, vf_div(vf_mul(vf_set1(u->gradient_rate), m), root));
}

GR_INLINE vf rprop_weight(const gr_update_coefficients *u, vf w, vf g, float *moment1,
                          float *moment2) {
  const vf kept = vf_load(moment1), last = vf_sign(vf_load(moment2)), now = vf_sign(g),
           size = vf_select(vf_lt(vf_zero(), kept), kept, vf_set1(u->learning_rate)),
           same = vf_mul(last, now), longer = vf_min(vf_set1(50), vf_mul(size, vf_set1(1.2f))),
           shorter = vf_max(vf_set1(1e-6f), vf_mul(size, vf_set1(0.5f))),
           grown = vf_select(vf_lt(vf_zero(), same), longer, size),
           back = u->grew ? vf_mul(last, size) : vf_zero();
  vf_store(moment1, vf_select(vf_lt(same, vf_zero()), shorter, grown));
  vf_store(moment2, vf_select(vf_lt(same, vf_zero()), vf_zero(), vf_flush(g)));
  return vf_select(vf_lt(same, vf_zero()), vf_add(w, back), vf_nfma(now, grown, w));
}

/* s g, held within -clip and clip; NaN stays NaN. */
GR_INLINE vf mean_gradient(const gr_update_coefficients *u, vf g) {
  g = vf_mul(g, vf_set1(u->scale));
  return u->clip > 0 ? vf_max(vf_set1(-u->clip), vf_min(vf_set1(u->clip), g)) : g;
}

/* The same, with the slope of l1 |w|. */
GR_INLINE vf sparse_gradient(const gr_update_coefficients *u, vf w, vf g) {
  g = mean_gradient(u, g);
  return u->l1 != 0 ? vf_fma(vf_set1(u->l1), vf_sign(w), g) : g;
}

/* Whether the update is plain gradient descent without decay: w <- w - r (s g). */
GR_INLINE int vf_descends(const gr_update_coefficients *u) {
  return u->optimizer == GR_SGD && u->decay == 0 && u->l1 == 0 && u->clip == 0;
}

GR_INLINE vf vf_descend(vf rate, vf scale, vf w, vf g) {
  return vf_nfma(rate, vf_mul(g, scale), w);
}

GR_INLINE vf vf_update(gr_optimizer kind, const gr_update_coefficients *u, vf w, vf g,
                       float *moment1, float *moment2) {
  const vf rate = vf_set1(u->learning_rate);
  if (kind == GR_SGD && vf_descends(u)) return vf_descend(rate, vf_set1(u->scale), w, g);
  g = sparse_gradient(u, w, g);
  if (kind == GR_LAMB) return vf_nfma(rate, lamb_direction(u, w, g, moment1, moment2), w);
  if (decouples(kind))
    w = vf_nfma(vf_set1(u->decay), w, w);
  else
    g = vf_fma(vf_set1(u->decay), w, g);
  switch (kind) {
    case GR_MOMENTUM:
      return vf_nfma(rate, accelerate(u, g, moment1), w);
    case GR_NESTEROV:
      return vf_nfma(rate, vf_fma(vf_set1(u->momentum), accelerate(u, g, moment1), g), w);
    case GR_ADAM:
    case GR_ADAMW: {
      const vf m = running_mean(u->momentum, u->one_minus_beta1, g, moment1);
      return vf_nfma(rate, vf_div(m, corrected_root(u, mean_square(u, g, moment2))), w);
    }
    case GR_ADAGRAD:
      return vf_nfma(rate, adagrad_direction(u, g, moment1), w);
    case GR_RMSPROP:
      return vf_nfma(rate, over_root(u, g, mean_square(u, g, moment1)), w);
    case GR_RMSPROP_MOMENTUM:
      return vf_nfma(rate, accelerate(u, over_root(u, g, mean_square(u, g, moment2)), moment1), w);
    case GR_ADADELTA:
      return vf_nfma(rate, adadelta_direction(u, g, moment1, moment2), w);
    case GR_NADAM: {
      const vf m = running_mean(u->momentum, u->one_minus_beta1, g, moment1),
               step = vf_fma(vf_set1(u->gradient_rate), g, vf_mul(rate, m));
      return vf_sub(w, vf_div(step, corrected_root(u, mean_square(u, g, moment2))));
    }
    case GR_LION:
      return vf_nfma(rate, lion_direction(u, g, moment1), w);
    case GR_RPROP:
      return rprop_weight(u, w, g, moment1, moment2);
    case GR_SGD:
    case GR_LAMB:  /* above */
    case GR_LBFGS: /* elsewhere */
    case GR_N_OPTIMIZERS:
      break;
  }
  return vf_nfma(rate, g, w);
}

#endif
