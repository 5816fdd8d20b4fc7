/* Where two data sets differ, told from their prints alone. */
#include <config.h>

#include <string.h>

#include "base/memory.h"
#include "store/dataset.h"
#include "suites.h"
#include "support/numbers.h"
#include "support/test.h"

static gr_dataset make_set(uint64_t n, uint32_t columns) {
  gr_dataset d = {.n_columns = columns, .layout = "gradus"};
  float *x = gr_calloc(n * columns, sizeof *x);
  int32_t *y = gr_calloc(n, sizeof *y);
  CU_ASSERT_FATAL(x && y);
  for (uint64_t i = 0; i < n * columns; i++) x[i] = (float)(i * 7919 % 1013);
  for (uint64_t i = 0; i < n; i++) y[i] = (int32_t)(i % 5);
  d.split[GR_TRAIN] =
      (gr_split){.n_rows = n, .x_type = GR_F32, .x = x, .y_type = GR_I32, .y_columns = 1, .y = y};
  CU_ASSERT_EQUAL(gr_dataset_digest(&d, NULL), GRADUS_OK);
  return d;
}

static void expect(const gr_dataset *a, const gr_dataset *b, const char *wanted) {
  gr_text text = {0};
  gr_print_compare(&a->print, &b->print, gr_dataset_place, (void *)(uintptr_t)b, &text);
  const char *got = text.data ? text.data : "";
  GR_CHECK(strcmp(got, wanted) == 0, "\n  '%s', wanted\n  '%s'", got, wanted);
  gr_text_free(&text);
}

static void the_first_range_that_differs_is_named(void) {
  gr_dataset a = make_set(5000, 3), b = make_set(5000, 3);
  expect(&a, &b, "");
  ((float *)b.split[GR_TRAIN].x)[3 * 1234 + 1] = -1;
  CU_ASSERT_EQUAL(gr_dataset_digest(&b, NULL), GRADUS_OK);
  expect(&a, &b, "train/x differs first in rows 1216 to 1279, and in 1 of 79 such ranges");
  ((int32_t *)b.split[GR_TRAIN].y)[4999] = 7;
  CU_ASSERT_EQUAL(gr_dataset_digest(&b, NULL), GRADUS_OK);
  expect(&a, &b,
         "train/x differs first in rows 1216 to 1279, and in 1 of 79 such ranges; train/y differs "
         "first in rows 4992 to 4999, and in 1 of 79 such ranges");
  gr_dataset_free(&a);
  gr_dataset_free(&b);
}

/* Rows that were added: 16-row ranges of 300 rows are compared as the 64-row ones of 5000. */
static void rows_that_were_added_leave_the_others_the_same(void) {
  gr_dataset a = make_set(300, 3), b = make_set(5000, 3);
  expect(&a, &b,
         "train has 5000 rows, not 300; the first 256 rows of train/x are the same; the first 256 "
         "rows of train/y are the same");
  expect(&b, &a,
         "train has 300 rows, not 5000; the first 256 rows of train/x are the same; the first 256 "
         "rows of train/y are the same");
  gr_dataset_free(&a);
  gr_dataset_free(&b);
}

static void shapes_types_and_names_are_told(void) {
  gr_dataset a = make_set(40, 3), b = make_set(40, 4), c = make_set(40, 3), d = make_set(40, 3);
  char *names[] = {"a", "b", "c", "d", "e"};
  expect(&a, &b, "train has 4 columns, not 3");
  c.split[GR_TRAIN].x_type = GR_I32;
  c.split[GR_TRAIN].weight = gr_calloc(40, sizeof(float));
  c.split[GR_VALID] = a.split[GR_TRAIN];
  CU_ASSERT_EQUAL(gr_dataset_digest(&c, NULL), GRADUS_OK);
  expect(&a, &c, "train/x is i32, not f32; train has weights now; valid is new");
  expect(&c, &a, "train/x is f32, not i32; train has no weights any more; valid is missing");
  c.split[GR_VALID] = (gr_split){0};
  d.class_names = names;
  d.n_class_names = 5;
  CU_ASSERT_EQUAL(gr_dataset_digest(&d, NULL), GRADUS_OK);
  expect(&a, &d, "names of classes, or kinds or levels of columns, differ");
  d.class_names = NULL;
  gr_dataset_free(&a);
  gr_dataset_free(&b);
  gr_dataset_free(&c);
  gr_dataset_free(&d);
}

static void weights_and_offsets_are_told_apart(void) {
  gr_dataset a = make_set(5000, 1), b = make_set(5000, 1);
  b.split[GR_TRAIN].offset = gr_calloc(5000, sizeof(float));
  CU_ASSERT_PTR_NOT_NULL_FATAL(b.split[GR_TRAIN].offset);
  CU_ASSERT_EQUAL(gr_dataset_digest(&b, NULL), GRADUS_OK);
  expect(&a, &b, "train has offsets now");
  expect(&b, &a, "train has no offsets any more");
  gr_dataset_free(&a);
  a = make_set(5000, 1);
  a.split[GR_TRAIN].offset = gr_calloc(5000, sizeof(float));
  CU_ASSERT_PTR_NOT_NULL_FATAL(a.split[GR_TRAIN].offset);
  a.split[GR_TRAIN].offset[70] = 1;
  CU_ASSERT_EQUAL(gr_dataset_digest(&a, NULL), GRADUS_OK);
  expect(&a, &b, "train/offset differs first in rows 64 to 127, and in 1 of 79 such ranges");
  gr_dataset_free(&a);
  gr_dataset_free(&b);
}

static void the_file_among_several_is_named(void) {
  const char *const paths[] = {gr_test_path("a.h5"), gr_test_path("b.h5")};
  const gr_dataset_options options = {0};
  gradus_error err = {0};
  gr_dataset part[2] = {make_set(100, 3), make_set(300, 3)}, before = {0}, after = {0};
  for (int i = 0; i < 2; i++) GR_CHECK_OK(gr_dataset_write(&part[i], paths[i], true, &err), &err);
  GR_CHECK_OK(gr_dataset_read_files(paths, 2, &options, &before, &err), &err);
  ((float *)part[1].split[GR_TRAIN].x)[3 * 60] = 5;
  GR_CHECK_OK(gr_dataset_write(&part[1], paths[1], true, &err), &err);
  GR_CHECK_OK(gr_dataset_read_files(paths, 2, &options, &after, &err), &err);
  gr_text text = {0};
  gr_print_compare(&before.print, &after.print, gr_dataset_place, &after, &text);
  CU_ASSERT_PTR_NOT_NULL_FATAL(text.data);
  GR_CHECK(strstr(text.data, "train/x differs first in rows 160 to 175 (") &&
               strstr(text.data, "b.h5, rows 60 to 75), and in 1 of 25 such ranges"),
           "%s", text.data);
  gr_text_free(&text);
  gr_dataset_free(&before);
  gr_dataset_free(&after);
  for (int i = 0; i < 2; i++) gr_dataset_free(&part[i]);
}

const gr_test print_tests[] = {GR_TEST(the_first_range_that_differs_is_named),
                               GR_TEST(weights_and_offsets_are_told_apart),
                               GR_TEST(rows_that_were_added_leave_the_others_the_same),
                               GR_TEST(shapes_types_and_names_are_told),
                               GR_TEST(the_file_among_several_is_named),
                               GR_TEST_END};
