/* An HDF5 file driver that reads through a descriptor of ours, and that can note where HDF5 would
 * read raw data instead of reading it. HDF5 up to 1.12 has no other way to a table of chunks in
 * linear time: H5Dget_chunk_info and H5Dget_chunk_info_by_coord walk the index from its start at
 * each call (measured with 1.10.8: 77 us a call at 10,000 chunks, growing), H5Dread_chunk looks one
 * chunk up (1.3 us). */
#ifndef GR_STORE_H5_WATCH_H
#define GR_STORE_H5_WATCH_H

#include <hdf5.h>
#include <stdbool.h>
#include <stdint.h>

/* Lives as long as the file that was opened with it. */
typedef struct gr_h5_watch {
  int fd;                 /* borrowed, open for reading */
  bool on;                /* raw data are noted and not read: buffers stay as they are */
  unsigned reads;         /* of raw data, while on */
  uint64_t offset, bytes; /* of the last one, counted from the start of the file */
} gr_h5_watch;

/* Makes files that are opened with the access list `access` read through `watch`. */
bool gr_h5_watch_use(hid_t access, gr_h5_watch *watch);

#endif
