/* What the machine can do, as bench measures it: fused multiply-adds that never leave the
 * registers, and reading memory in order. Both loops hold only the instructions they count;
 * tests/scripts/check_probe.sh looks at what the compiler made of them. */
#include <config.h>

#include "kernel/kernel.h"
#include "kernel/simd.h"

double GR_SUFFIX(gr_fma_rounds)(size_t n_rounds);
double GR_SUFFIX(gr_read_stream)(size_t n, const float *p);

#if defined __clang__
#define GR_UNROLL _Pragma("clang loop unroll(full)")
#else
#define GR_UNROLL _Pragma("GCC unroll 16")
#endif
#define GR_EACH_CHAIN GR_UNROLL for (int i = 0; i < CHAINS; i++)

/* Enough independent chains to hide the latency of an addition, and registers for all of them. No
 * two elements start from what the compiler could know to be equal: it would compute them once. */
double GR_SUFFIX(gr_fma_rounds)(size_t n_rounds) {
  enum { CHAINS = GR_TILE_ROWS >= 14 ? 12 : GR_TILE_ROWS >= 6 ? 6 : 4 };
  static volatile float seed[2] = {0.9999f, 1e-4f};
  const vf x = vf_set1(seed[0]), y = vf_set1(seed[1]);
  float start[16];
  for (int j = 0; j < 16; j++) start[j] = seed[j % 2];
  vf acc[CHAINS];
  GR_EACH_CHAIN acc[i] = vf_add(vf_load(start), vf_set1((float)i));
  for (size_t round = 0; round < n_rounds; round++) {
    GR_EACH_CHAIN acc[i] = vf_fma(x, y, acc[i]);
  }
  vf sum = acc[0];
  GR_UNROLL for (int i = 1; i < CHAINS; i++) sum = vf_add(sum, acc[i]);
  volatile float sink = vf_reduce_add(sum); /* so that the compiler keeps the loop */
  (void)sink;
  return 32.0 * CHAINS * (double)n_rounds;
}

double GR_SUFFIX(gr_read_stream)(size_t n, const float *p) {
  enum { CHAINS = 4 };
  vf acc[CHAINS];
  GR_EACH_CHAIN acc[i] = vf_zero();
  for (size_t k = 0; k < n; k += 32 * CHAINS) {
    GR_EACH_CHAIN acc[i] = vf_add(acc[i], vf_load(p + k + 16 * i));
    GR_EACH_CHAIN acc[i] = vf_add(acc[i], vf_load(p + k + 16 * (CHAINS + i)));
  }
  vf sum = acc[0];
  GR_UNROLL for (int i = 1; i < CHAINS; i++) sum = vf_add(sum, acc[i]);
  volatile float sink = vf_reduce_add(sum);
  (void)sink;
  return (double)n * sizeof(float);
}
