/* NumPy arrays, alone and in archives. The bytes are written here, as NEP 1 and APPNOTE say. */
#include <config.h>

#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "base/memory.h"
#include "base/text.h"
#include "test_interop.h"

/* An array file of format `version`. */
static gr_text npy(int version, const char *descr, const char *order, const char *shape,
                   const void *data, size_t size) {
  gr_text head = {0}, file = {0};
  gr_text_printf(&head, "{'descr': '%s', 'fortran_order': %s, 'shape': %s, }\n", descr, order,
                 shape);
  const char start[12] = {'\x93',
                          'N',
                          'U',
                          'M',
                          'P',
                          'Y',
                          (char)version,
                          0,
                          (char)(head.length & 255),
                          (char)(head.length >> 8)};
  gr_text_append(&file, start, version == 1 ? 10 : 12);
  gr_text_append(&file, head.data, head.length);
  gr_text_append(&file, data, size);
  gr_text_free(&head);
  return file;
}

/* Writes it; frees the text. */
static const char *keep(const char *name, gr_text file) {
  const char *path = write_file(name, file.data, file.length);
  gr_text_free(&file);
  return path;
}

static const char *pair(const char *first, const char *second) {
  static char words[9000];
  snprintf(words, sizeof words, "%s,%s", first, second);
  return words;
}

static const float values[6] = {1, 2, 3, 4, 5, 6};
static const int64_t labels[3] = {0, 1, 7};

static const char *write_labels(void) {
  return keep("y.npy", npy(1, "<i8", "False", "(3,)", labels, sizeof labels));
}

static void check(const char *words) {
  gr_import_options options = import_of(words);
  gr_dataset d;
  import_well(&options, &d);
  const gr_split *s = &d.split[GR_TRAIN];
  CU_ASSERT_FATAL(s->n_rows == 3 && d.n_columns == 2 && s->x_type == GR_F32);
  CU_ASSERT(memcmp(s->x, values, sizeof values) == 0);
  CU_ASSERT_FATAL(s->y_type == GR_I64 && s->y_columns == 1);
  CU_ASSERT(memcmp(s->y, labels, sizeof labels) == 0);
  gr_dataset_free(&d);
}

static void every_version_and_order_gives_the_same_rows(void) {
  const float columns[6] = {1, 3, 5, 2, 4, 6};
  for (int version = 1; version <= 3; version++)
    check(pair(keep("x.npy", npy(version, "<f4", "False", "(3, 2)", values, sizeof values)),
               write_labels()));
  check(pair(keep("x.npy", npy(1, "<f4", "True", "(3, 2)", columns, sizeof columns)),
             write_labels()));
  unsigned char big[sizeof values];
  for (size_t i = 0; i < sizeof big; i++) big[i] = ((const unsigned char *)values)[i ^ 3];
  check(pair(keep("x.npy", npy(1, ">f4", "False", "(3, 2)", big, sizeof big)), write_labels()));
}

/* x[i][j][k] = 100 i + 10 j + k, the first index running fastest. */
static void fortran_order_of_several_dimensions_is_turned(void) {
  uint8_t data[24];
  for (unsigned i = 0; i < 2; i++)
    for (unsigned j = 0; j < 3; j++)
      for (unsigned k = 0; k < 4; k++) data[i + 2 * (j + 3 * k)] = (uint8_t)(100 * i + 10 * j + k);
  gr_import_options options =
      import_of(pair(keep("x.npy", npy(1, "|u1", "True", "(2, 3, 4)", data, sizeof data)),
                     keep("y.npy", npy(1, "|u1", "False", "(2,)", data, 2))));
  gr_dataset d;
  import_well(&options, &d);
  CU_ASSERT_FATAL(d.n_columns == 12);
  for (unsigned c = 0; c < 24; c++)
    CU_ASSERT(((uint8_t *)d.split[GR_TRAIN].x)[c] == 100 * (c / 12) + 10 * (c / 4 % 3) + c % 4);
  gr_dataset_free(&d);
}

static void each_type_is_kept(void) {
  static const struct {
    const char *descr;
    gr_dtype type;
  } types[] = {{"|b1", GR_U8},  {"|u1", GR_U8},  {"|i1", GR_I8},  {"<u2", GR_U16},
               {"<i2", GR_I16}, {"<u4", GR_U32}, {"<i4", GR_I32}, {"<u8", GR_U64},
               {"=i8", GR_I64}, {"<f2", GR_F16}, {"<f8", GR_F64}};
  unsigned char data[24];
  for (size_t i = 0; i < sizeof data; i++) data[i] = (unsigned char)(i % 8 ? 0x30 : i);
  for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
    size_t size = 3 * gr_dtype_size(types[i].type);
    gr_import_options options = import_of(
        pair(keep("x.npy", npy(1, types[i].descr, "False", "(3, 1)", data, size)), write_labels()));
    gr_dataset d;
    import_well(&options, &d);
    CU_ASSERT(d.split[GR_TRAIN].x_type == types[i].type);
    CU_ASSERT(memcmp(d.split[GR_TRAIN].x, data, size) == 0);
    gr_dataset_free(&d);
  }
}

static void refuse(const char *descr, const char *shape, size_t size, const char *word) {
  static const unsigned char data[64];
  gr_import_options options =
      import_of(pair(keep("x.npy", npy(1, descr, "False", shape, data, size)), write_labels()));
  import_badly(&options, GRADUS_ERR_DATA, word);
}

static void what_is_no_plain_array_is_refused_by_name(void) {
  refuse("|O", "(3, 2)", 24, "x.npy: holds objects (a pickle, which is a program)");
  refuse("<U8", "(3, 2)", 24, "x.npy: holds texts");
  refuse("<c8", "(3, 2)", 24, "x.npy: holds complex numbers");
  refuse("<M8[s]", "(3, 2)", 48, "x.npy: holds dates");
  refuse("<f3", "(3, 2)", 24, "x.npy: its header says type '<f3'");
  refuse("<f4", "()", 4, "x.npy: is a single value");
  refuse("<f4", "(3, x)", 24, "x.npy: its header at character");
  refuse("<f4", "(3, 0)", 0, "dimension 1: a row of no values");
  refuse("<f4", "(0, 3)", 0, "no rows");
  refuse("<f4", "(3, 2)", 23, "but the header says 3 rows of 2 f32 values");
  refuse("<f4", "(3, 2)", 25, "1 bytes follow the last value");
  refuse("<f4", "(4611686018427387904, 4)", 24, "but the header says");
  refuse("<f4", "(2, 2)", 16, "y.npy: 3 labels for 2 rows");
  const float nan[3] = {1, 0, 2};
  unsigned char bytes[sizeof nan];
  memcpy(bytes, nan, sizeof nan);
  memset(bytes + 4, 0xff, 4);
  gr_import_options options = import_of(
      pair(keep("x.npy", npy(1, "<f4", "False", "(3, 1)", bytes, sizeof bytes)), write_labels()));
  import_badly(&options, GRADUS_ERR_DATA, "x.npy: row 1, column 0 (from 0) is NaN or infinite");
  options = import_of(gr_test_path("x.npy"));
  import_badly(&options, GRADUS_ERR_USAGE, "FILE,LABELS");
}

/* ---- archives ---- */

static void put16(gr_text *out, unsigned value) {
  const char bytes[2] = {(char)(value & 255), (char)(value >> 8)};
  gr_text_append(out, bytes, 2);
}

static void put32(gr_text *out, size_t value) {
  put16(out, (unsigned)value & 0xffff);
  put16(out, (unsigned)(value >> 16) & 0xffff);
}

typedef struct archive {
  gr_text file, directory;
  unsigned n;
  bool deflate, zip64;
} archive;

/* Adds a member; frees the text. Sizes of a zip64 one stand in its extra field. */
static void add(archive *a, const char *name, gr_text data) {
  unsigned char packed[4096];
  z_stream z = {.next_in = (unsigned char *)data.data,
                .avail_in = (unsigned)data.length,
                .next_out = packed,
                .avail_out = sizeof packed};
  if (a->deflate) {
    CU_ASSERT_FATAL(deflateInit2(&z, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    CU_ASSERT_FATAL(deflate(&z, Z_FINISH) == Z_STREAM_END && deflateEnd(&z) == Z_OK);
  }
  size_t size = a->deflate ? z.total_out : data.length, at = a->file.length;
  gr_text_append(&a->file, "PK\3\4\x14\0\0\0", 8);
  put16(&a->file, a->deflate ? 8 : 0);
  put32(&a->file, 0);
  put32(&a->file, 0); /* the checksum, which is not looked at */
  put32(&a->file, size);
  put32(&a->file, data.length);
  put16(&a->file, (unsigned)strlen(name));
  put16(&a->file, 0);
  gr_text_puts(&a->file, name);
  gr_text_append(&a->file, a->deflate ? (char *)packed : data.data, size);
  gr_text *d = &a->directory;
  gr_text_append(d, "PK\1\2\x14\0\x14\0\0\0", 10);
  put16(d, a->deflate ? 8 : 0);
  put32(d, 0);
  put32(d, 0);
  put32(d, a->zip64 ? UINT32_MAX : size);
  put32(d, a->zip64 ? UINT32_MAX : data.length);
  put16(d, (unsigned)strlen(name));
  put16(d, a->zip64 ? 28 : 0);
  for (int i = 0; i < 5; i++) put16(d, 0);
  put32(d, a->zip64 ? UINT32_MAX : at);
  gr_text_puts(d, name);
  if (a->zip64) {
    const size_t sizes[3] = {data.length, size, at};
    put16(d, 1);
    put16(d, 24);
    for (int i = 0; i < 3; i++) {
      put32(d, sizes[i]);
      put32(d, 0);
    }
  }
  a->n++;
  gr_text_free(&data);
}

static const char *finish(archive *a, const char *name) {
  size_t at = a->file.length;
  gr_text_append(&a->file, a->directory.data, a->directory.length);
  gr_text_append(&a->file, "PK\5\6\0\0\0\0", 8);
  put16(&a->file, a->n);
  put16(&a->file, a->n);
  put32(&a->file, a->directory.length);
  put32(&a->file, at);
  put16(&a->file, 0);
  gr_text_free(&a->directory);
  return keep(name, a->file);
}

static gr_text x_array(void) {
  return npy(1, "<f4", "False", "(3, 2)", values, sizeof values);
}
static gr_text y_array(void) {
  return npy(1, "<i8", "False", "(3,)", labels, sizeof labels);
}

static void archives_are_read_stored_or_deflated(void) {
  for (int kind = 0; kind < 4; kind++) {
    archive a = {.deflate = kind & 1, .zip64 = kind & 2};
    add(&a, "y.npy", y_array());
    add(&a, "X.npy", x_array());
    check(finish(&a, "a.npz"));
  }
  const float columns[6] = {1, 3, 5, 2, 4, 6};
  archive a = {.deflate = true};
  add(&a, "data.npy", npy(1, "<f4", "True", "(3, 2)", columns, sizeof columns));
  add(&a, "target.npy", y_array());
  check(finish(&a, "a.npz"));
}

static void one_archive_may_give_all_splits(void) {
  archive a = {.deflate = true};
  static const char *const names[] = {"x_train.npy", "y_train.npy", "x_val.npy",
                                      "y_val.npy",   "x_test.npy",  "y_test.npy"};
  for (int i = 0; i < 6; i++) add(&a, names[i], i % 2 ? y_array() : x_array());
  gr_import_options options = import_of(finish(&a, "keras.npz"));
  gr_dataset d;
  import_well(&options, &d);
  for (int s = 0; s < GR_N_SPLITS; s++)
    CU_ASSERT(d.split[s].n_rows == 3 && memcmp(d.split[s].x, values, sizeof values) == 0);
  gr_dataset_free(&d);
  options.source[GR_VALID] = options.source[GR_TRAIN];
  import_well(&options, &d);
  CU_ASSERT(d.split[GR_VALID].n_rows == 3 && d.split[GR_TEST].n_rows == 0);
  gr_dataset_free(&d);
}

static void archives_without_the_arrays_say_what_they_hold(void) {
  archive a = {.n = 0}, b = {.n = 0};
  add(&a, "weights.npy", x_array());
  gr_import_options options = import_of(finish(&a, "a.npz"));
  import_badly(&options, GRADUS_ERR_DATA, "it holds weights.npy");
  add(&b, "x.npy", x_array());
  options = import_of(finish(&b, "a.npz"));
  import_badly(&options, GRADUS_ERR_DATA, "holds x.npy, but no targets beside it");
  options = import_of(write_file("a.npz", "PK\3\4 and nothing", 16));
  import_badly(&options, GRADUS_ERR_DATA, "a.npz: damaged zip archive");
}

const gr_test numpy_tests[] = {GR_TEST(every_version_and_order_gives_the_same_rows),
                               GR_TEST(fortran_order_of_several_dimensions_is_turned),
                               GR_TEST(each_type_is_kept),
                               GR_TEST(what_is_no_plain_array_is_refused_by_name),
                               GR_TEST(archives_are_read_stored_or_deflated),
                               GR_TEST(one_archive_may_give_all_splits),
                               GR_TEST(archives_without_the_arrays_say_what_they_hold),
                               GR_TEST_END};
