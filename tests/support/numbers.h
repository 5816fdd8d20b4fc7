/* Numbers and arrays for tests: a seeded stream, arrays of exactly the wanted size (so that a
 * sanitizer sees the first byte read beyond them), comparison of bits, and assertions that say
 * for which case they failed. */
#ifndef GR_TESTS_SUPPORT_NUMBERS_H
#define GR_TESTS_SUPPORT_NUMBERS_H

#include <stddef.h>
#include <stdint.h>

/* The stream: splitmix64 (Steele, Lea and Flood, OOPSLA 2014). */
typedef struct gr_test_stream {
  uint64_t state;
} gr_test_stream;

uint64_t gr_test_next(gr_test_stream *s);
size_t gr_test_between(gr_test_stream *s, size_t low, size_t high); /* low..high, both included */
float gr_test_unit(gr_test_stream *s);                              /* k 2^-23 in [-1, 1) */
void gr_test_fill(gr_test_stream *s, float *p, size_t n, float scale); /* scale * gr_test_unit */

/* NaN and both infinities in turn: what padding holds to show that nothing reads it. */
void gr_test_poison(float *p, size_t n);

/* 64-byte aligned memory of exactly `count` x `size` bytes, zeroed; ends the program where it
 * cannot be had. gr_test_release frees all that was handed out since the last call. */
void *gr_test_array(size_t count, size_t size);
float *gr_test_floats(size_t n);
void gr_test_release(void);

/* Index of the first element whose bits differ, n where none does. NaNs are equal to NaNs whatever
 * their payload and sign. */
size_t gr_test_difference(const float *a, const float *b, size_t n);

/* Panels of 16 that n columns fill, and the smallest stride for n columns. */
static inline size_t gr_test_panels(size_t n) {
  return (n + 15) / 16;
}

/* An assertion with a text in printf's format; returns `ok`. */
#define GR_CHECK(ok, ...) gr_test_that((ok), __FILE__, __LINE__, __VA_ARGS__)
__attribute__((format(printf, 4, 5))) int gr_test_that(int ok, const char *file, int line,
                                                       const char *format, ...);

#endif
