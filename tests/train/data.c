/* Random numbers come from the test stream, so that GRADUS_TEST_SEED replays a run. */
#include <config.h>

#include "train/data.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/philox.h"
#include "support/test.h"

static double uniform(uint64_t a, uint64_t b) {
  return gr_random_uniform(gr_test_seed(), GR_STREAM_TEST, a, b);
}

static void *must(void *block) {
  if (!block) abort();
  return block;
}

static gr_dataset make(uint64_t n, uint32_t columns, gr_dtype y_type) {
  gr_dataset data = {.n_columns = columns, .layout = "gradus"};
  data.split[GR_TRAIN] = (gr_split){.n_rows = n,
                                    .x_type = GR_F32,
                                    .x = must(gr_calloc(n * columns, sizeof(float))),
                                    .y_type = y_type,
                                    .y_columns = 1,
                                    .y = must(gr_calloc(n, 4))};
  return data;
}

gr_dataset make_spirals(uint64_t n, int n_classes) {
  gr_dataset data = make(n, 2, GR_I32);
  float *x = data.split[GR_TRAIN].x;
  int32_t *y = data.split[GR_TRAIN].y;
  for (uint64_t i = 0; i < n; i++) {
    y[i] = (int32_t)(i % (uint64_t)n_classes);
    double r = uniform(1, i), angle = 4 * r + 6.283 * y[i] / n_classes + 0.2 * uniform(2, i);
    x[2 * i] = (float)(r * cos(angle));
    x[2 * i + 1] = (float)(r * sin(angle));
  }
  CU_ASSERT_EQUAL(gr_dataset_digest(&data, NULL), GRADUS_OK);
  return data;
}

gr_dataset make_regression(uint64_t n) {
  gr_dataset data = make(n, 5, GR_F32);
  float *x = data.split[GR_TRAIN].x, *y = data.split[GR_TRAIN].y;
  for (uint64_t i = 0; i < n; i++) {
    for (uint64_t j = 0; j < 5; j++) x[5 * i + j] = (float)uniform(10 + j, i);
    y[i] = 1000 + 100 * (x[5 * i] * x[5 * i + 1] + x[5 * i + 2] - 2 * x[5 * i + 3]);
  }
  CU_ASSERT_EQUAL(gr_dataset_digest(&data, NULL), GRADUS_OK);
  return data;
}

gr_dataset make_noise(uint64_t n) {
  gr_dataset data = make_spirals(n, 2);
  int32_t *y = data.split[GR_TRAIN].y;
  for (uint64_t i = 0; i < n; i++) y[i] = uniform(3, i) < 0.5;
  CU_ASSERT_EQUAL(gr_dataset_digest(&data, NULL), GRADUS_OK);
  return data;
}

static void *copy(const void *from, size_t bytes) {
  void *block = must(gr_alloc(bytes, 1));
  memcpy(block, from, bytes);
  return block;
}

void copy_rows(gr_dataset *data, gr_split_id to, uint64_t n) {
  const gr_split *train = &data->split[GR_TRAIN];
  gr_split *split = &data->split[to];
  *split = *train;
  split->n_rows = n;
  split->x = copy(train->x, n * data->n_columns * gr_dtype_size(train->x_type));
  split->y = copy(train->y, n * train->y_columns * gr_dtype_size(train->y_type));
  split->weight = NULL;
  CU_ASSERT_EQUAL(gr_dataset_digest(data, NULL), GRADUS_OK);
}

void set_labels(gr_dataset *data, gr_dtype type, uint32_t columns, const void *y) {
  gr_split *train = &data->split[GR_TRAIN];
  gr_free(train->y);
  train->y_type = type;
  train->y_columns = columns;
  train->y = copy(y, train->n_rows * columns * gr_dtype_size(type));
  CU_ASSERT_EQUAL(gr_dataset_digest(data, NULL), GRADUS_OK);
}

gr_config make_config(const char *const *settings) {
  static const char *const ours[] = {"network.hidden=8,8",  "training.batch_size=16",
                                     "training.epochs=3",   "data.valid_split=0.2",
                                     "resources.threads=1", NULL};
  gr_config config;
  gradus_error err = {0};
  GR_CHECK_OK(gr_config_init(&config, &err), &err);
  for (int pass = 0; pass < 2; pass++)
    for (const char *const *s = pass ? settings : ours; *s; s++) {
      char key[64];
      size_t n = strcspn(*s, "=");
      memcpy(key, *s, n);
      key[n] = '\0';
      GR_CHECK_OK(gr_config_set(&config, key, *s + n + 1, "test", &err), &err);
    }
  return config;
}
