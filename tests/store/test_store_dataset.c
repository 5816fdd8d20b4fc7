/* Our own layout: what is written is read back, equal content has equal digests, and nothing is
 * overwritten or left half done. */
#include <config.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "store/array.h"
#include "suites.h"

enum { ROWS = 37, COLUMNS = 5 };

/* A split of type `type` with contents that depend on `salt`; floats are halves. */
static void fill_split(gr_split *split, gr_dtype type, uint64_t rows, uint32_t y_columns,
                       unsigned salt) {
  size_t size = gr_dtype_size(type), n = rows * COLUMNS * size;
  split->n_rows = rows;
  split->x_type = type;
  split->x = gr_calloc(n, 1);
  for (size_t i = 0; i < n; i++) /* a small last byte keeps floats finite */
    ((unsigned char *)split->x)[i] = (unsigned char)((i * 7 + salt) % ((i + 1) % size ? 251 : 60));
  split->y_columns = y_columns;
  split->y_type = y_columns > 1 ? GR_F64 : GR_I32;
  split->y = gr_calloc(rows * y_columns, gr_dtype_size(split->y_type));
  for (size_t i = 0; i < rows * y_columns; i++) {
    if (y_columns > 1)
      ((double *)split->y)[i] = (double)i / 4;
    else
      ((int32_t *)split->y)[i] = (int32_t)(i % 3) - 1;
  }
}

static char **make_texts(uint32_t n, const char *const *texts) {
  char **out = gr_calloc(n, sizeof *out);
  for (uint32_t i = 0; i < n; i++) out[i] = gr_strdup(texts[i]);
  return out;
}

/* A data set of one type with everything but columns. */
static gr_dataset make(gr_dtype type) {
  static const char *const classes[] = {"minus", "", "plus \xc3\xa9"};
  static const char *const features[] = {"a", "b b", "c", "d", "a very long name of a column"};
  gr_dataset d = {.n_columns = COLUMNS};
  fill_split(&d.split[GR_TRAIN], type, ROWS, 1, 1);
  fill_split(&d.split[GR_TEST], type, 3, 1, 2);
  d.split[GR_TRAIN].weight = gr_calloc(ROWS, sizeof(float));
  d.split[GR_TRAIN].offset = gr_calloc(ROWS, sizeof(float));
  for (int i = 0; i < ROWS; i++) d.split[GR_TRAIN].weight[i] = (float)i / 3;
  for (int i = 0; i < ROWS; i++) d.split[GR_TRAIN].offset[i] = 1 - (float)i / 7;
  d.n_class_names = 3;
  d.class_names = make_texts(3, classes);
  d.feature_names = make_texts(COLUMNS, features);
  CU_ASSERT_EQUAL(gr_dataset_digest(&d, NULL), GRADUS_OK);
  return d;
}

static int same_split(const gr_split *a, const gr_split *b, uint32_t columns) {
  if (a->n_rows != b->n_rows || !a->weight != !b->weight || !a->offset != !b->offset) return 0;
  if (a->n_rows == 0) return 1;
  if (a->x_type != b->x_type || a->y_columns != b->y_columns || a->y_type != b->y_type) return 0;
  return memcmp(a->x, b->x, a->n_rows * columns * gr_dtype_size(a->x_type)) == 0 &&
         (!a->y_columns ||
          memcmp(a->y, b->y, a->n_rows * a->y_columns * gr_dtype_size(a->y_type)) == 0) &&
         (!a->weight || memcmp(a->weight, b->weight, a->n_rows * sizeof(float)) == 0) &&
         (!a->offset || memcmp(a->offset, b->offset, a->n_rows * sizeof(float)) == 0);
}

static int same_texts(char **a, char **b, uint32_t n) {
  for (uint32_t i = 0; i < n; i++)
    if (strcmp(a[i], b[i]) != 0) return 0;
  return 1;
}

static void every_type_survives_the_file(void) {
  for (int type = 0; type < GR_N_DTYPES; type++) {
    gradus_error err = {0};
    gr_dataset written = make((gr_dtype)type), read;
    const char *path = gr_test_path("every.h5");
    GR_CHECK_OK(gr_dataset_write(&written, path, true, &err), &err);
    GR_CHECK_OK(gr_dataset_read(path, NULL, &read, &err), &err);
    CU_ASSERT_FATAL(read.n_columns == COLUMNS && read.n_class_names == 3 && read.feature_names);
    for (int s = 0; s < GR_N_SPLITS; s++)
      CU_ASSERT(same_split(&written.split[s], &read.split[s], COLUMNS));
    CU_ASSERT(same_texts(written.class_names, read.class_names, 3));
    CU_ASSERT(same_texts(written.feature_names, read.feature_names, COLUMNS));
    CU_ASSERT_STRING_EQUAL(written.digest, read.digest);
    CU_ASSERT(strcmp(read.layout, "gradus") == 0 && strcmp(read.path, path) == 0);
    gr_dataset_free(&written);
    gr_dataset_free(&read);
  }
}

static void several_targets_and_columns_of_a_table_survive(void) {
  static const char *const levels[] = {"red", "green", ""};
  gradus_error err = {0};
  gr_dataset d = {.n_columns = COLUMNS}, read;
  fill_split(&d.split[GR_TRAIN], GR_F32, ROWS, 4, 1);
  ((float *)d.split[GR_TRAIN].x)[3] = NAN; /* missing */
  d.columns = gr_calloc(COLUMNS, sizeof *d.columns);
  for (int j = 0; j < COLUMNS; j++) d.columns[j].name = gr_strdup("same name");
  d.columns[2].kind = GR_COLUMN_CATEGORICAL;
  d.columns[2].levels = make_texts(3, levels);
  d.columns[2].n_levels = 3;
  d.columns[4].kind = GR_COLUMN_CATEGORICAL; /* no level seen */
  CU_ASSERT_EQUAL(gr_dataset_digest(&d, NULL), GRADUS_OK);
  GR_CHECK_OK(gr_dataset_write(&d, gr_test_path("columns.h5"), true, &err), &err);
  GR_CHECK_OK(gr_dataset_read(gr_test_path("columns.h5"), NULL, &read, &err), &err);
  CU_ASSERT_FATAL(read.columns != NULL);
  CU_ASSERT(same_split(&d.split[GR_TRAIN], &read.split[GR_TRAIN], COLUMNS));
  CU_ASSERT(read.columns[1].kind == GR_COLUMN_NUMERIC && read.columns[1].levels == NULL);
  CU_ASSERT(read.columns[2].kind == GR_COLUMN_CATEGORICAL && read.columns[2].n_levels == 3);
  CU_ASSERT(same_texts(read.columns[2].levels, d.columns[2].levels, 3));
  CU_ASSERT(read.columns[4].kind == GR_COLUMN_CATEGORICAL && read.columns[4].n_levels == 0);
  CU_ASSERT_STRING_EQUAL(read.digest, d.digest);
  gr_dataset_free(&d);
  gr_dataset_free(&read);
}

static void the_digest_sees_every_part(void) {
  gr_dataset d = make(GR_F32);
  char before[33];
  memcpy(before, d.digest, 33);
  CU_ASSERT_EQUAL(gr_dataset_digest(&d, NULL), GRADUS_OK);
  CU_ASSERT_STRING_EQUAL(before, d.digest);
  struct {
    unsigned char *byte;
  } parts[] = {{d.split[GR_TRAIN].x},
               {d.split[GR_TRAIN].y},
               {d.split[GR_TEST].x},
               {(unsigned char *)d.split[GR_TRAIN].weight},
               {(unsigned char *)d.class_names[2]}};
  for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
    *parts[i].byte ^= 1;
    CU_ASSERT_EQUAL(gr_dataset_digest(&d, NULL), GRADUS_OK);
    CU_ASSERT_STRING_NOT_EQUAL(before, d.digest);
    *parts[i].byte ^= 1;
  }
  d.split[GR_VALID] = d.split[GR_TEST]; /* the same rows in another split */
  d.split[GR_TEST] = (gr_split){0};
  CU_ASSERT_EQUAL(gr_dataset_digest(&d, NULL), GRADUS_OK);
  CU_ASSERT_STRING_NOT_EQUAL(before, d.digest);
  gr_dataset_free(&d);
}

static void arrays_lie_contiguous_and_aligned(void) {
  gradus_error err = {0};
  gr_dataset d = {.n_columns = COLUMNS};
  fill_split(&d.split[GR_TRAIN], GR_F64, 1000, 1, 1);
  GR_CHECK_OK(gr_dataset_write(&d, gr_test_path("aligned.h5"), false, &err), &err);
  gr_dataset_free(&d);
  hid_t file = H5Fopen(gr_test_path("aligned.h5"), H5F_ACC_RDONLY, H5P_DEFAULT);
  hid_t set = H5Dopen2(file, "/train/x", H5P_DEFAULT);
  haddr_t at = H5Dget_offset(set);
  CU_ASSERT(at != HADDR_UNDEF && at % 4096 == 0);
  H5Dclose(set);
  H5Fclose(file);
}

static void an_existing_file_is_kept_unless_told_otherwise(void) {
  gradus_error err = {0};
  const char *path = gr_test_path("kept.h5");
  gr_dataset d = make(GR_U8);
  gr_file_set(path, "precious", 8);
  GR_CHECK_FAILS(gr_dataset_write(&d, path, false, &err), GRADUS_ERR_CANTCREATE, &err, "kept.h5");
  gr_bytes_of bytes = gr_file_bytes(path);
  CU_ASSERT(bytes.n == 8 && memcmp(bytes.data, "precious", 8) == 0);
  free(bytes.data);
  GR_CHECK_OK(gr_dataset_write(&d, path, true, &err), &err);
  gr_dataset_free(&d);
  GR_CHECK_OK(gr_dataset_read(path, NULL, &d, &err), &err);
  gr_dataset_free(&d);
}

static void places_that_cannot_be_written_are_named(void) {
  gradus_error err = {0};
  gr_dataset d = make(GR_U8);
  gr_file_set(gr_test_path("plain"), "x", 1);
  mkdir(gr_test_path("directory.h5"), 0777);
  GR_CHECK_FAILS(gr_dataset_write(&d, gr_test_path("plain/d.h5"), true, &err),
                 GRADUS_ERR_CANTCREATE, &err, "plain/d.h5");
  GR_CHECK_FAILS(gr_dataset_write(&d, gr_test_path("missing/d.h5"), true, &err),
                 GRADUS_ERR_CANTCREATE, &err, "missing/d.h5");
  GR_CHECK_FAILS(gr_dataset_write(&d, gr_test_path("directory.h5"), true, &err),
                 GRADUS_ERR_CANTCREATE, &err, "directory");
  gr_dataset_free(&d);
}

static void a_single_array_can_be_written(void) {
  const float data[6] = {1, 2, 3, 4, 5, 6};
  gradus_error err = {0};
  gr_dataset read;
  gr_dataset_options options = {.x = "predictions"};
  const char *path = gr_test_path("array.h5");
  GR_CHECK_OK(gr_array_write_h5(path, false, "predictions", data, 2, 3, &err), &err);
  GR_CHECK_FAILS(gr_array_write_h5(path, false, "predictions", data, 2, 3, &err),
                 GRADUS_ERR_CANTCREATE, &err, "array.h5");
  GR_CHECK_OK(gr_dataset_read(path, &options, &read, &err), &err);
  CU_ASSERT(read.n_columns == 3 && read.split[GR_TRAIN].n_rows == 2);
  CU_ASSERT(read.split[GR_TRAIN].x && memcmp(read.split[GR_TRAIN].x, data, sizeof data) == 0);
  gr_dataset_free(&read);
}

static void no_handle_of_hdf5_is_left_open(void) {
  gradus_error err = {0};
  gr_dataset d = make(GR_F16), read;
  gr_dataset_options options = {.x = "nowhere"};
  const char *path = gr_test_path("handles.h5");
  uint64_t before = gr_handles();
  for (int i = 0; i < 3; i++) {
    GR_CHECK_OK(gr_dataset_write(&d, path, true, &err), &err);
    GR_CHECK_OK(gr_dataset_read(path, NULL, &read, &err), &err);
    gr_dataset_free(&read);
    GR_CHECK_FAILS(gr_dataset_read(path, &options, &read, &err), GRADUS_ERR_DATA, &err, "nowhere");
    CU_ASSERT_EQUAL(gr_handles(), before);
  }
  gr_dataset_free(&d);
}

const gr_test gr_dataset_tests[] = {GR_TEST(every_type_survives_the_file),
                                    GR_TEST(several_targets_and_columns_of_a_table_survive),
                                    GR_TEST(the_digest_sees_every_part),
                                    GR_TEST(arrays_lie_contiguous_and_aligned),
                                    GR_TEST(an_existing_file_is_kept_unless_told_otherwise),
                                    GR_TEST(places_that_cannot_be_written_are_named),
                                    GR_TEST(a_single_array_can_be_written),
                                    GR_TEST(no_handle_of_hdf5_is_left_open),
                                    GR_TEST_END};
