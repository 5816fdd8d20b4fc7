/* A noisy validation loss ends training too early where each epoch must beat the luckiest one
 * before it; a running mean of it does not. Which model is the best is not decided here: that is
 * the one whose own loss is least. */
#include <config.h>

#include "train/stopping.h"

#include <math.h>

bool gr_stopping_judge(const gr_config *config, double valid_loss, gr_stopping *s) {
  const double keep = config->training.smoothing;
  const uint64_t patience = (uint64_t)config->training.patience;
  const bool begun = s->epochs > 0 && !isnan(s->mean);
  s->mean = begun ? keep * s->mean + (1 - keep) * valid_loss : valid_loss;
  const bool better = s->epochs == 0 || s->mean < s->best - config->training.min_delta ||
                      (isnan(s->best) && !isnan(s->mean));
  s->epochs++;
  s->since_best = better ? 0 : s->since_best + 1;
  if (better) s->best = s->mean;
  return patience > 0 && s->since_best >= patience;
}

bool gr_stopping_stands_still(const gr_config *config, const gr_history *history) {
  double lowest = (double)INFINITY;
  int64_t still = 0;
  for (size_t i = 0; i < history->n_rows; i++) {
    const double loss = history->row[i].train_loss;
    still = loss > lowest - config->training.min_delta ? still + 1 : 0;
    if (loss < lowest) lowest = loss;
  }
  return config->training.patience > 0 && still >= config->training.patience;
}
