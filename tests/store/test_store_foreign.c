/* Files of other programs: their layouts, types and byte orders are read; what cannot or must not
 * be read is refused in words. */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net/preprocessing.h"
#include "suites.h"

/* Reads `path`, or expects the refusal `word`; nothing stays open. */
static gr_dataset read_file(const char *path, const char *x, const char *y) {
  gradus_error err = {0};
  gr_dataset d;
  gr_dataset_options options = {.x = x, .y = y};
  uint64_t before = gr_handles();
  GR_CHECK_OK(gr_dataset_read(path, &options, &d, &err), &err);
  CU_ASSERT_EQUAL(gr_handles(), before);
  return d;
}

static void refuse_file(const char *path, const char *x, const char *y, const char *word) {
  gradus_error err = {0};
  gr_dataset d;
  gr_dataset_options options = {.x = x, .y = y};
  uint64_t before = gr_handles();
  GR_CHECK_FAILS(gr_dataset_read(path, &options, &d, &err), GRADUS_ERR_DATA, &err, word);
  CU_ASSERT(strstr(err.message, path) != NULL && strchr(err.message, '\n') == NULL);
  CU_ASSERT(d.split[GR_TRAIN].x == NULL && d.path == NULL);
  CU_ASSERT_EQUAL(gr_handles(), before);
}

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
    gr_dataset d = read_file(path, NULL, NULL);
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
    gr_dataset d = read_file(path, i == 2 ? "a/b" : NULL, i == 2 ? "c" : NULL);
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
  refuse_file(path, NULL, NULL, "meaning, pictures");
  refuse_file(path, "nowhere", NULL, "has no nowhere");
  refuse_file(path, "pictures/deeper", NULL, "has no pictures/deeper");
  refuse_file(path, "/", NULL, "not an array");
}

static void targets_can_be_named_alone_in_a_file_of_one_split(void) {
  gradus_error err = {0};
  gr_dataset d;
  gr_dataset_options options = {.y = "test/y"};
  const char *path = gr_test_path("one.h5");
  hid_t file = gr_file_make(path);
  gr_file_put_xy(file, "data", "label2", 6, 3);
  gr_file_end(file);
  d = read_file(path, NULL, "label2");
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
  gr_dataset d = read_file(path, NULL, NULL);
  CU_ASSERT_FATAL(d.split[GR_TRAIN].x != NULL);
  CU_ASSERT_STRING_EQUAL(gr_dtype_name(d.split[GR_TRAIN].x_type), gr_dtype_name(type));
  for (uint64_t i = 0; i < 8; i++)
    CU_ASSERT(gr_element(d.split[GR_TRAIN].x, d.split[GR_TRAIN].x_type, i) == (double)(i + 1));
  gr_dataset_free(&d);
}

static hid_t half(H5T_order_t order) {
  hid_t type = H5Tcopy(H5T_IEEE_F32LE);
  H5Tset_fields(type, 15, 10, 5, 0, 10);
  H5Tset_size(type, 2);
  H5Tset_ebias(type, 15);
  H5Tset_order(type, order);
  return type;
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
      {H5T_STD_U8LE, GR_U8},        {H5T_STD_I8LE, GR_I8},        {H5T_STD_U16LE, GR_U16},
      {H5T_STD_U16BE, GR_U16},      {H5T_STD_I16LE, GR_I16},      {H5T_STD_I16BE, GR_I16},
      {H5T_STD_U32LE, GR_U32},      {H5T_STD_U32BE, GR_U32},      {H5T_STD_I32LE, GR_I32},
      {H5T_STD_I32BE, GR_I32},      {H5T_STD_U64LE, GR_U64},      {H5T_STD_U64BE, GR_U64},
      {H5T_STD_I64LE, GR_I64},      {H5T_STD_I64BE, GR_I64},      {H5T_IEEE_F32LE, GR_F32},
      {H5T_IEEE_F32BE, GR_F32},     {H5T_IEEE_F64LE, GR_F64},     {H5T_IEEE_F64BE, GR_F64},
      {half(H5T_ORDER_LE), GR_F16}, {half(H5T_ORDER_BE), GR_F16}, {three_bytes(), GR_F64},
      {twelve_bits(), GR_F64},      {H5T_NATIVE_LDOUBLE, GR_F64},
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
  gr_dataset d = read_file(path, NULL, NULL);
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
  gr_dataset d = read_file(gr_test_path("shared.h5"), NULL, NULL);
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
  refuse_file(gr_test_path("enum.h5"), NULL, NULL, "row 2 holds 5");
}

/* ---- shapes ---- */

static void shapes_that_disagree_are_refused(void) {
  const hsize_t square[2] = {2, 5}, none[2] = {0, 5}, three[1] = {3}, flat[2] = {4, 0};
  const float values[32] = {0};
  const char *path = gr_test_path("shape.h5");
  static const struct {
    const char *y, *word;
  } cases[] = {{"two", "2 rows"}, {"five", "--transpose"}, {"none", "no rows"}, {"one", "single"}};
  hid_t file = gr_file_make(path);
  gr_file_put_xy(file, "a", "two", 2, 5);
  gr_file_put_xy(file, "b", "five", 5, 5);
  gr_file_put_xy(file, "c", "seven", 7, 5);
  gr_file_put(file, "none", H5T_NATIVE_FLOAT, 2, none, NULL, 0);
  gr_file_put(file, "flat", H5T_NATIVE_FLOAT, 2, flat, NULL, 0);
  gr_file_put(file, "one", H5T_NATIVE_FLOAT, 0, NULL, values, 0);
  gr_file_put(file, "train/x", H5T_NATIVE_FLOAT, 2, square, values, 0);
  gr_file_put(file, "test/x", H5T_NATIVE_FLOAT, 1, three, values, 0);
  gr_file_end(file);
  refuse_file(path, "c", "two", "7 rows against 2");
  for (int i = 1; i < 4; i++) refuse_file(path, "a", cases[i].y, cases[i].word);
  refuse_file(path, "none", NULL, "no rows");
  refuse_file(path, "flat", NULL, "no columns");
  refuse_file(path, "one", NULL, "single value");
  refuse_file(path, NULL, NULL, "columns"); /* /train and /test */
}

static void a_transposed_file_reads_as_the_straight_one(void) {
  enum { N = 70, D = 45 };
  static float straight[N][D], turned[D][N];
  static double y[N][2], y_turned[2][N];
  const hsize_t x1[2] = {N, D}, x2[2] = {D, N}, y1[2] = {N, 2}, y2[2] = {2, N}, row[2] = {1, N};
  gradus_error err = {0};
  gr_dataset a, b;
  gr_dataset_options options = {.transpose = true};
  for (int i = 0; i < N; i++)
    for (int j = 0; j < D; j++) straight[i][j] = turned[j][i] = (float)(i * D + j);
  for (int i = 0; i < N; i++)
    for (int k = 0; k < 2; k++) y[i][k] = y_turned[k][i] = i + 0.5 * k;
  hid_t file = gr_file_make(gr_test_path("straight.h5"));
  gr_file_put(file, "x", H5T_NATIVE_FLOAT, 2, x1, straight, 0);
  gr_file_put(file, "y", H5T_NATIVE_DOUBLE, 2, y1, y, 0);
  gr_file_end(file);
  a = read_file(gr_test_path("straight.h5"), NULL, NULL);
  for (int turn_y = 0; turn_y < 2; turn_y++) {
    file = gr_file_make(gr_test_path("turned.h5"));
    gr_file_put(file, "x", H5T_NATIVE_FLOAT, 2, x2, turned, 0);
    gr_file_put(file, "y", H5T_NATIVE_DOUBLE, 2, turn_y ? y2 : y1,
                turn_y ? (void *)y_turned : (void *)y, 0);
    gr_file_put(file, "row", H5T_NATIVE_DOUBLE, 2, row, y_turned, 0);
    gr_file_end(file);
    GR_CHECK_OK(gr_dataset_read(gr_test_path("turned.h5"), &options, &b, &err), &err);
    CU_ASSERT_STRING_EQUAL(a.digest, b.digest);
    gr_dataset_free(&b);
  }
  refuse_file(gr_test_path("turned.h5"), NULL, NULL, "--transpose");
  refuse_file(gr_test_path("turned.h5"), "x", "row", "--transpose");
  options.x = "x", options.y = "row";
  GR_CHECK_OK(gr_dataset_read(gr_test_path("turned.h5"), &options, &b, &err), &err);
  CU_ASSERT(b.split[GR_TRAIN].y_columns == 1 && b.split[GR_TRAIN].n_rows == N);
  gr_dataset_free(&b);
  gr_dataset_free(&a);
}

static void trailing_dimensions_are_flattened(void) {
  const hsize_t dims[4] = {3, 2, 2, 2}, y_dims[2] = {3, 1};
  uint8_t x[24] = {0};
  const int32_t y[3] = {0, 1, 2};
  hid_t file = gr_file_make(gr_test_path("flat.h5"));
  gr_file_put(file, "data", H5T_NATIVE_UINT8, 4, dims, x, 0);
  gr_file_put(file, "label", H5T_NATIVE_INT32, 2, y_dims, y, 0);
  gr_file_end(file);
  gr_dataset d = read_file(gr_test_path("flat.h5"), NULL, NULL);
  CU_ASSERT(d.n_columns == 8 && d.split[GR_TRAIN].y_columns == 1);
  gr_dataset_free(&d);
}

/* ---- contents ---- */

static void numbers_that_are_not_finite_are_refused_with_their_place(void) {
  const hsize_t dims[2] = {4, 2};
  const struct {
    hid_t type;
    size_t size;
    uint64_t bits;
  } cases[] = {{half(H5T_ORDER_LE), 2, 0x7c00},      {half(H5T_ORDER_LE), 2, 0xfe01},
               {H5T_IEEE_F32LE, 4, 0xff800000},      {H5T_IEEE_F32LE, 4, 0x7fc00001},
               {H5T_IEEE_F64LE, 8, 0x7ff0ull << 48}, {H5T_IEEE_F64LE, 8, 0xfff1ull << 48}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    unsigned char values[64] = {0};
    memcpy(values + 5 * cases[i].size, &cases[i].bits, cases[i].size);
    hid_t file = gr_file_make(gr_test_path("nan.h5"));
    gr_file_put(file, "x", cases[i].type, 2, dims, values, 0);
    gr_file_put_xy(file, "z", NULL, 4, 2);
    gr_file_end(file);
    refuse_file(gr_test_path("nan.h5"), NULL, NULL, "row 2, column 1");
    refuse_file(gr_test_path("nan.h5"), "z", "x", "row 2, column 1");
  }
}

static void sample_weights_are_read_or_refused(void) {
  static const struct {
    float weights[3];
    const char *word;
  } cases[] = {{{1, 0, 2}, NULL}, {{1, -1, 2}, "negative"}, {{0, 0, 0}, "0 in every row"}};
  const hsize_t dims[1] = {3};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    const char *path = gr_test_path("weight.h5");
    hid_t file = gr_file_make(path);
    gr_file_put_xy(file, "train/x", "train/y", 3, 2);
    gr_file_put(file, "train/weight", H5T_NATIVE_FLOAT, 1, dims, cases[i].weights, 0);
    gr_file_end(file);
    if (cases[i].word) {
      refuse_file(path, NULL, NULL, cases[i].word);
      continue;
    }
    gr_dataset d = read_file(path, NULL, NULL);
    CU_ASSERT_FATAL(d.split[GR_TRAIN].weight != NULL);
    CU_ASSERT(memcmp(d.split[GR_TRAIN].weight, cases[i].weights, 12) == 0);
    gr_dataset_free(&d);
  }
}

static void a_gradus_file_of_another_kind_or_time_is_refused(void) {
  const char *path = gr_test_path("format.h5");
  static const struct {
    const char *format;
    int version;
    const char *word;
  } cases[] = {{"checkpoint", 1, "is a gradus checkpoint"}, {"dataset", 2, "format 2"}};
  for (int i = 0; i < 2; i++) {
    hid_t file = gr_file_make(path), type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR);
    H5Tset_size(type, H5T_VARIABLE);
    gr_file_put_xy(file, "train/x", "train/y", 3, 2);
    hid_t a = H5Acreate2(file, "gradus_format", type, space, H5P_DEFAULT, H5P_DEFAULT);
    H5Awrite(a, type, &cases[i].format);
    H5Aclose(a);
    a = H5Acreate2(file, "format_version", H5T_NATIVE_INT, space, H5P_DEFAULT, H5P_DEFAULT);
    H5Awrite(a, H5T_NATIVE_INT, &cases[i].version);
    H5Aclose(a);
    H5Sclose(space);
    H5Tclose(type);
    gr_file_end(file);
    refuse_file(path, NULL, NULL, cases[i].word);
  }
}

/* ---- what must not be read ---- */

static void types_that_are_no_numbers_are_refused_by_name(void) {
  const hsize_t dims[1] = {3}, two[1] = {2};
  hid_t record = H5Tcreate(H5T_COMPOUND, 8), text = H5Tcopy(H5T_C_S1);
  H5Tinsert(record, "a", 0, H5T_NATIVE_INT);
  H5Tset_size(text, 4);
  const struct {
    hid_t type;
    const char *word;
  } cases[] = {{record, "compound"},
               {H5Tcreate(H5T_OPAQUE, 4), "opaque"},
               {H5Tvlen_create(H5T_NATIVE_INT), "variable-length"},
               {H5T_STD_REF_OBJ, "reference"},
               {H5Tarray_create2(H5T_NATIVE_INT, 1, two), "array"},
               {text, "text"}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char zeros[128] = "";
    hid_t file = gr_file_make(gr_test_path("types.h5"));
    gr_file_put(file, "x", cases[i].type, 1, dims, zeros, 0);
    gr_file_end(file);
    refuse_file(gr_test_path("types.h5"), NULL, NULL, cases[i].word);
  }
}

static void null_dataspaces_and_unwritten_arrays_are_refused(void) {
  const hsize_t dims[2] = {3, 2};
  const char *path = gr_test_path("null.h5");
  hid_t file = gr_file_make(path), space = H5Screate(H5S_NULL);
  hid_t set =
      H5Dcreate2(file, "null", H5T_NATIVE_INT, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  H5Dclose(set);
  H5Sclose(space);
  gr_file_put(file, "unwritten", H5T_NATIVE_INT, 2, dims, NULL, 0);
  gr_file_end(file);
  refuse_file(path, "null", NULL, "null dataspace");
  refuse_file(path, "unwritten", NULL, "never written");
}

static void absurd_sizes_are_refused_before_memory_is_asked_for(void) {
  const hsize_t huge[2] = {(hsize_t)1 << 31, (hsize_t)1 << 20}, chunk[2] = {1, 16};
  const hsize_t overflow[3] = {(hsize_t)1 << 40, (hsize_t)1 << 40, 4}, cube[3] = {1, 1, 1};
  const hsize_t at[2] = {0, 0}, one[2] = {1, 16};
  const int32_t values[16] = {0};
  const char *path = gr_test_path("absurd.h5");
  hid_t file = gr_file_make(path), plist = H5Pcreate(H5P_DATASET_CREATE);
  gr_file_put(file, "contiguous", H5T_NATIVE_INT, 2, huge, NULL, 0);
  H5Pset_chunk(plist, 2, chunk);
  gr_file_put(file, "chunked", H5T_NATIVE_INT, 2, huge, NULL, plist);
  hid_t set = H5Dopen2(file, "chunked", H5P_DEFAULT), space = H5Dget_space(set);
  hid_t memory = H5Screate_simple(2, one, NULL);
  H5Sselect_hyperslab(space, H5S_SELECT_SET, at, NULL, one, NULL);
  CU_ASSERT(H5Dwrite(set, H5T_NATIVE_INT, memory, space, H5P_DEFAULT, values) >= 0);
  H5Sclose(memory);
  H5Sclose(space);
  H5Dclose(set);
  H5Pset_chunk(plist, 3, cube);
  hid_t big = H5Screate_simple(3, overflow, NULL);
  if (big >= 0) {
    set = H5Dcreate2(file, "overflow", H5T_NATIVE_INT8, big, H5P_DEFAULT, plist, H5P_DEFAULT);
    if (set >= 0) H5Dclose(set);
    H5Sclose(big);
  }
  gr_file_end(file);
  H5Pclose(plist);
  refuse_file(path, "contiguous", NULL, "never written");
  refuse_file(path, "chunked", NULL, "declares");
  refuse_file(path, "overflow", NULL, "overflow");
}

static void links_out_of_the_file_are_refused_and_inside_followed(void) {
  const char *path = gr_test_path("links.h5");
  hid_t file = gr_file_make(path);
  gr_file_put_xy(file, "real/x", "real/y", 4, 2);
  H5Lcreate_external("elsewhere.h5", "/x", file, "external", H5P_DEFAULT, H5P_DEFAULT);
  H5Lcreate_soft("/real/x", file, "soft", H5P_DEFAULT, H5P_DEFAULT);
  H5Lcreate_soft("real", file, "group", H5P_DEFAULT, H5P_DEFAULT);
  H5Lcreate_soft("./x", file, "real/near", H5P_DEFAULT, H5P_DEFAULT);
  H5Lcreate_soft("/external", file, "through", H5P_DEFAULT, H5P_DEFAULT);
  H5Lcreate_soft("/loop2", file, "loop1", H5P_DEFAULT, H5P_DEFAULT);
  H5Lcreate_soft("/loop1", file, "loop2", H5P_DEFAULT, H5P_DEFAULT);
  H5Lcreate_soft("/self/self", file, "self", H5P_DEFAULT, H5P_DEFAULT);
  H5Lcreate_soft("/gone", file, "dangling", H5P_DEFAULT, H5P_DEFAULT);
  gr_file_end(file);
  static const char *const good[] = {"soft", "group/x", "group/near", "/group/./x"};
  for (int i = 0; i < 4; i++) {
    gr_dataset d = read_file(path, good[i], "group/y");
    CU_ASSERT(d.split[GR_TRAIN].n_rows == 4);
    gr_dataset_free(&d);
  }
  refuse_file(path, "external", NULL, "/external is an external link");
  refuse_file(path, "external/x", NULL, "external link");
  refuse_file(path, "through", NULL, "external link");
  refuse_file(path, "loop1", NULL, "circles");
  refuse_file(path, "self", NULL, "");
  refuse_file(path, "dangling", NULL, "has no dangling");
}

static void external_and_virtual_storage_is_refused(void) {
  const hsize_t dims[2] = {4, 2};
  const char *path = gr_test_path("outside.h5");
  gr_file_set(gr_test_path("secret"), "0123456789012345678901234567890123456789", 40);
  hid_t file = gr_file_make(path), plist = H5Pcreate(H5P_DATASET_CREATE);
  CU_ASSERT(H5Pset_external(plist, gr_test_path("secret"), 0, 32) >= 0);
  gr_file_put(file, "external", H5T_NATIVE_INT, 2, dims, NULL, plist);
  H5Pclose(plist);
  plist = H5Pcreate(H5P_DATASET_CREATE);
  hid_t space = H5Screate_simple(2, dims, NULL);
  CU_ASSERT(H5Pset_virtual(plist, space, "other.h5", "/x", space) >= 0);
  gr_file_put(file, "virtual", H5T_NATIVE_INT, 2, dims, NULL, plist);
  H5Pclose(plist);
  H5Sclose(space);
  gr_file_end(file);
  refuse_file(path, "external", NULL, "external files");
  refuse_file(path, "virtual", NULL, "virtual");
}

static size_t no_filter(unsigned flags, size_t n_values, const unsigned *values, size_t n,
                        size_t *size, void **buffer) {
  (void)flags, (void)n_values, (void)values, (void)size, (void)buffer;
  return n;
}

static void a_filter_that_is_not_here_is_named(void) {
  const H5Z_class2_t filter = {H5Z_CLASS_T_VERS, 31999, 1, 1, "lost filter", NULL, NULL, no_filter};
  const hsize_t dims[2] = {4, 2};
  const int32_t values[8] = {0};
  const char *path = gr_test_path("filter.h5");
  CU_ASSERT_FATAL(H5Zregister(&filter) >= 0);
  hid_t file = gr_file_make(path), plist = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_chunk(plist, 2, dims);
  CU_ASSERT(H5Pset_filter(plist, 31999, 0, 0, NULL) >= 0);
  gr_file_put(file, "x", H5T_NATIVE_INT, 2, dims, values, plist);
  H5Pclose(plist);
  gr_file_end(file);
  CU_ASSERT_FATAL(H5Zunregister(31999) >= 0);
  refuse_file(path, NULL, NULL, "31999 (lost filter)");
}

static void files_that_are_no_data_set_are_told_apart(void) {
  gradus_error err = {0};
  gr_dataset d;
  gr_file_set(gr_test_path("empty.h5"), "", 0);
  gr_file_set(gr_test_path("text.h5"), "a,b\n1,2\n", 8);
  gr_file_set(gr_test_path("zip.h5"), "\x1f\x8b\x08 and more", 11);
  refuse_file(gr_test_path("empty.h5"), NULL, NULL, "is empty");
  refuse_file(gr_test_path("text.h5"), NULL, NULL, "not an HDF5 file");
  refuse_file(gr_test_path("zip.h5"), NULL, NULL, "gzip");
  refuse_file(gr_test_directory(), NULL, NULL, "is a directory");
  GR_CHECK_FAILS(gr_dataset_read(gr_test_path("missing.h5"), NULL, &d, &err), GRADUS_ERR_NOINPUT,
                 &err, "missing.h5");
}

static void a_truncated_file_never_reads_as_other_data(void) {
  const char *path = gr_test_path("whole.h5"), *cut = gr_test_path("cut.h5");
  hid_t file = gr_file_make(path);
  gr_file_put_xy(file, "train/x", "train/y", 300, 7);
  gr_file_end(file);
  gr_bytes_of bytes = gr_file_bytes(path);
  gr_dataset whole = read_file(path, NULL, NULL);
  size_t step = bytes.n / 200;
  for (size_t n = 0; n < bytes.n; n += step) {
    gradus_error err = {0};
    gr_dataset d;
    gr_file_set(cut, bytes.data, n);
    gradus_status status = gr_dataset_read(cut, NULL, &d, &err);
    CU_ASSERT(status == GRADUS_ERR_DATA || strcmp(d.digest, whole.digest) == 0);
    CU_ASSERT(status == GRADUS_OK || strstr(err.message, cut));
    gr_dataset_free(&d);
  }
  gr_dataset_free(&whole);
  free(bytes.data);
}

/* ---- files of others ---- */

static void real_files_of_other_programs_are_read_or_refused(void) {
  static const struct {
    const char *file, *x, *y, *word; /* word: of the refusal, NULL = read */
    gr_dtype type;
    uint64_t rows;
    uint32_t columns;
  } cases[] = {
      {"caffe-sample_data.h5", NULL, NULL, NULL, GR_F32, 10, 240},
      {"caffe-sample_data.h5", NULL, "label2", NULL, GR_F32, 10, 240},
      {"jhdf-float_special_values_latest.hdf5", "float16", NULL, "NaN", 0, 0, 0},
      {"jhdf-float_special_values_latest.hdf5", "float64", NULL, "NaN", 0, 0, 0},
      {"jhdf-test_chunked_datasets_latest.hdf5", "float/float16", "int/int8", NULL, GR_F16, 7, 15},
      {"jhdf-test_chunked_datasets_latest.hdf5", "int/large_int8", NULL, NULL, GR_I8, 100, 1},
      {"jhdf-test_compact_datasets_earliest.hdf5", "float/float64", "string/variable_length_utf8",
       NULL, GR_F64, 10, 1},
      {"jhdf-test_compact_datasets_earliest.hdf5", "int/int16", "string/fixed_length_ascii", NULL,
       GR_I16, 10, 1},
      {"jhdf-test_scalar_empty_datasets_latest.hdf5", "empty_float_32", NULL, "null", 0, 0, 0},
      {"jhdf-test_scalar_empty_datasets_latest.hdf5", "scalar_int_16", NULL, "single", 0, 0, 0},
      {"jhdf-test_scalar_empty_datasets_latest.hdf5", "empty_string", NULL, "null", 0, 0, 0},
      {"jhdf-test_string_datasets_earliest.hdf5", "fixed_length_ascii", NULL, "text", 0, 0, 0},
      {"jhdf-test_string_datasets_earliest.hdf5", "variable_length_2d", NULL, "text", 0, 0, 0},
      {"jhdf-utf8-fixed-length.hdf5", "a0", NULL, "text", 0, 0, 0},
      {"pyfive-compressed.hdf5", "dataset1", NULL, NULL, GR_U16, 21, 16},
      {"pyfive-compressed.hdf5", "dataset2", NULL, NULL, GR_I32, 21, 16},
      {"pyfive-compressed.hdf5", "dataset3", NULL, NULL, GR_F64, 21, 16},
      {"pyfive-dataset_datatypes.hdf5", "float32_big", "int64_big", NULL, GR_F32, 4, 1},
      {"pyfive-dataset_datatypes.hdf5", "uint64_big", "uint08_big", NULL, GR_U64, 4, 1},
      {"pyfive-earliest.hdf5", "group1/dataset2", NULL, NULL, GR_U64, 4, 1},
      {"pyfive-earliest.hdf5", "group1/subgroup1/dataset3", NULL, NULL, GR_F32, 4, 1},
      {"pyfive-earliest.hdf5", NULL, NULL, "--x", 0, 0, 0},
      {"pytables-float.h5", "float16", NULL, NULL, GR_F16, 5, 6},
      {"pytables-float.h5", "longdouble", NULL, NULL, GR_F64, 5, 6},
      {"pytables-float.h5", "quadprecision", NULL, NULL, GR_F64, 5, 6},
      {"pytables-smpl_compound_chunked.h5", "CompoundChunked", NULL, "compound", 0, 0, 0},
      {"pytables-smpl_enum.h5", "EnumTest", "EnumTest", NULL, GR_I32, 10, 1},
      {"pytables-smpl_f64be.h5", "TestArray", NULL, NULL, GR_F64, 6, 5},
      {"pytables-smpl_i32be.h5", "TestArray", NULL, NULL, GR_I32, 6, 5},
  };
  const char *data = gr_test_real_data();
  if (!data) {
    printf("(no GRADUS_TEST_DATA) ");
    return;
  }
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char path[4096];
    snprintf(path, sizeof path, "%s/hdf5/%s", data, cases[i].file);
    if (access(path, R_OK) != 0) continue;
    if (cases[i].word) {
      refuse_file(path, cases[i].x, cases[i].y, cases[i].word);
      continue;
    }
    gr_dataset d = read_file(path, cases[i].x, cases[i].y);
    CU_ASSERT(d.split[GR_TRAIN].x_type == cases[i].type && d.n_columns == cases[i].columns &&
              d.split[GR_TRAIN].n_rows == cases[i].rows);
    CU_ASSERT(!cases[i].y || d.split[GR_TRAIN].y_columns > 0);
    gr_dataset_free(&d);
  }
}

const gr_test gr_foreign_tests[] = {
    GR_TEST(known_layouts_are_recognised),
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
    GR_TEST(shapes_that_disagree_are_refused),
    GR_TEST(a_transposed_file_reads_as_the_straight_one),
    GR_TEST(trailing_dimensions_are_flattened),
    GR_TEST(numbers_that_are_not_finite_are_refused_with_their_place),
    GR_TEST(sample_weights_are_read_or_refused),
    GR_TEST(a_gradus_file_of_another_kind_or_time_is_refused),
    GR_TEST(types_that_are_no_numbers_are_refused_by_name),
    GR_TEST(null_dataspaces_and_unwritten_arrays_are_refused),
    GR_TEST(absurd_sizes_are_refused_before_memory_is_asked_for),
    GR_TEST(links_out_of_the_file_are_refused_and_inside_followed),
    GR_TEST(external_and_virtual_storage_is_refused),
    GR_TEST(a_filter_that_is_not_here_is_named),
    GR_TEST(files_that_are_no_data_set_are_told_apart),
    GR_TEST(a_truncated_file_never_reads_as_other_data),
    GR_TEST(real_files_of_other_programs_are_read_or_refused),
    GR_TEST_END};
