/* The three products of training: forward, data gradient, weight gradient.
 *
 * All come down to one register tile, GR_TILE_ROWS rows by GR_TILE_PANELS panels, whose k-loop is
 * one chain of fused multiply-adds per element. It is written once and instantiated for each number
 * of rows and panels. Around it stand the blocks: k in pieces whose panel stays in the first-level
 * cache, rows in pieces whose slice of a stays in the second. A split of k stores the chain and
 * takes it up again, so no block size changes a bit. */
#include <config.h>

#include "kernel/activation.h"
#include "kernel/kernel.h"

/* One tile. a(i, k) = a[i lda + k], or a[k lda + i] where `turned`; b(k, p, j) = b[k ldb + p
 * panel_b + j]; c(i, p, j) = c[i ldc + p panel_c + j]. Chains start from start[16 p + j], or from c
 * where start is NULL. */
typedef struct tile {
  size_t depth;
  const float *a;
  size_t lda;
  const float *b;
  size_t ldb, panel_b;
  float *c;
  size_t ldc, panel_c;
  const float *start;
} tile;

/* Small loops over the tile must be unrolled before the compiler decides what lives in registers.
 */
#if defined __clang__
#define GR_UNROLL _Pragma("clang loop unroll(full)")
#else
#define GR_UNROLL _Pragma("GCC unroll 16")
#endif
#define GR_EACH_ROW GR_UNROLL for (int i = 0; i < rows; i++)
#define GR_EACH_THIRD GR_UNROLL for (int i = 0; i < thirds; i++)
#define GR_EACH_PANEL GR_UNROLL for (int p = 0; p < panels; p++)

GR_INLINE void run_tile(const tile *t, const int rows, const int panels, const int turned) {
  const int thirds = turned ? 1 : (rows + 2) / 3;
  vf acc[GR_TILE_ROWS][GR_TILE_PANELS];
  const size_t lda = t->lda, ldb = t->ldb, panel_b = t->panel_b, ldc = t->ldc, panel_c = t->panel_c;
  /* One load for both kinds of start keeps the accumulators out of memory. */
  const float *from = t->start ? t->start : t->c;
  const size_t from_row = t->start ? 0 : ldc, from_panel = t->start ? 16 : panel_c;
  GR_EACH_ROW GR_EACH_PANEL acc[i][p] =
      vf_load(from + (size_t)i * from_row + (size_t)p * from_panel);
  const float *b = t->b;
  const float
      *a[(GR_TILE_ROWS + 2) / 3]; /* one for three rows: x86 reaches lda and 2 lda from it */
  GR_EACH_THIRD a[i] = turned ? t->a : t->a + 3 * (size_t)i * lda;
  for (size_t k = t->depth; k; k--) {
    vf column[GR_TILE_PANELS];
    GR_EACH_PANEL column[p] = vf_load(b + (size_t)p * panel_b);
    GR_EACH_ROW {
      vb x = vb_load(turned ? a[0] + i : a[i / 3] + (size_t)(i % 3) * lda);
      GR_EACH_PANEL acc[i][p] = vf_fma_b(x, column[p], acc[i][p]);
    }
    GR_EACH_THIRD a[i] += turned ? lda : 1;
    b += ldb;
  }
  float *c = t->c;
  GR_EACH_ROW GR_EACH_PANEL vf_store(c + (size_t)i * ldc + (size_t)p * panel_c, acc[i][p]);
}

#if GR_TILE_ROWS == 14
#define GR_ROWS(X, p, t) \
  X(1, p, t)             \
  X(2, p, t)             \
  X(3, p, t)             \
  X(4, p, t)             \
  X(5, p, t)             \
  X(6, p, t)             \
  X(7, p, t) X(8, p, t) X(9, p, t) X(10, p, t) X(11, p, t) X(12, p, t) X(13, p, t) X(14, p, t)
#elif GR_TILE_ROWS == 6
#define GR_ROWS(X, p, t) X(1, p, t) X(2, p, t) X(3, p, t) X(4, p, t) X(5, p, t) X(6, p, t)
#elif GR_TILE_ROWS == 4
#define GR_ROWS(X, p, t) X(1, p, t) X(2, p, t) X(3, p, t) X(4, p, t)
#else
#error "list the numbers of rows of this tile"
#endif
#if GR_TILE_PANELS == 2
#define GR_PANELS(X, t) GR_ROWS(X, 1, t) GR_ROWS(X, 2, t)
#else
#define GR_PANELS(X, t) GR_ROWS(X, 1, t)
#endif

#define GR_DEFINE(rows, panels, turned)                          \
  static void tile_##rows##_##panels##_##turned(const tile *t) { \
    run_tile(t, rows, panels, turned);                           \
  }
GR_PANELS(GR_DEFINE, 0)
GR_PANELS(GR_DEFINE, 1)

typedef void tile_function(const tile *t);
#define GR_ENTRY(rows, panels, turned) \
  [turned][panels - 1][rows] = tile_##rows##_##panels##_##turned,
static tile_function *const tiles[2][GR_TILE_PANELS][GR_TILE_ROWS + 1] = {
    GR_PANELS(GR_ENTRY, 0) GR_PANELS(GR_ENTRY, 1)};

static const float zeros[16 * GR_TILE_PANELS];

/* Size of the next of the pieces, none above `most` and all as equal as can be, that `left` is cut
 * into. */
GR_INLINE size_t next_piece(size_t left, size_t most) {
  size_t pieces = (left + most - 1) / most;
  return (left + pieces - 1) / pieces;
}

enum { MAX_DEPTH = 320, BLOCK_FLOATS = 48 << 10 }; /* 20 KiB of a panel in L1; 192 KiB of a in L2 */

/* Everything a blocked product needs besides its tiles. */
typedef struct product {
  size_t n_rows, n_panels, depth;
  const float *a;
  size_t lda;
  const float *w, *start; /* start: [16 n_panels] or NULL for zeros */
  float *c;
  size_t ldc;
} product;

/* Called for each finished tile: `rows` rows of `panels` panels at c, and a_out the same place of
 * another matrix (or NULL). */
typedef void epilogue(float *c, size_t ldc, size_t rows, size_t panels, const float *a_out);

GR_INLINE void tile_row_block(const product *g, size_t row, size_t rows, size_t k, size_t depth,
                              size_t panel, size_t panels, const float *a_out, epilogue *finish) {
  const int last = k + depth == g->depth;
  tile t = {.depth = depth,
            .lda = g->lda,
            .ldb = 16,
            .panel_b = 16 * g->depth,
            .ldc = g->ldc,
            .panel_c = 16,
            .b = g->w + 16 * (panel * g->depth + k)};
  if (k == 0) t.start = g->start ? g->start + 16 * panel : zeros;
  for (size_t end = row + rows; row < end;) {
    size_t n = next_piece(end - row, GR_TILE_ROWS);
    t.a = g->a + row * g->lda + k;
    t.c = g->c + row * g->ldc + 16 * panel;
    tiles[0][panels - 1][n](&t);
    if (last && finish)
      finish(t.c, g->ldc, n, panels, a_out ? a_out + row * g->ldc + 16 * panel : NULL);
    row += n;
  }
}

static void run_product(const product *g, const float *a_out, epilogue *finish) {
  const size_t most_depth = next_piece(g->depth, MAX_DEPTH);
  size_t most_rows = BLOCK_FLOATS / (most_depth ? most_depth : 1);
  most_rows -= most_rows % GR_TILE_ROWS;
  for (size_t row = 0; row < g->n_rows;) {
    size_t rows = next_piece(g->n_rows - row, most_rows);
    for (size_t k = 0; k < g->depth;) {
      size_t depth = g->depth - k < most_depth ? g->depth - k : most_depth;
      for (size_t panel = 0; panel < g->n_panels;) {
        size_t panels = g->n_panels - panel < GR_TILE_PANELS ? g->n_panels - panel : GR_TILE_PANELS;
        tile_row_block(g, row, rows, k, depth, panel, panels, a_out, finish);
        panel += panels;
      }
      k += depth;
    }
    row += rows;
  }
}

#define GR_FINISH(kind, unused_name, hidden, relu)                                               \
  static void finish_##kind(float *c, size_t ldc, size_t rows, size_t panels, const float *a) {  \
    (void)a;                                                                                     \
    for (size_t i = 0; i < rows; i++)                                                            \
      for (size_t p = 0; p < panels; p++) {                                                      \
        float *at = c + i * ldc + 16 * p;                                                        \
        vf_store(at, vf_activation(GR_##kind, vf_load(at)));                                     \
      }                                                                                          \
  }                                                                                              \
  static void finish_back_##kind(float *c, size_t ldc, size_t rows, size_t panels,               \
                                 const float *a) {                                               \
    for (size_t i = 0; i < rows; i++)                                                            \
      for (size_t p = 0; p < panels; p++) {                                                      \
        float *at = c + i * ldc + 16 * p;                                                        \
        vf_store(at, vf_activation_back(GR_##kind, vf_load(at), vf_load(a + i * ldc + 16 * p))); \
      }                                                                                          \
  }
#define GR_ACTIVATION(id, name, hidden, relu) GR_FINISH(id, name, hidden, relu)
#include "kernel/activation.def.h"
#undef GR_ACTIVATION

static epilogue *const finish[GR_N_ACTIVATIONS] = {
#define GR_ACTIVATION(id, name, hidden, relu) finish_##id,
#include "kernel/activation.def.h"
#undef GR_ACTIVATION
};
static epilogue *const finish_back[GR_N_ACTIVATIONS] = {
#define GR_ACTIVATION(id, name, hidden, relu) finish_back_##id,
#include "kernel/activation.def.h"
#undef GR_ACTIVATION
};

void GR_SUFFIX(gr_forward)(const gr_forward *f);
void GR_SUFFIX(gr_forward)(const gr_forward *f) {
  const product g = {f->n_rows, f->n_panels, f->depth, f->a, f->lda, f->w, f->bias, f->c, f->ldc};
  const int stores_z = f->activation == GR_IDENTITY || f->activation == GR_SOFTMAX;
  run_product(&g, NULL, stores_z ? NULL : finish[f->activation]);
}

void GR_SUFFIX(gr_backward)(const gr_backward *b);
void GR_SUFFIX(gr_backward)(const gr_backward *b) {
  const product g = {b->n_rows, b->n_panels, b->depth, b->delta, b->ldd, b->w, NULL, b->c, b->ldc};
  run_product(&g, b->a, finish_back[b->activation]);
}

void GR_SUFFIX(gr_weight_gradient)(const gr_weight_gradient *g);
void GR_SUFFIX(gr_weight_gradient)(const gr_weight_gradient *g) {
  enum { MAX_ROWS = 256 };
  tile t = {.lda = g->lda, .ldb = g->ldd, .panel_b = 16, .ldc = 16, .panel_c = g->panel_g};
  size_t row = 0;
  do { /* once also for no rows: then the gradient is +0 */
    t.depth = g->n_rows - row < MAX_ROWS ? g->n_rows - row : MAX_ROWS;
    t.start = row == 0 ? zeros : NULL;
    for (size_t panel = 0; panel < g->n_panels;) {
      size_t panels = g->n_panels - panel < GR_TILE_PANELS ? g->n_panels - panel : GR_TILE_PANELS;
      t.b = g->delta + row * g->ldd + 16 * panel;
      for (size_t i = 0; i < g->n_inputs;) {
        size_t n = next_piece(g->n_inputs - i, GR_TILE_ROWS);
        t.a = g->a + row * g->lda + i;
        t.c = g->g + panel * g->panel_g + 16 * i;
        tiles[1][panels - 1][n](&t);
        i += n;
      }
      panel += panels;
    }
    row += t.depth;
  } while (row < g->n_rows);
}
