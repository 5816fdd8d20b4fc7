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

/* Where HDF5 would read raw data, noted instead of read: buffers stay as they are. HDF5 up to 1.12
 * has no other way to a table of chunks in linear time: H5Dget_chunk_info and
 * H5Dget_chunk_info_by_coord walk the index from its start at each call (measured with 1.10.8: 77
 * us a call at 10,000 chunks, growing), H5Dread_chunk looks one chunk up (1.3 us). */
typedef struct gr_h5_watch {
  unsigned reads;         /* of raw data */
  uint64_t offset, bytes; /* of the last one, counted from the start of the file */
} gr_h5_watch;

/* Takes over the descriptor `fd`, also on failure. NULL: no memory. While `writing`, a failed write
 * is only remembered and HDF5 is told that all is well: 1.10 dies of failures while it closes a
 * file. So whoever writes asks gr_h5_io_errno before the file is used. */
gr_h5_io *gr_h5_io_make(int fd, bool writing);

/* Makes `access`, a file access list, open this file, whatever name is given to H5Fopen. */
bool gr_h5_io_use(gr_h5_io *io, hid_t access);

/* Raw data are noted in `watch` until it is set to NULL. */
void gr_h5_io_watch(gr_h5_io *io, gr_h5_watch *watch);

/* The descriptor, which stays the driver's. */
int gr_h5_io_descriptor(const gr_h5_io *io);

/* Of the first system call that failed; 0 = none did. */
int gr_h5_io_errno(const gr_h5_io *io);

/* Ends our use and closes the descriptor, once HDF5 has let go of it too. 0, or the errno of the
 * first failure of all. Accepts NULL. */
int gr_h5_io_end(gr_h5_io *io);

#endif
