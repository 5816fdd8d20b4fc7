/* Importers look at their input more than once and trust no length written in it; they read it in
 * pieces. zlib's gzread gives plain files through unchanged; members of archives are inflated here.
 * Random access (Fortran order) is only had from plain files, so others are copied to a temporary
 * one first, which the system removes with the last descriptor. */
#include <config.h>

#include "interop/input.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/memory.h"

enum { PIECE = 1 << 18 };

/* A zip member being read. */
struct part {
  int fd;
  bool deflated, started, finished;
  uint64_t offset, packed, used; /* used: of the packed bytes */
  z_stream z;
  unsigned char *piece; /* [PIECE] packed bytes waiting in z.next_in */
};

struct gr_input {
  char *name;
  gzFile file; /* a file; NULL for a part */
  int fd;      /* of the file, for pread: a duplicate */
  bool plain;
  struct part part;
  uint64_t length, size, at; /* at: bytes of contents delivered */
  int copy;                  /* the temporary copy, or -1 */
};

static gradus_status cannot_read(const gr_input *s, int code, gradus_error *err) {
  return gr_fail_errno(err, s->at ? GRADUS_ERR_IO : GRADUS_ERR_NOINPUT, code, "%s: cannot be read",
                       s->name);
}

static gradus_status make(const char *name, gr_input **out, gradus_error *err) {
  gr_input *s = gr_calloc(1, sizeof *s);
  if (s) s->name = gr_strdup(name);
  if (!s || !s->name) {
    gr_free(s);
    return gr_fail_memory(err, name);
  }
  s->fd = s->copy = s->part.fd = -1;
  *out = s;
  return GRADUS_OK;
}

/* ---- temporary copies ---- */

static gradus_status make_copy(const gr_input *s, int *fd, gradus_error *err) {
  FILE *file = tmpfile();
  *fd = file ? dup(fileno(file)) : -1;
  int code = errno;
  if (file) (void)fclose(file); /* nothing was written through it */
  if (*fd >= 0) return GRADUS_OK;
  return gr_fail_errno(err, GRADUS_ERR_CANTCREATE, code, "%s: no temporary copy can be made",
                       s->name);
}

static gradus_status write_copy(const gr_input *s, int fd, const char *bytes, size_t n,
                                gradus_error *err) {
  while (n > 0) {
    ssize_t done = write(fd, bytes, n);
    if (done < 0 && errno == EINTR) continue;
    if (done < 0)
      return gr_fail_errno(err, GRADUS_ERR_IO, errno, "%s: no temporary copy can be written",
                           s->name);
    bytes += done;
    n -= (size_t)done;
  }
  return GRADUS_OK;
}

/* All of `from`, which may be a pipe, into a temporary file at its beginning. */
static gradus_status copy_descriptor(const gr_input *s, int from, int to, gradus_error *err) {
  char *piece = gr_alloc(PIECE, 1);
  if (!piece) return gr_fail_memory(err, s->name);
  gradus_status status = GRADUS_OK;
  while (status == GRADUS_OK) {
    ssize_t n = read(from, piece, PIECE);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) status = cannot_read(s, errno, err);
    if (n <= 0) break;
    status = write_copy(s, to, piece, (size_t)n, err);
  }
  gr_free(piece);
  if (status == GRADUS_OK && lseek(to, 0, SEEK_SET) != 0) status = cannot_read(s, errno, err);
  return status;
}

/* ---- opening ---- */

/* A pipe becomes a file. */
static gradus_status settle(gr_input *s, struct stat *facts, gradus_error *err) {
  int fd = -1;
  if (S_ISREG(facts->st_mode)) return GRADUS_OK;
  GR_TRY(make_copy(s, &fd, err));
  gradus_status status = copy_descriptor(s, s->fd, fd, err);
  if (status == GRADUS_OK && fstat(fd, facts) != 0) status = cannot_read(s, errno, err);
  (void)close(s->fd);
  s->fd = fd;
  return status;
}

static gradus_status open_file(gr_input *s, const char *path, gradus_error *err) {
  struct stat facts;
  s->fd = open(path, O_RDONLY | O_CLOEXEC);
  if (s->fd < 0 || fstat(s->fd, &facts) != 0) return cannot_read(s, errno, err);
  if (S_ISDIR(facts.st_mode))
    return gr_fail(err, GRADUS_ERR_NOINPUT, "%s: is a directory, expected a file", path);
  GR_TRY(settle(s, &facts, err));
  s->length = facts.st_size > 0 ? (uint64_t)facts.st_size : 0;
  (void)posix_fadvise(s->fd, 0, 0, POSIX_FADV_SEQUENTIAL); /* an advice */
  int own = fcntl(s->fd, F_DUPFD_CLOEXEC, 0);
  if (own < 0) return cannot_read(s, errno, err);
  s->file = gzdopen(own, "rb");
  if (!s->file) {
    (void)close(own);
    return gr_fail_memory(err, path);
  }
  (void)gzbuffer(s->file, PIECE); /* a wish */
  s->plain = gzdirect(s->file) != 0;
  s->size = s->plain ? s->length : UINT64_MAX;
  return GRADUS_OK;
}

gradus_status gr_input_open(const char *path, gr_input **out, gradus_error *err) {
  *out = NULL;
  gr_input *s = NULL;
  GR_TRY(make(path, &s, err));
  gradus_status status = open_file(s, path, err);
  if (status != GRADUS_OK)
    gr_input_close(s);
  else
    *out = s;
  return status;
}

gradus_status gr_input_open_part(int fd, const char *name, uint64_t offset, uint64_t packed,
                                 uint64_t size, bool deflated, gr_input **out, gradus_error *err) {
  *out = NULL;
  gr_input *s = NULL;
  GR_TRY(make(name, &s, err));
  s->part = (struct part){.fd = fd, .deflated = deflated, .offset = offset, .packed = packed};
  s->length = packed;
  s->size = size;
  s->plain = !deflated;
  s->part.piece = gr_alloc(PIECE, 1);
  gradus_status status = s->part.piece ? gr_input_rewind(s, err) : gr_fail_memory(err, name);
  if (status != GRADUS_OK)
    gr_input_close(s);
  else
    *out = s;
  return status;
}

void gr_input_close(gr_input *s) {
  if (!s) return;
  if (s->file) (void)gzclose_r(s->file); /* reading: nothing can be lost */
  if (s->part.started) (void)inflateEnd(&s->part.z);
  if (s->fd >= 0) (void)close(s->fd);
  if (s->copy >= 0) (void)close(s->copy);
  gr_free(s->part.piece);
  gr_free(s->name);
  gr_free(s);
}

/* ---- reading ---- */

static gradus_status damaged(const gr_input *s, const char *kind, const char *text,
                             gradus_error *err) {
  return gr_fail(err, GRADUS_ERR_DATA, "%s: damaged %s data after %llu bytes of contents: %s",
                 s->name, kind, (unsigned long long)s->at, text);
}

static gradus_status read_file(gr_input *s, char *out, size_t n, size_t *got, gradus_error *err) {
  errno = 0;
  int read = gzread(s->file, out, (unsigned)n), code = Z_OK;
  int system_code = errno;
  const char *text = gzerror(s->file, &code); /* a cut file reads short and is told of here alone */
  if (read > 0) s->at += (unsigned)read;
  if (read < 0 || (code != Z_OK && code != Z_STREAM_END)) {
    if (code == Z_MEM_ERROR) return gr_fail_memory(err, s->name);
    if (code == Z_ERRNO) return cannot_read(s, system_code, err);
    return damaged(s, "gzip", code == Z_BUF_ERROR ? "the file ends too early" : text, err);
  }
  *got = (size_t)read;
  return GRADUS_OK;
}

static gradus_status pread_part(gr_input *s, void *out, size_t n, size_t *got, gradus_error *err) {
  struct part *p = &s->part;
  ssize_t read;
  if (n > p->packed - p->used) n = (size_t)(p->packed - p->used);
  do {
    read = n ? pread(p->fd, out, n, (off_t)(p->offset + p->used)) : 0;
  } while (read < 0 && errno == EINTR);
  if (read < 0) return cannot_read(s, errno, err);
  if (read == 0 && n > 0)
    return gr_fail(err, GRADUS_ERR_DATA, "%s: the archive ends inside it", s->name);
  p->used += (uint64_t)read;
  *got = (size_t)read;
  return GRADUS_OK;
}

static gradus_status inflate_part(gr_input *s, char *out, size_t n, size_t *got,
                                  gradus_error *err) {
  struct part *p = &s->part;
  p->z.next_out = (unsigned char *)out;
  p->z.avail_out = (unsigned)n;
  while (p->z.avail_out > 0 && !p->finished) {
    if (p->z.avail_in == 0) {
      size_t more = 0;
      GR_TRY(pread_part(s, p->piece, PIECE, &more, err));
      if (more == 0) return damaged(s, "deflate", "it ends too early", err);
      p->z.next_in = p->piece;
      p->z.avail_in = (unsigned)more;
    }
    int code = inflate(&p->z, Z_NO_FLUSH);
    if (code == Z_MEM_ERROR) return gr_fail_memory(err, s->name);
    if (code != Z_OK && code != Z_STREAM_END)
      return damaged(s, "deflate", p->z.msg ? p->z.msg : "no such data", err);
    p->finished = code == Z_STREAM_END;
  }
  *got = n - p->z.avail_out;
  s->at += *got;
  return GRADUS_OK;
}

static gradus_status read_some(gr_input *s, char *out, size_t n, size_t *got, gradus_error *err) {
  if (n > INT_MAX) n = INT_MAX;
  if (s->file) return read_file(s, out, n, got, err);
  if (s->part.deflated) return inflate_part(s, out, n, got, err);
  GR_TRY(pread_part(s, out, n, got, err));
  s->at += *got;
  return GRADUS_OK;
}

gradus_status gr_input_read(gr_input *s, void *out, size_t n, size_t *got, gradus_error *err) {
  *got = 0;
  while (*got < n) {
    size_t some = 0;
    GR_TRY(read_some(s, (char *)out + *got, n - *got, &some, err));
    if (some == 0) break;
    *got += some;
  }
  return GRADUS_OK;
}

gradus_status gr_input_read_all(gr_input *s, void *out, size_t n, gradus_error *err) {
  size_t got;
  GR_TRY(gr_input_read(s, out, n, &got, err));
  if (got == n) return GRADUS_OK;
  return gr_fail(err, GRADUS_ERR_DATA, "%s: ends at byte %llu; more was expected", s->name,
                 (unsigned long long)s->at);
}

static gradus_status rewind_part(gr_input *s, gradus_error *err) {
  struct part *p = &s->part;
  p->used = 0;
  p->finished = false;
  p->z.avail_in = 0;
  if (!p->deflated) return GRADUS_OK;
  int code = p->started ? inflateReset(&p->z) : inflateInit2(&p->z, -15);
  if (code != Z_OK) return gr_fail_memory(err, s->name);
  p->started = true;
  return GRADUS_OK;
}

gradus_status gr_input_rewind(gr_input *s, gradus_error *err) {
  s->at = 0;
  if (!s->file) return rewind_part(s, err);
  if (gzrewind(s->file) != 0) return cannot_read(s, errno, err);
  return GRADUS_OK;
}

/* ---- random access ---- */

static gradus_status copy_contents(gr_input *s, gradus_error *err) {
  char *piece = gr_alloc(PIECE, 1);
  size_t got = 1;
  gradus_status status = piece ? gr_input_rewind(s, err) : gr_fail_memory(err, s->name);
  while (status == GRADUS_OK && got > 0) {
    status = gr_input_read(s, piece, PIECE, &got, err);
    if (status == GRADUS_OK) status = write_copy(s, s->copy, piece, got, err);
  }
  gr_free(piece);
  return status;
}

gradus_status gr_input_descriptor(gr_input *s, int *fd, uint64_t *offset, gradus_error *err) {
  *offset = 0;
  if (s->plain) {
    *fd = s->file ? s->fd : s->part.fd;
    if (!s->file) *offset = s->part.offset;
    return GRADUS_OK;
  }
  if (s->copy < 0) {
    GR_TRY(make_copy(s, &s->copy, err));
    GR_TRY(copy_contents(s, err));
  }
  *fd = s->copy;
  return GRADUS_OK;
}

/* ---- facts ---- */

uint64_t gr_input_consumed(const gr_input *s) {
  if (!s->file) return s->part.used;
  if (s->plain) return s->at;
  z_off_t at = gzoffset(s->file);
  return at > 0 ? (uint64_t)at : 0;
}

uint64_t gr_input_length(const gr_input *s) {
  return s->length;
}

uint64_t gr_input_size(const gr_input *s) {
  return s->size;
}

const char *gr_input_name(const gr_input *s) {
  return s->name;
}
