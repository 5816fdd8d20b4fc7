/* What stands before the first layer and is trained: rows of inputs are turned into what that layer
 * reads. The gradients of its parameters are sums over rows, which kernel/normalize.c has. */
#include <config.h>

#include "kernel/kernel.h"
#include "kernel/simd.h"

void GR_SUFFIX(gr_scale_columns)(size_t n_rows, size_t n_panels, const float *factor,
                                 const float *x, float *c, size_t ld);
void GR_SUFFIX(gr_scale_columns)(size_t n_rows, size_t n_panels, const float *factor,
                                 const float *x, float *c, size_t ld) {
  for (size_t r = 0; r < n_rows; r++, x += ld, c += ld)
    for (size_t j = 0; j < 16 * n_panels; j += 16)
      vf_store(c + j, vf_flush(vf_mul(vf_load(x + j), vf_load(factor + j))));
}
