/* What the planner wants to know of this machine, measured in about a millisecond. */
#ifndef GR_EXEC_MACHINE_H
#define GR_EXEC_MACHINE_H

#include "kernel/kernel.h"
#include "plan/machine.h"

/* For plans of up to `threads` ranks. What cannot be measured, or not with so few processors, is
 * typical. */
gr_machine gr_machine_measure(const gr_kernels *kernels, int threads);

#endif
