/* What the planner needs to know of a machine. It never influences a bit. */
#ifndef GR_PLAN_MACHINE_H
#define GR_PLAN_MACHINE_H

#include <stddef.h>

typedef struct gr_machine {
  double flops;     /* one core's peak, multiply-adds counted as two, per second */
  double bandwidth; /* bytes per second at which one core reads what another one wrote, beside its
                       arithmetic */
  double barrier;   /* seconds of a meeting of two ranks; of n: n / 2 times that */
  size_t l2;        /* bytes of the second-level cache of a core */
} gr_machine;

/* A server core of 2017 to 2023, good to a factor of two. */
#define GR_MACHINE_TYPICAL                                             \
  (gr_machine) {                                                       \
    .flops = 80e9, .bandwidth = 20e9, .barrier = 0.3e-6, .l2 = 1 << 20 \
  }

#endif
