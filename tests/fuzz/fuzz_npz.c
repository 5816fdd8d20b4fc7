/* NPZ archives. */
#include <config.h>

#include "fuzz/fuzz.h"
#include "fuzz/import.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  gr_import_options options = {.source = {gr_fuzz_file(0, data, size)}, .task = GR_AUTO};
  gr_fuzz_import(&options);
  return 0;
}
