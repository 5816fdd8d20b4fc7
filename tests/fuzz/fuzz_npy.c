/* NPY inputs and targets. Two bytes say how long the inputs are; the targets are the rest. */
#include <config.h>

#include <stdio.h>

#include "fuzz/fuzz.h"
#include "fuzz/import.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char words[256];
  if (size < 3) return 0;
  size_t inputs = (size_t)data[0] | (size_t)data[1] << 8;
  const uint8_t *body = data + 3;
  size_t n = size - 3;
  if (inputs > n) inputs = n;
  snprintf(words, sizeof words, "%s,%s", gr_fuzz_file(0, body, inputs),
           gr_fuzz_file(1, body + inputs, n - inputs));
  gr_import_options options = {.source = {words},
                               .log_target = data[2] == 1,
                               .task = data[2] == 2 ? GR_CLASSIFICATION : GR_AUTO};
  gr_fuzz_import(&options);
  return 0;
}
