/* Importers look at their input more than once and trust no length written in it, so they work on
 * the whole file in memory. zlib's gzread gives plain files through unchanged. */
#include <config.h>

#include "interop/bytes.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#include "base/memory.h"

enum { PIECE = 1 << 22 };

/* Room for one more piece. */
static gradus_status make_room(gr_bytes *b, size_t *capacity, const char *path, gradus_error *err) {
  if (*capacity - b->size >= PIECE) return GRADUS_OK;
  if (*capacity > SIZE_MAX / 2 - PIECE) return gr_fail_memory(err, path);
  size_t wanted = *capacity + *capacity / 2 + PIECE;
  char *data = gr_realloc(b->data, wanted, 1);
  if (!data) return gr_fail_memory(err, path);
  b->data = data;
  *capacity = wanted;
  return GRADUS_OK;
}

static gradus_status read_failure(gzFile file, const char *path, size_t reached,
                                  gradus_error *err) {
  int code = Z_OK, system_code = errno;
  const char *text = gzerror(file, &code);
  if (code == Z_MEM_ERROR) return gr_fail_memory(err, path);
  if (code == Z_ERRNO)
    return gr_fail_errno(err, reached ? GRADUS_ERR_IO : GRADUS_ERR_NOINPUT, system_code,
                         "%s: cannot be read", path);
  if (code == Z_BUF_ERROR) text = "the file ends too early";
  return gr_fail(err, GRADUS_ERR_DATA, "%s: damaged gzip data after %zu bytes of contents: %s",
                 path, reached, text);
}

static gradus_status read_all(gzFile file, const char *path, size_t *capacity, gr_bytes *b,
                              gradus_error *err) {
  for (;;) {
    GR_TRY(make_room(b, capacity, path, err));
    errno = 0;
    int n = gzread(file, b->data + b->size, PIECE);
    int code = Z_OK;
    (void)gzerror(file, &code); /* a cut file reads short and is told of here alone */
    if (n < 0 || (code != Z_OK && code != Z_STREAM_END))
      return read_failure(file, path, b->size + (n > 0 ? (size_t)n : 0), err);
    if (n == 0) return GRADUS_OK;
    b->size += (size_t)n;
  }
}

/* Checked before opening, because opening a directory succeeds. */
static gradus_status check_file(const char *path, size_t *size, gradus_error *err) {
  struct stat facts;
  if (stat(path, &facts) != 0)
    return gr_fail_errno(err, GRADUS_ERR_NOINPUT, errno, "%s: cannot be read", path);
  if (S_ISDIR(facts.st_mode))
    return gr_fail(err, GRADUS_ERR_NOINPUT, "%s: is a directory, expected a file", path);
  *size = facts.st_size > 0 ? (size_t)facts.st_size : 0;
  return GRADUS_OK;
}

gradus_status gr_bytes_read(const char *path, gr_bytes *out, gradus_error *err) {
  size_t capacity = 0, size = 0;
  GR_TRY(check_file(path, &size, err));
  gzFile file = gzopen(path, "rbe");
  if (!file) {
    return gr_fail_errno(err, errno ? GRADUS_ERR_NOINPUT : GRADUS_ERR_RESOURCES, errno,
                         "%s: cannot be read", path);
  }
  gr_bytes bytes = {0};
  bytes.data = size < SIZE_MAX / 2 ? gr_alloc(size + PIECE, 1) : NULL;
  if (bytes.data) capacity = size + PIECE;
  gradus_status status = read_all(file, path, &capacity, &bytes, err);
  int closed = gzclose_r(file);
  if (status == GRADUS_OK && closed != Z_OK && closed != Z_BUF_ERROR)
    status = gr_fail(err, GRADUS_ERR_IO, "%s: cannot be closed", path);
  if (status != GRADUS_OK) {
    gr_bytes_free(&bytes);
    return status;
  }
  *out = bytes;
  return GRADUS_OK;
}

void gr_bytes_free(gr_bytes *bytes) {
  gr_free(bytes->data);
  *bytes = (gr_bytes){0};
}
