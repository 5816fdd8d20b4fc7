/* One row per filter: its number in HDF5's registry, and how a chunk is undone. Every decoder knows
 * how much room there is and how many bytes it may take; a chunk that asks for more is damaged, or
 * a trap.
 *
 * Formats: the HDF5 file format specification for deflate, shuffle and fletcher32; LZF after Marc
 * Lehmann's liblzf, as h5py stores it; LZ4 as the HDF Group's plugin frames it (its own headers,
 * all numbers big-endian); Zstandard as one frame per chunk. */
#include <config.h>

#include "store/filters.h"

#include <stdio.h>
#include <string.h>
#include <zlib.h>
#ifdef GR_LZ4
#include <lz4.h>
#endif
#ifdef GR_ZSTD
#include <zstd.h>
#endif

/* Undoes `n` bytes of `in` into `out` [room]; the bytes that came of it, or SIZE_MAX. */
typedef size_t decode_function(const unsigned char *in, size_t n, unsigned char *out, size_t room,
                               unsigned value);
#define DAMAGED SIZE_MAX

static size_t inflate_chunk(const unsigned char *in, size_t n, unsigned char *out, size_t room,
                            unsigned value) {
  uLongf length = room;
  (void)value;
  return uncompress(out, &length, in, n) == Z_OK ? length : DAMAGED;
}

/* Byte k of element i lies at k * (n / size) + i; what does not fill an element stays at the end.
 */
static size_t unshuffle(const unsigned char *in, size_t n, unsigned char *out, size_t room,
                        unsigned size) {
  if (n > room || size == 0) return DAMAGED;
  const size_t elements = n / size;
  switch (size) {
    case 4:
      for (size_t i = 0; i < elements; i++) {
        const uint32_t v = (uint32_t)in[i] | (uint32_t)in[elements + i] << 8 |
                           (uint32_t)in[2 * elements + i] << 16 |
                           (uint32_t)in[3 * elements + i] << 24;
        const unsigned char bytes[4] = {(unsigned char)v, (unsigned char)(v >> 8),
                                        (unsigned char)(v >> 16), (unsigned char)(v >> 24)};
        memcpy(out + 4 * i, bytes, 4);
      }
      break;
    default:
      for (unsigned k = 0; k < size; k++)
        for (size_t i = 0; i < elements; i++) out[i * size + k] = in[k * elements + i];
  }
  memcpy(out + elements * size, in + elements * size, n - elements * size);
  return n;
}

/* Sums of 16-bit words, high byte first, modulo 65535 (Fletcher 1982). */
static uint32_t fletcher32(const unsigned char *data, size_t n) {
  uint32_t a = 0, b = 0;
  size_t words = n / 2;
  while (words > 0) {
    size_t some = words < 360 ? words : 360;
    for (words -= some; some > 0; some--, data += 2) {
      a += (uint32_t)(data[0] << 8 | data[1]);
      b += a;
    }
    a = (a & 0xffff) + (a >> 16);
    b = (b & 0xffff) + (b >> 16);
  }
  if (n % 2) {
    a += (uint32_t)data[0] << 8;
    b += a;
    a = (a & 0xffff) + (a >> 16);
    b = (b & 0xffff) + (b >> 16);
  }
  a = (a & 0xffff) + (a >> 16);
  b = (b & 0xffff) + (b >> 16);
  return b << 16 | a;
}

/* The sum follows the data, low byte first; some old releases swapped the bytes of each half. */
static size_t check_sum(const unsigned char *in, size_t n, unsigned char *out, size_t room,
                        unsigned value) {
  (void)value;
  if (n < 4 || n - 4 > room) return DAMAGED;
  const unsigned char *s = in + n - 4;
  const uint32_t stored =
      (uint32_t)s[0] | (uint32_t)s[1] << 8 | (uint32_t)s[2] << 16 | (uint32_t)s[3] << 24;
  const uint32_t sum = fletcher32(in, n - 4), swapped = (sum & 0xff00ff00) >> 8 | (sum & 0x00ff00ff)
                                                                                      << 8;
  if (stored != sum && stored != swapped) return DAMAGED;
  memcpy(out, in, n - 4);
  return n - 4;
}

/* A control byte below 32 is followed by that many bytes and one more; else its upper three bits
 * and perhaps a byte are a length less 2, the rest and a byte a distance less 1. */
static size_t decode_lzf(const unsigned char *in, size_t n, unsigned char *out, size_t room,
                         unsigned value) {
  size_t at = 0, i = 0;
  (void)value;
  while (i < n) {
    const unsigned control = in[i++];
    size_t length = control >> 5;
    if (length == 0) {
      length = control + 1;
      if (length > n - i || length > room - at) return DAMAGED;
      memcpy(out + at, in + i, length);
      i += length;
      at += length;
      continue;
    }
    if (length == 7) {
      if (i >= n) return DAMAGED;
      length += in[i++];
    }
    length += 2;
    if (i >= n) return DAMAGED;
    const size_t distance = ((size_t)(control & 31) << 8 | in[i++]) + 1;
    if (distance > at || length > room - at) return DAMAGED;
    for (; length > 0; length--, at++) out[at] = out[at - distance]; /* may overlap */
  }
  return at;
}

/* As h5py writes it: a chunk that LZF could not make smaller is exempted by the mask. */

#ifdef GR_LZ4
static uint64_t big_endian(const unsigned char *in, unsigned bytes) {
  uint64_t value = 0;
  for (unsigned i = 0; i < bytes; i++) value = value << 8 | in[i];
  return value;
}

/* All of it in 8 bytes, a block in 4; then blocks, each after its stored size in 4. A block that is
 * stored in as many bytes as it has is as it was. */
static size_t decode_lz4(const unsigned char *in, size_t n, unsigned char *out, size_t room,
                         unsigned value) {
  (void)value;
  if (n < 12) return DAMAGED;
  const uint64_t total = big_endian(in, 8), block = big_endian(in + 8, 4);
  size_t i = 12, at = 0;
  if (total > room || (block == 0 && total > 0)) return DAMAGED;
  while (at < total) {
    const uint64_t left = total - at, bytes = left < block ? left : block;
    if (n - i < 4) return DAMAGED;
    const uint64_t stored = big_endian(in + i, 4);
    i += 4;
    if (stored > n - i || stored > INT32_MAX || bytes > INT32_MAX) return DAMAGED;
    if (stored == bytes)
      memcpy(out + at, in + i, bytes);
    else if (LZ4_decompress_safe((const char *)in + i, (char *)out + at, (int)stored, (int)bytes) !=
             (int)bytes)
      return DAMAGED;
    i += stored;
    at += bytes;
  }
  return at;
}
#endif

#ifdef GR_ZSTD
static size_t decode_zstd(const unsigned char *in, size_t n, unsigned char *out, size_t room,
                          unsigned value) {
  (void)value;
  const size_t length = ZSTD_decompress(out, room, in, n);
  return ZSTD_isError(length) ? DAMAGED : length;
}
#endif

static const struct filter {
  int id;
  const char *name;
  decode_function *decode; /* NULL: not here */
  const char *advice;      /* then */
} rows[] = {
    {H5Z_FILTER_DEFLATE, "gzip", inflate_chunk, NULL},
    {H5Z_FILTER_SHUFFLE, "shuffle", unshuffle, NULL},
    {H5Z_FILTER_FLETCHER32, "fletcher32", check_sum, NULL},
    {32000, "lzf", decode_lzf, NULL},
#ifdef GR_LZ4
    {32004, "lz4", decode_lz4, NULL},
#else
    {32004, "lz4", NULL, "gradus was built without liblz4"},
#endif
#ifdef GR_ZSTD
    {32015, "zstd", decode_zstd, NULL},
#else
    {32015, "zstd", NULL, "gradus was built without libzstd"},
#endif
    {32001, "blosc", NULL, "store it with gzip, lz4 or plainly"},
    {32008, "bitshuffle", NULL, "store it with gzip, lz4 or plainly"},
    {307, "bzip2", NULL, "store it with gzip, lz4 or plainly"},
    {32013, "zfp", NULL, "store it with gzip, lz4 or plainly"},
};

static const struct filter *find(int id) {
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    if (rows[i].id == id) return &rows[i];
  return NULL;
}

gradus_status gr_filters_read(hid_t plist, const char *file, const char *path, gr_filters *out,
                              gradus_error *err) {
  const int n = H5Pget_nfilters(plist);
  *out = (gr_filters){.decoded_here = true};
  if (n < 0 || n > GR_MAX_FILTERS)
    return gr_fail(err, GRADUS_ERR_DATA, "%s: %s has filters that cannot be read", file, path);
  for (int i = 0; i < n; i++) {
    unsigned flags = 0, config = 0, values[32] = {0};
    size_t n_values = sizeof values / sizeof values[0];
    char name[64] = "";
    const H5Z_filter_t id =
        H5Pget_filter2(plist, (unsigned)i, &flags, &n_values, values, sizeof name, name, &config);
    if (id < 0)
      return gr_fail(err, GRADUS_ERR_DATA, "%s: %s has a filter that cannot be read", file, path);
    const struct filter *row = find((int)id);
    out->id[out->n] = (int)id;
    out->value[out->n++] = values[0];
    if (row && row->decode) continue;
    out->decoded_here = false;
    if (H5Zfilter_avail(id) > 0) continue;
    return gr_fail(err, GRADUS_ERR_DATA,
                   "%s: %s is compressed by HDF5 filter %d (%s), which is not available here; %s",
                   file, path, (int)id,
                   row       ? row->name
                   : name[0] ? name
                             : "no name",
                   row ? row->advice : "store it with gzip or plainly");
  }
  return GRADUS_OK;
}

void gr_filters_name(const gr_filters *filters, char *out, size_t size) {
  size_t used = 0;
  snprintf(out, size, "none");
  for (unsigned i = 0; i < filters->n && used + 1 < size; i++) {
    const struct filter *row = find(filters->id[i]);
    const int n =
        row ? snprintf(out + used, size - used, "%s%s", i ? ", " : "", row->name)
            : snprintf(out + used, size - used, "%sfilter %d", i ? ", " : "", filters->id[i]);
    used += n > 0 ? (size_t)n : 0;
  }
}

size_t gr_filters_room(size_t bytes) {
  return bytes + 4 * GR_MAX_FILTERS; /* a checksum of each */
}

unsigned char *gr_filters_decode(const gr_filters *filters, uint32_t mask, unsigned char *data,
                                 size_t stored, unsigned char *spare, size_t bytes) {
  size_t n = stored;
  for (unsigned i = filters->n; i-- > 0;) {
    if (mask >> i & 1) continue;
    const struct filter *row = find(filters->id[i]);
    n = row->decode(data, n, spare, gr_filters_room(bytes), filters->value[i]);
    if (n == DAMAGED) return NULL;
    unsigned char *full = spare;
    spare = data;
    data = full;
  }
  return n == bytes ? data : NULL;
}
