/* The directory stands at the end: found from its end record, which is searched backwards behind a
 * comment of at most 64 KiB. Sizes of 2^32 - 1 stand for those of the zip64 fields. Checksums are
 * not compared: the arrays inside have sizes that must fit, and numbers that must be finite. */
#include <config.h>

#include "interop/zip.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"

enum {
  END_SIZE = 22,
  LOCATOR_SIZE = 20,
  END64_SIZE = 56,
  ENTRY_SIZE = 46,
  LOCAL_SIZE = 30,
  MAX_COMMENT = 65535,
  MAX_MEMBERS = 100000
};
#define MAX_DIRECTORY ((uint64_t)1 << 26)

static unsigned u16(const unsigned char *p) {
  return (unsigned)p[0] | (unsigned)p[1] << 8;
}
static uint64_t u32(const unsigned char *p) {
  return (uint64_t)u16(p) | (uint64_t)u16(p + 2) << 16;
}
static uint64_t u64(const unsigned char *p) {
  return u32(p) | u32(p + 4) << 32;
}

static gradus_status broken(const gr_zip *zip, const char *why, gradus_error *err) {
  return gr_fail(err, GRADUS_ERR_DATA, "%s: damaged zip archive: %s", gr_input_name(zip->stream),
                 why);
}

static gradus_status read_at(const gr_zip *zip, uint64_t at, void *out, size_t n,
                             gradus_error *err) {
  if (at > zip->length || n > zip->length - at) return broken(zip, "it ends too early", err);
  for (char *to = out; n > 0;) {
    ssize_t got = pread(zip->fd, to, n, (off_t)at);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0)
      return gr_fail_errno(err, GRADUS_ERR_IO, errno, "%s: cannot be read",
                           gr_input_name(zip->stream));
    if (got == 0) return broken(zip, "it ends too early", err);
    to += got;
    at += (uint64_t)got;
    n -= (size_t)got;
  }
  return GRADUS_OK;
}

struct directory {
  uint64_t at, size, n;
};

static gradus_status read_zip64_end(const gr_zip *zip, uint64_t end_at, struct directory *d,
                                    gradus_error *err) {
  unsigned char locator[LOCATOR_SIZE], end[END64_SIZE];
  if (end_at < LOCATOR_SIZE) return GRADUS_OK;
  GR_TRY(read_at(zip, end_at - LOCATOR_SIZE, locator, LOCATOR_SIZE, err));
  if (memcmp(locator, "PK\6\7", 4) != 0) return GRADUS_OK;
  GR_TRY(read_at(zip, u64(locator + 8), end, END64_SIZE, err));
  if (memcmp(end, "PK\6\6", 4) != 0) return broken(zip, "its zip64 end record is missing", err);
  *d = (struct directory){u64(end + 48), u64(end + 40), u64(end + 32)};
  return GRADUS_OK;
}

static gradus_status find_directory(const gr_zip *zip, struct directory *d, gradus_error *err) {
  size_t n = zip->length < END_SIZE + MAX_COMMENT ? (size_t)zip->length : END_SIZE + MAX_COMMENT;
  if (n < END_SIZE) return broken(zip, "it ends too early", err);
  unsigned char *tail = gr_alloc(n, 1);
  if (!tail) return gr_fail_memory(err, "a zip directory");
  uint64_t base = zip->length - n, found = UINT64_MAX;
  gradus_status status = read_at(zip, base, tail, n, err);
  for (size_t i = n - END_SIZE + 1; status == GRADUS_OK && i-- > 0 && found == UINT64_MAX;) {
    const unsigned char *p = tail + i;
    if (memcmp(p, "PK\5\6", 4) != 0) continue;
    found = base + i;
    *d = (struct directory){u32(p + 16), u32(p + 12), u16(p + 10)};
  }
  gr_free(tail);
  if (status != GRADUS_OK) return status;
  if (found == UINT64_MAX) return broken(zip, "it has no directory at its end", err);
  return read_zip64_end(zip, found, d, err);
}

/* Values of 2^32 - 1 are in the extra field 1, in this order. */
static gradus_status take_zip64(const gr_zip *zip, gr_zip_member *m, const unsigned char *extra,
                                size_t n, gradus_error *err) {
  uint64_t *wanted[3] = {&m->size, &m->packed, &m->offset};
  if (m->size != UINT32_MAX && m->packed != UINT32_MAX && m->offset != UINT32_MAX) return GRADUS_OK;
  for (size_t i = 0; n - i >= 4;) {
    size_t size = u16(extra + i + 2), at = i + 4;
    if (size > n - at) break;
    if (u16(extra + i) != 1) {
      i = at + size;
      continue;
    }
    size_t end = at + size;
    for (int k = 0; k < 3; k++) {
      if (*wanted[k] != UINT32_MAX) continue;
      if (end - at < 8) return broken(zip, "its zip64 sizes are missing", err);
      *wanted[k] = u64(extra + at);
      at += 8;
    }
    return GRADUS_OK;
  }
  return GRADUS_OK; /* a member of just that size */
}

static gradus_status take_member(gr_zip *zip, const unsigned char *p, size_t left, size_t *used,
                                 gradus_error *err) {
  if (left < ENTRY_SIZE || memcmp(p, "PK\1\2", 4) != 0)
    return broken(zip, "its directory is damaged", err);
  size_t name = u16(p + 28), extra = u16(p + 30), comment = u16(p + 32);
  *used = ENTRY_SIZE + name + extra + comment;
  if (*used > left) return broken(zip, "its directory is cut", err);
  gr_zip_member *m = &zip->members[zip->n];
  *m = (gr_zip_member){.flags = u16(p + 8),
                       .method = u16(p + 10),
                       .packed = u32(p + 20),
                       .size = u32(p + 24),
                       .offset = u32(p + 42)};
  GR_TRY(take_zip64(zip, m, p + ENTRY_SIZE + name, extra, err));
  m->name = gr_strndup((const char *)p + ENTRY_SIZE, name);
  if (!m->name) return gr_fail_memory(err, "names in a zip archive");
  for (char *c = m->name; *c; c++)
    if ((unsigned char)*c < 0x20) *c = '?'; /* names are shown */
  zip->n++;
  return GRADUS_OK;
}

static gradus_status read_directory(gr_zip *zip, const struct directory *d, gradus_error *err) {
  if (d->n > MAX_MEMBERS || d->size > MAX_DIRECTORY || d->n > d->size / ENTRY_SIZE)
    return broken(zip, "its directory has no such size", err);
  unsigned char *bytes = gr_alloc((size_t)d->size, 1);
  zip->members = gr_calloc((size_t)d->n, sizeof *zip->members);
  gradus_status status = bytes && zip->members ? read_at(zip, d->at, bytes, (size_t)d->size, err)
                                               : gr_fail_memory(err, "a zip directory");
  size_t at = 0, used = 0;
  for (uint64_t i = 0; i < d->n && status == GRADUS_OK; i++, at += used)
    status = take_member(zip, bytes + at, (size_t)d->size - at, &used, err);
  gr_free(bytes);
  return status;
}

gradus_status gr_zip_open(gr_zip *zip, gr_input *stream, gradus_error *err) {
  struct directory d = {0};
  uint64_t offset;
  zip->stream = stream;
  GR_TRY(gr_input_descriptor(stream, &zip->fd, &offset, err));
  off_t end = lseek(zip->fd, 0, SEEK_END);
  if (end < 0)
    return gr_fail_errno(err, GRADUS_ERR_IO, errno, "%s: cannot be read", gr_input_name(stream));
  zip->length = (uint64_t)end;
  GR_TRY(find_directory(zip, &d, err));
  return read_directory(zip, &d, err);
}

void gr_zip_close(gr_zip *zip) {
  for (size_t i = 0; i < zip->n; i++) gr_free(zip->members[i].name);
  gr_free(zip->members);
  *zip = (gr_zip){0};
}

static gradus_status open_member(const gr_zip *zip, const gr_zip_member *m, const char *name,
                                 gr_input **out, gradus_error *err) {
  unsigned char local[LOCAL_SIZE];
  if (m->flags & 1)
    return gr_fail(err, GRADUS_ERR_DATA, "%s: is encrypted; extract it first", name);
  if (m->method != 0 && m->method != 8)
    return gr_fail(err, GRADUS_ERR_DATA,
                   "%s: is packed by method %u; expected stored or deflated ones", name, m->method);
  GR_TRY(read_at(zip, m->offset, local, LOCAL_SIZE, err));
  if (memcmp(local, "PK\3\4", 4) != 0)
    return broken(zip, "a member is not where it should be", err);
  uint64_t at = m->offset + LOCAL_SIZE + u16(local + 26) + u16(local + 28);
  if (at > zip->length || m->packed > zip->length - at)
    return broken(zip, "a member goes beyond its end", err);
  if (m->method == 0 && m->packed != m->size)
    return broken(zip, "a stored member has two sizes", err);
  return gr_input_open_part(zip->fd, name, at, m->packed, m->size, m->method == 8, out, err);
}

gradus_status gr_zip_read(const gr_zip *zip, const gr_zip_member *m, gr_input **out,
                          gradus_error *err) {
  gr_text name = {0};
  *out = NULL;
  gr_text_printf(&name, "%s: %s", gr_input_name(zip->stream), m->name);
  gradus_status status =
      name.failed ? gr_fail_memory(err, "a name") : open_member(zip, m, name.data, out, err);
  gr_text_free(&name);
  return status;
}
