/* Signals of a training run: INT, TERM, USR1 and XCPU ask for a checkpoint and the end (a second
 * INT ends the process at once), USR2 for a checkpoint. */
#ifndef GR_CLI_SIGNALS_H
#define GR_CLI_SIGNALS_H

#include <gradus/status.h>
#include <gradus/trainer.h>

/* From here on the signals are kept for a trainer that may not exist yet. */
gradus_status gr_signals_begin(gradus_error *err);

/* Hands them to `trainer`, those that came before as well. */
void gr_signals_watch(gradus_trainer *trainer);

/* No trainer any more, and the default actions again: before the trainer is destroyed. */
void gr_signals_end(void);

#endif
