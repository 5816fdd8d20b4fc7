/* The steps of a recipe one after another, without a run directory: nothing is validated, logged or
 * kept. Rows, their order and the learning rates are those of gr_trainer, and so are the bits: what
 * bench times is what train does. */
#ifndef GR_TRAIN_STEPS_H
#define GR_TRAIN_STEPS_H

#include "exec/engine.h"
#include "store/dataset.h"
#include "train/prepare.h"

typedef struct gr_steps {
  gr_prepared prepared;
  gr_network network;
  gr_engine *engine;
  uint64_t total; /* steps of the whole recipe */
  uint64_t epoch_steps;
  gr_dataset data; /* random data, where there were no others */
  float *parameters;
  uint64_t step, epoch, position; /* done; the next row of the epoch's order */
} gr_steps;

/* `config` may hold auto values; resources.threads that is auto is settled as by the trainer.
 * `data` is borrowed, NULL: gr_random_data. *out stands before the first step. Free it also where
 * this fails. */
gradus_status gr_steps_make(const gr_config *config, const gr_dataset *data, gr_steps *out,
                            gradus_error *err);
void gr_steps_free(gr_steps *steps); /* accepts a zeroed object */

/* Back before the first step: initial parameters, no moments. */
gradus_status gr_steps_restart(gr_steps *steps, gradus_error *err);

/* Takes n steps; *rows receives how many rows that were. Beyond the last step of the recipe epochs
 * go on, at the learning rate of its end. A loss that is not finite: GRADUS_ERR_NONFINITE. */
gradus_status gr_steps_take(gr_steps *steps, uint64_t n, uint64_t *rows, gradus_error *err);

/* The digest of the parameters now: that of `gradus inspect --digest`. */
void gr_steps_digest(gr_steps *steps, char out[GR_DIGEST_TEXT]);

#endif
