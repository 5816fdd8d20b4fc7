/* HDF5 data sets of any shape: the input says which objects a file has, the file is made by HDF5,
 * and is read. What is read must be whole. */
#include <config.h>

#include <string.h>
#include <unistd.h>

#include "fuzz/fuzz.h"
#include "fuzz/h5_input.h"
#include "store/dataset.h"

enum { MAX_OBJECTS = 12 };

static const char *const paths[] = {"/train/x",
                                    "/train/y",
                                    "/train/weight",
                                    "/valid/x",
                                    "/valid/y",
                                    "/test/x",
                                    "/test/y",
                                    "/data",
                                    "/label",
                                    "/X",
                                    "/y",
                                    "/x_train",
                                    "/y_train",
                                    "/meta/class_names",
                                    "/meta/feature_names",
                                    "/meta/columns/names",
                                    "/meta/columns/kinds",
                                    "/meta/columns/levels_0",
                                    "/meta/columns/levels_1",
                                    "/train/data"};
enum { N_PATHS = sizeof paths / sizeof paths[0] };

static void make_object(gr_fuzz_input *in, hid_t file) {
  uint8_t byte = gr_fuzz_byte(in);
  const char *path = paths[gr_fuzz_byte(in) % N_PATHS];
  if (byte % 16 < 12)
    gr_fuzz_put(in, file, path);
  else if (byte % 16 < 14)
    gr_fuzz_put_attribute(in, file, "/", byte % 2 ? "gradus_format" : "format_version");
  else if (byte % 16 == 14)
    (void)H5Lcreate_soft(paths[gr_fuzz_byte(in) % N_PATHS], file, path, H5P_DEFAULT, H5P_DEFAULT);
  else
    (void)H5Lcreate_hard(file, paths[gr_fuzz_byte(in) % N_PATHS], file, path, H5P_DEFAULT,
                         H5P_DEFAULT);
}

static void check(gradus_status status, const gr_dataset *d, const gradus_error *err) {
  if (status != GRADUS_OK) {
    GR_FUZZ_REQUIRE(status == GRADUS_ERR_DATA || status == GRADUS_ERR_RESOURCES ||
                    status == GRADUS_ERR_USAGE);
    GR_FUZZ_REQUIRE(strstr(err->message, "gradus-fuzz-") && !strchr(err->message, '\n'));
    GR_FUZZ_REQUIRE(!d->path && !d->split[GR_TRAIN].x);
    return;
  }
  GR_FUZZ_REQUIRE(d->n_columns > 0 && strlen(d->digest) == 32);
  for (int s = 0; s < GR_N_SPLITS; s++) {
    const gr_split *split = &d->split[s];
    GR_FUZZ_REQUIRE((split->n_rows > 0) == (split->x != NULL));
    GR_FUZZ_REQUIRE((split->y_columns > 0) == (split->y != NULL));
    const int32_t *y = split->y;
    for (uint64_t i = 0; d->y_is_text && y && i < split->n_rows; i++)
      GR_FUZZ_REQUIRE(y[i] >= 0 && (uint32_t)y[i] < d->n_class_names);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  gr_fuzz_input in = {data, size};
  gradus_error err = {0};
  gr_dataset dataset;
  gr_fuzz_prepare_hdf5();
  const char *path = gr_fuzz_disk_file(NULL, 0);
  hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  GR_FUZZ_REQUIRE(file >= 0);
  uint8_t options = gr_fuzz_byte(&in);
  for (int i = 0; i < MAX_OBJECTS && in.n > 0; i++) make_object(&in, file);
  GR_FUZZ_REQUIRE(H5Fclose(file) >= 0);
  const gr_dataset_options how = {.x = options & 1 ? "/train/x" : NULL,
                                  .y = options & 2 ? "/train/y" : NULL,
                                  .transpose = (options & 4) != 0};
  gradus_status status = gr_dataset_read(path, &how, &dataset, &err);
  check(status, &dataset, &err);
  gr_dataset_free(&dataset);
  return 0;
}
