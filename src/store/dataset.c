/* The life of a data set in memory: names and release. Reading is in dataset_read.c. */
#include <config.h>

#include "store/dataset.h"

#include "base/cgroup.h"
#include "base/memory.h"
#include "store/h5_array.h"

const char *const gr_split_names[GR_N_SPLITS] = {"train", "valid", "test"};

void gr_dataset_free(gr_dataset *d) {
  for (int s = 0; s < GR_N_SPLITS; s++) {
    if (!d->split[s].source) gr_free(d->split[s].x);
    gr_source_close(d->split[s].source);
    gr_free(d->split[s].y);
    gr_free(d->split[s].weight);
  }
  for (uint32_t j = 0; d->columns && j < d->n_columns; j++) {
    gr_free(d->columns[j].name);
    gr_h5_free_texts(d->columns[j].levels, d->columns[j].n_levels);
  }
  gr_free(d->columns);
  gr_h5_free_texts(d->class_names, d->n_class_names);
  gr_h5_free_texts(d->feature_names, d->n_columns);
  gr_free(d->path);
  *d = (gr_dataset){0};
}

uint64_t gr_dataset_memory(void) {
  const double left = gr_memory_left("");
  return left > 0 ? (uint64_t)(left / 2) : UINT64_MAX;
}

gradus_status gr_split_rows_at(const gr_split *split, uint32_t n_columns, uint64_t first,
                               uint64_t n, void *buffer, const void **out, gradus_error *err) {
  if (split->x)
    *out = (const char *)split->x + first * n_columns * gr_dtype_size(split->x_type);
  else
    *out = buffer;
  return split->x ? GRADUS_OK : gr_source_read(split->source, first, n, buffer, err);
}
