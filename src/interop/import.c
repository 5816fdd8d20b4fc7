/* From the user's words to a filled data set: sources are found and read, the format is told by the
 * first bytes of the first one, and all must share it. Formats themselves are rows of
 * importer.def.h. */
#include <config.h>

#include "interop/import.h"

#include <string.h>
#include <unistd.h>

#include "base/memory.h"

static bool starts_with(const gr_bytes *bytes, const char *magic, size_t n) {
  return bytes->size >= n && memcmp(bytes->data, magic, n) == 0;
}

/* Two zero bytes, then a type code that IDX knows. */
static bool is_idx(const gr_bytes *bytes) {
  return bytes->size >= 4 && starts_with(bytes, "\0\0", 2) &&
         memchr("\x08\x09\x0b\x0c\x0d\x0e", bytes->data[2], 6);
}
static bool is_hdf5(const gr_bytes *bytes) {
  return starts_with(bytes, "\x89HDF\r\n\x1a\n", 8);
}
static bool is_numpy(const gr_bytes *bytes) {
  return starts_with(bytes, "\x93NUMPY", 6);
}
static bool is_zip(const gr_bytes *bytes) {
  return starts_with(bytes, "PK\x03\x04", 4);
}
static bool is_anything(const gr_bytes *bytes) {
  (void)bytes;
  return true;
}

static const char *first_path(const gr_import_job *job) {
  for (int s = 0; s < GR_N_SPLITS; s++)
    if (job->source[s].path) return job->source[s].path;
  return "";
}

static gradus_status refuse_hdf5(gr_import_job *job, gr_dataset *out, gradus_error *err) {
  (void)out;
  return gr_fail(err, GRADUS_ERR_DATA, "%s: is HDF5 already; it can be trained on as it is",
                 first_path(job));
}

static gradus_status refuse_binary(gr_import_job *job, gr_dataset *out, gradus_error *err) {
  (void)out;
  return gr_fail(err, GRADUS_ERR_DATA,
                 "%s: is a NumPy or ZIP file, expected IDX, CSV or TSV (NumPy arrays: write them "
                 "as /train/x and /train/y with h5py)",
                 first_path(job));
}

static const struct importer {
  const char *name;
  bool (*recognises)(const gr_bytes *bytes);
  gr_import_function *import;
} importers[] = {
#define GR_IMPORTER(name, recognises, import) {name, recognises, import},
#include "interop/importer.def.h"
#undef GR_IMPORTER
};

static const struct importer *importer_of(const gr_bytes *bytes) {
  const struct importer *row = importers;
  while (!row->recognises(bytes)) row++;
  return row;
}

/* "FILE,LABELS" is cut at its last comma, unless a file has the whole as its name. */
static gradus_status open_source(gr_import_source *source, const char *words, gradus_error *err) {
  const char *comma = access(words, F_OK) == 0 ? NULL : strrchr(words, ',');
  source->path = comma ? gr_strndup(words, (size_t)(comma - words)) : gr_strdup(words);
  source->labels_path = comma ? gr_strdup(comma + 1) : NULL;
  if (!source->path || (comma && !source->labels_path)) return gr_fail_memory(err, "file names");
  return gr_bytes_read(source->path, &source->bytes, err);
}

static gradus_status choose_importer(gr_import_job *job, const struct importer **out,
                                     gradus_error *err) {
  const char *chosen_by = NULL;
  *out = NULL;
  for (int s = 0; s < GR_N_SPLITS; s++) {
    const gr_import_source *source = &job->source[s];
    if (!job->options->source[s]) continue;
    GR_TRY(open_source(&job->source[s], job->options->source[s], err));
    const struct importer *found = importer_of(&source->bytes);
    if (*out && found != *out)
      return gr_fail(err, GRADUS_ERR_DATA, "%s: is %s, but %s is %s; all splits need one format",
                     source->path, found->name, chosen_by, (*out)->name);
    *out = found;
    chosen_by = source->path;
  }
  if (*out) return GRADUS_OK;
  return gr_fail(err, GRADUS_ERR_USAGE, "nothing to import: name a file for train, valid or test");
}

gradus_status gr_import_read(const gr_import_options *options, gr_dataset *out, gradus_error *err) {
  gr_import_job job = {.options = options};
  gr_dataset dataset = {.layout = "gradus"};
  const struct importer *importer;
  gradus_status status = choose_importer(&job, &importer, err);
  if (status == GRADUS_OK) status = importer->import(&job, &dataset, err);
  for (int s = 0; s < GR_N_SPLITS; s++) {
    gr_free(job.source[s].path);
    gr_free(job.source[s].labels_path);
    gr_bytes_free(&job.source[s].bytes);
  }
  if (status != GRADUS_OK) {
    gr_dataset_free(&dataset);
    dataset = (gr_dataset){0};
  }
  *out = dataset;
  return status;
}

gradus_status gr_import_write(const gr_import_options *options, const char *path, bool overwrite,
                              gradus_error *err) {
  if (!overwrite && access(path, F_OK) == 0)
    return gr_fail(err, GRADUS_ERR_CANTCREATE,
                   "%s: exists already; it is kept unless told to overwrite", path);
  gr_dataset dataset;
  GR_TRY(gr_import_read(options, &dataset, err));
  gradus_status status = gr_dataset_write(&dataset, path, overwrite, err);
  gr_dataset_free(&dataset);
  return status;
}
