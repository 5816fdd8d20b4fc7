/* Data set files from other formats. An importer fills a gr_dataset in memory; one call writes it.
 */
#ifndef GR_INTEROP_IMPORT_H
#define GR_INTEROP_IMPORT_H

#include <stdbool.h>

#include "base/log.h"
#include "base/status.h"
#include "interop/bytes.h"
#include "net/config.h"
#include "store/dataset.h"

typedef struct gr_import_options {
  const char *source[GR_N_SPLITS]; /* "FILE" or "FILE,LABELS"; NULL = absent */
  const char *target;              /* tables: name of a column; NULL: the last one */
  bool log_target;                 /* regression targets become their natural logarithm */
  int task;                        /* gr_task or GR_AUTO */
  gr_log log; /* the account: what was taken, and as a warning what was not, and why */
} gr_import_options;

/* One split to import, read and ready. */
typedef struct gr_import_source {
  char *path;        /* NULL = absent */
  char *labels_path; /* after the comma, or NULL */
  gr_bytes bytes;
} gr_import_source;

typedef struct gr_import_job {
  const gr_import_options *options;
  gr_import_source source[GR_N_SPLITS];
} gr_import_job;

/* An importer: fills `out`, which starts zeroed and is freed by the caller whatever happens; may
 * take over the sources' bytes. */
typedef gradus_status gr_import_function(gr_import_job *job, gr_dataset *out, gradus_error *err);
gr_import_function gr_import_idx, gr_import_table;

/* Reads all sources (one format for all) into `out`, which is to be freed by gr_dataset_free; on
 * failure `out` is left zeroed. Does not compute the digest. */
gradus_status gr_import_read(const gr_import_options *options, gr_dataset *out, gradus_error *err);

/* gr_import_read, then the file `path`. One that exists is GRADUS_ERR_CANTCREATE unless
 * `overwrite`, told before anything is read. */
gradus_status gr_import_write(const gr_import_options *options, const char *path, bool overwrite,
                              gradus_error *err);

#endif
