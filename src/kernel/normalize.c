/* Normalisation: weighted inputs get mean 0 and variance 1, then a gain and a shift for each
 * neuron.
 *
 * Layer normalisation does so with each row. A row is gone through three times, for its mean, its
 * variance and its values, while it lies in the first-level cache; some rows side by side, because
 * the order of a sum leaves one chain of additions to a row. The activation then finds these rows
 * there.
 *
 * Batch normalisation does so with each column; what is summed over the batch goes by lanes, so
 * that the kernels are given its outcome. */
#include <config.h>

#include "kernel/kernel.h"
#include "kernel/simd.h"

enum { SIDE = 4 }; /* rows at a time */

#if defined __clang__
#define GR_UNROLL _Pragma("clang loop unroll(full)")
#else
#define GR_UNROLL _Pragma("GCC unroll 8")
#endif
#define GR_EACH GR_UNROLL for (int i = 0; i < rows; i++)

void GR_SUFFIX(gr_finish)(gr_activation kind, int drops, size_t rows, size_t panels, float *c,
                          float *slope, size_t ld);

static const float count[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

/* Which of the columns of the last panel are real. */
GR_INLINE vm real_columns(size_t n_columns) {
  const size_t rest = n_columns % 16;
  return vf_lt(vf_load(count), vf_set1(rest ? (float)rest : 16.0f));
}

/* The columns from 16 p of a row, +0 in place of padding. */
GR_INLINE vf row_panel(const float *row, size_t p, size_t last, vm real) {
  const vf x = vf_load(row + 16 * p);
  return p == last ? vf_select(real, x, vf_zero()) : x;
}

/* The sum over partials divided by n, in each place. */
GR_INLINE vf mean_of(vf sum, size_t n) {
  return vf_set1(vf_reduce_add(sum) / (float)n);
}

/* z - mean, +0 in place of padding. */
GR_INLINE vf deviation(const float *row, size_t p, size_t last, vm real, vf mean) {
  const vf d = vf_sub(vf_load(row + 16 * p), mean);
  return p == last ? vf_select(real, d, vf_zero()) : d;
}

GR_INLINE void normalize_rows(const gr_normalize *k, const int rows, size_t first) {
  const size_t n = k->n_columns, panels = (n + 15) / 16, last = panels - 1, ld = k->ld;
  const vm real = real_columns(n);
  float *z = k->z + first * ld, *a = k->a + first * ld;
  vf mean[SIDE], root[SIDE];
  GR_EACH mean[i] = root[i] = vf_zero();
  for (size_t p = 0; p < panels; p++)
    GR_EACH mean[i] = vf_add(mean[i], row_panel(z + (size_t)i * ld, p, last, real));
  GR_EACH mean[i] = mean_of(mean[i], n);
  for (size_t p = 0; p < panels; p++) GR_EACH {
      const vf d = deviation(z + (size_t)i * ld, p, last, real, mean[i]);
      root[i] = vf_fma(d, d, root[i]);
    }
  GR_EACH root[i] =
      vf_div(vf_set1(1.0f), vf_sqrt(vf_add(mean_of(root[i], n), vf_set1(GR_NORM_EPSILON))));
  for (size_t p = 0; p < panels; p++) {
    const vf gain = vf_load(k->gain + 16 * p), shift = vf_load(k->shift + 16 * p);
    GR_EACH {
      const size_t at = (size_t)i * ld + 16 * p;
      const vf zhat =
          vf_flush(vf_mul(deviation(z + (size_t)i * ld, p, last, real, mean[i]), root[i]));
      vf_store(z + at, zhat);
      vf_store(a + at, vf_fma(gain, zhat, shift));
    }
  }
  float lanes[16];
  if (k->root) GR_EACH {
      vf_store(lanes, root[i]);
      k->root[first + (size_t)i] = lanes[0];
    }
  GR_SUFFIX(gr_finish)
  (k->activation, k->drops, (size_t)rows, panels, a, k->slope ? k->slope + first * ld : NULL, ld);
}

void GR_SUFFIX(gr_normalize)(const gr_normalize *k);
void GR_SUFFIX(gr_normalize)(const gr_normalize *k) {
  size_t r = 0;
  for (; r + SIDE <= k->n_rows; r += SIDE) normalize_rows(k, SIDE, r);
  for (; r < k->n_rows; r++) normalize_rows(k, 1, r);
}

/* g = gain dy, +0 in place of padding. */
GR_INLINE vf scaled(const float *dy, size_t p, size_t last, vm real, vf gain) {
  return vf_mul(gain, row_panel(dy, p, last, real));
}

GR_INLINE void normalize_rows_back(const gr_normalize_back *k, const int rows, size_t first) {
  const size_t n = k->n_columns, panels = (n + 15) / 16, last = panels - 1, ld = k->ld;
  const vm real = real_columns(n);
  const float *dy = k->dy + first * ld, *zhat = k->zhat + first * ld;
  vf s[SIDE], t[SIDE], root[SIDE];
  GR_EACH {
    s[i] = t[i] = vf_zero();
    root[i] = vf_set1(k->root[first + (size_t)i]);
  }
  for (size_t p = 0; p < panels; p++) {
    const vf gain = vf_load(k->gain + 16 * p);
    GR_EACH {
      const vf g = scaled(dy + (size_t)i * ld, p, last, real, gain);
      s[i] = vf_add(s[i], g);
      t[i] = vf_fma(g, vf_load(zhat + (size_t)i * ld + 16 * p), t[i]);
    }
  }
  GR_EACH {
    s[i] = mean_of(s[i], n);
    t[i] = mean_of(t[i], n);
  }
  for (size_t p = 0; p < panels; p++) {
    const vf gain = vf_load(k->gain + 16 * p);
    GR_EACH {
      const size_t at = (size_t)i * ld + 16 * p;
      const vf g = scaled(dy + (size_t)i * ld, p, last, real, gain),
               d = vf_nfma(vf_load(zhat + at), t[i], vf_sub(g, s[i])),
               dz = vf_flush(vf_mul(d, root[i]));
      vf_store(k->dz + first * ld + at, p == last ? vf_select(real, dz, vf_zero()) : dz);
    }
  }
}

void GR_SUFFIX(gr_normalize_back)(const gr_normalize_back *k);
void GR_SUFFIX(gr_normalize_back)(const gr_normalize_back *k) {
  size_t r = 0;
  for (; r + SIDE <= k->n_rows; r += SIDE) normalize_rows_back(k, SIDE, r);
  for (; r < k->n_rows; r++) normalize_rows_back(k, 1, r);
}

/* ----- columns ----- */

GR_INLINE void column_products_of(const int panels, size_t n_rows, const float *x, const float *y,
                                  size_t ld, float *g) {
  vf sum[SIDE];
  for (int p = 0; p < panels; p++) sum[p] = vf_zero();
  for (size_t r = 0; r < n_rows; r++)
    for (int p = 0; p < panels; p++)
      sum[p] = vf_fma(vf_load(x + r * ld + 16 * (size_t)p), vf_load(y + r * ld + 16 * (size_t)p),
                      sum[p]);
  for (int p = 0; p < panels; p++) vf_store(g + 16 * p, sum[p]);
}

void GR_SUFFIX(gr_column_products)(size_t n_rows, size_t n_panels, const float *x, const float *y,
                                   size_t ld, float *g);
void GR_SUFFIX(gr_column_products)(size_t n_rows, size_t n_panels, const float *x, const float *y,
                                   size_t ld, float *g) {
  size_t p = 0; /* several chains at once */
  for (; p + SIDE <= n_panels; p += SIDE)
    column_products_of(SIDE, n_rows, x + 16 * p, y + 16 * p, ld, g + 16 * p);
  for (; p < n_panels; p++) column_products_of(1, n_rows, x + 16 * p, y + 16 * p, ld, g + 16 * p);
}

GR_INLINE void column_deviations_of(const int panels, size_t n_rows, const float *z, size_t ld,
                                    const float *mean, float *g) {
  vf sum[SIDE], middle[SIDE];
  for (int p = 0; p < panels; p++) {
    sum[p] = vf_zero();
    middle[p] = vf_load(mean + 16 * p);
  }
  for (size_t r = 0; r < n_rows; r++)
    for (int p = 0; p < panels; p++) {
      const vf d = vf_sub(vf_load(z + r * ld + 16 * (size_t)p), middle[p]);
      sum[p] = vf_fma(d, d, sum[p]);
    }
  for (int p = 0; p < panels; p++) vf_store(g + 16 * p, sum[p]);
}

void GR_SUFFIX(gr_column_deviations)(size_t n_rows, size_t n_panels, const float *z, size_t ld,
                                     const float *mean, float *g);
void GR_SUFFIX(gr_column_deviations)(size_t n_rows, size_t n_panels, const float *z, size_t ld,
                                     const float *mean, float *g) {
  size_t p = 0;
  for (; p + SIDE <= n_panels; p += SIDE)
    column_deviations_of(SIDE, n_rows, z + 16 * p, ld, mean + 16 * p, g + 16 * p);
  for (; p < n_panels; p++)
    column_deviations_of(1, n_rows, z + 16 * p, ld, mean + 16 * p, g + 16 * p);
}

/* Some rows of them all, so that the activation finds them in the first-level cache. */
static void normalize_some(const gr_normalize_columns *k, size_t first, size_t end) {
  for (size_t p = 0; p < 16 * k->n_panels; p += 16) {
    const vf mean = vf_load(k->mean + p), root = vf_load(k->root + p), gain = vf_load(k->gain + p),
             shift = vf_load(k->shift + p);
    for (size_t r = first; r < end; r++) {
      float *z = k->z + r * k->ld + p;
      const vf zhat = vf_flush(vf_mul(vf_sub(vf_load(z), mean), root));
      vf_store(z, zhat);
      vf_store(k->a + r * k->ld + p, vf_fma(gain, zhat, shift));
    }
  }
  const size_t at = first * k->ld;
  GR_SUFFIX(gr_finish)
  (k->activation, k->drops, end - first, k->n_panels, k->a + at, k->slope ? k->slope + at : NULL,
   k->ld);
}

void GR_SUFFIX(gr_normalize_columns)(const gr_normalize_columns *k);
void GR_SUFFIX(gr_normalize_columns)(const gr_normalize_columns *k) {
  enum { ROWS = 16 };
  for (size_t r = 0; r < k->n_rows; r += ROWS)
    normalize_some(k, r, r + ROWS < k->n_rows ? r + ROWS : k->n_rows);
}

void GR_SUFFIX(gr_normalize_columns_back)(const gr_normalize_columns_back *k);
void GR_SUFFIX(gr_normalize_columns_back)(const gr_normalize_columns_back *k) {
  for (size_t p = 0; p < 16 * k->n_panels; p += 16) {
    const vf s = vf_load(k->s + p), t = vf_load(k->t + p), factor = vf_load(k->factor + p);
    for (size_t r = 0; r < k->n_rows; r++) {
      const size_t at = r * k->ld + p;
      const vf d = vf_nfma(vf_load(k->zhat + at), t, vf_sub(vf_load(k->dy + at), s));
      vf_store(k->dz + at, vf_flush(vf_mul(factor, d)));
    }
  }
}
