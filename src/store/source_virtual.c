/* A virtual dataset is a list of boxes: here of the whole, there of a dataset of some file. Those
 * that are whole rows, one after another without gaps, of files beside the naming one, are as good
 * as a list of files; nothing else is followed. */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "store/source_piece.h"

static gradus_status refuse(const gr_h5_array *a, const char *why, gradus_error *err) {
  return gr_fail(err, GRADUS_ERR_DATA,
                 "%s: %s is a virtual dataset %s; copy the data into one file", a->file->path,
                 a->path, why);
}

void gr_virtual_parts_free(gr_virtual_part *parts, size_t n) {
  for (size_t i = 0; parts && i < n; i++) {
    gr_free(parts[i].file);
    gr_free(parts[i].path);
  }
  gr_free(parts);
}

/* The box that a selection is, if it is one of whole rows of [..][dims[1]]..: its first row and
 * rows. Everything (H5S_ALL): rows UINT64_MAX. */
static bool whole_rows(hid_t space, const gr_h5_array *a, uint64_t *first, uint64_t *rows) {
  hsize_t low[H5S_MAX_RANK], high[H5S_MAX_RANK];
  const H5S_sel_type kind = H5Sget_select_type(space);
  *first = 0;
  *rows = UINT64_MAX;
  if (kind == H5S_SEL_ALL) return true;
  if (kind != H5S_SEL_HYPERSLABS || H5Sget_simple_extent_ndims(space) != (int)a->rank ||
      H5Sget_select_bounds(space, low, high) < 0)
    return false;
  uint64_t n = high[0] - low[0] + 1;
  *first = low[0];
  *rows = n;
  for (unsigned d = 1; d < a->rank; d++) {
    if (low[d] != 0 || high[d] + 1 != a->dims[d]) return false;
    n *= a->dims[d];
  }
  return H5Sget_select_npoints(space) == (hssize_t)n;
}

/* A name that stays in the folder: no root, no way up. */
static bool stays(const char *name) {
  if (name[0] == '/' || name[0] == '\0') return false;
  for (const char *part = name; part; part = strchr(part, '/')) {
    part += *part == '/';
    const size_t n = strcspn(part, "/");
    if (n == 2 && part[0] == '.' && part[1] == '.') return false;
  }
  return true;
}

/* The path of source file `name` beside the file `from`; "." is that file itself. */
static char *beside(const char *from, const char *name) {
  const char *slash = strrchr(from, '/');
  gr_text path = {0};
  if (strcmp(name, ".") == 0) return gr_strdup(from);
  if (slash) gr_text_append(&path, from, (size_t)(slash - from) + 1);
  gr_text_puts(&path, name);
  char *copy = path.failed ? NULL : gr_strdup(path.data);
  gr_text_free(&path);
  return copy;
}

static gradus_status read_names(const gr_h5_array *a, hid_t plist, size_t i, gr_virtual_part *out,
                                gradus_error *err) {
  char file[2048], path[GR_H5_PATH];
  const ssize_t n = H5Pget_virtual_filename(plist, i, file, sizeof file),
                m = H5Pget_virtual_dsetname(plist, i, path, sizeof path);
  if (n <= 0 || m <= 0 || (size_t)n >= sizeof file || (size_t)m >= sizeof path)
    return refuse(a, "with a name that cannot be read", err);
  if (strchr(file, '%') || strchr(path, '%'))
    return refuse(a, "over a pattern of file names, which is not followed", err);
  if (!stays(file))
    return gr_fail(
        err, GRADUS_ERR_DATA,
        "%s: %s is a virtual dataset over %s; only files in the same folder are followed",
        a->file->path, a->path, file);
  out->file = beside(a->file->path, file);
  out->path = gr_strdup(path);
  return out->file && out->path ? GRADUS_OK : gr_fail_memory(err, "file names");
}

static gradus_status read_part(const gr_h5_array *a, hid_t plist, size_t i, gr_virtual_part *out,
                               gradus_error *err) {
  uint64_t rows = 0, source_rows = 0;
  const hid_t here = H5Pget_virtual_vspace(plist, i), there = H5Pget_virtual_srcspace(plist, i);
  bool plain = here >= 0 && there >= 0 && whole_rows(here, a, &out->at, &rows) &&
               whole_rows(there, a, &out->skip, &source_rows);
  if (rows == UINT64_MAX) rows = a->dims[0];
  plain = plain && (source_rows == UINT64_MAX || source_rows == rows);
  out->n_rows = rows;
  if (here >= 0) (void)H5Sclose(here);
  if (there >= 0) (void)H5Sclose(there);
  return plain ? read_names(a, plist, i, out, err)
               : refuse(a, "that is not made of whole rows of others", err);
}

static int by_row(const void *a, const void *b) {
  const uint64_t x = ((const gr_virtual_part *)a)->at, y = ((const gr_virtual_part *)b)->at;
  return (x > y) - (x < y);
}

static gradus_status check_cover(const gr_h5_array *a, gr_virtual_part *parts, size_t n,
                                 gradus_error *err) {
  uint64_t next = 0;
  qsort(parts, n, sizeof *parts, by_row);
  for (size_t i = 0; i < n; i++) {
    if (parts[i].at != next) return refuse(a, "with rows that no file gives, or several", err);
    next += parts[i].n_rows;
  }
  return next == a->dims[0] ? GRADUS_OK : refuse(a, "with rows that no file gives", err);
}

gradus_status gr_virtual_parts(const gr_h5_array *a, gr_virtual_part **out, size_t *n,
                               gradus_error *err) {
  size_t count = 0;
  const hid_t plist = H5Dget_create_plist(a->id);
  gradus_status status = GRADUS_OK;
  if (plist < 0 || H5Pget_virtual_count(plist, &count) < 0)
    status = refuse(a, "that cannot be read", err);
  gr_virtual_part *parts = status == GRADUS_OK ? gr_calloc(count, sizeof *parts) : NULL;
  if (status == GRADUS_OK && !parts) status = gr_fail_memory(err, "file names");
  for (size_t i = 0; i < count && status == GRADUS_OK; i++)
    status = read_part(a, plist, i, &parts[i], err);
  if (status == GRADUS_OK) status = check_cover(a, parts, count, err);
  if (plist >= 0) (void)H5Pclose(plist);
  if (status == GRADUS_OK) {
    *out = parts;
    *n = count;
  } else {
    gr_virtual_parts_free(parts, count);
  }
  return status;
}
