/* The least that HDF5 asks of a driver for reading: end of file, end of what is allocated, read. A
 * file that ends early reads as zeros where HDF5 looks for its own structures, as with its default
 * driver (it looks ahead beyond their end), and as an error where data are wanted. */
#include <config.h>

#include "store/h5_watch.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#if H5_VERSION_GE(1, 13, 0)
#include <H5FDdevelop.h>
#endif

#include "base/memory.h"

#define MAX_ADDRESS ((haddr_t)INT64_MAX)

struct watched {
  H5FD_t base; /* first: HDF5 knows no more than this */
  gr_h5_watch *watch;
  haddr_t eoa, eof;
};

static H5FD_t *watch_open(const char *name, unsigned flags, hid_t access, haddr_t max_address) {
  (void)name, (void)max_address;
  gr_h5_watch *const *info = H5Pget_driver_info(access);
  struct stat about;
  if (flags & (H5F_ACC_RDWR | H5F_ACC_TRUNC | H5F_ACC_CREAT) || !info) return NULL;
  if (fstat((*info)->fd, &about) != 0) return NULL;
  struct watched *file = gr_calloc(1, sizeof *file);
  if (!file) return NULL;
  file->watch = *info;
  file->eof = (haddr_t)about.st_size;
  return &file->base;
}

static herr_t watch_close(H5FD_t *file) {
  gr_free(file);
  return 0;
}

static herr_t watch_query(const H5FD_t *file, unsigned long *flags) {
  (void)file;
  if (flags) *flags = H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_DATA_SIEVE;
  return 0;
}

static haddr_t watch_get_eoa(const H5FD_t *file, H5FD_mem_t type) {
  (void)type;
  return ((const struct watched *)file)->eoa;
}

static herr_t watch_set_eoa(H5FD_t *file, H5FD_mem_t type, haddr_t address) {
  (void)type;
  ((struct watched *)file)->eoa = address;
  return 0;
}

static haddr_t watch_get_eof(const H5FD_t *file, H5FD_mem_t type) {
  (void)type;
  return ((const struct watched *)file)->eof;
}

static herr_t watch_get_handle(H5FD_t *file, hid_t access, void **handle) {
  (void)access;
  *handle = &((struct watched *)file)->watch->fd;
  return 0;
}

static herr_t watch_read(H5FD_t *base, H5FD_mem_t type, hid_t transfer, haddr_t address,
                         size_t size, void *buffer) {
  const struct watched *file = (const struct watched *)base;
  char *out = buffer;
  (void)transfer;
  if (address > MAX_ADDRESS || size > MAX_ADDRESS - address) return -1;
  if (type == H5FD_MEM_DRAW && file->watch->on) {
    file->watch->reads++;
    file->watch->offset = address;
    file->watch->bytes = size;
    return 0;
  }
  while (size > 0) {
    ssize_t n = pread(file->watch->fd, out, size, (off_t)address);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 || (n == 0 && type == H5FD_MEM_DRAW)) return -1;
    if (n == 0) return memset(out, 0, size), 0;
    out += n;
    address += (haddr_t)n;
    size -= (size_t)n;
  }
  return 0;
}

static herr_t watch_write(H5FD_t *file, H5FD_mem_t type, hid_t transfer, haddr_t address,
                          size_t size, const void *buffer) {
  (void)file, (void)type, (void)transfer, (void)address, (void)size, (void)buffer;
  return -1;
}

bool gr_h5_watch_use(hid_t access, gr_h5_watch *watch) {
  static const H5FD_class_t driver = {
#ifdef H5FD_CLASS_VERSION
      .version = H5FD_CLASS_VERSION,
      .value = (H5FD_class_value_t)511, /* of the numbers left to users: 256 to 511 */
#endif
      .name = "gradus",
      .maxaddr = MAX_ADDRESS,
      .fc_degree = H5F_CLOSE_WEAK,
      .fapl_size = sizeof(gr_h5_watch *),
      .open = watch_open,
      .close = watch_close,
      .query = watch_query,
      .get_eoa = watch_get_eoa,
      .set_eoa = watch_set_eoa,
      .get_eof = watch_get_eof,
      .get_handle = watch_get_handle,
      .read = watch_read,
      .write = watch_write,
      .fl_map = H5FD_FLMAP_DICHOTOMY,
  };
  hid_t id = H5FDregister(&driver); /* the access list and the file keep it alive */
  if (id < 0) return false;
  bool set = H5Pset_driver(access, id, &watch) >= 0;
  return H5FDunregister(id) >= 0 && set;
}
