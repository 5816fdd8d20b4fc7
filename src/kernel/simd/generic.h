/* The vocabulary over vf = 16 floats in plain C, by the vector types that gcc and clang have for
 * every machine: the oracle that the other instruction sets must match bit for bit, and the
 * fallback. fmaf is the C library's (exact by IEEE 754), hence slow. */
#ifndef GR_KERNEL_SIMD_GENERIC_H
#define GR_KERNEL_SIMD_GENERIC_H

#define GR_ISA_NAME generic
#define GR_TILE_ROWS 4
#define GR_TILE_PANELS 1
#define GR_TILE_DEPTH 320 /* of a panel in the first-level cache: 20 KiB */
#define GR_TILE_BLOCK 4

typedef float vf __attribute__((vector_size(64)));
typedef uint32_t vu __attribute__((vector_size(64)));
typedef int32_t vm __attribute__((vector_size(64))); /* all bits or none, as comparisons give */
typedef float vb;

#define GR_EACH(i) for (int i = 0; i < 16; i++)

static inline vf vf_set1(float x) {
  return (vf){x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x};
}
static inline vf vf_zero(void) {
  return (vf){0};
}
static inline vf vf_load(const float *p) {
  vf r;
  memcpy(&r, p, sizeof r);
  return r;
}
static inline void vf_store(float *p, vf a) {
  memcpy(p, &a, sizeof a);
}
static inline vb vb_load(const float *p) {
  return *p;
}
static inline vf vf_fma(vf a, vf b, vf c) {
  float x[16], y[16], z[16];
  vf_store(x, a);
  vf_store(y, b);
  vf_store(z, c);
  GR_EACH(i) z[i] = fmaf(x[i], y[i], z[i]);
  return vf_load(z);
}
static inline vf vf_fma_b(vb a, vf b, vf c) {
  return vf_fma(vf_set1(a), b, c);
}
static inline vf vf_nfma(vf a, vf b, vf c) {
  return vf_fma(-a, b, c);
}
static inline vf vf_add(vf a, vf b) {
  return a + b;
}
static inline vf vf_sub(vf a, vf b) {
  return a - b;
}
static inline vf vf_mul(vf a, vf b) {
  return a * b;
}
static inline vf vf_div(vf a, vf b) {
  return a / b;
}
static inline vf vf_sqrt(vf a) {
  float x[16];
  vf_store(x, a);
  GR_EACH(i) x[i] = sqrtf(x[i]);
  return vf_load(x);
}
static inline vm vf_lt(vf a, vf b) {
  return a < b;
}
static inline vf vf_select(vm m, vf yes, vf no) {
  return (vf)(((vu)m & (vu)yes) | (~(vu)m & (vu)no));
}
static inline vf vf_max(vf a, vf b) { /* b < a ? a : b */
  return vf_select(vf_lt(b, a), a, b);
}
static inline vf vf_min(vf a, vf b) { /* a < b ? a : b */
  return vf_select(vf_lt(a, b), a, b);
}
static inline vf vf_abs(vf a) {
  return (vf)((vu)a & 0x7fffffffu);
}
static inline vf vf_copysign(vf magnitude, vf sign) {
  return (vf)(((vu)magnitude & 0x7fffffffu) | ((vu)sign & 0x80000000u));
}
static inline vf vf_pow2(vf shifted) { /* 2^n, shifted = n + 1.5 2^23, n in [-126, 127] */
  return (vf)(((vu)shifted << 23) + (127u << 23));
}
static inline vf vf_log_split(
    vf x, vf *exponent) { /* x = m * 2^exponent, m in [sqrt(1/2), sqrt(2)); x positive and normal */
  vm e = (vm)((vu)x - 0x3f3504f3u) >> 23;
  *exponent = __builtin_convertvector(e, vf);
  return (vf)((vu)x - ((vu)e << 23));
}
static inline float vf_reduce_add(vf a) { /* the tree: i + (i+8), then 4, 2, 1 apart */
  float x[16];
  vf_store(x, a);
  for (int half = 8; half; half /= 2)
    for (int i = 0; i < half; i++) x[i] = x[i] + x[i + half];
  return x[0];
}
static inline float vf_reduce_max(vf a) {
  float x[16];
  vf_store(x, a);
  for (int half = 8; half; half /= 2)
    for (int i = 0; i < half; i++) x[i] = x[i + half] < x[i] ? x[i] : x[i + half];
  return x[0];
}
#define GR_FROM(name, type)                        \
  static inline vf vf_from_##name(const type *p) { \
    float x[16];                                   \
    GR_EACH(i) x[i] = (float)p[i];                 \
    return vf_load(x);                             \
  }
GR_FROM(u8, uint8_t)
GR_FROM(i8, int8_t)
GR_FROM(u16, uint16_t)
GR_FROM(i16, int16_t)
#undef GR_FROM
static inline float f16_to_float(uint16_t h) {
  uint32_t sign = (uint32_t)(h & 0x8000u) << 16, rest = h & 0x7fffu, bits;
  float value;
  if (rest >= 0x7c00u) { /* infinity, NaN */
    bits = sign | 0x7f800000u | (rest & 0x3ffu) << 13;
  } else if (rest >= 0x400u) {
    bits = sign | ((rest << 13) + 0x38000000u);
  } else { /* zero and subnormal: rest * 2^-24, exact */
    value = (float)rest * 0x1p-24f;
    memcpy(&bits, &value, sizeof bits);
    bits |= sign;
  }
  memcpy(&value, &bits, sizeof value);
  return value;
}
static inline vf vf_from_f16(const uint16_t *p) {
  float x[16];
  GR_EACH(i) x[i] = f16_to_float(p[i]);
  return vf_load(x);
}
/* Rows become columns: out[c * ld_out + r] = in[r * ld_in + c], 16 x 16. */
static inline void transpose_16x16(const float *in, size_t ld_in, float *out, size_t ld_out) {
  for (size_t r = 0; r < 16; r++)
    for (size_t c = 0; c < 16; c++) out[c * ld_out + r] = in[r * ld_in + c];
}
/* 16 whole numbers below 2^32, for Philox. */
typedef vu vi;
static inline vi vi_load(const uint32_t *p) {
  vi r;
  memcpy(&r, p, sizeof r);
  return r;
}
static inline vi vi_set1(uint32_t x) {
  return x - (vu){0};
}
static inline vi vi_add(vi a, vi b) {
  return a + b;
}
static inline vi vi_xor(vi a, vi b) {
  return a ^ b;
}
static inline vi vi_multiply(vi a, vi b, vi *high) {
  uint32_t x[16], y[16], h[16];
  memcpy(x, &a, sizeof x);
  memcpy(y, &b, sizeof y);
  GR_EACH(i) h[i] = (uint32_t)((uint64_t)x[i] * y[i] >> 32);
  *high = vi_load(h);
  return a * b;
}
/* Whether half `half` (0 low, 1 high) of each is below limit <= 65536. */
static inline vm vi_half_below(vi a, int half, uint32_t limit) {
  return (half ? a >> 16 : a & 0xffffu) < vi_set1(limit);
}

#undef GR_EACH
#endif
