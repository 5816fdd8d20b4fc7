/* Files that appear whole or not at all: written beside their place under a name of their own, made
 * durable, then given their name. */
#ifndef GR_STORE_ASIDE_H
#define GR_STORE_ASIDE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

/* Creates an empty file (O_EXCL) beside `path`, named ".tmp-<process>-<number>-<name>"; *aside
 * receives its name. Where `path` exists and not `overwrite`, `path` is a directory, or its
 * directory is missing or cannot be written: GRADUS_ERR_CANTCREATE naming `path`. */
gradus_status gr_aside_create(const char *path, bool overwrite, char **aside, gradus_error *err);

/* Asks whether `bytes` fit into the empty file `aside`, which stays empty. Where the disk, the
 * quota or the file-size limit says no: GRADUS_ERR_IO naming `path`. File systems that cannot tell
 * are believed. */
gradus_status gr_aside_reserve(const char *aside, const char *path, uint64_t bytes,
                               gradus_error *err);

/* Makes the entry of `path` in its directory survive a loss of power; GRADUS_ERR_IO. */
gradus_status gr_make_durable(const char *path, gradus_error *err);

/* Makes the closed file `aside` durable and gives it the name `path`, then makes that durable; a
 * `path` that came into being meanwhile is GRADUS_ERR_CANTCREATE unless `overwrite`. After a
 * failure `aside` may still exist and is to be discarded; `path` is untouched unless the directory
 * alone could not be synced. */
gradus_status gr_aside_publish(const char *aside, const char *path, bool overwrite,
                               gradus_error *err);

/* Removes and frees a file that is not to be published; accepts NULL. */
void gr_aside_discard(char *aside);

/* Ends what gr_aside_create began: publishes where `status` is GRADUS_OK, else discards; frees
 * `aside` and returns the first failure. */
gradus_status gr_aside_end(char *aside, const char *path, bool overwrite, gradus_status status,
                           gradus_error *err);

/* True for the name (without directory) of a temporary file whose writer is gone: no other live
 * process of this host has its number. */
bool gr_aside_is_left_over(const char *name);

#endif
