/* The 16 x 16 transpose of AVX2 and AVX-512: bound by its stores, so 256-bit shuffles serve both.
 */
#ifndef GR_KERNEL_SIMD_X86_TRANSPOSE_H
#define GR_KERNEL_SIMD_X86_TRANSPOSE_H

#include <immintrin.h>

/* 8 x 8 in registers: pairs, quads, halves. */
static inline void transpose_8x8(const float *in, size_t ld_in, float *out, size_t ld_out) {
  __m256 r[8], t[8];
  for (int i = 0; i < 8; i++) r[i] = _mm256_loadu_ps(in + (size_t)i * ld_in);
  for (int i = 0; i < 8; i += 2) {
    t[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
    t[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
  }
  for (int i = 0; i < 8; i += 4) {
    r[i] = _mm256_shuffle_ps(t[i], t[i + 2], 0x44);
    r[i + 1] = _mm256_shuffle_ps(t[i], t[i + 2], 0xee);
    r[i + 2] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0x44);
    r[i + 3] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0xee);
  }
  for (int i = 0; i < 4; i++) {
    _mm256_storeu_ps(out + (size_t)i * ld_out, _mm256_permute2f128_ps(r[i], r[i + 4], 0x20));
    _mm256_storeu_ps(out + (size_t)(i + 4) * ld_out, _mm256_permute2f128_ps(r[i], r[i + 4], 0x31));
  }
}
static inline void transpose_16x16(const float *in, size_t ld_in, float *out, size_t ld_out) {
  transpose_8x8(in, ld_in, out, ld_out);
  transpose_8x8(in + 8, ld_in, out + 8 * ld_out, ld_out);
  transpose_8x8(in + 8 * ld_in, ld_in, out + 8, ld_out);
  transpose_8x8(in + 8 * ld_in + 8, ld_in, out + 8 * ld_out + 8, ld_out);
}

#endif
