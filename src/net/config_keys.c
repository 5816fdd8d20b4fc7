/* The key table: what YAML files, --set, long options, --help and gradus-config(5) all speak of.
 * One row per key, sections contiguous, in the order of the canonical recipe. A new RECIPE row
 * changes every recipe digest, so rows are added with a release in mind and never reordered. */
#include <config.h>

#include "net/config.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "kernel/isa.h"
#include "kernel/kinds.h"
#include "net/metric.h"
#include "net/schedule.h"
#include "net/strategy.h"

#define FIELD(member) offsetof(gr_config, member)

#define MAX_BATCH 16777216
#define MAX_ROWS 1000000000
#define MAX_STEPS 1000000000000
#define BELOW_ONE 0.999999 /* of momentum and beta: at 1 the average would never forget */
#define MOST_DROPOUT 0.99
#define MOST_RATE 1000
#define YEAR 31536000
#define MIB 1048576
#define PIB 1125899906842624

static const char *const activations[] = {
#define GR_ACTIVATION(id, name, hidden, spread, from_input) [GR_##id] = name,
#include "kernel/activation.def.h"
#undef GR_ACTIVATION
    NULL};

static const char *const normalizations[] = {
#define GR_NORMALIZATION(ID, name, ...) [GR_NORMALIZATION_##ID] = name,
#include "kernel/normalization.def.h"
#undef GR_NORMALIZATION
    NULL};

static const char *const losses[] = {
#define GR_LOSS(id, name, targets, output) [GR_##id] = name,
#include "kernel/loss.def.h"
#undef GR_LOSS
    NULL};

static const char *const optimizers[] = {
#define GR_OPTIMIZER(id, name, ...) [GR_##id] = name,
#include "kernel/optimizer.def.h"
#undef GR_OPTIMIZER
    NULL};

static const char *const metrics[] = {
#define GR_METRIC(ID, name, ...) [GR_METRIC_##ID] = name,
#include "net/metric.def.h"
#undef GR_METRIC
    NULL};

static const char *const judged[] = {[0] = "loss",
#define GR_METRIC(ID, name, ...) [1 + GR_METRIC_##ID] = name,
#include "net/metric.def.h"
#undef GR_METRIC
                                     NULL};

static const char *const isas[] = {
#define GR_ISA_ROW(id, name) [GR_ISA_##id] = #name,
#include "kernel/isa.def.h"
#undef GR_ISA_ROW
    NULL};

static const char *const strategies[] = {
#define GR_STRATEGY(ID, name) [GR_STRATEGY_##ID] = name,
#include "net/strategy.def.h"
#undef GR_STRATEGY
    NULL};

static const char *const tasks[] = {[GR_CLASSIFICATION] = "classification",
                                    [GR_REGRESSION] = "regression",
                                    [GR_MULTILABEL] = "multilabel",
                                    NULL};
static const char *const scales[] = {[GR_SCALE_NONE] = "none", [GR_SCALE_UNIT] = "unit", NULL};
static const char *const standardizes[] = {
    [GR_STANDARDIZE_NONE] = "none",         [GR_STANDARDIZE_ZSCORE] = "zscore",
    [GR_STANDARDIZE_MINMAX] = "minmax",     [GR_STANDARDIZE_ROBUST] = "robust",
    [GR_STANDARDIZE_QUANTILE] = "quantile", NULL};
static const char *const fills[] = {
    [GR_MISSING_MEDIAN] = "median", [GR_MISSING_MEAN] = "mean", NULL};
static const char *const transforms[] = {
    [GR_TRANSFORM_NONE] = "none", [GR_TRANSFORM_LOG] = "log", NULL};
static const char *const embeddings[] = {[GR_EMBED_NONE] = "none",
                                         [GR_EMBED_BINS] = "piecewise-linear",
                                         [GR_EMBED_WAVES] = "periodic",
                                         NULL};
static const char *const initializations[] = {[GR_INIT_NORMAL] = "normal",
                                              [GR_INIT_GLOROT] = "glorot",
                                              [GR_INIT_HE] = "he",
                                              [GR_INIT_LECUN] = "lecun",
                                              [GR_INIT_GLOROT_BIASES] = "glorot-biases",
                                              NULL};
static const char *const parametrizations[] = {
    [GR_PARAMETRIZATION_STANDARD] = "standard", [GR_PARAMETRIZATION_NTK] = "ntk", NULL};
static const char *const shuffles[] = {
    [GR_SHUFFLE_NONE] = "none", [GR_SHUFFLE_FULL] = "full", [GR_SHUFFLE_WINDOW] = "window", NULL};
static const char *const schedules[] = {
#define GR_SCHEDULE(ID, name, ...) [GR_SCHEDULE_##ID] = name,
#include "net/schedule.def.h"
#undef GR_SCHEDULE
    NULL};

static const char *const courses[] = {[GR_COURSE_CONSTANT] = "constant",
                                      [GR_COURSE_COSINE] = "cosine",
                                      [GR_COURSE_FLAT_COSINE] = "flat-cosine",
                                      NULL};

static const char *const nonfinite_policies[] = {[GR_NONFINITE_HALT] = "halt",
                                                 [GR_NONFINITE_SKIP] = "skip",
                                                 [GR_NONFINITE_ROLLBACK] = "rollback",
                                                 NULL};
static const char *const averages[] = {
    [GR_AVERAGE_NONE] = "none", [GR_AVERAGE_EMA] = "ema", [GR_AVERAGE_SWA] = "swa", NULL};

/* name, option, type, part, may be auto, field, choices, minimum, maximum, help */
const gr_key gr_keys[] = {
    {"data.file", NULL, GR_KEY_STRING, GR_PART_RUN, false, FIELD(data.file), NULL, 0, 0,
     "data set file to train on; empty: none"},
    {"data.x", "x", GR_KEY_STRING, GR_PART_RUN, true, FIELD(data.x), NULL, 0, 0,
     "path of the inputs inside the file; auto: by its layout"},
    {"data.y", "y", GR_KEY_STRING, GR_PART_RUN, true, FIELD(data.y), NULL, 0, 0,
     "path of the targets inside the file; auto: by its layout"},
    {"data.transpose", "transpose", GR_KEY_BOOL, GR_PART_RUN, false, FIELD(data.transpose), NULL, 0,
     0, "read x as [columns, rows], as MATLAB, Julia and R write it"},
    {"data.valid_split", "valid-split", GR_KEY_REAL, GR_PART_RECIPE, false, FIELD(data.valid_split),
     NULL, 0, 0.9, "fraction of the training rows held out when the file has no validation split"},
    {"data.scale", "scale", GR_KEY_CHOICE, GR_PART_RECIPE, true, FIELD(data.scale), scales, 0, 0,
     "unit: divide inputs by 255; auto: unit for 8-bit unsigned inputs"},
    {"data.standardize", "standardize", GR_KEY_CHOICE, GR_PART_RECIPE, true,
     FIELD(data.standardize), standardizes, 0, 0,
     "how columns are scaled; auto: robust for tables, none for 8-bit inputs, else zscore"},
    {"data.task", "task", GR_KEY_CHOICE, GR_PART_RECIPE, true, FIELD(data.task), tasks, 0, 0,
     "what the targets are; auto: by their type"},
    {"data.target", "target", GR_KEY_STRING, GR_PART_RUN, true, FIELD(data.target), NULL, 0, 0,
     "tables: name of the target column; auto: the last one"},
    {"data.valid", "valid", GR_KEY_STRING, GR_PART_RUN, false, FIELD(data.valid), NULL, 0, 0,
     "tables: file with the validation rows; empty: none"},
    {"data.test", "test", GR_KEY_STRING, GR_PART_RUN, false, FIELD(data.test), NULL, 0, 0,
     "tables: file with the test rows; empty: none"},
    {"data.test_every", "test-every", GR_KEY_INTEGER, GR_PART_RUN, false, FIELD(data.test_every),
     NULL, 0, 1000000000, "tables: rows 0, N, 2N ... are for the test alone; 0: none"},
    {"data.target_transform", "target-transform", GR_KEY_CHOICE, GR_PART_RECIPE, false,
     FIELD(data.target_transform), transforms, 0, 0,
     "log: the network learns the logarithm of the target; predictions are turned back"},
    {"data.standardize_target", NULL, GR_KEY_BOOL, GR_PART_RECIPE, false,
     FIELD(data.standardize_target), NULL, 0, 0,
     "the network learns a regression's targets at mean 0 and deviation 1"},
    {"data.missing", "missing", GR_KEY_CHOICE, GR_PART_RECIPE, false, FIELD(data.missing), fills, 0,
     0, "tables: what stands for a missing number, beside an input that tells so"},
    {"data.max_levels", "max-levels", GR_KEY_INTEGER, GR_PART_RECIPE, false, FIELD(data.max_levels),
     NULL, 1, 65536, "tables: most levels of a categorical column that have an input of their own"},
    {"data.embedding", "embedding", GR_KEY_CHOICE, GR_PART_RECIPE, true, FIELD(data.embedding),
     embeddings, 0, 0,
     "more inputs for each numeric column; auto: piecewise-linear for tables of few columns"},
    {"data.embedding_size", NULL, GR_KEY_INTEGER, GR_PART_RECIPE, false, FIELD(data.embedding_size),
     NULL, 1, 4096, "bins of piecewise-linear, or frequencies of periodic"},
    {"data.embedding_scale", NULL, GR_KEY_REAL, GR_PART_RECIPE, false, FIELD(data.embedding_scale),
     NULL, 1e-6, 1e6, "deviation of the random frequencies of periodic"},

    {"network.hidden", "hidden", GR_KEY_LAYERS, GR_PART_RECIPE, false, FIELD(network.n_hidden),
     NULL, 1, GR_MAX_WIDTH,
     "hidden layers: neurons, and what is their own, such as 256:gelu:0.1,128; or none"},
    {"network.activation", "activation", GR_KEY_CHOICE, GR_PART_RECIPE, false,
     FIELD(network.activation), activations, 0, 0,
     "activation of the hidden layers, but for those with one of their own"},
    {"network.output_activation", "output-activation", GR_KEY_CHOICE, GR_PART_RECIPE, true,
     FIELD(network.output_activation), activations, 0, 0,
     "activation of the output layer; auto: by loss and task"},
    {"network.initialization", "initialization", GR_KEY_CHOICE, GR_PART_RECIPE, true,
     FIELD(network.initialization), initializations, 0, 0,
     "initial weights; auto: he for the relu family, glorot else"},
    {"network.inputs", NULL, GR_KEY_INTEGER, GR_PART_RECIPE, true, FIELD(network.inputs), NULL, 1,
     GR_MAX_WIDTH, "input columns; auto: those of the data"},
    {"network.outputs", NULL, GR_KEY_INTEGER, GR_PART_RECIPE, true, FIELD(network.outputs), NULL, 1,
     GR_MAX_WIDTH, "neurons of the output layer; auto: classes or target columns of the data"},
    {"network.dropout", "dropout", GR_KEY_REAL, GR_PART_RECIPE, false, FIELD(network.dropout), NULL,
     0, MOST_DROPOUT, "probability with which a hidden neuron is left out of a training step"},
    {"network.input_dropout", "input-dropout", GR_KEY_REAL, GR_PART_RECIPE, false,
     FIELD(network.input_dropout), NULL, 0, MOST_DROPOUT,
     "probability with which an input is left out of a training step"},
    {"network.normalization", "normalization", GR_KEY_CHOICE, GR_PART_RECIPE, false,
     FIELD(network.normalization), normalizations, 0, 0,
     "what stands between weighted input and activation of the hidden layers"},
    {"network.parametrization", NULL, GR_KEY_CHOICE, GR_PART_RECIPE, false,
     FIELD(network.parametrization), parametrizations, 0, 0,
     "ntk: the optimizer sees weights times the root of the inputs of their layer"},

    {"training.epochs", "epochs", GR_KEY_INTEGER, GR_PART_RECIPE, true, FIELD(training.epochs),
     NULL, 1, MAX_STEPS, "passes over the training rows; auto: 20, more for small tables"},
    {"training.steps", "max-steps", GR_KEY_INTEGER, GR_PART_RECIPE, false, FIELD(training.steps),
     NULL, 0, MAX_STEPS,
     "updates after which training ends, whatever training.epochs says; 0: by epochs"},
    {"training.samples", "max-samples", GR_KEY_INTEGER, GR_PART_RECIPE, false,
     FIELD(training.samples), NULL, 0, MAX_STEPS,
     "rows trained on after which training ends, whatever training.epochs says; 0: by epochs"},
    {"training.batch_size", "batch-size", GR_KEY_INTEGER, GR_PART_RECIPE, true,
     FIELD(training.batch_size), NULL, 1, MAX_BATCH,
     "rows per step; auto: 128, of small tables 32"},
    {"training.seed", "seed", GR_KEY_SEED, GR_PART_RECIPE, false, FIELD(training.seed), NULL, 0, 0,
     "number that initial weights, shuffling and the hold-out split derive from"},
    {"training.loss", "loss", GR_KEY_CHOICE, GR_PART_RECIPE, true, FIELD(training.loss), losses, 0,
     0, "what training minimises; auto: cross-entropy for classes, quadratic for regression"},
    {"training.lane_rows", "lane-rows", GR_KEY_INTEGER, GR_PART_RECIPE, true,
     FIELD(training.lane_rows), NULL, 1, MAX_BATCH,
     "rows of a batch whose gradients form one chain of sums; auto: by batch size"},
    {"training.accumulate", "accumulate", GR_KEY_INTEGER, GR_PART_RECIPE, false,
     FIELD(training.accumulate), NULL, 1, MAX_ROWS,
     "batches whose gradients make one update, as one batch of all their rows would"},
    {"training.shuffle", "shuffle", GR_KEY_CHOICE, GR_PART_RECIPE, true, FIELD(training.shuffle),
     shuffles, 0, 0,
     "order of rows: full: any, another in every epoch; window: by parts of the file; none"},
    {"training.shuffle_window", "shuffle-window", GR_KEY_INTEGER, GR_PART_RECIPE, false,
     FIELD(training.shuffle_window), NULL, 0, MAX_ROWS,
     "rows that are mixed with one another by shuffle window; 0: 64 MiB of them"},
    {"training.shuffle_block", "shuffle-block", GR_KEY_INTEGER, GR_PART_RECIPE, false,
     FIELD(training.shuffle_block), NULL, 0, MAX_ROWS,
     "rows that stay in one window together; 0: whole chunks of 256 KiB or more"},
    {"training.early_stopping.patience", "patience", GR_KEY_INTEGER, GR_PART_RECIPE, false,
     FIELD(training.patience), NULL, 0, 1000000000,
     "epochs without a better validation loss before training stops; 0: never"},
    {"training.early_stopping.min_delta", "min-delta", GR_KEY_REAL, GR_PART_RECIPE, false,
     FIELD(training.min_delta), NULL, 0, 1e30,
     "by how much what is judged must be better to count, in its own units"},
    {"training.early_stopping.smoothing", "stopping-smoothing", GR_KEY_REAL, GR_PART_RECIPE, false,
     FIELD(training.smoothing), NULL, 0, 0.99,
     "share of itself that the mean of what is judged by early stopping keeps at each epoch"},
    {"training.early_stopping.metric", "early-stopping-metric", GR_KEY_CHOICE, GR_PART_RECIPE,
     false, FIELD(training.metric), judged, 0, 0,
     "what tells the best model and stops training early: the validation loss, or a metric"},
    {"training.label_smoothing", "label-smoothing", GR_KEY_REAL, GR_PART_RECIPE, false,
     FIELD(training.label_smoothing), NULL, 0, 0.99,
     "share of a target's certainty that cross-entropy spreads over all classes"},
    {"training.focal_gamma", "focal-gamma", GR_KEY_REAL, GR_PART_RECIPE, false,
     FIELD(training.focal_gamma), NULL, 0, 10, "exponent of the focal loss"},
    {"training.huber_delta", "huber-delta", GR_KEY_REAL, GR_PART_RECIPE, false,
     FIELD(training.huber_delta), NULL, 1e-6, 1e6,
     "error up to which the huber loss is quadratic, in deviations of the target"},
    {"training.tweedie_power", "tweedie-power", GR_KEY_REAL, GR_PART_RECIPE, false,
     FIELD(training.tweedie_power), NULL, 1.01, 1.99, "power of the variance in the tweedie loss"},
    {"training.quantiles", "quantiles", GR_KEY_REALS, GR_PART_RECIPE, false,
     FIELD(training.n_quantiles), NULL, 1e-4, 0.9999,
     "levels of the quantile loss, such as 0.1,0.5,0.9: an output for each"},
    {"training.on_nonfinite", "on-nonfinite", GR_KEY_CHOICE, GR_PART_RECIPE, false,
     FIELD(training.on_nonfinite), nonfinite_policies, 0, 0,
     "what a step does whose numbers are NaN or infinite: end training, nothing, or undo"},
    {"training.nonfinite_limit", NULL, GR_KEY_INTEGER, GR_PART_RECIPE, false,
     FIELD(training.nonfinite_limit), NULL, 1, GR_MAX_NONFINITE,
     "steps skipped in a row, or rollbacks of one epoch, after which training halts"},
    {"training.class_weight", "class-weight", GR_KEY_STRING, GR_PART_RECIPE, false,
     FIELD(training.class_weight), NULL, 0, 0,
     "what rows of a class count in training: none, balanced, or weights such as cat=2,dog=0.5"},
    {"training.metrics", "metrics", GR_KEY_SET, GR_PART_RECIPE, false, FIELD(training.metrics),
     metrics, 0, 0, "measured at each validation beside accuracy, or rmse and r2, such as auc,f1"},
    {"training.top_k", "top-k", GR_KEY_INTEGER, GR_PART_RECIPE, false, FIELD(training.top_k), NULL,
     1, 65536, "the metric top_k counts rows whose class is among so many largest outputs"},

    {"optimizer.name", "optimizer", GR_KEY_CHOICE, GR_PART_RECIPE, false, FIELD(optimizer.name),
     optimizers, 0, 0, "how gradients change the weights"},
    {"optimizer.learning_rate", "learning-rate", GR_KEY_REAL, GR_PART_RECIPE, true,
     FIELD(optimizer.learning_rate), NULL, 0, 1e6,
     "step size at the schedule's height; auto: by the optimizer"},
    {"optimizer.momentum", "momentum", GR_KEY_REAL, GR_PART_RECIPE, true, FIELD(optimizer.momentum),
     NULL, 0, BELOW_ONE, "share of the last update that is kept; auto: by the optimizer"},
    {"optimizer.beta1", "beta1", GR_KEY_REAL, GR_PART_RECIPE, true, FIELD(optimizer.beta1), NULL, 0,
     BELOW_ONE, "decay of the mean gradient; auto: by the optimizer"},
    {"optimizer.beta2", "beta2", GR_KEY_REAL, GR_PART_RECIPE, true, FIELD(optimizer.beta2), NULL, 0,
     BELOW_ONE, "decay of the mean squared gradient; auto: by the optimizer"},
    {"optimizer.epsilon", "epsilon", GR_KEY_REAL, GR_PART_RECIPE, true, FIELD(optimizer.epsilon),
     NULL, 1e-30, 1, "added to the root of the mean squared gradient; auto: by the optimizer"},
    {"optimizer.weight_decay", "weight-decay", GR_KEY_REAL, GR_PART_RECIPE, false,
     FIELD(optimizer.weight_decay), NULL, 0, 1,
     "pull of weights, not biases, towards 0: part of the gradient, or apart from it in adamw"},
    {"optimizer.l1", "l1", GR_KEY_REAL, GR_PART_RECIPE, false, FIELD(optimizer.l1), NULL, 0, 1,
     "this times the sign of a weight, not of a bias, is added to its gradient"},
    {"optimizer.clip_norm", "clip-norm", GR_KEY_REAL, GR_PART_RECIPE, false,
     FIELD(optimizer.clip_norm), NULL, 0, 1e30,
     "largest norm of the whole gradient, which is shortened to it; 0: any"},
    {"optimizer.clip_value", "clip-value", GR_KEY_REAL, GR_PART_RECIPE, false,
     FIELD(optimizer.clip_value), NULL, 0, 1e30,
     "largest size of each element of the gradient, which is cut to it; 0: any"},
    {"optimizer.max_norm", "max-norm", GR_KEY_REAL, GR_PART_RECIPE, false,
     FIELD(optimizer.max_norm), NULL, 0, 1e30,
     "largest norm of the weights into a neuron, which are shortened to it; 0: any"},
    {"optimizer.bias_rate", NULL, GR_KEY_REAL, GR_PART_RECIPE, false, FIELD(optimizer.bias_rate),
     NULL, 0, MOST_RATE, "part of the learning rate that biases have"},
    {"optimizer.first_layer_rate", NULL, GR_KEY_REAL, GR_PART_RECIPE, false,
     FIELD(optimizer.first_layer_rate), NULL, 0, MOST_RATE,
     "part of the learning rate that the weights of the first layer have"},
    {"optimizer.tolerance", "tolerance", GR_KEY_REAL, GR_PART_RECIPE, false,
     FIELD(optimizer.tolerance), NULL, 0, 1,
     "norm of the gradient at which lbfgs has converged and training ends"},

    {"schedule.name", "schedule", GR_KEY_CHOICE, GR_PART_RECIPE, false, FIELD(schedule.name),
     schedules, 0, 0, "course of the learning rate"},
    {"schedule.warmup", "warmup", GR_KEY_REAL, GR_PART_RECIPE, false, FIELD(schedule.warmup), NULL,
     0, 1, "fraction of all steps over which the learning rate rises linearly"},
    {"schedule.gamma", NULL, GR_KEY_REAL, GR_PART_RECIPE, true, FIELD(schedule.gamma), NULL, 0, 1,
     "factor of each cut of the learning rate; auto: by the schedule"},
    {"schedule.floor", NULL, GR_KEY_REAL, GR_PART_RECIPE, false, FIELD(schedule.floor), NULL, 0, 1,
     "fraction of the learning rate below which the schedule does not go"},
    {"schedule.every", NULL, GR_KEY_INTEGER, GR_PART_RECIPE, false, FIELD(schedule.every), NULL, 1,
     1000000000, "epochs between two cuts of step"},
    {"schedule.milestones", NULL, GR_KEY_WIDTHS, GR_PART_RECIPE, false,
     FIELD(schedule.n_milestones), NULL, 1, GR_MAX_WIDTH,
     "numbers of epochs after which multistep cuts, such as 10,15"},
    {"schedule.power", NULL, GR_KEY_REAL, GR_PART_RECIPE, false, FIELD(schedule.power), NULL, 0,
     100, "exponent of polynomial"},
    {"schedule.period", NULL, GR_KEY_INTEGER, GR_PART_RECIPE, false, FIELD(schedule.period), NULL,
     1, 1000000000, "epochs of the first period of cosine-restarts"},
    {"schedule.period_factor", NULL, GR_KEY_INTEGER, GR_PART_RECIPE, false,
     FIELD(schedule.period_factor), NULL, 1, 4096,
     "by how much each period of cosine-restarts is longer than the one before"},
    {"schedule.peak", NULL, GR_KEY_REAL, GR_PART_RECIPE, false, FIELD(schedule.peak), NULL, 0, 1,
     "fraction of the steps after which one-cycle is highest"},
    {"schedule.patience", NULL, GR_KEY_INTEGER, GR_PART_RECIPE, false, FIELD(schedule.patience),
     NULL, 0, 1000000000, "epochs without a better validation loss that plateau lets pass"},
    {"schedule.threshold", NULL, GR_KEY_REAL, GR_PART_RECIPE, true, FIELD(schedule.threshold), NULL,
     0, 1, "relative gain of validation loss that counts as better; auto: by the schedule"},
    {"schedule.dropout", NULL, GR_KEY_CHOICE, GR_PART_RECIPE, false, FIELD(schedule.dropout),
     courses, 0, 0, "course of network.dropout and network.input_dropout over the run"},
    {"schedule.weight_decay", NULL, GR_KEY_CHOICE, GR_PART_RECIPE, false,
     FIELD(schedule.weight_decay), courses, 0, 0, "course of optimizer.weight_decay over the run"},

    {"average.name", "average", GR_KEY_CHOICE, GR_PART_RECIPE, true, FIELD(average.name), averages,
     0, 0, "average of the weights that is the model: ema over steps, swa over epochs; auto"},
    {"average.decay", NULL, GR_KEY_REAL, GR_PART_RECIPE, false, FIELD(average.decay), NULL, 0,
     BELOW_ONE, "share of itself that ema keeps at each step, once it has grown to it"},
    {"average.start", NULL, GR_KEY_INTEGER, GR_PART_RECIPE, false, FIELD(average.start), NULL, 0,
     1000000000, "epochs before swa begins"},

    {"checkpoint.every", "checkpoint-every", GR_KEY_DURATION, GR_PART_RUN, false,
     FIELD(checkpoint.every), NULL, 0, YEAR,
     "least time between checkpoints; 0s: after every step, whatever it costs"},
    {"checkpoint.keep", "checkpoint-keep", GR_KEY_INTEGER, GR_PART_RUN, false,
     FIELD(checkpoint.keep), NULL, 1, 1000000, "newest checkpoints that are kept"},
    {"checkpoint.max_overhead", NULL, GR_KEY_REAL, GR_PART_RUN, false,
     FIELD(checkpoint.max_overhead), NULL, 0, 1,
     "share of the run that checkpoints may cost: where they cost more they become rarer"},

    {"resources.threads", "threads", GR_KEY_INTEGER, GR_PART_RESOURCES, true,
     FIELD(resources.threads), NULL, 1, 4096,
     "threads; auto: what cores, affinity, quota and scheduler allow"},
    {"resources.memory", "memory", GR_KEY_SIZE, GR_PART_RESOURCES, true, FIELD(resources.memory),
     NULL, MIB, PIB,
     "memory for data; what is larger is read while training; auto: half of the rest"},
    {"resources.isa", "isa", GR_KEY_CHOICE, GR_PART_RESOURCES, true, FIELD(resources.isa), isas, 0,
     0, "instruction set of the kernels; auto: the best this CPU runs"},
    {"resources.strategy", "strategy", GR_KEY_CHOICE, GR_PART_RESOURCES, true,
     FIELD(resources.strategy), strategies, 0, 0,
     "how threads share a step, with all of them at work; auto: as planned to be fastest"},
    {"resources.audit", "audit", GR_KEY_INTEGER, GR_PART_RESOURCES, false, FIELD(resources.audit),
     NULL, 0, 1000000000,
     "every so many steps one is taken twice, in two ways, and compared; 0: never"},
    {"resources.pin", "pin", GR_KEY_BOOL, GR_PART_RESOURCES, false, FIELD(resources.pin), NULL, 0,
     0, "bind each thread to a processor, also where the affinity mask is not restricted"},
};
const size_t gr_n_keys = sizeof gr_keys / sizeof gr_keys[0];

const gr_key *gr_key_find(const char *name) {
  for (size_t i = 0; i < gr_n_keys; i++)
    if (strcmp(gr_keys[i].name, name) == 0) return &gr_keys[i];
  return NULL;
}

bool gr_key_is_section(const char *name) {
  size_t length = strlen(name);
  if (length == 0) return false;
  for (size_t i = 0; i < gr_n_keys; i++)
    if (strncmp(gr_keys[i].name, name, length) == 0 && gr_keys[i].name[length] == '.') return true;
  return false;
}

static const char *last_part(const char *name) {
  const char *dot = strrchr(name, '.');
  return dot ? dot + 1 : name;
}

/* The key whose option or last part is the word's last part: "batch_size", "batch-size",
 * "network.batch_size" -> training.batch_size. */
static const char *same_last_part(const char *word) {
  const char *last = last_part(word);
  for (size_t i = 0; i < gr_n_keys; i++)
    if (gr_keys[i].option && strcmp(gr_keys[i].option, last) == 0) return gr_keys[i].name;
  for (size_t i = 0; i < gr_n_keys; i++)
    if (strcmp(last_part(gr_keys[i].name), last) == 0) return gr_keys[i].name;
  return NULL;
}

/* The nearest of all names (`last`: of their last parts, where these are words), as the whole name.
 */
static const char *nearest_name(const char *word, bool last) {
  const char *candidates[sizeof gr_keys / sizeof gr_keys[0]];
  for (size_t i = 0; i < gr_n_keys; i++) {
    const char *part = last_part(gr_keys[i].name);
    candidates[i] = last && strlen(part) > 2 ? part : gr_keys[i].name;
  }
  const char *found = gr_nearest_word(word, candidates, gr_n_keys);
  for (size_t i = 0; found && i < gr_n_keys; i++)
    if (candidates[i] == found) return gr_keys[i].name;
  return NULL;
}

static bool nearest_section(const char *word, char out[GR_KEY_NAME]) {
  for (size_t i = 0; i < gr_n_keys; i++) {
    snprintf(out, GR_KEY_NAME, "%s", gr_keys[i].name);
    for (char *dot = strrchr(out, '.'); dot; dot = strrchr(out, '.')) {
      *dot = '\0';
      const char *candidate = out;
      if (gr_nearest_word(word, &candidate, 1)) return true;
    }
  }
  return false;
}

bool gr_key_nearest(const char *word, char out[GR_KEY_NAME]) {
  const char *found = same_last_part(word);
  if (!found) found = nearest_name(word, false);
  if (!found && nearest_section(word, out)) return true;
  if (!found) found = nearest_name(last_part(word), true);
  if (found) snprintf(out, GR_KEY_NAME, "%s", found);
  return found != NULL;
}
