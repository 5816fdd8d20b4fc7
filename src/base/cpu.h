/* What this machine offers and what we are allowed to use of it. Linux sources: sched_getaffinity,
 * /proc/self/cgroup with cgroup v1 and v2 quota files, /sys/devices/system/cpu topology and caches,
 * cpuid. */
#ifndef GR_BASE_CPU_H
#define GR_BASE_CPU_H

#include <stdbool.h>
#include <stddef.h>

typedef struct gr_cpu {
  char model[96]; /* "AMD EPYC 7B13", or the architecture where unknown */
  bool avx2, fma, f16c,
      avx512; /* avx512: F, BW, DQ and VL, with the operating system saving the registers */
  bool neon;
  size_t l1d_bytes, l2_bytes, l3_bytes; /* of one instance; 0 where unknown */
  int logical;                          /* online processors */
  int physical; /* distinct cores among the processors of our affinity mask */
  int affinity; /* processors in our affinity mask */
  double quota; /* CPUs of cgroup quota, 0 = none */
  int numa_nodes;
  int slurm; /* SLURM_CPUS_PER_TASK, 0 = unset */
  int omp;   /* OMP_NUM_THREADS, 0 = unset */
} gr_cpu;

/* Sets only model, avx2, fma, f16c, avx512 and neon: a few instructions, no file is read. */
void gr_cpu_features(gr_cpu *cpu);

/* Fills *cpu; what cannot be found stays 0. Never fails. What threads OpenMP may place elsewhere
 * than the calling one, exec/team.h knows. */
void gr_cpu_detect(gr_cpu *cpu);

/* The same where we may use the processors `mask` (n of them), whatever binds the calling thread.
 */
void gr_cpu_detect_on(gr_cpu *cpu, const int *mask, size_t n);

/* As gr_cpu_detect, with /proc and /sys looked for under the folder `root` ("" for the real ones)
 * and `mask` (processor numbers, n of them; NULL: our own) as the affinity mask: for tests. */
void gr_cpu_detect_under(gr_cpu *cpu, const char *root, const int *mask, size_t n);

/* The thread count of `threads: auto`: the smallest of physical cores in the affinity mask, cgroup
 * quota rounded down (at least 1), SLURM_CPUS_PER_TASK, OMP_NUM_THREADS. `reason` receives a short
 * text such as "2 cores in the affinity mask". */
int gr_cpu_threads(const gr_cpu *cpu, char *reason, size_t reason_size);

#endif
