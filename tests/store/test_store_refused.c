/* Files that cannot or must not be read as a data set: shapes, contents, storage and links are
 * refused in words, with file and object; and what real files of other programs come to. */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "suites.h"

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
  gr_refuse_file(path, "c", "two", "7 rows against 2");
  for (int i = 1; i < 4; i++) gr_refuse_file(path, "a", cases[i].y, cases[i].word);
  gr_refuse_file(path, "none", NULL, "no rows");
  gr_refuse_file(path, "flat", NULL, "no columns");
  gr_refuse_file(path, "one", NULL, "single value");
  gr_refuse_file(path, NULL, NULL, "columns"); /* /train and /test */
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
  a = gr_read_file(gr_test_path("straight.h5"), NULL, NULL);
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
  gr_refuse_file(gr_test_path("turned.h5"), NULL, NULL, "--transpose");
  gr_refuse_file(gr_test_path("turned.h5"), "x", "row", "--transpose");
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
  gr_dataset d = gr_read_file(gr_test_path("flat.h5"), NULL, NULL);
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
  } cases[] = {{gr_half_type(H5T_ORDER_LE), 2, 0x7c00}, {gr_half_type(H5T_ORDER_LE), 2, 0xfe01},
               {H5T_IEEE_F32LE, 4, 0xff800000},         {H5T_IEEE_F32LE, 4, 0x7fc00001},
               {H5T_IEEE_F64LE, 8, 0x7ff0ull << 48},    {H5T_IEEE_F64LE, 8, 0xfff1ull << 48}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    unsigned char values[64] = {0};
    memcpy(values + 5 * cases[i].size, &cases[i].bits, cases[i].size);
    hid_t file = gr_file_make(gr_test_path("nan.h5"));
    gr_file_put(file, "x", cases[i].type, 2, dims, values, 0);
    gr_file_put_xy(file, "z", NULL, 4, 2);
    gr_file_end(file);
    gr_refuse_file(gr_test_path("nan.h5"), NULL, NULL, "row 2, column 1");
    gr_refuse_file(gr_test_path("nan.h5"), "z", "x", "row 2, column 1");
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
      gr_refuse_file(path, NULL, NULL, cases[i].word);
      continue;
    }
    gr_dataset d = gr_read_file(path, NULL, NULL);
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
    gr_refuse_file(path, NULL, NULL, cases[i].word);
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
    gr_refuse_file(gr_test_path("types.h5"), NULL, NULL, cases[i].word);
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
  gr_refuse_file(path, "null", NULL, "null dataspace");
  gr_refuse_file(path, "unwritten", NULL, "never written");
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
  gr_refuse_file(path, "contiguous", NULL, "never written");
  gr_refuse_file(path, "chunked", NULL, "declares");
  gr_refuse_file(path, "overflow", NULL, "overflow");
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
    gr_dataset d = gr_read_file(path, good[i], "group/y");
    CU_ASSERT(d.split[GR_TRAIN].n_rows == 4);
    gr_dataset_free(&d);
  }
  gr_refuse_file(path, "external", NULL, "/external is an external link");
  gr_refuse_file(path, "external/x", NULL, "external link");
  gr_refuse_file(path, "through", NULL, "external link");
  gr_refuse_file(path, "loop1", NULL, "circles");
  gr_refuse_file(path, "self", NULL, "");
  gr_refuse_file(path, "dangling", NULL, "has no dangling");
}

static void storage_out_of_the_folder_is_refused(void) {
  const hsize_t dims[2] = {4, 2};
  const char *path = gr_test_path("outside.h5");
  gr_file_set(gr_test_path("secret"), "0123456789012345678901234567890123456789", 40);
  hid_t file = gr_file_make(path), plist = H5Pcreate(H5P_DATASET_CREATE);
  CU_ASSERT(H5Pset_external(plist, gr_test_path("secret"), 0, 32) >= 0);
  gr_file_put(file, "external", H5T_NATIVE_INT, 2, dims, NULL, plist);
  H5Pclose(plist);
  plist = H5Pcreate(H5P_DATASET_CREATE);
  hid_t space = H5Screate_simple(2, dims, NULL);
  CU_ASSERT(H5Pset_virtual(plist, space, "../other.h5", "/x", space) >= 0);
  gr_file_put(file, "virtual", H5T_NATIVE_INT, 2, dims, NULL, plist);
  H5Pclose(plist);
  H5Sclose(space);
  gr_file_end(file);
  gr_refuse_file(path, "external", NULL, "external files");
  gr_refuse_file(path, "virtual", NULL, "leads out of the folder of its file");
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
  gr_refuse_file(path, NULL, NULL, "31999 (lost filter)");
}

static void files_that_are_no_data_set_are_told_apart(void) {
  gradus_error err = {0};
  gr_dataset d;
  gr_file_set(gr_test_path("empty.h5"), "", 0);
  gr_file_set(gr_test_path("text.h5"), "a,b\n1,2\n", 8);
  gr_file_set(gr_test_path("zip.h5"), "\x1f\x8b\x08 and more", 11);
  gr_refuse_file(gr_test_path("empty.h5"), NULL, NULL, "is empty");
  gr_refuse_file(gr_test_path("text.h5"), NULL, NULL, "not an HDF5 file");
  gr_refuse_file(gr_test_path("zip.h5"), NULL, NULL, "gzip");
  gr_refuse_file(gr_test_directory(), NULL, NULL, "is a directory");
  GR_CHECK_FAILS(gr_dataset_read(gr_test_path("missing.h5"), NULL, &d, &err), GRADUS_ERR_NOINPUT,
                 &err, "missing.h5");
}

static void a_truncated_file_never_reads_as_other_data(void) {
  const char *path = gr_test_path("whole.h5"), *cut = gr_test_path("cut.h5");
  hid_t file = gr_file_make(path);
  gr_file_put_xy(file, "train/x", "train/y", 300, 7);
  gr_file_end(file);
  gr_bytes_of bytes = gr_file_bytes(path);
  gr_dataset whole = gr_read_file(path, NULL, NULL);
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
      gr_refuse_file(path, cases[i].x, cases[i].y, cases[i].word);
      continue;
    }
    gr_dataset d = gr_read_file(path, cases[i].x, cases[i].y);
    CU_ASSERT(d.split[GR_TRAIN].x_type == cases[i].type && d.n_columns == cases[i].columns &&
              d.split[GR_TRAIN].n_rows == cases[i].rows);
    CU_ASSERT(!cases[i].y || d.split[GR_TRAIN].y_columns > 0);
    gr_dataset_free(&d);
  }
}

const gr_test gr_refused_tests[] = {
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
    GR_TEST(storage_out_of_the_folder_is_refused),
    GR_TEST(a_filter_that_is_not_here_is_named),
    GR_TEST(files_that_are_no_data_set_are_told_apart),
    GR_TEST(a_truncated_file_never_reads_as_other_data),
    GR_TEST(real_files_of_other_programs_are_read_or_refused),
    GR_TEST_END};
