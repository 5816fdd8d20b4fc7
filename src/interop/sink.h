/* Where imported rows go. */
#ifndef GR_INTEROP_SINK_H
#define GR_INTEROP_SINK_H

#include "store/dataset_rows.h"
#include "store/dataset_writer.h"

typedef struct gr_sink {
  /* Takes over `shape`, a data set without its data, and leaves it zeroed, whatever happens. */
  gradus_status (*begin)(void *user, gr_dataset *shape, gradus_error *err);
  /* As gr_dataset_writer_put. */
  gradus_status (*put)(void *user, int split, gr_field field, const void *rows, uint64_t n,
                       gradus_error *err);
  void *user;
} gr_sink;

/* Into memory: `out` becomes a whole data set. */
typedef struct gr_memory_sink {
  uint64_t limit; /* bytes that rows may take, else GRADUS_ERR_RESOURCES; 0: any */
  gr_dataset out;
  uint64_t done[GR_N_SPLITS][GR_N_FIELDS];
} gr_memory_sink;
gr_sink gr_sink_to_memory(gr_memory_sink *memory);

/* Into a file; with `old` behind the rows of that one. Zero-initialise, then set the first four. */
typedef struct gr_file_sink {
  const char *path;
  bool overwrite;
  gr_storage storage;
  const gr_dataset_rows *old; /* or NULL */
  gr_dataset shape;           /* of what is written */
  gr_dataset_writer *writer;
  int copied; /* splits of `old` that are copied */
} gr_file_sink;
gr_sink gr_sink_to_file(gr_file_sink *file);

/* Completes the file, or with another status than GRADUS_OK gives it up. shape stays the caller's
 * to free, and then has the digest. */
gradus_status gr_file_sink_end(gr_file_sink *file, gradus_status status, gradus_error *err);

#endif
