/* gradus/tool.h: the learning-rate range test, and its file. */
#include <config.h>

#include <math.h>
#include <string.h>

#include "api/internal.h"
#include "gradus/tool.h"
#include "train/environment.h"
#include "train/files.h"
#include "train/range.h"

static gradus_status write_csv(const gr_range *range, const char *path, gradus_error *err) {
  gr_text text = {0};
  gr_range_csv(range, &text);
  gradus_status status = text.failed ? gr_fail_memory(err, path)
                                     : gr_file_replace(path, text.data, text.length, false, err);
  gr_text_free(&text);
  return status;
}

gradus_status gradus_range_test(const gradus_recipe *recipe, const gradus_dataset *dataset,
                                const char *path, gradus_range *out, gradus_error *err) {
  GR_API_NEED(recipe, "recipe");
  GR_API_NEED(dataset, "dataset");
  GR_API_NEED(path, "path");
  GR_API_NEED(out, "out");
  gradus_range result;
  gr_range range;
  GR_TRY(gr_api_copy_in(&result, sizeof result, out, out->struct_size, "gradus_range", err));
  const unsigned environment = gr_environment_enter();
  gradus_status status = gr_range_test(&recipe->config, &dataset->data, &range, err);
  if (status == GRADUS_OK) status = write_csv(&range, path, err);
  gr_environment_leave(environment);
  if (status != GRADUS_OK) return status;
  result.steps = range.n;
  result.suggestion = range.suggestion;
  gr_api_copy_out(out, out->struct_size, &result, sizeof result);
  return GRADUS_OK;
}
