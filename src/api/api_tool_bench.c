/* gradus_bench: training steps on random data, timed in stretches, beside the FMA peak measured
 * before and after in the same call. The step is the trainer's own, with its gathering and
 * conversion of rows; nothing is left out of it. */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/cpu.h"
#include "base/memory.h"
#include "base/philox.h"
#include "exec/engine.h"
#include "exec/peak.h"
#include "gradus/tool.h"
#include "plan/lanes.h"

enum { MAX_STRETCHES = 100000 };

typedef struct bench {
  gr_config config;
  gr_network network;
  gr_engine *engine;
  gr_rows rows;
  float *x, *targets, *parameters;
  int32_t *classes;
  double *shift, *factor, *stretch;
  size_t n_stretches;
} bench;

static void destroy(bench *b) {
  gr_config_free(&b->config);
  gr_engine_destroy(b->engine);
  gr_free(b->x);
  gr_free(b->targets);
  gr_free(b->parameters);
  gr_free(b->classes);
  gr_free(b->shift);
  gr_free(b->factor);
  gr_free(b->stretch);
}

static gradus_status set(bench *b, const char *key, const char *value, gradus_error *err) {
  return value ? gr_config_set(&b->config, key, value, "bench", err) : GRADUS_OK;
}

/* One output under cross-entropy is a sigmoid, several a softmax; under the quadratic loss the
 * textbook's sigmoid or the identity. */
static const char *output_activation(const gradus_bench_options *o, const char *loss) {
  if (strcmp(loss, gr_losses[GR_CROSS_ENTROPY]) == 0)
    return o->layers[o->n_layers - 1] == 1 ? "sigmoid" : "softmax";
  return o->activation && strcmp(o->activation, "sigmoid") == 0 ? "sigmoid" : "identity";
}

static gradus_status configure(bench *b, const gradus_bench_options *o, gradus_error *err) {
  const char *loss = o->loss ? o->loss : gr_losses[GR_CROSS_ENTROPY];
  gr_config *c = &b->config;
  GR_TRY(gr_config_init(c, err));
  GR_TRY(set(b, "network.activation", o->activation, err));
  GR_TRY(set(b, "training.loss", loss, err));
  GR_TRY(set(b, "optimizer.name", o->optimizer ? o->optimizer : "sgd", err));
  GR_TRY(set(b, "network.output_activation", output_activation(o, loss), err));
  GR_TRY(set(b, "resources.isa", o->isa, err));
  c->optimizer.learning_rate = 0.01;
  c->network.n_hidden = (uint32_t)o->n_layers - 2;
  for (size_t i = 1; i + 1 < o->n_layers; i++) c->network.hidden[i - 1] = o->layers[i];
  c->network.inputs = o->layers[0];
  c->network.outputs = o->layers[o->n_layers - 1];
  c->network.initialization =
      gr_activations[c->network.activation].relu_family ? GR_INIT_HE : GR_INIT_GLOROT;
  c->training.batch_size = o->batch_size;
  c->training.lane_rows = (int64_t)gr_lane_rows_auto(o->batch_size);
  return gr_network_make(c, &b->network, err);
}

/* Random inputs whose first column tells the answer, so that the loss can fall; as many batches as
 * 64 MB hold, 2 to 64. */
static gradus_status make_data(bench *b, gradus_error *err) {
  const uint64_t batch = (uint64_t)b->config.training.batch_size;
  const size_t n_in = (size_t)b->config.network.inputs, n_out = (size_t)b->config.network.outputs;
  size_t batches = 16000000 / ((n_in + n_out) * batch + 1);
  batches = batches < 2 ? 2 : batches > 64 ? 64 : batches;
  const size_t rows = batches * batch;
  b->x = gr_alloc(rows, n_in * sizeof(float));
  b->targets = gr_alloc(rows, n_out * sizeof(float));
  b->classes = gr_alloc(rows, sizeof(int32_t));
  b->shift = gr_calloc(n_in, sizeof(double));
  b->factor = gr_alloc(n_in, sizeof(double));
  b->parameters = gr_alloc(b->network.n_parameters, sizeof(float));
  b->stretch = gr_alloc(MAX_STRETCHES, sizeof(double));
  if (!b->x || !b->targets || !b->classes || !b->shift || !b->factor || !b->parameters ||
      !b->stretch)
    return gr_fail_memory(err, "the benchmark's data");
  for (size_t j = 0; j < n_in; j++) b->factor[j] = 1;
  uint32_t w[4] = {0};
  for (size_t i = 0; i < rows * n_in; i++) {
    if (i % 4 == 0) gr_random_words(1, GR_STREAM_TEST, 0, i / 4, w);
    b->x[i] = (float)(w[i % 4] >> 8) * 0x1p-24f;
  }
  for (size_t r = 0; r < rows; r++) {
    const float first = b->x[r * n_in];
    b->classes[r] = (int32_t)((double)first * (n_out == 1 ? 2 : (double)n_out));
    for (size_t k = 0; k < n_out; k++) b->targets[r * n_out + k] = b->x[r * n_in + k % n_in];
  }
  const int classes = b->network.loss == GR_CROSS_ENTROPY;
  b->rows = (gr_rows){.n_rows = rows,
                      .x = b->x,
                      .x_type = GR_F32,
                      .shift = b->shift,
                      .factor = b->factor,
                      .class_index = classes ? b->classes : NULL,
                      .targets = classes ? NULL : b->targets};
  return GRADUS_OK;
}

static int resolve_threads(int wanted) {
  if (wanted > 0) return wanted;
  gr_cpu cpu;
  char reason[128];
  gr_cpu_detect(&cpu);
  return gr_cpu_threads(&cpu, reason, sizeof reason);
}

static gradus_status make_engine(bench *b, int threads, gradus_error *err) {
  const gr_engine_resources resources = {
      .threads = threads, .isa = b->config.resources.isa, .strategy = GR_AUTO};
  GR_TRY(gr_engine_create(&b->network, &b->config, &resources, false, &b->engine, err));
  gr_network_initialize(&b->network, (gr_initialization)b->config.network.initialization, 1,
                        b->parameters);
  gr_engine_load(b->engine, b->parameters, NULL);
  return GRADUS_OK;
}

/* Steps through the batches in order until `seconds` have passed, in stretches of at least 20 ms or
 * one step. */
static void time_steps(bench *b, double seconds) {
  const uint64_t batch = (uint64_t)b->config.training.batch_size, batches = b->rows.n_rows / batch;
  const gr_row_order order = {gr_permutation_identity(b->rows.n_rows), NULL};
  gr_step_result result;
  uint64_t step = 0;
  for (; step < 3; step++)
    gr_engine_step(b->engine, &b->rows, &order, step % batches * batch, batch, step, 0.01, &result);
  const double begin = gr_clock_now();
  do {
    const double start = gr_clock_now();
    uint64_t n = 0;
    double elapsed;
    do {
      gr_engine_step(b->engine, &b->rows, &order, step % batches * batch, batch, step, 0.01,
                     &result);
      step++;
      n++;
      elapsed = gr_clock_now() - start;
    } while (elapsed < 0.02);
    b->stretch[b->n_stretches++] = elapsed / (double)n;
  } while (gr_clock_now() - begin < seconds && b->n_stretches < MAX_STRETCHES);
}

static int by_value(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void report(bench *b, double peak, int threads, gradus_bench_result *out) {
  qsort(b->stretch, b->n_stretches, sizeof(double), by_value);
  const double step = b->stretch[b->n_stretches / 2], batch = (double)b->config.training.batch_size;
  out->step_us = step * 1e6;
  out->best_us = b->stretch[0] * 1e6;
  out->samples_per_s = batch / step;
  out->gflops = gr_network_step_flops(&b->network, (uint64_t)batch) / step * 1e-9;
  out->peak_gflops = peak;
  out->pct_peak = 100 * out->gflops / peak;
  out->threads = threads;
  strncpy(out->isa, gr_engine_isa(b->engine), sizeof out->isa - 1);
  strncpy(out->output_activation,
          gr_activations[b->network.layer[b->network.n_layers - 1].activation].name,
          sizeof out->output_activation - 1);
}

static gradus_status check(const gradus_bench_options *o, const gradus_bench_result *out,
                           gradus_error *err) {
  if (!o || !out || o->struct_size != sizeof *o || out->struct_size != sizeof *out)
    return gr_fail(err, GRADUS_ERR_USAGE,
                   "gradus_bench: options or result missing, or struct_size not set");
  if (!o->layers || o->n_layers < 2 || o->n_layers > GR_MAX_LAYERS + 1)
    return gr_fail(err, GRADUS_ERR_USAGE, "layers: from 2 to %d widths are wanted, got %zu",
                   GR_MAX_LAYERS + 1, o->n_layers);
  for (size_t i = 0; i < o->n_layers; i++)
    if (o->layers[i] == 0 || o->layers[i] > GR_MAX_WIDTH)
      return gr_fail(err, GRADUS_ERR_USAGE, "layers: width %u is not within 1 to %d", o->layers[i],
                     GR_MAX_WIDTH);
  if (o->batch_size == 0) return gr_fail(err, GRADUS_ERR_USAGE, "batch size: at least 1 is wanted");
  return GRADUS_OK;
}

gradus_status gradus_bench(const gradus_bench_options *options, gradus_bench_result *out,
                           gradus_error *err) {
  GR_TRY(check(options, out, err));
  gradus_status status;
  bench b = {0};
  const int threads = resolve_threads(options->threads);
  GR_TRY_ELSE(done, configure(&b, options, err));
  GR_TRY_ELSE(done, make_data(&b, err));
  GR_TRY_ELSE(done, make_engine(&b, threads, err));
  gr_isa isa;
  GR_TRY_ELSE(done, gr_isa_choose(b.config.resources.isa, &isa, err));
  double peak = gr_peak_gflops(isa, threads, 0.1);
  time_steps(&b, options->seconds > 0 ? options->seconds : 1);
  const double after = gr_peak_gflops(isa, threads, 0.1);
  if (after > peak) peak = after;
  report(&b, peak, threads, out);
done:
  destroy(&b);
  return status;
}
