/* gradus/interop.h: checks arguments, fills in defaults, calls down. */
#include <config.h>

#include <string.h>

#include "base/status.h"
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

GRADUS_API gradus_status gradus_import(const gradus_import_options *options, const char *path,
                                       gradus_error *err) {
  static const struct word transforms[] = {{"none", 0}, {"log", 1}};
  static const struct word tasks[] = {
      {"auto", GR_AUTO}, {"classification", GR_CLASSIFICATION}, {"regression", GR_REGRESSION}};
  gradus_import_options own;
  int log_target = 0, task = GR_AUTO;
  if (!options || !path) return gr_fail(err, GRADUS_ERR_USAGE, "options and path are needed");
  GR_TRY(take_options(options, options->struct_size, &own, sizeof own, err));
  GR_TRY(read_word("target transform", own.target_transform, transforms, 2, &log_target, err));
  GR_TRY(read_word("task", own.task, tasks, 3, &task, err));
  if (log_target && task == GR_CLASSIFICATION)
    return gr_fail(err, GRADUS_ERR_USAGE, "target transform 'log' is for regression, not classes");
  const gr_import_options inner = {.source = {own.train, own.valid, own.test},
                                   .target = own.target,
                                   .log_target = log_target != 0,
                                   .task = task,
                                   .log = {pass_on, &own}};
  return gr_import_write(&inner, path, own.overwrite != 0, err);
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
