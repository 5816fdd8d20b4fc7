/* NPZ: a zip archive of NPY arrays, found by their names. One archive may hold all splits, as those
 * of Keras do (x_train, y_train, x_test, y_test); with several archives each gives its split. */
#include <config.h>

#include <string.h>

#include "base/text.h"
#include "interop/npy.h"
#include "interop/zip.h"

/* Names of inputs and targets, in order of preference; the plain ones are those of the training
 * split, or of the split that the archive was named for. */
struct names {
  const char *x, *y;
};
enum { MAX_NAMES = 8 };
static const struct names split_names[GR_N_SPLITS][MAX_NAMES] = {{{"x_train", "y_train"},
                                                                  {"X_train", "y_train"},
                                                                  {"train_x", "train_y"},
                                                                  {"train_X", "train_y"},
                                                                  {"train_images", "train_labels"},
                                                                  {"train_data", "train_labels"}},
                                                                 {{"x_valid", "y_valid"},
                                                                  {"X_valid", "y_valid"},
                                                                  {"x_val", "y_val"},
                                                                  {"X_val", "y_val"},
                                                                  {"valid_x", "valid_y"},
                                                                  {"val_x", "val_y"},
                                                                  {"val_images", "val_labels"}},
                                                                 {{"x_test", "y_test"},
                                                                  {"X_test", "y_test"},
                                                                  {"test_x", "test_y"},
                                                                  {"test_X", "test_y"},
                                                                  {"test_images", "test_labels"},
                                                                  {"test_data", "test_labels"}}};
static const struct names plain_names[MAX_NAMES] = {
    {"x", "y"},         {"X", "y"},        {"X", "Y"},           {"data", "target"},
    {"data", "labels"}, {"data", "label"}, {"images", "labels"}, {"arr_0", "arr_1"}};

static const gr_zip_member *find(const gr_zip *zip, const char *name) {
  size_t n = strlen(name);
  for (size_t i = 0; i < zip->n; i++) {
    const char *have = zip->members[i].name;
    if (strncmp(have, name, n) == 0 && strcmp(have + n, ".npy") == 0) return &zip->members[i];
  }
  return NULL;
}

static gradus_status open_array(const gr_zip *zip, const gr_zip_member *member, gr_dense *out,
                                gradus_error *err) {
  GR_TRY(gr_zip_read(zip, member, &out->stream, err));
  return gr_npy_read_header(out, err);
}

/* The first pair of names whose inputs are there; *found is false where none is. */
static gradus_status open_pair(gr_import_job *job, const gr_zip *zip, const struct names *names,
                               int s, gr_dense_split *split, bool *found, gradus_error *err) {
  const gr_zip_member *x = NULL, *y = NULL;
  *found = false;
  for (int i = 0; i < MAX_NAMES && names[i].x && !(x && y); i++) {
    x = find(zip, names[i].x);
    y = x ? find(zip, names[i].y) : NULL;
  }
  for (int i = 0; i < MAX_NAMES && names[i].x && !x; i++) x = find(zip, names[i].x);
  if (!x) return GRADUS_OK;
  *found = true;
  if (!y && s != GR_TEST)
    return gr_fail(err, GRADUS_ERR_DATA, "%s: holds %s, but no targets beside it (y, y_train...)",
                   gr_input_name(zip->stream), x->name);
  GR_TRY(open_array(zip, x, &split->x, err));
  if (y) GR_TRY(open_array(zip, y, &split->y, err));
  return gr_dense_plan(job, split, err);
}

static gradus_status nothing_found(const gr_zip *zip, const char *split, gradus_error *err) {
  gr_text names = {0};
  for (size_t i = 0; i < zip->n && i < 10; i++)
    gr_text_printf(&names, "%s%s", i ? ", " : "", zip->members[i].name);
  gradus_status status =
      gr_fail(err, GRADUS_ERR_DATA,
              "%s: holds no arrays for %s (x and y, x_%s and y_%s, ...); it holds %.300s",
              gr_input_name(zip->stream), split, split, split, names.data ? names.data : "nothing");
  gr_text_free(&names);
  return status;
}

/* An archive alone gives all its splits; else the one it was named for. */
static gradus_status open_archive(gr_import_job *job, const gr_zip *zip, int s, bool alone,
                                  gr_dense_split *splits, gradus_error *err) {
  bool found = false, any;
  GR_TRY(open_pair(job, zip, split_names[s], s, &splits[s], &found, err));
  if (!found) GR_TRY(open_pair(job, zip, plain_names, s, &splits[s], &found, err));
  if (!found) return nothing_found(zip, gr_split_names[s], err);
  for (int other = 0; alone && other < GR_N_SPLITS; other++)
    if (other != s)
      GR_TRY(open_pair(job, zip, split_names[other], other, &splits[other], &any, err));
  return GRADUS_OK;
}

static gradus_status open_all(gr_import_job *job, gr_zip *zips, gr_dense_split *splits,
                              gradus_error *err) {
  int n = 0;
  for (int s = 0; s < GR_N_SPLITS; s++) n += job->source[s].path != NULL;
  for (int s = 0; s < GR_N_SPLITS; s++) {
    const gr_import_source *source = &job->source[s];
    if (!source->path) continue;
    if (source->labels_path)
      return gr_fail(err, GRADUS_ERR_USAGE,
                     "%s,%s: an archive holds its own targets; name one file", source->path,
                     source->labels_path);
    GR_TRY(gr_zip_open(&zips[s], source->stream, err));
    GR_TRY(open_archive(job, &zips[s], s, n == 1, splits, err));
  }
  return gr_dense_import(job, splits, err);
}

gradus_status gr_import_npz(gr_import_job *job, gradus_error *err) {
  gr_dense_split splits[GR_N_SPLITS] = {{.convert_y = false}};
  gr_zip zips[GR_N_SPLITS] = {{.n = 0}};
  if (job->options->target)
    return gr_fail(err, GRADUS_ERR_USAGE, "target '%s': NumPy arrays have no named columns",
                   job->options->target);
  gradus_status status = open_all(job, zips, splits, err);
  gr_dense_close(splits);
  for (int s = 0; s < GR_N_SPLITS; s++) gr_zip_close(&zips[s]);
  return status;
}
