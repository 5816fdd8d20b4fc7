/* A training session: from a recipe and a data set to a finished run, in a run directory that any
 * number of sessions may share one after the other. The structures it takes and gives are those of
 * gradus/trainer.h, which says what they mean. */
#ifndef GR_TRAIN_TRAINER_H
#define GR_TRAIN_TRAINER_H

#include "base/text.h"
#include "gradus/trainer.h"
#include "net/config.h"
#include "store/dataset.h"

typedef struct gr_trainer gr_trainer;

/* Resolves, prepares, makes the engine, takes the run directory and resumes. `config` is copied;
 * `data` and the strings of `options` (complete, zeros for defaults) are borrowed. Where it fails
 * nothing of an existing run has changed. */
gradus_status gr_trainer_create(const gr_config *config, const gr_dataset *data,
                                const gradus_trainer_options *options, gr_trainer **out,
                                gradus_error *err);
void gr_trainer_destroy(gr_trainer *trainer); /* accepts NULL */

/* At most `steps` steps (UINT64_MAX: to the end); *finished tells whether the run is.
 * GRADUS_ERR_STOPPED after a request or the time limit, with a checkpoint on disk;
 * GRADUS_ERR_NONFINITE with nothing overwritten. */
gradus_status gr_trainer_advance(gr_trainer *trainer, uint64_t steps, bool *finished,
                                 gradus_error *err);

/* Async-signal-safe. */
void gr_trainer_request_stop(gr_trainer *trainer);
void gr_trainer_request_checkpoint(gr_trainer *trainer);

/* Writes a checkpoint now; path receives its name and may be NULL. */
gradus_status gr_trainer_checkpoint(gr_trainer *trainer, char *path, size_t path_size,
                                    gradus_error *err);

void gr_trainer_report(const gr_trainer *trainer, gradus_report *out);

/* The plan for people: data, what auto became, network, engine. */
void gr_trainer_describe(const gr_trainer *trainer, gr_text *out);

const gr_config *gr_trainer_config(const gr_trainer *trainer); /* resolved */

#endif
