/* Opens what each part is and sends ranges of rows to it. */
#include <config.h>

#include "store/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "store/source_piece.h"

enum { MAX_DEPTH = 4 }; /* of virtual datasets that name virtual datasets */

struct gr_source {
  gr_source_info info;
  gr_piece **piece;
  uint64_t *first; /* [n + 1] row of the whole at which each piece begins */
  size_t n, capacity;
  void *map;
  size_t map_bytes;
};

/* ---- closing ---- */

static void close_piece(gr_piece *p) {
  if (!p) return;
  gr_piece_close_chunks(p);
  const gr_h5_quiet quiet = gr_h5_begin();
  gr_h5_array_close(&p->array);
  gr_h5_close(&p->h5);
  gr_h5_end(&quiet);
  if (p->fd >= 0) (void)close(p->fd); /* only read */
  gr_free(p->file);
  gr_free(p->path);
  gr_free(p);
}

void gr_source_close(gr_source *source) {
  if (!source) return;
  if (source->map) (void)munmap(source->map, source->map_bytes);
  for (size_t i = 0; i < source->n; i++) close_piece(source->piece[i]);
  gr_free(source->piece);
  gr_free(source->first);
  gr_free(source);
}

const gr_source_info *gr_source_get_info(const gr_source *source) {
  return &source->info;
}

/* ---- opening ---- */

static gradus_status open_descriptor(gr_piece *p, gradus_error *err) {
  p->fd = open(p->file, O_RDONLY | O_CLOEXEC);
  if (p->fd >= 0) return GRADUS_OK;
  return gr_fail_errno(err, GRADUS_ERR_NOINPUT, errno, "%s: cannot be opened", p->file);
}

static gradus_status open_contiguous(gr_piece *p, gradus_error *err) {
  const haddr_t offset = H5Dget_offset(p->array.id);
  const uint64_t bytes = (uint64_t)p->array.n * p->size;
  if (offset == HADDR_UNDEF || offset > p->h5.bytes || bytes > p->h5.bytes - offset)
    return gr_fail(err, GRADUS_ERR_DATA, "%s: %s reaches beyond the end of the file", p->file,
                   p->path);
  p->offset = offset;
  p->kind = p->swap || p->transpose || offset % p->size ? GR_SOURCE_DIRECT : GR_SOURCE_MAPPED;
  p->reason = p->transpose ? "transposed" : p->swap ? "of another byte order" : "not aligned";
  return GRADUS_OK;
}

static gradus_status open_storage(gr_piece *p, hid_t plist, gradus_error *err) {
  GR_TRY(gr_filters_read(plist, p->file, p->path, &p->filters, err));
  GR_TRY(open_descriptor(p, err));
  const H5D_layout_t layout = H5Pget_layout(plist);
  p->stored_bytes = H5Dget_storage_size(p->array.id);
  p->kind = GR_SOURCE_LIBRARY;
  p->reason = p->convert ? "an unusual type of numbers" : "compact storage";
  if (layout == H5D_CONTIGUOUS && !p->convert) return open_contiguous(p, err);
  if (layout != H5D_CHUNKED) return GRADUS_OK;
  p->kind = GR_SOURCE_CHUNKED;
  p->reason = "chunks";
  return gr_piece_open_chunks(p, plist, err);
}

/* What the open array says of itself. */
static gradus_status describe(gr_piece *p, uint64_t skip, uint64_t n_rows, gradus_error *err) {
  const gr_h5_array *a = &p->array;
  if (a->kind == GR_H5_TEXT || a->rank == 0)
    return gr_fail(err, GRADUS_ERR_DATA, "%s: %s: rows of numbers were expected", p->file, p->path);
  p->rank = a->rank;
  memcpy(p->dims, a->dims, a->rank * sizeof *p->dims);
  p->transpose = p->transpose && a->rank > 1;
  const uint64_t rows = a->dims[p->transpose ? a->rank - 1 : 0];
  if (rows == 0 || a->n / rows == 0 || a->n / rows > INT32_MAX)
    return gr_fail(err, GRADUS_ERR_DATA, "%s: %s has no rows, or no columns, or too many", p->file,
                   p->path);
  p->n_columns = (uint32_t)(a->n / rows);
  p->type = a->dtype;
  p->size = gr_dtype_size(a->dtype);
  p->swap = a->swap;
  p->convert = a->convert;
  p->skip = skip;
  p->n_rows = n_rows == UINT64_MAX ? rows : n_rows;
  if (skip > rows || p->n_rows > rows - skip)
    return gr_fail(err, GRADUS_ERR_DATA, "%s: %s has %llu rows, a virtual dataset wants %llu",
                   p->file, p->path, (unsigned long long)rows,
                   (unsigned long long)(skip + p->n_rows));
  return GRADUS_OK;
}

static gradus_status add_piece(gr_source *s, gr_piece *p, gradus_error *err) {
  if (s->n == s->capacity) {
    const size_t capacity = s->capacity ? 2 * s->capacity : 4;
    gr_piece **grown = gr_realloc(s->piece, capacity, sizeof *grown);
    if (!grown) return gr_fail_memory(err, "files");
    s->piece = grown;
    s->capacity = capacity;
  }
  const gr_piece *first = s->n ? s->piece[0] : p;
  if (p->n_columns != first->n_columns || p->type != first->type)
    return gr_fail(err, GRADUS_ERR_DATA, "%s: %s is %s of %u columns, but %s in %s is %s of %u",
                   p->file, p->path, gr_dtype_name(p->type), (unsigned)p->n_columns, first->path,
                   first->file, gr_dtype_name(first->type), (unsigned)first->n_columns);
  s->piece[s->n++] = p;
  return GRADUS_OK;
}

static gradus_status open_rows(gr_source *s, const gr_source_part *part, uint64_t skip,
                               uint64_t n_rows, int depth, gradus_error *err);

/* Rows [skip, skip + n_rows) of a virtual dataset. */
static gradus_status open_virtual(gr_source *s, const gr_piece *p, int depth, gradus_error *err) {
  gr_virtual_part *parts = NULL;
  size_t n = 0;
  if (p->transpose)
    return gr_fail(err, GRADUS_ERR_DATA, "%s: %s is virtual and transposed, which is not read",
                   p->file, p->path);
  if (depth == MAX_DEPTH)
    return gr_fail(err, GRADUS_ERR_DATA, "%s: %s: virtual datasets name each other too deeply",
                   p->file, p->path);
  GR_TRY(gr_virtual_parts(&p->array, &parts, &n, err));
  gradus_status status = GRADUS_OK;
  for (size_t i = 0; i < n && status == GRADUS_OK; i++) {
    const gr_virtual_part *v = &parts[i];
    const uint64_t from = p->skip > v->at ? p->skip : v->at, end = v->at + v->n_rows,
                   to = p->skip + p->n_rows < end ? p->skip + p->n_rows : end;
    const gr_source_part part = {v->file, v->path, false};
    if (from < to)
      status = open_rows(s, &part, v->skip + (from - v->at), to - from, depth + 1, err);
  }
  gr_virtual_parts_free(parts, n);
  return status;
}

static gradus_status open_array(gr_source *s, gr_piece *p, uint64_t skip, uint64_t n_rows,
                                int depth, bool *taken, gradus_error *err) {
  GR_TRY(gr_h5_open(p->file, &p->h5, err));
  p->h5.path = p->file;
  GR_TRY(gr_h5_array_open_any(&p->h5, p->path, &p->array, err));
  GR_TRY(describe(p, skip, n_rows, err));
  if (p->array.is_virtual) return open_virtual(s, p, depth, err);
  const hid_t plist = H5Dget_create_plist(p->array.id);
  if (plist < 0)
    return gr_h5_fail(err, GRADUS_ERR_DATA, "%s: %s: cannot tell how it is stored", p->file,
                      p->path);
  gradus_status status = open_storage(p, plist, err);
  (void)H5Pclose(plist);
  if (status == GRADUS_OK) status = add_piece(s, p, err);
  *taken = status == GRADUS_OK;
  return status;
}

/* The file stays open only where the library will be asked again. */
static void close_library(gr_piece *p) {
  const bool needed =
      p->kind == GR_SOURCE_LIBRARY || (p->kind == GR_SOURCE_CHUNKED && p->table.n == 0);
  if (needed) return;
  gr_h5_array_close(&p->array);
  gr_h5_close(&p->h5);
}

static gradus_status open_rows(gr_source *s, const gr_source_part *part, uint64_t skip,
                               uint64_t n_rows, int depth, gradus_error *err) {
  bool taken = false;
  gr_piece *p = gr_calloc(1, sizeof *p);
  if (!p) return gr_fail_memory(err, "a file");
  p->fd = -1;
  p->transpose = part->transpose;
  p->file = gr_strdup(part->file);
  p->path = gr_strdup(part->path);
  gradus_status status = p->file && p->path ? open_array(s, p, skip, n_rows, depth, &taken, err)
                                            : gr_fail_memory(err, "a file");
  if (taken)
    close_library(p);
  else
    close_piece(p);
  return status;
}

/* ---- the whole ---- */

static void describe_all(gr_source *s) {
  gr_source_info *info = &s->info;
  info->n_columns = s->piece[0]->n_columns;
  info->type = s->piece[0]->type;
  for (size_t i = 0; i < s->n; i++) {
    const gr_piece *p = s->piece[i];
    s->first[i] = info->n_rows;
    info->n_rows += p->n_rows;
    info->stored_bytes += p->stored_bytes;
    if (p->kind > info->kind || i == 0) {
      info->kind = p->kind;
      snprintf(info->reason, sizeof info->reason, "%s",
               p->kind == GR_SOURCE_MAPPED ? "" : p->reason);
      gr_filters_name(&p->filters, info->filters, sizeof info->filters);
    }
    if (p->chunk[0] == 0 || info->chunk_rows) continue;
    uint64_t across = 1;
    for (unsigned d = 1; d < p->rank; d++) across *= p->grid[d];
    info->chunk_rows = p->chunk[p->transpose ? p->rank - 1 : 0];
    info->chunk_bytes = p->chunk_bytes * across;
  }
  s->first[s->n] = info->n_rows;
  if (s->n > 1 && info->kind == GR_SOURCE_MAPPED) {
    info->kind = GR_SOURCE_DIRECT;
    snprintf(info->reason, sizeof info->reason, "several files");
  }
}

/* The rows of the only piece; a file that cannot be mapped is read. */
static gradus_status map_rows(gr_source *s, gradus_error *err) {
  const gr_piece *p = s->piece[0];
  const uint64_t row = (uint64_t)p->n_columns * p->size, start = p->offset + p->skip * row,
                 page = (uint64_t)sysconf(_SC_PAGESIZE), base = start / page * page;
  struct stat info;
  if (fstat(p->fd, &info) != 0 || (uint64_t)info.st_size < start + p->n_rows * row)
    return gr_fail(err, GRADUS_ERR_IO, "%s: became shorter while it was opened", p->file);
  s->map_bytes = (size_t)(start - base + p->n_rows * row);
  s->map = mmap(NULL, s->map_bytes, PROT_READ, MAP_SHARED, p->fd, (off_t)base);
  if (s->map == MAP_FAILED) {
    s->map = NULL;
    s->info.kind = GR_SOURCE_DIRECT;
    snprintf(s->info.reason, sizeof s->info.reason, "cannot be mapped");
    return GRADUS_OK;
  }
  s->info.base = (const char *)s->map + (start - base);
  return GRADUS_OK;
}

gradus_status gr_source_open(const gr_source_part *parts, size_t n_parts, gr_source **out,
                             gradus_error *err) {
  gr_source *s = gr_calloc(1, sizeof *s);
  *out = NULL;
  if (!s) return gr_fail_memory(err, "a source of rows");
  const gr_h5_quiet quiet = gr_h5_begin();
  gradus_status status = GRADUS_OK;
  for (size_t i = 0; i < n_parts && status == GRADUS_OK; i++)
    status = open_rows(s, &parts[i], 0, UINT64_MAX, 0, err);
  gr_h5_end(&quiet);
  if (status == GRADUS_OK) {
    s->first = gr_alloc(s->n + 1, sizeof *s->first);
    if (!s->first) status = gr_fail_memory(err, "a source of rows");
  }
  if (status == GRADUS_OK) describe_all(s);
  if (status == GRADUS_OK && s->info.kind == GR_SOURCE_MAPPED) status = map_rows(s, err);
  if (status == GRADUS_OK)
    *out = s;
  else
    gr_source_close(s);
  return status;
}

/* ---- reading ---- */

gradus_status gr_piece_pread(const gr_piece *p, void *out, size_t bytes, uint64_t offset,
                             gradus_error *err) {
  for (size_t have = 0; have < bytes;) {
    const ssize_t n = pread(p->fd, (char *)out + have, bytes - have, (off_t)(offset + have));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0)
      return gr_fail_errno(err, GRADUS_ERR_IO, errno, "%s: %s cannot be read", p->file, p->path);
    if (n == 0)
      return gr_fail(err, GRADUS_ERR_IO, "%s: is shorter than it was when it was opened", p->file);
    have += (size_t)n;
  }
  return GRADUS_OK;
}

static void swap_bytes(unsigned char *data, size_t n, size_t size) {
  if (size == 4) {
    for (size_t i = 0; i < n; i++) {
      uint32_t v;
      memcpy(&v, data + 4 * i, 4);
      v = __builtin_bswap32(v);
      memcpy(data + 4 * i, &v, 4);
    }
    return;
  }
  for (size_t i = 0; i < n; i++, data += size)
    for (size_t low = 0, high = size - 1; low < high; low++, high--) {
      const unsigned char byte = data[low];
      data[low] = data[high];
      data[high] = byte;
    }
}

/* data [n_columns][n] becomes out [n][n_columns]; squares of 32 keep both sides in the cache. */
static void turn(const unsigned char *data, uint64_t n, uint64_t n_columns, size_t size,
                 unsigned char *out) {
  enum { SIDE = 32 };
  for (uint64_t i0 = 0; i0 < n; i0 += SIDE)
    for (uint64_t j0 = 0; j0 < n_columns; j0 += SIDE)
      for (uint64_t i = i0; i < n && i < i0 + SIDE; i++)
        for (uint64_t j = j0; j < n_columns && j < j0 + SIDE; j++)
          memcpy(out + (i * n_columns + j) * size, data + (j * n + i) * size, size);
}

static gradus_status read_columns(const gr_piece *p, uint64_t first, uint64_t n, unsigned char *out,
                                  gradus_error *err) {
  const uint64_t rows = p->dims[p->rank - 1];
  for (uint64_t j = 0; j < p->n_columns; j++)
    GR_TRY(gr_piece_pread(p, out + j * n * p->size, n * p->size,
                          p->offset + (j * rows + first) * p->size, err));
  return GRADUS_OK;
}

static gradus_status read_contiguous(const gr_piece *p, uint64_t first, uint64_t n,
                                     unsigned char *out, gradus_error *err) {
  const size_t row = (size_t)p->n_columns * p->size;
  if (!p->transpose) return gr_piece_pread(p, out, n * row, p->offset + first * row, err);
  unsigned char *columns = gr_alloc(n, row);
  if (!columns) return gr_fail_memory(err, "rows to be turned");
  const gradus_status status = read_columns(p, first, n, columns, err);
  if (status == GRADUS_OK) turn(columns, n, p->n_columns, p->size, out);
  gr_free(columns);
  return status;
}

/* One box of whole rows, in native order. */
static gradus_status read_box(const gr_piece *p, uint64_t first, uint64_t n, void *out,
                              gradus_error *err) {
  hsize_t start[H5S_MAX_RANK] = {0}, count[H5S_MAX_RANK];
  const unsigned rows = p->transpose ? p->rank - 1 : 0;
  for (unsigned d = 0; d < p->rank; d++) count[d] = p->dims[d];
  start[rows] = first;
  count[rows] = n;
  const hid_t space = H5Dget_space(p->array.id),
              memory = H5Screate_simple((int)p->rank, count, NULL);
  const bool done = space >= 0 && memory >= 0 &&
                    H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL) >= 0 &&
                    H5Dread(p->array.id, p->convert ? H5T_NATIVE_DOUBLE : p->array.type, memory,
                            space, H5P_DEFAULT, out) >= 0;
  gradus_status status = GRADUS_OK;
  if (!done) status = gr_h5_fail(err, GRADUS_ERR_IO, "%s: %s cannot be read", p->file, p->path);
  if (memory >= 0) (void)H5Sclose(memory);
  if (space >= 0) (void)H5Sclose(space);
  return status;
}

static gradus_status read_by_library(const gr_piece *p, uint64_t first, uint64_t n,
                                     unsigned char *out, gradus_error *err) {
  unsigned char *box = p->transpose ? gr_alloc(n * p->n_columns, p->size) : out;
  if (!box) return gr_fail_memory(err, "rows to be turned");
  const gr_h5_quiet quiet = gr_h5_begin();
  const gradus_status status = read_box(p, first, n, box, err);
  gr_h5_end(&quiet);
  if (p->transpose && status == GRADUS_OK) turn(box, n, p->n_columns, p->size, out);
  if (p->transpose) gr_free(box);
  return status;
}

/* Rows [first, first + n) of the array of a piece. */
static gradus_status read_piece(gr_piece *p, uint64_t first, uint64_t n, unsigned char *out,
                                gradus_error *err) {
  if (p->kind == GR_SOURCE_LIBRARY)
    GR_TRY(read_by_library(p, first, n, out, err));
  else if (p->kind == GR_SOURCE_CHUNKED)
    GR_TRY(gr_piece_read_chunks(p, first, n, out, err));
  else
    GR_TRY(read_contiguous(p, first, n, out, err));
  if (p->swap) swap_bytes(out, n * p->n_columns, p->size);
  return GRADUS_OK;
}

static size_t find_piece(const gr_source *s, uint64_t row) {
  size_t low = 0, high = s->n;
  while (high - low > 1) {
    const size_t middle = low + (high - low) / 2;
    if (s->first[middle] <= row)
      low = middle;
    else
      high = middle;
  }
  return low;
}

gradus_status gr_source_read(gr_source *s, uint64_t first, uint64_t n, void *out,
                             gradus_error *err) {
  const size_t row = s->info.n_columns * gr_dtype_size(s->info.type);
  for (size_t i = n ? find_piece(s, first) : 0; n > 0; i++) {
    const uint64_t left = s->first[i + 1] - first, some = left < n ? left : n;
    gr_piece *p = s->piece[i];
    GR_TRY(read_piece(p, p->skip + first - s->first[i], some, out, err));
    first += some;
    n -= some;
    out = (char *)out + some * row;
  }
  return GRADUS_OK;
}
