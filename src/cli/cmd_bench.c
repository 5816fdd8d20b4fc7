/* gradus bench: times training steps for given shapes, once for each number of threads, beside the
 * machine's own limit measured in the same run. */
#include <config.h>

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "cli/number.h"
#include "cli/options.h"
#include "cli/output.h"
#include <gradus/tool.h>

enum { MOST_LAYERS = 66, MOST_THREADS = 64 };

typedef struct bench_values {
  const char *layers, *activation, *loss, *optimizer, *threads, *isa;
  uint64_t batch_size;
  double seconds;
  int json;
} bench_values;

const gr_option gr_bench_options[] = {
    {"layers", 0, GR_OPTION_TEXT, offsetof(bench_values, layers), "N,N...",
     "widths, input first [default: 784,512,512,10]"},
    {"batch-size", 0, GR_OPTION_COUNT, offsetof(bench_values, batch_size), "N",
     "rows per step [default: 128]"},
    {"activation", 0, GR_OPTION_TEXT, offsetof(bench_values, activation), "NAME",
     "of the hidden layers [default: relu]"},
    {"loss", 0, GR_OPTION_TEXT, offsetof(bench_values, loss), "NAME",
     "loss [default: cross-entropy]"},
    {"optimizer", 0, GR_OPTION_TEXT, offsetof(bench_values, optimizer), "NAME",
     "optimizer [default: sgd]"},
    {"threads", 0, GR_OPTION_TEXT, offsetof(bench_values, threads), "N,N...",
     "numbers of threads to time, or auto [default: auto]"},
    {"seconds", 0, GR_OPTION_REAL, offsetof(bench_values, seconds), "X",
     "time to spend on each [default: 2]"},
    {"isa", 0, GR_OPTION_TEXT, offsetof(bench_values, isa), "NAME",
     "auto, generic, avx2 or avx512 [default: auto]"},
    {"json", 0, GR_OPTION_FLAG, offsetof(bench_values, json), NULL,
     "print one JSON object a line for each number of threads"},
    GR_OPTION_END};

/* The next item of a comma-separated list; 0 at its end or where it is too long. */
static int next_item(const char **list, char *item, size_t size) {
  size_t n = strcspn(*list, ",");
  if (n == 0 || n >= size) return 0;
  memcpy(item, *list, n);
  item[n] = '\0';
  *list += n + ((*list)[n] == ',');
  return 1;
}

static gradus_status read_layers(const char *text, uint32_t *layers, size_t *n, gradus_error *err) {
  const char *rest = text;
  char item[32];
  uint64_t width;
  *n = 0;
  while (*n < MOST_LAYERS && next_item(&rest, item, sizeof item) && gr_number_count(item, &width) &&
         width >= 1 && width <= UINT32_MAX)
    layers[(*n)++] = (uint32_t)width;
  if (!*rest && *n >= 2 && text[strlen(text) - 1] != ',') return GRADUS_OK;
  return gr_cli_fail(err, GRADUS_ERR_USAGE,
                     "bench: --layers: '%s' is not a list of 2 to %d widths such as 784,512,10",
                     text, MOST_LAYERS);
}

static gradus_status read_threads(const char *text, int *threads, size_t *n, gradus_error *err) {
  const char *rest = text;
  char item[32];
  *n = 0;
  while (*n < MOST_THREADS && next_item(&rest, item, sizeof item) &&
         gr_number_threads(item, &threads[*n]))
    ++*n;
  if (!*rest && *n >= 1 && text[strlen(text) - 1] != ',') return GRADUS_OK;
  return gr_cli_fail(err, GRADUS_ERR_USAGE,
                     "bench: --threads: '%s' is not auto or a list of numbers such as 1,2", text);
}

static void put_json(const bench_values *values, const gradus_bench_result *result) {
  gr_json json = {0};
  gr_json_open(&json, NULL, '{');
  gr_json_text(&json, "layers", values->layers);
  gr_json_count(&json, "batch", values->batch_size);
  gr_json_text(&json, "activation", values->activation);
  gr_json_text(&json, "output_activation", result->output_activation);
  gr_json_text(&json, "loss", values->loss);
  gr_json_text(&json, "optimizer", values->optimizer);
  gr_json_count(&json, "threads", (uint64_t)result->threads);
  gr_json_text(&json, "isa", result->isa);
  gr_json_real(&json, "step_us", result->step_us);
  gr_json_real(&json, "best_us", result->best_us);
  gr_json_real(&json, "samples_per_s", result->samples_per_s);
  gr_json_real(&json, "gflops", result->gflops);
  gr_json_real(&json, "peak_gflops", result->peak_gflops);
  gr_json_real(&json, "pct_peak", result->pct_peak);
  gr_json_close(&json, '}');
  gr_json_end(&json);
}

static void put_row(const gradus_bench_result *result) {
  char rate[GR_NUMBER_TEXT];
  printf("%7d %-8s %10.1f %10.1f %10s %9.1f %9.1f %6.1f\n", result->threads, result->isa,
         result->step_us, result->best_us, gr_number_short(rate, result->samples_per_s),
         result->gflops, result->peak_gflops, result->pct_peak);
}

static void put_head(const bench_values *values, const char *output_activation) {
  printf("%s, batch %llu, %s, %s output, %s, %s\n", values->layers,
         (unsigned long long)values->batch_size, values->activation, output_activation,
         values->loss, values->optimizer);
  printf("%7s %-8s %10s %10s %10s %9s %9s %6s\n", "threads", "isa", "step us", "best us",
         "samples/s", "GFLOP/s", "peak", "% peak");
}

static gradus_status bench(const bench_values *values, gradus_error *err) {
  uint32_t layers[MOST_LAYERS];
  int threads[MOST_THREADS];
  size_t n_layers, n_threads;
  gradus_status status = read_layers(values->layers, layers, &n_layers, err);
  if (status == GRADUS_OK) status = read_threads(values->threads, threads, &n_threads, err);
  if (status != GRADUS_OK) return status;
  if (values->batch_size < 1 || values->batch_size > UINT32_MAX)
    return gr_cli_fail(err, GRADUS_ERR_USAGE, "bench: --batch-size must be from 1 to %lu",
                       (unsigned long)UINT32_MAX);
  if (!(values->seconds > 0) || values->seconds > 3600)
    return gr_cli_fail(err, GRADUS_ERR_USAGE,
                       "bench: --seconds must be more than 0 and at most 3600");
  gradus_bench_options options = {.struct_size = sizeof options,
                                  .layers = layers,
                                  .n_layers = n_layers,
                                  .batch_size = (uint32_t)values->batch_size,
                                  .activation = values->activation,
                                  .loss = values->loss,
                                  .optimizer = values->optimizer,
                                  .isa = strcmp(values->isa, "auto") == 0 ? NULL : values->isa,
                                  .seconds = values->seconds};
  for (size_t i = 0; i < n_threads; i++) {
    gradus_bench_result result = {.struct_size = sizeof result};
    options.threads = threads[i];
    status = gradus_bench(&options, &result, err);
    if (status != GRADUS_OK) return status;
    if (values->json) {
      put_json(values, &result);
    } else {
      if (i == 0) put_head(values, result.output_activation);
      put_row(&result);
    }
    fflush(stdout);
  }
  return GRADUS_OK;
}

gradus_status gr_command_bench(const gr_command *command, int argc, char **argv,
                               gradus_error *err) {
  bench_values values = {.layers = "784,512,512,10",
                         .activation = "relu",
                         .loss = "cross-entropy",
                         .optimizer = "sgd",
                         .threads = "auto",
                         .isa = "auto",
                         .batch_size = 128,
                         .seconds = 2};
  gr_parsed parsed;
  gradus_status status = gr_options_parse(command, argc, argv, &values, NULL, NULL, &parsed, err);
  return status == GRADUS_OK ? bench(&values, err) : status;
}
