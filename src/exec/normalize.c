/* Layers that are normalised, by kernel/normalize.c: which buffers and vectors are whose; and what
 * is summed over the batch, by lanes and their tree, some panels at a time, so that their columns
 * are in cache when they are normalised. */
#include <config.h>

#include <math.h>
#include <string.h>

#include "exec/step.h"
#include "plan/lanes.h"

enum { SIDE = 4, COLUMNS = 16 * SIDE }; /* panels at a time */

static void normalize_rows(const gr_engine *engine, const gr_plan_layer *layer, uint64_t row,
                           uint64_t n) {
  const size_t at = row * layer->ld, parameters = engine->plan.parameters;
  const gr_normalize k = {.n_rows = n,
                          .n_columns = layer->n_out,
                          .z = gr_at(engine, layer->zhat + at),
                          .a = gr_at(engine, layer->a + at),
                          .root = gr_at(engine, layer->root + row),
                          .ld = layer->ld,
                          .gain = gr_vector_at(engine, parameters, layer, 1),
                          .shift = gr_vector_at(engine, parameters, layer, 2),
                          .activation = layer->activation,
                          .slope = layer->keeps_slope ? gr_at(engine, layer->slope + at) : NULL,
                          .drops = layer->dropout > 0};
  engine->kernels->normalize(&k);
}

static void normalize_rows_back(const gr_engine *engine, const gr_plan_layer *layer, uint64_t row,
                                uint64_t n) {
  const size_t at = row * layer->ld;
  const gr_normalize_back k = {.n_rows = n,
                               .n_columns = layer->n_out,
                               .dy = gr_at(engine, layer->dy + at),
                               .zhat = gr_at(engine, layer->zhat + at),
                               .root = gr_at(engine, layer->root + row),
                               .gain = gr_vector_at(engine, engine->plan.parameters, layer, 1),
                               .dz = gr_at(engine, layer->delta + at),
                               .ld = layer->ld};
  engine->kernels->normalize_back(&k);
}

void gr_normalize_prepare(gr_engine *engine, size_t model) {
  for (uint32_t l = 0; l < engine->plan.n_layers; l++) {
    const gr_plan_layer *layer = &engine->plan.layer[l];
    if (layer->normalization != GR_NORMALIZATION_BATCH) continue;
    const float *variance = gr_vector_at(engine, model, layer, 4);
    float *root = gr_at(engine, layer->root);
    for (size_t j = 0; j < layer->n_out; j++) root[j] = 1 / sqrtf(variance[j] + GR_NORM_EPSILON);
  }
}

static void evaluate_columns(const gr_engine *engine, size_t model, const gr_plan_layer *layer,
                             uint64_t n, float *a) {
  const gr_normalize_columns k = {.n_rows = n,
                                  .n_panels = layer->panels_out,
                                  .z = a,
                                  .a = a,
                                  .ld = layer->ld,
                                  .mean = gr_vector_at(engine, model, layer, 3),
                                  .root = gr_at(engine, layer->root),
                                  .gain = gr_vector_at(engine, model, layer, 1),
                                  .shift = gr_vector_at(engine, model, layer, 2),
                                  .activation = layer->activation};
  engine->kernels->normalize_columns(&k);
}

void gr_normalize_evaluation(const gr_engine *engine, size_t model, const gr_plan_layer *layer,
                             uint64_t n, float *a) {
  if (layer->normalization == GR_NORMALIZATION_BATCH) {
    evaluate_columns(engine, model, layer, n, a);
    return;
  }
  if (layer->normalization == GR_NORMALIZATION_PARAMETRIC) {
    gr_parametric_evaluation(engine, model, layer, n, a);
    return;
  }
  const gr_normalize k = {.n_rows = n,
                          .n_columns = layer->n_out,
                          .z = a,
                          .a = a,
                          .ld = layer->ld,
                          .gain = gr_vector_at(engine, model, layer, 1),
                          .shift = gr_vector_at(engine, model, layer, 2),
                          .activation = layer->activation};
  engine->kernels->normalize(&k);
}

/* ----- the batch ----- */

/* Columns of matrices [n][ld] that are summed, and what of them. */
typedef struct columns {
  const float *x, *y; /* of products; of sums and of squares of deviations x alone */
  const float *mean;
  size_t ld, n_panels;
} columns;

static void sum_rows(const gr_kernels *k, const columns *c, uint64_t first, uint64_t n, float *g) {
  const size_t at = first * c->ld;
  if (c->y)
    k->column_products(n, c->n_panels, c->x + at, c->y + at, c->ld, g);
  else if (c->mean)
    k->column_deviations(n, c->n_panels, c->x + at, c->ld, c->mean, g);
  else
    k->column_sums(n, c->n_panels, c->x + at, c->ld, g);
}

/* Their mean over the rows of the batch: lanes are added by the tree. */
static void column_means(const gr_step *s, const columns *c, float *mean) {
  _Alignas(64) float slots[GR_TREE_DEPTH][COLUMNS];
  const gr_kernels *kernels = s->engine->kernels;
  const uint64_t lane_rows = s->engine->plan.lane_rows;
  const size_t n = 16 * c->n_panels;
  size_t depth = 0;
  for (uint64_t lane = 0; lane < s->n_lanes; lane++) {
    const uint64_t first = lane * lane_rows, left = s->n - first;
    sum_rows(kernels, c, first, left < lane_rows ? left : lane_rows, slots[depth++]);
    for (unsigned m = gr_tree_merges(lane); m; m--, depth--)
      kernels->add(n, slots[depth - 2], slots[depth - 1]);
  }
  for (; depth > 1; depth--) kernels->add(n, slots[depth - 2], slots[depth - 1]);
  for (size_t j = 0; j < n; j++) mean[j] = slots[0][j] / (float)s->n;
}

static void normalize_panels(const gr_step *s, const gr_plan_layer *layer, size_t panel,
                             size_t end) {
  const gr_engine *engine = s->engine;
  const size_t parameters = engine->plan.parameters;
  for (size_t n; panel < end; panel += n) {
    n = end - panel < SIDE ? end - panel : SIDE;
    const size_t at = 16 * panel;
    float *mean = gr_at(engine, layer->statistics + at), *variance = mean + 16 * layer->panels_out,
          *root = gr_at(engine, layer->root + at);
    columns c = {.x = gr_at(engine, layer->zhat + at), .ld = layer->ld, .n_panels = n};
    column_means(s, &c, mean);
    c.mean = mean;
    column_means(s, &c, variance);
    for (size_t j = 0; j < 16 * n; j++) root[j] = 1 / sqrtf(variance[j] + GR_NORM_EPSILON);
    const gr_normalize_columns k = {
        .n_rows = s->n,
        .n_panels = n,
        .z = gr_at(engine, layer->zhat + at),
        .a = gr_at(engine, layer->a + at),
        .ld = layer->ld,
        .mean = mean,
        .root = root,
        .gain = gr_vector_at(engine, parameters, layer, 1) + at,
        .shift = gr_vector_at(engine, parameters, layer, 2) + at,
        .activation = layer->activation,
        .slope = layer->keeps_slope ? gr_at(engine, layer->slope + at) : NULL,
        .drops = layer->dropout > 0};
    engine->kernels->normalize_columns(&k);
  }
}

static void normalize_panels_back(const gr_step *s, const gr_plan_layer *layer, size_t panel,
                                  size_t end) {
  const gr_engine *engine = s->engine;
  _Alignas(64) float sum[COLUMNS], product[COLUMNS], factor[COLUMNS];
  for (size_t n; panel < end; panel += n) {
    n = end - panel < SIDE ? end - panel : SIDE;
    const size_t at = 16 * panel;
    const float *gain = gr_vector_at(engine, engine->plan.parameters, layer, 1) + at,
                *root = gr_at(engine, layer->root + at);
    columns c = {.x = gr_at(engine, layer->dy + at), .ld = layer->ld, .n_panels = n};
    column_means(s, &c, sum);
    c.y = gr_at(engine, layer->zhat + at);
    column_means(s, &c, product);
    for (size_t j = 0; j < 16 * n; j++) factor[j] = gain[j] * root[j];
    const gr_normalize_columns_back k = {.n_rows = s->n,
                                         .n_panels = n,
                                         .dy = c.x,
                                         .zhat = c.y,
                                         .s = sum,
                                         .t = product,
                                         .factor = factor,
                                         .dz = gr_at(engine, layer->delta + at),
                                         .ld = layer->ld};
    engine->kernels->normalize_columns_back(&k);
  }
}

/* Of some rows, or, where the batch normalises, of all of them and the rank's panels. */
static gr_share normalized_part(const gr_step *s, int rank, uint32_t l, const gr_share *rows) {
  const gr_plan *plan = &s->engine->plan;
  const gr_plan_layer *layer = &plan->layer[l];
  gr_share mine = {rows ? rows->row : 0, rows ? rows->rows : s->n, 0, layer->panels_out};
  if (rows || plan->n_ranks == 1) return mine;
  gr_plan_panels(plan, layer->panels_out, rank, plan->n_ranks, &mine.panel, &mine.panels);
  mine.panels -= mine.panel;
  return mine;
}

void gr_normalize_layer(const gr_step *s, int rank, uint32_t l, const gr_share *rows) {
  const gr_plan_layer *layer = &s->engine->plan.layer[l];
  const gr_share mine = normalized_part(s, rank, l, rows);
  if (layer->dropout > 0)
    gr_step_drop(s, l + 1, layer->dropout, &mine,
                 gr_at(s->engine, layer->slope + mine.row * layer->ld + 16 * mine.panel), layer->ld,
                 false);
  if (layer->normalization == GR_NORMALIZATION_PARAMETRIC)
    gr_parametric_rows(s->engine, layer, mine.row, mine.rows);
  else if (rows)
    normalize_rows(s->engine, layer, mine.row, mine.rows);
  else
    normalize_panels(s, layer, mine.panel, mine.panel + mine.panels);
  gr_residual_add(s, rank, l, &mine);
}

void gr_normalize_layer_back(const gr_step *s, int rank, uint32_t l, const gr_share *rows) {
  const gr_plan_layer *layer = &s->engine->plan.layer[l];
  const gr_share mine = normalized_part(s, rank, l, rows);
  if (layer->normalization == GR_NORMALIZATION_PARAMETRIC)
    gr_parametric_rows_back(s->engine, layer, mine.row, mine.rows);
  else if (rows)
    normalize_rows_back(s->engine, layer, mine.row, mine.rows);
  else
    normalize_panels_back(s, layer, mine.panel, mine.panel + mine.panels);
}

/* Of several batches of one update the last, when all are known to be finite: a step that is not
 * leaves nothing behind. A batch of one row has no deviation and says nothing. */
void gr_normalize_track(const gr_step *s, const gr_unit *u) {
  const gr_engine *engine = s->engine;
  const gr_plan_layer *layer = &engine->plan.layer[u->layer];
  if (layer->normalization != GR_NORMALIZATION_BATCH || u->input > 0 || s->n < 2) return;
  const size_t at = 16 * (size_t)u->panel, parameters = engine->plan.parameters;
  const float *mean = gr_at(engine, layer->statistics + at),
              *variance = mean + 16 * layer->panels_out,
              unbiased = (float)((double)s->n / (double)(s->n - 1));
  float *running_mean = gr_vector_at(engine, parameters, layer, 3) + at,
        *running_variance = gr_vector_at(engine, parameters, layer, 4) + at;
  for (size_t j = 0; j < 16 * (size_t)u->n_panels; j++) {
    running_mean[j] = fmaf(GR_NORM_SHARE, mean[j] - running_mean[j], running_mean[j]);
    running_variance[j] =
        fmaf(GR_NORM_SHARE, variance[j] * unbiased - running_variance[j], running_variance[j]);
  }
}
