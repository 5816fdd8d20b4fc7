/* Text is gathered in memory and written in large pieces by write(2): standard output belongs to
 * the program, so nothing of stdio is touched. A file appears under its name only when complete. */
#include <config.h>

#include "interop/output.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "store/aside.h"

enum { PIECE = 65536 };

gradus_status gr_output_open(gr_output *output, const char *path, bool overwrite,
                             gradus_error *err) {
  output->path = path;
  output->overwrite = overwrite;
  if (strcmp(path, "-") == 0) {
    output->path = "standard output";
    output->fd = STDOUT_FILENO;
    output->is_open = true;
    return GRADUS_OK;
  }
  GR_TRY(gr_aside_create(path, overwrite, &output->aside, err));
  output->fd = open(output->aside, O_WRONLY | O_CLOEXEC);
  if (output->fd < 0)
    return gr_fail_errno(err, GRADUS_ERR_CANTCREATE, errno, "%s: cannot be opened", path);
  output->is_open = true;
  return GRADUS_OK;
}

static gradus_status write_all(gr_output *output, gradus_error *err) {
  if (output->buffer.failed) return gr_fail_memory(err, "a piece of output");
  const char *at = output->buffer.data;
  for (size_t left = output->buffer.length; left > 0;) {
    ssize_t n = write(output->fd, at, left);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0)
      return gr_fail_errno(err, GRADUS_ERR_IO, errno, "%s: cannot be written", output->path);
    at += n;
    left -= (size_t)n;
  }
  output->buffer.length = 0;
  return GRADUS_OK;
}

gradus_status gr_output_drain(gr_output *output, gradus_error *err) {
  bool due = output->buffer.failed || output->buffer.length >= PIECE;
  return due ? write_all(output, err) : GRADUS_OK;
}

gradus_status gr_output_commit(gr_output *output, gradus_error *err) {
  GR_TRY(write_all(output, err));
  if (!output->aside) return GRADUS_OK;
  output->is_open = false;
  if (close(output->fd) != 0)
    return gr_fail_errno(err, GRADUS_ERR_IO, errno, "%s: cannot be written", output->path);
  GR_TRY(gr_aside_publish(output->aside, output->path, output->overwrite, err));
  gr_free(output->aside);
  output->aside = NULL;
  return GRADUS_OK;
}

void gr_output_close(gr_output *output) {
  if (output->is_open && output->aside) (void)close(output->fd); /* the file is removed anyway */
  gr_aside_discard(output->aside);
  gr_text_free(&output->buffer);
  *output = (gr_output){0};
}
