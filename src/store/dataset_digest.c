/* What a data set contains, as 128 bits: XXH3-128 over a stream that does not depend on the file it
 * came from. Per split present: its number, rows, columns, types by name, contents; then class
 * names and the kinds of columns. Numbers are little-endian, texts are preceded by their length. */
#include <config.h>

#include "store/dataset_digest.h"

#include <string.h>

#include "base/memory.h"
#include "store/hash.h"

/* Inputs beyond WHOLE bytes count by SAMPLES pieces of PIECE_ROWS rows, evenly spread from the
 * first to the last: which rows these are follows from the number of rows. */
enum { PIECE_ROWS = 1024, SAMPLES = 256 };
#define WHOLE ((uint64_t)64 << 20)

struct gr_data_digest {
  XXH3_state_t state;
  uint64_t n_rows, pieces, taken, next; /* of the inputs under way; the next piece that counts */
  size_t row;                           /* bytes */
};

/* XXH3 updates of valid memory cannot fail; lengths are products that fitted when memory was had.
 */
void gr_data_digest_bytes(gr_data_digest *d, const void *bytes, size_t n) {
  (void)XXH3_128bits_update(&d->state, bytes, n);
}

static void add_number(gr_data_digest *d, uint64_t value) {
  gr_data_digest_bytes(d, &value, sizeof value);
}

static void add_text(gr_data_digest *d, const char *text) {
  add_number(d, strlen(text));
  gr_data_digest_bytes(d, text, strlen(text));
}

static void add_texts(gr_data_digest *d, char *const *texts, uint32_t n) {
  add_number(d, n);
  for (uint32_t i = 0; i < n; i++) add_text(d, texts[i]);
}

static void start(gr_data_digest *d) {
  (void)XXH3_128bits_reset(&d->state);
  add_text(d, "gradus dataset 1");
}

gr_data_digest *gr_data_digest_start(void) {
  gr_data_digest *d = gr_alloc_aligned(1, sizeof *d);
  if (d) start(d);
  return d;
}

void gr_data_digest_free(gr_data_digest *d) {
  gr_free_aligned(d);
}

void gr_data_digest_array(gr_data_digest *d, gr_dtype type, uint32_t columns) {
  add_text(d, gr_dtype_name(type));
  add_number(d, columns);
}

void gr_data_digest_split(gr_data_digest *d, int id, uint64_t n_rows, gr_dtype type,
                          uint32_t n_columns) {
  d->n_rows = n_rows;
  d->row = n_columns * gr_dtype_size(type);
  d->pieces = (n_rows + PIECE_ROWS - 1) / PIECE_ROWS;
  d->taken = d->pieces;
  d->next = 0;
  add_number(d, (uint64_t)id);
  add_number(d, n_rows);
  gr_data_digest_array(d, type, n_columns);
  if (n_rows <= WHOLE / d->row) return;
  add_text(d, "sampled");
  if (d->taken > SAMPLES) d->taken = SAMPLES;
}

/* The rows of the next piece that counts; false where there are no more. */
static bool next_piece(const gr_data_digest *d, uint64_t *first, uint64_t *end) {
  if (d->next == d->taken) return false;
  uint64_t piece = d->taken > 1 ? d->next * (d->pieces - 1) / (d->taken - 1) : 0;
  *first = piece * PIECE_ROWS;
  *end = d->n_rows - *first < PIECE_ROWS ? d->n_rows : *first + PIECE_ROWS;
  return true;
}

void gr_data_digest_rows(gr_data_digest *d, uint64_t first, uint64_t n, const void *rows) {
  uint64_t from, to;
  while (next_piece(d, &from, &to) && from < first + n) {
    uint64_t end = to < first + n ? to : first + n;
    if (from < first) from = first;
    if (from < end)
      gr_data_digest_bytes(d, (const char *)rows + (from - first) * d->row,
                           (size_t)(end - from) * d->row);
    if (end < to) return; /* the rest of the piece comes later */
    d->next++;
  }
}

void gr_data_digest_weights(gr_data_digest *d, bool any) {
  add_number(d, any);
}

void gr_data_digest_offsets(gr_data_digest *d) {
  enum { OFFSETS = 2 }; /* what no flag of weights is */
  add_number(d, OFFSETS);
}

static void add_array(gr_data_digest *d, const void *data, gr_dtype type, uint64_t rows,
                      uint32_t columns) {
  gr_data_digest_array(d, type, columns);
  gr_data_digest_bytes(d, data, (size_t)rows * columns * gr_dtype_size(type));
}

/* Only pieces that count are read. */
static gradus_status add_inputs(gr_data_digest *d, const gr_split *split, uint32_t n_columns,
                                gr_split_print *print, gradus_error *err) {
  uint64_t first, end;
  gradus_status status = GRADUS_OK;
  void *buffer = split->x ? NULL : gr_alloc(PIECE_ROWS, d->row);
  if (!split->x && !buffer) return gr_fail_memory(err, "the digest of a data set");
  while (status == GRADUS_OK && next_piece(d, &first, &end)) {
    const void *rows;
    status = gr_split_rows_at(split, n_columns, first, end - first, buffer, &rows, err);
    if (status != GRADUS_OK) break;
    gr_print_rows(print, GR_PRINT_X, first, end - first, d->row, rows);
    gr_data_digest_rows(d, first, end - first, rows);
  }
  gr_free(buffer);
  return status;
}

/* The print of what is held beside the inputs. */
static void print_targets(const gr_split *split, gr_split_print *print) {
  const size_t y_size = split->y_columns * gr_dtype_size(split->y_type);
  if (split->y_columns) gr_print_rows(print, GR_PRINT_Y, 0, split->n_rows, y_size, split->y);
  if (split->weight)
    gr_print_rows(print, GR_PRINT_WEIGHT, 0, split->n_rows, sizeof(float), split->weight);
  if (split->offset)
    gr_print_rows(print, GR_PRINT_OFFSET, 0, split->n_rows, sizeof(float), split->offset);
}

static gradus_status add_split(gr_data_digest *d, const gr_split *split, uint32_t n_columns, int id,
                               gr_split_print *print, gradus_error *err) {
  *print = (gr_split_print){.n_rows = split->n_rows};
  if (split->n_rows == 0) return GRADUS_OK;
  gr_data_digest_split(d, id, split->n_rows, split->x_type, n_columns);
  print->columns = n_columns;
  print->x_type = split->x_type;
  print->y_columns = split->y_columns;
  print->y_type = split->y_type;
  print->weighted = split->weight != NULL;
  print->has_offset = split->offset != NULL;
  print->sampled = d->taken < d->pieces;
  gr_print_begin(print);
  GR_TRY(add_inputs(d, split, n_columns, print, err));
  print_targets(split, print);
  if (split->y_columns) add_array(d, split->y, split->y_type, split->n_rows, split->y_columns);
  gr_data_digest_weights(d, split->weight != NULL);
  if (split->weight) add_array(d, split->weight, GR_F32, split->n_rows, 1);
  if (split->offset) {
    gr_data_digest_offsets(d);
    add_array(d, split->offset, GR_F32, split->n_rows, 1);
  }
  return GRADUS_OK;
}

static void add_columns(gr_data_digest *d, const gr_dataset *shape) {
  for (uint32_t j = 0; j < shape->n_columns; j++) {
    add_number(d, (uint64_t)shape->columns[j].kind);
    add_texts(d, shape->columns[j].levels, shape->columns[j].n_levels);
  }
}

static void add_names(gr_data_digest *d, const gr_dataset *shape) {
  add_texts(d, shape->class_names, shape->n_class_names);
  add_number(d, shape->columns != NULL);
  if (shape->columns) add_columns(d, shape);
}

void gr_data_digest_end(gr_data_digest *d, const gr_dataset *shape, char out[33]) {
  static const char hex[] = "0123456789abcdef";
  XXH128_canonical_t sum;
  add_names(d, shape);
  XXH128_canonicalFromHash(&sum, XXH3_128bits_digest(&d->state));
  for (int i = 0; i < 16; i++) {
    out[2 * i] = hex[sum.digest[i] >> 4];
    out[2 * i + 1] = hex[sum.digest[i] & 15];
  }
  out[32] = '\0';
}

gradus_status gr_dataset_digest(gr_dataset *dataset, gradus_error *err) {
  gr_data_digest digest;
  start(&digest);
  dataset->print.known = false;
  for (int s = 0; s < GR_N_SPLITS; s++)
    GR_TRY(add_split(&digest, &dataset->split[s], dataset->n_columns, s, &dataset->print.split[s],
                     err));
  gr_data_digest_end(&digest, dataset, dataset->digest);
  start(&digest);
  add_names(&digest, dataset);
  dataset->print.names = XXH3_128bits_digest(&digest.state).low64;
  dataset->print.known = true;
  return GRADUS_OK;
}
