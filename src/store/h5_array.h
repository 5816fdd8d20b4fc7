/* Reading arrays of numbers and texts from any HDF5 file, in the type they are stored in. */
#ifndef GR_STORE_H5_ARRAY_H
#define GR_STORE_H5_ARRAY_H

#include "base/dtype.h"
#include "store/h5.h"

typedef enum gr_h5_kind {
  GR_H5_NUMBERS,
  GR_H5_ENUM, /* whole numbers with names */
  GR_H5_TEXT
} gr_h5_kind;

/* An open dataset that has passed every check but those of its use. */
typedef struct gr_h5_array {
  hid_t id, type;
  const gr_h5_file *file;
  char path[GR_H5_PATH];
  gr_h5_kind kind;
  gr_dtype dtype; /* numbers and enumerations: what gr_h5_array_read delivers */
  bool swap;      /* stored in the other byte order */
  bool convert;   /* an unusual number type: HDF5 converts it to double */
  H5D_layout_t layout;
  unsigned rank; /* 0 = a single value */
  uint64_t dims[H5S_MAX_RANK];
  size_t n; /* elements */
} gr_h5_array;

/* Refused, naming file and object, with GRADUS_ERR_DATA: nothing there, groups, external and
 * virtual storage, types that are neither numbers nor text, null dataspaces, filters that are not
 * available, sizes that what is stored cannot have; with GRADUS_ERR_RESOURCES: more than the
 * machine's memory. */
gradus_status gr_h5_array_open(const gr_h5_file *file, const char *path, gr_h5_array *out,
                               gradus_error *err);

/* The same for arrays that are read in parts, which may be larger than memory. Virtual ones pass,
 * where they are made of a fixed number of parts with fixed names (no file that they name has been
 * looked at, so gr_h5_array_read is not for them), and so does any filter. */
gradus_status gr_h5_array_look(const gr_h5_file *file, const char *path, gr_h5_array *out,
                               gradus_error *err);
void gr_h5_array_close(gr_h5_array *array); /* accepts a zeroed object */

/* All n elements in native byte order: out [n] of `dtype`. */
gradus_status gr_h5_array_read(const gr_h5_array *array, void *out, gradus_error *err);

/* Calls `visit` for each text in order (bytes are not terminated and hold no NUL; blanks that pad
 * are gone). A failing visit ends the reading. */
typedef gradus_status gr_h5_visit(void *user, uint64_t index, const char *bytes, size_t length,
                                  gradus_error *err);
gradus_status gr_h5_array_texts(const gr_h5_array *array, gr_h5_visit *visit, void *user,
                                gradus_error *err);

/* Turns the bytes of n elements of `size` bytes around. */
void gr_h5_swap_bytes(void *data, size_t n, size_t size);

/* One name of an enumeration; free `name` with H5free_memory. */
typedef struct gr_h5_member {
  int64_t value;
  char *name;
} gr_h5_member;

/* The members of an enumeration in ascending order of value: *out [*n], freed by
 * gr_h5_free_members. */
gradus_status gr_h5_read_members(const gr_h5_array *array, gr_h5_member **out, uint32_t *n,
                                 gradus_error *err);
void gr_h5_free_members(gr_h5_member *members, uint32_t n);

/* Element i of integers in native order; u64 beyond 2^63 wraps around, so equal stays equal. */
int64_t gr_h5_integer_at(const void *array, gr_dtype type, uint64_t i);

/* All texts of a list: *out [*n], to be freed with gr_h5_free_texts. Not one-dimensional text:
 * GRADUS_ERR_DATA. */
gradus_status gr_h5_read_list(const gr_h5_file *file, const char *path, char ***out, uint32_t *n,
                              gradus_error *err);
void gr_h5_free_texts(char **texts, uint32_t n);

/* "f32 [60000, 28, 28]", for messages. */
#define GR_H5_SHAPE 200
const char *gr_h5_array_shape(const gr_h5_array *array, char out[GR_H5_SHAPE]);

#endif
