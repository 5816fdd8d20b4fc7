/* What the tests of the engine share: small recipes, data made for them, and a run of some steps.
 */
#ifndef GR_TESTS_EXEC_EXEC_TESTS_H
#define GR_TESTS_EXEC_EXEC_TESTS_H

#include "exec/engine.h"
#include "kernel/isa.h"
#include "plan/plan.h"
#include "support/numbers.h"
#include "support/oracle.h"
#include "support/test.h"

enum { RECIPE_WIDTHS = 6, MAX_STEPS = 20 };

/* Widths: inputs, hidden layers, outputs, then 0. lane_rows 0: as `auto` makes it. */
typedef struct recipe {
  uint32_t width[RECIPE_WIDTHS + 1];
  const char *layers; /* network.hidden with what layers have of their own, or NULL */
  gr_activation hidden, output;
  gr_loss loss;
  gr_optimizer optimizer;
  uint64_t batch, rows;
  int steps;
  double learning_rate, decay;
  bool weighted;
  gr_dtype type; /* GR_F32 or GR_U8 */
  uint64_t lane_rows;
  double dropout, input_dropout, smoothing;
  gr_normalization normalization;
  uint64_t accumulate;                        /* passes that `batch` is taken in; 0: one */
  int average;                                /* gr_average */
  double l1, clip_norm, clip_value, max_norm; /* 0: none */
  bool ntk;
  double bias_rate, first_layer_rate; /* 0: 1 */
  bool courses;                       /* of dropout and weight decay: recipe_course */
} recipe;

/* Whether a loss goes with an activation of the outputs. */
bool recipe_allows(gr_loss loss, gr_activation output);

/* Who does the work: nothing of it may change a bit. */
typedef struct workers {
  int threads, isa, strategy;
} workers;

typedef struct data {
  gr_rows rows;
  float *x; /* [n_rows][n_in]: inputs as the network sees them */
} data;

/* What a run left behind. */
typedef struct outcome {
  float *parameters, *moment[GR_MAX_MOMENTS];
  double loss[MAX_STEPS], norm[MAX_STEPS];
  gr_totals totals;
  float *outputs; /* [n_rows][n_out] */
  char digest[GR_DIGEST_TEXT], output_digest[GR_DIGEST_TEXT];
} outcome;

size_t recipe_layers(const recipe *r);
uint64_t recipe_lane_rows(const recipe *r);
int recipe_has_classes(const recipe *r);

/* Memory comes from gr_test_array: gr_test_release ends all of these. */
gr_config make_config(const recipe *r);
gr_network make_network(const recipe *r);
data make_data(const recipe *r, uint64_t seed);
float *make_parameters(const gr_network *network, uint64_t seed);

/* An engine with the parameters loaded, or NULL after a failed assertion. */
gr_engine *make_engine(const recipe *r, workers w, const float *parameters);

/* The batch of step `step` (0-based) of an order drawn anew each epoch: its first row and length.
 */
gr_row_order batch_order(const recipe *r, int step, uint64_t *start, uint64_t *n);
double step_rate(const recipe *r, int step);

/* What a step has of dropout and weight decay: of a recipe with courses less each time. */
gr_course recipe_course(const recipe *r, int step);

/* r->steps steps, then an evaluation of all rows. */
outcome run_recipe(const recipe *r, const data *d, workers w);

/* The same, called in a rounding mode of fenv.h, which must be found again after each call. */
outcome run_recipe_rounding(const recipe *r, const data *d, workers w, int mode);

/* Parameters, moments, losses, totals and outputs have the same bits. */
int same_outcome(const recipe *r, const outcome *a, const outcome *b);

extern const gr_test parametrization_tests[], plan_tests[], order_tests[], team_tests[],
    traffic_tests[], reference_tests[], same_bits_tests[], run_tests[], golden_tests[],
    gradient_tests[], textbook_tests[], evaluation_tests[], finite_tests[], whole_tests[],
    search_tests[];

#endif
