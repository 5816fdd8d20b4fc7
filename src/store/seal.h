/* The seal of a checkpoint: 4096 bytes before the HDF5 file proper (its user block) that tell,
 * before HDF5 parses anything, whether every byte is the one that was written.
 *
 *   0   16 bytes  "gradus seal" CR LF 0x1a LF NUL
 *   16  u32       format version, 1
 *   20  u32       size of this block, 4096
 *   24  u64       length of the whole file
 *   32  u64       step
 *   40  16 bytes  XXH3-128 of the whole file, these 16 bytes read as zero (canonical: big-endian)
 *   56            zero
 * Numbers are little-endian. It protects against accidents, not against malice. */
#ifndef GR_STORE_SEAL_H
#define GR_STORE_SEAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

#define GR_SEAL_SIZE 4096

/* Writes the seal into the first 4096 bytes of `file`, which are free. Messages say `path`. */
gradus_status gr_seal_write(const char *file, const char *path, uint64_t step, gradus_error *err);

/* Missing or unreadable: GRADUS_ERR_NOINPUT. Not a checkpoint at all, or of a newer format:
 * GRADUS_ERR_DATA. Damaged: GRADUS_ERR_DAMAGED. *step (may be NULL) is set on success. */
gradus_status gr_seal_verify(const char *path, uint64_t *step, gradus_error *err);

/* *there = the file begins as a seal does, of whatever format. Unreadable: GRADUS_ERR_IO. */
gradus_status gr_seal_is_there(const char *path, bool *there, gradus_error *err);

#endif
