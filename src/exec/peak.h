/* The machine's own limits, measured on all ranks at once: fused multiply-adds in registers, and
 * reading memory. */
#ifndef GR_EXEC_PEAK_H
#define GR_EXEC_PEAK_H

#include <stddef.h>

#include "kernel/isa.h"

/* GFLOP/s of `threads` threads together: the sum of each thread's best stretch in about `seconds`
 * seconds. */
double gr_peak_gflops(gr_isa isa, int threads, double seconds);

/* GB/s (1e9 bytes) of `threads` threads together that each read a block of their own of about
 * `bytes` bytes again and again; what level of the memory that is, its size decides. The sum of
 * each thread's best stretch; 0 where the memory cannot be had. */
double gr_peak_read(gr_isa isa, int threads, size_t bytes, double seconds);

#endif
