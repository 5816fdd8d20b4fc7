/* Whole chunks: where they lie is asked once where there are few, since each question makes HDF5
 * 1.10 walk its index from the start; else the library hands over the stored bytes chunk by chunk,
 * which is a look-up and a read under its lock. Decoding is ours either way. A chunk of which only
 * a part is wanted is kept for those who want the rest. */
#include <config.h>

#include <string.h>

#include "base/memory.h"
#include "store/source_piece.h"

#define TABLE_CHUNKS 2048             /* 2048^2/2 steps of 16 ns: 34 ms */
#define KEPT_BYTES ((size_t)64 << 20) /* a larger chunk is not kept */

static gradus_status fail(const gr_piece *p, gradus_status status, const char *what,
                          gradus_error *err) {
  return gr_fail(err, status, "%s: %s %s", p->file, p->path, what);
}

/* ---- opening ---- */

static gradus_status take_table(gr_piece *p, uint64_t n, gradus_error *err) {
  gr_chunk_table *t = &p->table;
  hsize_t origin[H5S_MAX_RANK] = {0};
  t->address = gr_alloc(n, sizeof *t->address);
  t->stored = gr_alloc(n, sizeof *t->stored);
  t->mask = gr_alloc(n, sizeof *t->mask);
  if (!t->address || !t->stored || !t->mask) return gr_fail_memory(err, "the places of chunks");
  for (uint64_t i = 0; i < n; i++) {
    unsigned mask = 0;
    haddr_t address = HADDR_UNDEF;
    hsize_t bytes = 0;
    uint64_t left = i;
    for (unsigned d = p->rank; d-- > 0; left /= p->grid[d])
      origin[d] = left % p->grid[d] * p->chunk[d];
    if (H5Dget_chunk_info_by_coord(p->array.id, origin, &mask, &address, &bytes) < 0)
      return gr_h5_fail(err, GRADUS_ERR_DATA, "%s: %s: its chunks cannot be looked up", p->file,
                        p->path);
    const bool there = address != HADDR_UNDEF;
    if (there && (bytes > UINT32_MAX || address > p->h5.bytes || bytes > p->h5.bytes - address))
      return fail(p, GRADUS_ERR_DATA, "has a chunk beyond the end of the file", err);
    t->address[i] = there ? address : UINT64_MAX;
    t->stored[i] = (uint32_t)bytes;
    t->mask[i] = mask;
  }
  t->n = n;
  return GRADUS_OK;
}

static gradus_status read_fill(gr_piece *p, hid_t plist, gradus_error *err) {
  H5D_fill_value_t defined;
  if (p->size > sizeof p->fill || H5Pfill_value_defined(plist, &defined) < 0 ||
      (defined != H5D_FILL_VALUE_UNDEFINED && H5Pget_fill_value(plist, p->array.type, p->fill) < 0))
    return gr_h5_fail(err, GRADUS_ERR_DATA, "%s: %s has a fill value that cannot be read", p->file,
                      p->path);
  return GRADUS_OK;
}

gradus_status gr_piece_open_chunks(gr_piece *p, hid_t plist, gradus_error *err) {
  hsize_t chunk[H5S_MAX_RANK];
  uint64_t n = 1;
  if (H5Pget_chunk(plist, (int)p->rank, chunk) != (int)p->rank)
    return gr_h5_fail(err, GRADUS_ERR_DATA, "%s: %s: cannot tell its chunks", p->file, p->path);
  p->chunk_bytes = p->size;
  for (unsigned d = 0; d < p->rank; d++) {
    p->chunk[d] = chunk[d];
    if (chunk[d] == 0 || !gr_multiply(p->chunk_bytes, chunk[d], &p->chunk_bytes) ||
        p->chunk_bytes > UINT32_MAX)
      return fail(p, GRADUS_ERR_DATA, "has chunks of an absurd size", err);
    p->grid[d] = (p->dims[d] + chunk[d] - 1) / chunk[d];
    if (p->grid[d] > UINT64_MAX / n)
      return fail(p, GRADUS_ERR_DATA, "has absurdly many chunks", err);
    n *= p->grid[d];
  }
  if (!p->filters.decoded_here || p->transpose || p->convert) {
    p->kind = GR_SOURCE_LIBRARY;
    p->reason = p->transpose ? "chunks of transposed inputs"
                : p->convert ? "an unusual type of numbers"
                             : "a filter that only the library decodes";
    return GRADUS_OK;
  }
  GR_TRY(read_fill(p, plist, err));
  p->has_lock = pthread_mutex_init(&p->lock, NULL) == 0;
  if (!p->has_lock) return gr_fail_memory(err, "a lock");
  for (int i = 0; i < GR_CHUNKS_KEPT; i++) p->kept_index[i] = UINT64_MAX;
  return n <= TABLE_CHUNKS ? take_table(p, n, err) : GRADUS_OK;
}

void gr_piece_close_chunks(gr_piece *p) {
  gr_free(p->table.address);
  gr_free(p->table.stored);
  gr_free(p->table.mask);
  for (int i = 0; i < GR_CHUNKS_KEPT; i++) gr_free(p->kept[i]);
  if (p->has_lock) pthread_mutex_destroy(&p->lock);
  p->has_lock = false;
}

/* ---- one chunk ---- */

/* Buffers of one reading: room for what is stored and for what it becomes. */
struct buffers {
  unsigned char *data, *spare;
  size_t room;
};

static gradus_status make_room(struct buffers *b, size_t room, gradus_error *err) {
  if (room <= b->room) return GRADUS_OK;
  gr_free(b->data);
  gr_free(b->spare);
  b->data = gr_alloc(room, 1);
  b->spare = gr_alloc(room, 1);
  b->room = b->data && b->spare ? room : 0;
  return b->room ? GRADUS_OK : gr_fail_memory(err, "a chunk");
}

static void origin_of(const gr_piece *p, uint64_t index, hsize_t origin[H5S_MAX_RANK]) {
  for (unsigned d = p->rank; d-- > 0; index /= p->grid[d])
    origin[d] = index % p->grid[d] * p->chunk[d];
}

/* The stored bytes of a chunk that has no place in the table. *stored = 0: was never written. */
static gradus_status ask_library(const gr_piece *p, uint64_t index, struct buffers *b,
                                 size_t *stored, uint32_t *mask, gradus_error *err) {
  hsize_t origin[H5S_MAX_RANK], bytes = 0;
  gradus_status status = GRADUS_OK;
  origin_of(p, index, origin);
  const gr_h5_quiet quiet = gr_h5_begin();
  if (H5Dget_chunk_storage_size(p->array.id, origin, &bytes) < 0)
    bytes = 0; /* how 1.10 says that there is none */
  if (bytes > UINT32_MAX || bytes > p->h5.bytes)
    status = fail(p, GRADUS_ERR_DATA, "has a chunk of an absurd size", err);
  if (status == GRADUS_OK && bytes > b->room) status = make_room(b, (size_t)bytes, err);
  if (status == GRADUS_OK && bytes > 0 &&
      H5Dread_chunk(p->array.id, H5P_DEFAULT, origin, mask, b->data) < 0)
    status = gr_h5_fail(err, GRADUS_ERR_IO, "%s: %s: a chunk cannot be read", p->file, p->path);
  gr_h5_end(&quiet);
  *stored = (size_t)bytes;
  return status;
}

static gradus_status fetch_stored(const gr_piece *p, uint64_t index, struct buffers *b,
                                  size_t *stored, uint32_t *mask, gradus_error *err) {
  const gr_chunk_table *t = &p->table;
  if (t->n == 0) return ask_library(p, index, b, stored, mask, err);
  *stored = t->address[index] == UINT64_MAX ? 0 : t->stored[index];
  *mask = t->mask[index];
  GR_TRY(make_room(b, *stored, err));
  return *stored ? gr_piece_pread(p, b->data, *stored, t->address[index], err) : GRADUS_OK;
}

static void fill(const gr_piece *p, unsigned char *out) {
  for (size_t at = 0; at < p->chunk_bytes; at += p->size) memcpy(out + at, p->fill, p->size);
}

/* The decoded chunk in *out, one of the buffers. */
static gradus_status decode(const gr_piece *p, uint64_t index, struct buffers *b,
                            unsigned char **out, gradus_error *err) {
  size_t stored = 0;
  uint32_t mask = 0;
  GR_TRY(make_room(b, gr_filters_room(p->chunk_bytes), err));
  GR_TRY(fetch_stored(p, index, b, &stored, &mask, err));
  *out = b->data;
  if (stored == 0) {
    fill(p, b->data);
    return GRADUS_OK;
  }
  *out = gr_filters_decode(&p->filters, mask, b->data, stored, b->spare, p->chunk_bytes);
  if (*out) return GRADUS_OK;
  hsize_t origin[H5S_MAX_RANK] = {0};
  origin_of(p, index, origin);
  return gr_fail(err, GRADUS_ERR_DATA, "%s: %s: the chunk of row %llu is damaged", p->file, p->path,
                 (unsigned long long)origin[0]);
}

/* ---- chunks wanted in part ---- */

static bool take_kept(gr_piece *p, uint64_t index, unsigned char *out) {
  bool found = false;
  pthread_mutex_lock(&p->lock);
  for (int i = 0; i < GR_CHUNKS_KEPT && !found; i++)
    if (p->kept_index[i] == index) {
      memcpy(out, p->kept[i], p->chunk_bytes);
      found = true;
    }
  pthread_mutex_unlock(&p->lock);
  return found;
}

/* A chunk that cannot be kept is decoded again. */
static void keep(gr_piece *p, uint64_t index, const unsigned char *chunk) {
  if (p->chunk_bytes > KEPT_BYTES) return;
  pthread_mutex_lock(&p->lock);
  const unsigned at = p->next_kept++ % GR_CHUNKS_KEPT;
  if (!p->kept[at]) p->kept[at] = gr_alloc(p->chunk_bytes, 1);
  if (p->kept[at]) {
    memcpy(p->kept[at], chunk, p->chunk_bytes);
    p->kept_index[at] = index;
  }
  pthread_mutex_unlock(&p->lock);
}

static gradus_status get_chunk(gr_piece *p, uint64_t index, bool whole, struct buffers *b,
                               unsigned char **out, gradus_error *err) {
  if (whole) return decode(p, index, b, out, err);
  GR_TRY(make_room(b, gr_filters_room(p->chunk_bytes), err));
  *out = b->data;
  if (take_kept(p, index, b->data)) return GRADUS_OK;
  GR_TRY(decode(p, index, b, out, err));
  keep(p, index, *out);
  return GRADUS_OK;
}

/* ---- boxes ---- */

/* Rows [from, to) of a chunk, whose origin is given, go where they belong in out, whose first row
 * is `first`: runs along the last dimension, at each place of those between. */
static void scatter(const gr_piece *p, const hsize_t *origin, uint64_t from, uint64_t to,
                    uint64_t first, const unsigned char *chunk, unsigned char *out) {
  const unsigned last = p->rank - 1;
  uint64_t at[H5S_MAX_RANK] = {0}, box[H5S_MAX_RANK];
  for (unsigned d = 1; d < p->rank; d++)
    box[d] = p->dims[d] - origin[d] < p->chunk[d] ? p->dims[d] - origin[d] : p->chunk[d];
  for (uint64_t row = from; row < to; row++) {
    bool more = true;
    while (more) {
      uint64_t source = row - origin[0], target = row - first;
      for (unsigned d = 1; d < p->rank; d++) {
        source = source * p->chunk[d] + at[d];
        target = target * p->dims[d] + origin[d] + at[d];
      }
      memcpy(out + target * p->size, chunk + source * p->size,
             (p->rank > 1 ? box[last] : 1) * p->size);
      more = false;
      for (unsigned d = last; d-- > 1 && !more;) { /* the next place but along the last dimension */
        more = ++at[d] < box[d];
        if (!more) at[d] = 0;
      }
    }
  }
}

static bool has_whole_rows(const gr_piece *p) {
  for (unsigned d = 1; d < p->rank; d++)
    if (p->chunk[d] != p->dims[d]) return false;
  return true;
}

static gradus_status read_chunk(gr_piece *p, uint64_t index, uint64_t first, uint64_t n,
                                struct buffers *b, unsigned char *out, gradus_error *err) {
  hsize_t origin[H5S_MAX_RANK] = {0};
  unsigned char *chunk;
  const size_t row = (size_t)p->n_columns * p->size;
  origin_of(p, index, origin);
  const uint64_t end = origin[0] + p->chunk[0] < p->dims[0] ? origin[0] + p->chunk[0] : p->dims[0],
                 from = origin[0] > first ? origin[0] : first,
                 to = end < first + n ? end : first + n;
  const bool whole = from == origin[0] && to == end;
  const gr_chunk_table *t = &p->table;
  if (whole && has_whole_rows(p) && t->n && p->filters.n == 0 && t->address[index] != UINT64_MAX)
    return gr_piece_pread(p, out + (from - first) * row, (to - from) * row, t->address[index], err);
  GR_TRY(get_chunk(p, index, whole, b, &chunk, err));
  if (has_whole_rows(p))
    memcpy(out + (from - first) * row, chunk + (from - origin[0]) * row, (to - from) * row);
  else
    scatter(p, origin, from, to, first, chunk, out);
  return GRADUS_OK;
}

gradus_status gr_piece_read_chunks(gr_piece *p, uint64_t first, uint64_t n, unsigned char *out,
                                   gradus_error *err) {
  struct buffers b = {NULL, NULL, 0};
  gradus_status status = GRADUS_OK;
  uint64_t across = 1; /* chunks that share rows */
  for (unsigned d = 1; d < p->rank; d++) across *= p->grid[d];
  const uint64_t end = (first + n - 1) / p->chunk[0] * across + across;
  for (uint64_t i = first / p->chunk[0] * across; i < end && status == GRADUS_OK; i++)
    status = read_chunk(p, i, first, n, &b, out, err);
  gr_free(b.data);
  gr_free(b.spare);
  return status;
}
