/* The dense network in double. Rows are taken one after another; nothing is blocked, fused or
 * reordered. */
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

/* f(z), or z + alpha (f(z) - z), of neuron o. */
static double output_of(const gr_layer *layer, const double *parameters, double z, size_t o) {
  const double f = gr_oracle_activation(layer->activation, z);
  return layer->normalization == GR_NORMALIZATION_PARAMETRIC
             ? z + parameters[layer->bias + layer->n_out + o] * (f - z)
             : f;
}

void gr_oracle_inputs(const gr_network *network, const double *parameters, const double *x,
                      double *a) {
  for (uint32_t j = 0; j < network->layer[0].n_in; j++)
    a[j] = network->front.scales ? parameters[network->front.scale + j] * x[j] : x[j];
}

void gr_oracle_forward(const gr_network *network, const double *parameters, const double *x,
                       double *z, double *a_out) {
  enum { MOST = 8 }; /* layers back that a residual reaches, and one more */
  double buffer[MOST][1200], inputs[1200];
  const double *a = inputs;
  gr_oracle_inputs(network, parameters, x, inputs);
  for (uint32_t l = 0; l < network->n_layers; l++) {
    const gr_layer *layer = &network->layer[l];
    const int last = l + 1 == network->n_layers;
    double *to = last ? z : buffer[l % MOST];
    for (size_t o = 0; o < layer->n_out; o++) {
      to[o] = parameters[layer->bias + o];
      for (size_t i = 0; i < layer->n_in; i++)
        to[o] += parameters[layer->weights + o * layer->n_in + i] * a[i];
    }
    if (layer->normalization == GR_NORMALIZATION_LAYER) normalize(layer, parameters, to);
    for (size_t o = 0; o < layer->n_out && !last; o++)
      to[o] = output_of(layer, parameters, to[o], o);
    for (size_t o = 0; o < layer->n_out && layer->residual > 0; o++)
      to[o] += layer->residual > l ? inputs[o] : buffer[(l - layer->residual) % MOST][o];
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
    gr_oracle_inputs(network, parameters, x + r * network->layer[0].n_in,
                     a + r * network->layer[0].n_in);
  double *all[GR_MAX_LAYERS + 1] = {a};
  for (const gr_layer *layer = network->layer; layer <= out; layer++) {
    const size_t n_in = layer->n_in, n_out = layer->n_out, l = (size_t)(layer - network->layer) + 1;
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
      z[i] = output_of(layer, parameters, z[i], i % n_out);
    for (size_t i = 0; i < n_rows * n_out && layer->residual > 0; i++)
      z[i] += all[l - layer->residual][i];
    all[l] = a = z;
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
