/* The vocabulary on AVX2, FMA and F16C: vf is two 8-float registers, a broadcast scalar is one. */
#ifndef GR_KERNEL_SIMD_AVX2_H
#define GR_KERNEL_SIMD_AVX2_H

#include <immintrin.h>

#include "kernel/simd/x86_transpose.h"

#define GR_ISA_NAME avx2
#define GR_TILE_ROWS 6 /* 12 accumulators, 2 of b, 1 broadcast: 15 of 16 registers */
#define GR_TILE_PANELS 1
#define GR_TILE_DEPTH 320 /* of a panel in the first-level cache: 20 KiB */
#define GR_TILE_BLOCK 8

typedef struct {
  __m256 lo, hi;
} vf;
typedef struct {
  __m256 lo, hi;
} vm;
typedef __m256 vb;

#define GR_VF(l, h)      \
  (vf) {                 \
    .lo = (l), .hi = (h) \
  }
#define GR_PAIR(name, a, b) GR_VF(name((a).lo, (b).lo), name((a).hi, (b).hi))

static inline vf vf_set1(float x) {
  return GR_VF(_mm256_set1_ps(x), _mm256_set1_ps(x));
}
static inline vf vf_zero(void) {
  return GR_VF(_mm256_setzero_ps(), _mm256_setzero_ps());
}
static inline vf vf_load(const float *p) {
  return GR_VF(_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8));
}
static inline void vf_store(float *p, vf a) {
  _mm256_storeu_ps(p, a.lo);
  _mm256_storeu_ps(p + 8, a.hi);
}
static inline vb vb_load(const float *p) {
  return _mm256_broadcast_ss(p);
}
static inline vf vf_fma_b(vb a, vf b, vf c) {
  return GR_VF(_mm256_fmadd_ps(a, b.lo, c.lo), _mm256_fmadd_ps(a, b.hi, c.hi));
}
static inline vf vf_fma(vf a, vf b, vf c) {
  return GR_VF(_mm256_fmadd_ps(a.lo, b.lo, c.lo), _mm256_fmadd_ps(a.hi, b.hi, c.hi));
}
static inline vf vf_nfma(vf a, vf b, vf c) {
  return GR_VF(_mm256_fnmadd_ps(a.lo, b.lo, c.lo), _mm256_fnmadd_ps(a.hi, b.hi, c.hi));
}
static inline vf vf_add(vf a, vf b) {
  return GR_PAIR(_mm256_add_ps, a, b);
}
static inline vf vf_sub(vf a, vf b) {
  return GR_PAIR(_mm256_sub_ps, a, b);
}
static inline vf vf_mul(vf a, vf b) {
  return GR_PAIR(_mm256_mul_ps, a, b);
}
static inline vf vf_div(vf a, vf b) {
  return GR_PAIR(_mm256_div_ps, a, b);
}
static inline vf vf_sqrt(vf a) {
  return GR_VF(_mm256_sqrt_ps(a.lo), _mm256_sqrt_ps(a.hi));
}
static inline vf vf_max(vf a, vf b) { /* vmaxps is b < a ? a : b */
  return GR_PAIR(_mm256_max_ps, a, b);
}
static inline vf vf_min(vf a, vf b) { /* vminps is a < b ? a : b */
  return GR_PAIR(_mm256_min_ps, a, b);
}
static inline vf vf_abs(vf a) {
  const __m256 sign = _mm256_set1_ps(-0.0f);
  return GR_VF(_mm256_andnot_ps(sign, a.lo), _mm256_andnot_ps(sign, a.hi));
}
static inline vf vf_copysign(vf magnitude, vf s) {
  const __m256 sign = _mm256_set1_ps(-0.0f);
  return GR_VF(_mm256_or_ps(_mm256_andnot_ps(sign, magnitude.lo), _mm256_and_ps(sign, s.lo)),
               _mm256_or_ps(_mm256_andnot_ps(sign, magnitude.hi), _mm256_and_ps(sign, s.hi)));
}
static inline __m256 half_pow2(__m256 shifted) {
  const __m256i n = _mm256_slli_epi32(_mm256_castps_si256(shifted), 23);
  return _mm256_castsi256_ps(_mm256_add_epi32(n, _mm256_set1_epi32(127 << 23)));
}
static inline vf vf_pow2(vf shifted) {
  return GR_VF(half_pow2(shifted.lo), half_pow2(shifted.hi));
}
static inline __m256 half_log_split(__m256 x, __m256 *exponent) {
  __m256i bits = _mm256_castps_si256(x);
  __m256i e = _mm256_srai_epi32(_mm256_sub_epi32(bits, _mm256_set1_epi32(0x3f3504f3)), 23);
  *exponent = _mm256_cvtepi32_ps(e);
  return _mm256_castsi256_ps(_mm256_sub_epi32(bits, _mm256_slli_epi32(e, 23)));
}
static inline vf vf_log_split(vf x, vf *exponent) {
  return GR_VF(half_log_split(x.lo, &exponent->lo), half_log_split(x.hi, &exponent->hi));
}
static inline vm vf_lt(vf a, vf b) {
  return (vm){.lo = _mm256_cmp_ps(a.lo, b.lo, _CMP_LT_OQ),
              .hi = _mm256_cmp_ps(a.hi, b.hi, _CMP_LT_OQ)};
}
static inline vf vf_select(vm m, vf yes, vf no) {
  return GR_VF(_mm256_blendv_ps(no.lo, yes.lo, m.lo), _mm256_blendv_ps(no.hi, yes.hi, m.hi));
}
static inline float reduce_add_8(__m256 a) {
  __m128 x = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
  x = _mm_add_ps(x, _mm_movehl_ps(x, x));
  return _mm_cvtss_f32(_mm_add_ss(x, _mm_movehdup_ps(x)));
}
static inline float vf_reduce_add(vf a) {
  return reduce_add_8(_mm256_add_ps(a.lo, a.hi));
}
static inline float reduce_max_8(__m256 a) {
  __m128 x = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
  x = _mm_max_ps(x, _mm_movehl_ps(x, x));
  return _mm_cvtss_f32(_mm_max_ss(x, _mm_movehdup_ps(x)));
}
static inline float vf_reduce_max(vf a) {
  return reduce_max_8(_mm256_max_ps(a.lo, a.hi));
}
static inline vf vf_from_i32(__m256i lo, __m256i hi) {
  return GR_VF(_mm256_cvtepi32_ps(lo), _mm256_cvtepi32_ps(hi));
}
static inline vf vf_from_u8(const uint8_t *p) {
  __m128i x = _mm_loadu_si128((const __m128i *)p);
  return vf_from_i32(_mm256_cvtepu8_epi32(x), _mm256_cvtepu8_epi32(_mm_srli_si128(x, 8)));
}
static inline vf vf_from_i8(const int8_t *p) {
  __m128i x = _mm_loadu_si128((const __m128i *)p);
  return vf_from_i32(_mm256_cvtepi8_epi32(x), _mm256_cvtepi8_epi32(_mm_srli_si128(x, 8)));
}
static inline vf vf_from_u16(const uint16_t *p) {
  return vf_from_i32(_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)p)),
                     _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)p + 1)));
}
static inline vf vf_from_i16(const int16_t *p) {
  return vf_from_i32(_mm256_cvtepi16_epi32(_mm_loadu_si128((const __m128i *)p)),
                     _mm256_cvtepi16_epi32(_mm_loadu_si128((const __m128i *)p + 1)));
}
static inline vf vf_from_f16(const uint16_t *p) {
  return GR_VF(_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p)),
               _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p + 1)));
}

/* 16 whole numbers below 2^32, for Philox. */
typedef struct {
  __m256i a, b;
} vi;
static inline vi vi_load(const uint32_t *p) {
  return (vi){_mm256_loadu_si256((const __m256i *)p), _mm256_loadu_si256((const __m256i *)(p + 8))};
}
static inline vi vi_set1(uint32_t x) {
  return (vi){_mm256_set1_epi32((int)x), _mm256_set1_epi32((int)x)};
}
static inline vi vi_add(vi x, vi y) {
  return (vi){_mm256_add_epi32(x.a, y.a), _mm256_add_epi32(x.b, y.b)};
}
static inline vi vi_xor(vi x, vi y) {
  return (vi){_mm256_xor_si256(x.a, y.a), _mm256_xor_si256(x.b, y.b)};
}
static inline __m256i multiply_half(__m256i x, __m256i y, __m256i *high) {
  const __m256i even = _mm256_mul_epu32(x, y), odd = _mm256_mul_epu32(_mm256_srli_epi64(x, 32), y);
  *high = _mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xaa);
  return _mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xaa);
}
/* y is a broadcast. */
static inline vi vi_multiply(vi x, vi y, vi *high) {
  vi low;
  low.a = multiply_half(x.a, y.a, &high->a);
  low.b = multiply_half(x.b, y.b, &high->b);
  return low;
}
static inline __m256 half_below_half(__m256i x, int half, uint32_t limit) {
  const __m256i y =
      half ? _mm256_srli_epi32(x, 16) : _mm256_and_si256(x, _mm256_set1_epi32(0xffff));
  return _mm256_castsi256_ps(_mm256_cmpgt_epi32(_mm256_set1_epi32((int)limit), y));
}
/* Whether half `half` (0 low, 1 high) of each is below limit <= 65536. */
static inline vm vi_half_below(vi x, int half, uint32_t limit) {
  return (vm){half_below_half(x.a, half, limit), half_below_half(x.b, half, limit)};
}

#endif
