/* The vocabulary over vf = 16 floats in plain C: the oracle that every other instruction set must
 * match bit for bit, and the fallback. fmaf is the C library's (exact by IEEE 754); everything else
 * is ordinary float arithmetic. */
#ifndef GR_KERNEL_SIMD_GENERIC_H
#define GR_KERNEL_SIMD_GENERIC_H

#define GR_ISA_NAME generic
#define GR_TILE_ROWS 4
#define GR_TILE_PANELS 1

typedef struct {
  float v[16];
} vf;
typedef struct {
  uint16_t bits;
} vm;
typedef float vb;

#define GR_EACH(i) for (int i = 0; i < 16; i++)

static inline vf vf_set1(float x) {
  vf r;
  GR_EACH(i) r.v[i] = x;
  return r;
}
static inline vf vf_zero(void) {
  return vf_set1(0.0f);
}
static inline vf vf_load(const float *p) {
  vf r;
  memcpy(&r, p, sizeof r);
  return r;
}
static inline void vf_store(float *p, vf a) {
  memcpy(p, &a, sizeof a);
}
static inline vf vf_load_n(const float *p, size_t n) {
  vf r = vf_zero();
  for (size_t i = 0; i < n; i++) r.v[i] = p[i];
  return r;
}
static inline vb vb_load(const float *p) {
  return *p;
}
static inline vf vf_fma_b(vb a, vf b, vf c) {
  GR_EACH(i) c.v[i] = fmaf(a, b.v[i], c.v[i]);
  return c;
}
static inline vf vf_fma(vf a, vf b, vf c) {
  GR_EACH(i) c.v[i] = fmaf(a.v[i], b.v[i], c.v[i]);
  return c;
}
static inline vf vf_nfma(vf a, vf b, vf c) {
  GR_EACH(i) c.v[i] = fmaf(-a.v[i], b.v[i], c.v[i]);
  return c;
}
static inline vf vf_add(vf a, vf b) {
  GR_EACH(i) a.v[i] = a.v[i] + b.v[i];
  return a;
}
static inline vf vf_sub(vf a, vf b) {
  GR_EACH(i) a.v[i] = a.v[i] - b.v[i];
  return a;
}
static inline vf vf_mul(vf a, vf b) {
  GR_EACH(i) a.v[i] = a.v[i] * b.v[i];
  return a;
}
static inline vf vf_div(vf a, vf b) {
  GR_EACH(i) a.v[i] = a.v[i] / b.v[i];
  return a;
}
static inline vf vf_sqrt(vf a) {
  GR_EACH(i) a.v[i] = sqrtf(a.v[i]);
  return a;
}
static inline vf vf_max(vf a, vf b) { /* b < a ? a : b */
  GR_EACH(i) a.v[i] = b.v[i] < a.v[i] ? a.v[i] : b.v[i];
  return a;
}
static inline vf vf_abs(vf a) {
  GR_EACH(i) a.v[i] = fabsf(a.v[i]);
  return a;
}
static inline vf vf_copysign(vf magnitude, vf sign) {
  GR_EACH(i) magnitude.v[i] = copysignf(magnitude.v[i], sign.v[i]);
  return magnitude;
}
static inline vf vf_round(vf a) { /* to nearest, ties to even; |a| < 2^22 */
  GR_EACH(i) a.v[i] = (a.v[i] + 0x1.8p23f) - 0x1.8p23f;
  return a;
}
static inline vf vf_pow2(vf n) { /* 2^n, n whole in [-126, 127] */
  GR_EACH(i) {
    uint32_t bits = (uint32_t)((int32_t)n.v[i] + 127) << 23;
    memcpy(&n.v[i], &bits, sizeof bits);
  }
  return n;
}
static inline vf vf_log_split(
    vf x, vf *exponent) { /* x = m * 2^exponent, m in [sqrt(1/2), sqrt(2)); x positive and normal */
  GR_EACH(i) {
    uint32_t bits;
    memcpy(&bits, &x.v[i], sizeof bits);
    int32_t e = (int32_t)(bits - 0x3f3504f3u) >> 23;
    bits -= (uint32_t)e << 23;
    memcpy(&x.v[i], &bits, sizeof bits);
    exponent->v[i] = (float)e;
  }
  return x;
}
static inline vm vf_lt(vf a, vf b) {
  vm m = {0};
  GR_EACH(i) m.bits |= (uint16_t)((a.v[i] < b.v[i]) << i);
  return m;
}
static inline vf vf_select(vm m, vf yes, vf no) {
  GR_EACH(i) no.v[i] = (m.bits >> i & 1) ? yes.v[i] : no.v[i];
  return no;
}
static inline float vf_reduce_add(vf a) { /* the tree: i + (i+8), then 4, 2, 1 apart */
  for (int half = 8; half; half /= 2)
    for (int i = 0; i < half; i++) a.v[i] = a.v[i] + a.v[i + half];
  return a.v[0];
}
static inline float vf_reduce_max(vf a) {
  for (int half = 8; half; half /= 2)
    for (int i = 0; i < half; i++) a.v[i] = a.v[i + half] < a.v[i] ? a.v[i] : a.v[i + half];
  return a.v[0];
}
static inline vf vf_from_u8(const uint8_t *p) {
  vf r;
  GR_EACH(i) r.v[i] = (float)p[i];
  return r;
}
static inline vf vf_from_i8(const int8_t *p) {
  vf r;
  GR_EACH(i) r.v[i] = (float)p[i];
  return r;
}
static inline vf vf_from_u16(const uint16_t *p) {
  vf r;
  GR_EACH(i) r.v[i] = (float)p[i];
  return r;
}
static inline vf vf_from_i16(const int16_t *p) {
  vf r;
  GR_EACH(i) r.v[i] = (float)p[i];
  return r;
}
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
  vf r;
  GR_EACH(i) r.v[i] = f16_to_float(p[i]);
  return r;
}
/* Rows of t become its columns: out[c * ld_out + r] = in[r * ld_in + c], 16 x 16. */
static inline void transpose_16x16(const float *in, size_t ld_in, float *out, size_t ld_out) {
  for (size_t r = 0; r < 16; r++)
    for (size_t c = 0; c < 16; c++) out[c * ld_out + r] = in[r * ld_in + c];
}
#undef GR_EACH
#endif
