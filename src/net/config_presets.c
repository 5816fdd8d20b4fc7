/* Presets: named sets of values for the keys. `default` names every key and so is the one table of
 * defaults; the others change what they are about. */
#include <config.h>

#include <string.h>

#include "net/config.h"

static const char *const default_settings[] = {
    "data.file=",
    "data.x=auto",
    "data.y=auto",
    "data.transpose=false",
    "data.valid_split=0.1",
    "data.scale=auto",
    "data.standardize=auto",
    "data.task=auto",
    "data.target=auto",
    "data.valid=",
    "data.test=",
    "data.test_every=0",
    "data.target_transform=none",
    "data.standardize_target=true",
    "data.missing=median",
    "data.max_levels=64",
    "data.embedding=auto",
    "data.embedding_size=16",
    "data.embedding_scale=0.1",
    "network.hidden=256,128",
    "network.activation=relu",
    "network.output_activation=auto",
    "network.initialization=auto",
    "network.inputs=auto",
    "network.outputs=auto",
    "network.dropout=0",
    "network.input_dropout=0",
    "network.normalization=none",
    "network.parametrization=standard",
    "training.epochs=auto",
    "training.steps=0",
    "training.samples=0",
    "training.batch_size=auto",
    "training.seed=1",
    "training.loss=auto",
    "training.lane_rows=auto",
    "training.accumulate=1",
    "training.shuffle=auto",
    "training.shuffle_window=0",
    "training.shuffle_block=0",
    "training.early_stopping.patience=0",
    "training.early_stopping.min_delta=0",
    "training.early_stopping.smoothing=0",
    "training.early_stopping.metric=loss",
    "training.label_smoothing=0",
    "training.focal_gamma=2",
    "training.huber_delta=1",
    "training.tweedie_power=1.5",
    "training.quantiles=0.5",
    "training.on_nonfinite=halt",
    "training.nonfinite_limit=10",
    "training.class_weight=none",
    "training.metrics=none",
    "training.top_k=5",
    "optimizer.name=adam",
    "optimizer.learning_rate=auto",
    "optimizer.momentum=auto",
    "optimizer.beta1=auto",
    "optimizer.beta2=auto",
    "optimizer.epsilon=auto",
    "optimizer.weight_decay=0",
    "optimizer.l1=0",
    "optimizer.clip_norm=0",
    "optimizer.clip_value=0",
    "optimizer.max_norm=0",
    "optimizer.bias_rate=1",
    "optimizer.first_layer_rate=1",
    "optimizer.tolerance=1e-05",
    "schedule.name=constant",
    "schedule.warmup=0",
    "schedule.gamma=auto",
    "schedule.floor=0",
    "schedule.every=10",
    "schedule.milestones=none",
    "schedule.power=1",
    "schedule.period=10",
    "schedule.period_factor=1",
    "schedule.peak=0.3",
    "schedule.patience=10",
    "schedule.threshold=auto",
    "schedule.dropout=constant",
    "schedule.weight_decay=constant",
    "average.name=auto",
    "average.decay=0.999",
    "average.start=10",
    "checkpoint.every=60s",
    "checkpoint.keep=3",
    "checkpoint.max_overhead=0.01",
    "resources.threads=auto",
    "resources.memory=auto",
    "resources.isa=auto",
    "resources.strategy=auto",
    "resources.audit=0",
    "resources.pin=false",
    NULL,
};

/* The network of M. Nielsen, "Neural Networks and Deep Learning" (2015), chapter 1. */
static const char *const textbook_settings[] = {
    "data.valid_split=0",
    "data.embedding=none",
    "average.name=none",
    "network.hidden=30",
    "network.activation=sigmoid",
    "network.output_activation=sigmoid",
    "network.initialization=normal",
    "training.epochs=30",
    "training.batch_size=10",
    "training.loss=quadratic",
    "optimizer.name=sgd",
    "optimizer.learning_rate=3",
    "optimizer.weight_decay=0",
    "schedule.name=constant",
    "schedule.warmup=0",
    NULL,
};

/* scikit-learn's MLPClassifier and MLPRegressor with their defaults (1.2). Its alpha of 1e-4 is
 * divided by the rows of a batch; its tol and n_iter_no_change look at the training loss, and the
 * eleventh epoch in a row without gain ends it. */
static const char *const sklearn_settings[] = {
    "data.valid_split=0",
    "data.scale=none",
    "data.standardize=none",
    "data.standardize_target=false",
    "data.embedding=none",
    "network.hidden=100",
    "network.activation=relu",
    "network.initialization=glorot-biases",
    "training.epochs=200",
    "training.batch_size=200",
    "training.early_stopping.patience=11",
    "training.early_stopping.min_delta=0.0001",
    "optimizer.name=adam",
    "optimizer.learning_rate=0.001",
    "optimizer.weight_decay=5e-7",
    "average.name=none",
    NULL,
};

/* Srivastava et al. 2014: dropout with a bound on the weights of a neuron. */
static const char *const mnist_settings[] = {
    "data.embedding=none",     "network.hidden=800,800",    "network.activation=relu",
    "network.dropout=0.5",     "network.input_dropout=0.2", "training.epochs=50",
    "training.batch_size=128", "optimizer.name=adam",       "optimizer.learning_rate=0.001",
    "optimizer.max_norm=3",    "average.name=none",         NULL,
};

/* Baldi, Sadowski and Whiteson 2014, for searches in collisions of particles: the learning rate
 * falls by 1.0000002 a step, which is 0.9948 an epoch of their 26000 steps. Their momentum rises
 * from 0.9 to 0.99 and their initial deviations differ by layer; here the one stays and the others
 * are Glorot's. */
static const char *const hep_settings[] = {
    "data.embedding=none",
    "network.hidden=300,300,300,300,300",
    "network.activation=tanh",
    "network.initialization=glorot",
    "training.epochs=200",
    "training.batch_size=100",
    "training.early_stopping.patience=10",
    "training.early_stopping.min_delta=0.00001",
    "optimizer.name=momentum",
    "optimizer.learning_rate=0.05",
    "optimizer.momentum=0.9",
    "optimizer.weight_decay=0.00001",
    "schedule.name=exponential",
    "schedule.gamma=0.9948",
    "average.name=none",
    NULL,
};

/* ICSI's QuickNet: the learning rate stays until the validation loss gains too little, is then
 * halved each epoch, and training ends where that gains nothing any more. */
static const char *const newbob_settings[] = {
    "training.epochs=100",
    "optimizer.name=momentum",
    "optimizer.learning_rate=0.01",
    "optimizer.momentum=0.9",
    "schedule.name=newbob",
    "average.name=none",
    NULL,
};

/* For tables of some thousand rows at most: the objective is a smooth function of the weights, each
 * evaluation of which takes all rows. */
static const char *const lbfgs_settings[] = {
    "data.embedding=none",       "network.hidden=100",
    "network.activation=tanh",   "training.epochs=400",
    "training.batch_size=10000", "optimizer.name=lbfgs",
    "optimizer.learning_rate=1", "optimizer.weight_decay=0.0001",
    "average.name=none",         NULL,
};

const gr_preset gr_presets[] = {
    {"default", "two hidden layers of relu trained by Adam: a sensible start", default_settings},
    {"textbook", "one hidden layer of 30 sigmoids, quadratic loss, plain gradient descent",
     textbook_settings},
    {"sklearn", "scikit-learn's MLPClassifier and MLPRegressor with their defaults",
     sklearn_settings},
    {"mnist", "two hidden layers of 800 relu with dropout and max-norm, for images",
     mnist_settings},
    {"hep", "five hidden layers of 300 tanh, momentum, for collisions of particles", hep_settings},
    {"newbob", "momentum whose learning rate is halved once validation gains little",
     newbob_settings},
    {"lbfgs", "a hidden layer of 100 tanh, all rows at once: for tables of up to 10000 rows",
     lbfgs_settings},
};
const size_t gr_n_presets = sizeof gr_presets / sizeof gr_presets[0];

static gradus_status unknown_preset(const char *name, gradus_error *err) {
  const char *names[sizeof gr_presets / sizeof gr_presets[0]];
  for (size_t i = 0; i < gr_n_presets; i++) names[i] = gr_presets[i].name;
  const char *nearest = gr_nearest_word(name, names, gr_n_presets);
  return gr_fail(err, GRADUS_ERR_CONFIG, "unknown preset '%.60s'; did you mean '%s'?", name,
                 nearest ? nearest : names[0]);
}

/* Applies "key=value". */
static gradus_status apply(gr_config *config, const gr_preset *preset, const char *setting,
                           gradus_error *err) {
  char key[GR_KEY_NAME];
  size_t length = strcspn(setting, "=");
  if (length >= sizeof key || !setting[length])
    return gr_fail(err, GRADUS_ERR_INTERNAL, "preset %s: '%s'", preset->name, setting);
  memcpy(key, setting, length);
  key[length] = '\0';
  return gr_config_set(config, key, setting + length + 1, preset->name, err);
}

gradus_status gr_config_preset(gr_config *config, const char *name, gradus_error *err) {
  for (size_t i = 0; i < gr_n_presets; i++) {
    if (strcmp(gr_presets[i].name, name) != 0) continue;
    for (const char *const *setting = gr_presets[i].settings; *setting; setting++)
      GR_TRY(apply(config, &gr_presets[i], *setting, err));
    return GRADUS_OK;
  }
  return unknown_preset(name, err);
}
