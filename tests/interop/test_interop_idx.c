/* IDX files, plain and compressed, good and damaged. */
#include <config.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "base/text.h"
#include "interop/input.h"
#include "test_interop.h"

/* 3 images of 2x2 and their labels. */
static const unsigned char images[] = {0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0, 2,  0,  0,
                                       0, 2, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 255};
static const unsigned char labels[] = {0, 0, 8, 1, 0, 0, 0, 3, 7, 0, 9};

static const char *write_gz(const char *name, const void *bytes, unsigned size) {
  const char *path = gr_test_path(name);
  gzFile file = gzopen(path, "wb");
  CU_ASSERT_PTR_NOT_NULL_FATAL(file);
  CU_ASSERT_EQUAL_FATAL(gzwrite(file, bytes, size), (int)size);
  CU_ASSERT_EQUAL_FATAL(gzclose(file), Z_OK);
  return path;
}

/* "IMAGES,LABELS" */
static const char *pair(const char *first, const char *second) {
  static char words[9000];
  snprintf(words, sizeof words, "%s,%s", first, second);
  return words;
}

static void import_pair(const char *words, gr_dataset *out) {
  gr_import_options options = import_of(words);
  import_well(&options, out);
}

static void check_small(const gr_dataset *d) {
  const gr_split *s = &d->split[GR_TRAIN];
  CU_ASSERT_FATAL(s->n_rows == 3 && d->n_columns == 4 && s->y_columns == 1);
  CU_ASSERT(s->x_type == GR_U8 && memcmp(s->x, images + 16, 12) == 0);
  CU_ASSERT(s->y_type == GR_U8 && memcmp(s->y, labels + 8, 3) == 0);
  CU_ASSERT(!d->y_is_text && !d->class_names && !d->columns);
}

static void plain_and_compressed_files_are_equal(void) {
  gr_dataset plain, compressed;
  const char *i = write_file("images", images, sizeof images);
  const char *l = write_file("labels", labels, sizeof labels);
  import_pair(pair(i, l), &plain);
  check_small(&plain);
  CHECK_ACCOUNT("3 rows of 4 u8 values, u8 targets");
  const char *iz = write_gz("images.gz", images, sizeof images);
  const char *lz = write_gz("labels.gz", labels, sizeof labels);
  import_pair(pair(iz, lz), &compressed);
  check_small(&compressed);
  gr_dataset_free(&plain);
  gr_dataset_free(&compressed);
}

/* A header of 2 rows of 2 values, then `size` bytes each. */
static const char *write_typed(const char *name, unsigned char code, const void *values,
                               size_t size) {
  unsigned char file[64] = {0, 0, code, 2, 0, 0, 0, 2, 0, 0, 0, 2};
  memcpy(file + 12, values, 4 * size);
  return write_file(name, file, 12 + 4 * size);
}

static void each_type_is_read_in_its_own_width(void) {
  static const struct {
    unsigned char code;
    gr_dtype type;
    size_t size;
    unsigned char values[32];
  } known[] = {{0x09, GR_I8, 1, {0xff, 1, 2, 0x80}},
               {0x0b, GR_I16, 2, {0xff, 0xff, 0, 1, 1, 0, 0x80, 0}},
               {0x0c, GR_I32, 4, {0xff, 0xff, 0xff, 0xff, 0, 0, 0, 1, 0, 1, 0, 0, 0x80, 0, 0, 0}},
               {0x0d,
                GR_F32,
                4,
                {0xbf, 0x80, 0, 0, 0x3f, 0x80, 0, 0, 0x3f, 0, 0, 0, 0xc2, 0xf6, 0xe9, 0x79}},
               {0x0e, GR_F64, 8, {0xbf, 0xf0, 0,    0,    0,    0,    0,    0,    0x3f, 0xf0, 0,
                                  0,    0,    0,    0,    0,    0x3f, 0xe0, 0,    0,    0,    0,
                                  0,    0,    0x40, 0x09, 0x21, 0xfb, 0x54, 0x44, 0x2d, 0x18}}};
  const int8_t i8[] = {-1, 1, 2, -128};
  const int16_t i16[] = {-1, 1, 256, -32768};
  const int32_t i32[] = {-1, 1, 65536, INT32_MIN};
  const float f32[] = {-1, 1, 0.5f, -123.456f};
  const double f64[] = {-1, 1, 0.5, 0x1.921fb54442d18p+1};
  const void *const wanted[] = {i8, i16, i32, f32, f64};
  const unsigned char two[] = {0, 0, 8, 1, 0, 0, 0, 2, 0, 1};
  const char *l = write_file("two", two, sizeof two);
  for (size_t k = 0; k < 5; k++) {
    gr_dataset d;
    const char *i = write_typed("typed", known[k].code, known[k].values, known[k].size);
    import_pair(pair(i, l), &d);
    CU_ASSERT_EQUAL(d.split[GR_TRAIN].x_type, known[k].type);
    CU_ASSERT(d.split[GR_TRAIN].x &&
              memcmp(d.split[GR_TRAIN].x, wanted[k], 4 * known[k].size) == 0);
    gr_dataset_free(&d);
  }
}

static void float_labels_and_a_logarithm_make_regression(void) {
  const unsigned char y[] = {0, 0, 0x0d, 1, 0, 0, 0,    3,    0x3f, 0x80,
                             0, 0, 0x40, 0, 0, 0, 0x3f, 0x80, 0,    0};
  const char *i = write_file("images", images, sizeof images);
  const char *l = write_file("floats", y, sizeof y);
  gr_import_options options = import_of(pair(i, l));
  gr_dataset d;
  import_well(&options, &d);
  CU_ASSERT(d.split[GR_TRAIN].y_type == GR_F32 && ((float *)d.split[GR_TRAIN].y)[1] == 2);
  gr_dataset_free(&d);
  options.log_target = true;
  import_well(&options, &d);
  CU_ASSERT(((float *)d.split[GR_TRAIN].y)[0] == 0 &&
            ((float *)d.split[GR_TRAIN].y)[1] == 0x1.62e43p-1f);
  gr_dataset_free(&d);
  options.log_target = false;
  options.task = GR_CLASSIFICATION;
  import_badly(&options, GRADUS_ERR_DATA, "expected one whole number");
  options = import_of(pair(i, write_file("labels", labels, sizeof labels)));
  options.task = GR_REGRESSION;
  import_well(&options, &d);
  CU_ASSERT(d.split[GR_TRAIN].y_type == GR_F32 && ((float *)d.split[GR_TRAIN].y)[2] == 9);
  gr_dataset_free(&d);
  options.log_target = true;
  import_badly(&options, GRADUS_ERR_DATA, "row 2: the target is not above 0");
}

/* The small images with one byte changed and some cut off or added. */
static const char *damage(size_t at, unsigned char value, int extra) {
  unsigned char copy[sizeof images + 8];
  memcpy(copy, images, sizeof images);
  memset(copy + sizeof images, 1, 8);
  copy[at] = value;
  return write_file("damaged", copy, (size_t)((int)sizeof images + extra));
}

static void a_header_that_lies_is_told_with_its_byte(void) {
  static const struct {
    size_t at;
    unsigned char value;
    int extra;
    const char *word;
  } cases[] = {
      {7, 4, 0, "damaged: ends at byte 28, but the header says 4 rows of 4 u8 values"},
      {7, 2, 0, "damaged: 4 bytes follow the last value at byte 24; the header says 2 rows"},
      {7, 0, 0, "byte 4: no rows"},
      {11, 0, 0, "byte 8: a row of no values"},
      {8, 255, 0, "byte 12: a row of too many values"},
      {4, 255, 0, "but the header says 4278190083 rows"},
      {2, 0x0d, 0, "ends at byte 28, but the header says 3 rows of 4 f32 values"},
      {3, 9, 0, "byte 3 says 9 dimensions"},
      {3, 0, 0, "byte 3 says 0 dimensions"},
      {0, 0, -14, "ends at byte 14, inside the header of 16 bytes"},
      {0, 0, -1, "ends at byte 27"},
      {0, 0, 3, "3 bytes follow the last value at byte 28"},
  };
  const char *l = write_file("labels", labels, sizeof labels);
  for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
    gr_import_options options =
        import_of(pair(damage(cases[k].at, cases[k].value, cases[k].extra), l));
    import_badly(&options, GRADUS_ERR_DATA, cases[k].word);
  }
}

static void images_and_labels_must_belong_together(void) {
  const unsigned char two[] = {0, 0, 8, 1, 0, 0, 0, 2, 0, 1};
  const char *i = write_file("images", images, sizeof images);
  const char *l = write_file("labels", labels, sizeof labels);
  gr_import_options options = import_of(pair(i, write_file("two", two, sizeof two)));
  import_badly(&options, GRADUS_ERR_DATA, "two: 2 labels for 3 rows");
  options = import_of(pair(l, i));
  import_badly(&options, GRADUS_ERR_DATA, "is it the labels");
  options = import_of(pair(i, i));
  import_badly(&options, GRADUS_ERR_DATA, "expected one whole number (a class)");
  options = import_of(i);
  import_badly(&options, GRADUS_ERR_USAGE, "IMAGES,LABELS");
  options = import_of(pair(i, "/nonexistent/labels"));
  import_badly(&options, GRADUS_ERR_NOINPUT, "/nonexistent/labels");
  options = import_of(pair(i, write_text("t.csv", "a,b\n1,2\n")));
  import_badly(&options, GRADUS_ERR_DATA, "does not start as IDX");
  options = import_of(pair(i, l));
  options.target = "y";
  import_badly(&options, GRADUS_ERR_USAGE, "no named columns");
}

static void splits_must_agree(void) {
  const unsigned char narrow[] = {0, 0, 8, 2, 0, 0, 0, 3, 0, 0, 0, 1, 1, 2, 3};
  char first[9000];
  const char *i = write_file("images", images, sizeof images);
  const char *l = write_file("labels", labels, sizeof labels);
  snprintf(first, sizeof first, "%s", pair(i, l));
  gr_import_options options = import_of(first);
  options.source[GR_TEST] = pair(write_file("narrow", narrow, sizeof narrow), l);
  import_badly(&options, GRADUS_ERR_DATA, "narrow: rows of 1 values, the other splits have 4");
  options.source[GR_TEST] = write_text("t.csv", "a,b\n1,2\n");
  import_badly(&options, GRADUS_ERR_DATA, "all splits need one format");
  gr_dataset d;
  options.source[GR_TEST] = first;
  import_well(&options, &d);
  CU_ASSERT(d.split[GR_TEST].n_rows == 3 && d.split[GR_VALID].n_rows == 0);
  gr_dataset_free(&d);
}

static void damaged_compression_is_told(void) {
  static unsigned char noise[20000], back[20001];
  size_t got;
  gr_input *stream;
  for (size_t k = 0; k < sizeof noise; k++) noise[k] = (unsigned char)(k * k >> 5 ^ k * 7);
  const char *path = write_gz("noise.gz", noise, sizeof noise);
  gradus_error err = {0};
  GR_CHECK_OK(gr_input_open(path, &stream, &err), &err);
  for (int pass = 0; pass < 2; pass++) {
    GR_CHECK_OK(gr_input_read(stream, back, sizeof back, &got, &err), &err);
    CU_ASSERT(got == sizeof noise && memcmp(back, noise, sizeof noise) == 0);
    GR_CHECK_OK(gr_input_rewind(stream, &err), &err);
  }
  gr_input_close(stream);
  CU_ASSERT_EQUAL(truncate(path, 600), 0);
  GR_CHECK_OK(gr_input_open(path, &stream, &err), &err);
  GR_CHECK_FAILS(gr_input_read(stream, back, sizeof back, &got, &err), GRADUS_ERR_DATA, &err,
                 "ends too early");
  gr_input_close(stream);
  GR_CHECK_FAILS(gr_input_open(gr_test_directory(), &stream, &err), GRADUS_ERR_NOINPUT, &err,
                 "is a directory");
  GR_CHECK_FAILS(gr_input_open("/nonexistent", &stream, &err), GRADUS_ERR_NOINPUT, &err,
                 "/nonexistent: cannot be read");
  CU_ASSERT_PTR_NULL(stream);
}

static void other_formats_are_named(void) {
  gr_import_options options = import_of(write_file("a.h5", "\x89HDF\r\n\x1a\n....", 12));
  import_badly(&options, GRADUS_ERR_DATA, "a.h5");
  options = import_of(write_file("a.npy", "\x93NUMPY\x01\x00", 8));
  import_badly(&options, GRADUS_ERR_DATA, "NumPy");
  options = import_of(NULL);
  import_badly(&options, GRADUS_ERR_USAGE, "nothing to import");
}

static void fashion_mnist_is_read_whole(void) {
  const char *root = gr_test_real_data();
  if (!root) {
    printf("(no GRADUS_TEST_DATA: skipped) ");
    return;
  }
  gr_text words[2] = {{0}, {0}};
  for (int k = 0; k < 2; k++) {
    const char *stem = k ? "t10k" : "train";
    gr_text_printf(&words[k], "%s/fashion-mnist/%s-images-idx3-ubyte.gz,", root, stem);
    gr_text_printf(&words[k], "%s/fashion-mnist/%s-labels-idx1-ubyte.gz", root, stem);
  }
  gr_import_options options = import_of(words[0].data);
  options.source[GR_TEST] = words[1].data;
  gr_dataset d;
  import_well(&options, &d);
  const gr_split *train = &d.split[GR_TRAIN], *test = &d.split[GR_TEST];
  CU_ASSERT_FATAL(train->n_rows == 60000 && test->n_rows == 10000 && d.n_columns == 784);
  uint64_t sum = 0, classes[10] = {0};
  for (size_t i = 0; i < 60000u * 784u; i++) sum += ((const uint8_t *)train->x)[i];
  for (size_t i = 0; i < 60000; i++) classes[((const uint8_t *)train->y)[i] % 10]++;
  for (int k = 0; k < 10; k++) CU_ASSERT_EQUAL(classes[k], 6000);
  CU_ASSERT_EQUAL(sum, 3431114169u);
  CU_ASSERT_EQUAL(((const uint8_t *)train->y)[0], 9);
  gr_dataset_free(&d);
  gr_text_free(&words[0]);
  gr_text_free(&words[1]);
}

const gr_test idx_tests[] = {GR_TEST(plain_and_compressed_files_are_equal),
                             GR_TEST(each_type_is_read_in_its_own_width),
                             GR_TEST(float_labels_and_a_logarithm_make_regression),
                             GR_TEST(a_header_that_lies_is_told_with_its_byte),
                             GR_TEST(images_and_labels_must_belong_together),
                             GR_TEST(splits_must_agree),
                             GR_TEST(damaged_compression_is_told),
                             GR_TEST(other_formats_are_named),
                             GR_TEST(fashion_mnist_is_read_whole),
                             GR_TEST_END};
