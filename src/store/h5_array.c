/* HDF5 can store a number in endless ways; nearly all files use the few that machines have. Those
 * are read as they lie (no conversion in HDF5, which is 9 times slower) and byte-swapped here; the
 * rest goes through HDF5 to double. Before memory is asked for, what the file declares is compared
 * with what it holds. */
#include <config.h>

#include "store/h5_array.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"

#define GIB ((uint64_t)1 << 30)
/* The best that gzip can do is about 1:1000; beyond this ratio a large array is a trap. */
#define WORST_RATIO 100000

static gradus_status refuse(const gr_h5_array *a, gradus_error *err, const char *why) {
  return gr_fail(err, GRADUS_ERR_DATA, "%s: %s %s", a->file->path, a->path, why);
}

/* ---- type ---- */

static const char *const class_names[] = {
    [H5T_TIME] = "time",
    [H5T_OPAQUE] = "opaque",
    [H5T_COMPOUND] = "compound (records)",
    [H5T_REFERENCE] = "reference",
    [H5T_VLEN] = "variable-length",
    [H5T_ARRAY] = "array",
};

static const struct float_format {
  gr_dtype dtype;
  size_t size, sign_at, exponent_at, exponent_bits, mantissa_at, mantissa_bits, bias;
} float_formats[] = {
    {GR_F16, 2, 15, 10, 5, 0, 10, 15},
    {GR_F32, 4, 31, 23, 8, 0, 23, 127},
    {GR_F64, 8, 63, 52, 11, 0, 52, 1023},
};

static bool is_float(hid_t type, const struct float_format *f) {
  size_t s = 0, e = 0, e_n = 0, m = 0, m_n = 0;
  return H5Tget_size(type) == f->size && H5Tget_fields(type, &s, &e, &e_n, &m, &m_n) >= 0 &&
         s == f->sign_at && e == f->exponent_at && e_n == f->exponent_bits && m == f->mantissa_at &&
         m_n == f->mantissa_bits && H5Tget_ebias(type) == f->bias &&
         H5Tget_norm(type) == H5T_NORM_IMPLIED;
}

/* Finds the integer type of `size` bytes that uses all its bits. */
static bool find_integer(hid_t type, bool is_signed, gr_dtype *out) {
  static const struct {
    size_t size;
    gr_dtype type[2];
  } rows[] = {
      {1, {GR_U8, GR_I8}}, {2, {GR_U16, GR_I16}}, {4, {GR_U32, GR_I32}}, {8, {GR_U64, GR_I64}}};
  size_t size = H5Tget_size(type);
  if (H5Tget_precision(type) != size * 8) return false;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    if (rows[i].size == size) return *out = rows[i].type[is_signed], true;
  return false;
}

static bool find_float(hid_t type, gr_dtype *out) {
  for (size_t i = 0; i < sizeof float_formats / sizeof float_formats[0]; i++)
    if (is_float(type, &float_formats[i])) return *out = float_formats[i].dtype, true;
  return false;
}

static bool has_plain_order(hid_t type) {
  H5T_order_t order = H5Tget_order(type);
  return order == H5T_ORDER_LE || order == H5T_ORDER_BE || H5Tget_size(type) == 1;
}

/* Integers, floats and bit fields; `direct` = readable as they lie. */
static void classify_number(hid_t type, gr_h5_array *a) {
  H5T_class_t class = H5Tget_class(type);
  bool direct = has_plain_order(type);
  if (class == H5T_FLOAT)
    direct = direct && find_float(type, &a->dtype);
  else
    direct = direct && find_integer(type, class == H5T_INTEGER && H5Tget_sign(type) != H5T_SGN_NONE,
                                    &a->dtype);
  a->convert = !direct;
  if (!direct) a->dtype = GR_F64;
  a->swap = direct && H5Tget_size(type) > 1 && H5Tget_order(type) != H5Tget_order(H5T_NATIVE_INT);
}

static gradus_status classify_enum(gr_h5_array *a, gradus_error *err) {
  hid_t base = H5Tget_super(a->type);
  if (base < 0)
    return gr_h5_fail(err, GRADUS_ERR_DATA, "%s: %s: cannot tell its type", a->file->path, a->path);
  classify_number(base, a);
  (void)H5Tclose(base);
  a->kind = GR_H5_ENUM;
  return a->convert ? refuse(a, err, "is an enumeration over unusual integers, refused")
                    : GRADUS_OK;
}

static gradus_status classify(gr_h5_array *a, gradus_error *err) {
  H5T_class_t class = H5Tget_class(a->type);
  if (class == H5T_ENUM) return classify_enum(a, err);
  if (class == H5T_STRING) return a->kind = GR_H5_TEXT, GRADUS_OK;
  if (class == H5T_INTEGER || class == H5T_FLOAT || class == H5T_BITFIELD) {
    classify_number(a->type, a);
    if (class == H5T_BITFIELD && a->convert)
      return refuse(a, err, "is a bit field of unusual size, refused");
    return GRADUS_OK;
  }
  bool known = class >= 0 && (size_t) class < sizeof class_names / sizeof class_names[0];
  return gr_fail(err, GRADUS_ERR_DATA, "%s: %s is of %s type; numbers or text were expected",
                 a->file->path, a->path,
                 known && class_names[class] ? class_names[class] : "an unknown");
}

/* ---- shape ---- */

static gradus_status read_shape(gr_h5_array *a, gradus_error *err) {
  hid_t space = H5Dget_space(a->id);
  H5S_class_t class = space < 0 ? H5S_NO_CLASS : H5Sget_simple_extent_type(space);
  int rank = class == H5S_SIMPLE ? H5Sget_simple_extent_ndims(space) : 0;
  hsize_t dims[H5S_MAX_RANK];
  bool read = class != H5S_SIMPLE || (rank >= 0 && rank <= H5S_MAX_RANK &&
                                      H5Sget_simple_extent_dims(space, dims, NULL) >= 0);
  if (space >= 0) (void)H5Sclose(space);
  if (class == H5S_NULL) return refuse(a, err, "holds nothing (a null dataspace)");
  if (class == H5S_NO_CLASS || !read) return refuse(a, err, "has no shape that can be read");
  a->rank = (unsigned)rank;
  a->n = 1;
  for (unsigned i = 0; i < a->rank; i++) {
    a->dims[i] = dims[i];
    if (!gr_multiply(a->n, dims[i], &a->n)) return refuse(a, err, "declares an absurd size");
  }
  return GRADUS_OK;
}

/* ---- storage ---- */

static uint64_t physical_memory(void) {
  long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
  return pages > 0 && size > 0 ? (uint64_t)pages * (uint64_t)size : UINT64_MAX;
}

static gradus_status check_filters(const gr_h5_array *a, hid_t plist, gradus_error *err) {
  int n = H5Pget_nfilters(plist);
  for (int i = 0; i < n; i++) {
    unsigned flags = 0, config = 0;
    size_t n_values = 0;
    char name[64] = "";
    H5Z_filter_t id =
        H5Pget_filter2(plist, (unsigned)i, &flags, &n_values, NULL, sizeof name, name, &config);
    if (id < 0) return refuse(a, err, "has a filter that cannot be read");
    if (H5Zfilter_avail(id) <= 0)
      return gr_fail(err, GRADUS_ERR_DATA,
                     "%s: %s is compressed by HDF5 filter %d (%s), which is not available here; "
                     "store it with gzip or plainly",
                     a->file->path, a->path, (int)id, name[0] ? name : "no name");
  }
  return n < 0 ? refuse(a, err, "has filters that cannot be read") : GRADUS_OK;
}

/* What is declared against what is stored. */
static gradus_status check_size(const gr_h5_array *a, gradus_error *err) {
  uint64_t stored = H5Dget_storage_size(a->id), bytes;
  size_t size = H5Tget_size(a->type), product, in_memory;
  if (a->n == 0) return GRADUS_OK;
  if (size == 0 || !gr_multiply(a->n, size, &product) || !gr_multiply(a->n, 8, &in_memory))
    return refuse(a, err, "declares an absurd size");
  bytes = product;
  if (stored == 0) return refuse(a, err, "was declared but never written");
  if (a->layout != H5D_CHUNKED ? stored < bytes || bytes > a->file->bytes
                               : bytes > GIB && bytes / WORST_RATIO > stored)
    return gr_fail(err, GRADUS_ERR_DATA, "%s: %s declares %llu bytes, but the file holds %llu",
                   a->file->path, a->path, (unsigned long long)bytes, (unsigned long long)stored);
  return GRADUS_OK;
}

static gradus_status check_memory(const gr_h5_array *a, gradus_error *err) {
  uint64_t bytes = (uint64_t)a->n * H5Tget_size(a->type);
  if (bytes <= physical_memory()) return GRADUS_OK;
  return gr_fail(err, GRADUS_ERR_RESOURCES,
                 "%s: %s needs %llu MiB of memory, this machine has %llu", a->file->path, a->path,
                 (unsigned long long)(bytes >> 20), (unsigned long long)(physical_memory() >> 20));
}

/* Asking for the shape of an array made of parts without end, or with numbered names, would open
 * the files that it names. */
static gradus_status check_virtual(const gr_h5_array *a, hid_t plist, gradus_error *err) {
  size_t n = 0;
  if (H5Pget_virtual_count(plist, &n) < 0)
    return refuse(a, err, "is a virtual dataset whose parts cannot be read");
  for (size_t i = 0; i < n; i++) {
    char name[2 * GR_H5_PATH];
    hid_t space = H5Pget_virtual_vspace(plist, i);
    bool endless = space < 0 || H5Sget_select_npoints(space) < 0;
    if (space >= 0) (void)H5Sclose(space);
    for (int set = 0; set < 2 && !endless; set++) {
      ssize_t length = set ? H5Pget_virtual_dsetname(plist, i, name, sizeof name)
                           : H5Pget_virtual_filename(plist, i, name, sizeof name);
      endless = length < 0 || (size_t)length >= sizeof name || strchr(name, '%');
    }
    if (endless)
      return refuse(a, err,
                    "is a virtual dataset with a part without end or with numbered names, refused; "
                    "copy it with h5repack or name the parts one by one");
  }
  return GRADUS_OK;
}

static gradus_status check_layout(gr_h5_array *a, bool whole, gradus_error *err) {
  hid_t plist = H5Dget_create_plist(a->id);
  if (plist < 0)
    return gr_h5_fail(err, GRADUS_ERR_DATA, "%s: %s: cannot tell how it is stored", a->file->path,
                      a->path);
  gradus_status status = GRADUS_OK;
  a->layout = H5Pget_layout(plist);
  if (a->layout == H5D_VIRTUAL && whole)
    status = refuse(a, err, "is a virtual dataset; data in other files is refused, copy it");
  else if (a->layout == H5D_VIRTUAL)
    status = check_virtual(a, plist, err);
  else if (H5Pget_external_count(plist) != 0)
    status = refuse(a, err, "keeps its data in external files, which is refused; copy it");
  else if (a->layout != H5D_COMPACT && a->layout != H5D_CONTIGUOUS && a->layout != H5D_CHUNKED)
    status = refuse(a, err, "is stored in an unknown way");
  else if (whole)
    status = check_filters(a, plist, err);
  (void)H5Pclose(plist);
  return status;
}

/* ---- the object ---- */

static gradus_status open_object(gr_h5_array *a, const char *wanted, gradus_error *err) {
  bool found;
  GR_TRY(gr_h5_find(a->file, wanted, a->path, &found, err));
  if (!found) return gr_fail(err, GRADUS_ERR_DATA, "%s: has no %s", a->file->path, wanted);
  a->id = H5Oopen(a->file->id, a->path, H5P_DEFAULT);
  if (a->id < 0)
    return gr_h5_fail(err, GRADUS_ERR_DATA, "%s: %s cannot be opened", a->file->path, a->path);
  if (H5Iget_type(a->id) != H5I_DATASET) return refuse(a, err, "is not an array (HDF5 dataset)");
  a->type = H5Dget_type(a->id);
  if (a->type < 0)
    return gr_h5_fail(err, GRADUS_ERR_DATA, "%s: %s: cannot tell its type", a->file->path, a->path);
  return GRADUS_OK;
}

static gradus_status open_checked(const gr_h5_file *file, const char *path, bool whole,
                                  gr_h5_array *out, gradus_error *err) {
  gradus_status status;
  *out = (gr_h5_array){.file = file};
  GR_TRY_ELSE(fail, open_object(out, path, err));
  GR_TRY_ELSE(fail, classify(out, err));
  GR_TRY_ELSE(fail, check_layout(out, whole, err));
  GR_TRY_ELSE(fail, read_shape(out, err));
  if (out->layout != H5D_VIRTUAL) GR_TRY_ELSE(fail, check_size(out, err));
  if (whole) GR_TRY_ELSE(fail, check_memory(out, err));
  return GRADUS_OK;
fail:
  gr_h5_array_close(out);
  return status;
}

gradus_status gr_h5_array_open(const gr_h5_file *file, const char *path, gr_h5_array *out,
                               gradus_error *err) {
  return open_checked(file, path, true, out, err);
}

gradus_status gr_h5_array_look(const gr_h5_file *file, const char *path, gr_h5_array *out,
                               gradus_error *err) {
  return open_checked(file, path, false, out, err);
}

void gr_h5_array_close(gr_h5_array *a) {
  if (a->type > 0) (void)H5Tclose(a->type);
  if (a->id > 0) (void)H5Oclose(a->id);
  a->id = a->type = 0;
}

void gr_h5_swap_bytes(void *elements, size_t n, size_t size) {
  unsigned char *data = elements;
  for (size_t i = 0; i < n; i++, data += size)
    for (size_t low = 0, high = size - 1; low < high; low++, high--) {
      unsigned char byte = data[low];
      data[low] = data[high];
      data[high] = byte;
    }
}

gradus_status gr_h5_array_read(const gr_h5_array *a, void *out, gradus_error *err) {
  if (a->kind == GR_H5_TEXT) return refuse(a, err, "is text; numbers were expected");
  if (a->n == 0) return GRADUS_OK;
  hid_t type = a->convert ? H5T_NATIVE_DOUBLE : a->type;
  if (H5Dread(a->id, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, out) < 0)
    return gr_h5_fail(err, GRADUS_ERR_DATA, "%s: %s cannot be read", a->file->path, a->path);
  if (a->swap) gr_h5_swap_bytes(out, a->n, gr_dtype_size(a->dtype));
  return GRADUS_OK;
}

/* ---- enumerations ---- */

int64_t gr_h5_integer_at(const void *array, gr_dtype type, uint64_t i) {
  size_t size = gr_dtype_size(type);
  unsigned unused = (unsigned)(64 - 8 * size);
  bool is_signed = type == GR_I8 || type == GR_I16 || type == GR_I32;
  uint64_t bits = 0;
  memcpy(&bits, (const char *)array + i * size, size); /* little-endian host: see the digest */
  return is_signed ? (int64_t)(bits << unused) >> unused : (int64_t)bits;
}

static int by_value(const void *a, const void *b) {
  int64_t x = ((const gr_h5_member *)a)->value, y = ((const gr_h5_member *)b)->value;
  return (x > y) - (x < y);
}

static bool read_member(const gr_h5_array *a, unsigned i, gr_h5_member *out) {
  unsigned char bytes[8] = {0};
  if (H5Tget_size(a->type) > sizeof bytes || H5Tget_member_value(a->type, i, bytes) < 0)
    return false;
  if (a->swap) gr_h5_swap_bytes(bytes, 1, gr_dtype_size(a->dtype));
  out->value = gr_h5_integer_at(bytes, a->dtype, 0);
  out->name = H5Tget_member_name(a->type, i);
  return out->name != NULL;
}

gradus_status gr_h5_read_members(const gr_h5_array *a, gr_h5_member **out, uint32_t *n,
                                 gradus_error *err) {
  int count = H5Tget_nmembers(a->type);
  if (count < 0) return refuse(a, err, "has names that cannot be read");
  gr_h5_member *members = gr_calloc((size_t)count, sizeof *members);
  if (!members) return gr_fail_memory(err, "names of an enumeration");
  for (int i = 0; i < count; i++)
    if (!read_member(a, (unsigned)i, &members[i])) {
      gr_h5_free_members(members, (uint32_t)count);
      return refuse(a, err, "has names that cannot be read");
    }
  qsort(members, (size_t)count, sizeof *members, by_value);
  *out = members;
  *n = (uint32_t)count;
  return GRADUS_OK;
}

void gr_h5_free_members(gr_h5_member *members, uint32_t n) {
  for (uint32_t i = 0; members && i < n; i++) (void)H5free_memory(members[i].name);
  gr_free(members);
}

/* ---- text ---- */

static gradus_status visit_fixed(const gr_h5_array *a, gr_h5_visit *visit, void *user,
                                 gradus_error *err) {
  size_t size = H5Tget_size(a->type);
  bool blanks = H5Tget_strpad(a->type) == H5T_STR_SPACEPAD;
  char *buffer = gr_calloc(a->n, size);
  if (!buffer) return gr_fail_memory(err, a->path);
  gradus_status status = GRADUS_OK;
  if (H5Dread(a->id, a->type, H5S_ALL, H5S_ALL, H5P_DEFAULT, buffer) < 0)
    status = gr_h5_fail(err, GRADUS_ERR_DATA, "%s: %s cannot be read", a->file->path, a->path);
  for (size_t i = 0; i < a->n && status == GRADUS_OK; i++) {
    const char *bytes = buffer + i * size;
    size_t length = strnlen(bytes, size);
    while (blanks && length > 0 && bytes[length - 1] == ' ') length--;
    status = visit(user, i, bytes, length, err);
  }
  gr_free(buffer);
  return status;
}

static gradus_status visit_variable(const gr_h5_array *a, gr_h5_visit *visit, void *user,
                                    gradus_error *err) {
  char **buffer = gr_calloc(a->n, sizeof *buffer);
  if (!buffer) return gr_fail_memory(err, a->path);
  gradus_status status = GRADUS_OK;
  hid_t space = H5Dget_space(a->id);
  if (space < 0 || H5Dread(a->id, a->type, H5S_ALL, H5S_ALL, H5P_DEFAULT, buffer) < 0)
    status = gr_h5_fail(err, GRADUS_ERR_DATA, "%s: %s cannot be read", a->file->path, a->path);
  for (size_t i = 0; i < a->n && status == GRADUS_OK; i++)
    status = visit(user, i, buffer[i] ? buffer[i] : "", buffer[i] ? strlen(buffer[i]) : 0, err);
  if (space >= 0) {
    (void)H5Dvlen_reclaim(a->type, space, H5P_DEFAULT, buffer); /* NULLs are passed over */
    (void)H5Sclose(space);
  }
  gr_free(buffer);
  return status;
}

gradus_status gr_h5_array_texts(const gr_h5_array *a, gr_h5_visit *visit, void *user,
                                gradus_error *err) {
  if (a->kind != GR_H5_TEXT) return refuse(a, err, "holds numbers; text was expected");
  if (a->n == 0) return GRADUS_OK;
  return H5Tis_variable_str(a->type) > 0 ? visit_variable(a, visit, user, err)
                                         : visit_fixed(a, visit, user, err);
}

static gradus_status keep_text(void *user, uint64_t index, const char *bytes, size_t length,
                               gradus_error *err) {
  char **texts = user;
  texts[index] = gr_strndup(bytes, length);
  return texts[index] ? GRADUS_OK : gr_fail_memory(err, "a list of names");
}

gradus_status gr_h5_read_list(const gr_h5_file *file, const char *path, char ***out, uint32_t *n,
                              gradus_error *err) {
  gr_h5_array a;
  char **texts = NULL;
  GR_TRY(gr_h5_array_open(file, path, &a, err));
  gradus_status status = GRADUS_OK;
  if (a.rank != 1 || a.n > INT32_MAX)
    status = refuse(&a, err, "is not a one-dimensional list");
  else if (!(texts = gr_calloc(a.n, sizeof *texts)))
    status = gr_fail_memory(err, "a list of names");
  if (status == GRADUS_OK) status = gr_h5_array_texts(&a, keep_text, texts, err);
  if (status == GRADUS_OK) {
    *out = texts;
    *n = (uint32_t)a.n;
  } else if (texts) {
    gr_h5_free_texts(texts, (uint32_t)a.n);
  }
  gr_h5_array_close(&a);
  return status;
}

void gr_h5_free_texts(char **texts, uint32_t n) {
  for (uint32_t i = 0; texts && i < n; i++) gr_free(texts[i]);
  gr_free(texts);
}

const char *gr_h5_array_shape(const gr_h5_array *a, char out[GR_H5_SHAPE]) {
  int used =
      snprintf(out, GR_H5_SHAPE, "%s [", a->kind == GR_H5_TEXT ? "text" : gr_dtype_name(a->dtype));
  for (unsigned i = 0; i < a->rank && used < GR_H5_SHAPE - 32; i++)
    used += snprintf(out + used, (size_t)(GR_H5_SHAPE - used), "%s%llu", i ? ", " : "",
                     (unsigned long long)a->dims[i]);
  snprintf(out + used, (size_t)(GR_H5_SHAPE - used), "]");
  return out;
}
