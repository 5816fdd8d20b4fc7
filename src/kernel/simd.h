/* The vocabulary that all kernels are written in: vf = 16 floats on every machine, about 30
 * operations, each with the same result on each instruction set. GR_KERNEL_ISA_<X> (a compile flag)
 * says which header provides it.
 *
 *   vf vector   vm mask   vb one float broadcast
 *
 *   vf_fma(a,b,c) = a b + c, one rounding
 *
 *   vf_max(a,b) = b < a ? a : b   vf_min(a,b) = a < b ? a : b
 *
 *   vf_pow2(n + 1.5 2^23) = 2^n
 *
 *   vf_load_n(p,n): n < 16 floats, the rest +0   vf_store_n: the first n
 *
 *   vf_reduce_*: the fixed tree over 16 partials (8, 4, 2, 1 apart) */
#ifndef GR_KERNEL_SIMD_H
#define GR_KERNEL_SIMD_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined GR_KERNEL_ISA_AVX512
#include "kernel/simd/avx512.h"
#elif defined GR_KERNEL_ISA_AVX2
#include "kernel/simd/avx2.h"
#elif defined GR_KERNEL_ISA_NEON
#include "kernel/simd/neon.h"
#else
#include "kernel/simd/generic.h"
#endif

#define GR_INLINE static inline __attribute__((always_inline))

#ifndef GR_HAS_PARTS /* an instruction set without masked loads and stores */
static inline vf vf_load_n(const float *p, size_t n) {
  float whole[16] = {0};
  for (size_t i = 0; i < n; i++) whole[i] = p[i];
  return vf_load(whole);
}
static inline void vf_store_n(float *p, vf x, size_t n) {
  float whole[16];
  vf_store(whole, x);
  for (size_t i = 0; i < n; i++) p[i] = whole[i];
}
#endif

/* Gives a kernel's symbol the suffix of its instruction set: GR_SUFFIX(gr_forward) ->
 * gr_forward_avx2. */
#define GR_SUFFIX_2(name, isa) name##_##isa
#define GR_SUFFIX_1(name, isa) GR_SUFFIX_2(name, isa)
#define GR_SUFFIX(name) GR_SUFFIX_1(name, GR_ISA_NAME)

/* Stored activations, deltas and moments below 2^-100 become +0: subnormals would otherwise linger
 * and slow every product. */
GR_INLINE vf vf_flush(vf a) {
  return vf_select(vf_lt(vf_abs(a), vf_set1(0x1p-100f)), vf_zero(), a);
}

#endif
