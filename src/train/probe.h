/* A look into a network at work on some rows: how large weights, gradients and updates of each
 * layer are, and which units say the same whatever the row. */
#ifndef GR_TRAIN_PROBE_H
#define GR_TRAIN_PROBE_H

#include "store/checkpoint.h"
#include "train/prepare.h"

/* One layer. What is not known is NaN. */
typedef struct gr_layer_probe {
  uint32_t n_in, n_out;
  double weight_rms, bias_rms; /* roots of means of squares */
  double gradient_rms;         /* of the weights' gradient of the mean loss of the rows */
  double update_ratio;         /* root mean square of the weights' next update over weight_rms: NaN
                                  where the checkpoint has not the state of its optimiser */
  double gain_rms, shift_rms;  /* of a normalised layer; else NaN, and so are their gradients */
  double gain_gradient_rms, shift_gradient_rms;
  uint32_t dead; /* units whose output is the same in every row */
} gr_layer_probe;

/* Fills layer[n_layers] for rows of `data`, split `id`, whose gradient makes one step; no dropout.
 * `n` rows of it, evenly spread over it, are looked at: those of one step of the recipe, or fewer
 * where there are fewer; *rows receives it. The same bits whatever `threads`. */
gradus_status gr_probe(const gr_checkpoint *model, const gr_dataset *data, gr_split_id id,
                       int threads, uint64_t *rows, gr_layer_probe *layer, gradus_error *err);

#endif
