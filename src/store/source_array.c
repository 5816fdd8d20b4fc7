/* Opens one array of a source: everything that HDF5 knows and reading needs is asked here, once.
 * Which kind of reading it gets, and in words why not a better one, is decided here too. */
#include <config.h>

#include "store/source_array.h"

#include <fcntl.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/memory.h"

static gradus_status refuse(const gr_source_array *a, const char *why, gradus_error *err) {
  char shape[GR_H5_SHAPE];
  return gr_fail(err, GRADUS_ERR_DATA, "%s: %s, %s, %s", a->file, a->path,
                 gr_h5_array_shape(&a->array, shape), why);
}

/* The first reason is the one that counts. */
static void explain(gr_source_array *a, gr_source_kind kind, const char *why) {
  if (a->kind < kind) a->kind = kind;
  if (!a->reason[0]) snprintf(a->reason, sizeof a->reason, "%s", why);
}

/* ---- shape ---- */

static void set_strides(gr_source_array *a) {
  uint64_t stride = 1;
  for (unsigned i = a->rank; i-- > 0;) {
    a->out_stride[i] = i == a->row_dim ? a->columns : stride;
    if (i != a->row_dim) stride *= a->dims[i];
  }
}

static gradus_status take_shape(gr_source_array *a, gradus_error *err) {
  const gr_h5_array *array = &a->array;
  if (array->kind == GR_H5_TEXT) return refuse(a, "is text; numbers were expected", err);
  if (array->rank == 0) return refuse(a, "is a single value; one row per sample was expected", err);
  a->rank = array->rank;
  memcpy(a->dims, array->dims, array->rank * sizeof a->dims[0]);
  if (a->as_row) a->dims[a->rank++] = 1;
  a->row_dim = (a->transpose && array->rank > 1) || a->as_row ? a->rank - 1 : 0;
  a->rows = a->dims[a->row_dim];
  a->columns = 1;
  for (unsigned i = 0; i < a->rank; i++)
    if (i != a->row_dim && !gr_multiply(a->columns, a->dims[i], &a->columns))
      return refuse(a, "declares an absurd size", err);
  if (a->columns == 0) return refuse(a, "has no columns", err);
  if (a->columns > INT32_MAX) return refuse(a, "has more columns than 2147483647", err);
  a->type = array->dtype;
  a->size = gr_dtype_size(a->type);
  a->swap = array->swap;
  set_strides(a);
  return GRADUS_OK;
}

/* ---- contiguous ---- */

void gr_source_array_map(gr_source_array *a) {
  const uint64_t bytes = a->rows * a->columns * a->size, page = (uint64_t)sysconf(_SC_PAGESIZE),
                 skipped = a->offset % page;
  if (bytes > SIZE_MAX - page)
    return explain(a, GR_SOURCE_DIRECT, "larger than what can be mapped");
  a->map_bytes = (size_t)(skipped + bytes);
  a->map = mmap(NULL, a->map_bytes, PROT_READ, MAP_SHARED, a->fd, (off_t)(a->offset - skipped));
  if (a->map == MAP_FAILED) {
    a->map = NULL;
    return explain(a, GR_SOURCE_DIRECT, "the system refuses to map it");
  }
  a->base = (const char *)a->map + skipped;
}

bool gr_source_array_is_turned(const gr_source_array *a) {
  return a->row_dim != 0 && a->columns > 1 && a->rows > 1;
}

static gradus_status open_contiguous(gr_source_array *a, gradus_error *err) {
  const uint64_t bytes = (uint64_t)a->array.n * a->size;
  const haddr_t offset = H5Dget_offset(a->array.id);
  if (offset == HADDR_UNDEF)
    return gr_h5_fail(err, GRADUS_ERR_DATA, "%s: %s: its place in the file cannot be found",
                      a->file, a->path);
  if (offset > a->file_bytes || bytes > a->file_bytes - offset)
    return refuse(a, "reaches beyond the end of the file, which is damaged or cut short", err);
  a->offset = offset;
  if (gr_source_array_is_turned(a)) explain(a, GR_SOURCE_DIRECT, "stored transposed");
  if (a->swap) explain(a, GR_SOURCE_DIRECT, "stored in the other byte order");
  if (a->offset % a->size != 0) explain(a, GR_SOURCE_DIRECT, "not aligned to its type in the file");
  return GRADUS_OK;
}

/* ---- chunked ---- */

static gradus_status take_chunks(gr_source_array *a, hid_t plist, gradus_error *err) {
  hsize_t chunk[H5S_MAX_RANK];
  size_t bytes = a->size, band = a->size;
  if (H5Pget_chunk(plist, (int)a->array.rank, chunk) != (int)a->array.rank)
    return gr_h5_fail(err, GRADUS_ERR_DATA, "%s: %s: its chunks cannot be read", a->file, a->path);
  a->n_chunks = 1;
  a->whole_rows = a->row_dim == 0;
  for (unsigned i = 0; i < a->rank; i++) {
    a->chunk[i] = i < a->array.rank ? chunk[i] : 1;
    if (a->chunk[i] == 0) return refuse(a, "has chunks of no size", err);
    a->grid[i] = a->dims[i] / a->chunk[i] + (a->dims[i] % a->chunk[i] != 0);
    if (i > 0 && a->chunk[i] != a->dims[i]) a->whole_rows = false;
    if (!gr_multiply(bytes, a->chunk[i], &bytes) ||
        !gr_multiply(a->n_chunks, a->grid[i], &a->n_chunks))
      return refuse(a, "declares chunks of an absurd size", err);
  }
  if (!gr_multiply(band, a->columns, &band) || !gr_multiply(band, a->chunk[a->row_dim], &band))
    band = SIZE_MAX;
  a->chunk_bytes = bytes;
  a->band_bytes = band;
  if (gr_pipeline_bound(bytes) == 0) return refuse(a, "declares chunks of 4 GiB and more", err);
  return GRADUS_OK;
}

static gradus_status take_fill_value(gr_source_array *a, hid_t plist, gradus_error *err) {
  H5D_fill_value_t defined = H5D_FILL_VALUE_ERROR;
  if (H5Pfill_value_defined(plist, &defined) < 0 ||
      (defined == H5D_FILL_VALUE_USER_DEFINED &&
       H5Pget_fill_value(plist, a->array.type, a->fill) < 0))
    return gr_h5_fail(err, GRADUS_ERR_DATA, "%s: %s: its fill value cannot be read", a->file,
                      a->path);
  return GRADUS_OK;
}

static gradus_status open_chunked(gr_source_array *a, hid_t plist, gradus_error *err) {
  unsigned options = 0;
  char why[128];
  GR_TRY(take_chunks(a, plist, err));
  GR_TRY(gr_pipeline_read(&a->array, plist, a->array.convert, &a->pipeline, err));
  gr_pipeline_describe(&a->pipeline, a->filters, sizeof a->filters);
  if (a->pipeline.by_library) {
    snprintf(why, sizeof why, "only HDF5 undoes its filters (%s)", a->filters);
    explain(a, GR_SOURCE_LIBRARY, why);
  }
  if (a->kind == GR_SOURCE_LIBRARY) return GRADUS_OK;
  snprintf(why, sizeof why, "stored in chunks of %llu rows",
           (unsigned long long)a->chunk[a->row_dim]);
  explain(a, GR_SOURCE_CHUNKED, why);
  if (H5Pget_chunk_opts(plist, &options) < 0)
    return gr_h5_fail(err, GRADUS_ERR_DATA, "%s: %s: its chunks cannot be read", a->file, a->path);
  a->raw_edges = (options & H5D_CHUNK_DONT_FILTER_PARTIAL_CHUNKS) != 0;
  GR_TRY(take_fill_value(a, plist, err));
  return gr_source_read_table(a, err);
}

/* ---- the array ---- */

static gradus_status open_storage(gr_source_array *a, gradus_error *err) {
  if (a->array.n == 0 || a->array.layout == H5D_VIRTUAL) return GRADUS_OK;
  if (a->array.convert)
    explain(a, GR_SOURCE_LIBRARY, "of an unusual number type, which HDF5 converts");
  if (a->array.layout == H5D_COMPACT)
    explain(a, GR_SOURCE_LIBRARY, "stored in the header of its object (compact)");
  a->stored_bytes = H5Dget_storage_size(a->array.id);
  if (a->array.layout == H5D_CONTIGUOUS && a->kind != GR_SOURCE_LIBRARY)
    return open_contiguous(a, err);
  if (a->array.layout != H5D_CHUNKED) return GRADUS_OK;
  hid_t plist = H5Dget_create_plist(a->array.id);
  if (plist < 0)
    return gr_h5_fail(err, GRADUS_ERR_DATA, "%s: %s: cannot tell how it is stored", a->file,
                      a->path);
  gradus_status status = open_chunked(a, plist, err);
  (void)H5Pclose(plist);
  return status;
}

gradus_status gr_source_array_open(const char *file, const char *path, bool transpose, bool as_row,
                                   gr_source_array *out, gradus_error *err) {
  *out = (gr_source_array){.fd = -1, .transpose = transpose, .as_row = as_row};
  snprintf(out->filters, sizeof out->filters, "none");
  out->file = gr_strdup(file);
  out->path = gr_strdup(path);
  if (!out->file || !out->path) return gr_fail_memory(err, "a file name");
  GR_TRY(gr_h5_open(out->file, &out->h5, err));
  out->fd = fcntl(gr_h5_io_descriptor(out->h5.io), F_DUPFD_CLOEXEC, 3);
  if (out->fd < 0)
    return gr_fail_errno(err, GRADUS_ERR_RESOURCES, errno, "%s: cannot be kept open", out->file);
  out->file_bytes = out->h5.bytes;
  gradus_status status = gr_h5_array_look(&out->h5, path, &out->array, err);
  if (status == GRADUS_OK) status = take_shape(out, err);
  if (status == GRADUS_OK) status = open_storage(out, err);
  return gr_h5_judge(&out->h5, status, err);
}

void gr_source_array_settle(gr_source_array *a) {
  if (a->kind == GR_SOURCE_LIBRARY) return;
  gr_h5_array_close(&a->array);
  gr_h5_close(&a->h5);
}

void gr_source_array_close(gr_source_array *a) {
  gr_h5_array_close(&a->array);
  gr_h5_close(&a->h5);
  if (a->map) (void)munmap(a->map, a->map_bytes);
  if (a->file && a->fd >= 0) (void)close(a->fd);
  gr_free(a->table);
  gr_free(a->file);
  gr_free(a->path);
  *a = (gr_source_array){.fd = -1};
}
