/* Files: layouts, adding rows, and what a failure leaves behind. The digest tells whether contents
 * are the same; the reader of training computes it anew. */
#include <config.h>

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"
#include "test_interop.h"

/* A path of the scratch directory that stays; others are recycled. */
static const char *lasting(const char *name) {
  static char path[4096];
  snprintf(path, sizeof path, "%s", gr_test_path(name));
  return path;
}

static const char *digest_of(const char *path) {
  static char digest[4][33];
  static int turn;
  gradus_error err = {0};
  gr_dataset d;
  const gr_dataset_options options = {0};
  char *out = digest[turn++ % 4];
  GR_CHECK_OK(gr_dataset_read(path, &options, &d, &err), &err);
  snprintf(out, 33, "%s", d.digest);
  gr_dataset_free(&d);
  return out;
}

/* Writes, checks that the summary's digest is the file's, and returns it. */
static const char *write_well(const gr_import_options *options, const char *path) {
  gradus_error err = {0};
  gr_dataset summary;
  GR_CHECK_OK(gr_import_write(options, path, true, &summary, &err), &err);
  const char *digest = digest_of(path);
  CU_ASSERT_STRING_EQUAL(summary.digest, digest);
  gr_dataset_free(&summary);
  return digest;
}

static const char *append_well(const gr_import_options *options, const char *path) {
  gradus_error err = {0};
  gr_dataset summary;
  clear_account();
  GR_CHECK_OK(gr_import_append(options, path, &summary, &err), &err);
  const char *digest = digest_of(path);
  CU_ASSERT_STRING_EQUAL(summary.digest, digest);
  gr_dataset_free(&summary);
  return digest;
}

static void append_badly(const gr_import_options *options, const char *path, const char *word) {
  gradus_error err = {0};
  file_bytes before = slurp(path), after;
  GR_CHECK_FAILS(gr_import_append(options, path, NULL, &err), GRADUS_ERR_DATA, &err, word);
  after = slurp(path);
  CU_ASSERT(before.size == after.size && memcmp(before.data, after.data, after.size) == 0);
  gr_free(before.data);
  gr_free(after.data);
}

/* Nothing of a failed or finished import is left over. */
static void check_no_leftovers(void) {
  DIR *directory = opendir(gr_test_directory());
  CU_ASSERT_PTR_NOT_NULL_FATAL(directory);
  for (struct dirent *entry; (entry = readdir(directory));)
    CU_ASSERT(strncmp(entry->d_name, ".tmp-", 5) != 0);
  (void)closedir(directory);
}

static void put_rows(gr_text *text, int first, int n) {
  for (int i = first; i < first + n; i++)
    gr_text_printf(text, "%d.5,%d,%d.25,%s\n", i, i * i % 9973, -i, i % 3 ? "cat" : "ant");
}

static const char *write_rows(const char *name, int first, int n) {
  gr_text text = {0};
  gr_text_puts(&text, "a,b,c,y\n");
  put_rows(&text, first, n);
  const char *path = write_file(name, text.data, text.length);
  gr_text_free(&text);
  return path;
}

static const gr_storage storages[] = {{0, 0}, {7, 0},  {1000000, 0},      {GR_CHUNK_AUTO, 0},
                                      {0, 1}, {13, 6}, {GR_CHUNK_AUTO, 9}};
enum { N_STORAGES = sizeof storages / sizeof storages[0] };

static void every_layout_holds_the_same(void) {
  gr_import_options options = import_of(write_rows("t.csv", 0, 20000));
  options.source[GR_TEST] = write_rows("s.csv", 5, 11);
  const char *path = lasting("out.h5");
  char wanted[33] = "";
  for (int k = 0; k < N_STORAGES; k++) {
    options.storage = storages[k];
    const char *digest = write_well(&options, path);
    if (k == 0) snprintf(wanted, sizeof wanted, "%s", digest);
    CU_ASSERT_STRING_EQUAL(digest, wanted);
    gradus_error err = {0};
    gr_dataset_rows *rows;
    GR_CHECK_OK(gr_dataset_rows_open(path, &rows, &err), &err);
    gr_storage found = gr_dataset_rows_storage(rows);
    CU_ASSERT_EQUAL(found.level, storages[k].level);
    CU_ASSERT((found.chunk_rows > 0) == (storages[k].level > 0 || storages[k].chunk_rows > 0));
    if (storages[k].chunk_rows > 0 && storages[k].chunk_rows < 20000)
      CU_ASSERT_EQUAL(found.chunk_rows, storages[k].chunk_rows);
    gr_dataset_rows_close(rows);
  }
  check_no_leftovers();
}

static void added_rows_stand_behind_the_old_ones(void) {
  gr_import_options whole = import_of(write_rows("t.csv", 0, 5000));
  whole.source[GR_TEST] = write_rows("s.csv", 100, 60);
  const char *path = lasting("out.h5");
  char wanted[33];
  snprintf(wanted, sizeof wanted, "%s", write_well(&whole, path));
  for (int k = 0; k < N_STORAGES; k++) {
    gr_import_options first = import_of(write_rows("t.csv", 0, 3000));
    first.source[GR_TEST] = write_rows("s.csv", 100, 50);
    first.storage = storages[k];
    (void)write_well(&first, path);
    gr_import_options more = import_of(write_rows("m.csv", 3000, 2000));
    (void)append_well(&more, path);
    gr_import_options test = {.source = {[GR_TEST] = write_rows("m.csv", 150, 10)},
                              .task = GR_AUTO,
                              .storage = storages[N_STORAGES - 1 - k],
                              .has_storage = k % 2};
    CU_ASSERT_STRING_EQUAL(append_well(&test, path), wanted);
  }
  check_no_leftovers();
}

static void columns_are_found_by_name_and_others_left_out(void) {
  const char *path = lasting("out.h5");
  gr_import_options options = import_of(write_text("t.csv", "a,b,y\n1,2,0.5\n3,4,1.5\n5,6,2.5\n"));
  char wanted[33];
  snprintf(wanted, sizeof wanted, "%s", write_well(&options, path));
  options.source[GR_TRAIN] = write_text("t.csv", "a,b,y\n1,2,0.5\n");
  (void)write_well(&options, path);
  options.source[GR_TRAIN] = write_text("m.csv", "y,id,b,a\n1.5,x,4,3\n2.5,y,6,5\n");
  options.target = "y";
  CU_ASSERT_STRING_EQUAL(append_well(&options, path), wanted);
  options.source[GR_TRAIN] = write_text("m.csv", "7,8,9.5\n");
  options.target = NULL;
  (void)append_well(&options, path);
}

static void new_classes_come_behind_the_old_ones(void) {
  const char *path = lasting("out.h5");
  gr_import_options options = import_of(write_text("t.csv", "a,y\n1,dog\n2,cat\n"));
  (void)write_well(&options, path);
  options.source[GR_TRAIN] = write_text("t.csv", "a,y\n3,ant\n4,dog\n5,bee\n");
  (void)append_well(&options, path);
  CHECK_ACCOUNT("! target y: class ant is new and becomes number 2");
  gradus_error err = {0};
  gr_dataset d;
  const gr_dataset_options read = {0};
  GR_CHECK_OK(gr_dataset_read(path, &read, &d, &err), &err);
  const int32_t y[5] = {1, 0, 2, 1, 3};
  CU_ASSERT_FATAL(d.split[GR_TRAIN].n_rows == 5 && d.n_class_names == 4);
  CU_ASSERT(memcmp(d.split[GR_TRAIN].y, y, sizeof y) == 0);
  CU_ASSERT_STRING_EQUAL(d.class_names[2], "ant");
  gr_dataset_free(&d);
}

static void what_does_not_fit_is_refused_and_the_file_stays(void) {
  const char *path = lasting("out.h5");
  gr_import_options options = import_of(write_text("t.csv", "a,b,y\n1,2,0.5\n3,4,1.5\n"));
  (void)write_well(&options, path);
  static const struct {
    const char *text, *word;
  } cases[] = {
      {"a,c,y\n1,2,0.5\n", "has no column 'b'"},
      {"a,b,y\n1,x,0.5\n", "column 'b' cannot be added to that of"},
      {"a,b,y\n1,inf,0.5\n", "column 'b' cannot be added to that of"},
      {"a,b,y\n1,16777217,0.5\n", "m.csv:2:3: column 'b': 16777217 needs double precision"},
      {"a,b,y\n1,2,123456789\n", "target 'y' needs double precision"},
      {"a,b,y\n1,2,cat\n", "target 'y' is text, expected a number"},
      {"a,b,y\n1,2,0.5\n1,2\n", "m.csv:3:3: row of 2 cells"},
      {"1,2,3,4\n", "3 columns besides the target"}};
  for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
    options.source[GR_TRAIN] = write_text("m.csv", cases[k].text);
    append_badly(&options, path, cases[k].word);
  }
  options.source[GR_TRAIN] = write_text("m.svm", "1 1:1\n2 2:1\n");
  append_well(&options, path);
  options.source[GR_TRAIN] = write_text("m.svm", "1 1:1\n2 3:1\n");
  append_badly(&options, path, "index 3 is beyond the 2 columns");
  check_no_leftovers();
}

static void hdf5_is_repacked(void) {
  const char *path = lasting("out.h5");
  gr_import_options options = import_of(write_rows("t.csv", 0, 500));
  options.source[GR_VALID] = write_rows("v.csv", 100, 50);
  char wanted[33];
  snprintf(wanted, sizeof wanted, "%s", write_well(&options, path));
  gr_import_options again = import_of(path);
  again.storage = (gr_storage){64, 5};
  CU_ASSERT_STRING_EQUAL(write_well(&again, gr_test_path("packed.h5")), wanted);
  again = import_of(gr_test_path("packed.h5"));
  CU_ASSERT_STRING_EQUAL(write_well(&again, path), wanted);
}

const gr_test append_tests[] = {GR_TEST(every_layout_holds_the_same),
                                GR_TEST(added_rows_stand_behind_the_old_ones),
                                GR_TEST(columns_are_found_by_name_and_others_left_out),
                                GR_TEST(new_classes_come_behind_the_old_ones),
                                GR_TEST(what_does_not_fit_is_refused_and_the_file_stays),
                                GR_TEST(hdf5_is_repacked),
                                GR_TEST_END};
