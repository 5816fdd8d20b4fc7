/* Loss and metrics of one split, measured and printed: what `train` says at its end and `eval` says
 * in full. */
#ifndef GR_CLI_EVALUATION_H
#define GR_CLI_EVALUATION_H

#include "cli/output.h"
#include <gradus/model.h>

/* "accuracy 0.9781, loss 0.0712" or "rmse 2.31, r2 0.95, loss 0.04", without a newline. */
void gr_evaluation_put(const gradus_evaluation *evaluation);

/* split, rows, loss, accuracy or rmse and r2, into the object that is open. */
void gr_evaluation_json(gr_json *json, const gradus_evaluation *evaluation);

#endif
