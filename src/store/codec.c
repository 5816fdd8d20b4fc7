/* Decoders that are given a size which they must not exceed: a stream that wants more is damaged or
 * a trap. Streams of zlib and contexts of zstd are kept between calls, since making one costs as
 * much as decoding a small chunk. */
#include <config.h>

#include "store/codec.h"

#include <limits.h>
#include <string.h>
#ifdef HAVE_LZ4
#include <lz4.h>
#endif
#ifdef HAVE_ZSTD
#include <zstd.h>
#endif

static const char ends_early[] = "it ends early", too_long[] = "it holds more than its chunk",
                  no_memory[] = "out of memory";

void gr_codec_free(gr_codec_state *state) {
  if (state->has_inflate) (void)inflateEnd(&state->inflate);
#ifdef HAVE_ZSTD
  (void)ZSTD_freeDCtx(state->zstd); /* accepts NULL */
#endif
  *state = (gr_codec_state){0};
}

/* ---- gzip ---- */

static bool prepare_inflate(gr_codec_state *state) {
  if (state->has_inflate) return inflateReset(&state->inflate) == Z_OK;
  memset(&state->inflate, 0, sizeof state->inflate);
  state->has_inflate = inflateInit(&state->inflate) == Z_OK;
  return state->has_inflate;
}

const char *gr_decode_gzip(gr_codec_state *state, uint32_t value, const uint8_t *in, size_t n,
                           uint8_t *out, size_t capacity, size_t *produced) {
  uint8_t beyond; /* zlib wants somewhere to write also where nothing is expected */
  (void)value;
  if (n > UINT_MAX || capacity > UINT_MAX) return "it is larger than 4 GiB";
  if (!prepare_inflate(state)) return no_memory;
  z_stream *z = &state->inflate;
  z->next_in = (uint8_t *)(uintptr_t)in; /* read only: zlib's interface lacks the const */
  z->avail_in = (uInt)n;
  z->next_out = capacity ? out : &beyond;
  z->avail_out = (uInt)capacity;
  int code = inflate(z, Z_FINISH);
  *produced = capacity - z->avail_out;
  if (code == Z_STREAM_END) return NULL;
  if (code == Z_MEM_ERROR) return no_memory;
  if (code == Z_BUF_ERROR || code == Z_OK) return z->avail_out == 0 ? too_long : ends_early;
  return z->msg ? z->msg : "it is no stream of zlib";
}

/* ---- shuffle ---- */

static inline __attribute__((always_inline)) void join_bytes(const uint8_t *in, size_t elements,
                                                             uint8_t *out, size_t size) {
  for (size_t i = 0; i < elements; i++)
    for (size_t byte = 0; byte < size; byte++) out[i * size + byte] = in[byte * elements + i];
}

const char *gr_decode_shuffle(gr_codec_state *state, uint32_t value, const uint8_t *in, size_t n,
                              uint8_t *out, size_t capacity, size_t *produced) {
  const size_t size = value ? value : 1, elements = n / size, whole = elements * size;
  (void)state;
  if (n > capacity) return too_long;
  if (size == 2)
    join_bytes(in, elements, out, 2);
  else if (size == 4)
    join_bytes(in, elements, out, 4);
  else if (size == 8)
    join_bytes(in, elements, out, 8);
  else
    join_bytes(in, elements, out, size);
  if (n > whole) memcpy(out + whole, in + whole, n - whole); /* a rest stays as it is */
  *produced = n;
  return NULL;
}

/* ---- lzf ---- */

/* Copies `length` bytes from `distance` back, which may be less than `length`: then they repeat. */
static void copy_back(uint8_t *to, size_t distance, size_t length) {
  const uint8_t *from = to - distance;
  if (distance >= length)
    memcpy(to, from, length);
  else
    for (size_t i = 0; i < length; i++) to[i] = from[i];
}

/* Control bytes: below 32, so many + 1 bytes follow as they are; else three bits of length (7: one
 * more byte is added to it) and thirteen of distance, both counted from less than their least. */
const char *gr_decode_lzf(gr_codec_state *state, uint32_t value, const uint8_t *in, size_t n,
                          uint8_t *out, size_t capacity, size_t *produced) {
  size_t at = 0, used = 0;
  (void)state, (void)value;
  while (at < n) {
    const size_t control = in[at++];
    if (control < 32) {
      const size_t length = control + 1;
      if (length > n - at) return ends_early;
      if (length > capacity - used) return too_long;
      memcpy(out + used, in + at, length);
      at += length;
      used += length;
      continue;
    }
    size_t length = control >> 5;
    if (n - at < (length == 7 ? 2u : 1u)) return ends_early;
    if (length == 7) length += in[at++];
    const size_t distance = ((control & 31) << 8) + in[at++] + 1;
    length += 2;
    if (distance > used) return "it refers to bytes before its start";
    if (length > capacity - used) return too_long;
    copy_back(out + used, distance, length);
    used += length;
  }
  *produced = used;
  return NULL;
}

/* ---- lz4 and zstd ---- */

#ifdef HAVE_LZ4

bool gr_codec_has_lz4(void) {
  return true;
}

static uint32_t big_endian_32(const uint8_t *p) {
  return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* One block of in [n] into out [size]: *used bytes were taken. */
static const char *decode_lz4_block(const uint8_t *in, size_t n, uint8_t *out, size_t size,
                                    size_t *used) {
  if (n < 4) return ends_early;
  const size_t stored = big_endian_32(in);
  *used = 4 + stored;
  if (stored > n - 4) return ends_early;
  if (stored == size) { /* could not be made smaller */
    memcpy(out, in + 4, size);
    return NULL;
  }
  if (stored > INT_MAX || size > INT_MAX) return "a block is larger than 2 GiB";
  int n_decoded = LZ4_decompress_safe((const char *)in + 4, (char *)out, (int)stored, (int)size);
  return n_decoded >= 0 && (size_t)n_decoded == size ? NULL : "a block is no stream of LZ4";
}

/* Size of all (8 bytes, big-endian), size of a block (4), then each block's stored size (4) and
 * bytes; the last block is shorter. */
const char *gr_decode_lz4(gr_codec_state *state, uint32_t value, const uint8_t *in, size_t n,
                          uint8_t *out, size_t capacity, size_t *produced) {
  (void)state, (void)value;
  if (n < 12) return ends_early;
  const uint64_t size = (uint64_t)big_endian_32(in) << 32 | big_endian_32(in + 4);
  const size_t block = big_endian_32(in + 8);
  if (size > capacity) return too_long;
  if (block == 0 && size > 0) return "its blocks are empty";
  size_t at = 12;
  for (size_t done = 0; done < size;) {
    const size_t length = size - done < block ? (size_t)size - done : block;
    size_t used = 0;
    const char *wrong = decode_lz4_block(in + at, n - at, out + done, length, &used);
    if (wrong) return wrong;
    at += used;
    done += length;
  }
  *produced = (size_t)size;
  return NULL;
}

#else

bool gr_codec_has_lz4(void) {
  return false;
}

const char *gr_decode_lz4(gr_codec_state *state, uint32_t value, const uint8_t *in, size_t n,
                          uint8_t *out, size_t capacity, size_t *produced) {
  (void)state, (void)value, (void)in, (void)n, (void)out, (void)capacity, (void)produced;
  return "liblz4 is not part of this build";
}

#endif

#ifdef HAVE_ZSTD

bool gr_codec_has_zstd(void) {
  return true;
}

const char *gr_decode_zstd(gr_codec_state *state, uint32_t value, const uint8_t *in, size_t n,
                           uint8_t *out, size_t capacity, size_t *produced) {
  (void)value;
  if (!state->zstd) state->zstd = ZSTD_createDCtx();
  if (!state->zstd) return no_memory;
  size_t got = ZSTD_decompressDCtx(state->zstd, out, capacity, in, n);
  if (ZSTD_isError(got)) return ZSTD_getErrorName(got);
  *produced = got;
  return NULL;
}

#else

bool gr_codec_has_zstd(void) {
  return false;
}

const char *gr_decode_zstd(gr_codec_state *state, uint32_t value, const uint8_t *in, size_t n,
                           uint8_t *out, size_t capacity, size_t *produced) {
  (void)state, (void)value, (void)in, (void)n, (void)out, (void)capacity, (void)produced;
  return "libzstd is not part of this build";
}

#endif

/* ---- checksum ---- */

/* Fletcher (1982) over 16-bit words, most significant byte first, an odd last byte as a high one.
 * 360 words: the most whose sums fit 32 bits. */
static uint32_t fletcher32(const uint8_t *data, size_t n) {
  uint32_t sum1 = 0, sum2 = 0;
  size_t words = n / 2;
  while (words > 0) {
    size_t block = words < 360 ? words : 360;
    words -= block;
    for (; block > 0; block--, data += 2) {
      sum1 += (uint32_t)data[0] << 8 | data[1];
      sum2 += sum1;
    }
    sum1 = (sum1 & 0xffff) + (sum1 >> 16);
    sum2 = (sum2 & 0xffff) + (sum2 >> 16);
  }
  if (n % 2) {
    sum1 += (uint32_t)data[0] << 8;
    sum2 += sum1;
    sum1 = (sum1 & 0xffff) + (sum1 >> 16);
    sum2 = (sum2 & 0xffff) + (sum2 >> 16);
  }
  sum1 = (sum1 & 0xffff) + (sum1 >> 16);
  sum2 = (sum2 & 0xffff) + (sum2 >> 16);
  return sum2 << 16 | sum1;
}

bool gr_fletcher32_fits(const uint8_t *data, size_t n) {
  if (n < 4) return false;
  const uint8_t *end = data + n - 4;
  const uint32_t stored =
      end[0] | (uint32_t)end[1] << 8 | (uint32_t)end[2] << 16 | (uint32_t)end[3] << 24;
  const uint32_t sum = fletcher32(data, n - 4);
  /* HDF5 before 1.6.3 wrote the bytes of each half swapped on little-endian machines. */
  const uint32_t swapped = (sum & 0x00ff00ffu) << 8 | (sum >> 8 & 0x00ff00ffu);
  return stored == sum || stored == swapped;
}
