/* LIBSVM files. The first byte chooses options. The number of columns is fixed but for short files:
 * rows of 2^24 floats are read as well as others, but slowly. */
#include <config.h>

#include <string.h>

#include "fuzz/fuzz.h"
#include "fuzz/import.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const int tasks[] = {GR_AUTO, GR_CLASSIFICATION, GR_REGRESSION, GR_AUTO};
  if (size == 0) return 0;
  gr_import_options options = {.source = {gr_fuzz_file(0, data + 1, size - 1)},
                               .log_target = (data[0] & 3) == 3,
                               .task = tasks[data[0] & 3],
                               .max_bad_rows = data[0] & 4 ? 2 : 0,
                               .n_columns = data[0] & 8 && size < 48 ? 0 : 300};
  if (data[0] & 16) options.source[GR_TEST] = options.source[GR_TRAIN];
  gr_fuzz_import(&options);
  return 0;
}
