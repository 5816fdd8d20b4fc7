/* Everything gradus writes goes through these few functions, so that all files look alike: plain
 * contiguous little-endian arrays, compact groups and attributes, no time stamps (equal content
 * gives equal bytes). Durability is not known here: see aside.c. */
#include <config.h>

#include "store/h5_write.h"

#include <string.h>

#include "base/memory.h"

#define ALIGNMENT 4096
/* Up to this many links and attributes stay in an object's header: no heaps, no B-trees. */
#define MAX_COMPACT 512

static void fail(gr_h5_writer *w, const char *what) {
  if (w->status == GRADUS_OK)
    w->status = gr_h5_fail(w->err, GRADUS_ERR_IO, "%s: %s cannot be written", w->path, what);
}

static void fail_memory(gr_h5_writer *w) {
  if (w->status == GRADUS_OK) w->status = gr_fail_memory(w->err, "writing an HDF5 file");
}

/* ---- the file ---- */

/* For file (= its root group) and groups. */
static hid_t make_group_plist(hid_t class) {
  hid_t plist = H5Pcreate(class);
  if (plist >= 0 && H5Pset_obj_track_times(plist, 0) >= 0 &&
      H5Pset_attr_phase_change(plist, MAX_COMPACT, 0) >= 0 &&
      H5Pset_link_phase_change(plist, MAX_COMPACT, 0) >= 0)
    return plist;
  if (plist >= 0) (void)H5Pclose(plist);
  return H5I_INVALID_HID;
}

static hid_t make_dataset_plist(void) {
  hid_t plist = H5Pcreate(H5P_DATASET_CREATE);
  /* Filling can be left out because every array is written whole. */
  if (plist >= 0 && H5Pset_obj_track_times(plist, 0) >= 0 &&
      H5Pset_layout(plist, H5D_CONTIGUOUS) >= 0 &&
      H5Pset_fill_time(plist, H5D_FILL_TIME_NEVER) >= 0)
    return plist;
  if (plist >= 0) (void)H5Pclose(plist);
  return H5I_INVALID_HID;
}

static hid_t create_file(const char *aside, hid_t create, hid_t access, uint64_t user_block) {
  if (create < 0 || access < 0 || H5Pset_userblock(create, user_block) < 0 ||
      H5Pset_alignment(access, ALIGNMENT, ALIGNMENT) < 0 ||
      H5Pset_libver_bounds(access, H5F_LIBVER_V18, H5F_LIBVER_V18) < 0 ||
      H5Pset_file_locking(access, 0, 1) < 0)
    return H5I_INVALID_HID;
  return H5Fcreate(aside, H5F_ACC_TRUNC, create, access);
}

gr_h5_writer gr_h5_write_begin(const char *aside, const char *path, uint64_t user_block,
                               gradus_error *err) {
  gr_h5_writer w = {.path = path, .err = err};
  hid_t create = make_group_plist(H5P_FILE_CREATE), access = H5Pcreate(H5P_FILE_ACCESS);
  w.group_plist = make_group_plist(H5P_GROUP_CREATE);
  w.dataset_plist = make_dataset_plist();
  w.file = create_file(aside, create, access, user_block);
  if (w.file < 0 || w.group_plist < 0 || w.dataset_plist < 0) fail(&w, "the file");
  if (create >= 0) (void)H5Pclose(create);
  if (access >= 0) (void)H5Pclose(access);
  return w;
}

gradus_status gr_h5_write_end(gr_h5_writer *w) {
  if (w->group_plist >= 0) (void)H5Pclose(w->group_plist);
  if (w->dataset_plist >= 0) (void)H5Pclose(w->dataset_plist);
  if (w->file >= 0 && H5Fclose(w->file) < 0) fail(w, "the end of the file");
  w->file = w->group_plist = w->dataset_plist = H5I_INVALID_HID;
  return w->status;
}

/* ---- types ---- */

/* IEEE 754 binary16, which HDF5 1.10 knows only when it is spelt out. */
static hid_t make_half(bool native) {
  hid_t type = H5Tcopy(H5T_IEEE_F32LE);
  if (type >= 0 && H5Tset_fields(type, 15, 10, 5, 0, 10) >= 0 && H5Tset_size(type, 2) >= 0 &&
      H5Tset_ebias(type, 15) >= 0 &&
      (!native || H5Tset_order(type, H5Tget_order(H5T_NATIVE_FLOAT)) >= 0))
    return type;
  if (type >= 0) (void)H5Tclose(type);
  return H5I_INVALID_HID;
}

/* The type of a file (little-endian) or of memory; to be closed. */
static hid_t make_type(gr_dtype dtype, bool native) {
  const hid_t types[GR_N_DTYPES][2] = {
      [GR_U8] = {H5T_STD_U8LE, H5T_NATIVE_UINT8},    [GR_I8] = {H5T_STD_I8LE, H5T_NATIVE_INT8},
      [GR_U16] = {H5T_STD_U16LE, H5T_NATIVE_UINT16}, [GR_I16] = {H5T_STD_I16LE, H5T_NATIVE_INT16},
      [GR_F32] = {H5T_IEEE_F32LE, H5T_NATIVE_FLOAT}, [GR_U32] = {H5T_STD_U32LE, H5T_NATIVE_UINT32},
      [GR_I32] = {H5T_STD_I32LE, H5T_NATIVE_INT32},  [GR_U64] = {H5T_STD_U64LE, H5T_NATIVE_UINT64},
      [GR_I64] = {H5T_STD_I64LE, H5T_NATIVE_INT64},  [GR_F64] = {H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE},
  };
  return dtype == GR_F16 ? make_half(native) : H5Tcopy(types[dtype][native]);
}

static hid_t make_text_type(size_t size) {
  hid_t type = H5Tcopy(H5T_C_S1);
  if (type >= 0 && H5Tset_size(type, size ? size : 1) >= 0 &&
      H5Tset_cset(type, H5T_CSET_UTF8) >= 0 && H5Tset_strpad(type, H5T_STR_NULLPAD) >= 0)
    return type;
  if (type >= 0) (void)H5Tclose(type);
  return H5I_INVALID_HID;
}

static hid_t make_enum_type(const char *const *names, uint8_t n_names) {
  hid_t type = H5Tenum_create(H5T_STD_U8LE);
  bool made = type >= 0;
  for (uint8_t i = 0; i < n_names && made; i++) made = H5Tenum_insert(type, names[i], &i) >= 0;
  if (made) return type;
  if (type >= 0) (void)H5Tclose(type);
  return H5I_INVALID_HID;
}

/* ---- what goes into the file ---- */

void gr_h5_put_group(gr_h5_writer *w, const char *path) {
  if (w->status != GRADUS_OK) return;
  hid_t group = H5Gcreate2(w->file, path, H5P_DEFAULT, w->group_plist, H5P_DEFAULT);
  if (group < 0 || H5Gclose(group) < 0) fail(w, path);
}

static hid_t make_space(unsigned rank, const uint64_t *dims) {
  hsize_t sizes[H5S_MAX_RANK];
  if (rank == 0) return H5Screate(H5S_SCALAR);
  for (unsigned i = 0; i < rank; i++) sizes[i] = dims[i];
  return H5Screate_simple((int)rank, sizes, NULL);
}

/* Takes over both types. */
static void put(gr_h5_writer *w, const char *path, hid_t file_type, hid_t memory_type,
                unsigned rank, const uint64_t *dims, const void *data) {
  hid_t space = H5I_INVALID_HID, set = H5I_INVALID_HID;
  bool empty = false;
  for (unsigned i = 0; i < rank; i++) empty = empty || dims[i] == 0;
  if (w->status == GRADUS_OK) {
    bool done =
        file_type >= 0 && memory_type >= 0 && (space = make_space(rank, dims)) >= 0 &&
        (set = H5Dcreate2(w->file, path, file_type, space, H5P_DEFAULT, w->dataset_plist,
                          H5P_DEFAULT)) >= 0 &&
        (empty || !data || H5Dwrite(set, memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0);
    if (!done) fail(w, path);
  }
  if (set >= 0 && H5Dclose(set) < 0) fail(w, path);
  if (space >= 0) (void)H5Sclose(space);
  if (file_type >= 0) (void)H5Tclose(file_type);
  if (memory_type >= 0) (void)H5Tclose(memory_type);
}

void gr_h5_put_array(gr_h5_writer *w, const char *path, gr_dtype type, unsigned rank,
                     const uint64_t *dims, const void *data) {
  put(w, path, make_type(type, false), make_type(type, true), rank, dims, data);
}

/* ---- arrays that others fill ---- */

/* Takes over the property list. */
static hid_t create(gr_h5_writer *w, const char *path, gr_dtype dtype, unsigned rank,
                    const uint64_t *dims, hid_t plist) {
  hid_t type = H5I_INVALID_HID, space = H5I_INVALID_HID, set = H5I_INVALID_HID;
  if (w->status == GRADUS_OK &&
      (plist < 0 || (type = make_type(dtype, false)) < 0 || (space = make_space(rank, dims)) < 0 ||
       (set = H5Dcreate2(w->file, path, type, space, H5P_DEFAULT, plist, H5P_DEFAULT)) < 0))
    fail(w, path);
  if (space >= 0) (void)H5Sclose(space);
  if (type >= 0) (void)H5Tclose(type);
  if (plist >= 0) (void)H5Pclose(plist);
  return set;
}

uint64_t gr_h5_create_contiguous(gr_h5_writer *w, const char *path, gr_dtype type, unsigned rank,
                                 const uint64_t *dims) {
  hid_t plist = make_dataset_plist();
  if (plist >= 0 && H5Pset_alloc_time(plist, H5D_ALLOC_TIME_EARLY) < 0) fail(w, path);
  hid_t set = create(w, path, type, rank, dims, plist);
  if (set < 0) return 0;
  haddr_t at = H5Dget_offset(set);
  if (at == HADDR_UNDEF) fail(w, path);
  if (H5Dclose(set) < 0) fail(w, path);
  return w->status == GRADUS_OK ? (uint64_t)at : 0;
}

hid_t gr_h5_create_chunked(gr_h5_writer *w, const char *path, gr_dtype type, unsigned rank,
                           const uint64_t *dims, uint64_t chunk_rows, int level) {
  hsize_t chunk[2] = {chunk_rows, rank > 1 ? dims[1] : 1};
  hid_t plist = make_dataset_plist();
  if (plist >= 0 && (H5Pset_chunk(plist, (int)rank, chunk) < 0 ||
                     (level > 0 && gr_dtype_size(type) > 1 && H5Pset_shuffle(plist) < 0) ||
                     (level > 0 && H5Pset_deflate(plist, (unsigned)level) < 0)))
    fail(w, path);
  return create(w, path, type, rank, dims, plist);
}

/* ---- texts and attributes ---- */

void gr_h5_put_rows(gr_h5_writer *w, const char *path, gr_dtype type, uint64_t first, uint64_t n,
                    uint64_t n_columns, const void *data) {
  if (w->status != GRADUS_OK || n == 0) return;
  const hsize_t start[2] = {first, 0}, count[2] = {n, n_columns};
  const hid_t set = H5Dopen2(w->file, path, H5P_DEFAULT);
  const hid_t file = set >= 0 ? H5Dget_space(set) : H5I_INVALID_HID,
              memory = H5Screate_simple(2, count, NULL), number = make_type(type, true);
  const bool done = file >= 0 && memory >= 0 && number >= 0 &&
                    H5Sselect_hyperslab(file, H5S_SELECT_SET, start, NULL, count, NULL) >= 0 &&
                    H5Dwrite(set, number, memory, file, H5P_DEFAULT, data) >= 0;
  if (!done) fail(w, path);
  if (number >= 0) (void)H5Tclose(number);
  if (memory >= 0) (void)H5Sclose(memory);
  if (file >= 0) (void)H5Sclose(file);
  if (set >= 0 && H5Dclose(set) < 0) fail(w, path);
}

void gr_h5_put_texts(gr_h5_writer *w, const char *path, char *const *texts, uint32_t n) {
  size_t size = 1;
  const uint64_t dims[1] = {n};
  for (uint32_t i = 0; i < n; i++)
    if (strlen(texts[i]) > size) size = strlen(texts[i]);
  char *buffer = gr_calloc(n, size);
  if (!buffer) {
    fail_memory(w);
    return;
  }
  for (uint32_t i = 0; i < n; i++) memcpy(buffer + i * size, texts[i], strlen(texts[i]));
  put(w, path, make_text_type(size), make_text_type(size), 1, dims, buffer);
  gr_free(buffer);
}

void gr_h5_put_text(gr_h5_writer *w, const char *path, const char *text) {
  size_t size = strlen(text);
  put(w, path, make_text_type(size), make_text_type(size), 0, NULL, text);
}

void gr_h5_put_enum(gr_h5_writer *w, const char *path, const char *const *names, uint8_t n_names,
                    const uint8_t *data, uint64_t n) {
  put(w, path, make_enum_type(names, n_names), make_enum_type(names, n_names), 1, &n, data);
}

/* Takes over both types. */
static void put_attribute(gr_h5_writer *w, const char *object, const char *name, hid_t file_type,
                          hid_t memory_type, const void *value) {
  hid_t space = H5Screate(H5S_SCALAR), id = H5I_INVALID_HID;
  if (w->status == GRADUS_OK) {
    bool done = file_type >= 0 && memory_type >= 0 && space >= 0 &&
                (id = H5Acreate_by_name(w->file, object, name, file_type, space, H5P_DEFAULT,
                                        H5P_DEFAULT, H5P_DEFAULT)) >= 0 &&
                H5Awrite(id, memory_type, value) >= 0;
    if (!done) fail(w, name);
  }
  if (id >= 0 && H5Aclose(id) < 0) fail(w, name);
  if (space >= 0) (void)H5Sclose(space);
  if (file_type >= 0) (void)H5Tclose(file_type);
  if (memory_type >= 0) (void)H5Tclose(memory_type);
}

void gr_h5_put_attribute(gr_h5_writer *w, const char *object, const char *name, gr_dtype type,
                         const void *value) {
  put_attribute(w, object, name, make_type(type, false), make_type(type, true), value);
}

void gr_h5_put_text_attribute(gr_h5_writer *w, const char *object, const char *name,
                              const char *text) {
  size_t size = strlen(text);
  put_attribute(w, object, name, make_text_type(size), make_text_type(size), text);
}
