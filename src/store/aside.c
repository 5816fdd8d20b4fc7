/* A reader must never see half a file, and a crash must not leave one under the final name. The
 * file is created with O_EXCL under a name derived from the process, fsynced, and linked or renamed
 * into place; then its directory is fsynced. It does not lock: two writers of one name both
 * succeed, the last rename wins. */
#include <config.h>

#include "store/aside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"

enum { MAX_TRIES = 100 };

static gradus_status refuse_existing(const char *path, gradus_error *err) {
  return gr_fail(err, GRADUS_ERR_CANTCREATE,
                 "%s: exists already; it is kept unless told to overwrite", path);
}

gradus_status gr_aside_create(const char *path, bool overwrite, char **aside, gradus_error *err) {
  if (!overwrite && access(path, F_OK) == 0) return refuse_existing(path, err);
  for (unsigned i = 0; i < MAX_TRIES; i++) {
    gr_text name = {0};
    gr_text_printf(&name, "%s.tmp-%ld-%u", path, (long)getpid(), i);
    if (name.failed) {
      gr_text_free(&name);
      return gr_fail_memory(err, "a file name");
    }
    int fd = open(name.data, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    int code = errno;
    if (fd >= 0) {
      if (close(fd) != 0) return gr_fail_errno(err, GRADUS_ERR_IO, errno, "%s", name.data);
      *aside = name.data;
      return GRADUS_OK;
    }
    gr_text_free(&name);
    if (code != EEXIST)
      return gr_fail_errno(err, GRADUS_ERR_CANTCREATE, code, "%s: cannot be created", path);
  }
  return gr_fail(err, GRADUS_ERR_CANTCREATE, "%s: %d files %s.tmp-... are left over; remove them",
                 path, MAX_TRIES, path);
}

static gradus_status sync_path(const char *path, int flags, gradus_error *err) {
  int fd = open(path, flags | O_CLOEXEC);
  if (fd < 0) return gr_fail_errno(err, GRADUS_ERR_IO, errno, "%s: cannot be opened to sync", path);
  int failed = fsync(fd), code = errno;
  if (close(fd) != 0 && !failed) failed = -1, code = errno;
  if (failed) return gr_fail_errno(err, GRADUS_ERR_IO, code, "%s: cannot be made durable", path);
  return GRADUS_OK;
}

static gradus_status sync_directory_of(const char *path, gradus_error *err) {
  const char *slash = strrchr(path, '/');
  char *directory =
      slash ? gr_strndup(path, slash == path ? 1 : (size_t)(slash - path)) : gr_strdup(".");
  if (!directory) return gr_fail_memory(err, "a file name");
  gradus_status status = sync_path(directory, O_RDONLY | O_DIRECTORY, err);
  gr_free(directory);
  return status;
}

gradus_status gr_aside_publish(const char *aside, const char *path, bool overwrite,
                               gradus_error *err) {
  GR_TRY(sync_path(aside, O_RDONLY, err));
  /* link() refuses an existing name, rename() replaces it; some file systems have no links */
  bool linked = !overwrite && link(aside, path) == 0;
  if (!overwrite && !linked && errno == EEXIST) return refuse_existing(path, err);
  if (linked ? unlink(aside) != 0 : rename(aside, path) != 0)
    return gr_fail_errno(err, GRADUS_ERR_IO, errno, "%s: cannot be renamed to %s", aside, path);
  return sync_directory_of(path, err);
}

void gr_aside_discard(char *aside) {
  if (aside) (void)unlink(aside); /* nothing more can be done about it */
  gr_free(aside);
}
