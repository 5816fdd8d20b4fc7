/* XXH3 compiled in: its state then lives on the stack whatever version of the library is there. */
#ifndef GR_STORE_HASH_H
#define GR_STORE_HASH_H

#define XXH_INLINE_ALL
#include <xxhash.h>

#if !defined __BYTE_ORDER__ || __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "digests are defined over little-endian contents; a big-endian host needs swapping here"
#endif

#endif
