/* What HDF5 keeps per process: set by the program only (through the public API), never by the
 * library on its own. */
#ifndef GR_STORE_PROCESS_H
#define GR_STORE_PROCESS_H

#include <stdbool.h>

/* H5dont_atexit first (a full disk otherwise ends in a crash at exit), plugin loading off, the
 * automatic error printer off. */
void gr_store_prepare_process(void);

/* Whether this build of HDF5 may be called by several threads. */
bool gr_store_is_threadsafe(void);

/* "1.10.8, thread-safe, ..." for doctor; out needs 128 bytes. */
void gr_store_describe_hdf5(char *out);

#endif
