/* How far gradients in float may lie from the exact ones: an error is carried beside every quantity
 * of the network in double, by first-order analysis. */
#include <config.h>

#include <math.h>
#include <string.h>

#include "support/numbers.h"
#include "support/oracle.h"

/* Values and absolute errors of one layer's outputs, of what its activation is applied to, and of
 * dC/dz; of a normalised one also zhat, dC/d(gain zhat + shift), and 1 / deviation. */
typedef struct tracked {
  double a[1200], ea[1200], z[1200], ez[1200], d[1200], ed[1200];
  double h[1200], eh[1200], y[1200], ey[1200], root, er;
  double g[1200], eg[1200]; /* dC/da */
} tracked;

/* Limits of |f'| and |f''| over all z, rounded up; of the exponential nothing, it stands last. */
static const struct {
  double slope, bend;
} limits[GR_N_ACTIVATIONS] = {
    [GR_IDENTITY] = {1, 0},
    [GR_SIGMOID] = {0.25, 0.1},
    [GR_TANH] = {1, 0.8},
    [GR_RELU] = {1, 0},
    [GR_SOFTMAX] = {1, 0},
    [GR_LEAKY_RELU] = {1, 0},
    [GR_ELU] = {1, 1},
    [GR_SELU] = {1.76, 1.76},
    [GR_GELU] = {1.13, 0.8},
    [GR_GELU_TANH] = {1.13, 0.8},
    [GR_SILU] = {1.1, 0.5},
    [GR_MISH] = {1.09, 0.65},
    [GR_SOFTPLUS] = {1, 0.25},
    [GR_SOFTSIGN] = {1, 2},
    [GR_HARD_SIGMOID] = {0.17, 0},
    [GR_HARD_TANH] = {1, 0},
};

double gr_oracle_steepest(gr_activation kind) {
  return limits[kind].slope;
}

double gr_oracle_activation_error(gr_activation kind, double f) {
  const double apart = kind == GR_GELU || kind == GR_GELU_TANH ? 4 * GR_ROUNDOFF
                       : kind == GR_HARD_SIGMOID               ? 2 * GR_ROUNDOFF
                       : kind == GR_SILU || kind == GR_MISH    ? 0x1p-93 /* where e^z is +0 */
                                                               : 0x1p-100;
  return 12 * GR_ROUNDOFF * fabs(f) + apart;
}

double gr_oracle_slope_error(gr_activation kind, double slope) {
  if (kind == GR_IDENTITY || kind == GR_RELU || kind == GR_LEAKY_RELU || kind == GR_HARD_SIGMOID ||
      kind == GR_HARD_TANH)
    return 2 * GR_ROUNDOFF * fabs(slope);
  return 16 * GR_ROUNDOFF * fmax(1, fabs(slope));
}

/* From z to gain zhat + shift. A sum by 16 partials errs by (n/16 + 5) u times the sum of
 * magnitudes; division, root and the products by u each. */
static void track_normalize(const gr_layer *layer, const double *parameters, tracked *t) {
  const size_t n = layer->n_out;
  const double *gain = parameters + layer->bias + n, *shift = gain + n, u = GR_ROUNDOFF,
               sums = ((double)n / 16 + 7) * u;
  double mean = 0, em = 0, v = 0, ev = 0;
  for (size_t j = 0; j < n; j++) {
    mean += t->z[j] / (double)n;
    em += (t->ez[j] + sums * fabs(t->z[j])) / (double)n;
  }
  for (size_t j = 0; j < n; j++) {
    const double d = t->z[j] - mean;
    t->h[j] = d;
    t->eh[j] = t->ez[j] + em + u * fabs(d);
    v += d * d / (double)n;
    ev += (2 * fabs(d) * t->eh[j] + sums * d * d) / (double)n;
  }
  t->root = 1 / sqrt(v + 1e-5);
  t->er = t->root * (ev / (2 * (v + 1e-5)) + 4 * u);
  for (size_t j = 0; j < n; j++) {
    t->eh[j] = t->eh[j] * t->root + fabs(t->h[j]) * t->er + u * fabs(t->h[j] * t->root);
    t->h[j] *= t->root;
    t->z[j] = gain[j] * t->h[j] + shift[j];
    t->ez[j] = fabs(gain[j]) * t->eh[j] + 2 * u * (fabs(gain[j] * t->h[j]) + fabs(shift[j]));
  }
}

/* From dC/d(gain zhat + shift), which is in d, to dC/dz. */
static void track_normalize_back(const gr_layer *layer, const double *parameters, tracked *t) {
  const size_t n = layer->n_out;
  const double *gain = parameters + layer->bias + n, u = GR_ROUNDOFF,
               sums = ((double)n / 16 + 7) * u;
  double s = 0, es = 0, p = 0, ep = 0;
  memcpy(t->y, t->d, n * sizeof *t->y);
  memcpy(t->ey, t->ed, n * sizeof *t->ey);
  for (size_t j = 0; j < n; j++) {
    const double g = gain[j] * t->y[j], eg = fabs(gain[j]) * t->ey[j] + u * fabs(g);
    s += g / (double)n;
    es += (eg + sums * fabs(g)) / (double)n;
    p += g * t->h[j] / (double)n;
    ep += (eg * fabs(t->h[j]) + fabs(g) * t->eh[j] + sums * fabs(g * t->h[j])) / (double)n;
  }
  for (size_t j = 0; j < n; j++) {
    const double g = gain[j] * t->y[j], eg = fabs(gain[j]) * t->ey[j] + u * fabs(g),
                 size = fabs(g) + fabs(s) + fabs(t->h[j] * p), inner = g - s - t->h[j] * p;
    t->d[j] = t->root * inner;
    t->ed[j] = t->root * (eg + es + fabs(t->h[j]) * ep + fabs(p) * t->eh[j] + 3 * u * size) +
               t->er * fabs(inner) + 0x1p-100;
  }
}

/* Outputs of a layer and their errors: a chain of n_in multiply-adds errs by at most n_in u times
 * the sum of magnitudes. What a residual adds carries its own error, and is rounded. */
static void track_forward(const gr_layer *layer, const double *parameters, tracked *t) {
  const tracked *below = t - 1;
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
  }
  if (layer->normalization == GR_NORMALIZATION_LAYER) track_normalize(layer, parameters, t);
  for (size_t o = 0; o < layer->n_out; o++) {
    t->a[o] = gr_oracle_activation(layer->activation, t->z[o]);
    t->ea[o] = limits[layer->activation].slope * t->ez[o] +
               gr_oracle_activation_error(layer->activation, t->a[o]);
    if (layer->residual == 0) continue;
    t->a[o] += t[-(ptrdiff_t)layer->residual].a[o];
    t->ea[o] += t[-(ptrdiff_t)layer->residual].ea[o] + GR_ROUNDOFF * fabs(t->a[o]) + 0x1p-100;
  }
}

/* dC/dz_j of a row by central differences. */
static double row_delta(const gr_network *network, const gr_oracle_parameters *p, double *z,
                        const double *y, size_t j) {
  const gr_layer *out = &network->layer[network->n_layers - 1];
  const double h = 1e-5, old = z[j];
  double loss[2];
  for (int side = 0; side < 2; side++) {
    z[j] = old + (side ? h : -h);
    loss[side] = gr_oracle_row_loss(network->loss, out->activation, p, z, y, out->n_out);
  }
  z[j] = old;
  return (loss[1] - loss[0]) / (2 * h);
}

/* The error of z goes into the deltas by their own derivatives, twice their size at z standing for
 * the largest nearby; functions, divisions and products of the loss err by 40 u of the output, the
 * delta and 1 together. */
static void track_loss(const gr_network *network, const gr_oracle_parameters *p, const double *y,
                       double weight, tracked *t) {
  const gr_layer *out = &network->layer[network->n_layers - 1];
  const double h = 1e-4;
  for (size_t j = 0; j < out->n_out; j++) {
    double carried = 0;
    for (size_t k = 0; k < out->n_out; k++) {
      const double old = t->z[k], here = row_delta(network, p, t->z, y, j);
      t->z[k] = old + h;
      carried += 2 * fabs(row_delta(network, p, t->z, y, j) - here) / h * t->ez[k];
      t->z[k] = old;
    }
    const double d = row_delta(network, p, t->z, y, j), a = t->a[j];
    t->d[j] = weight * d;
    t->ed[j] =
        fabs(weight) * (carried + 40 * GR_ROUNDOFF * (fabs(d) + fabs(a) + 1) + 1e-9) + 0x1p-100;
  }
}

/* Adds to dC/da of output i of the layer below those of the layers up to `last` that it is added
 * to. */
static void track_residuals(const gr_layer *layer, const gr_layer *last, const tracked *t, size_t i,
                            double *s, double *es) {
  for (ptrdiff_t k = 0; layer + k < last; k++) {
    if (layer[k].residual != k + 1) continue;
    *s += t[k].g[i];
    *es += t[k].eg[i] + GR_ROUNDOFF * fabs(*s) + 0x1p-100;
  }
}

static void track_backward(const gr_layer *layer, const gr_layer *last, const double *parameters,
                           tracked *t) {
  const gr_activation below_kind = layer[-1].activation;
  tracked *below = t - 1;
  for (size_t i = 0; i < layer->n_in; i++) {
    double s = 0, size = 0, carried = 0;
    for (size_t o = 0; o < layer->n_out; o++) {
      const double w = parameters[layer->weights + o * layer->n_in + i];
      s += t->d[o] * w;
      size += fabs(t->d[o] * w);
      carried += t->ed[o] * fabs(w);
    }
    const double slope = gr_oracle_derivative(below_kind, below->z[i]);
    double es = carried + (double)layer->n_out * GR_ROUNDOFF * size;
    track_residuals(layer, last, t, i, &s, &es);
    below->g[i] = s;
    below->eg[i] = es;
    below->d[i] = s * slope;
    below->ed[i] = es * fabs(slope) +
                   fabs(s) * (limits[below_kind].bend * below->ez[i] + 2 * below->ea[i] +
                              gr_oracle_slope_error(below_kind, slope)) +
                   3 * GR_ROUNDOFF * fabs(s * slope) + 0x1p-100;
  }
  if (layer[-1].normalization == GR_NORMALIZATION_LAYER)
    track_normalize_back(layer - 1, parameters, below);
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
    if (gr_layer_vectors(layer) == 1) continue;
    bound[layer->bias + layer->n_out + o] +=
        t->ey[o] * fabs(t->h[o]) + fabs(t->y[o]) * t->eh[o] + sums * fabs(t->y[o] * t->h[o]);
    bound[layer->bias + 2 * (size_t)layer->n_out + o] += t->ey[o] + sums * fabs(t->y[o]);
  }
}

/* Likewise of the factors of the inputs x, whose products are below->a. */
static void add_scale_bound(const gr_network *network, const double *parameters, const double *x,
                            const tracked *t, double sums, double *bound) {
  const gr_layer *layer = &network->layer[0];
  for (size_t i = 0; i < layer->n_in && network->front.scales; i++) {
    double s = 0, size = 0, carried = 0;
    for (size_t o = 0; o < layer->n_out; o++) {
      const double w = parameters[layer->weights + o * layer->n_in + i];
      s += t->d[o] * w;
      size += fabs(t->d[o] * w);
      carried += t->ed[o] * fabs(w);
    }
    bound[network->front.scale + i] +=
        fabs(x[i]) *
        (carried + (double)layer->n_out * GR_ROUNDOFF * size + 0x1p-100 + sums * fabs(s));
  }
}

void gr_oracle_gradient_bound(const gr_network *network, const double *parameters, size_t n_rows,
                              const double *x, const double *y, const double *weight,
                              const gr_oracle_parameters *p, double *bound) {
  const uint32_t n = network->n_layers;
  const size_t n_in = network->layer[0].n_in, n_out = network->layer[n - 1].n_out;
  const double sums = ((double)n_rows + 11) * GR_ROUNDOFF;
  double total = 0;
  tracked *t = gr_test_array(n + 1, sizeof *t);
  memset(bound, 0, network->n_parameters * sizeof *bound);
  for (size_t r = 0; r < n_rows; r++) {
    const double w = weight ? weight[r] : 1;
    gr_oracle_inputs(network, parameters, x + r * n_in, t[0].a);
    for (size_t i = 0; i < n_in; i++)
      t[0].ea[i] = network->front.scales ? GR_ROUNDOFF * fabs(t[0].a[i]) + 0x1p-100 : 0;
    for (uint32_t l = 0; l < n; l++) track_forward(&network->layer[l], parameters, &t[l + 1]);
    track_loss(network, p, y + r * n_out, w, &t[n]);
    for (uint32_t l = n - 1; l > 0; l--)
      track_backward(&network->layer[l], &network->layer[n - 1], parameters, &t[l + 1]);
    for (uint32_t l = 0; l < n; l++)
      add_row_bound(&network->layer[l], &t[l], &t[l + 1], sums, bound);
    add_scale_bound(network, parameters, x + r * n_in, &t[1], sums, bound);
    total += w;
  }
  for (size_t i = 0; i < network->n_parameters; i++) bound[i] *= 1.1 / total;
}
