/* What a data set contains, as 128 bits: XXH3-128 over a stream that does not depend on the file it
 * came from. Per split present: its number, rows, columns, types by name, contents; then class
 * names and the kinds of columns. Numbers are little-endian, texts are preceded by their length. */
#include <config.h>

#include "store/dataset_digest.h"

#include <string.h>

#include "base/memory.h"
#include "store/hash.h"

struct gr_data_digest {
  XXH3_state_t state;
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

void gr_data_digest_split(gr_data_digest *d, int id, uint64_t n_rows) {
  add_number(d, (uint64_t)id);
  add_number(d, n_rows);
}

void gr_data_digest_array(gr_data_digest *d, gr_dtype type, uint32_t columns) {
  add_text(d, gr_dtype_name(type));
  add_number(d, columns);
}

void gr_data_digest_weights(gr_data_digest *d, bool any) {
  add_number(d, any);
}

static void add_array(gr_data_digest *d, const void *data, gr_dtype type, uint64_t rows,
                      uint32_t columns) {
  gr_data_digest_array(d, type, columns);
  gr_data_digest_bytes(d, data, (size_t)rows * columns * gr_dtype_size(type));
}

static void add_split(gr_data_digest *d, const gr_split *split, uint32_t n_columns, int id) {
  if (split->n_rows == 0) return;
  gr_data_digest_split(d, id, split->n_rows);
  add_array(d, split->x, split->x_type, split->n_rows, n_columns);
  if (split->y_columns) add_array(d, split->y, split->y_type, split->n_rows, split->y_columns);
  gr_data_digest_weights(d, split->weight != NULL);
  if (split->weight) add_array(d, split->weight, GR_F32, split->n_rows, 1);
}

static void add_columns(gr_data_digest *d, const gr_dataset *shape) {
  for (uint32_t j = 0; j < shape->n_columns; j++) {
    add_number(d, (uint64_t)shape->columns[j].kind);
    add_texts(d, shape->columns[j].levels, shape->columns[j].n_levels);
  }
}

void gr_data_digest_end(gr_data_digest *d, const gr_dataset *shape, char out[33]) {
  static const char hex[] = "0123456789abcdef";
  XXH128_canonical_t sum;
  add_texts(d, shape->class_names, shape->n_class_names);
  add_number(d, shape->columns != NULL);
  if (shape->columns) add_columns(d, shape);
  XXH128_canonicalFromHash(&sum, XXH3_128bits_digest(&d->state));
  for (int i = 0; i < 16; i++) {
    out[2 * i] = hex[sum.digest[i] >> 4];
    out[2 * i + 1] = hex[sum.digest[i] & 15];
  }
  out[32] = '\0';
}

void gr_dataset_digest(gr_dataset *dataset) {
  gr_data_digest digest;
  start(&digest);
  for (int s = 0; s < GR_N_SPLITS; s++)
    add_split(&digest, &dataset->split[s], dataset->n_columns, s);
  gr_data_digest_end(&digest, dataset, dataset->digest);
}
