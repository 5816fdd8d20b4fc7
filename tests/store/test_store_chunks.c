/* Chunks that the library here does not write itself (LZF, LZ4, Zstandard), masks of filters,
 * missing and partial chunks, every index of chunks, large tables, many threads. */
#include <config.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/philox.h"
#include "suites.h"

enum {
  ROWS = GR_CHUNK_ROWS,
  COLUMNS = GR_CHUNK_COLUMNS,
  CHUNK = GR_CHUNK_HEIGHT,
  WORST = GR_CHUNK_WORST
};

/* zlib's format. */
static size_t encode_gzip(const unsigned char *in, size_t n, unsigned char *out) {
  return gr_chunk_codecs[0].encode(in, n, out);
}

static void chunks_of_every_codec_are_decoded(void) {
  const char *path = gr_test_path("codec.h5");
  uint16_t data[ROWS * COLUMNS];
  for (int i = 0; gr_chunk_codecs[i].name; i++)
    for (int shuffle = 0; shuffle < 2; shuffle++) {
      gr_chunk_file(path, &gr_chunk_codecs[i], shuffle, data);
      gr_source *source = gr_source_of(path, "x", false);
      const gr_source_info *info = gr_source_get_info(source);
      CU_ASSERT_EQUAL(info->kind, GR_SOURCE_CHUNKED);
      CU_ASSERT(info->chunk_rows == CHUNK && info->chunk_bytes == CHUNK * COLUMNS * 2);
      CU_ASSERT_STRING_EQUAL(info->filters + (shuffle ? strlen("shuffle, ") : 0),
                             gr_chunk_codecs[i].name);
      gr_check_rows(source, data);
      gr_source_close(source);
    }
}

/* Written by h5py 3.7 from x[i] = i % 30 < 20 ? i * i / 7 % 50 : 7, 120 bytes in one chunk. */
static void a_chunk_that_h5py_compressed_with_lzf_is_decoded(void) {
  static const unsigned char bytes[] = {
      20, 0,  0,   0,  1,  2,  3,   5,  7,  9,  11, 14, 17, 20,  24, 28,  32, 36, 41, 46,
      1,  7,  224, 0,  0,  19, 28,  37, 46, 5,  15, 25, 35, 45,  6,  17,  28, 40, 2,  14,
      26, 39, 2,   15, 29, 43, 224, 0,  28, 20, 7,  14, 31, 49,  17, 35,  3,  22, 41, 10,
      30, 0,  20,  40, 11, 32, 3,   25, 47, 19, 41, 32, 22, 192, 0,  18,  33, 9,  35, 12,
      39, 16, 44,  22, 0,  28, 7,   36, 15, 45, 25, 5,  35, 16,  47, 192, 26, 1,  7,  7};
  const hsize_t dims[1] = {120}, at[1] = {0};
  const unsigned values[3] = {4, 261, 120};
  unsigned char x[120];
  for (int i = 0; i < 120; i++) x[i] = (unsigned char)(i % 30 < 20 ? i * i / 7 % 50 : 7);
  hid_t file = gr_file_make(gr_test_path("lzf.h5")), plist = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_chunk(plist, 1, dims);
  H5Pset_filter(plist, 32000, H5Z_FLAG_OPTIONAL, 3, values);
  gr_file_put(file, "x", H5T_STD_U8LE, 1, dims, NULL, plist);
  H5Pclose(plist);
  hid_t set = H5Dopen2(file, "x", H5P_DEFAULT);
  CU_ASSERT(H5Dwrite_chunk(set, H5P_DEFAULT, 0, at, sizeof bytes, bytes) >= 0);
  H5Dclose(set);
  gr_file_end(file);
  gr_check_source(gr_test_path("lzf.h5"), "x", false, GR_SOURCE_CHUNKED, x);
}

static void a_filter_that_a_chunk_left_out_is_not_undone(void) {
  const char *path = gr_test_path("mask.h5");
  unsigned char plain[CHUNK * COLUMNS * 2], encoded[WORST];
  uint16_t data[ROWS * COLUMNS];
  gr_fill(data, sizeof data);
  hid_t file = gr_file_make(path), set = gr_chunk_set(file, H5Z_FILTER_DEFLATE, true);
  gr_chunk_cut(data, 0, false, plain); /* bit 0: shuffle */
  gr_chunk_write(set, 0, 1, encoded, encode_gzip(plain, sizeof plain, encoded));
  gr_chunk_cut(data, CHUNK, true, plain); /* bit 1: gzip */
  gr_chunk_write(set, CHUNK, 2, plain, sizeof plain);
  gr_chunk_cut(data, 2 * CHUNK, false, plain);
  gr_chunk_write(set, 2 * CHUNK, 3, plain, sizeof plain);
  H5Dclose(set);
  gr_file_end(file);
  gr_check_source(path, "x", false, GR_SOURCE_CHUNKED, data);
}

static void filters_that_nobody_decodes_are_named_with_a_remedy(void) {
  static const struct {
    H5Z_filter_t id;
    const char *word;
  } cases[] = {
#ifndef HAVE_LZ4
      {32004, "install liblz4-dev"},
#endif
#ifndef HAVE_ZSTD
      {32015, "install libzstd-dev"},
#endif
      {32008, "filter 32008 (bitshuffle)"},
      {32001, "32001 (blosc)"},
      {32001, "h5repack"},
      {31998, "31998 (no name)"}};
  const char *path = gr_test_path("unknown.h5");
  const unsigned char bytes[8] = {0};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    hid_t file = gr_file_make(path), set = gr_chunk_set(file, cases[i].id, false);
    gr_chunk_write(set, 0, 0, bytes, sizeof bytes);
    H5Dclose(set);
    gr_file_end(file);
    gr_refuse_source(path, "x", GRADUS_ERR_DATA, cases[i].word);
  }
}

/* ---- parts of the grid ---- */

static void missing_chunks_read_as_the_fill_value(void) {
  const hsize_t dims[2] = {20, 6}, chunk[2] = {4, 4}, start[2] = {6, 1}, count[2] = {5, 2};
  const float fill = -1.5f;
  float written[10], expected[120];
  for (int filled = 0; filled < 2; filled++)
    for (int big = 0; big < 2; big++) {
      const char *path = gr_test_path("missing.h5");
      hid_t plist = H5Pcreate(H5P_DATASET_CREATE), memory = H5Screate_simple(2, count, NULL);
      H5Pset_chunk(plist, 2, chunk);
      H5Pset_deflate(plist, 4);
      if (filled) H5Pset_fill_value(plist, H5T_NATIVE_FLOAT, &fill);
      hid_t file = gr_file_make(path);
      gr_file_put(file, "x", big ? H5T_IEEE_F32BE : H5T_IEEE_F32LE, 2, dims, NULL, plist);
      hid_t set = H5Dopen2(file, "x", H5P_DEFAULT), space = H5Dget_space(set);
      for (int i = 0; i < 120; i++) expected[i] = filled ? fill : 0;
      for (int i = 0; i < 10; i++) expected[(6 + i / 2) * 6 + 1 + i % 2] = written[i] = (float)i;
      H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL);
      CU_ASSERT(H5Dwrite(set, H5T_NATIVE_FLOAT, memory, space, H5P_DEFAULT, written) >= 0);
      H5Sclose(space);
      H5Sclose(memory);
      H5Dclose(set);
      H5Pclose(plist);
      gr_file_end(file);
      gr_check_source(path, "x", false, GR_SOURCE_CHUNKED, expected);
    }
}

static void edge_chunks_may_be_left_unfiltered(void) {
  const hsize_t dims[2] = {21, 7}, chunk[2] = {4, 3};
  int32_t data[147];
  gr_fill(data, sizeof data);
  const char *path = gr_test_path("edges.h5");
  hid_t plist = H5Pcreate(H5P_DATASET_CREATE), access = H5Pcreate(H5P_FILE_ACCESS);
  H5Pset_libver_bounds(access, H5F_LIBVER_LATEST, H5F_LIBVER_LATEST);
  H5Pset_chunk(plist, 2, chunk);
  H5Pset_deflate(plist, 4);
  CU_ASSERT_FATAL(H5Pset_chunk_opts(plist, H5D_CHUNK_DONT_FILTER_PARTIAL_CHUNKS) >= 0);
  hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, access);
  gr_file_put(file, "x", H5T_STD_I32LE, 2, dims, data, plist);
  H5Pclose(plist);
  H5Pclose(access);
  gr_file_end(file);
  gr_check_source(path, "x", false, GR_SOURCE_CHUNKED, data);
}

/* Extensible arrays, B-trees of version 2 and implicit tables exist only in files of newer format.
 */
static void every_index_of_chunks_is_read_behind_a_user_block_too(void) {
  const hsize_t dims[2] = {21, 7}, chunk[2] = {4, 3}, whole[2] = {21, 7};
  const hsize_t limits[4][2] = {
      {21, 7}, {H5S_UNLIMITED, 7}, {H5S_UNLIMITED, H5S_UNLIMITED}, {21, 7}};
  int32_t data[147];
  gr_fill(data, sizeof data);
  for (int user_block = 0; user_block <= 1024; user_block += 1024)
    for (int i = 0; i < 6; i++) {
      const char *path = gr_test_path("index.h5");
      hid_t plist = H5Pcreate(H5P_DATASET_CREATE), access = H5Pcreate(H5P_FILE_ACCESS),
            create = H5Pcreate(H5P_FILE_CREATE);
      if (i < 5) H5Pset_libver_bounds(access, H5F_LIBVER_LATEST, H5F_LIBVER_LATEST);
      H5Pset_userblock(create, (hsize_t)user_block);
      H5Pset_chunk(plist, 2, i == 4 ? whole : chunk);
      if (i == 3) H5Pset_alloc_time(plist, H5D_ALLOC_TIME_EARLY);
      if (i != 3) H5Pset_deflate(plist, 1);
      hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, create, access);
      hid_t space = H5Screate_simple(2, dims, limits[i % 4]);
      hid_t set = H5Dcreate2(file, "x", H5T_STD_I32LE, space, H5P_DEFAULT, plist, H5P_DEFAULT);
      CU_ASSERT(H5Dwrite(set, H5T_NATIVE_INT32, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0);
      gr_file_put(file, "y", H5T_STD_I32LE, 2, dims, data, 0);
      H5Dclose(set);
      H5Sclose(space);
      H5Pclose(plist);
      H5Pclose(access);
      H5Pclose(create);
      gr_file_end(file);
      gr_check_source(path, "x", false, GR_SOURCE_CHUNKED, data);
      gr_source *source = gr_source_of(path, "y", false);
      gr_check_rows(source, data);
      gr_source_close(source);
    }
}

/* Were opening quadratic in the number of chunks, this would take a minute. */
static void a_hundred_thousand_chunks_are_no_burden(void) {
  enum { N = 100000 };
  const hsize_t dims[1] = {2 * N}, chunk[1] = {2};
  const char *path = gr_test_path("many.h5");
  int16_t *data = malloc(2 * N * sizeof *data);
  CU_ASSERT_FATAL(data != NULL);
  gr_fill(data, 2 * N * sizeof *data);
  hid_t plist = H5Pcreate(H5P_DATASET_CREATE), file = gr_file_make(path);
  H5Pset_chunk(plist, 1, chunk);
  gr_file_put(file, "x", H5T_STD_I16LE, 1, dims, data, plist);
  H5Pclose(plist);
  gr_file_end(file);
  gr_source *source = gr_source_of(path, "x", false);
  int16_t *out = malloc(2 * N * sizeof *out);
  gradus_error err = {0};
  CU_ASSERT_FATAL(out != NULL);
  GR_CHECK_OK(gr_source_read(source, 0, 2 * N, out, &err), &err);
  CU_ASSERT(memcmp(out, data, 2 * N * sizeof *out) == 0);
  gr_source_close(source);
  free(out);
  free(data);
}

/* ---- threads ---- */

enum { T_ROWS = 400, T_COLUMNS = 10, THREADS = 5 };

struct reader {
  gr_source *source;
  const int32_t *expected;
  uint64_t number;
  int wrong;
};

static void *read_ranges(void *user) {
  struct reader *r = user;
  int32_t *out = malloc(T_ROWS * T_COLUMNS * sizeof *out);
  for (uint32_t i = 0; i < 100 && out; i++) {
    uint32_t words[4];
    gr_random_words(gr_test_seed(), GR_STREAM_TEST, i, r->number, words);
    const uint64_t first = words[0] % T_ROWS, most = T_ROWS - first, n = words[1] % 60 + 1;
    const uint64_t rows = n < most ? n : most;
    r->wrong += gr_source_read(r->source, first, rows, out, NULL) != GRADUS_OK ||
                memcmp(out, r->expected + first * T_COLUMNS, rows * T_COLUMNS * 4) != 0;
  }
  r->wrong += out == NULL;
  free(out);
  return NULL;
}

static void threads_that_read_at_once_get_the_same_rows(void) {
  const hsize_t dims[2] = {T_ROWS, T_COLUMNS}, chunks[2][2] = {{32, T_COLUMNS}, {32, 4}};
  static int32_t data[T_ROWS * T_COLUMNS];
  gr_fill(data, sizeof data);
  for (int form = 0; form < 4; form++) { /* the last two: read by HDF5 */
    const char *path = gr_test_path("threads.h5");
    hid_t plist = H5Pcreate(H5P_DATASET_CREATE), file = gr_file_make(path);
    H5Pset_chunk(plist, 2, chunks[form % 2]);
    if (form < 2)
      H5Pset_deflate(plist, 1);
    else
      H5Pset_nbit(plist);
    gr_file_put(file, "x", H5T_STD_I32LE, 2, dims, data, plist);
    H5Pclose(plist);
    gr_file_end(file);
    gr_source *source = gr_source_of(path, "x", false);
    pthread_t threads[THREADS];
    struct reader readers[THREADS];
    for (int i = 0; i < THREADS; i++) {
      readers[i] = (struct reader){source, data, (uint64_t)(1000 * form + i), 0};
      CU_ASSERT_FATAL(pthread_create(&threads[i], NULL, read_ranges, &readers[i]) == 0);
    }
    for (int i = 0; i < THREADS; i++) {
      CU_ASSERT_FATAL(pthread_join(threads[i], NULL) == 0);
      CU_ASSERT_EQUAL(readers[i].wrong, 0);
    }
    gr_source_close(source);
  }
}

const gr_test gr_chunks_tests[] = {
    GR_TEST(chunks_of_every_codec_are_decoded),
    GR_TEST(a_chunk_that_h5py_compressed_with_lzf_is_decoded),
    GR_TEST(a_filter_that_a_chunk_left_out_is_not_undone),
    GR_TEST(filters_that_nobody_decodes_are_named_with_a_remedy),
    GR_TEST(missing_chunks_read_as_the_fill_value),
    GR_TEST(edge_chunks_may_be_left_unfiltered),
    GR_TEST(every_index_of_chunks_is_read_behind_a_user_block_too),
    GR_TEST(a_hundred_thousand_chunks_are_no_burden),
    GR_TEST(threads_that_read_at_once_get_the_same_rows),
    GR_TEST_END,
};
