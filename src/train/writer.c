/* A mailbox of one place: a mutex and a condition for both sides, the state also as an atomic, so
 * that a step of training asks it without a lock. */
#include <config.h>

#include "train/writer.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

#include "base/memory.h"

struct gr_writer {
  gr_writer_setup setup;
  pthread_t thread;
  pthread_mutex_t mutex;
  pthread_cond_t changed; /* the state, or `quit` */
  atomic_int state;       /* gr_writer_state; written with the mutex held */
  bool quit;
};

static void set_state(gr_writer *w, gr_writer_state state) {
  atomic_store_explicit(&w->state, (int)state, memory_order_release);
  (void)pthread_cond_broadcast(&w->changed);
}

gr_writer_state gr_writer_now(const gr_writer *writer) {
  return (gr_writer_state)atomic_load_explicit(&writer->state, memory_order_acquire);
}

/* When to watch next. */
static struct timespec next_watch(const gr_writer *w) {
  struct timespec next = {0, 0};
  if (!w->setup.watch || clock_gettime(CLOCK_MONOTONIC, &next) != 0) return next;
  const time_t whole = (time_t)w->setup.watch_seconds;
  next.tv_sec += whole;
  next.tv_nsec += (long)((w->setup.watch_seconds - (double)whole) * 1e9);
  if (next.tv_nsec >= 1000000000) {
    next.tv_sec++;
    next.tv_nsec -= 1000000000;
  }
  return next;
}

static bool has_come(const struct timespec *when) {
  struct timespec now;
  if (clock_gettime(CLOCK_MONOTONIC, &now) != 0) return false;
  return now.tv_sec > when->tv_sec || (now.tv_sec == when->tv_sec && now.tv_nsec >= when->tv_nsec);
}

/* Does one thing without the mutex. */
static void do_outside(gr_writer *w, void (*thing)(void *)) {
  (void)pthread_mutex_unlock(&w->mutex);
  thing(w->setup.user);
  (void)pthread_mutex_lock(&w->mutex);
}

/* The time to watch comes also where there is always work. */
static void *serve(void *argument) {
  gr_writer *w = argument;
  (void)pthread_mutex_lock(&w->mutex);
  struct timespec next = next_watch(w);
  while (!w->quit || gr_writer_now(w) == GR_WRITER_BUSY) {
    if (w->setup.watch && has_come(&next)) {
      do_outside(w, w->setup.watch);
      next = next_watch(w);
    } else if (gr_writer_now(w) == GR_WRITER_BUSY) {
      do_outside(w, w->setup.work);
      set_state(w, GR_WRITER_DONE);
    } else if (w->setup.watch) {
      (void)pthread_cond_timedwait(&w->changed, &w->mutex, &next);
    } else {
      (void)pthread_cond_wait(&w->changed, &w->mutex);
    }
  }
  (void)pthread_mutex_unlock(&w->mutex);
  return NULL;
}

/* The mutex and a condition that waits by the monotonic clock. */
static int make_condition(gr_writer *w) {
  pthread_condattr_t attributes;
  int code = pthread_mutex_init(&w->mutex, NULL);
  if (code) return code;
  code = pthread_condattr_init(&attributes);
  if (!code) code = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  if (!code) code = pthread_cond_init(&w->changed, &attributes);
  (void)pthread_condattr_destroy(&attributes);
  if (code) (void)pthread_mutex_destroy(&w->mutex);
  return code;
}

static void free_condition(gr_writer *w) {
  (void)pthread_cond_destroy(&w->changed);
  (void)pthread_mutex_destroy(&w->mutex);
}

static int make_thread(gr_writer *w) {
  sigset_t all, before;
  (void)sigfillset(&all);
  int code = pthread_sigmask(SIG_SETMASK, &all, &before);
  if (code) return code;
  code = pthread_create(&w->thread, NULL, serve, w);
  (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
  return code;
}

gradus_status gr_writer_create(const gr_writer_setup *setup, gr_writer **out, gradus_error *err) {
  *out = NULL;
  gr_writer *w = gr_calloc(1, sizeof *w);
  if (!w) return gr_fail_memory(err, "the writer of checkpoints");
  w->setup = *setup;
  atomic_init(&w->state, GR_WRITER_IDLE);
  int code = make_condition(w);
  if (!code && (code = make_thread(w))) free_condition(w);
  if (code) {
    gr_free(w);
    return gr_fail_errno(err, GRADUS_ERR_RESOURCES, code,
                         "the thread that writes checkpoints cannot be had");
  }
  *out = w;
  return GRADUS_OK;
}

void gr_writer_destroy(gr_writer *writer) {
  if (!writer) return;
  (void)pthread_mutex_lock(&writer->mutex);
  writer->quit = true;
  (void)pthread_cond_broadcast(&writer->changed);
  (void)pthread_mutex_unlock(&writer->mutex);
  (void)pthread_join(writer->thread, NULL);
  free_condition(writer);
  gr_free(writer);
}

void gr_writer_start(gr_writer *writer) {
  (void)pthread_mutex_lock(&writer->mutex);
  assert(gr_writer_now(writer) == GR_WRITER_IDLE);
  set_state(writer, GR_WRITER_BUSY);
  (void)pthread_mutex_unlock(&writer->mutex);
}

void gr_writer_wait(gr_writer *writer) {
  (void)pthread_mutex_lock(&writer->mutex);
  while (gr_writer_now(writer) == GR_WRITER_BUSY)
    (void)pthread_cond_wait(&writer->changed, &writer->mutex);
  (void)pthread_mutex_unlock(&writer->mutex);
}

bool gr_writer_take(gr_writer *writer) {
  (void)pthread_mutex_lock(&writer->mutex);
  const bool done = gr_writer_now(writer) == GR_WRITER_DONE;
  if (done) set_state(writer, GR_WRITER_IDLE);
  (void)pthread_mutex_unlock(&writer->mutex);
  return done;
}
