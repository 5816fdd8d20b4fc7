/* One converter per stored type, found by a table. */
#include <config.h>

#include "net/element.h"

#include <string.h>

#include "net/preprocessing.h"

/* IEEE 754 binary16: 1 sign, 5 exponent (bias 15) and 10 fraction bits; a double holds them all. */
static double from_half(uint16_t half) {
  uint64_t sign = (uint64_t)(half >> 15) << 63, fraction = half & 0x3ff, bits;
  unsigned exponent = half >> 10 & 0x1f;
  if (exponent == 0) {
    double value = (double)fraction * 0x1p-24;
    return sign ? -value : value;
  }
  if (exponent == 0x1f)
    bits = sign | (uint64_t)0x7ff << 52 | fraction << 42;
  else
    bits = sign | (uint64_t)(exponent - 15 + 1023) << 52 | fraction << 42;
  double value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

#define CONVERTER(name, type, expression)                                        \
  static void name(const void *array, uint64_t start, uint64_t n, double *out) { \
    const type *from = (const type *)array + start;                              \
    for (uint64_t i = 0; i < n; i++) out[i] = (expression);                      \
  }
CONVERTER(from_u8, uint8_t, from[i])
CONVERTER(from_i8, int8_t, from[i])
CONVERTER(from_u16, uint16_t, from[i])
CONVERTER(from_i16, int16_t, from[i])
CONVERTER(from_f16, uint16_t, from_half(from[i]))
CONVERTER(from_f32, float, (double)from[i])
CONVERTER(from_u32, uint32_t, from[i])
CONVERTER(from_i32, int32_t, from[i])
CONVERTER(from_u64, uint64_t, (double)from[i])
CONVERTER(from_i64, int64_t, (double)from[i])
CONVERTER(from_f64, double, from[i])
#undef CONVERTER

static void (*const converters[GR_N_DTYPES])(const void *, uint64_t, uint64_t, double *) = {
    [GR_U8] = from_u8,   [GR_I8] = from_i8,   [GR_U16] = from_u16, [GR_I16] = from_i16,
    [GR_F16] = from_f16, [GR_F32] = from_f32, [GR_U32] = from_u32, [GR_I32] = from_i32,
    [GR_U64] = from_u64, [GR_I64] = from_i64, [GR_F64] = from_f64};

void gr_elements(const void *array, gr_dtype type, uint64_t start, uint64_t n, double *out) {
  converters[type](array, start, n, out);
}

double gr_element(const void *array, gr_dtype type, uint64_t i) {
  double value;
  gr_elements(array, type, i, 1, &value);
  return value;
}
