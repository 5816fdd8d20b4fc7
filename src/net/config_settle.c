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
