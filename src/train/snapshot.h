/* What a checkpoint is written from: a copy of the run as it stood after one step, in memory of its
 * own, so that training goes on while it is written. The model's recipe and preprocessing, which a
 * run never changes, are borrowed from the trainer. */
#ifndef GR_TRAIN_SNAPSHOT_H
#define GR_TRAIN_SNAPSHOT_H

#include "store/checkpoint.h"
#include "train/run_directory.h"

/* Called before a checkpoint is written, on the thread that writes: a failure counts as that of the
 * write. For tests. */
typedef gradus_status gr_before_write(void *user, uint64_t step, gradus_error *err);

typedef struct gr_snapshot {
  gr_checkpoint at;          /* its arrays are this object's */
  uint64_t best_step;        /* of what best_parameters hold; UINT64_MAX = nothing yet */
  float *best;               /* at.best_parameters where there is a best epoch */
  gr_rollback began;         /* memory for at.rollback, where a run may roll back */
  uint64_t began_epoch;      /* whose beginning it holds; UINT64_MAX = nothing yet */
  size_t history_capacity;   /* rows at.history has room for */
  char run[GR_RUN_PATH];     /* the run directory */
  int metrics_fd, timing_fd; /* logs whose lines must be on the disk first; -1 = none */
  int64_t keep;              /* newest checkpoints */
  uint64_t rows_per_epoch;
  uint64_t best_saved;     /* step of the model in best.h5; UINT64_MAX = none */
  bool checkpoint;         /* write checkpoints/step-....h5 (and best.h5) */
  bool complete;           /* write final.h5, too */
  gr_before_write *before; /* or NULL */
  void *user;

  /* What came of it. `durable`: the checkpoint itself is on the disk, whatever failed after it. */
  gradus_status status;
  gradus_error error;
  bool durable;
  char path[GR_RUN_FILE]; /* of the checkpoint */
  gr_text notes;          /* warnings, a line each */
  double write_seconds, cpu_seconds;
} gr_snapshot;

/* Memory for the checkpoints of a run that looks like `like`; with_best: validated; rolls_back: the
 * beginning of the epoch belongs to the state. Free it also where this fails. */
gradus_status gr_snapshot_make(gr_snapshot *out, const gr_checkpoint *like, bool with_best,
                               bool rolls_back, gradus_error *err);
void gr_snapshot_free(gr_snapshot *snapshot); /* accepts a zeroed object */

/* Touches the memory, whose pages else would be made while training waits for the first copy. */
void gr_snapshot_touch(gr_snapshot *snapshot);

/* Copies state, history and best parameters (NULL: there are none) of `now`, and its parameters and
 * moments as those that the epoch began with; the current ones are stored into at.model.parameters
 * and at.moment by the caller. */
gradus_status gr_snapshot_fill(gr_snapshot *snapshot, const gr_checkpoint *now, const float *best,
                               gradus_error *err);

/* Writes what is asked for: logs made durable, the checkpoint (aside, sealed, synced, renamed),
 * best.h5 where it is older, final.h5, metrics.csv; then the oldest checkpoints go. Values that are
 * not finite: GRADUS_ERR_NONFINITE, nothing is written. */
void gr_snapshot_write(gr_snapshot *snapshot);

/* True where parameters or moments hold a value that is not finite; `what` tells which. */
bool gr_checkpoint_not_finite(const gr_checkpoint *checkpoint, char what[96]);

/* Bytes that a checkpoint takes, about. */
uint64_t gr_snapshot_bytes(const gr_snapshot *snapshot);

#endif
