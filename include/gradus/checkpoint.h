/* Looking into files, and sealing a checkpoint that was edited on purpose. */
#ifndef GRADUS_CHECKPOINT_H
#define GRADUS_CHECKPOINT_H

#include "gradus/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Verifies the seal: GRADUS_ERR_DAMAGED where the file is not what was written. */
GRADUS_API gradus_status gradus_checkpoint_verify(const char *path, gradus_error *err);

/* Seals an edited checkpoint anew, replacing it atomically; its content must still read as a
 * checkpoint. */
GRADUS_API gradus_status gradus_checkpoint_seal(const char *path, gradus_error *err);

/* What is in a data set, checkpoint or run directory, as text for people or (json != 0) one JSON
 * object; free with gradus_text_free. */
GRADUS_API gradus_status gradus_inspect(const char *path, int json, char **out, gradus_error *err);

/* The digest of all weights of a model, checkpoint or run directory, or of a data set's contents:
 * 32 hex digits in out[33]. */
GRADUS_API gradus_status gradus_digest(const char *path, char *out, gradus_error *err);

#ifdef __cplusplus
}
#endif
#endif
