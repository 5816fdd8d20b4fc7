/* Digests written down once, in data/golden: whatever compiler, level of optimisation and machine
 * builds this program, the recipes there must give them. A line that does not is printed as it
 * would have to read. */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "exec_tests.h"

typedef struct golden {
  recipe recipe;
  char parameters[GR_DIGEST_TEXT], outputs[GR_DIGEST_TEXT];
} golden;

static int find_name(const char *value, const char *(*name)(int), int n) {
  for (int i = 0; i < n; i++)
    if (strcmp(value, name(i)) == 0) return i;
  GR_CHECK(0, "unknown name '%s'", value);
  return 0;
}
static const char *activation_name(int i) {
  return gr_activations[i].name;
}
static const char *loss_name(int i) {
  return gr_losses[i].name;
}
static const char *optimizer_name(int i) {
  return gr_optimizers[i].name;
}
static const char *normalization_name(int i) {
  return gr_normalizations[i].name;
}
static const char *type_name(int i) {
  return gr_dtype_name((gr_dtype)i);
}

static double number(const char *value) {
  double x = 0;
  GR_CHECK(gr_parse_double(value, strlen(value), &x), "no number: '%s'", value);
  return x;
}

static void read_widths(recipe *r, char *value) {
  size_t n = 0;
  char *rest = NULL;
  for (char *w = strtok_r(value, ",", &rest); w && n < RECIPE_WIDTHS;
       w = strtok_r(NULL, ",", &rest))
    r->width[n++] = (uint32_t)number(w);
}

static void read_pair(golden *g, const char *key, char *value) {
  recipe *r = &g->recipe;
  if (!strcmp(key, "widths"))
    read_widths(r, value);
  else if (!strcmp(key, "hidden"))
    r->hidden = (gr_activation)find_name(value, activation_name, GR_N_ACTIVATIONS);
  else if (!strcmp(key, "output"))
    r->output = (gr_activation)find_name(value, activation_name, GR_N_ACTIVATIONS);
  else if (!strcmp(key, "loss"))
    r->loss = (gr_loss)find_name(value, loss_name, GR_N_LOSSES);
  else if (!strcmp(key, "optimizer"))
    r->optimizer = (gr_optimizer)find_name(value, optimizer_name, GR_N_OPTIMIZERS);
  else if (!strcmp(key, "type"))
    r->type = (gr_dtype)find_name(value, type_name, GR_N_DTYPES);
  else if (!strcmp(key, "normalization"))
    r->normalization = (gr_normalization)find_name(value, normalization_name, GR_N_NORMALIZATIONS);
  else if (!strcmp(key, "batch"))
    r->batch = (uint64_t)number(value);
  else if (!strcmp(key, "rows"))
    r->rows = (uint64_t)number(value);
  else if (!strcmp(key, "steps"))
    r->steps = (int)number(value);
  else if (!strcmp(key, "rate"))
    r->learning_rate = number(value);
  else if (!strcmp(key, "decay"))
    r->decay = number(value);
  else if (!strcmp(key, "weighted"))
    r->weighted = number(value) != 0;
  else if (!strcmp(key, "parameters"))
    snprintf(g->parameters, sizeof g->parameters, "%s", value);
  else if (!strcmp(key, "outputs"))
    snprintf(g->outputs, sizeof g->outputs, "%s", value);
  else
    GR_CHECK(0, "unknown key '%s'", key);
}

/* A line of key=value pairs; false for comments and blank lines. */
static int read_line(char *line, golden *g) {
  *g = (golden){.recipe = {.type = GR_F32}};
  char *rest = NULL;
  for (char *pair = strtok_r(line, " \n", &rest); pair; pair = strtok_r(NULL, " \n", &rest)) {
    char *equals = strchr(pair, '=');
    if (*pair == '#' || !equals) return 0;
    *equals = 0;
    read_pair(g, pair, equals + 1);
  }
  return g->recipe.steps > 0 && g->recipe.steps <= MAX_STEPS;
}

/* `text` is the line without its digests. */
static void check_line(const golden *g, const char *text) {
  const data d = make_data(&g->recipe, 1); /* not the seed of the run: these are fixed for ever */
  for (int isa = 0; isa < GR_N_ISAS; isa++) {
    if (!gr_isa_available((gr_isa)isa)) continue;
    const outcome got = run_recipe(&g->recipe, &d, (workers){1 + isa, isa, GR_AUTO});
    const int same = !strcmp(got.digest, g->parameters) && !strcmp(got.output_digest, g->outputs);
    GR_CHECK(same, "on %s:\n%s parameters=%s outputs=%s", gr_isa_names[isa], text, got.digest,
             got.output_digest);
  }
  gr_test_release();
}

static void golden_digests_hold(void) {
  const char *source = getenv("GR_SOURCE");
  char path[4300], line[500], copy[500];
  snprintf(path, sizeof path, "%s/data/golden/steps.txt", source ? source : GR_TEST_SOURCE);
  FILE *file = fopen(path, "r");
  CU_ASSERT_PTR_NOT_NULL_FATAL(file);
  int n = 0;
  while (fgets(line, sizeof line, file)) {
    golden g;
    memcpy(copy, line, sizeof copy);
    if (!read_line(copy, &g)) continue;
    char *digests = strstr(line, " parameters=");
    *(digests ? digests : line + strcspn(line, "\n")) = '\0';
    check_line(&g, line);
    n++;
  }
  fclose(file);
  CU_ASSERT(n >= 5);
}

const gr_test golden_tests[] = {GR_TEST(golden_digests_hold), GR_TEST_END};
