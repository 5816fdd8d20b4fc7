/* A generated row depends on the seed, its split and its number, never on how many rows are asked
 * for: a larger set begins with the smaller one. All arithmetic is our own or correctly rounded, so
 * the bytes are the same on every machine. */
#include <config.h>

#include "interop/generate.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

#include "base/elementary.h"
#include "base/memory.h"
#include "base/philox.h"
#include "base/text.h"

static const gr_generator generators[] = {
#define GR_GENERATOR(name, help, columns, x, y, train, valid, test, noise, prefix, draw) \
  {name, help, columns, x, y, {train, valid, test}, noise, prefix, draw},
#include "interop/generator.def.h"
#undef GR_GENERATOR
};
enum { N_GENERATORS = sizeof generators / sizeof generators[0] };

const gr_generator *gr_generator_at(size_t index) {
  return index < N_GENERATORS ? &generators[index] : NULL;
}

/* Position `a` of the stream: numbers, bytes and orders of classes of a split never meet. */
enum purpose { NUMBERS, BYTES, ORDER };
static uint64_t place(const gr_sample *s, enum purpose purpose) {
  return (uint64_t)s->split * 4 + purpose;
}

double gr_sample_uniform(const gr_sample *s, unsigned k) {
  return gr_random_uniform(s->seed, GR_STREAM_GENERATE, place(s, NUMBERS), s->row * 64 + k);
}

double gr_sample_normal(const gr_sample *s, unsigned k) {
  return gr_random_normal(s->seed, GR_STREAM_GENERATE, place(s, NUMBERS), s->row * 64 + k);
}

void gr_sample_bytes(const gr_sample *s, unsigned k, uint8_t out[16]) {
  uint32_t words[4];
  gr_random_words(s->seed, GR_STREAM_GENERATE, place(s, BYTES), s->row * 256 + k, words);
  for (unsigned i = 0; i < 16; i++) out[i] = (uint8_t)(words[i / 4] >> 8 * (i % 4));
}

unsigned gr_sample_class(const gr_sample *s, unsigned n_classes) {
  uint64_t block = s->row / n_classes;
  unsigned at = (unsigned)(s->row % n_classes), order[16];
  for (unsigned i = 0; i < n_classes; i++) order[i] = i;
  for (unsigned i = n_classes - 1; i > 0; i--) { /* Fisher and Yates */
    double u = gr_random_uniform(s->seed, GR_STREAM_GENERATE, place(s, ORDER), block * 16 + i);
    unsigned j = (unsigned)(u * (i + 1)), swapped = order[i];
    order[i] = order[j];
    order[j] = swapped;
  }
  return order[at];
}

/* Two arms of 1 3/4 turns, half a turn apart. */
void gr_draw_spirals(const gr_sample *s, void *x, void *y) {
  const double pi = 0x1.921fb54442d18p+1;
  unsigned arm = gr_sample_class(s, 2);
  double radius = 0.05 + 0.95 * sqrt(gr_sample_uniform(s, 0)); /* even along the arm */
  double angle = 3.5 * pi * radius + pi * arm;
  float *point = x;
  point[0] = (float)(radius * gr_cos(angle) + s->noise * gr_sample_normal(s, 1));
  point[1] = (float)(radius * gr_sin(angle) + s->noise * gr_sample_normal(s, 2));
  *(uint8_t *)y = (uint8_t)arm;
}

/* Friedman, "Multivariate adaptive regression splines", Annals of Statistics 19 (1991), section
 * 4.3. */
void gr_draw_friedman1(const gr_sample *s, void *x, void *y) {
  const double pi = 0x1.921fb54442d18p+1;
  float *inputs = x;
  double u[10];
  for (unsigned k = 0; k < 10; k++) {
    inputs[k] = (float)gr_sample_uniform(s, k);
    u[k] = (double)inputs[k];
  }
  double value =
      10 * gr_sin(pi * u[0] * u[1]) + 20 * (u[2] - 0.5) * (u[2] - 0.5) + 10 * u[3] + 5 * u[4];
  *(float *)y = (float)(value + s->noise * gr_sample_normal(s, 10));
}

static gradus_status find(const char *kind, const gr_generator **out, gradus_error *err) {
  const char *names[N_GENERATORS];
  for (size_t i = 0; i < N_GENERATORS; i++) {
    names[i] = generators[i].name;
    if (strcmp(kind, names[i]) == 0) return *out = &generators[i], GRADUS_OK;
  }
  const char *nearest = gr_nearest_word(kind, names, N_GENERATORS);
  gr_text text = {0};
  for (size_t i = 0; i < N_GENERATORS; i++) gr_text_printf(&text, "%s%s", i ? ", " : "", names[i]);
  gradus_status status = gr_fail(err, GRADUS_ERR_USAGE, "no kind '%s'; %s%s", kind,
                                 nearest ? "did you mean " : "expected one of ",
                                 nearest     ? nearest
                                 : text.data ? text.data
                                             : "");
  gr_text_free(&text);
  return status;
}

static gradus_status draw_split(const gr_generator *g, const gr_generate_options *o, unsigned id,
                                double noise, gr_split *split, gradus_error *err) {
  uint64_t n_rows = o->n_rows[id] ? o->n_rows[id] : g->n_rows[id];
  size_t n_values, row_size = g->n_columns * gr_dtype_size(g->x_type),
                   y_size = gr_dtype_size(g->y_type);
  if (n_rows == 0 || n_rows == GR_NO_ROWS) return GRADUS_OK;
  if (n_rows > UINT64_MAX / 256 || !gr_multiply(n_rows, g->n_columns, &n_values))
    return gr_fail_memory(err, "so many rows");
  split->x_type = g->x_type;
  split->y_type = g->y_type;
  split->y_columns = 1;
  split->x = gr_alloc(n_values, gr_dtype_size(g->x_type));
  split->y = gr_alloc(n_rows, y_size);
  if (!split->x || !split->y) return gr_fail_memory(err, "the rows");
  split->n_rows = n_rows;
  gr_sample sample = {.seed = o->seed, .split = id, .noise = noise};
  for (; sample.row < n_rows; sample.row++)
    g->draw(&sample, (char *)split->x + sample.row * row_size,
            (char *)split->y + sample.row * y_size);
  return GRADUS_OK;
}

static gradus_status name_columns(const gr_generator *g, gr_dataset *out, gradus_error *err) {
  if (!g->feature_prefix) return GRADUS_OK;
  out->feature_names = gr_calloc(g->n_columns, sizeof *out->feature_names);
  if (!out->feature_names) return gr_fail_memory(err, "column names");
  for (uint32_t i = 0; i < g->n_columns; i++) {
    gr_text name = {0};
    gr_text_printf(&name, "%s%lu", g->feature_prefix, (unsigned long)i + 1);
    if (name.failed) return gr_fail_memory(err, "column names");
    out->feature_names[i] = name.data;
  }
  return GRADUS_OK;
}

gradus_status gr_generate(const char *kind, const gr_generate_options *options, gr_dataset *out,
                          gradus_error *err) {
  *out = (gr_dataset){0};
  const gr_generator *g = NULL;
  GR_TRY(find(kind, &g, err));
  if (isnan(options->noise) || options->noise > 1e6)
    return gr_fail(err, GRADUS_ERR_USAGE, "noise: expected a number from 0 to 1e6");
  if (options->n_rows[GR_TRAIN] == GR_NO_ROWS)
    return gr_fail(err, GRADUS_ERR_USAGE, "train rows: expected one or more");
  double noise = options->noise < 0 ? g->noise : options->noise;
  gr_dataset dataset = {.layout = "gradus", .n_columns = g->n_columns};
  gradus_status status = name_columns(g, &dataset, err);
  for (unsigned id = 0; id < GR_N_SPLITS && status == GRADUS_OK; id++)
    status = draw_split(g, options, id, noise, &dataset.split[id], err);
  if (status == GRADUS_OK)
    *out = dataset;
  else
    gr_dataset_free(&dataset);
  return status;
}

gradus_status gr_generate_write(const char *kind, const gr_generate_options *options,
                                const char *path, bool overwrite, gradus_error *err) {
  if (!overwrite && access(path, F_OK) == 0)
    return gr_fail(err, GRADUS_ERR_CANTCREATE,
                   "%s: exists already; it is kept unless told to overwrite", path);
  gr_dataset dataset;
  GR_TRY(gr_generate(kind, options, &dataset, err));
  gradus_status status = gr_dataset_write(&dataset, path, overwrite, err);
  gr_dataset_free(&dataset);
  return status;
}
