/* A filter for HDF5 that leaves a mark as soon as it is loaded: code that a mere read would have
 * run. */
#include <config.h>

#include <H5PLextern.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

__attribute__((constructor)) static void leave_a_mark(void) {
  const char *path = getenv("GR_FAULT_MARK");
  int fd = path ? open(path, O_WRONLY | O_CREAT, 0666) : -1;
  if (fd >= 0) (void)close(fd);
}

static size_t pass(unsigned flags, size_t n_values, const unsigned *values, size_t n, size_t *size,
                   void **buffer) {
  (void)flags, (void)n_values, (void)values, (void)size, (void)buffer;
  return n;
}

static const H5Z_class2_t filter = {H5Z_CLASS_T_VERS, 31998, 1, 1, "marking", NULL, NULL, pass};

H5PL_type_t H5PLget_plugin_type(void) {
  return H5PL_TYPE_FILTER;
}

const void *H5PLget_plugin_info(void) {
  return &filter;
}
