/* The bytes of an input from beginning to end, as often as wanted, in constant memory: a file,
 * plain or gzip-compressed, or a member of a zip archive. */
#ifndef GR_INTEROP_INPUT_H
#define GR_INTEROP_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef struct gr_input gr_input;

/* Opens `path`. Missing, unreadable or a directory: GRADUS_ERR_NOINPUT. What is no regular file (a
 * pipe) is first copied to a temporary file without a name. */
gradus_status gr_input_open(const char *path, gr_input **out, gradus_error *err);

/* A part of the open file `fd`, which stays the caller's: `packed` bytes from `offset` on, stored
 * as they are or, where `deflated`, raw deflate data of `size` bytes. Messages say `name`. */
gradus_status gr_input_open_part(int fd, const char *name, uint64_t offset, uint64_t packed,
                                 uint64_t size, bool deflated, gr_input **out, gradus_error *err);

/* Reads up to `n` bytes; *got is less only at the end. Damaged or cut compressed data:
 * GRADUS_ERR_DATA with the byte reached. */
gradus_status gr_input_read(gr_input *stream, void *out, size_t n, size_t *got, gradus_error *err);

/* Reads exactly n bytes; fewer: GRADUS_ERR_DATA, "ends at byte ...". */
gradus_status gr_input_read_all(gr_input *stream, void *out, size_t n, gradus_error *err);

/* Back to the first byte. */
gradus_status gr_input_rewind(gr_input *stream, gradus_error *err);

/* A descriptor for pread of all bytes: the file itself where it is plain, else a temporary copy
 * that this makes. Valid while the stream is open; where reading stands is then undefined. */
gradus_status gr_input_descriptor(gr_input *stream, int *fd, uint64_t *offset, gradus_error *err);

/* For progress: bytes of the file that were consumed, of how many; compressed ones where it is. */
uint64_t gr_input_consumed(const gr_input *stream);
uint64_t gr_input_length(const gr_input *stream);

/* Bytes of contents where that is known without reading them, else UINT64_MAX. */
uint64_t gr_input_size(const gr_input *stream);

const char *gr_input_name(const gr_input *stream);
void gr_input_close(gr_input *stream); /* accepts NULL */

#endif
