/* The loss of a sample: outputs and deltas from the weighted inputs of the last layer. */
#include <config.h>

#include <math.h>

#include "reference/functions.h"

/* Column j of a sample's target: its y, or one-hot; for one output the class itself. */
static float target(const ref_sample *s, size_t j, size_t n) {
  if (s->y) return s->y[j];
  return n == 1 ? (float)s->label : (float)((size_t)s->label == j);
}

/* One term: value and derivative by x, which is the output, or z; then *x becomes the output. */
static float term(const ref_recipe *r, size_t j, float *x, float y, float *d) {
  const float e = *x - y, size = fabsf(e), c = r->parameter, z = *x;
  switch (r->loss) {
    case REF_MSE:
      *d = e + e;
      return e * e;
    case REF_MAE:
      *d = size > 0 ? copysignf(1, e) : e;
      return size;
    case REF_HUBER: {
      const float m = size < c ? size : c;
      *d = copysignf(m, e);
      return m * fmaf(-0.5f, m, size);
    }
    case REF_LOG_COSH: {
      const float value = size + (ref_log_one_plus(ref_exp(size * -2)) - 0x1.62e43p-1f);
      *d = ref_tanh(e);
      return value > 0 ? value : 0;
    }
    case REF_QUANTILE: {
      const float t = r->levels[j % r->n_levels];
      *d = e < 0 ? 0 - t : e > 0 ? 1 - t : e;
      return e < 0 ? 0 - t * e : 0 - (t - 1) * e;
    }
    case REF_HINGE:
    case REF_SQUARED_HINGE: {
      const float s = fmaf(2, y, -1), out = fmaf(-s, z, 1), m = fmaf(z, 0, out > 0 ? out : 0);
      *d = r->loss == REF_HINGE ? 0 - (m > 0 ? s : 0) : 0 - 2 * (m * s);
      return r->loss == REF_HINGE ? m : m * m;
    }
    case REF_POISSON:
      *x = ref_exp(z);
      *d = *x - y;
      return fmaf(-y, z, *x);
    case REF_GAMMA: {
      const float share = y * ref_exp(0 - z);
      *x = ref_exp(z);
      *d = 1 - share;
      return z + share;
    }
    case REF_TWEEDIE: {
      const float low = ref_exp((1 - c) * z), high = ref_exp((2 - c) * z);
      *x = ref_exp(z);
      *d = fmaf(-y, low, high);
      return high / (2 - c) - y * low / (1 - c);
    }
    default: { /* max(z, 0) - z y + ln(1 + e^-|z|) */
      if (r->loss == REF_CROSS_ENTROPY) y = fmaf(y, 1 - r->smoothing, 0.5f * r->smoothing);
      const float f = ref_log_one_plus(ref_exp(-fabsf(z))), loss = fmaf(-z, y, z > 0 ? z : 0) + f;
      *x = ref_sigmoid(z);
      *d = *x - y;
      return loss;
    }
  }
}

/* Focal: cross-entropy c of a target with probability 1 - q, times a number; *d likewise. */
static float focus(float g, float q, float c, float *factor) {
  const float power = ref_unit_power(q, g), ratio = q < 0x1p-100f ? 1 : c / q;
  *factor = power * fmaf(g * (1 - q), ratio, 1);
  return c * power;
}

static float terms(const ref_recipe *r, const ref_sample *s, size_t n, float *a, float *d) {
  float partial[16] = {0}, factor, slope;
  const int of_z = r->loss == REF_CROSS_ENTROPY || r->loss == REF_FOCAL ||
                   (r->loss >= REF_POISSON && r->loss <= REF_TWEEDIE),
            sum = r->loss == REF_QUADRATIC;
  const float share = sum ? 1 : 1 / (float)n, scale = s->weight * share;
  for (size_t j = 0; j < n; j++) {
    const float y = target(s, j, n);
    if (!of_z) ref_curve((int)r->activation[r->n_layers - 1], a[j], &a[j], &slope);
    if (r->loss == REF_QUADRATIC) {
      d[j] = a[j] - y;
      partial[j % 16] = fmaf(d[j], d[j], partial[j % 16]);
    } else {
      float loss = term(r, j, &a[j], y, &d[j]);
      if (r->loss == REF_FOCAL) {
        loss = focus(r->parameter, fabsf(d[j]), loss, &factor);
        d[j] *= factor;
      }
      partial[j % 16] += loss;
    }
    d[j] = ref_flush(of_z ? d[j] : d[j] * slope) * scale;
  }
  const float total = ref_tree_of_16(partial);
  return r->loss == REF_QUADRATIC ? 0.5f * total : sum ? total : share * total;
}

/* With what smoothing and focal make of it. */
static float softmax(const ref_recipe *r, const ref_sample *s, size_t n, float *a, float *d) {
  float partial[16] = {0}, apart[16] = {0}, most = a[0], factor;
  for (size_t j = 1; j < n; j++) most = a[j] > most ? a[j] : most;
  const float own = a[s->label], chosen = own - most;
  for (size_t j = 0; j < n; j++) apart[j % 16] += own - a[j];
  for (size_t j = 0; j < n; j++) partial[j % 16] += a[j] = ref_exp(a[j] - most);
  const float total = ref_tree_of_16(partial), low = r->smoothing / (float)n;
  for (size_t j = 0; j < n; j++) {
    const float hot = (size_t)s->label == j;
    a[j] = ref_flush(a[j] / total);
    d[j] =
        ref_flush(a[j] - (r->smoothing > 0 ? fmaf(hot, 1 - r->smoothing, low) : hot)) * s->weight;
  }
  float loss = ref_log(total) - chosen;
  if (r->smoothing > 0) loss += r->smoothing * (ref_tree_of_16(apart) / (float)n);
  if (r->loss != REF_FOCAL) return loss;
  loss = focus(r->parameter, 1 - a[s->label], loss, &factor);
  for (size_t j = 0; j < n; j++) d[j] = ref_flush(d[j] * factor);
  return loss;
}

float ref_sample_loss(const ref_recipe *recipe, const ref_sample *s, float *a, float *d) {
  const size_t l = recipe->n_layers, n = recipe->width[l];
  if (recipe->activation[l - 1] == REF_SOFTMAX) return softmax(recipe, s, n, a, d);
  return terms(recipe, s, n, a, d);
}
