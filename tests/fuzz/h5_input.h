/* HDF5 objects made from the bytes of a fuzzer: types, shapes, layouts and contents of any kind
 * that the library itself writes. So what is explored is our reading, not HDF5's, which is known
 * not to stand damaged metadata (fuzz_hdf5.c goes there). */
#ifndef GR_TESTS_FUZZ_H5_INPUT_H
#define GR_TESTS_FUZZ_H5_INPUT_H

#include <hdf5.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes that are used up; zeros after the end. */
typedef struct gr_fuzz_input {
  const uint8_t *data;
  size_t n;
} gr_fuzz_input;

uint8_t gr_fuzz_byte(gr_fuzz_input *in);

/* Makes a dataset at `path` (groups on the way are created), or fails without a word. */
void gr_fuzz_put(gr_fuzz_input *in, hid_t file, const char *path);

/* Makes an attribute, in the place of one of this name. */
void gr_fuzz_put_attribute(gr_fuzz_input *in, hid_t file, const char *object, const char *name);

/* A file on a disk with these bytes, for HDF5 to open by name: it does not follow the names of
 * /proc. The same name each time; removed at exit. */
const char *gr_fuzz_disk_file(const uint8_t *data, size_t size);

/* HDF5 quiet, plugins off, as the program has it; once. */
void gr_fuzz_prepare_hdf5(void);

#endif
