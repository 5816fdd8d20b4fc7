/* A ring of flags says which places are done; what is done without a gap is counted on. A failure
 * stops everybody and is kept for whoever waits. */
#include <config.h>

#include "store/ahead.h"

#include <pthread.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"

struct gr_ahead {
  gr_ahead_work *work;
  void *user;
  pthread_mutex_t lock;
  pthread_cond_t wanted, news; /* for the threads; for who waits for them */
  pthread_t *thread;
  int n_threads; /* that have been started */

  /* Under the lock. */
  bool running, quit;
  uint64_t n_places, slots;
  uint64_t next, ready, done; /* to begin; all before it are done; are not needed any more */
  unsigned char *flag;        /* [slots] */
  uint64_t capacity;          /* of flag */
  int busy;
  gradus_status status;
  gradus_error error;
  gr_ahead_times times;
};

static bool has_work(const gr_ahead *a) {
  return a->running && a->status == GRADUS_OK && a->next < a->n_places &&
         a->next < a->done + a->slots;
}

/* A place is over; with the lock. */
static void record(gr_ahead *a, uint64_t place, gradus_status status, const gradus_error *error) {
  if (status != GRADUS_OK && a->status == GRADUS_OK) {
    a->status = status;
    a->error = *error;
  }
  a->flag[place % a->slots] = status == GRADUS_OK;
  while (a->ready < a->next && a->flag[a->ready % a->slots]) a->flag[a->ready++ % a->slots] = 0;
  a->busy--;
  a->times.places++;
  pthread_cond_broadcast(&a->news);
}

static void *serve(void *user) {
  gr_ahead *a = user;
  pthread_mutex_lock(&a->lock);
  for (;;) {
    while (!a->quit && !has_work(a)) pthread_cond_wait(&a->wanted, &a->lock);
    if (a->quit) break;
    const uint64_t place = a->next++;
    a->busy++;
    pthread_mutex_unlock(&a->lock);
    gradus_error error = {0};
    const double start = gr_clock_now();
    const gradus_status status = a->work(a->user, place, &error);
    const double seconds = gr_clock_now() - start;
    pthread_mutex_lock(&a->lock);
    a->times.working += seconds;
    record(a, place, status, &error);
  }
  pthread_mutex_unlock(&a->lock);
  return NULL;
}

static gradus_status start_threads(gr_ahead *a, int threads, gradus_error *err) {
  a->thread = gr_alloc((size_t)threads, sizeof *a->thread);
  if (!a->thread) return gr_fail_memory(err, "a reader");
  while (a->n_threads < threads) {
    const int code = pthread_create(&a->thread[a->n_threads], NULL, serve, a);
    if (code != 0 && a->n_threads == 0)
      return gr_fail_errno(err, GRADUS_ERR_RESOURCES, code, "a thread that reads ahead");
    if (code != 0) break;
    a->n_threads++;
  }
  return GRADUS_OK;
}

gradus_status gr_ahead_create(int threads, gr_ahead_work *work, void *user, gr_ahead **out,
                              gradus_error *err) {
  gr_ahead *a = gr_calloc(1, sizeof *a);
  if (!a) return gr_fail_memory(err, "a reader");
  a->work = work;
  a->user = user;
  pthread_mutex_init(&a->lock, NULL);
  pthread_cond_init(&a->wanted, NULL);
  pthread_cond_init(&a->news, NULL);
  const gradus_status status = start_threads(a, threads, err);
  if (status == GRADUS_OK)
    *out = a;
  else
    gr_ahead_destroy(a);
  return status;
}

void gr_ahead_destroy(gr_ahead *a) {
  if (!a) return;
  pthread_mutex_lock(&a->lock);
  a->quit = true;
  pthread_cond_broadcast(&a->wanted);
  pthread_mutex_unlock(&a->lock);
  for (int i = 0; i < a->n_threads; i++) pthread_join(a->thread[i], NULL);
  pthread_cond_destroy(&a->wanted);
  pthread_cond_destroy(&a->news);
  pthread_mutex_destroy(&a->lock);
  gr_free(a->thread);
  gr_free(a->flag);
  gr_free(a);
}

void gr_ahead_pause(gr_ahead *a) {
  pthread_mutex_lock(&a->lock);
  a->running = false;
  while (a->busy > 0) pthread_cond_wait(&a->news, &a->lock);
  pthread_mutex_unlock(&a->lock);
}

gradus_status gr_ahead_start(gr_ahead *a, uint64_t first, uint64_t n_places, uint64_t slots,
                             gradus_error *err) {
  if (slots > a->capacity) {
    gr_free(a->flag);
    a->flag = gr_alloc(slots, 1);
    a->capacity = a->flag ? slots : 0;
    if (!a->flag) return gr_fail_memory(err, "rows read ahead");
  }
  pthread_mutex_lock(&a->lock);
  memset(a->flag, 0, slots);
  a->n_places = n_places;
  a->slots = slots;
  a->next = a->ready = a->done = first;
  a->status = GRADUS_OK;
  a->running = true;
  pthread_cond_broadcast(&a->wanted);
  pthread_mutex_unlock(&a->lock);
  return GRADUS_OK;
}

uint64_t gr_ahead_wait(gr_ahead *a, uint64_t needed) {
  pthread_mutex_lock(&a->lock);
  if (a->ready < needed && a->status == GRADUS_OK) {
    const double start = gr_clock_now();
    while (a->ready < needed && a->status == GRADUS_OK) pthread_cond_wait(&a->news, &a->lock);
    a->times.waited += gr_clock_now() - start;
  }
  const uint64_t ready = a->ready;
  pthread_mutex_unlock(&a->lock);
  return ready;
}

void gr_ahead_release(gr_ahead *a, uint64_t place) {
  pthread_mutex_lock(&a->lock);
  a->done = place;
  pthread_cond_broadcast(&a->wanted);
  pthread_mutex_unlock(&a->lock);
}

gradus_status gr_ahead_status(gr_ahead *a, gradus_error *err) {
  pthread_mutex_lock(&a->lock);
  const gradus_status status = a->status;
  if (status != GRADUS_OK && err) *err = a->error;
  pthread_mutex_unlock(&a->lock);
  return status;
}

gr_ahead_times gr_ahead_get_times(gr_ahead *a) {
  pthread_mutex_lock(&a->lock);
  const gr_ahead_times times = a->times;
  pthread_mutex_unlock(&a->lock);
  return times;
}
