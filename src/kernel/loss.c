/* From outputs to losses and deltas, row by row.
 *
 * quadratic: C = 1/2 sum_j (a_j - y_j)^2, delta_j = (a_j - y_j) f'(z_j)
 *
 * cross-entropy, softmax: C = ln sum_j e^(z_j - m) - (z_y - m), m = max_j z_j, delta_j = a_j -
 * [j = y]
 *
 * cross-entropy, sigmoid: C = sum_j max(z_j, 0) - z_j y_j + ln(1 + e^-|z_j|), delta_j = a_j - y_j
 *
 * Sums and maxima over j: 16 partials, j to partial j mod 16, then the fixed tree. A row's delta is
 * multiplied by its weight. */
#include <config.h>

#include "kernel/activation.h"
#include "kernel/kernel.h"

enum { LOGS = 16 }; /* rows whose logarithms are taken together */

static const float ramp[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

/* v in the columns j .. j+15 that are below n, `rest` in the others. */
GR_INLINE vf keep_columns(vf v, size_t j, size_t n, vf rest) {
  if (n - j >= 16) return v;
  return vf_select(vf_lt(vf_load(ramp), vf_set1((float)(n - j))), v, rest);
}

/* 16 columns from j of a row of n that has room for whole panels, the rest +0. */
GR_INLINE vf load_columns(const float *p, size_t j, size_t n) {
  return keep_columns(vf_load(p + j), j, n, vf_zero());
}

/* Target columns j..j+15 of a row: from a target vector, or one-hot (for one output: the class
 * itself, 0 or 1). */
GR_INLINE vf target_columns(const gr_loss_rows *l, size_t row, size_t j) {
  if (l->targets) {
    const float *y = l->targets + l->index[row] * l->n_out;
    return l->n_out - j >= 16 ? vf_load(y + j) : vf_load_n(y + j, l->n_out - j);
  }
  if (!l->class_index) return vf_zero(); /* outputs only: the loss means nothing */
  const int32_t c = l->class_index[l->index[row]];
  if (l->n_out == 1) return keep_columns(vf_set1((float)c), 0, 1, vf_zero());
  const vf distance = vf_abs(vf_sub(vf_load(ramp), vf_set1((float)((int64_t)c - (int64_t)j))));
  return vf_select(vf_lt(distance, vf_set1(0.5f)), vf_set1(1.0f), vf_zero());
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
      vf_store(l->delta + row * l->ld + j,
               keep_columns(vf_mul(d, vf_set1(weight)), j, l->n_out, vf_zero()));
    }
  }
  l->row_loss[row] = 0.5f * vf_reduce_add(sum);
}

GR_INLINE float row_max(const float *z, size_t n) {
  const vf first = vf_set1(z[0]); /* in columns beyond n: a maximum does not notice */
  vf m = first;
  for (size_t j = 0; j < n; j += 16) m = vf_max(m, keep_columns(vf_load(z + j), j, n, first));
  return vf_reduce_max(m);
}

/* Leaves sum_j e^(z_j - m) in row_loss and z_y - m in *chosen. */
GR_INLINE void softmax_row(const gr_loss_rows *l, size_t row, float weight, float *chosen) {
  float *a = l->a + row * l->ld;
  const size_t n = l->n_out;
  const int32_t c = l->class_index ? l->class_index[l->index[row]] : 0;
  const float max = row_max(a, n);
  vf sum = vf_zero();
  *chosen = a[c] - max;
  for (size_t j = 0; j < n; j += 16) {
    const vf e = keep_columns(vf_exp_down(vf_sub(vf_load(a + j), vf_set1(max))), j, n, vf_zero());
    vf_store(a + j, e);
    sum = vf_add(sum, e);
  }
  const float total = vf_reduce_add(sum);
  l->row_loss[row] = total;
  for (size_t j = 0; j < n; j += 16) {
    const vf p = keep_columns(vf_flush(vf_div(vf_load(a + j), vf_set1(total))), j, n, vf_zero());
    vf_store(a + j, p);
    if (l->delta) {
      const vf d = vf_flush(vf_sub(p, target_columns(l, row, j)));
      vf_store(l->delta + row * l->ld + j,
               keep_columns(vf_mul(d, vf_set1(weight)), j, n, vf_zero()));
    }
  }
}

static float weight_of(const gr_loss_rows *l, size_t row) {
  return l->weight ? l->weight[l->index[row]] : 1.0f;
}

/* The fixed tree over 16 partials, each a vector. */
GR_INLINE vf tree_of_vectors(const vf *v) {
  vf t[8];
  for (int i = 0; i < 8; i++) t[i] = vf_add(v[i], v[i + 8]);
  for (int half = 4; half; half /= 2)
    for (int i = 0; i < half; i++) t[i] = vf_add(t[i], t[i + half]);
  return t[0];
}

/* Up to 16 outputs, 16 rows at once, turned so that a vector holds one column of all rows: the
 * functions are then taken of outputs that exist. Rows beyond n are +0. */
static void softmax_turned(const gr_loss_rows *l, size_t first, size_t n) {
  _Alignas(64) float z[256], p[256], d[256], y[16], weight[16], total[16];
  const size_t n_out = l->n_out;
  float *a = l->a + first * l->ld;
  for (size_t r = 0; r < 16; r++) {
    vf_store(d + 16 * r, r < n ? vf_load(a + r * l->ld) : vf_zero());
    y[r] = r < n && l->class_index ? (float)l->class_index[l->index[first + r]] : 0.0f;
    weight[r] = r < n && l->weight ? l->weight[l->index[first + r]] : 1.0f;
  }
  transpose_16x16(d, 16, z, 16);
  const vf wanted = vf_load(y), w = vf_load(weight), half = vf_set1(0.5f), one = vf_set1(1.0f);
  vf max = vf_load(z), chosen = vf_load(z), e[16];
  for (size_t j = 1; j < n_out; j++) {
    const vf column = vf_load(z + 16 * j);
    max = vf_max(max, column);
    const vm is = vf_lt(vf_abs(vf_sub(wanted, vf_set1((float)j))), half);
    chosen = vf_select(is, column, chosen);
  }
  for (size_t j = 0; j < 16; j++)
    e[j] = j < n_out ? vf_exp_down(vf_sub(vf_load(z + 16 * j), max)) : vf_zero();
  const vf sum = tree_of_vectors(e);
  for (size_t j = 0; j < 16; j++) {
    const vf q = j < n_out ? vf_flush(vf_div(e[j], sum)) : vf_zero();
    vf_store(p + 16 * j, q);
    if (j >= n_out || !l->delta) continue;
    const vm is = vf_lt(vf_abs(vf_sub(wanted, vf_set1((float)j))), half);
    const vf target = l->class_index ? vf_select(is, one, vf_zero()) : vf_zero();
    vf_store(z + 16 * j, vf_mul(vf_flush(vf_sub(q, target)), w));
  }
  for (size_t j = n_out; j < 16; j++) vf_store(z + 16 * j, vf_zero());
  vf_store(total, vf_sub(vf_log(sum), vf_sub(chosen, max)));
  memcpy(l->row_loss + first, total, n * sizeof(float));
  transpose_16x16(p, 16, d, 16);
  for (size_t r = 0; r < n; r++) vf_store(a + r * l->ld, vf_load(d + 16 * r));
  if (!l->delta) return;
  transpose_16x16(z, 16, d, 16);
  for (size_t r = 0; r < n; r++) vf_store(l->delta + (first + r) * l->ld, vf_load(d + 16 * r));
}

static void softmax_rows(const gr_loss_rows *l) {
  if (l->n_out <= 16) {
    for (size_t first = 0; first < l->n_rows; first += 16)
      softmax_turned(l, first, l->n_rows - first < 16 ? l->n_rows - first : 16);
    return;
  }
  for (size_t first = 0; first < l->n_rows; first += LOGS) {
    const size_t n = l->n_rows - first < LOGS ? l->n_rows - first : LOGS;
    float chosen[LOGS], total[LOGS];
    for (size_t r = 0; r < n; r++) softmax_row(l, first + r, weight_of(l, first + r), &chosen[r]);
    for (size_t r = 0; r < LOGS; r++) total[r] = r < n ? l->row_loss[first + r] : 1.0f;
    vf_store(total, vf_log(vf_load(total)));
    for (size_t r = 0; r < n; r++) l->row_loss[first + r] = total[r] - chosen[r];
  }
}

GR_INLINE void sigmoid_row(const gr_loss_rows *l, size_t row, float weight) {
  float *a = l->a + row * l->ld;
  const size_t n = l->n_out;
  const vf one = vf_set1(1.0f), zero = vf_zero();
  vf sum = zero;
  for (size_t j = 0; j < n; j += 16) {
    vf z = load_columns(a, j, n), y = target_columns(l, row, j), p = vf_sigmoid(z);
    vf e = vf_exp_down(vf_sub(zero, vf_abs(z))), u = vf_add(one, e);
    vf softplus = vf_add(vf_log(u), vf_div(vf_sub(e, vf_sub(u, one)),
                                           u)); /* ln(1 + e), corrected for the rounding of u */
    vf loss = vf_add(vf_nfma(z, y, vf_max(z, zero)), softplus);
    sum = vf_add(sum, keep_columns(loss, j, n, zero));
    vf_store(a + j, keep_columns(p, j, n, zero));
    if (l->delta) {
      const vf d = vf_mul(vf_flush(vf_sub(p, y)), vf_set1(weight));
      vf_store(l->delta + row * l->ld + j, keep_columns(d, j, n, zero));
    }
  }
  l->row_loss[row] = vf_reduce_add(sum);
}

static void sigmoid_rows(const gr_loss_rows *l) {
  for (size_t row = 0; row < l->n_rows; row++) sigmoid_row(l, row, weight_of(l, row));
}

#define GR_ACTIVATION(id, name, hidden, relu)            \
  static void quadratic_##id(const gr_loss_rows *l) {    \
    for (size_t row = 0; row < l->n_rows; row++)         \
      quadratic_row(l, row, weight_of(l, row), GR_##id); \
  }
#include "kernel/activation.def.h"
#undef GR_ACTIVATION

typedef void rows_function(const gr_loss_rows *l);

/* NULL: a combination that the recipe refuses. */
static rows_function *const rows[GR_N_LOSSES][GR_N_ACTIVATIONS] = {
    [GR_QUADRATIC] =
        {
#define GR_ACTIVATION(id, name, hidden, relu) [GR_##id] = quadratic_##id,
#include "kernel/activation.def.h"
#undef GR_ACTIVATION
        },
    [GR_CROSS_ENTROPY] = {[GR_SOFTMAX] = softmax_rows, [GR_SIGMOID] = sigmoid_rows},
};

void GR_SUFFIX(gr_loss_rows)(const gr_loss_rows *l);
void GR_SUFFIX(gr_loss_rows)(const gr_loss_rows *l) {
  rows[l->loss][l->activation](l);
}
