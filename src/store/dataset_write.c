/* Our own layout, as DESIGN describes it to h5py users: what is in memory goes out unchanged,
 * contiguous and aligned, so that it could be mapped. */
#include <config.h>

#include <stdio.h>

#include "store/aside.h"
#include "store/dataset.h"
#include "store/dataset_meta.h"
#include "store/h5_write.h"

static void put_rows(gr_h5_writer *w, const char *split, const char *name, gr_dtype type,
                     uint64_t rows, uint64_t columns, const void *data) {
  const uint64_t dims[2] = {rows, columns};
  char path[32];
  snprintf(path, sizeof path, "/%s/%s", split, name);
  gr_h5_put_array(w, path, type, columns == 1 ? 1 : 2, dims, data);
}

static void put_split(gr_h5_writer *w, const gr_split *split, const char *name,
                      uint32_t n_columns) {
  const uint64_t dims[2] = {split->n_rows, n_columns};
  char path[32];
  if (split->n_rows == 0) return;
  snprintf(path, sizeof path, "/%s", name);
  gr_h5_put_group(w, path);
  snprintf(path, sizeof path, "/%s/x", name);
  gr_h5_put_array(w, path, split->x_type, 2, dims, split->x);
  if (split->y_columns)
    put_rows(w, name, "y", split->y_type, split->n_rows, split->y_columns, split->y);
  if (split->weight) put_rows(w, name, "weight", GR_F32, split->n_rows, 1, split->weight);
}

static gradus_status write_into(const char *aside, const char *path, const gr_dataset *d,
                                gradus_error *err) {
  const int32_t version = 1;
  gr_h5_quiet quiet = gr_h5_begin();
  gr_h5_writer writer = gr_h5_write_begin(aside, path, 0, err);
  gr_h5_put_text_attribute(&writer, "/", "gradus_format", "dataset");
  gr_h5_put_attribute(&writer, "/", "format_version", GR_I32, &version);
  for (int s = 0; s < GR_N_SPLITS; s++)
    put_split(&writer, &d->split[s], gr_split_names[s], d->n_columns);
  gr_meta_write(&writer, d);
  gradus_status status = gr_h5_write_end(&writer);
  gr_h5_end(&quiet);
  return status;
}

/* Roughly what the file will take: for asking whether the disk has room. */
static uint64_t size_of(const gr_dataset *d) {
  uint64_t bytes = 65536;
  for (int s = 0; s < GR_N_SPLITS; s++) {
    const gr_split *split = &d->split[s];
    uint64_t row = (uint64_t)d->n_columns * gr_dtype_size(split->x_type) +
                   (uint64_t)split->y_columns * gr_dtype_size(split->y_type) +
                   (split->weight ? sizeof(float) : 0);
    bytes += split->n_rows * row;
  }
  return bytes;
}

gradus_status gr_dataset_write(const gr_dataset *dataset, const char *path, bool overwrite,
                               gradus_error *err) {
  char *aside = NULL;
  GR_TRY(gr_aside_create(path, overwrite, &aside, err));
  gradus_status status = gr_aside_reserve(aside, path, size_of(dataset), err);
  if (status == GRADUS_OK) status = write_into(aside, path, dataset, err);
  return gr_aside_end(aside, path, overwrite, status, err);
}
