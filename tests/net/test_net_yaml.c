/* Configuration files: what they may look like, and where the finger points when they are wrong. */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/philox.h"
#include "net/suites.h"

static gradus_status parse(gr_config *config, const char *text, gradus_error *err) {
  return gr_config_parse(config, text, strlen(text), "f.yaml", err);
}

static void a_file_may_be_written_in_many_ways(void) {
  static const char *const ways[] = {
      "network:\n  hidden: [64, 32]\ntraining:\n  early_stopping:\n    patience: 5\n",
      "network.hidden: 64,32\ntraining.early_stopping.patience: 5\n",
      "{network: {hidden: [64,32]}, training: {early_stopping.patience: 5}}",
      "training: {early_stopping: {patience: '5'}}\nnetwork:\n  hidden:\n  - 64\n  - 32\n",
      "# comment\n---\nnetwork: # here\n  hidden: \"64, 32\"\ntraining.early_stopping:\n"
      "  patience: 5\n...\n",
      "\xef\xbb\xbfnetwork:\r\n  hidden: [64, 32]\r\ntraining:\r\n  early_stopping.patience: 5\r\n",
      "network: {hidden: [64, 32]}\ntraining:\n  early_stopping: {patience: 5}\noptimizer:\n"
      "data: ~\n"};
  for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
    gr_config c = default_config(), wanted = default_config();
    gradus_error err;
    must_set(&wanted, "network.hidden", "64,32");
    must_set(&wanted, "training.early_stopping.patience", "5");
    GR_CHECK_OK(parse(&c, ways[i], &err), &err);
    CU_ASSERT(same_values(&c, &wanted));
    gr_config_free(&c);
    gr_config_free(&wanted);
  }
}

static void layers_may_be_written_in_many_ways_and_read_back(void) {
  static const char *const ways[] = {
      "network: {hidden: [{width: 64, activation: gelu, dropout: 0.1}, 32]}\n",
      "network.hidden:\n- dropout: 0.1\n  activation: gelu\n  width: 64\n- {width: 32}\n",
      "network.hidden: 64:gelu:0.1,32\n", "network.hidden: [\"64:dropout=0.1:gelu\", 32]\n"};
  for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
    gr_config c = default_config(), again = default_config();
    gradus_error err;
    gr_text text = {0};
    GR_CHECK_OK(parse(&c, ways[i], &err), &err);
    CU_ASSERT_STRING_EQUAL(value_named(&c, "network.hidden"), "64:gelu:0.1,32");
    gr_config_write(&c, GR_PART_RECIPE, &text);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(text.data, "  hidden: [{width: 64, activation: gelu, dropout: 0.1}, 32]\n"));
    GR_CHECK_OK(parse(&again, text.data, &err), &err);
    CU_ASSERT(same_values(&c, &again));
    gr_text_free(&text);
    gr_config_free(&c);
    gr_config_free(&again);
  }
}

static void a_file_with_nothing_in_it_changes_nothing(void) {
  static const char *const empty[] = {"", "\n", "# nothing\n", "---\n", "{}", "training:\n", "~"};
  for (size_t i = 0; i < sizeof empty / sizeof empty[0]; i++) {
    gr_config c = default_config(), fresh = default_config();
    gradus_error err;
    GR_CHECK_OK(parse(&c, empty[i], &err), &err);
    CU_ASSERT(same_values(&c, &fresh));
    gr_config_free(&c);
    gr_config_free(&fresh);
  }
  gr_config c = default_config();
  gradus_error err;
  GR_CHECK_OK(parse(&c, "network: {hidden: []}", &err), &err);
  CU_ASSERT_EQUAL(c.network.n_hidden, 0);
  gr_config_free(&c);
}

static void check_mistakes(const char *const (*known)[2], size_t n) {
  for (size_t i = 0; i < n; i++) {
    gr_config c = default_config(), fresh = default_config();
    gradus_error err;
    GR_CHECK_FAILS(parse(&c, known[i][0], &err), GRADUS_ERR_CONFIG, &err, known[i][1]);
    CU_ASSERT(strncmp(err.message, known[i][1], strlen(known[i][1])) == 0);
    CU_ASSERT_PTR_NULL(strchr(err.message, '\n'));
    CU_ASSERT(same_values(&c, &fresh));
    gr_config_free(&c);
    gr_config_free(&fresh);
  }
}

static void mistakes_are_pointed_at(void) {
  static const char *const known[][2] = {
      {"training:\n  epohcs: 5\n",
       "f.yaml:2:3: unknown key 'training.epohcs'; did you mean 'training.epochs'?"},
      {"training:\n  epochs: 1e-3x\n", "f.yaml:2:11: training.epochs: '1e-3x' is not a whole"},
      {"network: {activation: sigmiod}",
       "f.yaml:1:23: network.activation: 'sigmiod' is not one of identity, sigmoid, tanh, relu, "
       "softmax, leaky-relu, elu, selu, gelu, gelu-tanh, silu, mish, softplus, softsign, "
       "hard-sigmoid, hard-tanh, exponential, or auto; did you mean 'sigmoid'?"},
      {"trainin:\n  epochs: 5\n", "f.yaml:1:1: unknown key 'trainin'; did you mean 'training'?"},
      {"banana: 5\n", "f.yaml:1:1: unknown key 'banana'; gradus-config(5) lists the keys"},
      {"training: 5\n", "f.yaml:1:1: 'training' is a section of keys, not a key"},
      {"optimizer: adam\n",
       "f.yaml:1:1: 'optimizer' is a section of keys; did you mean 'optimizer.name'?"},
      {"training:\n  epochs: {a: 1}\n",
       "f.yaml:2:3: training.epochs is a key and takes a value, not keys"},
      {"training:\n  epochs: [1]\n", "f.yaml:2:3: training.epochs takes one value, not a list"},
      {"training: [1]\n", "f.yaml:1:1: training takes one value, not a list"},
      {"training:\n  epochs:\n", "f.yaml:2:3: training.epochs has no value"},
      {"training:\n  epochs: null\n", "f.yaml:2:3: training.epochs has no value"},
      {"training:\n  epochs: 1\n  epochs: 2\n",
       "f.yaml:3:3: key 'training.epochs' is given twice, first in line 2"},
      {"training.epochs: 1\ntraining: {epochs: 2}\n",
       "f.yaml:2:12: key 'training.epochs' is given twice, first in line 1"},
      {"training: {epochs: 1}\ntraining: {seed: 2}\n",
       "f.yaml:2:1: section 'training' is given twice"},
      {"network:\n  hidden: [5, [6]]\n",
       "f.yaml:2:15: expected a layer in this list: a width, or {width: ...}"},
      {"network:\n  hidden: [5, six]\n", "f.yaml:2:11: network.hidden: '5,six' is not none, or"},
      {"- a\n- b\n", "f.yaml:1:1: expected keys and values"},
      {"just words\n", "f.yaml:1:1: expected keys and values"},
      {"training: {epochs: 1}\n---\ntraining: {seed: 2}\n", "f.yaml:2:1: a second document"},
      {"training: &t {epochs: 1}\n", "f.yaml:1:11: anchors (&name) are not supported here"},
      {"training: *t\n", "f.yaml:1:11: aliases (*name) are not supported here"},
      {"training: {epochs: !!int 1}\n", "f.yaml:1:20: tags (!type) are not supported here"},
      {"? [a]\n: 1\n", "f.yaml:1:3: expected the name of a key here"},
      {"<<: 1\n", "f.yaml:1:1: unknown key '<<'"},
      {"data: {file: \"a\\0b\"}\n", "f.yaml:1:14: a zero byte in a value"},
      {"training:\n\tepochs: 1\n", "f.yaml:2:1: not valid YAML: "},
      {"training: {epochs: 1\n", "f.yaml:2:1: not valid YAML: "},
      {"training: \"\n", "f.yaml:2:1: not valid YAML: "},
      {"a: \xff\xfe\n", "f.yaml: not UTF-8 text: "},
      {"\xc3\xa9\xc3\xa9: 1", "f.yaml:1:1: unknown key '\xc3\xa9\xc3\xa9'"},
      {"{data.file: \xc3\xa9\xc3\xa9, training.epochs: x}", "f.yaml:1:34: training.epochs: 'x'"},
  };
  check_mistakes(known, sizeof known / sizeof known[0]);
}

static void mistakes_in_layers_are_pointed_at(void) {
  static const char *const known[][2] = {
      {"network:\n  hidden: [5, {widht: 6}]\n",
       "f.yaml:2:16: a layer has no 'widht'; did you mean 'width'?"},
      {"network:\n  hidden: [{activation: gelu}]\n", "f.yaml:2:12: a layer without a width"},
      {"network:\n  hidden: [{width: 5, width: 6}]\n",
       "f.yaml:2:23: the layer has a width already"},
      {"network:\n  hidden: [{width: 5, dropout: [1]}]\n",
       "f.yaml:2:32: expected one word or number"},
      {"network:\n  hidden: [{width: 5, dropout: '0.1,7'}]\n",
       "f.yaml:2:32: expected one word or number for a layer"},
      {"network:\n  hidden: [{[1]: 5}]\n",
       "f.yaml:2:13: expected width or another property of a layer"},
      {"network:\n  hidden: [{width: 5, activation: gelo}]\n",
       "f.yaml:2:11: network.hidden: '5:activation=gelo' is not none, or at most 64 layers such as "
       "256:gelu:0.1,128, widths from 1 to 1048576; layer 1: 'gelo' is no activation; did you mean "
       "'gelu'?"},
      {"network:\n  hidden: [4, 5:gelo]\n",
       "f.yaml:2:11: network.hidden: '4,5:gelo' is not none, or at most 64 layers such as "
       "256:gelu:0.1,128, widths from 1 to 1048576; layer 2: 'gelo' is no activation, dropout, "
       "normalization or form; "
       "did you mean 'gelu'?"},
      {"network:\n  hidden: [{width: 5, dropout: 2}]\n",
       "f.yaml:2:11: network.hidden: '5:dropout=2' is not none, or at most 64 layers such as "
       "256:gelu:0.1,128, widths from 1 to 1048576; layer 1: '2' is no dropout"},
      {"network: {hidden: 5:gelu:tanh}\n",
       "f.yaml:1:19: network.hidden: '5:gelu:tanh' is not none, or at most 64 layers such as "
       "256:gelu:0.1,128, widths from 1 to 1048576; layer 1: activation is given twice"},
  };
  check_mistakes(known, sizeof known / sizeof known[0]);
}

static void what_came_before_a_mistake_is_not_kept(void) {
  gr_config c = default_config(), fresh = default_config();
  gradus_error err;
  GR_CHECK_FAILS(parse(&c, "training: {epochs: 5, seed: 7}\ndata: {x: here, y: [1]}\n", &err),
                 GRADUS_ERR_CONFIG, &err, "data.y takes one value");
  CU_ASSERT(same_values(&c, &fresh));
  gr_config_free(&c);
  gr_config_free(&fresh);
}

/* Every key set to something else, written by part, read back. */
static void every_key_goes_through_yaml_and_back(void) {
  for (size_t i = 0; i < gr_n_keys; i++) {
    gr_config c = default_config(), back = default_config(), fresh = default_config();
    gradus_error err;
    gr_text text = {0};
    must_set(&c, gr_keys[i].name, other_value(&c, i));
    gr_config_write(&c, gr_keys[i].part, &text);
    GR_CHECK_OK(gr_config_parse(&back, text.data, text.length, "f.yaml", &err), &err);
    CU_ASSERT(same_values(&c, &back));
    CU_ASSERT_STRING_NOT_EQUAL(value_of(&back, i), value_of(&fresh, i));
    gr_text_free(&text);
    gr_config_free(&fresh);
    gr_config_free(&c);
    gr_config_free(&back);
  }
}

static void strings_survive_quoting(void) {
  static const char *const strings[] = {"a: b # c", "\"",        "\\",  "auto ",
                                        "null",     "tab\there", "- x", "caf\xc3\xa9"};
  for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++) {
    gr_config c = default_config(), back = default_config();
    gradus_error err;
    gr_text text = {0};
    must_set(&c, "data.x", strings[i]);
    gr_config_write(&c, GR_PART_RUN, &text);
    GR_CHECK_OK(gr_config_parse(&back, text.data, text.length, "f.yaml", &err), &err);
    CU_ASSERT_STRING_EQUAL(back.data.x, strings[i]);
    gr_text_free(&text);
    gr_config_free(&c);
    gr_config_free(&back);
  }
}

static void write_file(const char *path, const char *text, size_t n) {
  FILE *file = fopen(path, "wb");
  CU_ASSERT_PTR_NOT_NULL_FATAL(file);
  CU_ASSERT_EQUAL(fwrite(text, 1, n, file), n);
  CU_ASSERT_EQUAL(fclose(file), 0);
}

static void files_are_read_or_the_reason_is_given(void) {
  gr_config c = default_config();
  gradus_error err;
  const char *path = gr_test_path("good.yaml");
  write_file(path, "training: {epochs: 7}\n", 22);
  GR_CHECK_OK(gr_config_read(&c, path, &err), &err);
  CU_ASSERT_EQUAL(c.training.epochs, 7);
  write_file(path, "training: {epochs: x}\n", 22);
  char place[5000];
  snprintf(place, sizeof place, "%s:1:20: training.epochs", path);
  GR_CHECK_FAILS(gr_config_read(&c, path, &err), GRADUS_ERR_CONFIG, &err, place);
  GR_CHECK_FAILS(gr_config_read(&c, gr_test_path("none.yaml"), &err), GRADUS_ERR_NOINPUT, &err,
                 "none.yaml': No such file");
  GR_CHECK_FAILS(gr_config_read(&c, gr_test_directory(), &err), GRADUS_ERR_IO, &err, "directory");
  size_t n = (1 << 20) + 1;
  char *large = malloc(n);
  CU_ASSERT_PTR_NOT_NULL_FATAL(large);
  memset(large, '#', n);
  write_file(path, large, n);
  GR_CHECK_FAILS(gr_config_read(&c, path, &err), GRADUS_ERR_CONFIG, &err, "1 MiB");
  write_file(path, large, n - 1);
  GR_CHECK_OK(gr_config_read(&c, path, &err), &err);
  memset(large, '[', n);
  GR_CHECK_FAILS(gr_config_parse(&c, large, n - 1, "deep", &err), GRADUS_ERR_CONFIG, &err, "deep:");
  memset(large, '{', n);
  GR_CHECK_FAILS(gr_config_parse(&c, large, n - 1, "deep", &err), GRADUS_ERR_CONFIG, &err, "deep:");
  free(large);
  gr_config_free(&c);
}

/* Whatever is done to a file, the answer is yes or a message. */
static void damaged_text_never_crashes(void) {
  static const char sample[] =
      "data: {file: a.h5, valid_split: 0.1}\nnetwork:\n  hidden: [256, 128]\n  activation: relu\n"
      "training:\n  early_stopping: {patience: 5}\n  loss: \"cross-entropy\"\n";
  static const char bytes[] = "\0\n\t []{}:,\"'&*!#-?|>%@\\\x80\xff~z9";
  char text[sizeof sample];
  size_t n = strlen(sample), accepted = 0, refused = 0;
  for (uint64_t round = 0; round < 4000; round++) {
    uint32_t w[4];
    gr_random_words(gr_test_seed(), GR_STREAM_TEST, 7, round, w);
    memcpy(text, sample, sizeof sample);
    text[w[0] % n] = bytes[w[1] % (sizeof bytes - 1)];
    if (w[3] % 4 == 0) text[w[2] % n] = bytes[w[3] / 4 % (sizeof bytes - 1)];
    size_t length = w[3] % 3 == 0 ? w[2] % n : n;
    gr_config c = default_config();
    gradus_error err = {.message = ""};
    gradus_status status = gr_config_parse(&c, text, length, "f.yaml", &err);
    accepted += status == GRADUS_OK;
    refused += status == GRADUS_ERR_CONFIG && strncmp(err.message, "f.yaml:", 7) == 0;
    gr_config_free(&c);
  }
  CU_ASSERT_EQUAL(accepted + refused, 4000);
  CU_ASSERT(accepted > 100 && refused > 100);
}

const gr_test yaml_tests[] = {GR_TEST(layers_may_be_written_in_many_ways_and_read_back),
                              GR_TEST(a_file_may_be_written_in_many_ways),
                              GR_TEST(a_file_with_nothing_in_it_changes_nothing),
                              GR_TEST(mistakes_are_pointed_at),
                              GR_TEST(mistakes_in_layers_are_pointed_at),
                              GR_TEST(what_came_before_a_mistake_is_not_kept),
                              GR_TEST(every_key_goes_through_yaml_and_back),
                              GR_TEST(strings_survive_quoting),
                              GR_TEST(files_are_read_or_the_reason_is_given),
                              GR_TEST(damaged_text_never_crashes),
                              GR_TEST_END};
