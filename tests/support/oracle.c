/* The dense network in double. Rows are taken one after another; nothing is blocked, fused or
 * reordered. The bound on float gradients carries an error beside every quantity. */
#include <config.h>

#include "support/oracle.h"

#include <math.h>
#include <string.h>

#include "support/numbers.h"

double gr_oracle_activation(gr_activation kind, double z) {
  if (kind == GR_SIGMOID) return 1 / (1 + exp(-z));
  if (kind == GR_TANH) return tanh(z);
  return kind == GR_RELU && z < 0 ? 0 : z;
}

double gr_oracle_derivative(gr_activation kind, double z) {
  const double a = gr_oracle_activation(kind, z);
  if (kind == GR_SIGMOID) return a * (1 - a);
  if (kind == GR_TANH) return 1 - a * a;
  return kind == GR_RELU ? z > 0 : 1;
}

/* ln sum_j e^(z_j), without overflow. */
static double log_sum_exp(const double *z, size_t n) {
  double most = z[0], sum = 0;
  for (size_t j = 1; j < n; j++) most = fmax(most, z[j]);
  for (size_t j = 0; j < n; j++) sum += exp(z[j] - most);
  return most + log(sum);
}

void gr_oracle_outputs(gr_activation kind, const double *z, size_t n, double *a) {
  const double whole = kind == GR_SOFTMAX ? log_sum_exp(z, n) : 0;
  for (size_t j = 0; j < n; j++)
    a[j] = kind == GR_SOFTMAX ? exp(z[j] - whole) : gr_oracle_activation(kind, z[j]);
}

double gr_oracle_row_loss(gr_loss loss, gr_activation kind, const double *z, const double *y,
                          size_t n) {
  double sum = 0, whole = kind == GR_SOFTMAX ? log_sum_exp(z, n) : 0;
  for (size_t j = 0; j < n; j++) {
    if (loss == GR_QUADRATIC) {
      const double d = gr_oracle_activation(kind, z[j]) - y[j];
      sum += d * d / 2;
    } else if (kind == GR_SOFTMAX) {
      sum += y[j] * (whole - z[j]);
    } else { /* -ln a = ln(1 + e^-z), -ln(1 - a) = z - ln a */
      const double minus_log = z[j] > 0 ? log1p(exp(-z[j])) : log1p(exp(z[j])) - z[j];
      sum += minus_log + (1 - y[j]) * z[j];
    }
  }
  return sum;
}

void gr_oracle_forward(const gr_network *network, const double *parameters, const double *x,
                       double *z, double *a_out) {
  double buffer[2][1200];
  const double *a = x;
  for (uint32_t l = 0; l < network->n_layers; l++) {
    const gr_layer *layer = &network->layer[l];
    const int last = l + 1 == network->n_layers;
    double *to = last ? z : buffer[l % 2];
    for (size_t o = 0; o < layer->n_out; o++) {
      to[o] = parameters[layer->bias + o];
      for (size_t i = 0; i < layer->n_in; i++)
        to[o] += parameters[layer->weights + o * layer->n_in + i] * a[i];
      if (!last) to[o] = gr_oracle_activation(layer->activation, to[o]);
    }
    if (!last && a_out) {
      memcpy(a_out, to, layer->n_out * sizeof *to);
      a_out += layer->n_out;
    }
    a = to;
  }
}

double gr_oracle_loss(const gr_network *network, const double *parameters, size_t n_rows,
                      const double *x, const double *y, const double *weight) {
  const gr_layer *out = &network->layer[network->n_layers - 1];
  double z[1200], sum = 0, total = 0;
  for (size_t r = 0; r < n_rows; r++) {
    const double w = weight ? weight[r] : 1;
    gr_oracle_forward(network, parameters, x + r * network->layer[0].n_in, z, NULL);
    sum +=
        w * gr_oracle_row_loss(network->loss, out->activation, z, y + r * out->n_out, out->n_out);
    total += w;
  }
  return sum / total;
}

/* ----- the bound ----- */

/* Values and absolute errors of one layer's outputs, weighted inputs and deltas. */
typedef struct tracked {
  double a[1200], ea[1200], z[1200], ez[1200], d[1200], ed[1200];
} tracked;

/* Error of a derivative taken from an output with error ea: a (1 - a) and 1 - a^2 change at most
 * twice as fast as a does; 2 roundings of numbers below 1. */
static double derivative_error(gr_activation kind, double ea) {
  return kind == GR_SIGMOID || kind == GR_TANH ? 2 * ea + 2 * GR_ROUNDOFF : 0;
}

/* Outputs of a layer and their errors: a chain of n_in multiply-adds errs by at most n_in u times
 * the sum of magnitudes; the functions err by 3 ulp, or 6 u, and flush below 2^-100. */
static void track_forward(const gr_layer *layer, const double *parameters, const tracked *below,
                          tracked *t) {
  const double slope = layer->activation == GR_SIGMOID ? 0.25 : 1;
  for (size_t o = 0; o < layer->n_out; o++) {
    double z = parameters[layer->bias + o], size = fabs(z), carried = 0;
    for (size_t i = 0; i < layer->n_in; i++) {
      const double w = parameters[layer->weights + o * layer->n_in + i];
      z += w * below->a[i];
      size += fabs(w * below->a[i]);
      carried += fabs(w) * below->ea[i];
    }
    t->z[o] = z;
    t->ez[o] = carried + ((double)layer->n_in + 1) * GR_ROUNDOFF * size;
    t->a[o] = gr_oracle_activation(layer->activation, z);
    t->ea[o] = slope * t->ez[o] + 6 * GR_ROUNDOFF * fabs(t->a[o]) + 0x1p-100;
  }
}

/* Output probabilities under softmax: relative error of e^(z - m) is the error of z and of m, one
 * rounding of z - m, 2 ulp; then n/16 + 4 additions and a division. */
static void track_softmax(size_t n, tracked *t) {
  double most = 0, range = 0;
  gr_oracle_outputs(GR_SOFTMAX, t->z, n, t->a);
  for (size_t j = 0; j < n; j++) {
    most = fmax(most, t->ez[j]);
    for (size_t k = 0; k < n; k++) range = fmax(range, fabs(t->z[j] - t->z[k]));
  }
  const double relative = 2 * most + GR_ROUNDOFF * (2 * range + 14 + (double)n / 16);
  for (size_t j = 0; j < n; j++) t->ea[j] = relative * t->a[j] + 0x1p-100;
}

static void track_loss(const gr_network *network, const double *y, double weight, tracked *t) {
  const gr_layer *out = &network->layer[network->n_layers - 1];
  if (out->activation == GR_SOFTMAX) track_softmax(out->n_out, t);
  for (size_t j = 0; j < out->n_out; j++) {
    double d = t->a[j] - y[j], e = t->ea[j] + GR_ROUNDOFF * fabs(d);
    if (network->loss == GR_QUADRATIC) {
      const double slope = gr_oracle_derivative(out->activation, t->z[j]);
      e = e * fabs(slope) + fabs(d) * derivative_error(out->activation, t->ea[j]);
      d *= slope;
    }
    t->d[j] = weight * d;
    t->ed[j] = fabs(weight) * (e + 3 * GR_ROUNDOFF * fabs(d)) + 0x1p-100;
  }
}

static void track_backward(const gr_layer *layer, gr_activation below_kind,
                           const double *parameters, const tracked *t, tracked *below) {
  for (size_t i = 0; i < layer->n_in; i++) {
    double s = 0, size = 0, carried = 0;
    for (size_t o = 0; o < layer->n_out; o++) {
      const double w = parameters[layer->weights + o * layer->n_in + i];
      s += t->d[o] * w;
      size += fabs(t->d[o] * w);
      carried += t->ed[o] * fabs(w);
    }
    const double slope = gr_oracle_derivative(below_kind, below->z[i]);
    const double es = carried + (double)layer->n_out * GR_ROUNDOFF * size;
    below->d[i] = s * slope;
    below->ed[i] = es * fabs(slope) + fabs(s) * derivative_error(below_kind, below->ea[i]) +
                   3 * GR_ROUNDOFF * fabs(s * slope) + 0x1p-100;
  }
}

/* Adds a row's share: what is carried in, and (rows + 11) u for the sums over rows and lanes, the
 * multiplication by 1/n and what the caller does to get the gradient back from the update. */
static void add_row_bound(const gr_layer *layer, const tracked *below, const tracked *t,
                          double sums, double *bound) {
  for (size_t o = 0; o < layer->n_out; o++) {
    for (size_t i = 0; i < layer->n_in; i++)
      bound[layer->weights + o * layer->n_in + i] += t->ed[o] * fabs(below->a[i]) +
                                                     fabs(t->d[o]) * below->ea[i] +
                                                     sums * fabs(t->d[o] * below->a[i]);
    bound[layer->bias + o] += t->ed[o] + sums * fabs(t->d[o]);
  }
}

void gr_oracle_gradient_bound(const gr_network *network, const double *parameters, size_t n_rows,
                              const double *x, const double *y, const double *weight,
                              double *bound) {
  const uint32_t n = network->n_layers;
  const size_t n_in = network->layer[0].n_in, n_out = network->layer[n - 1].n_out;
  const double sums = ((double)n_rows + 11) * GR_ROUNDOFF;
  double total = 0;
  tracked *t = gr_test_array(n + 1, sizeof *t);
  memset(bound, 0, network->n_parameters * sizeof *bound);
  for (size_t r = 0; r < n_rows; r++) {
    const double w = weight ? weight[r] : 1;
    memcpy(t[0].a, x + r * n_in, n_in * sizeof(double));
    for (uint32_t l = 0; l < n; l++)
      track_forward(&network->layer[l], parameters, &t[l], &t[l + 1]);
    track_loss(network, y + r * n_out, w, &t[n]);
    for (uint32_t l = n - 1; l > 0; l--)
      track_backward(&network->layer[l], network->layer[l - 1].activation, parameters, &t[l + 1],
                     &t[l]);
    for (uint32_t l = 0; l < n; l++)
      add_row_bound(&network->layer[l], &t[l], &t[l + 1], sums, bound);
    total += w;
  }
  for (size_t i = 0; i < network->n_parameters; i++) bound[i] *= 1.1 / total;
}
