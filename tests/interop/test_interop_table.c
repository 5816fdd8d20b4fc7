/* Text tables: shapes, headers, which columns are taken and which targets are classes. */
#include <config.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "test_interop.h"

static const float *x_of(const gr_dataset *d, int split) {
  return d->split[split].x;
}

/* Imports one training text; the caller frees. */
static void import_text(const char *name, const char *text, const char *target, gr_dataset *out) {
  gr_import_options options = import_of(write_text(name, text));
  options.target = target;
  import_well(&options, out);
}

static void refuse_text(const char *text, const char *target, gradus_status status,
                        const char *word) {
  gr_import_options options = import_of(write_text("bad.csv", text));
  options.target = target;
  import_badly(&options, status, word);
}

static void every_spelling_of_a_table_gives_the_same_data(void) {
  static const struct {
    const char *name, *text;
  } spellings[] = {
      {"a.csv", "a,b,y\n1,2.5,10.5\n-3,4e1,7\n"},
      {"b.csv",
       "\xef\xbb\xbf"
       "a,b,y\r\n1,2.5,10.5\r\n-3,4e1,7\r\n"},
      {"c.tsv", "a\tb\ty\n1\t2.5\t10.5\n-3\t4e1\t7\n"},
      {"d.txt", "a\tb\ty\n1\t2.5\t10.5\n-3\t4e1\t7"},
      {"e.csv", "a;b;y\n1;2.5;10.5\n-3;4e1;7\n"},
      {"f.csv", "\"a\",\"b\",\"y\"\n\"1\",\"2.5\",\"10.5\"\n\"-3\",\"4e1\",\"7\"\n\n\n"},
      {"g.csv", "a , b,y\n 1 ,2.5, 10.5\n-3,4e1 ,7\n \n"},
  };
  for (size_t i = 0; i < sizeof spellings / sizeof spellings[0]; i++) {
    const float x[4] = {1, 2.5f, -3, 40}, y[2] = {10.5f, 7};
    gr_dataset d;
    import_text(spellings[i].name, spellings[i].text, NULL, &d);
    const gr_split *s = &d.split[GR_TRAIN];
    CU_ASSERT_FATAL(s->n_rows == 2 && d.n_columns == 2 && s->y_columns == 1);
    CU_ASSERT(s->x_type == GR_F32 && memcmp(s->x, x, sizeof x) == 0);
    CU_ASSERT(s->y_type == GR_F32 && memcmp(s->y, y, sizeof y) == 0);
    CU_ASSERT_STRING_EQUAL(d.feature_names[1], "b");
    CU_ASSERT(d.columns[0].kind == GR_COLUMN_NUMERIC && strcmp(d.columns[0].name, "a") == 0);
    CHECK_ACCOUNT("target y: regression");
    CHECK_ACCOUNT("inputs: 2 of 2 columns taken: a, b (as f32)");
    gr_dataset_free(&d);
  }
}

/* In any place, matched by name; neither is an input. */
static void columns_become_weights_and_offsets(void) {
  gr_import_options options = import_of(write_text("w.csv", "w,a,y,o\n1,2,10.5,-1\n0,4,7,0.5\n"));
  options.source[GR_VALID] = write_text("v.csv", "o,y,a,w\n3,1.5,2,0.25\n");
  options.source[GR_TEST] = write_text("t.csv", "a\n5\n"); /* for predictions */
  options.target = "y";
  options.weights = "w";
  options.offset = "o";
  gr_dataset d;
  import_well(&options, &d);
  CHECK_ACCOUNT("inputs: 1 of 1 columns taken: a (as f32)");
  const gr_split *s = d.split;
  CU_ASSERT_FATAL(s[GR_TRAIN].weight && s[GR_TRAIN].offset && s[GR_VALID].weight);
  CU_ASSERT(s[GR_TRAIN].weight[0] == 1 && s[GR_TRAIN].weight[1] == 0);
  CU_ASSERT(s[GR_TRAIN].offset[0] == -1 && s[GR_TRAIN].offset[1] == 0.5f);
  CU_ASSERT(s[GR_VALID].weight[0] == 0.25f && s[GR_VALID].offset[0] == 3);
  CU_ASSERT(x_of(&d, GR_TRAIN)[1] == 4 && x_of(&d, GR_VALID)[0] == 2 && d.n_columns == 1);
  CU_ASSERT(!s[GR_TEST].weight && !s[GR_TEST].offset && s[GR_TEST].n_rows == 1);
  gr_dataset_free(&d);
}

static void bad_weights_and_offsets_are_refused_with_their_place(void) {
  static const struct {
    const char *text, *weights, *offset;
    gradus_status status;
    const char *word;
  } cases[] = {
      {"w,a,y\n1,2,3\n-1,4,5\n", "w", NULL, GRADUS_ERR_DATA,
       "bad.csv:3:1: column 'w' is negative; weights are 0 or more"},
      {"w,a,y\n1,2,3\n,4,5\n", "w", NULL, GRADUS_ERR_DATA,
       "bad.csv:3:1: column 'w' is missing here; each row needs its weight"},
      {"w,a,y\n1,2,3\nNA,4,5\n", NULL, "w", GRADUS_ERR_DATA,
       "bad.csv:3:1: column 'w' is missing here; each row needs its offset"},
      {"w,a,y\n1,2,3\nx,4,5\n", "w", NULL, GRADUS_ERR_DATA, "bad.csv:3:1: column 'w' is text"},
      {"w,a,y\n1,2,3\n1e39,4,5\n", NULL, "w", GRADUS_ERR_DATA,
       "bad.csv:3:1: column 'w' is beyond the range of floats"},
      {"w,a,y\n0,2,3\n0,4,5\n", "w", NULL, GRADUS_ERR_DATA, "column 'w' is 0 in every row"},
      {"w,a,y\n1,2,3\n", "y", NULL, GRADUS_ERR_USAGE, "weights 'y': that is the target"},
      {"w,a,y\n1,2,3\n", "w", "w", GRADUS_ERR_USAGE, "cannot be weights and offset at once"},
      {"weight,a,y\n1,2,3\n", "wieght", NULL, GRADUS_ERR_USAGE, "did you mean 'weight'?"}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    gr_import_options options = import_of(write_text("bad.csv", cases[i].text));
    options.weights = cases[i].weights;
    options.offset = cases[i].offset;
    import_badly(&options, cases[i].status, cases[i].word);
  }
  gr_import_options options = import_of(write_text("bad.csv", "w,a,y\n1,2,3\n,4,5\n2,5,6\n"));
  gr_dataset d;
  options.weights = "w";
  options.max_bad_rows = 1;
  import_well(&options, &d);
  CU_ASSERT_EQUAL(d.split[GR_TRAIN].n_rows, 2);
  gr_dataset_free(&d);
  options.memory = 1; /* refused before anything is there */
  import_badly(&options, GRADUS_ERR_RESOURCES, "the rows take");
  options.memory = 0;
  options.source[GR_TRAIN] = write_text("bad.svm", "1 1:2\n-1 2:3\n");
  import_badly(&options, GRADUS_ERR_USAGE, "a table was expected");
}

static void headers_are_told_from_data(void) {
  static const struct {
    const char *text, *target;
    uint64_t rows;
    const char *first;
  } cases[] = {
      {"1,2,3.5\n4,5,6\n", NULL, 2, "column_1"},
      {"5.1,3.5,Iris-a\n4.9,3.0,Iris-b\n", NULL, 2, "column_1"},
      {"label,0,1\n1.5,2,3\n2,3,4\n", NULL, 2, "label"},
      {"1,2,3\n4,5,6\n7,8,9\n", "3", 2, "1"},
      {"1,?,3.5\n4,5,6\n", NULL, 2, "column_1"},
      {"a,,y\n4,5,6\n7,7,8\n", NULL, 2, "a"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    gr_dataset d;
    import_text("h.csv", cases[i].text, cases[i].target, &d);
    CU_ASSERT_EQUAL(d.split[GR_TRAIN].n_rows, cases[i].rows);
    CU_ASSERT_STRING_EQUAL(d.feature_names[0], cases[i].first);
    gr_dataset_free(&d);
  }
}

static void broken_tables_are_told_with_line_and_column(void) {
  refuse_text("a,b,y\n1,2,3\n4,5\n", NULL, GRADUS_ERR_DATA,
              "bad.csv:3:3: row of 2 cells, expected 3 as in the first line");
  refuse_text("a,b,y\n1,2,3\n4,5,6,7,8\n", NULL, GRADUS_ERR_DATA,
              "bad.csv:3:7: row of 5 cells, expected 3");
  refuse_text("a,b\n1,\"2\n3,4\n", NULL, GRADUS_ERR_DATA,
              "bad.csv:2:3: this quote is never closed");
  refuse_text("a,b\n1,\"2\"3\n", NULL, GRADUS_ERR_DATA, "bad.csv:2:6: text after a closing quote");
  refuse_text("a,b,a\n1,2,3\n", NULL, GRADUS_ERR_DATA, "bad.csv:1:5: column name 'a' occurs twice");
  refuse_text("a,b\n", NULL, GRADUS_ERR_DATA, "has a header but no rows");
  refuse_text("", NULL, GRADUS_ERR_DATA, "is empty");
  refuse_text("\n \n\r\n", NULL, GRADUS_ERR_DATA, "is empty");
  refuse_text("a,b\n\xe9,1\n", "a", GRADUS_ERR_DATA, "bad.csv:2:1: target 'a' is not UTF-8");
  refuse_text("a,\xe9\n1,1\n", NULL, GRADUS_ERR_DATA, "bad.csv:1:3: column name");
  gr_import_options options = import_of(write_file("nul.csv", "a,b\n1,2\n3,\0\n", 13));
  import_badly(&options, GRADUS_ERR_DATA, "nul.csv:3:3: a NUL byte");
  options = import_of(write_file("wide.csv",
                                 "\xff\xfe"
                                 "a\0,\0b\0",
                                 8));
  import_badly(&options, GRADUS_ERR_DATA, "UTF-16");
  options = import_of("/nonexistent/t.csv");
  import_badly(&options, GRADUS_ERR_NOINPUT, "/nonexistent/t.csv");
}

static void bad_targets_are_refused(void) {
  refuse_text("a,Survived\n1,2\n", "Survivd", GRADUS_ERR_USAGE, "did you mean 'Survived'?");
  refuse_text("a,Survived\n1,2\n", "banana", GRADUS_ERR_USAGE, "the last one is 'Survived'");
  refuse_text("a,y\n1,2\n2,\n", NULL, GRADUS_ERR_DATA, "bad.csv:3:3: target 'y' is missing here");
  refuse_text("a,y\n1,x\n2,\n", NULL, GRADUS_ERR_DATA, "bad.csv:3:3: target 'y' is missing here");
  refuse_text("a,y\n1,2\n2,NA\n", NULL, GRADUS_ERR_DATA, "bad.csv:3:3: target 'y' is missing here");
  refuse_text("a,y\n1,2\n2,inf\n", NULL, GRADUS_ERR_DATA, "bad.csv:3:3: target 'y' is infinite");
  refuse_text("t,y\nu,2\nv,3\n", NULL, GRADUS_ERR_DATA, "no column besides the target 'y'");
  refuse_text("y\n2\n", NULL, GRADUS_ERR_DATA, "no column besides the target 'y'");
  char ids[2000] = "a,y\n";
  for (int i = 0; i < 50; i++) snprintf(ids + strlen(ids), 30, "%d,row%d\n", i, i);
  refuse_text(ids, NULL, GRADUS_ERR_DATA, "looks like an identifier");
  gr_import_options options = import_of(write_text("t.csv", "a,y\n1,x\n2,3\n"));
  options.task = GR_REGRESSION;
  import_badly(&options, GRADUS_ERR_DATA,
               "t.csv:2:3: target 'y' is text; regression needs numbers");
  options = import_of(write_text("t.csv", "a,y\n1,2\n2,0\n"));
  options.log_target = true;
  import_badly(&options, GRADUS_ERR_DATA, "t.csv:3:3: target 'y' is not above 0");
  char twice[9000];
  snprintf(twice, sizeof twice, "%s,%s", gr_test_path("t.csv"), gr_test_path("t.csv"));
  options.source[GR_TRAIN] = twice;
  import_badly(&options, GRADUS_ERR_USAGE, "a table holds its own target");
}

static void columns_that_cannot_be_used_are_dropped_with_a_reason(void) {
  gr_dataset d;
  import_text("drop.csv",
              "user_id,n,gap,empty,colour,name,mixed,huge,comma,same,y\n"
              "1,0.5,1,,red,a,1,1,\"1,5\",7,1.5\n"
              "2,1.5,,,blue,b,2,2,\"2,5\",7,2.5\n"
              "3,2.5,3,,red,c,x9,inf,\"3,5\",7,3.5\n"
              "4,3.5,NA,,red,d,4,4,\"4,5\",7,4.5\n"
              "5,4.5,5,,,e,5,5,\"5,5\",7,5.5\n",
              NULL, &d);
  CU_ASSERT_FATAL(d.n_columns == 4);
  CU_ASSERT_STRING_EQUAL(d.feature_names[0], "n");
  CU_ASSERT_STRING_EQUAL(d.feature_names[1], "gap");
  CU_ASSERT_STRING_EQUAL(d.feature_names[2], "colour");
  CU_ASSERT_STRING_EQUAL(d.feature_names[3], "same");
  CU_ASSERT_STRING_EQUAL(d.target_name, "y");
  CHECK_ACCOUNT("! column user_id: dropped: it counts the rows");
  CHECK_ACCOUNT("! column empty: dropped: all cells are empty");
  CHECK_ACCOUNT("! column name: dropped: text, 5 distinct values in 5 cells (an identifier?)");
  CHECK_ACCOUNT("! column mixed: dropped: text, 5 distinct values in 5 cells ('x9' at ");
  CHECK_ACCOUNT("drop.csv:4:16, but 4 cells are numbers)");
  CHECK_ACCOUNT("! column huge: dropped: 'inf' at ");
  CHECK_ACCOUNT("! column comma: dropped: text: '1,5' at ");
  CHECK_ACCOUNT("has a decimal comma");
  CHECK_ACCOUNT("inputs: 4 of 10 columns taken: n, gap, colour, same; 1 categorical (as f32)");
  CU_ASSERT_FATAL(d.n_dropped == 6);
  CU_ASSERT_STRING_EQUAL(d.dropped[0].name, "user_id");
  CU_ASSERT_STRING_EQUAL(d.dropped[0].reason, "it counts the rows");
  gr_dataset_free(&d);
}

static void levels_are_numbered_by_their_texts_and_gaps_are_nan(void) {
  gr_dataset d;
  import_text("levels.csv",
              "c,n,y\nred,1,0.5\nblue,,1.5\n,3,2.5\nred,NA,3.5\nNA,5,4.5\nNA,6,5.5\nblue,7,6.5\n",
              NULL, &d);
  CU_ASSERT_FATAL(d.n_columns == 2 && d.split[GR_TRAIN].n_rows == 7);
  CU_ASSERT_FATAL(d.columns[0].kind == GR_COLUMN_CATEGORICAL && d.columns[0].n_levels == 3);
  CU_ASSERT_STRING_EQUAL(d.columns[0].levels[0], "NA"); /* among texts a text */
  CU_ASSERT_STRING_EQUAL(d.columns[0].levels[1], "blue");
  CU_ASSERT_STRING_EQUAL(d.columns[0].levels[2], "red");
  const float *x = x_of(&d, GR_TRAIN);
  CU_ASSERT(x[0] == 2 && x[2] == 1 && isnan(x[4]) && x[6] == 2 && x[8] == 0 && x[12] == 1);
  CU_ASSERT(x[1] == 1 && isnan(x[3]) && x[5] == 3 && isnan(x[7]) && x[9] == 5);
  gr_dataset_free(&d);
}

static void every_nth_row_is_for_the_test_and_unseen_while_columns_are_judged(void) {
  gr_dataset d;
  gr_import_options options =
      import_of(write_text("every.csv",
                           "row_id,a,c,y\n1,1,u,0.5\n2,2,v,1.5\n3,3,v,2.5\n4,4,w,3.5\n5,5,v,4.5\n"
                           "6,6,v,5.5\n7,7,w,6.5\n"));
  options.test_every = 3;
  import_well(&options, &d);
  CU_ASSERT_FATAL(d.split[GR_TRAIN].n_rows == 4 && d.split[GR_TEST].n_rows == 3);
  const float *train = x_of(&d, GR_TRAIN), *test = x_of(&d, GR_TEST);
  CU_ASSERT_FATAL(d.n_columns == 2); /* row_id counts rows, also where some are left out */
  CU_ASSERT(train[0] == 2 && train[2] == 3 && train[4] == 5 && train[6] == 6);
  CU_ASSERT(test[0] == 1 && test[2] == 4 && test[4] == 7);
  CU_ASSERT(((float *)d.split[GR_TEST].y)[1] == 3.5f);
  CU_ASSERT_FATAL(d.columns[1].n_levels == 3); /* the test's levels have numbers, too */
  gr_dataset_free(&d);
  options.source[GR_TEST] = options.source[GR_TRAIN];
  import_badly(&options, GRADUS_ERR_USAGE, "from a file or by number, not both");
}

static void rows_that_do_not_fit_in_memory_are_refused_before_they_are_read(void) {
  gr_import_options options = import_of(write_text("t.csv", "a,y\n1,0.5\n2,1.5\n"));
  options.memory = 15; /* 2 rows of 8 bytes */
  import_badly(&options, GRADUS_ERR_RESOURCES, "gradus import");
  gr_dataset d;
  options.memory = 16;
  import_well(&options, &d);
  gr_dataset_free(&d);
}

static void an_index_column_without_a_name_is_dropped_but_a_time_is_not(void) {
  gr_dataset d;
  import_text("i.csv", ",t,y\n0,10,1.5\n1,11,2.5\n2,12,4\n", NULL, &d);
  CU_ASSERT(d.n_columns == 1 && strcmp(d.feature_names[0], "t") == 0);
  CHECK_ACCOUNT("column column_1: dropped: it counts the rows");
  gr_dataset_free(&d);
}

static void values_too_large_for_float_are_kept_as_double(void) {
  gr_dataset d;
  import_text("w.csv", "a,y\n16777217,1.5\n2,123456789\n", NULL, &d);
  const gr_split *s = &d.split[GR_TRAIN];
  CU_ASSERT_FATAL(s->x_type == GR_F64 && s->y_type == GR_F64);
  CU_ASSERT(((double *)s->x)[0] == 16777217 && ((double *)s->y)[1] == 123456789);
  gr_dataset_free(&d);
}

static void whole_numbers_become_classes_with_their_values(void) {
  gr_dataset d;
  import_text("k.csv", "a,y\n1.5,-1\n2,1.0\n3,+1\n", NULL, &d);
  const gr_split *s = &d.split[GR_TRAIN];
  const int32_t y[3] = {-1, 1, 1};
  CU_ASSERT_FATAL(s->y_type == GR_I32 && memcmp(s->y, y, sizeof y) == 0);
  CU_ASSERT(!d.y_is_text && !d.class_names);
  CHECK_ACCOUNT("target y: classification, 2 classes: -1 (1), 1 (2)");
  gr_dataset_free(&d);
  char many[2000] = "a,y\n";
  for (int i = 0; i < 21; i++) snprintf(many + strlen(many), 30, "%d.5,%d\n", i, i * 3);
  import_text("m.csv", many, NULL, &d);
  CU_ASSERT(d.split[GR_TRAIN].y_type == GR_F32);
  gr_dataset_free(&d);
  gr_import_options options = import_of(gr_test_path("m.csv"));
  options.task = GR_CLASSIFICATION;
  import_well(&options, &d);
  CU_ASSERT(d.split[GR_TRAIN].y_type == GR_I32 && ((int32_t *)d.split[GR_TRAIN].y)[20] == 60);
  gr_dataset_free(&d);
}

static void texts_become_classes_in_sorted_order(void) {
  gr_dataset d;
  import_text("c.csv", "a,y\n1,\"wolf, grey\"\n2,NA\n3,cat\n4,cat\n", NULL, &d);
  const gr_split *s = &d.split[GR_TRAIN];
  const int32_t y[4] = {2, 0, 1, 1};
  CU_ASSERT_FATAL(d.y_is_text && d.n_class_names == 3 && s->y_type == GR_I32);
  CU_ASSERT(memcmp(s->y, y, sizeof y) == 0);
  CU_ASSERT_STRING_EQUAL(d.class_names[0], "NA");
  CU_ASSERT_STRING_EQUAL(d.class_names[2], "wolf, grey");
  gr_dataset_free(&d);
}

static void splits_are_matched_by_name_and_share_classes(void) {
  gr_dataset d;
  gr_import_options options = import_of(write_text("t.csv", "a,b,y\n1,2,cat\n3,4,dog\n"));
  options.target = "y";
  options.source[GR_VALID] = write_text("v.csv", "y;extra;b;a\ndog;9;6;5\n");
  options.source[GR_TEST] = write_text("s.csv", "b,a\n8,7\n");
  import_well(&options, &d);
  CU_ASSERT(x_of(&d, GR_VALID)[0] == 5 && x_of(&d, GR_VALID)[1] == 6);
  CU_ASSERT(((int32_t *)d.split[GR_VALID].y)[0] == 1);
  CU_ASSERT(x_of(&d, GR_TEST)[0] == 7 && d.split[GR_TEST].n_rows == 1);
  CU_ASSERT(d.split[GR_TEST].y_columns == 0 && !d.split[GR_TEST].y);
  CHECK_ACCOUNT("! test: no column y in ");
  gr_dataset_free(&d);
  options.source[GR_TEST] = NULL;
  options.source[GR_VALID] = write_text("v.csv", "a,b\n1,2\n");
  import_badly(&options, GRADUS_ERR_DATA, "v.csv: has no target column 'y'");
  options.source[GR_VALID] = write_text("v.csv", "a,y\n1,cat\n");
  import_badly(&options, GRADUS_ERR_DATA, "v.csv: has no column 'b'");
  options.source[GR_VALID] = write_text("v.csv", "a,b,y\n1,2,cat\n1,2,cow\n");
  import_badly(&options, GRADUS_ERR_DATA, "v.csv:3:5: class 'cow' of target 'y' does not occur");
  options.source[GR_VALID] = write_text("v.csv", "1,2\n");
  import_badly(&options, GRADUS_ERR_DATA, "2 columns, but");
  options.source[GR_VALID] = write_text("v.csv", "5,6,cat\n");
  import_well(&options, &d);
  CU_ASSERT(x_of(&d, GR_VALID)[1] == 6 && ((int32_t *)d.split[GR_VALID].y)[0] == 0);
  gr_dataset_free(&d);
}

static void a_gap_in_another_split_is_a_gap_but_a_text_among_numbers_drops_the_column(void) {
  gr_dataset d;
  gr_import_options options = import_of(write_text("t.csv", "a,b,y\n1,2,0.5\n3,4,1.5\n"));
  options.source[GR_TEST] = write_text("s.csv", "a,b,y\n8,,2.5\n");
  import_well(&options, &d);
  CU_ASSERT_FATAL(d.n_columns == 2);
  CU_ASSERT(x_of(&d, GR_TRAIN)[3] == 4 && x_of(&d, GR_TEST)[0] == 8);
  CU_ASSERT(isnan(x_of(&d, GR_TEST)[1]));
  gr_dataset_free(&d);
  options.source[GR_TEST] = write_text("s.csv", "a,b,y\n8,x,2.5\n");
  import_well(&options, &d);
  CU_ASSERT(d.n_columns == 1 && x_of(&d, GR_TRAIN)[1] == 3 && x_of(&d, GR_TEST)[0] == 8);
  CHECK_ACCOUNT("column b: dropped: 'x' at ");
  gr_dataset_free(&d);
}

static void the_logarithm_of_a_target_is_stored(void) {
  gr_dataset d;
  gr_import_options options = import_of(write_text("t.csv", "a,y\n1,1\n2,2\n"));
  options.log_target = true;
  import_well(&options, &d);
  CU_ASSERT(((float *)d.split[GR_TRAIN].y)[0] == 0 &&
            ((float *)d.split[GR_TRAIN].y)[1] == 0x1.62e43p-1f);
  CHECK_ACCOUNT("target y: regression on its natural logarithm");
  gr_dataset_free(&d);
}

/* Any cut of a table, and any single byte changed, is imported or refused with a place; never a
 * crash (the sanitizers watch). */
static void mutilated_tables_never_crash(void) {
  static const char text[] = "a,\"b \"\"q\"\"\",y\r\n1,\"2\",x\r\n-3.5e2,4,\"y,z\"\n5,,w\n";
  static const unsigned char bytes[] = {0, '"', ',', '\n', '\r', ';', '\t', ' ', 0xff, 'e'};
  int refused = 0;
  for (size_t i = 0; i < sizeof text - 1; i++) {
    for (size_t k = 0; k <= sizeof bytes; k++) {
      char copy[sizeof text];
      memcpy(copy, text, sizeof text);
      if (k < sizeof bytes) copy[i] = (char)bytes[k];
      gr_import_options options =
          import_of(write_file("mutant.csv", copy, k < sizeof bytes ? sizeof text - 1 : i));
      gradus_error err = {0};
      gr_dataset d;
      options.log.sink = NULL;
      gradus_status status = gr_import_read(&options, &d, &err);
      CU_ASSERT(status == GRADUS_OK || strstr(err.message, "mutant.csv"));
      refused += status != GRADUS_OK;
      gr_dataset_free(&d);
    }
  }
  CU_ASSERT(refused > 50);
}

static void import_real(const char *name, const char *target, gr_dataset *out) {
  gr_text path = {0};
  gr_text_printf(&path, "%s/csv/%s", gr_test_real_data(), name);
  gr_import_options options = import_of(path.data);
  options.target = target;
  import_well(&options, out);
  gr_text_free(&path);
}

static void titanic_is_accounted_for(void) {
  if (!gr_test_real_data()) {
    printf("(no GRADUS_TEST_DATA: skipped) ");
    return;
  }
  gr_dataset d;
  import_real("titanic.csv", "Survived", &d);
  CHECK_ACCOUNT("891 rows, 12 columns, comma-separated, with a header");
  CHECK_ACCOUNT("target Survived: classification, 2 classes: 0 (549), 1 (342)");
  CHECK_ACCOUNT("! column PassengerId: dropped: it counts the rows");
  CHECK_ACCOUNT("! column Name: dropped: text, 891 distinct values (an identifier?)");
  CHECK_ACCOUNT(
      "! column Sex: dropped: text with 2 levels; categorical inputs are not yet supported");
  CHECK_ACCOUNT("! column Age: dropped: 177 of 891 cells are empty");
  CHECK_ACCOUNT("! column Ticket: dropped: text, 681 distinct values ('A/5 21171' at ");
  CHECK_ACCOUNT("! column Cabin: dropped: text, 147 distinct values, 687 of 891 cells are empty");
  CHECK_ACCOUNT("! column Embarked: dropped: text with 3 levels, 2 of 891 cells are empty");
  CHECK_ACCOUNT("inputs: 4 of 11 columns taken: Pclass, SibSp, Parch, Fare (as f32)");
  CU_ASSERT(d.split[GR_TRAIN].n_rows == 891 && d.n_columns == 4);
  CU_ASSERT(x_of(&d, GR_TRAIN)[3] == 7.25f);
  gr_dataset_free(&d);
}

static void diamonds_become_a_regression(void) {
  if (!gr_test_real_data()) {
    printf("(no GRADUS_TEST_DATA: skipped) ");
    return;
  }
  gr_dataset d;
  import_real("diamonds.csv", "price", &d);
  CHECK_ACCOUNT("target price: regression");
  CHECK_ACCOUNT("! column cut: dropped: text with 5 levels; categorical inputs");
  CHECK_ACCOUNT("! column clarity: dropped: text with 8 levels");
  CHECK_ACCOUNT("inputs: 6 of 9 columns taken: carat, depth, table, x, y, z (as f32)");
  CU_ASSERT(d.split[GR_TRAIN].n_rows == 53940 && d.split[GR_TRAIN].y_type == GR_F32);
  CU_ASSERT(x_of(&d, GR_TRAIN)[0] == 0.23f && ((float *)d.split[GR_TRAIN].y)[0] == 326);
  gr_dataset_free(&d);
}

const gr_test table_tests[] = {
    GR_TEST(every_spelling_of_a_table_gives_the_same_data),
    GR_TEST(columns_become_weights_and_offsets),
    GR_TEST(bad_weights_and_offsets_are_refused_with_their_place),
    GR_TEST(headers_are_told_from_data),
    GR_TEST(broken_tables_are_told_with_line_and_column),
    GR_TEST(bad_targets_are_refused),
    GR_TEST(columns_that_cannot_be_used_are_dropped_with_a_reason),
    GR_TEST(an_index_column_without_a_name_is_dropped_but_a_time_is_not),
    GR_TEST(values_too_large_for_float_are_kept_as_double),
    GR_TEST(whole_numbers_become_classes_with_their_values),
    GR_TEST(texts_become_classes_in_sorted_order),
    GR_TEST(splits_are_matched_by_name_and_share_classes),
    GR_TEST(a_gap_in_another_split_is_a_gap_but_a_text_among_numbers_drops_the_column),
    GR_TEST(levels_are_numbered_by_their_texts_and_gaps_are_nan),
    GR_TEST(every_nth_row_is_for_the_test_and_unseen_while_columns_are_judged),
    GR_TEST(rows_that_do_not_fit_in_memory_are_refused_before_they_are_read),
    GR_TEST(the_logarithm_of_a_target_is_stored),
    GR_TEST(mutilated_tables_never_crash),
    GR_TEST(titanic_is_accounted_for),
    GR_TEST(diamonds_become_a_regression),
    GR_TEST_END};
