/* Checkpoints beside training: a writer that is held up or fails, at the moment the test chooses;
 * logs on a full disk; requests to stop by a file; starts that are refused. */
#include <config.h>

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/checkpoint.h"
#include "store/process.h"
#include "train/data.h"
#include "train/files.h"
#include "train/test_train.h"
#include "train/trainer.h"
#include "train/writer.h"

/* What happens before each write of a checkpoint. */
typedef struct gate {
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  bool closed;  /* writes wait */
  bool failing; /* writes fail */
  int arrived;  /* writes so far */
  char told[8192];
} gate;

static gate make_gate(void) {
  return (gate){.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
}

static void set_gate(gate *g, bool closed, bool failing) {
  (void)pthread_mutex_lock(&g->mutex);
  g->closed = closed;
  g->failing = failing;
  (void)pthread_cond_broadcast(&g->changed);
  (void)pthread_mutex_unlock(&g->mutex);
}

static gradus_status pass_gate(void *user, uint64_t step, gradus_error *err) {
  gate *g = user;
  (void)pthread_mutex_lock(&g->mutex);
  g->arrived++;
  (void)pthread_cond_broadcast(&g->changed);
  while (g->closed) (void)pthread_cond_wait(&g->changed, &g->mutex);
  const bool failing = g->failing;
  (void)pthread_mutex_unlock(&g->mutex);
  if (!failing) return GRADUS_OK;
  return gr_fail(err, GRADUS_ERR_IO, "run/step-%llu: no room", (unsigned long long)step);
}

static void await_arrivals(gate *g, int n) {
  (void)pthread_mutex_lock(&g->mutex);
  while (g->arrived < n) (void)pthread_cond_wait(&g->changed, &g->mutex);
  (void)pthread_mutex_unlock(&g->mutex);
}

static void listen(void *user, gr_level level, const char *text) {
  gate *g = user;
  const size_t n = strlen(g->told);
  snprintf(g->told + n, sizeof g->told - n, "%d %s\n", (int)level, text);
}

static gr_trainer *open_with(const gr_dataset *data, const char *const *settings, const char *path,
                             gate *g) {
  gr_config config = make_config(settings);
  gr_trainer_options options = {
      .run_directory = path, .before_write = pass_gate, .user = g, .log = {listen, g}};
  gr_trainer *t = NULL;
  gradus_error err = {0};
  GR_CHECK_OK(gr_trainer_create(&config, data, &options, &t, &err), &err);
  gr_config_free(&config);
  return t;
}

static void advance(gr_trainer *t, uint64_t steps) {
  gradus_error err = {0};
  bool finished;
  GR_CHECK_OK(gr_trainer_advance(t, steps, &finished, &err), &err);
}

static void digest_of(const gr_trainer *t, char out[GR_DIGEST_TEXT]) {
  gr_report report;
  gr_trainer_report(t, &report);
  memcpy(out, report.digest, GR_DIGEST_TEXT);
}

static bool has_checkpoint(const char *run, uint64_t step) {
  char name[40], relative[64], path[GR_RUN_FILE];
  gr_checkpoint_name(step, name);
  snprintf(relative, sizeof relative, "checkpoints/%s", name);
  gr_run_file(run, relative, path);
  return gr_file_exists(path) && gr_checkpoint_verify(path, NULL, NULL) == GRADUS_OK;
}

static int count_in_file(const char *run, const char *name, const char *word) {
  char path[GR_RUN_FILE];
  gr_text text = {0};
  gradus_error err = {0};
  bool found;
  int n = 0;
  gr_run_file(run, name, path);
  GR_CHECK_OK(gr_file_read(path, &text, &found, &err), &err);
  for (const char *at = text.data; at && (at = strstr(at, word)); at++) n++;
  gr_text_free(&text);
  return n;
}

static void copy_path(char out[512], const char *name) {
  snprintf(out, 512, "%s", gr_test_path(name));
}

/* Work that ends when it has been watched three times. */
typedef struct watched {
  atomic_int looks;
} watched;

static void look(void *user) {
  watched *w = user;
  atomic_fetch_add(&w->looks, 1);
}

static void work_until_watched(void *user) {
  watched *w = user;
  const int before = atomic_load(&w->looks);
  while (atomic_load(&w->looks) < before + 3) (void)usleep(1000);
}

/* The lock stays fresh, and a STOP file is seen, however long a write takes: else this would hang.
 */
static void a_long_write_keeps_nobody_from_watching(void) {
  watched w;
  gr_writer *writer = NULL;
  gradus_error err = {0};
  atomic_init(&w.looks, 0);
  const gr_writer_setup setup = {
      .work = work_until_watched, .watch = look, .watch_seconds = 0.001, .user = &w};
  GR_CHECK_OK(gr_writer_create(&setup, &writer, &err), &err);
  if (!writer) return;
  gr_writer_start(writer);
  gr_writer_wait(writer);
  CU_ASSERT_TRUE(gr_writer_take(writer));
  gr_writer_destroy(writer);
}

static void training_goes_on_while_a_checkpoint_is_written(void) {
  gr_dataset data = make_spirals(50, 3);
  gate g = make_gate();
  char run[512], slow[GR_DIGEST_TEXT], plain[GR_DIGEST_TEXT];
  gradus_error err = {0};
  if (!gr_store_is_threadsafe()) { /* then every call waits for the writer */
    gr_dataset_free(&data);
    return;
  }
  copy_path(run, "slow");
  gr_trainer *t =
      open_with(&data, SETTINGS("checkpoint.every=1h", "training.epochs=5", NULL), run, &g);
  GR_CHECK_OK(gr_trainer_checkpoint(t, NULL, 0, &err), &err);
  set_gate(&g, true, false);
  advance(t, 1);
  gr_trainer_request_checkpoint(t);
  advance(t, 3); /* served before the first of them */
  await_arrivals(&g, 2);
  gr_trainer_request_checkpoint(t);
  advance(t, 5); /* the write has not even begun */
  CU_ASSERT_EQUAL(g.arrived, 2);
  CU_ASSERT_FALSE(has_checkpoint(run, 1));
  CU_ASSERT_EQUAL(count_in_file(run, "timing.jsonl", "\"event\":\"postponed\""), 1);
  CU_ASSERT_EQUAL(count_in_file(run, "timing.jsonl", "\"event\":\"checkpoint\""), 1);
  set_gate(&g, false, false);
  GR_CHECK_OK(gr_trainer_checkpoint(t, NULL, 0, &err), &err);
  CU_ASSERT_TRUE(has_checkpoint(run, 1));
  CU_ASSERT_TRUE(has_checkpoint(run, 9));
  CU_ASSERT_EQUAL(g.arrived, 3);
  CU_ASSERT_EQUAL(count_in_file(run, "timing.jsonl", "\"event\":\"checkpoint\""), 3);
  advance(t, UINT64_MAX);
  digest_of(t, slow);
  gr_trainer_destroy(t);
  gate open = make_gate();
  copy_path(run, "not-slow");
  t = open_with(&data, SETTINGS("training.epochs=5", NULL), run, &open);
  advance(t, UINT64_MAX);
  digest_of(t, plain);
  CU_ASSERT_STRING_EQUAL(slow, plain);
  gr_trainer_destroy(t);
  gr_dataset_free(&data);
}

/* What the writer has is the run as it was at the snapshot, however far training is. */
static void a_checkpoint_holds_the_step_of_its_snapshot(void) {
  gr_dataset data = make_spirals(50, 3);
  gate g = make_gate(), open = make_gate();
  char run[512], straight[512], path[GR_RUN_FILE];
  gradus_error err = {0};
  gr_checkpoint a = {0}, b = {0};
  if (!gr_store_is_threadsafe()) {
    gr_dataset_free(&data);
    return;
  }
  copy_path(run, "late");
  copy_path(straight, "straight");
  gr_trainer *t =
      open_with(&data, SETTINGS("checkpoint.every=1h", "training.batch_size=4", NULL), run, &g);
  advance(t, 1);
  GR_CHECK_OK(gr_trainer_checkpoint(t, NULL, 0, &err), &err);
  advance(t, 3);
  set_gate(&g, true, false);
  gr_trainer_request_checkpoint(t);
  advance(t, 3); /* the request is served before the first of them */
  await_arrivals(&g, 2);
  set_gate(&g, false, false);
  gr_trainer_destroy(t); /* waits for the write */
  t = open_with(&data, SETTINGS("checkpoint.every=1h", "training.batch_size=4", NULL), straight,
                &open);
  advance(t, 4);
  GR_CHECK_OK(gr_trainer_checkpoint(t, NULL, 0, &err), &err);
  gr_trainer_destroy(t);
  gr_run_file(run, "checkpoints/step-000000000004.h5", path);
  GR_CHECK_OK(gr_checkpoint_read(path, &a, &err), &err);
  gr_run_file(straight, "checkpoints/step-000000000004.h5", path);
  GR_CHECK_OK(gr_checkpoint_read(path, &b, &err), &err);
  CU_ASSERT_EQUAL_FATAL(a.model.network.n_parameters, b.model.network.n_parameters);
  const size_t bytes = a.model.network.n_parameters * sizeof(float);
  CU_ASSERT_EQUAL(memcmp(a.model.parameters, b.model.parameters, bytes), 0);
  for (uint32_t m = 0; m < a.n_moments; m++)
    CU_ASSERT_EQUAL(memcmp(a.moment[m], b.moment[m], bytes), 0);
  CU_ASSERT_EQUAL(a.state.samples_seen, b.state.samples_seen);
  CU_ASSERT_EQUAL(a.state.metrics_offset, b.state.metrics_offset);
  CU_ASSERT_EQUAL(a.history.n_rows, b.history.n_rows);
  gr_checkpoint_free(&a);
  gr_checkpoint_free(&b);
  gr_dataset_free(&data);
}

static void zero_seconds_leave_a_checkpoint_after_every_step(void) {
  gr_dataset data = make_spirals(50, 3);
  gate g = make_gate();
  char run[512];
  copy_path(run, "each");
  gr_trainer *t =
      open_with(&data, SETTINGS("checkpoint.every=0s", "checkpoint.keep=100", NULL), run, &g);
  advance(t, 9);
  gr_trainer_destroy(t);
  for (uint64_t step = 0; step <= 9; step++) CU_ASSERT_TRUE(has_checkpoint(run, step));
  gr_dataset_free(&data);
}

static void a_full_disk_is_a_warning_and_the_last_good_checkpoint_stays(void) {
  gr_dataset data = make_spirals(50, 3);
  gate g = make_gate();
  char run[512];
  gradus_error err = {0};
  copy_path(run, "full");
  gr_trainer *t = open_with(
      &data, SETTINGS("checkpoint.every=1h", "checkpoint.keep=1", "training.batch_size=4", NULL),
      run, &g);
  advance(t, 2);
  GR_CHECK_OK(gr_trainer_checkpoint(t, NULL, 0, &err), &err);
  set_gate(&g, false, true);
  advance(t, 1);
  gr_trainer_request_checkpoint(t);
  advance(t, 1); /* served before it */
  await_arrivals(&g, 2);
  GR_CHECK_FAILS(gr_trainer_checkpoint(t, NULL, 0, &err), GRADUS_ERR_IO, &err, "no room");
  CU_ASSERT_TRUE(has_checkpoint(run, 2));
  CU_ASSERT_FALSE(has_checkpoint(run, 3));
  CU_ASSERT_PTR_NOT_NULL(strstr(g.told, "1 run/step-3: no room; training goes on"));
  CU_ASSERT_PTR_NOT_NULL(strstr(g.told, "step-000000000002.h5)"));
  set_gate(&g, false, false);
  GR_CHECK_OK(gr_trainer_checkpoint(t, NULL, 0, &err), &err);
  CU_ASSERT_PTR_NOT_NULL(strstr(g.told, "0 checkpoints can be written again"));
  CU_ASSERT_TRUE(has_checkpoint(run, 4));
  CU_ASSERT_FALSE(has_checkpoint(run, 2)); /* only now */
  gr_trainer_destroy(t);
  gr_dataset_free(&data);
}

static void the_last_checkpoint_has_to_succeed(void) {
  gr_dataset data = make_spirals(50, 3);
  gate g = make_gate();
  char run[512], whole[512], a[GR_DIGEST_TEXT], b[GR_DIGEST_TEXT];
  gradus_error err = {0};
  bool finished = true;
  const char *const *settings = SETTINGS("checkpoint.every=1h", NULL);
  copy_path(run, "last");
  gr_trainer *t = open_with(&data, settings, run, &g);
  set_gate(&g, false, true);
  gr_trainer_request_stop(t);
  GR_CHECK_FAILS(gr_trainer_advance(t, UINT64_MAX, &finished, &err), GRADUS_ERR_IO, &err,
                 "no room");
  GR_CHECK_FAILS(gr_trainer_advance(t, UINT64_MAX, &finished, &err), GRADUS_ERR_IO, &err,
                 "no room");
  CU_ASSERT_FALSE(finished);
  gr_trainer_destroy(t);
  set_gate(&g, false, false);
  t = open_with(&data, settings, run, &g);
  advance(t, UINT64_MAX);
  digest_of(t, a);
  gr_trainer_destroy(t);
  copy_path(whole, "last-whole");
  t = open_with(&data, settings, whole, &g);
  advance(t, UINT64_MAX);
  digest_of(t, b);
  gr_trainer_destroy(t);
  CU_ASSERT_STRING_EQUAL(a, b);
  gr_dataset_free(&data);
}

/* A device that is always full, then a file: no line is lost, none comes twice. */
static void a_log_keeps_its_lines_until_there_is_room(void) {
  gr_run_directory run = GR_RUN_CLOSED;
  gr_text line = {0}, text = {0};
  gradus_error err = {0};
  bool found;
  char path[512];
  copy_path(path, "kept.jsonl");
  snprintf(run.metrics.path, sizeof run.metrics.path, "%s", path);
  run.metrics.fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
  if (run.metrics.fd < 0) return; /* no such device here */
  for (int i = 0; i < 3; i++) {
    if (i == 2) {
      CU_ASSERT_EQUAL(close(run.metrics.fd), 0);
      run.metrics.fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    }
    line.length = 0;
    gr_text_printf(&line, "line %d", i);
    GR_CHECK_OK(gr_run_append(&run.metrics, &line, &err), &err);
    if (i < 2) GR_CHECK_FAILS(gr_run_check(&run, &err), GRADUS_ERR_IO, &err, "kept.jsonl");
    CU_ASSERT_EQUAL(gr_run_log_size(&run.metrics), 7 * ((uint64_t)i + 1));
  }
  GR_CHECK_OK(gr_run_check(&run, &err), &err);
  GR_CHECK_OK(gr_file_read(path, &text, &found, &err), &err);
  CU_ASSERT_STRING_EQUAL(text.data, "line 0\nline 1\nline 2\n");
  gr_text_free(&text);
  gr_text_free(&line);
  gr_run_close(&run);
}

static void a_stop_file_stops_with_a_checkpoint_and_goes(void) {
  gr_dataset data = make_spirals(50, 3);
  gate g = make_gate();
  char run[512];
  gradus_error err = {0};
  bool finished;
  copy_path(run, "stop-file");
  gr_trainer *t = open_with(&data, SETTINGS("training.epochs=100000000", NULL), run, &g);
  advance(t, 3);
  GR_CHECK_OK(gr_run_request_stop(run, "the test\n", &err), &err);
  GR_CHECK_FAILS(gr_trainer_advance(t, UINT64_MAX, &finished, &err), GRADUS_ERR_STOPPED, &err,
                 "STOP file");
  CU_ASSERT_FALSE(gr_run_stop_is_requested(run));
  gr_report report;
  gr_trainer_report(t, &report);
  CU_ASSERT_TRUE(has_checkpoint(run, report.steps));
  gr_trainer_destroy(t);
  GR_CHECK_OK(gr_run_request_stop(run, "the test\n", &err), &err);
  g.told[0] = '\0';
  t = open_with(&data, SETTINGS("training.epochs=100000000", NULL), run, &g);
  CU_ASSERT_PTR_NOT_NULL(strstr(g.told, "STOP was there before this start"));
  CU_ASSERT_FALSE(gr_run_stop_is_requested(run));
  gr_trainer_destroy(t);
  gr_dataset_free(&data);
}

static void a_start_that_is_refused_leaves_no_directory(void) {
  gr_dataset data = make_spirals(50, 3);
  gr_config config = make_config(SETTINGS(NULL));
  char above[512], run[1024], empty[512];
  gr_trainer *t = NULL;
  gradus_error err = {0};
  copy_path(above, "refused");
  snprintf(run, sizeof run, "%s/runs/one", above);
  gr_trainer_options options = {.run_directory = run, .resume_file = "/nowhere/absent.h5"};
  GR_CHECK_FAILS(gr_trainer_create(&config, &data, &options, &t, &err), GRADUS_ERR_NOINPUT, &err,
                 "absent.h5");
  CU_ASSERT_FALSE(gr_file_exists(above));
  copy_path(empty, "empty");
  CU_ASSERT_EQUAL(mkdir(empty, 0777), 0);
  options.run_directory = empty;
  GR_CHECK_FAILS(gr_trainer_create(&config, &data, &options, &t, &err), GRADUS_ERR_NOINPUT, &err,
                 "absent.h5");
  CU_ASSERT_EQUAL(rmdir(empty), 0); /* it was there before, and is as empty as it was */
  gr_config_free(&config);
  gr_dataset_free(&data);
}

/* ---- the writer by itself ---- */

typedef struct count {
  atomic_int worked, watched;
} count;

static void work(void *user) {
  atomic_fetch_add(&((count *)user)->worked, 1);
}

static void watch(void *user) {
  atomic_fetch_add(&((count *)user)->watched, 1);
}

static void a_writer_takes_one_piece_of_work_at_a_time(void) {
  count n = {0};
  gr_writer *w = NULL;
  gradus_error err = {0};
  const gr_writer_setup setup = {.work = work, .watch = watch, .watch_seconds = 1e-3, .user = &n};
  GR_CHECK_OK(gr_writer_create(&setup, &w, &err), &err);
  CU_ASSERT_PTR_NOT_NULL_FATAL(w);
  CU_ASSERT_EQUAL(gr_writer_now(w), GR_WRITER_IDLE);
  CU_ASSERT_FALSE(gr_writer_take(w));
  for (int i = 1; i <= 100; i++) {
    gr_writer_start(w);
    gr_writer_wait(w);
    CU_ASSERT_EQUAL(gr_writer_now(w), GR_WRITER_DONE);
    CU_ASSERT_EQUAL(atomic_load(&n.worked), i);
    CU_ASSERT_TRUE(gr_writer_take(w));
  }
  while (atomic_load(&n.watched) == 0) usleep(1000);
  gr_writer_start(w);
  gr_writer_destroy(w); /* not before the work is done */
  CU_ASSERT_EQUAL(atomic_load(&n.worked), 101);
  gr_writer_destroy(NULL);
}

const gr_test save_tests[] = {GR_TEST(a_long_write_keeps_nobody_from_watching),
                              GR_TEST(training_goes_on_while_a_checkpoint_is_written),
                              GR_TEST(a_checkpoint_holds_the_step_of_its_snapshot),
                              GR_TEST(zero_seconds_leave_a_checkpoint_after_every_step),
                              GR_TEST(a_full_disk_is_a_warning_and_the_last_good_checkpoint_stays),
                              GR_TEST(the_last_checkpoint_has_to_succeed),
                              GR_TEST(a_log_keeps_its_lines_until_there_is_room),
                              GR_TEST(a_stop_file_stops_with_a_checkpoint_and_goes),
                              GR_TEST(a_start_that_is_refused_leaves_no_directory),
                              GR_TEST(a_writer_takes_one_piece_of_work_at_a_time),
                              GR_TEST_END};
