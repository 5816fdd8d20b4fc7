/* Lanes: how a batch is cut for the sums over its rows, and the one tree that adds them. From the
 * recipe only: nothing here may receive threads or machine facts, so that the same recipe gives the
 * same bits everywhere. */
#ifndef GR_PLAN_LANES_H
#define GR_PLAN_LANES_H

#include <stddef.h>
#include <stdint.h>

#include "base/tree.h"

/* `lane_rows: auto`: ceil(batch_size / L), L the largest power of two <= batch_size / 48
 * within 1..64. */
uint64_t gr_lane_rows_auto(uint64_t batch_size);

/* Lanes of a batch of n rows: ceil(n / lane_rows); the last lane may be short. */
uint64_t gr_lane_count(uint64_t n_rows, uint64_t lane_rows);

/* Partials that exist at once when lanes are added by the tree (base/tree.h). */
#define GR_TREE_DEPTH 65

/* Partials that a stack for n lanes holds at most. */
unsigned gr_tree_depth(uint64_t n);

/* The sum of n doubles by the tree, 0 for n = 0. */
double gr_tree_sum(const double *value, size_t n);

/* The largest aligned power-of-two block of lanes that starts at `first` and ends at or before
 * `end`: a node of the tree. */
uint64_t gr_tree_block(uint64_t first, uint64_t end);

#endif
