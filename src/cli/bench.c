/* Columns for a terminal, a table for a document, JSON for programs: the same numbers. */
#include <config.h>

#include "cli/bench.h"

#include <stdio.h>
#include <string.h>

#include "cli/nearest.h"
#include "cli/number.h"
#include "cli/output.h"

/* Textbook-small (T, N), middling (K, H), large (C, W). N is the network of Nielsen 2015, H that of
 * Baldi, Sadowski and Whiteson 2014 (HIGGS), C that of Ciresan et al. 2010. */
const gr_bench_shape gr_bench_shapes[] = {
    {"T", "4", "16", "3", "16", "tanh", "cross-entropy"},
    {"N", "784", "30", "10", "10", "sigmoid", "quadratic"},
    {"K", "784", "512,512", "10", "128", "relu", "cross-entropy"},
    {"H100", "28", "300,300,300,300,300", "1", "100", "tanh", "cross-entropy"},
    {"H1024", "28", "300,300,300,300,300", "1", "1024", "tanh", "cross-entropy"},
    {"C", "784", "2500,2000,1500,1000,500", "10", "256", "tanh", "cross-entropy"},
    {"W", "1024", "4096,4096", "1024", "1024", "relu", "quadratic"},
    {NULL, NULL, NULL, NULL, NULL, NULL, NULL}};

gradus_status gr_bench_shape_find(const char *name, const gr_bench_shape **out, gradus_error *err) {
  gr_nearest nearest = gr_nearest_start(name);
  char all[128] = "";
  for (const gr_bench_shape *shape = gr_bench_shapes; shape->name; shape++) {
    if (strcmp(shape->name, name) == 0) return *out = shape, GRADUS_OK;
    gr_nearest_offer(&nearest, shape->name);
    const size_t n = strlen(all);
    snprintf(all + n, sizeof all - n, "%s%s", n ? ", " : "", shape->name);
  }
  if (nearest.best)
    return gr_cli_fail(err, GRADUS_ERR_USAGE,
                       "bench: --shapes: there is no shape '%s'; did you mean '%s'? (%s)", name,
                       nearest.best, all);
  return gr_cli_fail(err, GRADUS_ERR_USAGE, "bench: --shapes: there is no shape '%s' (%s)", name,
                     all);
}

/* ---- texts of numbers ---- */

static const char *time_text(char out[GR_NUMBER_TEXT], double us) {
  const char *unit = us < 999.5 ? "us" : us < 999.5e3 ? "ms" : "s";
  const double value = us < 999.5 ? us : us < 999.5e3 ? us * 1e-3 : us * 1e-6;
  snprintf(out, GR_NUMBER_TEXT, "%.*f %s", value < 9.995 ? 2 : value < 99.95 ? 1 : 0, value, unit);
  return out;
}

static const char *bytes_text(char out[GR_NUMBER_TEXT], double bytes) {
  char number[GR_NUMBER_TEXT];
  snprintf(out, GR_NUMBER_TEXT, "%.20sB", gr_number_short(number, bytes));
  return out;
}

static const char *gbs_text(char out[GR_NUMBER_TEXT], double gbs) {
  snprintf(out, GR_NUMBER_TEXT, gbs > 0 ? "%.0f" : "-", gbs);
  return out;
}

static const char *layers_text(char out[512], const gradus_bench_result *r, const char *separator) {
  size_t n = 0;
  out[0] = '\0';
  for (size_t i = 0; i < r->n_layers && n < 500; i++)
    n += (size_t)snprintf(out + n, 512 - n, "%s%u", i ? separator : "", r->layers[i]);
  return out;
}

/* The time of a step by its phases. */
static double sum_of_phases(const gradus_bench_result *r) {
  double sum = 0;
  for (size_t i = 0; gradus_bench_phase(i); i++) sum += r->phase_us[i];
  return sum;
}

static const char *percent_text(char out[GR_NUMBER_TEXT], double part, double whole) {
  if (whole > 0)
    snprintf(out, GR_NUMBER_TEXT, "%.1f", 100 * part / whole);
  else
    snprintf(out, GR_NUMBER_TEXT, "-");
  return out;
}

/* ---- JSON ---- */

static const char *text_or_null(const char *text) {
  return *text ? text : NULL;
}

static void put_json_phases(gr_json *json, const gradus_bench_result *r) {
  gr_json_open(json, "phases", '{');
  for (size_t i = 0; gradus_bench_phase(i); i++)
    gr_json_real(json, gradus_bench_phase(i), r->phase_us[i]);
  gr_json_close(json, '}');
}

static void put_json_network(gr_json *json, const gradus_bench_result *r) {
  char layers[512];
  gr_json_text(json, "layers", layers_text(layers, r, ","));
  gr_json_count(json, "batch", r->batch_size);
  gr_json_text(json, "activation", r->activation);
  gr_json_text(json, "output_activation", r->output_activation);
  gr_json_text(json, "loss", r->loss);
  gr_json_text(json, "optimizer", r->optimizer);
}

static void put_json(const gr_bench_view *view, const char *name, const gradus_bench_result *r) {
  gr_json json = {0};
  gr_json_open(&json, NULL, '{');
  if (name) gr_json_text(&json, "shape", name);
  put_json_network(&json, r);
  gr_json_text(&json, "cpu", text_or_null(r->cpu));
  gr_json_text(&json, "isa", r->isa);
  gr_json_count(&json, "threads", (uint64_t)r->threads);
  gr_json_count(&json, "ranks", (uint64_t)r->ranks);
  gr_json_count(&json, "steps", r->steps);
  gr_json_real(&json, "step_us", r->step_us);
  gr_json_real(&json, "best_us", r->best_us);
  gr_json_real(&json, "samples_per_s", r->samples_per_s);
  gr_json_real(&json, "gflops", r->gflops);
  gr_json_real(&json, "peak_gflops", r->peak_gflops);
  gr_json_real(&json, "pct_peak", r->pct_peak);
  gr_json_real(&json, "flops", r->flops);
  gr_json_real(&json, "bytes_moved", r->bytes_moved);
  gr_json_real(&json, "working_set_bytes", r->working_set_bytes);
  gr_json_text(&json, "level", r->level);
  gr_json_real(&json, "bandwidth_gbs", r->bandwidth_gbs);
  gr_json_text(&json, "limit", text_or_null(r->limit));
  if (view->phases) put_json_phases(&json, r);
  if (view->digest) gr_json_text(&json, "digest", r->digest);
  gr_json_close(&json, '}');
  gr_json_end(&json);
}

/* ---- columns ---- */

static void put_columns_head(const gr_bench_view *view, const gradus_bench_result *r) {
  char layers[512];
  printf("%s, batch %llu, %s, %s output, %s, %s\n", layers_text(layers, r, ","),
         (unsigned long long)r->batch_size, r->activation, r->output_activation, r->loss,
         r->optimizer);
  printf("%7s %-8s %10s %10s %10s %9s %9s %6s%s\n", "threads", "isa", "step us", "best us",
         "samples/s", "GFLOP/s", "peak", "% peak", view->digest ? "  digest" : "");
}

static void put_columns(const gr_bench_view *view, const gradus_bench_result *r) {
  char text[GR_NUMBER_TEXT];
  printf("%7d %-8s %10.2f %10.2f %10s %9.2f %9.1f %6.1f%s%s\n", r->threads, r->isa, r->step_us,
         r->best_us, gr_number_short(text, r->samples_per_s), r->gflops, r->peak_gflops,
         r->pct_peak, view->digest ? "  " : "", view->digest ? r->digest : "");
  for (size_t i = 0; view->phases && gradus_bench_phase(i); i++)
    printf("        %-16s %9.2f us %6s %%\n", gradus_bench_phase(i), r->phase_us[i],
           percent_text(text, r->phase_us[i], sum_of_phases(r)));
  if (*r->limit)
    printf("        limited by %s; moves %s from %s at %.0f GB/s\n", r->limit,
           bytes_text(text, r->bytes_moved), r->level, r->bandwidth_gbs);
}

/* ---- Markdown ---- */

static void put_table_head(const gr_bench_view *view, const gradus_bench_result *r) {
  printf("%s, %s, %s. Step times are medians, the fastest stretch beside them.\n\n",
         *r->cpu ? r->cpu : "unknown processor", r->isa, r->optimizer);
  fputs(
      "| shape | threads | step | best | samples/s | GFLOP/s | peak | % of peak | moves | from | "
      "GB/s | limited by |",
      stdout);
  for (size_t i = 0; view->phases && gradus_bench_phase(i); i++)
    printf(" %s %% |", gradus_bench_phase(i));
  fputs(view->digest ? " digest |\n" : "\n", stdout);
  fputs("|---|--:|--:|--:|--:|--:|--:|--:|--:|---|--:|---|", stdout);
  for (size_t i = 0; view->phases && gradus_bench_phase(i); i++) fputs("--:|", stdout);
  fputs(view->digest ? "---|\n" : "\n", stdout);
}

static void put_table_row(const gr_bench_view *view, const char *name,
                          const gradus_bench_result *r) {
  char text[512], other[GR_NUMBER_TEXT];
  printf("| %s%s%s, batch %llu, %s, %s |", name ? name : "", name ? ": " : "",
         layers_text(text, r, "-"), (unsigned long long)r->batch_size, r->activation, r->loss);
  printf(" %d | %s |", r->threads, time_text(text, r->step_us));
  printf(" %s | %s |", time_text(text, r->best_us), gr_number_short(other, r->samples_per_s));
  printf(" %.2f | %.1f | %.1f |", r->gflops, r->peak_gflops, r->pct_peak);
  printf(" %s | %s | %s |", bytes_text(text, r->bytes_moved), r->level,
         gbs_text(other, r->bandwidth_gbs));
  printf(" %s |", *r->limit ? r->limit : "-");
  for (size_t i = 0; view->phases && gradus_bench_phase(i); i++)
    printf(" %s |", percent_text(text, r->phase_us[i], sum_of_phases(r)));
  if (view->digest) printf(" %s |", r->digest);
  putchar('\n');
}

/* ---- what cmd_bench.c calls ---- */

void gr_bench_put_head(const gr_bench_view *view, const gradus_bench_result *result) {
  if (view->json) return;
  if (view->table)
    put_table_head(view, result);
  else
    put_columns_head(view, result);
}

void gr_bench_put(const gr_bench_view *view, const char *name, const gradus_bench_result *result) {
  if (view->json)
    put_json(view, name, result);
  else if (view->table)
    put_table_row(view, name, result);
  else
    put_columns(view, result);
}

void gr_bench_put_plan(const gr_bench_view *view, const char *name, int threads, const char *plan) {
  if (view->json) {
    gr_json json = {0};
    gr_json_open(&json, NULL, '{');
    if (name) gr_json_text(&json, "shape", name);
    if (threads > 0)
      gr_json_count(&json, "threads", (uint64_t)threads);
    else
      gr_json_text(&json, "threads", "auto");
    gr_json_text(&json, "plan", plan);
    gr_json_close(&json, '}');
    gr_json_end(&json);
    return;
  }
  if (name) printf("shape         %s\n", name);
  printf("%s\n", plan);
}
