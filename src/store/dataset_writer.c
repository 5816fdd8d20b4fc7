/* Contiguous arrays are given their places by HDF5, which then closes the file; rows are written by
 * plain pwrite: no lock, no library, and errors are errno's. Chunked ones are gathered to whole
 * chunks, shuffled and compressed here at the speed of zlib, and handed over as they shall lie in
 * the file. The digest needs the inputs of a split before its targets, while rows bring both: the
 * targets, which are small, are read again. */
#include <config.h>

#include "store/dataset_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "base/memory.h"
#include "store/aside.h"
#include "store/dataset_digest.h"
#include "store/dataset_meta.h"
#include "store/h5_write.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "rows are written as they lie in memory");

enum { CHUNK_BYTES = 1 << 19, LEAST_CHUNK_BYTES = 1 << 16, BLOCK = 1 << 20 };

const char *const gr_field_names[GR_N_FIELDS] = {"x", "y", "weight", "offset"};

/* One array of the file. */
struct array {
  gr_dtype type;
  uint32_t columns; /* 0 = absent */
  uint64_t rows, done;
  size_t row_size;
  uint64_t offset; /* contiguous: of row 0 in the file */
  hid_t set;       /* chunked: open */
  uint64_t chunk_rows, filled;
  unsigned char *chunk; /* [chunk_rows][row_size], filled so far */
};

struct gr_dataset_writer {
  char *path, *aside;
  bool overwrite;
  const gr_dataset *shape;
  gr_storage storage;
  struct array arrays[GR_N_SPLITS][GR_N_FIELDS];
  gr_h5_writer h5; /* chunked: open until the end */
  bool is_open;
  int fd;                           /* contiguous */
  unsigned char *shuffled, *packed; /* [largest chunk], [what it may become] */
  size_t packed_size;
  gr_data_digest *digest;
  int split; /* being written */
};

uint32_t gr_field_columns(const gr_dataset *shape, int s, gr_field field, gr_dtype *type) {
  const gr_split *split = &shape->split[s];
  *type = field == GR_FIELD_X ? split->x_type : field == GR_FIELD_Y ? split->y_type : GR_F32;
  if (split->n_rows == 0) return 0;
  return field == GR_FIELD_X   ? shape->n_columns
         : field == GR_FIELD_Y ? split->y_columns
                               : (field == GR_FIELD_WEIGHT ? split->weight : split->offset) != NULL;
}

static bool is_chunked(const gr_dataset_writer *w) {
  return w->storage.chunk_rows > 0;
}

/* ---- what will be written ---- */

/* Chunks of x as asked for; of narrower arrays a whole number of those, not to be tiny. */
static uint64_t choose_chunk(const gr_dataset_writer *w, const struct array *a,
                             const struct array *x) {
  uint64_t rows = w->storage.chunk_rows;
  if (rows == GR_CHUNK_AUTO) rows = CHUNK_BYTES / x->row_size;
  if (rows == 0) rows = 1;
  if (a != x && rows * a->row_size < LEAST_CHUNK_BYTES)
    rows *= (LEAST_CHUNK_BYTES + rows * a->row_size - 1) / (rows * a->row_size);
  return rows < a->rows ? rows : a->rows;
}

static gradus_status plan_array(gr_dataset_writer *w, int s, gr_field field, gradus_error *err) {
  struct array *a = &w->arrays[s][field];
  size_t bytes;
  a->columns = gr_field_columns(w->shape, s, field, &a->type);
  a->set = H5I_INVALID_HID;
  if (a->columns == 0) return GRADUS_OK;
  a->rows = w->shape->split[s].n_rows;
  a->row_size = a->columns * gr_dtype_size(a->type);
  if (!gr_multiply(a->rows, a->row_size, &bytes)) return gr_fail_memory(err, w->path);
  if (!is_chunked(w)) return GRADUS_OK;
  a->chunk_rows = choose_chunk(w, a, &w->arrays[s][GR_FIELD_X]);
  if (!gr_multiply(a->chunk_rows, a->row_size, &bytes) || bytes > UINT32_MAX / 2)
    return gr_fail(err, GRADUS_ERR_USAGE,
                   "chunks of %llu rows would take more than 2 GiB; choose fewer rows",
                   (unsigned long long)a->chunk_rows);
  if (bytes > w->packed_size) w->packed_size = bytes;
  a->chunk = gr_alloc(bytes, 1);
  return a->chunk ? GRADUS_OK : gr_fail_memory(err, "a chunk");
}

static gradus_status plan(gr_dataset_writer *w, gradus_error *err) {
  if (w->storage.level > 0 && w->storage.chunk_rows == 0) w->storage.chunk_rows = GR_CHUNK_AUTO;
  for (int s = 0; s < GR_N_SPLITS; s++)
    for (int field = 0; field < GR_N_FIELDS; field++)
      GR_TRY(plan_array(w, s, (gr_field)field, err));
  if (!is_chunked(w) || w->storage.level == 0) return GRADUS_OK;
  w->shuffled = gr_alloc(w->packed_size, 1);
  w->packed_size = compressBound((uLong)w->packed_size);
  w->packed = gr_alloc(w->packed_size, 1);
  return w->shuffled && w->packed ? GRADUS_OK : gr_fail_memory(err, "a chunk");
}

/* Roughly what the file will take, for asking whether the disk has room; 0 where it will shrink. */
static uint64_t expected_size(const gr_dataset_writer *w) {
  uint64_t bytes = 65536;
  if (w->storage.level > 0) return 0;
  for (int s = 0; s < GR_N_SPLITS; s++)
    for (int field = 0; field < GR_N_FIELDS; field++)
      bytes += w->arrays[s][field].rows * w->arrays[s][field].row_size;
  return bytes;
}

/* ---- the structure of the file ---- */

static void create_array(gr_dataset_writer *w, int s, gr_field field) {
  struct array *a = &w->arrays[s][field];
  const uint64_t dims[2] = {a->rows, a->columns};
  char name[32];
  if (a->columns == 0) return;
  snprintf(name, sizeof name, "/%s/%s", gr_split_names[s], gr_field_names[field]);
  unsigned rank = field == GR_FIELD_X || a->columns > 1 ? 2 : 1;
  if (is_chunked(w))
    a->set =
        gr_h5_create_chunked(&w->h5, name, a->type, rank, dims, a->chunk_rows, w->storage.level);
  else
    a->offset = gr_h5_create_contiguous(&w->h5, name, a->type, rank, dims);
}

static gradus_status create_file(gr_dataset_writer *w, gradus_error *err) {
  const int32_t version = 1;
  char name[16];
  w->h5 = gr_h5_write_begin(w->aside, w->path, 0, err);
  w->is_open = true;
  gr_h5_put_text_attribute(&w->h5, "/", "gradus_format", "dataset");
  gr_h5_put_attribute(&w->h5, "/", "format_version", GR_I32, &version);
  for (int s = 0; s < GR_N_SPLITS; s++) {
    if (w->shape->split[s].n_rows == 0) continue;
    snprintf(name, sizeof name, "/%s", gr_split_names[s]);
    gr_h5_put_group(&w->h5, name);
    for (int field = 0; field < GR_N_FIELDS; field++) create_array(w, s, (gr_field)field);
    snprintf(name, sizeof name, "/%s/row", gr_split_names[s]);
    if (w->shape->split[s].number)
      gr_h5_put_array(&w->h5, name, GR_U64, 1, &w->shape->split[s].n_rows,
                      w->shape->split[s].number);
  }
  gr_meta_write(&w->h5, w->shape);
  if (is_chunked(w)) return w->h5.status;
  w->is_open = false;
  return gr_h5_write_end(&w->h5);
}

static gradus_status open_rows(gr_dataset_writer *w, gradus_error *err) {
  if (is_chunked(w)) return GRADUS_OK;
  w->fd = open(w->aside, O_RDWR | O_CLOEXEC);
  if (w->fd >= 0) return GRADUS_OK;
  return gr_fail_errno(err, GRADUS_ERR_IO, errno, "%s: cannot be written", w->path);
}

static gradus_status begin(gr_dataset_writer *w, gradus_error *err) {
  GR_TRY(plan(w, err));
  GR_TRY(gr_aside_create(w->path, w->overwrite, &w->aside, err));
  GR_TRY(gr_aside_reserve(w->aside, w->path, expected_size(w), err));
  gr_h5_quiet quiet = gr_h5_begin();
  gradus_status status = create_file(w, err);
  gr_h5_end(&quiet);
  return status == GRADUS_OK ? open_rows(w, err) : status;
}

gradus_status gr_dataset_writer_begin(const char *path, bool overwrite, const gr_dataset *shape,
                                      const gr_storage *storage, gr_dataset_writer **out,
                                      gradus_error *err) {
  *out = NULL;
  gr_dataset_writer *w = gr_calloc(1, sizeof *w);
  if (!w) return gr_fail_memory(err, path);
  w->fd = -1;
  w->overwrite = overwrite;
  w->shape = shape;
  if (storage) w->storage = *storage;
  for (int s = 0; s < GR_N_SPLITS; s++)
    for (int field = 0; field < GR_N_FIELDS; field++) w->arrays[s][field].set = H5I_INVALID_HID;
  w->path = gr_strdup(path);
  w->digest = gr_data_digest_start();
  w->split = -1;
  gradus_status status =
      w->path && w->digest ? begin(w, err) : gr_fail_memory(err, "writing a data set");
  if (status != GRADUS_OK) return gr_dataset_writer_end(w, status, NULL, err);
  *out = w;
  return GRADUS_OK;
}

/* ---- chunks ---- */

/* All first bytes, then all second ones...: what HDF5's shuffle filter does. */
static void shuffle(unsigned char *out, const unsigned char *in, size_t n, size_t size) {
  for (size_t j = 0; j < size; j++)
    for (size_t i = 0; i < n; i++) *out++ = in[i * size + j];
}

static gradus_status write_chunk(gr_dataset_writer *w, struct array *a, gradus_error *err) {
  const hsize_t at[2] = {a->done - a->filled, 0};
  size_t bytes = (size_t)a->chunk_rows * a->row_size, size = gr_dtype_size(a->type);
  const unsigned char *data = a->chunk;
  /* the last chunk is a whole one in the file */
  memset(a->chunk + a->filled * a->row_size, 0, bytes - a->filled * a->row_size);
  if (w->storage.level > 0) {
    uLongf packed = (uLongf)w->packed_size;
    if (size > 1) {
      shuffle(w->shuffled, data, bytes / size, size);
      data = w->shuffled;
    }
    if (compress2(w->packed, &packed, data, (uLong)bytes, w->storage.level) != Z_OK)
      return gr_fail_memory(err, "compressing a chunk");
    data = w->packed;
    bytes = packed;
  }
  a->filled = 0;
  if (H5Dwrite_chunk(a->set, H5P_DEFAULT, 0, at, bytes, data) >= 0) return GRADUS_OK;
  return gr_h5_fail(err, GRADUS_ERR_IO, "%s: cannot be written", w->path);
}

static gradus_status put_chunked(gr_dataset_writer *w, struct array *a, const unsigned char *rows,
                                 uint64_t n, gradus_error *err) {
  gradus_status status = GRADUS_OK;
  gr_h5_quiet quiet = gr_h5_begin();
  while (n > 0 && status == GRADUS_OK) {
    uint64_t some = a->chunk_rows - a->filled < n ? a->chunk_rows - a->filled : n;
    memcpy(a->chunk + a->filled * a->row_size, rows, (size_t)some * a->row_size);
    a->filled += some;
    a->done += some;
    rows += some * a->row_size;
    n -= some;
    if (a->filled == a->chunk_rows || a->done == a->rows) status = write_chunk(w, a, err);
  }
  gr_h5_end(&quiet);
  return status;
}

/* ---- contiguous rows ---- */

static gradus_status put_contiguous(gr_dataset_writer *w, struct array *a,
                                    const unsigned char *rows, uint64_t n, gradus_error *err) {
  size_t left = (size_t)n * a->row_size;
  uint64_t at = a->offset + a->done * a->row_size;
  while (left > 0) {
    ssize_t done = pwrite(w->fd, rows, left, (off_t)at);
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return gr_fail_errno(err, GRADUS_ERR_IO, errno, "%s: cannot be written", w->path);
    rows += done;
    at += (uint64_t)done;
    left -= (size_t)done;
  }
  a->done += n;
  return GRADUS_OK;
}

/* ---- the digest ---- */

static gradus_status read_back(const gr_dataset_writer *w, const struct array *a, uint64_t first,
                               uint64_t n, void *out, gradus_error *err) {
  if (is_chunked(w)) {
    gr_h5_quiet quiet = gr_h5_begin();
    gradus_status status = gr_h5_read_rows(a->set, w->path, first, n, a->columns, out, err);
    gr_h5_end(&quiet);
    return status;
  }
  char *to = out;
  for (size_t left = (size_t)n * a->row_size; left > 0;) {
    ssize_t done = pread(w->fd, to, left, (off_t)(a->offset + (first + n) * a->row_size - left));
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0)
      return gr_fail_errno(err, GRADUS_ERR_IO, done ? errno : EIO, "%s: cannot be read back",
                           w->path);
    to += done;
    left -= (size_t)done;
  }
  return GRADUS_OK;
}

static gradus_status digest_array(gr_dataset_writer *w, const struct array *a, gradus_error *err) {
  if (a->columns == 0) return GRADUS_OK;
  uint64_t block = BLOCK / a->row_size ? BLOCK / a->row_size : 1;
  if (block > a->rows) block = a->rows;
  void *rows = gr_alloc(block, a->row_size);
  gradus_status status = rows ? GRADUS_OK : gr_fail_memory(err, "a block of rows");
  gr_data_digest_array(w->digest, a->type, a->columns);
  for (uint64_t first = 0; first < a->rows && status == GRADUS_OK; first += block) {
    uint64_t n = a->rows - first < block ? a->rows - first : block;
    status = read_back(w, a, first, n, rows, err);
    if (status == GRADUS_OK) gr_data_digest_bytes(w->digest, rows, (size_t)n * a->row_size);
  }
  gr_free(rows);
  return status;
}

/* The split that was written is complete; the next one begins. */
static gradus_status go_to_split(gr_dataset_writer *w, int s, gradus_error *err) {
  for (; w->split < s; w->split++) {
    const struct array *done = w->split >= 0 ? w->arrays[w->split] : NULL;
    if (done && done[GR_FIELD_X].columns) {
      for (int field = 0; field < GR_N_FIELDS; field++)
        if (done[field].done != done[field].rows)
          return gr_fail(err, GRADUS_ERR_INTERNAL, "%s: rows of %s are missing", w->path,
                         gr_split_names[w->split]);
      GR_TRY(digest_array(w, &done[GR_FIELD_Y], err));
      gr_data_digest_weights(w->digest, done[GR_FIELD_WEIGHT].columns > 0);
      GR_TRY(digest_array(w, &done[GR_FIELD_WEIGHT], err));
      if (done[GR_FIELD_OFFSET].columns > 0) gr_data_digest_offsets(w->digest);
      GR_TRY(digest_array(w, &done[GR_FIELD_OFFSET], err));
    }
    const struct array *next = w->split + 1 < GR_N_SPLITS ? w->arrays[w->split + 1] : NULL;
    if (next && next[GR_FIELD_X].columns) {
      const struct array *x = &next[GR_FIELD_X];
      gr_data_digest_split(w->digest, w->split + 1, x->rows, x->type, x->columns);
    }
  }
  return GRADUS_OK;
}

gradus_status gr_dataset_writer_put(gr_dataset_writer *w, int s, gr_field field, const void *rows,
                                    uint64_t n, gradus_error *err) {
  struct array *a = &w->arrays[s][field];
  if (s < w->split || n > a->rows - a->done)
    return gr_fail(err, GRADUS_ERR_INTERNAL, "%s: rows of %s out of place", w->path,
                   gr_split_names[s]);
  GR_TRY(go_to_split(w, s, err));
  if (field == GR_FIELD_X) gr_data_digest_rows(w->digest, a->done, n, rows);
  return is_chunked(w) ? put_chunked(w, a, rows, n, err) : put_contiguous(w, a, rows, n, err);
}

/* ---- the end ---- */

static gradus_status close_file(gr_dataset_writer *w, gradus_status status, gradus_error *err) {
  if (w->is_open) {
    gr_h5_quiet quiet = gr_h5_begin();
    for (int s = 0; s < GR_N_SPLITS; s++)
      for (int field = 0; field < GR_N_FIELDS; field++)
        if (w->arrays[s][field].set >= 0 && H5Dclose(w->arrays[s][field].set) < 0 &&
            status == GRADUS_OK)
          status = gr_h5_fail(err, GRADUS_ERR_IO, "%s: cannot be written", w->path);
    if (status != GRADUS_OK) w->h5.err = NULL; /* the first failure is told */
    gradus_status ended = gr_h5_write_end(&w->h5);
    if (status == GRADUS_OK) status = ended;
    gr_h5_end(&quiet);
  }
  if (w->fd >= 0 && close(w->fd) != 0 && status == GRADUS_OK)
    status = gr_fail_errno(err, GRADUS_ERR_IO, errno, "%s: cannot be written", w->path);
  return status;
}

static void free_writer(gr_dataset_writer *w) {
  for (int s = 0; s < GR_N_SPLITS; s++)
    for (int field = 0; field < GR_N_FIELDS; field++) gr_free(w->arrays[s][field].chunk);
  gr_free(w->shuffled);
  gr_free(w->packed);
  gr_data_digest_free(w->digest);
  gr_free(w->path);
  gr_free(w);
}

gradus_status gr_dataset_writer_end(gr_dataset_writer *w, gradus_status status, char digest[33],
                                    gradus_error *err) {
  if (!w) return status;
  if (status == GRADUS_OK) status = go_to_split(w, GR_N_SPLITS, err);
  if (status == GRADUS_OK && digest) gr_data_digest_end(w->digest, w->shape, digest);
  status = close_file(w, status, err);
  if (w->aside) status = gr_aside_end(w->aside, w->path, w->overwrite, status, err);
  free_writer(w);
  return status;
}

/* ---- a whole data set ---- */

static gradus_status put_inputs(gr_dataset_writer *w, int s, const gr_split *split,
                                gradus_error *err) {
  const struct array *a = &w->arrays[s][GR_FIELD_X];
  uint64_t block = BLOCK / a->row_size ? BLOCK / a->row_size : 1;
  if (split->piece_rows > 0) /* no piece is read twice */
    block = (block + split->piece_rows - 1) / split->piece_rows * split->piece_rows;
  if (block > split->n_rows) block = split->n_rows;
  void *buffer = split->x ? NULL : gr_alloc(block, a->row_size);
  gradus_status status = split->x || buffer ? GRADUS_OK : gr_fail_memory(err, "a block of rows");
  for (uint64_t first = 0; first < split->n_rows && status == GRADUS_OK; first += block) {
    const void *rows;
    uint64_t n = split->n_rows - first < block ? split->n_rows - first : block;
    status = gr_split_rows_at(split, a->columns, first, n, buffer, &rows, err);
    if (status == GRADUS_OK) status = gr_dataset_writer_put(w, s, GR_FIELD_X, rows, n, err);
  }
  gr_free(buffer);
  return status;
}

gradus_status gr_dataset_write(const gr_dataset *dataset, const char *path, bool overwrite,
                               gradus_error *err) {
  gr_dataset_writer *w;
  gradus_status status = gr_dataset_writer_begin(path, overwrite, dataset, NULL, &w, err);
  for (int s = 0; s < GR_N_SPLITS && status == GRADUS_OK; s++) {
    const gr_split *split = &dataset->split[s];
    if (split->n_rows == 0) continue;
    status = put_inputs(w, s, split, err);
    if (status == GRADUS_OK && split->y_columns)
      status = gr_dataset_writer_put(w, s, GR_FIELD_Y, split->y, split->n_rows, err);
    if (status == GRADUS_OK && split->weight)
      status = gr_dataset_writer_put(w, s, GR_FIELD_WEIGHT, split->weight, split->n_rows, err);
    if (status == GRADUS_OK && split->offset)
      status = gr_dataset_writer_put(w, s, GR_FIELD_OFFSET, split->offset, split->n_rows, err);
  }
  return gr_dataset_writer_end(w, status, NULL, err);
}
