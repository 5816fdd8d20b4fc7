/* Life of a model: four parts, each with its own. */
#include <config.h>

#include "net/model.h"

#include <string.h>

#include "base/memory.h"

void gr_model_free(gr_model *model) {
  gr_config_free(&model->config);
  gr_free(model->parameters);
  gr_preprocessing_free(&model->preprocessing);
  *model = (gr_model){0};
}

static gradus_status copy_parameters(const gr_model *from, gr_model *to, gradus_error *err) {
  if (!from->parameters) return GRADUS_OK;
  size_t n = from->network.n_parameters;
  to->parameters = gr_alloc(n, sizeof(float));
  if (!to->parameters) return gr_fail_memory(err, "a copy of the parameters");
  memcpy(to->parameters, from->parameters, n * sizeof(float));
  return GRADUS_OK;
}

gradus_status gr_model_copy(const gr_model *from, gr_model *to, gradus_error *err) {
  gradus_status status;
  gr_model copy = {.network = from->network};
  GR_TRY_ELSE(fail, gr_config_copy(&from->config, &copy.config, err));
  GR_TRY_ELSE(fail, copy_parameters(from, &copy, err));
  GR_TRY_ELSE(fail, gr_preprocessing_copy(&from->preprocessing, &copy.preprocessing, err));
  *to = copy;
  return GRADUS_OK;
fail:
  gr_model_free(&copy);
  *to = copy;
  return status;
}
