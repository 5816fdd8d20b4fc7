/* The numbers and arrays of tests. Arrays are kept in one list and freed together: a test that
 * fails half-way leaks nothing. */
#include <config.h>

#include "support/numbers.h"

#include <CUnit/CUnit.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void **handed_out;
static size_t n_handed_out;

uint64_t gr_test_next(gr_test_stream *s) {
  uint64_t z = (s->state += 0x9e3779b97f4a7c15u);
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return z ^ z >> 31;
}

size_t gr_test_between(gr_test_stream *s, size_t low, size_t high) {
  return low + (size_t)(gr_test_next(s) % (high - low + 1));
}

float gr_test_unit(gr_test_stream *s) {
  return (float)((int32_t)(gr_test_next(s) >> 40) - (1 << 23)) * 0x1p-23f;
}

void gr_test_fill(gr_test_stream *s, float *p, size_t n, float scale) {
  for (size_t i = 0; i < n; i++) p[i] = scale * gr_test_unit(s);
}

void gr_test_poison(float *p, size_t n) {
  static const float poison[3] = {NAN, INFINITY, -INFINITY};
  for (size_t i = 0; i < n; i++) p[i] = poison[i % 3];
}

void *gr_test_array(size_t count, size_t size) {
  void **list = realloc(handed_out, (n_handed_out + 1) * sizeof *list), *block = NULL;
  if (!list) abort();
  handed_out = list;
  if (posix_memalign(&block, 64, count * size > 0 ? count * size : 1) != 0) abort();
  memset(block, 0, count * size);
  return handed_out[n_handed_out++] = block;
}

float *gr_test_floats(size_t n) {
  return gr_test_array(n, sizeof(float));
}

void gr_test_release(void) {
  while (n_handed_out) free(handed_out[--n_handed_out]);
  free(handed_out);
  handed_out = NULL;
}

size_t gr_test_difference(const float *a, const float *b, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (memcmp(&a[i], &b[i], sizeof a[i]) != 0 && !(isnan(a[i]) && isnan(b[i]))) return i;
  return n;
}

int gr_test_that(int ok, const char *file, int line, const char *format, ...) {
  char text[400];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  return CU_assertImplementation(ok != 0, (unsigned)line, text, file, "", CU_FALSE);
}
