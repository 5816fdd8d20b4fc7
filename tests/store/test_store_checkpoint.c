/* Checkpoints come back bit for bit; writing them leaves the old one or the new one; the newest
 * intact one is found. */
#include <config.h>

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/philox.h"
#include "store/seal.h"
#include "suites.h"

static float *make_floats(size_t n, unsigned salt) {
  float *out = gr_alloc(n, sizeof *out);
  for (size_t i = 0; i < n; i++)
    out[i] = (float)gr_random_uniform(gr_test_seed(), GR_STREAM_TEST, salt, i);
  out[0] = -0.0f;
  out[n - 1] = NAN;
  return out;
}

static double *make_doubles(size_t n, unsigned salt) {
  double *out = gr_alloc(n, sizeof *out);
  for (size_t i = 0; i < n; i++)
    out[i] = gr_random_uniform(gr_test_seed(), GR_STREAM_TEST, salt, i);
  return out;
}

static void make_config(gr_config *c, int classification) {
  gradus_error err = {0};
  GR_CHECK_OK(gr_config_init(c, &err), &err);
  c->data.scale = GR_SCALE_NONE;
  c->data.standardize = GR_STANDARDIZE_ZSCORE;
  c->data.task = classification ? GR_CLASSIFICATION : GR_REGRESSION;
  c->network.n_hidden = 2;
  c->network.hidden[0] = 5;
  c->network.hidden[1] = 4;
  c->network.activation = GR_RELU;
  c->network.output_activation = classification ? GR_SOFTMAX : GR_IDENTITY;
  c->network.initialization = GR_INIT_HE;
  c->network.inputs = 7;
  c->network.outputs = 3;
  c->network.scale_inputs = classification != 0;
  c->training.loss = classification ? GR_CROSS_ENTROPY : GR_QUADRATIC;
  c->training.epochs = 20;
  c->training.batch_size = 32;
  c->training.lane_rows = 16;
  c->training.shuffle = GR_SHUFFLE_FULL;
  c->optimizer.name = GR_ADAM;
  c->optimizer.learning_rate = 0.1;
  gr_config_settle(c, NULL);
}

static void make_preprocessing(gr_preprocessing *p, int classification) {
  p->n_inputs = 7;
  p->shift = make_doubles(7, 20);
  p->factor = make_doubles(7, 21);
  p->task = classification ? GR_CLASSIFICATION : GR_REGRESSION;
  if (!classification) {
    p->n_targets = 3;
    p->target_shift = make_doubles(3, 22);
    p->target_scale = make_doubles(3, 23);
    for (int i = 0; i < 3; i++) p->target_scale[i] += 0.5;
    return;
  }
  p->n_classes = 3;
  p->class_values = make_doubles(3, 24);
  for (int i = 0; i < 3; i++) p->class_values[i] += i; /* ascending */
  p->class_names = gr_calloc(3, sizeof *p->class_names);
  p->feature_names = gr_calloc(7, sizeof *p->feature_names);
  for (int i = 0; i < 3; i++) p->class_names[i] = gr_strdup(i == 1 ? "" : "class \xc3\xa9");
  for (int i = 0; i < 7; i++) p->feature_names[i] = gr_strdup(i ? "f" : "feature");
}

static void make_any(uint64_t step, int classification, gr_checkpoint *out) {
  gradus_error err = {0};
  memset(out, 0, sizeof *out); /* padding too: objects are compared as bytes */
  make_config(&out->model.config, classification);
  GR_CHECK_OK(gr_network_make(&out->model.config, &out->model.network, &err), &err);
  size_t n = out->model.network.n_parameters;
  out->model.parameters = make_floats(n, 1);
  make_preprocessing(&out->model.preprocessing, classification);
  out->n_moments = 2;
  out->moment[0] = make_floats(n, 2);
  out->moment[1] = make_floats(n, 3);
  out->best_parameters = make_floats(n, 4);
  gr_train_state *s = &out->state;
  s->step = step, s->epoch = 3, s->position = 17, s->samples_seen = UINT64_MAX;
  s->epoch_loss = 0.1, s->epoch_weight = -0.0, s->has_best = true, s->best_loss = (double)NAN;
  s->best_epoch = 2, s->best_step = 5, s->epochs_since_best = 1, s->stopped_early = true;
  s->wall_seconds = (double)INFINITY, s->metrics_offset = 1ull << 60;
  strcpy(s->dataset_digest, "0123456789abcdef0123456789abcdef");
  out->history.n_metrics = 2;
  strcpy(out->history.metric_names[0], "accuracy");
  strcpy(out->history.metric_names[1], "r2");
  for (uint64_t i = 0; i < 100; i++) {
    gr_history_row row = {.step = i * 10, .epoch = i, .train_loss = 1.0 / (double)(i + 1)};
    row.valid_loss = i % 2 ? (double)NAN : 0.3;
    row.learning_rate = 1e-3;
    row.metric[0] = (double)i / 7;
    row.metric[1] = -(double)INFINITY;
    GR_CHECK_OK(gr_history_append(&out->history, &row, &err), &err);
  }
}

void gr_checkpoint_make(uint64_t step, gr_checkpoint *out) {
  make_any(step, 1, out);
}

static int same_texts(char **a, char **b, uint32_t n) {
  if (!a != !b) return 0;
  for (uint32_t i = 0; a && i < n; i++)
    if (strcmp(a[i], b[i]) != 0) return 0;
  return 1;
}

static int same_bytes(const void *a, const void *b, size_t n) {
  return !a == !b && (!a || memcmp(a, b, n) == 0);
}

static int same_preprocessing(const gr_preprocessing *a, const gr_preprocessing *b) {
  return a->n_inputs == b->n_inputs && a->task == b->task && a->n_targets == b->n_targets &&
         a->n_classes == b->n_classes && same_bytes(a->shift, b->shift, 8 * a->n_inputs) &&
         same_bytes(a->factor, b->factor, 8 * a->n_inputs) &&
         same_bytes(a->target_shift, b->target_shift, 8 * a->n_targets) &&
         same_bytes(a->target_scale, b->target_scale, 8 * a->n_targets) &&
         same_bytes(a->class_values, b->class_values, 8 * a->n_classes) &&
         same_texts(a->class_names, b->class_names, a->n_classes) &&
         same_texts(a->feature_names, b->feature_names, a->n_inputs);
}

static int same_checkpoint(const gr_checkpoint *a, const gr_checkpoint *b) {
  size_t bytes = a->model.network.n_parameters * sizeof(float);
  char digest_a[GR_DIGEST_TEXT], digest_b[GR_DIGEST_TEXT];
  CU_ASSERT_EQUAL(gr_config_digest(&a->model.config, digest_a, NULL), GRADUS_OK);
  CU_ASSERT_EQUAL(gr_config_digest(&b->model.config, digest_b, NULL), GRADUS_OK);
  return strcmp(digest_a, digest_b) == 0 && a->n_moments == b->n_moments &&
         a->model.network.n_parameters == b->model.network.n_parameters &&
         same_bytes(a->model.parameters, b->model.parameters, bytes) &&
         same_bytes(a->moment[0], b->moment[0], bytes) &&
         same_bytes(a->moment[1], b->moment[1], bytes) &&
         same_bytes(a->best_parameters, b->best_parameters, bytes) &&
         memcmp(&a->state, &b->state, sizeof a->state) == 0 &&
         a->history.n_metrics == b->history.n_metrics && a->history.n_rows == b->history.n_rows &&
         memcmp(a->history.metric_names, b->history.metric_names, sizeof a->history.metric_names) ==
             0 &&
         memcmp(a->history.row, b->history.row, a->history.n_rows * sizeof *a->history.row) == 0 &&
         same_preprocessing(&a->model.preprocessing, &b->model.preprocessing);
}

static void expect_round_trip(const gr_checkpoint *written) {
  gradus_error err = {0};
  gr_checkpoint read;
  uint64_t step = 0;
  const char *path = gr_test_path("round.h5");
  GR_CHECK_OK(gr_checkpoint_write(written, path, &err), &err);
  GR_CHECK_OK(gr_checkpoint_verify(path, &step, &err), &err);
  CU_ASSERT_EQUAL(step, written->state.step);
  GR_CHECK_OK(gr_checkpoint_read(path, &read, &err), &err);
  CU_ASSERT_FATAL(read.model.parameters != NULL);
  CU_ASSERT(same_checkpoint(written, &read));
  gr_checkpoint_free(&read);
}

static void a_checkpoint_comes_back_bit_for_bit(void) {
  gr_checkpoint c;
  for (int classification = 0; classification < 2; classification++) {
    make_any(12345, classification, &c);
    expect_round_trip(&c);
    gr_checkpoint_free(&c);
  }
}

static void a_fresh_run_without_history_best_or_moments_comes_back(void) {
  gr_checkpoint c;
  make_any(0, 1, &c);
  c.model.config.optimizer.name = GR_SGD;
  c.n_moments = 0;
  for (int m = 0; m < 2; m++) {
    gr_free(c.moment[m]);
    c.moment[m] = NULL;
  }
  gr_free(c.best_parameters);
  c.best_parameters = NULL;
  gr_history_free(&c.history);
  c.history.row = NULL;
  gr_free(c.model.preprocessing.class_values);
  c.model.preprocessing.class_values = NULL;
  gradus_error err = {0};
  gr_checkpoint read;
  GR_CHECK_OK(gr_checkpoint_write(&c, gr_test_path("fresh.h5"), &err), &err);
  GR_CHECK_OK(gr_checkpoint_read(gr_test_path("fresh.h5"), &read, &err), &err);
  CU_ASSERT(read.history.n_rows == 0 && read.history.n_metrics == 0 && !read.best_parameters);
  CU_ASSERT(read.n_moments == 0 && !read.model.preprocessing.class_values);
  gr_checkpoint_free(&read);
  gr_checkpoint_free(&c);
}

static void equal_checkpoints_are_equal_files(void) {
  gr_checkpoint c;
  gradus_error err = {0};
  gr_checkpoint_make(1, &c);
  GR_CHECK_OK(gr_checkpoint_write(&c, gr_test_path("one.h5"), &err), &err);
  GR_CHECK_OK(gr_checkpoint_write(&c, gr_test_path("two.h5"), &err), &err);
  gr_bytes_of a = gr_file_bytes(gr_test_path("one.h5")), b = gr_file_bytes(gr_test_path("two.h5"));
  CU_ASSERT(a.n == b.n && memcmp(a.data, b.data, a.n) == 0);
  free(a.data);
  free(b.data);
  gr_checkpoint_free(&c);
}

static void names_are_padded_and_sort(void) {
  char name[32];
  gr_checkpoint_name(12000, name);
  CU_ASSERT_STRING_EQUAL(name, "step-000000012000.h5");
  gr_checkpoint_name(UINT64_MAX, name);
  CU_ASSERT_STRING_EQUAL(name, "step-18446744073709551615.h5");
}

/* ---- failing to write ---- */

static void a_place_that_cannot_be_written_is_named(void) {
  gr_checkpoint c;
  gradus_error err = {0};
  gr_checkpoint_make(1, &c);
  gr_file_set(gr_test_path("plain"), "x", 1);
  GR_CHECK_FAILS(gr_checkpoint_write(&c, gr_test_path("plain/c.h5"), &err), GRADUS_ERR_CANTCREATE,
                 &err, "plain/c.h5");
  GR_CHECK_FAILS(gr_checkpoint_write(&c, gr_test_path("nowhere/c.h5"), &err), GRADUS_ERR_CANTCREATE,
                 &err, "nowhere/c.h5");
  gr_checkpoint_free(&c);
}

/* Writes under a file-size limit of `limit` bytes; the limit is lifted again. */
static gradus_status write_limited(const gr_checkpoint *c, const char *path, rlim_t limit,
                                   gradus_error *err) {
  struct rlimit old = {0}, small;
  CU_ASSERT_FATAL(getrlimit(RLIMIT_FSIZE, &old) == 0);
  small = old;
  small.rlim_cur = limit;
  CU_ASSERT_FATAL(setrlimit(RLIMIT_FSIZE, &small) == 0);
  gradus_status status = gr_checkpoint_write(c, path, err);
  CU_ASSERT_FATAL(setrlimit(RLIMIT_FSIZE, &old) == 0);
  return status;
}

static void a_full_disk_leaves_the_old_checkpoint_and_no_rest(void) {
  gr_checkpoint old, new_, read;
  gradus_error err = {0};
  char directory[4400], path[4500];
  snprintf(directory, sizeof directory, "%s", gr_test_path("full"));
  snprintf(path, sizeof path, "%s/c.h5", directory);
  CU_ASSERT_FATAL(mkdir(directory, 0777) == 0);
  void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
  gr_checkpoint_make(1, &old);
  gr_checkpoint_make(2, &new_);
  GR_CHECK_OK(gr_checkpoint_write(&old, path, &err), &err);
  for (rlim_t limit = 0; limit < 60000; limit += 4999) {
    GR_CHECK_FAILS(write_limited(&new_, path, limit, &err), GRADUS_ERR_IO, &err, "c.h5");
    CU_ASSERT_EQUAL(gr_files_in(directory), 1);
  }
  GR_CHECK_OK(gr_checkpoint_read(path, &read, &err), &err);
  CU_ASSERT(same_checkpoint(&old, &read));
  gr_checkpoint_free(&read);
  GR_CHECK_OK(gr_checkpoint_write(&new_, path, &err), &err); /* and HDF5 still works */
  GR_CHECK_OK(gr_checkpoint_read(path, &read, &err), &err);
  CU_ASSERT(same_checkpoint(&new_, &read));
  gr_checkpoint_free(&read);
  gr_checkpoint_free(&old);
  gr_checkpoint_free(&new_);
  signal(SIGXFSZ, handler);
}

/* ---- directories ---- */

static void write_steps(const char *directory, const uint64_t *steps, int n) {
  gradus_error err = {0};
  char path[4500], name[32];
  mkdir(directory, 0777);
  for (int i = 0; i < n; i++) {
    gr_checkpoint c;
    gr_checkpoint_make(steps[i], &c);
    gr_checkpoint_name(steps[i], name);
    snprintf(path, sizeof path, "%s/%s", directory, name);
    GR_CHECK_OK(gr_checkpoint_write(&c, path, &err), &err);
    gr_checkpoint_free(&c);
  }
}

static void flip(const char *directory, const char *name, size_t at) {
  char path[4500];
  snprintf(path, sizeof path, "%s/%s", directory, name);
  gr_bytes_of bytes = gr_file_bytes(path);
  bytes.data[at % bytes.n] ^= 4;
  gr_file_set(path, bytes.data, bytes.n);
  free(bytes.data);
}

struct heard {
  char text[4096];
  int lines;
};

static void listen(void *user, gr_level level, const char *text) {
  struct heard *heard = user;
  size_t used = strlen(heard->text);
  (void)level;
  snprintf(heard->text + used, sizeof heard->text - used, "%s\n", text);
  heard->lines++;
}

static void the_newest_intact_checkpoint_is_found_and_others_explained(void) {
  static const uint64_t steps[] = {5, 900, 30, 1000};
  gradus_error err = {0};
  struct heard heard = {"", 0};
  gr_log log = {listen, &heard};
  gr_checkpoint c;
  char path[4096];
  bool found;
  char directory[4400];
  snprintf(directory, sizeof directory, "%s", gr_test_path("newest"));
  write_steps(directory, steps, 4);
  GR_CHECK_OK(gr_checkpoint_newest(directory, &log, &c, &found, path, &err), &err);
  CU_ASSERT(found && c.state.step == 1000 && heard.lines == 0);
  CU_ASSERT(strstr(path, "/step-000000001000.h5") != NULL);
  gr_checkpoint_free(&c);
  flip(directory, "step-000000001000.h5", 30000);
  flip(directory, "step-000000000900.h5", 3);
  GR_CHECK_OK(gr_checkpoint_newest(directory, &log, &c, &found, path, &err), &err);
  CU_ASSERT(found && c.state.step == 30 && heard.lines == 2);
  CU_ASSERT(strstr(heard.text, "step-000000001000.h5") && strstr(heard.text, "damaged"));
  gr_checkpoint_free(&c);
  flip(directory, "step-000000000030.h5", 0);
  flip(directory, "step-000000000005.h5", 99999999);
  GR_CHECK_FAILS(gr_checkpoint_newest(directory, &log, &c, &found, NULL, &err), GRADUS_ERR_DAMAGED,
                 &err, "step-000000001000.h5");
  CU_ASSERT(!found && strstr(err.message, "--run") && heard.lines == 2);
  GR_CHECK_OK(gr_checkpoint_newest(gr_test_path("not there"), NULL, &c, &found, NULL, &err), &err);
  CU_ASSERT(!found);
}

/* What cannot be read now may be intact: an older one must not be taken for it. */
static void a_checkpoint_that_cannot_be_read_is_not_passed_over(void) {
  static const uint64_t steps[] = {1, 2};
  gradus_error err = {0};
  gr_checkpoint c;
  bool found;
  char directory[4400], path[4500];
  snprintf(directory, sizeof directory, "%s", gr_test_path("unreadable"));
  write_steps(directory, steps, 2);
  snprintf(path, sizeof path, "%s/step-000000000002.h5", directory);
  struct rlimit old = {0}, small;
  int fd = dup(0); /* the lowest free descriptor */
  CU_ASSERT_FATAL(fd >= 0 && close(fd) == 0 && getrlimit(RLIMIT_NOFILE, &old) == 0);
  small = old;
  small.rlim_cur = (rlim_t)fd;
  CU_ASSERT_FATAL(setrlimit(RLIMIT_NOFILE, &small) == 0);
  gradus_status status = gr_checkpoint_newest(directory, NULL, &c, &found, NULL, &err);
  CU_ASSERT_FATAL(setrlimit(RLIMIT_NOFILE, &old) == 0);
  GR_CHECK_FAILS(status, GRADUS_ERR_IO, &err, directory);
  if (geteuid() != 0) { /* to whom nothing is forbidden */
    CU_ASSERT_FATAL(chmod(path, 0) == 0);
    GR_CHECK_FAILS(gr_checkpoint_newest(directory, NULL, &c, &found, NULL, &err),
                   GRADUS_ERR_NOINPUT, &err, path);
    CU_ASSERT_FATAL(chmod(path, 0666) == 0);
  }
  gr_bytes_of bytes = gr_file_bytes(path);
  memset(bytes.data + 4096, 0, bytes.n - 4096);
  gr_file_set(path, bytes.data, bytes.n);
  free(bytes.data);
  GR_CHECK_OK(gr_seal_write(path, path, 2, &err), &err); /* as of a gradus that writes otherwise */
  GR_CHECK_FAILS(gr_checkpoint_newest(directory, NULL, &c, &found, NULL, &err), GRADUS_ERR_DATA,
                 &err, path);
  CU_ASSERT(!found && c.model.parameters == NULL);
}

static void pruning_keeps_the_newest_and_removes_what_is_left_over(void) {
  static const uint64_t steps[] = {1, 2, 3, 4, 5};
  gradus_error err = {0};
  gr_checkpoint c;
  bool found;
  char directory[4400], path[4500];
  snprintf(directory, sizeof directory, "%s", gr_test_path("prune"));
  write_steps(directory, steps, 5);
  snprintf(path, sizeof path, "%s/.tmp-%ld-0-step-000000000006.h5", directory, (long)getpid());
  gr_file_set(path, "half", 4);
  snprintf(path, sizeof path, "%s/.tmp-1-0-another process is writing", directory);
  gr_file_set(path, "half", 4);
  snprintf(path, sizeof path, "%s/best.h5", directory);
  gr_file_set(path, "best", 4);
  gr_checkpoint_prune(directory, 2, NULL);
  CU_ASSERT_EQUAL(gr_files_in(directory), 4);
  GR_CHECK_OK(gr_checkpoint_newest(directory, NULL, &c, &found, NULL, &err), &err);
  CU_ASSERT(found && c.state.step == 5);
  gr_checkpoint_free(&c);
  gr_checkpoint_prune(directory, 0, NULL); /* never the last one */
  CU_ASSERT_EQUAL(gr_files_in(directory), 3);
}

/* After falling back from a damaged step 9 to step 3, step 4 is written: it must not be the one
 * that pruning removes. */
static void pruning_never_removes_what_was_just_written(void) {
  static const uint64_t steps[] = {3, 9}, next[] = {4};
  gradus_error err = {0};
  gr_checkpoint c;
  bool found;
  char directory[4400];
  snprintf(directory, sizeof directory, "%s", gr_test_path("fallback"));
  write_steps(directory, steps, 2);
  flip(directory, "step-000000000009.h5", 20000);
  usleep(20000); /* time stamps of files are as fine as the kernel's clock tick */
  write_steps(directory, next, 1);
  gr_checkpoint_prune(directory, 1, NULL);
  GR_CHECK_OK(gr_checkpoint_newest(directory, NULL, &c, &found, NULL, &err), &err);
  CU_ASSERT(found && c.state.step == 4);
  gr_checkpoint_free(&c);
}

const gr_test gr_checkpoint_tests[] = {
    GR_TEST(a_checkpoint_comes_back_bit_for_bit),
    GR_TEST(a_fresh_run_without_history_best_or_moments_comes_back),
    GR_TEST(equal_checkpoints_are_equal_files),
    GR_TEST(names_are_padded_and_sort),
    GR_TEST(a_place_that_cannot_be_written_is_named),
    GR_TEST(a_full_disk_leaves_the_old_checkpoint_and_no_rest),
    GR_TEST(the_newest_intact_checkpoint_is_found_and_others_explained),
    GR_TEST(a_checkpoint_that_cannot_be_read_is_not_passed_over),
    GR_TEST(pruning_keeps_the_newest_and_removes_what_is_left_over),
    GR_TEST(pruning_never_removes_what_was_just_written),
    GR_TEST_END};
