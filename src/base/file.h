/* Reading and writing at a place in a file, whole: short transfers and interrupted calls are
 * ordinary and are gone on from. */
#ifndef GR_BASE_FILE_H
#define GR_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* open(); interrupted calls are repeated. `mode` is that of a file it creates. -1 and errno. */
int gr_open(const char *path, int flags, mode_t mode);

/* Up to n bytes from `offset` on, fewer only at the end of the file; -1 and errno on failure. */
ssize_t gr_read_at(int fd, void *buffer, size_t n, uint64_t offset);

/* All n bytes; false and errno on failure. */
bool gr_write_at(int fd, const void *buffer, size_t n, uint64_t offset);

/* Makes the entry of `path` in its directory durable. 0 or an errno; that some file systems cannot
 * do it, and that some directories may be written but not read, is no error. */
int gr_sync_entry(const char *path);

/* fsync and ftruncate; interrupted calls are repeated. 0 or an errno. */
int gr_sync(int fd);
int gr_resize(int fd, uint64_t size);

/* close() after which the descriptor is gone in any case; 0 or an errno. An interrupted close() has
 * closed (Linux), and what was to be kept has been synced before: it is no error. */
int gr_close(int fd);

#endif
