/* gradus_bench: the trainer's own steps, timed in stretches, beside what the machine can do at
 * most, measured before and after in the same call. Nothing is left out of a step: rows are
 * gathered and converted in the order of their epoch, and weights change. */
#include <config.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/internal.h"
#include "base/clock.h"
#include "base/cpu.h"
#include "base/memory.h"
#include "exec/peak.h"
#include "exec/team.h"
#include "gradus/tool.h"
#include "plan/traffic.h"
#include "train/environment.h"
#include "train/steps.h"

#define STRETCH_SECONDS 200e-6 /* at least: some hundred times what reading the clock costs */
#define WARM_UP_SECONDS 50e-3
#define WARM_UP_AT_MOST 500e-3 /* a step may take longer than that */
#define PEAK_SECONDS 0.1
#define READ_SECONDS 0.1
enum { LEAST_STEPS = 3, LEAST_STRETCHES = 3, MOST_STRETCHES = 50000 };

_Static_assert(GRADUS_BENCH_PHASES == GR_N_PHASES, "phases of tool.h");
_Static_assert(GRADUS_BENCH_LAYERS == GR_MAX_LAYERS + 1, "layers of tool.h");

typedef struct bench {
  gradus_bench_options options;
  gr_config config;
  gr_steps steps;
  gr_isa isa;
  int threads;
  gr_cpu cpu;
  double *stretch; /* seconds for a row, of each stretch */
  size_t n_stretches, most_stretches;
  uint64_t stretch_steps;
} bench;

static void destroy(bench *b) {
  gr_steps_free(&b->steps);
  gr_config_free(&b->config);
  gr_free(b->stretch);
}

/* ---- what is asked ---- */

static gradus_status check(const bench *b, gradus_error *err) {
  const gradus_bench_options *o = &b->options;
  if (!(o->seconds >= 0) || o->seconds > 3600 || o->threads < 0)
    return gr_fail(err, GRADUS_ERR_USAGE, "seconds: from 0 to 3600; threads: not negative");
  if (o->digest && o->steps == 0)
    return gr_fail(err, GRADUS_ERR_USAGE, "a digest wants a number of steps");
  return GRADUS_OK;
}

static gradus_status check_steps(const bench *b, gradus_error *err) {
  if (!b->options.dataset || b->options.steps <= b->steps.total) return GRADUS_OK;
  return gr_fail(err, GRADUS_ERR_USAGE, "%llu steps are asked for, but the recipe has %llu",
                 (unsigned long long)b->options.steps, (unsigned long long)b->steps.total);
}

/* Half-built on failure; destroyed by the caller in any case. */
static gradus_status make(bench *b, const gradus_bench_options *options, gradus_error *err) {
  char reason[96];
  GR_API_NEED(options, "options");
  GR_TRY(gr_api_copy_in(&b->options, sizeof b->options, options, options->struct_size,
                        "gradus_bench_options", err));
  GR_API_NEED(b->options.recipe, "recipe");
  GR_TRY(check(b, err));
  GR_TRY(gr_config_copy(&b->options.recipe->config, &b->config, err));
  gr_team_cpu(&b->cpu);
  b->threads = b->options.threads > 0            ? b->options.threads
               : b->config.resources.threads > 0 ? (int)b->config.resources.threads
                                                 : gr_cpu_threads(&b->cpu, reason, sizeof reason);
  b->config.resources.threads = b->threads;
  const gr_dataset *data = b->options.dataset ? &b->options.dataset->data : NULL;
  GR_TRY(gr_isa_choose(b->config.resources.isa, &b->isa, err));
  GR_TRY(gr_steps_make(&b->config, data, &b->steps, err));
  return check_steps(b, err);
}

/* ---- timing ---- */

static gradus_status time_stretch(bench *b, uint64_t n, double *seconds, uint64_t *rows,
                                  gradus_error *err) {
  const double start = gr_clock_now();
  GR_TRY(gr_steps_take(&b->steps, n, rows, err));
  *seconds = gr_clock_now() - start;
  return GRADUS_OK;
}

/* Touches all memory, lets the engine settle, and finds how many steps make a stretch. */
static gradus_status warm_up(bench *b, double stretch_seconds, gradus_error *err) {
  const double begin = gr_clock_now();
  uint64_t n = 1, rows;
  double seconds, elapsed;
  bool found;
  do {
    GR_TRY(time_stretch(b, n, &seconds, &rows, err));
    found = seconds >= stretch_seconds;
    if (!found) n *= 2;
    elapsed = gr_clock_now() - begin;
  } while (elapsed < WARM_UP_AT_MOST &&
           (!found || elapsed < WARM_UP_SECONDS || b->steps.step < LEAST_STEPS));
  b->stretch_steps = n;
  return GRADUS_OK;
}

static gradus_status add_stretch(bench *b, uint64_t n, gradus_error *err) {
  uint64_t rows;
  double seconds;
  if (b->n_stretches == b->most_stretches) {
    size_t most = b->most_stretches ? 2 * b->most_stretches : 1024;
    double *more = gr_realloc(b->stretch, most, sizeof *more);
    if (!more) return gr_fail_memory(err, "times");
    b->stretch = more;
    b->most_stretches = most;
  }
  GR_TRY(time_stretch(b, n, &seconds, &rows, err));
  b->stretch[b->n_stretches++] = seconds / (double)rows;
  return GRADUS_OK;
}

static gradus_status time_for(bench *b, double seconds, gradus_error *err) {
  const double begin = gr_clock_now();
  do GR_TRY(add_stretch(b, b->stretch_steps, err));
  while (gr_clock_now() - begin < seconds || b->n_stretches < LEAST_STRETCHES);
  return GRADUS_OK;
}

static gradus_status time_from_the_start(bench *b, uint64_t steps, gradus_error *err) {
  GR_TRY(gr_steps_restart(&b->steps, err));
  while (b->steps.step < steps) {
    const uint64_t left = steps - b->steps.step;
    GR_TRY(add_stretch(b, left < b->stretch_steps ? left : b->stretch_steps, err));
  }
  return GRADUS_OK;
}

static double seconds_of(const bench *b) {
  return b->options.seconds > 0 ? b->options.seconds : 1;
}

static gradus_status time_steps(bench *b, gradus_bench_result *out, gradus_error *err) {
  const double fair = seconds_of(b) / MOST_STRETCHES;
  GR_TRY(warm_up(b, fair > STRETCH_SECONDS ? fair : STRETCH_SECONDS, err));
  const uint64_t before = b->options.steps ? 0 : b->steps.step;
  GR_TRY(b->options.steps ? time_from_the_start(b, b->options.steps, err)
                          : time_for(b, seconds_of(b), err));
  out->steps = b->steps.step - before;
  if (b->options.digest) gr_steps_digest(&b->steps, out->digest);
  return GRADUS_OK;
}

/* Steps of their own, after the others: the clock between phases would disturb those. */
static gradus_status time_phases(bench *b, gradus_bench_result *out, gradus_error *err) {
  const double begin = gr_clock_now(), seconds = seconds_of(b) / 4;
  double sum[GR_N_PHASES];
  uint64_t rows, all = 0;
  gr_engine_time_phases(b->steps.engine, true);
  do {
    GR_TRY(gr_steps_take(&b->steps, b->stretch_steps, &rows, err));
    all += rows;
  } while (gr_clock_now() - begin < seconds);
  gr_engine_phases(b->steps.engine, sum);
  gr_engine_time_phases(b->steps.engine, false);
  for (int i = 0; i < GR_N_PHASES; i++)
    out->phase_us[i] = sum[i] * 1e6 / (double)all * (double)out->batch_size;
  return GRADUS_OK;
}

/* ---- what comes out ---- */

static void put_name(char out[16], const char *name) {
  snprintf(out, 16, "%s", name);
}

/* That of all hidden layers. */
static const char *activation_of(const gr_config *c) {
  for (uint32_t i = 1; i < c->network.n_hidden; i++)
    if (gr_config_activation(c, i) != gr_config_activation(c, 0)) return "mixed";
  return gr_activations[gr_config_activation(c, 0)].name;
}

static void describe(const bench *b, gradus_bench_result *out) {
  const gr_config *c = &b->steps.prepared.config;
  const gr_network *network = &b->steps.network;
  out->n_layers = network->n_layers + 1;
  out->layers[0] = network->layer[0].n_in;
  for (uint32_t l = 0; l < network->n_layers; l++) out->layers[l + 1] = network->layer[l].n_out;
  out->batch_size = (uint64_t)c->training.batch_size;
  put_name(out->activation, activation_of(c));
  put_name(out->output_activation, gr_activations[c->network.output_activation].name);
  put_name(out->loss, gr_losses[network->loss].name);
  put_name(out->optimizer, gr_optimizers[c->optimizer.name].name);
  put_name(out->isa, gr_engine_isa(b->steps.engine));
  snprintf(out->cpu, sizeof out->cpu, "%s", b->cpu.model);
  out->threads = b->threads;
  out->ranks = gr_engine_threads(b->steps.engine);
}

static int by_value(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void report_times(bench *b, double peak, gradus_bench_result *out) {
  qsort(b->stretch, b->n_stretches, sizeof(double), by_value);
  const double batch = (double)out->batch_size, row = b->stretch[b->n_stretches / 2];
  out->step_us = row * batch * 1e6;
  out->best_us = b->stretch[0] * batch * 1e6;
  out->samples_per_s = 1 / row;
  out->flops = gr_network_step_flops(&b->steps.network, out->batch_size);
  out->gflops = out->flops / (row * batch) * 1e-9;
  out->peak_gflops = peak;
  out->pct_peak = 100 * out->gflops / peak;
}

static gr_traffic traffic_of(const bench *b) {
  const gr_config *c = &b->steps.prepared.config;
  return gr_traffic_estimate(&b->steps.network, (uint64_t)c->training.batch_size,
                             (gr_optimizer)c->optimizer.name,
                             gr_dtype_size(b->steps.prepared.train.rows.x_type));
}

static gr_memory_level level_of(const bench *b, const gr_traffic *traffic) {
  return gr_traffic_level(traffic->working_set, b->cpu.l2_bytes, b->cpu.l3_bytes);
}

/* A block for each thread that is surely in the level: as large as the working set, but more than
 * the level below holds; for memory four times the last cache. */
static size_t probe_bytes(const bench *b, gr_memory_level level, double working_set) {
  const size_t mib = (size_t)1 << 20, set = (size_t)working_set, n = (size_t)b->threads;
  size_t all = 4 * b->cpu.l3_bytes;
  if (level == GR_LEVEL_L2) return set > 4 * b->cpu.l1d_bytes ? set : 4 * b->cpu.l1d_bytes;
  if (level == GR_LEVEL_L3) return set / n > 2 * b->cpu.l2_bytes ? set / n : 2 * b->cpu.l2_bytes;
  all = all < 256 * mib ? 256 * mib : all > 1024 * mib ? 1024 * mib : all;
  return all / n;
}

static void report_traffic(const bench *b, gradus_bench_result *out) {
  const gr_traffic traffic = traffic_of(b);
  const gr_memory_level level = level_of(b, &traffic);
  out->bytes_moved = traffic.total;
  out->working_set_bytes = traffic.working_set;
  snprintf(out->level, sizeof out->level, "%s", gr_level_names[level]);
  out->bandwidth_gbs = (double)NAN;
  if (!b->options.limits) return;
  const double read =
      gr_peak_read(b->isa, b->threads, probe_bytes(b, level, traffic.working_set), READ_SECONDS);
  if (!(read > 0)) return;
  out->bandwidth_gbs = read;
  put_name(out->limit, gr_traffic_limit(out->step_us * 1e-6, out->flops / out->peak_gflops * 1e-9,
                                        traffic.total / read * 1e-9, level));
}

static gradus_status measure(bench *b, gradus_bench_result *out, gradus_error *err) {
  describe(b, out);
  for (int i = 0; i < GR_N_PHASES; i++) out->phase_us[i] = (double)NAN;
  double peak = gr_peak_gflops(b->isa, b->threads, PEAK_SECONDS);
  GR_TRY(time_steps(b, out, err));
  const double after = gr_peak_gflops(b->isa, b->threads, PEAK_SECONDS);
  if (after > peak) peak = after;
  report_times(b, peak, out);
  report_traffic(b, out);
  return b->options.phases ? time_phases(b, out, err) : GRADUS_OK;
}

static gradus_status bench_in_order(const gradus_bench_options *options, gradus_bench_result *out,
                                    gradus_error *err) {
  bench b = {.threads = 0};
  gradus_bench_result result;
  GR_API_NEED(out, "out");
  GR_TRY(gr_api_copy_in(&result, sizeof result, out, out->struct_size, "gradus_bench_result", err));
  memset(&result, 0, sizeof result);
  gradus_status status = make(&b, options, err);
  if (status == GRADUS_OK) status = measure(&b, &result, err);
  if (status == GRADUS_OK) gr_api_copy_out(out, out->struct_size, &result, sizeof result);
  destroy(&b);
  return status;
}

gradus_status gradus_bench(const gradus_bench_options *options, gradus_bench_result *out,
                           gradus_error *err) {
  const unsigned environment = gr_environment_enter();
  gradus_status status = bench_in_order(options, out, err);
  gr_environment_leave(environment);
  return status;
}

static gradus_status describe_plan(const bench *b, char **out, gradus_error *err) {
  const gr_traffic t = traffic_of(b);
  gr_text text = {0};
  gr_engine_describe(b->steps.engine, &text);
  gr_text_printf(&text, "traffic       %llu bytes a step at least: weights %llu, moments %llu, ",
                 (unsigned long long)t.total, (unsigned long long)t.weights,
                 (unsigned long long)t.moments);
  gr_text_printf(&text, "activations %llu\n", (unsigned long long)t.activations);
  gr_text_printf(&text, "working set   %llu bytes, in %s\n", (unsigned long long)t.working_set,
                 gr_level_names[level_of(b, &t)]);
  return gr_api_give_text(&text, out, err);
}

gradus_status gradus_bench_plan(const gradus_bench_options *options, char **out,
                                gradus_error *err) {
  bench b = {.threads = 0};
  GR_API_NEED(out, "out");
  *out = NULL;
  const unsigned environment = gr_environment_enter();
  gradus_status status = make(&b, options, err);
  if (status == GRADUS_OK) status = describe_plan(&b, out, err);
  destroy(&b);
  gr_environment_leave(environment);
  return status;
}

const char *gradus_bench_phase(size_t index) {
  return index < GR_N_PHASES ? gr_phase_names[index] : NULL;
}
