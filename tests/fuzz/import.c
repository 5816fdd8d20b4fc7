/* Rows are received in memory and thrown away: what is looked for is in the reading. */
#include <config.h>

#include "fuzz/import.h"

#include <string.h>

#include "fuzz/fuzz.h"

void gr_fuzz_import(const gr_import_options *options) {
  gradus_error err = {0};
  gr_dataset data;
  gradus_status status = gr_import_read(options, &data, &err);
  if (status == GRADUS_OK) {
    GR_FUZZ_REQUIRE(data.n_columns > 0);
    for (int s = 0; s < GR_N_SPLITS; s++)
      GR_FUZZ_REQUIRE((data.split[s].n_rows > 0) == (data.split[s].x != NULL));
  } else {
    GR_FUZZ_REQUIRE(status < 0 && err.message[0] && !strchr(err.message, '\n'));
    GR_FUZZ_REQUIRE(status != GRADUS_ERR_INTERNAL);
  }
  gr_dataset_free(&data);
}
