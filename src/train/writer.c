/* A mailbox of one place: a mutex and a condition for both sides, the state also as an atomic, so
 * that a step of training asks it without a lock. What has to be looked at from time to time is
 * looked at by a thread of its own, which waits neither for a slow write nor for a step. */
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
  pthread_t thread, watcher; /* the latter where setup.watch is set */
  pthread_mutex_t mutex;
  pthread_cond_t changed;  /* the state, or `quit` */
  pthread_cond_t quitting; /* `quit`; waits by the monotonic clock */
  atomic_int state;        /* gr_writer_state; written with the mutex held */
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
  if (clock_gettime(CLOCK_MONOTONIC, &next) != 0) return next;
  const time_t whole = (time_t)w->setup.watch_seconds;
  next.tv_sec += whole;
  next.tv_nsec += (long)((w->setup.watch_seconds - (double)whole) * 1e9);
  if (next.tv_nsec >= 1000000000) {
    next.tv_sec++;
    next.tv_nsec -= 1000000000;
  }
  return next;
}

static void *serve(void *argument) {
  gr_writer *w = argument;
  (void)pthread_mutex_lock(&w->mutex);
  while (!w->quit || gr_writer_now(w) == GR_WRITER_BUSY) {
    if (gr_writer_now(w) != GR_WRITER_BUSY) {
      (void)pthread_cond_wait(&w->changed, &w->mutex);
      continue;
    }
    (void)pthread_mutex_unlock(&w->mutex);
    w->setup.work(w->setup.user);
    (void)pthread_mutex_lock(&w->mutex);
    set_state(w, GR_WRITER_DONE);
  }
  (void)pthread_mutex_unlock(&w->mutex);
  return NULL;
}

static void *watch(void *argument) {
  gr_writer *w = argument;
  (void)pthread_mutex_lock(&w->mutex);
  while (!w->quit) {
    const struct timespec next = next_watch(w);
    while (!w->quit && pthread_cond_timedwait(&w->quitting, &w->mutex, &next) == 0) continue;
    if (w->quit) break;
    (void)pthread_mutex_unlock(&w->mutex);
    w->setup.watch(w->setup.user);
    (void)pthread_mutex_lock(&w->mutex);
  }
  (void)pthread_mutex_unlock(&w->mutex);
  return NULL;
}

/* The mutex and the conditions, one of which waits by the monotonic clock. */
static int make_conditions(gr_writer *w) {
  pthread_condattr_t attributes;
  int code = pthread_mutex_init(&w->mutex, NULL);
  if (code) return code;
  code = pthread_cond_init(&w->changed, NULL);
  if (code) goto no_changed;
  code = pthread_condattr_init(&attributes);
  if (code) goto no_quitting;
  code = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  if (!code) code = pthread_cond_init(&w->quitting, &attributes);
  (void)pthread_condattr_destroy(&attributes);
  if (!code) return 0;
no_quitting:
  (void)pthread_cond_destroy(&w->changed);
no_changed:
  (void)pthread_mutex_destroy(&w->mutex);
  return code;
}

static void free_conditions(gr_writer *w) {
  (void)pthread_cond_destroy(&w->quitting);
  (void)pthread_cond_destroy(&w->changed);
  (void)pthread_mutex_destroy(&w->mutex);
}

static void tell_to_quit(gr_writer *w) {
  (void)pthread_mutex_lock(&w->mutex);
  w->quit = true;
  (void)pthread_cond_broadcast(&w->changed);
  (void)pthread_cond_broadcast(&w->quitting);
  (void)pthread_mutex_unlock(&w->mutex);
}

/* Both threads or neither. */
static int make_threads(gr_writer *w) {
  sigset_t all, before;
  (void)sigfillset(&all);
  int code = pthread_sigmask(SIG_SETMASK, &all, &before);
  if (code) return code;
  code = pthread_create(&w->thread, NULL, serve, w);
  if (!code && w->setup.watch && (code = pthread_create(&w->watcher, NULL, watch, w))) {
    tell_to_quit(w);
    (void)pthread_join(w->thread, NULL);
  }
  (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
  return code;
}

gradus_status gr_writer_create(const gr_writer_setup *setup, gr_writer **out, gradus_error *err) {
  *out = NULL;
  gr_writer *w = gr_calloc(1, sizeof *w);
  if (!w) return gr_fail_memory(err, "the writer of checkpoints");
  w->setup = *setup;
  atomic_init(&w->state, GR_WRITER_IDLE);
  int code = make_conditions(w);
  if (!code && (code = make_threads(w))) free_conditions(w);
  if (code) {
    gr_free(w);
    return gr_fail_errno(err, GRADUS_ERR_RESOURCES, code,
                         "the threads that write checkpoints cannot be had: there is no memory for "
                         "their stacks, or no more threads are allowed");
  }
  *out = w;
  return GRADUS_OK;
}

void gr_writer_destroy(gr_writer *writer) {
  if (!writer) return;
  tell_to_quit(writer);
  (void)pthread_join(writer->thread, NULL);
  if (writer->setup.watch) (void)pthread_join(writer->watcher, NULL);
  free_conditions(writer);
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
