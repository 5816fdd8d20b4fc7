/* Each rule sets one value and notes why. Nothing here may look at the machine: what is settled
 * goes into the recipe, and the recipe alone determines the result. */
#include <config.h>

#include "train/resolve.h"

#include <stdio.h>
#include <string.h>

#include "kernel/kinds.h"
#include "train/classes.h"

/* "key: value (reason)", the value spelled as the key table spells it. */
static void note(const gr_config *config, gr_text *notes, const char *key, const char *reason) {
  const gr_key *row = gr_key_find(key);
  gr_text_printf(notes, "%s: ", key);
  if (row) gr_config_get(config, row, notes);
  gr_text_printf(notes, " (%s)\n", reason);
}

static void settle(gr_config *config, int *field, int value, const char *key, const char *reason,
                   gr_text *notes) {
  if (*field != GR_AUTO) return;
  *field = value;
  note(config, notes, key, reason);
}

static const char *class_reason(const gr_dataset *data) {
  const gr_split *train = &data->split[GR_TRAIN];
  if (data->y_is_text) return "the targets are text";
  if (train->y_columns > 1) return gr_split_is_one_hot(train) ? "every row of y is one-hot" : NULL;
  if (gr_dtype_is_integer(train->y_type)) return "the targets are integers";
  if (data->layout && strcmp(data->layout, "caffe") == 0 && gr_split_is_whole(train))
    return "the labels of a Caffe file are whole numbers";
  return NULL;
}

gradus_status gr_resolve_task(gr_config *config, const gr_dataset *data, gr_text *notes,
                              gradus_error *err) {
  const gr_split *train = &data->split[GR_TRAIN];
  if (train->n_rows == 0)
    return gr_fail(err, GRADUS_ERR_DATA, "%s: there is no training split (train/x)",
                   gr_dataset_label(data));
  if (train->y_columns == 0)
    return gr_fail(err, GRADUS_ERR_DATA, "%s: the training split has no targets (train/y)",
                   gr_dataset_label(data));
  const char *reason = class_reason(data);
  if ((config->data.task == GR_REGRESSION || config->data.task == GR_MULTILABEL) && data->y_is_text)
    return gr_fail(err, GRADUS_ERR_DATA, "%s: data.task is %s, but train/y is text",
                   gr_dataset_label(data),
                   config->data.task == GR_REGRESSION ? "regression" : "multilabel");
  const bool log = config->data.target_transform == GR_TRANSFORM_LOG;
  if (log && (config->data.task == GR_CLASSIFICATION || config->data.task == GR_MULTILABEL ||
              data->y_is_text))
    return gr_fail(err, GRADUS_ERR_DATA,
                   "%s: data.target_transform is log, but the targets are classes",
                   gr_dataset_label(data));
  if (log)
    settle(config, &config->data.task, GR_REGRESSION, "data.task", "the target has a logarithm",
           notes);
  else if (reason)
    settle(config, &config->data.task, GR_CLASSIFICATION, "data.task", reason, notes);
  else if (train->y_columns > 1 && config->data.task == GR_AUTO && gr_split_is_binary(train))
    settle(config, &config->data.task, GR_MULTILABEL, "data.task", "y is a matrix of 0 and 1",
           notes);
  else
    settle(config, &config->data.task, GR_REGRESSION, "data.task",
           train->y_columns > 1 ? "the targets are several numbers" : "the targets are numbers",
           notes);
  return GRADUS_OK;
}

int64_t gr_resolve_lane_rows(int64_t batch_size) {
  int64_t lanes = 1;
  while (lanes < 64 && lanes * 2 * 48 <= batch_size) lanes *= 2;
  return (batch_size + lanes - 1) / lanes;
}

/* Columns that bins are not too many for. */
enum { FEW_COLUMNS = 64 };

void gr_resolve_inputs(gr_config *c, const gr_dataset *data, gr_text *notes) {
  const gr_dtype x_type = data->split[GR_TRAIN].x_type;
  const bool bytes = x_type == GR_U8, table = data->columns != NULL,
             few = table && data->n_columns <= FEW_COLUMNS;
  char reason[64];
  snprintf(reason, sizeof reason, "the inputs are %s%s", table ? "columns of a table, " : "",
           gr_dtype_name(x_type));
  settle(c, &c->data.scale, bytes ? GR_SCALE_UNIT : GR_SCALE_NONE, "data.scale", reason, notes);
  settle(c, &c->data.standardize,
         bytes   ? GR_STANDARDIZE_NONE
         : table ? GR_STANDARDIZE_ROBUST
                 : GR_STANDARDIZE_ZSCORE,
         "data.standardize", reason, notes);
  if (few)
    settle(c, &c->data.embedding, GR_EMBED_BINS, "data.embedding", "the data are a table", notes);
}

static void resolve_loss(gr_config *c, const gr_data_facts *facts, gr_text *notes) {
  const bool labels = c->data.task == GR_MULTILABEL,
             classes = c->data.task == GR_CLASSIFICATION || labels;
  settle(c, &c->training.loss, classes ? GR_CROSS_ENTROPY : GR_QUADRATIC, "training.loss",
         labels    ? "the task is multilabel"
         : classes ? "the task is classification"
                   : "the task is regression",
         notes);
  const gr_loss_kind *loss = &gr_losses[c->training.loss];
  const bool linked = loss->output == GR_OUTPUT_EXPONENTIAL || loss->output == GR_OUTPUT_IDENTITY;
  int output = facts->n_classes == 2 || labels ? GR_SIGMOID : GR_SOFTMAX;
  char reason[64];
  if (linked)
    output = loss->output == GR_OUTPUT_IDENTITY ? GR_IDENTITY : GR_EXPONENTIAL;
  else if (loss->output == GR_OUTPUT_ANY)
    output = classes ? GR_SIGMOID : GR_IDENTITY;
  if (labels)
    snprintf(reason, sizeof reason, "%s of labels", loss->name);
  else if (classes)
    snprintf(reason, sizeof reason, "%s%s of %sclasses", loss->name,
             loss->output == GR_OUTPUT_PROBABILITY ? "" : " loss",
             loss->output == GR_OUTPUT_PROBABILITY && facts->n_classes == 2 ? "two " : "");
  else if (linked)
    snprintf(reason, sizeof reason, "the loss is %s", loss->name);
  else
    snprintf(reason, sizeof reason, "the task is regression");
  settle(c, &c->network.output_activation, output, "network.output_activation", reason, notes);
}

static void resolve_initialization(gr_config *c, gr_text *notes) {
  static const int rule[] = {[GR_SPREAD_AVERAGE] = GR_INIT_GLOROT,
                             [GR_SPREAD_RELU] = GR_INIT_HE,
                             [GR_SPREAD_INPUTS] = GR_INIT_LECUN};
  char reason[64];
  const gr_activation_kind *kind = &gr_activations[gr_config_activation(c, 0)];
  snprintf(reason, sizeof reason, "the %sactivation is %s",
           c->network.own[0].has_activation ? "first " : "", kind->name);
  settle(c, &c->network.initialization, rule[kind->spread], "network.initialization", reason,
         notes);
}

/* The outputs that the targets ask for: one sigmoid says which of two classes. */
static int64_t outputs_wanted(const gr_config *c, const gr_data_facts *facts) {
  if (c->data.task != GR_CLASSIFICATION) return facts->n_targets;
  bool one = facts->n_classes == 2 && gr_losses[c->training.loss].output == GR_OUTPUT_PROBABILITY &&
             c->network.output_activation == GR_SIGMOID;
  return one ? 1 : facts->n_classes;
}

static gradus_status settle_width(gr_config *c, int64_t *field, int64_t wanted, const char *key,
                                  const char *reason, gr_text *notes, gradus_error *err) {
  if (*field != GR_AUTO && *field != 0 && *field != wanted)
    return gr_fail(err, GRADUS_ERR_DATA, "the recipe says %s: %lld, but the data ask for %lld (%s)",
                   key, (long long)*field, (long long)wanted, reason);
  bool open = *field != wanted;
  *field = wanted;
  if (open) note(c, notes, key, reason);
  return GRADUS_OK;
}

static gradus_status resolve_widths(gr_config *c, const gr_data_facts *facts, gr_text *notes,
                                    gradus_error *err) {
  char reason[64];
  GR_TRY(settle_width(c, &c->network.inputs, facts->n_columns, "network.inputs",
                      "columns of train/x", notes, err));
  if (c->data.task == GR_CLASSIFICATION)
    snprintf(reason, sizeof reason, "%u classes", facts->n_classes);
  else
    snprintf(reason, sizeof reason, "columns of train/y");
  return settle_width(c, &c->network.outputs, outputs_wanted(c, facts), "network.outputs", reason,
                      notes, err);
}

/* A small table takes small batches and many epochs: some 20000 steps, but at most 100 times the
 * rows. */
enum {
  FEW_ROWS = 4096,
  SMALL_BATCH = 32,
  BATCH = 128,
  STEPS = 20000,
  EPOCHS = 20,
  MOST_EPOCHS = 100
};

static void settle_count(gr_config *c, int64_t *field, uint64_t value, const char *key,
                         const char *reason, gr_text *notes) {
  if (*field != GR_AUTO) return;
  *field = (int64_t)value;
  if (reason) note(c, notes, key, reason);
}

static void resolve_effort(gr_config *c, const gr_data_facts *facts, gr_text *notes) {
  const char *table = facts->is_table ? "from the rows of the table" : NULL;
  const bool few = facts->is_table && facts->n_train < FEW_ROWS;
  settle_count(c, &c->training.batch_size, few ? SMALL_BATCH : BATCH, "training.batch_size", table,
               notes);
  uint64_t epochs = EPOCHS;
  if (facts->is_table) epochs = STEPS * gr_config_step_rows(c) / facts->n_train;
  epochs = epochs < EPOCHS ? EPOCHS : epochs > MOST_EPOCHS ? MOST_EPOCHS : epochs;
  settle_count(c, &c->training.epochs, epochs, "training.epochs", table, notes);
  if (facts->is_table && gr_optimizers[c->optimizer.name].scope != GR_SCOPE_SEARCH)
    settle(c, &c->average.name, GR_AVERAGE_EMA, "average.name", "the data are a table", notes);
}

static void resolve_batches(gr_config *c, const gr_data_facts *facts, gr_text *notes) {
  resolve_effort(c, facts, notes);
  if ((uint64_t)c->training.batch_size > facts->n_train) {
    c->training.batch_size = (int64_t)facts->n_train;
    note(c, notes, "training.batch_size", "there are no more training rows");
    if (c->training.lane_rows > c->training.batch_size) c->training.lane_rows = GR_AUTO;
  }
  const int64_t passes =
      ((int64_t)facts->n_train + c->training.batch_size - 1) / c->training.batch_size;
  if (gr_scope_is_full(gr_optimizers[c->optimizer.name].scope) &&
      c->training.accumulate != passes) {
    c->training.accumulate = passes;
    note(c, notes, "training.accumulate", "an update is made from all training rows");
  }
  if (c->training.lane_rows == GR_AUTO || c->training.lane_rows == 0) {
    c->training.lane_rows = gr_resolve_lane_rows(c->training.batch_size);
    note(c, notes, "training.lane_rows", "from the batch size");
  }
}

/* Epochs are those that a budget of steps or samples begins. */
static void resolve_budget(gr_config *c, const gr_data_facts *facts, gr_text *notes) {
  if (c->training.steps == 0 && c->training.samples == 0) return;
  const uint64_t an_epoch = gr_config_epoch_steps(c, facts->n_train),
                 steps = gr_config_total_steps(c, facts->n_train);
  c->training.epochs = (int64_t)((steps + an_epoch - 1) / an_epoch);
  note(c, notes, "training.epochs",
       c->training.steps == 0 || (uint64_t)c->training.steps > steps ? "from training.samples"
                                                                     : "from training.steps");
}

/* Inputs that come in pieces are shuffled by windows, unless one window would hold them all. All of
 * it follows from how the file is laid out, never from memory: the file gives the same bits whether
 * it is streamed or not. */
#define BLOCK_BYTES ((uint64_t)256 << 10) /* what a disk or a decoder does well at a time */
#define WINDOW_BYTES ((uint64_t)64 << 20)
#define MANY_BYTES ((uint64_t)8 << 30)           /* more may well not fit in memory, and then */
#define PAGE_BYTES 4096                          /* a row costs the reading of a page */
enum { WINDOW_BLOCKS = 16, WINDOW_BATCHES = 4 }; /* at least */

static void resolve_windows(gr_config *c, const gr_data_facts *facts, gr_text *notes) {
  const uint64_t piece = facts->piece_rows ? facts->piece_rows : 1,
                 natural = piece * ((BLOCK_BYTES - 1) / (piece * facts->row_bytes) + 1);
  if (c->training.shuffle_block == 0) {
    c->training.shuffle_block = (int64_t)natural;
    note(c, notes, "training.shuffle_block", "256 KiB or more of whole chunks");
  }
  if (c->training.shuffle_window > 0) return;
  const uint64_t block = (uint64_t)c->training.shuffle_block,
                 batches = WINDOW_BATCHES * gr_config_step_rows(c);
  uint64_t rows = WINDOW_BYTES / facts->row_bytes;
  if (rows < batches) rows = batches;
  if (rows < WINDOW_BLOCKS * block) rows = WINDOW_BLOCKS * block;
  c->training.shuffle_window = (int64_t)((rows + block - 1) / block * block);
  note(c, notes, "training.shuffle_window", "64 MiB, 16 blocks or 4 batches, what is most");
}

static void resolve_shuffle(gr_config *c, const gr_data_facts *facts, gr_text *notes) {
  const bool few = facts->n_train <= WINDOW_BYTES / facts->row_bytes,
             many = facts->row_bytes < PAGE_BYTES && facts->n_train > MANY_BYTES / facts->row_bytes;
  if (gr_scope_is_full(gr_optimizers[c->optimizer.name].scope))
    settle(c, &c->training.shuffle, GR_SHUFFLE_NONE, "training.shuffle",
           "an update is made from all training rows", notes);
  else if (facts->piece_rows && !few)
    settle(c, &c->training.shuffle, GR_SHUFFLE_WINDOW, "training.shuffle",
           "the inputs are stored in pieces", notes);
  else if (many)
    settle(c, &c->training.shuffle, GR_SHUFFLE_WINDOW, "training.shuffle",
           "the inputs are larger than 8 GiB, with rows smaller than a page", notes);
  else
    settle(c, &c->training.shuffle, GR_SHUFFLE_FULL, "training.shuffle",
           few ? "the inputs are few" : "the inputs are stored row after row", notes);
  if (c->training.shuffle == GR_SHUFFLE_WINDOW) {
    resolve_windows(c, facts, notes);
  } else {
    c->training.shuffle_window = c->training.shuffle_block = 0; /* without meaning */
  }
}

gradus_status gr_resolve(gr_config *config, const gr_data_facts *facts, gr_text *notes,
                         gradus_error *err) {
  resolve_loss(config, facts, notes);
  resolve_initialization(config, notes);
  GR_TRY(resolve_widths(config, facts, notes, err));
  resolve_batches(config, facts, notes);
  resolve_budget(config, facts, notes);
  resolve_shuffle(config, facts, notes);
  gr_config_settle(config, notes);
  if (notes->failed) return gr_fail_memory(err, "messages");
  return gr_config_validate(config, err);
}
