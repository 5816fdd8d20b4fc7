/* Activations on vf: value and derivative side by side. Derivatives are taken from the output a =
 * f(z). A new one: two cases here, one row in activation.def.h. `kind` is a constant wherever these
 * are inlined. */
#ifndef GR_KERNEL_ACTIVATION_H
#define GR_KERNEL_ACTIVATION_H

#include "kernel/elementary.h"
#include "kernel/kinds.h"

/* a = f(z), values below 2^-100 flushed. Softmax needs the whole row: kernel/loss.c makes it, z
 * passes through here. */
GR_INLINE vf vf_activation(gr_activation kind, vf z) {
  switch (kind) {
    case GR_RELU:
      return vf_select(vf_lt(z, vf_set1(0x1p-100f)), vf_zero(), z); /* NaN stays */
    case GR_SIGMOID:
      return vf_sigmoid(z); /* already +0 below 2^-100 */
    case GR_TANH:
      return vf_select(vf_lt(vf_abs(z), vf_set1(0x1p-100f)), vf_zero(), vf_tanh(z));
    case GR_IDENTITY:
    case GR_SOFTMAX:
    case GR_N_ACTIVATIONS:
      break;
  }
  return z;
}

/* d * f'(z) for a = f(z), flushed. */
GR_INLINE vf vf_activation_back(gr_activation kind, vf d, vf a) {
  const vf one = vf_set1(1.0f);
  switch (kind) {
    case GR_RELU:
      return vf_flush(vf_select(vf_lt(vf_zero(), a), d, vf_zero()));
    case GR_SIGMOID:
      return vf_flush(vf_mul(d, vf_mul(a, vf_sub(one, a))));
    case GR_TANH:
      return vf_flush(vf_mul(d, vf_nfma(a, a, one)));
    case GR_IDENTITY:
    case GR_SOFTMAX:
    case GR_N_ACTIVATIONS:
      break;
  }
  return vf_flush(d);
}

#endif
