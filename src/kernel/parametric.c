/* Parametric activations: every neuron has a number of its own, alpha, by which its output lies
 * between its weighted input and the activation of that, or beyond. The product leaves z; this
 * makes the outputs, the slopes, which are kept as those of dropout are, and what the gradient of
 * alpha wants. */
#include <config.h>

#include "kernel/activation.h"
#include "kernel/kernel.h"
#include "kernel/simd.h"

enum { VALUE, SLOPE, DROPOUT, N_WAYS };

GR_INLINE void panel_of(const gr_activation kind, const int with, const gr_parametric *k,
                        size_t p) {
  const vf alpha = vf_load(k->alpha + p), one = vf_set1(1.0f);
  for (size_t r = 0; r < k->n_rows; r++) {
    const size_t at = r * k->ld + p;
    const vf z = vf_load(k->z + at);
    if (with == VALUE) {
      const vf way = vf_sub(vf_activation(kind, z), z);
      vf_store(k->a + at, vf_flush(vf_fma(alpha, way, z)));
      continue;
    }
    const gr_curve f = vf_activation_curve(kind, z);
    vf way = vf_sub(f.value, z), a = vf_flush(vf_fma(alpha, way, z)),
       slope = vf_flush(vf_fma(alpha, vf_sub(f.slope, one), one));
    if (with == DROPOUT) {
      const vf factor = vf_load(k->slope + at);
      way = vf_mul(way, factor);
      a = vf_flush(vf_mul(a, factor));
      slope = vf_flush(vf_mul(slope, factor));
    }
    vf_store(k->z + at, vf_flush(way));
    vf_store(k->a + at, a);
    vf_store(k->slope + at, slope);
  }
}

#define GR_WAY(id, with)                                      \
  static void id##_##with(const gr_parametric *k, size_t p) { \
    panel_of(GR_##id, with, k, p);                            \
  }
#define GR_ACTIVATION(id, ...) GR_WAY(id, VALUE) GR_WAY(id, SLOPE) GR_WAY(id, DROPOUT)
#include "kernel/activation.def.h"
#undef GR_ACTIVATION

static void (*const ways[GR_N_ACTIVATIONS][N_WAYS])(const gr_parametric *, size_t) = {
#define GR_ACTIVATION(id, ...) {id##_VALUE, id##_SLOPE, id##_DROPOUT},
#include "kernel/activation.def.h"
#undef GR_ACTIVATION
};

void GR_SUFFIX(gr_parametric)(const gr_parametric *k);
void GR_SUFFIX(gr_parametric)(const gr_parametric *k) {
  const int with = !k->slope ? VALUE : k->drops ? DROPOUT : SLOPE;
  for (size_t p = 0; p < 16 * k->n_panels; p += 16) ways[k->activation][with](k, p);
}

void GR_SUFFIX(gr_parametric_back)(const gr_parametric_back *k);
void GR_SUFFIX(gr_parametric_back)(const gr_parametric_back *k) {
  for (size_t r = 0; r < k->n_rows; r++)
    for (size_t p = 0; p < 16 * k->n_panels; p += 16) {
      const size_t at = r * k->ld + p;
      vf_store(k->dz + at, vf_flush(vf_mul(vf_load(k->da + at), vf_load(k->slope + at))));
    }
}
