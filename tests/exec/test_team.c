/* Rounds of stages by a team: whoever the threads are, stages follow one another, rounds too, and
 * what a rank wrote in one stage all others see in the next. */
#include <config.h>

#include <omp.h>
#include <stdatomic.h>
#include <string.h>

#include "exec/team.h"
#include "exec_tests.h"

enum { MOST_RANKS = 12, STAGES = 3 };

typedef struct job {
  int n_ranks;
  uint64_t stop_round;       /* rank 0 stops after it */
  uint64_t cell[MOST_RANKS]; /* what each rank wrote last: plain memory */
  atomic_ullong done;        /* parts of stages that are over */
  atomic_int wrong;
  uint64_t rounds; /* begun, by rank 0 */
  bool stop;
} job;

static atomic_int inside; /* threads between enter and leave; the functions have no context */
static atomic_int entered;

static unsigned enter(void) {
  atomic_fetch_add(&inside, 1);
  return 100 + (unsigned)atomic_fetch_add(&entered, 1);
}

static void leave(unsigned saved) {
  if (saved >= 100) atomic_fetch_sub(&inside, 1);
}

/* Looks whether all ranks are done with the stage before, and only they: their cells say so. */
static void stage(void *context, int rank, int stage_number, uint64_t round) {
  job *j = context;
  const uint64_t now = round * STAGES + (uint64_t)stage_number, ranks = (uint64_t)j->n_ranks,
                 done = atomic_load(&j->done);
  int wrong = done < now * ranks || done >= (now + 1) * ranks;
  for (int r = 0; r < j->n_ranks && now % 2 == 1; r++) wrong |= j->cell[r] != now - 1;
  if (now % 2 == 0) j->cell[rank] = now;
  if (rank == 0 && stage_number == 0) j->rounds++;
  if (rank == 0 && stage_number == STAGES - 1) j->stop = round == j->stop_round;
  wrong |= atomic_load(&inside) < 1;
  atomic_fetch_add(&j->wrong, wrong);
  atomic_fetch_add(&j->done, 1);
}

/* n_rounds rounds, of which those beyond stop_round do not take place. */
static void check_rounds(int n_ranks, uint64_t n_rounds, uint64_t stop_round, unsigned spins,
                         bool alone) {
  job j = {.n_ranks = n_ranks, .stop_round = stop_round};
  const uint64_t rounds = n_rounds <= stop_round ? n_rounds : stop_round + 1;
  const gr_team_job team = {.n_ranks = n_ranks,
                            .n_stages = STAGES,
                            .n_rounds = n_rounds,
                            .stage = stage,
                            .context = &j,
                            .stop = &j.stop,
                            .enter = enter,
                            .leave = leave,
                            .spins = spins};
  gr_team_rounds(&team, alone);
  GR_CHECK(j.wrong == 0 && j.rounds == rounds && j.done == rounds * STAGES * (uint64_t)n_ranks,
           "%d ranks, %u looks: %d wrong, %llu rounds of %llu", n_ranks, spins, j.wrong,
           (unsigned long long)j.rounds, (unsigned long long)rounds);
}

static void check_all_rounds(unsigned spins, bool alone) {
  for (int ranks = 1; ranks <= MOST_RANKS; ranks += ranks < 4 ? 1 : 4) {
    check_rounds(ranks, 50, UINT64_MAX, spins, alone);
    check_rounds(ranks, UINT64_MAX, 6, spins, alone); /* in the middle */
    check_rounds(ranks, 7, 6, spins, alone);
    check_rounds(ranks, 5, 0, spins, alone);
    check_rounds(ranks, 0, UINT64_MAX, spins, alone);
  }
  CU_ASSERT_EQUAL(inside, 0);
}

static void stages_and_rounds_follow_one_another(void) {
  check_all_rounds(200, false);
}

/* No look at all: every rank but the last to come sleeps, and must be woken. */
static void ranks_that_sleep_are_woken(void) {
  for (int i = 0; i < 10; i++) check_all_rounds(0, false);
}

static void one_thread_takes_all_ranks_in_turn(void) {
  check_all_rounds(200, true);
}

/* OpenMP gives no more threads than there are processors, or one, as it likes. */
static void threads_take_several_ranks_where_there_are_fewer(void) {
  const int dynamic = omp_get_dynamic();
  omp_set_dynamic(1);
  check_all_rounds(200, false);
  check_all_rounds(0, false);
  omp_set_dynamic(dynamic);
}

/* Regions inside one another get one thread each; the host's threads each have a job of their own.
 * An assertion is not for several threads: what is wrong is counted. */
static void a_host_may_call_from_its_own_region(void) {
  atomic_int wrong = 0;
#pragma omp parallel num_threads(2)
  for (int ranks = 1; ranks <= 5; ranks++) {
    job j = {.n_ranks = ranks, .stop_round = 9};
    const gr_team_job team = {.n_ranks = ranks,
                              .n_stages = STAGES,
                              .n_rounds = UINT64_MAX,
                              .stage = stage,
                              .context = &j,
                              .stop = &j.stop,
                              .enter = enter,
                              .leave = leave};
    gr_team_rounds(&team, false);
    atomic_fetch_add(&wrong, j.wrong != 0 || j.rounds != 10);
  }
  CU_ASSERT_EQUAL(wrong, 0);
  CU_ASSERT_EQUAL(inside, 0);
}

static void a_meeting_takes_some_time(void) {
  for (int ranks = 2; ranks <= 4; ranks++) {
    const double seconds = gr_team_measure(ranks, 200);
    GR_CHECK(seconds > 0 && seconds <= 1, "%d ranks: %g s", ranks, seconds);
  }
}

const gr_test team_tests[] = {
    GR_TEST(stages_and_rounds_follow_one_another),
    GR_TEST(ranks_that_sleep_are_woken),
    GR_TEST(one_thread_takes_all_ranks_in_turn),
    GR_TEST(threads_take_several_ranks_where_there_are_fewer),
    GR_TEST(a_host_may_call_from_its_own_region),
    GR_TEST(a_meeting_takes_some_time),
    GR_TEST_END,
};
