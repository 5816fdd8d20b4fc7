/* The formulas of src/net/lbfgs.h and src/net/line_search.h, written again. */
#include <config.h>

#include "reference/lbfgs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "reference/functions.h"

static float *make_vector(size_t n) {
  float *v = calloc(n, sizeof *v);
  if (!v) abort();
  return v;
}

struct ref_lbfgs *ref_lbfgs_make(const ref_recipe *recipe, const float *x) {
  const size_t n = ref_parameters(recipe);
  struct ref_lbfgs *m = calloc(1, sizeof *m);
  if (!m) abort();
  m->x = make_vector(n);
  m->g = make_vector(n);
  m->d = make_vector(n);
  for (int i = 0; i < REF_PAIRS; i++) m->s[i] = make_vector(n), m->y[i] = make_vector(n);
  memcpy(m->x, x, n * sizeof *x);
  return m;
}

void ref_lbfgs_free(struct ref_lbfgs *m) {
  if (!m) return;
  free(m->x);
  free(m->g);
  free(m->d);
  for (int i = 0; i < REF_PAIRS; i++) free(m->s[i]), free(m->y[i]);
  free(m);
}

static size_t vectors_of_layer(const ref_recipe *recipe, size_t l) {
  return recipe->normalization[l - 1] == REF_PLAIN ? 1 : 3;
}

static double tree_of(const double *x, size_t n) {
  if (n == 1) return *x;
  size_t left = 1;
  while (2 * left < n) left *= 2;
  return tree_of(x, left) + tree_of(x + left, n - left);
}

/* A neuron at a time: its weights in order, then its other numbers. */
static double product(const ref_recipe *recipe, const float *a, const float *b) {
  static double rows[REF_MAX_LAYERS * REF_MAX_WIDTH];
  size_t n = 0, at = 0;
  for (size_t l = 1; l <= recipe->n_layers; l++) {
    const size_t n_in = recipe->width[l - 1], n_out = recipe->width[l],
                 more = vectors_of_layer(recipe, l);
    for (size_t o = 0; o < n_out; o++) {
      float partial[16] = {0};
      for (size_t i = 0; i < n_in + more; i++) {
        const size_t k = at + (i < n_in ? o * n_in + i : n_in * n_out + (i - n_in) * n_out + o);
        partial[i % 16] = fmaf(a[k], b[k], partial[i % 16]);
      }
      rows[n++] = (double)ref_tree_of_16(partial);
    }
    at += n_out * (n_in + more);
  }
  return tree_of(rows, n);
}

static int is_live(const struct ref_lbfgs *m, size_t place) {
  return (m->newest + REF_PAIRS - place) % REF_PAIRS < m->pairs;
}

/* Vector v times the sum of c: steps by place, changes by place, the gradient. */
static double times(const ref_recipe *r, const struct ref_lbfgs *m, const float *v,
                    const double c[2 * REF_PAIRS + 1]) {
  double sum = 0;
  for (size_t i = 0; i < REF_PAIRS; i++)
    if (is_live(m, i)) sum += c[i] * product(r, v, m->s[i]);
  for (size_t i = 0; i < REF_PAIRS; i++)
    if (is_live(m, i)) sum += c[REF_PAIRS + i] * product(r, v, m->y[i]);
  return sum + c[2 * REF_PAIRS] * (v == m->g ? m->norm * m->norm : product(r, v, m->g));
}

/* The two loops; 0 where the result does not go down. */
static int two_loops(const ref_recipe *r, const struct ref_lbfgs *m, double c[2 * REF_PAIRS + 1]) {
  double alpha[REF_PAIRS];
  for (int k = 0; k < 2 * REF_PAIRS; k++) c[k] = 0;
  c[2 * REF_PAIRS] = 1;
  for (size_t age = 0; age < m->pairs; age++) {
    const size_t i = (m->newest + REF_PAIRS - age) % REF_PAIRS;
    alpha[age] = times(r, m, m->s[i], c) / product(r, m->s[i], m->y[i]);
    c[REF_PAIRS + i] -= alpha[age];
  }
  const float *s = m->s[m->newest], *y = m->y[m->newest];
  const double scale = product(r, s, y) / product(r, y, y);
  for (int k = 0; k <= 2 * REF_PAIRS; k++) c[k] *= scale;
  for (size_t age = m->pairs; age-- > 0;) {
    const size_t i = (m->newest + REF_PAIRS - age) % REF_PAIRS;
    c[i] += alpha[age] - times(r, m, m->y[i], c) / product(r, m->s[i], m->y[i]);
  }
  double square = 0;
  for (size_t i = 0; i < REF_PAIRS; i++)
    if (is_live(m, i)) square += c[i] * times(r, m, m->s[i], c);
  for (size_t i = 0; i < REF_PAIRS; i++)
    if (is_live(m, i)) square += c[REF_PAIRS + i] * times(r, m, m->y[i], c);
  square += c[2 * REF_PAIRS] * times(r, m, m->g, c);
  return square > 0 && square < ldexp(1, 100) &&
         times(r, m, m->g, c) > ldexp(1, -20) * sqrt(m->norm * m->norm) * sqrt(square);
}

static void turn(const ref_recipe *r, struct ref_lbfgs *m, double rate) {
  double c[2 * REF_PAIRS + 1];
  const size_t n = ref_parameters(r);
  if (m->pairs > 0 && !two_loops(r, m, c)) m->pairs = 0;
  for (size_t k = 0; k < n; k++) {
    float sum = 0;
    int first = 1;
    for (size_t i = 0; i < 2 * REF_PAIRS && m->pairs > 0; i++) {
      const float v = i < REF_PAIRS ? m->s[i][k] : m->y[i - REF_PAIRS][k];
      if (!is_live(m, i % REF_PAIRS)) continue;
      sum = first ? (float)-c[i] * v : fmaf((float)-c[i], v, sum);
      first = 0;
    }
    m->d[k] = ref_flush(first ? -m->g[k] : fmaf((float)-c[2 * REF_PAIRS], m->g[k], sum));
  }
  m->t = (double)(float)(m->pairs == 0 && m->norm > 1 ? rate / m->norm : rate);
  m->trials = 0;
  m->zooming = m->returns = 0;
  m->t_low = m->f_low = m->slope_low = m->t_high = m->f_high = m->slope_high = 0;
}

/* s = w - x and y = g - g(x) in the place after the newest. */
static void keep_pair(const ref_recipe *r, struct ref_lbfgs *m, const float *w, const float *g) {
  const size_t next = (m->newest + 1) % REF_PAIRS;
  float *s = m->s[next], *y = m->y[next];
  for (size_t k = 0; k < ref_parameters(r); k++) {
    s[k] = ref_flush(w[k] - m->x[k]);
    y[k] = ref_flush(g[k] - m->g[k]);
  }
  if (product(r, s, y) > ldexp(1, -33) * product(r, y, y)) {
    m->newest = next;
    if (m->pairs < REF_PAIRS) m->pairs++;
  } else if (m->pairs == REF_PAIRS) {
    m->pairs--;
  }
}

static void accept(const ref_recipe *r, struct ref_lbfgs *m, const float *w, const float *g,
                   double f, double norm, double rate) {
  const size_t bytes = ref_parameters(r) * sizeof *w;
  if (m->started) {
    m->still = m->f0 - f <= ldexp(1, -30) * fabs(m->f0) ? m->still + 1 : 0;
    keep_pair(r, m, w, g);
  }
  m->started = 1;
  memcpy(m->x, w, bytes);
  memcpy(m->g, g, bytes);
  m->f0 = f;
  m->norm = norm;
  m->t = 0;
  m->ended = norm <= r->tolerance || m->still >= 5;
  if (!m->ended) turn(r, m, rate);
}

static void give_up(const ref_recipe *r, struct ref_lbfgs *m, double rate) {
  if (m->t_low > 0 && m->f_low < m->f0) {
    m->returns = 1;
    m->t = m->t_low;
    return;
  }
  m->t = 0;
  m->ended = m->pairs == 0;
  m->pairs = 0;
  if (!m->ended) turn(r, m, rate);
}

/* Of the points (a, fa, ga) and (b, fb, gb). */
static double minimum(double e, double a, double fa, double ga, double b, double fb, double gb) {
  if (!isfinite(fa) || !isfinite(fb)) return (double)NAN;
  if (fabs(fa - fb) <= e) return a - ga * (b - a) / (gb - ga);
  const double d1 = ga + gb - 3 * (fa - fb) / (a - b), inside = d1 * d1 - ga * gb;
  if (!(inside >= 0)) return (double)NAN;
  const double d2 = b > a ? sqrt(inside) : -sqrt(inside);
  return b - (b - a) * ((gb + d2 - d1) / (gb - ga + 2 * d2));
}

static void try_next(const ref_recipe *r, struct ref_lbfgs *m, double t, double rate) {
  t = (double)(float)t;
  if (m->trials >= 20 || t > 1e10 || t <= 0 || t == m->t_low || t == m->t_high)
    give_up(r, m, rate);
  else
    m->t = t;
}

static void zoom(const ref_recipe *r, struct ref_lbfgs *m, double e, double rate) {
  const double left = m->t_low < m->t_high ? m->t_low : m->t_high,
               right = m->t_low < m->t_high ? m->t_high : m->t_low, edge = 0.1 * (right - left);
  double t = minimum(e, m->t_low, m->f_low, m->slope_low, m->t_high, m->f_high, m->slope_high);
  m->zooming = 1;
  if (isnan(t))
    t = left + 0.5 * (right - left);
  else if (t < left + edge)
    t = left + edge;
  else if (t > right - edge)
    t = right - edge;
  try_next(r, m, t, rate);
}

static void lengthen(const ref_recipe *r, struct ref_lbfgs *m, double e, double rate) {
  const double a = m->t_high, b = m->t_low, least = b + 0.01 * (b - a), most = 10 * b;
  double t = minimum(e, a, m->f_high, m->slope_high, b, m->f_low, m->slope_low);
  if (isnan(t)) t = most;
  try_next(r, m, t < least ? least : t > most ? most : t, rate);
}

static void search(const ref_recipe *r, struct ref_lbfgs *m, const float *w, const float *g,
                   double f, double norm, double rate) {
  const double e = ldexp(fabs(m->f0), -23), start = product(r, m->g, m->d);
  double slope = product(r, g, m->d);
  const int bad = !isfinite(f) || !isfinite(slope) || !isfinite(norm);
  if (bad) f = (double)INFINITY, slope = 0;
  if (m->trials++ == 0) m->t_low = 0, m->f_low = m->f0, m->slope_low = start;
  const int first = m->trials == 1, above = bad || f > m->f0 + 1e-4 * m->t * start + e,
            higher = f > m->f_low + e;
  if (!above && (first || !higher) && fabs(slope) <= -0.9 * start) {
    accept(r, m, w, g, f, norm, rate);
    return;
  }
  if (above || (higher && (m->zooming || !first))) {
    m->t_high = m->t, m->f_high = f, m->slope_high = slope;
    zoom(r, m, e, rate);
    return;
  }
  if (!m->zooming || slope * (m->t_high - m->t_low) >= 0)
    m->t_high = m->t_low, m->f_high = m->f_low, m->slope_high = m->slope_low;
  m->t_low = m->t, m->f_low = f, m->slope_low = slope;
  if (m->zooming || slope >= 0)
    zoom(r, m, e, rate);
  else
    lengthen(r, m, e, rate);
}

void ref_lbfgs_step(const ref_recipe *r, struct ref_lbfgs *m, float *w, double objective,
                    float *gradient, float scale, double rate) {
  size_t at = 0;
  for (size_t l = 1; l <= r->n_layers; l++) {
    const size_t weights = r->width[l - 1] * r->width[l],
                 all = weights + vectors_of_layer(r, l) * r->width[l];
    for (size_t k = at; k < at + all; k++) {
      gradient[k] *= scale;
      if (k < at + weights) gradient[k] = fmaf((float)r->weight_decay, w[k], gradient[k]);
      gradient[k] = ref_flush(gradient[k]);
    }
    at += all;
  }
  const double norm = sqrt(product(r, gradient, gradient));
  if (m->started && !m->returns)
    search(r, m, w, gradient, objective, norm, (double)(float)rate);
  else
    accept(r, m, w, gradient, objective, norm, (double)(float)rate);
  for (size_t k = 0; k < at; k++) w[k] = ref_flush(fmaf((float)m->t, m->d[k], m->x[k]));
}
