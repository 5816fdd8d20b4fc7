/* Reading a checkpoint whatever its seal says: for sealing anew. */
#ifndef GR_STORE_CHECKPOINT_FILE_H
#define GR_STORE_CHECKPOINT_FILE_H

#include "store/checkpoint.h"

/* As gr_checkpoint_read without the seal: only for files that somebody vouches for. */
gradus_status gr_checkpoint_read_unsealed(const char *path, gr_checkpoint *out, gradus_error *err);

#endif
