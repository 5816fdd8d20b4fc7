/* What single keys cannot say: which values go together. Each check is a function of the whole
 * configuration, called in the order of the table below; auto goes with everything. */
#include <config.h>

#include "kernel/kinds.h"
#include "net/class_weight.h"
#include "net/config.h"
#include "net/metric.h"
#include "net/schedule.h"

static bool known_and_not(int value, int wanted) {
  return value != GR_AUTO && value != wanted;
}

static gradus_status check_hidden(const gr_config *c, gradus_error *err) {
  for (uint32_t i = 0; i < c->network.n_hidden; i++) {
    const gr_activation_kind *kind = &gr_activations[gr_config_activation(c, i)];
    if (kind->hidden) continue;
    if (c->network.own[i].has_activation)
      return gr_fail(err, GRADUS_ERR_CONFIG,
                     "network.hidden: layer %u: %s is for the output layer "
                     "(network.output_activation)",
                     (unsigned)i + 1, kind->name);
    return gr_fail(err, GRADUS_ERR_CONFIG,
                   "network.activation: %s is for the output layer (network.output_activation)",
                   kind->name);
  }
  return GRADUS_OK;
}

static gradus_status check_softmax(const gr_config *c, gradus_error *err) {
  const int loss = c->training.loss;
  if (c->network.output_activation != GR_SOFTMAX) return GRADUS_OK;
  if (loss != GR_AUTO && gr_losses[loss].output != GR_OUTPUT_PROBABILITY)
    return gr_fail(err, GRADUS_ERR_CONFIG,
                   "network.output_activation: softmax goes with training.loss cross-entropy, "
                   "not %s",
                   gr_losses[loss].name);
  if (known_and_not(c->data.task, GR_CLASSIFICATION))
    return gr_fail(err, GRADUS_ERR_CONFIG,
                   "network.output_activation: softmax is for data.task classification");
  if (c->network.outputs == 1)
    return gr_fail(err, GRADUS_ERR_CONFIG,
                   "network.output_activation: softmax of one output is always 1; use sigmoid, or "
                   "more than one of network.outputs");
  return GRADUS_OK;
}

/* Losses of classes, and losses of numbers. */
static gradus_status check_targets(const gr_config *c, gradus_error *err) {
  if (c->training.loss == GR_AUTO || c->data.task == GR_AUTO) return GRADUS_OK;
  const gr_loss_kind *loss = &gr_losses[c->training.loss];
  const bool classes = c->data.task != GR_REGRESSION;
  if (loss->targets == GR_TARGETS_CLASSES && !classes)
    return gr_fail(
        err, GRADUS_ERR_CONFIG,
        "training.loss: %s is for data.task classification and multilabel; use quadratic",
        loss->name);
  if (loss->targets == GR_TARGETS_NUMBERS && classes)
    return gr_fail(err, GRADUS_ERR_CONFIG,
                   "training.loss: %s is for data.task regression; use cross-entropy", loss->name);
  return GRADUS_OK;
}

static gradus_status check_probability(const gr_config *c, const char *loss, gradus_error *err) {
  const int output = c->network.output_activation;
  bool one = c->network.outputs == GR_AUTO || c->network.outputs == 1 ||
             c->data.task == GR_MULTILABEL; /* as many as there are labels */
  if (output == GR_SOFTMAX || (output == GR_SIGMOID && one)) return GRADUS_OK;
  if (output == GR_SIGMOID)
    return gr_fail(err, GRADUS_ERR_CONFIG,
                   "training.loss: %s with network.output_activation sigmoid wants one of "
                   "network.outputs, not %lld; use softmax, or data.task multilabel",
                   loss, (long long)c->network.outputs);
  return gr_fail(err, GRADUS_ERR_CONFIG,
                 "training.loss: %s wants network.output_activation softmax, or sigmoid with one "
                 "output, not %s",
                 loss, gr_activations[output].name);
}

/* What a loss wants of the outputs. */
static gradus_status check_outputs(const gr_config *c, gradus_error *err) {
  const int output = c->network.output_activation;
  if (c->training.loss == GR_AUTO || output == GR_AUTO) return GRADUS_OK;
  const gr_loss_kind *loss = &gr_losses[c->training.loss];
  if (loss->output == GR_OUTPUT_PROBABILITY) return check_probability(c, loss->name, err);
  const int wanted = loss->output == GR_OUTPUT_EXPONENTIAL ? GR_EXPONENTIAL
                     : loss->output == GR_OUTPUT_IDENTITY  ? GR_IDENTITY
                                                           : output;
  if (output == wanted) return GRADUS_OK;
  return gr_fail(err, GRADUS_ERR_CONFIG,
                 "training.loss: %s wants network.output_activation %s, not %s", loss->name,
                 gr_activations[wanted].name, gr_activations[output].name);
}

uint32_t gr_config_repeats(const gr_config *config) {
  return config->training.loss == GR_QUANTILE ? config->training.n_quantiles : 1;
}

static gradus_status check_lanes(const gr_config *c, gradus_error *err) {
  if (c->training.lane_rows == GR_AUTO || c->training.batch_size == GR_AUTO ||
      c->training.lane_rows <= c->training.batch_size)
    return GRADUS_OK;
  return gr_fail(err, GRADUS_ERR_CONFIG,
                 "training.lane_rows: %lld is more than the %lld rows of training.batch_size",
                 (long long)c->training.lane_rows, (long long)c->training.batch_size);
}

static gradus_status check_width(const char *key, int64_t width, gradus_error *err) {
  if (width == GR_AUTO || (width >= 1 && width <= GR_MAX_WIDTH)) return GRADUS_OK;
  return gr_fail(err, GRADUS_ERR_CONFIG, "%s: %lld is not from 1 to %d", key, (long long)width,
                 GR_MAX_WIDTH);
}

/* Inputs and outputs may come from data and not through the key table. */
static gradus_status check_widths(const gr_config *c, gradus_error *err) {
  GR_TRY(check_width("network.inputs", c->network.inputs, err));
  return check_width("network.outputs", c->network.outputs, err);
}

static bool normalizes_batches(const gr_config *c) {
  for (uint32_t i = 0; i < c->network.n_hidden; i++)
    if (gr_config_normalization(c, i) == GR_NORMALIZATION_BATCH) return true;
  return false;
}

static gradus_status check_normalization(const gr_config *c, gradus_error *err) {
  if (!normalizes_batches(c)) return GRADUS_OK;
  if (c->training.batch_size == 1)
    return gr_fail(
        err, GRADUS_ERR_CONFIG,
        "network.normalization: batch-norm wants a training.batch_size of 2 or more; use "
        "layer-norm");
  if (c->average.name == GR_AVERAGE_SWA)
    return gr_fail(
        err, GRADUS_ERR_CONFIG,
        "average.name: swa would leave batch-norm without the statistics of its average; "
        "use ema, or network.normalization layer-norm");
  return GRADUS_OK;
}

static gradus_status check_milestones(const gr_config *c, gradus_error *err) {
  const uint32_t n = c->schedule.n_milestones, *m = c->schedule.milestones;
  if (c->schedule.name != GR_SCHEDULE_MULTISTEP) return GRADUS_OK;
  if (n == 0)
    return gr_fail(err, GRADUS_ERR_CONFIG,
                   "schedule.name: multistep wants schedule.milestones, such as 10,15");
  for (uint32_t i = 1; i < n; i++)
    if (m[i] <= m[i - 1])
      return gr_fail(err, GRADUS_ERR_CONFIG,
                     "schedule.milestones: %u comes after %u; each must be later than the one "
                     "before",
                     (unsigned)m[i], (unsigned)m[i - 1]);
  return GRADUS_OK;
}

/* An exponential output has the logarithm in itself. */
static gradus_status check_transform(const gr_config *c, gradus_error *err) {
  if (c->data.target_transform == GR_TRANSFORM_NONE || c->training.loss == GR_AUTO ||
      gr_losses[c->training.loss].output != GR_OUTPUT_EXPONENTIAL)
    return GRADUS_OK;
  return gr_fail(err, GRADUS_ERR_CONFIG,
                 "training.loss: %s predicts by an exponential already; data.target_transform log "
                 "is not for it",
                 gr_losses[c->training.loss].name);
}

/* What would make the loss of the same weights another one at each step, or has no meaning where
 * only the sign of a gradient counts. */
static gradus_status check_whole_run(const gr_config *c, gradus_error *err) {
  const gr_optimizer_kind *o = &gr_optimizers[c->optimizer.name];
  const struct {
    double value;
    const char *key;
  } excluded[] = {{c->network.dropout, "network.dropout"},
                  {c->network.input_dropout, "network.input_dropout"},
                  {c->optimizer.l1, "optimizer.l1"},
                  {c->optimizer.clip_norm, "optimizer.clip_norm"},
                  {c->optimizer.clip_value, "optimizer.clip_value"},
                  {c->optimizer.max_norm, "optimizer.max_norm"}};
  for (size_t i = 0; gr_scope_is_full(o->scope) && i < sizeof excluded / sizeof excluded[0]; i++)
    if (excluded[i].value > 0)
      return gr_fail(err, GRADUS_ERR_CONFIG, "%s: does not go with optimizer.name %s; use 0",
                     excluded[i].key, o->name);
  return GRADUS_OK;
}

/* What ntk makes of an optimiser is only said where a weight changes by itself. */
static gradus_status check_parametrization(const gr_config *c, gradus_error *err) {
  const gr_optimizer_kind *o = &gr_optimizers[c->optimizer.name];
  if (c->network.parametrization == GR_PARAMETRIZATION_NTK && o->scope != GR_SCOPE_WEIGHT)
    return gr_fail(err, GRADUS_ERR_CONFIG,
                   "network.parametrization: ntk is not defined for optimizer.name %s, which looks "
                   "at whole layers; use adam, or standard",
                   o->name);
  return GRADUS_OK;
}

/* The first steps of an optimiser that finds its own, and a decay that is part of what it compares.
 */
static gradus_status check_rates(const gr_config *c, gradus_error *err) {
  const gr_optimizer_kind *o = &gr_optimizers[c->optimizer.name];
  if (!gr_scope_is_full(o->scope)) return GRADUS_OK;
  if (c->optimizer.bias_rate != 1 || c->optimizer.first_layer_rate != 1)
    return gr_fail(
        err, GRADUS_ERR_CONFIG, "%s: does not go with optimizer.name %s; use 1",
        c->optimizer.bias_rate != 1 ? "optimizer.bias_rate" : "optimizer.first_layer_rate",
        o->name);
  if (c->schedule.weight_decay != GR_COURSE_CONSTANT)
    return gr_fail(err, GRADUS_ERR_CONFIG,
                   "schedule.weight_decay: does not go with optimizer.name %s; use constant",
                   o->name);
  return GRADUS_OK;
}

/* What a line search over one function of the weights cannot do with. */
static gradus_status check_search(const gr_config *c, gradus_error *err) {
  const gr_optimizer_kind *o = &gr_optimizers[c->optimizer.name];
  if (o->scope != GR_SCOPE_SEARCH) return GRADUS_OK;
  for (uint32_t i = 0; i < c->network.n_hidden; i++)
    if (gr_config_dropout(c, i) > 0)
      return gr_fail(err, GRADUS_ERR_CONFIG,
                     "network.hidden: layer %u: dropout does not go with optimizer.name %s",
                     (unsigned)i + 1, o->name);
  if (normalizes_batches(c))
    return gr_fail(err, GRADUS_ERR_CONFIG,
                   "network.normalization: batch-norm does not go with optimizer.name %s, whose "
                   "evaluations have no batches; use layer-norm",
                   o->name);
  if (c->schedule.name != GR_SCHEDULE_CONSTANT || c->schedule.warmup > 0)
    return gr_fail(err, GRADUS_ERR_CONFIG,
                   "%s: optimizer.name %s searches its own steps; use schedule.name constant "
                   "without warmup",
                   c->schedule.warmup > 0 ? "schedule.warmup" : "schedule.name", o->name);
  if (known_and_not(c->average.name, GR_AVERAGE_NONE))
    return gr_fail(err, GRADUS_ERR_CONFIG,
                   "average.name: the model of optimizer.name %s is its best point, no average; "
                   "use none",
                   o->name);
  if (c->optimizer.learning_rate == 0)
    return gr_fail(err, GRADUS_ERR_CONFIG,
                   "optimizer.learning_rate: 0 leaves optimizer.name %s no line to search; use 1",
                   o->name);
  return GRADUS_OK;
}

gradus_status gr_config_validate(const gr_config *config, gradus_error *err) {
  static gradus_status (*const checks[])(const gr_config *, gradus_error *) = {
      check_hidden,          check_softmax,         check_targets,    check_outputs,
      check_lanes,           check_widths,          check_milestones, check_normalization,
      gr_metrics_check,      gr_class_weight_check, check_transform,  check_whole_run,
      check_parametrization, check_rates,           check_search};
  for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++) GR_TRY(checks[i](config, err));
  return GRADUS_OK;
}
