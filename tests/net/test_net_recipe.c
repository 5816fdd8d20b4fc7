/* The configuration as a whole: presets, which values go together, the canonical recipe with its
 * digest and comparison of recipes. */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "net/digest.h"
#include "kernel/kinds.h"
#include "net/suites.h"

static void the_default_preset_sets_every_key(void) {
  const char *const *setting = gr_presets[0].settings;
  CU_ASSERT_STRING_EQUAL(gr_presets[0].name, "default");
  for (size_t i = 0; i < gr_n_keys; i++, setting++) {
    size_t length = strlen(gr_keys[i].name);
    CU_ASSERT_PTR_NOT_NULL_FATAL(*setting);
    CU_ASSERT(strncmp(*setting, gr_keys[i].name, length) == 0 && (*setting)[length] == '=');
  }
  CU_ASSERT_PTR_NULL(*setting);
}

static void presets_change_what_they_are_about(void) {
  gr_config c = default_config(), fresh = default_config();
  gradus_error err;
  must_set(&c, "training.seed", "42");
  GR_CHECK_OK(gr_config_preset(&c, "textbook", &err), &err);
  CU_ASSERT(c.training.seed == 42 && c.network.n_hidden == 1 && c.network.hidden[0] == 30);
  CU_ASSERT(c.network.activation == GR_SIGMOID && c.network.output_activation == GR_SIGMOID);
  CU_ASSERT(c.training.loss == GR_QUADRATIC && c.optimizer.name == GR_SGD);
  CU_ASSERT(c.optimizer.learning_rate == 3 && c.training.batch_size == 10);
  CU_ASSERT(c.training.epochs == 30 && c.network.initialization == GR_INIT_NORMAL);
  CU_ASSERT(c.data.valid_split == 0);
  GR_CHECK_OK(gr_config_validate(&c, &err), &err);
  GR_CHECK_OK(gr_config_preset(&c, "default", &err), &err);
  CU_ASSERT(same_values(&c, &fresh));
  GR_CHECK_FAILS(gr_config_preset(&c, "texbook", &err), GRADUS_ERR_CONFIG, &err,
                 "unknown preset 'texbook'; did you mean 'textbook'?");
  gr_config_free(&c);
  gr_config_free(&fresh);
}

/* Settings, and what is said of them; NULL: they are valid. */
typedef struct combination {
  const char *settings[4][2];
  const char *says;
} combination;

static void check_combinations(const combination *cases, size_t n) {
  for (size_t i = 0; i < n; i++) {
    gr_config c = default_config();
    gradus_error err;
    for (size_t k = 0; k < 4 && cases[i].settings[k][0]; k++)
      must_set(&c, cases[i].settings[k][0], cases[i].settings[k][1]);
    if (c.training.batch_size == GR_AUTO) c.training.batch_size = 128;
    if (cases[i].says)
      GR_CHECK_FAILS(gr_config_validate(&c, &err), GRADUS_ERR_CONFIG, &err, cases[i].says);
    else
      GR_CHECK_OK(gr_config_validate(&c, &err), &err);
    gr_config_free(&c);
  }
}

static void values_that_do_not_go_together_are_refused(void) {
  static const combination cases[] = {
      {{{NULL}}, NULL},
      {{{"network.activation", "softmax"}}, "network.activation: softmax is for the output layer"},
      {{{"network.activation", "softmax"}, {"network.hidden", "none"}}, NULL},
      {{{"network.activation", "softmax"}, {"network.hidden", "5:relu"}}, NULL},
      {{{"network.hidden", "5,6:softmax"}}, "network.hidden: layer 2: softmax is for the output"},
      {{{"network.output_activation", "softmax"}}, NULL},
      {{{"network.output_activation", "softmax"}, {"training.loss", "cross-entropy"}}, NULL},
      {{{"network.output_activation", "softmax"}, {"training.loss", "quadratic"}},
       "network.output_activation: softmax goes with training.loss cross-entropy, not quadratic"},
      {{{"network.output_activation", "softmax"}, {"data.task", "regression"}},
       "softmax is for data.task classification"},
      {{{"network.output_activation", "softmax"}, {"network.outputs", "1"}},
       "softmax of one output is always 1"},
      {{{"training.loss", "cross-entropy"}, {"network.output_activation", "sigmoid"}}, NULL},
      {{{"training.loss", "cross-entropy"},
        {"network.output_activation", "sigmoid"},
        {"network.outputs", "1"}},
       NULL},
      {{{"training.loss", "cross-entropy"},
        {"network.output_activation", "sigmoid"},
        {"network.outputs", "3"}},
       "wants one of network.outputs, not 3"},
      {{{"training.loss", "cross-entropy"}, {"network.output_activation", "tanh"}},
       "training.loss: cross-entropy wants network.output_activation softmax, or sigmoid with one "
       "output, not tanh"},
      {{{"training.loss", "cross-entropy"}, {"data.task", "regression"}},
       "training.loss: cross-entropy is for data.task classification"},
      {{{"schedule.name", "multistep"}}, "multistep wants schedule.milestones"},
      {{{"schedule.name", "multistep"}, {"schedule.milestones", "3,5"}}, NULL},
      {{{"schedule.name", "multistep"}, {"schedule.milestones", "3,3"}},
       "schedule.milestones: 3 comes after 3"},
      {{{"training.lane_rows", "128"}}, NULL},
      {{{"training.lane_rows", "129"}},
       "training.lane_rows: 129 is more than the 128 rows of training.batch_size"},
  };
  check_combinations(cases, sizeof cases / sizeof cases[0]);
  gr_config c = default_config();
  gradus_error err;
  c.network.outputs = GR_MAX_WIDTH + 1;
  GR_CHECK_FAILS(gr_config_validate(&c, &err), GRADUS_ERR_CONFIG, &err, "network.outputs: 1048577");
  gr_config_free(&c);
}

static void rates_and_parametrizations_are_refused_where_they_mean_nothing(void) {
  static const combination cases[] = {
      {{{"network.parametrization", "ntk"}, {"optimizer.name", "adamw"}}, NULL},
      {{{"network.parametrization", "ntk"}, {"optimizer.name", "lamb"}},
       "network.parametrization: ntk is not defined for optimizer.name lamb"},
      {{{"optimizer.bias_rate", "0.1"}, {"optimizer.name", "lamb"}}, NULL},
      {{{"optimizer.bias_rate", "0.1"}, {"optimizer.name", "rprop"}},
       "optimizer.bias_rate: does not go with optimizer.name rprop"},
      {{{"schedule.weight_decay", "cosine"}, {"optimizer.name", "rprop"}},
       "schedule.weight_decay: does not go with optimizer.name rprop"},
      {{{"network.activation_form", "parametric"}}, NULL},
      {{{"network.activation_form", "parametric"}, {"optimizer.name", "rprop"}},
       "network.activation_form: parametric does not go with optimizer.name rprop"},
      {{{"network.activation_form", "parametric"}, {"network.hidden", "5,6:layer-norm"}},
       "network.activation_form: layer 2 is parametric and normalised"},
      {{{"network.normalization", "layer-norm"}, {"network.hidden", "5:parametric:none"}}, NULL},
  };
  check_combinations(cases, sizeof cases / sizeof cases[0]);
}

/* Recipes of released versions must keep their text and digest: runs are found by it. */
static const char default_recipe[] =
    "data:\n"
    "  valid_split: 0.1\n"
    "  scale: auto\n"
    "  standardize: auto\n"
    "  task: auto\n"
    "  target_transform: none\n"
    "  standardize_target: true\n"
    "  missing: median\n"
    "  max_levels: 64\n"
    "  embedding: auto\n"
    "  embedding_size: 16\n"
    "  embedding_scale: 0.1\n"
    "network:\n"
    "  hidden: [256, 128]\n"
    "  activation: relu\n"
    "  output_activation: auto\n"
    "  initialization: auto\n"
    "  inputs: auto\n"
    "  outputs: auto\n"
    "  dropout: 0\n"
    "  input_dropout: 0\n"
    "  normalization: none\n"
    "  activation_form: fixed\n"
    "  residual: 0\n"
    "  parametrization: standard\n"
    "  scale_inputs: false\n"
    "training:\n"
    "  epochs: auto\n"
    "  steps: 0\n"
    "  samples: 0\n"
    "  batch_size: auto\n"
    "  seed: 1\n"
    "  loss: auto\n"
    "  lane_rows: auto\n"
    "  accumulate: 1\n"
    "  shuffle: auto\n"
    "  shuffle_window: 0\n"
    "  shuffle_block: 0\n"
    "  early_stopping:\n"
    "    patience: 0\n"
    "    min_delta: 0\n"
    "    smoothing: 0\n"
    "    metric: loss\n"
    "    ties: first\n"
    "  label_smoothing: 0\n"
    "  focal_gamma: 2\n"
    "  huber_delta: 1\n"
    "  tweedie_power: 1.5\n"
    "  quantiles: [0.5]\n"
    "  on_nonfinite: halt\n"
    "  nonfinite_limit: 10\n"
    "  class_weight: \"none\"\n"
    "  metrics: none\n"
    "  top_k: 5\n"
    "optimizer:\n"
    "  name: adam\n"
    "  learning_rate: auto\n"
    "  momentum: auto\n"
    "  beta1: auto\n"
    "  beta2: auto\n"
    "  epsilon: auto\n"
    "  weight_decay: 0\n"
    "  l1: 0\n"
    "  clip_norm: 0\n"
    "  clip_value: 0\n"
    "  max_norm: 0\n"
    "  bias_rate: 1\n"
    "  first_layer_rate: 1\n"
    "  tolerance: 1e-05\n"
    "  activation_rate: 1\n"
    "  scale_rate: 6\n"
    "schedule:\n"
    "  name: constant\n"
    "  warmup: 0\n"
    "  gamma: auto\n"
    "  floor: 0\n"
    "  every: 10\n"
    "  milestones: none\n"
    "  power: 1\n"
    "  period: 10\n"
    "  period_factor: 1\n"
    "  peak: 0.3\n"
    "  patience: 10\n"
    "  threshold: auto\n"
    "  dropout: constant\n"
    "  weight_decay: constant\n"
    "average:\n"
    "  name: auto\n"
    "  decay: 0.999\n"
    "  start: 10\n";

static void the_canonical_recipe_and_its_digest_stay_as_they_are(void) {
  gr_config c = default_config();
  gr_text text = {0};
  char digest[GR_DIGEST_TEXT], of_text[GR_DIGEST_TEXT];
  gr_config_write(&c, GR_PART_RECIPE, &text);
  CU_ASSERT_STRING_EQUAL(text.data, default_recipe);
  CU_ASSERT_EQUAL(gr_config_digest(&c, digest, NULL), GRADUS_OK);
  gr_digest_bytes(default_recipe, strlen(default_recipe), of_text);
  CU_ASSERT_STRING_EQUAL(digest, of_text);
  gr_digest_bytes("seed: 1\n", 8, of_text);
  CU_ASSERT_STRING_EQUAL(of_text, "d1599ae543c7d4e322fc3b4798ca0ffc");
  gr_text_free(&text);
  gr_config_free(&c);
}

static void the_digest_follows_recipe_keys_and_no_others(void) {
  char before[GR_DIGEST_TEXT], after[GR_DIGEST_TEXT];
  for (size_t i = 0; i < gr_n_keys; i++) {
    gr_config c = default_config();
    CU_ASSERT_EQUAL(gr_config_digest(&c, before, NULL), GRADUS_OK);
    must_set(&c, gr_keys[i].name, other_value(&c, i));
    CU_ASSERT_EQUAL(gr_config_digest(&c, after, NULL), GRADUS_OK);
    CU_ASSERT((strcmp(before, after) != 0) == (gr_keys[i].part == GR_PART_RECIPE));
    gr_config_free(&c);
  }
}

static void the_longest_recipe_has_a_digest(void) {
  gr_config c = default_config();
  char digest[GR_DIGEST_TEXT];
  c.network.n_hidden = GR_MAX_HIDDEN;
  for (int i = 0; i < GR_MAX_HIDDEN; i++) {
    c.network.hidden[i] = GR_MAX_WIDTH;
    c.network.own[i] = (gr_layer_own){.has_activation = true,
                                      .has_dropout = true,
                                      .has_normalization = true,
                                      .has_residual = true,
                                      .residual = GR_MAX_HIDDEN,
                                      .normalization = GR_NORMALIZATION_LAYER,
                                      .activation = GR_HARD_SIGMOID, /* the longest name */
                                      .dropout = -1.2345678901234567e-300};
  }
  for (size_t i = 0; i < gr_n_keys; i++)
    if (gr_keys[i].type == GR_KEY_REAL)
      *(double *)(void *)((char *)&c + gr_keys[i].offset) = -1.2345678901234567e-300;
  CU_ASSERT_EQUAL(gr_config_digest(&c, digest, NULL), GRADUS_OK);
  CU_ASSERT_EQUAL(strlen(digest), 32);
  gr_config_free(&c);
}

static size_t compare(const gr_config *a, const gr_config *b, bool grow, const char *expected) {
  gr_text text = {0};
  size_t n = gr_config_compare(a, b, grow, &text);
  CU_ASSERT_STRING_EQUAL(text.data ? text.data : "", expected);
  gr_text_free(&text);
  return n;
}

static void differences_are_listed_old_to_new(void) {
  gr_config a = default_config(), b = default_config();
  CU_ASSERT_EQUAL(compare(&a, &b, false, ""), 0);
  must_set(&b, "resources.threads", "3");
  must_set(&b, "resources.strategy", "lanes");
  must_set(&b, "checkpoint.keep", "9");
  must_set(&b, "data.x", "elsewhere");
  CU_ASSERT_EQUAL(compare(&a, &b, false, ""), 0);
  must_set(&b, "network.hidden", "none");
  must_set(&b, "optimizer.learning_rate", "0.5");
  CU_ASSERT_EQUAL(compare(&a, &b, false,
                          "network.hidden: 256,128 -> none\n"
                          "optimizer.learning_rate: auto -> 0.5\n"),
                  2);
  gr_config_free(&a);
  gr_config_free(&b);
}

static void epochs_may_grow_where_the_schedule_allows_it(void) {
  gr_config a = default_config(), b = default_config();
  must_set(&a, "training.epochs", "20");
  must_set(&b, "training.epochs", "30");
  CU_ASSERT_EQUAL(compare(&a, &b, true, ""), 0);
  CU_ASSERT_EQUAL(compare(&a, &b, false, "training.epochs: 20 -> 30\n"), 1);
  CU_ASSERT_EQUAL(compare(&b, &a, true, "training.epochs: 30 -> 20\n"), 1);
  must_set(&a, "schedule.name", "cosine");
  must_set(&b, "schedule.name", "cosine");
  CU_ASSERT_EQUAL(compare(&a, &b, true, "training.epochs: 20 -> 30\n"), 1);
  must_set(&a, "schedule.name", "constant");
  must_set(&b, "schedule.name", "constant");
  must_set(&a, "schedule.warmup", "0.1");
  must_set(&b, "schedule.warmup", "0.1");
  CU_ASSERT_EQUAL(compare(&a, &b, true, "training.epochs: 20 -> 30\n"), 1);
  gr_config_free(&a);
  gr_config_free(&b);
}

const gr_test recipe_tests[] = {
    GR_TEST(the_default_preset_sets_every_key),
    GR_TEST(presets_change_what_they_are_about),
    GR_TEST(values_that_do_not_go_together_are_refused),
    GR_TEST(rates_and_parametrizations_are_refused_where_they_mean_nothing),
    GR_TEST(the_canonical_recipe_and_its_digest_stay_as_they_are),
    GR_TEST(the_digest_follows_recipe_keys_and_no_others),
    GR_TEST(the_longest_recipe_has_a_digest),
    GR_TEST(differences_are_listed_old_to_new),
    GR_TEST(epochs_may_grow_where_the_schedule_allows_it),
    GR_TEST_END};
