/* Small files, written so that a full disk or a kill leaves either the old content or the new. */
#ifndef GR_TRAIN_FILES_H
#define GR_TRAIN_FILES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"
#include "base/text.h"

/* Makes `path` and the folders above it. GRADUS_ERR_CANTCREATE naming the first that cannot be. */
gradus_status gr_make_directories(const char *path, gradus_error *err);

/* Replaces `path` by `n` bytes: written aside, renamed; `durable` also waits for the disk,
 * the directory included. */
gradus_status gr_file_replace(const char *path, const char *bytes, size_t n, bool durable,
                              gradus_error *err);

/* Appends the whole of a file to `out`; *found = false where there is none. */
gradus_status gr_file_read(const char *path, gr_text *out, bool *found, gradus_error *err);

/* Writes all `n` bytes to descriptor fd (opened for `path`). */
gradus_status gr_file_append(int fd, const char *path, const char *bytes, size_t n,
                             gradus_error *err);

/* *found = something is there; GRADUS_ERR_IO where that cannot be told. */
gradus_status gr_file_look(const char *path, bool *found, gradus_error *err);

/* False only where nothing is there: what cannot be looked at is found out when it is opened. */
bool gr_file_exists(const char *path);

#endif
