/* Wild bytes for HDF5 itself: a sealed checkpoint or a data set in which any byte is changed. HDF5
 * 1.10 is not made for such files and dies of some (SECURITY.md of HDF5: "not designed to handle
 * maliciously crafted files safely"), so this target is built for use by hand and is no part of
 * `make check`. Whatever dies must die inside libhdf5. */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "fuzz/checkpoint_input.h"
#include "fuzz/fuzz.h"
#include "fuzz/h5_input.h"
#include "store/checkpoint.h"
#include "store/dataset.h"
#include "store/seal.h"

static const char *change(gr_fuzz_input *in, const uint8_t *base, size_t n) {
  uint8_t *bytes = malloc(n);
  GR_FUZZ_REQUIRE(bytes);
  memcpy(bytes, base, n);
  while (in->n > 0) {
    size_t at = gr_fuzz_byte(in) + 256u * gr_fuzz_byte(in);
    bytes[at % n] = gr_fuzz_byte(in);
  }
  const char *path = gr_fuzz_file(0, bytes, n);
  free(bytes);
  return path;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  gr_fuzz_input in = {data, size};
  gradus_error err = {0};
  size_t n;
  gr_fuzz_prepare_hdf5();
  uint8_t options = gr_fuzz_byte(&in);
  const uint8_t *base = gr_fuzz_checkpoint(options >> 1 & 1, &n);
  const char *path = change(&in, base, n);
  if (options & 1) {
    gr_checkpoint c;
    GR_FUZZ_REQUIRE(gr_seal_write(path, path, 7, &err) == GRADUS_OK);
    (void)gr_checkpoint_read(path, &c, &err);
    gr_checkpoint_free(&c);
  } else { /* a model's file as a data set: paths into it */
    const gr_dataset_options how = {.x = "/model/layer_1/weights",
                                    .y = "/preprocessing/class_names"};
    gr_dataset d;
    (void)gr_dataset_read(path, &how, &d, &err);
    gr_dataset_free(&d);
  }
  return 0;
}
