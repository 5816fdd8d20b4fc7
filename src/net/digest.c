/* Digests of recipes and parameters. xxHash is compiled into this file: its state then lives on the
 * stack, so a digest needs no memory and cannot fail. */
#include <config.h>

#include "net/digest.h"

#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "net/network.h"

static void write_hex(XXH128_hash_t hash, char out[GR_DIGEST_TEXT]) {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, hash);
  for (size_t i = 0; i < sizeof canonical.digest; i++) {
    out[2 * i] = "0123456789abcdef"[canonical.digest[i] >> 4];
    out[2 * i + 1] = "0123456789abcdef"[canonical.digest[i] & 15];
  }
  out[2 * sizeof canonical.digest] = '\0';
}

void gr_digest_bytes(const void *bytes, size_t n, char out[GR_DIGEST_TEXT]) {
  write_hex(XXH3_128bits(bytes, n), out);
}

/* Byte by byte through a small block, so that every machine digests the same bytes. */
void gr_parameters_digest(const float *parameters, size_t n, char out[GR_DIGEST_TEXT]) {
  enum { BLOCK = 1024 };
  unsigned char bytes[4 * BLOCK];
  XXH3_state_t state;
  XXH3_128bits_reset(&state);
  for (size_t start = 0; start < n; start += BLOCK) {
    size_t count = n - start < BLOCK ? n - start : BLOCK;
    for (size_t i = 0; i < count; i++) {
      uint32_t bits;
      memcpy(&bits, &parameters[start + i], sizeof bits);
      for (size_t b = 0; b < 4; b++) bytes[4 * i + b] = (unsigned char)(bits >> 8 * b);
    }
    XXH3_128bits_update(&state, bytes, 4 * count);
  }
  write_hex(XXH3_128bits_digest(&state), out);
}
