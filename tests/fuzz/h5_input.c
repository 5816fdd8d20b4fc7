/* Each choice takes a byte, so that a fuzzer can change one without the others. */
#include <config.h>

#include "fuzz/h5_input.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz/fuzz.h"
#include "store/process.h"

enum { MOST = 1 << 14, MAX_RANK = 3, N_TYPES = 18 }; /* bytes of contents */

uint8_t gr_fuzz_byte(gr_fuzz_input *in) {
  if (in->n == 0) return 0;
  in->n--;
  return *in->data++;
}

static char disk_file[] = "/tmp/gradus-fuzz-XXXXXX";

static void remove_disk_file(void) {
  (void)unlink(disk_file);
}

const char *gr_fuzz_disk_file(const uint8_t *data, size_t size) {
  static int fd = -1;
  if (fd < 0) {
    fd = mkstemp(disk_file);
    GR_FUZZ_REQUIRE(fd >= 0 && atexit(remove_disk_file) == 0);
  }
  GR_FUZZ_REQUIRE(ftruncate(fd, 0) == 0);
  GR_FUZZ_REQUIRE(size == 0 || pwrite(fd, data, size, 0) == (ssize_t)size);
  return disk_file;
}

void gr_fuzz_prepare_hdf5(void) {
  static int done;
  if (!done) gr_store_prepare_process();
  done = 1;
}

static hid_t make_text(size_t size, H5T_str_t padding) {
  hid_t type = H5Tcopy(H5T_C_S1);
  (void)H5Tset_size(type, size);
  (void)H5Tset_strpad(type, padding);
  return type;
}

static hid_t make_enum(gr_fuzz_input *in) {
  static const char *const names[] = {"a", "b", "numeric", "categorical", "", "FALSE", "TRUE"};
  hid_t type = H5Tenum_create(gr_fuzz_byte(in) % 2 ? H5T_STD_I16BE : H5T_STD_U8LE);
  for (int i = 0, n = gr_fuzz_byte(in) % 7; i < n; i++) {
    uint8_t value[2] = {gr_fuzz_byte(in), 0};
    (void)H5Tenum_insert(type, names[i], value);
  }
  return type;
}

static hid_t make_compound(void) {
  hid_t type = H5Tcreate(H5T_COMPOUND, 8);
  (void)H5Tinsert(type, "a", 0, H5T_STD_I32LE);
  (void)H5Tinsert(type, "b", 4, H5T_IEEE_F32LE);
  return type;
}

static hid_t make_odd(gr_fuzz_input *in) {
  hid_t type = H5Tcopy(gr_fuzz_byte(in) % 2 ? H5T_STD_U32LE : H5T_STD_I16BE);
  (void)H5Tset_precision(type, 1 + gr_fuzz_byte(in) % 16);
  return type;
}

static hid_t make_half(void) {
  hid_t type = H5Tcopy(H5T_IEEE_F32LE);
  (void)H5Tset_fields(type, 15, 10, 5, 0, 10);
  (void)H5Tset_size(type, 2);
  (void)H5Tset_ebias(type, 15);
  return type;
}

static hid_t make_type(gr_fuzz_input *in) {
  const hsize_t two = 2;
  switch (gr_fuzz_byte(in) % N_TYPES) {
    case 0:
      return H5Tcopy(H5T_IEEE_F32LE);
    case 1:
      return H5Tcopy(H5T_IEEE_F64LE);
    case 2:
      return H5Tcopy(H5T_IEEE_F32BE);
    case 3:
      return H5Tcopy(H5T_STD_U8LE);
    case 4:
      return H5Tcopy(H5T_STD_I8LE);
    case 5:
      return H5Tcopy(H5T_STD_I32LE);
    case 6:
      return H5Tcopy(H5T_STD_I64BE);
    case 7:
      return H5Tcopy(H5T_STD_U64LE);
    case 8:
      return make_half();
    case 9:
      return make_text(1 + gr_fuzz_byte(in) % 16, H5T_STR_NULLPAD);
    case 10:
      return make_text(1 + gr_fuzz_byte(in) % 16, H5T_STR_SPACEPAD);
    case 11:
      return make_text(H5T_VARIABLE, H5T_STR_NULLTERM);
    case 12:
      return make_enum(in);
    case 13:
      return make_odd(in);
    case 14:
      return make_compound();
    case 15:
      return H5Tvlen_create(H5T_STD_I32LE);
    case 16:
      return H5Tcreate(H5T_OPAQUE, 4);
    default:
      return H5Tarray_create2(H5T_STD_I32LE, 1, &two);
  }
}

/* Sizes from a byte: small ones, and now and then one that nobody has. */
static hsize_t make_size(gr_fuzz_input *in) {
  static const hsize_t odd[] = {0, 1, 255, 4096, (hsize_t)1 << 31, (hsize_t)1 << 61};
  uint8_t byte = gr_fuzz_byte(in);
  return byte < 240 ? byte % 12 : odd[(byte - 240) % 6];
}

static hid_t make_space(gr_fuzz_input *in, int *rank, hsize_t dims[MAX_RANK], hsize_t *n) {
  uint8_t byte = gr_fuzz_byte(in);
  *n = 1;
  *rank = byte % (MAX_RANK + 1);
  if (byte == 255) return *n = 0, H5Screate(H5S_NULL);
  if (*rank == 0) return H5Screate(H5S_SCALAR);
  for (int i = 0; i < *rank; i++) {
    dims[i] = make_size(in);
    *n = dims[i] && *n > MOST / dims[i] ? (hsize_t)MOST + 1 : *n * dims[i];
  }
  return H5Screate_simple(*rank, dims, NULL);
}

static hid_t make_plist(gr_fuzz_input *in, int rank, const hsize_t *dims) {
  hid_t plist = H5Pcreate(H5P_DATASET_CREATE);
  hsize_t chunk[MAX_RANK];
  uint8_t byte = gr_fuzz_byte(in);
  if (byte % 8 == 1) (void)H5Pset_layout(plist, H5D_COMPACT);
  if (byte % 8 < 2 || rank == 0) return plist;
  for (int i = 0; i < rank; i++) chunk[i] = dims[i] && dims[i] < 8 ? dims[i] : 4;
  (void)H5Pset_chunk(plist, rank, chunk);
  if (byte % 8 >= 4) (void)H5Pset_deflate(plist, 1);
  if (byte % 8 >= 6) (void)H5Pset_shuffle(plist);
  if (byte % 8 == 7) (void)H5Pset_fletcher32(plist);
  return plist;
}

/* Contents for n elements, to be freed; *strings are owned, too. Variable-length types hold
 * pointers, so they get some that are right. */
static void *make_contents(gr_fuzz_input *in, hid_t type, hsize_t n) {
  static char text[] = "class \xc3\xa9";
  static int32_t numbers[2] = {1, 2};
  size_t size = H5Tget_size(type);
  if (n > MOST || size == 0 || n * size > MOST) return NULL;
  uint8_t *bytes = calloc(n ? n : 1, size);
  GR_FUZZ_REQUIRE(bytes);
  for (hsize_t i = 0; i < n; i++) {
    if (H5Tis_variable_str(type) > 0) {
      uint8_t byte = gr_fuzz_byte(in);
      ((char **)(void *)bytes)[i] = byte % 8 ? text + byte % sizeof text : NULL;
    } else if (H5Tget_class(type) == H5T_VLEN) {
      ((hvl_t *)(void *)bytes)[i] = (hvl_t){gr_fuzz_byte(in) % 3, numbers};
    } else {
      for (size_t k = 0; k < size; k++) bytes[i * size + k] = gr_fuzz_byte(in);
    }
  }
  return bytes;
}

void gr_fuzz_put(gr_fuzz_input *in, hid_t file, const char *path) {
  int rank = 0;
  hsize_t dims[MAX_RANK] = {0}, n;
  hid_t links = H5Pcreate(H5P_LINK_CREATE);
  (void)H5Pset_create_intermediate_group(links, 1);
  hid_t type = make_type(in), space = make_space(in, &rank, dims, &n);
  hid_t plist = make_plist(in, rank, dims);
  if (H5Lexists(file, path, H5P_DEFAULT) > 0) (void)H5Ldelete(file, path, H5P_DEFAULT);
  hid_t set = H5Dcreate2(file, path, type, space, links, plist, H5P_DEFAULT);
  void *contents = set >= 0 ? make_contents(in, type, n) : NULL;
  if (contents) (void)H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, contents);
  free(contents);
  if (set >= 0) H5Dclose(set);
  if (space >= 0) H5Sclose(space);
  H5Pclose(plist);
  H5Tclose(type);
  H5Pclose(links);
}

void gr_fuzz_put_attribute(gr_fuzz_input *in, hid_t file, const char *object, const char *name) {
  int rank = 0;
  hsize_t dims[MAX_RANK] = {0}, n;
  hid_t type = make_type(in), space = make_space(in, &rank, dims, &n);
  (void)H5Adelete_by_name(file, object, name, H5P_DEFAULT);
  hid_t a = n <= 64 ? H5Acreate_by_name(file, object, name, type, space, H5P_DEFAULT, H5P_DEFAULT,
                                        H5P_DEFAULT)
                    : H5I_INVALID_HID;
  void *contents = a >= 0 ? make_contents(in, type, n) : NULL;
  if (contents) (void)H5Awrite(a, type, contents);
  free(contents);
  if (a >= 0) H5Aclose(a);
  if (space >= 0) H5Sclose(space);
  H5Tclose(type);
}
