/* Single keys: what they take, what they refuse, what is said then, and that the manual page says
 * the same. */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/kinds.h"
#include "net/metric.h"
#include "net/schedule.h"
#include "net/strategy.h"
#include "net/suites.h"

/* Valid values of every type, as a user may write them. */
static const char *const good[][8] = {
    [GR_KEY_STRING] = {"", "train/x", "a b\"c\\d", "\xc3\xa9t\xc3\xa9.h5"},
    [GR_KEY_BOOL] = {"true", "false", "yes", "no", "on", "off"},
    [GR_KEY_INTEGER] = {"1", "2", "+3", "64"},
    [GR_KEY_SEED] = {"0", "1", "18446744073709551615"},
    [GR_KEY_REAL] = {"1e-3", "0.1", "0.3333333333333333", "1e-30", "5e-1", ".5"},
    [GR_KEY_CHOICE] = {NULL},
    [GR_KEY_REALS] = {"0.5", "0.1,0.9", "0.1, 0.5 ,0.9", "1e-3"},
    [GR_KEY_SET] = {"none", "f1", "auc,f1", "mcc, auc ,f1", "f1,f1"},
    [GR_KEY_WIDTHS] = {"none", "1", "512,512", "256, 128 ,64", "1048576"},
    [GR_KEY_LAYERS] = {"none", "1", "9,9:residual=1,9:tanh:residual=2:0.5",
                       "256, 128 ,64:residual=0", "1048576", "512:gelu:0.1,256",
                       "9:0.5:tanh, 8:dropout=0", "7:activation=selu:dropout=.25"},
    [GR_KEY_DURATION] = {"0s", "100ms", "60s", "5min", "2h", "1d", "0.1", "1e-7"},
    [GR_KEY_SIZE] = {"1MiB", "1048577", "256MiB", "1.5GiB", "2GB", "1024TiB"}};

static const char *const bad[][8] = {
    [GR_KEY_STRING] = {NULL},
    [GR_KEY_BOOL] = {"", "2", "TRUE ", "banana"},
    [GR_KEY_INTEGER] = {"", "-2", "1.5", "1e3", "12x", " 1", "9223372036854775808",
                        "1000000000001"},
    [GR_KEY_SEED] = {"", "-1", "1.0", "18446744073709551616", "auto", "0x1"},
    [GR_KEY_REAL] = {"", "1e-3x", "0,5", "nan", "inf", "-0.5", "1e31", "1e-3 "},
    [GR_KEY_CHOICE] = {"", "banana", "1"},
    [GR_KEY_REALS] = {"", "0", "0.5,", ",0.5", "0.5 0.6", "1", "-0.5", "nan"},
    [GR_KEY_SET] = {"", "banana", "f1,", ",f1", "f1 mcc", "none,f1", "f"},
    [GR_KEY_WIDTHS] = {"", "0", "5,", ",5", "5 6", "1048577", "-1", "none,5"},
    [GR_KEY_LAYERS] = {"", "0", "5,", "5:", "5 6", "5:gelu:tanh", "5:2", "5:residual=65"},
    [GR_KEY_DURATION] = {"", "-1s", "5 s", "1y", "nan", "400d", "auto", "s"},
    [GR_KEY_SIZE] = {"", "-1", "1XB", "1023KiB", "1025TiB", "MiB"}};

static void reads_back(size_t i, const char *value) {
  gr_config first = default_config(), second = default_config(), fresh = default_config();
  must_set(&first, gr_keys[i].name, value);
  char text[1024];
  snprintf(text, sizeof text, "%s", value_of(&first, i));
  must_set(&second, gr_keys[i].name, text);
  CU_ASSERT(same_values(&first, &second));
  for (size_t k = 0; k < gr_n_keys; k++)
    if (k != i) CU_ASSERT_STRING_EQUAL(value_of(&first, k), value_of(&fresh, k));
  gr_config_free(&first);
  gr_config_free(&second);
  gr_config_free(&fresh);
}

static void every_key_reads_back_what_it_was_set_to(void) {
  for (size_t i = 0; i < gr_n_keys; i++) {
    const gr_key *key = &gr_keys[i];
    for (size_t v = 0; v < 8 && good[key->type][v]; v++) {
      double x = key->minimum; /* some keys take a part of them */
      if (key->type == GR_KEY_REAL)
        (void)gr_parse_double(good[key->type][v], strlen(good[key->type][v]), &x);
      if (x >= key->minimum) reads_back(i, good[key->type][v]);
    }
    for (size_t v = 0; key->choices && key->choices[v]; v++) reads_back(i, key->choices[v]);
    if (key->may_be_auto) reads_back(i, "auto");
    if (key->type != GR_KEY_INTEGER && key->type != GR_KEY_REAL) continue;
    char limit[GR_DOUBLE_TEXT];
    snprintf(limit, sizeof limit, "%.0f", key->maximum); /* whole, or is tried above */
    if (key->type == GR_KEY_INTEGER) reads_back(i, limit);
  }
}

static void values_land_in_their_fields(void) {
  gr_config c = default_config();
  must_set(&c, "network.hidden", "512, 30");
  CU_ASSERT(c.network.n_hidden == 2 && c.network.hidden[0] == 512 && c.network.hidden[1] == 30);
  must_set(&c, "network.hidden", "none");
  CU_ASSERT(c.network.n_hidden == 0 && c.network.hidden[0] == 0);
  must_set(&c, "network.activation", "tanh");
  must_set(&c, "network.dropout", "0.5");
  must_set(&c, "network.hidden", "512:gelu,30:0.25,20:dropout=0:activation=relu,10");
  CU_ASSERT(c.network.n_hidden == 4 && c.network.hidden[1] == 30);
  static const int activations[] = {GR_GELU, GR_TANH, GR_RELU, GR_TANH};
  static const double dropouts[] = {0.5, 0.25, 0, 0.5};
  for (uint32_t i = 0; i < 4; i++)
    CU_ASSERT(gr_config_activation(&c, i) == activations[i] &&
              gr_config_dropout(&c, i) == dropouts[i]);
  must_set(&c, "network.hidden", "512");
  CU_ASSERT_EQUAL(gr_config_activation(&c, 0), GR_TANH);
  must_set(&c, "checkpoint.every", "5min");
  CU_ASSERT_EQUAL(c.checkpoint.every, 300);
  must_set(&c, "resources.memory", "1.5GiB");
  CU_ASSERT_EQUAL(c.resources.memory, 1610612736);
  must_set(&c, "training.loss", "cross-entropy");
  CU_ASSERT_EQUAL(c.training.loss, GR_CROSS_ENTROPY);
  must_set(&c, "training.loss", "auto");
  CU_ASSERT_EQUAL(c.training.loss, GR_AUTO);
  must_set(&c, "resources.strategy", "columns");
  CU_ASSERT_EQUAL(c.resources.strategy, GR_STRATEGY_COLUMNS);
  must_set(&c, "resources.strategy", "auto");
  CU_ASSERT_EQUAL(c.resources.strategy, GR_AUTO);
  must_set(&c, "data.x", "auto");
  CU_ASSERT_PTR_NULL(c.data.x);
  must_set(&c, "optimizer.weight_decay", "-0");
  CU_ASSERT_STRING_EQUAL(value_named(&c, "optimizer.weight_decay"), "0");
  gr_config_free(&c);
}

static void refused(size_t i, const char *value) {
  gr_config config = default_config(), before = default_config();
  gradus_error err;
  char start[128];
  snprintf(start, sizeof start, "run.yaml:3:8: %s: '%s' is not ", gr_keys[i].name, value);
  GR_CHECK_FAILS(gr_config_set(&config, gr_keys[i].name, value, "run.yaml:3:8", &err),
                 GRADUS_ERR_CONFIG, &err, start);
  CU_ASSERT(strncmp(err.message, start, strlen(start)) == 0);
  CU_ASSERT_PTR_NULL(strchr(err.message, '\n'));
  CU_ASSERT(same_values(&config, &before));
  gr_config_free(&config);
  gr_config_free(&before);
}

static void every_bad_value_is_refused_and_changes_nothing(void) {
  for (size_t i = 0; i < gr_n_keys; i++) {
    const gr_key *key = &gr_keys[i];
    for (size_t v = 0; v < 8 && bad[key->type][v]; v++) refused(i, bad[key->type][v]);
    if (!key->may_be_auto && key->type != GR_KEY_STRING) refused(i, "auto");
  }
  gradus_error err;
  gr_config c = default_config();
  GR_CHECK_FAILS(gr_config_set(&c, "training.seed", "1\n2\n", NULL, &err), GRADUS_ERR_CONFIG, &err,
                 "training.seed: '1?2?' is not");
  char many[400] = "1";
  for (int i = 0; i < 64; i++) strcat(many, ",1");
  GR_CHECK_FAILS(gr_config_set(&c, "network.hidden", many, NULL, &err), GRADUS_ERR_CONFIG, &err,
                 "at most 64 layers");
  many[strlen(many) - 2] = '\0';
  GR_CHECK_OK(gr_config_set(&c, "network.hidden", many, NULL, &err), &err);
  gr_config_free(&c);
}

static void a_refusal_names_the_range_or_the_choices(void) {
  static const char *const known[][3] = {
      {"training.epochs", "0", "a whole number from 1 to 1000000000000"},
      {"resources.threads", "0", "a whole number from 1 to 4096, or auto"},
      {"data.valid_split", "1", "a number from 0 to 0.9"},
      {"resources.memory", "5", "a size such as 4096 or 256MiB from 1MiB to 1024TiB, or auto"},
      {"checkpoint.every", "x", "from 0s to 31536000s"},
      {"data.scale", "x", "one of none, unit, or auto"},
      {"resources.strategy", "rows", "is not one of tiles, lanes, columns, grid, or auto"},
      {"resources.pin", "x", "is not true or false"}};
  gr_config c = default_config();
  gradus_error err;
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
    GR_CHECK_FAILS(gr_config_set(&c, known[i][0], known[i][1], "--set", &err), GRADUS_ERR_CONFIG,
                   &err, known[i][2]);
  gr_config_free(&c);
}

static void a_mistyped_choice_names_the_nearest_one(void) {
  gr_config c = default_config();
  gradus_error err;
  for (size_t i = 0; i < gr_n_keys; i++)
    for (size_t v = 0; gr_keys[i].choices && gr_keys[i].choices[v]; v++) {
      char typed[64], said[128];
      snprintf(typed, sizeof typed, "%sx", gr_keys[i].choices[v]);
      snprintf(said, sizeof said, "did you mean '%s'?", gr_keys[i].choices[v]);
      GR_CHECK_FAILS(gr_config_set(&c, gr_keys[i].name, typed, "--set", &err), GRADUS_ERR_CONFIG,
                     &err, said);
    }
  gr_config_free(&c);
}

static void an_unknown_key_names_the_nearest_one(void) {
  static const char *const known[][2] = {
      {"training.batchsize",
       "unknown key 'training.batchsize'; did you mean 'training.batch_size'"},
      {"batch_size", "did you mean 'training.batch_size'"},
      {"batch-size", "did you mean 'training.batch_size'"},
      {"network.batch_size", "did you mean 'training.batch_size'"},
      {"epohcs", "did you mean 'training.epochs'"},
      {"training.patience", "did you mean 'training.early_stopping.patience'"},
      {"trainin", "did you mean 'training'"},
      {"optimizer", "'optimizer' is a section of keys; did you mean 'optimizer.name'"},
      {"network", "'network' is a section of keys, not a key"},
      {"", "unknown key ''; gradus-config(5) lists the keys"},
      {"banana.split.zzzzzzzzzzzz", "gradus-config(5)"}};
  gr_config c = default_config();
  gradus_error err;
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
    GR_CHECK_FAILS(gr_config_set(&c, known[i][0], "1", "--set", &err), GRADUS_ERR_CONFIG, &err,
                   known[i][1]);
  CU_ASSERT(strncmp(err.message, "--set: ", 7) == 0);
  gr_config_free(&c);
}

static void rows_of_the_table_are_complete(void) {
  for (size_t i = 0; i < gr_n_keys; i++) {
    const gr_key *key = &gr_keys[i];
    CU_ASSERT(strlen(key->name) < GR_KEY_NAME && strchr(key->name, '.'));
    CU_ASSERT(strlen(key->help) > 5 && strlen(key->help) < 90 && !strchr(key->help, '\n'));
    CU_ASSERT((key->choices != NULL) == (key->type == GR_KEY_CHOICE || key->type == GR_KEY_SET));
    CU_ASSERT_PTR_EQUAL(gr_key_find(key->name), key);
    CU_ASSERT(!gr_key_is_section(key->name));
    for (size_t k = 0; k < i; k++) {
      CU_ASSERT(strcmp(gr_keys[k].name, key->name) != 0);
      CU_ASSERT(!key->option || !gr_keys[k].option || strcmp(gr_keys[k].option, key->option) != 0);
    }
  }
}

/* The manual page without roff's backslashes. */
static char *read_manual(void) {
  FILE *file = fopen(GR_MAN_DIR "/gradus-config.5", "r");
  CU_ASSERT_PTR_NOT_NULL_FATAL(file);
  enum { SIZE = 1 << 17 };
  char *text = calloc(SIZE, 1);
  CU_ASSERT_PTR_NOT_NULL_FATAL(text);
  size_t n = fread(text, 1, SIZE - 1, file), kept = 0;
  CU_ASSERT(n > 1000 && n < SIZE - 1);
  fclose(file);
  for (size_t i = 0; i < n; i++)
    if (text[i] != '\\') text[kept++] = text[i];
  text[kept] = '\0';
  return text;
}

/* ".It Ic NAME", its option, then up to ".It" or ".El" its default and its choices. */
static void check_entry(const char *page, const gr_config *defaults, size_t i) {
  const gr_key *key = &gr_keys[i];
  char wanted[256], entry[2048];
  snprintf(wanted, sizeof wanted, "\n.It Ic %s\n", key->name);
  const char *start = strstr(page, wanted);
  if (!start) printf("gradus-config.5 lacks an entry for %s\n", key->name);
  CU_ASSERT_PTR_NOT_NULL_FATAL(start);
  start += 1;
  size_t length = (size_t)(strstr(start, "\n.E") - start);
  const char *next = strstr(start, "\n.It");
  if (next && (size_t)(next - start) < length) length = (size_t)(next - start);
  snprintf(entry, sizeof entry, "%.*s\n", (int)length, start);
  snprintf(wanted, sizeof wanted, "\n.Pq Fl -%s\n", key->option ? key->option : "");
  CU_ASSERT((strstr(entry, wanted) != NULL) == (key->option != NULL));
  const char *value = value_of(defaults, i);
  snprintf(wanted, sizeof wanted, "default %s.\n", *value ? value : "empty");
  if (!strstr(entry, wanted)) printf("gradus-config.5: %s: no '%s'\n", key->name, wanted);
  CU_ASSERT_PTR_NOT_NULL(strstr(entry, wanted));
  for (size_t v = 0; key->choices && key->choices[v]; v++)
    CU_ASSERT(strstr(entry, key->choices[v]) || strcmp(key->name, "network.activation") == 0);
}

static void the_manual_page_has_every_key_with_option_choices_and_default(void) {
  char *page = read_manual();
  gr_config defaults = default_config();
  for (size_t i = 0; i < gr_n_keys; i++) check_entry(page, &defaults, i);
  for (size_t i = 0; i < gr_n_presets; i++) {
    char wanted[64];
    snprintf(wanted, sizeof wanted, "\n.It Li %s\n", gr_presets[i].name);
    CU_ASSERT_PTR_NOT_NULL(strstr(page, wanted));
  }
  gr_config_free(&defaults);
  free(page);
}

/* ".Li NAME :" opens the paragraph with formula and source. */
static void expect_paragraph(const char *page, const char *name) {
  char wanted[64];
  snprintf(wanted, sizeof wanted, "\n.Li %s :\n", name);
  if (!strstr(page, wanted)) printf("gradus-config.5 does not explain %s\n", name);
  CU_ASSERT_PTR_NOT_NULL(strstr(page, wanted));
}

static void the_manual_page_explains_every_metric(void) {
  char *page = read_manual(), *section = strstr(page, "\n.Ss Metrics\n");
  CU_ASSERT_PTR_NOT_NULL_FATAL(section);
  for (int m = 0; m < GR_N_METRICS; m++) {
    char wanted[64];
    snprintf(wanted, sizeof wanted, "\n.It Li %s\n", gr_metrics_table[m].name);
    if (!strstr(section, wanted)) printf("gradus-config.5 lacks %s\n", gr_metrics_table[m].name);
    CU_ASSERT_PTR_NOT_NULL(strstr(section, wanted));
  }
  free(page);
}

static void the_manual_page_explains_every_row_of_the_tables(void) {
  char *page = read_manual();
  for (int i = 0; i < GR_N_OPTIMIZERS; i++) expect_paragraph(page, gr_optimizers[i].name);
  for (int i = 0; i < GR_N_SCHEDULES; i++) expect_paragraph(page, gr_schedules[i].name);
  for (int i = 0; i < GR_N_NORMALIZATIONS; i++) expect_paragraph(page, gr_normalizations[i].name);
  free(page);
}

static void a_copy_shares_nothing(void) {
  gr_config a = default_config(), b;
  gradus_error err;
  must_set(&a, "data.x", "old");
  GR_CHECK_OK(gr_config_copy(&a, &b, &err), &err);
  CU_ASSERT(same_values(&a, &b) && a.data.x != b.data.x);
  must_set(&a, "data.x", "new");
  CU_ASSERT_STRING_EQUAL(b.data.x, "old");
  gr_config_free(&a);
  gr_config_free(&b);
  gr_config_free(&b); /* freed ones are zeroed ones */
}

const gr_test config_tests[] = {
    GR_TEST(rows_of_the_table_are_complete),
    GR_TEST(every_key_reads_back_what_it_was_set_to),
    GR_TEST(values_land_in_their_fields),
    GR_TEST(every_bad_value_is_refused_and_changes_nothing),
    GR_TEST(a_refusal_names_the_range_or_the_choices),
    GR_TEST(a_mistyped_choice_names_the_nearest_one),
    GR_TEST(an_unknown_key_names_the_nearest_one),
    GR_TEST(a_copy_shares_nothing),
    GR_TEST(the_manual_page_has_every_key_with_option_choices_and_default),
    GR_TEST(the_manual_page_explains_every_row_of_the_tables),
    GR_TEST(the_manual_page_explains_every_metric),
    GR_TEST_END};
