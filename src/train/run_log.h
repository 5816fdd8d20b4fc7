/* The lines of metrics.jsonl, timing.jsonl and metrics.csv. */
#ifndef GR_TRAIN_RUN_LOG_H
#define GR_TRAIN_RUN_LOG_H

#include "base/text.h"
#include "store/checkpoint.h"

/* One object for row `row` of the history, without newline. It is a function of the history alone,
 * so that the file can be made again from any checkpoint. */
void gr_metrics_line(const gr_history *history, size_t row, gr_text *out);

/* The object that ends metrics.jsonl: the last row again with the best epoch. */
void gr_metrics_final_line(const gr_history *history, const gr_train_state *state, gr_text *out);

/* The whole of metrics.jsonl (with the final line where the state is finished), and of
 * metrics.csv. */
void gr_metrics_file(const gr_history *history, const gr_train_state *state, bool with_final,
                     gr_text *out);
void gr_metrics_csv(const gr_history *history, gr_text *out);

/* What a line of timing.jsonl tells; seconds are left out where negative, what follows where 0. */
typedef struct gr_timing {
  const char *event; /* "start" "resume" "epoch" "checkpoint" "postponed" "end" */
  uint64_t epoch, step;
  double seconds;
  double samples_per_second; /* over all those seconds */
  double validation_seconds,
      checkpoint_seconds; /* of an epoch: what of its seconds was not steps */
  double
      data_wait_fraction; /* of an epoch: the part of its seconds that went into waiting for rows */
  /* Of a checkpoint: training stood still; its writing took; processor time of that. */
  double stall_seconds, write_seconds, cpu_seconds;
  const char *detail; /* "reason" of "end", "isa" and threads of "start"; NULL = none */
  int threads;        /* 0 = none */
} gr_timing;
void gr_timing_line(const gr_timing *timing, gr_text *out);

/* Appends the whole lines of `have` (timing.jsonl) that a state at `step` leaves: those of later
 * steps will come again, a torn one says nothing. */
void gr_timing_keep(const char *have, uint64_t step, gr_text *out);

#endif
