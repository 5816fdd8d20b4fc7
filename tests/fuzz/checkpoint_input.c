/* Made by the writer under test, so that it is always of the newest format. */
#include <config.h>

#include "fuzz/checkpoint_input.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "fuzz/fuzz.h"
#include "store/checkpoint.h"

static void configure(gr_config *config, int classification) {
  static const char *const settings[][2] = {{"data.scale", "none"},
                                            {"data.standardize", "zscore"},
                                            {"network.hidden", "3,2"},
                                            {"network.activation", "relu"},
                                            {"network.initialization", "he"},
                                            {"network.inputs", "3"},
                                            {"network.outputs", "3"},
                                            {"training.epochs", "20"},
                                            {"training.batch_size", "32"},
                                            {"training.lane_rows", "16"},
                                            {"training.shuffle", "full"},
                                            {"optimizer.name", "adam"},
                                            {"optimizer.learning_rate", "0.1"}};
  gradus_error err = {0};
  GR_FUZZ_REQUIRE(gr_config_init(config, &err) == GRADUS_OK);
  for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++)
    if (gr_config_set(config, settings[i][0], settings[i][1], "fuzz", &err) != GRADUS_OK)
      gr_fuzz_broken(err.message, __FILE__, __LINE__);
  config->data.task = classification ? GR_CLASSIFICATION : GR_REGRESSION;
  config->network.output_activation = classification ? GR_SOFTMAX : GR_IDENTITY;
  config->network.scale_inputs = classification != 0;
  config->training.loss = classification ? GR_CROSS_ENTROPY : GR_QUADRATIC;
}

static double *make_doubles(size_t n) {
  double *out = gr_alloc(n, sizeof *out);
  GR_FUZZ_REQUIRE(out);
  for (size_t i = 0; i < n; i++) out[i] = (double)(i + 1) / 4;
  return out;
}

static float *make_floats(size_t n) {
  float *out = gr_alloc(n, sizeof *out);
  GR_FUZZ_REQUIRE(out);
  for (size_t i = 0; i < n; i++) out[i] = (float)i / 8;
  return out;
}

static void prepare(gr_preprocessing *p, int classification) {
  p->n_inputs = 3;
  p->shift = make_doubles(3);
  p->factor = make_doubles(3);
  p->task = classification ? GR_CLASSIFICATION : GR_REGRESSION;
  if (!classification) {
    p->n_targets = 3;
    p->target_shift = make_doubles(3);
    p->target_scale = make_doubles(3);
    return;
  }
  p->n_classes = 3;
  p->class_values = make_doubles(3);
  p->class_names = gr_calloc(3, sizeof *p->class_names);
  p->feature_names = gr_calloc(3, sizeof *p->feature_names);
  GR_FUZZ_REQUIRE(p->class_names && p->feature_names);
  for (int i = 0; i < 3; i++) {
    p->class_names[i] = gr_strdup(i ? "some" : "other");
    p->feature_names[i] = gr_strdup("f");
  }
}

static void make(gr_checkpoint *c, int classification) {
  gradus_error err = {0};
  *c = (gr_checkpoint){0};
  configure(&c->model.config, classification);
  GR_FUZZ_REQUIRE(gr_network_make(&c->model.config, &c->model.network, &err) == GRADUS_OK);
  const size_t n = c->model.network.n_parameters;
  prepare(&c->model.preprocessing, classification);
  c->model.parameters = make_floats(n);
  c->n_moments = 2;
  c->moment[0] = make_floats(n);
  c->moment[1] = make_floats(n);
  c->best_parameters = make_floats(n);
  c->state.step = 7;
  c->state.has_best = true;
  c->history.n_metrics = 1;
  snprintf(c->history.metric_names[0], sizeof c->history.metric_names[0], "accuracy");
  for (uint64_t i = 0; i < 3; i++) {
    const gr_history_row row = {.step = i, .epoch = i, .train_loss = 1};
    GR_FUZZ_REQUIRE(gr_history_append(&c->history, &row, &err) == GRADUS_OK);
  }
}

static uint8_t *make_file(int classification, size_t *n) {
  char path[] = "/tmp/gradus-fuzz-XXXXXX";
  gradus_error err = {0};
  gr_checkpoint c;
  int fd = mkstemp(path);
  GR_FUZZ_REQUIRE(fd >= 0 && close(fd) == 0);
  make(&c, classification);
  if (gr_checkpoint_write(&c, path, &err) != GRADUS_OK)
    gr_fuzz_broken(err.message, __FILE__, __LINE__);
  gr_checkpoint_free(&c);
  FILE *file = fopen(path, "rb");
  GR_FUZZ_REQUIRE(file && fseek(file, 0, SEEK_END) == 0);
  *n = (size_t)ftell(file);
  rewind(file);
  uint8_t *bytes = malloc(*n);
  GR_FUZZ_REQUIRE(bytes && fread(bytes, 1, *n, file) == *n);
  fclose(file);
  GR_FUZZ_REQUIRE(unlink(path) == 0);
  return bytes;
}

const uint8_t *gr_fuzz_checkpoint(int classification, size_t *n) {
  static uint8_t *bytes[2];
  static size_t length[2];
  if (!bytes[classification])
    bytes[classification] = make_file(classification, &length[classification]);
  *n = length[classification];
  return bytes[classification];
}
