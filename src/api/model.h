/* The inside of a gradus_model, for the files that use one. */
#ifndef GR_API_MODEL_H
#define GR_API_MODEL_H

#include "exec/engine.h"
#include "gradus/model.h"
#include "net/model.h"
#include "store/dataset.h"

/* What using a model changes. */
struct gr_workshop {
  gr_engine *engine;
  int threads; /* it was made for */
};

struct gradus_model {
  gr_model model;
  char path[4096], digest[GR_DIGEST_TEXT];
  struct gr_workshop *workshop;
};

/* The engine for so many threads (0: auto), with the parameters as they are used, the temperature
 * in the last layer: made at the first use. */
gradus_status gr_api_need_engine(const gradus_model *model, int threads, gradus_error *err);

/* The split `name`, or test where there is one, else the only split. */
gradus_status gr_api_choose_split(const gr_dataset *data, const char *name, gr_split_id *out,
                                  gradus_error *err);

#endif
