/* The ways to share a step among ranks. All give the same bits.
 *
 * tiles: forward and data gradient by rows; each rank owns tiles of the weights and goes through
 * all lanes, the update fused.
 *
 * lanes: by rows, whole lanes of them; each rank accumulates the whole gradient of its own lanes;
 * then they are added and applied.
 *
 * columns: forward and data gradient by columns; each rank owns panels of the weights, in the
 * weight gradient too.
 *
 * grid: by rows and columns, each product as its cost says; the weight gradient as tiles, or as
 * columns where forward is split by columns alone. */
#ifndef GR_NET_STRATEGY_H
#define GR_NET_STRATEGY_H

typedef enum gr_strategy {
#define GR_STRATEGY(ID, name) GR_STRATEGY_##ID,
#include "net/strategy.def.h"
#undef GR_STRATEGY
  GR_N_STRATEGIES
} gr_strategy;

#endif
