/* The small text files in which Linux describes itself (/proc, /sys), below a root that tests may
 * move. */
#ifndef GR_BASE_SYSFILE_H
#define GR_BASE_SYSFILE_H

#include <stdbool.h>
#include <stddef.h>

/* Reads the file root + path (printf-style) into `out`, terminated, without final newlines; what
 * does not fit is cut off. False, and out empty, where it cannot be read or is empty. */
__attribute__((format(printf, 4, 5))) bool gr_sysfile(char *out, size_t size, const char *root,
                                                      const char *path, ...);

/* How many numbers a kernel list such as "0-3,8" names, the first one in *first (may be NULL).
 * 0, and *first untouched, for anything that is no such list. */
int gr_count_list(const char *list, int *first);

#endif
