/* Files of other programs: their layouts, types and byte orders are read; what cannot or must not
 * be read is refused in words. */
#include <config.h>

#include <string.h>

#include "net/preprocessing.h"
#include "suites.h"

/* ---- layouts ---- */

static void known_layouts_are_recognised(void) {
  static const struct {
    const char *layout, *x[GR_N_SPLITS], *y[GR_N_SPLITS];
  } cases[] = {
      {"gradus", {"train/x", "valid/x", "test/x"}, {"train/y", "valid/y", "test/y"}},
      {"gradus", {"train/x", "val/x", NULL}, {"train/y", "val/y", NULL}},
      {"gradus", {NULL, NULL, "test/x"}, {NULL, NULL, "test/y"}},
      {"caffe", {"data", NULL, NULL}, {"label", NULL, NULL}},
      {"x/y", {"X", NULL, NULL}, {"y", NULL, NULL}},
      {"x/y", {"x", NULL, NULL}, {"y", NULL, NULL}},
      {"keras", {"x_train", "x_val", "x_test"}, {"y_train", "y_val", "y_test"}},
      {"keras", {"X_train", NULL, "X_test"}, {"y_train", NULL, "y_test"}},
      {"groups",
       {"train/data", "validation/data", "test/data"},
       {"train/label", "validation/label", "test/label"}},
      {"groups", {"train/images", NULL, NULL}, {"train/labels", NULL, NULL}},
      {"x/y", {"x", NULL, NULL}, {NULL, NULL, NULL}},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    const char *path = gr_test_path("layout.h5");
    hid_t file = gr_file_make(path);
    for (int s = 0; s < GR_N_SPLITS; s++)
      if (cases[i].x[s]) gr_file_put_xy(file, cases[i].x[s], cases[i].y[s], (hsize_t)(5 + s), 4);
    gr_file_end(file);
    gr_dataset d = gr_read_file(path, NULL, NULL);
    CU_ASSERT_FATAL(d.layout != NULL);
    CU_ASSERT_STRING_EQUAL(d.layout, cases[i].layout);
    for (int s = 0; s < GR_N_SPLITS; s++) {
      CU_ASSERT_EQUAL(d.split[s].n_rows, cases[i].x[s] ? (uint64_t)(5 + s) : 0);
      CU_ASSERT_EQUAL(d.split[s].y_columns, cases[i].y[s] ? 1 : 0);
    }
    gr_dataset_free(&d);
  }
}

static void the_digest_does_not_see_the_layout(void) {
  static const char *const names[][2] = {{"train/x", "train/y"}, {"data", "label"}, {"a/b", "c"}};
  char digest[3][33];
  for (int i = 0; i < 3; i++) {
    const char *path = gr_test_path("layout.h5");
    hid_t file = gr_file_make(path);
    gr_file_put_xy(file, names[i][0], names[i][1], 6, 3);
    gr_file_end(file);
    gr_dataset d = gr_read_file(path, i == 2 ? "a/b" : NULL, i == 2 ? "c" : NULL);
    memcpy(digest[i], d.digest, 33);
    gr_dataset_free(&d);
  }
  CU_ASSERT(strcmp(digest[0], digest[1]) == 0 && strcmp(digest[0], digest[2]) == 0);
}

static void an_unknown_layout_says_what_is_there(void) {
  const char *path = gr_test_path("unknown.h5");
  hid_t file = gr_file_make(path);
  gr_file_put_xy(file, "pictures", "meaning", 6, 3);
  gr_file_end(file);
  gr_refuse_file(path, NULL, NULL, "meaning, pictures");
  gr_refuse_file(path, "nowhere", NULL, "has no nowhere");
  gr_refuse_file(path, "pictures/deeper", NULL, "has no pictures/deeper");
  gr_refuse_file(path, "/", NULL, "not an array");
}

static void targets_can_be_named_alone_in_a_file_of_one_split(void) {
  gradus_error err = {0};
  gr_dataset d;
  gr_dataset_options options = {.y = "test/y"};
  const char *path = gr_test_path("one.h5");
  hid_t file = gr_file_make(path);
  gr_file_put_xy(file, "data", "label2", 6, 3);
  gr_file_end(file);
  d = gr_read_file(path, NULL, "label2");
  CU_ASSERT(d.n_columns == 3 && d.split[GR_TRAIN].y_columns == 1);
  gr_dataset_free(&d);
  file = gr_file_make(path);
  gr_file_put_xy(file, "train/x", "train/y", 6, 3);
  gr_file_put_xy(file, "test/x", "test/y", 6, 3);
  gr_file_end(file);
  GR_CHECK_FAILS(gr_dataset_read(path, &options, &d, &err), GRADUS_ERR_USAGE, &err, "--x");
}

/* ---- number types ---- */

/* Writes 1, 2, 3 ... (rows x 2) in file type `type` through HDF5's conversion from double. */
static void put_counting(const char *path, hid_t type, hid_t plist) {
  const hsize_t dims[2] = {4, 2};
  double values[8];
  for (int i = 0; i < 8; i++) values[i] = i + 1;
  hid_t file = gr_file_make(path), space = H5Screate_simple(2, dims, NULL);
  hid_t set =
      H5Dcreate2(file, "x", type, space, H5P_DEFAULT, plist ? plist : H5P_DEFAULT, H5P_DEFAULT);
  CU_ASSERT_FATAL(set >= 0);
  CU_ASSERT_FATAL(H5Dwrite(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
  H5Dclose(set);
  H5Sclose(space);
  gr_file_end(file);
}

static void expect_counting(const char *path, gr_dtype type) {
  gr_dataset d = gr_read_file(path, NULL, NULL);
  CU_ASSERT_FATAL(d.split[GR_TRAIN].x != NULL);
  CU_ASSERT_STRING_EQUAL(gr_dtype_name(d.split[GR_TRAIN].x_type), gr_dtype_name(type));
  for (uint64_t i = 0; i < 8; i++)
    CU_ASSERT(gr_element(d.split[GR_TRAIN].x, d.split[GR_TRAIN].x_type, i) == (double)(i + 1));
  gr_dataset_free(&d);
}

static hid_t three_bytes(void) {
  hid_t type = H5Tcopy(H5T_STD_I32LE);
  H5Tset_size(type, 3);
  return type;
}

static hid_t twelve_bits(void) {
  hid_t type = H5Tcopy(H5T_STD_U16LE);
  H5Tset_precision(type, 12);
  return type;
}

static void every_number_type_is_read(void) {
  const struct {
    hid_t type;
    gr_dtype expected;
  } cases[] = {
      {H5T_STD_U8LE, GR_U8},
      {H5T_STD_I8LE, GR_I8},
      {H5T_STD_U16LE, GR_U16},
      {H5T_STD_U16BE, GR_U16},
      {H5T_STD_I16LE, GR_I16},
      {H5T_STD_I16BE, GR_I16},
      {H5T_STD_U32LE, GR_U32},
      {H5T_STD_U32BE, GR_U32},
      {H5T_STD_I32LE, GR_I32},
      {H5T_STD_I32BE, GR_I32},
      {H5T_STD_U64LE, GR_U64},
      {H5T_STD_U64BE, GR_U64},
      {H5T_STD_I64LE, GR_I64},
      {H5T_STD_I64BE, GR_I64},
      {H5T_IEEE_F32LE, GR_F32},
      {H5T_IEEE_F32BE, GR_F32},
      {H5T_IEEE_F64LE, GR_F64},
      {H5T_IEEE_F64BE, GR_F64},
      {gr_half_type(H5T_ORDER_LE), GR_F16},
      {gr_half_type(H5T_ORDER_BE), GR_F16},
      {three_bytes(), GR_F64},
      {twelve_bits(), GR_F64},
      {H5T_NATIVE_LDOUBLE, GR_F64},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    put_counting(gr_test_path("type.h5"), cases[i].type, 0);
    expect_counting(gr_test_path("type.h5"), cases[i].expected);
  }
}

static void bit_fields_are_whole_numbers(void) {
  const hsize_t dims[2] = {4, 2};
  const uint8_t values[8] = {1, 2, 3, 4, 5, 6, 7, 8};
  hid_t file = gr_file_make(gr_test_path("bits.h5"));
  gr_file_put(file, "x", H5T_STD_B8LE, 2, dims, values, 0);
  gr_file_end(file);
  expect_counting(gr_test_path("bits.h5"), GR_U8);
}

static void chunks_and_compression_are_read(void) {
  const hsize_t chunk[2] = {3, 2};
  hid_t plist = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_chunk(plist, 2, chunk);
  put_counting(gr_test_path("chunk.h5"), H5T_STD_I16BE, plist);
  expect_counting(gr_test_path("chunk.h5"), GR_I16);
  H5Pset_shuffle(plist);
  H5Pset_deflate(plist, 6);
  H5Pset_fletcher32(plist);
  put_counting(gr_test_path("chunk.h5"), H5T_IEEE_F64LE, plist);
  expect_counting(gr_test_path("chunk.h5"), GR_F64);
  H5Pclose(plist);
  plist = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_layout(plist, H5D_COMPACT);
  put_counting(gr_test_path("chunk.h5"), H5T_IEEE_F32LE, plist);
  expect_counting(gr_test_path("chunk.h5"), GR_F32);
  H5Pclose(plist);
}

/* ---- class names ---- */

static void expect_names(const char *path, const int32_t *y, const char *const *names, uint32_t n) {
  gr_dataset d = gr_read_file(path, NULL, NULL);
  CU_ASSERT_FATAL(d.y_is_text && d.split[GR_TRAIN].y_type == GR_I32 && d.n_class_names == n);
  CU_ASSERT(memcmp(d.split[GR_TRAIN].y, y, 4 * sizeof *y) == 0);
  for (uint32_t i = 0; i < n; i++) CU_ASSERT_STRING_EQUAL(d.class_names[i], names[i]);
  gr_dataset_free(&d);
}

static void text_targets_become_numbers_in_order_of_bytes(void) {
  static const char *const names[] = {"", "Zebra", "ape", "\xc3\xa9mu"};
  static const int32_t expected[] = {3, 2, 1, 0};
  const char *variable[] = {"\xc3\xa9mu", "ape", "Zebra", ""};
  char fixed[4][8] = {"\xc3\xa9mu", "ape", "Zebra", ""}, padded[4][8];
  const hsize_t dims[2] = {4, 1};
  const struct {
    H5T_str_t pad;
    size_t size;
    const void *data;
    H5T_cset_t set;
  } cases[] = {{H5T_STR_NULLTERM, H5T_VARIABLE, variable, H5T_CSET_UTF8},
               {H5T_STR_NULLTERM, H5T_VARIABLE, variable, H5T_CSET_ASCII},
               {H5T_STR_NULLTERM, 8, fixed, H5T_CSET_UTF8},
               {H5T_STR_NULLPAD, 8, fixed, H5T_CSET_ASCII},
               {H5T_STR_SPACEPAD, 8, padded, H5T_CSET_ASCII}};
  memset(padded, ' ', sizeof padded);
  for (int i = 0; i < 4; i++) memcpy(padded[i], fixed[i], strlen(fixed[i]));
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    hid_t type = H5Tcopy(H5T_C_S1), file = gr_file_make(gr_test_path("text.h5"));
    H5Tset_size(type, cases[i].size);
    H5Tset_strpad(type, cases[i].pad);
    H5Tset_cset(type, cases[i].set);
    gr_file_put_xy(file, "x", NULL, 4, 3);
    gr_file_put(file, "y", type, i % 2 ? 2 : 1, dims, cases[i].data, 0);
    gr_file_end(file);
    H5Tclose(type);
    expect_names(gr_test_path("text.h5"), expected, names, 4);
  }
}

static void splits_share_one_dictionary(void) {
  const char *train[] = {"b", "c", "b", "c"}, *test[] = {"c", "a", "b", "b"};
  const hsize_t dims[1] = {4};
  hid_t type = H5Tcopy(H5T_C_S1), file = gr_file_make(gr_test_path("shared.h5"));
  H5Tset_size(type, H5T_VARIABLE);
  gr_file_put_xy(file, "train/x", NULL, 4, 3);
  gr_file_put(file, "train/y", type, 1, dims, train, 0);
  gr_file_put_xy(file, "test/x", NULL, 4, 3);
  gr_file_put(file, "test/y", type, 1, dims, test, 0);
  gr_file_end(file);
  H5Tclose(type);
  gr_dataset d = gr_read_file(gr_test_path("shared.h5"), NULL, NULL);
  CU_ASSERT_FATAL(d.n_class_names == 3);
  CU_ASSERT(memcmp(d.split[GR_TRAIN].y, (int32_t[]){1, 2, 1, 2}, 16) == 0);
  CU_ASSERT(memcmp(d.split[GR_TEST].y, (int32_t[]){2, 0, 1, 1}, 16) == 0);
  gr_dataset_free(&d);
}

/* An enumeration over `base` with off = -1, mid = 3, on = 7, listed in another order. */
static hid_t make_enum(hid_t base) {
  hid_t type = H5Tenum_create(base);
  static const struct {
    const char *name;
    int8_t value;
  } members[] = {{"on", 7}, {"off", -1}, {"mid", 3}};
  for (int i = 0; i < 3; i++) {
    int64_t value = members[i].value;
    H5Tconvert(H5T_NATIVE_INT64, base, 1, &value, NULL, H5P_DEFAULT);
    CU_ASSERT_FATAL(H5Tenum_insert(type, members[i].name, &value) >= 0);
  }
  return type;
}

static void enumerations_name_classes_in_order_of_value(void) {
  static const char *const names[] = {"off", "mid", "on"};
  static const int32_t expected[] = {2, 0, 0, 1};
  const hid_t bases[] = {H5T_STD_I8LE, H5T_STD_I16BE, H5T_STD_I32LE, H5T_STD_I64BE};
  const hsize_t dims[1] = {4};
  for (int i = 0; i < 4; i++) {
    int64_t values[4] = {7, -1, -1, 3};
    hid_t type = make_enum(bases[i]), file = gr_file_make(gr_test_path("enum.h5"));
    H5Tconvert(H5T_NATIVE_INT64, bases[i], 4, values, NULL, H5P_DEFAULT);
    gr_file_put_xy(file, "x", NULL, 4, 3);
    gr_file_put(file, "y", type, 1, dims, values, 0);
    gr_file_end(file);
    H5Tclose(type);
    expect_names(gr_test_path("enum.h5"), expected, names, 3);
  }
}

static void a_value_without_a_name_is_refused(void) {
  const int8_t values[4] = {7, -1, 5, 3};
  const hsize_t dims[1] = {4};
  hid_t type = make_enum(H5T_STD_I8LE), file = gr_file_make(gr_test_path("enum.h5"));
  gr_file_put_xy(file, "x", NULL, 4, 3);
  gr_file_put(file, "y", type, 1, dims, values, 0);
  gr_file_end(file);
  H5Tclose(type);
  gr_refuse_file(gr_test_path("enum.h5"), NULL, NULL, "row 2 holds 5");
}

const gr_test gr_foreign_tests[] = {GR_TEST(known_layouts_are_recognised),
                                    GR_TEST(the_digest_does_not_see_the_layout),
                                    GR_TEST(an_unknown_layout_says_what_is_there),
                                    GR_TEST(targets_can_be_named_alone_in_a_file_of_one_split),
                                    GR_TEST(every_number_type_is_read),
                                    GR_TEST(bit_fields_are_whole_numbers),
                                    GR_TEST(chunks_and_compression_are_read),
                                    GR_TEST(text_targets_become_numbers_in_order_of_bytes),
                                    GR_TEST(splits_share_one_dictionary),
                                    GR_TEST(enumerations_name_classes_in_order_of_value),
                                    GR_TEST(a_value_without_a_name_is_refused),
                                    GR_TEST_END};
