/* XXH3-128 (Y. Collet, xxHash) as text: 32 hex digits, most significant first, and a terminator. */
#ifndef GR_NET_DIGEST_H
#define GR_NET_DIGEST_H

#include <stddef.h>

#include "net/config.h"

void gr_digest_bytes(const void *bytes, size_t n, char out[GR_DIGEST_TEXT]);

#endif
