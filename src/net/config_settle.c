/* What `auto` means where the recipe alone says it: the numbers of the optimiser and of the
 * schedule, as those who published them chose them. */
#include <config.h>

#include "kernel/kinds.h"
#include "net/config.h"
#include "net/schedule.h"

static void settle(double *field, double value, const char *name, bool *any, gr_text *notes) {
  if (*field != GR_AUTO) return;
  *field = value;
  if (!notes) return;
  gr_text_printf(notes, *any ? ", %s " : "%s ", name);
  gr_text_put_double(notes, value);
  *any = true;
}

static void end_note(bool any, const char *what, const char *name, gr_text *notes) {
  if (any) gr_text_printf(notes, " (the %s is %s)\n", what, name);
}

uint64_t gr_config_step_rows(const gr_config *config) {
  return (uint64_t)config->training.batch_size * (uint64_t)config->training.accumulate;
}

uint64_t gr_config_epoch_steps(const gr_config *config, uint64_t n_train) {
  const uint64_t rows = gr_config_step_rows(config);
  return n_train / rows + (n_train % rows > 0);
}

/* Steps until `samples` rows have been seen; the last step of an epoch may be short. */
static uint64_t steps_of_samples(const gr_config *config, uint64_t samples, uint64_t n_train) {
  const uint64_t rows = gr_config_step_rows(config), rest = samples % n_train;
  return samples / n_train * gr_config_epoch_steps(config, n_train) + rest / rows +
         (rest % rows > 0);
}

bool gr_config_has_budget(const gr_config *config) {
  return config->training.steps > 0 || config->training.samples > 0;
}

uint64_t gr_config_total_steps(const gr_config *config, uint64_t n_train) {
  const uint64_t steps = (uint64_t)config->training.steps,
                 samples = (uint64_t)config->training.samples;
  const uint64_t by_samples = samples > 0 ? steps_of_samples(config, samples, n_train) : 0;
  if (!gr_config_has_budget(config))
    return gr_config_epoch_steps(config, n_train) * (uint64_t)config->training.epochs;
  return steps == 0 || (samples > 0 && by_samples < steps) ? by_samples : steps;
}

void gr_config_settle(gr_config *config, gr_text *notes) {
  const gr_optimizer_kind *o = &gr_optimizers[config->optimizer.name];
  const gr_schedule_kind *s = &gr_schedules[config->schedule.name];
  bool any = false;
  /* What only a table would have had. */
  if (config->data.embedding == GR_AUTO) config->data.embedding = GR_EMBED_NONE;
  if (config->average.name == GR_AUTO) config->average.name = GR_AVERAGE_NONE;
  settle(&config->optimizer.learning_rate, o->learning_rate, "optimizer.learning_rate", &any,
         notes);
  settle(&config->optimizer.momentum, o->momentum, "momentum", &any, notes);
  settle(&config->optimizer.beta1, o->beta1, "beta1", &any, notes);
  settle(&config->optimizer.beta2, o->beta2, "beta2", &any, notes);
  settle(&config->optimizer.epsilon, o->epsilon, "epsilon", &any, notes);
  end_note(any, "optimizer", o->name, notes);
  any = false;
  settle(&config->schedule.gamma, s->gamma, "schedule.gamma", &any, notes);
  settle(&config->schedule.threshold, s->threshold, "schedule.threshold", &any, notes);
  end_note(any, "schedule", s->name, notes);
}
