/* Rows k n_from / n of a split, read block by block where its inputs are not in memory. */
#include <config.h>

#include "train/sample.h"

#include <string.h>

#include "base/memory.h"
#include "train/classes.h"

enum { BLOCK = 4096 };

/* The k-th of n rows that are spread evenly over n_from. */
static uint64_t spread(uint64_t k, uint64_t n, uint64_t n_from) {
  const uint64_t step = n_from / n, rest = n_from % n;
  return k * step + (uint64_t)((double)k * (double)rest / (double)n);
}

static void *pick(const void *from, uint64_t n_from, uint64_t n, size_t size) {
  char *to = gr_alloc(n, size);
  for (uint64_t k = 0; to && k < n; k++)
    memcpy(to + k * size, (const char *)from + spread(k, n, n_from) * size, size);
  return to;
}

static gradus_status copy_inputs(const gr_split *from, uint32_t n_columns, gr_split *to,
                                 gradus_error *err) {
  const size_t row = n_columns * gr_dtype_size(from->x_type);
  void *buffer = from->x ? NULL : gr_alloc(BLOCK, row);
  const void *rows = NULL;
  uint64_t have = 0, end = 0; /* rows [have, end) are at `rows` */
  gradus_status status = buffer || from->x ? GRADUS_OK : gr_fail_memory(err, "a block of rows");
  for (uint64_t k = 0; k < to->n_rows && status == GRADUS_OK; k++) {
    const uint64_t at = spread(k, to->n_rows, from->n_rows);
    if (at >= end) {
      have = at;
      end = from->n_rows - at < BLOCK ? from->n_rows : at + BLOCK;
      status = gr_split_rows_at(from, n_columns, have, end - have, buffer, &rows, err);
    }
    if (status == GRADUS_OK)
      memcpy((char *)to->x + k * row, (const char *)rows + (at - have) * row, row);
  }
  gr_free(buffer);
  return status;
}

static gradus_status check_size(const gr_dataset *data, uint64_t n, gradus_error *err) {
  const gr_split *split = &data->split[GR_TEST];
  const size_t row = data->n_columns * gr_dtype_size(split->x_type);
  size_t bytes;
  if (!gr_multiply(n, row, &bytes)) return gr_fail_memory(err, "the rows");
  if (data->memory == 0 || bytes <= data->memory) return GRADUS_OK;
  return gr_fail(err, GRADUS_ERR_RESOURCES,
                 "%s: %llu rows take %llu MiB, of %llu MiB of memory; look at fewer, such as %llu",
                 gr_dataset_label(data), (unsigned long long)n, (unsigned long long)(bytes >> 20),
                 (unsigned long long)(data->memory >> 20),
                 (unsigned long long)(data->memory / 2 / row));
}

static gradus_status copy_rows(const gr_split *from, uint32_t n_columns, gr_split *to,
                               gradus_error *err) {
  const uint64_t n = to->n_rows;
  const size_t row = n_columns * gr_dtype_size(from->x_type);
  to->x = gr_alloc(n, row);
  if (from->y)
    to->y = pick(from->y, from->n_rows, n, from->y_columns * gr_dtype_size(from->y_type));
  if (from->weight) to->weight = pick(from->weight, from->n_rows, n, sizeof(float));
  if (from->offset) to->offset = pick(from->offset, from->n_rows, n, sizeof(float));
  if (!to->x || !to->y != !from->y || !to->weight != !from->weight || !to->offset != !from->offset)
    return gr_fail_memory(err, "the rows");
  return copy_inputs(from, n_columns, to, err);
}

gradus_status gr_sample_make(const gr_dataset *data, gr_split_id id, uint64_t n, gr_dataset *out,
                             gradus_error *err) {
  const gr_split *from = &data->split[id];
  gr_split *to = &out->split[GR_TEST];
  *out = *data;
  for (int i = 0; i < GR_N_SPLITS; i++) out->split[i] = (gr_split){.n_rows = 0};
  *to = (gr_split){.n_rows = n && n < from->n_rows ? n : from->n_rows,
                   .x_type = from->x_type,
                   .y_type = from->y_type,
                   .y_columns = from->y_columns};
  gradus_status status = check_size(out, to->n_rows, err);
  if (status == GRADUS_OK) status = copy_rows(from, data->n_columns, to, err);
  if (status != GRADUS_OK) gr_sample_free(out);
  return status;
}

void gr_sample_free(gr_dataset *sample) {
  gr_split *split = &sample->split[GR_TEST];
  gr_free(split->x);
  gr_free(split->y);
  gr_free(split->weight);
  gr_free(split->offset);
  *sample = (gr_dataset){0};
}
