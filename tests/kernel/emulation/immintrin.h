/* Found before the compiler's own immintrin.h: SIMDe's AVX-512 in its place, in 256-bit halves by
 * real AVX2 and FMA instructions, and what SIMDe 0.7.4 lacks or has otherwise. */
#ifndef GR_TESTS_KERNEL_EMULATION_IMMINTRIN_H
#define GR_TESTS_KERNEL_EMULATION_IMMINTRIN_H

#include_next <immintrin.h>

#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx512.h>
#include <simde/x86/fma.h>

#ifdef SIMDE_X86_AVX512F_NATIVE
#error "nothing would be emulated: compile without AVX-512"
#endif

typedef union emulated {
  simde__m512 f;
  simde__m512i i;
  __m256 f256[2];
  __m256i i256[2];
} emulated;

static inline simde__m512 emulated_floats(__m256 low, __m256 high) {
  emulated r;
  r.f256[0] = low;
  r.f256[1] = high;
  return r.f;
}
static inline simde__m512i emulated_ints(__m256i low, __m256i high) {
  emulated r;
  r.i256[0] = low;
  r.i256[1] = high;
  return r.i;
}
static inline emulated emulated_of(simde__m512 f) {
  emulated r;
  r.f = f;
  return r;
}
static inline emulated emulated_of_ints(simde__m512i i) {
  emulated r;
  r.i = i;
  return r;
}

static inline simde__m512 emulated_cvtepi32_ps(simde__m512i a) {
  const emulated x = emulated_of_ints(a);
  return emulated_floats(_mm256_cvtepi32_ps(x.i256[0]), _mm256_cvtepi32_ps(x.i256[1]));
}
static inline simde__m512i emulated_cvtps_epi32(simde__m512 a) {
  const emulated x = emulated_of(a);
  return emulated_ints(_mm256_cvtps_epi32(x.f256[0]), _mm256_cvtps_epi32(x.f256[1]));
}
static inline simde__m512i emulated_srai_epi32(simde__m512i a, int n) {
  const emulated x = emulated_of_ints(a);
  return emulated_ints(_mm256_srai_epi32(x.i256[0], n), _mm256_srai_epi32(x.i256[1], n));
}
static inline simde__m512i emulated_cvtepu8_epi32(__m128i a) {
  return emulated_ints(_mm256_cvtepu8_epi32(a), _mm256_cvtepu8_epi32(_mm_srli_si128(a, 8)));
}
static inline simde__m512i emulated_cvtepi8_epi32(__m128i a) {
  return emulated_ints(_mm256_cvtepi8_epi32(a), _mm256_cvtepi8_epi32(_mm_srli_si128(a, 8)));
}
static inline simde__m512i emulated_cvtepu16_epi32(__m256i a) {
  return emulated_ints(_mm256_cvtepu16_epi32(_mm256_castsi256_si128(a)),
                       _mm256_cvtepu16_epi32(_mm256_extracti128_si256(a, 1)));
}
static inline simde__m512i emulated_cvtepi16_epi32(__m256i a) {
  return emulated_ints(_mm256_cvtepi16_epi32(_mm256_castsi256_si128(a)),
                       _mm256_cvtepi16_epi32(_mm256_extracti128_si256(a, 1)));
}
static inline simde__m512 emulated_cvtph_ps(__m256i a) {
  return emulated_floats(_mm256_cvtph_ps(_mm256_castsi256_si128(a)),
                         _mm256_cvtph_ps(_mm256_extracti128_si256(a, 1)));
}
static inline __m256 emulated_extractf32x8_ps(simde__m512 a, int half) {
  return emulated_of(a).f256[half];
}
static inline simde__m512 emulated_maskz_loadu_ps(unsigned mask, const float *p) {
  float r[16] = {0};
  for (int i = 0; i < 16; i++)
    if (mask >> i & 1) r[i] = p[i]; /* elements that are masked out are not touched */
  return emulated_floats(_mm256_loadu_ps(r), _mm256_loadu_ps(r + 8));
}
/* SIMDe's leaves the sign of -0. */
static inline simde__m512 emulated_abs_ps(simde__m512 a) {
  const emulated x = emulated_of(a);
  const __m256 sign = _mm256_set1_ps(-0.0f);
  return emulated_floats(_mm256_andnot_ps(sign, x.f256[0]), _mm256_andnot_ps(sign, x.f256[1]));
}

#undef _mm512_cvtepi32_ps
#define _mm512_cvtepi32_ps emulated_cvtepi32_ps
#undef _mm512_cvtps_epi32
#define _mm512_cvtps_epi32 emulated_cvtps_epi32
#undef _mm512_srai_epi32
#define _mm512_srai_epi32 emulated_srai_epi32
#undef _mm512_cvtepu8_epi32
#define _mm512_cvtepu8_epi32 emulated_cvtepu8_epi32
#undef _mm512_cvtepi8_epi32
#define _mm512_cvtepi8_epi32 emulated_cvtepi8_epi32
#undef _mm512_cvtepu16_epi32
#define _mm512_cvtepu16_epi32 emulated_cvtepu16_epi32
#undef _mm512_cvtepi16_epi32
#define _mm512_cvtepi16_epi32 emulated_cvtepi16_epi32
#undef _mm512_cvtph_ps
#define _mm512_cvtph_ps emulated_cvtph_ps
#undef _mm512_extractf32x8_ps
#define _mm512_extractf32x8_ps emulated_extractf32x8_ps
#undef _mm512_maskz_loadu_ps
#define _mm512_maskz_loadu_ps emulated_maskz_loadu_ps
#undef _mm512_abs_ps
#define _mm512_abs_ps emulated_abs_ps

#endif
