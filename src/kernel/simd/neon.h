/* The vocabulary on AArch64 NEON: vf is four 4-float registers, a broadcast scalar one lane.
 *
 * Where the machine's own operation has other bits than the contract it is not used: fmax and fmaxv
 * prefer +0 to -0 and spread NaN, fmaxnm drops it, so maxima are a comparison and a selection; the
 * estimates (frecpe, frsqrte) and the pairwise sums in memory order (faddp) are not the fixed
 * tree. */
#ifndef GR_KERNEL_SIMD_NEON_H
#define GR_KERNEL_SIMD_NEON_H

#include <arm_neon.h>

#define GR_ISA_NAME neon
#define GR_TILE_ROWS 6 /* 24 accumulators, 4 of b, 1 scalar: 29 of 32 registers */
#define GR_TILE_PANELS 1
#define GR_TILE_DEPTH 320 /* of a panel in the first-level cache: 20 KiB */
#define GR_TILE_BLOCK 8

typedef struct {
  float32x4_t a, b, c, d; /* floats 0..3, 4..7, 8..11, 12..15 */
} vf;
typedef struct {
  uint32x4_t a, b, c, d; /* all bits or none, as comparisons give */
} vm;
typedef float vb; /* lane 0 of a register, whence multiply-adds take it */

#define GR_VF(x0, x1, x2, x3)                  \
  (vf) {                                       \
    .a = (x0), .b = (x1), .c = (x2), .d = (x3) \
  }
#define GR_QUARTERS_1(f, x) GR_VF(f((x).a), f((x).b), f((x).c), f((x).d))
#define GR_QUARTERS_2(f, x, y) \
  GR_VF(f((x).a, (y).a), f((x).b, (y).b), f((x).c, (y).c), f((x).d, (y).d))
#define GR_QUARTERS_3(f, x, y, z)                                               \
  GR_VF(f((x).a, (y).a, (z).a), f((x).b, (y).b, (z).b), f((x).c, (y).c, (z).c), \
        f((x).d, (y).d, (z).d))

static inline vf vf_set1(float x) {
  const float32x4_t q = vdupq_n_f32(x);
  return GR_VF(q, q, q, q);
}
static inline vf vf_zero(void) {
  return vf_set1(0.0f);
}
static inline vf vf_load(const float *p) {
  return GR_VF(vld1q_f32(p), vld1q_f32(p + 4), vld1q_f32(p + 8), vld1q_f32(p + 12));
}
static inline void vf_store(float *p, vf x) {
  vst1q_f32(p, x.a);
  vst1q_f32(p + 4, x.b);
  vst1q_f32(p + 8, x.c);
  vst1q_f32(p + 12, x.d);
}
/* The empty instruction is a barrier to gcc's scheduler, which else loads the scalars of all rows
 * first and lacks registers for the accumulators. */
static inline vb vb_load(const float *p) {
  float x = *p;
  __asm__ volatile("" : "+w"(x));
  return x;
}
static inline vf vf_fma_b(vb x, vf y, vf z) {
  return GR_VF(vfmaq_n_f32(z.a, y.a, x), vfmaq_n_f32(z.b, y.b, x), vfmaq_n_f32(z.c, y.c, x),
               vfmaq_n_f32(z.d, y.d, x));
}
static inline vf vf_fma(vf x, vf y, vf z) {
  return GR_QUARTERS_3(vfmaq_f32, z, x, y);
}
static inline vf vf_nfma(vf x, vf y, vf z) {
  return GR_QUARTERS_3(vfmsq_f32, z, x, y);
}
static inline vf vf_add(vf x, vf y) {
  return GR_QUARTERS_2(vaddq_f32, x, y);
}
static inline vf vf_sub(vf x, vf y) {
  return GR_QUARTERS_2(vsubq_f32, x, y);
}
static inline vf vf_mul(vf x, vf y) {
  return GR_QUARTERS_2(vmulq_f32, x, y);
}
static inline vf vf_div(vf x, vf y) {
  return GR_QUARTERS_2(vdivq_f32, x, y);
}
static inline vf vf_sqrt(vf x) {
  return GR_QUARTERS_1(vsqrtq_f32, x);
}
static inline float32x4_t quarter_max(float32x4_t x, float32x4_t y) { /* y < x ? x : y */
  return vbslq_f32(vcltq_f32(y, x), x, y);
}
static inline vf vf_max(vf x, vf y) {
  return GR_QUARTERS_2(quarter_max, x, y);
}
static inline float32x4_t quarter_min(float32x4_t x, float32x4_t y) { /* x < y ? x : y */
  return vbslq_f32(vcltq_f32(x, y), x, y);
}
static inline vf vf_min(vf x, vf y) {
  return GR_QUARTERS_2(quarter_min, x, y);
}
static inline vf vf_abs(vf x) {
  return GR_QUARTERS_1(vabsq_f32, x);
}
static inline float32x4_t quarter_copysign(float32x4_t magnitude, float32x4_t sign) {
  return vbslq_f32(vdupq_n_u32(0x80000000u), sign, magnitude);
}
static inline vf vf_copysign(vf magnitude, vf sign) {
  return GR_QUARTERS_2(quarter_copysign, magnitude, sign);
}
static inline float32x4_t quarter_pow2(float32x4_t shifted) {
  const uint32x4_t n = vshlq_n_u32(vreinterpretq_u32_f32(shifted), 23);
  return vreinterpretq_f32_u32(vaddq_u32(n, vdupq_n_u32(127u << 23)));
}
static inline vf vf_pow2(vf shifted) {
  return GR_QUARTERS_1(quarter_pow2, shifted);
}
static inline float32x4_t quarter_log_split(float32x4_t x, float32x4_t *exponent) {
  int32x4_t bits = vreinterpretq_s32_f32(x);
  int32x4_t e = vshrq_n_s32(vsubq_s32(bits, vdupq_n_s32(0x3f3504f3)), 23);
  *exponent = vcvtq_f32_s32(e);
  return vreinterpretq_f32_s32(vsubq_s32(bits, vshlq_n_s32(e, 23)));
}
static inline vf vf_log_split(vf x, vf *exponent) {
  return GR_VF(quarter_log_split(x.a, &exponent->a), quarter_log_split(x.b, &exponent->b),
               quarter_log_split(x.c, &exponent->c), quarter_log_split(x.d, &exponent->d));
}
static inline vm vf_lt(vf x, vf y) {
  return (vm){.a = vcltq_f32(x.a, y.a),
              .b = vcltq_f32(x.b, y.b),
              .c = vcltq_f32(x.c, y.c),
              .d = vcltq_f32(x.d, y.d)};
}
static inline vf vf_select(vm m, vf yes, vf no) {
  return GR_QUARTERS_3(vbslq_f32, m, yes, no);
}
static inline float vf_reduce_add(vf x) {
  float32x4_t q = vaddq_f32(vaddq_f32(x.a, x.c), vaddq_f32(x.b, x.d)); /* 8 apart, 4 apart */
  float32x2_t h = vadd_f32(vget_low_f32(q), vget_high_f32(q));
  return vget_lane_f32(h, 0) + vget_lane_f32(h, 1);
}
static inline float vf_reduce_max(vf x) {
  float32x4_t q = quarter_max(quarter_max(x.a, x.c), quarter_max(x.b, x.d));
  float32x2_t low = vget_low_f32(q), high = vget_high_f32(q);
  float32x2_t h = vbsl_f32(vclt_f32(high, low), low, high);
  float x0 = vget_lane_f32(h, 0), x1 = vget_lane_f32(h, 1);
  return x1 < x0 ? x0 : x1;
}
static inline vf vf_from_u16x8(uint16x8_t low, uint16x8_t high) {
  return GR_VF(vcvtq_f32_u32(vmovl_u16(vget_low_u16(low))), vcvtq_f32_u32(vmovl_high_u16(low)),
               vcvtq_f32_u32(vmovl_u16(vget_low_u16(high))), vcvtq_f32_u32(vmovl_high_u16(high)));
}
static inline vf vf_from_s16x8(int16x8_t low, int16x8_t high) {
  return GR_VF(vcvtq_f32_s32(vmovl_s16(vget_low_s16(low))), vcvtq_f32_s32(vmovl_high_s16(low)),
               vcvtq_f32_s32(vmovl_s16(vget_low_s16(high))), vcvtq_f32_s32(vmovl_high_s16(high)));
}
static inline vf vf_from_u8(const uint8_t *p) {
  uint8x16_t x = vld1q_u8(p);
  return vf_from_u16x8(vmovl_u8(vget_low_u8(x)), vmovl_high_u8(x));
}
static inline vf vf_from_i8(const int8_t *p) {
  int8x16_t x = vld1q_s8(p);
  return vf_from_s16x8(vmovl_s8(vget_low_s8(x)), vmovl_high_s8(x));
}
static inline vf vf_from_u16(const uint16_t *p) {
  return vf_from_u16x8(vld1q_u16(p), vld1q_u16(p + 8));
}
static inline vf vf_from_i16(const int16_t *p) {
  return vf_from_s16x8(vld1q_s16(p), vld1q_s16(p + 8));
}
static inline float32x4_t quarter_from_f16(const uint16_t *p) {
  return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p)));
}
static inline vf vf_from_f16(const uint16_t *p) {
  return GR_VF(quarter_from_f16(p), quarter_from_f16(p + 4), quarter_from_f16(p + 8),
               quarter_from_f16(p + 12));
}

/* Rows become columns, 16 x 16, by 4 x 4 in registers: pairs, then halves. */
static inline void transpose_4x4(const float *in, size_t ld_in, float *out, size_t ld_out) {
  const float32x4_t r0 = vld1q_f32(in), r1 = vld1q_f32(in + ld_in), r2 = vld1q_f32(in + 2 * ld_in),
                    r3 = vld1q_f32(in + 3 * ld_in);
  const float64x2_t even_01 = vreinterpretq_f64_f32(vtrn1q_f32(r0, r1)),
                    odd_01 = vreinterpretq_f64_f32(vtrn2q_f32(r0, r1)),
                    even_23 = vreinterpretq_f64_f32(vtrn1q_f32(r2, r3)),
                    odd_23 = vreinterpretq_f64_f32(vtrn2q_f32(r2, r3));
  vst1q_f32(out, vreinterpretq_f32_f64(vtrn1q_f64(even_01, even_23)));
  vst1q_f32(out + ld_out, vreinterpretq_f32_f64(vtrn1q_f64(odd_01, odd_23)));
  vst1q_f32(out + 2 * ld_out, vreinterpretq_f32_f64(vtrn2q_f64(even_01, even_23)));
  vst1q_f32(out + 3 * ld_out, vreinterpretq_f32_f64(vtrn2q_f64(odd_01, odd_23)));
}
static inline void transpose_16x16(const float *in, size_t ld_in, float *out, size_t ld_out) {
  for (size_t r = 0; r < 16; r += 4)
    for (size_t c = 0; c < 16; c += 4)
      transpose_4x4(in + r * ld_in + c, ld_in, out + c * ld_out + r, ld_out);
}

/* 16 whole numbers below 2^32, for Philox. */
typedef struct {
  uint32x4_t a, b, c, d;
} vi;
#define GR_VI(x0, x1, x2, x3)                  \
  (vi) {                                       \
    .a = (x0), .b = (x1), .c = (x2), .d = (x3) \
  }
static inline vi vi_load(const uint32_t *p) {
  return GR_VI(vld1q_u32(p), vld1q_u32(p + 4), vld1q_u32(p + 8), vld1q_u32(p + 12));
}
static inline vi vi_set1(uint32_t x) {
  const uint32x4_t q = vdupq_n_u32(x);
  return GR_VI(q, q, q, q);
}
static inline vi vi_add(vi x, vi y) {
  return GR_VI(vaddq_u32(x.a, y.a), vaddq_u32(x.b, y.b), vaddq_u32(x.c, y.c), vaddq_u32(x.d, y.d));
}
static inline vi vi_xor(vi x, vi y) {
  return GR_VI(veorq_u32(x.a, y.a), veorq_u32(x.b, y.b), veorq_u32(x.c, y.c), veorq_u32(x.d, y.d));
}
static inline uint32x4_t high_quarter(uint32x4_t x, uint32x4_t y) {
  const uint32x4_t low = vreinterpretq_u32_u64(vmull_u32(vget_low_u32(x), vget_low_u32(y))),
                   high = vreinterpretq_u32_u64(vmull_high_u32(x, y));
  return vuzp2q_u32(low, high);
}
static inline vi vi_multiply(vi x, vi y, vi *high) {
  *high = GR_VI(high_quarter(x.a, y.a), high_quarter(x.b, y.b), high_quarter(x.c, y.c),
                high_quarter(x.d, y.d));
  return GR_VI(vmulq_u32(x.a, y.a), vmulq_u32(x.b, y.b), vmulq_u32(x.c, y.c), vmulq_u32(x.d, y.d));
}
static inline uint32x4_t half_below_quarter(uint32x4_t x, int half, uint32_t limit) {
  return vcltq_u32(half ? vshrq_n_u32(x, 16) : vandq_u32(x, vdupq_n_u32(0xffff)),
                   vdupq_n_u32(limit));
}
/* Whether half `half` (0 low, 1 high) of each is below limit <= 65536. */
static inline vm vi_half_below(vi x, int half, uint32_t limit) {
  return (vm){half_below_quarter(x.a, half, limit), half_below_quarter(x.b, half, limit),
              half_below_quarter(x.c, half, limit), half_below_quarter(x.d, half, limit)};
}

#endif
