/* The bytes under an HDF5 file: a file driver of our own, through which the library reads and
 * writes a descriptor that we have opened. It remembers the first failure of the system, which
 * HDF5 forgets, words its own way or takes for an absent object. */
#ifndef GR_STORE_H5_IO_H
#define GR_STORE_H5_IO_H

#include <hdf5.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

typedef struct gr_h5_io gr_h5_io;

/* Takes over the descriptor `fd`, also on failure. NULL: no memory. While `writing`, a failed write
 * is only remembered and HDF5 is told that all is well: 1.10 dies of failures while it closes a
 * file. So whoever writes asks gr_h5_io_errno before the file is used. */
gr_h5_io *gr_h5_io_make(int fd, bool writing);

/* Makes `access`, a file access list, open this file, whatever name is given to H5Fopen. */
bool gr_h5_io_use(gr_h5_io *io, hid_t access);

/* Of the first system call that failed; 0 = none did. */
int gr_h5_io_errno(const gr_h5_io *io);

/* Ends our use and closes the descriptor, once HDF5 has let go of it too. 0, or the errno of the
 * first failure of all. Accepts NULL. */
int gr_h5_io_end(gr_h5_io *io);

#endif
