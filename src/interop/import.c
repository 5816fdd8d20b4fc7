/* From the user's words to an importer at work: sources are found and opened, the format is told by
 * the first bytes of each, and all must share it. Formats themselves are rows of importer.def.h. */
#include <config.h>

#include "interop/import.h"

#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "interop/libsvm.h"

/* The first bytes of a file, decompressed. */
enum { HEAD = 4096 };
typedef struct head {
  char data[HEAD];
  size_t size;
} head;

static bool starts_with(const head *h, const char *magic, size_t n) {
  return h->size >= n && memcmp(h->data, magic, n) == 0;
}

/* Two zero bytes, then a type code that IDX knows. */
static bool is_idx(const head *h) {
  return h->size >= 4 && starts_with(h, "\0\0", 2) &&
         memchr("\x08\x09\x0b\x0c\x0d\x0e", h->data[2], 6);
}
static bool is_hdf5(const head *h) {
  return starts_with(h, "\x89HDF\r\n\x1a\n", 8);
}
static bool is_npy(const head *h) {
  return starts_with(h, "\x93NUMPY", 6);
}
static bool is_zip(const head *h) {
  return starts_with(h, "PK\x03\x04", 4) || starts_with(h, "PK\x05\x06", 4);
}
static bool is_libsvm(const head *h) {
  return gr_libsvm_recognise(h->data, h->size);
}
static bool is_anything(const head *h) {
  (void)h;
  return true;
}

static const struct importer {
  const char *name;
  bool (*recognises)(const head *head);
  gr_import_function *import;
} importers[] = {
#define GR_IMPORTER(name, recognises, import) {name, recognises, import},
#include "interop/importer.def.h"
#undef GR_IMPORTER
};

static const struct importer *importer_of(const head *h) {
  const struct importer *row = importers;
  while (!row->recognises(h)) row++;
  return row;
}

/* "FILE,LABELS" is cut at its last comma, unless a file has the whole as its name. */
static gradus_status open_source(gr_import_source *source, const char *words, head *h,
                                 gradus_error *err) {
  const char *comma = access(words, F_OK) == 0 ? NULL : strrchr(words, ',');
  source->path = comma ? gr_strndup(words, (size_t)(comma - words)) : gr_strdup(words);
  source->labels_path = comma ? gr_strdup(comma + 1) : NULL;
  if (!source->path || (comma && !source->labels_path)) return gr_fail_memory(err, "file names");
  GR_TRY(gr_input_open(source->path, &source->stream, err));
  GR_TRY(gr_input_read(source->stream, h->data, HEAD, &h->size, err));
  return gr_input_rewind(source->stream, err);
}

static gradus_status choose_importer(gr_import_job *job, const struct importer **out,
                                     gradus_error *err) {
  const char *chosen_by = NULL;
  head h;
  *out = NULL;
  for (int s = 0; s < GR_N_SPLITS; s++) {
    const gr_import_source *source = &job->source[s];
    if (!job->options->source[s]) continue;
    GR_TRY(open_source(&job->source[s], job->options->source[s], &h, err));
    const struct importer *found = importer_of(&h);
    if (*out && found != *out)
      return gr_fail(err, GRADUS_ERR_DATA, "%s: is %s, but %s is %s; all splits need one format",
                     source->path, found->name, chosen_by, (*out)->name);
    *out = found;
    chosen_by = source->path;
  }
  if (*out) return GRADUS_OK;
  return gr_fail(err, GRADUS_ERR_USAGE, "nothing to import: name a file for train, valid or test");
}

/* Names come from files: what is told of them stays one line. */
static void make_printable(char *text) {
  for (; *text; text++)
    if ((unsigned char)*text < 0x20 || *text == 0x7f) *text = '?';
}

/* The caller's log behind one that keeps lines whole. */
static void pass_printable(void *user, gr_level level, const char *text) {
  const gr_log *log = user;
  char *copy = log->sink ? gr_strdup(text) : NULL;
  if (!copy) return;
  make_printable(copy);
  log->sink(log->user, level, copy);
  gr_free(copy);
}

gradus_status gr_import_run(const gr_import_options *options, const gr_sink *sink,
                            const gr_dataset *old, gradus_error *err) {
  gr_log given = options->log;
  gr_import_options own = *options;
  own.log = (gr_log){pass_printable, &given};
  if (own.test_every > 0 && (own.source[GR_TEST] || !own.source[GR_TRAIN]))
    return gr_fail(err, GRADUS_ERR_USAGE,
                   own.source[GR_TEST] ? "test rows come from a file or by number, not both"
                                       : "test rows by number are taken from the training table");
  if (own.test_every > 0) own.source[GR_TEST] = own.source[GR_TRAIN];
  gr_import_job job = {
      .options = &own,
      .sink = sink,
      .old = old ? old : options->like,
      .meter = {.on_progress = options->on_progress, .user = options->progress_user}};
  const struct importer *importer;
  gradus_status status = choose_importer(&job, &importer, err);
  if (status == GRADUS_OK && importer->import != gr_import_table &&
      (own.test_every || own.like || own.weights || own.offset))
    status =
        gr_fail(err, GRADUS_ERR_USAGE, "%s: is %s; a table was expected",
                own.source[GR_TRAIN] ? own.source[GR_TRAIN] : own.source[GR_TEST], importer->name);
  if (status == GRADUS_OK) status = importer->import(&job, err);
  for (int s = 0; s < GR_N_SPLITS; s++) {
    gr_free(job.source[s].path);
    gr_free(job.source[s].labels_path);
    gr_input_close(job.source[s].stream);
  }
  if (status != GRADUS_OK && err) make_printable(err->message);
  return status;
}

gradus_status gr_import_read(const gr_import_options *options, gr_dataset *out, gradus_error *err) {
  gr_memory_sink memory = {.limit = options->memory};
  const gr_sink sink = gr_sink_to_memory(&memory);
  gradus_status status = gr_import_run(options, &sink, NULL, err);
  if (status != GRADUS_OK) gr_dataset_free(&memory.out);
  *out = memory.out;
  return status;
}

/* Ends the file, hands out the summary. */
static gradus_status finish(gr_file_sink *file, gradus_status status, gr_dataset *summary,
                            gradus_error *err) {
  status = gr_file_sink_end(file, status, err);
  if (summary) *summary = (gr_dataset){0};
  file->shape.y_is_text = false; /* in the file they are numbers */
  if (status == GRADUS_OK && summary)
    *summary = file->shape;
  else
    gr_dataset_free(&file->shape);
  return status;
}

gradus_status gr_import_write(const gr_import_options *options, const char *path, bool overwrite,
                              gr_dataset *summary, gradus_error *err) {
  if (!overwrite && access(path, F_OK) == 0)
    return gr_fail(err, GRADUS_ERR_CANTCREATE,
                   "%s: exists already; it is kept unless told to overwrite", path);
  gr_file_sink file = {.path = path, .overwrite = overwrite, .storage = options->storage};
  const gr_sink sink = gr_sink_to_file(&file);
  return finish(&file, gr_import_run(options, &sink, NULL, err), summary, err);
}

gradus_status gr_import_append(const gr_import_options *options, const char *path,
                               gr_dataset *summary, gradus_error *err) {
  gr_dataset_rows *old;
  GR_TRY(gr_dataset_rows_open(path, &old, err));
  gr_file_sink file = {
      .path = path,
      .overwrite = true,
      .storage = options->has_storage ? options->storage : gr_dataset_rows_storage(old),
      .old = old};
  const gr_sink sink = gr_sink_to_file(&file);
  gradus_status status = gr_import_run(options, &sink, gr_dataset_rows_shape(old), err);
  status = finish(&file, status, summary, err);
  gr_dataset_rows_close(old);
  return status;
}
