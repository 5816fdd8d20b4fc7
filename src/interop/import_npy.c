/* NPY: inputs and targets as two arrays, FILE.npy,LABELS.npy; without labels the data set is good
 * for predictions only. */
#include <config.h>

#include "interop/npy.h"

static gradus_status open_splits(gr_import_job *job, gr_dense_split *splits, gradus_error *err) {
  for (int s = 0; s < GR_N_SPLITS; s++) {
    gr_import_source *source = &job->source[s];
    if (!source->path) continue;
    gr_dense_split *split = &splits[s];
    split->x.stream = source->stream;
    source->stream = NULL;
    GR_TRY(gr_npy_read_header(&split->x, err));
    if (!source->labels_path && s != GR_TEST)
      return gr_fail(err, GRADUS_ERR_USAGE, "%s: a NumPy array needs its targets: FILE,LABELS",
                     source->path);
    if (!source->labels_path) continue;
    GR_TRY(gr_input_open(source->labels_path, &split->y.stream, err));
    GR_TRY(gr_npy_read_header(&split->y, err));
    GR_TRY(gr_dense_plan(job, split, err));
  }
  return gr_dense_import(job, splits, err);
}

gradus_status gr_import_npy(gr_import_job *job, gradus_error *err) {
  gr_dense_split splits[GR_N_SPLITS] = {{.convert_y = false}};
  if (job->options->target)
    return gr_fail(err, GRADUS_ERR_USAGE, "target '%s': NumPy arrays have no named columns",
                   job->options->target);
  gradus_status status = open_splits(job, splits, err);
  gr_dense_close(splits);
  return status;
}
