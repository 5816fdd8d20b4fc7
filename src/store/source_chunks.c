/* Rows out of chunks. The chunks that share their rows are a band: one where chunks hold whole
 * rows, several where they cut the columns too. A band that is wanted whole goes straight to where
 * it is wanted; of another one all rows are decoded once and kept, since the next call will ask for
 * the rest of it. */
#include <config.h>

#include "store/source_array.h"

#include <string.h>

#include "base/memory.h"

/* Bands beyond this, as of files stored by columns, are decoded anew by each call. */
#define MAX_BAND ((uint64_t)256 << 20)

/* ---- one chunk ---- */

static gradus_status decode(const gr_source_array *a, gr_source_scratch *s,
                            const gr_stored_chunk *stored, uint8_t *out, gradus_error *err) {
  const char *filter = "";
  if (!gr_decoder_reserve(&s->decoder, gr_pipeline_bound(a->chunk_bytes)))
    return gr_fail_memory(err, "a chunk");
  GR_TRY(gr_source_pread(a, s->decoder.stored, stored->bytes, stored->offset, err));
  const char *wrong = gr_pipeline_undo(&a->pipeline, stored->mask, &s->decoder, stored->bytes, out,
                                       a->chunk_bytes, &filter);
  if (!wrong) return GRADUS_OK;
  return gr_fail(err, GRADUS_ERR_DATA, "the chunk at byte %llu of the file is damaged: %s: %s",
                 (unsigned long long)stored->offset, filter, wrong);
}

/* Rows [low, high) of a chunk of whole rows whose first row is `start`. */
static gradus_status read_whole_rows(const gr_source_array *a, gr_source_scratch *s,
                                     const gr_stored_chunk *stored, uint64_t start, uint64_t low,
                                     uint64_t high, uint8_t *out, gradus_error *err) {
  const uint64_t row = a->columns * a->size, skipped = (low - start) * row,
                 bytes = (high - low) * row;
  if (gr_pipeline_is_idle(&a->pipeline, stored->mask))
    return gr_source_pread(a, out, bytes, stored->offset + skipped, err);
  if (bytes == a->chunk_bytes) return decode(a, s, stored, out, err);
  GR_TRY(gr_source_reserve(&s->chunk, &s->chunk_capacity, a->chunk_bytes, err));
  GR_TRY(decode(a, s, stored, s->chunk, err));
  memcpy(out, s->chunk + skipped, bytes);
  return GRADUS_OK;
}

/* At least the rows [low, high) of a chunk into s->chunk, each where it lies in the chunk. */
static gradus_status fetch(const gr_source_array *a, gr_source_scratch *s,
                           const gr_stored_chunk *stored, uint64_t start, uint64_t low,
                           uint64_t high, gradus_error *err) {
  GR_TRY(gr_source_reserve(&s->chunk, &s->chunk_capacity, a->chunk_bytes, err));
  if (!gr_pipeline_is_idle(&a->pipeline, stored->mask)) return decode(a, s, stored, s->chunk, err);
  if (a->row_dim != 0) return gr_source_pread(a, s->chunk, stored->bytes, stored->offset, err);
  const uint64_t row = a->chunk_bytes / a->chunk[0], skipped = (low - start) * row;
  return gr_source_pread(a, s->chunk + skipped, (high - low) * row, stored->offset + skipped, err);
}

/* The box that a chunk and the rows [low, high) share; where it begins in either, in elements. */
static gr_box share(const gr_source_array *a, const uint64_t coord[GR_BOX_RANK], uint64_t low,
                    uint64_t high, uint64_t *at_from, uint64_t *at_to) {
  gr_box box = {.rank = a->rank};
  uint64_t stride = 1;
  *at_from = *at_to = 0;
  for (unsigned i = a->rank; i-- > 0;) {
    const uint64_t start = coord[i] * a->chunk[i], left = a->dims[i] - start;
    box.extent[i] = left < a->chunk[i] ? left : a->chunk[i];
    box.from[i] = stride;
    box.to[i] = a->out_stride[i];
    stride *= a->chunk[i];
    if (i == a->row_dim) {
      box.extent[i] = high - low;
      *at_from += (low - start) * box.from[i];
    } else {
      *at_to += start * box.to[i];
    }
  }
  return box;
}

/* Rows [low, high) of the columns that the chunk holds into out [high - low][columns]. */
static gradus_status read_chunk(const gr_source_array *a, gr_source_scratch *s,
                                const uint64_t coord[GR_BOX_RANK], uint64_t low, uint64_t high,
                                uint8_t *out, gradus_error *err) {
  const uint64_t start = coord[a->row_dim] * a->chunk[a->row_dim];
  uint64_t index = 0, at_from, at_to;
  for (unsigned i = 0; i < a->rank; i++) index = index * a->grid[i] + coord[i];
  const gr_stored_chunk *stored = &a->table[index];
  if (a->whole_rows && stored->bytes > 0)
    return read_whole_rows(a, s, stored, start, low, high, out, err);
  gr_box box = share(a, coord, low, high, &at_from, &at_to);
  if (stored->bytes == 0) { /* never written */
    memset(box.from, 0, sizeof box.from);
    gr_box_copy(&box, a->fill, out + at_to * a->size, a->size);
    return GRADUS_OK;
  }
  GR_TRY(fetch(a, s, stored, start, low, high, err));
  gr_box_copy(&box, s->chunk + at_from * a->size, out + at_to * a->size, a->size);
  return GRADUS_OK;
}

/* ---- a band ---- */

/* Rows [low, high), which lie in band `band`, into out [high - low][columns]. */
static gradus_status read_band(const gr_source_array *a, gr_source_scratch *s, uint64_t band,
                               uint64_t low, uint64_t high, uint8_t *out, gradus_error *err) {
  uint64_t coord[GR_BOX_RANK] = {0};
  const uint64_t n = a->n_chunks / a->grid[a->row_dim];
  if (!a->table) return gr_source_library_read(a, s, low, high - low, out, err);
  coord[a->row_dim] = band;
  for (uint64_t k = 0; k < n; k++) {
    GR_TRY(read_chunk(a, s, coord, low, high, out, err));
    for (unsigned i = a->rank; i-- > 0;) {
      if (i == a->row_dim) continue;
      if (++coord[i] < a->grid[i]) break;
      coord[i] = 0;
    }
  }
  return GRADUS_OK;
}

static gradus_status keep_band(const gr_source_array *a, gr_source_scratch *s, uint64_t band,
                               uint64_t low, uint64_t high, gradus_error *err) {
  if (s->band_array == a && s->band_index == band) return GRADUS_OK;
  s->band_array = NULL;
  GR_TRY(gr_source_reserve(&s->band, &s->band_capacity, a->band_bytes, err));
  GR_TRY(read_band(a, s, band, low, high, s->band, err));
  s->band_array = a;
  s->band_index = band;
  return GRADUS_OK;
}

gradus_status gr_source_chunks_read(const gr_source_array *a, gr_source_scratch *s, uint64_t first,
                                    uint64_t n, uint8_t *out, gradus_error *err) {
  const uint64_t rows = a->chunk[a->row_dim], row = a->columns * a->size, end = first + n;
  const bool keeps = a->band_bytes <= MAX_BAND && (!a->table || a->pipeline.n > 0);
  for (uint64_t low = first; low < end;) {
    const uint64_t band = low / rows, band_low = band * rows,
                   band_high = a->rows - band_low < rows ? a->rows : band_low + rows,
                   high = end < band_high ? end : band_high;
    const bool whole = low == band_low && high == band_high;
    gradus_status status = whole || !keeps ? read_band(a, s, band, low, high, out, err)
                                           : keep_band(a, s, band, band_low, band_high, err);
    if (status != GRADUS_OK)
      return gr_error_prefix(err, "rows %llu to %llu", (unsigned long long)band_low,
                             (unsigned long long)band_high - 1),
             status;
    if (!whole && keeps) memcpy(out, s->band + (low - band_low) * row, (high - low) * row);
    out += (high - low) * row;
    low = high;
  }
  return GRADUS_OK;
}
