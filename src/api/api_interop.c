/* gradus/interop.h: checks arguments, fills in defaults, calls down. */
#include <config.h>

#include <string.h>

#include "api/internal.h"
#include "base/status.h"
#include "base/text.h"
#include "gradus/interop.h"
#include "interop/generate.h"
#include "interop/import.h"

/* Copies the caller's struct of any release into ours: what it does not have is zero. */
static gradus_status take_options(const void *options, size_t given, void *own, size_t size,
                                  gradus_error *err) {
  if (given < sizeof(size_t) || given > size)
    return gr_fail(err, GRADUS_ERR_USAGE, "struct_size is %zu, expected sizeof the options", given);
  memset(own, 0, size);
  memcpy(own, options, given);
  return GRADUS_OK;
}

struct word {
  const char *text;
  int value;
};

/* NULL is the first word. */
static gradus_status read_word(const char *option, const char *given, const struct word *words,
                               size_t n, int *value, gradus_error *err) {
  for (size_t i = 0; i < n; i++)
    if (!given || strcmp(given, words[i].text) == 0) return *value = words[i].value, GRADUS_OK;
  gradus_status status = gr_fail(err, GRADUS_ERR_USAGE, "%s '%s', expected", option, given);
  for (size_t i = 0; err && i < n; i++) {
    strncat(err->message, i ? " or " : " ", sizeof err->message - strlen(err->message) - 1);
    strncat(err->message, words[i].text, sizeof err->message - strlen(err->message) - 1);
  }
  return status;
}

/* The caller's function behind our log; what `user` points to outlives the call. */
static void pass_on(void *user, gr_level level, const char *text) {
  const gradus_import_options *options = user;
  if (options->on_message) options->on_message(level == GR_INFO ? 0 : 1, text, options->user);
}

static void show_progress(void *user, const gr_import_progress *now) {
  const gradus_import_options *options = user;
  const gradus_import_progress progress = {.struct_size = sizeof progress,
                                           .phase = now->phase,
                                           .done = now->done,
                                           .total = now->total,
                                           .seconds = now->seconds,
                                           .eta_seconds = now->eta_seconds};
  options->on_progress(&progress, options->user);
}

/* "auto" or a number of rows. */
static gradus_status read_chunk(const char *text, uint64_t *rows, gradus_error *err) {
  *rows = GR_CHUNK_AUTO;
  if (!text || strcmp(text, "auto") == 0) return GRADUS_OK;
  if (gr_parse_u64(text, strlen(text), rows) && *rows > 0 && *rows <= UINT32_MAX) return GRADUS_OK;
  return gr_fail(err, GRADUS_ERR_USAGE, "chunk '%s', expected auto or a number of rows", text);
}

/* "none", "gzip" or "gzip:LEVEL". */
static gradus_status read_compress(const char *text, int *level, gradus_error *err) {
  enum { DEFAULT_LEVEL = 4 };
  *level = 0;
  if (!text || strcmp(text, "none") == 0) return GRADUS_OK;
  if (strcmp(text, "gzip") == 0) return *level = DEFAULT_LEVEL, GRADUS_OK;
  if (strncmp(text, "gzip:", 5) == 0 && text[5] >= '1' && text[5] <= '9' && !text[6])
    return *level = text[5] - '0', GRADUS_OK;
  return gr_fail(err, GRADUS_ERR_USAGE, "compress '%s', expected none, gzip or gzip:1 .. gzip:9",
                 text);
}

static gradus_status read_storage(const gradus_import_options *own, gr_import_options *inner,
                                  gradus_error *err) {
  gr_storage *storage = &inner->storage;
  if (own->chunk) GR_TRY(read_chunk(own->chunk, &storage->chunk_rows, err));
  GR_TRY(read_compress(own->compress, &storage->level, err));
  inner->has_storage = own->chunk || own->compress;
  return GRADUS_OK;
}

static gradus_status write_file(const gradus_import_options *own, const gr_import_options *inner,
                                const char *path, gradus_error *err) {
  gr_dataset made = {0};
  if (own->append && own->overwrite)
    return gr_fail(err, GRADUS_ERR_USAGE, "a file is added to or overwritten, not both");
  GR_TRY(own->append ? gr_import_append(inner, path, &made, err)
                     : gr_import_write(inner, path, own->overwrite != 0, &made, err));
  gradus_status status =
      own->summary ? gr_api_describe_dataset(&made, path, own->summary_json != 0, own->summary, err)
                   : GRADUS_OK;
  gr_dataset_free(&made);
  return status;
}

GRADUS_API gradus_status gradus_import(const gradus_import_options *options, const char *path,
                                       gradus_error *err) {
  static const struct word transforms[] = {{"none", 0}, {"log", 1}};
  static const struct word tasks[] = {
      {"auto", GR_AUTO}, {"classification", GR_CLASSIFICATION}, {"regression", GR_REGRESSION}};
  gradus_import_options own;
  int log_target = 0, task = GR_AUTO;
  if (!options || !path) return gr_fail(err, GRADUS_ERR_USAGE, "options and path are needed");
  GR_TRY(take_options(options, options->struct_size, &own, sizeof own, err));
  if (own.summary) *own.summary = NULL;
  GR_TRY(read_word("target transform", own.target_transform, transforms, 2, &log_target, err));
  GR_TRY(read_word("task", own.task, tasks, 3, &task, err));
  if (log_target && task == GR_CLASSIFICATION)
    return gr_fail(err, GRADUS_ERR_USAGE, "target transform 'log' is for regression, not classes");
  gr_import_options inner = {.source = {own.train, own.valid, own.test},
                             .target = own.target,
                             .weights = own.weights,
                             .offset = own.offset,
                             .log_target = log_target != 0,
                             .task = task,
                             .log = {pass_on, &own},
                             .max_bad_rows = own.max_bad_rows,
                             .test_every = own.test_every,
                             .n_columns = own.n_columns,
                             .on_progress = own.on_progress ? show_progress : NULL,
                             .progress_user = &own};
  if (own.n_columns > INT32_MAX)
    return gr_fail(err, GRADUS_ERR_USAGE, "columns %lu, expected at most 2147483647",
                   (unsigned long)own.n_columns);
  GR_TRY(read_storage(&own, &inner, err));
  return write_file(&own, &inner, path, err);
}

GRADUS_API gradus_status gradus_generate(const char *kind, const gradus_generate_options *options,
                                         const char *path, gradus_error *err) {
  gradus_generate_options own = {.noise = -1};
  if (!kind || !path) return gr_fail(err, GRADUS_ERR_USAGE, "kind and path are needed");
  if (options) GR_TRY(take_options(options, options->struct_size, &own, sizeof own, err));
  _Static_assert(GRADUS_NO_ROWS == GR_NO_ROWS, "passed on as it is");
  const gr_generate_options inner = {.n_rows = {own.train_rows, own.valid_rows, own.test_rows},
                                     .seed = own.seed,
                                     .noise = own.noise};
  return gr_generate_write(kind, &inner, path, own.overwrite != 0, err);
}

GRADUS_API const char *gradus_generate_kind(size_t index) {
  const gr_generator *generator = gr_generator_at(index);
  return generator ? generator->name : NULL;
}

GRADUS_API const char *gradus_generate_help(size_t index) {
  const gr_generator *generator = gr_generator_at(index);
  return generator ? generator->help : NULL;
}
