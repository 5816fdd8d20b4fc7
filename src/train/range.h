/* The learning-rate range test (Smith 2017, "Cyclical learning rates for training neural networks",
 * section 3.3): the loss of a few steps while the rate grows exponentially shows from where to
 * where rates are of use. Nothing of a run is read or written. */
#ifndef GR_TRAIN_RANGE_H
#define GR_TRAIN_RANGE_H

#include "base/text.h"
#include "net/config.h"
#include "store/dataset.h"

#define GR_RANGE_FIRST 1e-7
#define GR_RANGE_LAST 10.0
enum { GR_RANGE_STEPS = 200 };

typedef struct gr_range {
  uint64_t n;                    /* steps taken: fewer where the loss has quadrupled */
  double rate[GR_RANGE_STEPS];   /* GR_RANGE_FIRST (GR_RANGE_LAST / GR_RANGE_FIRST)^(i / (N - 1)) */
  double loss[GR_RANGE_STEPS];   /* mean over the rows of step i, before its update */
  double smooth[GR_RANGE_STEPS]; /* running mean m_i = 0.9 m_i-1 + 0.1 loss over 1 - 0.9^(i+1) */
  double suggestion; /* the rate around which, 10 steps to both sides, `smooth` falls fastest along
                        the logarithm of the rate, before its minimum; NaN: it never fell */
} gr_range;

/* Takes the steps from the initial weights of the recipe, whose schedule is not looked at. An
 * optimiser of full batches: GRADUS_ERR_CONFIG. */
gradus_status gr_range_test(const gr_config *config, const gr_dataset *data, gr_range *out,
                            gradus_error *err);

/* Fills in smooth and suggestion from rate, loss and n; true where the loss has quadrupled. */
bool gr_range_judge(gr_range *range);

/* "step,learning_rate,loss,smooth_loss" and a line for each step. */
void gr_range_csv(const gr_range *range, gr_text *out);

#endif
