/* The tables that say what is in a checkpoint. A new field of the state is a row here and nothing
 * else; format 1 files written before it would lack it, so a row can be added, never renamed. */
#include <config.h>

#include "store/checkpoint_parts.h"

#include <stdio.h>
#include <string.h>

#define STATE(name, kind) \
  { #name, kind, offsetof(gr_train_state, name), sizeof((gr_train_state *)0)->name, false, false }
#define LATER(name, kind) /* 0 in a file that is older than it */ \
  { #name, kind, offsetof(gr_train_state, name), sizeof((gr_train_state *)0)->name, true, false }
#define SEARCH(name, member, kind)                                                         \
  {                                                                                        \
    "search_" #name, kind, offsetof(gr_train_state, search) + offsetof(gr_search, member), \
        sizeof(double), true, true                                                         \
  }

const gr_state_field gr_state_fields[] = {
    STATE(step, GR_FIELD_U64),
    STATE(epoch, GR_FIELD_U64),
    STATE(position, GR_FIELD_U64),
    STATE(samples_seen, GR_FIELD_U64),
    STATE(epoch_loss, GR_FIELD_F64),
    STATE(epoch_weight, GR_FIELD_F64),
    LATER(objective, GR_FIELD_F64),
    STATE(has_best, GR_FIELD_BOOL),
    STATE(best_loss, GR_FIELD_F64),
    STATE(best_epoch, GR_FIELD_U64),
    STATE(best_step, GR_FIELD_U64),
    STATE(epochs_since_best, GR_FIELD_U64),
    STATE(finished, GR_FIELD_BOOL),
    STATE(stopped_early, GR_FIELD_BOOL),
    STATE(wall_seconds, GR_FIELD_F64),
    STATE(metrics_offset, GR_FIELD_U64),
    STATE(dataset_digest, GR_FIELD_TEXT),
    LATER(skipped_steps, GR_FIELD_U64),
    LATER(skipped_in_row, GR_FIELD_U64),
    LATER(rollbacks, GR_FIELD_U64),
    LATER(base_step, GR_FIELD_U64),
    LATER(base_epoch, GR_FIELD_U64),
    LATER(base_samples, GR_FIELD_U64),
    SEARCH(phase, phase, GR_FIELD_U64),
    SEARCH(trials, trials, GR_FIELD_U64),
    SEARCH(iterations, iterations, GR_FIELD_U64),
    SEARCH(pairs, pairs, GR_FIELD_U64),
    SEARCH(newest, newest, GR_FIELD_U64),
    SEARCH(still, still, GR_FIELD_U64),
    SEARCH(end, end, GR_FIELD_U64),
    SEARCH(t, t, GR_FIELD_F64),
    SEARCH(objective, f0, GR_FIELD_F64),
    SEARCH(norm, norm, GR_FIELD_F64),
    SEARCH(low_t, low.t, GR_FIELD_F64),
    SEARCH(low_objective, low.f, GR_FIELD_F64),
    SEARCH(low_slope, low.slope, GR_FIELD_F64),
    SEARCH(high_t, high.t, GR_FIELD_F64),
    SEARCH(high_objective, high.f, GR_FIELD_F64),
    SEARCH(high_slope, high.slope, GR_FIELD_F64),
};
const size_t gr_n_state_fields = sizeof gr_state_fields / sizeof gr_state_fields[0];

#define HISTORY(name, kind) \
  { #name, kind, offsetof(gr_history_row, name) }

const gr_history_field gr_history_fields[] = {
    HISTORY(step, GR_FIELD_U64),          HISTORY(epoch, GR_FIELD_U64),
    HISTORY(train_loss, GR_FIELD_F64),    HISTORY(valid_loss, GR_FIELD_F64),
    HISTORY(learning_rate, GR_FIELD_F64),
};
const size_t gr_n_history_fields = sizeof gr_history_fields / sizeof gr_history_fields[0];

uint32_t gr_block_count(const gr_network *network) {
  uint32_t n = 0;
  for (uint32_t l = 0; l < network->n_layers; l++) n += 1 + gr_layer_vectors(&network->layer[l]);
  return n;
}

gr_block gr_block_at(const gr_network *network, uint32_t i, const char *group, const char *suffix) {
  uint32_t l = 0;
  for (; i > gr_layer_vectors(&network->layer[l]); l++)
    i -= 1 + gr_layer_vectors(&network->layer[l]);
  const gr_layer *layer = &network->layer[l];
  const bool weights = i == 0;
  gr_block block = {
      .rank = weights ? 2 : 1,
      .dims = {layer->n_out, layer->n_in},
      .offset = weights ? layer->weights : layer->bias + (size_t)(i - 1) * layer->n_out};
  snprintf(block.path, sizeof block.path, "/%s/layer_%u/%s%s", group, (unsigned)(l + 1),
           weights ? "weights" : gr_vector_names[i - 1], suffix);
  return block;
}

bool gr_metric_name_is_valid(const char *name) {
  size_t n = strnlen(name, GR_METRIC_NAME);
  if (n == 0 || n == GR_METRIC_NAME || strcspn(name, "/., ") != n) return false;
  for (size_t i = 0; i < gr_n_history_fields; i++)
    if (strcmp(name, gr_history_fields[i].name) == 0) return false;
  return true;
}
