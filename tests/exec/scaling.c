/* What the planner's cost model says of the standard shapes: the tables of docs/scaling.md.
 *
 *   scaling          for the machines that are assumed below, by the strategy that is planned
 *   scaling THREADS  for this machine as the engine measures it: each strategy by so many ranks
 *
 * No step is taken. The page compares the second table with `gradus bench`. */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>

#include "exec/machine.h"
#include "plan/lanes.h"
#include "plan/plan.h"

typedef struct shape {
  const char *name;
  uint32_t width[8]; /* then 0 */
  int64_t batch;
} shape;

/* Those of `gradus bench --table`; activations and losses are not in the model. */
static const shape shapes[] = {
    {"T", {4, 16, 3}, 16},
    {"N", {784, 30, 10}, 10},
    {"K", {784, 512, 512, 10}, 128},
    {"H100", {28, 300, 300, 300, 300, 300, 1}, 100},
    {"H1024", {28, 300, 300, 300, 300, 300, 1}, 1024},
    {"C", {784, 2500, 2000, 1500, 1000, 500, 10}, 256},
    {"W", {1024, 4096, 4096, 1024}, 1024},
};
enum { SHAPES = sizeof shapes / sizeof shapes[0] };

/* Assumed of a pair of cores: bytes per second from one to the other, as whole steps show it, and
 * seconds of a meeting. Where they come from is in docs/scaling.md. */
typedef struct assumption {
  const char *name;
  double bandwidth, meeting;
} assumption;

static const assumption assumptions[] = {
    {"one L3", 69e9, 0.10e-6},          {"L3s, streams", 25e9, 0.34e-6},
    {"L3s, small", 4e9, 0.34e-6},       {"2 nodes, streams", 18e9, 0.48e-6},
    {"2 nodes, small", 2.8e9, 0.48e-6},
};

static gr_network network_of(const shape *s) {
  gr_config config = {.network = {.inputs = s->width[0]}};
  size_t n = 1;
  for (; s->width[n + 1]; n++) config.network.hidden[n - 1] = s->width[n];
  config.network.n_hidden = (uint32_t)n - 1;
  config.network.outputs = s->width[n];
  gr_network network;
  gradus_error error;
  if (gr_network_make(&config, &network, &error) != GRADUS_OK) exit(1);
  return network;
}

/* strategy -1: ranks and strategy as planned; else forced. */
static gr_plan plan_of(const shape *s, const gr_machine *machine, int ranks, int strategy) {
  gr_isa isa;
  gradus_error error;
  gr_plan plan;
  const gr_network network = network_of(s);
  const gr_plan_request request = {.network = &network,
                                   .batch_rows = (uint64_t)s->batch,
                                   .lane_rows = gr_lane_rows_auto((uint64_t)s->batch),
                                   .optimizer = GR_SGD,
                                   .threads = ranks,
                                   .strategy = strategy,
                                   .forced = strategy >= 0,
                                   .machine = machine};
  if (gr_isa_choose(-1, &isa, &error) != GRADUS_OK ||
      gr_plan_make(&request, gr_kernels_of(isa), &plan, &error) != GRADUS_OK)
    exit(1);
  return plan;
}

/* The largest share of the weights that a rank was dealt, by the mean one. */
static double unevenness(const gr_plan *plan) {
  double most = 0, sum = 0;
  for (int r = 0; r < plan->n_ranks; r++) {
    double mine = 0;
    for (size_t i = plan->first_unit[r]; i < plan->first_unit[r + 1]; i++)
      mine += (double)plan->units[i].n_inputs * plan->units[i].n_panels;
    if (mine > most) most = mine;
    sum += mine;
  }
  return most * plan->n_ranks / sum;
}

static double seconds_of(const shape *s, const gr_machine *machine, int ranks, int strategy) {
  gr_plan plan = plan_of(s, machine, ranks, strategy);
  const double seconds = plan.seconds;
  gr_plan_free(&plan);
  return seconds;
}

/* "step us (efficiency) ranks strategy, uneven" for each number of cores. */
static void print_assumed(const shape *s, const assumption *a) {
  gr_machine machine = GR_MACHINE_TYPICAL;
  machine.flops = 117e9;
  machine.bandwidth = a->bandwidth;
  machine.barrier = a->meeting;
  const double alone = seconds_of(s, &machine, 1, -1);
  printf("| %s | %s | %.*f |", s->name, a->name, alone < 99.5e-6, 1e6 * alone);
  for (int cores = 16; cores <= 128; cores *= cores == 16 ? 4 : 2) {
    gr_plan plan = plan_of(s, &machine, cores, -1);
    printf(" %.*f (%.0f %%) %d %s, %.2f |", plan.seconds < 99.5e-6, 1e6 * plan.seconds,
           100 * alone / plan.seconds / cores, plan.n_ranks, gr_strategy_names[plan.strategy],
           unevenness(&plan));
    gr_plan_free(&plan);
  }
  printf("\n");
}

static void print_this_machine(int threads) {
  gr_isa isa;
  gradus_error error;
  if (gr_isa_choose(-1, &isa, &error) != GRADUS_OK) exit(1);
  const gr_machine m = gr_machine_measure(gr_kernels_of(isa), threads);
  printf("%s: %.1f GFLOP/s, %.1f GB/s, meeting %.3f us\n\n| shape | 1 rank |", gr_isa_names[isa],
         1e-9 * m.flops, 1e-9 * m.bandwidth, 1e6 * m.barrier);
  for (int i = 0; i < GR_N_STRATEGIES; i++) printf(" %s x %d |", gr_strategy_names[i], threads);
  printf("\n|---|--:|--:|--:|--:|--:|\n");
  for (size_t i = 0; i < SHAPES; i++) {
    printf("| %s | %.4g |", shapes[i].name, 1e6 * seconds_of(&shapes[i], &m, 1, -1));
    for (int k = 0; k < GR_N_STRATEGIES; k++)
      printf(" %.4g |", 1e6 * seconds_of(&shapes[i], &m, threads, k));
    printf("\n");
  }
}

int main(int argc, char **argv) {
  if (argc > 1) return print_this_machine(atoi(argv[1])), 0;
  printf(
      "| shape | machine | 1 core | 16 cores | 64 cores | 128 cores |\n"
      "|---|---|--:|---|---|---|\n");
  for (size_t i = 0; i < SHAPES; i++)
    for (size_t a = 0; a < sizeof assumptions / sizeof assumptions[0]; a++)
      print_assumed(&shapes[i], &assumptions[a]);
  return 0;
}
