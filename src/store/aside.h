/* Files that appear whole or not at all: written beside their place under a name of their own, made
 * durable, then renamed. */
#ifndef GR_STORE_ASIDE_H
#define GR_STORE_ASIDE_H

#include <stdbool.h>

#include "base/status.h"

/* Creates an empty file beside `path`, in the same directory; *aside receives its name (freed by
 * gr_free). Where `path` exists and not `overwrite`, its directory is missing or cannot be written:
 * GRADUS_ERR_CANTCREATE naming `path`. */
gradus_status gr_aside_create(const char *path, bool overwrite, char **aside, gradus_error *err);

/* Makes the closed file `aside` durable and gives it the name `path`; a `path` that came into being
 * meanwhile is GRADUS_ERR_CANTCREATE unless `overwrite`. On failure `aside` still exists. */
gradus_status gr_aside_publish(const char *aside, const char *path, bool overwrite,
                               gradus_error *err);

/* Removes and frees a file that is not to be published; accepts NULL. */
void gr_aside_discard(char *aside);

#endif
