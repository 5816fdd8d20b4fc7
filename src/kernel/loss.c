/* From outputs to losses and deltas, row by row.
 *
 *   quadratic                C = 1/2 sum_j (a_j - y_j)^2            delta_j = (a_j - y_j) f'(z_j)
 *   cross-entropy, softmax   C = ln sum_j e^(z_j - m) - (z_y - m)   delta_j = a_j - [j = y],  m =
 * max_j z_j cross-entropy, sigmoid   C = sum_j max(z_j, 0) - z_j y_j + ln(1 + e^-|z_j|)   delta_j =
 * a_j - y_j
 *
 * Sums and maxima over j: 16 partials, j to partial j mod 16, then the fixed tree. A row's delta is
 * multiplied by its weight. */
#include <config.h>

#include "kernel/activation.h"
#include "kernel/kernel.h"

/* 16 columns from j of row p of n, the rest +0. */
GR_INLINE vf load_columns(const float *p, size_t j, size_t n) {
  return n - j >= 16 ? vf_load(p + j) : vf_load_n(p + j, n - j);
}

/* Stores 16 columns from j; those at and beyond n become +0. The row has room for whole panels. */
GR_INLINE void store_columns(float *p, size_t j, size_t n, vf v) {
  vf_store(p + j, v);
  for (size_t i = n; i < j + 16; i++) p[i] = 0.0f;
}

/* Target columns j..j+15 of a row: from a target vector, or one-hot (for one output: the class
 * itself, 0 or 1). */
GR_INLINE vf target_columns(const gr_loss_rows *l, size_t row, size_t j) {
  if (l->targets) return load_columns(l->targets + l->index[row] * l->n_out, j, l->n_out);
  float y[16] = {0};
  if (!l->class_index) return vf_zero(); /* outputs only: the loss means nothing */
  const int32_t c = l->class_index[l->index[row]];
  if (l->n_out == 1)
    y[0] = (float)c;
  else if (c >= 0 && (size_t)c >= j && (size_t)c < j + 16)
    y[(size_t)c - j] = 1.0f;
  return vf_load(y);
}

GR_INLINE void quadratic_row(const gr_loss_rows *l, size_t row, float weight,
                             gr_activation activation) {
  float *a = l->a + row * l->ld;
  vf sum = vf_zero();
  for (size_t j = 0; j < l->n_out; j += 16) {
    vf out = load_columns(a, j, l->n_out), d = vf_sub(out, target_columns(l, row, j));
    sum = vf_fma(d, d, sum);
    if (l->delta) {
      d = vf_activation_back(activation, d, out);
      store_columns(l->delta + row * l->ld, j, l->n_out, vf_mul(d, vf_set1(weight)));
    }
  }
  l->row_loss[row] = 0.5f * vf_reduce_add(sum);
}

/* ln of one positive number, by the vector function. */
GR_INLINE float scalar_log(float x) {
  float out[16];
  vf_store(out, vf_log(vf_set1(x)));
  return out[0];
}

GR_INLINE float row_max(const float *z, size_t n) {
  float padded[16];
  vf m = vf_set1(z[0]);
  size_t j = 0;
  for (; j + 16 <= n; j += 16) m = vf_max(m, vf_load(z + j));
  if (j < n) { /* columns beyond n repeat the first: a maximum does not notice */
    for (size_t i = 0; i < 16; i++) padded[i] = j + i < n ? z[j + i] : z[0];
    m = vf_max(m, vf_load(padded));
  }
  return vf_reduce_max(m);
}

static void softmax_row(const gr_loss_rows *l, size_t row, float weight) {
  float *a = l->a + row * l->ld;
  const size_t n = l->n_out;
  const int32_t c = l->class_index ? l->class_index[l->index[row]] : 0;
  const float max = row_max(a, n), chosen = a[c] - max;
  vf sum = vf_zero();
  for (size_t j = 0; j < n; j += 16) {
    store_columns(a, j, n, vf_exp(vf_sub(vf_load(a + j), vf_set1(max))));
    sum = vf_add(sum, vf_load(a + j));
  }
  const float total = vf_reduce_add(sum);
  l->row_loss[row] = scalar_log(total) - chosen;
  for (size_t j = 0; j < n; j += 16) {
    vf p = vf_flush(vf_div(vf_load(a + j), vf_set1(total)));
    store_columns(a, j, n, p);
    if (l->delta) {
      vf d = vf_flush(vf_sub(p, target_columns(l, row, j)));
      store_columns(l->delta + row * l->ld, j, n, vf_mul(d, vf_set1(weight)));
    }
  }
}

static void sigmoid_row(const gr_loss_rows *l, size_t row, float weight) {
  float *a = l->a + row * l->ld;
  const vf one = vf_set1(1.0f), zero = vf_zero();
  vf sum = zero;
  for (size_t j = 0; j < l->n_out; j += 16) {
    vf z = load_columns(a, j, l->n_out), y = target_columns(l, row, j), p = vf_sigmoid(z);
    vf e = vf_exp(vf_sub(zero, vf_abs(z))), u = vf_add(one, e);
    vf softplus = vf_add(vf_log(u), vf_div(vf_sub(e, vf_sub(u, one)),
                                           u)); /* ln(1 + e), corrected for the rounding of u */
    vf loss = vf_add(vf_nfma(z, y, vf_max(z, zero)), softplus);
    float part[16];
    vf_store(part, loss);
    sum = vf_add(sum, load_columns(part, 0, l->n_out - j < 16 ? l->n_out - j : 16));
    store_columns(a, j, l->n_out, p);
    if (l->delta)
      store_columns(l->delta + row * l->ld, j, l->n_out,
                    vf_mul(vf_flush(vf_sub(p, y)), vf_set1(weight)));
  }
  l->row_loss[row] = vf_reduce_add(sum);
}

#define GR_ACTIVATION(id, name, hidden, relu)                                   \
  static void quadratic_##id(const gr_loss_rows *l, size_t row, float weight) { \
    quadratic_row(l, row, weight, GR_##id);                                     \
  }
#include "kernel/activation.def.h"
#undef GR_ACTIVATION

typedef void row_function(const gr_loss_rows *l, size_t row, float weight);

/* NULL: a combination that the recipe refuses. */
static row_function *const rows[GR_N_LOSSES][GR_N_ACTIVATIONS] = {
    [GR_QUADRATIC] =
        {
#define GR_ACTIVATION(id, name, hidden, relu) [GR_##id] = quadratic_##id,
#include "kernel/activation.def.h"
#undef GR_ACTIVATION
        },
    [GR_CROSS_ENTROPY] = {[GR_SOFTMAX] = softmax_row, [GR_SIGMOID] = sigmoid_row},
};

void GR_SUFFIX(gr_loss_rows)(const gr_loss_rows *l);
void GR_SUFFIX(gr_loss_rows)(const gr_loss_rows *l) {
  row_function *run = rows[l->loss][l->activation];
  for (size_t row = 0; row < l->n_rows; row++)
    run(l, row, l->weight ? l->weight[l->index[row]] : 1.0f);
}
