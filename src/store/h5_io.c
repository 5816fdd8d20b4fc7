/* HDF5 reaches a file through a table of functions (H5FD_class_t, the "virtual file layer"). Ours
 * does what the library's own sec2 driver does, with the same flags, so that the files are the same
 * bytes; but it owns no name, follows no link and takes no lock. */
#include <config.h>

#include "store/h5_io.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#if H5_VERSION_GE(1, 13, 0)
#include <H5FDdevelop.h>
#endif

#include "base/file.h"
#include "base/memory.h"

/* Offsets of files are signed. */
#define MOST ((haddr_t)INT64_MAX)

struct gr_h5_io {
  int fd, code;
  bool writing;
  int users;          /* we, and each driver object of HDF5 */
  gr_h5_watch *watch; /* or NULL */
};

/* What HDF5 opens; its own part comes first. */
typedef struct opened {
  H5FD_t base;
  gr_h5_io *io;
  haddr_t end_of_space, end_of_file;
} opened;

/* What a file access list carries. */
typedef struct access_info {
  gr_h5_io *io;
} access_info;

static void remember(gr_h5_io *io, int code) {
  if (!io->code) io->code = code ? code : EIO;
}

static void let_go(gr_h5_io *io) {
  if (--io->users > 0) return;
  (void)gr_close(io->fd); /* gr_h5_io_end has looked at it before, where anything depends on it */
  gr_free(io);
}

/* ---- the driver ---- */

static H5FD_t *driver_open(const char *name, unsigned flags, hid_t access, haddr_t most) {
  (void)name, (void)most;
  const access_info *info = H5Pget_driver_info(access);
  struct stat found;
  opened *file = NULL;
  if (!info || ((flags & (H5F_ACC_RDWR | H5F_ACC_TRUNC)) && !info->io->writing)) return NULL;
  gr_h5_io *io = info->io;
  int code = flags & H5F_ACC_TRUNC ? gr_resize(io->fd, 0) : 0;
  if (!code && fstat(io->fd, &found) != 0) code = errno;
  if (!code && !(file = gr_calloc(1, sizeof *file))) code = ENOMEM;
  if (code) {
    remember(io, code);
    return NULL;
  }
  file->io = io;
  file->end_of_file = (haddr_t)found.st_size;
  io->users++;
  return &file->base;
}

static herr_t driver_close(H5FD_t *base) {
  opened *file = (opened *)base;
  let_go(file->io);
  gr_free(file);
  return 0;
}

static herr_t driver_query(const H5FD_t *base, unsigned long *flags) {
  (void)base;
  *flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_DATA_SIEVE |
           H5FD_FEAT_AGGREGATE_SMALLDATA;
  return 0;
}

static haddr_t driver_get_eoa(const H5FD_t *base, H5FD_mem_t type) {
  (void)type;
  return ((const opened *)base)->end_of_space;
}

static herr_t driver_set_eoa(H5FD_t *base, H5FD_mem_t type, haddr_t at) {
  (void)type;
  ((opened *)base)->end_of_space = at;
  return 0;
}

static haddr_t driver_get_eof(const H5FD_t *base, H5FD_mem_t type) {
  (void)type;
  return ((const opened *)base)->end_of_file;
}

/* Beyond the end of the file there are zeros, as sec2 has it. */
static herr_t driver_read(H5FD_t *base, H5FD_mem_t type, hid_t transfer, haddr_t at, size_t n,
                          void *buffer) {
  (void)transfer;
  opened *file = (opened *)base;
  if (at > MOST || n > MOST - at) return -1;
  gr_h5_watch *watch = type == H5FD_MEM_DRAW ? file->io->watch : NULL;
  if (watch) {
    *watch = (gr_h5_watch){watch->reads + 1, at, n};
    return 0;
  }
  ssize_t got = gr_read_at(file->io->fd, buffer, n, at);
  if (got < 0) {
    remember(file->io, errno);
    return -1;
  }
  memset((char *)buffer + got, 0, n - (size_t)got);
  return 0;
}

static herr_t driver_write(H5FD_t *base, H5FD_mem_t type, hid_t transfer, haddr_t at, size_t n,
                           const void *buffer) {
  (void)type, (void)transfer;
  opened *file = (opened *)base;
  if (at > MOST || n > MOST - at) return -1;
  if (!file->io->code && !gr_write_at(file->io->fd, buffer, n, at)) remember(file->io, errno);
  if (at + n > file->end_of_file) file->end_of_file = at + n;
  return 0;
}

static herr_t driver_truncate(H5FD_t *base, hid_t transfer, hbool_t closing) {
  (void)transfer, (void)closing;
  opened *file = (opened *)base;
  if (file->end_of_space == file->end_of_file) return 0;
  int code = file->io->code ? 0 : gr_resize(file->io->fd, file->end_of_space);
  if (code) remember(file->io, code);
  file->end_of_file = file->end_of_space;
  return 0;
}

static const H5FD_class_t driver = {
#if H5_VERSION_GE(1, 13, 2)
    .version = H5FD_CLASS_VERSION,
    .value = (H5FD_class_value_t)511, /* of the numbers that anyone may use */
#endif
    .name = "gradus",
    .maxaddr = MOST,
    .fc_degree = H5F_CLOSE_WEAK,
    .fapl_size = sizeof(access_info),
    .open = driver_open,
    .close = driver_close,
    .query = driver_query,
    .get_eoa = driver_get_eoa,
    .set_eoa = driver_set_eoa,
    .get_eof = driver_get_eof,
    .read = driver_read,
    .write = driver_write,
    .truncate = driver_truncate,
    .fl_map = H5FD_FLMAP_DICHOTOMY};

/* ---- its use ---- */

gr_h5_io *gr_h5_io_make(int fd, bool writing) {
  gr_h5_io *io = gr_alloc(1, sizeof *io);
  if (io)
    *io = (gr_h5_io){.fd = fd, .writing = writing, .users = 1};
  else
    (void)gr_close(fd); /* nothing was done with it */
  return io;
}

bool gr_h5_io_use(gr_h5_io *io, hid_t access) {
  const access_info info = {io};
  hid_t id = H5FDregister(&driver);
  bool set = id >= 0 && H5Pset_driver(access, id, &info) >= 0;
  if (id >= 0) (void)H5FDunregister(id); /* the list and the file keep it */
  return set;
}

void gr_h5_io_watch(gr_h5_io *io, gr_h5_watch *watch) {
  io->watch = watch;
}

int gr_h5_io_descriptor(const gr_h5_io *io) {
  return io->fd;
}

int gr_h5_io_errno(const gr_h5_io *io) {
  return io->code;
}

int gr_h5_io_end(gr_h5_io *io) {
  if (!io) return 0;
  if (io->users == 1) { /* HDF5 is done with it: now a close that fails can be told */
    int code = gr_close(io->fd);
    if (code) remember(io, code);
    code = io->code;
    gr_free(io);
    return code;
  }
  int code = io->code;
  let_go(io);
  return code;
}
