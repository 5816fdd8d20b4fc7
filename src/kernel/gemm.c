/* The three products of training: forward, data gradient, weight gradient.
 *
 * All come down to one register tile, GR_TILE_ROWS rows by GR_TILE_PANELS panels, whose k-loop is
 * one chain of fused multiply-adds per element. It is written once and instantiated for each number
 * of rows and panels. Around it stand the blocks: k in pieces whose panels stream from the
 * second-level cache, rows in pieces whose slice of a stays in it. A split of k stores the chain
 * and takes it up again, so no block size changes a bit.
 *
 * In the weight gradient k runs over the rows of a lane. A few tiles side by side go through all
 * lanes, one lane at a time, are added by the tree and applied to the weights before the next ones
 * are begun: operands of a lane and gradient stay in the first-level cache. */
#include <config.h>

#include "base/tree.h"
#include "kernel/activation.h"
#include "kernel/kernel.h"
#include "kernel/optimizer.h"

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

typedef vf accumulators[GR_TILE_ROWS][GR_TILE_PANELS];

/* acc(i, p) += sum_k a(i, k) b(k, p), k ascending. a(i, k) = a[i lda + k], or a[k lda + i] where
 * `turned`; b(k, p, j) = b[k ldb + p panel_b + j]. Meanwhile fetches what lies at `soon`, going on
 * by soon_step bytes a step, into the second-level cache, for each panel. */
GR_INLINE void multiply(accumulators acc, const int rows, const int panels, const int turned,
                        size_t depth, const float *first_a, size_t lda, const float *b, size_t ldb,
                        size_t panel_b, const char *soon, size_t soon_step) {
  const int thirds = turned ? 1 : (rows + 2) / 3;
  const float
      *a[(GR_TILE_ROWS + 2) / 3]; /* one for three rows: x86 reaches lda and 2 lda from it */
  GR_EACH_THIRD a[i] = turned ? first_a : first_a + 3 * (size_t)i * lda;
  for (size_t k = depth; k; k--) {
    vf column[GR_TILE_PANELS];
    GR_EACH_PANEL column[p] = vf_load(b + (size_t)p * panel_b);
    GR_EACH_PANEL __builtin_prefetch(soon + (size_t)p * panel_b * sizeof(float), 0, 2);
    if (turned) __builtin_prefetch(a[0] + 2 * GR_TILE_ROWS, 0, 2); /* of the next tile */
    soon += soon_step;
    GR_EACH_ROW {
      vb x = vb_load(turned ? a[0] + i : a[i / 3] + (size_t)(i % 3) * lda);
      GR_EACH_PANEL acc[i][p] = vf_fma_b(x, column[p], acc[i][p]);
    }
    GR_EACH_THIRD a[i] += turned ? lda : 1;
    b += ldb;
  }
}

#if GR_TILE_ROWS == 14
#define GR_ROWS(X, p) \
  X(1, p)             \
  X(2, p)             \
  X(3, p)             \
  X(4, p)             \
  X(5, p)             \
  X(6, p) X(7, p) X(8, p) X(9, p) X(10, p) X(11, p) X(12, p) X(13, p) X(14, p)
#elif GR_TILE_ROWS == 6
#define GR_ROWS(X, p) X(1, p) X(2, p) X(3, p) X(4, p) X(5, p) X(6, p)
#elif GR_TILE_ROWS == 4
#define GR_ROWS(X, p) X(1, p) X(2, p) X(3, p) X(4, p)
#else
#error "list the numbers of rows of this tile"
#endif
#if GR_TILE_PANELS == 2
#define GR_PANELS(X) GR_ROWS(X, 1) GR_ROWS(X, 2)
#else
#define GR_PANELS(X) GR_ROWS(X, 1)
#endif

/* A tile of forward or data gradient: `rows` rows of a, panels of 16 columns in c. Chains start
 * from start[16 p + j], or from c where start is NULL. */
typedef struct tile {
  size_t depth;
  const float *a;
  size_t lda;
  const float *b;
  size_t panel_b;
  float *c;
  size_t ldc;
  const float *start;
  const float *soon; /* in panels like b: what will be wanted next */
  size_t soon_step;  /* bytes */
} tile;

GR_INLINE void run_tile(const tile *t, const int rows, const int panels) {
  accumulators acc;
  const size_t ldc = t->ldc;
  /* One load for both kinds of start keeps the accumulators out of memory. */
  const float *from = t->start ? t->start : t->c;
  const size_t from_row = t->start ? 0 : ldc;
  GR_EACH_ROW GR_EACH_PANEL acc[i][p] = vf_load(from + (size_t)i * from_row + 16 * (size_t)p);
  multiply(acc, rows, panels, 0, t->depth, t->a, t->lda, t->b, 16, t->panel_b,
           (const char *)t->soon, t->soon_step);
  float *c = t->c;
  GR_EACH_ROW GR_EACH_PANEL vf_store(c + (size_t)i * ldc + 16 * (size_t)p, acc[i][p]);
}

#define GR_DEFINE(rows, panels)                       \
  static void tile_##rows##_##panels(const tile *t) { \
    run_tile(t, rows, panels);                        \
  }
GR_PANELS(GR_DEFINE)
#undef GR_DEFINE

typedef void tile_function(const tile *t);
#define GR_ENTRY(rows, panels) [panels - 1][rows] = tile_##rows##_##panels,
static tile_function *const tiles[GR_TILE_PANELS][GR_TILE_ROWS + 1] = {GR_PANELS(GR_ENTRY)};
#undef GR_ENTRY

static const float zeros[16 * GR_TILE_PANELS];

/* Size of the next of the pieces, none above `most` and all as equal as can be, that `left` is cut
 * into. */
GR_INLINE size_t next_piece(size_t left, size_t most) {
  if (left <= most) return left;
  size_t pieces = (left + most - 1) / most;
  return (left + pieces - 1) / pieces;
}

enum { MAX_DEPTH = GR_TILE_DEPTH, BLOCK_FLOATS = 64 << 10 }; /* 256 KiB of a in L2 */

/* Everything a blocked product needs besides its tiles. */
typedef struct product {
  size_t n_rows, n_panels, depth;
  const float *a;
  size_t lda;
  const float *w, *start; /* start: [16 n_panels] or NULL for zeros */
  float *c;
  size_t ldc;
  const float *read; /* matrices like c that the epilogue wants, or NULL */
  float *written;
} product;

/* Called for each finished tile: `rows` rows of `panels` panels at c, and the same place of the
 * product's other matrices (or NULL). */
typedef void epilogue(float *c, size_t ldc, size_t rows, size_t panels, const float *read,
                      float *written);

GR_INLINE void tile_row_block(const product *g, size_t row, size_t rows, size_t k, size_t depth,
                              size_t panel, size_t panels, const float *soon, epilogue *finish) {
  const int last = k + depth == g->depth;
  tile t = {.depth = depth,
            .lda = g->lda,
            .panel_b = 16 * g->depth,
            .ldc = g->ldc,
            .b = g->w + 16 * (panel * g->depth + k)};
  const size_t n_tiles = (rows + GR_TILE_ROWS - 1) / GR_TILE_ROWS;
  t.soon = soon ? soon : t.b;
  t.soon_step = soon ? 64 / n_tiles : 0; /* each tile fetches its part */
  if (k == 0) t.start = g->start ? g->start + 16 * panel : zeros;
  for (size_t end = row + rows; row < end;) {
    size_t n = next_piece(end - row, GR_TILE_ROWS);
    t.a = g->a + row * g->lda + k;
    const size_t at = row * g->ldc + 16 * panel;
    const float *read = g->read ? g->read + at : NULL;
    float *written = g->written ? g->written + at : NULL;
    t.c = g->c + at;
    for (size_t i = 0; i < n; i++)
      for (size_t p = 0; p < panels; p++) { /* there by the time the tile is done */
        __builtin_prefetch(t.c + i * g->ldc + 16 * p, 1);
        if (read) __builtin_prefetch(read + i * g->ldc + 16 * p);
        if (written) __builtin_prefetch(written + i * g->ldc + 16 * p, 1);
      }
    tiles[panels - 1][n](&t);
    t.soon += depth * t.soon_step / sizeof(float);
    if (last && finish) finish(t.c, g->ldc, n, panels, read, written);
    row += n;
  }
}

static void run_product(const product *g, epilogue *finish) {
  const size_t most_depth = next_piece(g->depth, MAX_DEPTH);
  size_t most_rows = BLOCK_FLOATS / (most_depth ? most_depth : 1);
  most_rows -= most_rows % GR_TILE_ROWS;
  for (size_t row = 0; row < g->n_rows;) {
    size_t rows = next_piece(g->n_rows - row, most_rows);
    for (size_t k = 0; k < g->depth;) {
      size_t depth = g->depth - k < most_depth ? g->depth - k : most_depth;
      for (size_t panel = 0; panel < g->n_panels;) {
        size_t panels = g->n_panels - panel < GR_TILE_PANELS ? g->n_panels - panel : GR_TILE_PANELS;
        const float *soon = panel + panels < g->n_panels
                                ? g->w + 16 * ((panel + panels) * g->depth + k)
                            : k + depth < g->depth ? g->w + 16 * (k + depth)
                                                   : NULL;
        tile_row_block(g, row, rows, k, depth, panel, panels, soon, finish);
        panel += panels;
      }
      k += depth;
    }
    row += rows;
  }
}

/* What an epilogue of the forward product leaves beside f(z): nothing, the slope f'(z), or both
 * times the factors of dropout, which it finds where the slope goes. */
enum { VALUE, SLOPE, DROPOUT, N_FINISHES };

GR_INLINE void finish_tile(const gr_activation kind, const int with, float *c, size_t ldc,
                           size_t rows, size_t panels, float *slope) {
  for (size_t i = 0; i < rows; i++)
    for (size_t p = 0; p < panels; p++) {
      float *at = c + i * ldc + 16 * p;
      if (with == VALUE) {
        vf_store(at, vf_activation(kind, vf_load(at)));
        continue;
      }
      float *slope_at = slope + i * ldc + 16 * p;
      gr_curve f = vf_activation_curve(kind, vf_load(at));
      if (with == DROPOUT) {
        const vf factor = vf_load(slope_at);
        f.value = vf_flush(vf_mul(f.value, factor));
        f.slope = vf_flush(vf_mul(f.slope, factor));
      }
      vf_store(at, f.value);
      vf_store(slope_at, f.slope);
    }
}

GR_INLINE void finish_back_tile(const gr_activation kind, float *c, size_t ldc, size_t rows,
                                size_t panels, const float *a) {
  for (size_t i = 0; i < rows; i++)
    for (size_t p = 0; p < panels; p++) {
      float *at = c + i * ldc + 16 * p;
      vf_store(at, vf_activation_back(kind, vf_load(at), vf_load(a + i * ldc + 16 * p)));
    }
}

/* The slope was kept. */
static void multiply_slope(float *c, size_t ldc, size_t rows, size_t panels, const float *slope,
                           float *unused) {
  (void)unused;
  for (size_t i = 0; i < rows; i++)
    for (size_t p = 0; p < panels; p++) {
      float *at = c + i * ldc + 16 * p;
      vf_store(at, vf_flush(vf_mul(vf_load(at), vf_load(slope + i * ldc + 16 * p))));
    }
}

#define GR_FINISH(kind, with)                                                          \
  static void finish_##kind##_##with(float *c, size_t ldc, size_t rows, size_t panels, \
                                     const float *read, float *slope) {                \
    (void)read;                                                                        \
    finish_tile(GR_##kind, with, c, ldc, rows, panels, slope);                         \
  }
#define GR_ACTIVATION(id, name, hidden, spread, from_input)                                      \
  GR_FINISH(id, VALUE)                                                                           \
  GR_FINISH(id, SLOPE)                                                                           \
  GR_FINISH(id, DROPOUT)                                                                         \
  static void finish_back_##id(float *c, size_t ldc, size_t rows, size_t panels, const float *a, \
                               float *unused) {                                                  \
    (void)unused;                                                                                \
    finish_back_tile(GR_##id, c, ldc, rows, panels, a);                                          \
  }
#include "kernel/activation.def.h"
#undef GR_ACTIVATION

static epilogue *const finish[GR_N_ACTIVATIONS][N_FINISHES] = {
#define GR_ACTIVATION(id, name, hidden, spread, from_input) \
  {finish_##id##_VALUE, finish_##id##_SLOPE, finish_##id##_DROPOUT},
#include "kernel/activation.def.h"
#undef GR_ACTIVATION
};
static epilogue *const finish_back[GR_N_ACTIVATIONS] = {
#define GR_ACTIVATION(id, name, hidden, spread, from_input) finish_back_##id,
#include "kernel/activation.def.h"
#undef GR_ACTIVATION
};

/* The epilogue of rows that are there already; NULL where they stay as they are. */
static epilogue *finish_of(gr_activation kind, const float *slope, int drops) {
  if (slope) return finish[kind][drops ? DROPOUT : SLOPE];
  return kind == GR_IDENTITY || kind == GR_SOFTMAX ? NULL : finish[kind][VALUE];
}

void GR_SUFFIX(gr_finish)(gr_activation kind, int drops, size_t rows, size_t panels, float *c,
                          float *slope, size_t ld);
void GR_SUFFIX(gr_finish)(gr_activation kind, int drops, size_t rows, size_t panels, float *c,
                          float *slope, size_t ld) {
  epilogue *f = finish_of(kind, slope, drops);
  if (f) f(c, ld, rows, panels, NULL, slope);
}

void GR_SUFFIX(gr_forward)(const gr_forward *f);
void GR_SUFFIX(gr_forward)(const gr_forward *f) {
  const product g = {.n_rows = f->n_rows,
                     .n_panels = f->n_panels,
                     .depth = f->depth,
                     .a = f->a,
                     .lda = f->lda,
                     .w = f->w,
                     .start = f->bias,
                     .c = f->c,
                     .ldc = f->ldc,
                     .written = f->slope};
  run_product(&g, finish_of(f->activation, f->slope, f->drops));
}

void GR_SUFFIX(gr_backward)(const gr_backward *b);
void GR_SUFFIX(gr_backward)(const gr_backward *b) {
  const product g = {.n_rows = b->n_rows,
                     .n_panels = b->n_panels,
                     .depth = b->depth,
                     .a = b->delta,
                     .lda = b->ldd,
                     .w = b->w,
                     .c = b->c,
                     .ldc = b->ldc,
                     .read = b->slope ? b->slope : b->a};
  run_product(&g, b->slope ? multiply_slope : finish_back[b->activation]);
}

/* ----- weight gradient ----- */

enum {
  TREE_DEPTH = 33, /* lanes are below 2^32 */
  TILE = 16 * GR_TILE_ROWS * GR_TILE_PANELS,
  BLOCK_TILES = GR_TILE_BLOCK, /* their slices of a lane stay in the first-level cache */
  FAR_BYTES =
      512 << 10, /* of deltas: more do not wait in the second-level cache to be read again */
  SLOTS =
      TREE_DEPTH + 3 > 8 * BLOCK_TILES ? TREE_DEPTH + 3 : 8 * BLOCK_TILES /* tiles, on the stack */
};

/* Tiles side by side, `rows` inputs each, panels of 16 outputs, and one lane of the batch. */
typedef struct gradient_tiles {
  const gr_weight_gradient *of;
  size_t n_tiles, n_rows;
  const float *a, *delta; /* of the lane */
  float *slots;  /* the first free level of sums of lanes not yet added; tile t at t TILE */
  size_t level;  /* floats between levels */
  size_t merges; /* levels below it to add to this lane's sum, top down */
  int last;      /* no lane follows: the sum goes to c, else to the free level */
  float *c;      /* the gradient, or the weights that plain SGD changes */
  size_t tile_c, panel_c;
  size_t soon_tile; /* the tile that meanwhile fetches this lane's deltas of the next panels */
} gradient_tiles;

GR_INLINE void run_gradient_tiles(const gradient_tiles *t, const int rows, const int panels,
                                  const int descends) {
  const gr_weight_gradient *of = t->of;
  for (size_t q = 0; q < t->n_tiles; q++) {
    accumulators acc;
    const float *soon = q == t->soon_tile ? t->delta + 16 * panels : t->delta;
    float *slot = t->slots + q * TILE, *c = t->c + q * t->tile_c;
    if (t->last)
      GR_EACH_PANEL GR_EACH_ROW __builtin_prefetch(c + 16 * i + (size_t)p * t->panel_c, 1, 2);
    GR_EACH_ROW GR_EACH_PANEL acc[i][p] = vf_zero();
    multiply(acc, rows, panels, 1, t->n_rows, t->a + q * (size_t)rows, of->lda, t->delta, of->ldd,
             16, (const char *)soon, q == t->soon_tile ? of->ldd * sizeof(float) : 0);
    for (size_t merges = t->merges; merges; merges--) {
      slot -= t->level;
      GR_EACH_ROW GR_EACH_PANEL acc[i][p] =
          vf_add(vf_load(slot + 16 * (i * panels + p)), acc[i][p]);
    }
    if (!t->last) {
      GR_EACH_ROW GR_EACH_PANEL vf_store(slot + 16 * (i * panels + p), acc[i][p]);
    } else if (descends) {
      const vf rate = vf_set1(of->update->learning_rate), scale = vf_set1(of->update->scale);
      GR_EACH_ROW GR_EACH_PANEL {
        float *w = c + 16 * (size_t)i + (size_t)p * t->panel_c;
        vf_store(w, vf_descend(rate, scale, vf_load(w), acc[i][p]));
      }
    } else {
      GR_EACH_ROW GR_EACH_PANEL vf_store(c + 16 * (size_t)i + (size_t)p * t->panel_c, acc[i][p]);
    }
  }
}

#define GR_DEFINE(rows, panels)                                     \
  static void gradient_##rows##_##panels(const gradient_tiles *t) { \
    run_gradient_tiles(t, rows, panels, 0);                         \
  }                                                                 \
  static void descent_##rows##_##panels(const gradient_tiles *t) {  \
    run_gradient_tiles(t, rows, panels, 1);                         \
  }
GR_PANELS(GR_DEFINE)
#undef GR_DEFINE

typedef void gradient_function(const gradient_tiles *t);
#define GR_ENTRY(rows, panels)                        \
  [0][panels - 1][rows] = gradient_##rows##_##panels, \
               [1][panels - 1][rows] = descent_##rows##_##panels,
static gradient_function *const gradients[2][GR_TILE_PANELS][GR_TILE_ROWS + 1] = {
    GR_PANELS(GR_ENTRY)};
#undef GR_ENTRY

/* Asks for the lines of `n` inputs in panels before they are wanted. */
GR_INLINE void prefetch_panels(const float *p, size_t panel, size_t n, size_t panels) {
  for (size_t q = 0; p && q < panels; q++)
    for (size_t i = 0; i < n; i++) __builtin_prefetch(p + q * panel + 16 * i, 1, 2);
}

void GR_SUFFIX(gr_update)(const gr_update_coefficients *u, size_t n, float *w, const float *g,
                          float *moment1, float *moment2);

/* Applies the gradient of one tile, [panels][rows][16] at g, to `rows` inputs; w and moments at
 * offset `at`. */
static void update_tile(const gr_weight_gradient *of, size_t at, size_t rows, size_t panels,
                        const float *g) {
  for (size_t q = 0; q < panels; q++, at += of->panel_w, g += 16 * rows) {
    float *moment1 = of->moment1 ? of->moment1 + at : NULL,
          *moment2 = of->moment2 ? of->moment2 + at : NULL;
    GR_SUFFIX(gr_update)(of->update, 16 * rows, of->w + at, g, moment1, moment2);
  }
}

/* All lanes of a block of tiles: inputs from i, panels from `panel`. `first_tile` of `n_tiles` that
 * these panels have is the first of the block: each fetches some lanes of the next panels. */
static void gradient_block(const gr_weight_gradient *g, size_t i, size_t rows, size_t side,
                           size_t panel, size_t panels, size_t first_tile, size_t n_tiles,
                           float *slots) {
  _Alignas(64) float sum[BLOCK_TILES * TILE];
  const int updates = g->update != NULL, descends = updates && vf_descends(g->update),
            far = g->n_rows * g->ldd * sizeof(float) > FAR_BYTES;
  const size_t at = panel * g->panel_w + 16 * i;
  gradient_tiles t = {.of = g,
                      .n_tiles = side,
                      .a = g->a + i,
                      .delta = g->delta + 16 * panel,
                      .slots = slots,
                      .level = side * TILE,
                      .tile_c = 16 * rows,
                      .panel_c = g->panel_g};
  if (descends) {
    t.c = g->w + at;
    t.panel_c = g->panel_w;
  } else if (updates) {
    t.c = sum;
    t.tile_c = TILE;
    t.panel_c = 16 * rows;
  } else {
    t.c = g->g + panel * g->panel_g + 16 * i;
  }
  size_t depth = 0, left = g->n_rows;
  for (uint64_t lane = 0; !t.last; lane++) {
    t.n_rows = left < g->lane_rows ? left : g->lane_rows;
    left -= t.n_rows;
    t.last = left == 0;
    t.merges = t.last ? depth : gr_tree_merges(lane);
    t.soon_tile = far ? lane % n_tiles - first_tile : SIZE_MAX;
    if (t.last && updates && !descends) {
      prefetch_panels(g->w + at, g->panel_w, rows * side, panels);
      prefetch_panels(g->moment1 ? g->moment1 + at : NULL, g->panel_w, rows * side, panels);
      prefetch_panels(g->moment2 ? g->moment2 + at : NULL, g->panel_w, rows * side, panels);
    }
    gradients[descends][panels - 1][rows](&t);
    t.a += t.n_rows * g->lda;
    t.delta += t.n_rows * g->ldd;
    depth += 1 - t.merges;
    t.slots = slots + depth * t.level;
  }
  for (size_t q = 0; updates && !descends && q < side; q++)
    update_tile(g, at + q * 16 * rows, rows, panels, sum + q * TILE);
}

void GR_SUFFIX(gr_weight_gradient)(const gr_weight_gradient *g);
void GR_SUFFIX(gr_weight_gradient)(const gr_weight_gradient *g) {
  _Alignas(64) float slots[SLOTS * TILE];
  /* Tiles as equal as can be: `wide` of them have one input more than the others. */
  const size_t n_tiles = (g->n_inputs + GR_TILE_ROWS - 1) / GR_TILE_ROWS,
               narrow_rows = n_tiles ? g->n_inputs / n_tiles : 0,
               wide = g->n_inputs - narrow_rows * n_tiles;
  /* So many side by side that the sums of their lanes find room. */
  size_t levels = 1;
  for (size_t rows = g->lane_rows; rows < g->n_rows; rows *= 2) levels++;
  const size_t most = SLOTS / levels < BLOCK_TILES ? SLOTS / levels : BLOCK_TILES;
  for (size_t panel = 0, panels; panel < g->n_panels; panel += panels) {
    panels = g->n_panels - panel < GR_TILE_PANELS ? g->n_panels - panel : GR_TILE_PANELS;
    for (size_t number = 0, i = 0; number < n_tiles;) {
      const size_t rows = narrow_rows + (number < wide),
                   alike = (number < wide ? wide : n_tiles) - number,
                   side = alike < most ? alike : most;
      gradient_block(g, i, rows, side, panel, panels, number, n_tiles, slots);
      number += side;
      i += side * rows;
    }
  }
}
