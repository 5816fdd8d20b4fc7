/* The floating-point environment that every number of a run is computed in: round to nearest,
 * nothing flushed, whatever the caller of the library has set. */
#ifndef GR_TRAIN_ENVIRONMENT_H
#define GR_TRAIN_ENVIRONMENT_H

#include "kernel/isa.h"
#include "kernel/kernel.h"

/* Enters it and returns the caller's, for gr_environment_leave; they nest. */
static inline unsigned gr_environment_enter(void) {
  return gr_kernels_of(GR_ISA_GENERIC)->environment_enter();
}

static inline void gr_environment_leave(unsigned saved) {
  gr_kernels_of(GR_ISA_GENERIC)->environment_leave(saved);
}

#endif
