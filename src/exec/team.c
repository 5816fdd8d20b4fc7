/* A region per call, with one barrier in it at most. A team of one never touches OpenMP. */
#include <config.h>

#include "exec/team.h"

#include <omp.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <unistd.h>

#include "base/memory.h"

/* The probe's threads wait until the last was made, so that all exist at once. */
struct gate {
  pthread_mutex_t mutex;
  pthread_cond_t opened;
  bool open;
};

static void *wait_at_gate(void *context) {
  struct gate *gate = context;
  pthread_mutex_lock(&gate->mutex);
  while (!gate->open) pthread_cond_wait(&gate->opened, &gate->mutex);
  pthread_mutex_unlock(&gate->mutex);
  return NULL;
}

gradus_status gr_team_probe(int threads, gradus_error *err) {
  if (threads <= 1) return GRADUS_OK;
  struct gate gate = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false};
  pthread_t *made = gr_alloc((size_t)threads, sizeof *made);
  if (!made) return gr_fail_memory(err, "the threads");
  int n = 0, code = 0;
  while (n < threads - 1 && (code = pthread_create(&made[n], NULL, wait_at_gate, &gate)) == 0) n++;
  pthread_mutex_lock(&gate.mutex);
  gate.open = true;
  pthread_cond_broadcast(&gate.opened);
  pthread_mutex_unlock(&gate.mutex);
  for (int i = 0; i < n; i++) pthread_join(made[i], NULL);
  gr_free(made);
  if (n < threads - 1)
    return gr_fail_errno(err, GRADUS_ERR_RESOURCES, code,
                         "only %d of %d threads can be had (limits of processes or memory?)", n + 1,
                         threads);
  return GRADUS_OK;
}

int gr_team_available(int wanted) {
  int got = 1;
  if (wanted <= 1) return 1;
#pragma omp parallel num_threads(wanted)
  {
#pragma omp single
    got = omp_get_num_threads();
  }
  return got;
}

/* The ranks of this thread: thread t of m takes ranks t, t + m, ... */
static void run_ranks(int n, gr_team_work *work, void *context) {
  const int threads = omp_get_num_threads();
  for (int rank = omp_get_thread_num(); rank < n; rank += threads) work(context, rank);
}

void gr_team_run(int n, gr_team_work *first, gr_team_work *second, void *context) {
  if (n == 1) {
    first(context, 0);
    if (second) second(context, 0);
    return;
  }
#pragma omp parallel num_threads(n)
  {
    run_ranks(n, first, context);
    if (second) {
#pragma omp barrier
      run_ranks(n, second, context);
    }
  }
}

static void pin_rank(void *context, int rank) {
  const cpu_set_t *allowed = context;
  int wanted = rank % CPU_COUNT(allowed);
  for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++) {
    if (!CPU_ISSET(cpu, allowed) || wanted-- > 0) continue;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    (void)sched_setaffinity(0, sizeof one, &one); /* a refusal costs only speed */
    return;
  }
}

static void restore_rank(void *context, int rank) {
  (void)rank;
  (void)sched_setaffinity(0, sizeof(cpu_set_t), context);
}

void *gr_team_pin(int n, bool forced) {
  cpu_set_t *allowed = gr_alloc(1, sizeof *allowed);
  const long online = sysconf(_SC_NPROCESSORS_ONLN);
  if (allowed && sched_getaffinity(0, sizeof *allowed, allowed) == 0) {
    const int processors = CPU_COUNT(allowed);
    if (processors > 0 && (forced || (n > 1 && n == processors && processors < online))) {
      gr_team_run(n, pin_rank, NULL, allowed);
      return allowed;
    }
  }
  gr_free(allowed);
  return NULL;
}

void gr_team_unpin(int n, void *pinned) {
  if (!pinned) return;
  gr_team_run(n, restore_rank, NULL, pinned);
  gr_free(pinned);
}
