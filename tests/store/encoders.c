/* Chunks made by hand: what the HDF5 library here does not write itself. Encoders of the formats
 * that store/codec.h reads, the plainest there are, and files of chunks that were put through them.
 */
#include <config.h>

#include <string.h>
#include <zlib.h>
#ifdef HAVE_LZ4
#include <lz4.h>
#endif
#ifdef HAVE_ZSTD
#include <zstd.h>
#endif

#include "suites.h"

/* ---- encoders: in [n] to out, which has room; bytes written ---- */

static size_t encode_gzip(const unsigned char *in, size_t n, unsigned char *out) {
  uLongf size = compressBound(n);
  CU_ASSERT_FATAL(compress2(out, &size, in, n, 1) == Z_OK);
  return size;
}

static size_t encode_lzf_literal(const unsigned char *in, size_t n, unsigned char *out) {
  size_t used = 0;
  for (size_t i = 0; i < n; i += 32) {
    size_t length = n - i < 32 ? n - i : 32;
    out[used++] = (unsigned char)(length - 1);
    memcpy(out + used, in + i, length);
    used += length;
  }
  return used;
}

/* The longest match that ends before `n`, looked for everywhere it may be. */
static size_t longest_match(const unsigned char *in, size_t at, size_t n, size_t *distance) {
  size_t best = 0;
  for (size_t d = 1; d <= at && d <= 8192; d++) {
    size_t length = 0;
    while (at + length < n && length < 264 && in[at + length] == in[at + length - d]) length++;
    if (length > best) best = length, *distance = d;
  }
  return best;
}

static size_t encode_lzf(const unsigned char *in, size_t n, unsigned char *out) {
  size_t used = 0;
  for (size_t at = 0; at < n;) {
    size_t distance = 0, length = longest_match(in, at, n, &distance);
    if (length < 3) {
      out[used++] = 0;
      out[used++] = in[at++];
      continue;
    }
    size_t code = length - 2, back = distance - 1;
    out[used++] = (unsigned char)((code < 7 ? code : 7) << 5 | back >> 8);
    if (code >= 7) out[used++] = (unsigned char)(code - 7);
    out[used++] = (unsigned char)back;
    at += length;
  }
  return used;
}

#ifdef HAVE_LZ4
static void put_32(unsigned char *out, size_t value) {
  for (int i = 0; i < 4; i++) out[i] = (unsigned char)(value >> (24 - 8 * i));
}

/* Blocks of 100 bytes, so that there are several and a short one. */
static size_t encode_lz4(const unsigned char *in, size_t n, unsigned char *out) {
  enum { BLOCK = 100 };
  size_t used = 12;
  memset(out, 0, 4);
  put_32(out + 4, n);
  put_32(out + 8, BLOCK);
  for (size_t i = 0; i < n; i += BLOCK) {
    int length = (int)(n - i < BLOCK ? n - i : BLOCK);
    int stored = LZ4_compress_default((const char *)in + i, (char *)out + used + 4, length, 1000);
    CU_ASSERT_FATAL(stored > 0);
    if (stored >= length) {
      stored = length;
      memcpy(out + used + 4, in + i, (size_t)length);
    }
    put_32(out + used, (size_t)stored);
    used += 4 + (size_t)stored;
  }
  return used;
}
#endif

#ifdef HAVE_ZSTD
static size_t encode_zstd(const unsigned char *in, size_t n, unsigned char *out) {
  size_t used = ZSTD_compress(out, ZSTD_compressBound(n), in, n, 3);
  CU_ASSERT_FATAL(!ZSTD_isError(used));
  return used;
}
#endif

const gr_chunk_codec gr_chunk_codecs[] = {
    {"gzip 0", H5Z_FILTER_DEFLATE, encode_gzip},
    {"lzf", 32000, encode_lzf_literal},
    {"lzf", 32000, encode_lzf},
#ifdef HAVE_LZ4
    {"lz4", 32004, encode_lz4},
#endif
#ifdef HAVE_ZSTD
    {"zstd 0", 32015, encode_zstd},
#endif
    {NULL, 0, NULL},
};

/* ---- files ---- */

hid_t gr_chunk_set(hid_t file, H5Z_filter_t id, bool shuffle) {
  const hsize_t dims[2] = {GR_CHUNK_ROWS, GR_CHUNK_COLUMNS},
                chunk[2] = {GR_CHUNK_HEIGHT, GR_CHUNK_COLUMNS};
  const unsigned value = 0;
  hid_t plist = H5Pcreate(H5P_DATASET_CREATE), space = H5Screate_simple(2, dims, NULL);
  CU_ASSERT_FATAL(H5Pset_chunk(plist, 2, chunk) >= 0 && (!shuffle || H5Pset_shuffle(plist) >= 0));
  if (id) CU_ASSERT_FATAL(H5Pset_filter(plist, id, H5Z_FLAG_OPTIONAL, 1, &value) >= 0);
  hid_t set = H5Dcreate2(file, "x", H5T_STD_U16LE, space, H5P_DEFAULT, plist, H5P_DEFAULT);
  CU_ASSERT_FATAL(set >= 0);
  H5Sclose(space);
  H5Pclose(plist);
  return set;
}

void gr_chunk_write(hid_t set, hsize_t row, uint32_t mask, const void *bytes, size_t n) {
  const hsize_t offset[2] = {row, 0};
  CU_ASSERT_FATAL(H5Dwrite_chunk(set, H5P_DEFAULT, mask, offset, n, bytes) >= 0);
}

void gr_chunk_cut(const uint16_t *data, size_t row, bool shuffle, unsigned char *out) {
  uint16_t chunk[GR_CHUNK_HEIGHT * GR_CHUNK_COLUMNS];
  const size_t rows = GR_CHUNK_ROWS - row < GR_CHUNK_HEIGHT ? GR_CHUNK_ROWS - row : GR_CHUNK_HEIGHT,
               n = GR_CHUNK_HEIGHT * GR_CHUNK_COLUMNS;
  memset(chunk, 0xee, sizeof chunk);
  memcpy(chunk, data + row * GR_CHUNK_COLUMNS, rows * GR_CHUNK_COLUMNS * sizeof *data);
  for (size_t i = 0; i < n; i++)
    for (size_t byte = 0; byte < 2; byte++)
      out[shuffle ? byte * n + i : 2 * i + byte] = ((unsigned char *)&chunk[i])[byte];
}

void gr_chunk_file(const char *path, const gr_chunk_codec *codec, bool shuffle,
                   uint16_t data[GR_CHUNK_ROWS * GR_CHUNK_COLUMNS]) {
  unsigned char plain[GR_CHUNK_HEIGHT * GR_CHUNK_COLUMNS * 2], encoded[GR_CHUNK_WORST];
  gr_fill(data, GR_CHUNK_ROWS * GR_CHUNK_COLUMNS * sizeof *data);
  hid_t file = gr_file_make(path), set = gr_chunk_set(file, codec->id, shuffle);
  for (size_t row = 0; row < GR_CHUNK_ROWS; row += GR_CHUNK_HEIGHT) {
    gr_chunk_cut(data, row, shuffle, plain);
    gr_chunk_write(set, row, 0, encoded, codec->encode(plain, sizeof plain, encoded));
  }
  H5Dclose(set);
  gr_file_end(file);
}
