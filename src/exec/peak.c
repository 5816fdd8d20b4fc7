/* Each rank repeats a stretch of some 50 us (or one reading of its block) and keeps its fastest: a
 * disturbance slows a stretch, nothing speeds one up. */
#include <config.h>

#include "exec/peak.h"

#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "exec/team.h"
#include "kernel/kernel.h"

enum { MAX_RANKS = 1024, ROUNDS = 20000, STRETCH_BYTES = 4 << 20 };

typedef struct peak {
  const gr_kernels *kernels;
  int threads;
  double seconds;
  float *block; /* [threads][floats] */
  size_t floats;
  double rate[MAX_RANKS];
} peak;

/* One stretch of a rank: what was done, in FLOP or bytes. */
typedef double stretch(const peak *p, int rank);

static double multiply(const peak *p, int rank) {
  (void)rank;
  return p->kernels->fma_rounds(ROUNDS);
}

static double read_block(const peak *p, int rank) {
  double bytes = 0;
  do bytes += p->kernels->read_stream(p->floats, p->block + (size_t)rank * p->floats);
  while (bytes < STRETCH_BYTES);
  return bytes;
}

static void keep_best(peak *p, int rank, stretch *work) {
  const double begin = gr_clock_now();
  double best = 0, now;
  do {
    const double start = gr_clock_now();
    const double done = work(p, rank);
    now = gr_clock_now();
    if (now > start && done / (now - start) > best) best = done / (now - start);
  } while (now - begin < p->seconds);
  p->rate[rank] = best * 1e-9;
}

/* All ranks are there before any begins. */
static void arrive(void *context, int rank) {
  ((peak *)context)->rate[rank] = 0;
}

static void multiply_on(void *context, int rank) {
  keep_best(context, rank, multiply);
}

/* Pages lie where the rank that reads them is; values that sums cannot make slow. */
static void touch(void *context, int rank) {
  peak *p = context;
  float *block = p->block + (size_t)rank * p->floats;
  for (size_t i = 0; i < p->floats; i++) block[i] = 1;
}

static void read_on(void *context, int rank) {
  keep_best(context, rank, read_block);
}

static peak start(gr_isa isa, int threads, double seconds) {
  return (peak){.kernels = gr_kernels_of(isa),
                .threads = gr_team_available(threads < MAX_RANKS ? threads : MAX_RANKS),
                .seconds = seconds};
}

static double sum_of(const peak *p) {
  double sum = 0;
  for (int r = 0; r < p->threads; r++) sum += p->rate[r];
  return sum;
}

double gr_peak_gflops(gr_isa isa, int threads, double seconds) {
  peak p = start(isa, threads, seconds);
  gr_team_run(p.threads, arrive, multiply_on, &p);
  return sum_of(&p);
}

double gr_peak_read(gr_isa isa, int threads, size_t bytes, double seconds) {
  peak p = start(isa, threads, seconds);
  size_t all;
  p.floats = (bytes / sizeof(float) + 127) / 128 * 128;
  if (p.floats == 0 || !gr_multiply((size_t)p.threads, p.floats, &all)) return 0;
  p.block = gr_calloc_aligned(all, sizeof(float));
  if (!p.block) return 0;
  gr_team_run(p.threads, touch, read_on, &p);
  gr_free_aligned(p.block);
  return sum_of(&p);
}
