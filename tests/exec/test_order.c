/* The order of operations of a step against what each reads and writes (watch.h): all that is
 * computed is computed once, by one rank; and where a rank reads or overwrites what another one
 * wrote or read, all ranks have met in between. Two steps follow one another, as in a run. */
#include <config.h>

#include <string.h>

#include "exec_tests.h"
#include "plan/lanes.h"
#include "watch.h"

/* Each strategy, in 48 kinds: on machines whose caches hold nothing, too, where ranks share
 * gathered inputs; with a norm of the gradient before the update; with limits of rows of weights;
 * with several passes to an update, the last of which is watched, and an average; with an update by
 * layers. */
enum { WAYS = 48 * GR_N_STRATEGIES };
static gr_plan make_plan(const gr_network *network, const gr_kernels *kernels, uint64_t batch,
                         int ranks, int way) {
  gr_machine machine = GR_MACHINE_TYPICAL;
  const int strategy = way % GR_N_STRATEGIES, kind = way / GR_N_STRATEGIES;
  if (kind & 1) machine.l2 = 1;
  const gr_plan_request request = {.network = network,
                                   .batch_rows = batch,
                                   .lane_rows = 7,
                                   .optimizer = GR_MOMENTUM,
                                   .norms = kind & 2,
                                   .constrains = kind & 4,
                                   .passes = kind & 8 ? 3 : 1,
                                   .averages = kind & 8,
                                   .directs = kind / 16 == 1,
                                   .compares = kind / 16 == 2,
                                   .threads = ranks,
                                   .strategy = strategy,
                                   .forced = true,
                                   .machine = &machine};
  gr_plan plan = {0};
  gradus_error error;
  GR_CHECK_OK(gr_plan_make(&request, kernels, &plan, &error), &error);
  return plan;
}

static void meetings_of(const gr_plan *plan, bool *meets) {
  for (int i = 0; i < plan->n_operations; i++) meets[i] = plan->operation[i].meet;
}

/* Plain, and with layers that are normalised; the last two with factors of the inputs. */
enum { N_NETWORKS = 8 };
static gr_normalization normalization_of(int kind, uint32_t l) {
  static const char of[N_NETWORKS][4] = {"...", "LLL", "L..", "BBB", ".BL", "B..", "...", "BL."};
  const char c = of[kind][l];
  return c == 'L'   ? GR_NORMALIZATION_LAYER
         : c == 'B' ? GR_NORMALIZATION_BATCH
                    : GR_NORMALIZATION_NONE;
}

static gr_network network_of(int kind) {
  gr_network network = {.n_layers = 4, .loss = GR_CROSS_ENTROPY};
  static const uint32_t width[] = {77, 150, 33, 40, 4};
  for (uint32_t l = 0; l < 4; l++)
    network.layer[l] =
        (gr_layer){.n_in = width[l],
                   .n_out = width[l + 1],
                   .activation = l < 3 ? GR_RELU : GR_SOFTMAX,
                   .normalization = l < 3 ? normalization_of(kind, l) : GR_NORMALIZATION_NONE};
  if (kind >= 6) network.front = (gr_front){.scales = true, .count = 77};
  return network;
}
enum { BATCH = 45 };

/* Two steps of n rows, and one of them short. */
static void check_plan(const gr_plan *plan, uint64_t n, const char *isa) {
  bool meets[GR_MAX_OPERATIONS];
  watch w = gr_watch_make(plan);
  meetings_of(plan, meets);
  gr_watch_step(&w, n, meets);
  const uint64_t missing = gr_watch_left_out(&w);
  gr_watch_step(&w, n, meets);
  GR_CHECK(missing + gr_watch_left_out(&w) + w.missing == 0 && w.twice == 0 && w.conflicts == 0,
           "%d ranks by %s, %llu rows, tiles of %s: %llu left out, %llu not there, %llu twice, "
           "%llu without a meeting",
           plan->n_ranks, gr_strategy_names[plan->strategy], (unsigned long long)n, isa,
           (unsigned long long)(missing + gr_watch_left_out(&w)), (unsigned long long)w.missing,
           (unsigned long long)w.twice, (unsigned long long)w.conflicts);
}

/* `make check` looks at each way with every third number of ranks, at another third for another
 * network or instruction set. */
static bool is_drawn(int way, int ranks, int other) {
  return gr_test_all() || (way / GR_N_STRATEGIES + ranks + other) % 3 == 0;
}

/* Instruction sets differ by the sizes of their tiles; what normalised layers add does not depend
 * on those. */
static void everything_is_done_once_and_after_what_it_needs(void) {
  static const uint64_t lengths[] = {BATCH, 1, 7, 8, 20, 44};
  for (int isa = 0; isa < GR_N_ISAS; isa++) {
    if (!gr_isa_available((gr_isa)isa)) continue;
    for (int kind = 0; kind < (isa == GR_ISA_GENERIC ? N_NETWORKS : 1); kind++)
      for (int ranks = 1; ranks <= 16; ranks += kind ? 5 : 1)
        for (int way = 0; way < WAYS; way++) {
          if (!is_drawn(way, ranks, kind + isa)) continue;
          const gr_network network = network_of(kind);
          gr_plan plan = make_plan(&network, gr_kernels_of((gr_isa)isa), BATCH, ranks, way);
          for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++)
            check_plan(&plan, lengths[i], gr_isa_names[isa]);
          gr_plan_free(&plan);
          gr_test_release();
        }
  }
}

/* Stages are what lies between meetings; a rank alone meets nobody. */
static void stages_end_where_ranks_meet(void) {
  for (int ranks = 1; ranks <= 16; ranks++)
    for (int way = 0; way < WAYS; way++) {
      const gr_network network = network_of(ranks % N_NETWORKS);
      gr_plan plan = make_plan(&network, gr_kernels_of(GR_ISA_GENERIC), BATCH, ranks, way);
      int meetings = 0, stages = 0;
      for (int i = 0; i < plan.n_operations; i++) {
        if (i == 0 || plan.operation[i - 1].meet) CU_ASSERT_EQUAL(plan.stage[stages++], i);
        meetings += plan.operation[i].meet;
      }
      CU_ASSERT_EQUAL(stages, plan.n_stages);
      GR_CHECK(meetings == (ranks == 1 ? 0 : plan.n_stages), "%d ranks meet %d times", ranks,
               meetings);
      CU_ASSERT(ranks == 1 || plan.operation[plan.n_operations - 1].meet);
      gr_plan_free(&plan);
    }
}

/* Were this not so, the checks above would show nothing; and each meeting costs time. */
static void without_any_of_the_meetings_something_is_read_too_early(void) {
  gr_network wide = {.n_layers = 3,
                     .layer = {{.n_in = 64, .n_out = 128, .activation = GR_RELU},
                               {.n_in = 128, .n_out = 96, .activation = GR_RELU},
                               {.n_in = 96, .n_out = 64, .activation = GR_SOFTMAX}},
                     .loss = GR_CROSS_ENTROPY};
  for (int ranks = 2; ranks <= 4; ranks++)
    for (int way = 0; way < N_NETWORKS * WAYS; way++) {
      if (!is_drawn(way, ranks, way / WAYS)) continue;
      for (uint32_t l = 0; l < 2; l++)
        wide.layer[l].normalization = normalization_of(way / WAYS, l);
      wide.front = (gr_front){.scales = way / WAYS >= 6, .count = way / WAYS >= 6 ? 64 : 0};
      gr_plan plan = make_plan(&wide, gr_kernels_of(GR_ISA_GENERIC), BATCH, ranks, way % WAYS);
      for (int i = 0; i < plan.n_operations; i++) {
        bool meets[GR_MAX_OPERATIONS];
        if (!plan.operation[i].meet) continue;
        if (plan.constrains && i + 1 == plan.n_operations)
          continue; /* the team's rounds end there */
        meetings_of(&plan, meets);
        meets[i] = false;
        watch w = gr_watch_make(&plan);
        gr_watch_step(&w, BATCH, meets);
        gr_watch_step(&w, BATCH, meets);
        GR_CHECK(w.conflicts > 0, "%d ranks by %s need not meet after operation %d", ranks,
                 gr_strategy_names[way % GR_N_STRATEGIES], i);
      }
      gr_plan_free(&plan);
      gr_test_release();
    }
}

const gr_test order_tests[] = {
    GR_TEST(everything_is_done_once_and_after_what_it_needs),
    GR_TEST(stages_end_where_ranks_meet),
    GR_TEST(without_any_of_the_meetings_something_is_read_too_early),
    GR_TEST_END,
};
