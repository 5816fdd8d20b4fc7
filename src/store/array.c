/* Predictions go to any program that reads HDF5, so this writes the plainest file there is: one
 * contiguous dataset, no attributes. */
#include <config.h>

#include "store/array.h"

#include "base/memory.h"
#include "store/aside.h"
#include "store/h5_write.h"

struct gr_array_writer {
  gr_h5_writer file;
  gradus_error error; /* of the file */
  char *path, *name, *aside;
  bool overwrite;
  uint64_t done, n_columns;
};

gradus_status gr_array_open_h5(const char *path, bool overwrite, const char *name, uint64_t n_rows,
                               uint64_t n_columns, gr_array_writer **out, gradus_error *err) {
  const uint64_t dims[2] = {n_rows, n_columns};
  gradus_status status;
  gr_array_writer *w = gr_calloc(1, sizeof *w);
  if (!w) return gr_fail_memory(err, "a writer");
  w->n_columns = n_columns;
  w->overwrite = overwrite;
  w->path = gr_strdup(path);
  w->name = gr_strdup(name);
  status = w->path && w->name ? gr_aside_create(path, overwrite, &w->aside, err)
                              : gr_fail_memory(err, "a writer");
  if (status == GRADUS_OK)
    status = gr_aside_reserve(w->aside, path, n_rows * n_columns * sizeof(float), err);
  if (status == GRADUS_OK) {
    const gr_h5_quiet quiet = gr_h5_begin();
    w->file = gr_h5_write_begin(w->aside, w->path, 0, &w->error);
    gr_h5_put_array(&w->file, name, GR_F32, 2, dims, NULL);
    gr_h5_end(&quiet);
    *out = w;
    return GRADUS_OK;
  }
  return gr_array_close(w, status, err);
}

gradus_status gr_array_put(gr_array_writer *w, const float *data, uint64_t n, gradus_error *err) {
  const gr_h5_quiet quiet = gr_h5_begin();
  gr_h5_put_rows(&w->file, w->name, GR_F32, w->done, n, w->n_columns, data);
  gr_h5_end(&quiet);
  w->done += n;
  if (w->file.status != GRADUS_OK && err) *err = w->error;
  return w->file.status;
}

gradus_status gr_array_close(gr_array_writer *w, gradus_status status, gradus_error *err) {
  if (!w) return status;
  if (w->file.path) {
    const gr_h5_quiet quiet = gr_h5_begin();
    const gradus_status written = gr_h5_write_end(&w->file);
    gr_h5_end(&quiet);
    if (status == GRADUS_OK && written != GRADUS_OK) {
      status = written;
      if (err) *err = w->error;
    }
  }
  if (w->aside) status = gr_aside_end(w->aside, w->path, w->overwrite, status, err);
  gr_free(w->path);
  gr_free(w->name);
  gr_free(w);
  return status;
}

gradus_status gr_array_write_h5(const char *path, bool overwrite, const char *name,
                                const float *data, uint64_t n_rows, uint64_t n_columns,
                                gradus_error *err) {
  gr_array_writer *writer = NULL;
  gradus_status status = gr_array_open_h5(path, overwrite, name, n_rows, n_columns, &writer, err);
  if (status == GRADUS_OK) status = gr_array_put(writer, data, n_rows, err);
  return gr_array_close(writer, status, err);
}
