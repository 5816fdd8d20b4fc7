/* Each rank repeats a stretch of some 50 us and keeps its fastest: a disturbance slows a stretch,
 * nothing speeds one up. */
#include <config.h>

#include "exec/peak.h"

#include "base/clock.h"
#include "exec/team.h"
#include "kernel/kernel.h"

enum { MAX_RANKS = 1024, ROUNDS = 20000 };

typedef struct peak {
  const gr_kernels *kernels;
  int threads;
  double seconds;
  double rate[MAX_RANKS];
} peak;

/* All ranks are there before any begins. */
static void arrive(void *context, int rank) {
  ((peak *)context)->rate[rank] = 0;
}

static void run(void *context, int rank) {
  peak *p = context;
  const double begin = gr_clock_now();
  double best = 0, now;
  do {
    const double start = gr_clock_now();
    const double flops = p->kernels->fma_rounds(ROUNDS);
    now = gr_clock_now();
    if (now > start && flops / (now - start) > best) best = flops / (now - start);
  } while (now - begin < p->seconds);
  p->rate[rank] = best * 1e-9;
}

double gr_peak_gflops(gr_isa isa, int threads, double seconds) {
  peak p = {.kernels = gr_kernels_of(isa),
            .threads = gr_team_available(threads < MAX_RANKS ? threads : MAX_RANKS),
            .seconds = seconds};
  gr_team_run(p.threads, arrive, run, &p);
  double sum = 0;
  for (int r = 0; r < p.threads; r++) sum += p.rate[r];
  return sum;
}
