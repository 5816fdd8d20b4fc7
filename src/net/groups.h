/* Groups of parameters, and by how much each learns otherwise than the recipe says for all.
 *
 * With network.parametrization ntk (Jacot, Gabriel and Hongler 2018) a layer is y = x W' / sqrt(n)
 * + b, n its inputs, and the optimiser changes W'. What is kept and multiplied is W = s W', s = 1 /
 * sqrt(n); dC/dW' = s dC/dW, so that an optimiser of W', which looks at single elements, is the
 * same formula for W with the gradient times s, the step times s, and what weight decay adds to
 * the gradient, d W', written d / s W. Moments are those of W'; a decay apart from the gradient and
 * l1 sign(W') are the same for both. */
#ifndef GR_NET_GROUPS_H
#define GR_NET_GROUPS_H

#include "net/config.h"

typedef enum gr_group {
  GR_GROUP_WEIGHTS,
  GR_GROUP_BIAS /* biases, gains and shifts: none of them decays */
} gr_group;

typedef struct gr_group_terms {
  double rate;  /* part of the learning rate that the group has */
  double scale; /* s above; else 1 */
  bool decays;  /* weight decay, and l1, are for it */
} gr_group_terms;

/* Those of a group of layer l (from 0), which has n_in inputs. */
gr_group_terms gr_group_terms_of(const gr_config *config, gr_group group, uint32_t l,
                                 uint32_t n_in);

#endif
