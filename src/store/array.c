/* Predictions go to any program that reads HDF5, so this writes the plainest file there is: one
 * contiguous dataset, no attributes. */
#include <config.h>

#include "store/array.h"

#include <hdf5.h>

#include "base/memory.h"
#include "store/aside.h"

struct handles {
  hid_t file, space, set;
};

static bool write_into(struct handles *h, const char *aside, const char *name, const float *data,
                       uint64_t n_rows, uint64_t n_columns) {
  const hsize_t shape[2] = {n_rows, n_columns};
  h->file = H5Fcreate(aside, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  if (h->file < 0) return false;
  h->space = H5Screate_simple(2, shape, NULL);
  if (h->space < 0) return false;
  h->set =
      H5Dcreate2(h->file, name, H5T_IEEE_F32LE, h->space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  if (h->set < 0) return false;
  if (n_rows == 0 || n_columns == 0) return true;
  return H5Dwrite(h->set, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0;
}

static bool close_all(struct handles *h) {
  bool closed = true;
  if (h->set >= 0 && H5Dclose(h->set) < 0) closed = false;
  if (h->space >= 0 && H5Sclose(h->space) < 0) closed = false;
  if (h->file >= 0 && H5Fclose(h->file) < 0) closed = false;
  return closed;
}

gradus_status gr_array_write_h5(const char *path, bool overwrite, const char *name,
                                const float *data, uint64_t n_rows, uint64_t n_columns,
                                gradus_error *err) {
  char *aside = NULL;
  GR_TRY(gr_aside_create(path, overwrite, &aside, err));
  struct handles h = {-1, -1, -1};
  bool written;
  H5E_BEGIN_TRY {
    written = write_into(&h, aside, name, data, n_rows, n_columns);
    if (!close_all(&h)) written = false;
  }
  H5E_END_TRY
  gradus_status status =
      written ? gr_aside_publish(aside, path, overwrite, err)
              : gr_fail(err, GRADUS_ERR_IO, "%s: the HDF5 library could not write it", path);
  if (status == GRADUS_OK)
    gr_free(aside);
  else
    gr_aside_discard(aside);
  return status;
}
