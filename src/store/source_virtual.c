/* What a part is made of: one array, or, where HDF5 calls it virtual, blocks of rows of arrays in
 * other files, which may be virtual again. HDF5 would open whatever file is named, anywhere, and
 * read fill values where one is missing; here a name leads only to files beside or below the one
 * that names them, and every row has to come from somewhere. */
#include <config.h>

#include "store/source_array.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum { MAX_DEPTH = 4 };

/* A plain block of an array: everything, or from start to end, both included. */
struct block {
  bool all;
  unsigned rank;
  hsize_t start[H5S_MAX_RANK], end[H5S_MAX_RANK];
};

/* Rows [first, first + n) of a virtual array are the block `source` of file: path. */
struct mapping {
  uint64_t first, n;
  struct block source;
  char *file, *path;
};

/* What is asked of an array: of the rows that `block` selects, which are to be `of` rows of
 * `columns` numbers of `type`, those from `skip`, n of them. At the top: everything there is. */
struct request {
  const char *file, *path;
  bool transpose, any_shape;
  const struct block *block;
  uint64_t of, columns, skip, n;
  gr_dtype type;
  const struct request *above; /* who names it */
  int depth;
};

/* ---- the list ---- */

void gr_source_list_free(gr_source_list *list) {
  for (size_t i = 0; i < list->n_arrays; i++) {
    gr_source_array_close(list->arrays[i]);
    gr_free(list->arrays[i]);
  }
  gr_free(list->arrays);
  gr_free(list->pieces);
  *list = (gr_source_list){0};
}

/* Makes room for one more where n is a power of two (or 0). */
static void *grown(void *items, size_t n, size_t size) {
  if (items && (n & (n - 1)) != 0) return items;
  return gr_realloc(items, n ? 2 * n : 1, size);
}

static gradus_status add_piece(gr_source_list *list, size_t array, uint64_t from, uint64_t n,
                               gradus_error *err) {
  if (n == 0) return GRADUS_OK;
  if (n > INT64_MAX - list->n_rows) return gr_fail(err, GRADUS_ERR_DATA, "more rows than 2^63");
  void *pieces = grown(list->pieces, list->n_pieces, sizeof *list->pieces);
  if (!pieces) return gr_fail_memory(err, "a list of parts");
  list->pieces = pieces;
  list->pieces[list->n_pieces++] = (gr_source_piece){list->n_rows, n, from, array};
  list->n_rows += n;
  return GRADUS_OK;
}

/* Opens an array as the last one of the list. */
static gradus_status open_last(gr_source_list *list, const struct request *r, bool as_row,
                               gradus_error *err) {
  void *arrays = grown(list->arrays, list->n_arrays, sizeof(gr_source_array *));
  gr_source_array *array = gr_calloc(1, sizeof *array);
  if (arrays) list->arrays = arrays;
  if (!arrays || !array) {
    gr_free(array);
    return gr_fail_memory(err, "a list of parts");
  }
  list->arrays[list->n_arrays++] = array; /* closed with the list, also where opening fails */
  return gr_source_array_open(r->file, r->path, r->transpose, as_row, array, err);
}

static void drop_last(gr_source_list *list) {
  gr_source_array *last = list->arrays[--list->n_arrays];
  gr_source_array_close(last);
  gr_free(last);
}

static bool find_array(const gr_source_list *list, const struct request *r, size_t *at) {
  for (*at = 0; *at < list->n_arrays; ++*at) {
    const gr_source_array *a = list->arrays[*at];
    if (a->transpose == r->transpose && !a->as_row && strcmp(a->file, r->file) == 0 &&
        strcmp(a->path, r->path) == 0)
      return true;
  }
  return false;
}

/* ---- blocks ---- */

/* False where the selection is no plain block. */
static bool take_block(hid_t space, struct block *out) {
  H5S_sel_type type = H5Sget_select_type(space);
  int rank = H5Sget_simple_extent_ndims(space);
  hssize_t n = H5Sget_select_npoints(space), product = 1;
  *out = (struct block){.all = type == H5S_SEL_ALL, .rank = rank > 0 ? (unsigned)rank : 0};
  if (out->all) return true;
  if (type != H5S_SEL_HYPERSLABS || rank <= 0 || rank > H5S_MAX_RANK || n <= 0) return false;
  if (H5Sget_select_bounds(space, out->start, out->end) < 0) return false;
  for (unsigned i = 0; i < out->rank; i++) {
    const hsize_t length = out->end[i] - out->start[i] + 1;
    if (length > INT64_MAX || __builtin_mul_overflow(product, (hssize_t)length, &product))
      return false;
  }
  return product == n;
}

/* The rows of `a` that the block holds whole; false where it cuts columns or does not fit. */
static bool block_rows(const struct block *b, const gr_source_array *a, uint64_t *first,
                       uint64_t *n) {
  *first = 0;
  *n = a->rows;
  if (b->all) return true;
  if (b->rank != a->rank) return false;
  for (unsigned i = 0; i < a->rank; i++) {
    if (b->end[i] >= a->dims[i]) return false;
    if (i == a->row_dim) continue;
    if (b->start[i] != 0 || b->end[i] + 1 != a->dims[i]) return false;
  }
  *first = b->start[a->row_dim];
  *n = b->end[a->row_dim] - *first + 1;
  return true;
}

/* ---- names of files ---- */

static bool climbs(const char *name) {
  for (const char *at = name; *at; at += strspn(at, "/")) {
    size_t n = strcspn(at, "/");
    if (n == 2 && at[0] == '.' && at[1] == '.') return true;
    at += n;
  }
  return false;
}

/* The file `name` as named by the file `by`: a path to be freed, or NULL with *why set (NULL: out
 * of memory). */
static char *resolve(const char *by, const char *name, const char **why) {
  const char *slash = strrchr(by, '/');
  const size_t folder = slash ? (size_t)(slash - by) + 1 : 0;
  char real[PATH_MAX], start[PATH_MAX];
  *why = NULL;
  if (strcmp(name, ".") == 0) return gr_strdup(by);
  if (climbs(name) || name[0] == '\0') return *why = "leads out of the folder of its file", NULL;
  if (folder >= sizeof start) return *why = "is too long a path", NULL;
  memcpy(start, by, folder);
  start[folder] = '\0';
  if (name[0] == '/') { /* allowed where it names something in the same folder after all */
    size_t n = realpath(folder ? start : ".", real) ? strlen(real) : 0;
    if (n == 0 || strncmp(name, real, n) != 0 || (name[n] != '/' && n > 1))
      return *why = "leads out of the folder of its file", NULL;
    return gr_strdup(name);
  }
  while (strncmp(name, "./", 2) == 0) name += 2 + strspn(name + 2, "/");
  size_t length = strlen(name);
  char *path = gr_alloc(folder + length + 1, 1);
  if (!path) return NULL;
  memcpy(path, start, folder);
  memcpy(path + folder, name, length + 1);
  return path;
}

/* ---- mappings ---- */

static void free_mappings(struct mapping *mappings, size_t n) {
  for (size_t i = 0; mappings && i < n; i++) {
    gr_free(mappings[i].file);
    gr_free(mappings[i].path);
  }
  gr_free(mappings);
}

static gradus_status refuse_part(const gr_source_array *a, size_t i, const char *what,
                                 const char *why, gradus_error *err) {
  return gr_fail(
      err, GRADUS_ERR_DATA,
      "%s: %s is a virtual dataset, and its part %zu %s%s%s; copy it whole with h5repack", a->file,
      a->path, i, what, what[0] ? " " : "", why);
}

static gradus_status take_names(const gr_source_array *a, hid_t plist, size_t i,
                                struct mapping *out, gradus_error *err) {
  char file[GR_H5_PATH], path[GR_H5_PATH];
  const char *why;
  ssize_t n = H5Pget_virtual_filename(plist, i, file, sizeof file);
  ssize_t m = H5Pget_virtual_dsetname(plist, i, path, sizeof path);
  if (n < 0 || (size_t)n >= sizeof file || m < 0 || (size_t)m >= sizeof path)
    return refuse_part(a, i, "", "has names that are too long", err);
  out->file = resolve(a->file, file, &why);
  if (!out->file && why) return refuse_part(a, i, file, why, err);
  out->path = gr_strdup(path);
  return out->file && out->path ? GRADUS_OK : gr_fail_memory(err, "a file name");
}

static gradus_status take_mapping(const gr_source_array *a, hid_t plist, size_t i,
                                  struct mapping *out, gradus_error *err) {
  struct block here;
  hid_t space = H5Pget_virtual_vspace(plist, i), source = H5Pget_virtual_srcspace(plist, i);
  bool plain = space >= 0 && source >= 0 && take_block(space, &here) &&
               block_rows(&here, a, &out->first, &out->n) && take_block(source, &out->source);
  if (space >= 0) (void)H5Sclose(space);
  if (source >= 0) (void)H5Sclose(source);
  if (!plain) return refuse_part(a, i, "", "is no plain block of whole rows", err);
  return take_names(a, plist, i, out, err);
}

static int by_first(const void *a, const void *b) {
  uint64_t x = ((const struct mapping *)a)->first, y = ((const struct mapping *)b)->first;
  return (x > y) - (x < y);
}

static gradus_status check_cover(const gr_source_array *a, const struct mapping *mappings, size_t n,
                                 gradus_error *err) {
  uint64_t next = 0;
  for (size_t i = 0; i <= n; i++) {
    const uint64_t first = i < n ? mappings[i].first : a->rows;
    if (first != next)
      return gr_fail(err, GRADUS_ERR_DATA,
                     "%s: %s is a virtual dataset whose rows %llu to %llu are in %s part; copy it "
                     "whole with h5repack",
                     a->file, a->path, (unsigned long long)(first < next ? first : next),
                     (unsigned long long)(first < next ? next : first) - 1,
                     first < next ? "more than one" : "no");
    next = i < n ? first + mappings[i].n : next;
  }
  return GRADUS_OK;
}

/* *out [*n] in ascending order of rows; to be freed also after a failure. */
static gradus_status read_mappings(const gr_source_array *a, struct mapping **out, size_t *n,
                                   gradus_error *err) {
  hid_t plist = H5Dget_create_plist(a->array.id);
  gradus_status status = GRADUS_OK;
  *n = 0;
  if (plist < 0 || H5Pget_virtual_count(plist, n) < 0)
    status = gr_h5_fail(err, GRADUS_ERR_DATA, "%s: %s: its parts cannot be read", a->file, a->path);
  else if (!(*out = gr_calloc(*n, sizeof **out)))
    status = gr_fail_memory(err, "a list of parts");
  for (size_t i = 0; i < *n && status == GRADUS_OK; i++)
    status = take_mapping(a, plist, i, &(*out)[i], err);
  if (plist >= 0) (void)H5Pclose(plist);
  if (status != GRADUS_OK) return status;
  qsort(*out, *n, sizeof **out, by_first);
  return check_cover(a, *out, *n, err);
}

/* ---- from a request to pieces ---- */

static gradus_status add_rows(gr_source_list *list, const struct request *r, gradus_error *err);

static gradus_status check_depth(const struct request *r, gradus_error *err) {
  for (const struct request *up = r->above; up; up = up->above)
    if (strcmp(up->file, r->file) == 0 && strcmp(up->path, r->path) == 0)
      return gr_fail(err, GRADUS_ERR_DATA, "%s: %s is a virtual dataset that is made of itself",
                     r->file, r->path);
  if (r->depth <= MAX_DEPTH) return GRADUS_OK;
  return gr_fail(err, GRADUS_ERR_DATA, "%s: %s: virtual datasets are nested more than %d deep",
                 r->file, r->path, MAX_DEPTH);
}

/* Rows [from, from + n) of a virtual array. */
static gradus_status add_virtual(gr_source_list *list, const struct request *r,
                                 const struct mapping *mappings, size_t n_mappings, uint64_t from,
                                 uint64_t n, uint64_t columns, gr_dtype type, gradus_error *err) {
  for (size_t i = 0; i < n_mappings; i++) {
    const struct mapping *m = &mappings[i];
    const uint64_t low = from > m->first ? from : m->first,
                   end = from + n < m->first + m->n ? from + n : m->first + m->n;
    if (low >= end) continue;
    const struct request part = {.file = m->file,
                                 .path = m->path,
                                 .transpose = r->transpose,
                                 .block = &m->source,
                                 .of = m->n,
                                 .columns = columns,
                                 .skip = low - m->first,
                                 .n = end - low,
                                 .type = type,
                                 .above = r,
                                 .depth = r->depth + 1};
    gradus_status status = add_rows(list, &part, err);
    if (status != GRADUS_OK && r->depth == 0)
      gr_error_prefix(err, "%s: %s is a virtual dataset", r->file, r->path);
    GR_TRY(status);
  }
  return GRADUS_OK;
}

/* The rows of array number `at` that are asked for. */
static gradus_status match(const gr_source_array *a, const struct request *r, uint64_t *from,
                           uint64_t *n, gradus_error *err) {
  static const struct block everything = {.all = true};
  char shape[GR_H5_SHAPE];
  if (!r->any_shape && a->type != r->type)
    return gr_fail(err, GRADUS_ERR_DATA, "%s: %s is of type %s, but declared as %s", a->file,
                   a->path, gr_dtype_name(a->type), gr_dtype_name(r->type));
  bool fits = block_rows(r->block ? r->block : &everything, a, from, n);
  if (r->any_shape) return GRADUS_OK;
  if (!fits || *n != r->of || a->columns != r->columns)
    return gr_fail(err, GRADUS_ERR_DATA,
                   "%s: %s, %s, does not give %llu whole rows of %llu columns", a->file, a->path,
                   gr_h5_array_shape(&a->array, shape), (unsigned long long)r->of,
                   (unsigned long long)r->columns);
  *from += r->skip;
  *n = r->n;
  return GRADUS_OK;
}

/* One row made of a whole array with fewer dimensions, as in layout[i] = image. */
static bool wants_row(const gr_source_array *a, const struct request *r) {
  uint64_t first, n;
  if (r->any_shape || r->of != 1 || a->array.n != r->columns) return false;
  if (a->array.layout == H5D_VIRTUAL || a->columns == r->columns) return false;
  return r->block->all || (block_rows(r->block, a, &first, &n) && n == a->rows);
}

static gradus_status add_opened(gr_source_list *list, const struct request *r, gradus_error *err) {
  gr_source_array *a = list->arrays[list->n_arrays - 1];
  uint64_t from, n;
  if (wants_row(a, r)) {
    drop_last(list);
    GR_TRY(open_last(list, r, true, err));
    a = list->arrays[list->n_arrays - 1];
    gr_source_array_settle(a);
    return add_piece(list, list->n_arrays - 1, 0, 1, err);
  }
  GR_TRY(match(a, r, &from, &n, err));
  if (a->array.layout != H5D_VIRTUAL) {
    gr_source_array_settle(a);
    return add_piece(list, list->n_arrays - 1, from, n, err);
  }
  struct mapping *mappings = NULL;
  size_t n_mappings = 0;
  const uint64_t columns = a->columns;
  const gr_dtype type = a->type;
  gradus_status status = read_mappings(a, &mappings, &n_mappings, err);
  drop_last(list);
  if (status == GRADUS_OK)
    status = add_virtual(list, r, mappings, n_mappings, from, n, columns, type, err);
  free_mappings(mappings, n_mappings);
  return status;
}

static gradus_status add_rows(gr_source_list *list, const struct request *r, gradus_error *err) {
  size_t at;
  uint64_t from, n;
  GR_TRY(check_depth(r, err));
  if (r->depth > 0 && find_array(list, r, &at) && match(list->arrays[at], r, &from, &n, NULL) == 0)
    return add_piece(list, at, from, n, err);
  GR_TRY(open_last(list, r, false, err));
  return add_opened(list, r, err);
}

gradus_status gr_source_list_add(gr_source_list *list, const gr_source_part *part,
                                 gradus_error *err) {
  const struct request everything = {
      .file = part->file, .path = part->path, .transpose = part->transpose, .any_shape = true};
  return add_rows(list, &everything, err);
}
