/* From recipe and data to rows: what auto means, classes, targets, held-out rows, refusals. */
#include <config.h>

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "net/metric.h"
#include "train/classes.h"
#include "train/data.h"
#include "train/prepare.h"
#include "train/resolve.h"
#include "train/test_train.h"

static gr_prepared prepare(const gr_dataset *data, const char *const *settings) {
  gr_config config = make_config(settings);
  gr_prepared p = {0};
  gradus_error err = {0};
  GR_CHECK_OK(gr_prepare(&config, data, &p, &err), &err);
  gr_config_free(&config);
  return p;
}

static void refuse(const gr_dataset *data, const char *const *settings, gradus_status wanted,
                   const char *word) {
  gr_config config = make_config(settings);
  gr_prepared p = {0};
  gradus_error err = {0};
  GR_CHECK_FAILS(gr_prepare(&config, data, &p, &err), wanted, &err, word);
  gr_prepared_free(&p);
  gr_config_free(&config);
}

/* The table of the arithmetic contract. */
static void lanes_follow_the_batch_size(void) {
  static const int64_t table[][2] = {{10, 1},  {95, 1},    {96, 2},     {100, 2},     {128, 2},
                                     {256, 4}, {1024, 16}, {10000, 64}, {1000000, 64}};
  for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
    int64_t batch = table[i][0], lanes = table[i][1];
    CU_ASSERT_EQUAL(gr_resolve_lane_rows(batch), (batch + lanes - 1) / lanes);
  }
}

static void integers_become_classes_with_softmax(void) {
  gr_dataset data = make_spirals(60, 3);
  gr_prepared p = prepare(&data, SETTINGS(NULL));
  CU_ASSERT_EQUAL(p.config.data.task, GR_CLASSIFICATION);
  CU_ASSERT_EQUAL(p.config.training.loss, GR_CROSS_ENTROPY);
  CU_ASSERT_EQUAL(p.config.network.output_activation, GR_SOFTMAX);
  CU_ASSERT_EQUAL(p.config.network.initialization, GR_INIT_HE);
  CU_ASSERT_EQUAL(p.config.data.standardize, GR_STANDARDIZE_ZSCORE);
  CU_ASSERT_EQUAL(p.config.data.scale, GR_SCALE_NONE);
  CU_ASSERT_EQUAL(p.config.training.shuffle, GR_SHUFFLE_FULL);
  CU_ASSERT_EQUAL(p.config.network.inputs, 2);
  CU_ASSERT_EQUAL(p.config.network.outputs, 3);
  CU_ASSERT_PTR_NOT_NULL(strstr(p.notes.data, "data.task: classification (the targets are"));
  gr_prepared_free(&p);
  gr_dataset_free(&data);
}

/* The numbers of RealMLP, by task and form; what is given stays. */
static void what_ntk_wants_follows_the_task(void) {
  gr_dataset classes = make_spirals(60, 3), numbers = make_regression(60);
  const struct {
    const gr_dataset *data;
    const char *form;
    int activation;
    double rate;
  } cases[] = {{&classes, "network.activation_form=fixed", GR_SELU, 0.04},
               {&classes, "network.activation_form=parametric", GR_SELU, 0.04},
               {&numbers, "network.activation_form=fixed", GR_MISH, 0.07},
               {&numbers, "network.activation_form=parametric", GR_MISH, 0.2}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    gr_prepared p = prepare(cases[i].data,
                            SETTINGS("network.parametrization=ntk", "network.activation=auto",
                                     "optimizer.name=adam", "optimizer.learning_rate=auto",
                                     "training.early_stopping.metric=auto", cases[i].form, NULL));
    CU_ASSERT_EQUAL(p.config.network.activation, cases[i].activation);
    CU_ASSERT_EQUAL(p.config.optimizer.learning_rate, cases[i].rate);
    CU_ASSERT_EQUAL(p.config.training.metric, i < 2 ? 1 + GR_METRIC_ACCURACY : 0);
    gr_prepared_free(&p);
  }
  gr_prepared p = prepare(&numbers, SETTINGS("network.activation=auto", NULL));
  CU_ASSERT_EQUAL(p.config.network.activation, GR_RELU);
  gr_prepared_free(&p);
  gr_dataset_free(&classes);
  gr_dataset_free(&numbers);
}

static void two_classes_need_one_sigmoid_unless_told_otherwise(void) {
  gr_dataset data = make_spirals(60, 2);
  gr_prepared p = prepare(&data, SETTINGS(NULL));
  CU_ASSERT_EQUAL(p.config.network.output_activation, GR_SIGMOID);
  CU_ASSERT_EQUAL(p.config.network.outputs, 1);
  gr_prepared_free(&p);
  p = prepare(&data, SETTINGS("network.output_activation=softmax", NULL));
  CU_ASSERT_EQUAL(p.config.network.outputs, 2);
  gr_prepared_free(&p);
  p = prepare(&data, SETTINGS("training.loss=quadratic", "network.activation=sigmoid", NULL));
  CU_ASSERT_EQUAL(p.config.network.output_activation, GR_SIGMOID);
  CU_ASSERT_EQUAL(p.config.network.outputs, 2);
  CU_ASSERT_EQUAL(p.config.network.initialization, GR_INIT_GLOROT);
  gr_prepared_free(&p);
  gr_dataset_free(&data);
}

static void bytes_are_scaled_and_not_standardised(void) {
  gr_dataset data = make_spirals(60, 3);
  gr_split *train = &data.split[GR_TRAIN];
  uint8_t bytes[120];
  for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(i * 37);
  memcpy(train->x, bytes, sizeof bytes);
  train->x_type = GR_U8;
  gr_prepared p = prepare(&data, SETTINGS(NULL));
  CU_ASSERT_EQUAL(p.config.data.scale, GR_SCALE_UNIT);
  CU_ASSERT_EQUAL(p.config.data.standardize, GR_STANDARDIZE_NONE);
  CU_ASSERT_EQUAL(p.train.rows.factor[1], 1.0 / 255);
  gr_prepared_free(&p);
  gr_dataset_free(&data);
}

static void regression_targets_are_standardised_by_the_training_rows(void) {
  gr_dataset data = make_regression(100);
  gr_prepared p = prepare(&data, SETTINGS(NULL));
  double sum = 0, square = 0;
  CU_ASSERT_EQUAL(p.config.data.task, GR_REGRESSION);
  CU_ASSERT_EQUAL(p.config.network.output_activation, GR_IDENTITY);
  for (uint64_t i = 0; i < p.n_train; i++) {
    double t = (double)p.train.targets[p.map[i]];
    sum += t;
    square += t * t;
  }
  /* each float is within 2^-24 of a value below 4 */
  CU_ASSERT(fabs(sum / (double)p.n_train) < 1e-6);
  CU_ASSERT(fabs(square / (double)p.n_train - 1) < 1e-6);
  gr_prepared_free(&p);
  gr_dataset_free(&data);
}

static void a_batch_larger_than_the_data_becomes_the_data(void) {
  gr_dataset data = make_spirals(40, 3);
  gr_prepared p = prepare(&data, SETTINGS("training.batch_size=1000", "data.valid_split=0", NULL));
  CU_ASSERT_EQUAL(p.config.training.batch_size, 40);
  CU_ASSERT_EQUAL(p.config.training.lane_rows, 40);
  CU_ASSERT_PTR_NOT_NULL(strstr(p.notes.data, "training.batch_size: 40 (there are no more"));
  gr_prepared_free(&p);
  gr_dataset_free(&data);
}

/* Checks class numbers and names after the labels of 4 rows were replaced. */
static void expect_classes(gr_dtype type, const void *labels, const char *const *names,
                           const int32_t *index) {
  gr_dataset data = make_spirals(4, 2);
  set_labels(&data, type, 1, labels);
  gr_prepared p = prepare(&data, SETTINGS("data.valid_split=0", "data.task=classification", NULL));
  for (int i = 0; i < 4; i++) CU_ASSERT_EQUAL(p.train.class_index[i], index[i]);
  for (uint32_t i = 0; i < p.preprocessing.n_classes; i++)
    CU_ASSERT_STRING_EQUAL(p.preprocessing.class_names[i], names[i]);
  gr_prepared_free(&p);
  gr_dataset_free(&data);
}

static void classes_are_the_distinct_labels_in_order(void) {
  expect_classes(GR_U8, (const uint8_t[]){3, 1, 2, 1}, SETTINGS("1", "2", "3"),
                 (const int32_t[]){2, 0, 1, 0});
  expect_classes(GR_I8, (const int8_t[]){1, -1, -1, 1}, SETTINGS("-1", "1"),
                 (const int32_t[]){1, 0, 0, 1});
  expect_classes(GR_F64, (const double[]){7, 0, 7, 1e6}, SETTINGS("0", "7", "1000000"),
                 (const int32_t[]){1, 0, 1, 2});
  expect_classes(GR_I64, (const int64_t[]){-5000000000, 4, 4, 9}, SETTINGS("-5000000000", "4", "9"),
                 (const int32_t[]){0, 1, 1, 2});
}

static void labels_that_are_not_whole_are_refused(void) {
  gr_dataset data = make_spirals(4, 2);
  set_labels(&data, GR_F32, 1, (const float[]){0, 1, 0.5f, 1});
  refuse(&data, SETTINGS("data.valid_split=0", "data.task=classification", NULL), GRADUS_ERR_DATA,
         "train/y row 2: label 0.5 is not a whole number");
  gr_dataset_free(&data);
}

static void a_label_unseen_in_training_is_named(void) {
  gr_dataset data = make_spirals(30, 3);
  copy_rows(&data, GR_VALID, 10);
  ((int32_t *)data.split[GR_VALID].y)[6] = 9;
  refuse(&data, SETTINGS(NULL), GRADUS_ERR_DATA,
         "valid/y row 6: label 9 does not occur in training (0, 1, 2)");
  gr_dataset_free(&data);
}

static void one_class_is_none(void) {
  gr_dataset data = make_spirals(4, 2);
  set_labels(&data, GR_I32, 1, (const int32_t[]){5, 5, 5, 5});
  refuse(&data, SETTINGS("data.valid_split=0", NULL), GRADUS_ERR_DATA, "at least two classes");
  gr_dataset_free(&data);
}

static void one_hot_rows_are_classes_by_column(void) {
  static const float hot[] = {0, 1, 0, 1, 0, 0, 0, 0, 1, 0, 1, 0};
  gr_dataset data = make_spirals(4, 2);
  set_labels(&data, GR_F32, 3, hot);
  gr_prepared p = prepare(&data, SETTINGS("data.valid_split=0", NULL));
  static const int32_t index[] = {1, 0, 2, 1};
  CU_ASSERT_EQUAL(p.preprocessing.n_classes, 3);
  for (int i = 0; i < 4; i++) CU_ASSERT_EQUAL(p.train.class_index[i], index[i]);
  gr_prepared_free(&p);
  ((float *)data.split[GR_TRAIN].y)[3] = 0.5f;
  refuse(&data, SETTINGS("data.valid_split=0", "data.task=classification", NULL), GRADUS_ERR_DATA,
         "train/y row 1 is not one-hot");
  gr_dataset_free(&data);
}

static void a_model_meets_texts_of_another_file_by_name(void) {
  char *names[] = {"cat", "dog", "emu"}, *other[] = {"ant", "cat", "emu"};
  gr_dataset data = make_spirals(6, 3), second = make_spirals(3, 3);
  gradus_error err = {0};
  int32_t index[3];
  gr_preprocessing p = {0};
  data.y_is_text = second.y_is_text = true;
  data.class_names = names;
  second.class_names = other;
  data.n_class_names = second.n_class_names = 3;
  GR_CHECK_OK(gr_classes_find(&data, &p, &err), &err);
  CU_ASSERT_PTR_NULL(p.class_values);
  ((int32_t *)second.split[GR_TRAIN].y)[0] = 2;
  GR_CHECK_OK(gr_classes_map(&p, &second, GR_TRAIN, index, &err), &err);
  CU_ASSERT(index[0] == 2 && index[1] == 0 && index[2] == 2);
  ((int32_t *)second.split[GR_TRAIN].y)[1] = 0;
  GR_CHECK_FAILS(gr_classes_map(&p, &second, GR_TRAIN, index, &err), GRADUS_ERR_DATA, &err,
                 "label ant does not occur in training (cat, dog, emu)");
  gr_preprocessing_free(&p);
  data.class_names = second.class_names = NULL;
  data.n_class_names = second.n_class_names = 0;
  gr_dataset_free(&data);
  gr_dataset_free(&second);
}

static void values_that_are_not_finite_are_refused_with_their_place(void) {
  gr_dataset data = make_regression(30);
  copy_rows(&data, GR_VALID, 10);
  float *x = data.split[GR_VALID].x, *y = data.split[GR_TRAIN].y;
  x[5 * 7 + 3] = (float)NAN;
  refuse(&data, SETTINGS(NULL), GRADUS_ERR_DATA, "valid/x row 7 column 3 is nan");
  x[5 * 7 + 3] = -(float)INFINITY;
  refuse(&data, SETTINGS(NULL), GRADUS_ERR_DATA, "valid/x row 7 column 3 is -inf");
  y[12] = (float)INFINITY;
  refuse(&data, SETTINGS(NULL), GRADUS_ERR_DATA, "train/y row 12 column 0 is inf");
  gr_dataset_free(&data);
}

static void bad_weights_are_refused(void) {
  gr_dataset data = make_spirals(20, 2);
  float *w = gr_calloc(20, sizeof *w);
  data.split[GR_TRAIN].weight = w;
  refuse(&data, SETTINGS(NULL), GRADUS_ERR_DATA, "every train/weight is 0");
  w[4] = -1;
  refuse(&data, SETTINGS(NULL), GRADUS_ERR_DATA, "train/weight row 4 is -1");
  w[4] = 1; /* one row has all the weight: whichever side it is on, the other has none */
  refuse(&data, SETTINGS("data.valid_split=0.5", NULL), GRADUS_ERR_DATA,
         "train/weight is 0 for every row");
  gr_dataset_free(&data);
}

static void data_without_targets_are_refused(void) {
  gr_dataset data = make_spirals(20, 2);
  data.split[GR_TRAIN].y_columns = 0;
  refuse(&data, SETTINGS(NULL), GRADUS_ERR_DATA, "no targets (train/y)");
  data.split[GR_TRAIN].n_rows = 0;
  refuse(&data, SETTINGS(NULL), GRADUS_ERR_DATA, "no training split");
  gr_dataset_free(&data);
}

static void a_recipe_of_another_width_is_refused(void) {
  gr_dataset data = make_spirals(20, 2);
  refuse(&data, SETTINGS("network.inputs=7", NULL), GRADUS_ERR_DATA,
         "network.inputs: 7, but the data ask for 2");
  gr_dataset_free(&data);
}

static gr_row_bits hold_out(uint64_t seed, double fraction, uint64_t n, uint64_t *n_train) {
  gr_row_bits bits = {0};
  gradus_error err = {0};
  GR_CHECK_OK(gr_row_bits_make(n, &bits, &err), &err);
  *n_train = gr_hold_out(seed, fraction, &bits);
  return bits;
}

static void held_out_rows_are_a_partition_by_seed(void) {
  uint64_t n, ignored;
  gr_row_bits bits = hold_out(gr_test_seed(), 0.2, 1000, &n),
              other = hold_out(gr_test_seed() + 1, 0.2, 1000, &ignored);
  const gr_row_set train = {&bits, false}, valid = {&bits, true};
  CU_ASSERT_EQUAL(gr_row_set_size(&train), n);
  CU_ASSERT_EQUAL(gr_row_set_size(&valid), 1000 - n);
  for (uint64_t r = 0; r < 1000; r++)
    CU_ASSERT(gr_row_set_holds(&train, r) != gr_row_set_holds(&valid, r));
  CU_ASSERT(n > 730 && n < 870); /* 5.5 standard errors of sqrt(0.2 0.8 1000) = 12.6 */
  CU_ASSERT(memcmp(bits.word, other.word, 1000 / 64 * sizeof(uint64_t)) != 0);
  gr_row_bits_free(&bits);
  gr_row_bits_free(&other);
  for (uint64_t seed = 0; seed < 40; seed++) /* both sides keep a row */
    for (int k = 0; k < 2; k++) {
      bits = hold_out(seed, k ? 0.9 : 0.01, 2, &n);
      CU_ASSERT_EQUAL(n, 1);
      gr_row_bits_free(&bits);
    }
}

static void a_validation_split_of_the_file_is_used_instead(void) {
  gr_dataset data = make_spirals(40, 2);
  copy_rows(&data, GR_VALID, 10);
  gr_prepared p = prepare(&data, SETTINGS(NULL));
  CU_ASSERT(p.n_train == 40 && p.n_valid == 10 && !p.map && !p.held.n);
  CU_ASSERT_EQUAL(p.config.data.valid_split, 0);
  CU_ASSERT_PTR_EQUAL(p.valid_pass.rows.x, p.valid.rows.x);
  gr_prepared_free(&p);
  gr_dataset_free(&data);
}

static void resolving_twice_changes_nothing(void) {
  gr_dataset data = make_spirals(60, 3);
  gr_prepared first = prepare(&data, SETTINGS(NULL)), second = {0};
  gradus_error err = {0};
  gr_text differences = {0};
  GR_CHECK_OK(gr_prepare(&first.config, &data, &second, &err), &err);
  CU_ASSERT_EQUAL(gr_config_compare(&first.config, &second.config, false, &differences), 0);
  CU_ASSERT_EQUAL(second.notes.length, 0);
  gr_text_free(&differences);
  gr_prepared_free(&first);
  gr_prepared_free(&second);
  gr_dataset_free(&data);
}

/* How rows come decides the order, and nothing else does. */
static void the_shuffle_follows_how_the_inputs_are_stored(void) {
  gr_dataset data = make_spirals(60, 3);
  gr_text notes = {0};
  gradus_error err = {0};
  static const struct {
    uint64_t rows, piece;
    size_t row_bytes;
    int shuffle;
    int64_t block, window;
  } cases[] = {
      {1000000, 0, 40, GR_SHUFFLE_FULL, 0, 0},                /* row after row */
      {1000000, 100, 40, GR_SHUFFLE_FULL, 0, 0},              /* pieces, but 40 MB of them */
      {10000000, 1000, 40, GR_SHUFFLE_WINDOW, 7000, 1680000}, /* 7 chunks are 280 kB; 64 MiB up */
      {10000000, 1, 40, GR_SHUFFLE_WINDOW, 6554, 1677824},    /* several files */
      {1000000, 100000, 400, GR_SHUFFLE_WINDOW, 100000, 1600000}, /* large chunks: 16 of them */
      {1000000000, 0, 40, GR_SHUFFLE_WINDOW, 6554, 1677824},      /* 40 GB of rows below a page */
      {10000000, 0, 8192, GR_SHUFFLE_FULL, 0, 0},                 /* 82 GB of rows of two pages */
  };
  gr_prepared p = prepare(&data, SETTINGS(NULL)); /* what else has to be settled */
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    gr_config c;
    GR_CHECK_OK(gr_config_copy(&p.config, &c, &err), &err);
    c.training.shuffle = GR_AUTO;
    const gr_data_facts facts = {.x_type = GR_F32,
                                 .n_columns = 2,
                                 .n_classes = 3,
                                 .n_train = cases[i].rows,
                                 .piece_rows = cases[i].piece,
                                 .row_bytes = cases[i].row_bytes};
    GR_CHECK_OK(gr_resolve(&c, &facts, &notes, &err), &err);
    CU_ASSERT_EQUAL(c.training.shuffle, cases[i].shuffle);
    CU_ASSERT_EQUAL(c.training.shuffle_block, cases[i].block);
    CU_ASSERT_EQUAL(c.training.shuffle_window, cases[i].window);
    gr_config_free(&c);
  }
  gr_text_free(&notes);
  gr_prepared_free(&p);
  gr_dataset_free(&data);
}

static bool says(const gr_dataset *data, const char *words) {
  gr_prepared p = prepare(data, SETTINGS(NULL));
  const bool found = p.notes.data && strstr(p.notes.data, words);
  gr_prepared_free(&p);
  return found;
}

static void rows_that_are_sorted_by_target_are_noticed(void) {
  gr_dataset classes = make_noise(600), numbers = make_regression(600);
  int32_t *y = classes.split[GR_TRAIN].y;
  float *t = numbers.split[GR_TRAIN].y;
  CU_ASSERT_FALSE(says(&classes, "are sorted"));
  CU_ASSERT_FALSE(says(&numbers, "are sorted"));
  for (int i = 0; i < 600; i++) y[i] = i / 200;
  for (int i = 0; i < 600; i++) t[i] = (float)i;
  CU_ASSERT(says(&classes, "sorted by label (3 runs of equal labels): training.shuffle mixes"));
  CU_ASSERT(says(&numbers, "sorted by target"));
  gr_dataset_free(&classes);
  gr_dataset_free(&numbers);
}

const gr_test prepare_tests[] = {GR_TEST(lanes_follow_the_batch_size),
                                 GR_TEST(what_ntk_wants_follows_the_task),
                                 GR_TEST(integers_become_classes_with_softmax),
                                 GR_TEST(two_classes_need_one_sigmoid_unless_told_otherwise),
                                 GR_TEST(bytes_are_scaled_and_not_standardised),
                                 GR_TEST(regression_targets_are_standardised_by_the_training_rows),
                                 GR_TEST(a_batch_larger_than_the_data_becomes_the_data),
                                 GR_TEST(classes_are_the_distinct_labels_in_order),
                                 GR_TEST(labels_that_are_not_whole_are_refused),
                                 GR_TEST(a_label_unseen_in_training_is_named),
                                 GR_TEST(one_class_is_none),
                                 GR_TEST(one_hot_rows_are_classes_by_column),
                                 GR_TEST(a_model_meets_texts_of_another_file_by_name),
                                 GR_TEST(values_that_are_not_finite_are_refused_with_their_place),
                                 GR_TEST(bad_weights_are_refused),
                                 GR_TEST(data_without_targets_are_refused),

                                 GR_TEST(a_recipe_of_another_width_is_refused),
                                 GR_TEST(the_shuffle_follows_how_the_inputs_are_stored),
                                 GR_TEST(rows_that_are_sorted_by_target_are_noticed),
                                 GR_TEST(held_out_rows_are_a_partition_by_seed),
                                 GR_TEST(a_validation_split_of_the_file_is_used_instead),
                                 GR_TEST(resolving_twice_changes_nothing),
                                 GR_TEST_END};
