/* With s = 1/T the loss of a row is L(s) = ln sum_j e^(s z_j) - s z_y; L' = sum_j p_j z_j - z_y and
 * L'' = the variance of z under p. For a sigmoid the same with two outputs, z and 0. */
#include <config.h>

#include "train/temperature.h"

#include <math.h>

#include "base/elementary.h"
#include "base/memory.h"
#include "plan/lanes.h"

enum { BLOCK = 1024, STEPS = 100 };
#define CLOSE 1e-10 /* of s: far below what a sample of rows can tell */

/* The loss and its derivatives, summed over rows by weight. */
enum { WEIGHT, LOSS, SLOPE, CURVATURE, N_SUMS };

typedef struct fit {
  const gr_rows *rows;
  const uint64_t *number;
  uint64_t n, n_blocks;
  uint32_t n_out;
  const float *z;
  double *sums; /* [N_SUMS][n_blocks] */
} fit;

typedef struct term {
  double loss, slope, curvature;
} term;

static term softmax_row(const float *z, uint32_t n, uint32_t y, double s) {
  double most = (double)z[0], total = 0, mean = 0, square = 0;
  for (uint32_t j = 1; j < n; j++)
    if ((double)z[j] > most) most = (double)z[j];
  for (uint32_t j = 0; j < n; j++) {
    const double d = (double)z[j] - most, e = gr_exp(s * d);
    total += e;
    mean += e * d;
    square += e * d * d;
  }
  const double of_y = (double)z[y] - most;
  mean /= total;
  return (term){gr_ln(total) - s * of_y, mean - of_y, square / total - mean * mean};
}

static term sigmoid_output(double z, bool y, double s) {
  const double e = gr_exp(-fabs(s * z)), p = s * z < 0 ? e / (1 + e) : 1 / (1 + e);
  const double margin = s * z;
  return (term){(margin > 0 ? margin : 0) - (y ? margin : 0) + gr_ln(1 + e), (p - (y ? 1 : 0)) * z,
                p * (1 - p) * z * z};
}

static term row_term(const fit *f, uint64_t i, double s) {
  const float *z = f->z + i * f->n_out;
  const uint64_t row = f->number[i];
  term sum = {0};
  if (f->rows->class_index && f->n_out > 1)
    return softmax_row(z, f->n_out, (uint32_t)f->rows->class_index[row], s);
  for (uint32_t k = 0; k < f->n_out; k++) {
    const bool y = f->rows->class_index ? f->rows->class_index[row] == 1
                                        : f->rows->targets[row * f->n_out + k] > 0.5f;
    const term t = sigmoid_output((double)z[k], y, s);
    sum.loss += t.loss / f->n_out;
    sum.slope += t.slope / f->n_out;
    sum.curvature += t.curvature / f->n_out;
  }
  return sum;
}

/* Sums at s. */
static void look(const fit *f, double s, double out[N_SUMS]) {
  for (uint64_t b = 0; b < f->n_blocks; b++) {
    double sum[N_SUMS] = {0};
    const uint64_t end = (b + 1) * BLOCK < f->n ? (b + 1) * BLOCK : f->n;
    for (uint64_t i = b * BLOCK; i < end; i++) {
      const double w = f->rows->weight ? (double)f->rows->weight[f->number[i]] : 1;
      const term t = row_term(f, i, s);
      sum[WEIGHT] += w;
      sum[LOSS] += w * t.loss;
      sum[SLOPE] += w * t.slope;
      sum[CURVATURE] += w * t.curvature;
    }
    for (int k = 0; k < N_SUMS; k++) f->sums[(uint64_t)k * f->n_blocks + b] = sum[k];
  }
  for (int k = 0; k < N_SUMS; k++)
    out[k] = gr_tree_sum(f->sums + (uint64_t)k * f->n_blocks, f->n_blocks);
}

/* The slope grows with s: where it is 0, between the bounds. */
static double solve(const fit *f) {
  double low = 1 / GR_MOST_TEMPERATURE, high = 1 / GR_LEAST_TEMPERATURE, s = 1, sums[N_SUMS];
  for (int step = 0; step < STEPS && high - low > CLOSE * high; step++) {
    look(f, s, sums);
    if (sums[SLOPE] > 0)
      high = s;
    else
      low = s;
    const double next = s - sums[SLOPE] / sums[CURVATURE];
    const bool good = next > low && next < high; /* false for NaN */
    if (good && fabs(next - s) < CLOSE * s) return next;
    s = good ? next : 0.5 * (low + high);
  }
  return s;
}

gradus_status gr_temperature_fit(const gr_rows *rows, const uint64_t *number, uint64_t n,
                                 uint32_t n_out, const float *z, gr_temperature *out,
                                 gradus_error *err) {
  fit f = {.rows = rows,
           .number = number,
           .n = n,
           .n_blocks = (n + BLOCK - 1) / BLOCK,
           .n_out = n_out,
           .z = z};
  double sums[N_SUMS];
  f.sums = gr_calloc(f.n_blocks, N_SUMS * sizeof *f.sums);
  if (!f.sums) return gr_fail_memory(err, "a calibration");
  look(&f, 1, sums);
  out->before = sums[LOSS] / sums[WEIGHT];
  const double s = solve(&f);
  look(&f, s, sums);
  out->after = sums[LOSS] / sums[WEIGHT];
  out->value = 1 / s;
  gr_free(f.sums);
  return GRADUS_OK;
}

void gr_temperature_apply(const gr_network *network, double temperature, float *parameters) {
  const gr_layer *last = &network->layer[network->n_layers - 1];
  const float share = (float)(1 / temperature);
  const size_t n = (size_t)last->n_in * last->n_out;
  for (size_t i = 0; i < n; i++) parameters[last->weights + i] *= share;
  for (size_t k = 0; k < last->n_out; k++) parameters[last->bias + k] *= share;
}
