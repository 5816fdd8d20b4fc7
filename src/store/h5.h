/* The HDF5 library, made quiet and careful: errors become one line with the library's innermost
 * reason, files open without locks, and names are followed inside the file only. */
#ifndef GR_STORE_H5_H
#define GR_STORE_H5_H

#include <hdf5.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "store/h5_watch.h"

#define GR_H5_PATH 1024 /* longest path inside a file, with its terminator */

/* HDF5 prints its error stack by itself unless told not to, loads filters from wherever its
 * environment says, and mostly cannot be called by two threads: every entry point of this layer
 * wraps its work in begin and end. Between them this thread alone works with HDF5 (they nest), no
 * plugin is loaded and nothing is printed; end restores what the host program had set. */
typedef struct gr_h5_quiet {
  H5E_auto2_t function;
  void *data;
  unsigned plugins;
  bool had_plugins; /* `plugins` is to be restored */
} gr_h5_quiet;
gr_h5_quiet gr_h5_begin(void);
void gr_h5_end(const gr_h5_quiet *quiet);

/* gr_fail, with ": " and the innermost line of HDF5's error stack appended. To be called before any
 * other HDF5 function. */
__attribute__((format(printf, 3, 4))) gradus_status gr_h5_fail(gradus_error *err,
                                                               gradus_status status,
                                                               const char *format, ...);

/* A file open for reading. */
typedef struct gr_h5_file {
  hid_t id;
  const char *path; /* borrowed: for messages */
  uint64_t bytes;
} gr_h5_file;

/* Opens without locking. Missing or unreadable: GRADUS_ERR_NOINPUT. A directory, an empty file, no
 * HDF5 file, a truncated one: GRADUS_ERR_DATA, each with its own words. */
gradus_status gr_h5_open(const char *path, gr_h5_file *out, gradus_error *err);

/* The same, read through `watch`, whose descriptor this opens; it is the caller's to close, after
 * the file. Where it fails, watch->fd is -1. */
gradus_status gr_h5_open_watched(const char *path, gr_h5_watch *watch, gr_h5_file *out,
                                 gradus_error *err);
void gr_h5_close(gr_h5_file *file); /* accepts a zeroed object */

/* Follows `path` from the root group through hard links, and through soft links inside the file.
 * *found tells whether something is there; resolved (may be NULL) receives a path of hard links
 * only. Links out of the file and loops: GRADUS_ERR_DATA naming the link. */
gradus_status gr_h5_find(const gr_h5_file *file, const char *path, char resolved[GR_H5_PATH],
                         bool *found, gradus_error *err);

/* Up to `size` bytes of what the root group holds: "a, b, c ..." for messages. */
void gr_h5_list_root(const gr_h5_file *file, char *out, size_t size);

/* One attribute of the object `object` (a path of hard links): a whole number, a number, or text of
 * fewer than `size` bytes. Absent: *found = false, or with found NULL an error. Of another type, or
 * more than one value: GRADUS_ERR_DATA. */
gradus_status gr_h5_attribute_u64(const gr_h5_file *file, const char *object, const char *name,
                                  uint64_t *out, bool *found, gradus_error *err);
gradus_status gr_h5_attribute_f64(const gr_h5_file *file, const char *object, const char *name,
                                  double *out, bool *found, gradus_error *err);
gradus_status gr_h5_attribute_text(const gr_h5_file *file, const char *object, const char *name,
                                   char *out, size_t size, bool *found, gradus_error *err);

/* Rows first .. first + n - 1 of an open dataset of rank 1 or 2 whose rows have `columns` elements,
 * in the type and byte order that they are stored in. `path` names the file in messages. */
gradus_status gr_h5_read_rows(hid_t set, const char *path, uint64_t first, uint64_t n,
                              uint64_t columns, void *out, gradus_error *err);

#endif
