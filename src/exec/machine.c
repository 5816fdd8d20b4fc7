/* One core's multiply-adds, a meeting of all ranks, and how fast one rank reads what another has
 * written. Each is the best of a few: a disturbance only slows. */
#include <config.h>

#include "exec/machine.h"

#include "base/clock.h"
#include "base/cpu.h"
#include "base/memory.h"
#include "exec/team.h"

enum { FLOATS = 32 << 10, ROUNDS = 2000, TRIES = 5 };

typedef struct probe {
  const gr_kernels *kernels;
  float *shared;
  double seconds; /* the fastest reading of `shared` */
} probe;

/* Rank 1 writes, then rank 0 reads. */
static void write_and_read(void *context, int rank, int stage, uint64_t round) {
  probe *p = context;
  if (rank == 1 && stage == 0)
    for (size_t i = 0; i < FLOATS; i++) p->shared[i] = (float)round;
  if (rank != 0 || stage != 1) return;
  const double start = gr_clock_now();
  p->kernels->read_stream(FLOATS, p->shared);
  const double seconds = gr_clock_now() - start;
  if (seconds < p->seconds) p->seconds = seconds;
}

static double measure_bandwidth(const gr_kernels *kernels) {
  probe p = {.kernels = kernels, .seconds = 1};
  p.shared = gr_calloc_aligned(FLOATS, sizeof(float));
  if (!p.shared) return 0;
  const gr_team_job job = {.n_ranks = 2,
                           .n_stages = 2,
                           .n_rounds = TRIES,
                           .stage = write_and_read,
                           .context = &p,
                           .spins = gr_team_spins(2)};
  gr_team_rounds(&job, false);
  gr_free_aligned(p.shared);
  return FLOATS * sizeof(float) / p.seconds;
}

static double measure_flops(const gr_kernels *kernels) {
  double best = 0;
  for (int i = 0; i < TRIES; i++) {
    const double start = gr_clock_now(), flops = kernels->fma_rounds(ROUNDS),
                 rate = flops / (gr_clock_now() - start);
    if (rate > best) best = rate;
  }
  return best;
}

/* `measured` where it can be believed, else `typical`. */
static double plausible(double measured, double typical) {
  return measured > typical / 20 && measured < typical * 20 ? measured : typical;
}

gr_machine gr_machine_measure(const gr_kernels *kernels, int threads) {
  const gr_machine typical = GR_MACHINE_TYPICAL;
  gr_machine machine = typical;
  gr_cpu cpu;
  gr_team_cpu(&cpu);
  if (cpu.l2_bytes) machine.l2 = cpu.l2_bytes;
  if (kernels->isa == GR_ISA_GENERIC) return machine;
  machine.flops = plausible(measure_flops(kernels), typical.flops);
  if (threads < 2 || gr_team_spins(threads) == 0) return machine;
  const double barrier = gr_team_measure(threads, gr_team_spins(threads)) * 2 / threads;
  /* Ranks that take turns on one processor meet slowly and read their own cache: believe neither.
   */
  if (plausible(barrier, typical.barrier) != barrier) return machine;
  machine.barrier = barrier;
  machine.bandwidth = plausible(measure_bandwidth(kernels), typical.bandwidth);
  return machine;
}
