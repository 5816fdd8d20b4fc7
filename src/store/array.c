/* Predictions go to any program that reads HDF5, so this writes the plainest file there is: one
 * contiguous dataset, no attributes. */
#include <config.h>

#include "store/array.h"

#include "store/aside.h"
#include "store/h5_write.h"

static gradus_status write_into(const char *aside, const char *path, const char *name,
                                const float *data, const uint64_t dims[2], gradus_error *err) {
  gr_h5_quiet quiet = gr_h5_begin();
  gr_h5_writer writer = gr_h5_write_begin(aside, path, 0, err);
  gr_h5_put_array(&writer, name, GR_F32, 2, dims, data);
  gradus_status status = gr_h5_write_end(&writer);
  gr_h5_end(&quiet);
  return status;
}

gradus_status gr_array_write_h5(const char *path, bool overwrite, const char *name,
                                const float *data, uint64_t n_rows, uint64_t n_columns,
                                gradus_error *err) {
  const uint64_t dims[2] = {n_rows, n_columns};
  char *aside = NULL;
  GR_TRY(gr_aside_create(path, overwrite, &aside, err));
  gradus_status status = gr_aside_reserve(aside, path, n_rows * n_columns * sizeof *data, err);
  if (status == GRADUS_OK) status = write_into(aside, path, name, data, dims, err);
  return gr_aside_end(aside, path, overwrite, status, err);
}
