/* The vocabulary on AVX-512 (F, BW, DQ, VL): vf is one register; broadcasts fold into the
 * multiply-add. */
#ifndef GR_KERNEL_SIMD_AVX512_H
#define GR_KERNEL_SIMD_AVX512_H

#include <immintrin.h>

#include "kernel/simd/x86_transpose.h"

#define GR_ISA_NAME avx512
#define GR_TILE_ROWS 14 /* x 2 panels: 28 accumulators, 2 of b, 30 of 32 registers */
#define GR_TILE_PANELS 2
#define GR_TILE_DEPTH 1024 /* panels stream from the second-level cache: 4.6 bytes a cycle */
#define GR_TILE_BLOCK 4

typedef __m512 vf;
typedef __mmask16 vm;
typedef __m512 vb;

static inline vf vf_set1(float x) {
  return _mm512_set1_ps(x);
}
static inline vf vf_zero(void) {
  return _mm512_setzero_ps();
}
static inline vf vf_load(const float *p) {
  return _mm512_loadu_ps(p);
}
static inline void vf_store(float *p, vf a) {
  _mm512_storeu_ps(p, a);
}
#define GR_HAS_PARTS /* vf_load_n, vf_store_n */
static inline vf vf_load_n(const float *p, size_t n) {
  return _mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p);
}
static inline void vf_store_n(float *p, vf a, size_t n) {
  _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), a);
}
static inline vb vb_load(const float *p) {
  return _mm512_set1_ps(*p);
}
static inline vf vf_fma_b(vb a, vf b, vf c) {
  return _mm512_fmadd_ps(a, b, c);
}
static inline vf vf_fma(vf a, vf b, vf c) {
  return _mm512_fmadd_ps(a, b, c);
}
static inline vf vf_nfma(vf a, vf b, vf c) {
  return _mm512_fnmadd_ps(a, b, c);
}
static inline vf vf_add(vf a, vf b) {
  return _mm512_add_ps(a, b);
}
static inline vf vf_sub(vf a, vf b) {
  return _mm512_sub_ps(a, b);
}
static inline vf vf_mul(vf a, vf b) {
  return _mm512_mul_ps(a, b);
}
static inline vf vf_div(vf a, vf b) {
  return _mm512_div_ps(a, b);
}
static inline vf vf_sqrt(vf a) {
  return _mm512_sqrt_ps(a);
}
static inline vf vf_max(vf a, vf b) {
  return _mm512_max_ps(a, b);
}
static inline vf vf_min(vf a, vf b) {
  return _mm512_min_ps(a, b);
}
static inline vf vf_abs(vf a) {
  return _mm512_abs_ps(a);
}
static inline vf vf_copysign(vf magnitude, vf s) {
  const __m512 sign = _mm512_set1_ps(-0.0f);
  return _mm512_or_ps(_mm512_andnot_ps(sign, magnitude), _mm512_and_ps(sign, s));
}
static inline vf vf_pow2(vf shifted) {
  const __m512i n = _mm512_slli_epi32(_mm512_castps_si512(shifted), 23);
  return _mm512_castsi512_ps(_mm512_add_epi32(n, _mm512_set1_epi32(127 << 23)));
}
static inline vf vf_log_split(vf x, vf *exponent) {
  __m512i bits = _mm512_castps_si512(x);
  __m512i e = _mm512_srai_epi32(_mm512_sub_epi32(bits, _mm512_set1_epi32(0x3f3504f3)), 23);
  *exponent = _mm512_cvtepi32_ps(e);
  return _mm512_castsi512_ps(_mm512_sub_epi32(bits, _mm512_slli_epi32(e, 23)));
}
static inline vm vf_lt(vf a, vf b) {
  return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ);
}
static inline vf vf_select(vm m, vf yes, vf no) {
  return _mm512_mask_blend_ps(m, no, yes);
}
static inline float vf_reduce_add(vf a) {
  __m256 h = _mm256_add_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps(a, 1));
  __m128 x = _mm_add_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
  x = _mm_add_ps(x, _mm_movehl_ps(x, x));
  return _mm_cvtss_f32(_mm_add_ss(x, _mm_movehdup_ps(x)));
}
static inline float vf_reduce_max(vf a) {
  __m256 h = _mm256_max_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps(a, 1));
  __m128 x = _mm_max_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
  x = _mm_max_ps(x, _mm_movehl_ps(x, x));
  return _mm_cvtss_f32(_mm_max_ss(x, _mm_movehdup_ps(x)));
}
static inline vf vf_from_u8(const uint8_t *p) {
  return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)p)));
}
static inline vf vf_from_i8(const int8_t *p) {
  return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)p)));
}
static inline vf vf_from_u16(const uint16_t *p) {
  return _mm512_cvtepi32_ps(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)p)));
}
static inline vf vf_from_i16(const int16_t *p) {
  return _mm512_cvtepi32_ps(_mm512_cvtepi16_epi32(_mm256_loadu_si256((const __m256i *)p)));
}
static inline vf vf_from_f16(const uint16_t *p) {
  return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p));
}

/* 16 whole numbers below 2^32, for Philox. */
typedef __m512i vi;
static inline vi vi_load(const uint32_t *p) {
  return _mm512_loadu_si512(p);
}
static inline vi vi_set1(uint32_t x) {
  return _mm512_set1_epi32((int)x);
}
static inline vi vi_add(vi a, vi b) {
  return _mm512_add_epi32(a, b);
}
static inline vi vi_xor(vi a, vi b) {
  return _mm512_xor_si512(a, b);
}
static inline vi vi_multiply(vi a, vi b, vi *high) {
  const __m512i even = _mm512_mul_epu32(a, b), odd = _mm512_mul_epu32(_mm512_srli_epi64(a, 32), b);
  *high = _mm512_mask_blend_epi32(0xaaaa, _mm512_srli_epi64(even, 32), odd);
  return _mm512_mask_blend_epi32(0xaaaa, even, _mm512_slli_epi64(odd, 32));
}
/* Whether half `half` (0 low, 1 high) of each is below limit <= 65536. */
static inline vm vi_half_below(vi a, int half, uint32_t limit) {
  const __m512i x =
      half ? _mm512_srli_epi32(a, 16) : _mm512_and_si512(a, _mm512_set1_epi32(0xffff));
  return _mm512_cmplt_epi32_mask(x, _mm512_set1_epi32((int)limit));
}

#endif
