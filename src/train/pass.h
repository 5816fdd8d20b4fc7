/* Going through the rows of a split, wherever they are: in memory, mapped from their file, or read
 * ahead into a ring. Whoever goes through them sees rows, an order and, where rows come bit by bit,
 * a feed. */
#ifndef GR_TRAIN_PASS_H
#define GR_TRAIN_PASS_H

#include "exec/engine.h"
#include "store/dataset.h"
#include "store/feed.h"
#include "store/fetch.h"

typedef struct gr_pass_request {
  const gr_rows *rows; /* prepared; x NULL where rows must be read */
  const gr_split *split;
  uint32_t n_targets;  /* numbers in a row of rows->targets */
  const char *label;   /* "FILE: train/x", copied */
  const uint64_t *map; /* [n] rows that take part; NULL: those of set, NULL too: all */
  const gr_row_set *set;
  uint64_t n;                       /* that take part */
  uint64_t batch_rows;              /* that must be there at once; 0: some, for an evaluation */
  int shuffle;                      /* gr_shuffle */
  uint64_t window_rows, block_rows; /* of shuffle window */
  uint64_t seed;
  uint64_t memory; /* bytes; 0: no limit */
  int threads;     /* that read ahead */
  bool nan_is_missing;
} gr_pass_request;

typedef struct gr_pass {
  gr_rows rows;
  gr_row_order order;
  uint64_t n;
  const gr_feed_hooks *feed; /* NULL: all rows are there */

  gr_pass_request request; /* what follows is the pass's own */
  char *label;
  gr_feed *reader; /* of rows that must be read */
  gr_fetch *fetch; /* of mapped rows, once they were found not to be in memory */
  gr_feed_hooks hooks;
  gr_windows windows[2]; /* of this epoch and, while it changes, of the one before */
  int current;
} gr_pass;

/* Everything in the request is borrowed but the label. Rows that cannot be had in that order, or
 * for which there is no memory: GRADUS_ERR_RESOURCES saying what would help. A pass must not be
 * copied. */
gradus_status gr_pass_open(const gr_pass_request *request, gr_pass *out, gradus_error *err);
void gr_pass_close(gr_pass *pass); /* accepts a zeroed object */

/* Rows that an evaluation should take at a time, a multiple of 1024. */
uint64_t gr_pass_part_rows(const gr_pass *pass);

/* Seconds waited for rows so far; 0 where all are there. */
double gr_pass_waited(const gr_pass *pass);

/* Stands before `position` of epoch `epoch`. */
gradus_status gr_pass_begin(gr_pass *pass, uint64_t epoch, uint64_t position, gradus_error *err);

/* "in memory", "mapped from the file" ... where the rows are, for people. */
void gr_pass_describe(const gr_pass *pass, gr_text *out);

#endif
