/* Data set files from other formats. An importer says what will come, then hands rows to a sink: a
 * file, or memory. It holds no more than a block of rows at a time. */
#ifndef GR_INTEROP_IMPORT_H
#define GR_INTEROP_IMPORT_H

#include <stdbool.h>

#include "base/log.h"
#include "base/status.h"
#include "interop/meter.h"
#include "interop/sink.h"
#include "interop/input.h"
#include "net/config.h"
#include "store/dataset.h"
#include "store/dataset_writer.h"

typedef struct gr_import_options {
  const char *source[GR_N_SPLITS]; /* "FILE" or "FILE,LABELS"; NULL = absent */
  const char *target;              /* tables: name of a column; NULL: the last one */
  const char *weights, *offset;    /* tables: columns that become these of rows; NULL: none */
  bool log_target;                 /* regression targets become their natural logarithm */
  int task;                        /* gr_task or GR_AUTO */
  gr_log log;             /* the account: what was taken, and as a warning what was not, and why */
  uint64_t test_every;    /* tables: rows 0, N, 2N ... of the training table are the test split */
  const gr_dataset *like; /* tables: the shape and the names that columns must fit, as a model wants
                             them; a target may be absent, new levels come behind; or NULL */
  uint64_t memory;        /* gr_import_read: bytes that the rows may take; 0: any */
  uint64_t max_bad_rows;  /* text: so many malformed rows of a file are left out */
  uint32_t n_columns;     /* LIBSVM: 0 = the largest index */
  gr_storage storage;
  bool has_storage; /* append: instead of that of the old file */
  void (*on_progress)(void *user, const gr_import_progress *progress);
  void *progress_user;
} gr_import_options;

/* One split to import. */
typedef struct gr_import_source {
  char *path;        /* NULL = absent */
  char *labels_path; /* after the comma, or NULL */
  gr_input *stream;  /* of path, at its beginning; may be taken over by setting it to NULL */
} gr_import_source;

typedef struct gr_import_job {
  const gr_import_options *options;
  gr_import_source source[GR_N_SPLITS];
  const gr_dataset *old; /* append: the shape that new rows have to fit, else NULL */
  const gr_sink *sink;
  gr_meter meter;
} gr_import_job;

/* An importer: calls sink->begin once, then sink->put. */
typedef gradus_status gr_import_function(gr_import_job *job, gradus_error *err);
gr_import_function gr_import_idx, gr_import_table, gr_import_libsvm, gr_import_npy, gr_import_npz,
    gr_import_hdf5;

/* Finds the format of all sources (one for all) and lets its importer bring their rows to `sink`.
 */
gradus_status gr_import_run(const gr_import_options *options, const gr_sink *sink,
                            const gr_dataset *old, gradus_error *err);

/* Reads all sources into `out`, which is to be freed by gr_dataset_free; on
 * failure `out` is left zeroed. Does not compute the digest. */
gradus_status gr_import_read(const gr_import_options *options, gr_dataset *out, gradus_error *err);

/* Reads all sources into the file `path`, in constant memory. One that exists is
 * GRADUS_ERR_CANTCREATE unless `overwrite`, told before anything is read. `summary` (may be NULL)
 * receives the shape and the digest of what was written, without its data; to be freed. */
gradus_status gr_import_write(const gr_import_options *options, const char *path, bool overwrite,
                              gr_dataset *summary, gradus_error *err);

/* The same for a file `path` that exists, in gradus's layout: its rows, and behind those of each
 * split the new ones, become a new file that takes its place; a failure leaves it as it is. What
 * does not fit is GRADUS_ERR_DATA naming the column. */
gradus_status gr_import_append(const gr_import_options *options, const char *path,
                               gr_dataset *summary, gradus_error *err);

#endif
