/* Regions of OpenMP, and the meetings of ranks inside one that lives across many steps: a waiting
 * rank looks for a while, since the others are near, and then sleeps, since they may have no
 * processor. A team of one never touches OpenMP. */
#include <config.h>

#include "exec/team.h"

#include <assert.h>
#include <omp.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/cpu.h"
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

/* ----- meetings ----- */

/* Where `threads` threads wait for one another again and again. */
typedef struct meeting {
  _Alignas(64) atomic_uint arrived;
  _Alignas(64) atomic_uint number; /* of meetings that are over */
  _Alignas(64) atomic_uint sleepers;
  unsigned threads, spins;
  pthread_mutex_t mutex;
  pthread_cond_t over;
} meeting;

static inline void pause_briefly(void) {
#if defined __x86_64__ || defined __i386__
  __builtin_ia32_pause();
#elif defined __aarch64__
  __asm__ volatile("yield");
#endif
}

static void sleep_until_over(meeting *m, unsigned number) {
  atomic_fetch_add(&m->sleepers, 1);
  pthread_mutex_lock(&m->mutex);
  while (atomic_load(&m->number) == number) pthread_cond_wait(&m->over, &m->mutex);
  pthread_mutex_unlock(&m->mutex);
  atomic_fetch_sub(&m->sleepers, 1);
}

/* Returns when all threads have come; `number` counts this thread's meetings. */
static void meet(meeting *m, unsigned *number) {
  const unsigned mine = (*number)++;
  if (atomic_fetch_add(&m->arrived, 1) + 1 == m->threads) {
    atomic_store_explicit(&m->arrived, 0, memory_order_relaxed);
    atomic_store(&m->number, mine + 1);
    if (atomic_load(&m->sleepers) == 0) return;
    pthread_mutex_lock(&m->mutex);
    pthread_cond_broadcast(&m->over);
    pthread_mutex_unlock(&m->mutex);
    return;
  }
  for (unsigned i = 0; i < m->spins; i++) {
    if (atomic_load_explicit(&m->number, memory_order_acquire) != mine) return;
    pause_briefly();
  }
  sleep_until_over(m, mine);
}

/* All rounds by thread `thread` of `threads`, which takes ranks thread, thread + threads, ... */
static void run_rounds(const gr_team_job *job, int thread, int threads, meeting *m) {
  unsigned number = 0;
  const unsigned saved = job->enter ? job->enter() : 0;
  for (uint64_t round = 0; round < job->n_rounds; round++) {
    for (int stage = 0; stage < job->n_stages; stage++) {
      for (int rank = thread; rank < job->n_ranks; rank += threads)
        job->stage(job->context, rank, stage, round);
      if (m) meet(m, &number);
    }
    if (job->stop && *job->stop) break;
  }
  if (job->leave) job->leave(saved);
}

void gr_team_rounds(const gr_team_job *job, bool alone) {
  assert(job->n_ranks == 1 || job->n_stages >= 2 || !job->stop);
  if (alone || job->n_ranks == 1) {
    run_rounds(job, 0, 1, NULL);
    return;
  }
  meeting m = {
      .spins = job->spins, .mutex = PTHREAD_MUTEX_INITIALIZER, .over = PTHREAD_COND_INITIALIZER};
#pragma omp parallel num_threads(job->n_ranks)
  {
#pragma omp single
    m.threads = (unsigned)omp_get_num_threads();
    run_rounds(job, omp_get_thread_num(), omp_get_num_threads(), m.threads > 1 ? &m : NULL);
  }
}

static void do_nothing(void *context, int rank, int stage, uint64_t round) {
  (void)context, (void)rank, (void)stage, (void)round;
}

double gr_team_measure(int n, unsigned spins) {
  enum { MEETINGS = 64 };
  gr_team_job job = {
      .n_ranks = n, .n_stages = 1, .n_rounds = MEETINGS, .stage = do_nothing, .spins = spins};
  double best = 1;
  for (int i = 0; i < 3; i++) {
    const double start = gr_clock_now();
    gr_team_rounds(&job, false);
    const double seconds = (gr_clock_now() - start) / MEETINGS;
    if (seconds < best) best = seconds;
  }
  return best;
}

enum { MOST_PROCESSORS = 4096 };

static size_t take_place(int place, int *mask, size_t n) {
  const int most = omp_get_place_num_procs(place);
  int *processors = most > 0 ? gr_alloc((size_t)most, sizeof *processors) : NULL;
  if (!processors) return n;
  omp_get_place_proc_ids(place, processors);
  for (int i = 0; i < most; i++) {
    size_t j = 0;
    while (j < n && mask[j] != processors[i]) j++;
    if (j == n && n < MOST_PROCESSORS) mask[n++] = processors[i];
  }
  gr_free(processors);
  return n;
}

void gr_team_cpu(gr_cpu *cpu) {
  int mask[MOST_PROCESSORS];
  size_t n = 0;
  if (omp_get_proc_bind() != omp_proc_bind_false)
    for (int place = 0; place < omp_get_num_places(); place++) n = take_place(place, mask, n);
  if (n > 0)
    gr_cpu_detect_on(cpu, mask, n);
  else
    gr_cpu_detect(cpu);
}

int gr_team_threads(int64_t wanted) {
  gr_cpu cpu;
  char reason[96];
  if (wanted > 0) return (int)wanted;
  gr_team_cpu(&cpu);
  return gr_cpu_threads(&cpu, reason, sizeof reason);
}

unsigned gr_team_spins(int n) {
  enum { SPINS = 4000 }; /* some 50 us */
  gr_cpu cpu;
  gr_team_cpu(&cpu);
  return n <= cpu.affinity && (cpu.quota <= 0 || n <= cpu.quota) ? SPINS : 0;
}

/* ----- pinning ----- */

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
  if (omp_get_proc_bind() != omp_proc_bind_false) return NULL; /* OpenMP does it */
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
