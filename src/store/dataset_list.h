/* The files of a data set, from what was given on a command line. */
#ifndef GR_STORE_DATASET_LIST_H
#define GR_STORE_DATASET_LIST_H

#include <stddef.h>

#include "base/status.h"

typedef struct gr_path_list {
  char **path;
  size_t n, capacity;
} gr_path_list;

/* Each of paths[n], or where it is a list (text whose first line names a file that is there, as
 * Caffe's HDF5 source files do), the files that it names, one per line: relative to the list's
 * folder, else to the working directory. Blank lines and lines that begin with '#' are passed over.
 * A line that names no file: GRADUS_ERR_NOINPUT with its number. */
gradus_status gr_path_list_make(const char *const *paths, size_t n, gr_path_list *out,
                                gradus_error *err);
void gr_path_list_free(gr_path_list *list); /* accepts a zeroed object */

#endif
