/* What is done to vectors: the update, sums, the second copy of the weights, gathering of rows, and
 * the environment they run in. */
#include <config.h>

#include "kernel/elementary.h"
#include "kernel/optimizer.h"

#if defined __SSE2__
#include <xmmintrin.h>
#endif

#define GR_OPTIMIZER(id, ...)                                                                  \
  static void update_##id(const gr_update_coefficients *u, size_t n, float *w, const float *g, \
                          float *moment1, float *moment2) {                                    \
    const gr_update_coefficients c = *u;                                                       \
    for (size_t i = 0; i < n; i += 16)                                                         \
      vf_store(w + i, vf_update(GR_##id, &c, vf_load(w + i), vf_load(g + i),                   \
                                moment1 ? moment1 + i : NULL, moment2 ? moment2 + i : NULL));  \
  }
#include "kernel/optimizer.def.h"
#undef GR_OPTIMIZER

typedef void update_function(const gr_update_coefficients *, size_t, float *, const float *,
                             float *, float *);

update_function GR_SUFFIX(gr_update);
void GR_SUFFIX(gr_update)(const gr_update_coefficients *u, size_t n, float *w, const float *g,
                          float *moment1, float *moment2) {
  static update_function *const by_kind[GR_N_OPTIMIZERS] = {
#define GR_OPTIMIZER(id, ...) update_##id,
#include "kernel/optimizer.def.h"
#undef GR_OPTIMIZER
  };
  by_kind[u->optimizer](u, n, w, g, moment1, moment2);
}

static void direction(const gr_update_coefficients *u, size_t n, const float *w, float *g,
                      float *moment1, float *moment2) {
  const gr_update_coefficients c = *u;
  for (size_t i = 0; i < n; i += 16) {
    const vf old = vf_load(w + i);
    vf_store(g + i, lamb_direction(&c, old, sparse_gradient(&c, old, vf_load(g + i)), moment1 + i,
                                   moment2 + i));
  }
}

GR_INLINE void column_sums_of(const int panels, size_t n_rows, const float *delta, size_t ldd,
                              float *g) {
  vf sum[4];
  for (int p = 0; p < panels; p++) sum[p] = vf_zero();
  for (size_t r = 0; r < n_rows; r++)
    for (int p = 0; p < panels; p++)
      sum[p] = vf_add(sum[p], vf_load(delta + r * ldd + 16 * (size_t)p));
  for (int p = 0; p < panels; p++) vf_store(g + 16 * p, sum[p]);
}

static void column_sums(size_t n_rows, size_t n_panels, const float *delta, size_t ldd, float *g) {
  size_t p = 0; /* four chains at once: an addition takes longer to finish than to start */
  for (; p + 4 <= n_panels; p += 4) column_sums_of(4, n_rows, delta + 16 * p, ldd, g + 16 * p);
  for (; p < n_panels; p++) column_sums_of(1, n_rows, delta + 16 * p, ldd, g + 16 * p);
}

static void add(size_t n, float *sum, const float *addend) {
  for (size_t i = 0; i < n; i += 16)
    vf_store(sum + i, vf_add(vf_load(sum + i), vf_load(addend + i)));
}

/* Partial by partial, each through every 16th input: one chain in a register at a time, and four of
 * them side by side. */
GR_INLINE void row_products_of(size_t n_inputs, const float *a, const float *b, size_t n_vectors,
                               const float *vector_a, const float *vector_b, size_t stride,
                               float *sums) {
  vf partial[16];
  for (size_t first = 0; first < 16; first += 4) {
    vf sum[4];
    for (int p = 0; p < 4; p++) sum[p] = vf_zero();
    for (size_t i = first; i < n_inputs; i += 16)
      for (size_t p = 0; p < 4 && i + p < n_inputs; p++)
        sum[p] = vf_fma(vf_load(a + 16 * (i + p)), vf_load(b + 16 * (i + p)), sum[p]);
    for (int p = 0; p < 4; p++) partial[first + (size_t)p] = sum[p];
  }
  for (size_t v = 0; v < n_vectors; v++) {
    const size_t at = (n_inputs + v) % 16;
    partial[at] =
        vf_fma(vf_load(vector_a + v * stride), vf_load(vector_b + v * stride), partial[at]);
  }
  for (int apart = 8; apart; apart /= 2)
    for (int p = 0; p < apart; p++) partial[p] = vf_add(partial[p], partial[p + apart]);
  vf_store(sums, partial[0]);
}

static void row_squares(size_t n_inputs, const float *panel, size_t n_vectors, const float *vector,
                        size_t stride, float *sums) {
  row_products_of(n_inputs, panel, panel, n_vectors, vector, vector, stride, sums);
}

static void row_products(size_t n_inputs, const float *a, const float *b, size_t n_vectors,
                         const float *vector_a, const float *vector_b, size_t stride, float *sums) {
  row_products_of(n_inputs, a, b, n_vectors, vector_a, vector_b, stride, sums);
}

static void combine(size_t n, size_t n_terms, const float *c, const float *const *x, float *out) {
  for (size_t i = 0; i < n; i += 16) {
    vf sum = n_terms ? vf_mul(vf_set1(c[0]), vf_load(x[0] + i)) : vf_zero();
    for (size_t k = 1; k < n_terms; k++) sum = vf_fma(vf_set1(c[k]), vf_load(x[k] + i), sum);
    vf_store(out + i, vf_flush(sum));
  }
}

static void average(size_t n, float share, float *a, const float *w) {
  if (share == 1) {
    memcpy(a, w, n * sizeof *a);
    return;
  }
  for (size_t i = 0; i < n; i += 16) {
    const vf old = vf_load(a + i);
    vf_store(a + i, vf_fma(vf_set1(share), vf_sub(vf_load(w + i), old), old));
  }
}

static void scale_rows(size_t n_inputs, float *panel, const float *factor) {
  const vf f = vf_load(factor);
  for (size_t i = 0; i < 16 * n_inputs; i += 16) vf_store(panel + i, vf_mul(vf_load(panel + i), f));
}

static void transpose_panel(size_t n_inputs, size_t n_outputs, const float *panel, float *back,
                            size_t back_panel) {
  size_t i = 0;
  if (n_outputs == 16)
    for (; i + 16 <= n_inputs; i += 16)
      transpose_16x16(panel + 16 * i, 16, back + i / 16 * back_panel, 16);
  for (; i < n_inputs; i++)
    for (size_t j = 0; j < n_outputs; j++)
      back[i / 16 * back_panel + 16 * j + i % 16] = panel[16 * i + j];
}

/* 16 values of type `type` at p as floats; the type is a constant wherever this is inlined. */
GR_INLINE vf load_as_float(gr_dtype type, const void *p) {
  switch (type) {
    case GR_U8:
      return vf_from_u8(p);
    case GR_I8:
      return vf_from_i8(p);
    case GR_U16:
      return vf_from_u16(p);
    case GR_I16:
      return vf_from_i16(p);
    case GR_F16:
      return vf_from_f16(p);
    default:
      return vf_load(p);
  }
}

/* The columns of one row from `from` on, fewer than 16. */
GR_INLINE void gather_rest(const gr_gather *g, gr_dtype type, const char *x, float *dst,
                           size_t from) {
  const size_t size = gr_dtype_size(type), n = g->n_columns - from;
  if (type == GR_F32) {
    const vf v =
        vf_sub(vf_load_n((const float *)(const void *)x + from, n), vf_load_n(g->shift + from, n));
    vf_store_n(dst + from, vf_mul(v, vf_load_n(g->factor + from, n)), n);
    return;
  }
  _Alignas(64) float tail[16] = {0}, shift[16] = {0}, factor[16] = {0};
  char raw[64] = {0};
  memcpy(raw, x + from * size, n * size);
  memcpy(shift, g->shift + from, n * sizeof(float));
  memcpy(factor, g->factor + from, n * sizeof(float));
  vf_store(tail, vf_mul(vf_sub(load_as_float(type, raw), vf_load(shift)), vf_load(factor)));
  memcpy(dst + from, tail, n * sizeof(float));
}

enum { GATHER_ROWS = 2, GATHER_AHEAD = 8, GATHER_NARROW = 32, GATHER_ROW = 8 << 10 };

/* Where the row lies that will be wanted GATHER_AHEAD rows after row r (GATHER_NARROW where a row
 * has fewer than 16 columns and takes little time); row r itself where nobody knows, or where rows
 * are longer than GATHER_ROW bytes: the machine sees by itself what comes next within them, and
 * several would crowd the cache. */
GR_INLINE const char *gather_ahead(const gr_gather *g, size_t row_bytes, size_t r) {
  const size_t ahead = r + (g->n_columns < 16 ? GATHER_NARROW : GATHER_AHEAD);
  uint64_t row = g->index[r];
  if (row_bytes <= GATHER_ROW && ahead < g->n_rows)
    row = g->index[ahead];
  else if (row_bytes <= GATHER_ROW && ahead - g->n_rows < g->n_next)
    row = g->next[ahead - g->n_rows];
  return (const char *)g->x + row * row_bytes;
}

/* n rows from row r of the call on. Rows are scattered over a matrix that no cache holds: for each
 * line that is converted one is fetched for the row to come, into the second level, which holds
 * more misses in flight. Two rows at a time share the loads of shift and factor. */
GR_INLINE void gather_group(const gr_gather *g, gr_dtype type, size_t r, const size_t n) {
  const size_t size = gr_dtype_size(type), row_bytes = g->n_columns * size, line = 64 / size,
               whole = g->n_columns & ~(size_t)15;
  const char *x[GATHER_ROWS], *ahead[GATHER_ROWS];
  float *dst = g->dst + r * g->ld;
  for (size_t i = 0; i < n; i++) {
    x[i] = (const char *)g->x + g->index[r + i] * row_bytes;
    ahead[i] = gather_ahead(g, row_bytes, r + i);
  }
  for (size_t from = 0; from < whole; from += line) {
    const size_t end = from + line < whole ? from + line : whole;
    for (size_t i = 0; i < n; i++) __builtin_prefetch(ahead[i] + from * size, 0, 2);
    for (size_t j = from; j < end; j += 16) {
      const vf shift = vf_load(g->shift + j), factor = vf_load(g->factor + j);
      for (size_t i = 0; i < n; i++)
        vf_store(dst + i * g->ld + j,
                 vf_mul(vf_sub(load_as_float(type, x[i] + j * size), shift), factor));
    }
  }
  for (size_t i = 0; i < n && whole == 0; i++) { /* a row lies in one line or two */
    __builtin_prefetch(ahead[i], 0, 2);
    __builtin_prefetch(ahead[i] + row_bytes - 1, 0, 2);
  }
  for (size_t i = 0; i < n && whole < g->n_columns; i++)
    gather_rest(g, type, x[i], dst + i * g->ld, whole);
}

GR_INLINE void gather_narrow(const gr_gather *g, gr_dtype type) {
  size_t r = 0;
  for (; r + GATHER_ROWS <= g->n_rows; r += GATHER_ROWS) gather_group(g, type, r, GATHER_ROWS);
  for (; r < g->n_rows; r++) gather_group(g, type, r, 1);
}

#define GR_GATHER_WIDE(name, type)                                                   \
  static void gather_##name(const gr_gather *g) {                                    \
    for (size_t r = 0; r < g->n_rows; r++) {                                         \
      const type *x = (const type *)g->x + g->index[r] * g->n_columns;               \
      float *dst = g->dst + r * g->ld;                                               \
      for (size_t j = 0; j < g->n_columns; j++)                                      \
        dst[j] = (float)(((double)x[j] - g->shift_double[j]) * g->factor_double[j]); \
    }                                                                                \
  }
GR_GATHER_WIDE(u32, uint32_t)
GR_GATHER_WIDE(i32, int32_t)
GR_GATHER_WIDE(u64, uint64_t)
GR_GATHER_WIDE(i64, int64_t)
GR_GATHER_WIDE(f64, double)

#define GR_GATHER_NARROW(name, TYPE)              \
  static void gather_##name(const gr_gather *g) { \
    gather_narrow(g, TYPE);                       \
  }
GR_GATHER_NARROW(u8, GR_U8)
GR_GATHER_NARROW(i8, GR_I8)
GR_GATHER_NARROW(u16, GR_U16)
GR_GATHER_NARROW(i16, GR_I16)
GR_GATHER_NARROW(f16, GR_F16)
GR_GATHER_NARROW(f32, GR_F32)

void GR_SUFFIX(gr_expand)(const gr_gather *g);

static void gather(const gr_gather *g) {
  static void (*const by_type[GR_N_DTYPES])(const gr_gather *) = {
      [GR_U8] = gather_u8,   [GR_I8] = gather_i8,   [GR_U16] = gather_u16, [GR_I16] = gather_i16,
      [GR_F16] = gather_f16, [GR_F32] = gather_f32, [GR_U32] = gather_u32, [GR_I32] = gather_i32,
      [GR_U64] = gather_u64, [GR_I64] = gather_i64, [GR_F64] = gather_f64};
  if (g->expansion)
    GR_SUFFIX(gr_expand)(g);
  else
    by_type[g->type](g);
}

/* First all indices once through the network, which the compiler makes vectors of, then those again
 * that fell beyond n. */
static void permute(const gr_permutation *permutation, uint64_t first, size_t n, uint64_t *out) {
  const gr_permutation p = *permutation;
  for (size_t i = 0; i < n; i++) out[i] = first + i;
  if (p.high_bits == 0) return;
  for (size_t i = 0; i < n; i++) out[i] = gr_permutation_walk(&p, out[i]);
  for (size_t i = 0; i < n; i++)
    while (out[i] >= p.n) out[i] = gr_permutation_walk(&p, out[i]);
}

static void elementary(int f, size_t n, const float *in, float *out) {
  for (size_t i = 0; i < n; i += 16) {
    vf x = vf_load(in + i);
    vf_store(out + i, f == 0   ? vf_exp(x)
                      : f == 1 ? vf_log(x)
                      : f == 2 ? vf_sigmoid(x)
                      : f == 3 ? vf_tanh(x)
                      : f == 4 ? vf_erf(x)
                      : f == 5 ? vf_exp_minus_one_down(x)
                               : vf_normal(x));
  }
}

#if defined __SSE2__
static unsigned environment_enter(void) {
  unsigned saved = _mm_getcsr();
  _mm_setcsr(0x1f80); /* all exceptions masked, round to nearest, neither flush-to-zero nor
                         denormals-are-zero */
  return saved;
}
static void environment_leave(unsigned saved) {
  _mm_setcsr(saved);
}
#elif defined __aarch64__
static unsigned environment_enter(void) {
  uint64_t saved, clean = 0;
  __asm__ volatile("mrs %0, fpcr" : "=r"(saved));
  __asm__ volatile("msr fpcr, %0" : : "r"(clean));
  return (unsigned)saved;
}
static void environment_leave(unsigned saved) {
  uint64_t value = saved;
  __asm__ volatile("msr fpcr, %0" : : "r"(value));
}
#else
static unsigned environment_enter(void) {
  return 0;
}
static void environment_leave(unsigned saved) {
  (void)saved;
}
#endif

void GR_SUFFIX(gr_forward)(const gr_forward *f);
void GR_SUFFIX(gr_backward)(const gr_backward *b);
void GR_SUFFIX(gr_weight_gradient)(const gr_weight_gradient *g);
void GR_SUFFIX(gr_loss_rows)(const gr_loss_rows *l);
void GR_SUFFIX(gr_dropout)(const gr_dropout *d);
void GR_SUFFIX(gr_column_products)(size_t n_rows, size_t n_panels, const float *x, const float *y,
                                   size_t ld, float *g);
void GR_SUFFIX(gr_column_deviations)(size_t n_rows, size_t n_panels, const float *z, size_t ld,
                                     const float *mean, float *g);
void GR_SUFFIX(gr_normalize_columns)(const gr_normalize_columns *k);
void GR_SUFFIX(gr_normalize_columns_back)(const gr_normalize_columns_back *k);
void GR_SUFFIX(gr_normalize)(const gr_normalize *k);
void GR_SUFFIX(gr_normalize_back)(const gr_normalize_back *k);
double GR_SUFFIX(gr_fma_rounds)(size_t n_rounds);
double GR_SUFFIX(gr_read_stream)(size_t n, const float *p);
extern const gr_kernels GR_SUFFIX(gr_kernels);

#if defined GR_KERNEL_ISA_AVX512
#define GR_ISA_ID GR_ISA_AVX512
#elif defined GR_KERNEL_ISA_AVX2
#define GR_ISA_ID GR_ISA_AVX2
#elif defined GR_KERNEL_ISA_NEON
#define GR_ISA_ID GR_ISA_NEON
#else
#define GR_ISA_ID GR_ISA_GENERIC
#endif

const gr_kernels GR_SUFFIX(gr_kernels) = {
    .isa = GR_ISA_ID,
    .tile_rows = GR_TILE_ROWS,
    .tile_panels = GR_TILE_PANELS,
    .forward = GR_SUFFIX(gr_forward),
    .backward = GR_SUFFIX(gr_backward),
    .weight_gradient = GR_SUFFIX(gr_weight_gradient),
    .column_sums = column_sums,
    .column_products = GR_SUFFIX(gr_column_products),
    .column_deviations = GR_SUFFIX(gr_column_deviations),
    .normalize_columns = GR_SUFFIX(gr_normalize_columns),
    .normalize_columns_back = GR_SUFFIX(gr_normalize_columns_back),
    .normalize = GR_SUFFIX(gr_normalize),
    .normalize_back = GR_SUFFIX(gr_normalize_back),
    .add = add,
    .update = GR_SUFFIX(gr_update),
    .direction = direction,
    .row_squares = row_squares,
    .row_products = row_products,
    .combine = combine,
    .scale_rows = scale_rows,
    .average = average,
    .transpose_panel = transpose_panel,
    .loss_rows = GR_SUFFIX(gr_loss_rows),
    .dropout = GR_SUFFIX(gr_dropout),
    .gather = gather,
    .permute = permute,
    .elementary = elementary,
    .environment_enter = environment_enter,
    .environment_leave = environment_leave,
    .fma_rounds = GR_SUFFIX(gr_fma_rounds),
    .read_stream = GR_SUFFIX(gr_read_stream),
};
