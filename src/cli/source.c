/* The model first: it is small, and a wrong path should not cost the reading of a large data set.
 */
#include <config.h>

#include "cli/source.h"

gradus_status gr_cli_source_open(const gr_parsed *parsed, const gr_cli_source_values *values,
                                 gradus_model **model, gradus_dataset **dataset,
                                 gradus_error *err) {
  gradus_dataset_options options = {.struct_size = sizeof options,
                                    .x = values->x,
                                    .y = values->y,
                                    .transpose = values->transpose,
                                    .target = values->target,
                                    .weights = values->weights,
                                    .offset = values->offset,
                                    .test_every = values->test_every,
                                    .as_trained = values->as_trained};
  gradus_status status = gradus_model_load(parsed->arguments[0], model, err);
  if (status == GRADUS_OK)
    status = gradus_model_open_data(*model, parsed->arguments + 1, (size_t)parsed->n_arguments - 1,
                                    &options, dataset, err);
  return status;
}
