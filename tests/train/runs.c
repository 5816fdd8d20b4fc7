/* Interrupted runs against an undisturbed one: sessions, and what must be the same of two runs. */
#include <config.h>

#include "train/runs.h"

#include <stdio.h>
#include <string.h>

#include "train/files.h"
#include "train/run_directory.h"

gr_trainer *open_run(const gr_dataset *data, const gr_config *config, const char *path) {
  gr_trainer *trainer = NULL;
  gradus_error err = {0};
  gr_trainer_options options = {.run_directory = path};
  GR_CHECK_OK(gr_trainer_create(config, data, &options, &trainer, &err), &err);
  return trainer;
}

/* One session of at most `steps` steps; then a checkpoint, or none as after a kill. */
void session(const gr_dataset *data, const gr_config *config, const char *path, uint64_t steps,
             bool checkpoint) {
  gradus_error err = {0};
  bool finished;
  gr_trainer *t = open_run(data, config, path);
  if (!t) return;
  GR_CHECK_OK(gr_trainer_advance(t, steps, &finished, &err), &err);
  if (checkpoint) GR_CHECK_OK(gr_trainer_checkpoint(t, NULL, 0, &err), &err);
  gr_trainer_destroy(t);
}

gr_checkpoint final_of(const char *path) {
  char file[GR_RUN_FILE];
  gr_checkpoint c = {0};
  gradus_error err = {0};
  gr_run_file(path, "final.h5", file);
  GR_CHECK_OK(gr_checkpoint_read(file, &c, &err), &err);
  return c;
}

static bool same_floats(const float *a, const float *b, size_t n) {
  if (!a || !b) return a == b;
  return memcmp(a, b, n * sizeof *a) == 0;
}

static bool same_history(const gr_history *a, const gr_history *b) {
  if (a->n_rows != b->n_rows || a->n_metrics != b->n_metrics) return false;
  for (size_t i = 0; i < a->n_rows; i++) {
    const gr_history_row *x = &a->row[i], *y = &b->row[i];
    if (x->step != y->step || x->epoch != y->epoch ||
        memcmp(&x->train_loss, &y->train_loss, sizeof(double)) != 0 ||
        memcmp(&x->valid_loss, &y->valid_loss, sizeof(double)) != 0 ||
        memcmp(x->metric, y->metric, a->n_metrics * sizeof(double)) != 0 ||
        x->learning_rate != y->learning_rate)
      return false;
  }
  return true;
}

void expect_same_file(const char *a, const char *b, const char *name) {
  char path[GR_RUN_FILE];
  gr_text x = {0}, y = {0};
  bool found_x, found_y;
  gradus_error err = {0};
  gr_run_file(a, name, path);
  GR_CHECK_OK(gr_file_read(path, &x, &found_x, &err), &err);
  gr_run_file(b, name, path);
  GR_CHECK_OK(gr_file_read(path, &y, &found_y, &err), &err);
  CU_ASSERT(found_x && found_y && x.length == y.length && x.length > 0);
  CU_ASSERT(x.length == y.length && memcmp(x.data, y.data, x.length) == 0);
  gr_text_free(&x);
  gr_text_free(&y);
}

void expect_same_run(const char *a, const char *b) {
  gr_checkpoint x = final_of(a), y = final_of(b);
  const size_t n = x.model.network.n_parameters;
  CU_ASSERT_EQUAL_FATAL(n, y.model.network.n_parameters);
  CU_ASSERT(same_floats(x.model.parameters, y.model.parameters, n));
  for (uint32_t m = 0; m < x.n_moments; m++) CU_ASSERT(same_floats(x.moment[m], y.moment[m], n));
  CU_ASSERT(same_floats(x.best_parameters, y.best_parameters, n));
  CU_ASSERT(same_history(&x.history, &y.history));
  CU_ASSERT_EQUAL(x.state.best_step, y.state.best_step);
  CU_ASSERT_EQUAL(x.state.epochs_since_best, y.state.epochs_since_best);
  CU_ASSERT_EQUAL(x.state.stopped_early, y.state.stopped_early);
  CU_ASSERT_EQUAL(x.state.samples_seen, y.state.samples_seen);
  expect_same_file(a, b, "metrics.jsonl");
  expect_same_file(a, b, "metrics.csv");
  gr_checkpoint_free(&x);
  gr_checkpoint_free(&y);
}

static uint64_t steps_of(const char *path) {
  gr_checkpoint c = final_of(path);
  uint64_t steps = c.state.step;
  gr_checkpoint_free(&c);
  return steps;
}

/* A name of its own for each cut, kept beyond the ring of gr_test_path. */
void name_run(char out[512], const char *stem, uint64_t number) {
  char name[64];
  snprintf(name, sizeof name, "%s-%llu", stem, (unsigned long long)number);
  snprintf(out, 512, "%s", gr_test_path(name));
}

/* Cuts a run after every step, once with a checkpoint there and once `lost` steps after it. Of more
 * than a dozen steps `make check` takes every fifth, which is in turn every step of an epoch of
 * two, three or four, and the last two. */
static bool is_drawn(uint64_t k, uint64_t steps) {
  return gr_test_all() || steps <= 12 || k % 5 == gr_test_seed() % 5 || k + 2 > steps;
}

void cut_everywhere(const gr_dataset *data, gr_config *config, const char *stem, uint64_t lost) {
  char whole[512], cut[512];
  name_run(whole, stem, 999);
  session(data, config, whole, UINT64_MAX, false);
  const uint64_t steps = steps_of(whole);
  for (uint64_t k = 0; k <= steps; k++) {
    if (!is_drawn(k, steps)) continue;
    name_run(cut, stem, k);
    config->resources.threads = 1 + (int64_t)(k % 3);
    session(data, config, cut, k, true);
    if (lost) session(data, config, cut, lost, false);
    config->resources.threads = 2;
    session(data, config, cut, UINT64_MAX, false);
    expect_same_run(whole, cut);
  }
}
