/* Damaged chunks: whatever bytes they hold, reading ends with the right rows, with wrong ones where
 * nothing could tell, or with an error that names file, array, rows and chunk. */
#include <config.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "suites.h"

enum {
  ROWS = GR_CHUNK_ROWS,
  COLUMNS = GR_CHUNK_COLUMNS,
  CHUNK = GR_CHUNK_HEIGHT,
  WORST = GR_CHUNK_WORST
};

/* Where the first chunk of "x" lies in the file. */
static size_t find_chunk(const char *path, size_t *n) {
  const hsize_t at[2] = {0, 0};
  unsigned mask = 0;
  haddr_t address = HADDR_UNDEF;
  hsize_t size = 0;
  hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT), set = H5Dopen2(file, "x", H5P_DEFAULT);
  CU_ASSERT_FATAL(H5Dget_chunk_info_by_coord(set, at, &mask, &address, &size) >= 0);
  H5Dclose(set);
  H5Fclose(file);
  *n = (size_t)size;
  return (size_t)address;
}

/* Reads everything: other bytes, or GRADUS_ERR_DATA that names file, array and rows. True: error.
 */
static bool read_damaged(const char *path, uint16_t *out) {
  gradus_error err = {0};
  gr_source *source = gr_source_of(path, "x", false);
  gradus_status status = gr_source_read(source, 0, ROWS, out, &err);
  gr_source_close(source);
  if (status == GRADUS_OK) return false;
  CU_ASSERT_EQUAL(status, GRADUS_ERR_DATA);
  CU_ASSERT(strstr(err.message, path) && strstr(err.message, ": x: rows 0 to 15: the chunk"));
  return true;
}

static void flipped_bytes_never_do_harm(void) {
  const char *path = gr_test_path("flip.h5");
  uint16_t data[ROWS * COLUMNS], out[ROWS * COLUMNS];
  for (int i = 0; gr_chunk_codecs[i].name; i++) {
    size_t n, errors = 0, changed = 0;
    gr_chunk_file(path, &gr_chunk_codecs[i], true, data);
    size_t at = find_chunk(path, &n);
    gr_bytes_of bytes = gr_file_bytes(path);
    for (size_t k = 0; k < n; k++)
      for (int flip = 0; flip < 2; flip++) {
        const unsigned char was = bytes.data[at + k];
        bytes.data[at + k] = (unsigned char)(was ^ (flip ? 0xffu : 1u << k % 8));
        gr_file_set(path, bytes.data, bytes.n);
        bytes.data[at + k] = was;
        if (read_damaged(path, out))
          errors++;
        else
          changed += memcmp(out, data, sizeof data) != 0;
      }
    CU_ASSERT(errors > 0);
    if (gr_chunk_codecs[i].id == H5Z_FILTER_DEFLATE)
      CU_ASSERT(changed == 0); /* it has a checksum */
    free(bytes.data);
  }
}

static void a_wrong_checksum_is_an_error(void) {
  const hsize_t dims[2] = {ROWS, COLUMNS}, chunk[2] = {CHUNK, COLUMNS};
  const char *path = gr_test_path("sum.h5");
  uint16_t data[ROWS * COLUMNS], out[ROWS * COLUMNS];
  size_t n;
  gr_fill(data, sizeof data);
  hid_t plist = H5Pcreate(H5P_DATASET_CREATE), file = gr_file_make(path);
  H5Pset_chunk(plist, 2, chunk);
  H5Pset_shuffle(plist);
  H5Pset_fletcher32(plist);
  gr_file_put(file, "x", H5T_STD_U16LE, 2, dims, data, plist);
  H5Pclose(plist);
  gr_file_end(file);
  size_t at = find_chunk(path, &n);
  gr_bytes_of bytes = gr_file_bytes(path);
  CU_ASSERT(n == CHUNK * COLUMNS * 2 + 4);
  for (size_t k = 0; k < n; k++) {
    bytes.data[at + k] ^= 4;
    gr_file_set(path, bytes.data, bytes.n);
    bytes.data[at + k] ^= 4;
    CU_ASSERT(read_damaged(path, out));
  }
  unsigned char *sum = bytes.data + at + n - 4; /* as versions before 1.6.3 wrote it */
  for (int i = 0; i < 4; i += 2) {
    unsigned char first = sum[i];
    sum[i] = sum[i + 1];
    sum[i + 1] = first;
  }
  gr_file_set(path, bytes.data, bytes.n);
  CU_ASSERT(!read_damaged(path, out) && memcmp(out, data, sizeof data) == 0);
  free(bytes.data);
}

static void chunks_that_hold_more_or_less_than_a_chunk_are_refused(void) {
  static unsigned char zeros[8000];
  const size_t right = CHUNK * COLUMNS * 2, sizes[] = {0, 1, right - 1, right + 1, sizeof zeros};
  const char *path = gr_test_path("bomb.h5");
  unsigned char encoded[WORST];
  uint16_t out[ROWS * COLUMNS];
  for (int i = 0; gr_chunk_codecs[i].name; i++)
    for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
      hid_t file = gr_file_make(path), set = gr_chunk_set(file, gr_chunk_codecs[i].id, false);
      size_t n = gr_chunk_codecs[i].encode(zeros, sizes[k], encoded);
      if (n == 0 || n > right) { /* stored sizes that cannot be are refused when opening */
        H5Dclose(set);
        gr_file_end(file);
        continue;
      }
      gr_chunk_write(set, 0, 0, encoded, n);
      H5Dclose(set);
      gr_file_end(file);
      CU_ASSERT(read_damaged(path, out));
    }
}

static void chunks_of_impossible_sizes_are_refused_when_opening(void) {
  static unsigned char zeros[8000];
  const char *path = gr_test_path("sizes.h5");
  const struct {
    H5Z_filter_t id;
    uint32_t mask;
    size_t n;
    const char *word;
  } cases[] = {{H5Z_FILTER_DEFLATE, 0, sizeof zeros, "cannot have"},
               {H5Z_FILTER_DEFLATE, 1, 100, "nothing compresses"}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    hid_t file = gr_file_make(path), set = gr_chunk_set(file, cases[i].id, false);
    gr_chunk_write(set, 0, cases[i].mask, zeros, cases[i].n);
    H5Dclose(set);
    gr_file_end(file);
    gr_refuse_source(path, "x", GRADUS_ERR_DATA, cases[i].word);
  }
}

static void a_file_cut_while_it_is_open_is_an_error_not_a_signal(void) {
  const hsize_t dims[2] = {400, 50}, chunk[2] = {100, 50};
  static float data[400 * 50], out[400 * 50];
  gr_fill(data, sizeof data);
  for (int form = 0; form < 4; form++) {
    const char *path = gr_test_path("cut.h5");
    hid_t plist = H5Pcreate(H5P_DATASET_CREATE), file = gr_file_make(path);
    if (form >= 2) H5Pset_chunk(plist, 2, chunk);
    if (form == 3) H5Pset_deflate(plist, 1);
    gr_file_put(file, "x", form == 1 ? H5T_IEEE_F32BE : H5T_IEEE_F32LE, 2, dims, data, plist);
    H5Pclose(plist);
    gr_file_end(file);
    gr_source *source = gr_source_of(path, "x", false);
    gradus_error err = {0};
    CU_ASSERT_FATAL(truncate(path, 4096) == 0);
    GR_CHECK_FAILS(gr_source_read(source, 300, 100, out, &err), GRADUS_ERR_DATA, &err, "shorter");
    CU_ASSERT(strstr(err.message, "rows 300 to 399") && strstr(err.message, path));
    gr_source_close(source);
  }
}

const gr_test gr_broken_tests[] = {
    GR_TEST(flipped_bytes_never_do_harm),
    GR_TEST(a_wrong_checksum_is_an_error),
    GR_TEST(chunks_that_hold_more_or_less_than_a_chunk_are_refused),
    GR_TEST(chunks_of_impossible_sizes_are_refused_when_opening),
    GR_TEST(a_file_cut_while_it_is_open_is_an_error_not_a_signal),
    GR_TEST_END,
};
