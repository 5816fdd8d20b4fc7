/* The net layer: the suites, and the few helpers that several of them use. */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "net/suites.h"

gr_config default_config(void) {
  gr_config config;
  gradus_error err;
  GR_CHECK_OK(gr_config_init(&config, &err), &err);
  return config;
}

void must_set(gr_config *config, const char *key, const char *value) {
  gradus_error err;
  GR_CHECK_OK(gr_config_set(config, key, value, "test", &err), &err);
}

const char *value_of(const gr_config *config, size_t i) {
  static char ring[8][1024];
  static unsigned next;
  char *out = ring[next++ % 8];
  gr_text text = {0};
  gr_config_get(config, &gr_keys[i], &text);
  snprintf(out, sizeof ring[0], "%s", text.data ? text.data : "");
  gr_text_free(&text);
  return out;
}

const char *value_named(const gr_config *config, const char *name) {
  const gr_key *key = gr_key_find(name);
  CU_ASSERT_PTR_NOT_NULL_FATAL(key);
  return value_of(config, (size_t)(key - gr_keys));
}

int same_values(const gr_config *a, const gr_config *b) {
  for (size_t i = 0; i < gr_n_keys; i++)
    if (strcmp(value_of(a, i), value_of(b, i)) != 0) return 0;
  return 1;
}

const char *other_value(const gr_config *config, size_t i) {
  static const char *const candidates[][2] = {
      [GR_KEY_STRING] = {"a/b c", "d"},        [GR_KEY_BOOL] = {"true", "false"},
      [GR_KEY_INTEGER] = {"7", "8"},           [GR_KEY_SEED] = {"7", "8"},
      [GR_KEY_REAL] = {"0.25", "0.125"},       [GR_KEY_CHOICE] = {NULL, NULL},
      [GR_KEY_REALS] = {"0.25,0.5", "0.75"},   [GR_KEY_WIDTHS] = {"5,6", "7"},
      [GR_KEY_LAYERS] = {"5:gelu:0.1,6", "7"}, [GR_KEY_DURATION] = {"7s", "8s"},
      [GR_KEY_SET] = {"f1,auc", "none"},       [GR_KEY_SIZE] = {"2MiB", "3MiB"}};
  const gr_key *key = &gr_keys[i];
  static const char *const above_one[] = {"1.25", "1.75"};
  const char *const *from = key->type == GR_KEY_CHOICE ? key->choices
                            : key->type == GR_KEY_REAL && key->minimum > 0.25
                                ? above_one
                                : candidates[key->type];
  return from[strcmp(from[0], value_of(config, i)) == 0];
}

int main(int argc, char **argv) {
  static const gr_suite suites[] = {
      {"config", config_tests},      {"recipe", recipe_tests},
      {"yaml", yaml_tests},          {"network", network_tests},
      {"columns", columns_tests},    {"preprocessing", preprocessing_tests},
      {"schedules", schedule_tests}, {"row order", row_order_tests},
      {"lbfgs", lbfgs_tests},        {NULL, NULL}};
  return gr_test_main(argc, argv, suites);
}
