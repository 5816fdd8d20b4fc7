/* HDF5 1.10 reads damaged files as silently wrong data more often than not, and crashes on some.
 * One digest over the whole file decides before it is asked. The file is read back after HDF5 has
 * closed it, so the seal also covers what the library really wrote. */
#include <config.h>

#include "store/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "store/hash.h"

#define SEAL_VERSION 1
#define CHUNK ((size_t)1 << 20)
enum { AT_VERSION = 16, AT_SIZE = 20, AT_LENGTH = 24, AT_STEP = 32, AT_DIGEST = 40, DIGEST = 16 };

static const char magic[16] = "gradus seal\r\n\x1a\n";

static void put(unsigned char *at, uint64_t value, int n) {
  for (int i = 0; i < n; i++) at[i] = (unsigned char)(value >> 8 * i);
}

static uint64_t get(const unsigned char *at, int n) {
  uint64_t value = 0;
  for (int i = 0; i < n; i++) value |= (uint64_t)at[i] << 8 * i;
  return value;
}

/* The digest of a file of `length` bytes whose first block is `head`. */
static gradus_status digest(int fd, const unsigned char *head, uint64_t length, const char *path,
                            XXH128_canonical_t *out, gradus_error *err) {
  XXH3_state_t state;
  unsigned char first[GR_SEAL_SIZE];
  unsigned char *chunk = gr_alloc(CHUNK, 1);
  if (!chunk) return gr_fail_memory(err, "reading a checkpoint");
  gradus_status status = GRADUS_OK;
  memcpy(first, head, sizeof first);
  memset(first + AT_DIGEST, 0, DIGEST);
  (void)XXH3_128bits_reset(&state);
  (void)XXH3_128bits_update(&state, first, sizeof first);
  for (uint64_t at = GR_SEAL_SIZE; at < length && status == GRADUS_OK;) {
    size_t wanted = length - at < CHUNK ? (size_t)(length - at) : CHUNK;
    ssize_t n = gr_read_at(fd, chunk, wanted, at);
    if (n != (ssize_t)wanted)
      status = gr_fail_errno(err, GRADUS_ERR_IO, n < 0 ? errno : EIO, "%s: cannot be read", path);
    (void)XXH3_128bits_update(&state, chunk, n > 0 ? (size_t)n : 0);
    at += wanted;
  }
  XXH128_canonicalFromHash(out, XXH3_128bits_digest(&state));
  gr_free(chunk);
  return status;
}

static gradus_status length_of(int fd, const char *path, uint64_t *length, gradus_error *err) {
  struct stat info;
  if (fstat(fd, &info) != 0)
    return gr_fail_errno(err, GRADUS_ERR_IO, errno, "%s: cannot be read", path);
  if (S_ISDIR(info.st_mode))
    return gr_fail(err, GRADUS_ERR_DATA, "%s: is a directory; a checkpoint was expected", path);
  if (!S_ISREG(info.st_mode))
    return gr_fail(err, GRADUS_ERR_DATA, "%s: is not a regular file", path);
  *length = (uint64_t)info.st_size;
  return GRADUS_OK;
}

static gradus_status write_seal(int fd, const char *path, uint64_t step, gradus_error *err) {
  unsigned char head[GR_SEAL_SIZE] = {0};
  uint64_t length = 0;
  XXH128_canonical_t sum;
  GR_TRY(length_of(fd, path, &length, err));
  memcpy(head, magic, sizeof magic);
  put(head + AT_VERSION, SEAL_VERSION, 4);
  put(head + AT_SIZE, GR_SEAL_SIZE, 4);
  put(head + AT_LENGTH, length, 8);
  put(head + AT_STEP, step, 8);
  GR_TRY(digest(fd, head, length, path, &sum, err));
  memcpy(head + AT_DIGEST, sum.digest, DIGEST);
  if (!gr_write_at(fd, head, sizeof head, 0))
    return gr_fail_errno(err, GRADUS_ERR_IO, errno, "%s: its seal cannot be written", path);
  return GRADUS_OK;
}

gradus_status gr_seal_write(const char *file, const char *path, uint64_t step, gradus_error *err) {
  int fd = gr_open(file, O_RDWR, 0);
  if (fd < 0)
    return gr_fail_errno(err, GRADUS_ERR_IO, errno, "%s: its seal cannot be written", path);
  gradus_status status = write_seal(fd, path, step, err);
  int code = gr_close(fd);
  if (code && status == GRADUS_OK)
    status = gr_fail_errno(err, GRADUS_ERR_IO, code, "%s: its seal cannot be written", path);
  return status;
}

static gradus_status damaged(const char *path, const char *how, gradus_error *err) {
  return gr_fail(err, GRADUS_ERR_DAMAGED,
                 "%s: is damaged: %s (if it was edited on purpose: gradus seal)", path, how);
}

/* No seal at its place: a checkpoint that lost it, or something else? */
static gradus_status refuse_unsealed(int fd, const char *path, gradus_error *err) {
  char signature[8] = "";
  ssize_t n = gr_read_at(fd, signature, sizeof signature, GR_SEAL_SIZE);
  if (n < 0) return gr_fail_errno(err, GRADUS_ERR_IO, errno, "%s: cannot be read", path);
  if (n == 8 && memcmp(signature, "\x89HDF\r\n\x1a\n", 8) == 0)
    return damaged(path, "its seal is not one", err);
  return gr_fail(err, GRADUS_ERR_DATA, "%s: is not a gradus checkpoint", path);
}

static gradus_status verify(int fd, const char *path, uint64_t *step, gradus_error *err) {
  unsigned char head[GR_SEAL_SIZE] = {0};
  uint64_t length = 0;
  XXH128_canonical_t sum;
  GR_TRY(length_of(fd, path, &length, err));
  ssize_t n = gr_read_at(fd, head, sizeof head, 0);
  if (n < 0) return gr_fail_errno(err, GRADUS_ERR_IO, errno, "%s: cannot be read", path);
  if (n < (ssize_t)sizeof magic || memcmp(head, magic, sizeof magic) != 0)
    return refuse_unsealed(fd, path, err);
  if (n < GR_SEAL_SIZE) return damaged(path, "it ends within its seal", err);
  if (get(head + AT_LENGTH, 8) != length)
    return damaged(path, "its length is not the sealed one", err);
  GR_TRY(digest(fd, head, length, path, &sum, err));
  if (memcmp(head + AT_DIGEST, sum.digest, DIGEST) != 0)
    return damaged(path, "its contents do not match its seal", err);
  if (get(head + AT_VERSION, 4) != SEAL_VERSION || get(head + AT_SIZE, 4) != GR_SEAL_SIZE)
    return gr_fail(err, GRADUS_ERR_DATA, "%s: its seal is of format %llu; this gradus reads %d",
                   path, (unsigned long long)get(head + AT_VERSION, 4), SEAL_VERSION);
  if (step) *step = get(head + AT_STEP, 8);
  return GRADUS_OK;
}

gradus_status gr_seal_verify(const char *path, uint64_t *step, gradus_error *err) {
  int fd = gr_open(path, O_RDONLY | O_NONBLOCK, 0);
  if (fd < 0) return gr_fail_errno(err, GRADUS_ERR_NOINPUT, errno, "%s: cannot be opened", path);
  gradus_status status = verify(fd, path, step, err);
  (void)gr_close(fd);
  return status;
}

gradus_status gr_seal_is_there(const char *path, bool *there, gradus_error *err) {
  char head[sizeof magic];
  int fd = gr_open(path, O_RDONLY | O_NONBLOCK, 0);
  ssize_t n = fd < 0 ? -1 : gr_read_at(fd, head, sizeof head, 0);
  int code = errno;
  if (fd >= 0) (void)gr_close(fd);
  if (n < 0 && code != EISDIR)
    return gr_fail_errno(err, GRADUS_ERR_IO, code, "%s: cannot be read", path);
  *there = n == (ssize_t)sizeof head && memcmp(head, magic, sizeof head) == 0;
  return GRADUS_OK;
}
