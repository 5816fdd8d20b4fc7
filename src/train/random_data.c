/* The recipe's widths come first here and the data follow; everything after that (classes, scaling,
 * what auto means) is done to these data as to any others. */
#include <config.h>

#include "train/random_data.h"

#include "base/memory.h"
#include "base/philox.h"
#include "kernel/kinds.h"

enum { FLOATS = 16000000, LEAST_BATCHES = 2, MOST_BATCHES = 64 };

static bool wants_classes(const gr_config *c) {
  const int output = c->network.output_activation;
  if (c->data.task != GR_AUTO) return c->data.task == GR_CLASSIFICATION;
  if (c->training.loss != GR_QUADRATIC) return true;
  return c->network.outputs > 1 && (output == GR_AUTO || output == GR_SIGMOID) &&
         c->network.activation == GR_SIGMOID;
}

/* How many classes the outputs stand for: one output is one of two classes, two are a softmax. */
static uint32_t settle_classes(gr_config *c) {
  const bool one = c->network.outputs == 1;
  c->data.task = GR_CLASSIFICATION;
  if (c->network.output_activation == GR_AUTO && c->training.loss != GR_QUADRATIC)
    c->network.output_activation = one ? GR_SIGMOID : GR_SOFTMAX;
  return one ? 2 : (uint32_t)c->network.outputs;
}

static uint64_t count_rows(const gr_config *c, uint32_t n_classes) {
  const uint64_t batch = c->training.batch_size == GR_AUTO ? 128 : (uint64_t)c->training.batch_size,
                 width = (uint64_t)c->network.inputs + (uint64_t)c->network.outputs,
                 for_classes = (n_classes + batch - 1) / batch;
  uint64_t batches = FLOATS / width / batch;
  if (batches < LEAST_BATCHES) batches = LEAST_BATCHES;
  if (batches > MOST_BATCHES) batches = MOST_BATCHES;
  return batch * (batches > for_classes ? batches : for_classes);
}

static void fill_inputs(float *x, size_t count) {
  uint32_t w[4] = {0};
  for (size_t i = 0; i < count; i++) {
    if (i % 4 == 0) gr_random_words(1, GR_STREAM_GENERATE, 0, i / 4, w);
    x[i] = (float)(w[i % 4] >> 8) * 0x1p-24f;
  }
}

static void fill_classes(const gr_split *split, size_t n_in, uint32_t n_classes) {
  const float *x = split->x;
  int32_t *y = split->y;
  for (size_t r = 0; r < split->n_rows; r++)
    y[r] = (int32_t)(r < n_classes ? (double)r : (double)x[r * n_in] * n_classes);
}

static void fill_targets(const gr_split *split, size_t n_in) {
  const float *x = split->x;
  float *y = split->y;
  for (size_t r = 0; r < split->n_rows; r++)
    for (size_t k = 0; k < split->y_columns; k++)
      y[r * split->y_columns + k] = x[r * n_in + k % n_in];
}

gradus_status gr_random_data(gr_config *config, gr_dataset *out, gradus_error *err) {
  if (config->network.inputs < 1 || config->network.outputs < 1)
    return gr_fail(err, GRADUS_ERR_USAGE,
                   "random data want a recipe with network.inputs and network.outputs");
  config->data.valid_split = 0;
  const size_t n_in = (size_t)config->network.inputs;
  const uint32_t n_classes = wants_classes(config) ? settle_classes(config) : 0;
  gr_split split = {.n_rows = count_rows(config, n_classes),
                    .x_type = GR_F32,
                    .y_type = n_classes ? GR_I32 : GR_F32,
                    .y_columns = n_classes ? 1 : (uint32_t)config->network.outputs};
  size_t count = 0;
  if (gr_multiply(split.n_rows, n_in, &count)) split.x = gr_alloc(count, sizeof(float));
  split.y = gr_alloc(split.n_rows, split.y_columns * sizeof(float)); /* as large as an int32_t */
  if (!split.x || !split.y) {
    gr_free(split.x);
    gr_free(split.y);
    return gr_fail_memory(err, "random data");
  }
  fill_inputs(split.x, count);
  if (n_classes)
    fill_classes(&split, n_in, n_classes);
  else
    fill_targets(&split, n_in);
  *out = (gr_dataset){.layout = "gradus", .n_columns = (uint32_t)n_in, .split[GR_TRAIN] = split};
  return GRADUS_OK;
}
