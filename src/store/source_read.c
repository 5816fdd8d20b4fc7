/* Rows of one array, whichever way they are stored, in the machine's byte order. Everything but
 * what HDF5 has to do itself is pread into memory of the calling thread. */
#include <config.h>

#include "store/source_array.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"

/* ---- bytes ---- */

gradus_status gr_source_pread(const gr_source_array *a, void *out, uint64_t bytes, uint64_t offset,
                              gradus_error *err) {
  char *to = out;
  while (bytes > 0) {
    const size_t most = bytes < ((size_t)1 << 30) ? (size_t)bytes : (size_t)1 << 30;
    ssize_t n = pread(a->fd, to, most, (off_t)offset);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return gr_fail_errno(err, GRADUS_ERR_IO, errno, "cannot be read");
    if (n == 0)
      return gr_fail(err, GRADUS_ERR_DATA, "the file has become shorter: it ends at byte %llu",
                     (unsigned long long)offset);
    to += n;
    offset += (uint64_t)n;
    bytes -= (uint64_t)n;
  }
  return GRADUS_OK;
}

gradus_status gr_source_reserve(uint8_t **buffer, size_t *capacity, uint64_t bytes,
                                gradus_error *err) {
  if (bytes <= *capacity) return GRADUS_OK;
  gr_free(*buffer);
  *capacity = 0;
  *buffer = bytes <= SIZE_MAX ? gr_alloc((size_t)bytes, 1) : NULL;
  if (!*buffer) return gr_fail_memory(err, "rows of a chunk");
  *capacity = (size_t)bytes;
  return GRADUS_OK;
}

void gr_source_scratch_free(gr_source_scratch *s) {
  gr_decoder_free(&s->decoder);
  gr_free(s->chunk);
  gr_free(s->band);
  gr_free(s);
}

/* ---- byte order ---- */

/* n elements of `data`, which need not be aligned. */
static void swap_elements(uint8_t *data, uint64_t n, size_t size) {
  for (uint64_t i = 0; i < n; i++, data += size) {
    if (size == 2) {
      uint16_t x;
      memcpy(&x, data, 2);
      x = __builtin_bswap16(x);
      memcpy(data, &x, 2);
    } else if (size == 4) {
      uint32_t x;
      memcpy(&x, data, 4);
      x = __builtin_bswap32(x);
      memcpy(data, &x, 4);
    } else {
      uint64_t x;
      memcpy(&x, data, 8);
      x = __builtin_bswap64(x);
      memcpy(data, &x, 8);
    }
  }
}

/* ---- contiguous ---- */

/* Of [columns][rows]: strips of some rows by groups of columns, so that one read takes many rows of
 * a column and turning stays in the cache. */
static gradus_status read_columns(const gr_source_array *a, gr_source_scratch *s, uint64_t first,
                                  uint64_t n, uint8_t *out, gradus_error *err) {
  enum { COLUMNS = 32, ROWS = 8192 };
  const uint64_t row = a->columns * a->size;
  GR_TRY(gr_source_reserve(&s->chunk, &s->chunk_capacity, COLUMNS * ROWS * a->size, err));
  for (uint64_t i = 0; i < n; i += ROWS)
    for (uint64_t j = 0; j < a->columns; j += COLUMNS) {
      const uint64_t rows = n - i < ROWS ? n - i : ROWS;
      const uint64_t columns = a->columns - j < COLUMNS ? a->columns - j : COLUMNS;
      for (uint64_t k = 0; k < columns; k++)
        GR_TRY(gr_source_pread(a, s->chunk + k * rows * a->size, rows * a->size,
                               a->offset + ((j + k) * a->rows + first + i) * a->size, err));
      const gr_box box = {2, {columns, rows}, {rows, 1}, {1, a->columns}};
      gr_box_copy(&box, s->chunk, out + i * row + j * a->size, a->size);
    }
  return GRADUS_OK;
}

static gradus_status read_contiguous(const gr_source_array *a, gr_source_scratch *s, uint64_t first,
                                     uint64_t n, uint8_t *out, gradus_error *err) {
  const uint64_t row = a->columns * a->size;
  if (gr_source_array_is_turned(a)) return read_columns(a, s, first, n, out, err);
  return gr_source_pread(a, out, n * row, a->offset + first * row, err);
}

/* ---- by HDF5 ---- */

static bool select_rows(const gr_source_array *a, uint64_t first, uint64_t n, hid_t *file_space,
                        hid_t *memory_space) {
  hsize_t start[GR_BOX_RANK] = {0}, count[GR_BOX_RANK];
  for (unsigned i = 0; i < a->array.rank; i++) count[i] = a->dims[i];
  if (!a->as_row) {
    start[a->row_dim] = first;
    count[a->row_dim] = n;
  }
  *file_space = H5Dget_space(a->array.id);
  *memory_space = H5Screate_simple((int)a->array.rank, count, NULL);
  return *file_space >= 0 && *memory_space >= 0 &&
         H5Sselect_hyperslab(*file_space, H5S_SELECT_SET, start, NULL, count, NULL) >= 0;
}

/* In the order in which they are stored. */
static gradus_status library_fetch(const gr_source_array *a, uint64_t first, uint64_t n, void *out,
                                   gradus_error *err) {
  hid_t file_space = H5I_INVALID_HID, memory_space = H5I_INVALID_HID;
  hid_t type = a->array.convert ? H5T_NATIVE_DOUBLE : a->array.type;
  gradus_status status = GRADUS_OK;
  gr_h5_quiet quiet = gr_h5_begin();
  if (!select_rows(a, first, n, &file_space, &memory_space) ||
      H5Dread(a->array.id, type, memory_space, file_space, H5P_DEFAULT, out) < 0)
    status = gr_h5_fail(err, GRADUS_ERR_DATA, "cannot be read");
  status = gr_h5_judge(&a->h5, status, err);
  if (file_space >= 0) (void)H5Sclose(file_space);
  if (memory_space >= 0) (void)H5Sclose(memory_space);
  gr_h5_end(&quiet);
  return status;
}

gradus_status gr_source_library_read(const gr_source_array *a, gr_source_scratch *s, uint64_t first,
                                     uint64_t n, uint8_t *out, gradus_error *err) {
  if (a->row_dim == 0 || a->as_row) return library_fetch(a, first, n, out, err);
  GR_TRY(gr_source_reserve(&s->chunk, &s->chunk_capacity, n * a->columns * a->size, err));
  GR_TRY(library_fetch(a, first, n, s->chunk, err));
  const gr_box box = {2, {a->columns, n}, {n, 1}, {1, a->columns}};
  gr_box_copy(&box, s->chunk, out, a->size);
  return GRADUS_OK;
}

/* ---- any ---- */

gradus_status gr_source_array_read(const gr_source_array *a, gr_source_scratch *s, uint64_t first,
                                   uint64_t n, void *out, gradus_error *err) {
  gradus_status status;
  if (n == 0) return GRADUS_OK;
  if (a->n_chunks > 0) {
    status = gr_source_chunks_read(a, s, first, n, out, err);
  } else {
    status = a->kind == GR_SOURCE_LIBRARY ? gr_source_library_read(a, s, first, n, out, err)
                                          : read_contiguous(a, s, first, n, out, err);
    if (status != GRADUS_OK)
      gr_error_prefix(err, "rows %llu to %llu", (unsigned long long)first,
                      (unsigned long long)(first + n - 1));
  }
  if (status != GRADUS_OK)
    gr_error_prefix(err, "%s: %s", a->file, a->path);
  else if (a->swap)
    swap_elements(out, n * a->columns, a->size);
  return status;
}
