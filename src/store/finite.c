/* Infinity and NaN are told by their bits (an exponent of ones), so that no floating-point mode and
 * no compiler flag matters, and the compiler can do many at once: blocks are scanned without
 * branches, and only a bad block is looked at one by one. */
#include <config.h>

#include "store/finite.h"

#include <string.h>

#define BLOCK 4096

/* The same loops for 16, 32 and 64 bits. A value is infinite where all bits but the sign equal
 * those of infinity, NaN where they exceed them. */
#define DEFINE_SCAN(name, type, infinity)                                                    \
  static type name##_magnitude(const void *data, uint64_t i) {                               \
    type bits;                                                                               \
    memcpy(&bits, (const char *)data + i * sizeof bits, sizeof bits);                        \
    return (type)(bits & ((infinity) | ((infinity)-1)));                                     \
  }                                                                                          \
  static bool name(const void *data, uint64_t n, bool nan_too, uint64_t *at) {               \
    for (uint64_t start = 0; start < n; start += BLOCK) {                                    \
      uint64_t end = n - start < BLOCK ? n : start + BLOCK;                                  \
      unsigned bad = 0;                                                                      \
      for (uint64_t i = start; i < end; i++) bad |= name##_magnitude(data, i) >= (infinity); \
      for (uint64_t i = start; bad && i < end; i++) {                                        \
        type value = name##_magnitude(data, i);                                              \
        if (value == (infinity) || (value > (infinity) && !nan_too)) return *at = i, false;  \
      }                                                                                      \
    }                                                                                        \
    return true;                                                                             \
  }

DEFINE_SCAN(scan16, uint16_t, 0x7c00)
DEFINE_SCAN(scan32, uint32_t, UINT32_C(0x7f800000))
DEFINE_SCAN(scan64, uint64_t, UINT64_C(0x7ff0000000000000))

typedef bool scan(const void *data, uint64_t n, bool nan_too, uint64_t *at);
static scan *const scans[GR_N_DTYPES] = {[GR_F16] = scan16, [GR_F32] = scan32, [GR_F64] = scan64};

bool gr_all_finite(const void *data, gr_dtype type, uint64_t n, bool nan_too, uint64_t *at) {
  return !scans[type] || scans[type](data, n, nan_too, at);
}
