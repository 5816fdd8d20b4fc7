/* Columns of tables: what is fitted to them, and what rows become. */
#include <config.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "kernel/kernel.h"
#include "net/columns.h"
#include "net/suites.h"
#include "support/numbers.h"

#define NONE ((float)NAN)

/* Fits on float rows [n_rows][n_columns]. */
static gr_columns *fit(const float *x, uint64_t n_rows, uint32_t n_columns,
                       const gr_raw_column *raw, const gr_config *config) {
  const gr_fit_rows rows = {x, GR_F32, n_columns, NULL, n_rows, NULL, true};
  gr_columns *columns = NULL;
  gradus_error err;
  GR_CHECK_OK(gr_columns_fit(&rows, raw, true, config, &columns, &err), &err);
  return columns;
}

/* Rows of floats as every instruction set here makes inputs of them, which are the same. */
static void expand(const gr_columns *columns, const gr_raw_column *raw, uint32_t n_raw,
                   const float *x, size_t n_rows, float *out) {
  gr_column_expansion e;
  gradus_error err;
  uint64_t index[8] = {0, 1, 2, 3, 4, 5, 6, 7};
  float other[512];
  bool first = true;
  GR_CHECK_OK(gr_columns_expand(columns, raw, n_raw, &e, &err), &err);
  for (int isa = 0; isa < GR_N_ISAS; isa++) {
    if (!gr_isa_available((gr_isa)isa)) continue;
    const gr_gather g = {.n_rows = n_rows,
                         .n_columns = columns->n_inputs,
                         .index = index,
                         .x = x,
                         .type = GR_F32,
                         .expansion = &e.expansion,
                         .dst = first ? out : other,
                         .ld = columns->n_inputs};
    gr_kernels_of((gr_isa)isa)->gather(&g);
    if (!first) CU_ASSERT(memcmp(out, other, n_rows * columns->n_inputs * sizeof *out) == 0);
    first = false;
  }
  gr_column_expansion_free(&e);
}

static char *colours[] = {"blue", "green", "red"}, *others[] = {"red", "violet", "blue"};

static void levels_become_inputs_and_unseen_ones_none(void) {
  gr_config config = default_config();
  const float x[] = {2, 0, 2, NONE, 0, 2};
  const gr_raw_column raw = {"colour", true, colours, 3};
  gr_columns *c = fit(x, 6, 1, &raw, &config);
  CU_ASSERT_FATAL(c && c->n_inputs == 3); /* blue, red, missing: no row is green */
  CU_ASSERT(c->column[0].n_levels == 2 && !c->column[0].other_input && c->column[0].missing_input);
  CU_ASSERT_STRING_EQUAL(c->column[0].levels[1], "red");
  /* Another table, with another dictionary and a level that training did not have. */
  const gr_raw_column table[2] = {{"size", false, NULL, 0}, {"colour", true, others, 3}};
  const float rows[] = {7, 0, 8, 1, 9, 2, 7, NONE};
  static const float wanted[] = {0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1};
  float out[12];
  expand(c, table, 2, rows, 4, out);
  CU_ASSERT(memcmp(out, wanted, sizeof out) == 0);
  gr_columns_free(c);
  gr_config_free(&config);
}

static void rare_levels_share_an_input_with_unseen_ones(void) {
  gr_config config = default_config();
  must_set(&config, "data.max_levels", "1");
  const float x[] = {2, 0, 2, 1};
  const gr_raw_column raw = {"colour", true, colours, 3};
  gr_columns *c = fit(x, 4, 1, &raw, &config);
  CU_ASSERT_FATAL(c && c->n_inputs == 2 && c->column[0].other_input);
  CU_ASSERT_STRING_EQUAL(c->column[0].levels[0], "red");
  const gr_raw_column table = {"colour", true, others, 3};
  const float rows[] = {0, 1, 2};
  static const float wanted[] = {1, 0, 0, 1, 0, 1};
  float out[6];
  expand(c, &table, 1, rows, 3, out);
  CU_ASSERT(memcmp(out, wanted, sizeof out) == 0);
  gr_columns_free(c);
  gr_config_free(&config);
}

static void a_missing_number_is_filled_and_told(void) {
  gr_config config = default_config();
  must_set(&config, "data.standardize", "none");
  const float x[] = {1, NONE, 3, 8};
  const gr_raw_column raw = {"n", false, NULL, 0};
  gr_columns *c = fit(x, 4, 1, &raw, &config);
  CU_ASSERT_FATAL(c && c->n_inputs == 2);
  float out[8];
  static const float by_median[] = {1, 0, 3, 1, 3, 0, 8, 0}, by_mean[] = {1, 0, 4, 1, 3, 0, 8, 0};
  expand(c, &raw, 1, x, 4, out);
  CU_ASSERT(memcmp(out, by_median, sizeof out) == 0);
  gr_columns_free(c);
  must_set(&config, "data.missing", "mean");
  c = fit(x, 4, 1, &raw, &config);
  expand(c, &raw, 1, x, 4, out);
  CU_ASSERT(memcmp(out, by_mean, sizeof out) == 0);
  gr_columns_free(c);
  gr_config_free(&config);
}

static void columns_without_use_are_dropped_by_name(void) {
  gr_config config = default_config();
  must_set(&config, "data.standardize", "zscore");
  const float x[] = {7, 1, NONE, 0, 7, 2, NONE, 0};
  const gr_raw_column raw[4] = {{"same", false, NULL, 0},
                                {"n", false, NULL, 0},
                                {"void", false, NULL, 0},
                                {"one", true, colours, 3}};
  gr_columns *c = fit(x, 2, 4, raw, &config);
  CU_ASSERT_FATAL(c && c->n_inputs == 1 && c->column[1].use == GR_USE_NUMERIC);
  CU_ASSERT_STRING_EQUAL(c->column[0].reason, "constant: every training row has 7");
  CU_ASSERT_STRING_EQUAL(c->column[2].reason, "missing in every training row");
  CU_ASSERT_STRING_EQUAL(c->column[3].reason, "constant: every training row has blue");
  float out[2];
  expand(c, &raw[1], 1, (const float[]){1, 2}, 2, out); /* only that column is asked for */
  CU_ASSERT(out[0] == -1 && out[1] == 1);
  gr_columns_free(c);
  gr_config_free(&config);
}

/* Formulas in double, rounded once: equal to the last bit but for the division, where a float
 * differs by at most one unit in 2^24. */
static void near_to(float got, double wanted) {
  GR_CHECK(fabs((double)got - wanted) <= 0x1p-23 * fabs(wanted) + 1e-300, "%.9g, wanted %.9g",
           (double)got, wanted);
}

static void scalers_follow_their_formulas(void) {
  gr_config config = default_config();
  const float x[] = {0, 1, 2, 3, 100};
  const gr_raw_column raw = {"n", false, NULL, 0};
  float out[5];
  must_set(&config, "data.standardize", "minmax");
  gr_columns *c = fit(x, 5, 1, &raw, &config);
  expand(c, &raw, 1, x, 5, out);
  for (int i = 0; i < 5; i++) near_to(out[i], (double)x[i] / 100);
  CU_ASSERT(gr_columns_are_plain(c));
  gr_columns_free(c);
  must_set(&config, "data.standardize", "robust"); /* median 2, quartiles 1 and 3 */
  c = fit(x, 5, 1, &raw, &config);
  expand(c, &raw, 1, x, 5, out);
  for (int i = 0; i < 5; i++) {
    const double z = ((double)x[i] - 2) / 2;
    near_to(out[i], z / sqrt(1 + z * z / 9));
  }
  CU_ASSERT(!gr_columns_are_plain(c) && out[4] < 3);
  gr_columns_free(c);
  must_set(&config, "data.standardize", "quantile");
  c = fit(x, 5, 1, &raw, &config);
  expand(c, &raw, 1, x, 5, out);
  CU_ASSERT(out[0] < -5 && out[4] > 5 && fabsf(out[2]) < 1e-6f); /* median to 0, ends to 5.2 */
  /* Ten quantiles: 3 lies between that of 6/9, which is 8/3, and that of 7/9, which is 3 + 97/9;
   * the normal's are 0.43073 and 0.76471, so 3 becomes 0.43073 + 0.33398 / 3 / (1/3 + 97/9) =
   * 0.44075. */
  CU_ASSERT(fabsf(out[3] - 0.44075f) < 1e-5f);
  gr_columns_free(c);
  gr_config_free(&config);
}

static void embeddings_follow_their_formulas(void) {
  gr_config config = default_config();
  const float x[] = {0, 1, 2, 4, 8};
  const gr_raw_column raw = {"n", false, NULL, 0};
  float out[100];
  must_set(&config, "data.standardize", "none");
  must_set(&config, "data.embedding", "piecewise-linear");
  must_set(&config, "data.embedding_size", "4"); /* edges 0 1 2 4 8 */
  gr_columns *c = fit(x, 5, 1, &raw, &config);
  CU_ASSERT_FATAL(c && c->n_inputs == 5);
  const float rows[] = {3, -1, 10};
  static const float wanted[] = {3,  1,  1, 0.5f, 0,     /* half of the third bin */
                                 -1, -1, 0, 0,    0,     /* the first is not cut below */
                                 10, 1,  1, 1,    1.5f}; /* nor the last above */
  expand(c, &raw, 1, rows, 3, out);
  CU_ASSERT(memcmp(out, wanted, sizeof wanted) == 0);
  gr_columns_free(c);
  must_set(&config, "data.embedding", "periodic");
  c = fit(x, 5, 1, &raw, &config);
  CU_ASSERT_FATAL(c && c->n_inputs == 9);
  expand(c, &raw, 1, rows, 3, out);
  for (int i = 0; i < 3; i++)
    for (int k = 0; k < 4; k++) {
      const double angle =
          6.283185307179586 * c->column[0].extra[k + 1] * ((double)rows[i] - c->column[0].extra[0]);
      /* |angle| < 10: two units of its double, and one of the float. */
      GR_CHECK(fabs((double)out[9 * i + 1 + 2 * k] - cos(angle)) < 1e-7, "cos %d", k);
      GR_CHECK(fabs((double)out[9 * i + 2 + 2 * k] - sin(angle)) < 1e-7, "sin %d", k);
    }
  gr_columns_free(c);
  gr_config_free(&config);
}

static void what_another_table_lacks_is_named(void) {
  gr_config config = default_config();
  const float x[] = {1, 0, 2, 1};
  const gr_raw_column raw[2] = {{"n", false, NULL, 0}, {"c", true, colours, 3}};
  gr_columns *c = fit(x, 2, 2, raw, &config);
  gr_column_expansion e;
  gradus_error err;
  GR_CHECK_FAILS(gr_columns_expand(c, raw, 1, &e, &err), GRADUS_ERR_DATA, &err,
                 "has no column 'c'");
  const gr_raw_column texts[2] = {{"c", true, colours, 3}, {"n", true, colours, 3}};
  GR_CHECK_FAILS(gr_columns_expand(c, texts, 2, &e, &err), GRADUS_ERR_DATA, &err,
                 "column 'n' is categorical, but it was numeric");
  GR_CHECK_FAILS(gr_columns_expand(c, NULL, 3, &e, &err), GRADUS_ERR_DATA, &err,
                 "3 columns, but the model was trained on 2");
  gr_columns *copy;
  GR_CHECK_OK(gr_columns_copy(c, &copy, &err), &err);
  char **names = gr_columns_input_names(copy);
  CU_ASSERT_STRING_EQUAL(names[0], "n");
  CU_ASSERT_STRING_EQUAL(names[2], "c = green");
  for (uint32_t i = 0; i < copy->n_inputs; i++) gr_free(names[i]);
  gr_free(names);
  gr_columns_free(copy);
  gr_columns_free(c);
  gr_config_free(&config);
}

static void a_code_beyond_the_dictionary_is_refused_with_its_row(void) {
  gr_config config = default_config();
  const float x[] = {0, 1, 3};
  const gr_raw_column raw = {"c", true, colours, 3};
  const gr_fit_rows rows = {x, GR_F32, 1, NULL, 3, NULL, true};
  gr_columns *columns;
  gradus_error err;
  GR_CHECK_FAILS(gr_columns_fit(&rows, &raw, true, &config, &columns, &err), GRADUS_ERR_DATA, &err,
                 "row 2, column 0 (c): 3 is no level; its dictionary has 3");
  gr_config_free(&config);
}

/* What a row of one column becomes where nothing is done to it. */
static float untouched(const gr_kernels *k, const void *x, gr_dtype type, uint64_t row) {
  const gr_expand_step step = {.kind = GR_EXPAND_LINEAR, .n = 1, .factor = 1};
  const gr_expansion e = {&step, 1, 1};
  float out = 0;
  const gr_gather g = {.n_rows = 1,
                       .n_columns = 1,
                       .index = &row,
                       .x = x,
                       .type = type,
                       .expansion = &e,
                       .dst = &out,
                       .ld = 1};
  k->gather(&g);
  return out;
}

static void every_type_is_read_like_gather_reads_it(void) {
  static uint16_t halves[65536];
  static const double wide[] = {9, -1e300, 0.1};
  static const int64_t longs[] = {9, INT64_MIN, 7};
  static const uint32_t words[] = {9, UINT32_MAX, 7};
  static const int8_t bytes[] = {9, -128, 7};
  static const struct {
    gr_dtype type;
    const void *x;
  } known[] = {{GR_F64, wide}, {GR_I64, longs}, {GR_U32, words}, {GR_I8, bytes}};
  const gr_kernels *k = gr_kernels_of(GR_ISA_GENERIC);
  int wrong = 0;
  for (unsigned i = 0; i < 65536; i++) halves[i] = (uint16_t)i;
  for (unsigned i = 0; i < 65536; i++) {
    const double wanted = gr_element(halves, GR_F16, i);
    if (!isnan(wanted)) wrong += (double)untouched(k, halves, GR_F16, i) != wanted;
  }
  CU_ASSERT_EQUAL(wrong, 0);
  for (size_t t = 0; t < sizeof known / sizeof known[0]; t++)
    for (uint64_t i = 0; i < 3; i++)
      CU_ASSERT(untouched(k, known[t].x, known[t].type, i) ==
                (float)gr_element(known[t].x, known[t].type, i));
}

/* It has no inputs; in a file nothing says where they would begin. */
static void a_dropped_column_begins_nowhere(void) {
  gr_fitted_column a = {.name = (char *)"x", .use = GR_USE_DROPPED}, b = a;
  const gr_columns x = {.n = 1, .column = &a}, y = {.n = 1, .column = &b};
  b.first = 253;
  CU_ASSERT(gr_columns_are_same(&x, &y));
  a.n_inputs = b.n_inputs = 1;
  CU_ASSERT(!gr_columns_are_same(&x, &y));
}

const gr_test columns_tests[] = {GR_TEST(every_type_is_read_like_gather_reads_it),
                                 GR_TEST(levels_become_inputs_and_unseen_ones_none),
                                 GR_TEST(rare_levels_share_an_input_with_unseen_ones),
                                 GR_TEST(a_missing_number_is_filled_and_told),
                                 GR_TEST(columns_without_use_are_dropped_by_name),
                                 GR_TEST(scalers_follow_their_formulas),
                                 GR_TEST(embeddings_follow_their_formulas),
                                 GR_TEST(what_another_table_lacks_is_named),
                                 GR_TEST(a_code_beyond_the_dictionary_is_refused_with_its_row),
                                 GR_TEST(a_dropped_column_begins_nowhere),
                                 GR_TEST_END};
