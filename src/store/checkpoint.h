/* Checkpoints: model, optimiser state, history and position of a run in one sealed HDF5 file
 * (DESIGN section 4). */
#ifndef GR_STORE_CHECKPOINT_H
#define GR_STORE_CHECKPOINT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"
#include "net/line_search.h"
#include "net/model.h"
#include "store/data_print.h"

#define GR_MAX_METRICS 32
#define GR_METRIC_NAME 24

/* Where a run stands: everything the next step depends on besides parameters and moments. */
typedef struct gr_train_state {
  uint64_t step;     /* updates done */
  uint64_t epoch;    /* epochs completed */
  uint64_t position; /* rows of the current epoch already used */
  uint64_t samples_seen;
  double epoch_loss;   /* sum of weighted sample losses of the current epoch so far */
  double objective;    /* of the last step, where the optimiser compares it (exec/engine.h) */
  gr_search search;    /* where the optimiser searches along lines */
  double epoch_weight; /* sum of sample weights of the current epoch so far */
  bool has_best;
  double best_loss; /* best validation loss */
  uint64_t best_epoch, best_step;
  uint64_t epochs_since_best;
  bool finished, stopped_early;
  double wall_seconds;     /* training time so far, over all sessions */
  uint64_t metrics_offset; /* bytes of metrics.jsonl that belong to this state */
  char dataset_digest[33];
  /* Of numbers that went bad (training.on_nonfinite); 0 in files that are older. */
  uint64_t skipped_steps;  /* of `step`, those that changed nothing */
  uint64_t skipped_in_row; /* of these, the newest ones without a good step between them */
  uint64_t rollbacks;      /* each has halved the learning rate */
  /* Where the data were last changed under the run: steps, epochs and samples until then; 0 where
   * they never were. */
  uint64_t base_step, base_epoch, base_samples;
} gr_train_state;

/* Where the epoch under way began, for training.on_nonfinite rollback, and which of its steps are
 * left out. */
typedef struct gr_rollback {
  float *parameters;             /* [n_parameters]; NULL where the state stands at its beginning */
  float *moment[GR_MAX_MOMENTS]; /* as gr_checkpoint.moment */
  uint64_t skipped_steps, skipped_in_row;          /* then */
  uint64_t n_left_out, left_out[GR_MAX_NONFINITE]; /* numbers of steps, 0-based, ascending */
} gr_rollback;

/* What happened on the way and changed its course: a line of metrics.jsonl. */
#define GR_EVENT_LINE 320
typedef struct gr_event {
  uint64_t epoch, step; /* epochs and steps completed before it */
  char line[GR_EVENT_LINE];
} gr_event;

/* One row per finished epoch; series not measured hold NaN. */
typedef struct gr_history_row {
  uint64_t step, epoch;
  double train_loss, valid_loss, learning_rate;
  double metric[GR_MAX_METRICS]; /* validation metrics, in the order of metric_names */
} gr_history_row;

typedef struct gr_history {
  uint32_t n_metrics;
  char metric_names[GR_MAX_METRICS][GR_METRIC_NAME]; /* "accuracy", "rmse", "r2" */
  size_t n_rows, capacity;
  gr_history_row *row;
  size_t n_events, event_capacity; /* in order of time, so that epochs ascend */
  gr_event *event;
} gr_history;

gradus_status gr_history_append(gr_history *history, const gr_history_row *row, gradus_error *err);
gradus_status gr_history_append_event(gr_history *history, const gr_event *event,
                                      gradus_error *err);
void gr_history_free(gr_history *history);

typedef struct gr_checkpoint {
  gr_model model;
  uint32_t n_moments;
  /* [n_parameters] each, logical order; NULL beyond n_moments. Where the model is an average
   * (net/average.h), the last are the weights that are trained. */
  float *moment[GR_MAX_MOMENTS];
  gr_train_state state;
  gr_history history;
  float *best_parameters; /* [n_parameters] or NULL */
  gr_rollback rollback;
  gr_data_print data; /* what it was trained on */
} gr_checkpoint;

void gr_checkpoint_free(gr_checkpoint *checkpoint); /* accepts a zeroed object */

/* Writes `path`: aside (O_EXCL), sealed, fsynced, renamed, directory fsynced. On failure nothing at
 * `path` has changed and the temporary file is gone. */
gradus_status gr_checkpoint_write(const gr_checkpoint *checkpoint, const char *path,
                                  gradus_error *err);

/* Verifies the seal, then reads. GRADUS_ERR_NOINPUT, GRADUS_ERR_DAMAGED (the message names `gradus
 * seal`), GRADUS_ERR_DATA. */
gradus_status gr_checkpoint_read(const char *path, gr_checkpoint *out, gradus_error *err);

/* Only the seal: *step receives the step it names (may be NULL). */
gradus_status gr_checkpoint_verify(const char *path, uint64_t *step, gradus_error *err);

/* Makes a new seal over a file that was edited on purpose, aside and renamed; the content must
 * parse as a checkpoint. */
gradus_status gr_checkpoint_seal(const char *path, gradus_error *err);

/* "step-000000012000.h5" for a step; needs 32 bytes. */
void gr_checkpoint_name(uint64_t step, char *out);

/* Reads the newest checkpoint in `directory` whose seal verifies (larger steps first), saying
 * through `log` why damaged ones were passed over. None there: *found = false and GRADUS_OK. Only
 * damaged ones there: GRADUS_ERR_DAMAGED. One that may be intact but cannot be read (permission,
 * input/output, memory, a newer format): its error. path_out (may be NULL) needs 4096 bytes. */
gradus_status gr_checkpoint_newest(const char *directory, const gr_log *log, gr_checkpoint *out,
                                   bool *found, char *path_out, gradus_error *err);

/* Removes step-*.h5 of steps after `step`, which a run has gone back behind. */
void gr_checkpoint_drop_later(const char *directory, uint64_t step, const gr_log *log);

/* Removes the oldest step-*.h5 beyond `keep`, and left-over temporary files. Failures are only
 * logged. */
void gr_checkpoint_prune(const char *directory, int64_t keep, const gr_log *log);

#endif
