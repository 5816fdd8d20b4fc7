/* What several entries of the public interface share. */
#include <config.h>

#include "api/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "train/files.h"
#include "train/run_directory.h"

gradus_status gr_api_give_text(gr_text *text, char **out, gradus_error *err) {
  gr_text_puts(text, ""); /* never NULL */
  if (text->failed) {
    gr_text_free(text);
    *out = NULL;
    return gr_fail_memory(err, "a text");
  }
  *out = text->data;
  *text = (gr_text){0};
  return GRADUS_OK;
}

gradus_status gr_api_copy_in(void *ours, size_t size, const void *theirs, size_t given,
                             const char *what, gradus_error *err) {
  if (given < sizeof(size_t) || given > 65536)
    return gr_fail(err, GRADUS_ERR_USAGE, "%s: struct_size is %zu, set it to sizeof", what, given);
  memset(ours, 0, size);
  memcpy(ours, theirs, given < size ? given : size);
  return GRADUS_OK;
}

void gr_api_copy_out(void *theirs, size_t given, const void *ours, size_t size) {
  memcpy(theirs, ours, given < size ? given : size);
  memcpy(theirs, &given, sizeof given); /* struct_size is the first member */
}

gradus_status gr_api_split(const char *name, gr_split_id *out, gradus_error *err) {
  for (int s = 0; s < GR_N_SPLITS; s++) {
    if (strcmp(name, gr_split_names[s]) != 0) continue;
    *out = (gr_split_id)s;
    return GRADUS_OK;
  }
  return gr_fail(err, GRADUS_ERR_USAGE, "there is no split '%s': it is train, valid or test", name);
}

/* A file of ours has a user block of 4096 bytes; others begin with HDF5's signature, or with a
 * shorter block. */
static gradus_status look_inside(const char *path, gr_api_kind *out, gradus_error *err) {
  static const char signature[8] = {'\211', 'H', 'D', 'F', '\r', '\n', '\032', '\n'};
  static const off_t elsewhere[] = {0, 512, 1024, 2048};
  char head[4096 + sizeof signature] = "";
  int fd = gr_open(path, O_RDONLY | O_NONBLOCK, 0);
  if (fd < 0) return gr_fail_errno(err, GRADUS_ERR_NOINPUT, errno, "%s: cannot open", path);
  ssize_t n = gr_read_at(fd, head, sizeof head, 0);
  int code = n < 0 ? errno : 0;
  (void)gr_close(fd); /* it was only read */
  if (code) return gr_fail_errno(err, GRADUS_ERR_IO, code, "%s: cannot be read", path);
  *out = GR_API_DATASET;
  if (memcmp(head, "gradus", 6) == 0 || memcmp(head + 4096, signature, sizeof signature) == 0)
    *out = GR_API_CHECKPOINT;
  for (size_t i = 0; i < sizeof elsewhere / sizeof elsewhere[0]; i++)
    if (memcmp(head + elsewhere[i], signature, sizeof signature) == 0) *out = GR_API_DATASET;
  return GRADUS_OK;
}

gradus_status gr_api_kind_of(const char *path, gr_api_kind *out, gradus_error *err) {
  struct stat info;
  if (stat(path, &info) != 0)
    return gr_fail_errno(err, GRADUS_ERR_NOINPUT, errno, "%s: cannot open", path);
  if (S_ISDIR(info.st_mode)) {
    *out = GR_API_RUN;
    return GRADUS_OK;
  }
  return look_inside(path, out, err);
}

static gradus_status read_newest(const char *directory, gr_checkpoint *out, bool *found,
                                 char *path_out, gradus_error *err) {
  char folder[GR_RUN_FILE];
  *found = false;
  gr_run_file(directory, "checkpoints", folder);
  return gr_file_exists(folder) ? gr_checkpoint_newest(folder, NULL, out, found, path_out, err)
                                : GRADUS_OK;
}

gradus_status gr_api_read_state(const char *directory, gr_checkpoint *out, bool *found,
                                gradus_error *err) {
  return read_newest(directory, out, found, NULL, err);
}

static gradus_status read_run(const char *directory, gr_checkpoint *out, char *path_out,
                              gradus_error *err) {
  static const char *const names[] = {"best.h5", "final.h5"};
  bool found = false;
  if (strlen(directory) >= GR_RUN_PATH)
    return gr_fail(err, GRADUS_ERR_NOINPUT, "the run directory's name is too long");
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    gr_run_file(directory, names[i], path_out);
    if (gr_file_exists(path_out)) return gr_checkpoint_read(path_out, out, err);
  }
  GR_TRY(read_newest(directory, out, &found, path_out, err));
  if (found) return GRADUS_OK;
  return gr_fail(err, GRADUS_ERR_NOINPUT,
                 "%s: holds no model (no best.h5, final.h5 or intact checkpoints/step-*.h5)",
                 directory);
}

gradus_status gr_api_read_model(const char *path, gr_checkpoint *out, char *path_out,
                                gradus_error *err) {
  gr_api_kind kind;
  GR_TRY(gr_api_kind_of(path, &kind, err));
  if (kind == GR_API_RUN) return read_run(path, out, path_out, err);
  snprintf(path_out, 4096, "%s", path);
  return gr_checkpoint_read(path, out, err);
}
