/* A batch as a file: its rows are fetched one by one from wherever they are, in the type they are
 * stored in, so that what is run again is what was run. */
#include <config.h>

#include "train/bad_batch.h"

#include <string.h>

#include "base/memory.h"
#include "base/text.h"

/* Rows of an array in memory. */
static void pick(const void *from, size_t row_size, const uint64_t *row, uint64_t n, void *to) {
  for (uint64_t i = 0; i < n; i++)
    memcpy((char *)to + i * row_size, (const char *)from + row[i] * row_size, row_size);
}

static gradus_status pick_inputs(const gr_dataset *data, const uint64_t *row, uint64_t n, void *to,
                                 gradus_error *err) {
  const gr_split *split = &data->split[GR_TRAIN];
  const size_t size = data->n_columns * gr_dtype_size(split->x_type);
  for (uint64_t i = 0; i < n; i++) {
    char *at = (char *)to + i * size;
    const void *found;
    GR_TRY(gr_split_rows_at(split, data->n_columns, row[i], 1, at, &found, err));
    if (found != at) memcpy(at, found, size);
  }
  return GRADUS_OK;
}

static gradus_status fill(const gr_dataset *data, const uint64_t *row, uint64_t n, gr_split *out,
                          gradus_error *err) {
  const gr_split *from = &data->split[GR_TRAIN];
  const size_t y_size = from->y_columns * gr_dtype_size(from->y_type);
  out->x = gr_alloc(n, data->n_columns * gr_dtype_size(from->x_type));
  out->y = from->y_columns ? gr_alloc(n, y_size) : NULL;
  out->weight = from->weight ? gr_alloc(n, sizeof(float)) : NULL;
  if (!out->x || (from->y_columns && !out->y) || (from->weight && !out->weight))
    return gr_fail_memory(err, "the rows of a step");
  if (out->y) pick(from->y, y_size, row, n, out->y);
  if (out->weight) pick(from->weight, sizeof(float), row, n, out->weight);
  return pick_inputs(data, row, n, out->x, err);
}

gradus_status gr_bad_batch_write(const gr_dataset *data, const uint64_t *row, uint64_t n,
                                 const char *path, gradus_error *err) {
  const gr_split *from = &data->split[GR_TRAIN];
  gr_dataset batch = *data; /* names are borrowed */
  gr_split *train = &batch.split[GR_TRAIN];
  memset(batch.split, 0, sizeof batch.split);
  *train = (gr_split){.n_rows = n,
                      .x_type = from->x_type,
                      .y_type = from->y_type,
                      .y_columns = from->y_columns,
                      .number = row};
  gradus_status status = fill(data, row, n, train, err);
  if (status == GRADUS_OK) status = gr_dataset_write(&batch, path, true, err);
  gr_free(train->x);
  gr_free(train->y);
  gr_free(train->weight);
  return status;
}

void gr_bad_batch_list(const uint64_t *row, uint64_t n, gr_text *out) {
  gr_text_puts(out, "[");
  for (uint64_t i = 0; i < n; i++)
    gr_text_printf(out, "%s%llu", i ? ", " : "", (unsigned long long)row[i]);
  gr_text_puts(out, "]");
}
