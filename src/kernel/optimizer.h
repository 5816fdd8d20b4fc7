/* Optimisers on vf: one function each, g the summed gradient of 16 parameters. A new one: a case
 * here, its coefficients in exec/update.c, one row in optimizer.def.h. `kind` is a constant
 * wherever this is inlined.
 *
 * sgd: g' = s g + d w; w <- w - r g'
 *
 * momentum: m <- mu m + g'; w <- w - r m (Polyak 1964, in PyTorch's form)
 *
 * nesterov: m <- mu m + g'; w <- w - r (g' + mu m) (Sutskever et al. 2013, in PyTorch's form)
 *
 * adam: m <- b1 m + (1 - b1) g'; v <- b2 v + (1 - b2) g'^2; w <- w - r_t m / (sqrt(v) c_t + eps),
 * r_t = r / (1 - b1^t), c_t = 1 / sqrt(1 - b2^t) (Kingma and Ba 2015, algorithm 1)
 *
 * adamw: w <- w - r d w, then adam with g' = s g (Loshchilov and Hutter 2019, algorithm 2) */
#ifndef GR_KERNEL_OPTIMIZER_H
#define GR_KERNEL_OPTIMIZER_H

#include "kernel/kernel.h"
#include "kernel/simd.h"

GR_INLINE vf adam_direction(const gr_update_coefficients *u, vf g, float *moment1, float *moment2) {
  vf m = vf_fma(vf_set1(u->momentum), vf_load(moment1), vf_mul(vf_set1(u->one_minus_beta1), g));
  vf v = vf_fma(vf_set1(u->beta2), vf_load(moment2),
                vf_mul(vf_mul(vf_set1(u->one_minus_beta2), g), g));
  m = vf_flush(m);
  v = vf_flush(v);
  vf_store(moment1, m);
  vf_store(moment2, v);
  return vf_div(m, vf_fma(vf_sqrt(v), vf_set1(u->root_correction), vf_set1(u->epsilon)));
}

/* Plain gradient descent without decay: w <- w - r (s g). */
GR_INLINE vf vf_descend(vf rate, vf scale, vf w, vf g) {
  return vf_nfma(rate, vf_mul(g, scale), w);
}

GR_INLINE vf vf_update(gr_optimizer kind, const gr_update_coefficients *u, vf w, vf g,
                       float *moment1, float *moment2) {
  const vf rate = vf_set1(u->learning_rate);
  if (kind == GR_SGD && u->decay == 0) return vf_descend(rate, vf_set1(u->scale), w, g);
  g = vf_mul(g, vf_set1(u->scale));
  if (kind == GR_ADAMW)
    w = vf_nfma(vf_set1(u->decay), w, w);
  else
    g = vf_fma(vf_set1(u->decay), w, g);
  switch (kind) {
    case GR_MOMENTUM:
    case GR_NESTEROV: {
      vf m = vf_flush(vf_fma(vf_set1(u->momentum), vf_load(moment1), g));
      vf_store(moment1, m);
      return vf_nfma(rate, kind == GR_NESTEROV ? vf_fma(vf_set1(u->momentum), m, g) : m, w);
    }
    case GR_ADAM:
    case GR_ADAMW:
      return vf_nfma(rate, adam_direction(u, g, moment1, moment2), w);
    case GR_SGD:
    case GR_N_OPTIMIZERS:
      break;
  }
  return vf_nfma(rate, g, w);
}

#endif
