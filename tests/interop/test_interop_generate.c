/* Generated data: the same bytes everywhere, balanced, and what they claim to be. */
#include <config.h>

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

#include "interop/generate.h"
#include "test_interop.h"

static void generate(const char *kind, gr_generate_options options, gr_dataset *out) {
  gradus_error err = {0};
  GR_CHECK_OK(gr_generate(kind, &options, out, &err), &err);
}

/* XXH3-64 over x and y of each split. */
static uint64_t digest_of(const gr_dataset *d) {
  uint64_t digest = 0;
  for (int s = 0; s < GR_N_SPLITS; s++) {
    const gr_split *split = &d->split[s];
    if (!split->n_rows) continue;
    size_t n = split->n_rows * d->n_columns * gr_dtype_size(split->x_type);
    digest = XXH3_64bits_withSeed(split->x, n, digest);
    digest = XXH3_64bits_withSeed(split->y, split->n_rows * gr_dtype_size(split->y_type), digest);
  }
  return digest;
}

/* Golden: these hold for gcc and clang at any optimisation, and for little-endian machines. */
static void the_bytes_are_the_same_everywhere(void) {
  static const struct {
    const char *kind;
    uint64_t digest;
  } golden[] = {{"digits", 0x5babb58cc2a9d6cfu},
                {"spirals", 0x59c25b058546993fu},
                {"friedman1", 0xe67138a0802ce943u}};
  for (size_t i = 0; i < 3; i++) {
    gr_dataset d;
    generate(golden[i].kind, (gr_generate_options){.n_rows = {300, 20, 50}, .seed = 7, .noise = -1},
             &d);
    uint64_t got = digest_of(&d);
    if (got != golden[i].digest)
      printf("\n  %s 0x%016llx", golden[i].kind, (unsigned long long)got);
    CU_ASSERT_EQUAL(got, golden[i].digest);
    gr_dataset_free(&d);
  }
}

static void a_larger_set_begins_with_the_smaller_one(void) {
  for (size_t k = 0; gr_generator_at(k); k++) {
    gr_dataset small, large;
    const char *kind = gr_generator_at(k)->name;
    generate(kind, (gr_generate_options){.n_rows = {33, 1, 1}, .seed = 5, .noise = -1}, &small);
    generate(kind, (gr_generate_options){.n_rows = {99, 1, 1}, .seed = 5, .noise = -1}, &large);
    const gr_split *a = &small.split[GR_TRAIN], *b = &large.split[GR_TRAIN];
    CU_ASSERT(memcmp(a->x, b->x, 33 * small.n_columns * gr_dtype_size(a->x_type)) == 0);
    CU_ASSERT(memcmp(a->y, b->y, 33 * gr_dtype_size(a->y_type)) == 0);
    gr_dataset_free(&small);
    gr_dataset_free(&large);
  }
}

static void seeds_and_splits_differ(void) {
  gr_dataset one, two;
  generate("digits", (gr_generate_options){.n_rows = {50, 50, 50}, .seed = 1, .noise = -1}, &one);
  generate("digits", (gr_generate_options){.n_rows = {50, 50, 50}, .seed = 2, .noise = -1}, &two);
  CU_ASSERT(memcmp(one.split[0].x, two.split[0].x, 784) != 0);
  CU_ASSERT(memcmp(one.split[0].x, one.split[1].x, 784) != 0);
  CU_ASSERT(memcmp(one.split[0].x, one.split[2].x, 784) != 0);
  gr_dataset_free(&one);
  gr_dataset_free(&two);
}

static void defaults_are_those_of_the_kind(void) {
  gr_dataset d;
  generate("spirals", (gr_generate_options){.noise = -1}, &d);
  CU_ASSERT(d.split[GR_TRAIN].n_rows == 4000 && d.split[GR_VALID].n_rows == 0);
  CU_ASSERT(d.split[GR_TEST].n_rows == 1000 && d.n_columns == 2);
  CU_ASSERT_STRING_EQUAL(d.feature_names[1], "x2");
  gr_dataset_free(&d);
}

static void classes_are_balanced(void) {
  gr_dataset d;
  unsigned count[10] = {0}, in_order = 0;
  generate("digits", (gr_generate_options){.n_rows = {1000, 1, 1}, .noise = 0}, &d);
  const uint8_t *y = d.split[GR_TRAIN].y;
  for (size_t i = 0; i < 1000; i++) {
    count[y[i] % 10]++;
    in_order += y[i] == i % 10;
  }
  for (int k = 0; k < 10; k++) CU_ASSERT_EQUAL(count[k], 100);
  CU_ASSERT(in_order < 200); /* 100 are expected of a random order, deviation below 10 */
  gr_dataset_free(&d);
}

/* Without noise: white around, ink inside, and the ink in a plausible amount. */
static void digits_are_ink_on_white(void) {
  gr_dataset d;
  generate("digits", (gr_generate_options){.n_rows = {500, 1, 1}, .seed = 3, .noise = 0}, &d);
  const uint8_t *x = d.split[GR_TRAIN].x;
  int bad = 0;
  for (size_t i = 0; i < 500; i++, x += 784) {
    unsigned white = 0, ink = 0;
    for (size_t k = 0; k < 784; k++) {
      white += x[k] == 0;
      ink += x[k] > 180;
    }
    bad += white < 350 || ink < 6;
  }
  CU_ASSERT_EQUAL(bad, 0);
  gr_dataset_free(&d);
}

static void spirals_lie_on_their_arms(void) {
  gr_dataset d;
  generate("spirals", (gr_generate_options){.n_rows = {1000, 1, 1}, .noise = 0}, &d);
  const float *x = d.split[GR_TRAIN].x;
  const uint8_t *y = d.split[GR_TRAIN].y;
  for (size_t i = 0; i < 1000; i++) {
    double a = (double)x[2 * i], b = (double)x[2 * i + 1], r = sqrt(a * a + b * b);
    double angle = 3.5 * 3.14159265358979 * r + 3.14159265358979 * y[i];
    /* the angle's error is that of two rounded floats, 1e-7, over a radius of at least 0.05 */
    CU_ASSERT(fabs(a - r * cos(angle)) < 1e-5 && fabs(b - r * sin(angle)) < 1e-5);
  }
  gr_dataset_free(&d);
}

static void friedman_follows_its_formula(void) {
  gr_dataset d;
  generate("friedman1", (gr_generate_options){.n_rows = {2000, 1, 1}, .noise = 0}, &d);
  const float *x = d.split[GR_TRAIN].x, *y = d.split[GR_TRAIN].y;
  for (size_t i = 0; i < 2000; i++, x += 10) {
    double u[5];
    for (int k = 0; k < 5; k++) u[k] = (double)x[k];
    double wanted = 10 * sin(3.14159265358979 * u[0] * u[1]) + 20 * (u[2] - 0.5) * (u[2] - 0.5) +
                    10 * u[3] + 5 * u[4];
    CU_ASSERT(fabs((double)y[i] - wanted) < 4e-6); /* half a unit in the last place of 30 is 1e-6 */
  }
  gr_dataset_free(&d);
  gr_dataset noisy, clean;
  double square = 0;
  generate("friedman1", (gr_generate_options){.n_rows = {4000, 1, 1}, .noise = -1}, &noisy);
  generate("friedman1", (gr_generate_options){.n_rows = {4000, 1, 1}, .noise = 0}, &clean);
  for (size_t i = 0; i < 4000; i++) {
    double e = (double)(((float *)noisy.split[0].y)[i] - ((float *)clean.split[0].y)[i]);
    square += e * e;
  }
  CU_ASSERT(fabs(square / 4000 - 1) <
            5 * sqrt(2.0 / 4000)); /* five standard errors of a variance */
  gr_dataset_free(&noisy);
  gr_dataset_free(&clean);
}

static void bad_requests_are_refused(void) {
  gradus_error err = {0};
  gr_dataset d;
  gr_generate_options o = {.noise = -1};
  GR_CHECK_FAILS(gr_generate("digit", &o, &d, &err), GRADUS_ERR_USAGE, &err, "did you mean digits");
  GR_CHECK_FAILS(gr_generate("flowers of spring", &o, &d, &err), GRADUS_ERR_USAGE, &err,
                 "expected one of digits, spirals, friedman1");
  o.n_rows[GR_TRAIN] = UINT64_MAX / 2;
  GR_CHECK_FAILS(gr_generate("digits", &o, &d, &err), GRADUS_ERR_RESOURCES, &err, "so many rows");
  o.n_rows[GR_TRAIN] = GR_NO_ROWS;
  GR_CHECK_FAILS(gr_generate("digits", &o, &d, &err), GRADUS_ERR_USAGE, &err, "train rows");
  o = (gr_generate_options){.noise = (double)NAN};
  GR_CHECK_FAILS(gr_generate("digits", &o, &d, &err), GRADUS_ERR_USAGE, &err, "noise");
  CU_ASSERT_PTR_NULL(gr_generator_at(3));
}

const gr_test generate_tests[] = {GR_TEST(the_bytes_are_the_same_everywhere),
                                  GR_TEST(a_larger_set_begins_with_the_smaller_one),
                                  GR_TEST(seeds_and_splits_differ),
                                  GR_TEST(defaults_are_those_of_the_kind),
                                  GR_TEST(classes_are_balanced),
                                  GR_TEST(digits_are_ink_on_white),
                                  GR_TEST(spirals_lie_on_their_arms),
                                  GR_TEST(friedman_follows_its_formula),
                                  GR_TEST(bad_requests_are_refused),
                                  GR_TEST_END};
