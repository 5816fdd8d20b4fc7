/* Sealing anew what was edited on purpose (with h5py, say). The copy is made aside and takes the
 * file's name only when it reads as a checkpoint and is sealed, so a failure changes nothing. */
#include <config.h>

#include <errno.h>
#include <fcntl.h>

#include "base/file.h"
#include "base/memory.h"
#include "store/aside.h"
#include "store/checkpoint_file.h"
#include "store/seal.h"

#define CHUNK ((size_t)1 << 20)

/* Copies all of `from` to `to` through `chunk`; 0 or an errno. */
static int copy_bytes(int from, int to, char *chunk) {
  for (uint64_t at = 0;;) {
    ssize_t n = gr_read_at(from, chunk, CHUNK, at);
    if (n == 0) return 0;
    if (n < 0 || !gr_write_at(to, chunk, (size_t)n, at)) return errno;
    at += (uint64_t)n;
  }
}

static gradus_status copy_file(const char *from, const char *to, gradus_error *err) {
  char *chunk = gr_alloc(CHUNK, 1);
  int in = gr_open(from, O_RDONLY, 0), code = in < 0 ? errno : 0;
  int out = in < 0 ? -1 : gr_open(to, O_WRONLY, 0);
  if (!code && out < 0) code = errno;
  if (!code && chunk) code = copy_bytes(in, out, chunk);
  int closed = out < 0 ? 0 : gr_close(out);
  if (!code) code = closed;
  if (in >= 0) (void)gr_close(in); /* it was only read */
  bool had_memory = chunk != NULL;
  gr_free(chunk);
  if (!had_memory) return gr_fail_memory(err, "copying a file");
  if (code) return gr_fail_errno(err, GRADUS_ERR_IO, code, "%s: cannot be copied", from);
  return GRADUS_OK;
}

/* The content must make sense; its step goes into the seal. */
static gradus_status read_step(const char *path, uint64_t *step, gradus_error *err) {
  gr_checkpoint checkpoint;
  GR_TRY(gr_checkpoint_read_unsealed(path, &checkpoint, err));
  *step = checkpoint.state.step;
  gr_checkpoint_free(&checkpoint);
  return GRADUS_OK;
}

gradus_status gr_checkpoint_seal(const char *path, gradus_error *err) {
  uint64_t step = 0;
  char *aside = NULL;
  GR_TRY(read_step(path, &step, err));
  GR_TRY(gr_aside_create(path, true, &aside, err));
  gradus_status status = copy_file(path, aside, err);
  if (status == GRADUS_OK) status = gr_seal_write(aside, path, step, err);
  return gr_aside_end(aside, path, true, status, err);
}
