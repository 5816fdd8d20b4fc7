/* IDX images and labels. Two bytes say how long the images are; the labels are the rest. */
#include <config.h>

#include <stdio.h>

#include "fuzz/fuzz.h"
#include "fuzz/import.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char words[256];
  if (size < 3) return 0;
  size_t images = (size_t)data[0] | (size_t)data[1] << 8;
  const uint8_t *body = data + 3;
  size_t n = size - 3;
  if (images > n) images = n;
  snprintf(words, sizeof words, "%s,%s", gr_fuzz_file(0, body, images),
           gr_fuzz_file(1, body + images, n - images));
  gr_import_options options = {.source = {words},
                               .log_target = data[2] == 1,
                               .task = data[2] == 2 ? GR_CLASSIFICATION : GR_AUTO};
  gr_fuzz_import(&options);
  return 0;
}
