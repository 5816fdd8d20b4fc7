/* gradus/checkpoint.h: seals and digests. */
#include <config.h>

#include "gradus/checkpoint.h"

#include <string.h>

#include "api/internal.h"
#include "net/network.h"

gradus_status gradus_checkpoint_verify(const char *path, gradus_error *err) {
  GR_API_NEED(path, "path");
  return gr_checkpoint_verify(path, NULL, err);
}

gradus_status gradus_checkpoint_seal(const char *path, gradus_error *err) {
  GR_API_NEED(path, "path");
  return gr_checkpoint_seal(path, err);
}

static gradus_status data_digest(const char *path, char *out, gradus_error *err) {
  gr_dataset data = {0};
  const gr_dataset_options options = {0};
  GR_TRY(gr_dataset_read(path, &options, &data, err));
  memcpy(out, data.digest, sizeof data.digest);
  gr_dataset_free(&data);
  return GRADUS_OK;
}

gradus_status gradus_digest(const char *path, char *out, gradus_error *err) {
  gr_checkpoint checkpoint = {0};
  gr_api_kind kind;
  char file[4096];
  GR_API_NEED(path, "path");
  GR_API_NEED(out, "out");
  GR_TRY(gr_api_kind_of(path, &kind, err));
  if (kind == GR_API_DATASET) return data_digest(path, out, err);
  GR_TRY(gr_api_read_model(path, &checkpoint, file, err));
  gr_parameters_digest(checkpoint.model.parameters, checkpoint.model.network.n_parameters, out);
  gr_checkpoint_free(&checkpoint);
  return GRADUS_OK;
}
