/* Rows from several files: parts named one by one, and virtual datasets, which lead to files beside
 * their own and nowhere else. */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "suites.h"

enum { COLUMNS = 4 };

/* i32 [n][COLUMNS] in the file `name`: row r of it is first + r in every column. */
static void make_rows(const char *name, hid_t type, hsize_t n, int first, hsize_t chunk_rows) {
  const hsize_t dims[2] = {n, COLUMNS}, chunk[2] = {chunk_rows, 3};
  int32_t data[100 * COLUMNS];
  hid_t file = gr_file_make(gr_test_path(name)), plist = H5Pcreate(H5P_DATASET_CREATE);
  for (hsize_t i = 0; i < n * COLUMNS; i++) data[i] = first + (int32_t)(i / COLUMNS);
  if (chunk_rows) {
    H5Pset_chunk(plist, 2, chunk);
    H5Pset_deflate(plist, 1);
  }
  hid_t space = H5Screate_simple(2, dims, NULL);
  hid_t set = H5Dcreate2(file, "x", type, space, H5P_DEFAULT, plist, H5P_DEFAULT);
  CU_ASSERT_FATAL(set >= 0);
  if (n) CU_ASSERT(H5Dwrite(set, H5T_NATIVE_INT32, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0);
  H5Dclose(set);
  H5Sclose(space);
  H5Pclose(plist);
  gr_file_end(file);
}

/* Rows 0 ... n - 1 as make_rows numbers them. */
static const int32_t *count_rows(int n) {
  static int32_t data[300 * COLUMNS];
  for (int i = 0; i < n * COLUMNS; i++) data[i] = i / COLUMNS;
  return data;
}

/* ---- parts ---- */

static void parts_follow_one_another(void) {
  char paths[4][4096];
  gr_source_part parts[4];
  gradus_error err = {0};
  gr_source *source = NULL;
  make_rows("p0.h5", H5T_STD_I32LE, 10, 0, 0);
  make_rows("p1.h5", H5T_STD_I32BE, 7, 10, 3);
  make_rows("p2.h5", H5T_STD_I32LE, 0, 0, 0);
  make_rows("p3.h5", H5T_STD_I32LE, 13, 17, 0);
  for (int i = 0; i < 4; i++) {
    snprintf(paths[i], sizeof paths[i], "%s/p%d.h5", gr_test_directory(), i);
    parts[i] = (gr_source_part){paths[i], "x", false};
  }
  GR_CHECK_OK(gr_source_open(parts, 4, &source, &err), &err);
  CU_ASSERT_FATAL(source != NULL);
  const gr_source_info *info = gr_source_get_info(source);
  CU_ASSERT(info->n_rows == 30 && info->kind == GR_SOURCE_CHUNKED && info->chunk_rows == 3);
  CU_ASSERT(info->n_columns == COLUMNS && info->type == GR_I32 && info->base == NULL);
  gr_check_rows(source, count_rows(30));
  int32_t out[COLUMNS];
  GR_CHECK_FAILS(gr_source_read(source, 30, 1, out, &err), GRADUS_ERR_USAGE, &err, "30");
  gr_source_close(source);
  parts[1] = parts[3];
  GR_CHECK_OK(gr_source_open(parts, 2, &source, &err), &err);
  CU_ASSERT(gr_source_get_info(source)->kind == GR_SOURCE_DIRECT);
  CU_ASSERT_STRING_EQUAL(gr_source_get_info(source)->reason, "in 2 parts");
  gr_source_close(source);
}

static void parts_that_disagree_are_refused(void) {
  const hsize_t dims[2] = {5, COLUMNS + 1};
  const int32_t data[5 * (COLUMNS + 1)] = {0};
  gr_source_part parts[2];
  gradus_error err = {0};
  gr_source *source = NULL;
  make_rows("a.h5", H5T_STD_I32LE, 10, 0, 0);
  make_rows("none.h5", H5T_STD_I32LE, 0, 0, 0);
  hid_t file = gr_file_make(gr_test_path("b.h5"));
  gr_file_put(file, "wide", H5T_NATIVE_INT32, 2, dims, data, 0);
  gr_file_put(file, "float", H5T_NATIVE_FLOAT, 2, (const hsize_t[2]){5, COLUMNS}, data, 0);
  gr_file_end(file);
  parts[0] = (gr_source_part){gr_test_path("a.h5"), "x", false};
  parts[1] = (gr_source_part){gr_test_path("b.h5"), "wide", false};
  GR_CHECK_FAILS(gr_source_open(parts, 2, &source, &err), GRADUS_ERR_DATA, &err, "5 columns");
  parts[1].path = "float";
  GR_CHECK_FAILS(gr_source_open(parts, 2, &source, &err), GRADUS_ERR_DATA, &err, "type f32");
  parts[1].path = "absent";
  GR_CHECK_FAILS(gr_source_open(parts, 2, &source, &err), GRADUS_ERR_DATA, &err, "has no absent");
  GR_CHECK_FAILS(gr_source_open(parts, 0, &source, &err), GRADUS_ERR_USAGE, &err, "no parts");
  gr_refuse_source(gr_test_path("none.h5"), "x", GRADUS_ERR_DATA, "no rows");
  gr_refuse_source(gr_test_path("nowhere.h5"), "x", GRADUS_ERR_NOINPUT, "nowhere.h5");
}

/* ---- virtual datasets ---- */

/* Rows [first, first + n) of the virtual dataset are rows from, ... of file: path, which has
 * source_rows. columns: how many, from the left. */
struct map {
  const char *file, *path;
  hsize_t first, n, from, source_rows, columns;
};

static hid_t select_rows(hsize_t rows, hsize_t first, hsize_t n, hsize_t columns) {
  const hsize_t dims[2] = {rows, COLUMNS}, start[2] = {first, 0}, count[2] = {n, columns};
  hid_t space = H5Screate_simple(2, dims, NULL);
  CU_ASSERT_FATAL(H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL) >= 0);
  return space;
}

static void put_virtual(hid_t file, const char *name, hsize_t rows, const struct map *maps,
                        size_t n) {
  const hsize_t dims[2] = {rows, COLUMNS};
  hid_t plist = H5Pcreate(H5P_DATASET_CREATE);
  for (size_t i = 0; i < n; i++) {
    const struct map *m = &maps[i];
    const hsize_t columns = m->columns ? m->columns : COLUMNS;
    hid_t here = select_rows(rows, m->first, m->n, columns);
    hid_t there = select_rows(m->source_rows, m->from, m->n, columns);
    CU_ASSERT_FATAL(H5Pset_virtual(plist, here, m->file, m->path, there) >= 0);
    H5Sclose(here);
    H5Sclose(there);
  }
  gr_file_put(file, name, H5T_STD_I32LE, 2, dims, NULL, plist);
  H5Pclose(plist);
}

static void make_virtual(const char *name, hsize_t rows, const struct map *maps, size_t n) {
  hid_t file = gr_file_make(gr_test_path(name));
  put_virtual(file, "x", rows, maps, n);
  gr_file_end(file);
}

static void virtual_datasets_become_their_parts(void) {
  const struct map maps[] = {
      {"beside2.h5", "x", 20, 10, 5, 20, 0}, /* not in order, a part of a part */
      {"./beside1.h5", "x", 0, 9, 0, 9, 0},
      {"below/deep.h5", "x", 9, 11, 1, 13, 0},
      {".", "/own", 30, 3, 0, 3, 0},
  };
  const hsize_t own[2] = {3, COLUMNS};
  CU_ASSERT_FATAL(mkdir(gr_test_path("below"), 0700) == 0);
  make_rows("beside1.h5", H5T_STD_I32LE, 9, 0, 0);
  make_rows("beside2.h5", H5T_STD_I32BE, 20, 15, 4);
  make_rows("below/deep.h5", H5T_STD_I32LE, 13, 8, 0);
  hid_t file = gr_file_make(gr_test_path("virtual.h5"));
  put_virtual(file, "x", 33, maps, 4);
  gr_file_put(file, "own", H5T_STD_I32LE, 2, own, count_rows(33) + 30 * COLUMNS, 0);
  gr_file_end(file);
  gr_check_source(gr_test_path("virtual.h5"), "x", false, GR_SOURCE_CHUNKED, count_rows(33));
  const struct map again[] = {{"virtual.h5", "x", 0, 12, 0, 33, 0},
                              {"virtual.h5", "x", 12, 21, 12, 33, 0}};
  make_virtual("twice.h5", 33, again, 2);
  gr_check_source(gr_test_path("twice.h5"), "x", false, GR_SOURCE_CHUNKED, count_rows(33));
  const struct map one[] = {{"beside1.h5", "x", 0, 5, 0, 9, 0}};
  make_virtual("one.h5", 5, one, 1);
  gr_source *source = gr_source_of(gr_test_path("one.h5"), "x", false);
  CU_ASSERT_FATAL(gr_source_get_info(source)->kind == GR_SOURCE_MAPPED);
  CU_ASSERT(memcmp(gr_source_get_info(source)->base, count_rows(5), 5 * COLUMNS * 4) == 0);
  gr_source_close(source);
}

static void turned_virtual_datasets_take_columns_for_rows(void) {
  const hsize_t dims[2] = {3, 10}, part[2] = {3, 5};
  int32_t expected[10][3], turned[3][5];
  hid_t plist = H5Pcreate(H5P_DATASET_CREATE);
  for (int f = 0; f < 2; f++) {
    const hsize_t start[2] = {0, f ? 5 : 0};
    hid_t file = gr_file_make(gr_test_path(f ? "t1.h5" : "t0.h5"));
    for (int i = 0; i < 5; i++)
      for (int j = 0; j < 3; j++) turned[j][i] = expected[5 * f + i][j] = 100 * f + 10 * i + j;
    gr_file_put(file, "x", H5T_NATIVE_INT32, 2, part, turned, 0);
    gr_file_end(file);
    hid_t here = H5Screate_simple(2, dims, NULL), there = H5Screate_simple(2, part, NULL);
    H5Sselect_hyperslab(here, H5S_SELECT_SET, start, NULL, part, NULL);
    CU_ASSERT_FATAL(H5Pset_virtual(plist, here, f ? "t1.h5" : "t0.h5", "x", there) >= 0);
    H5Sclose(here);
    H5Sclose(there);
  }
  hid_t file = gr_file_make(gr_test_path("turned.h5"));
  gr_file_put(file, "x", H5T_NATIVE_INT32, 2, dims, NULL, plist);
  H5Pclose(plist);
  gr_file_end(file);
  gr_check_source(gr_test_path("turned.h5"), "x", true, GR_SOURCE_DIRECT, expected);
  gr_refuse_source(gr_test_path("turned.h5"), "x", GRADUS_ERR_DATA, "plain block of whole rows");
}

/* layout[i] = image, as h5py's manual shows it. */
static void images_of_their_own_files_are_rows(void) {
  const hsize_t dims[3] = {4, 5, 6}, image[2] = {5, 6}, chunk[2] = {2, 6}, count[3] = {1, 5, 6};
  uint16_t data[4][30];
  hid_t virtual_plist = H5Pcreate(H5P_DATASET_CREATE), chunked = H5Pcreate(H5P_DATASET_CREATE);
  gr_fill(data, sizeof data);
  H5Pset_chunk(chunked, 2, chunk);
  H5Pset_deflate(chunked, 1);
  for (int i = 0; i < 4; i++) {
    char name[32];
    const hsize_t start[3] = {(hsize_t)i, 0, 0};
    snprintf(name, sizeof name, "image%d.h5", i);
    hid_t file = gr_file_make(gr_test_path(name));
    gr_file_put(file, "pixels", H5T_NATIVE_UINT16, 2, image, data[i], i % 2 ? chunked : 0);
    gr_file_end(file);
    hid_t here = H5Screate_simple(3, dims, NULL), there = H5Screate_simple(2, image, NULL);
    H5Sselect_hyperslab(here, H5S_SELECT_SET, start, NULL, count, NULL);
    CU_ASSERT_FATAL(H5Pset_virtual(virtual_plist, here, name, "pixels", there) >= 0);
    H5Sclose(here);
    H5Sclose(there);
  }
  hid_t file = gr_file_make(gr_test_path("images.h5"));
  gr_file_put(file, "x", H5T_NATIVE_UINT16, 3, dims, NULL, virtual_plist);
  gr_file_end(file);
  H5Pclose(virtual_plist);
  H5Pclose(chunked);
  gr_check_source(gr_test_path("images.h5"), "x", false, GR_SOURCE_CHUNKED, data);
}

static void names_lead_nowhere_else(void) {
  static char absolute[4096], inside[4096];
  const char *path = gr_test_path("leads.h5");
  make_rows("plain.h5", H5T_STD_I32LE, 9, 0, 0);
  snprintf(absolute, sizeof absolute, "/etc/plain.h5");
  snprintf(inside, sizeof inside, "%s/plain.h5", gr_test_directory());
  const struct {
    struct map map;
    gradus_status status;
    const char *word;
  } cases[] = {
      {{absolute, "x", 0, 9, 0, 9, 0}, GRADUS_ERR_DATA, "leads out of the folder"},
      {{"../plain.h5", "x", 0, 9, 0, 9, 0}, GRADUS_ERR_DATA, "leads out of the folder"},
      {{"a/../../plain.h5", "x", 0, 9, 0, 9, 0}, GRADUS_ERR_DATA, "leads out of the folder"},
      {{"gone.h5", "x", 0, 9, 0, 9, 0}, GRADUS_ERR_NOINPUT, "gone.h5: cannot be opened"},
      {{"plain.h5", "y", 0, 9, 0, 9, 0}, GRADUS_ERR_DATA, "has no y"},
      {{"plain.h5", "x", 0, 9, 0, 10, 3}, GRADUS_ERR_DATA, "plain block of whole rows"},
      {{"plain.h5", "x", 1, 8, 0, 9, 0}, GRADUS_ERR_DATA, "rows 0 to 0 are in no part"},
      {{"plain.h5", "x", 0, 8, 0, 9, 0}, GRADUS_ERR_DATA, "rows 8 to 8 are in no part"},
      {{"plain.h5", "x", 0, 9, 1, 10, 0}, GRADUS_ERR_DATA, "does not give 9 whole rows"},
      {{".", "x", 0, 9, 0, 9, 0}, GRADUS_ERR_DATA, "made of itself"},
      {{"leads.h5", "x", 0, 9, 0, 9, 0}, GRADUS_ERR_DATA, "made of itself"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    make_virtual("leads.h5", 9, &cases[i].map, 1);
    gr_refuse_source(path, "x", cases[i].status, cases[i].word);
  }
  const struct map twice[] = {{"plain.h5", "x", 0, 6, 0, 9, 0}, {"plain.h5", "x", 5, 4, 5, 9, 0}};
  make_virtual("leads.h5", 9, twice, 2);
  gr_refuse_source(path, "x", GRADUS_ERR_DATA, "rows 5 to 5 are in more than one part");
  const struct map same = {inside, "x", 0, 9, 0, 9, 0};
  make_virtual("leads.h5", 9, &same, 1);
  gr_check_source(path, "x", false, GR_SOURCE_MAPPED, count_rows(9));
}

static void circles_and_deep_nests_are_refused(void) {
  const struct map to_b = {"cb.h5", "x", 0, 9, 0, 9, 0}, to_a = {"ca.h5", "x", 0, 9, 0, 9, 0};
  make_virtual("ca.h5", 9, &to_b, 1);
  make_virtual("cb.h5", 9, &to_a, 1);
  gr_refuse_source(gr_test_path("ca.h5"), "x", GRADUS_ERR_DATA, "made of itself");
  make_rows("n0.h5", H5T_STD_I32LE, 9, 0, 0);
  for (int i = 1; i <= 5; i++) {
    char name[32], above[32];
    snprintf(name, sizeof name, "n%d.h5", i - 1);
    snprintf(above, sizeof above, "n%d.h5", i);
    const struct map map = {name, "x", 0, 9, 0, 9, 0};
    make_virtual(above, 9, &map, 1);
  }
  gr_check_source(gr_test_path("n4.h5"), "x", false, GR_SOURCE_MAPPED, count_rows(9));
  gr_refuse_source(gr_test_path("n5.h5"), "x", GRADUS_ERR_DATA, "more than 4 deep");
}

static void parts_without_end_are_refused_before_any_file_is_opened(void) {
  const hsize_t dims[2] = {9, COLUMNS}, most[2] = {H5S_UNLIMITED, COLUMNS}, start[2] = {0, 0},
                count[2] = {H5S_UNLIMITED, 1}, block[2] = {1, COLUMNS};
  for (int numbered = 0; numbered < 2; numbered++) {
    hid_t plist = H5Pcreate(H5P_DATASET_CREATE), space = H5Screate_simple(2, dims, most);
    hid_t one = H5Screate_simple(2, block, NULL);
    H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, block);
    CU_ASSERT_FATAL(H5Pset_virtual(plist, space, numbered ? "part%b.h5" : "gone.h5", "x",
                                   numbered ? one : space) >= 0);
    hid_t file = gr_file_make(gr_test_path("endless.h5"));
    hid_t set = H5Dcreate2(file, "x", H5T_STD_I32LE, space, H5P_DEFAULT, plist, H5P_DEFAULT);
    CU_ASSERT_FATAL(set >= 0);
    H5Dclose(set);
    H5Sclose(one);
    H5Sclose(space);
    H5Pclose(plist);
    gr_file_end(file);
    gr_refuse_source(gr_test_path("endless.h5"), "x", GRADUS_ERR_DATA, "without end");
  }
}

const gr_test gr_virtual_tests[] = {
    GR_TEST(parts_follow_one_another),
    GR_TEST(parts_that_disagree_are_refused),
    GR_TEST(virtual_datasets_become_their_parts),
    GR_TEST(turned_virtual_datasets_take_columns_for_rows),
    GR_TEST(images_of_their_own_files_are_rows),
    GR_TEST(names_lead_nowhere_else),
    GR_TEST(circles_and_deep_nests_are_refused),
    GR_TEST(parts_without_end_are_refused_before_any_file_is_opened),
    GR_TEST_END,
};
