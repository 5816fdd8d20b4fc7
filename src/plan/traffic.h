/* What a training step has to move, from shapes alone, and what therefore limits it: the roofline
 * of Williams, Waterman and Patterson (2009) with a third term for whatever is neither arithmetic
 * nor traffic. */
#ifndef GR_PLAN_TRAFFIC_H
#define GR_PLAN_TRAFFIC_H

#include <stddef.h>
#include <stdint.h>

#include "net/network.h"

/* Bytes of one step of `batch` rows. Each tensor counts once for each pass over it that the
 * algorithm needs, in floats of 4 bytes:
 *   weights      read by forward; above the first layer read by the data gradient and written once
 *                more as its transposed copy; read and written by the update. Biases: 3 passes.
 *   moments      each read and written by the update
 *   normalised   weighted inputs: written, read and written again as zhat, read on the way back and
 *                for the gradient of the gain; deltas behind it: written, read for those before it
 *                and for the gradients of gain and shift, which are vectors like biases
 *   residuals    outputs read again and written with what is added, which is read; dC/da of what
 *                was added likewise
 *   activations  inputs: read as stored (`input_bytes` an element), written, read by forward and
 *                weight gradient. A hidden layer's outputs: written, read by the next forward,
 *                weight gradient and data gradient. The network's outputs: written, read and
 * written by the loss. Deltas: written, read by the weight gradient and, above the first layer, by
 * the data gradient What caches keep between passes, and what ranks read more than once, is not
 * looked at. */
typedef struct gr_traffic {
  double weights, moments, activations, total; /* bytes a step */
  double working_set; /* bytes of all of these tensors: what a level of memory must hold for a step
                         to run from it */
} gr_traffic;

gr_traffic gr_traffic_estimate(const gr_network *network, uint64_t batch, gr_optimizer optimizer,
                               size_t input_bytes);

/* The fastest level that holds `working_set`; a cache of 0 bytes is unknown and holds nothing. */
typedef enum gr_memory_level {
  GR_LEVEL_L2,
  GR_LEVEL_L3,
  GR_LEVEL_MEMORY,
  GR_N_LEVELS
} gr_memory_level;
extern const char *const gr_level_names[GR_N_LEVELS]; /* "L2" "L3" "memory" */
gr_memory_level gr_traffic_level(double working_set, size_t l2_bytes, size_t l3_bytes);

/* What limits a step that takes `step` seconds and would take `compute` seconds for its arithmetic
 * alone, `traffic` seconds for its traffic alone. Arithmetic and traffic overlap, so the rest is
 * step - max(compute, traffic). The largest of the three: "FMA", the level's name, or "overhead"
 * (calls, barriers, functions, waiting). */
const char *gr_traffic_limit(double step, double compute, double traffic, gr_memory_level level);

#endif
