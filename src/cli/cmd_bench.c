/* gradus bench: times training steps, once for each network and number of threads, beside the
 * machine's own limits measured in the same run. The command line is that of train: a recipe, and
 * DATA to take steps on; without DATA, random data of the widths asked for. */
#include <config.h>

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "cli/bench.h"
#include "cli/number.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/recipe.h"
#include <gradus/gradus.h>
#include <gradus/tool.h>

enum { MOST_THREADS = 64, MOST_SHAPES = 32, LAYER_TEXT = 128 };

typedef struct bench_values {
  const char *layers, *threads, *shapes, *config, *preset;
  double seconds;
  uint64_t steps;
  int table, phases, plan, digest, json;
} bench_values;

const gr_option gr_bench_options[] = {
    {"layers", 0, GR_OPTION_TEXT, offsetof(bench_values, layers), "N,N...",
     "widths, input first [default: 784,512,512,10, or by DATA]"},
    {"threads", 0, GR_OPTION_TEXT, offsetof(bench_values, threads), "N,N...",
     "numbers of threads to time, or auto [default: auto]"},
    {"seconds", 0, GR_OPTION_REAL, offsetof(bench_values, seconds), "X",
     "time to spend on each [default: 2]"},
    {"steps", 0, GR_OPTION_COUNT, offsetof(bench_values, steps), "N",
     "time exactly the first N steps instead"},
    {"digest", 0, GR_OPTION_FLAG, offsetof(bench_values, digest), NULL,
     "print the digest of all weights after --steps"},
    {"table", 0, GR_OPTION_FLAG, offsetof(bench_values, table), NULL,
     "print a Markdown table of the standard shapes, with what limits each"},
    {"shapes", 0, GR_OPTION_TEXT, offsetof(bench_values, shapes), "NAME,...",
     "the shapes of --table: T, N, K, H100, H1024, C, W [default: all]"},
    {"phases", 0, GR_OPTION_FLAG, offsetof(bench_values, phases), NULL,
     "show where the time of a step goes, and what limits it"},
    {"plan", 0, GR_OPTION_FLAG, offsetof(bench_values, plan), NULL,
     "print the plan and the traffic of a step; measure nothing"},
    {"config", 0, GR_OPTION_TEXT, offsetof(bench_values, config), "FILE.yaml",
     "read keys from a YAML file"},
    {"preset", 0, GR_OPTION_TEXT, offsetof(bench_values, preset), "NAME",
     "start from a preset (below)"},
    {"set", 0, GR_OPTION_SETTING, 0, "KEY=VALUE", "set any key; may be repeated"},
    {"json", 0, GR_OPTION_FLAG, offsetof(bench_values, json), NULL,
     "print one JSON object a line for each shape and number of threads"},
    GR_OPTION_END};

/* One invocation; recipe and dataset may be NULL. */
typedef struct benchmark {
  bench_values values;
  gr_parsed parsed;
  gradus_recipe *recipe;
  gradus_dataset *dataset;
  const gr_bench_shape *shape[MOST_SHAPES]; /* n_shapes of them; one NULL: the recipe's own */
  size_t n_shapes;
  int threads[MOST_THREADS]; /* n_threads of them; 0: by the recipe */
  size_t n_threads;
  gr_bench_view view;
  int any; /* a result was printed */
} benchmark;

/* ---- lists ---- */

/* The next item of a comma-separated list; 0 at its end or where it is too long. */
static int next_item(const char **list, char *item, size_t size) {
  size_t n = strcspn(*list, ",");
  if (n == 0 || n >= size) return 0;
  memcpy(item, *list, n);
  item[n] = '\0';
  *list += n + ((*list)[n] == ',');
  return 1;
}

/* True where the list was read to its end and does not stop at a comma. */
static int is_whole(const char *list, const char *rest) {
  return !*rest && *list && list[strlen(list) - 1] != ',';
}

static gradus_status refuse_threads(const char *text, gradus_error *err) {
  return gr_cli_fail(err, GRADUS_ERR_USAGE,
                     "bench: --threads: '%s' is not auto or a list of numbers such as 1,2", text);
}

static gradus_status read_threads(benchmark *b, gradus_error *err) {
  const char *text = b->values.threads ? b->values.threads : "auto", *rest = text;
  char item[32];
  while (b->n_threads < MOST_THREADS && next_item(&rest, item, sizeof item))
    if (!gr_number_threads(item, &b->threads[b->n_threads++])) return refuse_threads(text, err);
  return is_whole(text, rest) ? GRADUS_OK : refuse_threads(text, err);
}

static gradus_status read_shapes(benchmark *b, gradus_error *err) {
  const char *text = b->values.shapes, *rest = text;
  char item[32];
  for (const gr_bench_shape *shape = gr_bench_shapes; !text && shape->name; shape++)
    b->shape[b->n_shapes++] = shape;
  while (text && b->n_shapes < MOST_SHAPES && next_item(&rest, item, sizeof item)) {
    gradus_status status = gr_bench_shape_find(item, &b->shape[b->n_shapes++], err);
    if (status != GRADUS_OK) return status;
  }
  if (!text || is_whole(text, rest)) return GRADUS_OK;
  return gr_cli_fail(err, GRADUS_ERR_USAGE,
                     "bench: --shapes: '%s' is not a list of shapes such as K,N", text);
}

/* ---- the recipe ---- */

static gradus_status set_keys(gradus_recipe *recipe, const char *const (*keys)[2], size_t n,
                              gradus_error *err) {
  gradus_status status = GRADUS_OK;
  for (size_t i = 0; i < n && status == GRADUS_OK; i++)
    status = gradus_recipe_set(recipe, keys[i][0], keys[i][1], err);
  return status;
}

/* Two widths or more, and nothing else. */
static int are_widths(const char *text) {
  const char *rest = text;
  char item[LAYER_TEXT];
  uint64_t width;
  size_t n = 0;
  for (; next_item(&rest, item, sizeof item); n++) {
    if (n > 0 && *rest) item[strcspn(item, ":")] = '\0'; /* a hidden layer may say more */
    if (!gr_number_count(item, &width) || width == 0) return 0;
  }
  return is_whole(text, rest) && n >= 2 && n <= GRADUS_BENCH_LAYERS;
}

/* --layers as network.inputs, network.hidden and network.outputs. */
static gradus_status set_layers(gradus_recipe *recipe, const char *text, gradus_error *err) {
  char inputs[32], outputs[32], hidden[LAYER_TEXT * GRADUS_BENCH_LAYERS] = "none";
  if (!are_widths(text))
    return gr_cli_fail(err, GRADUS_ERR_USAGE,
                       "bench: --layers: '%s' is not a list of 2 to %d widths such as 784,512,10",
                       text, GRADUS_BENCH_LAYERS);
  const char *first = strchr(text, ','), *last = strrchr(text, ',');
  snprintf(inputs, sizeof inputs, "%.*s", (int)(first - text), text);
  snprintf(outputs, sizeof outputs, "%s", last + 1);
  if (last > first) snprintf(hidden, sizeof hidden, "%.*s", (int)(last - first - 1), first + 1);
  const char *const keys[][2] = {
      {"network.inputs", inputs}, {"network.hidden", hidden}, {"network.outputs", outputs}};
  gradus_status status = set_keys(recipe, keys, 3, err);
  if (status != GRADUS_OK) gr_cli_prefix(err, "--layers");
  return status;
}

/* Where nothing says otherwise: plain gradient descent, which has the least to do beside the
 * products. */
static gradus_status set_defaults(benchmark *b, gradus_error *err) {
  static const char *const keys[][2] = {{"network.hidden", "512,512"}, {"optimizer.name", "sgd"}};
  if (b->parsed.n_arguments > 0 || b->values.preset || b->values.config) return GRADUS_OK;
  return set_keys(b->recipe, keys, 2, err);
}

/* Random data have the widths that the recipe names. */
static gradus_status set_widths(benchmark *b, gradus_error *err) {
  static const char *const widths[][2] = {{"network.inputs", "784"}, {"network.outputs", "10"}};
  char value[64];
  for (size_t i = 0; i < 2 && !b->dataset; i++) {
    gradus_status status = gr_recipe_text_of(b->recipe, widths[i][0], value, sizeof value, err);
    if (status == GRADUS_OK && strcmp(value, "auto") == 0)
      status = gradus_recipe_set(b->recipe, widths[i][0], widths[i][1], err);
    if (status != GRADUS_OK) return status;
  }
  return GRADUS_OK;
}

static gradus_status set_shape(benchmark *b, const gr_bench_shape *shape, gradus_error *err) {
  if (!shape) return GRADUS_OK;
  const char *const keys[][2] = {
      {"network.inputs", shape->inputs},     {"network.hidden", shape->hidden},
      {"network.outputs", shape->outputs},   {"network.activation", shape->activation},
      {"network.output_activation", "auto"}, {"training.batch_size", shape->batch_size},
      {"training.loss", shape->loss},        {"data.task", "auto"}};
  return set_keys(b->recipe, keys, sizeof keys / sizeof keys[0], err);
}

/* Refuses keys that another option says too: those of a shape, and widths beside --layers. */
static gradus_status take_key(const char *option, const char *key, const char *value, void *user,
                              gradus_error *err) {
  static const char *const of_shapes[] = {"training.batch_size", "training.loss", "data.task"};
  benchmark *b = user;
  int is_network = strncmp(key, "network.", 8) == 0 && strcmp(key, "network.initialization") != 0;
  int is_shapes = is_network;
  for (size_t i = 0; i < 3; i++) is_shapes |= strcmp(key, of_shapes[i]) == 0;
  if (b->values.table && is_shapes)
    return gr_cli_fail(err, GRADUS_ERR_USAGE,
                       "bench: the shapes of --table have a %s of their own; leave out %s", key,
                       option);
  const int is_widths = strcmp(key, "network.hidden") == 0 || strcmp(key, "network.inputs") == 0 ||
                        strcmp(key, "network.outputs") == 0;
  if (b->values.layers && is_widths)
    return gr_cli_fail(err, GRADUS_ERR_USAGE, "bench: --layers and %s both say %s", option, key);
  return gr_recipe_take_key(option, key, value, b->recipe, err);
}

/* Defaults, preset, file, --layers, command line; the file is opened once. */
static gradus_status build_recipe(benchmark *b, const gr_command *command, int argc, char **argv,
                                  gradus_error *err) {
  const bench_values *v = &b->values;
  gradus_status status = gradus_recipe_create(v->preset, &b->recipe, err);
  if (status == GRADUS_OK) status = set_defaults(b, err);
  if (status == GRADUS_OK && v->config) status = gradus_recipe_read(b->recipe, v->config, err);
  if (status == GRADUS_OK && v->layers) status = set_layers(b->recipe, v->layers, err);
  if (status == GRADUS_OK)
    status = gr_options_parse(command, argc, argv, NULL, take_key, b, &b->parsed, err);
  if (status == GRADUS_OK && b->parsed.n_arguments > 0)
    status = gr_recipe_open_data(b->recipe, b->parsed.arguments[0], &b->dataset, err);
  return status == GRADUS_OK ? set_widths(b, err) : status;
}

/* ---- measuring ---- */

static gradus_status print_one(benchmark *b, const gr_bench_shape *shape, int threads,
                               gradus_error *err) {
  const gradus_bench_options options = {.struct_size = sizeof options,
                                        .recipe = b->recipe,
                                        .dataset = b->dataset,
                                        .threads = threads,
                                        .seconds = b->values.seconds,
                                        .steps = b->values.steps,
                                        .digest = b->values.digest,
                                        .phases = b->values.phases,
                                        .limits = b->values.table || b->values.phases};
  const char *name = shape ? shape->name : NULL;
  if (b->values.plan) {
    char *plan = NULL;
    gradus_status status = gradus_bench_plan(&options, &plan, err);
    if (status == GRADUS_OK) gr_bench_put_plan(&b->view, name, threads, plan);
    gradus_text_free(plan);
    return status;
  }
  gradus_bench_result result = {.struct_size = sizeof result};
  gradus_status status = gradus_bench(&options, &result, err);
  if (status != GRADUS_OK) return status;
  if (!b->any++) gr_bench_put_head(&b->view, &result);
  gr_bench_put(&b->view, name, &result);
  return status;
}

static gradus_status print_all(benchmark *b, gradus_error *err) {
  gradus_status status = GRADUS_OK;
  for (size_t s = 0; s < b->n_shapes && status == GRADUS_OK; s++) {
    status = set_shape(b, b->shape[s], err);
    for (size_t t = 0; t < b->n_threads && status == GRADUS_OK; t++) {
      status = print_one(b, b->shape[s], b->threads[t], err);
      if (status == GRADUS_OK) status = gr_cli_flush(err);
    }
  }
  return status;
}

static gradus_status check_values(const benchmark *b, gradus_error *err) {
  const bench_values *v = &b->values;
  if (!(v->seconds > 0) || v->seconds > 3600)
    return gr_cli_fail(err, GRADUS_ERR_USAGE,
                       "bench: --seconds must be more than 0 and at most 3600");
  if (v->digest && v->steps == 0)
    return gr_cli_fail(err, GRADUS_ERR_USAGE,
                       "bench: --digest wants --steps: weights after some time are never the same");
  if (v->table && (v->layers || b->parsed.n_arguments > 0))
    return gr_cli_fail(err, GRADUS_ERR_USAGE,
                       "bench: --table and --shapes time the standard shapes; leave out %s",
                       v->layers ? "--layers" : "DATA");
  return GRADUS_OK;
}

static gradus_status bench(benchmark *b, const gr_command *command, int argc, char **argv,
                           gradus_error *err) {
  bench_values *v = &b->values;
  gradus_status status = gr_options_parse(command, argc, argv, v, NULL, NULL, &b->parsed, err);
  if (status != GRADUS_OK) return status;
  v->table |= v->shapes != NULL;
  b->view = (gr_bench_view){v->json, v->table, v->phases, v->digest};
  status = check_values(b, err);
  if (status == GRADUS_OK) status = read_threads(b, err);
  if (status == GRADUS_OK && v->table) status = read_shapes(b, err);
  if (status == GRADUS_OK && !v->table) b->n_shapes = 1;
  if (status == GRADUS_OK) status = build_recipe(b, command, argc, argv, err);
  return status == GRADUS_OK ? print_all(b, err) : status;
}

gradus_status gr_command_bench(const gr_command *command, int argc, char **argv,
                               gradus_error *err) {
  benchmark b = {.values = {.seconds = 2}};
  gradus_status status = bench(&b, command, argc, argv, err);
  gradus_dataset_close(b.dataset);
  gradus_recipe_destroy(b.recipe);
  return status;
}
