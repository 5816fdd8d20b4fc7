/* The line search on functions of one variable, and the two loops against the matrix that they
 * stand for. */
#include <config.h>

#include <math.h>
#include <string.h>

#include "net/lbfgs.h"
#include "net/suites.h"
#include "support/numbers.h"

/* ---- lines ---- */

/* Functions 2 and 3 of More and Thuente 1994 (section 5) and others; the slope into *g. */
static double flat_valley(double t, double *g) {
  const double a = t + 0.1; /* there 0.004: floats have no point flat enough */
  *g = 5 * pow(a, 4) - 8 * pow(a, 3);
  return pow(a, 5) - 2 * pow(a, 4);
}

static double rational(double t, double *g) {
  *g = (t * t - 2) / ((t * t + 2) * (t * t + 2));
  return -t / (t * t + 2);
}

static double parabola(double t, double *g) {
  *g = 2 * (t - 3);
  return (t - 3) * (t - 3) + 1;
}

static double wave(double t, double *g) {
  *g = 0.1 * t - 0.5 - 0.6 * sin(3 * t);
  return 0.05 * t * t - 0.5 * t + 0.2 * cos(3 * t);
}

/* Defined up to 2.5 only. */
static double wall(double t, double *g) {
  *g = t < 2.5 ? -1 + 0.1 / (2.5 - t) : (double)NAN;
  return t < 2.5 ? -t - 0.1 * log(2.5 - t) : (double)NAN;
}

typedef double line(double t, double *g);
static line *const lines[] = {flat_valley, rational, parabola, wave, wall};
enum { N_LINES = sizeof lines / sizeof lines[0] };

static gr_search begin(line *f, double first, gr_search_trial *trial) {
  gr_search s = {0};
  *trial = (gr_search_trial){.norm = 1};
  trial->f = f(0, &trial->slope0);
  CU_ASSERT_EQUAL(gr_search_take(&s, trial, 0), GR_SEARCH_ACCEPT);
  gr_search_begin(&s, first);
  return s;
}

static void a_point_is_found_wherever_the_first_trial_is(void) {
  for (int k = 0; k < N_LINES; k++)
    for (double first = 1e-3; first < 2e3; first *= 10) {
      gr_search_trial trial;
      gr_search s = begin(lines[k], first, &trial);
      const double f0 = trial.f;
      gr_search_action action = GR_SEARCH_TRY;
      double t = 0;
      int trials = 0;
      while (action == GR_SEARCH_TRY && trials < 100) {
        t = s.t;
        trial.f = lines[k](t, &trial.slope);
        action = gr_search_take(&s, &trial, 0);
        trials++;
      }
      GR_CHECK(action == GR_SEARCH_ACCEPT && trials <= GR_SEARCH_TRIALS + 1,
               "line %d from %g: action %d after %d trials", k, first, (int)action, trials);
      GR_CHECK(trial.f <= f0 + 1e-4 * t * trial.slope0 + 0x1p-23 * fabs(f0) &&
                   fabs(trial.slope) <= 0.9 * fabs(trial.slope0),
               "line %d from %g: t %g", k, first, t);
      CU_ASSERT(s.iterations == 1 && s.f0 == trial.f && s.end == 0);
    }
}

/* A line without a lower point: the steepest descent once, where it was not that already. */
static void a_line_that_only_rises_is_given_up(void) {
  for (uint64_t pairs = 0; pairs < 2; pairs++) {
    gr_search_trial trial = {.f = 1, .norm = 1};
    gr_search s = {0};
    (void)gr_search_take(&s, &trial, 0);
    s.pairs = pairs;
    gr_search_begin(&s, 1);
    gr_search_action action = GR_SEARCH_TRY;
    int trials = 0;
    for (; action == GR_SEARCH_TRY && trials < 100; trials++) {
      trial = (gr_search_trial){.f = 1 + s.t, .slope = 1, .norm = 1, .slope0 = -1};
      action = gr_search_take(&s, &trial, 0);
    }
    CU_ASSERT_EQUAL(action, pairs ? GR_SEARCH_STEEPEST : GR_SEARCH_STOP);
    CU_ASSERT_EQUAL(s.end, pairs ? GR_SEARCH_GOES_ON : GR_SEARCH_NO_DESCENT);
    CU_ASSERT(trials <= GR_SEARCH_TRIALS && s.t == 0);
    CU_ASSERT((gr_search_reason(s.end) != NULL) == (pairs == 0));
  }
}

/* Values that fall a little but never by enough, with slopes that stay steep. */
static void a_search_without_end_goes_back_to_its_best_point(void) {
  gr_search_trial trial = {.f = 1, .norm = 1};
  gr_search s = {0};
  double best = 1, at = 0;
  (void)gr_search_take(&s, &trial, 0);
  gr_search_begin(&s, 1);
  for (int i = 0; i < 100 && s.phase != GR_SEARCH_RETURN; i++) {
    trial = (gr_search_trial){.f = 1 - 1e-3 * s.t, .slope = s.t < 0.7 ? -1 : 1, .norm = 1};
    trial.slope0 = -1;
    if (trial.f < best && s.t < 0.7) best = trial.f, at = s.t;
    CU_ASSERT_EQUAL(gr_search_take(&s, &trial, 0), GR_SEARCH_TRY);
  }
  CU_ASSERT(s.phase == GR_SEARCH_RETURN && s.t > 0.5 && s.t <= 1 && at > 0);
  trial.f = 0.5;
  CU_ASSERT_EQUAL(gr_search_take(&s, &trial, 0), GR_SEARCH_ACCEPT);
  CU_ASSERT(s.f0 == 0.5 && s.iterations == 1);
}

static void what_ends_a_search(void) {
  gr_search s = {0};
  gr_search_trial trial = {.f = 1, .norm = 0.01, .slope0 = -1};
  CU_ASSERT_EQUAL(gr_search_take(&s, &trial, 0.01), GR_SEARCH_ACCEPT);
  CU_ASSERT_EQUAL(s.end, GR_SEARCH_FLAT);
  s = (gr_search){0};
  trial.norm = 1;
  trial.slope0 = -1e-5; /* wants less of a decrease than rounding may hide */
  (void)gr_search_take(&s, &trial, 0.01);
  for (int i = 1; i <= GR_SEARCH_STILL; i++) {
    CU_ASSERT_EQUAL(s.end, GR_SEARCH_GOES_ON);
    gr_search_begin(&s, 1);
    CU_ASSERT_EQUAL(gr_search_take(&s, &trial, 0.01), GR_SEARCH_ACCEPT);
  }
  CU_ASSERT_EQUAL(s.end, GR_SEARCH_STILL_STANDING);
}

/* ---- the memory ---- */

enum { N = 7 };
typedef double vector[N];

static double dot(const vector a, const vector b) {
  double sum = 0;
  for (int i = 0; i < N; i++) sum += a[i] * b[i];
  return sum;
}

/* H <- V' H V + rho s s', V = I - rho y s' (Nocedal and Wright 2006, eq. 7.16). */
static void update_matrix(vector h[N], const vector s, const vector y) {
  const double rho = 1 / dot(s, y);
  vector hy, new_h[N];
  for (int i = 0; i < N; i++) hy[i] = dot(h[i], y);
  const double yhy = dot(y, hy);
  for (int i = 0; i < N; i++)
    for (int j = 0; j < N; j++)
      new_h[i][j] =
          h[i][j] - rho * (hy[i] * s[j] + s[i] * hy[j]) + rho * (rho * yhy + 1) * s[i] * s[j];
  memcpy(h, new_h, sizeof new_h);
}

static void put_pair(gr_lbfgs *m, vector v[GR_LBFGS_VECTORS], const vector s, const vector y) {
  const uint32_t next = gr_lbfgs_next(&m->search);
  memcpy(v[next], s, sizeof(vector));
  memcpy(v[GR_LBFGS_PAIRS + next], y, sizeof(vector));
  for (int i = 0; i < GR_LBFGS_VECTORS; i++)
    for (int j = 0; j < GR_LBFGS_VECTORS; j++) m->product[i][j] = dot(v[i], v[j]);
  gr_lbfgs_keep(m);
}

/* The direction by the memory against minus the matrix of the last pairs times the gradient. 1e-6:
 * coefficients are floats, of vectors of order 1 and at most some tens of them. */
static void check_direction(gr_lbfgs *m, vector v[GR_LBFGS_VECTORS], const vector *s,
                            const vector *y, int n) {
  float c[GR_LBFGS_VECTORS];
  vector h[N] = {{0}};
  const int pairs = n < GR_LBFGS_PAIRS ? n : GR_LBFGS_PAIRS;
  const double scale = dot(s[n - 1], y[n - 1]) / dot(y[n - 1], y[n - 1]);
  for (int i = 0; i < N; i++) h[i][i] = scale;
  for (int k = n - pairs; k < n; k++) update_matrix(h, s[k], y[k]);
  gr_lbfgs_direction(m, c);
  CU_ASSERT_EQUAL(m->search.pairs, (uint64_t)pairs);
  for (int i = 0; i < N; i++) {
    double got = 0, wanted = -dot(h[i], v[GR_LBFGS_GRADIENT]), size = fabs(wanted);
    for (int k = 0; k < GR_LBFGS_VECTORS; k++) {
      got += (double)c[k] * v[k][i];
      size += fabs((double)c[k] * v[k][i]);
    }
    GR_CHECK(fabs(got - wanted) <= 1e-6 * size, "%d pairs, element %d: %.9g, wanted %.9g", n, i,
             got, wanted);
  }
}

static void the_direction_is_that_of_the_matrix_of_the_last_pairs(void) {
  enum { STEPS = 25 };
  gr_test_stream stream = {gr_test_seed()};
  gr_lbfgs m = {.search = {0}};
  vector v[GR_LBFGS_VECTORS] = {{0}}, s[STEPS], y[STEPS];
  for (int n = 0; n < STEPS; n++) {
    for (int i = 0; i < N; i++) {
      s[n][i] = (double)gr_test_unit(&stream);
      v[GR_LBFGS_GRADIENT][i] = (double)gr_test_unit(&stream);
    }
    for (int i = 0; i < N; i++) /* a positive matrix times s */
      y[n][i] = (1 + i) * s[n][i] + 0.5 * s[n][(i + 1) % N] + 0.5 * s[n][(i + N - 1) % N];
    put_pair(&m, v, s[n], y[n]);
    check_direction(&m, v, s, y, n + 1);
  }
}

static void pairs_without_curvature_are_not_kept(void) {
  gr_lbfgs m = {.search = {.pairs = GR_LBFGS_PAIRS, .newest = 4}};
  m.product[5][15] = m.product[15][5] = -1;
  m.product[15][15] = 1;
  gr_lbfgs_keep(&m);
  CU_ASSERT(m.search.pairs == GR_LBFGS_PAIRS - 1 && m.search.newest == 4);
  m.product[5][15] = m.product[15][5] = 1e-11;
  gr_lbfgs_keep(&m);
  CU_ASSERT(m.search.pairs == GR_LBFGS_PAIRS - 1 && m.search.newest == 4);
  m.product[5][15] = m.product[15][5] = 1e-3;
  gr_lbfgs_keep(&m);
  CU_ASSERT(m.search.pairs == GR_LBFGS_PAIRS && m.search.newest == 5);
}

/* Products that cannot be those of vectors: rather the gradient than a step upwards. */
static void a_direction_that_would_not_descend_is_the_steepest_descent(void) {
  float c[GR_LBFGS_VECTORS];
  static const double squares[] = {-1, 0, (double)INFINITY, (double)NAN}; /* of the gradient */
  for (int k = 0; k < 4; k++) {
    gr_lbfgs m = {.search = {.pairs = 1, .newest = 0}};
    m.product[0][0] = m.product[0][10] = m.product[10][0] = m.product[10][10] = 1;
    m.product[20][20] = squares[k];
    gr_lbfgs_direction(&m, c);
    CU_ASSERT_EQUAL(m.search.pairs, 0);
    for (int i = 0; i < GR_LBFGS_VECTORS; i++) CU_ASSERT(c[i] == (i == 20 ? -1 : 0));
  }
}

static void hostile_numbers_are_no_search(void) {
  const gr_search good = {.phase = GR_SEARCH_ZOOM, .pairs = 10, .newest = 9, .t = 1};
  gr_search bad = good;
  CU_ASSERT(gr_search_is_valid(&good));
  bad.pairs = 11;
  CU_ASSERT(!gr_search_is_valid(&bad));
  bad = good, bad.newest = 10;
  CU_ASSERT(!gr_search_is_valid(&bad));
  bad = good, bad.phase = GR_N_SEARCH_PHASES;
  CU_ASSERT(!gr_search_is_valid(&bad));
  bad = good, bad.end = UINT64_MAX;
  CU_ASSERT(!gr_search_is_valid(&bad));
  bad = good, bad.t = (double)NAN;
  CU_ASSERT(!gr_search_is_valid(&bad));
}

const gr_test lbfgs_tests[] = {
    GR_TEST(a_point_is_found_wherever_the_first_trial_is),
    GR_TEST(a_line_that_only_rises_is_given_up),
    GR_TEST(a_search_without_end_goes_back_to_its_best_point),
    GR_TEST(what_ends_a_search),
    GR_TEST(the_direction_is_that_of_the_matrix_of_the_last_pairs),
    GR_TEST(pairs_without_curvature_are_not_kept),
    GR_TEST(a_direction_that_would_not_descend_is_the_steepest_descent),
    GR_TEST(hostile_numbers_are_no_search),
    GR_TEST_END,
};
