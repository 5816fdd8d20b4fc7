/* Lanes, their tree, and the dealing of work to ranks. */
#include <config.h>

#include "exec_tests.h"
#include "kernel/kernel.h"
#include "plan/lanes.h"

/* The values that the documentation gives for lane_rows: auto. */
static void automatic_lanes_are_as_documented(void) {
  static const uint64_t known[][2] = {{1, 1},     {10, 1},     {95, 1},       {96, 2},
                                      {100, 2},   {128, 2},    {256, 4},      {512, 8},
                                      {1024, 16}, {10000, 64}, {1u << 20, 64}};
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
    const uint64_t rows = gr_lane_rows_auto(known[i][0]);
    GR_CHECK(gr_lane_count(known[i][0], rows) == known[i][1], "batch %llu in %llu lanes",
             (unsigned long long)known[i][0], (unsigned long long)gr_lane_count(known[i][0], rows));
  }
  CU_ASSERT_EQUAL(gr_lane_rows_auto(10000), 157); /* ceil(10000 / 64) */
  CU_ASSERT_EQUAL(gr_lane_count(0, 64), 0);
}

/* The definition: the left subtree takes the largest power of two below n. */
static double tree(const double *value, size_t n) {
  size_t left = 1;
  if (n == 1) return value[0];
  while (2 * left < n) left *= 2;
  return tree(value, left) + tree(value + left, n - left);
}

static void sums_follow_the_tree(void) {
  gr_test_stream s = {gr_test_seed()};
  CU_ASSERT_EQUAL(gr_tree_sum(NULL, 0), 0);
  for (size_t n = 1; n <= 200; n++) {
    double *value = gr_test_array(n, sizeof *value);
    for (size_t i = 0; i < n; i++) value[i] = (double)gr_test_unit(&s) / 3;
    const double wanted = tree(value, n);
    GR_CHECK(gr_tree_sum(value, n) == wanted, "%zu values", n);
    gr_test_release();
  }
}

/* A stack holds at most gr_tree_depth partials, walked as lanes.h says. */
static void stacks_of_partials_are_deep_enough(void) {
  for (uint64_t n = 1; n <= 300; n++) {
    unsigned depth = 0, most = 0;
    for (uint64_t i = 0; i < n; i++) {
      depth++;
      most = depth > most ? depth : most;
      depth -= gr_tree_merges(i);
    }
    GR_CHECK(most <= gr_tree_depth(n), "%llu lanes need %u", (unsigned long long)n, most);
  }
}

static void blocks_are_aligned_and_cover_their_lanes(void) {
  for (uint64_t first = 0; first < 70; first++)
    for (uint64_t end = first + 1; end <= 70; end++) {
      const uint64_t size = gr_tree_block(first, end);
      CU_ASSERT_FATAL(size >= 1 && (size & (size - 1)) == 0 && first % size == 0);
      CU_ASSERT_FATAL(first + size <= end);
      CU_ASSERT_FATAL(first % (2 * size) != 0 || first + 2 * size > end);
    }
}

/* Every row, lane and unit belongs to exactly one rank, and a unit lies inside its layer. */
static void check_dealing(const gr_plan *plan, const gr_network *network) {
  for (uint64_t n = 1; n <= plan->batch_rows; n++) {
    uint64_t next = 0, first, end;
    for (int rank = 0; rank < plan->n_ranks; rank++) {
      gr_plan_rows(plan, n, rank, 1, &first, &end);
      CU_ASSERT_FATAL(first == next && end >= first);
      next = end;
    }
    CU_ASSERT_EQUAL_FATAL(next, n);
  }
  CU_ASSERT_EQUAL(plan->first_unit[0], 0);
  CU_ASSERT_EQUAL(plan->first_unit[plan->n_ranks], plan->n_units);
  for (int rank = 0; rank < plan->n_ranks; rank++)
    CU_ASSERT(plan->first_unit[rank] <= plan->first_unit[rank + 1]);
  size_t covered = 0, wanted = 0;
  for (size_t i = 0; i < plan->n_units; i++) {
    const gr_unit *u = &plan->units[i];
    CU_ASSERT(u->input + u->n_inputs <= plan->layer[u->layer].n_in);
    CU_ASSERT(u->panel + u->n_panels <= plan->layer[u->layer].panels_out);
    CU_ASSERT(u->input % 16 == 0); /* pieces of the back copy begin with whole panels */
    covered += (size_t)u->n_inputs * u->n_panels;
  }
  for (uint32_t l = 0; l < network->n_layers; l++)
    wanted += network->layer[l].n_in * plan->layer[l].panels_out;
  CU_ASSERT_EQUAL(covered, wanted);
}

static void work_is_dealt_once_and_completely(void) {
  const recipe r = {
      .width = {205, 150, 33, 4}, .output = GR_SOFTMAX, .loss = GR_CROSS_ENTROPY, .batch = 200};
  const gr_network network = make_network(&r);
  for (int threads = 1; threads <= 16; threads++)
    for (int strategy = 0; strategy < GR_N_STRATEGIES; strategy++) {
      const gr_plan_request request = {.network = &network,
                                       .batch_rows = r.batch,
                                       .lane_rows = recipe_lane_rows(&r),
                                       .threads = threads,
                                       .strategy = strategy,
                                       .forced = true};
      gr_plan plan;
      gradus_error error;
      GR_CHECK_OK(gr_plan_make(&request, gr_kernels_of(GR_ISA_GENERIC), &plan, &error), &error);
      CU_ASSERT_EQUAL(plan.n_ranks, threads);
      check_dealing(&plan, &network);
      gr_plan_free(&plan);
    }
}

const gr_test plan_tests[] = {
    GR_TEST(automatic_lanes_are_as_documented),  GR_TEST(sums_follow_the_tree),
    GR_TEST(stacks_of_partials_are_deep_enough), GR_TEST(blocks_are_aligned_and_cover_their_lanes),
    GR_TEST(work_is_dealt_once_and_completely),  GR_TEST_END,
};
