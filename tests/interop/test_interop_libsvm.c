/* LIBSVM files become dense rows. */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "test_interop.h"

static void import_text(const char *text, gr_dataset *out) {
  gr_import_options options = import_of(write_text("t.libsvm", text));
  import_well(&options, out);
}

static void refuse(const char *text, const char *word) {
  gr_import_options options = import_of(write_text("t.libsvm", text));
  import_badly(&options, GRADUS_ERR_DATA, word);
}

static void pairs_become_dense_rows(void) {
  const float x[9] = {0.5f, 0, 2, 0, 1e-3f, 0, 0, 0, -4};
  const int32_t y[3] = {1, -1, 1};
  gr_dataset d;
  import_text("# a comment\n+1 1:0.5 3:2 # tail\n\n-1  2:1e-3 \r\n1 3:-4", &d);
  const gr_split *s = &d.split[GR_TRAIN];
  CU_ASSERT_FATAL(s->n_rows == 3 && d.n_columns == 3 && s->x_type == GR_F32);
  CU_ASSERT(memcmp(s->x, x, sizeof x) == 0);
  CU_ASSERT_FATAL(s->y_type == GR_I32 && memcmp(s->y, y, sizeof y) == 0);
  CHECK_ACCOUNT("3 rows, 4 values, indices up to 3");
  gr_dataset_free(&d);
}

static void labels_are_classes_where_all_are_whole(void) {
  gr_dataset d;
  import_text("1.5 1:1\n2 qid:3 1:2\n", &d);
  CU_ASSERT_FATAL(d.split[GR_TRAIN].y_type == GR_F32);
  CU_ASSERT(((float *)d.split[GR_TRAIN].y)[0] == 1.5f);
  CHECK_ACCOUNT("! ");
  CHECK_ACCOUNT("query numbers (qid) are passed over");
  gr_dataset_free(&d);
  gr_import_options options = import_of(write_text("t.libsvm", "1 1:1\n2 1:2\n"));
  options.task = GR_REGRESSION;
  import_well(&options, &d);
  CU_ASSERT(d.split[GR_TRAIN].y_type == GR_F32);
  gr_dataset_free(&d);
  options = import_of(write_text("t.libsvm", "1.5 1:1\n"));
  options.task = GR_CLASSIFICATION;
  import_badly(&options, GRADUS_ERR_DATA, "labels that are not whole");
}

static void all_splits_have_the_columns_of_the_widest(void) {
  gr_import_options options = import_of(write_text("t.libsvm", "1 1:1\n0 2:2\n"));
  options.source[GR_TEST] = write_text("s.libsvm", "1 5:1\n");
  gr_dataset d;
  import_well(&options, &d);
  CU_ASSERT(d.n_columns == 5 && ((float *)d.split[GR_TEST].x)[4] == 1);
  gr_dataset_free(&d);
  options.n_columns = 8;
  import_well(&options, &d);
  CU_ASSERT(d.n_columns == 8);
  gr_dataset_free(&d);
  options.n_columns = 4;
  import_badly(&options, GRADUS_ERR_DATA,
               "s.libsvm:1:1: index 5 is beyond the 4 columns asked for");
}

static void malformed_lines_are_told_with_their_field(void) {
  refuse("1 1:1\n1 3:1 2:5\n", "t.libsvm:2:7: '2:5' comes out of order");
  refuse("1 1:1 1:2\n", "t.libsvm:1:7: '1:2' comes out of order");
  refuse("1 0:1\n", "t.libsvm:1:3: '0:1' is no pair, expected index:value with indices from 1");
  refuse("1 1:1\n1 x\n", "t.libsvm:2:3: 'x' is no pair");
  refuse("1 1:1\n1 2:\n", "t.libsvm:2:3: '2:' has no value");
  refuse("1 1:1e39\n", "'1:1e39' has no value that a float can hold");
  refuse("1 1:inf\n", "has no value that a float can hold");
  refuse("1 1:1\none 1:1\n", "t.libsvm:2:1: 'one' is no label");
  refuse("1 1:1\n1,2 1:1\n", "t.libsvm:2:1: '1,2' holds several labels");
  refuse("1 1:1\n1 99999999999:1\n", "'99999999999:1' is no pair");
  refuse("1 1:1\n1 16777217:1\n", "beyond the 16777216 columns that rows can have");
}

static void bad_lines_may_be_left_out(void) {
  gr_import_options options = import_of(write_text("t.libsvm", "1 1:1\n1 x\n# c\n2 1:3\nz\n"));
  gr_dataset d;
  options.max_bad_rows = 2;
  import_well(&options, &d);
  CU_ASSERT(d.split[GR_TRAIN].n_rows == 2 && ((float *)d.split[GR_TRAIN].x)[1] == 3);
  CHECK_ACCOUNT("t.libsvm: 2 bad rows left out, 2 taken");
  gr_dataset_free(&d);
  options.max_bad_rows = 1;
  import_badly(&options, GRADUS_ERR_DATA, "t.libsvm:5:1: 'z' is no label, expected a number; more");
}

const gr_test libsvm_tests[] = {GR_TEST(pairs_become_dense_rows),
                                GR_TEST(labels_are_classes_where_all_are_whole),
                                GR_TEST(all_splits_have_the_columns_of_the_widest),
                                GR_TEST(malformed_lines_are_told_with_their_field),
                                GR_TEST(bad_lines_may_be_left_out),
                                GR_TEST_END};
