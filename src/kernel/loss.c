/* From z to outputs, losses and deltas, row by row.
 *
 * Losses made of terms, one for each output, are in kernel/loss_terms.h. Here stand the rows, and
 * softmax, which needs a whole one:
 *
 * cross-entropy, softmax: C = ln sum_j e^(z_j - m) - (z_y - m), m = max_j z_j, delta_j = a_j -
 * [j = y]; with smoothing and focal: smooth_row, focus_rows
 *
 * Sums and maxima over j: 16 partials, j to partial j mod 16, then the fixed tree. A row's delta is
 * multiplied by its weight. */
#include <config.h>

#include "kernel/loss_terms.h"

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

/* Outputs a = f(z) of all rows, and, where deltas are wanted, f'(z) in their place. Columns beyond
 * n_out become f(0) at most and are not looked at. */
GR_INLINE void make_outputs(const gr_loss_rows *l, const gr_activation kind) {
  for (size_t row = 0; row < l->n_rows; row++)
    for (size_t j = 0; j < l->n_out; j += 16) {
      float *a = l->a + row * l->ld + j;
      const gr_curve f = vf_activation_curve(kind, load_columns(l->a + row * l->ld, j, l->n_out));
      vf_store(a, f.value);
      if (l->delta) vf_store(l->delta + row * l->ld + j, f.slope);
    }
}

#define GR_ACTIVATION(id, name, hidden, spread, from_input) \
  static void outputs_##id(const gr_loss_rows *l) {         \
    make_outputs(l, GR_##id);                               \
  }
#include "kernel/activation.def.h"
#undef GR_ACTIVATION

/* The levels of columns j..j+15. */
GR_INLINE vf level_columns(const gr_loss_rows *l, size_t j) {
  _Alignas(64) float level[16];
  for (size_t i = 0; i < 16; i++) level[i] = l->levels[(j + i) % l->n_levels];
  return vf_load(level);
}

/* A row whose loss is the sum of terms. Where the loss is not one of z, delta holds f'(z). */
GR_INLINE void term_row(const gr_loss_rows *l, const gr_loss loss, size_t row, float weight) {
  float *a = l->a + row * l->ld;
  const size_t n = l->n_out;
  const vf zero = vf_zero();
  const float share = loss_is_sum(loss) ? 1.0f : 1.0f / (float)n, scale = weight * share;
  vf sum = zero;
  for (size_t j = 0; j < n; j += 16) {
    const vf level = loss == GR_QUANTILE ? level_columns(l, j) : zero;
    const gr_loss_term t =
        loss_term(loss, l, load_columns(a, j, n), target_columns(l, row, j), level);
    if (loss == GR_QUADRATIC) {
      const vf e = keep_columns(t.d, j, n, zero);
      sum = vf_fma(e, e, sum);
    } else {
      sum = vf_add(sum, keep_columns(t.loss, j, n, zero));
    }
    if (loss_of_z(loss)) vf_store(a + j, keep_columns(t.out, j, n, zero));
    if (!l->delta) continue;
    float *delta = l->delta + row * l->ld + j;
    const vf d = vf_flush(loss_of_z(loss) ? t.d : vf_mul(t.d, vf_load(delta)));
    vf_store(delta, keep_columns(vf_mul(d, vf_set1(scale)), j, n, zero));
  }
  const float total = vf_reduce_add(sum);
  l->row_loss[row] = loss == GR_QUADRATIC ? 0.5f * total
                     : loss_is_sum(loss)  ? total
                                          : share * total;
}

static float weight_of(const gr_loss_rows *l, size_t row) {
  return l->weight ? l->weight[l->index[row]] : 1.0f;
}

#define GR_LOSS(id, name, targets, output)                                                     \
  static void terms_##id(const gr_loss_rows *l) {                                              \
    for (size_t row = 0; row < l->n_rows; row++) term_row(l, GR_##id, row, weight_of(l, row)); \
  }
#include "kernel/loss.def.h"
#undef GR_LOSS

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

/* What smoothing and focal add to softmax, 16 rows at a time. */
typedef struct row_numbers {
  float apart[16]; /* z of the class minus the mean of the row's z */
  float p[16];     /* probability of the class */
} row_numbers;

static float apart_of(const gr_loss_rows *l, size_t row) {
  const float *z = l->a + row * l->ld;
  const vf chosen = vf_set1(z[l->class_index[l->index[row]]]);
  vf sum = vf_zero();
  for (size_t j = 0; j < l->n_out; j += 16)
    sum = vf_add(sum, keep_columns(vf_sub(chosen, vf_load(z + j)), j, l->n_out, vf_zero()));
  return vf_reduce_add(sum) / (float)l->n_out;
}

/* C + s (z_y - mean z) for targets (1 - s) [j = y] + s/n. */
static void smooth_row(const gr_loss_rows *l, size_t row, float apart) {
  const float low = l->smoothing / (float)l->n_out, high = 1 - l->smoothing;
  const vf weight = vf_set1(weight_of(l, row));
  l->row_loss[row] += l->smoothing * apart;
  for (size_t j = 0; l->delta && j < l->n_out; j += 16) {
    const vf y = vf_fma(target_columns(l, row, j), vf_set1(high), vf_set1(low)),
             d = vf_flush(vf_sub(vf_load(l->a + row * l->ld + j), y));
    vf_store(l->delta + row * l->ld + j, keep_columns(vf_mul(d, weight), j, l->n_out, vf_zero()));
  }
}

/* q^g C and the delta that goes with it: both of cross-entropy times a number of the row. */
static void focus_rows(const gr_loss_rows *l, const float p[16]) {
  _Alignas(64) float loss[16] = {0}, factor[16];
  memcpy(loss, l->row_loss, l->n_rows * sizeof(float));
  const vf c = vf_load(loss), q = vf_sub(vf_set1(1.0f), vf_load(p));
  const gr_curve f = focal_factors(q, c, vf_set1(l->parameter));
  vf_store(loss, vf_mul(c, f.value));
  vf_store(factor, f.slope);
  memcpy(l->row_loss, loss, l->n_rows * sizeof(float));
  for (size_t row = 0; l->delta && row < l->n_rows; row++)
    for (size_t j = 0; j < l->n_out; j += 16) {
      float *delta = l->delta + row * l->ld + j;
      vf_store(delta, vf_flush(vf_mul(vf_load(delta), vf_set1(factor[row]))));
    }
}

/* Rows [first, first + n) of the call as one of their own. */
static gr_loss_rows part_of(const gr_loss_rows *l, size_t first, size_t n) {
  gr_loss_rows part = *l;
  part.n_rows = n;
  part.a += first * l->ld;
  if (l->delta) part.delta += first * l->ld;
  part.index += first;
  part.row_loss += first;
  return part;
}

static void refined_softmax_rows(const gr_loss_rows *l) {
  const int smooths = l->loss == GR_CROSS_ENTROPY;
  for (size_t first = 0; first < l->n_rows; first += 16) {
    const gr_loss_rows part = part_of(l, first, l->n_rows - first < 16 ? l->n_rows - first : 16);
    _Alignas(64) row_numbers numbers = {{0}, {0}};
    for (size_t r = 0; smooths && r < part.n_rows; r++) numbers.apart[r] = apart_of(&part, r);
    softmax_rows(&part);
    for (size_t r = 0; r < part.n_rows; r++)
      numbers.p[r] = part.a[r * part.ld + (size_t)part.class_index[part.index[r]]];
    for (size_t r = 0; smooths && r < part.n_rows; r++) smooth_row(&part, r, numbers.apart[r]);
    if (!smooths) focus_rows(&part, numbers.p);
  }
}

typedef void rows_function(const gr_loss_rows *l);

static rows_function *const outputs[GR_N_ACTIVATIONS] = {
#define GR_ACTIVATION(id, name, hidden, spread, from_input) outputs_##id,
#include "kernel/activation.def.h"
#undef GR_ACTIVATION
};

static rows_function *const terms[GR_N_LOSSES] = {
#define GR_LOSS(id, name, targets, output) terms_##id,
#include "kernel/loss.def.h"
#undef GR_LOSS
};

void GR_SUFFIX(gr_loss_rows)(const gr_loss_rows *l);
void GR_SUFFIX(gr_loss_rows)(const gr_loss_rows *l) {
  if (l->activation == GR_SOFTMAX) { /* without classes: outputs only */
    const int refined = l->class_index && (l->loss == GR_FOCAL || l->smoothing > 0);
    (refined ? refined_softmax_rows : softmax_rows)(l);
    return;
  }
  if (!loss_of_z(l->loss)) outputs[l->activation](l);
  terms[l->loss](l);
}
