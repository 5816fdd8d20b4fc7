/* The machine's own limit: fused multiply-adds in registers, on all ranks at once. */
#ifndef GR_EXEC_PEAK_H
#define GR_EXEC_PEAK_H

#include "kernel/isa.h"

/* GFLOP/s of `threads` threads together: the sum of each thread's best stretch in about `seconds`
 * seconds. */
double gr_peak_gflops(gr_isa isa, int threads, double seconds);

#endif
