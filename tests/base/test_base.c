/* The base layer: numbers in and out, random numbers against published vectors, permutations that
 * are permutations. */
#include <config.h>

#include <math.h>
#include <string.h>

#include "base/elementary.h"
#include "base/memory.h"
#include "base/permutation.h"
#include "base/philox.h"
#include "base/text.h"
#include "suites.h"

/* Known answers of Random123 (Salmon et al.), kat_vectors: philox4x32 10. */
static void philox_gives_the_published_vectors(void) {
  static const struct {
    uint32_t counter[4], key[2], out[4];
  } known[] = {
      {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
      {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
       {0xffffffff, 0xffffffff},
       {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
      {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
       {0xa4093822, 0x299f31d0},
       {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
  };
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
    uint32_t out[4];
    gr_philox(known[i].counter, known[i].key, out);
    CU_ASSERT(memcmp(out, known[i].out, sizeof out) == 0);
  }
}

/* Large blocks come from elsewhere than small ones; all can be written to the end, resized and
 * freed. */
static void blocks_of_any_size_keep_their_bytes(void) {
  static const size_t sizes[] = {
      0, 1, 4096, ((size_t)2 << 20) - 1, (size_t)16 << 20, ((size_t)17 << 20) + 5};
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    const size_t n = sizes[i];
    unsigned char *block = gr_alloc(n, 1), *zero = gr_calloc_aligned(n, 1);
    CU_ASSERT_FATAL(block != NULL && zero != NULL);
    CU_ASSERT((uintptr_t)zero % GR_CACHE_LINE == 0);
    memset(block, 7, n);
    for (size_t j = 0; j < n; j += n / 5 + 1) CU_ASSERT(zero[j] == 0);
    block = gr_realloc(block, n + 100, 1);
    CU_ASSERT_FATAL(block != NULL);
    CU_ASSERT(n == 0 || (block[0] == 7 && block[n - 1] == 7));
    gr_free(block);
    gr_free_aligned(zero);
  }
  CU_ASSERT(gr_alloc(SIZE_MAX, 1) == NULL);
  CU_ASSERT(gr_alloc(SIZE_MAX / 2, 3) == NULL);
  CU_ASSERT(gr_calloc_aligned(SIZE_MAX - 5, 1) == NULL);
}

static void a_permutation_hits_every_row_once(void) {
  static unsigned char seen[5000];
  for (uint64_t n = 1; n <= 5000; n = n * 2 + (n % 3)) {
    memset(seen, 0, sizeof seen);
    gr_permutation p = gr_permutation_make(gr_test_seed(), 3, n);
    int wrong = 0;
    for (uint64_t i = 0; i < n; i++) {
      uint64_t row = gr_permutation_at(&p, i);
      if (row >= n || seen[row]++) wrong++;
    }
    CU_ASSERT_EQUAL(wrong, 0);
  }
}

static void numbers_survive_text(void) {
  for (uint64_t i = 0; i < 20000; i++) {
    uint32_t w[4];
    gr_random_words(gr_test_seed(), GR_STREAM_TEST, 0, i, w);
    uint64_t bits = (uint64_t)w[0] << 32 | w[1];
    double value, back = 0;
    memcpy(&value, &bits, sizeof value);
    if (!isfinite(value)) continue;
    char text[GR_DOUBLE_TEXT];
    size_t length = gr_format_double(text, value);
    CU_ASSERT_FATAL(gr_parse_double(text, length, &back) && memcmp(&back, &value, 8) == 0);
  }
  double v;
  CU_ASSERT(!gr_parse_double("1e-3x", 5, &v) && !gr_parse_double("", 0, &v));
  CU_ASSERT(!gr_parse_double("0x10", 4, &v) && !gr_parse_double(" 1", 2, &v));
}

/* Against libm in double: both are within 2 ulp of the true value. */
static void elementary_functions_agree_with_libm(void) {
  double worst = 0;
  for (uint64_t i = 0; i < 100000; i++) {
    double u = gr_random_uniform(gr_test_seed(), GR_STREAM_TEST, 1, i), x = (u - 0.5) * 1400;
    double pairs[4][2] = {{gr_exp(x), exp(x)},
                          {gr_ln(u * 1e3), log(u * 1e3)},
                          {gr_sin(x) + 2, sin(x) + 2},
                          {gr_cos(x) + 2, cos(x) + 2}};
    for (int k = 0; k < 4; k++) {
      double error = fabs(pairs[k][0] - pairs[k][1]) / (fabs(pairs[k][1]) * 0x1p-52);
      if (pairs[k][1] > 1e-300 && error > worst) worst = error;
    }
  }
  CU_ASSERT(worst <= 4);
}

static void normal_numbers_have_the_right_moments(void) {
  enum { N = 200000 };
  double sum = 0, square = 0, fourth = 0;
  for (uint64_t i = 0; i < N; i++) {
    double z = gr_random_normal(gr_test_seed(), GR_STREAM_TEST, 2, i);
    sum += z;
    square += z * z;
    fourth += z * z * z * z;
  }
  /* five standard errors: 1, sqrt 2 and sqrt 96 over sqrt N */
  CU_ASSERT(fabs(sum / N) < 5 / sqrt(N));
  CU_ASSERT(fabs(square / N - 1) < 5 * sqrt(2.0 / N));
  CU_ASSERT(fabs(fourth / N - 3) < 5 * sqrt(96.0 / N));
}

static void the_nearest_word_is_the_meant_one(void) {
  static const char *const words[] = {"sigmoid", "tanh", "relu", "softmax"};
  CU_ASSERT_STRING_EQUAL(gr_nearest_word("sigmiod", words, 4), "sigmoid");
  CU_ASSERT_STRING_EQUAL(gr_nearest_word("rleu", words, 4), "relu");
  CU_ASSERT_PTR_NULL(gr_nearest_word("banana", words, 4));
}

static const gr_test base_tests[] = {
    GR_TEST(philox_gives_the_published_vectors),   GR_TEST(blocks_of_any_size_keep_their_bytes),
    GR_TEST(a_permutation_hits_every_row_once),    GR_TEST(numbers_survive_text),
    GR_TEST(elementary_functions_agree_with_libm), GR_TEST(normal_numbers_have_the_right_moments),
    GR_TEST(the_nearest_word_is_the_meant_one),    GR_TEST_END};

int main(int argc, char **argv) {
  static const gr_suite suites[] = {{"base", base_tests}, {"cpu", gr_base_cpu_tests}, {NULL, NULL}};
  return gr_test_main(argc, argv, suites);
}
