/* What a data set contains, as 128 bits: XXH3-128 over a stream that does not depend on the file it
 * came from. Per split present: its number, rows, columns, types by name, contents; then class
 * names and the kinds of columns. Numbers are little-endian, texts are preceded by their length. */
#include <config.h>

#include <string.h>

#include "base/memory.h"
#include "store/dataset.h"
#include "store/hash.h"

/* XXH3 updates of valid memory cannot fail; lengths are products that fitted when memory was had.
 */
static void add(XXH3_state_t *state, const void *bytes, size_t n) {
  (void)XXH3_128bits_update(state, bytes, n);
}

static void add_number(XXH3_state_t *state, uint64_t value) {
  add(state, &value, sizeof value);
}

static void add_text(XXH3_state_t *state, const char *text) {
  add_number(state, strlen(text));
  add(state, text, strlen(text));
}

static void add_texts(XXH3_state_t *state, char *const *texts, uint32_t n) {
  add_number(state, n);
  for (uint32_t i = 0; i < n; i++) add_text(state, texts[i]);
}

static void add_array(XXH3_state_t *state, const void *data, gr_dtype type, uint64_t rows,
                      uint32_t columns) {
  add_text(state, gr_dtype_name(type));
  add_number(state, columns);
  add(state, data, (size_t)rows * columns * gr_dtype_size(type));
}

/* Inputs beyond WHOLE bytes count by SAMPLES pieces of PIECE_ROWS rows, evenly spread from the
 * first to the last: which rows these are follows from the number of rows. */
enum { PIECE_ROWS = 1024, SAMPLES = 256 };
#define WHOLE ((uint64_t)64 << 20)

static gradus_status add_piece(XXH3_state_t *state, const gr_split *split, uint32_t n_columns,
                               uint64_t first, uint64_t n, void *buffer, gradus_error *err) {
  const void *rows;
  GR_TRY(gr_split_rows_at(split, n_columns, first, n, buffer, &rows, err));
  add(state, rows, (size_t)n * n_columns * gr_dtype_size(split->x_type));
  return GRADUS_OK;
}

static gradus_status add_pieces(XXH3_state_t *state, const gr_split *split, uint32_t n_columns,
                                bool sampled, void *buffer, gradus_error *err) {
  const uint64_t pieces = (split->n_rows + PIECE_ROWS - 1) / PIECE_ROWS,
                 taken = sampled && pieces > SAMPLES ? SAMPLES : pieces;
  for (uint64_t i = 0; i < taken; i++) {
    const uint64_t piece = taken > 1 ? i * (pieces - 1) / (taken - 1) : 0,
                   first = piece * PIECE_ROWS;
    const uint64_t left = split->n_rows - first;
    GR_TRY(add_piece(state, split, n_columns, first, left < PIECE_ROWS ? left : PIECE_ROWS, buffer,
                     err));
  }
  return GRADUS_OK;
}

static gradus_status add_inputs(XXH3_state_t *state, const gr_split *split, uint32_t n_columns,
                                gradus_error *err) {
  const size_t row = n_columns * gr_dtype_size(split->x_type);
  const bool sampled = split->n_rows > WHOLE / row;
  void *buffer = NULL;
  add_text(state, gr_dtype_name(split->x_type));
  add_number(state, n_columns);
  if (sampled) add_text(state, "sampled");
  if (!split->x) {
    buffer = gr_alloc(PIECE_ROWS, row);
    if (!buffer) return gr_fail_memory(err, "the digest of a data set");
  }
  const gradus_status status = add_pieces(state, split, n_columns, sampled, buffer, err);
  gr_free(buffer);
  return status;
}

static gradus_status add_split(XXH3_state_t *state, const gr_split *split, uint32_t n_columns,
                               int id, gradus_error *err) {
  if (split->n_rows == 0) return GRADUS_OK;
  add_number(state, (uint64_t)id);
  add_number(state, split->n_rows);
  GR_TRY(add_inputs(state, split, n_columns, err));
  if (split->y_columns) add_array(state, split->y, split->y_type, split->n_rows, split->y_columns);
  add_number(state, split->weight != NULL);
  if (split->weight) add_array(state, split->weight, GR_F32, split->n_rows, 1);
  return GRADUS_OK;
}

static void add_columns(XXH3_state_t *state, const gr_dataset *d) {
  for (uint32_t j = 0; j < d->n_columns; j++) {
    add_number(state, (uint64_t)d->columns[j].kind);
    add_texts(state, d->columns[j].levels, d->columns[j].n_levels);
  }
}

gradus_status gr_dataset_digest(gr_dataset *d, gradus_error *err) {
  static const char hex[] = "0123456789abcdef";
  XXH3_state_t state;
  XXH128_canonical_t sum;
  (void)XXH3_128bits_reset(&state);
  add_text(&state, "gradus dataset 1");
  for (int s = 0; s < GR_N_SPLITS; s++)
    GR_TRY(add_split(&state, &d->split[s], d->n_columns, s, err));
  add_texts(&state, d->class_names, d->n_class_names);
  add_number(&state, d->columns != NULL);
  if (d->columns) add_columns(&state, d);
  XXH128_canonicalFromHash(&sum, XXH3_128bits_digest(&state));
  for (int i = 0; i < 16; i++) {
    d->digest[2 * i] = hex[sum.digest[i] >> 4];
    d->digest[2 * i + 1] = hex[sum.digest[i] & 15];
  }
  d->digest[32] = '\0';
  return GRADUS_OK;
}
