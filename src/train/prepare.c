/* The order matters: the task decides how targets are read, the classes decide the width of the
 * output, the hold-out decides which rows statistics are fitted on. Everything that can be wrong
 * with the data is found here, before the first step. */
#include <config.h>

#include "train/prepare.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/philox.h"
#include "exec/team.h"
#include "train/classes.h"
#include "train/resolve.h"
#include "train/sortedness.h"
#include "train/table.h"
#include "train/targets.h"
#include "train/weights.h"

#define LONG_LIST ((uint64_t)1 << 22) /* rows: 32 MiB of numbers */
enum { KEPT_ROWS = 64 };              /* copied at a time */
#define KEPT_PART 4                   /* held-out rows may take so much of the memory */

/* A hold-out split may leave one side without any weight. */
static gradus_status check_side(const gr_dataset *data, const gr_row_set *set, const char *use,
                                gradus_error *err) {
  const gr_split *split = &data->split[GR_TRAIN];
  for (uint64_t r = 0; r < split->n_rows; r++)
    if (split->weight[r] > 0 && gr_row_set_holds(set, r)) return GRADUS_OK;
  return gr_fail(err, GRADUS_ERR_DATA,
                 "%s: train/weight is 0 for every row that is %s; another data.valid_split or "
                 "training.seed divides the rows otherwise",
                 gr_dataset_label(data), use);
}

static gradus_status check_sides(const gr_prepared *p, const gr_dataset *data, gradus_error *err) {
  if (!p->held.n || !data->split[GR_TRAIN].weight) return GRADUS_OK;
  GR_TRY(check_side(data, &p->train_set, "trained on", err));
  return check_side(data, &p->valid_set, "held out", err);
}

/* ---- passes ---- */

/* Pieces of a request that every pass of a split shares. */
static gr_pass_request request_of(const gr_dataset *data, gr_split_id id, const gr_rows *rows,
                                  const char *label, int64_t threads) {
  return (gr_pass_request){.rows = rows,
                           .split = &data->split[id],
                           .label = label,
                           .n = data->split[id].n_rows,
                           .n_targets = rows->n_targets,
                           .shuffle = GR_SHUFFLE_NONE,
                           .memory = data->memory,
                           .nan_is_missing = data->columns != NULL,
                           .threads = data->split[id].source ? gr_team_threads(threads) : 1};
}

static gradus_status label_of(const gr_dataset *data, gr_split_id id, gr_text *out,
                              gradus_error *err) {
  gr_text_printf(out, "%s: %s/x", gr_dataset_label(data), gr_split_names[id]);
  return out->failed ? gr_fail_memory(err, "a name") : GRADUS_OK;
}

gradus_status gr_split_pass_open(const gr_dataset *data, gr_split_id id, const gr_split_rows *rows,
                                 const gr_row_set *set, int64_t threads, gr_pass *out,
                                 gradus_error *err) {
  gr_text label = {0};
  *out = (gr_pass){.n = 0};
  gradus_status status = label_of(data, id, &label, err);
  if (status == GRADUS_OK) {
    gr_pass_request request = request_of(data, id, &rows->rows, label.data, threads);
    request.set = set;
    if (set) request.n = gr_row_set_size(set);
    status = gr_pass_open(&request, out, err);
  }
  gr_text_free(&label);
  return status;
}

/* A pass over the rows of train that train, or over those that are held out, `batch_rows` at a time
 * (0: as an evaluation does). */
static gradus_status open_train_pass(const gr_prepared *p, const gr_dataset *data, bool held,
                                     bool shuffled, uint64_t batch_rows, gr_pass *out,
                                     gradus_error *err) {
  const gr_config *c = &p->config;
  gr_text label = {0};
  *out = (gr_pass){.n = 0};
  gradus_status status = label_of(data, GR_TRAIN, &label, err);
  if (status == GRADUS_OK) {
    gr_pass_request request = request_of(data, GR_TRAIN, held ? &p->train.rows : &p->trained,
                                         label.data, c->resources.threads);
    request.n = held ? p->n_valid : p->n_train;
    request.map = p->map && held ? p->map + p->n_train : p->map;
    request.set = p->held.n ? held ? &p->valid_set : &p->train_set : NULL;
    request.batch_rows = batch_rows;
    if (shuffled) {
      request.shuffle = c->training.shuffle;
      request.window_rows = (uint64_t)c->training.shuffle_window;
      request.block_rows = (uint64_t)c->training.shuffle_block;
      request.seed = c->training.seed;
    }
    status = gr_pass_open(&request, out, err);
  }
  gr_text_free(&label);
  return status;
}

/* ---- the hold-out ---- */

uint64_t gr_hold_out(uint64_t seed, double fraction, gr_row_bits *bits) {
  uint64_t n_train = 0, n_valid = 0;
  for (uint64_t r = 0; r < bits->n; r++) {
    bool out = gr_random_uniform(seed, GR_STREAM_SPLIT, 0, r) < fraction;
    if (r + 1 == bits->n && n_valid == 0) out = true;
    if (r + 1 == bits->n && n_train == 0) out = false;
    if (out) gr_row_bits_set(bits, r);
    n_valid += out;
    n_train += !out;
  }
  gr_row_bits_count(bits);
  return n_train;
}

/* Where the list of rows is short it is faster than to count bits. */
static gradus_status list_sides(gr_prepared *p, gradus_error *err) {
  const uint64_t n = p->n_train + p->n_valid;
  if (n > LONG_LIST) return GRADUS_OK;
  p->map = gr_alloc(n, sizeof *p->map);
  if (!p->map) return gr_fail_memory(err, "the order of rows");
  gr_row_set_list(&p->train_set, 0, p->n_train, p->map);
  gr_row_set_list(&p->valid_set, 0, p->n_valid, p->map + p->n_train);
  return GRADUS_OK;
}

/* Which rows train and which validate. */
static gradus_status divide(gr_prepared *p, const gr_dataset *data, gradus_error *err) {
  uint64_t n = data->split[GR_TRAIN].n_rows;
  double fraction = p->config.data.valid_split;
  p->n_train = n;
  p->n_valid = data->split[GR_VALID].n_rows;
  if (fraction <= 0) return GRADUS_OK;
  if (p->n_valid > 0 || n < 2) {
    p->config.data.valid_split = 0;
    gr_text_printf(&p->notes, "data.valid_split: 0 (%s)\n",
                   n < 2 ? "there is one row" : "the data set has its own validation split");
    return GRADUS_OK;
  }
  GR_TRY(gr_row_bits_make(n, &p->held, err));
  p->n_train = gr_hold_out(p->config.training.seed, fraction, &p->held);
  p->n_valid = n - p->n_train;
  p->train_set = (gr_row_set){&p->held, false};
  p->valid_set = (gr_row_set){&p->held, true};
  return list_sides(p, err);
}

/* ---- held-out rows of inputs that are not in memory ---- */

/* Copies rows [first, first + n) of the pass behind one another. */
static void keep_rows(gr_prepared *p, const gr_pass *pass, uint64_t first, uint64_t n,
                      uint64_t *number) {
  const gr_rows *rows = &pass->rows;
  const size_t row = gr_preprocessing_columns(&p->preprocessing) * gr_dtype_size(rows->x_type);
  const uint32_t k = p->preprocessing.n_targets;
  gr_row_order_numbers(&pass->order, NULL, first, n, number);
  for (uint64_t i = 0; i < n; i++) {
    const uint64_t to = first + i, from = number[i];
    memcpy((char *)p->kept_x + to * row, (const char *)rows->x + from * row, row);
    if (rows->class_index) p->kept.class_index[to] = rows->class_index[from];
    if (rows->targets)
      memcpy(p->kept.targets + to * k, rows->targets + from * k, k * sizeof(float));
    if (rows->weight) p->kept_weight[to] = rows->weight[from];
    if (rows->offset) p->kept_offset[to] = rows->offset[from];
  }
}

static gradus_status keep_all(gr_prepared *p, gr_pass *pass, gradus_error *err) {
  uint64_t number[KEPT_ROWS];
  GR_TRY(gr_pass_begin(pass, 0, 0, err));
  for (uint64_t first = 0; first < p->n_valid; first += KEPT_ROWS) {
    const uint64_t n = p->n_valid - first < KEPT_ROWS ? p->n_valid - first : KEPT_ROWS;
    if (!pass->feed->wait(pass->feed->user, first + n))
      return pass->feed->why(pass->feed->user, err);
    keep_rows(p, pass, first, n, number);
    pass->feed->release(pass->feed->user, first + n);
  }
  return GRADUS_OK;
}

static gradus_status allocate_kept(gr_prepared *p, gradus_error *err) {
  const gr_rows *rows = &p->train.rows;
  size_t x, targets = 0;
  if (!gr_multiply(p->n_valid, gr_preprocessing_columns(&p->preprocessing), &x) ||
      !gr_multiply(p->n_valid, p->preprocessing.n_targets, &targets))
    return gr_fail_memory(err, "the rows held out");
  p->kept_x = gr_alloc(x, gr_dtype_size(rows->x_type));
  if (rows->class_index) p->kept.class_index = gr_alloc(p->n_valid, sizeof(int32_t));
  if (rows->targets) p->kept.targets = gr_alloc(targets, sizeof(float));
  if (rows->weight) p->kept_weight = gr_alloc(p->n_valid, sizeof(float));
  if (rows->offset) p->kept_offset = gr_alloc(p->n_valid, sizeof(float));
  if (!p->kept_x || (rows->class_index && !p->kept.class_index) ||
      (rows->targets && !p->kept.targets) || (rows->weight && !p->kept_weight) ||
      (rows->offset && !p->kept_offset))
    return gr_fail_memory(err, "the rows held out");
  p->kept.rows = *rows;
  p->kept.rows.n_rows = p->n_valid;
  p->kept.rows.x = p->kept_x;
  p->kept.rows.class_index = p->kept.class_index;
  p->kept.rows.targets = p->kept.targets;
  p->kept.rows.weight = p->kept_weight;
  p->kept.rows.offset = p->kept_offset;
  return GRADUS_OK;
}

/* Rows held out of inputs that must be read: a few of them, taken together, are worth a place in
 * memory, as each validation would read all blocks again. */
static bool worth_keeping(const gr_prepared *p, const gr_dataset *data) {
  const gr_split *split = &data->split[GR_TRAIN];
  const uint64_t row = data->n_columns * gr_dtype_size(split->x_type) + 4;
  return p->held.n && split->source && !split->x && p->n_valid <= data->memory / KEPT_PART / row;
}

static gradus_status open_valid_pass(gr_prepared *p, const gr_dataset *data, gradus_error *err) {
  if (!p->held.n)
    return gr_split_pass_open(data, GR_VALID, &p->valid, NULL, p->config.resources.threads,
                              &p->valid_pass, err);
  const bool kept = worth_keeping(p, data);
  GR_TRY(open_train_pass(p, data, true, false, kept ? KEPT_ROWS : 0, &p->valid_pass, err));
  if (!kept) return GRADUS_OK;
  GR_TRY(allocate_kept(p, err));
  GR_TRY(keep_all(p, &p->valid_pass, err));
  gr_pass_close(&p->valid_pass);
  gr_pass_request request = request_of(data, GR_TRAIN, &p->kept.rows, "the rows held out", 1);
  request.n = p->n_valid;
  return gr_pass_open(&request, &p->valid_pass, err);
}

/* ---- fitting ---- */

typedef gradus_status fit_function(gr_prepared *out, const gr_dataset *data,
                                   const gr_fit_rows *rows, gradus_error *err);

/* Calls `function` with the rows that train. */
static gradus_status with_fit_rows(gr_prepared *out, const gr_dataset *data, fit_function *function,
                                   gradus_error *err) {
  gr_pass pass;
  out->train.rows = (gr_rows){.n_rows = data->split[GR_TRAIN].n_rows,
                              .x = data->split[GR_TRAIN].x,
                              .x_type = data->split[GR_TRAIN].x_type};
  out->trained = out->train.rows;
  GR_TRY(open_train_pass(out, data, false, false, 0, &pass, err));
  gradus_status status = gr_pass_begin(&pass, 0, 0, err);
  const gr_fit_rows rows = {pass.rows.x,  pass.rows.x_type, data->n_columns,      &pass.order,
                            out->n_train, pass.feed,        data->columns != NULL};
  if (status == GRADUS_OK) status = function(out, data, &rows, err);
  const bool named = pass.feed != NULL; /* a reader says where */
  gr_pass_close(&pass);
  if (status != GRADUS_OK && !named) gr_error_prefix(err, "%s: train/x", gr_dataset_label(data));
  return status;
}

static gradus_status fit_columns(gr_prepared *out, const gr_dataset *data, const gr_fit_rows *rows,
                                 gradus_error *err) {
  gr_preprocessing *p = &out->preprocessing;
  GR_TRY(gr_table_fit(rows, data, &out->config, &p->columns, &out->notes, err));
  p->n_inputs = p->columns->n_inputs;
  return GRADUS_OK;
}

static gradus_status fit_scales(gr_prepared *out, const gr_dataset *data, const gr_fit_rows *rows,
                                gradus_error *err) {
  gr_preprocessing *p = &out->preprocessing;
  (void)data;
  return gr_fit_inputs(rows, (gr_scale)out->config.data.scale,
                       (gr_standardize)out->config.data.standardize, p->shift, p->factor, err);
}

static gradus_status fit_inputs(gr_prepared *out, const gr_dataset *data, gradus_error *err) {
  gr_preprocessing *p = &out->preprocessing;
  p->shift = gr_calloc(p->n_inputs, sizeof *p->shift);
  p->factor = gr_calloc(p->n_inputs, sizeof *p->factor);
  if (!p->shift || !p->factor) return gr_fail_memory(err, "preprocessing");
  if (!p->columns) return with_fit_rows(out, data, fit_scales, err);
  gr_table_take_scales(p);
  return GRADUS_OK;
}

static gradus_status resolve(gr_prepared *out, const gr_dataset *data, const gr_preprocessing *kept,
                             gradus_error *err) {
  const gr_split *train = &data->split[GR_TRAIN];
  gr_preprocessing *p = &out->preprocessing;
  GR_TRY(gr_resolve_task(&out->config, data, &out->notes, err));
  p->task = (gr_task)out->config.data.task;
  p->n_inputs = data->n_columns;
  p->repeats = gr_config_repeats(&out->config);
  if (kept)
    GR_TRY(gr_table_adopt(p, kept, data, err));
  else if (p->task == GR_CLASSIFICATION)
    GR_TRY(gr_classes_find(data, p, err));
  else if (p->task == GR_MULTILABEL)
    GR_TRY(gr_labels_find(data, p, err));
  else
    p->n_targets = train->y_columns * p->repeats;
  p->log_target = p->task == GR_REGRESSION && out->config.data.target_transform == GR_TRANSFORM_LOG;
  GR_TRY(divide(out, data, err));
  gr_resolve_inputs(&out->config, data, &out->notes);
  if (!kept && gr_table_needs_columns(&out->config, data)) {
    GR_TRY(gr_split_check_inputs(p, data, GR_TRAIN, true, err)); /* so that messages say where */
    GR_TRY(with_fit_rows(out, data, fit_columns, err));
  }
  gr_data_facts facts = {train->x_type,     data->columns != NULL,
                         p->n_inputs,       p->n_targets,
                         p->n_classes,      out->n_train,
                         train->piece_rows, data->n_columns * gr_dtype_size(train->x_type)};
  return gr_resolve(&out->config, &facts, &out->notes, err);
}

static gradus_status fit(gr_prepared *out, const gr_dataset *data, bool is_fitted,
                         gradus_error *err) {
  const gr_split *train = &data->split[GR_TRAIN];
  if (!out->preprocessing.columns) /* so that messages say where */
    GR_TRY(gr_split_check_inputs(&out->preprocessing, data, GR_TRAIN, false, err));
  GR_TRY(gr_split_check_finite(data, GR_TRAIN, "y", train->y, train->y_type, train->y_columns,
                               false, err));
  for (int s = 0; s < GR_N_SPLITS; s++)
    GR_TRY(gr_check_offsets(&out->config, data, (gr_split_id)s, err));
  if (is_fitted) return GRADUS_OK;
  GR_TRY(gr_table_name_inputs(&out->preprocessing, data, err));
  GR_TRY(fit_inputs(out, data, err));
  return out->preprocessing.task == GR_REGRESSION ? gr_fit_targets(out, data, err) : GRADUS_OK;
}

gradus_status gr_prepare(const gr_config *config, const gr_dataset *data, gr_prepared *out,
                         gradus_error *err) {
  return gr_prepare_again(config, data, NULL, out, err);
}

gradus_status gr_prepare_again(const gr_config *config, const gr_dataset *data,
                               const gr_preprocessing *kept, gr_prepared *out, gradus_error *err) {
  gradus_status status = GRADUS_OK;
  *out = (gr_prepared){0};
  GR_TRY(gr_config_copy(config, &out->config, err));
  GR_TRY_ELSE(fail, resolve(out, data, kept, err));
  GR_TRY_ELSE(fail, fit(out, data, kept != NULL, err));
  GR_TRY_ELSE(fail,
              gr_split_rows_make(&out->preprocessing, data, GR_TRAIN, true, &out->train, err));
  GR_TRY_ELSE(fail, check_sides(out, data, err));
  GR_TRY_ELSE(fail, gr_weigh_classes(out, err));
  gr_note_sortedness(&out->train.rows, out->preprocessing.n_classes, out->preprocessing.n_targets,
                     out->config.training.shuffle, &out->notes);
  if (data->split[GR_VALID].n_rows > 0)
    GR_TRY_ELSE(fail,
                gr_split_rows_make(&out->preprocessing, data, GR_VALID, true, &out->valid, err));
  GR_TRY_ELSE(fail, open_train_pass(out, data, false, true, gr_config_step_rows(&out->config),
                                    &out->train_pass, err));
  if (out->n_valid > 0) GR_TRY_ELSE(fail, open_valid_pass(out, data, err));
  return GRADUS_OK;
fail:
  gr_prepared_free(out);
  return status;
}

void gr_prepared_free(gr_prepared *prepared) {
  gr_pass_close(&prepared->train_pass);
  gr_pass_close(&prepared->valid_pass);
  gr_split_rows_free(&prepared->train);
  gr_split_rows_free(&prepared->valid);
  gr_split_rows_free(&prepared->kept);
  gr_free(prepared->kept_x);
  gr_free(prepared->kept_weight);
  gr_free(prepared->kept_offset);
  gr_free(prepared->class_weighted);
  gr_row_bits_free(&prepared->held);
  gr_free(prepared->map);
  gr_preprocessing_free(&prepared->preprocessing);
  gr_config_free(&prepared->config);
  gr_text_free(&prepared->notes);
  *prepared = (gr_prepared){0};
}
