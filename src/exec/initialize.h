/* Initial weights that look at data (network.initialization realmlp: Holzmueller, Grinsztajn and
 * Steinwart 2024). Layer by layer, on a sample of the rows that train:
 *
 * each weight is drawn from N(0, 1), and those of a neuron are divided by the deviation
 * (population) of its weighted input over the sample; a neuron whose weighted input does not differ
 * from row to row keeps N(0, 1/n_in);
 *
 * the bias of a neuron is minus a mean of its weighted inputs in five rows of the sample, drawn
 * with repetition, by weights drawn from the exponential distribution and divided by their sum.
 *
 * So every neuron's activation bends somewhere amid the data. Weighted inputs are those of the
 * kernels, what is summed over the sample goes row by row in double. Alphas, gains and the like are
 * as net/network.h has them. */
#ifndef GR_EXEC_INITIALIZE_H
#define GR_EXEC_INITIALIZE_H

#include "exec/engine.h"

/* How many of n rows are the sample: 1024, and fewer where rows are so wide that they would take
 * more than 256 MiB. */
uint64_t gr_initialize_rows(const gr_network *network, uint64_t n);

/* The sample is at positions 0 .. n of sample->order, all else of it as for gr_engine_evaluate; n
 * at least 1. parameters [n_parameters] hold what gr_network_initialize made on entry. They are
 * loaded, with moments 0. *fed = false: the rows could not be had. Fails only for lack of memory.
 */
gradus_status gr_engine_initialize(gr_engine *engine, const gr_network *network, uint64_t seed,
                                   const gr_evaluation *sample, float *parameters, bool *fed,
                                   gradus_error *err);

#endif
