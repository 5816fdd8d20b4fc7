/* The control register of floating-point arithmetic, beyond what fenv.h reaches. FLAGS lose results
 * or operands: on x86 flush-to-zero and denormals-are-zero, on ARM flush-to-zero (operands, too)
 * and one NaN for all. GR_CONTROL is not defined where we know no such register. */
#ifndef GR_TESTS_SUPPORT_CONTROL_H
#define GR_TESTS_SUPPORT_CONTROL_H

#include <stdint.h>

#if defined __SSE2__
#include <xmmintrin.h>

#define GR_CONTROL
enum {
  GR_CONTROL_STANDARD = 0x1f80,
  GR_CONTROL_FLAGS = 0x8000 | 0x40,
  GR_CONTROL_ROUNDING = 0x6000,
  GR_CONTROL_STATUS = 0x3f /* what arithmetic itself sets */
};

static inline unsigned gr_control(void) {
  return _mm_getcsr();
}

static inline void gr_control_set(unsigned value) {
  _mm_setcsr(value);
}
#elif defined __aarch64__
#define GR_CONTROL
enum {
  GR_CONTROL_STANDARD = 0,
  GR_CONTROL_FLAGS = 1 << 24 | 1 << 25,
  GR_CONTROL_ROUNDING = 3 << 22,
  GR_CONTROL_STATUS = 0 /* in a register of its own */
};

static inline unsigned gr_control(void) {
  uint64_t value;
  __asm__ volatile("mrs %0, fpcr" : "=r"(value));
  return (unsigned)value;
}

static inline void gr_control_set(unsigned value) {
  __asm__ volatile("msr fpcr, %0" : : "r"((uint64_t)value));
}
#endif

#endif
