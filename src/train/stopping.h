/* Early stopping: whether the validation loss, smoothed or not, still falls. */
#ifndef GR_TRAIN_STOPPING_H
#define GR_TRAIN_STOPPING_H

#include <stdbool.h>
#include <stdint.h>

#include "net/config.h"
#include "store/checkpoint.h"

/* What is known of the epochs so far; zeroed before the first. It follows from the history of
 * validation losses, and is stored nowhere else. */
typedef struct gr_stopping {
  uint64_t epochs, since_best;
  double mean; /* s_t = c s_t-1 + (1 - c) v_t, s_1 = v_1, c = training.early_stopping.smoothing */
  double best; /* the least mean that counted as better */
} gr_stopping;

/* Takes in the validation loss of the next epoch, or minus a metric; NaN is worse than any number,
 * and the mean begins anew after it. A mean below the best by more than
 * training.early_stopping.min_delta is better; true once training.early_stopping.patience (0: ever)
 * epochs in a row were not (Prechelt 1998, "Early stopping - but when?", the stopping rule UP with
 * strips of one epoch). */
bool gr_stopping_judge(const gr_config *config, double valid_loss, gr_stopping *stopping);

/* Without rows to validate on patience looks at the training loss: true where as many epochs in a
 * row have not fallen below the lowest before them by more than min_delta. */
bool gr_stopping_stands_still(const gr_config *config, const gr_history *history);

#endif
