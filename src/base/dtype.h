/* The numeric types that data are stored and kept in. */
#ifndef GR_BASE_DTYPE_H
#define GR_BASE_DTYPE_H

#include <stddef.h>

typedef enum gr_dtype {
  GR_U8,
  GR_I8,
  GR_U16,
  GR_I16,
  GR_F16,
  GR_F32,
  GR_U32, /* from here on converted through double */
  GR_I32,
  GR_U64,
  GR_I64,
  GR_F64,
  GR_N_DTYPES
} gr_dtype;

static inline size_t gr_dtype_size(gr_dtype type) {
  static const unsigned char size[GR_N_DTYPES] = {1, 1, 2, 2, 2, 4, 4, 4, 8, 8, 8};
  return size[type];
}

static inline const char *gr_dtype_name(gr_dtype type) {
  static const char *const name[GR_N_DTYPES] = {"u8",  "i8",  "u16", "i16", "f16", "f32",
                                                "u32", "i32", "u64", "i64", "f64"};
  return name[type];
}

/* True for u8 ... i64: values are whole numbers by type. */
static inline int gr_dtype_is_integer(gr_dtype type) {
  return type != GR_F16 && type != GR_F32 && type != GR_F64;
}

#endif
