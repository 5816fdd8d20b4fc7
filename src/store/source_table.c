/* The table of chunks. HDF5 is asked to read each chunk raw, with the watch on: it looks the chunk
 * up in whatever index the file has (there are six kinds) and "reads" it, which only tells where it
 * lies. What is told is held against the length of the file, and the number of chunks found against
 * the number that the index says it has, since a chunk that was never written and an index that
 * cannot be read look the same here. */
#include <config.h>

#include "store/source_array.h"

#include "base/memory.h"

/* 1 TiB in chunks of 64 KiB: a table of 256 MiB, found in about 20 s. */
#define MAX_CHUNKS ((uint64_t)1 << 24)

static gradus_status count_stored(const gr_source_array *a, uint64_t *out, gradus_error *err) {
  hsize_t n = 0;
  hid_t space = H5Dget_space(a->array.id);
  bool counted = space >= 0 && H5Dget_num_chunks(a->array.id, space, &n) >= 0;
  *out = n;
  if (counted) return H5Sclose(space), GRADUS_OK;
  gradus_status status = gr_h5_fail(err, GRADUS_ERR_DATA,
                                    "%s: %s: the index of its chunks is damaged", a->file, a->path);
  if (space >= 0) (void)H5Sclose(space);
  return status;
}

static bool is_edge(const gr_source_array *a, const uint64_t coord[GR_BOX_RANK]) {
  for (unsigned i = 0; i < a->rank; i++)
    if (a->dims[i] - coord[i] * a->chunk[i] < a->chunk[i]) return true;
  return false;
}

static gradus_status check_chunk(const gr_source_array *a, const gr_stored_chunk *chunk,
                                 uint64_t bytes, gradus_error *err) {
  const char *wrong = NULL;
  if (chunk->offset > a->file_bytes || bytes > a->file_bytes - chunk->offset)
    wrong = "beyond the end of the file, which is damaged or cut short";
  else if (bytes == 0 || bytes > gr_pipeline_bound(a->chunk_bytes) || bytes > UINT32_MAX)
    wrong = "of a size that its contents cannot have";
  else if (gr_pipeline_is_idle(&a->pipeline, chunk->mask) && bytes != a->chunk_bytes)
    wrong = "of another size than its contents, though nothing compresses them";
  if (!wrong) return GRADUS_OK;
  return gr_fail(err, GRADUS_ERR_DATA,
                 "%s: %s has a chunk of %llu bytes at byte %llu, holding %zu: it is %s", a->file,
                 a->path, (unsigned long long)bytes, (unsigned long long)chunk->offset,
                 a->chunk_bytes, wrong);
}

/* The chunk at `coord` in the grid; *found stays false where there is none. */
static gradus_status look_up(gr_source_array *a, const uint64_t coord[GR_BOX_RANK],
                             gr_stored_chunk *out, bool *found, gradus_error *err) {
  hsize_t offset[GR_BOX_RANK];
  uint32_t mask = 0;
  char nothing[8]; /* nothing is ever read into it: the watch is on */
  for (unsigned i = 0; i < a->array.rank; i++) offset[i] = coord[i] * a->chunk[i];
  a->watch.reads = 0;
  herr_t read = H5Dread_chunk(a->array.id, H5P_DEFAULT, offset, &mask, nothing);
  *found = read >= 0 && a->watch.reads == 1;
  if (!*found) return GRADUS_OK; /* counted afterwards */
  out->offset = a->watch.offset;
  out->bytes = (uint32_t)a->watch.bytes;
  out->mask = a->raw_edges && is_edge(a, coord) ? UINT32_MAX : mask;
  return check_chunk(a, out, a->watch.bytes, err);
}

static gradus_status look_up_all(gr_source_array *a, uint64_t *n_found, gradus_error *err) {
  uint64_t coord[GR_BOX_RANK] = {0};
  for (uint64_t index = 0; index < a->n_chunks; index++) {
    bool found;
    GR_TRY(look_up(a, coord, &a->table[index], &found, err));
    *n_found += found;
    for (unsigned i = a->rank; i-- > 0 && ++coord[i] == a->grid[i];) coord[i] = 0;
  }
  return GRADUS_OK;
}

gradus_status gr_source_read_table(gr_source_array *a, gradus_error *err) {
  uint64_t n_stored = 0, n_found = 0;
  if (a->n_chunks > MAX_CHUNKS)
    return gr_fail(err, GRADUS_ERR_DATA,
                   "%s: %s is cut into %llu chunks, at most %llu are read; store it in larger ones "
                   "(h5repack -l CHUNK=...)",
                   a->file, a->path, (unsigned long long)a->n_chunks,
                   (unsigned long long)MAX_CHUNKS);
  GR_TRY(count_stored(a, &n_stored, err));
  a->table = gr_calloc((size_t)a->n_chunks, sizeof *a->table);
  if (!a->table) return gr_fail_memory(err, "a table of chunks");
  a->watch.on = true;
  gradus_status status = look_up_all(a, &n_found, err);
  a->watch.on = false;
  (void)H5Eclear2(H5E_DEFAULT);
  GR_TRY(status);
  if (n_found == n_stored) return GRADUS_OK;
  return gr_fail(err, GRADUS_ERR_DATA,
                 "%s: %s: the index of its chunks is damaged: it names %llu, of which %llu are "
                 "found",
                 a->file, a->path, (unsigned long long)n_stored, (unsigned long long)n_found);
}
