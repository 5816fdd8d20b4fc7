/* What the tests of sources share: rows that are read in every way must be the rows expected. */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "base/philox.h"
#include "suites.h"

void gr_fill(void *out, size_t bytes) {
  uint32_t state = 12345;
  for (size_t i = 0; i < bytes; i++) {
    state = state * 1664525u + 1013904223u;
    ((unsigned char *)out)[i] = (unsigned char)(i % 97 < 40  ? i / 97
                                                : i % 3 == 0 ? state >> 24
                                                             : i % 5);
  }
}

gr_source *gr_source_of(const char *file, const char *path, bool transpose) {
  const gr_source_part part = {file, path, transpose};
  gradus_error err = {0};
  gr_source *source = NULL;
  uint64_t before = gr_handles();
  GR_CHECK_OK(gr_source_open(&part, 1, &source, &err), &err);
  CU_ASSERT_FATAL(source != NULL);
  if (gr_source_get_info(source)->kind != GR_SOURCE_LIBRARY) CU_ASSERT_EQUAL(gr_handles(), before);
  return source;
}

void gr_refuse_source(const char *file, const char *path, gradus_status status, const char *word) {
  const gr_source_part part = {file, path, false};
  gradus_error err = {0};
  gr_source *source = NULL;
  uint64_t before = gr_handles();
  GR_CHECK_FAILS(gr_source_open(&part, 1, &source, &err), status, &err, word);
  CU_ASSERT(source == NULL && strchr(err.message, '\n') == NULL);
  CU_ASSERT(strstr(err.message, file) != NULL);
  CU_ASSERT_EQUAL(gr_handles(), before);
}

static void check_range(gr_source *source, const char *expected, char *out, uint64_t first,
                        uint64_t n) {
  const gr_source_info *info = gr_source_get_info(source);
  const size_t row = info->n_columns * gr_dtype_size(info->type);
  gradus_error err = {0};
  memset(out, 0x5a, n * row + 1);
  GR_CHECK_OK(gr_source_read(source, first, n, out, &err), &err);
  CU_ASSERT(memcmp(out, expected + first * row, n * row) == 0);
  CU_ASSERT(out[n * row] == 0x5a); /* nothing beyond */
}

void gr_check_rows(gr_source *source, const void *expected) {
  const gr_source_info *info = gr_source_get_info(source);
  const uint64_t rows = info->n_rows;
  char *out = malloc(rows * info->n_columns * gr_dtype_size(info->type) + 1);
  CU_ASSERT_FATAL(out != NULL);
  check_range(source, expected, out, 0, rows);
  check_range(source, expected, out, rows, 0);
  for (uint32_t i = 0; i < 20; i++) {
    uint32_t words[4];
    gr_random_words(gr_test_seed(), GR_STREAM_TEST, i, rows, words);
    uint64_t first = words[0] % rows;
    check_range(source, expected, out, first, words[1] % (rows - first + 1));
  }
  const uint64_t step = rows / 40 + 1;
  for (uint64_t i = 0; i < rows; i += step)
    check_range(source, expected, out, i, rows - i < step ? rows - i : step);
  free(out);
}

void gr_check_source(const char *file, const char *path, bool transpose, gr_source_kind kind,
                     const void *expected) {
  gr_source *source = gr_source_of(file, path, transpose);
  CU_ASSERT_EQUAL(gr_source_get_info(source)->kind, kind);
  CU_ASSERT((gr_source_get_info(source)->base != NULL) == (kind == GR_SOURCE_MAPPED));
  gr_check_rows(source, expected);
  gr_source_close(source);
}
