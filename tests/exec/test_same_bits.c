/* Threads, instruction sets, strategies and the caller's floating-point environment change no bit.
 */
#include <config.h>

#include <fenv.h>
#include <math.h>
#include <string.h>

#include "exec/internal.h"
#include "exec_tests.h"
#include "support/control.h"

/* Small networks with short last batches; 16, 8, 2 and 1 lanes. */
static const recipe recipes[] = {
    {.width = {23, 70, 41, 5},
     .hidden = GR_SILU,
     .output = GR_SOFTMAX,
     .loss = GR_FOCAL,
     .optimizer = GR_ADAM,
     .batch = 128,
     .rows = 300,
     .steps = 8,
     .learning_rate = 0.01,
     .type = GR_F32,
     .lane_rows = 16,
     .dropout = 0.3,
     .input_dropout = 0.15,
     .ntk = true,
     .bias_rate = 0.1,
     .courses = true},
    {.width = {20, 33, 17, 4},
     .hidden = GR_TANH,
     .output = GR_SOFTMAX,
     .loss = GR_CROSS_ENTROPY,
     .optimizer = GR_ADAM,
     .batch = 256,
     .rows = 700,
     .steps = 15,
     .learning_rate = 0.01,
     .decay = 0.001,
     .weighted = true,
     .type = GR_F32,
     .lane_rows = 17},
    {.width = {784, 30, 10},
     .hidden = GR_SIGMOID,
     .output = GR_SIGMOID,
     .optimizer = GR_SGD,
     .batch = 10,
     .rows = 26,
     .steps = 15,
     .learning_rate = 3,
     .type = GR_U8},
    {.width = {9, 1},
     .output = GR_IDENTITY,
     .optimizer = GR_NESTEROV,
     .batch = 100,
     .rows = 333,
     .steps = 15,
     .learning_rate = 0.05,
     .type = GR_F32},
    {.width = {37, 205, 3},
     .hidden = GR_RELU,
     .output = GR_IDENTITY,
     .optimizer = GR_MOMENTUM,
     .batch = 32,
     .rows = 75,
     .steps = 15,
     .learning_rate = 0.01,
     .type = GR_F32},
    {.width = {23, 70, 41, 5},
     .layers = "70:0.2,41:tanh",
     .normalization = GR_NORMALIZATION_LAYER,
     .hidden = GR_GELU,
     .output = GR_SOFTMAX,
     .loss = GR_CROSS_ENTROPY,
     .optimizer = GR_ADAM,
     .batch = 128,
     .rows = 300,
     .steps = 8,
     .learning_rate = 0.01,
     .clip_norm = 1,
     .type = GR_F32,
     .lane_rows = 16},
    {.width = {23, 70, 41, 5},
     .layers = "70:batch-norm:0.2,41:gelu:batch-norm",
     .hidden = GR_TANH,
     .output = GR_SOFTMAX,
     .loss = GR_CROSS_ENTROPY,
     .optimizer = GR_ADAM,
     .batch = 128,
     .rows = 300,
     .steps = 8,
     .learning_rate = 0.01,
     .weighted = true,
     .type = GR_F32,
     .average = GR_AVERAGE_EMA,
     .lane_rows = 16},
    {.width = {37, 70, 5},
     .hidden = GR_SILU,
     .output = GR_SOFTMAX,
     .loss = GR_CROSS_ENTROPY,
     .optimizer = GR_ADAMW,
     .batch = 96,
     .rows = 210,
     .steps = 8,
     .learning_rate = 0.01,
     .decay = 0.02,
     .scale_rate = 6,
     .input_dropout = 0.2,
     .average = GR_AVERAGE_EMA,
     .type = GR_F32,
     .lane_rows = 16},
    {.width = {784, 20, 3}, /* inputs too many for each rank to gather its own */
     .hidden = GR_TANH,
     .output = GR_IDENTITY,
     .optimizer = GR_SGD,
     .batch = 96,
     .rows = 150,
     .steps = 3,
     .learning_rate = 0.01,
     .type = GR_U8},
};
enum { N_RECIPES = sizeof recipes / sizeof recipes[0] };

static int best_isa(void) {
  int best = 0;
  for (int isa = 0; isa < GR_N_ISAS; isa++)
    if (gr_isa_available((gr_isa)isa)) best = isa;
  return best;
}

static void check_same_rounding(const recipe *r, const data *d, const outcome *wanted, workers w,
                                int mode) {
  const outcome got = run_recipe_rounding(r, d, w, mode);
  GR_CHECK(same_outcome(r, &got, wanted),
           "%u inputs: %d threads, %s, %s, rounding %x: %s, wanted %s", r->width[0], w.threads,
           gr_isa_names[w.isa], w.strategy < 0 ? "auto" : gr_strategy_names[w.strategy],
           (unsigned)mode, got.digest, wanted->digest);
}

static void check_same(const recipe *r, const data *d, const outcome *wanted, workers w) {
  check_same_rounding(r, d, wanted, w, FE_TONEAREST);
}

/* `make check` leaves out every other pair of threads and strategy for all but the best ISA. */
static void threads_isas_and_strategies_change_no_bit(void) {
  static const int threads[] = {1, 2, 3, 5, 8};
  for (size_t i = 0; i < N_RECIPES; i++) {
    const recipe *r = &recipes[i];
    const data d = make_data(r, gr_test_seed());
    const outcome wanted = run_recipe(r, &d, (workers){1, best_isa(), GR_STRATEGY_TILES});
    for (int isa = 0; isa < GR_N_ISAS; isa++) {
      if (!gr_isa_available((gr_isa)isa)) continue;
      for (int t = 0; t < 5; t++)
        for (int strategy = threads[t] == 2 ? GR_AUTO : 0; strategy < GR_N_STRATEGIES; strategy++)
          if (gr_test_all() || isa == best_isa() || (t + strategy + (int)i) % 2 == 0)
            check_same(r, &d, &wanted, (workers){threads[t], isa, strategy});
    }
    gr_test_release();
  }
}

/* Every optimiser on odd widths with a short last batch. */
static void every_optimizer_gives_the_same_bits_however_it_is_shared(void) {
  for (int kind = 0; kind < GR_N_OPTIMIZERS; kind++) {
    const recipe r = {.width = {19, 21, 5},
                      .hidden = GR_TANH,
                      .output = GR_SOFTMAX,
                      .loss = GR_CROSS_ENTROPY,
                      .optimizer = (gr_optimizer)kind,
                      .batch = 100,
                      .rows = 170,
                      .steps = 6,
                      .learning_rate = 0.05,
                      .decay = 0.01,
                      .scale_rate = kind % 2 * 6,
                      .type = GR_F32,
                      .lane_rows = 13};
    const data d = make_data(&r, gr_test_seed());
    const outcome wanted = run_recipe(&r, &d, (workers){1, best_isa(), GR_STRATEGY_TILES});
    for (int strategy = 0; strategy < GR_N_STRATEGIES; strategy++)
      for (int isa = 0; isa < GR_N_ISAS; isa++)
        if (gr_isa_available((gr_isa)isa))
          check_same(&r, &d, &wanted, (workers){2 + strategy % 2, isa, strategy});
    gr_test_release();
  }
}

/* What makes ranks meet between gradient and update, and after it. */
static void clipping_and_limits_give_the_same_bits_however_it_is_shared(void) {
  static const double limits[][2] = {{0.5, 0}, {0, 1.5}, {0.5, 1.5}};
  for (int i = 0; i < 3; i++) {
    const recipe r = {.width = {70, 150, 33, 5},
                      .hidden = GR_RELU,
                      .output = GR_SOFTMAX,
                      .loss = GR_CROSS_ENTROPY,
                      .optimizer = GR_MOMENTUM,
                      .batch = 96,
                      .rows = 130,
                      .steps = 5,
                      .learning_rate = 0.1,
                      .l1 = 0.001,
                      .clip_norm = limits[i][0],
                      .clip_value = 0.03,
                      .max_norm = limits[i][1],
                      .scale_rate = 0.5,
                      .type = GR_F32};
    const data d = make_data(&r, gr_test_seed());
    const outcome wanted = run_recipe(&r, &d, (workers){1, best_isa(), GR_STRATEGY_TILES});
    CU_ASSERT((wanted.norm[0] > 0.5) == (limits[i][0] > 0));
    for (int threads = 1; threads <= 5; threads++)
      for (int strategy = 0; strategy < GR_N_STRATEGIES; strategy++)
        for (int isa = 0; isa < GR_N_ISAS; isa++)
          if (gr_isa_available((gr_isa)isa) && (threads == 3 || isa == best_isa()))
            check_same(&r, &d, &wanted, (workers){threads, isa, strategy});
    gr_test_release();
  }
}

/* Passes of 4 lanes are nodes of the tree over all lanes, so the gradients of several passes make
 * the very update of one batch of all their rows; also where the last pass is short, or missing. */
static void several_passes_are_one_batch_of_all_their_rows(void) {
  static const double norms[] = {0, 0.3};
  for (int i = 0; i < 2; i++) {
    recipe r = {.width = {11, 40, 33, 5},
                .hidden = i ? GR_GELU : GR_TANH,
                .output = GR_SOFTMAX,
                .loss = GR_CROSS_ENTROPY,
                .optimizer = GR_ADAM,
                .dropout = i ? 0.2 : 0, /* of rows of the whole batch */
                .input_dropout = i ? 0.1 : 0,
                .batch = 120,
                .rows = 302,
                .steps = 9,
                .learning_rate = 0.02,
                .weighted = true,
                .clip_norm = norms[i],
                .max_norm = 5 * norms[i],
                .scale_rate = 3,
                .type = GR_F32,
                .lane_rows = 6};
    const data d = make_data(&r, gr_test_seed());
    const outcome wanted = run_recipe(&r, &d, (workers){1, best_isa(), GR_STRATEGY_TILES});
    r.accumulate = 5;
    for (int threads = 1; threads <= 4; threads++)
      for (int strategy = 0; strategy < GR_N_STRATEGIES; strategy++)
        check_same(&r, &d, &wanted, (workers){threads, best_isa(), strategy});
    gr_test_release();
  }
}

/* The weights go their way as without an average, which is what is stored and evaluated. d as in
 * net/average.h: the growing (1 + t) / (10 + t) stays below 0.6 up to t = 12. */
static void an_average_follows_the_weights_and_is_the_model(void) {
  recipe r = {.width = {19, 40, 5},
              .hidden = GR_TANH,
              .output = GR_SOFTMAX,
              .loss = GR_CROSS_ENTROPY,
              .optimizer = GR_MOMENTUM,
              .batch = 50,
              .rows = 130,
              .steps = 0,
              .learning_rate = 0.2,
              .type = GR_F32};
  const data d = make_data(&r, gr_test_seed());
  const size_t n = make_network(&r).n_parameters;
  for (int limited = 0; limited < 2; limited++) {
    r.max_norm = limited * 1.2;
    r.average = GR_AVERAGE_NONE;
    r.steps = 0;
    float *average = run_recipe(&r, &d, (workers){1, best_isa(), GR_AUTO}).parameters;
    outcome plain = {0};
    for (int t = 0; t < 18; t++) {
      const double grown = (1 + t) / (10.0 + t);
      const float share = (float)(1 - (grown < 0.6 ? grown : 0.6));
      r.steps = t + 1;
      plain = run_recipe(&r, &d, (workers){1, best_isa(), GR_AUTO});
      for (size_t i = 0; i < n; i++)
        average[i] = fmaf(share, plain.parameters[i] - average[i], average[i]);
    }
    r.average = GR_AVERAGE_EMA;
    for (int threads = 1; threads <= 3; threads++)
      for (int strategy = 0; strategy < GR_N_STRATEGIES; strategy++) {
        const outcome got = run_recipe(&r, &d, (workers){threads, best_isa(), strategy});
        CU_ASSERT(memcmp(got.parameters, average, n * sizeof(float)) == 0);
        CU_ASSERT(memcmp(got.moment[1], plain.parameters, n * sizeof(float)) == 0);
        CU_ASSERT(memcmp(got.moment[0], plain.moment[0], n * sizeof(float)) == 0);
        CU_ASSERT(memcmp(&got.totals, &plain.totals, sizeof got.totals) != 0);
      }
  }
  gr_test_release();
}

/* 16 lanes of 64 rows, and in the short batch fewer of them, on up to 17 ranks: any shares. */
static void lanes_on_any_number_of_ranks_change_no_bit(void) {
  const recipe r = {.width = {6, 19, 3},
                    .hidden = GR_SIGMOID,
                    .output = GR_SOFTMAX,
                    .loss = GR_CROSS_ENTROPY,
                    .batch = 1024,
                    .rows = 1024 + 330,
                    .steps = 6,
                    .learning_rate = 0.5,
                    .type = GR_F32};
  const data d = make_data(&r, gr_test_seed());
  const outcome wanted = run_recipe(&r, &d, (workers){1, best_isa(), GR_STRATEGY_TILES});
  for (int ranks = 1; ranks <= 17; ranks++)
    check_same(&r, &d, &wanted, (workers){ranks, best_isa(), GR_STRATEGY_LANES});
  gr_test_release();
}

/* Other lanes are another recipe: were the digests equal, the tests above would show nothing. */
static void other_lanes_give_other_bits(void) {
  recipe r = recipes[0];
  const data d = make_data(&r, gr_test_seed());
  const outcome some = run_recipe(&r, &d, (workers){2, best_isa(), GR_AUTO});
  r.lane_rows = 50;
  const outcome others = run_recipe(&r, &d, (workers){2, best_isa(), GR_AUTO});
  CU_ASSERT(strcmp(some.digest, others.digest) != 0);
  gr_test_release();
}

static void a_callers_rounding_mode_changes_no_bit_and_returns(void) {
  static const int modes[] = {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
  const recipe *r = &recipes[0];
  const data d = make_data(r, gr_test_seed());
  const outcome wanted = run_recipe(r, &d, (workers){1, best_isa(), GR_STRATEGY_TILES});
  for (int i = 0; i < 3; i++)
    for (int threads = 1; threads <= 2; threads++)
      check_same_rounding(r, &d, &wanted, (workers){threads, best_isa(), GR_STRATEGY_TILES},
                          modes[i]);
  gr_test_release();
}

#ifdef GR_CONTROL
/* One weight of 2^-140 from input 1 to an identity: the output is 2^-140. For the target 1 the
 * gradient is 2^-140 - 1 = -1 in float, and one step of rate 2^-140 doubles the weight. A flag left
 * on would make zeros of the output, the rate or the weight. */
static void check_subnormals(int threads, int strategy) {
  static const float x[2] = {1, 1}, y[2] = {1, 1}, parameters[2] = {0x1p-140f, 0};
  static const double shift = 0, factor = 1;
  const recipe r = {.width = {1, 1}, .output = GR_IDENTITY, .batch = 2, .rows = 2, .lane_rows = 1};
  const gr_rows rows = {
      .n_rows = 2, .x = x, .x_type = GR_F32, .shift = &shift, .factor = &factor, .targets = y};
  const gr_row_order order = {.permutation = gr_permutation_identity(2)};
  float outputs[2], after[2];
  gr_totals totals;
  gr_step_result result;
  gr_engine *engine = make_engine(&r, (workers){threads, best_isa(), strategy}, parameters);
  if (!engine) return;
  const gr_evaluation evaluation = {.rows = &rows, .n = 2, .outputs = outputs};
  bool fed;
  CU_ASSERT_EQUAL(gr_engine_evaluate(engine, &evaluation, &totals, &fed, NULL), GRADUS_OK);
  gr_engine_step(engine, &rows, &order, 0, 2, 0, 0x1p-140, &result);
  gr_engine_store(engine, after, NULL);
  gr_engine_destroy(engine);
  const float wanted[4] = {0x1p-140f, 0x1p-140f, 0x1p-139f, 0x1p-140f},
              got[4] = {outputs[0], outputs[1], after[0], after[1]};
  GR_CHECK(memcmp(got, wanted, sizeof got) == 0, "%d threads: a subnormal is lost", threads);
}

static void a_callers_flush_to_zero_changes_no_bit_and_returns(void) {
  const unsigned standard = gr_control(), set = standard | GR_CONTROL_FLAGS;
  for (int threads = 1; threads <= 2; threads++)
    for (int strategy = 0; strategy < GR_N_STRATEGIES; strategy++) {
      gr_control_set(set);
      check_subnormals(threads, strategy);
      const unsigned after = gr_control();
      gr_control_set(standard);
      GR_CHECK(((after ^ set) & ~(unsigned)GR_CONTROL_STATUS) == 0, "%x afterwards, was %x", after,
               set);
    }
}
#else
static void a_callers_flush_to_zero_changes_no_bit_and_returns(void) {
  CU_PASS("this architecture has no flags that C can reach");
}
#endif

/* Where the work of an engine's ranks is done: by its team, by fewer threads because the caller is
 * in a parallel region of its own, or by one thread because the machine is busy. */
typedef enum place { TEAM, IN_A_REGION, ALONE } place;

static void step_and_evaluate(const recipe *r, const data *d, workers w, place where, outcome *o) {
  const gr_network network = make_network(r);
  const gr_row_order order = {.permutation = gr_permutation_identity(r->rows)};
  gr_engine *engine = make_engine(r, w, make_parameters(&network, 3));
  if (!engine) return;
  o->parameters = gr_test_floats(network.n_parameters);
  engine->pace.alone = where == ALONE;
#pragma omp parallel num_threads(where == IN_A_REGION ? 2 : 1)
#pragma omp single
  {
    gr_step_result result[2]; /* a whole batch and a short one */
    gr_engine_step(engine, &d->rows, &order, 0, r->batch, 0, 0.1, &result[0]);
    gr_engine_step(engine, &d->rows, &order, r->batch, r->batch / 3, 1, 0.1, &result[1]);
    const gr_evaluation evaluation = {.rows = &d->rows, .n = r->rows};
    bool fed;
    (void)gr_engine_evaluate(engine, &evaluation, &o->totals, &fed, NULL);
    for (int i = 0; i < 2; i++) o->loss[i] = result[i].loss;
  }
  gr_engine_store(engine, o->parameters, NULL);
  gr_engine_destroy(engine);
}

static void check_place(place where) {
  const recipe r = recipes[0];
  const data d = make_data(&r, gr_test_seed());
  const size_t n = make_network(&r).n_parameters;
  outcome wanted = {0}, got = {0};
  step_and_evaluate(&r, &d, (workers){1, best_isa(), GR_AUTO}, TEAM, &wanted);
  for (int threads = 2; threads <= 8; threads++)
    for (int strategy = 0; strategy < GR_N_STRATEGIES; strategy++) {
      step_and_evaluate(&r, &d, (workers){threads, best_isa(), strategy}, where, &got);
      GR_CHECK(memcmp(got.parameters, wanted.parameters, n * sizeof(float)) == 0,
               "parameters of %d ranks by %s", threads, gr_strategy_names[strategy]);
      CU_ASSERT(memcmp(got.loss, wanted.loss, sizeof got.loss) == 0);
      CU_ASSERT(memcmp(&got.totals, &wanted.totals, sizeof got.totals) == 0);
    }
  gr_test_release();
}

static void a_hosts_own_parallel_region_changes_no_bit(void) {
  check_place(IN_A_REGION);
}

static void one_thread_for_all_ranks_changes_no_bit(void) {
  check_place(ALONE);
}

const gr_test same_bits_tests[] = {
    GR_TEST(threads_isas_and_strategies_change_no_bit),
    GR_TEST(every_optimizer_gives_the_same_bits_however_it_is_shared),
    GR_TEST(clipping_and_limits_give_the_same_bits_however_it_is_shared),
    GR_TEST(several_passes_are_one_batch_of_all_their_rows),
    GR_TEST(an_average_follows_the_weights_and_is_the_model),
    GR_TEST(lanes_on_any_number_of_ranks_change_no_bit),
    GR_TEST(other_lanes_give_other_bits),
    GR_TEST(a_callers_rounding_mode_changes_no_bit_and_returns),
    GR_TEST(a_callers_flush_to_zero_changes_no_bit_and_returns),
    GR_TEST(a_hosts_own_parallel_region_changes_no_bit),
    GR_TEST(one_thread_for_all_ranks_changes_no_bit),
    GR_TEST_END,
};
