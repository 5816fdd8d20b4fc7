/* Losses, outputs and deltas of rows, for every combination that a recipe may ask for. The loss is
 * compared with the oracle, the delta with central differences of the oracle's loss by z, so no
 * formula for a delta is trusted. Bounds count roundings, u = 2^-24; see each `*_bound`. */
#include <config.h>

#include <math.h>
#include <string.h>

#include "kernel_tests.h"

enum { ROWS = 19, DATA_ROWS = 23, MAX_OUT = 300 }; /* more rows than a vector has elements */

typedef struct combination {
  gr_loss loss;
  gr_activation activation;
} combination;

/* The last are of losses that bend. */
static const combination combinations[] = {
    {GR_QUADRATIC, GR_IDENTITY}, {GR_QUADRATIC, GR_SIGMOID},      {GR_QUADRATIC, GR_TANH},
    {GR_QUADRATIC, GR_RELU},     {GR_CROSS_ENTROPY, GR_SIGMOID},  {GR_CROSS_ENTROPY, GR_SOFTMAX},
    {GR_FOCAL, GR_SIGMOID},      {GR_FOCAL, GR_SOFTMAX},          {GR_MSE, GR_IDENTITY},
    {GR_MSE, GR_GELU},           {GR_LOG_COSH, GR_IDENTITY},      {GR_POISSON, GR_EXPONENTIAL},
    {GR_GAMMA, GR_EXPONENTIAL},  {GR_TWEEDIE, GR_EXPONENTIAL},    {GR_QUADRATIC, GR_SOFTPLUS},
    {GR_HUBER, GR_IDENTITY},     {GR_SQUARED_HINGE, GR_IDENTITY}, {GR_MAE, GR_IDENTITY},
    {GR_MAE, GR_TANH},           {GR_QUANTILE, GR_IDENTITY},      {GR_HINGE, GR_IDENTITY},
};
enum { N_COMBINATIONS = sizeof combinations / sizeof combinations[0] };

static bool is_likelihood(gr_loss loss) {
  return loss == GR_CROSS_ENTROPY || loss == GR_FOCAL;
}
static bool of_z(const combination *is) {
  return is_likelihood(is->loss) || gr_losses[is->loss].output == GR_OUTPUT_EXPONENTIAL;
}

/* Rows in the shape of gr_loss_rows, and what the oracle wants to know about them. */
typedef struct problem {
  combination is;
  size_t n_out, ld;
  int by_class;
  gr_oracle_parameters parameters;
  uint64_t index[ROWS];
  int32_t class_index[DATA_ROWS];
  float *targets, weight[DATA_ROWS];
  float *a;                /* what the kernel receives: z */
  double z[ROWS][MAX_OUT]; /* the same */
} problem;

typedef struct result {
  float *a, *delta, loss[ROWS];
} result;

static float some_input(gr_test_stream *s, const combination *is, float scale) {
  const float x = gr_test_unit(s);
  return is_likelihood(is->loss) ? scale * x : 3 * x;
}

/* What the kernels and the oracle are given beside rows: huber's delta 0.75, tweedie's power 1.3,
 * focal's exponent 2, two quantiles; smoothing where it is asked for. */
static gr_oracle_parameters parameters_of(gr_loss loss, int smooth) {
  return (gr_oracle_parameters){.parameter = loss == GR_HUBER     ? 0.75
                                             : loss == GR_TWEEDIE ? (double)1.3f
                                                                  : 2,
                                .smoothing = smooth && loss == GR_CROSS_ENTROPY ? 0.125 : 0,
                                .n_levels = loss == GR_QUANTILE ? 2 : 0,
                                .levels = {0.125, 0.75}};
}

static problem make_problem(gr_test_stream *s, const combination *is, size_t n_out, int by_class,
                            int smooth, float scale) {
  problem p = {.is = *is,
               .n_out = n_out,
               .by_class = by_class,
               .parameters = parameters_of(is->loss, smooth),
               .ld = 16 * (gr_test_panels(n_out) + gr_test_between(s, 0, 1))};
  p.targets = gr_test_floats(DATA_ROWS * n_out);
  p.a = gr_test_floats(ROWS * p.ld);
  gr_test_poison(p.a, ROWS * p.ld);
  for (size_t i = 0; i < DATA_ROWS; i++) {
    p.class_index[i] = (int32_t)gr_test_between(s, 0, n_out == 1 ? 1 : n_out - 1);
    p.weight[i] = 1.5f + gr_test_unit(s);
    for (size_t j = 0; j < n_out; j++)
      p.targets[i * n_out + j] = 0.5f + 0.484375f * gr_test_unit(s);
  }
  for (size_t r = 0; r < ROWS; r++) {
    p.index[r] = gr_test_between(s, 0, DATA_ROWS - 1);
    for (size_t j = 0; j < n_out; j++) {
      const float x = some_input(s, is, scale);
      p.a[r * p.ld + j] = x;
      p.z[r][j] = (double)x;
    }
  }
  return p;
}

static void targets_of(const problem *p, size_t r, double *y) {
  const size_t row = p->index[r];
  const int32_t c = p->class_index[row];
  for (size_t j = 0; j < p->n_out; j++)
    y[j] = !p->by_class    ? (double)p->targets[row * p->n_out + j]
           : p->n_out == 1 ? (double)c
                           : (size_t)c == j;
}

static const float levels[2] = {0.125f, 0.75f};

static result run(const gr_kernels *k, const problem *p, int weighted, int with_delta) {
  result got = {gr_test_floats(ROWS * p->ld), gr_test_floats(ROWS * p->ld), {0}};
  memcpy(got.a, p->a, ROWS * p->ld * sizeof(float));
  gr_test_poison(got.delta, ROWS * p->ld);
  const gr_loss_rows l = {.loss = p->is.loss,
                          .activation = p->is.activation,
                          .n_rows = ROWS,
                          .n_out = p->n_out,
                          .a = got.a,
                          .delta = with_delta ? got.delta : NULL,
                          .ld = p->ld,
                          .index = p->index,
                          .class_index = p->by_class ? p->class_index : NULL,
                          .targets = p->by_class ? NULL : p->targets,
                          .weight = weighted ? p->weight : NULL,
                          .row_loss = got.loss,
                          .parameter = (float)p->parameters.parameter,
                          .smoothing = (float)p->parameters.smoothing,
                          .levels = levels,
                          .n_levels = p->parameters.n_levels};
  k->loss_rows(&l);
  return got;
}

/* Relative error of a softmax output: z - m rounds (u |z - m|, and so does m's own term), exp errs
 * by 2 ulp = 4 u, the sum of n terms in 16 partials by n/16 + 4 roundings, the division by one. */
static double softmax_error(const problem *p, size_t r) {
  double low = p->z[r][0], high = low;
  for (size_t j = 0; j < p->n_out; j++) {
    low = fmin(low, p->z[r][j]);
    high = fmax(high, p->z[r][j]);
  }
  return GR_ROUNDOFF * (2 * (high - low) + 14 + (double)p->n_out / 16);
}

/* Softmax: ln of the sum carries the sum's relative error, 2 ulp of its own (4 u) and the rounding
 * of z - m; smoothing adds differences of z with n/16 + 5 roundings. Sigmoid: each term is max(z,
 * 0)
 * - z y and ln(1 + e^-|z|), the latter good to 6 ulp = 12 u with its correction. Focal multiplies
 * by q^g, g = 2, whose exponent -g ln q, at most 140 where it counts, errs by 6 u of itself and by
 * what q errs, 2^-23 of 1. The others: some 40 u of the output, the target and z, squared at most.
 */
static double loss_bound(const problem *p, size_t r, const double *y, double loss) {
  double size = 0, most = 1;
  for (size_t j = 0; j < p->n_out; j++) {
    const double z = p->z[r][j], a = gr_oracle_activation(p->is.activation, z);
    most = fmax(most, fabs(z) + fabs(y[j]) + (is_likelihood(p->is.loss) ? 0 : fabs(a)));
    size += is_likelihood(p->is.loss) ? fabs(fmax(z, 0) - z * y[j]) + log1p(exp(-fabs(z))) : 0;
  }
  if (p->is.activation == GR_SOFTMAX)
    return 1.1 * (softmax_error(p, r) + 4 * GR_ROUNDOFF * (log((double)p->n_out) + fabs(loss))) +
           (p->parameters.smoothing > 0 || p->is.loss == GR_FOCAL
                ? GR_ROUNDOFF * (60 + (double)p->n_out / 8) * (most + fabs(loss))
                : 0);
  if (p->is.loss == GR_FOCAL) return GR_ROUNDOFF * (100 * size + 8 * most);
  if (p->is.loss == GR_CROSS_ENTROPY)
    return 1.1 * GR_ROUNDOFF * ((20 + (double)p->n_out / 16) * size + most);
  return GR_ROUNDOFF * (40 + (double)p->n_out / 16) *
         (most * most + (p->is.loss == GR_QUADRATIC ? (double)p->n_out * most : 0));
}

/* The output errs by its function, the delta by some roundings of what it is made of; the
 * difference quotient with h = 1e-5 by h^2 / 6 of a third derivative below 40, and by the rounding
 * of the oracle's loss over h. */
static double delta_bound(const problem *p, size_t r, size_t j, double y, double delta,
                          double loss) {
  const double z = p->z[r][j], f = gr_oracle_activation(p->is.activation, z);
  const double differences = 1e-9 + 0x1p-49 * (fabs(loss) + 1) / 1e-5;
  if (p->is.activation == GR_SOFTMAX)
    return (p->is.loss == GR_FOCAL ? 40 : 1.1) * softmax_error(p, r) +
           10 * GR_ROUNDOFF * fabs(delta) + differences;
  if (of_z(&p->is))
    return GR_ROUNDOFF * (p->is.loss == GR_FOCAL ? 120 : 12) *
               (1 + fabs(delta) + (is_likelihood(p->is.loss) ? 0 : f + y * (1 + 1 / f))) +
           differences;
  const double out = gr_oracle_activation_error(p->is.activation, f),
               slope = gr_oracle_slope_error(p->is.activation, 1);
  return 2 * (out + slope * (fabs(f - y) + 1) + 6 * GR_ROUNDOFF * (1 + fabs(delta))) + differences;
}

/* Whether a difference quotient would look across a bend of the loss. */
static bool near_a_bend(const problem *p, size_t r, size_t j, double y) {
  const double a = gr_oracle_activation(p->is.activation, p->z[r][j]), near = 1e-4;
  if (p->is.loss == GR_HINGE || p->is.loss == GR_SQUARED_HINGE)
    return fabs(1 - (2 * y - 1) * a) < near;
  if (p->is.loss == GR_HUBER) return fabs(fabs(a - y) - p->parameters.parameter) < near;
  return (p->is.loss == GR_MAE || p->is.loss == GR_QUANTILE) && fabs(a - y) < near;
}

static double by_differences(const problem *p, size_t r, size_t j, const double *y) {
  const double h = 1e-5;
  double z[MAX_OUT], loss[2];
  for (int side = 0; side < 2; side++) {
    memcpy(z, p->z[r], p->n_out * sizeof *z);
    z[j] += side ? h : -h;
    loss[side] = gr_oracle_row_loss(p->is.loss, p->is.activation, &p->parameters, z, y, p->n_out);
  }
  return (loss[1] - loss[0]) / (2 * h);
}

static int row_is_near(const problem *p, const result *got, size_t r, int weighted) {
  double y[MAX_OUT], a[MAX_OUT];
  const double w = weighted ? (double)p->weight[p->index[r]] : 1;
  targets_of(p, r, y);
  gr_oracle_outputs(p->is.activation, p->z[r], p->n_out, a);
  const double loss =
      gr_oracle_row_loss(p->is.loss, p->is.activation, &p->parameters, p->z[r], y, p->n_out);
  if (!(fabs((double)got->loss[r] - loss) <= loss_bound(p, r, y, loss))) return 0;
  for (size_t j = 0; j < p->n_out; j++) {
    const double delta = by_differences(p, r, j, y),
                 e = fabs((double)got->delta[r * p->ld + j] / w - delta);
    if (!near_a_bend(p, r, j, y[j]) && !(e <= delta_bound(p, r, j, y[j], delta, loss))) return 0;
    const double error = p->is.activation == GR_SOFTMAX
                             ? softmax_error(p, r) * fabs(a[j]) + 0x1p-100
                             : gr_oracle_activation_error(p->is.activation, a[j]);
    if (!(fabs((double)got->a[r * p->ld + j] - a[j]) <= error)) return 0;
  }
  return 1;
}

/* The columns that fill the last panel of the deltas are +0. */
static int padding_is_zero(const problem *p, const float *delta) {
  for (size_t r = 0; r < ROWS; r++)
    for (size_t j = p->n_out; j < 16 * gr_test_panels(p->n_out); j++)
      if (delta[r * p->ld + j] != 0 || signbit(delta[r * p->ld + j])) return 0;
  return 1;
}

static int same_result(const problem *p, const result *x, const result *y, int with_delta) {
  int same = gr_test_difference(x->loss, y->loss, ROWS) == ROWS;
  for (size_t r = 0; r < ROWS; r++) {
    same &= gr_test_difference(x->a + r * p->ld, y->a + r * p->ld, p->n_out) == p->n_out;
    if (with_delta)
      same &= gr_test_difference(x->delta + r * p->ld, y->delta + r * p->ld, p->n_out) == p->n_out;
  }
  return same;
}

static void check_combination(gr_test_stream *s, const combination *is, size_t n_out,
                              int by_class) {
  for (int weighted = 0; weighted < 2; weighted++) {
    const problem p = make_problem(s, is, n_out, by_class, weighted, weighted ? 3 : 20);
    const result wanted = run(generic_kernels(), &p, weighted, 1);
    for (size_t r = 0; r < ROWS; r++)
      GR_CHECK(row_is_near(&p, &wanted, r, weighted), "%s with %s, %zu outputs: row %zu",
               gr_losses[is->loss].name, gr_activations[is->activation].name, n_out, r);
    GR_EACH_ISA(k) for (int with_delta = 0; with_delta < 2; with_delta++) {
      const result got = run(k, &p, weighted, with_delta);
      GR_CHECK(same_result(&p, &got, &wanted, with_delta), "%s with %s, %zu outputs, on %s",
               gr_losses[is->loss].name, gr_activations[is->activation].name, n_out, isa_name(k));
      if (with_delta) GR_CHECK(padding_is_zero(&p, got.delta), "padding of %zu outputs", n_out);
    }
    gr_test_release();
  }
}

static void losses_and_deltas_follow_from_the_oracle(void) {
  static const size_t widths[] = {1, 2, 10, 16, 17, 300};
  gr_test_stream s = {gr_test_seed() + 40};
  for (size_t c = 0; c < N_COMBINATIONS; c++)
    for (size_t i = 0; i < 6; i++)
      for (int by_class = 0; by_class < 2; by_class++) {
        const int softmax = combinations[c].activation == GR_SOFTMAX;
        const gr_loss_targets targets = gr_losses[combinations[c].loss].targets;
        if (softmax && (widths[i] == 1 || !by_class))
          continue; /* softmax takes classes, two at least */
        if (targets == GR_TARGETS_NUMBERS && by_class) continue;
        if (combinations[c].loss == GR_FOCAL && !by_class) continue;
        if (combinations[c].loss == GR_QUANTILE && widths[i] % 2) continue;
        check_combination(&s, &combinations[c], widths[i], by_class);
      }
}

/* One bad value anywhere makes the row's loss NaN or infinite and leaves the other rows alone.
 * Under softmax minus infinity is no bad value for another class: a probability of 0. */
static void a_value_that_is_not_finite_shows_in_the_loss(void) {
  static const size_t widths[] = {1, 2, 16, 17, 45};
  gr_test_stream s = {gr_test_seed() + 41};
  GR_EACH_ISA(k) for (size_t c = 0; c < N_COMBINATIONS; c++) for (size_t i = 0; i < 5; i++) {
    const combination *is = &combinations[c];
    const int numbers = gr_losses[is->loss].targets == GR_TARGETS_NUMBERS;
    if (is->activation == GR_SOFTMAX && widths[i] == 1) continue;
    if (is->loss == GR_QUANTILE && widths[i] % 2) continue;
    if (is->activation != GR_IDENTITY && !of_z(is)) continue; /* squashes infinity */
    for (size_t j = 0; j < widths[i]; j++) {
      problem p = make_problem(&s, is, widths[i], !numbers, 0, 3);
      float bad[3];
      gr_test_poison(bad, is->activation == GR_SOFTMAX ? 2 : 3);
      for (int b = 0; b < (is->activation == GR_SOFTMAX ? 2 : 3); b++) {
        p.a[p.ld + j] = bad[b];
        const result got = run(k, &p, 0, 1);
        for (size_t r = 0; r < ROWS; r++)
          GR_CHECK(isfinite(got.loss[r]) == (r != 1),
                   "%s with %s, %g in column %zu of %zu, on %s: row %zu", gr_losses[is->loss].name,
                   gr_activations[is->activation].name, (double)bad[b], j, widths[i], isa_name(k),
                   r);
      }
      gr_test_release();
    }
  }
}

/* Far from the right answer the losses grow like z, and nothing overflows. */
static void large_inputs_give_finite_losses(void) {
  gr_test_stream s = {gr_test_seed() + 42};
  GR_EACH_ISA(k) for (size_t c = 4; c < 6; c++) {
    problem p = make_problem(&s, &combinations[c], 2, 1, 0, 1);
    for (size_t r = 0; r < ROWS; r++) {
      p.a[r * p.ld] = 1e6f;
      p.a[r * p.ld + 1] = -1e6f;
    }
    const result got = run(k, &p, 0, 1);
    for (size_t r = 0; r < ROWS; r++) {
      const float wrong = combinations[c].activation == GR_SOFTMAX ? 2e6f : 1e6f,
                  wanted = p.class_index[p.index[r]] == 0 ? 0 : wrong;
      GR_CHECK(got.loss[r] == wanted, "%s: %g, wanted %g", isa_name(k), (double)got.loss[r],
               (double)wanted);
    }
    gr_test_release();
  }
}

const gr_test loss_tests[] = {
    GR_TEST(losses_and_deltas_follow_from_the_oracle),
    GR_TEST(a_value_that_is_not_finite_shows_in_the_loss),
    GR_TEST(large_inputs_give_finite_losses),
    GR_TEST_END,
};
