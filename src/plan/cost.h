/* The cost model: seconds of a step for a number of ranks and a way to share the work, from shapes
 * and the machine. Only the planner's choices depend on it, never a bit. */
#ifndef GR_PLAN_COST_H
#define GR_PLAN_COST_H

#include "plan/plan.h"

/* Chooses the ranks (unless they are forced), the strategy (likewise) and the column groups of each
 * layer; sets n_ranks, strategy, forward_columns, backward_columns and seconds. Layers and lanes of
 * the plan are known. */
void gr_plan_choose(gr_plan *plan, const gr_plan_request *request, const gr_kernels *kernels);

#endif
