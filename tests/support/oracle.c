/* The dense network in double. Rows are taken one after another; nothing is blocked, fused or
 * reordered. The bound on float gradients carries an error beside every quantity. */
#include <config.h>

#include "support/oracle.h"

#include <math.h>
#include <string.h>

#include "support/numbers.h"

const gr_oracle_parameters gr_oracle_defaults = {1, 0, 0, {0}};

double gr_oracle_activation(gr_activation kind, double z) {
  const double scale = 1.0507009873554804934, alpha = 1.6732632423543772848;
  switch (kind) {
    case GR_SIGMOID:
      return 1 / (1 + exp(-z));
    case GR_TANH:
      return tanh(z);
    case GR_RELU:
      return z < 0 ? 0 : z;
    case GR_LEAKY_RELU:
      return z < 0 ? z / 100 : z;
    case GR_ELU:
      return z < 0 ? expm1(z) : z;
    case GR_SELU:
      return scale * (z < 0 ? alpha * expm1(z) : z);
    case GR_GELU:
      return z / 2 * erfc(-z / sqrt(2));
    case GR_GELU_TANH:
      return z / 2 * (1 + tanh(sqrt(2 / acos(-1)) * (z + 0.044715 * z * z * z)));
    case GR_SILU:
      return z / (1 + exp(-z));
    case GR_MISH:
      return z * tanh(log1p(exp(z)));
    case GR_SOFTPLUS:
      return fmax(z, 0) + log1p(exp(-fabs(z)));
    case GR_SOFTSIGN:
      return z / (1 + fabs(z));
    case GR_HARD_SIGMOID:
      return fmin(1, fmax(0, z / 6 + 0.5));
    case GR_HARD_TANH:
      return fmin(1, fmax(-1, z));
    case GR_EXPONENTIAL:
      return exp(z);
    case GR_IDENTITY:
    case GR_SOFTMAX:
    case GR_N_ACTIVATIONS:
      break;
  }
  return z;
}

/* Where there is a bend, from the formula; else by central differences, which err by h^2/6 times a
 * third derivative below 2 and by the rounding of f over h: 1e-10 for |z| up to 1e5. */
double gr_oracle_derivative(gr_activation kind, double z) {
  const double a = gr_oracle_activation(kind, z), h = 1e-5 * fmax(1, fabs(z));
  switch (kind) {
    case GR_SIGMOID:
      return a * (1 - a);
    case GR_TANH:
      return 1 - a * a;
    case GR_RELU:
      return z > 0;
    case GR_LEAKY_RELU:
      return z > 0 ? 1 : 0.01;
    case GR_ELU:
      return z > 0 ? 1 : exp(z);
    case GR_SELU:
      return 1.0507009873554804934 * (z > 0 ? 1 : 1.6732632423543772848 * exp(z));
    case GR_SOFTSIGN:
      return 1 / ((1 + fabs(z)) * (1 + fabs(z)));
    case GR_HARD_SIGMOID:
      return fabs(z) < 3 ? 1 / 6.0 : 0;
    case GR_HARD_TANH:
      return fabs(z) < 1;
    case GR_EXPONENTIAL:
      return a;
    case GR_IDENTITY:
    case GR_SOFTMAX:
      return 1;
    default:
      return (gr_oracle_activation(kind, z + h) - gr_oracle_activation(kind, z - h)) / (2 * h);
  }
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

/* -ln a and -ln(1 - a) for a = 1 / (1 + e^-z). */
static double minus_log(double z) {
  return z > 0 ? log1p(exp(-z)) : log1p(exp(z)) - z;
}

/* One term; `t` the level of a quantile. */
static double loss_term(gr_loss loss, const gr_oracle_parameters *p, double z, double a, double y,
                        double t) {
  const double e = a - y, size = fabs(e), c = p->parameter, s = 2 * y - 1;
  switch (loss) {
    case GR_MSE:
      return e * e;
    case GR_MAE:
      return size;
    case GR_HUBER:
      return size <= c ? e * e / 2 : c * (size - c / 2);
    case GR_LOG_COSH:
      return log(cosh(e));
    case GR_QUANTILE:
      return e < 0 ? -t * e : (1 - t) * e;
    case GR_HINGE:
      return fmax(0, 1 - s * a);
    case GR_SQUARED_HINGE:
      return pow(fmax(0, 1 - s * a), 2);
    case GR_POISSON:
      return exp(z) - y * z;
    case GR_GAMMA:
      return z + y * exp(-z);
    case GR_TWEEDIE:
      return exp((2 - c) * z) / (2 - c) - y * exp((1 - c) * z) / (1 - c);
    case GR_CROSS_ENTROPY: {
      const double smooth = (1 - p->smoothing) * y + p->smoothing / 2;
      return smooth * minus_log(z) + (1 - smooth) * minus_log(-z);
    }
    case GR_FOCAL: {
      const double of_target = y > 0.5 ? z : -z;
      return pow(1 / (1 + exp(of_target)), c) * minus_log(of_target);
    }
    case GR_QUADRATIC:
    case GR_N_LOSSES:
      break;
  }
  return e * e / 2;
}

static double softmax_loss(gr_loss loss, const gr_oracle_parameters *p, const double *z,
                           const double *y, size_t n) {
  const double whole = log_sum_exp(z, n);
  double sum = 0;
  for (size_t j = 0; j < n; j++) {
    const double smooth = (1 - p->smoothing) * y[j] + p->smoothing / (double)n;
    sum += loss == GR_FOCAL ? y[j] * pow(1 - exp(z[j] - whole), p->parameter) * (whole - z[j])
                            : smooth * (whole - z[j]);
  }
  return sum;
}

double gr_oracle_row_loss(gr_loss loss, gr_activation kind, const gr_oracle_parameters *p,
                          const double *z, const double *y, size_t n) {
  const int is_sum = loss == GR_QUADRATIC;
  double sum = 0;
  if (kind == GR_SOFTMAX) return softmax_loss(loss, p, z, y, n);
  for (size_t j = 0; j < n; j++)
    sum += loss_term(loss, p, z[j], gr_oracle_activation(kind, z[j]), y[j],
                     p->n_levels ? p->levels[j % p->n_levels] : 0);
  return is_sum ? sum : sum / (double)n;
}

/* Layer normalisation of z [n], by its definition; gain and shift behind the layer's biases. */
static void normalize(const gr_layer *layer, const double *parameters, double *z) {
  const size_t n = layer->n_out;
  const double *gain = parameters + layer->bias + n, *shift = gain + n;
  double mean = 0, variance = 0;
  for (size_t j = 0; j < n; j++) mean += z[j] / (double)n;
  for (size_t j = 0; j < n; j++) variance += pow(z[j] - mean, 2) / (double)n;
  for (size_t j = 0; j < n; j++) z[j] = gain[j] * (z[j] - mean) / sqrt(variance + 1e-5) + shift[j];
}

/* What layer 1 reads of inputs x [n_in]. */
static void scale_inputs(const gr_network *network, const double *parameters, const double *x,
                         double *a) {
  for (uint32_t j = 0; j < network->layer[0].n_in; j++)
    a[j] = network->front.scales ? parameters[network->front.scale + j] * x[j] : x[j];
}

void gr_oracle_forward(const gr_network *network, const double *parameters, const double *x,
                       double *z, double *a_out) {
  double buffer[2][1200], inputs[1200];
  const double *a = inputs;
  scale_inputs(network, parameters, x, inputs);
  for (uint32_t l = 0; l < network->n_layers; l++) {
    const gr_layer *layer = &network->layer[l];
    const int last = l + 1 == network->n_layers;
    double *to = last ? z : buffer[l % 2];
    for (size_t o = 0; o < layer->n_out; o++) {
      to[o] = parameters[layer->bias + o];
      for (size_t i = 0; i < layer->n_in; i++)
        to[o] += parameters[layer->weights + o * layer->n_in + i] * a[i];
    }
    if (layer->normalization == GR_NORMALIZATION_LAYER) normalize(layer, parameters, to);
    for (size_t o = 0; o < layer->n_out && !last; o++)
      to[o] = gr_oracle_activation(layer->activation, to[o]);
    if (!last && a_out) {
      memcpy(a_out, to, layer->n_out * sizeof *to);
      a_out += layer->n_out;
    }
    a = to;
  }
}

/* z of a layer for all rows becomes gain zhat + shift, by the definition. */
static void normalize_columns(const gr_layer *layer, const double *parameters, size_t n_rows,
                              double *z) {
  const size_t n = layer->n_out;
  const double *gain = parameters + layer->bias + n, *shift = gain + n;
  for (size_t j = 0; j < n; j++) {
    double mean = 0, variance = 0;
    for (size_t r = 0; r < n_rows; r++) mean += z[r * n + j] / (double)n_rows;
    for (size_t r = 0; r < n_rows; r++) variance += pow(z[r * n + j] - mean, 2) / (double)n_rows;
    for (size_t r = 0; r < n_rows; r++)
      z[r * n + j] = gain[j] * (z[r * n + j] - mean) / sqrt(variance + 1e-5) + shift[j];
  }
}

double gr_oracle_batch_loss(const gr_network *network, const double *parameters, size_t n_rows,
                            const double *x, const double *y, const gr_oracle_parameters *p) {
  const gr_layer *out = &network->layer[network->n_layers - 1];
  double *a = gr_test_array(n_rows * network->layer[0].n_in, sizeof *a), sum = 0;
  for (size_t r = 0; r < n_rows; r++)
    scale_inputs(network, parameters, x + r * network->layer[0].n_in,
                 a + r * network->layer[0].n_in);
  for (const gr_layer *layer = network->layer; layer <= out; layer++) {
    const size_t n_in = layer->n_in, n_out = layer->n_out;
    double *z = gr_test_array(n_rows * n_out, sizeof *z);
    for (size_t r = 0; r < n_rows; r++)
      for (size_t o = 0; o < n_out; o++) {
        z[r * n_out + o] = parameters[layer->bias + o];
        for (size_t i = 0; i < n_in; i++)
          z[r * n_out + o] += parameters[layer->weights + o * n_in + i] * a[r * n_in + i];
      }
    if (layer->normalization == GR_NORMALIZATION_BATCH)
      normalize_columns(layer, parameters, n_rows, z);
    for (size_t r = 0; r < n_rows && layer->normalization == GR_NORMALIZATION_LAYER; r++)
      normalize(layer, parameters, z + r * n_out);
    for (size_t i = 0; i < n_rows * n_out && layer < out; i++)
      z[i] = gr_oracle_activation(layer->activation, z[i]);
    a = z;
  }
  for (size_t r = 0; r < n_rows; r++)
    sum += gr_oracle_row_loss(network->loss, out->activation, p, a + r * out->n_out,
                              y + r * out->n_out, out->n_out);
  return sum / (double)n_rows;
}

double gr_oracle_loss(const gr_network *network, const double *parameters, size_t n_rows,
                      const double *x, const double *y, const double *weight,
                      const gr_oracle_parameters *p) {
  const gr_layer *out = &network->layer[network->n_layers - 1];
  double z[1200], sum = 0, total = 0;
  for (size_t r = 0; r < n_rows; r++) {
    const double w = weight ? weight[r] : 1;
    gr_oracle_forward(network, parameters, x + r * network->layer[0].n_in, z, NULL);
    sum += w *
           gr_oracle_row_loss(network->loss, out->activation, p, z, y + r * out->n_out, out->n_out);
    total += w;
  }
  return sum / total;
}

/* ----- the bound ----- */

/* Values and absolute errors of one layer's outputs, of what its activation is applied to, and of
 * dC/dz; of a normalised one also zhat, dC/d(gain zhat + shift), and 1 / deviation. */
typedef struct tracked {
  double a[1200], ea[1200], z[1200], ez[1200], d[1200], ed[1200];
  double h[1200], eh[1200], y[1200], ey[1200], root, er;
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
 * the sum of magnitudes. */
static void track_forward(const gr_layer *layer, const double *parameters, const tracked *below,
                          tracked *t) {
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

static void track_backward(const gr_layer *layer, const double *parameters, const tracked *t,
                           tracked *below) {
  const gr_activation below_kind = layer[-1].activation;
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
    scale_inputs(network, parameters, x + r * n_in, t[0].a);
    for (size_t i = 0; i < n_in; i++)
      t[0].ea[i] = network->front.scales ? GR_ROUNDOFF * fabs(t[0].a[i]) + 0x1p-100 : 0;
    for (uint32_t l = 0; l < n; l++)
      track_forward(&network->layer[l], parameters, &t[l], &t[l + 1]);
    track_loss(network, p, y + r * n_out, w, &t[n]);
    for (uint32_t l = n - 1; l > 0; l--)
      track_backward(&network->layer[l], parameters, &t[l + 1], &t[l]);
    for (uint32_t l = 0; l < n; l++)
      add_row_bound(&network->layer[l], &t[l], &t[l + 1], sums, bound);
    add_scale_bound(network, parameters, x + r * n_in, &t[1], sums, bound);
    total += w;
  }
  for (size_t i = 0; i < network->n_parameters; i++) bound[i] *= 1.1 / total;
}
