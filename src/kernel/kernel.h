/* The contract of every kernel, and the table through which the engine reaches those of one
 * instruction set.
 *
 * Layouts (all bases 64-byte aligned, all strides in floats and multiples of 16):
 *
 * rows: x, a, z, delta: row-major [n_rows][ld], n real columns, columns n..ld-1 are padding that no
 * sum ever reads.
 *
 * panels: weights for the forward product: [ceil(n_out/16)][n_in][16], element (o, i) at
 * ((o/16) n_in + i) 16 + o%16. A panel is a slice of 16 columns of the result: one vf.
 *
 * back: weights for the data gradient: [ceil(n_in/16)][n_out][16], element (o, i) at
 * ((i/16) n_out + o) 16 + i%16.
 *
 * Products: each element is ONE chain of fused multiply-adds, k ascending, from the value it starts
 * from; so any tiling, any split of rows or panels between calls or ranks changes no bit. Kernels
 * do not allocate, fail, synchronise or look at threads. */
#ifndef GR_KERNEL_KERNEL_H
#define GR_KERNEL_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/dtype.h"
#include "base/permutation.h"
#include "kernel/expansion.h"
#include "kernel/isa.h"
#include "kernel/kinds.h"

/* c[r][16p + j] = f(z), z = bias[16p + j] + sum_k a[r][k] w(p, k, j) for r < n_rows, p < n_panels,
 * k < depth. With `slope` that receives f'(z); where it `drops`, it holds the factors of dropout on
 * entry, which multiply f(z) and f'(z). */
typedef struct gr_forward {
  size_t n_rows, n_panels, depth;
  const float *a; /* [n_rows][lda] */
  size_t lda;
  const float *w;    /* panels; n_panels of them from the first wanted */
  const float *bias; /* [16 n_panels] */
  float *c;          /* [n_rows][ldc]; must not overlap a */
  size_t ldc;
  gr_activation activation; /* SOFTMAX and IDENTITY store z; every stored value below 2^-100 becomes
                               +0 except for these two */
  float *slope;             /* [n_rows][ldc] or NULL */
  bool drops;
} gr_forward;

/* c[r][16p + j] = (sum_o delta[r][o] w(p, o, j)) f', o < depth, from +0; f' is the slope that
 * forward kept, or, without it, made from the output a of that layer. */
typedef struct gr_backward {
  size_t n_rows, n_panels, depth;
  const float *delta; /* [n_rows][ldd] */
  size_t ldd;
  const float *w;     /* back panels */
  const float *a;     /* [n_rows][ldc]: output of the layer that c belongs to */
  const float *slope; /* [n_rows][ldc], or NULL: not for activations whose slope needs z */
  float *c;           /* [n_rows][ldc]: its delta */
  size_t ldc;
  gr_activation activation;
} gr_backward;

/* Coefficients of one update, computed once per step. The gradient used is g' = scale * g + decay *
 * w + l1 * sign(w), scale * g held within -clip and clip first; where decay is decoupled, without
 * decay * w. */
typedef struct gr_update_coefficients {
  gr_optimizer optimizer;
  float scale;         /* 1 / (sum of row weights) */
  float learning_rate; /* adam: learning_rate / (1 - beta1^t); nadam: q_t */
  float gradient_rate; /* nadam: p_t; lamb: 1 / (1 - beta1^t) */
  float momentum;      /* or beta1 */
  float one_minus_beta1, beta2, one_minus_beta2;
  float root_correction; /* 1 / sqrt(1 - beta2^t) */
  float epsilon;
  float decay; /* weight decay; where it is decoupled: learning_rate * weight_decay, but
                  for lamb, whose direction has it */
  float l1;    /* 0: none */
  bool grew;   /* rprop: the loss, since the step before */
  float clip;  /* 0: none */
} gr_update_coefficients;

/* The sum over lanes (rows [k lane_rows, (k + 1) lane_rows), the last one short; added by the tree
 * of base/tree.h) of sum_r a[r][i] delta[r][16p + j], r ascending from +0, for i < n_inputs, p <
 * n_panels. Without `update` it is stored: g[p][i][j]. With it the weights are changed by it
 * (formulas in kernel/optimizer.h) and g is not used. */
typedef struct gr_weight_gradient {
  size_t n_rows, lane_rows, n_inputs, n_panels;
  const float *a; /* [n_rows][lda], from the first wanted input */
  size_t lda;
  const float *delta; /* [n_rows][ldd], from the first wanted panel */
  size_t ldd;
  float *g;       /* panel p at g + p * panel_g, rows of 16 */
  size_t panel_g; /* >= 16 n_inputs */
  const gr_update_coefficients *update;
  float *w, *moment1,
      *moment2; /* likewise by panel_w; moments as the optimiser has them, or NULL */
  size_t panel_w;
} gr_weight_gradient;

/* How outputs become probabilities, losses and deltas. */
typedef struct gr_loss_rows {
  gr_loss loss;
  gr_activation activation; /* of the output layer */
  size_t n_rows, n_out;
  float *a;     /* [n_rows][ld] in: z; out: the network's outputs */
  float *delta; /* [n_rows][ld] out, padding set to +0; NULL: not wanted */
  size_t ld;
  const uint64_t *index;      /* [n_rows] rows of the data set */
  const int32_t *class_index; /* by data set row, or NULL */
  const float *targets;       /* by data set row, [n_out], or NULL */
  const float *weight;        /* by data set row, or NULL */
  float *row_loss;            /* [n_rows] out: loss of each row, not weighted */
  float parameter;     /* delta of huber, p of tweedie, exponent of focal (kernel/loss_terms.h) */
  float smoothing;     /* of the targets of cross-entropy */
  const float *levels; /* [n_levels] of quantile */
  size_t n_levels;     /* 0 for other losses */
} gr_loss_rows;

/* dst[r][j] = (x[index[r]][j] - shift[j]) factor[j], j < n_columns; padding untouched. With an
 * expansion row index[r] of x, which then has as many columns as that says, is turned by it, and
 * shift and factor are not used. */
typedef struct gr_gather {
  size_t n_rows, n_columns;
  const uint64_t *index;
  const uint64_t *next; /* [n_next] rows that the next call will ask for: their first ones are
                           fetched into the cache on the way. A hint, which n_next = 0 leaves out */
  size_t n_next;
  const void *x; /* [..][n_columns], dense */
  gr_dtype type;
  const float *shift, *factor;                /* [n_columns], used up to GR_F32 */
  const double *shift_double, *factor_double; /* [n_columns], used from GR_U32 */
  const gr_expansion *expansion;              /* or NULL */
  float *dst;                                 /* [n_rows][ld] */
  size_t ld;
} gr_gather;

/* Factors of dropout for rows first_row .. first_row + n_rows of the step and panels first_panel
 * .. first_panel + n_panels of one layer: dst[r][16p + j] is +0 where draw < threshold, else
 * `factor`; or, `scales`, dst becomes +0 there and is multiplied by factor elsewhere. The draw of
 * unit u = 16 p + j in row r is 16 bits of Philox4x32-10 (base/philox.h) under key (seed, seed >>
 * 32) for counter (u + layer 2^20, r/8 + (step >> 32) 2^21, step, GR_STREAM_DROPOUT): of word r/2
 * mod 4, the low half for even r, the high one for odd r. */
typedef struct gr_dropout {
  size_t n_rows, n_panels, first_row, first_panel;
  uint64_t seed, step; /* step below 2^42 */
  uint32_t layer;      /* 0: the inputs */
  uint32_t threshold;  /* 0..65535: the probability of being dropped, in 65536ths */
  float factor;        /* 1 / (1 - threshold / 65536) */
  float *dst;          /* [n_rows][ld], of the first row and panel */
  size_t ld;
  bool scales;
} gr_dropout;

/* Layer normalisation (Ba, Kiros and Hinton 2016, eq. 3) of n_rows rows, each for itself: m and v
 * the mean of z and of (z - m)^2 over the n_columns real columns, root = 1 / sqrt(v + epsilon),
 * zhat = (z - m) root, values below 2^-100 become +0. Then a = f(gain zhat + shift), with slope and
 * dropout as in gr_forward. Sums: 16 partials from +0, column j to partial j mod 16 (the squares by
 * fused multiply-adds), added 8, 4, 2 and 1 apart, divided by n_columns. Padding of zhat: +0. */
typedef struct gr_normalize {
  size_t n_rows, n_columns;
  float *z;    /* [n_rows][ld] in: z; out: zhat */
  float *a;    /* [n_rows][ld]; or z itself, which then holds a at the end */
  float *root; /* [n_rows] or NULL */
  size_t ld;
  const float *gain, *shift; /* [16 panels] */
  gr_activation activation;
  float *slope; /* [n_rows][ld] or NULL */
  bool drops;
} gr_normalize;

/* Its way back: dy = dC/d(gain zhat + shift), g = gain dy, s and t the means over a row of g and g
 * zhat, summed likewise: dz = root (g - s - zhat t), flushed; padding +0. */
typedef struct gr_normalize_back {
  size_t n_rows, n_columns;
  const float *dy, *zhat; /* [n_rows][ld] */
  const float *root;      /* [n_rows] */
  const float *gain;      /* [16 panels] */
  float *dz;              /* [n_rows][ld]; must not overlap dy or zhat */
  size_t ld;
} gr_normalize_back;

/* Batch normalisation (Ioffe and Szegedy 2015, algorithm 1) with mean and root of each column
 * given: zhat = (z - mean) root, flushed, a = f(gain zhat + shift), with slope and dropout as in
 * gr_forward. */
typedef struct gr_normalize_columns {
  size_t n_rows, n_panels;
  float *z; /* [n_rows][ld] in: z; out: zhat */
  float *a; /* [n_rows][ld]; or z itself, which then holds a at the end */
  size_t ld;
  const float *mean, *root, *gain, *shift; /* [16 n_panels] */
  gr_activation activation;
  float *slope; /* [n_rows][ld] or NULL */
  bool drops;
} gr_normalize_columns;

/* Its way back: s and t the means over the batch of dy and dy zhat, dz = factor (dy - s - zhat t),
 * flushed, factor = gain root. */
typedef struct gr_normalize_columns_back {
  size_t n_rows, n_panels;
  const float *dy, *zhat;      /* [n_rows][ld] */
  const float *s, *t, *factor; /* [16 n_panels] */
  float *dz;                   /* [n_rows][ld]; must not overlap dy or zhat */
  size_t ld;
} gr_normalize_columns_back;

typedef struct gr_kernels {
  gr_isa isa;
  size_t tile_rows, tile_panels; /* shapes that are multiples of these run at full speed */
  void (*forward)(const gr_forward *f);
  void (*backward)(const gr_backward *b);
  void (*weight_gradient)(const gr_weight_gradient *g);
  /* g[16p + j] = sum_r delta[r][16p + j], r ascending from +0. */
  void (*column_sums)(size_t n_rows, size_t n_panels, const float *delta, size_t ldd, float *g);
  /* g[16p + j] = sum_r x[r][16p + j] y[r][16p + j], r ascending from +0, fused multiply-adds. */
  void (*column_products)(size_t n_rows, size_t n_panels, const float *x, const float *y, size_t ld,
                          float *g);
  /* g[16p + j] = sum_r (z[r][16p + j] - mean[16p + j])^2, likewise. */
  void (*column_deviations)(size_t n_rows, size_t n_panels, const float *z, size_t ld,
                            const float *mean, float *g);
  void (*normalize_columns)(const gr_normalize_columns *k);
  void (*normalize_columns_back)(const gr_normalize_columns_back *k);
  void (*normalize)(const gr_normalize *k);
  void (*normalize_back)(const gr_normalize_back *k);
  /* sum[i] += addend[i], i < n, n a multiple of 16. */
  void (*add)(size_t n, float *sum, const float *addend);
  /* w, moment1, moment2 from g (formulas in kernel/optimizer.h); n a multiple of 16; moments as the
   * optimiser has them. */
  void (*update)(const gr_update_coefficients *u, size_t n, float *w, const float *g,
                 float *moment1, float *moment2);
  /* g and the moments become what lamb makes of them (u in kernel/optimizer.h); w stays. */
  void (*direction)(const gr_update_coefficients *u, size_t n, const float *w, float *g,
                    float *moment1, float *moment2);
  /* sums[j] = sum_i panel[i][j]^2, and as elements n_inputs + v the squares of vector[v stride +
   * j], v < n_vectors: 16 partials from +0, element i to partial i mod 16 by a fused multiply-add,
   * added 8, 4, 2 and 1 apart. sums: [16] */
  void (*row_squares)(size_t n_inputs, const float *panel, size_t n_vectors, const float *vector,
                      size_t stride, float *sums);
  /* Likewise sums[j] = sum_i a[i][j] b[i][j], and of the vectors. */
  void (*row_products)(size_t n_inputs, const float *a, const float *b, size_t n_vectors,
                       const float *vector_a, const float *vector_b, size_t stride, float *sums);
  /* out[i] = sum_k c[k] x[k][i], k < n_terms ascending, a product and then fused multiply-adds,
   * i < n, n a multiple of 16; below 2^-100 it becomes +0. out may be one of them. */
  void (*combine)(size_t n, size_t n_terms, const float *c, const float *const *x, float *out);
  /* panel[i][j] *= factor[j], i < n_inputs. */
  void (*scale_rows)(size_t n_inputs, float *panel, const float *factor);
  /* a[i] += share (w[i] - a[i]), one rounding each; share 1 copies. n a multiple of 16. */
  void (*average)(size_t n, float share, float *a, const float *w);
  /* Copies inputs [0, n_inputs) of one panel to the back layout: back(q, o0 + j, i%16) =
   * panel[i][j], j < n_outputs <= 16. back points at the panel of the first input, rows o0 on;
   * back_panel = 16 n_out. */
  void (*transpose_panel)(size_t n_inputs, size_t n_outputs, const float *panel, float *back,
                          size_t back_panel);
  void (*loss_rows)(const gr_loss_rows *l);
  void (*dropout)(const gr_dropout *d);
  void (*gather)(const gr_gather *g);
  /* out[i] = gr_permutation_at(p, first + i), i < n; first + n <= p->n. */
  void (*permute)(const gr_permutation *p, uint64_t first, size_t n, uint64_t *out);
  /* out[i] = f(in[i]), n a multiple of 16; f: 0 exp, 1 log, 2 sigmoid, 3 tanh, 4 erf, 5 e^x - 1 for
   * x <= 0, 6 the normal distribution function. For tests. */
  void (*elementary)(int f, size_t n, const float *in, float *out);
  /* Round to nearest, no flush-to-zero, no denormals-are-zero; returns what was set, for
   * environment_leave. */
  unsigned (*environment_enter)(void);
  void (*environment_leave)(unsigned saved);
  /* n_rounds of independent fused multiply-adds in registers; returns the floating-point operations
   * done. */
  double (*fma_rounds)(size_t n_rounds);
  /* Reads p[n] once, in order, n a multiple of 128; returns the bytes read. */
  double (*read_stream)(size_t n, const float *p);
} gr_kernels;

/* The kernels of an available instruction set. */
const gr_kernels *gr_kernels_of(gr_isa isa);

#endif
