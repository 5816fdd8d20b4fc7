/* The transformations that HDF5 files put chunks through, undone on bytes in memory. Input may be
 * damaged or hostile: no more than `capacity` bytes are ever written, no more than `n` read. */
#ifndef GR_STORE_CODEC_H
#define GR_STORE_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zlib.h>

/* What decoders keep between calls, one per thread at a time. Zero-initialise. */
typedef struct gr_codec_state {
  z_stream inflate;
  bool has_inflate;
  void *zstd;
} gr_codec_state;

void gr_codec_free(gr_codec_state *state); /* accepts a zeroed object */

/* A decoder: in [n] to out [capacity], *produced bytes of it. `value` is the filter's first
 * parameter. NULL, or in a few words what is wrong with the input ("out of memory" too). */
typedef const char *gr_decode(gr_codec_state *state, uint32_t value, const uint8_t *in, size_t n,
                              uint8_t *out, size_t capacity, size_t *produced);

gr_decode gr_decode_gzip;    /* zlib's format (RFC 1950), as HDF5's deflate filter writes it */
gr_decode gr_decode_shuffle; /* value: bytes of an element; all first bytes, all second ones, ... */
gr_decode gr_decode_lzf;     /* LibLZF's stream, as h5py's filter 32000 writes it */
gr_decode gr_decode_lz4;     /* blocks of LZ4 in the frame of HDF5's filter 32004; needs liblz4 */
gr_decode gr_decode_zstd;    /* frames of Zstandard (RFC 8878), filter 32015; needs libzstd */

/* Which of the last two this build has. */
bool gr_codec_has_lz4(void);
bool gr_codec_has_zstd(void);

/* True where data [n] ends with the checksum that HDF5's Fletcher-32 filter adds (4 bytes), in
 * either of the two byte orders that versions of HDF5 have written. */
bool gr_fletcher32_fits(const uint8_t *data, size_t n);

#endif
